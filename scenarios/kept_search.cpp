#include "scenarios/kept_search.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "scenarios/campaign_parts.h"

namespace scenarios {
namespace {

using reports::Campaign;
using reports::CampaignIdentity;
using reports::CampaignPart;
using reports::RecordingResult;

std::int64_t part_of(std::size_t job) {
  return static_cast<std::int64_t>(job) + 1;
}

bool has(const Shard& shard, std::size_t job) {
  return static_cast<std::int64_t>(job) % shard.count == shard.index - 1;
}

CampaignIdentity identity_of(const SearchName& name, const Exploration& before, std::size_t jobs) {
  return {.scenario = name.scenario,
          .scenario_hash = fmt::format("{:016x}", name.scenario_hash),
          .seed = name.seed,
          .kafka = name.kafka,
          .strategy = name.strategy,
          .depth = name.depth,
          .drawn = name.drawn,
          .trace_hash = sim::to_string(before.baseline.run.trace_hash),
          .parts = part_of(jobs)};
}

// The beginning belongs to all shares: only who does all of them may have another one.
std::vector<std::int64_t> parts_of(const Shard& shard, std::size_t jobs) {
  std::vector<std::int64_t> numbers;
  if (shard.count == 1) {
    numbers.push_back(0);
  }
  for (std::size_t job = 0; job < jobs; ++job) {
    if (has(shard, job)) {
      numbers.push_back(part_of(job));
    }
  }
  return numbers;
}

}  // namespace

KeptSearch::KeptSearch(Campaign& campaign, CampaignIdentity identity, const Shard& shard)
    : campaign_(&campaign), identity_(std::move(identity)), shard_(shard) {
  INVARIANT(shard_.index >= 1 && shard_.index <= shard_.count, "shard {}", shard_.index);
}

RecordingResult<KeptSearch> KeptSearch::begin(Campaign& campaign,
                                              const SearchName& name,
                                              const Exploration& before,
                                              std::size_t jobs,
                                              const Shard& shard,
                                              bool resumes) {
  KeptSearch search(campaign, identity_of(name, before, jobs), shard);
  if (!resumes) {
    const auto forgotten = campaign.forget(search.identity_, parts_of(shard, jobs));
    if (!forgotten) {
      return forgotten.error();
    }
  }
  const auto recorded = campaign.record(search.identity_, to_part(0, before));
  if (!recorded) {
    return recorded.error();
  }
  const auto parts = campaign.parts(search.identity_);
  if (!parts) {
    return parts.error();
  }
  for (const CampaignPart& part : *parts) {
    auto found = to_exploration(part);
    if (!found) {
      return reports::RecordingFailure{
          .code = reports::RecordingErrc::kDamaged,
          .sentence = fmt::format("part {} of {}: {}", part.number, name.scenario, found.error())};
    }
    if (part.number > 0) {
      search.done_.emplace(static_cast<std::size_t>(part.number - 1), std::move(*found));
    }
  }
  return search;
}

bool KeptSearch::is_mine(std::size_t job) const {
  return has(shard_, job);
}

const Exploration* KeptSearch::done(std::size_t job) const {
  const auto found = done_.find(job);
  return found == done_.end() ? nullptr : &found->second;
}

RecordingResult<> KeptSearch::keep(std::size_t job, const Exploration& found) {
  return campaign_->record(identity_, to_part(part_of(job), found));
}

}  // namespace scenarios
