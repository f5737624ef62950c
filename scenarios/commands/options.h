// scenarios/commands/options.h
//
// What the sub-commands have in common: their options, their exit statuses, and how they say that
// something went wrong.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "reports/recording.h"
#include "reports/verdict_table.h"
#include "scenarios/prepared.h"
#include "scenarios/runner.h"

namespace scenarios {

enum ExitStatus : int {
  kAsExpected = 0,
  kUnexpected = 1,  // a verdict differs from what was expected
  kBadInput = 2,    // the command line, a scenario or an input file is wrong
  kBenchFailed = 3  // the bench itself could not do its work
};

// What a workflow of GitHub says of itself in the environment of its steps.
struct GitHubStep {
  bool shows_notes = false;  // GITHUB_ACTIONS
  std::string workspace;     // GITHUB_WORKSPACE: where the repository is
  std::string summary;       // GITHUB_STEP_SUMMARY: a file to which Markdown is added; empty: none
};

struct CommonOptions {
  std::string kafka = "mock";
  std::optional<std::uint64_t> seed;
  std::int32_t jobs = 0;  // 0: as many as there are processors
  std::string database;   // empty: none
  std::string junit;
  std::string markdown;
  std::string json;
  std::string baseline;          // an answer of before; empty: none
  std::string report_directory;  // for pages; empty: none
  GitHubStep github;
  bool quiet = false;
  bool no_color = false;
};

// "mock", "model" or HOST:PORT. Empty: something else.
std::optional<KafkaChoice> parse_kafka(const std::string& text);

// The sentence for when it is empty.
std::string not_a_kafka(const std::string& text);

// Empty: the cluster can do what every scenario asks of it; else a sentence.
std::string first_impossible(std::span<const PreparedScenario> prepared, const KafkaChoice& kafka);

// One line on stderr, "onceproof: ...", and the status.
int fail(ExitStatus status, const std::string& sentence);

// The same about a recording, with the status that says whether the file that was named is wrong or
// the bench could not do its work.
int fail_by(const reports::RecordingFailure& failure);

// To stderr; whatever comes of it.
void print_aside(const std::string& text);

// Writes `text` to a file, or to stdout for "-". Empty: done; else a sentence.
std::string write_text(const std::string& path, const std::string& text);

// The same behind what a file holds.
std::string append_text(const std::string& path, const std::string& text);

// `text` on stdout, unless the JSON that was asked for has its place. Empty: done; else a sentence.
std::string write_answer(const CommonOptions& common,
                         const std::string& text,
                         const std::string& json);

// Empty: it is there; else a sentence.
std::string make_folder(const std::string& path);

// The table in colours if stdout is a terminal and nobody objects.
std::string table_for_stdout(const CommonOptions& common,
                             std::span<const reports::VerdictRow> rows);

}  // namespace scenarios
