// reports/check/aggregate_judge.h
//
// Judges an aggregate by key: what the inputs come to, against the last output of each key. Sums
// are exact for any 64-bit values, so that an overflow cannot pass for the right answer.
//
// tests/property/offline_judge_property_test.cpp compares it with the same words in SQL.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/check/place.h"
#include "reports/digest_table.h"

namespace reports::check {

__extension__ using Sum = __int128;

std::string to_decimal(Sum sum);

// A key of which the outputs say something else than the inputs.
struct WrongKey {
  Place input;                  // the first of the key; none: no input has it
  Place output;                 // the last of the key; none: it is missing
  std::optional<Sum> expected;  // empty: no output was to be expected
  std::optional<Sum> found;
};

struct AggregateFindings {
  std::int64_t wrong = 0;
  std::vector<WrongKey> examples;  // the first by input, then by output; at most kExamplesMax
};

class AggregateJudge {
 public:
  // `amount`: 1 to count.
  void add_input(const Digest& key, std::int64_t amount, Place place);

  void add_output(const Digest& key, Sum value, Place place);

  [[nodiscard]] AggregateFindings finish() const;

 private:
  struct alignas(64) Key {
    Digest digest;
    Sum expected = 0;
    Sum found = 0;
    Place input;
    Place output;

    [[nodiscard]] bool is_free() const { return input.is_none() && output.is_none(); }

    [[nodiscard]] bool is_wrong() const {
      return input.is_none() || output.is_none() || expected != found;
    }
  };

  DigestTable<Key> keys_;
};

}  // namespace reports::check
