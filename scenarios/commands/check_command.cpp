#include <algorithm>
#include <string>
#include <vector>

#include "reports/check/answer.h"
#include "reports/check/check.h"
#include "reports/history/answer.h"
#include "reports/history/history_reader.h"
#include "scenarios/commands/commands.h"
#include "scenarios/commands/progress.h"

namespace scenarios {
namespace {

namespace check = reports::check;
namespace history = reports::history;

// Empty: it can be judged; else a sentence.
std::string why_not(const CheckOptions& options) {
  const check::Question& question = options.question;
  const bool has_history = !options.kafka_history.empty();
  if (has_history && (!question.inputs.empty() || !question.outputs.empty() || options.expected)) {
    return "--kafka-history stands alone: it has neither --input nor --output nor --expect";
  }
  if (!has_history && (question.inputs.empty() || question.outputs.empty())) {
    return "check needs --input FILE and --output FILE, or --kafka-history FILE "
           "(onceproof check --help)";
  }
  const auto stdin_count =
      std::ranges::count(question.inputs, "-") + std::ranges::count(question.outputs, "-");
  return stdin_count > 1 ? "standard input can be read once: only one file may be -" : "";
}

int answer(const CommonOptions& common, const std::string& text, const std::string& json, bool ok) {
  const std::string unwritten = write_answer(common, text, json);
  if (!unwritten.empty()) {
    return fail(kBenchFailed, unwritten);
  }
  return ok ? kAsExpected : kUnexpected;
}

int judge_history(const CheckOptions& options) {
  const auto read = history::read_history(options.kafka_history);
  if (!read) {
    return fail(kBadInput, read.error().to_string());
  }
  const history::HistoryVerdict verdict = history::judge(*read);
  return answer(options.common,
                history::terminal_answer(verdict),
                history::json_answer(verdict),
                verdict.is_valid());
}

int judge_records(const CheckOptions& options) {
  const check::Question& question = options.question;
  std::size_t begun = 0;
  const Progress progress(options.common.quiet, question.inputs.size() + question.outputs.size());
  const auto found = check::check(
      question, [&](const std::string& path) { progress.show(++begun, "reading " + path); });
  progress.end();
  if (!found) {
    return fail(kBadInput, found.error().to_string());
  }
  return answer(options.common,
                check::terminal_answer(*found, question, options.expected),
                check::json_answer(*found, options.expected),
                check::is_as_expected(*found, options.expected));
}

}  // namespace

int check_command(const CheckOptions& options) {
  const std::string refused = why_not(options);
  if (!refused.empty()) {
    return fail(kBadInput, refused);
  }
  return options.kafka_history.empty() ? judge_records(options) : judge_history(options);
}

}  // namespace scenarios
