// The command line. Parsing only: what a sub-command does is in scenarios/commands.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "scenarios/commands/commands.h"
#include "scenarios/commands/interruption.h"
#include "scenarios/commands/process_setup.h"
#include "scenarios/units.h"

namespace {

constexpr std::int32_t kJobsMax = 1024;
constexpr std::int64_t kShardsMax = 1'000'000;
constexpr std::int64_t kBudgetMax = 1'000'000'000;

// Decimal digits and nothing else: no sign that would wrap around, no octal, no "0x".
template <class Number>
CLI::Option* add_number(CLI::App& command,
                        const std::string& name,
                        Number min,
                        Number max,
                        std::function<void(Number)> set,
                        const std::string& description) {
  const auto read = [=](const std::string& text) {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    const bool whole = parsed.ec == std::errc{} && parsed.ptr == end;
    if (!whole || number < min || number > max) {
      throw CLI::ValidationError(
          fmt::format("{} {}: this must be a whole number from {} to {}", name, text, min, max));
    }
    set(number);
  };
  return command.add_option_function<std::string>(name, read, description)->type_name("N");
}

void add_duration(CLI::App& command,
                  const std::string& name,
                  std::optional<engine::Duration>& duration,
                  const std::string& description) {
  const auto read = [name, &duration](const std::string& text) {
    const auto parsed = scenarios::parse_duration(text);
    if (!parsed) {
      throw CLI::ValidationError(fmt::format("{} \"{}\": this {}", name, text, parsed.error()));
    }
    duration = *parsed;
  };
  command.add_option_function<std::string>(name, read, description)->type_name("DURATION");
}

void add_seed(CLI::App& command, scenarios::CommonOptions& common, const std::string& description) {
  add_number<std::uint64_t>(
      command,
      "--seed",
      0,
      ~std::uint64_t{0},
      [&common](std::uint64_t seed) { common.seed = seed; },
      description);
}

void add_jobs(CLI::App& command, scenarios::CommonOptions& common, const std::string& description) {
  add_number<std::int32_t>(
      command,
      "--jobs",
      1,
      kJobsMax,
      [&common](std::int32_t jobs) { common.jobs = jobs; },
      description);
}

// `budget` is a number, or may be none.
template <class Budget>
void add_budget(CLI::App& command, Budget& budget, const std::string& description) {
  add_number<std::int64_t>(
      command,
      "--budget",
      1,
      kBudgetMax,
      [&budget](std::int64_t given) { budget = given; },
      description);
}

void add_kafka(CLI::App& command, scenarios::CommonOptions& common) {
  command.add_option("--kafka", common.kafka, "mock, model, or HOST:PORT of a cluster")
      ->type_name("WHERE");
}

void add_file(CLI::App& command,
              const std::string& name,
              std::string& file,
              const std::string& description) {
  command.add_option(name, file, description)->type_name("FILE");
}

void add_pages(CLI::App& command, std::string& folder, const std::string& description) {
  command.add_option("--html", folder, description)->type_name("DIR");
}

// "3/64": a number, a stroke, a number that is not smaller.
void add_shard(CLI::App& command, scenarios::Shard& shard) {
  const auto read = [&shard](const std::string& text) {
    const char* const end = text.data() + text.size();
    const auto index = std::from_chars(text.data(), end, shard.index);
    const bool has_count = index.ec == std::errc{} && index.ptr != end && *index.ptr == '/';
    const auto count = has_count ? std::from_chars(index.ptr + 1, end, shard.count) : index;
    const bool whole = has_count && count.ec == std::errc{} && count.ptr == end;
    if (!whole || shard.index < 1 || shard.index > shard.count || shard.count > kShardsMax) {
      throw CLI::ValidationError(fmt::format(
          "--shard \"{}\": this must be I/N, share I of N, with I from 1 to N, and N up to {}",
          text,
          kShardsMax));
    }
  };
  command.add_option_function<std::string>("--shard", read, "Only share I of N of the search")
      ->type_name("I/N");
}

void add_formats(CLI::App& command, scenarios::CommonOptions& common) {
  add_file(command, "--junit", common.junit, "JUnit XML to this file; - is stdout");
  add_file(command, "--markdown", common.markdown, "Markdown summary to this file; - is stdout");
  add_file(command, "--json", common.json, "JSON to this file; - is stdout");
}

void add_baseline(CLI::App& command, scenarios::CommonOptions& common) {
  add_file(command, "--baseline", common.baseline, "Fail if anything is worse than this --json");
}

void add_terminal_flags(CLI::App& command, scenarios::CommonOptions& common) {
  command.add_flag("--quiet", common.quiet, "No progress on stderr");
  command.add_flag("--no-color", common.no_color, "No colours (also: NO_COLOR in the environment)");
}

CLI::App* add_run(CLI::App& program, scenarios::RunOptions& options) {
  CLI::App* const command = program.add_subcommand("run", "Run scenarios and judge them");
  scenarios::CommonOptions& common = options.common;
  common.database = "onceproof.db";
  common.report_directory = "report";
  command
      ->add_option("scenarios", options.scenarios, "Files, folders or names; none: the catalogue")
      ->type_name("FILE|DIR|NAME");
  add_kafka(*command, common);
  add_seed(*command, common, "Instead of the seed of each scenario");
  add_jobs(*command, common, "Scenarios at once; default: one per processor");
  add_file(*command, "--db", common.database, "Where to record; empty: nowhere [onceproof.db]");
  command
      ->add_option(
          "--html", common.report_directory, "For pages and verdicts.md; empty: none [report]")
      ->type_name("DIR");
  add_formats(*command, common);
  add_baseline(*command, common);
  add_terminal_flags(*command, common);
  return command;
}

CLI::App* add_explore(CLI::App& program, scenarios::ExploreOptions& options) {
  CLI::App* const command = program.add_subcommand("explore", "Search for what breaks a promise");
  scenarios::CommonOptions& common = options.common;
  common.kafka = "model";
  common.database = "onceproof.db";
  command->add_option("scenarios", options.scenarios, "Files, folders or names")
      ->required()
      ->type_name("FILE|DIR|NAME");
  command
      ->add_option("--strategy", options.strategy, "exhaustive, random, pct or swarm [exhaustive]")
      ->type_name("NAME");
  add_number<std::int32_t>(
      *command,
      "--depth",
      1,
      3,
      [&options](std::int32_t depth) { options.depth = depth; },
      "Faults in one schedule besides the scenario's own");
  add_budget(*command, options.budget, "Schedules to run, at most");
  add_duration(*command, "--time", options.time, "Stop searching after so long, such as 60s");
  add_kafka(*command, common);
  add_seed(*command, common, "Instead of the seed of each scenario");
  add_jobs(*command, common, "Threads; default: one per processor");
  add_file(*command, "--db", common.database, "Keeps what is done; empty: nowhere [onceproof.db]");
  command->add_flag("--resume", options.resumes, "Go on with what the file has of this search");
  add_shard(*command, options.shard);
  add_pages(*command, common.report_directory, "Pages of what is found to this folder");
  add_formats(*command, common);
  add_baseline(*command, common);
  command->add_flag("--quiet", common.quiet, "No progress on stderr");
  return command;
}

CLI::App* add_replay(CLI::App& program, scenarios::ReplayOptions& options) {
  CLI::App* const command = program.add_subcommand("replay", "Run exactly one run again");
  options.common.kafka.clear();
  command->add_option("token", options.token, "op1-...")->required()->type_name("TOKEN");
  command->add_option("scenarios", options.scenarios, "Files or folders to look in first")
      ->type_name("FILE|DIR");
  add_kafka(*command, options.common);
  command->add_flag("--events", options.events, "Print every named event instead of the story");
  command->add_flag("--trace", options.trace, "Print every step instead of the story");
  add_number<std::uint64_t>(
      *command,
      "--until",
      0,
      ~std::uint64_t{0},
      [&options](std::uint64_t step) { options.until = step; },
      "Print the trace, up to this step");
  command->add_flag("--verify", options.verify, "Run twice and name the first difference");
  add_formats(*command, options.common);
  add_terminal_flags(*command, options.common);
  return command;
}

CLI::App* add_explain(CLI::App& program, scenarios::ExplainOptions& options) {
  CLI::App* const command =
      program.add_subcommand("explain", "What happened to a record, and which step decided it");
  options.common.kafka = "model";
  command
      ->add_option("words", options.words, "op1-..., unless --run is given; files to look in first")
      ->type_name("TOKEN|FILE|DIR");
  add_file(*command, "--db", options.common.database, "A recording, for --run");
  add_number<std::int64_t>(
      *command,
      "--run",
      1,
      std::numeric_limits<std::int64_t>::max(),
      [&options](std::int64_t run) { options.run = run; },
      "This run of the recording, instead of a token");
  add_number<std::int64_t>(
      *command,
      "--record",
      0,
      std::numeric_limits<std::int64_t>::max(),
      [&options](std::int64_t record) { options.record = record; },
      "This record; default: the first few of each kind");
  add_budget(*command, options.budget, "Continuations to try for each, at most [2000]");
  add_kafka(*command, options.common);
  add_file(*command, "--json", options.common.json, "JSON to this file; - is stdout");
  return command;
}

CLI::App* add_shrink(CLI::App& program, scenarios::ShrinkOptions& options) {
  CLI::App* const command =
      program.add_subcommand("shrink", "The least that still shows what a run shows");
  options.common.kafka.clear();
  command->add_option("token", options.token, "op1-...")->required()->type_name("TOKEN");
  command->add_option("scenarios", options.scenarios, "Files or folders to look in first")
      ->type_name("FILE|DIR");
  add_kafka(*command, options.common);
  command
      ->add_option("--finding", options.finding, "What to keep; default: the gravest that is shown")
      ->type_name("KIND");
  add_file(*command, "--out", options.out, "For the smaller scenario [NAME.shrunk.yaml]");
  add_budget(*command, options.budget, "Runs at most [20000]");
  add_duration(*command, "--time", options.time, "Stop searching after so long, such as 60s");
  add_file(*command, "--json", options.common.json, "JSON to this file; - is stdout");
  add_terminal_flags(*command, options.common);
  return command;
}

CLI::App* add_matrix(CLI::App& program, scenarios::MatrixOptions& options) {
  CLI::App* const command =
      program.add_subcommand("matrix", "What every pipeline guarantees, by who dies");
  scenarios::CommonOptions& common = options.common;
  common.kafka = "model";
  command
      ->add_option(
          "--kafka",
          common.kafka,
          "Explore on model (the default); mock or HOST:PORT also run witnesses again there")
      ->type_name("WHERE");
  add_seed(*command, common, "Instead of seed 1");
  add_jobs(*command, common, "Rows at once; default: one per processor");
  const auto add_filter = [command](const std::string& name, std::vector<std::string>& words) {
    command->add_option(name, words, "Only these; may be given several times")
        ->type_name("NAME")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  add_filter("--source", options.sources);
  add_filter("--sink", options.sinks);
  add_filter("--crash", options.crashes);
  command
      ->add_option("--protocol", options.protocol, "faithful (the default): Spark's own; hardened")
      ->type_name("NAME");
  add_number<std::int32_t>(
      *command,
      "--depth",
      1,
      2,
      [&options](std::int32_t depth) { options.depth = depth; },
      "2: all pairs of crashes as well, where none alone loses");
  command->add_flag("--scenarios", options.scenarios, "Print the world of each row as a scenario");
  add_file(*command, "--db", common.database, "A recording that keeps the table");
  add_pages(*command, common.report_directory, "Pages of that recording to this folder");
  add_formats(*command, common);
  add_baseline(*command, common);
  add_terminal_flags(*command, common);
  return command;
}

CLI::App* add_defects(CLI::App& program, scenarios::DefectsOptions& options) {
  CLI::App* const command = program.add_subcommand(
      "defects", "Mistakes that the engine can make, and what convicts them");
  scenarios::CommonOptions& common = options.common;
  command->add_option("names", options.names, "Only these, such as offset_guard.blind_update")
      ->type_name("NAME");
  add_jobs(*command, common, "Defects at once; default: one per processor");
  add_formats(*command, common);
  command->add_flag("--quiet", common.quiet, "No progress on stderr");
  return command;
}

CLI::App* add_merge(CLI::App& program, scenarios::MergeOptions& options) {
  CLI::App* const command = program.add_subcommand("merge", "Make one campaign of several files");
  command->add_option("files", options.files, "Campaigns of explore --db")
      ->required()
      ->type_name("FILE");
  add_file(*command, "--db", options.common.database, "For the whole; default: the first file");
  add_file(*command, "--json", options.common.json, "JSON to this file; - is stdout");
  return command;
}

// A word of a list, read by `find`, which gives nothing for any other.
template <class Value, class Find, class Names>
void add_word(CLI::App& command,
              const std::string& name,
              Value& value,
              Find find,
              const Names& names,
              const std::string& description) {
  const auto read = [name, &value, find, &names](const std::string& word) {
    const auto found = find(word);
    if (!found || std::ranges::find(names, word) == std::end(names)) {
      throw CLI::ValidationError(
          fmt::format("{} {}: what is accepted is {}", name, word, fmt::join(names, ", ")));
    }
    value = *found;
  };
  command.add_option_function<std::string>(name, read, description)->type_name("WORD");
}

CLI::App* add_check(CLI::App& program, scenarios::CheckOptions& options) {
  namespace check = reports::check;
  static constexpr std::array<std::string_view, 3> kExpected{
      "exactly-once", "at-least-once", "at-most-once"};
  CLI::App* const command =
      program.add_subcommand("check", "Judge inputs and outputs of your own pipeline");
  check::Question& question = options.question;
  const auto add_files = [command](const std::string& name,
                                   std::vector<std::string>& files,
                                   const std::string& description) {
    command->add_option(name, files, description)
        ->type_name("FILE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  add_files("--input",
            question.inputs,
            "What went in: JSON Lines, CSV, or FILE:TABLE of SQLite; - is stdin; may be repeated");
  add_files("--output", question.outputs, "What came out, likewise, in the order it was written");
  add_word(*command,
           "--identity",
           question.identity,
           check::find_identity,
           check::kIdentityNames,
           "How records are told apart: offset (the default), id, key-value");
  add_word(*command,
           "--order",
           question.order,
           check::find_order,
           check::kOrderNames,
           "Where order counts: none (the default), partition, key");
  add_word(*command,
           "--aggregate",
           question.aggregate,
           check::find_aggregate,
           check::kAggregateNames,
           "Outputs are aggregates: count-by-key, sum-by-key");
  add_word(*command,
           "--expect",
           options.expected,
           reports::find_guarantee,
           kExpected,
           "Status 1 if less is found than exactly-once, at-least-once or at-most-once");
  add_file(*command,
           "--kafka-history",
           options.kafka_history,
           "Instead: what clients of a Kafka did and saw, as JSON Lines; - is stdin");
  add_file(*command, "--json", options.common.json, "JSON to this file; - is stdout");
  command->add_flag("--quiet", options.common.quiet, "No progress on stderr");
  return command;
}

CLI::App* add_report(CLI::App& program, scenarios::ReportOptions& options) {
  CLI::App* const command =
      program.add_subcommand("report", "Make pages of a recording, for a browser");
  options.common.database = "onceproof.db";
  options.common.report_directory = "report";
  add_file(*command, "--db", options.common.database, "The recording [onceproof.db]");
  add_pages(*command, options.common.report_directory, "For the pages [report]");
  add_number<std::int64_t>(
      *command,
      "--run",
      1,
      std::numeric_limits<std::int64_t>::max(),
      [&options](std::int64_t run_id) {
        options.run_ids = options.run_ids.value_or(std::vector<std::int64_t>());
        options.run_ids->push_back(run_id);
      },
      "Only this run; may be given several times")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return command;
}

CLI::App* add_list(CLI::App& program, scenarios::ListOptions& options) {
  static const std::vector<std::string> words{
      "scenarios", "pipelines", "points", "faults", "sinks", "defects", "protocol"};
  const auto read = [&options](const std::string& word) {
    if (std::ranges::count(words, word) == 0) {
      throw CLI::ValidationError(
          fmt::format("list {}: what can be listed is {}", word, fmt::join(words, ", ")));
    }
    options.what = word;
  };
  CLI::App* const command = program.add_subcommand("list", "What there is");
  command->add_option_function<std::string>("word", read, fmt::format("{}", fmt::join(words, ", ")))
      ->required()
      ->type_name("WORD");
  command->add_flag("--markdown", options.markdown, "As a Markdown table");
  return command;
}

// CLI11 takes the word behind "--db=" for its value. An empty value is written out here.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool is_empty_value =
        argument.starts_with("--") && argument.find('=') != argument.npos && argument.back() == '=';
    arguments.push_back(is_empty_value ? argument.substr(0, argument.size() - 1) : argument);
    if (is_empty_value) {
      arguments.emplace_back();
    }
  }
  return arguments;
}

std::string names_of_commands(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* const command : program.get_subcommands({})) {
    names.push_back(command->get_name());
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string sentence(const CLI::App& program,
                     const std::vector<std::string>& arguments,
                     const CLI::ParseError& error) {
  const auto commands = program.get_subcommands();
  if (arguments.empty()) {
    return fmt::format("no command was given; the commands are {} (onceproof --help)",
                       names_of_commands(program));
  }
  if (commands.empty() && !arguments.front().starts_with("-")) {
    return fmt::format("{} is not a command; the commands are {} (onceproof --help)",
                       arguments.front(),
                       names_of_commands(program));
  }
  const std::string name = commands.empty() ? "" : " " + commands.front()->get_name();
  const auto extras = program.remaining(true);
  if (!extras.empty()) {
    const std::string_view kind = extras.front().starts_with("-") ? "option" : "argument";
    return fmt::format("the {} {} is not known (onceproof{} --help)", kind, extras.front(), name);
  }
  const std::string text = error.what();
  const bool no_value = text.ends_with("missing");
  return fmt::format("{} (onceproof{} --help)",
                     no_value ? text.substr(0, text.find(':')) + " needs a value" : text,
                     name);
}

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// What the environment says to every command.
void add_environment(scenarios::CommonOptions& common) {
  common.no_color |= !environment("NO_COLOR").empty();
  common.github = {.shows_notes = environment("GITHUB_ACTIONS") == "true",
                   .workspace = environment("GITHUB_WORKSPACE"),
                   .summary = environment("GITHUB_STEP_SUMMARY")};
}

// The options of every command.
struct Options {
  scenarios::RunOptions run;
  scenarios::ExploreOptions explore;
  scenarios::ReplayOptions replay;
  scenarios::ExplainOptions explain;
  scenarios::ShrinkOptions shrink;
  scenarios::MatrixOptions matrix;
  scenarios::DefectsOptions defects;
  scenarios::MergeOptions merge;
  scenarios::CheckOptions check;
  scenarios::ReportOptions report;
  scenarios::ListOptions list;
};

// What an interruption does to a command.
enum class Interrupted : std::uint8_t { kEndsAtOnce, kKeepsWhatIsFinished };

struct Command {
  const CLI::App* parser;
  Interrupted interrupted;
  std::function<int()> act;
};

// In the order in which the help names them.
std::vector<Command> add_commands(CLI::App& program, Options& options) {
  using enum Interrupted;
  return {
      {add_run(program, options.run),
       kKeepsWhatIsFinished,
       [&] { return scenarios::run_command(options.run); }},
      {add_explore(program, options.explore),
       kKeepsWhatIsFinished,
       [&] { return scenarios::explore_command(options.explore); }},
      {add_replay(program, options.replay),
       kEndsAtOnce,
       [&] { return scenarios::replay_command(options.replay); }},
      {add_explain(program, options.explain),
       kEndsAtOnce,
       [&] { return scenarios::explain_command(options.explain); }},
      {add_shrink(program, options.shrink),
       kKeepsWhatIsFinished,
       [&] { return scenarios::shrink_command(options.shrink); }},
      {add_matrix(program, options.matrix),
       kKeepsWhatIsFinished,
       [&] { return scenarios::matrix_command(options.matrix); }},
      {add_defects(program, options.defects),
       kKeepsWhatIsFinished,
       [&] { return scenarios::defects_command(options.defects); }},
      {add_merge(program, options.merge),
       kEndsAtOnce,
       [&] { return scenarios::merge_command(options.merge); }},
      {add_check(program, options.check),
       kEndsAtOnce,
       [&] { return scenarios::check_command(options.check); }},
      {add_report(program, options.report),
       kEndsAtOnce,
       [&] { return scenarios::report_command(options.report); }},
      {add_list(program, options.list),
       kEndsAtOnce,
       [&] { return scenarios::list_command(options.list); }},
  };
}

// The status with which the program ends already, having helped or refused.
std::optional<int> parse(CLI::App& program, const std::vector<std::string>& arguments) {
  try {
    program.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    return std::nullopt;
  } catch (const CLI::Success& success) {
    std::ostringstream text;
    program.exit(success, text, text);
    const std::string unwritten = scenarios::write_text("-", text.str());
    return unwritten.empty() ? scenarios::kAsExpected
                             : scenarios::fail(scenarios::kBenchFailed, unwritten);
  } catch (const CLI::ParseError& error) {
    return scenarios::fail(scenarios::kBadInput, sentence(program, arguments, error));
  }
}

int run_program(const std::vector<std::string>& arguments) {
  CLI::App program("Proves what a streaming pipeline delivers when machines die", "onceproof");
  program.set_version_flag("--version", "onceproof " ONCEPROOF_VERSION);
  program.require_subcommand(1);
  Options options;
  const std::vector<Command> commands = add_commands(program, options);
  if (const auto ended = parse(program, arguments)) {
    return *ended;
  }
  for (scenarios::CommonOptions* const common : {&options.run.common,
                                                 &options.explore.common,
                                                 &options.replay.common,
                                                 &options.matrix.common,
                                                 &options.defects.common}) {
    add_environment(*common);
  }
  const auto chosen = std::ranges::find_if(
      commands, [](const Command& command) { return command.parser->parsed(); });
  INVARIANT(chosen != commands.end(), "a command line without a command is refused");
  if (chosen->interrupted == Interrupted::kKeepsWhatIsFinished) {
    scenarios::watch_for_interruption();
  } else {
    scenarios::exit_when_interrupted();
  }
  return chosen->act();
}

}  // namespace

int main(int argc, char** argv) {
  scenarios::set_up_process();
  try {
    return run_program(arguments_of(argc, argv));
  } catch (const engine::InvariantViolation& violation) {
    return scenarios::fail(scenarios::kBenchFailed, "a broken invariant: " + violation.what);
  } catch (const std::exception& error) {
    return scenarios::fail(scenarios::kBenchFailed, error.what());
  }
}
