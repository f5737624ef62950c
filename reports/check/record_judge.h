// reports/check/record_judge.h
//
// Judges records one by one: inputs first, then outputs in the order in which they were written.
// It knows them by digests only, and keeps one entry per distinct input, whatever the records hold.
//
// Invariants
//   R1  Counts.     An identity that n inputs have and k outputs adds max(0, n - k) to lost, and
//                   max(0, k - n) to duplicated; one that no input has adds k to phantom.
//   R2  Order.      The first output of an identity counts as reordered if an earlier first output
//                   of its group has a higher rank. Repeats and phantoms do not count.
//   R3  Bounded.    Outputs need no memory beyond kExamplesMax examples of each finding.
// tests/property/offline_judge_property_test.cpp compares it with the same words in SQL.

#pragma once

#include <cstdint>
#include <vector>

#include "reports/check/place.h"
#include "reports/digest_table.h"
#include "reports/judge.h"

namespace reports::check {

// One record as the judge sees it.
struct Sighting {
  Digest identity;
  Digest group;           // among whose records the order counts; of outputs, nothing
  std::int64_t rank = 0;  // of outputs, if ranks are given; else an input's place is its rank
  Place place;
};

enum class Ranks : std::uint8_t { kNone, kPlaces, kGiven };

// Of a finding: where the output stands, and where the record stands to which it is held: the input
// of the same identity, or for one that is reordered the output that ought to have come later.
struct Finding {
  Place output;
  Place other;
};

struct RecordFindings {
  std::int64_t lost = 0;
  std::int64_t duplicated = 0;
  std::int64_t phantom = 0;
  std::int64_t reordered = 0;

  // At most kExamplesMax each, the first ones.
  std::vector<Finding> lost_examples;  // `other` alone
  std::vector<Finding> duplicated_examples;
  std::vector<Finding> phantom_examples;  // `output` alone
  std::vector<Finding> reordered_examples;
};

class RecordJudge {
 public:
  explicit RecordJudge(Ranks ranks) : ranks_(ranks) {}

  // To be said of a sighting some records before it is added: it makes that faster.
  void announce(const Sighting& sighting) const { inputs_.prefetch(sighting.identity); }

  // Where the first input of this identity stands, if this one is not it.
  Place add_input(const Sighting& sighting);

  // True: it is an example of something.
  bool add_output(const Sighting& sighting);

  // After the last output.
  RecordFindings finish();

 private:
  // Aligned, so that looking one up touches one cache line.
  struct alignas(32) Input {
    Digest digest;
    Place place;                  // of the first
    std::uint32_t awaited = 0;    // inputs for which no output has come yet
    std::uint32_t group : 31 {};  // number of its group
    std::uint32_t seen : 1 {};    // an output has come

    [[nodiscard]] bool is_free() const { return place.is_none(); }
  };

  struct Group {
    Digest digest;
    std::uint32_t number = 0;  // from 1

    [[nodiscard]] bool is_free() const { return number == 0; }
  };

  // The highest rank that an output of a group had, and where it stands.
  struct Latest {
    std::int64_t rank = 0;
    Place output;
  };

  std::uint32_t number_of(const Digest& group);
  bool keep_order(const Input& input, const Sighting& output);

  Ranks ranks_;
  DigestTable<Input> inputs_;
  DigestTable<Group> groups_;
  std::vector<Latest> latest_;  // by number of group
  RecordFindings findings_;
};

}  // namespace reports::check
