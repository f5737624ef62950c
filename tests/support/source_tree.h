// tests/support/source_tree.h
//
// The source tree as the rules of tidy_test see it: files, their lines, and for C++ their tokens.

#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tests {

struct Token {
  std::string text;  // an identifier, a number, "::", "->", `""` for any literal, or one character
  int line = 0;
};

using Tokens = std::vector<Token>;

// A line comment, without the slashes.
struct Comment {
  std::string text;
  int line = 0;
};

struct File {
  std::string path;
  std::vector<std::string> lines;
  Tokens tokens;  // code only: no comments, no preprocessor, no content of literals
  std::vector<Comment> comments;
};

using Tree = std::map<std::string, File>;

void add_file(Tree& tree, const std::string& path, const std::string& text);

// A file, or a folder that holds one.
bool exists(const Tree& tree, const std::string& path);

bool is_cpp(std::string_view path);

// A letter, a digit or an underscore.
bool is_word(char c);

// An index behind the last token is allowed in each of these, and is nothing.
bool is(const Tokens& tokens, std::size_t index, std::string_view text);
bool is_any(const Tokens& tokens, std::size_t index, const std::set<std::string>& texts);
bool is_identifier(const Tokens& tokens, std::size_t index);

// A coroutine's type: Task< or awaitable<.
bool is_task(const Tokens& tokens, std::size_t index);

// The bracket that closes the one at `open`, or the last token if none does.
std::size_t matching(const Tokens& tokens, std::size_t open);

// The parenthesis that opens the one at `close`, or the first token.
std::size_t matching_backwards(const Tokens& tokens, std::size_t close);

// From the opening bracket to the closing one.
struct Span {
  std::size_t first = 0;
  std::size_t last = 0;
};

struct Lambda {
  Span captures;
  Span body;
  bool returns_task = false;
};

// A bracket opens a lambda unless it follows a value (then it is a subscript) or doubles (an
// attribute).
bool opens_lambda(const Tokens& tokens, std::size_t index);

std::vector<Lambda> find_lambdas(const Tokens& tokens);

}  // namespace tests
