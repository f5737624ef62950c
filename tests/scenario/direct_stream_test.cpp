// tests/scenario/direct_stream_test.cpp
//
// Short plays of a Direct pipeline: one scenario, at most one crash, one expectation; and what each
// sink deserves, over every schedule of one crash.

#include <algorithm>
#include <chrono>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/world_fixture.h"

namespace {

using reports::Guarantee;
using scenarios::Exploration;
using scenarios::JudgedRun;
using testing::Contains;
using testing::Key;
using testing::Not;
using tests::Player;

std::string scenario_text(const std::string& offsets,
                          const std::string& sink,
                          const std::string& more = {}) {
  return fmt::format(R"(
scenario: direct
description: A small Direct pipeline.
topic: {{ name: sessions, partitions: 2 }}
workload: {{ records: 18, keys: 4, rate: 6/s, value_bytes: 8, start: 1s }}
pipeline:
  batch_interval: 1s
  source: {{ kind: kafka-direct, offsets: {} }}
  checkpoint: {{ enabled: {}, storage: hdfs }}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: {}, store: memory }}
cluster: {{ executors: 2, cores: 1 }}
{}
)",
                     offsets,
                     offsets == "checkpoint",
                     sink,
                     more);
}

Exploration explore(const std::string& text) {
  return Player().explore(tests::prepared_from(text));
}

// --- Without a crash ---------------------------------------------------------------------------

TEST(DirectStream, WithoutACrashEveryPipelineIsExact) {
  for (const char* const offsets : {"checkpoint", "kafka", "zookeeper", "hbase", "sink", "none"}) {
    for (const char* const sink : {"append", "upsert", "batch-uid", "files"}) {
      const JudgedRun judged = Player().play(scenario_text(offsets, sink));
      EXPECT_EQ(judged.verdict.guarantee(), Guarantee::kExactlyOnce) << offsets << ", " << sink;
      EXPECT_FALSE(judged.verdict.stalled) << offsets << ", " << sink;
      EXPECT_EQ(judged.run.ledger.inputs.size(), 18U);
    }
  }
  EXPECT_EQ(Player().play(scenario_text("sink", "offsets")).verdict.guarantee(),
            Guarantee::kExactlyOnce);
}

// One task per Kafka partition, in every batch.
TEST(DirectStream, ABatchHasOneTaskPerPartition) {
  const JudgedRun judged = Player().play(scenario_text("checkpoint", "append"));
  for (const reports::BatchPlan& plan : judged.run.ledger.plans) {
    EXPECT_EQ(plan.ranges.size(), 2U);
  }
  for (const reports::OutputRecord& row : judged.run.ledger.outputs) {
    EXPECT_EQ(row.task, row.source.partition);
  }
}

// What a checkpoint holds are ranges: ten times the records, the same size.
TEST(DirectStream, TheSizeOfACheckpointDoesNotDependOnTheData) {
  const auto size_with = [](std::int64_t records, std::int32_t value_bytes) {
    auto scenario = tests::scenario_from(scenario_text("checkpoint", "append"));
    scenario.workload.records = records;
    scenario.workload.rate_per_second = static_cast<double>(records) / 3;
    scenario.workload.value_bytes = value_bytes;
    const JudgedRun judged = Player().play(tests::prepared_from(std::move(scenario)));
    EXPECT_EQ(std::ssize(judged.run.ledger.inputs), records);
    return judged.run.ledger.metrics.checkpoint_bytes_max;
  };
  EXPECT_EQ(size_with(18, 8), size_with(1800, 100));
}

// --- Every single crash ------------------------------------------------------------------------

TEST(DirectStream, AppendNeverLosesAndSometimesRepeats) {
  const Exploration found = explore(scenario_text("checkpoint", "append"));
  EXPECT_EQ(found.output, Guarantee::kAtLeastOnce);
  EXPECT_EQ(found.received, Guarantee::kExactlyOnce);
  EXPECT_THAT(found.findings, Contains(Key("duplicated")));
  EXPECT_THAT(found.findings, Not(Contains(Key("lost"))));
  EXPECT_EQ(found.schedules + found.pruned.total(), found.of);
}

TEST(DirectStream, UpsertByIdentityIsAlwaysExact) {
  EXPECT_EQ(explore(scenario_text("checkpoint", "upsert")).output, Guarantee::kExactlyOnce);
}

TEST(DirectStream, OffsetsWithTheResultsAreAlwaysExact) {
  EXPECT_EQ(explore(scenario_text("sink", "offsets")).output, Guarantee::kExactlyOnce);
}

// The twin of both: the batch's id is no identity of its records.
TEST(DirectStream, BatchUidSometimesLoses) {
  const Exploration found = explore(scenario_text("checkpoint", "batch-uid"));
  EXPECT_THAT(found.findings, Contains(Key("lost")));
}

TEST(DirectStream, OffsetsInAStoreOfTheirOwnAreAtLeastOnce) {
  for (const char* const offsets : {"kafka", "zookeeper", "hbase", "sink"}) {
    const Exploration found = explore(scenario_text(offsets, "append"));
    EXPECT_EQ(found.output, Guarantee::kAtLeastOnce) << offsets;
    EXPECT_THAT(found.findings, Not(Contains(Key("stalled")))) << offsets;
  }
}

TEST(DirectStream, OffsetsKeptNowhereFromTheLatestOnLose) {
  auto scenario = tests::scenario_from(scenario_text("none", "append"));
  scenario.pipeline.source.start = engine::StartPosition::kLatest;
  const Exploration found = Player().explore(tests::prepared_from(std::move(scenario)));
  EXPECT_THAT(found.findings, Contains(Key("lost")));
}

// The witness of a finding is a run of its own: its token's plan shows it again.
TEST(DirectStream, TheWitnessOfAFindingShowsItAgain) {
  const auto prepared = tests::prepared_from(scenario_text("checkpoint", "append"));
  Player player;
  const Exploration found = player.explore(prepared);
  const scenarios::Finding& witness = found.findings.at("duplicated");
  const JudgedRun again = player.play(prepared, prepared.scenario.seed, witness.plan);
  EXPECT_EQ(again.token, witness.token);
  EXPECT_EQ(again.verdict.output.duplicated, witness.count);
}

// Executors that die alone cost an appending pipeline repetitions and nothing else.
TEST(DirectStream, AnExecutorThatDiesIsReplaced) {
  const JudgedRun judged = Player().play(scenario_text("checkpoint", "upsert", R"(faults:
  - crash: executor:1
    at: { point: task.output_written, batch: 2, partition: 1 })"));
  EXPECT_EQ(judged.verdict.guarantee(), Guarantee::kExactlyOnce);
  EXPECT_EQ(tests::crash_count(judged.run.ledger, engine::Role::kExecutor), 1);
  EXPECT_EQ(judged.run.ledger.metrics.driver_starts, 1);
}

// Nothing fences the executors of a driver that is started again within their exit delay. A task of
// the old life commits after the new driver has read where it stands; from then on compare-and-set
// refuses every batch of that partition. Nothing is repeated, and nothing goes on either, until
// somebody starts the driver once more.
TEST(DirectStream, ATaskOfTheOldDriverThatCommitsBehindTheNewOneStallsTheOffsetsSink) {
  const auto with_slow_tasks = [](const std::string& faults) {
    auto scenario = tests::scenario_from(scenario_text("sink", "offsets", faults));
    scenario.pipeline.processing_time_per_record = std::chrono::milliseconds(20);
    return Player().play(tests::prepared_from(std::move(scenario)));
  };
  const std::string restart_at_once = R"(faults:
  - crash: driver
    at: { point: task.started, batch: 2, partition: 0 }
    restart_after: 0s)";
  const JudgedRun stuck = with_slow_tasks(restart_at_once);
  EXPECT_TRUE(stuck.verdict.stalled);
  EXPECT_EQ(stuck.verdict.output.duplicated, 0);
  const JudgedRun restarted = with_slow_tasks(restart_at_once + R"(
  - crash: driver
    at: { time: 6s })");
  EXPECT_EQ(restarted.verdict.guarantee(), Guarantee::kExactlyOnce);
}

}  // namespace
