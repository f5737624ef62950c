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

// No engine plans like this: of two tasks that read one partition in one batch each stands for its
// own.
TEST(JudgeStages, RangeOfTaskThatDidNotEndIsNotProcessedByItsNeighbour) {
  LedgerBuilder history;
  history.inputs(0, 4).plan(1, 1, {range(0, 0, 2), range(0, 2, 4)}, false).executed({1});
  history.ledger().plans[0].ranges[1].task = 1;

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(2, 0));
}

TEST(JudgeStages, RangesBeyondTheRecordsAreHarmless) {
  LedgerBuilder history;
  history.input(0, 5).input(0, 9);
  history.plan(1, 1, {range(0, kInt64Min, kInt64Max), range(9, 0, 4), range(0, 7, 3)}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
}

constexpr engine::BlockId kFirst{.stream = 0, .number = 1000};
constexpr engine::BlockId kSecond{.stream = 0, .number = 1200};
constexpr engine::BlockId kOther{.stream = 1, .number = 1000};

TEST(JudgeBlocks, RecordsOfAllBlocksOfBatchAreReceivedOnce) {
  LedgerBuilder history;
  history.inputs(0, 6).inputs(1, 2);
  history.plan_blocks(
      1, 1, {{kFirst, {range(0, 0, 2), range(1, 0, 2)}}, {kOther, {range(0, 2, 4)}}}, true);
  history.plan_blocks(2, 1, {{kSecond, {range(0, 4, 6)}}}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 0));
}

TEST(JudgeBlocks, RecordInTwoBlocksOfOneBatchIsReceivedTwice) {
  LedgerBuilder history;
  history.inputs(0, 4);
  history.plan_blocks(1, 1, {{kFirst, {range(0, 0, 3)}}, {kSecond, {range(0, 2, 4)}}}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 1));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 1));
}

TEST(JudgeBlocks, RecordInBlocksOfTwoBatchesIsReceivedTwice) {
  LedgerBuilder history;
  history.inputs(0, 4);
  history.plan_blocks(1, 1, {{kFirst, {range(0, 0, 3)}}}, true);
  history.plan_blocks(2, 1, {{kSecond, {range(0, 2, 4)}}}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 1));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 1));
}

// The receiver was started again within a block interval and fetched from where it had committed.
TEST(JudgeBlocks, RecordTwiceInOneBlockIsReceivedTwice) {
  LedgerBuilder history;
  history.inputs(0, 4);
  history.plan_blocks(1, 1, {{kFirst, {range(0, 0, 3), range(0, 2, 4)}}}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 1));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 1));
}

// The counter-example is OverlapInsideOnePlanReceivesOnce: there the ranges are of a partition.
TEST(JudgeBlocks, WhetherRangesOfOneBlockAreNeighboursInThePlanDoesNotMatter) {
  LedgerBuilder history;
  history.inputs(0, 4);
  history.plan_blocks(
      1,
      1,
      {{kFirst, {range(0, 0, 3)}}, {kSecond, {range(0, 3, 4)}}, {kFirst, {range(0, 2, 3)}}},
      true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 1));
}

TEST(JudgeBlocks, BlocksOfDifferentStreamsAreDifferentWhateverTheirNumber) {
  LedgerBuilder history;
  history.inputs(0, 2);
  history.plan_blocks(1, 1, {{kFirst, {range(0, 0, 2)}}}, true);
  history.plan_blocks(1, 2, {{kOther, {range(0, 0, 2)}}}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 2));
}

TEST(JudgeBlocks, SameBlocksPlannedAgainAreReceivedOnce) {
  LedgerBuilder history;
  history.inputs(0, 4).inputs(1, 2);
  const std::vector<support::Block> blocks{{kFirst, {range(0, 0, 2), range(1, 0, 2)}},
                                           {kSecond, {range(0, 2, 4)}}};
  history.plan_blocks(1, 1, blocks, true).plan_blocks(1, 2, blocks, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 0));
}

// A block that is gone is left out of its batch when a later life plans it again, and the tasks
// behind it move up.
TEST(JudgeBlocks, BlockIsTheSameWhateverTaskReadsIt) {
  LedgerBuilder history;
  history.inputs(0, 4);
  const support::Block first{kFirst, {range(0, 0, 2)}};
  const support::Block second{kSecond, {range(0, 2, 4)}};
  history.plan_blocks(1, 1, {first, second}, false).executed({0, 1});
  history.plan_blocks(1, 2, {second}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 0));
}

// The same history over Kafka, where what the dead plan held can still be read, is
// JudgeStages.BatchThatDiedBehindThePositionIsReceivedAndLostFurtherOn.
TEST(JudgeBlocks, BlockThatDiedWithItsDriverWasNotReceived) {
  LedgerBuilder history;
  history.inputs(0, 4);
  history.plan_blocks(1, 1, {{kFirst, {range(0, 0, 2)}}}, false);
  history.plan_blocks(2, 2, {{kSecond, {range(0, 2, 4)}}}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(2, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(2, 0));
}

TEST(JudgeBlocks, BlockLeftOutOfItsBatchIsLostAndTheOthersAreNot) {
  LedgerBuilder history;
  history.inputs(0, 4);
  const support::Block second{kSecond, {range(0, 2, 4)}};
  history.plan_blocks(1, 1, {{kFirst, {range(0, 0, 2)}}, second}, false);
  history.plan_blocks(1, 2, {second}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(2, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(2, 0));
}

TEST(JudgeBlocks, BlockThatDiedAfterItWasExecutedIsReceivedAndProcessed) {
  LedgerBuilder history;
  history.inputs(0, 4);
  history.plan_blocks(1, 1, {{kFirst, {range(0, 0, 2)}}, {kSecond, {range(0, 2, 4)}}}, false);
  history.executed({0}).plan_blocks(1, 2, {}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(2, 0)) << "the second block";
  EXPECT_EQ(judge(history.ledger()).processed, stage(2, 0));
}

TEST(JudgeBlocks, LostBlockWhoseRecordsAreFetchedAgainIsReplaced) {
  LedgerBuilder history;
  history.inputs(0, 4);
  history.plan_blocks(1, 1, {{kFirst, {range(0, 0, 2)}}}, false);
  history.plan_blocks(2, 2, {{kSecond, {range(0, 0, 4)}}}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 0));
}

TEST(JudgeBlocks, LoggedBlockWhoseRecordsAreFetchedAgainIsReceivedTwice) {
  LedgerBuilder history;
  history.inputs(0, 4);
  const support::Block first{kFirst, {range(0, 0, 2)}};
  history.plan_blocks(1, 1, {first}, false).plan_blocks(1, 2, {first}, true);
  history.plan_blocks(2, 2, {{kSecond, {range(0, 0, 4)}}}, true);

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 2));
  EXPECT_EQ(judge(history.ledger()).processed, stage(0, 2));
}

// The executor that had the block died, and the driver did not.
TEST(JudgeBlocks, BlockPlannedInTheLastLifeIsReceivedEvenIfItsTaskNeverEnds) {
  LedgerBuilder history;
  history.inputs(0, 4);
  history.plan_blocks(1, 1, {{kFirst, {range(0, 0, 2)}}, {kSecond, {range(0, 2, 4)}}}, false);
  history.executed({1});

  EXPECT_EQ(judge(history.ledger()).received, stage(0, 0));
  EXPECT_EQ(judge(history.ledger()).processed, stage(2, 0));
}

TEST(JudgeBlocks, ExecutedIsByTaskAndNotByPartition) {
  LedgerBuilder history;
  history.inputs(0, 2).inputs(1, 3);
  history.plan_blocks(1, 1, {{kFirst, {range(1, 0, 3)}}, {kSecond, {range(0, 0, 2)}}}, false);
  history.executed({0});

  EXPECT_EQ(judge(history.ledger()).processed, stage(2, 0)) << "task 0 read partition 1";
}

// Batch 1 of the first life was to process blocks a and b.
struct Example {
  std::vector<engine::PartitionId> executed;
  std::vector<support::Block> batch_1;  // in the next life
  std::vector<support::Block> batch_2;
  StageVerdict received;
  StageVerdict processed;
  std::vector<engine::PartitionId> executed_next = {0, 1, 2};
};

TEST(JudgeBlocks, ExamplesOfTheDocumentationAreJudgedAsItSays) {
  const support::Block a{kFirst, {range(0, 0, 2)}};
  const support::Block b{kSecond, {range(0, 2, 4)}};
  const support::Block all_again{kOther, {range(0, 0, 4)}};
  const support::Block b_again{kOther, {range(0, 2, 4)}};
  const std::vector<Example> examples{
      {{0, 1}, {}, {}, stage(0, 0), stage(0, 0)},
      {{}, {a, b}, {}, stage(0, 0), stage(0, 0)},
      {{0}, {a, b}, {}, stage(0, 0), stage(0, 0)},
      {{}, {b}, {}, stage(2, 0), stage(2, 0)},
      {{0}, {b}, {}, stage(0, 0), stage(0, 0)},
      {{}, {}, {all_again}, stage(0, 0), stage(0, 0)},
      {{}, {a, b}, {b_again}, stage(0, 2), stage(0, 2)},
      {{}, {a, b, b_again}, {}, stage(0, 2), stage(0, 2)},
      {{}, {a, b}, {}, stage(0, 0), stage(2, 0), {0}},
  };
  for (std::size_t row = 0; row < examples.size(); ++row) {
    const Example& example = examples[row];
    LedgerBuilder history;
    history.inputs(0, 4);
    history.plan_blocks(1, 1, {a, b}, false).executed(example.executed);
    history.plan_blocks(1, 2, example.batch_1, false).executed(example.executed_next);
    history.plan_blocks(2, 2, example.batch_2, true);
    const Verdict verdict = judge(history.ledger());

    EXPECT_EQ(verdict.received, example.received) << "row " << row + 1;
    EXPECT_EQ(verdict.processed, example.processed) << "row " << row + 1;
  }
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
