#include "onceproof/testing.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scenarios/explored_promises.h"
#include "scenarios/explorer.h"
#include "scenarios/fault_text.h"
#include "scenarios/onceproof/load.h"
#include "scenarios/runner.h"
#include "scenarios/token.h"

namespace onceproof {
namespace {

using scenarios::JudgedRun;
using scenarios::PreparedScenario;
using scenarios::Runner;

// One question about one pipeline, from the first run to the answer.
class Inquiry {
 public:
  Inquiry(const PreparedScenario& prepared, Runner& runner, bool has_user_code)
      : prepared_(prepared), runner_(runner), has_user_code_(has_user_code) {}

  Outcome explore();
  Outcome judge_only(const std::string& token);

 private:
  [[nodiscard]] std::string difference_between_runs();
  Outcome refutation(const scenarios::Exploration& exploration);
  [[nodiscard]] std::string describe(const faults::FaultPlan& plan,
                                     const JudgedRun& judged,
                                     const std::vector<std::string>& evidence) const;

  [[nodiscard]] Outcome cannot(const std::string& reason) const {
    return Outcome::fails(fmt::format("{}: {}", prepared_.scenario.name, reason), {}, 0);
  }

  [[nodiscard]] std::string promised() const {
    return std::string(reports::to_string(*prepared_.scenario.explore->always));
  }

  const PreparedScenario& prepared_;
  Runner& runner_;
  const bool has_user_code_;
};

bool same_rows(const JudgedRun& left, const JudgedRun& right) {
  const auto content = [](const reports::OutputRecord& row) {
    return std::tie(row.source, row.ordinal, row.key, row.value);
  };
  return std::ranges::equal(
      left.run.ledger.outputs, right.run.ledger.outputs, {}, content, content);
}

std::string words_of(const faults::FaultPlan& plan) {
  std::vector<std::string> words;
  std::ranges::transform(plan, std::back_inserter(words), [](const faults::Fault& fault) {
    return scenarios::to_string(fault);
  });
  return words.empty() ? "no fault at all" : fmt::format("{}", fmt::join(words, "; "));
}

// Two runs of one program in one schedule. Our own part repeats itself, and tests/scenario holds it
// to that; a user's may not, and then no verdict means anything.
std::string Inquiry::difference_between_runs() {
  std::vector<JudgedRun> runs;
  for (int n = 0; n < 2; ++n) {
    auto judged = runner_.run(prepared_,
                              prepared_.scenario.seed,
                              prepared_.scenario.faults,
                              sim::Trace::Recording::kSteps);
    if (!judged) {
      return judged.error().message;
    }
    runs.push_back(std::move(judged.value()));
  }
  const auto& first = runs[0].run.trace;
  const auto [at, other] = std::ranges::mismatch(first, runs[1].run.trace);
  if (at != first.end() || other != runs[1].run.trace.end()) {
    return fmt::format(
        "two runs of the same schedule differ at step {}: the user's own code is no function of "
        "its input",
        at - first.begin() + 1);
  }
  return same_rows(runs[0], runs[1])
             ? std::string()
             : "two runs of the same schedule leave different rows in the sink: the user's own "
               "sink is no function of its writes";
}

std::string Inquiry::describe(const faults::FaultPlan& plan,
                              const JudgedRun& judged,
                              const std::vector<std::string>& evidence) const {
  return fmt::format(
      "{} does not deliver {}\n"
      "  found: {}\n"
      "  schedule: {}\n"
      "  token: {}\n"
      "  run it again: onceproof::explore(pipeline).only(\"{}\")",
      prepared_.scenario.name,
      promised(),
      fmt::join(evidence, "\n         "),
      words_of(plan),
      judged.token,
      judged.token);
}

// The schedules that were found are run once more, for the records that they show.
Outcome Inquiry::refutation(const scenarios::Exploration& exploration) {
  for (const auto& [kind, finding] : exploration.findings) {
    const auto judged = runner_.run(prepared_, prepared_.scenario.seed, finding.plan);
    if (!judged) {
      return cannot(judged.error().message);
    }
    const auto evidence =
        scenarios::sentences_of(scenarios::check_always(prepared_.scenario, judged.value()));
    if (!evidence.empty()) {
      const std::string message = fmt::format("{}\n  {} schedules of depth {} were run",
                                              describe(finding.plan, judged.value(), evidence),
                                              exploration.schedules,
                                              prepared_.scenario.explore->depth);
      return Outcome::fails(message, finding.token, exploration.schedules);
    }
  }
  const auto reasons = scenarios::sentences_of(scenarios::check(prepared_.scenario, exploration));
  return cannot(fmt::format("{}", fmt::join(reasons, "; ")));
}

Outcome Inquiry::explore() {
  const std::string difference = has_user_code_ ? difference_between_runs() : std::string();
  if (!difference.empty()) {
    return cannot(difference);
  }
  const auto explored = scenarios::explore(
      runner_, prepared_, prepared_.scenario.seed, scenarios::search_options(prepared_.scenario));
  if (!explored) {
    return cannot(explored.error().message);
  }
  const scenarios::Exploration& exploration = explored.value();
  if (!scenarios::check(prepared_.scenario, exploration).empty()) {
    return refutation(exploration);
  }
  return Outcome::holds(fmt::format("{} delivers {} in all {} schedules of depth {}",
                                    prepared_.scenario.name,
                                    promised(),
                                    exploration.schedules,
                                    prepared_.scenario.explore->depth),
                        exploration.schedules);
}

Outcome Inquiry::judge_only(const std::string& token) {
  const auto content = scenarios::decode_token(token);
  if (!content) {
    return cannot(content.error());
  }
  if (content->scenario_hash != prepared_.scenario.text_hash ||
      content->kafka != scenarios::KafkaKind::kModel) {
    return cannot(fmt::format(
        "{} was made from another text, other user code or another Kafka than this pipeline",
        token));
  }
  const faults::FaultPlan& plan = content->faults;
  const auto judged = runner_.run(prepared_, content->seed, plan);
  if (!judged) {
    return cannot(judged.error().message);
  }
  const auto evidence =
      scenarios::sentences_of(scenarios::check_always(prepared_.scenario, judged.value()));
  if (!evidence.empty()) {
    return Outcome::fails(describe(plan, judged.value(), evidence), token, 1);
  }
  return Outcome::holds(
      fmt::format("{} delivers {} with {}", prepared_.scenario.name, promised(), words_of(plan)),
      1);
}

bool expects_output(const PreparedScenario& prepared) {
  return std::ranges::any_of(
      prepared.workload.records,
      [](const scenarios::ProducedRecord& record) { return record.expected > 0; });
}

}  // namespace

Outcome Outcome::holds(std::string message, std::int64_t schedules) {
  Outcome outcome;
  outcome.holds_ = true;
  outcome.message_ = std::move(message);
  outcome.schedules_ = schedules;
  return outcome;
}

Outcome Outcome::fails(std::string message, std::string token, std::int64_t schedules) {
  Outcome outcome;
  outcome.message_ = std::move(message);
  outcome.token_ = std::move(token);
  outcome.schedules_ = schedules;
  return outcome;
}

Search& Search::depth(std::int32_t crashes) {
  depth_ = crashes;
  return *this;
}

Search& Search::only(std::string token) {
  token_ = std::move(token);
  return *this;
}

Outcome Search::delivers(Guarantee promised) const {
  try {
    return search(promised);
  } catch (const std::exception& thrown) {
    return Outcome::fails(
        fmt::format("a user's own sink or operation threw: {}", thrown.what()), {}, 0);
  }
}

Outcome Search::search(Guarantee promised) const {
  auto prepared = load(pipeline_);
  if (!prepared) {
    return Outcome::fails(prepared.error().to_string(), {}, 0);
  }
  if (!expects_output(*prepared)) {
    return Outcome::fails(prepared->scenario.name +
                              ": no record is expected in the sink, and of nothing any guarantee "
                              "holds",
                          {},
                          0);
  }
  prepared->scenario.explore.emplace();
  prepared->scenario.explore->depth = depth_;
  prepared->scenario.explore->always = promised;
  const scenarios::KafkaChoice model{
      .kind = scenarios::KafkaKind::kModel, .address = {}, .session = {}};
  const auto runner = Runner::create(model, {});
  if (!runner) {
    return Outcome::fails(runner.error().message, {}, 0);
  }
  const Pipeline::Parts& parts = pipeline_.parts();
  const bool has_user_code = parts.make_sink || !parts.operations.empty();
  Inquiry inquiry(*prepared, *runner.value(), has_user_code);
  return token_ ? inquiry.judge_only(*token_) : inquiry.explore();
}

}  // namespace onceproof
