#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/campaign.h"
#include "reports/exploration_table.h"
#include "scenarios/campaign_parts.h"
#include "scenarios/commands/commands.h"
#include "scenarios/commands/exploration_report.h"

namespace scenarios {
namespace {

using reports::Campaign;
using reports::CampaignIdentity;
using reports::RecordingErrc;
using reports::RecordingFailure;
using reports::RecordingResult;

// What is known of a campaign: its parts, put together in the order of their numbers.
RecordingResult<reports::ExplorationReport> report_of(Campaign& campaign,
                                                      const CampaignIdentity& identity) {
  const auto parts = campaign.parts(identity);
  if (!parts) {
    return parts.error();
  }
  Exploration whole;
  for (const reports::CampaignPart& part : *parts) {
    const auto found = to_exploration(part);
    if (!found) {
      return RecordingFailure{
          .code = RecordingErrc::kDamaged,
          .sentence =
              fmt::format("part {} of {}: {}", part.number, identity.scenario, found.error())};
    }
    merge(whole, *found);
  }
  reports::ExplorationReport report = report_of(whole);
  report.scenario = identity.scenario;
  report.kafka = identity.kafka;
  report.seed = identity.seed;
  report.strategy = identity.strategy;
  report.depth = static_cast<std::int32_t>(identity.depth);
  report.parts_done = std::ssize(*parts);
  report.parts = identity.parts;
  report.of_is_whole = whole.of_is_whole && report.parts_done == report.parts;
  return report;
}

// By campaign.
RecordingResult<std::vector<reports::ExplorationReport>> report_on(Campaign& campaign) {
  const auto identities = campaign.campaigns();
  if (!identities) {
    return identities.error();
  }
  std::vector<reports::ExplorationReport> all;
  for (const CampaignIdentity& identity : *identities) {
    const auto report = report_of(campaign, identity);
    if (!report) {
      return report.error();
    }
    all.push_back(*report);
  }
  return all;
}

// Without what only somebody can say who has the scenario: its own run, and its promises.
std::string json_text(const std::vector<reports::ExplorationReport>& all) {
  using Json = nlohmann::ordered_json;
  Json campaigns = Json::array();
  for (const reports::ExplorationReport& report : all) {
    Json one = Json::parse(reports::json_exploration(report));
    for (const char* const judgement : {"token", "cut_short", "reasons", "passed"}) {
      one.erase(judgement);
    }
    campaigns.push_back(std::move(one));
  }
  return Json{{"campaigns", std::move(campaigns)}}.dump() + '\n';
}

std::string text(const std::vector<reports::ExplorationReport>& all) {
  std::string text;
  for (const reports::ExplorationReport& report : all) {
    text += reports::terminal_exploration(report);
  }
  return text;
}

}  // namespace

int merge_command(const MergeOptions& options) {
  const bool has_own_file = !options.common.database.empty();
  const std::string& whole = has_own_file ? options.common.database : options.files.front();
  auto campaign = Campaign::open(whole);
  if (!campaign) {
    return fail_by(campaign.error());
  }
  for (std::size_t n = has_own_file ? 0 : 1; n < options.files.size(); ++n) {
    const auto merged = campaign->merge(options.files[n]);
    if (!merged) {
      return fail_by(merged.error());
    }
  }
  const auto reports = report_on(*campaign);
  if (!reports) {
    return fail_by(reports.error());
  }
  const std::string unwritten = write_answer(options.common, text(*reports), json_text(*reports));
  return unwritten.empty() ? kAsExpected : fail(kBenchFailed, unwritten);
}

}  // namespace scenarios
