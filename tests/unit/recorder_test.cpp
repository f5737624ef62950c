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

using engine::OffsetRange;
using engine::Point;
using reports::EventKind;
using testing::ElementsAre;
using testing::SizeIs;
using tests::batch_at_ms;

constexpr engine::ProcessId kDriver{.role = engine::Role::kDriver, .index = 0};
constexpr engine::ProcessId kExecutor{.role = engine::Role::kExecutor, .index = 0};

OffsetRange range(std::int64_t from, std::int64_t until) {
  return {.partition = 0, .from = {from}, .until = {until}};
}

// A driver and an executor that tell whatever the test says, over one partition.
class World {
 public:
  explicit World(bool has_shuffle = false) : recorder(scheduler, 1, has_shuffle) {
    begin(driver);
    begin(executor);
  }

  World(const World&) = delete;
  World& operator=(const World&) = delete;

  ~World() {
    for (sim::Process* process : {&driver, &executor}) {
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

  void plan(std::int64_t batch_ms, const OffsetRange& planned) {
    told_by_driver().batch_planned(batch_at_ms(batch_ms), {planned});
  }

  void complete(std::int64_t batch_ms) { told_by_driver().batch_completed(batch_at_ms(batch_ms)); }

  reports::Ledger& ledger() { return recorder.ledger(); }

  sim::Scheduler scheduler;
  sim::Trace trace{sim::Trace::Recording::kHashOnly};
  sim::Process driver{scheduler, trace, nullptr, kDriver};
  sim::Process executor{scheduler, trace, nullptr, kExecutor};
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

TEST(Recorder, MemoryThatNobodyTookCannotBeGivenBack) {
  World world;
  EXPECT_THROW(world.told_by_executor().task_memory_changed(-1), engine::InvariantViolation);
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
