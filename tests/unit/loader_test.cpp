// Scenario files: what loads, and that whatever does not is refused with its place and one
// sentence.

#include "scenarios/loader.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/messages.h"
#include "engine/ports/protocol.h"
#include "scenarios/text_file.h"
#include "scenarios/units.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kSample =
    R"(scenario: direct_batch_uid_sink_loses_when_range_grows
claim: [s1-batch-uid, s4-transactional]
description: The range of batch 3 is not durable before its output.
seed: 7
topic: { name: sessions, partitions: 3 }
workload: { records: 300, keys: 40, rate: 150/s, value_bytes: 64 }
pipeline:
  batch_interval: 1s
  concurrent_jobs: 1
  source:
    kind: kafka-direct
    start: earliest
    max_rate_per_partition: 50/s
    offsets: checkpoint
  backpressure: false
  checkpoint: { enabled: true, storage: hdfs }
  operations: [ { map: identity } ]
  sink: { kind: batch-uid, store: sqlite }
  protocol: {}
cluster: { executors: 2, cores: 2, driver_restart: 2s, executor_restart: 1s }
faults:
  - crash: driver
    at: { point: task.output_written, batch: 3, partition: 1 }
    restart_after: 5s
stop: { when: drained, within: 120s }
expect:
  output: { lost: ">0", duplicated: 0 }
  received: exactly-once
explore:
  depth: 1
  always: at-least-once
  sometimes: [ duplicated ]
)";

constexpr std::string_view kReceiverSample =
    R"(scenario: receiver_recovers_what_was_logged
topic: { name: sessions, partitions: 3 }
workload: { records: 300, rate: 150/s }
pipeline:
  batch_interval: 1s
  source:
    kind: kafka-receiver
    start: latest
    reliable: true
    write_ahead_log: true
    receivers: 2
    consumer_threads: 3
    block_interval: 100ms
    block_queue: 4
    replication: 3
    max_rate: 40/s
    poll_interval: 50ms
    restart_delay: 3s
  sink: { kind: upsert }
  protocol: { committed_offset: next }
cluster: { executors: 2, cores: 2, executor_memory: 64MiB, speculation: true }
faults:
  - crash: receiver:1
    at: { point: receiver.block_stored, occurrence: 3 }
stop: { when: time, at: 20s, graceful: true }
)";

std::string with(std::string_view sample, std::string_view from, std::string_view to) {
  std::string text(sample);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  return text;
}

std::string sample_with(std::string_view from, std::string_view to) {
  return with(kSample, from, to);
}

std::string receiver_with(std::string_view from, std::string_view to) {
  return with(kReceiverSample, from, to);
}

Scenario load_one(const std::string& text) {
  const auto loaded = load_text(text, "sample.yaml");
  EXPECT_TRUE(loaded.has_value()) << (loaded ? "" : loaded.error().to_string());
  return loaded && loaded->size() == 1 ? loaded->front() : Scenario{};
}

// Fault number n, which is a crash.
const faults::Crash& crash_of(const Scenario& scenario, std::size_t n) {
  return std::get<faults::Crash>(scenario.faults.at(n));
}

Diagnostic refusal(const std::string& text) {
  const auto loaded = load_text(text, "sample.yaml");
  EXPECT_FALSE(loaded.has_value()) << text;
  return loaded ? Diagnostic{} : loaded.error();
}

TEST(Loader, TheContractsSampleLoadsWithEveryValue) {
  const Scenario scenario = load_one(std::string(kSample));

  EXPECT_EQ(scenario.name, "direct_batch_uid_sink_loses_when_range_grows");
  EXPECT_THAT(scenario.claims, testing::ElementsAre("s1-batch-uid", "s4-transactional"));
  EXPECT_EQ(scenario.seed, 7U);
  EXPECT_EQ(scenario.workload.records, 300);
  EXPECT_EQ(scenario.workload.keys, 40);
  EXPECT_DOUBLE_EQ(scenario.workload.rate_per_second, 150);
  EXPECT_EQ(scenario.pipeline.source.topic, "sessions");
  EXPECT_EQ(scenario.pipeline.source.partitions, 3);
  EXPECT_EQ(scenario.pipeline.source.max_rate_per_partition, 50.0);
  EXPECT_EQ(scenario.pipeline.batch_interval, 1s);
  EXPECT_EQ(scenario.pipeline.sink.kind, engine::SinkKind::kBatchUid);
  EXPECT_EQ(scenario.store, StoreKind::kSqlite);
  EXPECT_EQ(scenario.pipeline.operations.size(), 1U);
  EXPECT_EQ(scenario.cluster.cores, 2);
  EXPECT_EQ(scenario.driver_restart, 2s);
  EXPECT_EQ(scenario.stop.within, 120s);
}

TEST(Loader, TheSamplesFaultAndExpectationsAreRead) {
  const Scenario scenario = load_one(std::string(kSample));

  const faults::FaultPlan plan{faults::Crash{
      .target = {.kind = faults::TargetKind::kDriver},
      .at = faults::AtPoint{.point = engine::Point::kTaskOutputWritten, .batch = 3, .partition = 1},
      .restart_after = 5s,
      .redeploy = {}}};
  EXPECT_EQ(scenario.faults, plan);
  const auto& counts = std::get<CountExpectations>(*scenario.expect.output);
  EXPECT_EQ(counts.at("lost").to_string(), ">0");
  EXPECT_EQ(counts.at("duplicated").to_string(), "0");
  EXPECT_EQ(std::get<reports::Guarantee>(*scenario.expect.received),
            reports::Guarantee::kExactlyOnce);
  ASSERT_TRUE(scenario.explore.has_value());
  EXPECT_EQ(scenario.explore->always, reports::Guarantee::kAtLeastOnce);
}

TEST(Loader, EveryFormOfTriggerTargetAndRestartIsRead) {
  const std::string faults = R"(  - crash: executor:1
    at: { time: 2500ms }
    restart_after: never
  - crash: cluster
    at: { step: 812 }
  - crash: driver
    at: { step: 9, process: executor:0 }
    redeploy: { delete_checkpoint: true, application_version: 2 }
  - crash: machine:0
    at: { time: 1s }
    disk: torn
)";
  const std::size_t from = kSample.find("  - crash");
  const std::size_t until = kSample.find("stop:");
  const Scenario scenario = load_one(sample_with(kSample.substr(from, until - from), faults));

  ASSERT_EQ(scenario.faults.size(), 4U);
  EXPECT_EQ(crash_of(scenario, 0).target, (faults::Target{faults::TargetKind::kExecutor, 1}));
  EXPECT_EQ(crash_of(scenario, 0).at, faults::Trigger(faults::AtTime{2500ms}));
  EXPECT_FALSE(crash_of(scenario, 0).restarts);
  EXPECT_EQ(crash_of(scenario, 1).target.kind, faults::TargetKind::kCluster);
  EXPECT_EQ(crash_of(scenario, 1).at,
            faults::Trigger(faults::AtStep{{engine::Role::kDriver, 0}, 812}));
  EXPECT_EQ(crash_of(scenario, 2).at,
            faults::Trigger(faults::AtStep{{engine::Role::kExecutor, 0}, 9}));
  EXPECT_TRUE(crash_of(scenario, 2).redeploy.delete_checkpoint);
  EXPECT_EQ(crash_of(scenario, 2).redeploy.application_version, 2);
  EXPECT_EQ(crash_of(scenario, 2).disk, sim::DiskOutcome::kDropUnsynced);
  EXPECT_EQ(crash_of(scenario, 3).disk, sim::DiskOutcome::kTornUnsynced);
}

TEST(Loader, APartitionNamesTwoProcessesAndHowLongItLasts) {
  const std::string faults = R"(  - partition: [driver, executor:0]
    at: { point: task.started, batch: 2 }
    for: 130s
  - partition: [ "executor:1", "executor:0" ]
    at: { step: 9, process: executor:0 }
    for: 1ms
)";
  const std::size_t from = kSample.find("  - crash");
  const std::size_t until = kSample.find("stop:");
  const Scenario scenario = load_one(sample_with(kSample.substr(from, until - from), faults));

  const faults::Target driver{faults::TargetKind::kDriver, 0};
  const faults::Target first{faults::TargetKind::kExecutor, 0};
  const faults::Target second{faults::TargetKind::kExecutor, 1};
  const faults::AtPoint started{
      .point = engine::Point::kTaskStarted, .batch = 2, .partition = {}, .occurrence = 1};
  const faults::AtStep step{.process = {engine::Role::kExecutor, 0}, .step = 9};
  EXPECT_EQ(scenario.faults,
            (faults::FaultPlan{
                faults::Partition{.left = driver, .right = first, .at = started, .lasts = 130s},
                faults::Partition{.left = second, .right = first, .at = step, .lasts = 1ms}}));
}

TEST(Loader, APartitionMayNameTheExecutorOfAReceiver) {
  const Scenario scenario = load_one(receiver_with(
      "crash: receiver:1", "partition: [receiver-executor:1, driver]\n    for: 3min"));

  ASSERT_EQ(scenario.faults.size(), 1U);
  const auto& partition = std::get<faults::Partition>(scenario.faults[0]);
  EXPECT_EQ(partition.left, (faults::Target{faults::TargetKind::kReceiverExecutor, 1}));
  EXPECT_EQ(partition.right.kind, faults::TargetKind::kDriver);
  EXPECT_EQ(partition.lasts, 3min);
}

TEST(Loader, EveryOptionOfAReceiverIsRead) {
  const Scenario scenario = load_one(std::string(kReceiverSample));

  const engine::KafkaSource& source = scenario.pipeline.source;
  ASSERT_TRUE(source.receiver.has_value());
  EXPECT_EQ(source.topic, "sessions");
  EXPECT_EQ(source.start, engine::StartPosition::kLatest);
  EXPECT_EQ(source.offsets, engine::OffsetKeeping::kNone);
  EXPECT_TRUE(source.receiver->reliable);
  EXPECT_TRUE(source.receiver->write_ahead_log);
  EXPECT_EQ(source.receiver->receivers, 2);
  EXPECT_EQ(source.receiver->consumer_threads, 3);
  EXPECT_EQ(source.receiver->block_interval, 100ms);
  EXPECT_EQ(source.receiver->queue_blocks_max, 4);
  EXPECT_EQ(source.receiver->replication, 3);
  EXPECT_EQ(source.receiver->max_rate, 40.0);
  EXPECT_EQ(source.receiver->poll_interval, 50ms);
  EXPECT_EQ(source.receiver->restart_delay, 3s);
  EXPECT_EQ(scenario.pipeline.protocol.committed_offset, engine::CommittedOffset::kNext);
  EXPECT_EQ(scenario.cluster.executor_memory, std::int64_t{64} * 1024 * 1024);
  EXPECT_TRUE(scenario.cluster.speculation);
  EXPECT_EQ(scenario.receiver_count(), 2);
}

TEST(Loader, AReceiverWithoutOptionsIsSparksWithACheckpoint) {
  const Scenario scenario = load_one(
      "scenario: plain\n"
      "topic: { name: t, partitions: 1 }\n"
      "workload: { records: 3 }\n"
      "pipeline: { source: { kind: kafka-receiver }, sink: { kind: append } }\n");

  const auto& receiver = scenario.pipeline.source.receiver;
  ASSERT_TRUE(receiver.has_value());
  EXPECT_FALSE(receiver->reliable);
  EXPECT_FALSE(receiver->write_ahead_log);
  EXPECT_EQ(receiver->receivers, 1);
  EXPECT_EQ(receiver->replication, 2);
  EXPECT_EQ(receiver->block_interval, 200ms);
  EXPECT_EQ(receiver->auto_commit_interval, 60s);
  EXPECT_TRUE(scenario.pipeline.checkpoint_enabled);
  EXPECT_FALSE(scenario.cluster.executor_memory.has_value());
  EXPECT_FALSE(scenario.cluster.speculation);
}

TEST(Loader, ADirectPipelineHasNoReceiver) {
  const Scenario scenario = load_one(std::string(kSample));

  EXPECT_FALSE(scenario.pipeline.source.receiver.has_value());
  EXPECT_EQ(scenario.receiver_count(), 0);
}

TEST(Loader, TheKindOfASourceMayComeBehindItsOptions) {
  std::string text = receiver_with("    kind: kafka-receiver\n", "");
  text.insert(text.find("  sink:"), "    kind: kafka-receiver\n");
  const Scenario scenario = load_one(text);

  ASSERT_TRUE(scenario.pipeline.source.receiver.has_value());
  EXPECT_EQ(scenario.pipeline.source.receiver->block_interval, 100ms);
}

TEST(Loader, AnUnreliableReceiverMayHaveALogAndATimerForItsCommits) {
  const Scenario scenario = load_one(with(
      receiver_with("reliable: true", "auto_commit_interval: 5s"), "committed_offset: next", ""));

  EXPECT_FALSE(scenario.pipeline.source.receiver->reliable);
  EXPECT_EQ(scenario.pipeline.source.receiver->auto_commit_interval, 5s);
}

TEST(Loader, EveryDecisionOfReceiversThatHasAnEffectIsApplied) {
  std::string text = receiver_with("committed_offset: next",
                                   "offset_commit: before_store, supervisor_stop: generator_first, "
                                   "failed_close: refused, tracker_stop: after_generator");
  text = with(text, "  sink:", "  checkpoint: { storage: s3 }\n  sink:");
  const engine::Protocol protocol = load_one(text).pipeline.protocol;

  EXPECT_EQ(protocol.offset_commit, engine::OffsetCommit::kBeforeStore);
  EXPECT_EQ(protocol.committed_offset, engine::CommittedOffset::kLastStored);
  EXPECT_EQ(protocol.supervisor_stop, engine::SupervisorStop::kGeneratorFirst);
  EXPECT_EQ(protocol.failed_close, engine::FailedClose::kRefused);
  EXPECT_EQ(protocol.tracker_stop, engine::TrackerStop::kAfterGenerator);
}

TEST(Loader, ReceiversAndTheirMachinesCanBeCrashed) {
  const std::string faults = R"(  - crash: receiver:0
    at: { step: 7, process: driver }
  - crash: receiver-executor:1
    at: { step: 8, process: executor:1 }
    restart_after: never
  - crash: machine:1
    at: { step: 9 }
  - crash: machine:0
    at: { time: 21s }
    restart_after: 5s
)";
  const std::size_t from = kReceiverSample.find("  - crash");
  const std::size_t until = kReceiverSample.find("stop:");
  const Scenario scenario =
      load_one(receiver_with(kReceiverSample.substr(from, until - from), faults));

  constexpr engine::ProcessId kDriver{.role = engine::Role::kDriver};
  constexpr engine::ProcessId kExecutor{.role = engine::Role::kExecutor, .index = 1};
  ASSERT_EQ(scenario.faults.size(), 4U);
  EXPECT_EQ(crash_of(scenario, 0).target, (faults::Target{faults::TargetKind::kReceiver, 0}));
  EXPECT_EQ(crash_of(scenario, 0).at, faults::Trigger(faults::AtStep{kDriver, 7}));
  EXPECT_EQ(crash_of(scenario, 1).target,
            (faults::Target{faults::TargetKind::kReceiverExecutor, 1}));
  EXPECT_EQ(crash_of(scenario, 1).at, faults::Trigger(faults::AtStep{kExecutor, 8}));
  EXPECT_FALSE(crash_of(scenario, 1).restarts);
  EXPECT_EQ(crash_of(scenario, 2).target, (faults::Target{faults::TargetKind::kMachine, 1}));
  EXPECT_EQ(crash_of(scenario, 2).at, faults::Trigger(faults::AtStep{kExecutor, 9}));
  EXPECT_EQ(crash_of(scenario, 3).target, (faults::Target{faults::TargetKind::kMachine, 0}));
  EXPECT_EQ(crash_of(scenario, 3).restart_after, 5s);
}

TEST(Loader, EveryFormOfStopIsRead) {
  const auto stop_of = [](std::string_view stop) {
    return load_one(sample_with("{ when: drained, within: 120s }", stop)).stop;
  };
  const Stop by_time = stop_of("{ when: time, at: 20s, graceful: true }");
  EXPECT_EQ(by_time.when, Stop::When::kTime);
  EXPECT_EQ(by_time.at, 20s);
  EXPECT_TRUE(by_time.graceful);
  EXPECT_EQ(by_time.within, 120s);
  EXPECT_EQ(stop_of("{ when: time, at: 20s, graceful: true, within: 9s }").within, 9s);
  EXPECT_FALSE(stop_of("{ when: time, at: 20s, graceful: false }").graceful);
  const Stop drained = stop_of("{ graceful: true }");
  EXPECT_EQ(drained.when, Stop::When::kDrained);
  EXPECT_TRUE(drained.graceful);
  EXPECT_FALSE(stop_of("{ when: drained }").graceful);
}

TEST(Loader, AGracefulStopMayFailToEnd) {
  std::string text =
      sample_with("{ when: drained, within: 120s }", "{ when: time, at: 20s, graceful: true }");
  text = with(text, "expect:\n", "expect:\n  stalled: true\n");
  EXPECT_TRUE(load_one(text).expect.stalled);

  EXPECT_THAT(refusal(with(text, ", graceful: true", "")).message,
              HasSubstr("cut off, not stalled"));
}

TEST(Loader, EverySpellingOfASizeIsRead) {
  for (const char* const size : {"67108864", "65536KiB", "64MiB", "\"64MiB\""}) {
    EXPECT_EQ(load_one(receiver_with("64MiB", size)).cluster.executor_memory, 67'108'864) << size;
  }
}

// A batch of receivers has as many tasks as it has blocks.
TEST(Loader, ATaskOfAReceiverPipelineIsNumberedByItsBlock) {
  const Scenario scenario = load_one(receiver_with("point: receiver.block_stored, occurrence: 3",
                                                   "point: task.started, partition: 9"));

  EXPECT_EQ(std::get<faults::AtPoint>(crash_of(scenario, 0).at).partition, 9);
}

TEST(Loader, EverySpellingOfAnOperationIsRead) {
  const Scenario scenario = load_one(sample_with(
      "[ { map: identity } ]",
      "[ { map: uppercase }, { filter: { value_contains: pay } }, { flat_map: { copies: 2 } }, "
      "nondeterministic, { nondeterministic: identity }, { reduce_by_key: max }, { map: identity } "
      "]"));

  const auto& operations = scenario.pipeline.operations;
  ASSERT_EQ(operations.size(), 7U);
  EXPECT_EQ(operations[0].function, engine::Function::kUppercase);
  EXPECT_EQ(operations[1].text, "pay");
  EXPECT_EQ(operations[2].count, 2);
  EXPECT_EQ(operations[3].kind, engine::OperationKind::kNondeterministic);
  EXPECT_EQ(operations[4].kind, engine::OperationKind::kNondeterministic);
  EXPECT_EQ(operations[5].function, engine::Function::kMax);
  for (const char* const spelling : {"[ count_by_key ]", "[ { count_by_key: {} } ]"}) {
    const Scenario counting = load_one(sample_with("[ { map: identity } ]", spelling));
    ASSERT_EQ(counting.pipeline.operations.size(), 1U) << spelling;
    EXPECT_EQ(counting.pipeline.operations[0].kind, engine::OperationKind::kCountByKey);
  }
}

TEST(Loader, EveryProtocolChoiceThatHasAnEffectIsApplied) {
  const Scenario scenario =
      load_one(sample_with("protocol: {}",
                           "protocol: { range_durability: before_submit, failed_batch: forget, "
                           "reschedule: without_distinct, checkpoint_publish: in_place }"));

  EXPECT_EQ(scenario.pipeline.protocol.range_durability, engine::RangeDurability::kBeforeSubmit);
  EXPECT_EQ(scenario.pipeline.protocol.failed_batch, engine::FailedBatch::kForget);
  EXPECT_EQ(scenario.pipeline.protocol.reschedule, engine::Reschedule::kWithoutDistinct);
  EXPECT_EQ(scenario.pipeline.protocol.checkpoint_publish, engine::CheckpointPublish::kInPlace);
}

TEST(Loader, AProtocolIsABaseOrExceptionsFromOne) {
  const engine::Protocol hardened = engine::hardened_protocol();
  engine::Protocol exception = hardened;
  exception.reschedule = engine::Reschedule::kPendingOnly;

  const auto protocol_of = [](const std::string& text) {
    return load_one(sample_with("protocol: {}", "protocol: " + text));
  };
  EXPECT_EQ(protocol_of("faithful").pipeline.protocol, engine::Protocol{});
  EXPECT_EQ(protocol_of("hardened").pipeline.protocol, hardened);
  EXPECT_EQ(protocol_of("hardened").protocol_base, hardened);
  EXPECT_EQ(protocol_of("{ base: hardened }").pipeline.protocol, hardened);
  const Scenario both = protocol_of("{ reschedule: pending_only, base: hardened }");
  EXPECT_EQ(both.pipeline.protocol, exception);
  EXPECT_EQ(both.protocol_base, hardened);
  EXPECT_NE(protocol_of("hardened").text_hash, protocol_of("faithful").text_hash);
}

TEST(Loader, HardenedIsSoundInEveryDecision) {
  for (const engine::ProtocolChoice& choice : engine::all_protocol_choices()) {
    engine::Protocol changed = engine::hardened_protocol();
    choice.apply(changed);
    if (choice.soundness == engine::Soundness::kSound) {
      EXPECT_EQ(changed, engine::hardened_protocol()) << choice.decision;
    }
    if (choice.soundness == engine::Soundness::kMistake) {
      EXPECT_NE(changed, engine::hardened_protocol()) << choice.decision << ": " << choice.value;
    }
  }
}

TEST(Loader, OffsetsKeptElsewhereWithoutACheckpointSectionMeanNoCheckpoint) {
  std::string text = sample_with("offsets: checkpoint", "offsets: kafka");
  text.erase(text.find("  checkpoint: {"),
             std::string_view("  checkpoint: { enabled: true, storage: hdfs }\n").size());

  EXPECT_FALSE(load_one(text).pipeline.checkpoint_enabled);
  EXPECT_TRUE(
      load_one(sample_with("offsets: checkpoint", "offsets: kafka")).pipeline.checkpoint_enabled);
}

TEST(Loader, SeveralDocumentsAreSeveralScenarios) {
  const std::string text = fmt::format(
      "# first\n---\n{}---\n{}---\n", kSample, sample_with("direct_batch_uid", "another"));
  const auto loaded = load_text(text, "two.yaml");

  ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
  ASSERT_EQ(loaded->size(), 2U);
  EXPECT_EQ((*loaded)[1].name, "another_sink_loses_when_range_grows");
}

TEST(Loader, AnErrorInALaterDocumentHasItsOwnLine) {
  const std::string text = fmt::format("{}---\n{}", kSample, sample_with("seed: 7", "sed: 7"));
  const Diagnostic diagnostic = refusal(text);

  EXPECT_EQ(diagnostic.line, static_cast<int>(std::ranges::count(kSample, '\n')) + 5);
  EXPECT_THAT(diagnostic.message, HasSubstr("\"seed\""));
}

TEST(Loader, TheHashIgnoresLayoutAndSeesEveryValue) {
  const std::uint64_t hash = load_one(std::string(kSample)).text_hash;

  EXPECT_EQ(load_one(fmt::format("# a comment\n{}", kSample)).text_hash, hash);
  EXPECT_EQ(load_one(sample_with("seed: 7", "seed:    7")).text_hash, hash);
  EXPECT_NE(load_one(sample_with("seed: 7", "seed: 8")).text_hash, hash);
  EXPECT_NE(load_one(sample_with("restart_after: 5s", "restart_after: 6s")).text_hash, hash);
}

// One edit of the sample, the place that must be named, and a part of the sentence.
struct BadEdit {
  std::string_view from;
  std::string_view to;
  int line;
  int column;
  std::string_view message;
};

void PrintTo(const BadEdit& edit, std::ostream* out) {
  *out << edit.from << " -> " << edit.to;
}

class LoaderRefuses : public testing::TestWithParam<BadEdit> {};

void expect_refusal(std::string_view sample, const BadEdit& edit) {
  const Diagnostic diagnostic = refusal(with(sample, edit.from, edit.to));

  EXPECT_EQ(diagnostic.file, "sample.yaml");
  EXPECT_EQ(diagnostic.line, edit.line) << diagnostic.to_string();
  EXPECT_EQ(diagnostic.column, edit.column) << diagnostic.to_string();
  EXPECT_THAT(diagnostic.message, HasSubstr(std::string(edit.message)));
  EXPECT_EQ(diagnostic.message.find('\n'), std::string::npos);
}

TEST_P(LoaderRefuses, TheEditAtItsPlaceWithItsReason) {
  expect_refusal(kSample, GetParam());
}

class LoaderRefusesReceivers : public testing::TestWithParam<BadEdit> {};

TEST_P(LoaderRefusesReceivers, TheEditAtItsPlaceWithItsReason) {
  expect_refusal(kReceiverSample, GetParam());
}

constexpr BadEdit kKeys[] = {
    {"rate: 150/s",
     "rtae: 150/s",
     6,
     37,
     "key \"rtae\" is not known in workload (did you mean \"rate\"?); known keys are: records"},
    {"seed: 7", "sedd: 7", 4, 1, "(did you mean \"seed\"?)"},
    {"seed: 7", "zzzzzzzz: 7", 4, 1, "key \"zzzzzzzz\" is not known in scenario; known keys are"},
    {"storage: hdfs", "stroage: hdfs", 16, 32, "(did you mean \"storage\"?)"},
    {"protocol: {}", "protocol: { rescedule: x }", 19, 15, "(did you mean \"reschedule\"?)"},
    {"protocol: {}", "protocol: hardend", 19, 13, "hardened"},
    {"protocol: {}", "protocol: { base: sound }", 19, 21, "hardened"},
    {"protocol: {}", "protocol: []", 19, 13, "hardened, or decisions such as"},
    {"lost: \">0\"", "losst: 1", 27, 13, "(did you mean \"lost\"?)"},
    {"received: exactly-once",
     "received: { phantom: 0 }",
     28,
     15,
     "known keys are: lost, duplicated"},
    {"seed: 7", "scenario: twice", 4, 1, "key \"scenario\" is given twice, first in line 1"},
    {"topic: { name: sessions, partitions: 3 }",
     "topic: { name: sessions }",
     5,
     8,
     "topic needs the key \"partitions\""},
    {"kind: batch-uid, ", "", 18, 9, "sink needs the key \"kind\""},
    {"expect:",
     "expect:\n  points: { checkpoint.renamd: 3 }",
     27,
     13,
     "(did you mean \"checkpoint.renamed\"?)"},
    {"expect:",
     "expect:\n  metrics: { driver_start: 3 }",
     27,
     14,
     "(did you mean \"driver_starts\"?)"},
};
INSTANTIATE_TEST_SUITE_P(Keys, LoaderRefuses, testing::ValuesIn(kKeys));

constexpr BadEdit kValues[] = {
    {"records: 300", "records: many", 6, 22, "workload.records: \"many\" is not a whole number"},
    {"records: 300", "records: \"300\"", 6, 22, "must be a whole number, not text in quotes"},
    {"records: 300", "records: [300]", 6, 22, "must be a whole number, not a list"},
    {"records: 300", "records: -1", 6, 22, "must be from 0 to 10000000, not -1"},
    {"records: 300", "records: 99999999999999999999", 6, 22, "does not fit into 64 bits"},
    {"records: 300", "records:", 6, 21, "must be a whole number, not nothing"},
    {"batch_interval: 1s",
     "batch_interval: 1",
     8,
     19,
     "\"1\" has no unit; durations are written like 200ms"},
    {"batch_interval: 1s", "batch_interval: 1sec", 8, 19, "unknown unit \"sec\""},
    {"batch_interval: 1s", "batch_interval: -1s", 8, 19, "is negative"},
    {"batch_interval: 1s", "batch_interval: 0s", 8, 19, "must be from 1ms to 1h, not 0s"},
    {"batch_interval: 1s", "batch_interval: 1.0000001s", 8, 19, "no whole number of microseconds"},
    {"rate: 150/s", "rate: 150", 6, 43, "\"150\" has no unit; rates are written like 150/s"},
    {"rate: 150/s", "rate: 150/day", 6, 43, "unknown unit \"/day\""},
    {"rate: 150/s", "rate: 0/s", 6, 43, "must be from 0.001/s"},
    {"max_rate_per_partition: 50/s", "max_rate_per_partition: 0/s", 13, 29, "must be from 0.001/s"},
    {"max_rate_per_partition: 50/s", "max_rate_per_partition: -5/s", 13, 29, "is not a rate"},
    {"backpressure: false", "backpressure: no", 15, 17, "must be true or false, not \"no\""},
    {"start: earliest", "start: earlyest", 12, 12, "(did you mean \"earliest\"?)"},
    {"kind: batch-uid", "kind: batch_uid", 18, 17, "(did you mean \"batch-uid\"?)"},
    {"point: task.output_written",
     "point: task.output_writen",
     23,
     18,
     "(did you mean \"task.output_written\"?)"},
    {"crash: driver", "crash: drivr", 22, 12, "(did you mean \"driver\"?)"},
    {"crash: driver",
     "crash: executor:x",
     22,
     12,
     "accepted are: driver, executor:N, receiver:N, receiver-executor:N, machine:N, cluster"},
    {"lost: \">0\"", "lost: \"> many\"", 27, 19, "neither a number nor a comparison"},
    {"received: exactly-once",
     "received: exactly_once",
     28,
     13,
     "(did you mean \"exactly-once\"?)"},
    {"sometimes: [ duplicated ]", "sometimes: [ duplicate ]", 32, 16, "\"duplicated\""},
    {"depth: 1", "depth: 4", 30, 10, "must be from 1 to 3, not 4"},
    {"scenario: direct", "scenario: Direct", 1, 11, "names are snake_case"},
    {"protocol: {}",
     "protocol: { reschedule: sometimes }",
     19,
     27,
     "accepted are: before_restart, unfinished, without_distinct"},
    {"operations: [ { map: identity } ]",
     "operations: { map: identity }",
     17,
     15,
     "must be a list"},
    {"{ map: identity }",
     "{ map: identity, filter: { value_contains: x } }",
     17,
     17,
     "one key each"},
    {"pipeline:\n", "pipeline: fast\nrest:\n", 7, 11, "must be a mapping, not text"},
};
INSTANTIATE_TEST_SUITE_P(Values, LoaderRefuses, testing::ValuesIn(kValues));

constexpr std::string_view kWholeFault =
    "crash: driver\n    at: { point: task.output_written, batch: 3, partition: 1 }\n"
    "    restart_after: 5s";

constexpr BadEdit kNotYet[] = {
    {"kind: kafka-direct",
     "kind: record-at-a-time",
     11,
     11,
     "source.kind \"record-at-a-time\" is not supported by this version, which supports: "
     "kafka-direct, kafka-receiver"},
    {"{ map: identity }", "{ window: 3s }", 17, 19, "not supported by this version"},
    {"{ map: identity }", "update_state", 17, 17, "not supported by this version"},
    {"kind: batch-uid", "kind: kafka-transactional", 18, 17, "not supported by this version"},
    {"store: sqlite",
     "store: \"postgresql://host/db\"",
     18,
     35,
     "a postgresql store is not supported by this version, which supports: sqlite, memory"},
    {kWholeFault,
     "kafka: rebalance\n    at: { time: 1s }",
     22,
     12,
     "\"rebalance\" is not supported by this version, which supports: broker-down"},
};
INSTANTIATE_TEST_SUITE_P(NotYet, LoaderRefuses, testing::ValuesIn(kNotYet));

constexpr BadEdit kPartitions[] = {
    {"crash: driver", "partition: driver", 22, 16, "must be a list of two processes, not text"},
    {"crash: driver", "partition: [driver]", 22, 16, "between two processes, and this names 1"},
    {"crash: driver",
     "partition: [driver, executor:0, executor:1]",
     22,
     16,
     "between two processes, and this names 3"},
    {"crash: driver",
     "partition: [driver, cluster]",
     22,
     25,
     "cluster is no process that the network reaches; those are: driver, executor:N, "
     "receiver-executor:N"},
    {"crash: driver", "partition: [machine:0, driver]", 22, 17, "is no process that the network"},
    {"crash: driver", "partition: [driver, executr:0]", 22, 25, "\"executr:0\" is not known"},
    {"crash: driver", "partition: [driver, driver]", 22, 25, "cannot be cut off from itself"},
    {"crash: driver", "partition: [driver, executor:0]", 24, 20, "nobody dies of a partition"},
    {"crash: driver",
     "crash: driver\n    partition: [driver, executor:0]",
     22,
     5,
     "fault needs exactly one of: crash, partition"},
    {"crash: driver\n    at", "at", 22, 5, "fault needs exactly one of: crash, partition"},
    {"restart_after: 5s", "for: 5s", 24, 10, "for goes with a partition, not with a crash"},
};
INSTANTIATE_TEST_SUITE_P(Partitions, LoaderRefuses, testing::ValuesIn(kPartitions));

constexpr BadEdit kDisks[] = {
    {"restart_after: 5s",
     "disk: keep",
     24,
     11,
     "\"keep\" is not known; accepted are: drop-unsynced, keep-unsynced, torn"},
    {"crash: driver\n    at: { point: task.output_written, batch: 3, partition: 1 }\n"
     "    restart_after: 5s",
     "partition: [driver, executor:0]\n    at: { time: 1s }\n    for: 140s\n    disk: torn",
     22,
     5,
     "fault needs exactly one of: crash, partition"},
    {"storage: hdfs }\n  operations: [ { map: identity } ]\n"
     "  sink: { kind: batch-uid, store: sqlite }\n  protocol: {}\n"
     "cluster: { executors: 2, cores: 2, driver_restart: 2s, executor_restart: 1s }\n"
     "faults:\n  - crash: driver\n",
     "storage: s3 }\n  operations: [ { map: identity } ]\n"
     "  sink: { kind: batch-uid, store: sqlite }\n  protocol: {}\n"
     "cluster: { executors: 2, cores: 2, driver_restart: 2s, executor_restart: 1s }\n"
     "faults:\n  - crash: driver\n    disk: torn\n",
     23,
     11,
     "when driver dies, checkpoint.storage of this kind has nothing unsynced"},
};
INSTANTIATE_TEST_SUITE_P(Disks, LoaderRefuses, testing::ValuesIn(kDisks));

constexpr BadEdit kWholePartitions[] = {
    {kWholeFault,
     "partition: [driver, executor:0]\n    at: { time: 1s }",
     22,
     5,
     "a partition needs the key \"for\": how long it lasts"},
    {kWholeFault, "partition: [driver, executor:0]\n    for: 5s", 22, 5, "needs the key \"at\""},
    {kWholeFault,
     "partition: [driver, executor:0]\n    at: { time: 1s }\n    for: 0s",
     24,
     10,
     "fault.for must be from 1ms to 1000h, not 0s"},
    {kWholeFault,
     "partition: [driver, executor:0]\n    at: { step: 3 }\n    for: 3min",
     23,
     9,
     "a step is counted by one process, and this fault names none; say whose step with process:"},
    {kWholeFault,
     "partition: [driver, executor:0]\n    at: { time: 121s }\n    for: 5s",
     23,
     17,
     "the fault would come at 121s"},
    {kWholeFault,
     "partition: [driver, executor:2]\n    at: { time: 1s }\n    for: 5s",
     22,
     25,
     "the cluster has 2 executors, counted from 0"},
    {kWholeFault,
     "partition: [receiver-executor:0, driver]\n    at: { time: 1s }\n    for: 5s",
     22,
     17,
     "a Direct pipeline has no receiver"},
    {kWholeFault,
     "partition: [executor:1, driver]\n    at: { time: 1s }\n    for: 129s",
     24,
     10,
     "a partition of 129s is over before the driver gives the executor up, which takes up to 130s"},
};
INSTANTIATE_TEST_SUITE_P(WholePartitions, LoaderRefuses, testing::ValuesIn(kWholePartitions));

constexpr BadEdit kCombinations[] = {
    {"enabled: true", "enabled: false", 14, 14, "offsets: checkpoint needs the checkpoint"},
    {"offsets: checkpoint", "offsets: none", 14, 14, "offsets: none keeps no position"},
    {"kind: batch-uid", "kind: offsets", 18, 17, "it needs offsets: sink"},
    {"kind: batch-uid", "kind: batch-uid, rows_per_write: 2", 18, 44, "append and upsert"},
    {"{ map: identity }", "count_by_key, { reduce_by_key: sum }", 17, 31, "only once"},
    {"{ map: identity }", "count_by_key, { flat_map: { copies: 2 } }", 17, 31, "only map"},
    {"{ map: identity }", "count_by_key, { map: reverse }", 17, 31, "another number"},
    {"{ map: identity }",
     "{ flat_map: { copies: 1000 } }, { flat_map: { copies: 1000 } }",
     17,
     49,
     "100000 copies"},
    {"crash: driver", "crash: executor:2", 22, 12, "the cluster has 2 executors, counted from 0"},
    {"crash: driver", "crash: machine:2", 22, 12, "the cluster has 2 machines, counted from 0"},
    {"crash: driver", "crash: receiver:0", 22, 12, "a Direct pipeline has no receiver; this needs"},
    {"crash: driver", "crash: receiver-executor:0", 22, 12, "needs kind: kafka-receiver"},
    {"point: task.output_written, batch: 3, partition: 1",
     "point: recovery.batches_rescheduled, batch: 3",
     23,
     55,
     "point recovery.batches_rescheduled belongs to no batch; leave batch out"},
    {"partition: 1", "partition: 3", 23, 60, "the topic has 3 partitions, counted from 0"},
    {"point: task.output_written", "point: receiver.fetched", 23, 18, "has no receiver"},
    {"point: task.output_written", "point: recovery.log_replayed", 23, 18, "no write-ahead log"},
    {"point: task.output_written", "point: offsets.saved", 23, 18, "keeps no offsets outside"},
    {"point: task.output_written", "point: checkpoint.renamed", 23, 59, "leave partition out"},
    {"batch: 3", "batch: 121", 23, 46, "batch 121 of 1s each lies behind stop.within (2min)"},
    {"{ point: task.output_written, batch: 3, partition: 1 }",
     "{ time: 120s }",
     23,
     17,
     "when the run is over"},
    {"{ point: task.output_written, batch: 3, partition: 1 }",
     "{ step: 3, batch: 3 }",
     23,
     9,
     "go with a point"},
    {"{ point: task.output_written, batch: 3, partition: 1 }",
     "{ step: 3, time: 3s }",
     23,
     9,
     "exactly one of: point, time, step"},
    {"{ point: task.output_written, batch: 3, partition: 1 }",
     "{ time: 3s, process: driver }",
     23,
     9,
     "process goes with a step"},
    {"{ point: task.output_written, batch: 3, partition: 1 }",
     "{ step: 3, process: executor:7 }",
     23,
     29,
     "executor:7 does not exist"},
    {"restart_after: 5s",
     "restart_after: never\n    redeploy: { delete_checkpoint: true }",
     25,
     15,
     "needs a restart"},
    {"protocol: {}", "protocol: { offset_guard: blind_update }", 19, 29, "needs the offsets sink"},
    {"protocol: {}", "protocol: { offset_save: before_output }", 19, 28, "has no effect here"},
    {"protocol: {}", "protocol: { restart_position: offset_store }", 19, 33, "second store"},
    {"within: 120s", "at: 20s", 25, 28, "stop.at goes with when: time"},
    {"when: drained, within: 120s", "when: time", 25, 7, "needs the key \"at\""},
    {"when: drained", "when: time, at: 5s", 25, 37, "stop.within goes with when: drained"},
    {"received: exactly-once", "guarantee: exactly-once", 28, 14, "short for output"},
    {"records: 300, ", "", 6, 11, "workload needs the key \"records\""},
    {"keys: 40", "key: user", 6, 32, "there is no file"},
    {"records: 300", "file: events.jsonl", 6, 39, "describes generated records"},
    {"driver_restart: 2s", "heartbeat_interval: 3min", 20, 56, "must be shorter than"},
    {"start: earliest",
     "reliable: true",
     12,
     15,
     "source.reliable is for receivers: it needs kind"},
    {"start: earliest", "write_ahead_log: true", 12, 22, "is for receivers"},
    {"start: earliest", "receivers: 1", 12, 16, "is for receivers"},
    {"start: earliest", "consumer_threads: 1", 12, 23, "is for receivers"},
    {"start: earliest", "block_interval: 200ms", 12, 21, "is for receivers"},
    {"start: earliest", "block_queue: 10", 12, 18, "is for receivers"},
    {"start: earliest", "replication: 2", 12, 18, "is for receivers"},
    {"start: earliest", "max_rate: 5/s", 12, 15, "is for receivers"},
    {"start: earliest", "auto_commit_interval: 60s", 12, 27, "is for receivers"},
    {"start: earliest", "poll_interval: 100ms", 12, 20, "is for receivers"},
    {"start: earliest", "restart_delay: 2s", 12, 20, "is for receivers"},
    {"protocol: {}", "protocol: { offset_commit: before_store }", 19, 30, "a reliable receiver"},
    {"protocol: {}", "protocol: { committed_offset: next }", 19, 33, "a reliable receiver"},
    {"protocol: {}", "protocol: { supervisor_stop: log_first }", 19, 32, "a write-ahead log"},
    {"protocol: {}", "protocol: { failed_close: refused }", 19, 29, "a receiver and a checkpoint"},
    {"protocol: {}", "protocol: { tracker_stop: after_generator }", 19, 29, "graceful: true"},
};
INSTANTIATE_TEST_SUITE_P(Combinations, LoaderRefuses, testing::ValuesIn(kCombinations));

constexpr BadEdit kReceiverValues[] = {
    {"reliable: true", "reliabel: true", 9, 5, "(did you mean \"reliable\"?)"},
    {"reliable: true", "reliable: yes", 9, 15, "source.reliable must be true or false"},
    {"write_ahead_log: true", "write_ahead_log: 1", 10, 22, "must be true or false"},
    {"receivers: 2", "receivers: 0", 11, 16, "source.receivers must be from 1 to 1024, not 0"},
    {"consumer_threads: 3", "consumer_threads: 65", 12, 23, "must be from 1 to 64, not 65"},
    {"block_interval: 100ms", "block_interval: 100", 13, 21, "\"100\" has no unit"},
    {"block_interval: 100ms", "block_interval: 500us", 13, 21, "must be from 1ms to 1h"},
    {"block_queue: 4", "block_queue: 0", 14, 18, "must be from 1 to 100000, not 0"},
    {"replication: 3", "replication: 0", 15, 18, "must be from 1 to 256, not 0"},
    {"max_rate: 40/s", "max_rate: 40", 16, 15, "\"40\" has no unit; rates are written like"},
    {"max_rate: 40/s", "auto_commit_interval: 0s", 16, 27, "must be from 1ms to 1000h, not 0s"},
    {"poll_interval: 50ms", "poll_interval: 0s", 17, 20, "must be from 1ms to 1h, not 0s"},
    {"restart_delay: 3s", "restart_delay: -1s", 18, 20, "is negative"},
    {"64MiB", "64MB", 21, 53, "unknown unit \"MB\" (known are KiB, MiB, GiB)"},
    {"64MiB", "1.5GiB", 21, 53, "is no whole number of bytes"},
    {"64MiB", "MiB", 21, 53, "is no whole number of bytes"},
    {"64MiB", "-1", 21, 53, "is no whole number of bytes"},
    {"64MiB", "0", 21, 53, "cluster.executor_memory must be from 1 to 1024GiB, not 0"},
    {"64MiB", "2000GiB", 21, 53, "not 2000GiB"},
    {"64MiB", "9999999999GiB", 21, 53, "fits into 64 bits"},
    {"speculation: true", "speculation: on", 21, 73, "cluster.speculation must be true or false"},
    {"crash: receiver:1",
     "crash: receiver",
     23,
     12,
     "accepted are: driver, executor:N, receiver:N"},
    {"crash: receiver:1", "crash: recever:1", 23, 12, "fault.crash \"recever:1\" is not known"},
    {"graceful: true", "graceful: maybe", 25, 40, "stop.graceful must be true or false"},
};
INSTANTIATE_TEST_SUITE_P(Values, LoaderRefusesReceivers, testing::ValuesIn(kReceiverValues));

constexpr BadEdit kReceiverCombinations[] = {
    {"reliable: true",
     "offsets: kafka",
     9,
     14,
     "source.offsets is for a Direct stream: it needs kind: kafka-direct"},
    {"reliable: true", "max_rate_per_partition: 5/s", 9, 29, "is for a Direct stream"},
    {"max_rate: 40/s", "auto_commit_interval: 5s", 16, 27, "a reliable one commits what it has"},
    {"  sink:",
     "  checkpoint: { enabled: false }\n  sink:",
     10,
     22,
     "it needs the checkpoint directory, and the checkpoint is disabled"},
    {"batch_interval: 1s",
     "batch_interval: 250ms",
     5,
     19,
     "batch_interval (250ms) must be a multiple of source.block_interval (100ms)"},
    {"receivers: 2", "receivers: 4", 11, 16, "4 receivers cannot share 3 partitions"},
    {"executors: 2, cores: 2",
     "executors: 2, cores: 1",
     11,
     16,
     "every core would run a receiver and none is left for tasks"},
    {"kind: upsert", "kind: offsets", 19, 17, "the position of receivers is in Kafka"},
    {"committed_offset: next", "range_durability: before_submit", 20, 33, "needs a Direct source"},
    {"committed_offset: next", "restart_position: checkpoint", 20, 33, "second store"},
    {"committed_offset: next", "offset_save: before_output", 20, 28, "has no effect here"},
    {"committed_offset: next", "offset_guard: blind_update", 20, 29, "needs the offsets sink"},
    {"committed_offset: next", "failed_close: refused", 20, 29, "storage: s3"},
    {"reliable: true", "reliable: false", 20, 33, "it needs a reliable receiver"},
    {"crash: receiver:1",
     "crash: receiver:2",
     23,
     12,
     "the source has 2 receivers, counted from 0"},
    {"crash: receiver:1", "crash: receiver-executor:2", 23, 12, "receiver:2 does not exist"},
    {"crash: receiver:1", "crash: machine:2", 23, 12, "the cluster has 2 machines"},
    {"occurrence: 3 }",
     "occurrence: 3 }\n    restart_after: 5s",
     25,
     20,
     "started again by its supervisor, after source.restart_delay"},
    {"occurrence: 3 }",
     "occurrence: 3 }\n    redeploy: { application_version: 2 }",
     25,
     15,
     "crash the driver or cluster"},
    {"point: receiver.block_stored, occurrence: 3",
     "step: 12",
     24,
     9,
     "say whose step with process: driver or process: executor:N"},
    {"receiver.block_stored", "receiver.block_replicated", 24, 18, "blocks are not replicated"},
    {"receiver.block_stored", "offsets.saved", 24, 18, "committed at receiver.offsets_committed"},
    {"occurrence: 3", "batch: 3", 24, 48, "point receiver.block_stored belongs to no batch"},
    {"receiver.block_stored, occurrence: 3",
     "tracker.block_added, batch: 3",
     24,
     46,
     "point tracker.block_added belongs to no batch"},
    {"receiver.block_stored, occurrence: 3",
     "tracker.blocks_allocated, batch: 141",
     24,
     51,
     "batch 141 of 1s each lies behind stop.at and stop.within (140s)"},
    {"point: receiver.block_stored, occurrence: 3",
     "time: 140s",
     24,
     17,
     "the fault would come at 140s, when the run is over: stop.at and stop.within is 140s"},
    {"workload: { records: 300,", "workload: { start: 20s, records: 300,", 3, 20, "stop.at is 20s"},
};
INSTANTIATE_TEST_SUITE_P(Combinations,
                         LoaderRefusesReceivers,
                         testing::ValuesIn(kReceiverCombinations));

constexpr BadEdit kYaml[] = {
    {"topic: { name", "topic: { { name", 5, 10, "a key must be a name"},
    {"s4-transactional]", "s4-transactional", 3, 12, "not YAML"},
    {"  batch_interval", "\tbatch_interval", 8, 1, "a tab cannot indent YAML; use spaces"},
    {"seed: 7", "seed: !!int 7", 4, 7, "YAML tags"},
    {"seed: 7", "seed: *nowhere", 4, 7, "not YAML"},
    {"claim: [", "claim: &loop [ *loop, ", 2, 16, "inside the value that it names"},
};
INSTANTIATE_TEST_SUITE_P(Yaml, LoaderRefuses, testing::ValuesIn(kYaml));

TEST(Loader, ABlockIntervalThatDoesNotDivideTheDefaultBatchIntervalIsRefusedWhereItIs) {
  const std::string text = receiver_with("  batch_interval: 1s\n", "");
  const Diagnostic diagnostic = refusal(with(text, "block_interval: 100ms", "block_interval: 3ms"));

  EXPECT_EQ(diagnostic.line, 12);
  EXPECT_EQ(diagnostic.column, 21);
  EXPECT_THAT(diagnostic.message, HasSubstr("batch_interval (1s) must be a multiple of"));
}

TEST(Loader, TheOnlyCoreOfAClusterCannotRunAReceiver) {
  const std::string text = receiver_with("    receivers: 2\n", "");
  const auto on = [&](std::string_view cluster) {
    const std::string crash = with(text, "receiver:1", "receiver:0");
    return with(crash, "executors: 2, cores: 2", cluster);
  };

  EXPECT_THAT(refusal(on("executors: 1, cores: 1")).message, HasSubstr("every core would run"));
  EXPECT_EQ(load_one(on("executors: 1, cores: 2")).receiver_count(), 1);
  EXPECT_EQ(load_one(on("executors: 2, cores: 1")).receiver_count(), 1);
}

TEST(Loader, MoreCopiesThanExecutorsAreBestEffort) {
  EXPECT_EQ(load_one(receiver_with("replication: 3", "replication: 9"))
                .pipeline.source.receiver->replication,
            9);
}

TEST(Loader, PointsOfALogAreReachedOnlyWithOne) {
  const std::string without = receiver_with("    write_ahead_log: true\n", "");
  const auto at = [](std::string_view text, std::string_view point) {
    return with(text, "receiver.block_stored", point);
  };
  const std::string single = with(without, "replication: 3", "replication: 1");
  const std::string bare = with(without, "  sink:", "  checkpoint: { enabled: false }\n  sink:");

  EXPECT_THAT(refusal(at(without, "receiver.wal_appended")).message,
              HasSubstr("no write-ahead log"));
  EXPECT_THAT(refusal(at(single, "receiver.block_replicated")).message,
              HasSubstr("source.replication is 1"));
  EXPECT_THAT(refusal(at(bare, "recovery.log_replayed")).message,
              HasSubstr("the checkpoint is disabled"));
  for (const std::string& text : {std::string(kReceiverSample), without, bare}) {
    EXPECT_TRUE(load_text(at(text, "receiver.offsets_committed"), "sample.yaml").has_value());
    EXPECT_TRUE(load_text(at(text, "receiver.block_acknowledged"), "sample.yaml").has_value());
    EXPECT_TRUE(load_text(at(text, "tracker.blocks_allocated"), "sample.yaml").has_value());
    EXPECT_TRUE(load_text(at(text, "tracker.batches_cleaned"), "sample.yaml").has_value());
  }
  EXPECT_TRUE(load_text(at(kReceiverSample, "receiver.wal_appended"), "sample.yaml").has_value());
  EXPECT_TRUE(load_text(at(kReceiverSample, "recovery.log_replayed"), "sample.yaml").has_value());
  EXPECT_TRUE(load_text(at(without, "receiver.block_replicated"), "sample.yaml").has_value());
}

TEST(Loader, DecisionsOfAStopNeedOneThatTheyDecide) {
  const auto with_decision = [](std::string_view decision) {
    return receiver_with("committed_offset: next", decision);
  };
  const std::string tracker = with_decision("tracker_stop: after_generator");
  const std::string supervisor = with_decision("supervisor_stop: generator_first");

  EXPECT_TRUE(load_text(tracker, "sample.yaml").has_value());
  EXPECT_THAT(refusal(with(tracker, "graceful: true", "graceful: false")).message,
              HasSubstr("stop: { graceful: true }"));
  EXPECT_TRUE(load_text(supervisor, "sample.yaml").has_value());
  EXPECT_THAT(refusal(with(supervisor, "write_ahead_log: true", "write_ahead_log: false")).message,
              HasSubstr("needs a receiver with a write-ahead log"));
}

TEST(Loader, TheOffsetsSinkBehindAShuffleIsRefused) {
  std::string text = sample_with("kind: batch-uid", "kind: offsets");
  text.replace(text.find("offsets: checkpoint"), 19, "offsets: sink");
  EXPECT_TRUE(load_text(text, "sample.yaml").has_value());

  text.replace(text.find("{ map: identity }"), 17, "count_by_key");
  EXPECT_THAT(refusal(text).message, HasSubstr("after a shuffle"));
}

TEST(Loader, OffsetsInTheDatabaseOfAnotherSinkAreAccepted) {
  const Scenario scenario = load_one(sample_with("offsets: checkpoint", "offsets: sink"));

  EXPECT_EQ(scenario.pipeline.source.offsets, engine::OffsetKeeping::kSink);
}

TEST(Loader, TwoScenariosOfOneNameAreRefused) {
  const Diagnostic diagnostic = refusal(fmt::format("{}---\n{}", kSample, kSample));

  EXPECT_THAT(diagnostic.message, HasSubstr("another scenario of this file"));
  EXPECT_EQ(diagnostic.line, static_cast<int>(std::ranges::count(kSample, '\n')) + 2);
}

TEST(Loader, AliasesAreAcceptedUpToTheLimitOfWrittenOutValues) {
  std::string text = sample_with("driver_restart: 2s, executor_restart: 1s",
                                 "driver_restart: &t 3s, executor_restart: *t");
  EXPECT_EQ(load_one(text).executor_restart, 3s);

  std::string bomb = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 12; ++level) {
    bomb +=
        fmt::format("k{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", level, level - 1);
  }
  EXPECT_THAT(refusal(bomb).message, HasSubstr("more than 10000 values"));
}

TEST(Loader, DeepNestingIsRefusedAndNotFollowed) {
  EXPECT_THAT(refusal(std::string(50'000, '[')).message, HasSubstr("nested too deeply"));
}

TEST(Loader, LinesAndFilesThatNobodyWritesAreRefused) {
  const Diagnostic diagnostic = refusal("a: b\nc: " + std::string(100'000, 'x'));
  EXPECT_EQ(diagnostic.line, 2);
  EXPECT_THAT(diagnostic.message, HasSubstr("longer than 65536 bytes"));

  std::string documents;
  for (int i = 0; i <= 10'000; ++i) {
    documents += "--- a\n";
  }
  EXPECT_THAT(refusal(documents).message, HasSubstr("more than 10000 documents"));
}

TEST(Loader, AFileWithoutAScenarioIsRefused) {
  for (const char* const text : {"", "\n\n", "# nothing\n", "---\n---\n"}) {
    EXPECT_THAT(refusal(text).message, HasSubstr("holds no scenario")) << text;
  }
  EXPECT_THAT(refusal("just text\n").message, HasSubstr("a scenario is a mapping"));
}

// Files on disk, in a directory of their own.
class LoaderFiles : public testing::Test {
 protected:
  LoaderFiles()
      : folder_(std::filesystem::path(testing::TempDir()) /
                fmt::format("onceproof_{}",
                            testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }

  ~LoaderFiles() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }

  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }

  static Diagnostic refusal_of(const std::string& file) {
    const auto loaded = load(file);
    EXPECT_FALSE(loaded.has_value());
    return loaded ? Diagnostic{} : loaded.error();
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(LoaderFiles, AFileThatIsNotThereIsNamed) {
  EXPECT_EQ(refusal_of(path("none.yaml")).to_string(),
            path("none.yaml") + ": the file does not exist");
}

TEST_F(LoaderFiles, ADirectoryIsNoFile) {
  EXPECT_THAT(refusal_of(path("")).message, HasSubstr("this is a directory"));
}

TEST_F(LoaderFiles, BytesThatAreNotUtf8AreNamedWithTheirPlace) {
  const Diagnostic diagnostic = refusal_of(write("latin.yaml", "scenario: a\nclaim: caf\xE9\n"));

  EXPECT_EQ(diagnostic.line, 2);
  EXPECT_EQ(diagnostic.column, 11);
  EXPECT_THAT(diagnostic.message, HasSubstr("byte 0xe9 at offset 22 is not UTF-8"));
}

TEST_F(LoaderFiles, EveryIllFormedSequenceIsNotUtf8) {
  const std::vector<std::string> sequences{"\x80",
                                           "\xC3",
                                           "\xC0\xAF",
                                           "\xED\xA0\x80",
                                           "\xF4\x90\x80\x80",
                                           "\xF5\x80\x80\x80",
                                           "\xFF\xFE"};
  for (const std::string& sequence : sequences) {
    EXPECT_THAT(refusal_of(write("bad.yaml", sequence)).message, HasSubstr("is not UTF-8"));
  }
  EXPECT_THAT(refusal_of(write("nul.yaml", std::string(3, '\0'))).message,
              HasSubstr("control character"));
}

TEST_F(LoaderFiles, AByteOrderMarkAndWindowsLineEndsAreAccepted) {
  std::string text = "\xEF\xBB\xBF";
  for (const char c : kSample) {
    text += c == '\n' ? "\r\n" : std::string(1, c);
  }
  const auto loaded = load(write("windows.yaml", text));

  ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
  EXPECT_EQ(loaded->front().text_hash, load_one(std::string(kSample)).text_hash);
}

// The file is sparse: reading it would still take memory and time, which a size check does not.
TEST_F(LoaderFiles, AHundredMegabytesAreRefusedBySize) {
  const std::string file = write("huge.yaml", "x");
  std::filesystem::resize_file(file, 100'000'000);

  EXPECT_EQ(refusal_of(file).to_string(), file + ": the file is larger than the limit of 10 MiB");
}

TEST_F(LoaderFiles, AnEndlessDeviceIsRefusedAtTheLimit) {
  EXPECT_THAT(refusal_of("/dev/zero").message, HasSubstr("larger than the limit"));
}

TEST_F(LoaderFiles, TheEventFileIsFoundBesideTheScenario) {
  write("events.jsonl", "{\"user\":\"u\"}\n");
  const std::string text = sample_with("records: 300, keys: 40, rate: 150/s, value_bytes: 64",
                                       "file: events.jsonl, key: user");
  const auto loaded = load(write("own.yaml", text));

  ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
  EXPECT_EQ(loaded->front().workload.file, path("events.jsonl"));
  EXPECT_EQ(loaded->front().workload.key_field, "user");

  const std::uint64_t hash = loaded->front().text_hash;
  write("events.jsonl", "{\"user\":\"v\"}\n");
  EXPECT_NE(load(path("own.yaml"))->front().text_hash, hash) << "other events, another run";
}

TEST_F(LoaderFiles, AMissingEventFileIsReportedWhereItIsNamed) {
  const std::string text = sample_with("records: 300, keys: 40, rate: 150/s, value_bytes: 64",
                                       "file: gone.csv, key: user");
  const Diagnostic diagnostic = refusal_of(write("own.yaml", text));

  EXPECT_EQ(diagnostic.line, 6);
  EXPECT_EQ(diagnostic.column, 19);
  EXPECT_THAT(diagnostic.message, HasSubstr("gone.csv: the file does not exist"));
}

// Bad-input sweep: whatever bytes change, the loader answers with scenarios or with one sentence
// that has a place; it neither throws nor hangs.
TEST(LoaderSweep, ArbitraryDamageIsAnsweredWithASentence) {
  constexpr int kRounds = 4000;
  constexpr std::string_view kBytes = "{}[]:,-&*!|>'\"%@`#\n\t 019azAZ\x80\xC3";
  std::mt19937_64 random(20171026);
  int refused = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::string text(kSample);
    for (std::uint64_t edits = 1 + random() % 4; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      const char byte = kBytes[random() % kBytes.size()];
      switch (random() % 3) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.insert(at, 1, byte);
          break;
        default:
          text.erase(at, 1 + random() % 20);
      }
    }
    const auto loaded = load_text(text, "sweep.yaml");
    if (!loaded) {
      ++refused;
      EXPECT_GT(loaded.error().message.size(), 10U) << text;
      EXPECT_EQ(loaded.error().message.find('\n'), std::string::npos) << text;
    }
  }
  EXPECT_GT(refused, kRounds / 2);
  EXPECT_LT(refused, kRounds);
}

TEST(LoaderSweep, EveryPrefixOfAFileIsAnswered) {
  for (std::size_t length = 0; length < kSample.size(); ++length) {
    const auto loaded = load_text(std::string(kSample.substr(0, length)), "prefix.yaml");
    EXPECT_TRUE(loaded.has_value() || !loaded.error().message.empty());
  }
}

// The schema and the loader describe one format.
class Schema : public testing::Test {
 protected:
  Schema() {
    std::ifstream file(ONCEPROOF_SOURCE_DIR "/scenarios/scenario.schema.json");
    schema_ = nlohmann::json::parse(file);
  }

  [[nodiscard]] std::set<std::string> keys_of(const std::string& mapping) const {
    std::set<std::string> keys;
    for (const auto& [key, value] : schema_.at("$defs").at(mapping).at("properties").items()) {
      keys.insert(key);
    }
    return keys;
  }

  [[nodiscard]] const nlohmann::json& schema() const { return schema_; }

 private:
  nlohmann::json schema_;
};

TEST_F(Schema, DescribesExactlyTheKeysThatTheLoaderKnows) {
  std::set<std::string> mappings;
  for (const KnownMapping& known : known_mappings()) {
    const std::set<std::string> expected(known.keys.begin(), known.keys.end());
    mappings.insert(std::string(known.name));
    ASSERT_TRUE(schema().at("$defs").contains(std::string(known.name))) << known.name;
    EXPECT_EQ(keys_of(std::string(known.name)), expected) << known.name;
  }
  for (const auto& [name, definition] : schema().at("$defs").items()) {
    EXPECT_EQ(definition.contains("properties"), mappings.contains(name)) << name;
  }
}

TEST_F(Schema, RefusesKeysThatItDoesNotDescribeAndDescribesTheOthers) {
  for (const auto& [name, definition] : schema().at("$defs").items()) {
    EXPECT_TRUE(definition.contains("description")) << name;
    if (definition.contains("properties")) {
      EXPECT_EQ(definition.value("additionalProperties", true), false) << name;
    }
  }
}

TEST_F(Schema, NamesExactlyTheMessagesOfTheEngine) {
  std::vector<std::string> expected{"any"};
  for (const engine::MessageInfo& message : engine::all_messages()) {
    expected.emplace_back(message.name);
  }
  EXPECT_EQ(schema().at("$defs").at("message").at("enum"), nlohmann::json(expected));
}

TEST_F(Schema, NamesExactlyTheProtocolChoicesOfTheEngine) {
  std::set<std::pair<std::string, std::string>> expected;
  for (const engine::ProtocolChoice& choice : engine::all_protocol_choices()) {
    expected.emplace(choice.decision, choice.value);
  }
  std::set<std::pair<std::string, std::string>> described;
  const auto& decisions = schema().at("$defs").at("protocol").at("properties");
  for (const auto& [decision, definition] : decisions.items()) {
    for (const auto& value : definition.at("enum")) {
      if (decision != "base") {
        described.emplace(decision, value.get<std::string>());
      }
    }
  }
  EXPECT_EQ(described, expected);
}

TEST(Units, DurationsAreExactAndNamedInTheirLargestUnit) {
  EXPECT_EQ(*parse_duration("200ms"), 200ms);
  EXPECT_EQ(*parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(*parse_duration("5min"), 5min);
  EXPECT_EQ(*parse_duration("0.5min"), 30s);
  EXPECT_EQ(*parse_duration("7us"), 7us);
  EXPECT_EQ(*parse_duration("1000h"), 1000h);
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(120s), "2min");
  EXPECT_EQ(format_duration(0s), "0s");
}

TEST(Units, SizesAreWholeBytesAndNamedInTheirLargestUnit) {
  EXPECT_EQ(*parse_bytes("0"), 0);
  EXPECT_EQ(*parse_bytes("65537"), 65'537);
  EXPECT_EQ(*parse_bytes("1KiB"), 1024);
  EXPECT_EQ(*parse_bytes("8589934591GiB"), 8'589'934'591 * (std::int64_t{1} << 30));
  EXPECT_EQ(format_bytes(1024), "1KiB");
  EXPECT_EQ(format_bytes(1025), "1025");
  EXPECT_EQ(format_bytes(std::int64_t{3} << 30), "3GiB");
  for (const char* const text : {"",
                                 "KiB",
                                 "1 KiB",
                                 "1K",
                                 "1kib",
                                 "1.5KiB",
                                 "-1",
                                 "+1",
                                 "1e3",
                                 "8589934592GiB",
                                 "9223372036854775808"}) {
    EXPECT_FALSE(parse_bytes(text).has_value()) << text;
  }
}

TEST(Units, WhatIsNoExactDurationIsRefused) {
  for (const char* const text : {"",
                                 "s",
                                 "1",
                                 "1 s",
                                 "1m",
                                 "1.s",
                                 ".5s",
                                 "1.2.3s",
                                 "1.05us",
                                 "0.0000001s",
                                 "1001h",
                                 "99999999999999999999s",
                                 "-1s",
                                 "+1s",
                                 "1e3s"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
}

TEST(Units, ComparisonsRoundTrip) {
  for (const char* const text : {"0", "3", ">0", ">=10", "<5", "<=5", "!=0"}) {
    const auto comparison = parse_comparison(text);
    ASSERT_TRUE(comparison.has_value()) << text;
    EXPECT_EQ(comparison->to_string(), text);
  }
  for (const char* const text : {"", ">", "=>3", "3>", "-1", ">-1", "1.5", "==3"}) {
    EXPECT_FALSE(parse_comparison(text).has_value()) << text;
  }
}

TEST(Units, ComparisonsHoldWhereTheySay) {
  EXPECT_TRUE(parse_comparison(">=10")->holds(10));
  EXPECT_FALSE(parse_comparison(">10")->holds(10));
  EXPECT_TRUE(parse_comparison("<=10")->holds(10));
  EXPECT_FALSE(parse_comparison("<10")->holds(10));
  EXPECT_TRUE(parse_comparison("!=1")->holds(0));
  EXPECT_FALSE(parse_comparison("1")->holds(0));
}

}  // namespace
}  // namespace scenarios
