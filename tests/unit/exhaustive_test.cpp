// tests/unit/exhaustive_test.cpp
//
// Every schedule of one more crash is there, and each of them once; which of them end as another
// one does.

#include "faults/exhaustive.h"

#include <chrono>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using faults::AtStep;
using faults::Target;
using faults::TargetKind;
using testing::ElementsAre;
using testing::SizeIs;

constexpr engine::ProcessId kDriver{.role = engine::Role::kDriver, .index = 0};

// The order is part of what an exploration reports: its first witness is the first in this order.
TEST(TargetsOf, NamesTheDriverThenEachExecutorThenEachReceiverThenTheCluster) {
  EXPECT_THAT(faults::targets_of(2, 2),
              ElementsAre(Target{TargetKind::kDriver, 0},
                          Target{TargetKind::kExecutor, 0},
                          Target{TargetKind::kExecutor, 1},
                          Target{TargetKind::kReceiver, 0},
                          Target{TargetKind::kReceiver, 1},
                          Target{TargetKind::kCluster, 0}));
}

TEST(TargetsOf, ADirectPipelineHasNoReceiverToCrash) {
  EXPECT_THAT(faults::targets_of(1, 0),
              ElementsAre(Target{TargetKind::kDriver, 0},
                          Target{TargetKind::kExecutor, 0},
                          Target{TargetKind::kCluster, 0}));
}

// --- Next crashes, and which of them need not be run ---------------------------------------------

using faults::Boundary;
using faults::CountedRun;
using faults::NextCrash;
using faults::Pruning;
using std::chrono::milliseconds;

constexpr Target kDriverTarget{TargetKind::kDriver, 0};
constexpr Target kExecutorTarget{TargetKind::kExecutor, 1};
constexpr Target kClusterTarget{TargetKind::kCluster, 0};

engine::Instant at_ms(std::int64_t ms) {
  return engine::Instant(milliseconds(ms));
}

// Everybody is alive, nothing is unsynced.
Boundary boundary(std::uint64_t step, std::int64_t ms, std::uint64_t version) {
  return {.process = kDriver,
          .step = step,
          .at = at_ms(ms),
          .version = version,
          .hits = ~std::uint64_t{0},
          .unsynced = 0,
          .settled = true};
}

const faults::Aftermath kAftermath{.driver_restart = milliseconds(1000),
                                   .look_interval = milliseconds(50),
                                   .executor_exit = milliseconds(20),
                                   .storage = engine::StorageKind::kS3};

// How each next crash of `target` is pruned.
std::vector<Pruning> prunings(const CountedRun& counted,
                              const Target& target,
                              const faults::Aftermath& aftermath = kAftermath) {
  std::vector<Pruning> prunings;
  for (const NextCrash& next : faults::next_crashes(counted, 0, {&target, 1}, aftermath)) {
    prunings.push_back(next.pruning);
  }
  return prunings;
}

TEST(NextCrashes, GoByBoundaryThenTargetThenOutcomeFromTheFirstOn) {
  CountedRun counted{.boundaries = {boundary(1, 10, 1), boundary(2, 20, 2)},
                     .executor_activity = {}};
  faults::Aftermath hdfs = kAftermath;
  hdfs.storage = engine::StorageKind::kHdfs;
  const std::vector<Target> targets{kDriverTarget, {TargetKind::kReceiver, 0}};
  const auto all = faults::next_crashes(counted, 0, targets, hdfs);
  EXPECT_THAT(all, SizeIs(2 * (3 + 1))) << "a receiver that fails alone leaves its files open";
  const auto rest = faults::next_crashes(counted, 1, targets, hdfs);
  ASSERT_THAT(rest, SizeIs(3 + 1));
  EXPECT_EQ(rest[0].crash.at, faults::Trigger(AtStep{kDriver, 2}));
  EXPECT_EQ(rest[0].crash.disk, sim::DiskOutcome::kDropUnsynced);
  EXPECT_EQ(rest[2].crash.disk, sim::DiskOutcome::kTornUnsynced);
  EXPECT_EQ(rest[3].crash.target, targets[1]);
}

TEST(NextCrashes, WhoIsDeadAlreadyIsNotHit) {
  Boundary dead = boundary(1, 10, 1);
  dead.hits = 0;
  EXPECT_THAT(prunings({.boundaries = {dead}, .executor_activity = {}}, kExecutorTarget),
              ElementsAre(Pruning::kNobodyToHit));
}

TEST(NextCrashes, OutcomesOnDiskAreOneWhereNothingIsUnsynced) {
  faults::Aftermath hdfs = kAftermath;
  hdfs.storage = engine::StorageKind::kHdfs;
  Boundary unsynced = boundary(2, 20, 2);
  unsynced.unsynced = 1;
  EXPECT_THAT(prunings({.boundaries = {boundary(1, 10, 1), unsynced}, .executor_activity = {}},
                       kExecutorTarget,
                       hdfs),
              ElementsAre(Pruning::kNone,
                          Pruning::kNothingUnsynced,
                          Pruning::kNothingUnsynced,
                          Pruning::kNone,
                          Pruning::kNone,
                          Pruning::kNone));
}

// 10 ms and 40 ms lead to the restart at 1,050 ms; 60 ms to the one at 1,100 ms.
TEST(NextCrashes, TheClusterIsInTheSameStateUntilSomethingChangesOrAnotherLookIsDue) {
  CountedRun counted{.boundaries = {boundary(1, 10, 1),
                                    boundary(2, 40, 1),
                                    boundary(3, 45, 2),
                                    boundary(4, 60, 2)},
                     .executor_activity = {at_ms(20)}};
  const auto next = faults::next_crashes(counted, 0, {&kClusterTarget, 1}, kAftermath);
  ASSERT_THAT(next, SizeIs(4));
  EXPECT_EQ(next[0].pruning, Pruning::kNone);
  EXPECT_EQ(next[1].pruning, Pruning::kSameBlackOut);
  EXPECT_EQ(next[1].same_as, 0U);
  EXPECT_EQ(next[2].pruning, Pruning::kNone) << "something was written in between";
  EXPECT_EQ(next[3].pruning, Pruning::kNone) << "the restart comes later";
}

TEST(NextCrashes, FaultsThatAreStillToComeKeepStatesApart) {
  CountedRun counted{.boundaries = {boundary(1, 10, 1), boundary(2, 40, 1)},
                     .executor_activity = {}};
  for (Boundary& waiting : counted.boundaries) {
    waiting.settled = false;
  }
  EXPECT_THAT(prunings(counted, kClusterTarget), ElementsAre(Pruning::kNone, Pruning::kNone));
}

// Executors outlive the driver by up to 20 ms.
TEST(NextCrashes, TheDriverDiesIntoTheSameStateOnlyWhileExecutorsStandStill) {
  const CountedRun idle{.boundaries = {boundary(1, 10, 1), boundary(2, 15, 1)},
                        .executor_activity = {at_ms(9), at_ms(36)}};
  EXPECT_THAT(prunings(idle, kDriverTarget), ElementsAre(Pruning::kNone, Pruning::kSameBlackOut));
  CountedRun busy = idle;
  busy.executor_activity = {at_ms(9), at_ms(35)};
  EXPECT_THAT(prunings(busy, kDriverTarget), ElementsAre(Pruning::kNone, Pruning::kNone))
      << "an executor would have got on after the earlier crash, and ended before it could after "
         "the later one";
  EXPECT_THAT(prunings(busy, kClusterTarget), ElementsAre(Pruning::kNone, Pruning::kSameBlackOut));
}

TEST(NextCrashes, ExecutorsThatOutliveTheLookKeepStatesApart) {
  const CountedRun counted{.boundaries = {boundary(1, 10, 1), boundary(2, 15, 1)},
                           .executor_activity = {}};
  faults::Aftermath hasty = kAftermath;
  hasty.driver_restart = milliseconds(0);
  hasty.executor_exit = milliseconds(40);
  EXPECT_THAT(prunings(counted, kDriverTarget, hasty), ElementsAre(Pruning::kNone, Pruning::kNone));
}

// Whoever outlives the crash goes on, and what it does next depends on the moment.
TEST(NextCrashes, OneExecutorsDeathIsNeverTakenForAnother) {
  const CountedRun counted{.boundaries = {boundary(1, 10, 1), boundary(2, 15, 1)},
                           .executor_activity = {}};
  EXPECT_THAT(prunings(counted, kExecutorTarget), ElementsAre(Pruning::kNone, Pruning::kNone));
}

}  // namespace
