#include "scenarios/commands/results.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "scenarios/text_file.h"

namespace scenarios {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kBaselineBytesMax = std::int64_t{64} << 20;

struct Output {
  std::string path;
  std::string (*render)(const Results&);
};

std::string markdown(const Results& results) {
  return reports::markdown_summary(results.ci);
}

std::string junit(const Results& results) {
  return reports::junit_report(results.ci);
}

std::string json(const Results& results) {
  return results.json;
}

// The files that were asked for.
std::vector<Output> outputs_of(const CommonOptions& common) {
  std::vector<Output> outputs{
      {common.markdown, markdown}, {common.junit, junit}, {common.json, json}};
  if (!common.report_directory.empty()) {
    outputs.push_back({common.report_directory + "/verdicts.md", markdown});
  }
  std::erase_if(outputs, [](const Output& output) { return output.path.empty(); });
  return outputs;
}

bool writes_to_stdout(const CommonOptions& common) {
  return std::ranges::count(outputs_of(common), "-", &Output::path) > 0;
}

// GitHub knows files by their place in the repository, wherever the command was given.
reports::CiReport in_workspace(reports::CiReport report, const std::string& workspace) {
  std::error_code failure;
  const fs::path root = fs::weakly_canonical(workspace, failure);
  for (reports::JudgedCase& judged : report.cases) {
    const fs::path file = fs::weakly_canonical(judged.file, failure);
    const fs::path inside = file.lexically_relative(root);
    const bool is_inside = !workspace.empty() && !judged.file.empty() && !failure &&
                           !inside.empty() && *inside.begin() != "..";
    judged.file = is_inside ? inside.string() : judged.file;
  }
  return report;
}

// Empty: done, or this is no workflow of GitHub; else a sentence. The steps of a job share the file
// of its summary.
std::string tell_github(const GitHubStep& step, const Results& results) {
  if (step.shows_notes) {
    print_aside(reports::github_annotations(in_workspace(results.ci, step.workspace)));
  }
  const std::string unwritten =
      step.summary.empty()
          ? std::string()
          : append_text(step.summary, reports::markdown_summary(results.ci) + "\n");
  return unwritten.empty() ? unwritten : "the summary of the job: " + unwritten;
}

}  // namespace

std::string output_conflict(const CommonOptions& common) {
  return std::ranges::count(outputs_of(common), "-", &Output::path) > 1
             ? "only one of --json, --markdown and --junit can have standard output"
             : "";
}

std::string first_unwritable(const CommonOptions& common) {
  const std::string no_folder =
      common.report_directory.empty() ? std::string() : make_folder(common.report_directory);
  if (!no_folder.empty()) {
    return no_folder;
  }
  for (const Output& output : outputs_of(common)) {
    const std::string failure = output.path == "-" ? std::string() : write_text(output.path, "");
    if (!failure.empty()) {
      return failure;
    }
  }
  return {};
}

Loaded<std::optional<std::vector<reports::Standing>>> read_baseline(const CommonOptions& common,
                                                                    reports::AnswerKind kind) {
  using Baseline = std::optional<std::vector<reports::Standing>>;
  if (common.baseline.empty()) {
    return Baseline();
  }
  const auto text = read_text_file(common.baseline, kBaselineBytesMax);
  if (!text) {
    return text.error();
  }
  auto standings = reports::read_answer(*text, kind);
  if (!standings) {
    const reports::JsonError& error = standings.error();
    return Diagnostic{common.baseline, error.line, error.column, error.message};
  }
  return Baseline(std::move(*standings));
}

void compare_with(const std::optional<std::vector<reports::Standing>>& baseline,
                  const CommonOptions& common,
                  reports::AnswerKind kind,
                  Results& results) {
  if (!baseline) {
    return;
  }
  std::vector<reports::Standing> now;
  if (!results.ci.cases.empty()) {
    auto read = reports::read_answer(results.json, kind);
    INVARIANT(read.has_value(), "our own answer cannot be read: {}", read.error().message);
    now = std::move(*read);
  }
  reports::hold_against(results.ci, common.baseline, reports::compare(*baseline, now));
}

std::string write_results(const CommonOptions& common, const Results& results) {
  std::string first_failure;
  const auto keep = [&first_failure](const std::string& failure) {
    first_failure = first_failure.empty() ? failure : first_failure;
  };
  const std::string changes = reports::terminal_changes(results.ci);
  if (writes_to_stdout(common)) {
    print_aside(changes);
  } else {
    keep(write_text("-", results.table + changes));
  }
  for (const Output& output : outputs_of(common)) {
    keep(write_text(output.path, output.render(results)));
  }
  keep(tell_github(common.github, results));
  return first_failure;
}

reports::JudgedCase case_of(const Scenario& scenario,
                            const std::string& kafka,
                            const std::string& token,
                            const std::vector<Mismatch>& mismatches,
                            ScenarioPlaces& places) {
  reports::JudgedCase judged;
  judged.name = scenario.name;
  judged.group = "onceproof." + kafka;
  const bool has_witness = !mismatches.empty() && !mismatches.front().token.empty();
  judged.token = has_witness ? mismatches.front().token : token;
  judged.line = places.line_of(scenario, {"scenario"});
  judged.file = judged.line > 0 ? scenario.path : std::string();
  for (const Mismatch& mismatch : mismatches) {
    judged.reasons.push_back(
        {.sentence = mismatch.sentence, .line = places.line_of(scenario, mismatch.key)});
  }
  return judged;
}

}  // namespace scenarios
