#include "reports/check/record_judge.h"

#include <algorithm>
#include <limits>

#include "engine/ports/invariant.h"
#include "reports/check/first_examples.h"

namespace reports::check {
namespace {

// False: there are enough already.
bool add_example(std::vector<Finding>& examples, const Finding& finding) {
  const bool wanted = examples.size() < kExamplesMax;
  if (wanted) {
    examples.push_back(finding);
  }
  return wanted;
}

}  // namespace

std::uint32_t RecordJudge::number_of(const Digest& group) {
  constexpr std::size_t kGroupsMax = std::size_t{1} << 31U;
  const auto [entry, is_new] = groups_.insert(group);
  if (is_new) {
    INVARIANT(groups_.size() < kGroupsMax, "more than {} groups", kGroupsMax);
    entry->number = static_cast<std::uint32_t>(groups_.size());
    latest_.resize(groups_.size() + 1);
  }
  return entry->number;
}

Place RecordJudge::add_input(const Sighting& sighting) {
  const auto [input, is_new] = inputs_.insert(sighting.identity);
  INVARIANT(input->awaited < std::numeric_limits<std::uint32_t>::max(),
            "too many inputs are alike: {}",
            input->awaited);
  ++input->awaited;
  if (!is_new) {
    return input->place;
  }
  input->place = sighting.place;
  if (ranks_ != Ranks::kNone) {
    input->group = number_of(sighting.group) & 0x7fffffffU;
  }
  return {};
}

bool RecordJudge::add_output(const Sighting& sighting) {
  Input* const input = inputs_.find(sighting.identity);
  if (input == nullptr) {
    ++findings_.phantom;
    return add_example(findings_.phantom_examples, {.output = sighting.place, .other = {}});
  }
  bool is_example = false;
  if (input->awaited > 0) {
    --input->awaited;
  } else {
    ++findings_.duplicated;
    is_example = add_example(findings_.duplicated_examples,
                             {.output = sighting.place, .other = input->place});
  }
  if (input->seen == 0) {
    input->seen = 1;
    is_example |= keep_order(*input, sighting);
  }
  return is_example;
}

bool RecordJudge::keep_order(const Input& input, const Sighting& output) {
  if (ranks_ == Ranks::kNone) {
    return false;
  }
  const std::int64_t rank = ranks_ == Ranks::kGiven ? output.rank : input.place.rank();
  Latest& latest = latest_[input.group];
  if (!latest.output.is_none() && rank < latest.rank) {
    ++findings_.reordered;
    return add_example(findings_.reordered_examples,
                       {.output = output.place, .other = latest.output});
  }
  latest = {.rank = rank, .output = output.place};
  return false;
}

// The table has no order of its own: of all that are lost, the first by place are the examples.
RecordFindings RecordJudge::finish() {
  std::vector<Finding>& examples = findings_.lost_examples;
  const auto earlier = [](const Finding& left, const Finding& right) {
    return left.other < right.other;
  };
  inputs_.for_each([&](const Input& input) {
    if (input.awaited == 0) {
      return;
    }
    findings_.lost += input.awaited;
    keep_first(examples, Finding{.output = {}, .other = input.place}, earlier);
  });
  std::ranges::sort_heap(examples, earlier);
  return std::move(findings_);
}

}  // namespace reports::check
