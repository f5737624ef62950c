// tests/unit/judge_test.cpp
//
// Planted histories: each kind of damage is convicted, and nothing else is accused.

#include "reports/judge.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ports/invariant.h"
#include "tests/support/ledger_builder.h"

namespace {

using engine::RecordId;
using reports::AggregateKind;
using reports::Guarantee;
using reports::judge;
using reports::StageVerdict;
using reports::Verdict;
using support::LedgerBuilder;
using support::range;
using testing::ElementsAre;

constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kInt64Min = std::numeric_limits<std::int64_t>::min();

StageVerdict stage(std::int64_t lost, std::int64_t duplicated) {
  return {.lost = lost, .duplicated = duplicated};
}

TEST(Judge, EmptyLedgerIsExactlyOnce) {
  EXPECT_EQ(judge({}), Verdict{});
  EXPECT_EQ(judge({}).guarantee(), Guarantee::kExactlyOnce);
}

TEST(Judge, CleanHistoryIsNotAccused) {
  LedgerBuilder history;
  history.inputs(0, 3).inputs(1, 2).outputs(1, 2).outputs(0, 3);
  history.plan(1, 1, {range(0, 0, 3), range(1, 0, 2)}, true);

  EXPECT_EQ(judge(history.ledger()), Verdict{});
}

TEST(Judge, MissingRowIsLost) {
  LedgerBuilder history;
  history.inputs(0, 3).output(0, 0).output(0, 2);

  const Verdict verdict = judge(history.ledger());

  EXPECT_EQ(verdict.output, stage(1, 0));
  EXPECT_THAT(verdict.lost_examples, ElementsAre(RecordId{1}));
  EXPECT_EQ(verdict.guarantee(), Guarantee::kAtMostOnce);
}

TEST(Judge, EveryRowBeyondTheFirstIsDuplicated) {
  LedgerBuilder history;
  history.inputs(0, 2).outputs(0, 2).output(0, 1).output(0, 1);

  const Verdict verdict = judge(history.ledger());

  EXPECT_EQ(verdict.output, stage(0, 2));
  EXPECT_THAT(verdict.duplicate_examples, ElementsAre(RecordId{1}));
  EXPECT_EQ(verdict.guarantee(), Guarantee::kAtLeastOnce);
}

TEST(Judge, LostAndDuplicatedIsNoGuarantee) {
  LedgerBuilder history;
  history.inputs(0, 2).output(0, 0).output(0, 0);

  EXPECT_EQ(judge(history.ledger()).guarantee(), Guarantee::kNone);
}

TEST(Judge, FilteredRecordWithoutRowIsNotLost) {
  LedgerBuilder history;
  history.input(0, 0, 0).input(0, 1).output(0, 1);

  EXPECT_EQ(judge(history.ledger()).output, stage(0, 0));
}

TEST(Judge, RowOfFilteredRecordIsSurplus) {
  LedgerBuilder history;
  history.input(0, 0, 0).output(0, 0);

  const Verdict verdict = judge(history.ledger());

  EXPECT_EQ(verdict.output, stage(0, 1));
  EXPECT_EQ(verdict.phantom, 0);
}

TEST(Judge, AllOrdinalsOfFlatMapAreExact) {
  LedgerBuilder history;
  history.input(0, 0, 3).output(0, 0, 2).output(0, 0, 0).output(0, 0, 1);

  EXPECT_EQ(judge(history.ledger()).output, stage(0, 0));
}

TEST(Judge, RepeatedOrdinalDoesNotStandForMissingOne) {
  LedgerBuilder history;
  history.input(0, 0, 3).output(0, 0, 0).output(0, 0, 1).output(0, 0, 1);

  EXPECT_EQ(judge(history.ledger()).output, stage(1, 1));
}

TEST(Judge, RecordMissingSeveralOrdinalsIsLostOnce) {
  LedgerBuilder history;
  history.input(0, 0, 4).output(0, 0, 2);

  EXPECT_EQ(judge(history.ledger()).output, stage(1, 0));
}

TEST(Judge, OrdinalThatIsNotExpectedIsSurplus) {
  LedgerBuilder history;
  history.input(0, 0, 2).output(0, 0, 0).output(0, 0, 1).output(0, 0, 2).output(0, 0, -1);
  history.input(0, 1).output(0, 1).output(0, 1, 1);

  EXPECT_EQ(judge(history.ledger()).output, stage(0, 3));
}

TEST(Judge, RowWithoutInputIsPhantomAndNothingElse) {
  LedgerBuilder history;
  history.input(1, 5).input(1, 7).output(1, 5).output(1, 7);
  history.output(1, 6).output(1, 4).output(1, 8).output(0, 5).output(2, 5).output(-1, 5);

  const Verdict verdict = judge(history.ledger());

  EXPECT_EQ(verdict.phantom, 6);
  EXPECT_EQ(verdict.output, stage(0, 0));
  EXPECT_EQ(verdict.reordered, 0);
  EXPECT_EQ(verdict.guarantee(), Guarantee::kNone);
}

TEST(Judge, FirstRowBehindThatOfLaterRecordIsReordered) {
  LedgerBuilder history;
  history.inputs(0, 4).output(0, 2).output(0, 0).output(0, 1).output(0, 3);

  const Verdict verdict = judge(history.ledger());

  EXPECT_EQ(verdict.reordered, 2);
  EXPECT_EQ(verdict.guarantee(), Guarantee::kExactlyOnce);
}

TEST(Judge, RepetitionIsNotReordering) {
  LedgerBuilder history;
  history.inputs(0, 3).outputs(0, 3).outputs(0, 3);

  EXPECT_EQ(judge(history.ledger()).reordered, 0);
}

TEST(Judge, PartitionsHaveNoOrderAmongThem) {
  LedgerBuilder history;
  history.inputs(0, 2).inputs(1, 2).output(1, 1).output(0, 0).output(1, 0).output(0, 1);

  EXPECT_EQ(judge(history.ledger()).reordered, 1);
}

TEST(Judge, RecordsAreFoundAtAnyOffsetInAnyOrderOfProduction) {
  LedgerBuilder history;
  history.input(7, kInt64Max).input(7, kInt64Min).input(7, 0).input(-3, 12).input(1'000'000, 3);
  history.output(7, kInt64Min).output(7, 0).output(7, kInt64Max).output(-3, 12);
  history.output(1'000'000, 3);

  const Verdict verdict = judge(history.ledger());

  EXPECT_EQ(verdict.output, stage(0, 0));
  EXPECT_EQ(verdict.phantom, 0);
  EXPECT_EQ(verdict.reordered, 0);
}

TEST(Judge, ExamplesAreBounded) {
  LedgerBuilder history;
  history.inputs(0, 50).inputs(1, 50).outputs(1, 50).outputs(1, 50);

  const Verdict verdict = judge(history.ledger());

  EXPECT_EQ(verdict.output, stage(50, 50));
  EXPECT_EQ(verdict.lost_examples.size(), reports::kExamplesMax);
  EXPECT_EQ(verdict.duplicate_examples.size(), reports::kExamplesMax);
}

TEST(Judge, TwoInputsAtOnePositionAreOurOwnMistake) {
  LedgerBuilder history;
  history.input(0, 4).input(0, 4);

  EXPECT_THROW(judge(history.ledger()), engine::InvariantViolation);
}

TEST(JudgeStages, RecordInNoPlanIsLost) {
  LedgerBuilder history;
  history.inputs(0, 4).plan(1, 1, {range(0, 1, 3)}, true);

  const Verdict verdict = judge(history.ledger());

  EXPECT_EQ(verdict.received, stage(2, 0));
  EXPECT_EQ(verdict.processed, stage(2, 0));
}

TEST(JudgeStages, RecordInTwoBatchesIsDuplicated) {
  LedgerBuilder history;
  history.inputs(0, 4);
  history.plan(1, 1, {range(0, 0, 3)}, true).plan(2, 1, {range(0, 2, 4)}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 1));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 1));
}

TEST(JudgeStages, BatchRunAgainOnItsRangesReceivesOnce) {
  LedgerBuilder history;
  history.inputs(0, 3);
  history.plan(1, 1, {range(0, 0, 3)}, true).plan(1, 2, {range(0, 0, 3)}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 0));
}

TEST(JudgeStages, LastPlanOfBatchCounts) {
  LedgerBuilder history;
  history.inputs(0, 4);
  history.plan(1, 1, {range(0, 0, 2)}, true).plan(1, 2, {range(0, 0, 4)}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 0));
}

// Offsets in the transaction of the rows: the next life starts behind a batch that nobody
// completed.
TEST(JudgeStages, BatchWhoseDriverDiedBetweenOutputAndCompletionIsExact) {
  LedgerBuilder history;
  history.inputs(0, 4).outputs(0, 4);
  history.plan(1, 1, {range(0, 0, 2)}, false).executed({0}).plan(2, 2, {range(0, 2, 4)}, true);

  EXPECT_EQ(judge(history.ledger()), Verdict{});
}

// Offsets saved before the output: the same start, behind a batch that did nothing.
TEST(JudgeStages, BatchThatDiedBehindThePositionIsReceivedAndLostFurtherOn) {
  LedgerBuilder history;
  history.inputs(0, 4).output(0, 2).output(0, 3);
  history.plan(1, 1, {range(0, 0, 2)}, false).plan(2, 2, {range(0, 2, 4)}, true);

  const Verdict verdict = judge(history.ledger());

  EXPECT_EQ(verdict.received, stage(0, 0));
  EXPECT_EQ(verdict.processed, stage(2, 0));
  EXPECT_EQ(verdict.output, stage(2, 0));
}

TEST(JudgeStages, BatchThatDiedUnexecutedIsReplacedByWhoeverHoldsItsRecords) {
  LedgerBuilder history;
  history.inputs(0, 4);
  history.plan(1, 1, {range(0, 0, 2)}, false).plan(2, 2, {range(0, 0, 4)}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 0));
}

TEST(JudgeStages, ExecutionInDeadLifeAndUnderAnotherBatchProcessesTwice) {
  LedgerBuilder history;
  history.inputs(0, 4).inputs(1, 3);
  history.plan(1, 1, {range(0, 0, 2), range(1, 0, 3)}, false).executed({0});
  history.plan(2, 2, {range(0, 0, 4), range(1, 0, 3)}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 2)) << "of the partition that was executed";
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 2));
}

TEST(JudgeStages, BatchPlannedLargerAndExecutedAgainIsExact) {
  LedgerBuilder history;
  history.inputs(0, 5);
  history.plan(1, 1, {range(0, 0, 2)}, false).executed({0});
  history.plan(1, 2, {range(0, 0, 4)}, true).plan(2, 2, {range(0, 4, 5)}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 0));
}

// The batch failed in one partition; a later one cleared its range, and it is planned anew, empty.
TEST(JudgeStages, WhatOnlyAnOlderPlanOfTheBatchExecutedIsProcessed) {
  LedgerBuilder history;
  history.inputs(0, 4).inputs(1, 3);
  history.plan(1, 1, {range(0, 0, 4), range(1, 0, 3)}, false).executed({1});
  history.plan(1, 2, {range(0, 4, 4), range(1, 3, 3)}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(4, 0));
}

TEST(JudgeStages, PartitionsOfOneBatchAreJudgedByTheirOwnPlans) {
  LedgerBuilder history;
  history.inputs(0, 4).inputs(1, 4);
  history.plan(1, 1, {range(0, 0, 2), range(1, 0, 2)}, false).executed({1});
  history.plan(1, 2, {range(0, 0, 4), range(1, 0, 4)}, false).executed({0});

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(2, 0));
}

TEST(JudgeStages, PositionBeyondRecordsThatNoPlanHeldLosesThem) {
  LedgerBuilder history;
  history.inputs(0, 6);
  history.plan(1, 1, {range(0, 0, 2)}, true).plan(3, 2, {range(0, 5, 6)}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(3, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(3, 0));
}

TEST(JudgeStages, CompletedPlanOutlivesLaterOneThatDied) {
  LedgerBuilder history;
  history.inputs(0, 4);
  history.plan(1, 1, {range(0, 0, 2)}, true).plan(1, 2, {range(0, 0, 4)}, false);
  history.plan(2, 3, {range(0, 2, 4)}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 0));
}

TEST(JudgeStages, UnfinishedPlanOfLastLifeIsReceivedButNotProcessed) {
  LedgerBuilder history;
  history.inputs(0, 4);
  history.plan(1, 2, {range(0, 0, 3)}, true).plan(2, 2, {range(0, 3, 4)}, false);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(1, 0));
}

TEST(JudgeStages, OverlapInsideOnePlanReceivesOnce) {
  LedgerBuilder history;
  history.inputs(0, 6).inputs(1, 2);
  history.plan(1, 1, {range(1, 0, 2), range(0, 3, 6), range(0, 0, 4), range(0, 1, 2)}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
}

TEST(JudgeStages, RangesBeyondTheRecordsAreHarmless) {
  LedgerBuilder history;
  history.input(0, 5).input(0, 9);
  history.plan(1, 1, {range(0, kInt64Min, kInt64Max), range(9, 0, 4), range(0, 7, 3)}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
}

TEST(JudgeAggregates, RowsOfKeyAreAddedOverBatches) {
  LedgerBuilder history;
  history.inputs(0, 3).aggregate(AggregateKind::kCountByKey, {{"a", 2}, {"b", 1}});
  history.aggregate_row("a", "1").aggregate_row("b", "1").aggregate_row("a", "1");

  const Verdict verdict = judge(history.ledger());

  EXPECT_EQ(verdict.wrong, 0);
  EXPECT_EQ(verdict.output, stage(0, 0));
  EXPECT_EQ(verdict.phantom, 0);
  EXPECT_EQ(verdict.guarantee(), Guarantee::kExactlyOnce);
}

TEST(JudgeAggregates, EachDifferentKeyIsWrong) {
  LedgerBuilder history;
  history.aggregate(AggregateKind::kSumByKey, {{"high", 1}, {"low", 9}, {"missing", 0}});
  history.aggregate_row("high", "2").aggregate_row("low", "3").aggregate_row("low", "5");
  history.aggregate_row("stray", "1").aggregate_row("stray", "1");

  const Verdict verdict = judge(history.ledger());

  EXPECT_EQ(verdict.wrong, 4);
  EXPECT_EQ(verdict.output, stage(0, 0));
  EXPECT_EQ(verdict.guarantee(), Guarantee::kNone);
  EXPECT_THAT(verdict.wrong_examples,
              ElementsAre("high: found 2, expected 1",
                          "low: found 8, expected 9",
                          "missing: missing, expected 0",
                          "stray: found, not expected"));
}

TEST(JudgeAggregates, MaximumIsTheGreatestRow) {
  LedgerBuilder history;
  history.aggregate(AggregateKind::kMaxByKey, {{"a", -1}, {"b", 7}});
  history.aggregate_row("a", "-5").aggregate_row("a", "-1").aggregate_row("a", "-3");
  history.aggregate_row("b", "6");

  const Verdict verdict = judge(history.ledger());

  EXPECT_THAT(verdict.wrong_examples, ElementsAre("b: found 6, expected 7"));
}

TEST(JudgeAggregates, ValueThatIsNoIntegerIsWrong) {
  for (const char* const value : {"", "x", "1 ", "1.0", "9223372036854775808"}) {
    LedgerBuilder history;
    history.aggregate(AggregateKind::kSumByKey, {{"a", 1}}).aggregate_row("a", value);

    EXPECT_EQ(judge(history.ledger()).wrong, 1) << value;
  }
}

TEST(JudgeAggregates, OverflowingSumDoesNotPassForTheExpectedOne) {
  LedgerBuilder history;
  history.aggregate(AggregateKind::kSumByKey, {{"a", 0}});
  history.aggregate_row("a", "9223372036854775807").aggregate_row("a", "9223372036854775807");
  history.aggregate_row("a", "2");

  EXPECT_EQ(judge(history.ledger()).wrong, 1);
}

TEST(JudgeAggregates, ExtremeSumsAreExact) {
  LedgerBuilder history;
  history.aggregate(AggregateKind::kSumByKey, {{"max", kInt64Max}, {"min", kInt64Min}});
  history.aggregate_row("max", "9223372036854775807").aggregate_row("max", "5");
  history.aggregate_row("max", "-5").aggregate_row("min", "-9223372036854775808");

  EXPECT_EQ(judge(history.ledger()).wrong, 0);
}

TEST(JudgeAggregates, StagesAreJudgedAsForRecords) {
  LedgerBuilder history;
  history.inputs(0, 2).aggregate(AggregateKind::kCountByKey, {}).plan(1, 1, {range(0, 1, 2)}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(1, 0));
}

TEST(JudgeAggregates, UnsortedExpectationIsOurOwnMistake) {
  LedgerBuilder history;
  history.aggregate(AggregateKind::kCountByKey, {{"b", 1}, {"a", 1}});

  EXPECT_THROW(judge(history.ledger()), engine::InvariantViolation);
}

TEST(Judge, StallIsReportedAndIsNoLoss) {
  LedgerBuilder history;
  history.ledger().stalled = true;

  EXPECT_TRUE(judge(history.ledger()).stalled);
  EXPECT_EQ(judge(history.ledger()).guarantee(), Guarantee::kExactlyOnce);
}

TEST(Guarantee, EachNameFindsItsGuarantee) {
  for (const Guarantee guarantee : {Guarantee::kNone,
                                    Guarantee::kAtMostOnce,
                                    Guarantee::kAtLeastOnce,
                                    Guarantee::kExactlyOnce}) {
    EXPECT_EQ(reports::find_guarantee(reports::to_string(guarantee)), guarantee);
  }
  EXPECT_EQ(reports::find_guarantee("exactly once"), std::nullopt);
}

}  // namespace
