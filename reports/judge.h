// reports/judge.h
//
// The verdict: a pure function of the ledger. It knows neither configuration nor engine.
//
// Invariants
//   J1  Per stage.  received, processed and output are judged apart.
//   J2  Lattice.    exactly-once: nothing lost, nothing duplicated. at-least-once: nothing lost.
//                   at-most-once: nothing duplicated. none: both, or any phantom or wrong.
// tests/unit/judge_test.cpp checks each by name, on planted histories.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/vocabulary.h"
#include "reports/ledger.h"

namespace reports {

enum class Guarantee : std::uint8_t { kNone, kAtMostOnce, kAtLeastOnce, kExactlyOnce };

// "none", "at-most-once", "at-least-once", "exactly-once".
std::string_view to_string(Guarantee guarantee);

std::optional<Guarantee> find_guarantee(std::string_view name);

// What both promise: at-most-once and at-least-once have nothing in common. A guarantee is two
// promises, and its number has one bit for "nothing duplicated" and one for "nothing lost".
constexpr Guarantee common_part(Guarantee left, Guarantee right) {
  static_assert(static_cast<int>(Guarantee::kNone) == 0 &&
                static_cast<int>(Guarantee::kAtMostOnce) == 1 &&
                static_cast<int>(Guarantee::kAtLeastOnce) == 2 &&
                static_cast<int>(Guarantee::kExactlyOnce) == 3);
  return static_cast<Guarantee>(static_cast<unsigned>(left) & static_cast<unsigned>(right));
}

// Counts of one stage. `lost`: records of which something expected is missing. `duplicated`:
// surplus appearances over what is expected.
struct StageVerdict {
  std::int64_t lost = 0;
  std::int64_t duplicated = 0;

  [[nodiscard]] Guarantee guarantee() const;

  bool operator==(const StageVerdict&) const = default;
};

struct Verdict {
  // The stages before the output count parts of batches. A part is what stays the same when a batch
  // is planned again: a partition, of which each plan may have another range, or a range of a
  // block, which is always the same one, and is told by its place among the ranges of that block.
  // Of each part the ranges of one plan count, and a record appears once for every part whose
  // counting ranges hold it: twice if two blocks brought it into one batch, or one block twice.
  //
  // Of the ranges that survive, those of the last plan count. A range survives if it was executed,
  // or if the last driver life that planned anything made it. The others died with their driver.
  // Kafka still has the records: a batch planned anew takes their place, and where none does, the
  // position had moved past them. So a record that only ranges of partitions hold which do not
  // count appears once. The records of a block died with it: a range of a block that did not
  // survive is as good as never planned.
  StageVerdict received;
  // Of the ranges that were executed, those of the last plan count; the others do not appear at
  // all.
  StageVerdict processed;
  // Rows in the sink at the end. A row belongs to the input record at its source position and
  // stands for one of the `expected` ordinals of that record; a row beyond the first of an ordinal,
  // or of an ordinal that is not expected, is surplus. Zero for an aggregate.
  StageVerdict output;
  std::int64_t phantom = 0;  // rows whose source is no input record
  // First rows of records that come after the first row of a later record of the partition.
  std::int64_t reordered = 0;
  // Aggregate keys, in the input or in the sink, whose rows do not fold to the expected value.
  std::int64_t wrong = 0;
  bool stalled = false;

  // Evidence, at most `kExamplesMax` each: records in the order of the ledger, keys in theirs.
  std::vector<engine::RecordId> lost_examples;
  std::vector<engine::RecordId> duplicate_examples;
  std::vector<std::string> wrong_examples;  // "key: found 3, expected 4"

  // Of the output stage; phantom or wrong make it kNone.
  [[nodiscard]] Guarantee guarantee() const;

  bool operator==(const Verdict&) const = default;
};

inline constexpr std::size_t kExamplesMax = 10;

// Requires  positions of inputs are distinct and `expected` is never negative; expected_aggregate
//           is sorted by key, each key once.
Verdict judge(const Ledger& ledger);

}  // namespace reports
