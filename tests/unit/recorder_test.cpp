// tests/unit/recorder_test.cpp
//
// The ledger that an observer writes of a world, and when it says that the pipeline has drained.

#include "scenarios/recorder.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ports/invariant.h"
#include "sim/trace.h"
#include "tests/support/lone_process.h"

namespace {

using engine::Offset;
using engine::OffsetRange;
using engine::PlannedRange;
using engine::Point;
using engine::StoredAs;
using reports::EventKind;
using testing::ElementsAre;
using testing::SizeIs;
using tests::batch_at_ms;

constexpr engine::ProcessId kDriver{.role = engine::Role::kDriver, .index = 0};
constexpr engine::ProcessId kExecutor{.role = engine::Role::kExecutor, .index = 0};
constexpr engine::ProcessId kNeighbour{.role = engine::Role::kExecutor, .index = 1};

OffsetRange range(std::int64_t from, std::int64_t until) {
  return {.partition = 0, .from = {from}, .until = {until}};
}

PlannedRange of_block(std::int64_t number,
                      engine::PartitionId task,
                      std::int64_t from,
                      std::int64_t until) {
  return {.range = range(from, until),
          .task = task,
          .block = engine::BlockId{.stream = 0, .number = number}};
}

// A driver and an executor that tell whatever the test says, over one partition. A second executor
// is there for whoever begins it.
class World {
 public:
  explicit World(bool has_shuffle = false, bool has_receivers = false)
      : recorder(scheduler, 1, has_shuffle, has_receivers) {
    begin(driver);
    begin(executor);
  }

  World(const World&) = delete;
  World& operator=(const World&) = delete;

  ~World() {
    for (sim::Process* process : {&driver, &executor, &neighbour}) {
      if (process->alive()) {
        process->end_life();
      }
    }
  }

  void begin(sim::Process& process) {
    process.begin_life();
    recorder.life_began(process);
  }

  void crash(sim::Process& process) {
    process.end_life();
    recorder.life_ended(process, true);
  }

  void produce(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      reports::InputRecord record;
      record.position = {.partition = 0, .offset = {std::ssize(ledger().inputs)}};
      record.key = "ab";
      record.value = "cde";
      recorder.produced(std::move(record));
    }
  }

  engine::Listener& told_by_driver() { return recorder.listener_of(driver); }

  engine::Listener& told_by_executor() { return recorder.listener_of(executor); }

  engine::Listener& told_by_neighbour() { return recorder.listener_of(neighbour); }

  void plan(std::int64_t batch_ms, const OffsetRange& planned) {
    plan_ranges(batch_ms, {{.range = planned, .task = planned.partition, .block = std::nullopt}});
  }

  // At the time that names the batch, unless the driver's clock is ahead.
  void plan_ranges(std::int64_t batch_ms, const std::vector<PlannedRange>& planned) {
    if (!clock_is_ahead && scheduler.now() < tests::at_ms(batch_ms)) {
      wait_until(batch_ms);
    }
    told_by_driver().batch_planned(batch_at_ms(batch_ms), planned);
  }

  // What happens next happens then.
  void wait_until(std::int64_t time_ms) {
    scheduler.call_at(tests::at_ms(time_ms), [] {});
    scheduler.run(tests::at_ms(time_ms));
  }

  // The batch is given the blocks that wait; a batch of a Direct stream is given none.
  void allocate(std::int64_t batch_ms) {
    const engine::PointContext context{.batch = batch_at_ms(batch_ms)};
    recorder.point_reached(driver, Point::kTrackerBlocksAllocated, context);
  }

  void complete(std::int64_t batch_ms) { told_by_driver().batch_completed(batch_at_ms(batch_ms)); }

  reports::Ledger& ledger() { return recorder.ledger(); }

  bool clock_is_ahead = false;
  sim::Scheduler scheduler;
  sim::Trace trace{sim::Trace::Recording::kHashOnly};
  sim::Process driver{scheduler, trace, nullptr, kDriver};
  sim::Process executor{scheduler, trace, nullptr, kExecutor};
  sim::Process neighbour{scheduler, trace, nullptr, kNeighbour};
  scenarios::Recorder recorder;
};

// --- Drained -----------------------------------------------------------------------------------

TEST(Recorder, ThePipelineHasDrainedWhenAnEmptyBatchFollowsEverything) {
  World world;
  world.produce(3);
  world.plan(1000, range(0, 3));
  world.complete(1000);
  EXPECT_FALSE(world.recorder.drained_at(batch_at_ms(1000))) << "the batch held records";
  world.plan(2000, range(3, 3));
  EXPECT_FALSE(world.recorder.drained_at(batch_at_ms(2000))) << "the batch has not ended";
  world.complete(2000);
  EXPECT_TRUE(world.recorder.drained_at(batch_at_ms(2000)));
}

TEST(Recorder, WhatWasProducedAndNotPlannedKeepsItFromDraining) {
  World world;
  world.produce(3);
  world.plan(1000, range(0, 2));
  world.complete(1000);
  world.plan(2000, range(2, 2));
  world.complete(2000);
  EXPECT_FALSE(world.recorder.drained_at(batch_at_ms(2000)));
}

TEST(Recorder, ABatchUnderWayKeepsItFromDraining) {
  World world;
  world.produce(3);
  world.plan(1000, range(0, 3));
  world.plan(2000, range(3, 3));
  world.complete(2000);
  EXPECT_FALSE(world.recorder.drained_at(batch_at_ms(2000)));
  world.told_by_driver().batch_failed(batch_at_ms(1000), engine::Errc::kUnavailable);
  EXPECT_TRUE(world.recorder.drained_at(batch_at_ms(2000))) << "a batch that failed has ended";
}

// What an earlier life planned may have died with it.
TEST(Recorder, ANewLifeOfTheDriverHasToPlanEverythingAgain) {
  World world;
  world.produce(3);
  world.plan(1000, range(0, 3));
  world.complete(1000);
  world.crash(world.driver);
  world.begin(world.driver);
  world.plan(3000, range(0, 0));
  world.complete(3000);
  EXPECT_FALSE(world.recorder.drained_at(batch_at_ms(3000)));
}

TEST(Recorder, AskingForABatchThatWasNeverPlannedIsAMistake) {
  World world;
  EXPECT_THROW(static_cast<void>(world.recorder.drained_at(batch_at_ms(1000))),
               engine::InvariantViolation);
}

// --- Drained, with receivers -------------------------------------------------------------------

// One record was produced, fetched, stored as a block at 900 ms and processed in the batch of 1000;
// then came an empty batch. Nothing is left to do.
class ReceiverWorld : public World {
 public:
  ReceiverWorld() : World(false, true) {
    produce(1);
    told_by_executor().receiver_position(0, Offset{0});
    wait_until(700);
    told_by_executor().receiver_buffer_changed(1);
    told_by_executor().receiver_position(0, Offset{1});
    wait_until(900);
    told_by_executor().receiver_buffer_changed(-1);
    plan_ranges(1000, {of_block(800, 0, 0, 1)});
    complete(1000);
    plan_empty(2000);
  }

  void becomes_due(std::int64_t batch_ms) {
    clock_is_ahead = true;
    const engine::PointContext context{.batch = batch_at_ms(batch_ms)};
    recorder.point_reached(driver, engine::Point::kGeneratorBatchDue, context);
  }

  void plan_empty(std::int64_t batch_ms) {
    allocate(batch_ms);
    plan_ranges(batch_ms, {});
    complete(batch_ms);
  }

  [[nodiscard]] bool drained_at_ms(std::int64_t batch_ms) const {
    return recorder.drained_at(batch_at_ms(batch_ms));
  }
};

TEST(RecorderOfReceivers, ThePipelineHasDrainedWhenAnEmptyBatchFollowsTheLastBlock) {
  const ReceiverWorld world;
  EXPECT_TRUE(world.drained_at_ms(2000));
  EXPECT_FALSE(world.drained_at_ms(1000)) << "the batch held a record";
}

TEST(RecorderOfReceivers, WhatWasProducedAndNotFetchedKeepsItFromDraining) {
  ReceiverWorld world;
  world.produce(1);
  EXPECT_FALSE(world.drained_at_ms(2000));
}

TEST(RecorderOfReceivers, ABatchUnderWayKeepsItFromDraining) {
  ReceiverWorld world;
  world.plan_ranges(3000, {});
  EXPECT_FALSE(world.drained_at_ms(2000));
  world.complete(3000);
  EXPECT_TRUE(world.drained_at_ms(2000));
}

TEST(RecorderOfReceivers, BufferedRecordsKeepItFromDraining) {
  ReceiverWorld world;
  world.told_by_executor().receiver_buffer_changed(3);
  world.told_by_executor().receiver_buffer_changed(-2);
  world.plan_empty(3000);
  EXPECT_FALSE(world.drained_at_ms(3000));
  world.told_by_executor().receiver_buffer_changed(-1);
  world.plan_empty(4000);
  EXPECT_TRUE(world.drained_at_ms(4000));
}

// The records of one executor do not make up for those that another holds.
TEST(RecorderOfReceivers, BufferedRecordsAreCountedByExecutor) {
  ReceiverWorld world;
  EXPECT_THROW(world.told_by_neighbour().receiver_buffer_changed(-1), engine::InvariantViolation);
}

// A driver whose clock is ahead plans batches before their time.
TEST(RecorderOfReceivers, ABatchIsDueWhenItIsPlannedAndNotWhenItsNameSays) {
  ReceiverWorld world;
  world.wait_until(2000);
  world.becomes_due(9000);
  world.wait_until(2100);
  world.told_by_executor().receiver_buffer_changed(1);
  world.told_by_executor().receiver_buffer_changed(-1);
  world.plan_empty(9000);
  EXPECT_FALSE(world.drained_at_ms(9000)) << "the activity came after it";
  world.wait_until(2200);
  world.becomes_due(10000);
  world.plan_empty(10000);
  EXPECT_TRUE(world.drained_at_ms(10000));
}

// Neither does one that a recovery plans behind a driver whose clock was ahead.
TEST(RecorderOfReceivers, ABatchThatNeverCameDueInThisLifeIsDueWhenItIsPlanned) {
  ReceiverWorld world;
  world.clock_is_ahead = true;
  world.wait_until(2400);
  world.plan_empty(9000);
  world.wait_until(2500);
  world.told_by_executor().receiver_buffer_changed(1);
  world.told_by_executor().receiver_buffer_changed(-1);
  EXPECT_FALSE(world.drained_at_ms(9000)) << "the activity came after it";
}

// A batch that was due before the last block was stored says nothing of that block.
TEST(RecorderOfReceivers, AnEmptyBatchFromBeforeTheLastActivityDoesNotShowThatAllIsDone) {
  ReceiverWorld world;
  world.wait_until(2000);
  world.told_by_executor().receiver_buffer_changed(1);
  world.told_by_executor().receiver_buffer_changed(-1);
  EXPECT_FALSE(world.drained_at_ms(2000)) << "no later than the activity";
  world.plan_empty(3000);
  EXPECT_TRUE(world.drained_at_ms(3000));
}

TEST(RecorderOfReceivers, OnlyAPositionThatMovesIsActivity) {
  ReceiverWorld world;
  world.wait_until(2500);
  world.told_by_executor().receiver_position(0, Offset{1});
  EXPECT_TRUE(world.drained_at_ms(2000)) << "it was there before";
  world.told_by_executor().receiver_position(0, Offset{2});
  EXPECT_FALSE(world.drained_at_ms(2000));
}

TEST(RecorderOfReceivers, APositionDiesWithItsExecutor) {
  ReceiverWorld world;
  world.crash(world.executor);
  world.begin(world.executor);
  EXPECT_FALSE(world.drained_at_ms(2000));
  world.told_by_executor().receiver_position(0, Offset{1});
  world.plan_empty(4000);
  EXPECT_TRUE(world.drained_at_ms(4000));
}

TEST(RecorderOfReceivers, BufferedRecordsDieWithTheirExecutor) {
  ReceiverWorld world;
  world.told_by_executor().receiver_buffer_changed(3);
  world.crash(world.executor);
  world.begin(world.executor);
  world.told_by_executor().receiver_position(0, Offset{1});
  world.plan_empty(4000);
  EXPECT_TRUE(world.drained_at_ms(4000));
}

TEST(RecorderOfReceivers, AReceiverThatStartedAgainIsWhereItSaysNow) {
  ReceiverWorld world;
  world.told_by_executor().receiver_position(0, Offset{0});
  EXPECT_FALSE(world.drained_at_ms(2000));
}

TEST(RecorderOfReceivers, AReceiverThatMovedIsWhereTheNewExecutorSays) {
  ReceiverWorld world;
  world.begin(world.neighbour);
  world.told_by_neighbour().receiver_position(0, Offset{0});
  EXPECT_FALSE(world.drained_at_ms(2000));
  world.told_by_neighbour().receiver_position(0, Offset{1});
  world.plan_empty(4000);
  EXPECT_TRUE(world.drained_at_ms(4000));
}

// The receiver left the executor in order and the one that followed it is gone: nobody fetches.
TEST(RecorderOfReceivers, APositionIsNotThatOfAReceiverBeforeTheOneThatDied) {
  ReceiverWorld world;
  world.begin(world.neighbour);
  world.told_by_neighbour().receiver_position(0, Offset{0});
  world.crash(world.neighbour);
  EXPECT_FALSE(world.drained_at_ms(2000));
}

// An executor that was given up lives on and fetches for nobody; then it ends.
TEST(RecorderOfReceivers, APositionOutlivesThatOfAPredecessorThatSpeaksOn) {
  ReceiverWorld world;
  world.begin(world.neighbour);
  world.told_by_neighbour().receiver_position(0, Offset{0});
  world.produce(1);
  world.told_by_neighbour().receiver_position(0, Offset{2});
  world.told_by_executor().receiver_position(0, Offset{2});
  world.crash(world.executor);
  world.plan_empty(4000);
  EXPECT_TRUE(world.drained_at_ms(4000));
}

// It was given up, and a push of its generator failed: it will never store them.
TEST(RecorderOfReceivers, BufferedRecordsOfOneThatHasASuccessorKeepNothingFromDraining) {
  ReceiverWorld world;
  world.told_by_executor().receiver_buffer_changed(3);
  world.plan_empty(3000);
  EXPECT_FALSE(world.drained_at_ms(3000));
  world.begin(world.neighbour);
  world.told_by_neighbour().receiver_position(0, Offset{1});
  world.plan_empty(4000);
  EXPECT_TRUE(world.drained_at_ms(4000));
  world.told_by_neighbour().receiver_buffer_changed(1);
  world.plan_empty(5000);
  EXPECT_FALSE(world.drained_at_ms(5000)) << "the successor's count";
}

// The driver refuses the predecessor when it wants to start again, and it says no more.
TEST(RecorderOfReceivers, APredecessorThatForgetsItsPositionIsNotWaitedFor) {
  ReceiverWorld world;
  world.begin(world.neighbour);
  world.told_by_neighbour().receiver_position(0, Offset{1});
  world.told_by_executor().receiver_position(0, Offset{0});
  world.plan_empty(3000);
  EXPECT_TRUE(world.drained_at_ms(3000));
  world.told_by_neighbour().receiver_position(0, Offset{0});
  EXPECT_FALSE(world.drained_at_ms(3000)) << "the successor itself starts again";
}

// It stood still while another took its place, and starts its receiver when it goes on.
TEST(RecorderOfReceivers, OneThatWasGivenUpIsNoSuccessorHoweverLateItSpeaks) {
  ReceiverWorld world;
  world.begin(world.neighbour);
  world.told_by_neighbour().receiver_position(0, Offset{1});
  world.crash(world.executor);
  world.begin(world.executor);
  world.told_by_executor().receiver_position(0, Offset{0});
  world.told_by_executor().receiver_buffer_changed(1);
  world.plan_empty(3000);
  EXPECT_FALSE(world.drained_at_ms(3000)) << "the driver counts on it";
  world.recorder.count_on(kExecutor, false);
  EXPECT_TRUE(world.drained_at_ms(3000));
  world.recorder.count_on(kExecutor, true);
  EXPECT_FALSE(world.drained_at_ms(3000)) << "it has registered now";
}

// The driver could not log who gets the blocks: they wait for the next batch.
TEST(RecorderOfReceivers, ABatchThatWasNotGivenTheBlocksThatWaitIsNotTheEnd) {
  ReceiverWorld world;
  world.plan_ranges(3000, {});
  world.complete(3000);
  EXPECT_FALSE(world.drained_at_ms(3000));
  world.plan_empty(4000);
  EXPECT_TRUE(world.drained_at_ms(4000));
}

TEST(RecorderOfReceivers, AnExecutorOfAnEarlierDriverLifeSaysNothingOfPositions) {
  ReceiverWorld world;
  world.crash(world.driver);
  world.begin(world.driver);
  world.plan_empty(3000);
  EXPECT_FALSE(world.drained_at_ms(3000)) << "what was said before";
  world.told_by_executor().receiver_position(0, Offset{1});
  EXPECT_FALSE(world.drained_at_ms(3000)) << "what is said now";
  world.begin(world.neighbour);
  world.told_by_neighbour().receiver_position(0, Offset{1});
  world.plan_empty(4000);
  EXPECT_TRUE(world.drained_at_ms(4000));
}

TEST(RecorderOfReceivers, EveryPartitionNeedsAPositionEvenIfNothingWasProduced) {
  World world(false, true);
  world.allocate(1000);
  world.plan_ranges(1000, {});
  world.complete(1000);
  EXPECT_FALSE(world.recorder.drained_at(batch_at_ms(1000)));
  world.told_by_executor().receiver_position(0, Offset{0});
  world.allocate(2000);
  world.plan_ranges(2000, {});
  world.complete(2000);
  EXPECT_TRUE(world.recorder.drained_at(batch_at_ms(2000)));
}

// --- Ledger ------------------------------------------------------------------------------------

TEST(Recorder, ACompletionBelongsToThePlanOfItsOwnLife) {
  World world;
  world.plan(1000, range(0, 3));
  world.crash(world.driver);
  world.begin(world.driver);
  world.plan(1000, range(0, 5));
  world.complete(1000);
  ASSERT_THAT(world.ledger().plans, SizeIs(2));
  EXPECT_FALSE(world.ledger().plans[0].completed);
  EXPECT_EQ(world.ledger().plans[0].driver, 1);
  EXPECT_TRUE(world.ledger().plans[1].completed);
  EXPECT_EQ(world.ledger().plans[1].driver, 2);
}

void end_output(World& world, std::int64_t batch_ms) {
  world.recorder.point_reached(world.executor,
                               Point::kTaskOutputCommitted,
                               {.batch = batch_at_ms(batch_ms), .partition = 0, .attempt = 0});
}

TEST(Recorder, AnExecutionBelongsToThePlanOfTheDriverThatTheExecutorWorksFor) {
  World world;
  world.plan(1000, range(0, 3));
  world.crash(world.driver);
  world.begin(world.driver);
  world.plan(1000, range(0, 5));
  end_output(world, 1000);
  end_output(world, 1000);
  const std::vector<reports::BatchPlan>& plans = world.ledger().plans;
  EXPECT_THAT(plans[0].executed, ElementsAre(0)) << "the executor outlived its driver";
  EXPECT_THAT(plans[1].executed, testing::IsEmpty());
  world.crash(world.executor);
  world.begin(world.executor);
  end_output(world, 1000);
  EXPECT_THAT(plans[1].executed, ElementsAre(0));
}

TEST(Recorder, AnExecutionIsOfATaskWhateverItReads) {
  ReceiverWorld world;
  world.plan_ranges(3000, {of_block(2200, 0, 1, 2), of_block(2400, 1, 2, 3)});
  world.recorder.point_reached(world.executor,
                               Point::kTaskOutputCommitted,
                               {.batch = batch_at_ms(3000), .partition = 1, .attempt = 0});
  EXPECT_THAT(world.ledger().plans.back().executed, ElementsAre(1));
  EXPECT_EQ(world.ledger().plans.back().ranges[1], of_block(2400, 1, 2, 3));
}

TEST(Recorder, ATaskBehindAShuffleExecutesNoPartitionOfTheInput) {
  World world(true);
  world.plan(1000, range(0, 3));
  end_output(world, 1000);
  const reports::BatchPlan& plan = world.ledger().plans[0];
  EXPECT_FALSE(plan.has_executed(0));
  world.complete(1000);
  EXPECT_TRUE(plan.has_executed(0));
}

TEST(Recorder, EventsAreNotedInOrderUnderTheLifeThatToldThem) {
  World world;
  world.recorder.point_reached(world.executor,
                               Point::kTaskStarted,
                               {.batch = batch_at_ms(1000), .partition = 0, .attempt = 2});
  world.crash(world.executor);
  world.begin(world.executor);
  world.told_by_driver().driver_failed(engine::Errc::kIncompatible);
  std::vector<EventKind> kinds;
  for (const reports::Event& event : world.ledger().events) {
    kinds.push_back(event.kind);
  }
  EXPECT_THAT(kinds,
              ElementsAre(EventKind::kProcessStarted,
                          EventKind::kProcessStarted,
                          EventKind::kPoint,
                          EventKind::kCrash,
                          EventKind::kProcessStarted,
                          EventKind::kDriverFailed));
  const reports::Event& point = world.ledger().events[2];
  EXPECT_EQ(point.process, (engine::Address{kExecutor, 1}));
  EXPECT_EQ(point.batch, batch_at_ms(1000));
  EXPECT_EQ(point.attempt, 2);
  EXPECT_EQ(world.ledger().events[4].process, (engine::Address{kExecutor, 2}));
  EXPECT_EQ(world.ledger().events[5].code, static_cast<int>(engine::Errc::kIncompatible));
}

// --- Metrics -----------------------------------------------------------------------------------

TEST(Recorder, TheMostThatTasksHeldIsPerExecutorAndPerLife) {
  World world;
  world.told_by_executor().task_memory_changed(100);
  world.told_by_executor().task_memory_changed(50);
  world.told_by_executor().task_memory_changed(-150);
  world.told_by_executor().task_memory_changed(120);
  EXPECT_EQ(world.ledger().metrics.peak_task_bytes, 150);
  world.crash(world.executor);
  world.begin(world.executor);
  world.told_by_executor().task_memory_changed(140);
  EXPECT_EQ(world.ledger().metrics.peak_task_bytes, 150) << "memory dies with its life";
}

TEST(Recorder, ALookFromAfarNotesNeitherMemoryNorPositions) {
  World world;
  world.told_by_executor().task_memory_changed(100);
  world.told_by_executor().receiver_position(0, Offset{3});
  EXPECT_TRUE(world.ledger().memory.empty());
  EXPECT_TRUE(world.ledger().receiver_positions.empty());
}

TEST(Recorder, ACloseLookNotesMemoryAndPositionsAsTheyChange) {
  World world;
  world.recorder.note_closely();
  world.told_by_executor().task_memory_changed(100);
  world.told_by_executor().block_memory_changed(40);
  world.told_by_executor().receiver_position(0, Offset{3});
  world.wait_until(500);
  world.crash(world.executor);
  const auto& memory = world.ledger().memory;
  ASSERT_THAT(memory, SizeIs(3));
  EXPECT_EQ(memory[1].task_bytes, 100);
  EXPECT_EQ(memory[1].block_bytes, 40);
  EXPECT_EQ(memory[2].at, tests::at_ms(500));
  EXPECT_EQ(memory[2].task_bytes + memory[2].block_bytes, 0) << "memory dies with its life";
  ASSERT_THAT(world.ledger().receiver_positions, SizeIs(1));
  EXPECT_EQ(world.ledger().receiver_positions[0].until, Offset{3});
}

TEST(Recorder, MemoryThatNobodyTookCannotBeGivenBack) {
  World world;
  EXPECT_THROW(world.told_by_executor().task_memory_changed(-1), engine::InvariantViolation);
}

TEST(Recorder, BlocksAndTaskInputOfOneExecutorAreHeldTogether) {
  World world;
  world.begin(world.neighbour);
  world.told_by_executor().block_memory_changed(100);
  world.told_by_executor().task_memory_changed(30);
  world.told_by_neighbour().block_memory_changed(120);
  world.told_by_executor().task_memory_changed(-30);
  const reports::Metrics& metrics = world.ledger().metrics;
  EXPECT_EQ(metrics.peak_block_bytes, 120);
  EXPECT_EQ(metrics.peak_task_bytes, 30);
  EXPECT_EQ(metrics.peak_executor_bytes, 130);
  world.crash(world.executor);
  world.begin(world.executor);
  world.told_by_executor().block_memory_changed(110);
  EXPECT_EQ(metrics.peak_executor_bytes, 130) << "blocks die with the life that kept them";
}

TEST(Recorder, BlocksThatNobodyKeptCannotBeRemoved) {
  World world;
  world.told_by_executor().task_memory_changed(10);
  EXPECT_THROW(world.told_by_executor().block_memory_changed(-1), engine::InvariantViolation);
}

TEST(Recorder, BytesAreCountedByWhereTheyWent) {
  World world;
  world.told_by_executor().bytes_received(40);
  world.told_by_executor().bytes_received(2);
  world.told_by_executor().bytes_stored(StoredAs::kBlock, 42);
  world.told_by_executor().bytes_stored(StoredAs::kReplica, 41);
  world.told_by_executor().bytes_stored(StoredAs::kDataLog, 50);
  world.told_by_driver().bytes_stored(StoredAs::kDriverLog, 7);
  world.told_by_driver().bytes_stored(StoredAs::kDriverLog, 8);
  const reports::Metrics& metrics = world.ledger().metrics;
  EXPECT_EQ(metrics.received_bytes, 42);
  EXPECT_EQ(metrics.block_bytes, 42);
  EXPECT_EQ(metrics.replica_bytes, 41);
  EXPECT_EQ(metrics.data_log_bytes, 50);
  EXPECT_EQ(metrics.driver_log_bytes, 15);
  EXPECT_EQ(metrics.stored_bytes(), 133) << "the driver's log holds no records";
}

TEST(Recorder, RangesOfOneBlockAreReadByOneTask) {
  ReceiverWorld world;
  world.plan_ranges(3000,
                    {of_block(2200, 0, 1, 4), of_block(2400, 1, 4, 6), of_block(2400, 1, 4, 7)});
  EXPECT_EQ(world.ledger().metrics.partition_records_max, 5);
  EXPECT_EQ(world.ledger().metrics.batch_records_max, 8);
}

TEST(Recorder, KeepsTheLargestBatchAndTheLargestCheckpoint) {
  World world;
  world.produce(2);
  world.plan(1000, range(0, 7));
  world.plan(2000, range(7, 9));
  world.told_by_driver().checkpoint_written(300);
  world.told_by_driver().checkpoint_written(200);
  const reports::Metrics& metrics = world.ledger().metrics;
  EXPECT_EQ(metrics.batch_records_max, 7);
  EXPECT_EQ(metrics.partition_records_max, 7);
  EXPECT_EQ(metrics.checkpoint_bytes_max, 300);
  EXPECT_EQ(metrics.checkpoint_files, 2);
  EXPECT_EQ(metrics.input_bytes, 10);
}

}  // namespace
