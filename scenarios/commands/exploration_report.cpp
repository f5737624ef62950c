#include "scenarios/commands/exploration_report.h"

#include "scenarios/fault_text.h"

namespace scenarios {
namespace {

reports::FindingLine line_of(const Exploration& exploration, const Finding& finding) {
  reports::FindingLine line{.kind = finding.kind,
                            .count = finding.count,
                            .worst = exploration.worst.at(finding.kind),
                            .token = finding.token,
                            .faults = {}};
  for (const faults::Fault& fault : finding.plan) {
    line.faults.push_back(to_string(fault));
  }
  return line;
}

}  // namespace

reports::ExplorationReport report_of(const Exploration& exploration) {
  reports::ExplorationReport report;
  report.schedules = exploration.schedules;
  report.of = exploration.of;
  report.of_is_whole = exploration.of_is_whole;
  const Pruned& pruned = exploration.pruned;
  report.pruned = {{"nobody to hit", pruned.nobody_to_hit},
                   {"nothing unsynced", pruned.nothing_unsynced},
                   {"same black-out by rule", pruned.same_by_rule},
                   {"same black-out by hash", pruned.same_by_hash}};
  report.received = exploration.received;
  report.processed = exploration.processed;
  report.output = exploration.output;
  for (const auto& [kind, finding] : exploration.findings) {
    report.findings.push_back(line_of(exploration, finding));
  }
  report.explored = to_string(exploration.explored);
  report.token = exploration.baseline.token;
  return report;
}

}  // namespace scenarios
