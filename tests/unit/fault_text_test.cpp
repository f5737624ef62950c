// tests/unit/fault_text_test.cpp
//
// A fault in words and as it is recorded: the target has the name that a scenario gives it.

#include "scenarios/fault_text.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
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
  crash.disk = sim::DiskOutcome::kTornUnsynced;
  EXPECT_THAT(to_string(crash), testing::EndsWith("; never restarted; unsynced bytes torn"));
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

TEST(FaultText, EveryOtherKindSaysWhatItHitsAndWhatFollows) {
  const Target driver{TargetKind::kDriver, 0};
  const Target executor{TargetKind::kExecutor, 1};
  const faults::Trigger at = faults::AtTime{.since_start = 2500ms};
  const std::vector<std::pair<faults::Fault, std::string>> expected{
      {faults::Pause{.target = executor, .at = at, .lasts = 30s},
       "pause executor:1 at 2500ms; for 30000ms"},
      {faults::MessageFault{.message = 18, .from = executor, .to = {}, .at = at, .times = 2},
       "drop add_block from executor:1 at 2500ms; 2 times"},
      {faults::MessageFault{.fate = faults::MessageFate::kDelayed,
                            .message = {},
                            .from = {},
                            .to = driver,
                            .at = at,
                            .by = 300ms},
       "delay any to driver at 2500ms; by 300ms"},
      {faults::Failure{.what = faults::Failing::kWrite, .target = driver, .at = at, .times = 3},
       "fail write of driver at 2500ms; 3 times"},
      {faults::Failure{
           .what = faults::Failing::kSink, .target = executor, .at = at, .applied = true},
       "fail sink of executor:1 at 2500ms; applied"},
      {faults::DiskFault{.at = at, .lasts = 5s}, "disk full at 2500ms; for 5000ms"},
      {faults::DiskFault{.trouble = faults::DiskTrouble::kFlipBit, .at = at},
       "disk flip-bit of checkpoint at 2500ms"},
      {faults::KafkaFault{.target = {}, .at = at, .lasts = 5s},
       "kafka broker-down at 2500ms; for 5000ms"},
      {faults::KafkaFault{.trouble = faults::KafkaTrouble::kTruncate,
                          .target = {},
                          .partition = 2,
                          .records = 7,
                          .at = at},
       "kafka truncate of partition 2 at 2500ms; 7 records"},
      {faults::KafkaFault{.trouble = faults::KafkaTrouble::kRequestError,
                          .target = executor,
                          .times = 2,
                          .at = at},
       "kafka request-error of executor:1 at 2500ms; 2 times"},
      {faults::Slowdown{.target = executor, .at = at, .extra = 2s, .lasts = 5s},
       "slow task of executor:1 at 2500ms; by 2000ms; for 5000ms"},
      {faults::ClockFault{.target = driver, .at = at, .jump = -5s},
       "clock driver at 2500ms; jump -5000ms"},
      {faults::ClockFault{.target = driver, .at = at, .drift_ppm = 500},
       "clock driver at 2500ms; drift 500ppm"},
      {faults::Slowdown{
           .what = faults::Slowed::kStorage, .target = driver, .at = at, .factor = 10, .lasts = 2s},
       "slow storage of driver at 2500ms; by 10x; for 2000ms"},
      {faults::Reorder{.seed = 7, .at = at}, "reorder seed 7 at 2500ms"},
      {faults::Yield{.target = executor, .at = at}, "yield executor:1 at 2500ms"},
  };
  for (const auto& [fault, text] : expected) {
    EXPECT_EQ(to_string(fault), text);
  }
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
