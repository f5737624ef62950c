#include <algorithm>
#include <string>
#include <vector>

#include "reports/check/answer.h"
#include "reports/check/check.h"
#include "scenarios/commands/commands.h"
#include "scenarios/commands/progress.h"

namespace scenarios {
namespace {

namespace check = reports::check;

// Empty: it can be judged; else a sentence.
std::string why_not(const check::Question& question) {
  const auto stdin_count =
      std::ranges::count(question.inputs, "-") + std::ranges::count(question.outputs, "-");
  return stdin_count > 1 ? "standard input can be read once: only one file may be -" : "";
}

}  // namespace

int check_command(const CheckOptions& options) {
  const check::Question& question = options.question;
  const std::string refused = why_not(question);
  if (!refused.empty()) {
    return fail(kBadInput, refused);
  }
  std::size_t begun = 0;
  const Progress progress(options.common.quiet, question.inputs.size() + question.outputs.size());
  const auto answer = check::check(
      question, [&](const std::string& path) { progress.show(++begun, "reading " + path); });
  progress.end();
  if (!answer) {
    return fail(kBadInput, answer.error().to_string());
  }
  const CommonOptions& common = options.common;
  std::string unwritten =
      common.json == "-"
          ? std::string()
          : write_text("-", check::terminal_answer(*answer, question, options.expected));
  if (unwritten.empty() && !common.json.empty()) {
    unwritten = write_text(common.json, check::json_answer(*answer, options.expected));
  }
  if (!unwritten.empty()) {
    return fail(kBenchFailed, unwritten);
  }
  return check::is_as_expected(*answer, options.expected) ? kAsExpected : kUnexpected;
}

}  // namespace scenarios
