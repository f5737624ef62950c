#include "reports/check/aggregate_judge.h"

#include <algorithm>
#include <tuple>

#include "reports/check/first_examples.h"
#include "reports/judge.h"

namespace reports::check {
namespace {

// Keys that inputs have come first.
bool earlier(const WrongKey& left, const WrongKey& right) {
  return std::tuple(left.input.is_none(), left.input, left.output) <
         std::tuple(right.input.is_none(), right.input, right.output);
}

}  // namespace

std::string to_decimal(Sum sum) {
  const bool negative = sum < 0;
  std::string digits;
  do {
    const auto digit = static_cast<int>(sum % 10);
    digits += static_cast<char>('0' + (negative ? -digit : digit));
    sum /= 10;
  } while (sum != 0);
  digits += negative ? "-" : "";
  return {digits.rbegin(), digits.rend()};
}

void AggregateJudge::add_input(const Digest& key, std::int64_t amount, Place place) {
  const auto [entry, is_new] = keys_.insert(key);
  if (is_new) {
    entry->input = place;
  }
  entry->expected += amount;
}

void AggregateJudge::add_output(const Digest& key, Sum value, Place place) {
  Key* const entry = keys_.insert(key).first;
  entry->output = place;
  entry->found = value;
}

AggregateFindings AggregateJudge::finish() const {
  AggregateFindings findings;
  std::vector<WrongKey>& examples = findings.examples;
  keys_.for_each([&](const Key& key) {
    if (!key.is_wrong()) {
      return;
    }
    ++findings.wrong;
    WrongKey wrong{.input = key.input, .output = key.output, .expected = {}, .found = {}};
    if (!key.input.is_none()) {
      wrong.expected = key.expected;
    }
    if (!key.output.is_none()) {
      wrong.found = key.found;
    }
    keep_first(examples, wrong, earlier);
  });
  std::ranges::sort_heap(examples, earlier);
  return findings;
}

}  // namespace reports::check
