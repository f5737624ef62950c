// tests/support/tidy_rules.h
//
// The rules of the tree that no compiler and no formatter knows. docs/CODING.md says why each is
// there; tidy_test shows what each accuses and what it spares.

#pragma once

#include <string>
#include <vector>

#include "tests/support/source_tree.h"

namespace tests {

struct Finding {
  std::string path;
  int line = 0;
  std::string message;
};

using Findings = std::vector<Finding>;

// Includes follow the table of layers in docs/ARCHITECTURE.md.
void check_layers(const File& file, Findings& findings);

// R1: no co_await in a condition.
void check_named_results(const File& file, Findings& findings);

// R2: no braces and no lambda between co_await and the semicolon.
void check_awaited_expressions(const File& file, Findings& findings);

// R3: parameters by value.
void check_coroutine_parameters(const File& file, Findings& findings);

// R4: a lambda coroutine captures nothing.
void check_lambda_coroutines(const File& file, Findings& findings);

// R8: no statement expression, no TRY macro.
void check_statement_expressions(const File& file, Findings& findings);

// No clock, randomness, thread or iteration order but those of the world.
void check_determinism(const File& file, Findings& findings);

// Nothing that vanishes in some build, prints from a library or fails to parse somewhere.
void check_language(const File& file, Findings& findings);

// A header says its path and its purpose, and is included once.
void check_header_comment(const File& file, Findings& findings);

// No notes to oneself.
void check_markers(const File& file, Findings& findings);

// No code that is commented out.
void check_dead_code(const File& file, Findings& findings);

// Columns, tabs, blanks at the end.
void check_lines(const File& file, Findings& findings);

// A function fits a screen.
void check_function_length(const File& file, Findings& findings);

// No absolute path of somebody's machine.
void check_machine_paths(const File& file, Findings& findings);

// A document has one title, and begins with it.
void check_titles(const File& file, Findings& findings);

// Every source is named by a CMakeLists.txt.
void check_listed(const Tree& tree, Findings& findings);

// No two files of the program define a type of one name in one namespace.
void check_one_definition(const Tree& tree, Findings& findings);

// Every relative link in a document leads to a file.
void check_links(const Tree& tree, Findings& findings);

// Every path in backticks in a document exists.
void check_named_files(const Tree& tree, Findings& findings);

}  // namespace tests
