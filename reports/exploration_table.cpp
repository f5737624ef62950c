#include "reports/exploration_table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace reports {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t pruned_count(const ExplorationReport& report) {
  std::int64_t sum = 0;
  for (const auto& [reason, count] : report.pruned) {
    sum += count;
  }
  return sum;
}

std::string how(const ExplorationReport& report) {
  return fmt::format("{}, depth {}", report.strategy, report.depth);
}

std::string story_of(const FindingLine& finding) {
  return finding.faults.empty() ? std::string("no fault at all")
                                : fmt::format("{}", fmt::join(finding.faults, "; "));
}

std::string run_of(const ExplorationReport& report) {
  return fmt::format("{} schedules run of {}{}",
                     report.schedules,
                     report.of_is_whole ? "" : "at least ",
                     report.of);
}

std::string pruned_text(const ExplorationReport& report) {
  std::vector<std::string> reasons;
  for (const auto& [reason, count] : report.pruned) {
    reasons.push_back(fmt::format("{}: {}", reason, count));
  }
  return fmt::format("{} pruned ({})", pruned_count(report), fmt::join(reasons, ", "));
}

}  // namespace

std::string terminal_exploration(const ExplorationReport& report) {
  std::string text = fmt::format(
      "{} on {}, seed {}: {}\n", report.scenario, report.kafka, report.seed, how(report));
  text += fmt::format("  output {}, processed {}, received {}\n",
                      to_string(report.output),
                      to_string(report.processed),
                      to_string(report.received));
  for (const FindingLine& finding : report.findings) {
    text += fmt::format("  {:<20} {:>6}, at worst {:>6}  {}\n      {}\n",
                        finding.kind,
                        finding.count,
                        finding.worst,
                        finding.token,
                        story_of(finding));
  }
  text += fmt::format("  {}; {}\n", run_of(report), pruned_text(report));
  if (report.parts_done < report.parts) {
    text += fmt::format("  {} of {} parts are done\n", report.parts_done, report.parts);
  }
  if (!report.cut_short.empty()) {
    text += fmt::format("  cut short: {}\n", report.cut_short);
  }
  text += fmt::format("  explored {}\n", report.explored);
  for (const std::string& reason : report.reasons) {
    text += fmt::format("  FAILED {}\n", reason);
  }
  return text;
}

std::string markdown_exploration(const ExplorationReport& report) {
  std::string text = fmt::format("### {}\n\n{} on {}, seed {}: output {}; {}; {}; explored `{}`.\n",
                                 report.scenario,
                                 how(report),
                                 report.kafka,
                                 report.seed,
                                 to_string(report.output),
                                 run_of(report),
                                 pruned_text(report),
                                 report.explored);
  if (!report.findings.empty()) {
    text += "\n| finding | count | at worst | schedule | token |\n|---|--:|--:|---|---|\n";
  }
  for (const FindingLine& finding : report.findings) {
    text += fmt::format("| {} | {} | {} | {} | `{}` |\n",
                        finding.kind,
                        finding.count,
                        finding.worst,
                        story_of(finding),
                        finding.token);
  }
  for (const std::string& reason : report.reasons) {
    text += fmt::format("\nFailed: {}\n", reason);
  }
  return text + '\n';
}

std::string json_exploration(const ExplorationReport& report) {
  Json pruned = Json::object();
  for (const auto& [reason, count] : report.pruned) {
    pruned[reason] = count;
  }
  Json findings = Json::array();
  for (const FindingLine& finding : report.findings) {
    findings.push_back({{"kind", finding.kind},
                        {"count", finding.count},
                        {"worst", finding.worst},
                        {"token", finding.token},
                        {"faults", finding.faults}});
  }
  const Json answer{{"scenario", report.scenario},
                    {"kafka", report.kafka},
                    {"seed", report.seed},
                    {"strategy", report.strategy},
                    {"depth", report.depth},
                    {"schedules", report.schedules},
                    {"of", report.of},
                    {"of_is_whole", report.of_is_whole},
                    {"parts", report.parts},
                    {"parts_done", report.parts_done},
                    {"cut_short", !report.cut_short.empty()},
                    {"pruned", pruned_count(report)},
                    {"pruned_by", std::move(pruned)},
                    {"received", to_string(report.received)},
                    {"processed", to_string(report.processed)},
                    {"output", to_string(report.output)},
                    {"findings", std::move(findings)},
                    {"explored", report.explored},
                    {"token", report.token},
                    {"reasons", report.reasons},
                    {"passed", report.reasons.empty()}};
  return answer.dump() + '\n';
}

}  // namespace reports
