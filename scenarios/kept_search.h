// scenarios/kept_search.h
//
// The last round of a search, kept in a file: which of its jobs are this program's share, which are
// done already, and what they have found.
//
// Programs that share a search do not talk to each other. Each repeats the rounds before the last,
// which is a small part of the work, and so knows the same jobs by the same numbers. What was found
// until then is part 0 of the campaign, which all of them keep and must agree on; job n of the last
// round is part n + 1 (docs/decisions/0011-shares-of-a-search.md).
//
// Invariants
//   K1  Any shares.  Whatever programs did which jobs, and whoever was killed meanwhile, all parts
//                    together are what one program finds alone.
//   K2  Once.        A job that is kept is not done again.
// tests/campaign/campaign_command_test.cpp checks each by name.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "reports/campaign.h"
#include "scenarios/exploration.h"

namespace scenarios {

// One of so many shares of the jobs.
struct Shard {
  std::int64_t index = 1;  // from 1
  std::int64_t count = 1;
};

// What a search is kept by, as far as it is known before it begins.
struct SearchName {
  std::string scenario;
  std::uint64_t scenario_hash = 0;
  std::uint64_t seed = 0;
  std::string kafka;
  std::string strategy;
  std::int32_t depth = 0;
  std::int64_t drawn = 0;  // schedules, of a strategy that draws them
};

class KeptSearch {
 public:
  // Keeps part 0 as well. `resumes`: goes on with what the file has of this search; else the file
  // forgets this share of it.
  // Errors    those of Campaign; kDisagrees also if the parts there follow from another beginning.
  static reports::RecordingResult<KeptSearch> begin(reports::Campaign& campaign,
                                                    const SearchName& name,
                                                    const Exploration& before,
                                                    std::size_t jobs,
                                                    const Shard& shard,
                                                    bool resumes);

  [[nodiscard]] bool is_mine(std::size_t job) const;

  // What the job has found; null: it is not done.
  [[nodiscard]] const Exploration* done(std::size_t job) const;

  reports::RecordingResult<> keep(std::size_t job, const Exploration& found);

  // That there are, whoever does them.
  [[nodiscard]] std::int64_t parts() const { return identity_.parts; }

 private:
  KeptSearch(reports::Campaign& campaign, reports::CampaignIdentity identity, const Shard& shard);

  reports::Campaign* campaign_;
  reports::CampaignIdentity identity_;
  Shard shard_;
  std::map<std::size_t, Exploration> done_;
};

}  // namespace scenarios
