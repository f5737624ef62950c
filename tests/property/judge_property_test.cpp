// tests/property/judge_property_test.cpp
//
// The judge, the views of a recording and a history read back say the same of any ledger, however
// absurd; an exact history is never accused, and each single damage to one is convicted.

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <sqlite3.h>

#include "reports/judge.h"
#include "reports/recording.h"
#include "tests/support/ledger_builder.h"
#include "tests/support/temporary_folder.h"

namespace {

using reports::AggregateKind;
using reports::Guarantee;
using reports::judge;
using reports::Ledger;
using reports::Recording;
using reports::Verdict;
using support::LedgerBuilder;

constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kInt64Min = std::numeric_limits<std::int64_t>::min();

template <class T>
T one_of(std::initializer_list<T> choices) {
  return *rc::gen::elementOf(std::vector<T>(choices));
}

std::int64_t below(std::int64_t bound) {
  return *rc::gen::inRange<std::int64_t>(0, bound);
}

std::int64_t draw_offset() {
  return below(12) > 0 ? below(8) : one_of<std::int64_t>({-5, 1LL << 40, kInt64Max, kInt64Min});
}

std::string draw_key() {
  return one_of<std::string>(
      {"a", "b", "c", "", "ключ", "会话", "\xff", std::string("a\0", 2), "A"});
}

std::string draw_amount() {
  return below(6) > 0 ? std::to_string(below(5) - 2)
                      : one_of<std::string>({"x",
                                             "",
                                             "9223372036854775807",
                                             "-9223372036854775808",
                                             "4611686018427387904",
                                             "9223372036854775808"});
}

void draw_inputs(Ledger& ledger) {
  std::set<engine::Position> taken;
  std::int64_t id = 0;
  for (std::int64_t left = below(14); left > 0; --left) {
    const engine::Position position{.partition = static_cast<engine::PartitionId>(below(3)),
                                    .offset = {draw_offset()}};
    id += 1 + below(2);
    if (taken.insert(position).second) {
      ledger.inputs.push_back({.id = {id},
                               .position = position,
                               .key = draw_key(),
                               .value = draw_amount(),
                               .produced_at = {},
                               .expected = one_of<std::int32_t>({1, 1, 1, 1, 0, 2, 3})});
    }
  }
}

engine::Position draw_source(const Ledger& ledger) {
  if (!ledger.inputs.empty() && below(8) > 0) {
    return ledger.inputs[static_cast<std::size_t>(below(std::ssize(ledger.inputs)))].position;
  }
  return {.partition = static_cast<engine::PartitionId>(below(5) - 1), .offset = {draw_offset()}};
}

void draw_outputs(Ledger& ledger) {
  for (std::int64_t left = below(24); left > 0; --left) {
    reports::OutputRecord row;
    row.source = draw_source(ledger);
    row.ordinal = one_of<std::int32_t>({0, 0, 0, 0, 1, 2, 3, -1});
    row.key = draw_key();
    row.value = draw_amount();
    row.writer = {
        .process = {.role = engine::Role::kExecutor, .index = static_cast<std::int32_t>(below(2))},
        .incarnation = 1};
    ledger.outputs.push_back(row);
  }
}

// Half of them of blocks, of which there are few enough that they meet again, in the same plan and
// in others, without care for what a block held before.
engine::PlannedRange draw_planned_range() {
  engine::PlannedRange planned;
  planned.range = {.partition = static_cast<engine::PartitionId>(below(4)),
                   .from = {draw_offset()},
                   .until = {draw_offset()}};
  planned.task =
      below(3) > 0 ? planned.range.partition : static_cast<engine::PartitionId>(below(4));
  if (below(2) == 0) {
    planned.block = {.stream = static_cast<engine::StreamId>(below(2)), .number = below(3)};
  }
  return planned;
}

void draw_plans(Ledger& ledger) {
  for (std::int64_t left = below(8); left > 0; --left) {
    reports::BatchPlan plan{.batch = support::batch(1 + below(4)),
                            .driver = static_cast<engine::Incarnation>(1 + below(3)),
                            .ranges = {},
                            .executed = {},
                            .completed = below(3) == 0};
    for (std::int64_t ranges = below(6); ranges > 0; --ranges) {
      plan.ranges.push_back(draw_planned_range());
    }
    for (std::int64_t executed = below(3); executed > 0; --executed) {
      plan.executed.push_back(static_cast<engine::PartitionId>(below(4)));
    }
    ledger.plans.push_back(plan);
  }
}

// The sum that a careless fold would find, which wraps around: the most tempting wrong expectation.
std::int64_t wrapping_sum(const Ledger& ledger, const std::string& key) {
  std::uint64_t sum = 0;
  for (const reports::OutputRecord& row : ledger.outputs) {
    std::int64_t value = 0;
    if (row.key == key) {
      std::from_chars(row.value.data(), row.value.data() + row.value.size(), value);
      sum += static_cast<std::uint64_t>(value);
    }
  }
  return static_cast<std::int64_t>(sum);
}

void draw_aggregate(Ledger& ledger) {
  ledger.aggregate = one_of({AggregateKind::kNone,
                             AggregateKind::kNone,
                             AggregateKind::kCountByKey,
                             AggregateKind::kSumByKey,
                             AggregateKind::kMaxByKey});
  std::set<std::string> keys;
  for (std::int64_t left = below(8); left > 0; --left) {
    keys.insert(draw_key());
  }
  for (const std::string& key : keys) {
    const std::int64_t value = below(3) > 0 ? wrapping_sum(ledger, key) : below(4) - 1;
    ledger.expected_aggregate.push_back({.key = key, .value = value});
  }
}

Ledger draw_ledger() {
  Ledger ledger;
  draw_inputs(ledger);
  draw_outputs(ledger);
  draw_plans(ledger);
  draw_aggregate(ledger);
  ledger.stalled = below(4) == 0;
  return ledger;
}

// Every count and guarantee of a verdict, in the order of kVerdictColumns.
std::string to_line(const Verdict& verdict) {
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}",
                     to_string(verdict.received.guarantee()),
                     to_string(verdict.processed.guarantee()),
                     to_string(verdict.guarantee()),
                     verdict.output.lost,
                     verdict.output.duplicated,
                     verdict.phantom,
                     verdict.reordered,
                     verdict.wrong,
                     verdict.stalled ? 1 : 0,
                     verdict.received.lost,
                     verdict.received.duplicated,
                     verdict.processed.lost,
                     verdict.processed.duplicated);
}

constexpr const char* kVerdictColumns =
    "received || '|' || processed || '|' || output || '|' || lost || '|' || duplicated || '|' || "
    "phantom || '|' || reordered || '|' || wrong || '|' || stalled || '|' || received_lost || '|' "
    "|| received_duplicated || '|' || processed_lost || '|' || processed_duplicated";

// A recording on disk, because the views are read by another connection: any SQLite client. It is
// created once and emptied for each case.
class Bench {
 public:
  Bench() {
    auto opened = Recording::open(path());
    RC_ASSERT(opened.has_value());
    recording_.emplace(*std::move(opened));
    RC_ASSERT(sqlite3_open(path().c_str(), &reader_) == SQLITE_OK);
    query("PRAGMA synchronous = OFF");
  }

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  ~Bench() { sqlite3_close(reader_); }

  void clear() {
    query(
        "DELETE FROM run; DELETE FROM metric; DELETE FROM input_record; DELETE FROM output_record;"
        "DELETE FROM batch_plan; DELETE FROM expected_aggregate");
  }

  std::int64_t record(const Ledger& ledger, const Verdict& verdict) {
    reports::RunInfo info;
    info.trace_hash = std::string(32, '0');
    const auto run_id = recording_->record(info, ledger, verdict);
    RC_ASSERT(run_id.has_value());
    return *run_id;
  }

  Ledger load(std::int64_t run_id) {
    auto ledger = recording_->load(run_id);
    RC_ASSERT(ledger.has_value());
    return *std::move(ledger);
  }

  std::vector<std::string> query(const std::string& statement) {
    std::vector<std::string> rows;
    const auto collect = [](void* out, int /*count*/, char** values, char** /*names*/) {
      static_cast<std::vector<std::string>*>(out)->emplace_back(*values);
      return 0;
    };
    char* error = nullptr;
    sqlite3_exec(reader_, statement.c_str(), collect, &rows, &error);
    const std::string message = error == nullptr ? "" : error;
    sqlite3_free(error);
    RC_ASSERT(message == "");
    return rows;
  }

 private:
  [[nodiscard]] std::string path() const { return folder_.file("runs.db"); }

  tests::TemporaryFolder folder_;
  std::optional<Recording> recording_;
  sqlite3* reader_ = nullptr;
};

Bench& empty_bench() {
  static Bench bench;
  bench.clear();
  return bench;
}

constexpr int kLedgersPerCase = 10;

// Ten runs in one file: the views must also keep the runs apart.
RC_GTEST_PROP(JudgeProperty, ViewsAndReadBackHistoryAgreeWithTheJudge, ()) {
  Bench& bench = empty_bench();
  std::vector<std::string> judged;
  for (int i = 0; i < kLedgersPerCase; ++i) {
    const Ledger ledger = draw_ledger();
    const Verdict verdict = judge(ledger);
    const std::int64_t run_id = bench.record(ledger, verdict);
    judged.push_back(to_line(verdict));
    RC_ASSERT(judge(bench.load(run_id)) == verdict);
  }
  RC_ASSERT(bench.query(fmt::format("SELECT {} FROM verdict ORDER BY run_id", kVerdictColumns)) ==
            judged);
  RC_ASSERT(bench.query(fmt::format("SELECT {} FROM run ORDER BY run_id", kVerdictColumns)) ==
            judged);
  RC_ASSERT(bench.query(fmt::format("SELECT {} FROM verdict WHERE run_id = 3", kVerdictColumns)) ==
            std::vector{judged[2]});
}

RC_GTEST_PROP(JudgeProperty, EachViewHasOneRowPerFinding, ()) {
  Bench& bench = empty_bench();
  const Ledger ledger = draw_ledger();
  const Verdict verdict = judge(ledger);
  bench.record(ledger, verdict);
  const auto count = [&bench](const char* view) {
    return std::stoll(bench.query(fmt::format("SELECT count(*) FROM {}", view)).front());
  };
  RC_ASSERT(count("lost_record") == verdict.output.lost);
  RC_ASSERT(count("duplicate_record") == verdict.output.duplicated);
  RC_ASSERT(count("phantom_record") == verdict.phantom);
  RC_ASSERT(count("reordered_record") == verdict.reordered);
  RC_ASSERT(count("wrong_key") == verdict.wrong);
}

// Every record once, in order, in batches of one life; at least one row.
LedgerBuilder draw_exact_history() {
  LedgerBuilder history;
  const std::int64_t partitions = 1 + below(3);
  for (std::int64_t partition = 0; partition < partitions; ++partition) {
    const auto id = static_cast<engine::PartitionId>(partition);
    std::int64_t offset = below(100);
    const std::int64_t from = offset;
    for (std::int64_t left = 1 + below(10); left > 0; --left) {
      const bool first = history.ledger().inputs.empty();
      const auto expected = static_cast<std::int32_t>(first ? 1 + below(3) : below(4));
      history.input(id, offset, expected);
      for (std::int32_t ordinal = 0; ordinal < expected; ++ordinal) {
        history.output(id, offset, ordinal);
      }
      offset += 1 + below(3);
    }
    history.plan(partition + 1, 1, {support::range(id, from, offset)}, true);
  }
  return history;
}

RC_GTEST_PROP(JudgeProperty, ExactHistoryIsNotAccused, ()) {
  RC_ASSERT(judge(draw_exact_history().ledger()) == Verdict{});
}

RC_GTEST_PROP(JudgeProperty, TakenRowIsOneLostRecord, ()) {
  Ledger ledger = draw_exact_history().ledger();
  const auto taken = static_cast<std::ptrdiff_t>(below(std::ssize(ledger.outputs)));
  ledger.outputs.erase(ledger.outputs.begin() + taken);

  const Verdict verdict = judge(ledger);

  RC_ASSERT(verdict.output == (reports::StageVerdict{.lost = 1, .duplicated = 0}));
  RC_ASSERT(verdict.guarantee() == Guarantee::kAtMostOnce);
}

RC_GTEST_PROP(JudgeProperty, RepeatedRowIsOneDuplicate, ()) {
  Ledger ledger = draw_exact_history().ledger();
  const auto repeated = static_cast<std::size_t>(below(std::ssize(ledger.outputs)));
  const auto behind = static_cast<std::ptrdiff_t>(repeated) +
                      below(std::ssize(ledger.outputs) - static_cast<std::ptrdiff_t>(repeated)) + 1;
  const reports::OutputRecord row = ledger.outputs[repeated];
  ledger.outputs.insert(ledger.outputs.begin() + behind, row);

  const Verdict verdict = judge(ledger);

  RC_ASSERT(verdict.output == (reports::StageVerdict{.lost = 0, .duplicated = 1}));
  RC_ASSERT(verdict.reordered == 0);
  RC_ASSERT(verdict.guarantee() == Guarantee::kAtLeastOnce);
}

// The records of one partition in blocks of one or two ranges, some of them to a batch.
struct BlockHistory {
  std::vector<std::vector<support::Block>> batches;
  LedgerBuilder ledger;
};

BlockHistory draw_block_history() {
  BlockHistory history;
  std::int64_t offset = 0;
  std::int64_t number = 0;
  for (std::int64_t batches = 1 + below(3); batches > 0; --batches) {
    std::vector<support::Block>& blocks = history.batches.emplace_back();
    for (std::int64_t count = 1 + below(3); count > 0; --count) {
      support::Block& block = blocks.emplace_back();
      block.id = {.stream = static_cast<engine::StreamId>(below(2)), .number = ++number};
      for (std::int64_t ranges = 1 + below(2); ranges > 0; --ranges) {
        const std::int64_t from = offset;
        offset += 1 + below(3);
        block.ranges.push_back(support::range(0, from, offset));
      }
    }
  }
  history.ledger.inputs(0, offset);
  return history;
}

std::int64_t count_of(const support::Block& block) {
  std::int64_t count = 0;
  for (const engine::OffsetRange& range : block.ranges) {
    count += range.count();
  }
  return count;
}

// Each life executes each batch or not; the last one does.
RC_GTEST_PROP(JudgeProperty, BlocksPlannedAgainByAnyNumberOfLivesAreExact, ()) {
  BlockHistory history = draw_block_history();
  const std::int64_t lives = 1 + below(3);
  for (std::int64_t life = 1; life <= lives; ++life) {
    std::int64_t number = 0;
    for (const std::vector<support::Block>& blocks : history.batches) {
      const bool executed = life == lives || below(2) == 0;
      history.ledger.plan_blocks(
          ++number, static_cast<engine::Incarnation>(life), blocks, executed);
    }
  }
  const Verdict verdict = judge(history.ledger.ledger());

  RC_ASSERT(verdict.received == reports::StageVerdict{});
  RC_ASSERT(verdict.processed == reports::StageVerdict{});
}

// The driver dies before it has executed anything, and one block with it.
RC_GTEST_PROP(JudgeProperty, BlockLeftOutIsExactlyItsRecordsLost, ()) {
  BlockHistory history = draw_block_history();
  std::int64_t number = 0;
  for (const std::vector<support::Block>& blocks : history.batches) {
    history.ledger.plan_blocks(++number, 1, blocks, false);
  }
  std::vector<support::Block>& shortened =
      history.batches[static_cast<std::size_t>(below(std::ssize(history.batches)))];
  const auto left_out = shortened.begin() + below(std::ssize(shortened));
  const std::int64_t lost = count_of(*left_out);
  shortened.erase(left_out);
  number = 0;
  for (const std::vector<support::Block>& blocks : history.batches) {
    history.ledger.plan_blocks(++number, 2, blocks, true);
  }
  const Verdict verdict = judge(history.ledger.ledger());

  RC_ASSERT(verdict.received == (reports::StageVerdict{.lost = lost, .duplicated = 0}));
  RC_ASSERT(verdict.processed == (reports::StageVerdict{.lost = lost, .duplicated = 0}));
}

// Into any batch, its own or another, under an identity of its own.
RC_GTEST_PROP(JudgeProperty, BlockReceivedTwiceIsExactlyItsRecordsDuplicated, ()) {
  BlockHistory history = draw_block_history();
  const std::vector<support::Block>& source =
      history.batches[static_cast<std::size_t>(below(std::ssize(history.batches)))];
  support::Block again = source[static_cast<std::size_t>(below(std::ssize(source)))];
  again.id.number += 1000;
  history.batches[static_cast<std::size_t>(below(std::ssize(history.batches)))].push_back(again);
  std::int64_t number = 0;
  for (const std::vector<support::Block>& blocks : history.batches) {
    history.ledger.plan_blocks(++number, 1, blocks, true);
  }
  const Verdict verdict = judge(history.ledger.ledger());

  RC_ASSERT(verdict.received == (reports::StageVerdict{.lost = 0, .duplicated = count_of(again)}));
  RC_ASSERT(verdict.processed == (reports::StageVerdict{.lost = 0, .duplicated = count_of(again)}));
}

// What no batch worked on to the end cannot have been processed more often than it was received.
RC_GTEST_PROP(JudgeProperty, WhateverIsProcessedWasReceived, ()) {
  const Verdict verdict = judge(draw_ledger());

  RC_ASSERT(verdict.processed.lost >= verdict.received.lost);
}

RC_GTEST_PROP(JudgeProperty, OrderOfTheSinkChangesNothingButReordering, ()) {
  Ledger ledger = draw_ledger();
  Verdict before = judge(ledger);
  std::ranges::reverse(ledger.outputs);
  Verdict after = judge(ledger);
  before.reordered = 0;
  after.reordered = 0;

  RC_ASSERT(before == after);
}

}  // namespace
