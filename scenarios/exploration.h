// scenarios/exploration.h
//
// What a search has found: how many schedules there are, were run, and need not be run; the weakest
// guarantee of each stage; the shortest witness and the highest count of each finding. A value:
// parts that were explored apart are merged, in any order and grouping, into the same whole.
//
// Invariants
//   E1  All accounted.  schedules + pruned.total() == of, unless the search was cut short.
//   E2  Merging.        merge() is associative and commutative in everything but the baseline.
// tests/scenario/exploration_test.cpp checks each by name.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/ports/vocabulary.h"
#include "reports/judge.h"
#include "scenarios/runner.h"
#include "sim/state_bytes.h"

namespace scenarios {

// Something that a schedule can show (findings.h). The witness is the schedule of the fewest
// faults, of these the one that ends first, of these the first in order.
struct Finding {
  std::string kind;
  std::int64_t count = 0;  // in the witness
  faults::FaultPlan plan;
  std::string token;
  engine::Instant ended_at;
};

// Schedules that were not run, or not to their end, because their verdict is that of another one.
struct Pruned {
  std::int64_t nobody_to_hit = 0;     // the target of the last crash is dead: the run without it
  std::int64_t nothing_unsynced = 0;  // the outcome on disk makes no difference
  std::int64_t same_by_rule = 0;      // the same black-out, as the counted run shows
  std::int64_t same_by_hash = 0;      // the same black-out, found when it came

  [[nodiscard]] std::int64_t total() const {
    return nobody_to_hit + nothing_unsynced + same_by_rule + same_by_hash;
  }

  Pruned& operator+=(const Pruned& other);
  bool operator==(const Pruned&) const = default;
};

struct Exploration {
  std::int64_t schedules = 0;  // run and judged
  std::int64_t of = 0;         // that exist, as far as they were counted
  bool of_is_whole = true;     // false: there are more than were counted
  Pruned pruned;
  reports::Guarantee received = reports::Guarantee::kExactlyOnce;  // weakest found
  reports::Guarantee processed = reports::Guarantee::kExactlyOnce;
  reports::Guarantee output = reports::Guarantee::kExactlyOnce;
  std::map<std::string, Finding> findings;    // by kind
  std::map<std::string, std::int64_t> worst;  // by kind: the highest count of any schedule
  sim::StateHash explored;  // sum over the schedules that were judged of a hash of plan and verdict
  JudgedRun baseline;       // without an additional crash
  bool cut_short = false;   // by an interruption, a budget or a clock: there is more to explore
  bool interrupted = false;  // by somebody
};

// Takes a schedule in that was run and judged.
void account(Exploration& exploration, const JudgedRun& judged, const faults::FaultPlan& plan);

void merge(Exploration& whole, const Exploration& part);

// Which schedule it was, and what it showed. Sums of these are the same in any order.
sim::StateHash hash_of(const JudgedRun& judged);
void add_hash(sim::StateHash& sum, const sim::StateHash& hash);

// 32 hexadecimal digits.
std::string to_string(const sim::StateHash& hash);

}  // namespace scenarios
