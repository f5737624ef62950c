// scenarios/commands/commands.h
//
// The sub-commands. Each takes its parsed options and returns the exit status of the program;
// results go to stdout, everything else to stderr.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/vocabulary.h"
#include "reports/check/question.h"
#include "scenarios/commands/options.h"
#include "scenarios/kept_search.h"

namespace scenarios {

struct RunOptions {
  CommonOptions common;
  std::vector<std::string> scenarios;  // files, folders, names; none: the catalogue
};

int run_command(const RunOptions& options);

struct ReplayOptions {
  CommonOptions common;
  std::string token;
  std::vector<std::string> scenarios;  // where to look besides the catalogue
  std::optional<std::uint64_t> until;  // the trace, but only so many steps of it
  bool trace = false;
  bool events = false;
  bool verify = false;
};

int replay_command(const ReplayOptions& options);

struct ExplainOptions {
  CommonOptions common;             // `database`: where the run is recorded; empty: it has a token
  std::vector<std::string> words;   // without a run: its token; then where to look for scenarios
  std::optional<std::int64_t> run;  // of the recording
  std::optional<std::int64_t> record;  // by record_id; empty: the first few of each kind
  std::int64_t budget = 2000;          // continuations of each
};

int explain_command(const ExplainOptions& options);

struct ShrinkOptions {
  CommonOptions common;
  std::string token;
  std::vector<std::string> scenarios;  // where to look besides the catalogue
  std::string finding;                 // what to keep; empty: the gravest that the run shows
  std::string out;                     // file of the smaller scenario; empty: NAME.shrunk.yaml
  std::int64_t budget = 20'000;        // runs
  std::optional<engine::Duration> time;
};

int shrink_command(const ShrinkOptions& options);

struct ExploreOptions {
  CommonOptions common;
  std::vector<std::string> scenarios;  // files, folders, names; at least one
  std::string strategy = "exhaustive";
  std::optional<std::int32_t> depth;   // empty: what each scenario says, else 1
  std::optional<std::int64_t> budget;  // schedules; empty: the strategy's own
  std::optional<engine::Duration> time;
  Shard shard;           // of the search; 1/1: all of it
  bool resumes = false;  // goes on with what common.database has
};

int explore_command(const ExploreOptions& options);

struct MatrixOptions {
  CommonOptions common;
  std::vector<std::string> sources;  // the rows and columns that are wanted; none: all
  std::vector<std::string> sinks;
  std::vector<std::string> crashes;
  std::string protocol = "faithful";  // or "hardened"
  std::int32_t depth = 1;             // 2: with the column any-two
  bool scenarios = false;             // print the worlds of the rows instead of exploring them
};

int matrix_command(const MatrixOptions& options);

struct DefectsOptions {
  CommonOptions common;
  std::vector<std::string> names;  // "offset_guard.blind_update"; none: all
};

int defects_command(const DefectsOptions& options);

struct MergeOptions {
  CommonOptions common;
  std::vector<std::string> files;  // without --db the others are merged into the first
};

int merge_command(const MergeOptions& options);

struct CheckOptions {
  CommonOptions common;
  reports::check::Question question;
  std::string kafka_history;  // instead of a question
  std::optional<reports::Guarantee> expected;
};

int check_command(const CheckOptions& options);

struct ReportOptions {
  CommonOptions common;  // the database, and the folder of the pages
  std::optional<std::vector<std::int64_t>> run_ids;
};

int report_command(const ReportOptions& options);

struct ListOptions {
  std::string what;  // scenarios, pipelines, points, faults, sinks, defects
  bool markdown = false;
};

int list_command(const ListOptions& options);

}  // namespace scenarios
