// tests/unit/exhaustive_test.cpp
//
// Every schedule of one more crash is there, and each of them once.

#include "faults/exhaustive.h"

#include <set>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using faults::AtStep;
using faults::FaultPlan;
using faults::ProcessSteps;
using faults::Target;
using faults::TargetKind;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr engine::ProcessId kDriver{.role = engine::Role::kDriver, .index = 0};
constexpr engine::ProcessId kExecutor{.role = engine::Role::kExecutor, .index = 1};

const faults::Crash& crash_at(const FaultPlan& plan, std::size_t n) {
  return std::get<faults::Crash>(plan.at(n));
}

TEST(WithOneMoreCrash, EveryBoundaryOfEveryProcessMeetsEveryTarget) {
  const std::vector<ProcessSteps> counted{{kDriver, 7}, {kExecutor, 5}};
  const auto plans = faults::with_one_more_crash({}, counted, faults::targets_of(2, 1));
  // The targets: the driver, two executors, a receiver, the cluster.
  EXPECT_THAT(plans, SizeIs((7 + 5) * 5));
  std::set<std::pair<AtStep, Target>> seen;
  for (const FaultPlan& plan : plans) {
    ASSERT_THAT(plan, SizeIs(1));
    const auto& at = std::get<AtStep>(crash_at(plan, 0).at);
    const std::uint64_t steps = at.process == kDriver ? 7 : 5;
    EXPECT_GE(at.step, 1U);
    EXPECT_LE(at.step, steps);
    seen.emplace(at, crash_at(plan, 0).target);
  }
  EXPECT_EQ(seen.size(), plans.size()) << "no schedule is there twice";
}

TEST(WithOneMoreCrash, KeepsTheFaultsThatAreThereInFront) {
  faults::Crash first;
  first.target.kind = TargetKind::kCluster;
  first.at = faults::AtTime{.since_start = std::chrono::seconds(3)};
  const std::vector<ProcessSteps> counted{{kDriver, 2}};
  const auto plans = faults::with_one_more_crash({first}, counted, faults::targets_of(1, 0));
  EXPECT_THAT(plans, SizeIs(2 * 3));
  for (const FaultPlan& plan : plans) {
    ASSERT_THAT(plan, SizeIs(2));
    EXPECT_EQ(crash_at(plan, 0), first);
    EXPECT_TRUE(crash_at(plan, 1).restarts);
  }
}

TEST(WithOneMoreCrash, AWorldWithoutBoundariesHasNoMore) {
  EXPECT_THAT(faults::with_one_more_crash({}, {}, faults::targets_of(2, 0)), IsEmpty());
}

TEST(WithOneMoreCrash, NobodyWhoCanDieMeansNoSchedule) {
  const std::vector<ProcessSteps> counted{{kDriver, 7}};
  EXPECT_THAT(faults::with_one_more_crash({}, counted, {}), IsEmpty());
}

TEST(WithOneMoreCrash, GoesByProcessThenBoundaryThenTarget) {
  const std::vector<ProcessSteps> counted{{kExecutor, 2}, {kDriver, 1}};
  const std::vector<Target> targets{{TargetKind::kMachine, 1}, {TargetKind::kDriver, 0}};
  std::vector<std::pair<AtStep, Target>> order;
  for (const FaultPlan& plan : faults::with_one_more_crash({}, counted, targets)) {
    order.emplace_back(std::get<AtStep>(crash_at(plan, 0).at), crash_at(plan, 0).target);
  }
  EXPECT_THAT(order,
              ElementsAre(std::pair(AtStep{kExecutor, 1}, targets[0]),
                          std::pair(AtStep{kExecutor, 1}, targets[1]),
                          std::pair(AtStep{kExecutor, 2}, targets[0]),
                          std::pair(AtStep{kExecutor, 2}, targets[1]),
                          std::pair(AtStep{kDriver, 1}, targets[0]),
                          std::pair(AtStep{kDriver, 1}, targets[1])));
}

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

}  // namespace
