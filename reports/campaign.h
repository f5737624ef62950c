// reports/campaign.h
//
// A search that is too long for one process, in the SQLite file of a recording: numbered parts, of
// which each is done or not. Whoever has a file can go on with it, take a share of the parts, or
// put the files of others into it.
//
// Holds     one connection. Durable: every part whose record() returned.
//
// Invariants
//   C1  Whole.       A part is in the file with all its findings or not at all, whatever kills the
//                    writer.
//   C2  Union.       Merging files is the union of their parts: associative, commutative and
//                    idempotent.
//   C3  One answer.  A part has one content. Another one for the same part is refused, since one of
//                    the two was not computed from what the campaign names.
// tests/unit/campaign_test.cpp checks each by name.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "reports/judge.h"
#include "reports/recording.h"

namespace reports {

// What decides what the parts are and what is found in them. Files of another identity are another
// campaign.
struct CampaignIdentity {
  std::string scenario;
  std::string scenario_hash;  // 16 hexadecimal digits
  std::uint64_t seed = 0;
  std::string kafka;
  std::string strategy;  // "exhaustive", "random", ...
  std::int64_t depth = 0;
  std::int64_t drawn = 0;  // schedules, of a strategy that draws them
  std::string trace_hash;  // of the run that the search begins with: another engine has another
  std::int64_t parts = 0;
  bool operator==(const CampaignIdentity&) const = default;
};

struct CampaignFinding {
  std::string kind;        // "lost", "received duplicated", ...
  std::int64_t worst = 0;  // highest count of any schedule of the part
  std::int64_t count = 0;  // in the witness, which is the shortest schedule that shows it
  std::int64_t faults = 0;
  std::int64_t ended_us = 0;
  std::string token;
  bool operator==(const CampaignFinding&) const = default;
};

struct CampaignPart {
  std::int64_t number = 0;         // from 0
  std::int64_t schedules = 0;      // run and judged
  std::int64_t of = 0;             // that the part has
  bool of_is_whole = true;         // false: there are more than were counted
  std::int64_t nobody_to_hit = 0;  // not run, by reason
  std::int64_t nothing_unsynced = 0;
  std::int64_t same_by_rule = 0;
  std::int64_t same_by_hash = 0;
  Guarantee received = Guarantee::kExactlyOnce;  // weakest found
  Guarantee processed = Guarantee::kExactlyOnce;
  Guarantee output = Guarantee::kExactlyOnce;
  std::string explored;                   // hash of the schedules and verdicts, hexadecimal
  std::vector<CampaignFinding> findings;  // by kind
  bool operator==(const CampaignPart&) const = default;
};

class Campaign {
 public:
  // A recording, new or not; ":memory:" as there.
  static RecordingResult<Campaign> open(const std::string& path);

  Campaign(Campaign&&) noexcept;
  Campaign& operator=(Campaign&&) noexcept;
  Campaign(const Campaign&) = delete;
  Campaign& operator=(const Campaign&) = delete;
  ~Campaign();

  // Adds a part in one transaction; one that is there already changes nothing.
  // Requires  0 <= part.number < identity.parts; findings are sorted by kind, each kind once.
  // Errors    kDisagrees: the same part is there with another content.
  RecordingResult<> record(const CampaignIdentity& identity, const CampaignPart& part);

  // Takes these parts out, as far as they are there, in one transaction.
  RecordingResult<> forget(const CampaignIdentity& identity,
                           const std::vector<std::int64_t>& numbers);

  // By scenario, then by the rest.
  RecordingResult<std::vector<CampaignIdentity>> campaigns();

  // What is done, by number.
  RecordingResult<std::vector<CampaignPart>> parts(const CampaignIdentity& identity);

  // Takes in every campaign of another file, which must exist and is not changed, in one
  // transaction.
  // Errors    as record(); then nothing was taken in.
  RecordingResult<> merge(const std::string& other_path);

 private:
  class Store;
  explicit Campaign(std::unique_ptr<Store> store);

  std::unique_ptr<Store> store_;
};

}  // namespace reports
