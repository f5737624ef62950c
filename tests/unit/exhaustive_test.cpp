// tests/unit/exhaustive_test.cpp
//
// Every schedule of one more crash is there, and each of them once.

#include "faults/exhaustive.h"

#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using faults::AtStep;
using faults::FaultPlan;
using faults::ProcessSteps;
using faults::TargetKind;
using testing::IsEmpty;
using testing::SizeIs;

constexpr engine::ProcessId kDriver{.role = engine::Role::kDriver, .index = 0};
constexpr engine::ProcessId kExecutor{.role = engine::Role::kExecutor, .index = 1};

TEST(WithOneMoreCrash, EveryBoundaryOfEveryProcessMeetsEveryTarget) {
  const std::vector<ProcessSteps> counted{{kDriver, 7}, {kExecutor, 5}};
  const auto plans = faults::with_one_more_crash({}, counted, 2);
  // The targets: the driver, two executors, the cluster.
  EXPECT_THAT(plans, SizeIs((7 + 5) * 4));
  std::set<std::pair<AtStep, faults::Target>> seen;
  for (const FaultPlan& plan : plans) {
    ASSERT_THAT(plan, SizeIs(1));
    const auto& at = std::get<AtStep>(plan[0].at);
    const std::uint64_t steps = at.process == kDriver ? 7 : 5;
    EXPECT_GE(at.step, 1U);
    EXPECT_LE(at.step, steps);
    seen.emplace(at, plan[0].target);
  }
  EXPECT_EQ(seen.size(), plans.size()) << "no schedule is there twice";
}

TEST(WithOneMoreCrash, KeepsTheFaultsThatAreThereInFront) {
  faults::Crash first;
  first.target.kind = TargetKind::kCluster;
  first.at = faults::AtTime{.since_start = std::chrono::seconds(3)};
  const std::vector<ProcessSteps> counted{{kDriver, 2}};
  for (const FaultPlan& plan : faults::with_one_more_crash({first}, counted, 1)) {
    ASSERT_THAT(plan, SizeIs(2));
    EXPECT_EQ(plan[0], first);
    EXPECT_TRUE(plan[1].restarts);
  }
}

TEST(WithOneMoreCrash, AWorldWithoutBoundariesHasNoMore) {
  EXPECT_THAT(faults::with_one_more_crash({}, {}, 2), IsEmpty());
}

}  // namespace
