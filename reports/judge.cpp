#include "reports/judge.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <tuple>

#include <fmt/format.h>

#include "engine/ports/invariant.h"

namespace reports {
namespace {

constexpr std::array<std::string_view, 4> kGuaranteeNames{
    "none", "at-most-once", "at-least-once", "exactly-once"};

// The input records by position. Places are numbered through: all records of the lowest partition
// by offset, then those of the next. Where a partition has no gaps, a position is found by
// arithmetic instead of bisection; that is the rule, and it is what keeps the judge fast.
class InputIndex {
 public:
  explicit InputIndex(const std::vector<InputRecord>& records) {
    count_partitions(records);
    place_records(records);
    for (Partition& partition : partitions_) {
      seal(partition);
    }
  }

  struct Found {
    std::size_t record = 0;     // index into the ledger's inputs
    std::size_t partition = 0;  // dense number of its partition
  };

  [[nodiscard]] std::optional<Found> find(engine::Position position) const {
    const std::size_t number = number_of(position.partition);
    if (number == partitions_.size()) {
      return std::nullopt;
    }
    const std::size_t place = lower_bound(partitions_[number], position.offset);
    if (place == partitions_[number].end || places_[place].offset != position.offset) {
      return std::nullopt;
    }
    return Found{.record = places_[place].record, .partition = number};
  }

  // The places that hold the records of `range`: [first, second).
  [[nodiscard]] std::pair<std::size_t, std::size_t> places_of(
      const engine::OffsetRange& range) const {
    const std::size_t number = number_of(range.partition);
    if (number == partitions_.size() || range.until <= range.from) {
      return {0, 0};
    }
    const Partition& partition = partitions_[number];
    return {lower_bound(partition, range.from), lower_bound(partition, range.until)};
  }

  [[nodiscard]] std::size_t size() const { return places_.size(); }

  [[nodiscard]] std::size_t partition_count() const { return partitions_.size(); }

 private:
  struct Place {
    engine::Offset offset;
    std::size_t record = 0;
    auto operator<=>(const Place&) const = default;
  };

  struct Partition {
    engine::PartitionId id = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
    bool gapless = false;
  };

  // Partitions are nearly always 0 .. n-1, and then each is its own number.
  [[nodiscard]] std::size_t number_of(engine::PartitionId id) const {
    const auto guess = static_cast<std::size_t>(id);
    if (guess < partitions_.size() && partitions_[guess].id == id) {
      return guess;
    }
    const auto found = std::ranges::lower_bound(partitions_, id, {}, &Partition::id);
    const bool exact = found != partitions_.end() && found->id == id;
    return exact ? static_cast<std::size_t>(found - partitions_.begin()) : partitions_.size();
  }

  void count_partitions(const std::vector<InputRecord>& records) {
    for (const InputRecord& record : records) {
      const engine::PartitionId id = record.position.partition;
      std::size_t number = number_of(id);
      if (number == partitions_.size()) {
        const auto at = std::ranges::lower_bound(partitions_, id, {}, &Partition::id);
        number = static_cast<std::size_t>(at - partitions_.begin());
        partitions_.insert(at, Partition{.id = id});
      }
      ++partitions_[number].end;
    }
    std::size_t begin = 0;
    for (Partition& partition : partitions_) {
      const std::size_t count = partition.end;
      partition.begin = begin;
      partition.end = begin;  // grows to its place while records are placed
      begin += count;
    }
  }

  void place_records(const std::vector<InputRecord>& records) {
    places_.resize(records.size());
    for (std::size_t record = 0; record < records.size(); ++record) {
      Partition& partition = partitions_[number_of(records[record].position.partition)];
      places_[partition.end] = {.offset = records[record].position.offset, .record = record};
      ++partition.end;
    }
  }

  void seal(Partition& partition) {
    const auto begin = places_.begin() + static_cast<std::ptrdiff_t>(partition.begin);
    const auto end = places_.begin() + static_cast<std::ptrdiff_t>(partition.end);
    if (!std::is_sorted(begin, end)) {
      std::sort(begin, end);
    }
    const auto same_offset = [](const Place& left, const Place& right) {
      return left.offset == right.offset;
    };
    INVARIANT(std::adjacent_find(begin, end, same_offset) == end,
              "two input records at one position of partition {}",
              partition.id);
    const auto first = static_cast<std::uint64_t>(begin->offset.value);
    const auto last = static_cast<std::uint64_t>(std::prev(end)->offset.value);
    partition.gapless = last - first == partition.end - partition.begin - 1;
  }

  [[nodiscard]] std::size_t lower_bound(const Partition& partition, engine::Offset offset) const {
    const engine::Offset first = places_[partition.begin].offset;
    if (offset <= first) {
      return partition.begin;
    }
    if (offset > places_[partition.end - 1].offset) {
      return partition.end;
    }
    if (partition.gapless) {
      return partition.begin + static_cast<std::size_t>(offset - first);
    }
    const auto begin = places_.begin() + static_cast<std::ptrdiff_t>(partition.begin);
    const auto end = places_.begin() + static_cast<std::ptrdiff_t>(partition.end);
    const auto found = std::ranges::lower_bound(begin, end, offset, {}, &Place::offset);
    return static_cast<std::size_t>(found - places_.begin());
  }

  std::vector<Partition> partitions_;  // by id, none empty
  std::vector<Place> places_;
};

// The output stage of a pipeline whose rows each come from one record.
class RowJudge {
 public:
  RowJudge(const Ledger& ledger, const InputIndex& inputs)
      : ledger_(ledger),
        inputs_(inputs),
        tallies_(ledger.inputs.size()),
        latest_(inputs.partition_count()) {}

  void judge(Verdict& verdict) {
    for (const OutputRecord& row : ledger_.outputs) {
      const auto found = inputs_.find(row.source);
      if (!found) {
        ++verdict.phantom;
        continue;
      }
      verdict.reordered += is_reordered(*found, row.source.offset) ? 1 : 0;
      count(found->record, row.ordinal);
    }
    count_claims();
    sum_up(verdict);
  }

 private:
  struct Tally {
    std::int32_t ordinals = 0;  // expected ordinals that have a row
    std::int32_t surplus = 0;
    bool seen = false;
  };

  bool is_reordered(const InputIndex::Found& found, engine::Offset offset) {
    Tally& tally = tallies_[found.record];
    if (tally.seen) {
      return false;
    }
    tally.seen = true;
    std::optional<engine::Offset>& latest = latest_[found.partition];
    if (latest && offset < *latest) {
      return true;
    }
    latest = offset;
    return false;
  }

  void count(std::size_t record, std::int32_t ordinal) {
    const std::int32_t expected = ledger_.inputs[record].expected;
    Tally& tally = tallies_[record];
    if (ordinal < 0 || ordinal >= expected) {
      ++tally.surplus;
    } else if (expected == 1) {
      ++(tally.ordinals == 0 ? tally.ordinals : tally.surplus);
    } else {
      claims_.push_back({.record = record, .ordinal = ordinal});
    }
  }

  // Sorting keeps the cost at the rows that exist, however many a flat_map ought to have made.
  void count_claims() {
    std::ranges::sort(claims_);
    for (std::size_t i = 0; i < claims_.size(); ++i) {
      Tally& tally = tallies_[claims_[i].record];
      const bool first = i == 0 || claims_[i] != claims_[i - 1];
      ++(first ? tally.ordinals : tally.surplus);
    }
  }

  void sum_up(Verdict& verdict) const {
    for (std::size_t record = 0; record < tallies_.size(); ++record) {
      const Tally& tally = tallies_[record];
      const InputRecord& input = ledger_.inputs[record];
      INVARIANT(input.expected >= 0, "record {} expects {} rows", input.id.value, input.expected);
      if (tally.ordinals < input.expected) {
        ++verdict.output.lost;
        add_example(verdict.lost_examples, input.id);
      }
      if (tally.surplus > 0) {
        verdict.output.duplicated += tally.surplus;
        add_example(verdict.duplicate_examples, input.id);
      }
    }
  }

  static void add_example(std::vector<engine::RecordId>& examples, engine::RecordId id) {
    if (examples.size() < kExamplesMax) {
      examples.push_back(id);
    }
  }

  struct Claim {
    std::size_t record = 0;
    std::int32_t ordinal = 0;
    auto operator<=>(const Claim&) const = default;
  };

  const Ledger& ledger_;
  const InputIndex& inputs_;
  std::vector<Tally> tallies_;                         // by record
  std::vector<std::optional<engine::Offset>> latest_;  // highest first row, by partition
  std::vector<Claim> claims_;                          // rows of records that expect several
};

// The stages before the output: how often the batches hold each record.
class StageJudge {
 public:
  StageJudge(const Ledger& ledger, const InputIndex& inputs) : changes_(inputs.size() + 1) {
    collect(ledger.plans, inputs);
    sort();
    std::size_t first = 0;
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      if (i + 1 == ranges_.size() || ranges_[i].part != ranges_[i + 1].part) {
        count(std::span<const Range>(ranges_).subspan(first, i + 1 - first));
        first = i + 1;
      }
    }
  }

  void judge(Verdict& verdict) const {
    Held held;
    for (std::size_t place = 0; place + 1 < changes_.size(); ++place) {
      held += changes_[place];
      add(verdict.received, std::max(held.received, std::min(held.planned, 1)));
      add(verdict.processed, std::max(held.processed, std::min(held.executed, 1)));
    }
  }

 private:
  // What several plans of a batch mean when they plan the same input again: a partition, of which
  // each may have another range, or a range of a block, which is the same in all of them.
  struct Part {
    engine::BatchTime batch;
    std::optional<engine::BlockId> block;
    std::int64_t number = 0;  // the partition; of a block, which of its ranges
    auto operator<=>(const Part&) const = default;
  };

  // A planned range, by the places of its records.
  struct Range {
    Part part;
    std::size_t plan = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
    bool survived = false;
    bool executed = false;
  };

  // How many ranges hold a record: of those that count for a stage, and of all that may.
  struct Held {
    std::int32_t received = 0;
    std::int32_t planned = 0;
    std::int32_t processed = 0;
    std::int32_t executed = 0;

    void operator+=(const Held& other) {
      received += other.received;
      planned += other.planned;
      processed += other.processed;
      executed += other.executed;
    }
  };

  void collect(const std::vector<BatchPlan>& plans, const InputIndex& inputs) {
    engine::Incarnation last_life = 0;
    std::size_t count = 0;
    for (const BatchPlan& plan : plans) {
      last_life = std::max(last_life, plan.driver);
      count += plan.ranges.size();
    }
    ranges_.reserve(count);
    for (std::size_t number = 0; number < plans.size(); ++number) {
      collect(plans[number], number, plans[number].driver == last_life, inputs);
    }
  }

  // A range of a block that did not survive is as if it had never been: where the records of a
  // partition can still be read, those of the block died with it.
  void collect(const BatchPlan& plan,
               std::size_t number,
               bool last_life,
               const InputIndex& inputs) {
    std::map<engine::BlockId, std::int64_t> ranges_of_block;
    for (const engine::PlannedRange& planned : plan.ranges) {
      const std::int64_t number_in_batch =
          planned.block ? ranges_of_block[*planned.block]++ : planned.range.partition;
      const bool executed = plan.has_executed(planned.task);
      const bool survived = executed || last_life;
      if (planned.block && !survived) {
        continue;
      }
      const auto [begin, end] = inputs.places_of(planned.range);
      ranges_.push_back(
          {.part = {.batch = plan.batch, .block = planned.block, .number = number_in_batch},
           .plan = number,
           .begin = begin,
           .end = end,
           .survived = survived,
           .executed = executed});
    }
  }

  // Each part together, plan by plan. That is nearly how one driver life plans.
  void sort() {
    const auto earlier = [](const Range& left, const Range& right) {
      return std::tie(left.part, left.plan, left.begin) <
             std::tie(right.part, right.plan, right.begin);
    };
    if (!std::ranges::is_sorted(ranges_, earlier)) {
      std::ranges::sort(ranges_, earlier);
    }
  }

  // `ranges` are all of one part.
  void count(std::span<const Range> ranges) {
    for (const Range& range : ranges) {
      change(range.begin, range.end, &Held::planned);
      if (range.executed) {
        change(range.begin, range.end, &Held::executed);
      }
    }
    count_last(ranges, &Range::survived, &Held::received);
    count_last(ranges, &Range::executed, &Held::processed);
  }

  // A batch holds a record of a part once, even if ranges of its plan overlap.
  void count_last(std::span<const Range> ranges, bool Range::*counts, std::int32_t Held::*times) {
    const auto last = std::ranges::find_if(ranges.rbegin(), ranges.rend(), std::mem_fn(counts));
    if (last == ranges.rend()) {
      return;
    }
    std::size_t covered = 0;
    for (const Range& range : ranges) {
      if (range.plan == last->plan && range.*counts) {
        change(std::max(range.begin, covered), range.end, times);
        covered = std::max(covered, range.end);
      }
    }
  }

  // `changes_[place]` is by how much a place differs from the one before, so that a range costs two
  // steps, whatever its length.
  void change(std::size_t begin, std::size_t end, std::int32_t Held::*times) {
    if (begin < end) {
      ++(changes_[begin].*times);
      --(changes_[end].*times);
    }
  }

  static void add(StageVerdict& stage, std::int32_t times) {
    stage.lost += times == 0 ? 1 : 0;
    stage.duplicated += std::max(times - 1, 0);
  }

  std::vector<Range> ranges_;
  std::vector<Held> changes_;
};

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end) {
    return std::nullopt;
  }
  return value;
}

// What the rows of one key come to. The sum is kept in two halves: it is exact for any 64-bit
// values, so that an overflow cannot pass for the right answer.
class Fold {
 public:
  void add(std::string_view text) {
    ++rows_;
    const auto value = parse_integer(text);
    if (!value) {
      numeric_ = false;
      return;
    }
    max_ = std::max(max_, *value);
    high_ += *value >> 32;
    low_ += *value & kLowMask;
  }

  [[nodiscard]] bool equals(AggregateKind kind, std::int64_t expected) const {
    if (rows_ == 0 || !numeric_) {
      return false;
    }
    if (kind == AggregateKind::kMaxByKey) {
      return max_ == expected;
    }
    return high_ + (low_ >> 32) == expected >> 32 && (low_ & kLowMask) == (expected & kLowMask);
  }

  [[nodiscard]] std::string to_string(AggregateKind kind) const {
    if (rows_ == 0) {
      return "missing";
    }
    if (!numeric_) {
      return "found no integer";
    }
    if (kind == AggregateKind::kMaxByKey) {
      return fmt::format("found {}", max_);
    }
    const std::int64_t high = high_ + (low_ >> 32);
    const bool fits = high == static_cast<std::int32_t>(high);
    return fits ? fmt::format("found {}", high * (kLowMask + 1) + (low_ & kLowMask))
                : std::string("found a sum beyond 64 bits");
  }

 private:
  static constexpr std::int64_t kLowMask = 0xffffffff;

  std::int64_t rows_ = 0;
  bool numeric_ = true;
  std::int64_t max_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t high_ = 0;
  std::int64_t low_ = 0;
};

class AggregateJudge {
 public:
  explicit AggregateJudge(const Ledger& ledger)
      : ledger_(ledger), folds_(ledger.expected_aggregate.size()) {
    const auto out_of_order = [](const ExpectedAggregate& left, const ExpectedAggregate& right) {
      return left.key >= right.key;
    };
    INVARIANT(std::ranges::adjacent_find(ledger.expected_aggregate, out_of_order) ==
                  ledger.expected_aggregate.end(),
              "expected aggregates are not sorted by key, each key once");
  }

  void judge(Verdict& verdict) {
    const auto& expected = ledger_.expected_aggregate;
    for (const OutputRecord& row : ledger_.outputs) {
      const auto found = std::ranges::lower_bound(expected, row.key, {}, &ExpectedAggregate::key);
      if (found == expected.end() || found->key != row.key) {
        unexpected_.push_back(row.key);
      } else {
        folds_[static_cast<std::size_t>(found - expected.begin())].add(row.value);
      }
    }
    convict_expected(verdict);
    convict_unexpected(verdict);
  }

 private:
  void convict_expected(Verdict& verdict) const {
    for (std::size_t i = 0; i < folds_.size(); ++i) {
      const ExpectedAggregate& expected = ledger_.expected_aggregate[i];
      if (!folds_[i].equals(ledger_.aggregate, expected.value)) {
        convict(verdict,
                fmt::format("{}: {}, expected {}",
                            expected.key,
                            folds_[i].to_string(ledger_.aggregate),
                            expected.value));
      }
    }
  }

  void convict_unexpected(Verdict& verdict) {
    std::ranges::sort(unexpected_);
    const auto repeated = std::ranges::unique(unexpected_);
    unexpected_.erase(repeated.begin(), repeated.end());
    for (const std::string_view key : unexpected_) {
      convict(verdict, fmt::format("{}: found, not expected", key));
    }
  }

  static void convict(Verdict& verdict, std::string example) {
    ++verdict.wrong;
    if (verdict.wrong_examples.size() < kExamplesMax) {
      verdict.wrong_examples.push_back(std::move(example));
    }
  }

  const Ledger& ledger_;
  std::vector<Fold> folds_;  // by expected aggregate
  std::vector<std::string_view> unexpected_;
};

}  // namespace

std::string_view to_string(Guarantee guarantee) {
  const auto index = static_cast<std::size_t>(guarantee);
  INVARIANT(index < kGuaranteeNames.size(), "guarantee {} has no name", index);
  return kGuaranteeNames[index];
}

std::optional<Guarantee> find_guarantee(std::string_view name) {
  const auto* const found = std::ranges::find(kGuaranteeNames, name);
  if (found == kGuaranteeNames.end()) {
    return std::nullopt;
  }
  return static_cast<Guarantee>(found - kGuaranteeNames.begin());
}

Guarantee StageVerdict::guarantee() const {
  if (lost == 0) {
    return duplicated == 0 ? Guarantee::kExactlyOnce : Guarantee::kAtLeastOnce;
  }
  return duplicated == 0 ? Guarantee::kAtMostOnce : Guarantee::kNone;
}

Guarantee Verdict::guarantee() const {
  return phantom > 0 || wrong > 0 ? Guarantee::kNone : output.guarantee();
}

Verdict judge(const Ledger& ledger) {
  const InputIndex inputs(ledger.inputs);
  Verdict verdict;
  verdict.stalled = ledger.stalled;
  StageJudge(ledger, inputs).judge(verdict);
  if (ledger.aggregate == AggregateKind::kNone) {
    RowJudge(ledger, inputs).judge(verdict);
  } else {
    AggregateJudge(ledger).judge(verdict);
  }
  return verdict;
}

}  // namespace reports
