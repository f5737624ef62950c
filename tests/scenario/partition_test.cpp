// tests/scenario/partition_test.cpp
//
// Two processes that cannot reach each other for a while, and what becomes of the one that was
// given up meanwhile. The sweeps cut at every effect boundary of every process: whenever the cut
// comes, the world goes on, drains, and keeps what it promises.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/fault_plan.h"
#include "tests/support/world_fixture.h"

namespace {

using engine::ProcessId;
using engine::Role;
using faults::FaultPlan;
using faults::Partition;
using faults::Target;
using faults::TargetKind;
using reports::Event;
using reports::EventKind;
using scenarios::JudgedRun;
using scenarios::PreparedScenario;
using std::chrono::seconds;
using testing::SizeIs;
using tests::Player;

constexpr Target kDriver{TargetKind::kDriver, 0};
constexpr Target kFirst{TargetKind::kExecutor, 0};
constexpr Target kSecond{TargetKind::kExecutor, 1};
constexpr seconds kNetworkTimeout(4);
constexpr seconds kLasts(6);

constexpr std::string_view kDirect = "kind: kafka-direct, start: earliest, offsets: checkpoint";
constexpr std::string_view kReliable =
    "kind: kafka-receiver, reliable: true, block_interval: 500ms, poll_interval: 400ms";
constexpr std::string_view kUnreliable =
    "kind: kafka-receiver, reliable: false, block_interval: 500ms, poll_interval: 400ms, "
    "auto_commit_interval: 500ms";

struct Pipeline {
  std::string_view source = kDirect;
  std::string_view sink = "append";
  std::string_view operation = "{ map: identity }";
  std::string_view work_per_record = "0s";
};

PreparedScenario scenario_of(const Pipeline& pipeline) {
  return tests::prepared_from(fmt::format(R"(
scenario: partition
topic: {{ name: events, partitions: 2 }}
workload: {{ records: 12, keys: 5, rate: 8/s, value_bytes: 8, start: 1s }}
pipeline:
  batch_interval: 1s
  source: {{ {} }}
  checkpoint: {{ enabled: true, storage: hdfs }}
  operations: [ {} ]
  sink: {{ kind: {}, store: memory }}
  processing_time_per_record: {}
cluster: {{ executors: 2, cores: 2, heartbeat_interval: 1s, network_timeout: 4s }}
)",
                                          pipeline.source,
                                          pipeline.operation,
                                          pipeline.sink,
                                          pipeline.work_per_record));
}

Partition cut(Target left, Target right, faults::Trigger at) {
  return {.left = left, .right = right, .at = at, .lasts = kLasts};
}

faults::AtTime at_seconds(int time) {
  return {.since_start = seconds(time)};
}

// The first of its tasks in a batch with records, when it has begun.
faults::AtPoint at_first_task() {
  return {.point = engine::Point::kTaskStarted, .batch = 2, .partition = 0, .occurrence = 1};
}

class PartitionTest : public testing::Test {
 protected:
  JudgedRun play(const PreparedScenario& scenario, const FaultPlan& plan) {
    return player_.play(scenario, scenario.scenario.seed, plan);
  }

  // One run for every effect boundary of the run without a fault, cut off there.
  std::vector<JudgedRun> play_every_cut(const PreparedScenario& scenario,
                                        Target left,
                                        Target right) {
    std::vector<JudgedRun> runs;
    for (const faults::ProcessSteps& process : play(scenario, {}).run.steps) {
      for (std::uint64_t step = 1; step <= process.steps; ++step) {
        const faults::AtStep at{.process = process.process, .step = step};
        runs.push_back(play(scenario, {cut(left, right, at)}));
      }
    }
    return runs;
  }

 private:
  Player player_;
};

std::int64_t ends_of(const JudgedRun& judged, ProcessId process) {
  return std::ranges::count_if(judged.run.ledger.events, [process](const Event& event) {
    const bool is_end = event.kind == EventKind::kCrash || event.kind == EventKind::kProcessExited;
    return is_end && event.process.process == process;
  });
}

// How often the output of the task was brought to an end.
std::int64_t outputs_of(const JudgedRun& judged,
                        std::int32_t batch,
                        engine::PartitionId partition) {
  const engine::BatchTime time{engine::Instant{seconds(batch)}};
  return std::ranges::count_if(judged.run.ledger.events, [&](const Event& event) {
    return event.kind == EventKind::kPoint && event.point == engine::Point::kTaskOutputCommitted &&
           event.batch == time && event.partition == partition;
  });
}

bool struck(const JudgedRun& judged, std::size_t fault) {
  return judged.run.ledger.faults.at(fault).fired_at.has_value();
}

TEST_F(PartitionTest, ATaskOfAnExecutorThatIsCutOffRunsAgainElsewhereAndToItsEnd) {
  const PreparedScenario scenario = scenario_of({.work_per_record = "1500ms"});
  const JudgedRun judged = play(scenario, {cut(kDriver, kFirst, at_first_task())});
  EXPECT_TRUE(struck(judged, 0));
  EXPECT_EQ(outputs_of(judged, 2, 0), 2);
  EXPECT_EQ(outputs_of(judged, 2, 1), 1);
  EXPECT_EQ(ends_of(judged, {Role::kExecutor, 0}), 0) << "the zombie lives on";
  EXPECT_GT(judged.verdict.output.duplicated, 0);
  EXPECT_EQ(judged.verdict.output.lost, 0);
  EXPECT_FALSE(judged.verdict.stalled);
}

TEST_F(PartitionTest, TheRunGoesOnUntilTheAftermathIsOver) {
  const JudgedRun judged = play(scenario_of({}), {cut(kDriver, kFirst, at_seconds(3))});
  EXPECT_FALSE(judged.verdict.stalled);
  EXPECT_GE(judged.run.ledger.ended_at, engine::Instant{seconds(3) + kLasts + kNetworkTimeout});
}

TEST_F(PartitionTest, NobodyIsCutOffFromTheDead) {
  faults::Crash crash;
  crash.target = kFirst;
  crash.at = at_seconds(2);
  crash.restarts = false;
  const JudgedRun judged =
      play(scenario_of({}),
           {crash, cut(kDriver, kFirst, at_seconds(3)), cut(kFirst, kSecond, at_seconds(3))});
  EXPECT_TRUE(struck(judged, 0));
  EXPECT_FALSE(struck(judged, 1));
  EXPECT_FALSE(struck(judged, 2));
}

TEST_F(PartitionTest, TheExecutorOfAReceiverIsFoundWhenTheCutComes) {
  const Target of_receiver{TargetKind::kReceiverExecutor, 0};
  const JudgedRun judged = play(scenario_of({.source = kReliable}),
                                {cut(of_receiver, kFirst, at_seconds(3)),
                                 cut(of_receiver, kSecond, at_seconds(3)),
                                 cut(of_receiver, kDriver, at_seconds(3))});
  EXPECT_NE(struck(judged, 0), struck(judged, 1)) << "one of the two runs it";
  EXPECT_TRUE(struck(judged, 2));
}

TEST_F(PartitionTest, AnotherExecutorStaysInReachOfTheDriver) {
  const JudgedRun judged =
      play(scenario_of({.work_per_record = "1500ms"}), {cut(kFirst, kSecond, at_first_task())});
  EXPECT_TRUE(struck(judged, 0));
  EXPECT_EQ(outputs_of(judged, 2, 0), 1);
  EXPECT_EQ(judged.verdict.guarantee(), reports::Guarantee::kExactlyOnce);
}

// Its restarted driver finds executors that did not hear of the death of the one before.
TEST_F(PartitionTest, ADriverThatDiesBehindACutIsReplacedAllTheSame) {
  faults::Crash crash;
  crash.target = kDriver;
  crash.at = at_seconds(3);
  const JudgedRun judged =
      play(scenario_of({.sink = "upsert"}),
           {cut(kDriver, kFirst, at_first_task()), cut(kDriver, kSecond, at_first_task()), crash});
  EXPECT_EQ(judged.run.ledger.metrics.driver_starts, 2);
  EXPECT_EQ(judged.verdict.guarantee(), reports::Guarantee::kExactlyOnce);
  EXPECT_FALSE(judged.verdict.stalled);
}

// Its registration is swallowed. There is nobody else who could run the tasks.
TEST_F(PartitionTest, AnExecutorThatStartsBehindACutIsStartedAgainUntilItIsHeard) {
  PreparedScenario scenario = scenario_of({});
  scenario.scenario.cluster.executors = 1;
  faults::Crash crash;
  crash.target = kFirst;
  crash.at = at_seconds(3);
  const JudgedRun judged = play(scenario, {cut(kDriver, kFirst, at_first_task()), crash});
  EXPECT_EQ(judged.verdict.output.lost, 0);
  EXPECT_FALSE(judged.verdict.stalled);
  EXPECT_GE(ends_of(judged, {Role::kExecutor, 0}), 2) << "the crash, and one that was not heard";
}

TEST_F(PartitionTest, WheneverATaskIsCutOffUpsertedRowsAreExact) {
  const auto runs =
      play_every_cut(scenario_of({.sink = "upsert", .work_per_record = "1s"}), kDriver, kFirst);
  EXPECT_THAT(runs, testing::Not(testing::IsEmpty()));
  for (const JudgedRun& judged : runs) {
    EXPECT_EQ(judged.verdict.guarantee(), reports::Guarantee::kExactlyOnce) << judged.token;
    EXPECT_FALSE(judged.verdict.stalled) << judged.token;
  }
}

TEST_F(PartitionTest, WheneverAReliableReceiverIsCutOffNothingIsLost) {
  const PreparedScenario scenario = scenario_of({.source = kReliable, .sink = "upsert"});
  for (const JudgedRun& judged :
       play_every_cut(scenario, kDriver, {TargetKind::kReceiverExecutor, 0})) {
    EXPECT_EQ(judged.verdict.output.lost, 0) << judged.token;
    EXPECT_FALSE(judged.verdict.stalled) << judged.token;
  }
}

TEST_F(PartitionTest, WheneverAnUnreliableReceiverIsCutOffTheWorldDrainsAndSometimesLoses) {
  const PreparedScenario scenario = scenario_of({.source = kUnreliable, .sink = "upsert"});
  std::int64_t losses = 0;
  for (const JudgedRun& judged :
       play_every_cut(scenario, kDriver, {TargetKind::kReceiverExecutor, 0})) {
    losses += judged.verdict.output.lost > 0 ? 1 : 0;
    EXPECT_FALSE(judged.verdict.stalled) << judged.token;
  }
  EXPECT_GT(losses, 0);
}

// What one executor keeps for the other is out of reach: the fetch fails in time, and the map task
// runs again.
TEST_F(PartitionTest, WheneverTheExecutorsOfAShuffleAreCutOffTheResultIsRight) {
  const PreparedScenario scenario = scenario_of({.sink = "upsert", .operation = "count_by_key"});
  for (const JudgedRun& judged : play_every_cut(scenario, kFirst, kSecond)) {
    EXPECT_EQ(judged.verdict.guarantee(), reports::Guarantee::kExactlyOnce) << judged.token;
    EXPECT_FALSE(judged.verdict.stalled) << judged.token;
  }
}

}  // namespace
