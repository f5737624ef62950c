// tests/unit/fault_text_test.cpp
//
// A fault in words and as it is recorded: the target has the name that a scenario gives it.

#include "scenarios/fault_text.h"

#include <gtest/gtest.h>

namespace scenarios {
namespace {

using namespace std::chrono_literals;
using faults::Target;
using faults::TargetKind;

faults::Crash crash_of(Target target, faults::Trigger at) {
  faults::Crash crash;
  crash.target = target;
  crash.at = at;
  return crash;
}

TEST(FaultText, ATargetHasTheNameThatAScenarioGivesIt) {
  EXPECT_EQ(to_string(Target{TargetKind::kDriver, 0}), "driver");
  EXPECT_EQ(to_string(Target{TargetKind::kExecutor, 1}), "executor:1");
  EXPECT_EQ(to_string(Target{TargetKind::kReceiver, 2}), "receiver:2");
  EXPECT_EQ(to_string(Target{TargetKind::kReceiverExecutor, 0}), "receiver-executor:0");
  EXPECT_EQ(to_string(Target{TargetKind::kMachine, 3}), "machine:3");
  EXPECT_EQ(to_string(Target{TargetKind::kCluster, 0}), "cluster");
}

TEST(FaultText, ACrashSaysWhoWhereAndWhatFollows) {
  faults::Crash crash = crash_of({TargetKind::kReceiverExecutor, 1},
                                 faults::AtPoint{.point = engine::Point::kReceiverBlockStored,
                                                 .batch = {},
                                                 .partition = {},
                                                 .occurrence = 3});
  EXPECT_EQ(to_string(crash), "crash receiver-executor:1 at receiver.block_stored, occurrence 3");
  crash.restart_after = 5s;
  EXPECT_EQ(
      to_string(crash),
      "crash receiver-executor:1 at receiver.block_stored, occurrence 3; restart after 5000ms");
  crash.restarts = false;
  EXPECT_EQ(to_string(crash),
            "crash receiver-executor:1 at receiver.block_stored, occurrence 3; never restarted");
}

TEST(FaultText, APartitionSaysWhoIsCutOffFromWhomAndForHowLong) {
  const faults::Partition partition{.left = {TargetKind::kDriver, 0},
                                    .right = {TargetKind::kReceiverExecutor, 1},
                                    .at = faults::AtTime{.since_start = 2500ms},
                                    .lasts = 20s};
  EXPECT_EQ(to_string(partition),
            "partition driver and receiver-executor:1 at 2500ms; for 20000ms");
  const reports::FaultRecord recorded = describe_fault(partition);
  EXPECT_EQ(recorded.kind, "partition");
  EXPECT_EQ(recorded.target, "driver and receiver-executor:1");
  EXPECT_EQ(recorded.point, "time 2500ms");
}

TEST(FaultText, ARecordedFaultNamesItsTargetAndItsMoment) {
  const reports::FaultRecord at_step = describe_fault(crash_of(
      {TargetKind::kReceiver, 0},
      faults::AtStep{.process = {.role = engine::Role::kExecutor, .index = 1}, .step = 812}));
  EXPECT_EQ(at_step.kind, "crash");
  EXPECT_EQ(at_step.target, "receiver:0");
  EXPECT_EQ(at_step.point, "step 812 of executor:1");

  const reports::FaultRecord at_time =
      describe_fault(crash_of({TargetKind::kMachine, 1}, faults::AtTime{.since_start = 2500ms}));
  EXPECT_EQ(at_time.target, "machine:1");
  EXPECT_EQ(at_time.point, "time 2500ms");
}

}  // namespace
}  // namespace scenarios
