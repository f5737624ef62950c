#include "scenarios/exploration.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "scenarios/findings.h"

namespace scenarios {
namespace {

bool is_shorter(const Finding& left, const Finding& right) {
  const std::size_t faults = left.plan.size();
  const std::size_t other_faults = right.plan.size();
  return std::tie(faults, left.ended_at, left.plan) <
         std::tie(other_faults, right.ended_at, right.plan);
}

void keep_shortest(std::map<std::string, Finding>& findings, const Finding& finding) {
  const auto [known, added] = findings.try_emplace(finding.kind, finding);
  if (!added && is_shorter(finding, known->second)) {
    known->second = finding;
  }
}

}  // namespace

Pruned& Pruned::operator+=(const Pruned& other) {
  nobody_to_hit += other.nobody_to_hit;
  nothing_unsynced += other.nothing_unsynced;
  same_by_rule += other.same_by_rule;
  same_by_hash += other.same_by_hash;
  return *this;
}

void account(Exploration& exploration, const JudgedRun& judged, const faults::FaultPlan& plan) {
  ++exploration.schedules;
  exploration.received =
      reports::common_part(exploration.received, judged.verdict.received.guarantee());
  exploration.processed =
      reports::common_part(exploration.processed, judged.verdict.processed.guarantee());
  exploration.output = reports::common_part(exploration.output, judged.verdict.guarantee());
  add_hash(exploration.explored, hash_of(judged));
  for (const auto& [kind, count] : shown_by(judged.verdict)) {
    std::int64_t& worst = exploration.worst[kind];
    worst = std::max(worst, count);
    keep_shortest(exploration.findings,
                  {.kind = kind,
                   .count = count,
                   .plan = plan,
                   .token = judged.token,
                   .ended_at = judged.run.ledger.ended_at});
  }
}

void merge(Exploration& whole, const Exploration& part) {
  whole.schedules += part.schedules;
  whole.of += part.of;
  whole.of_is_whole = whole.of_is_whole && part.of_is_whole;
  whole.pruned += part.pruned;
  whole.received = reports::common_part(whole.received, part.received);
  whole.processed = reports::common_part(whole.processed, part.processed);
  whole.output = reports::common_part(whole.output, part.output);
  for (const auto& [kind, finding] : part.findings) {
    keep_shortest(whole.findings, finding);
  }
  for (const auto& [kind, count] : part.worst) {
    std::int64_t& worst = whole.worst[kind];
    worst = std::max(worst, count);
  }
  add_hash(whole.explored, part.explored);
  whole.cut_short = whole.cut_short || part.cut_short;
  whole.interrupted = whole.interrupted || part.interrupted;
}

void add_hash(sim::StateHash& sum, const sim::StateHash& hash) {
  sum.low += hash.low;
  sum.high += hash.high + (sum.low < hash.low ? 1 : 0);
}

sim::StateHash hash_of(const JudgedRun& judged) {
  const reports::Verdict& verdict = judged.verdict;
  sim::StateBytes bytes;
  bytes.add(judged.token);
  for (const reports::StageVerdict& stage : {verdict.received, verdict.processed, verdict.output}) {
    bytes.add(stage.lost);
    bytes.add(stage.duplicated);
  }
  bytes.add(verdict.phantom);
  bytes.add(verdict.reordered);
  bytes.add(verdict.wrong);
  bytes.add(verdict.stalled);
  return bytes.hash();
}

std::string to_string(const sim::StateHash& hash) {
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

}  // namespace scenarios
