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

std::string sample_with(std::string_view from, std::string_view to) {
  std::string text(kSample);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  return text;
}

Scenario load_one(const std::string& text) {
  const auto loaded = load_text(text, "sample.yaml");
  EXPECT_TRUE(loaded.has_value()) << (loaded ? "" : loaded.error().to_string());
  return loaded && loaded->size() == 1 ? loaded->front() : Scenario{};
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

  const faults::FaultPlan plan{
      {.target = {.kind = faults::TargetKind::kDriver},
       .at =
           faults::AtPoint{.point = engine::Point::kTaskOutputWritten, .batch = 3, .partition = 1},
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
)";
  const std::size_t from = kSample.find("  - crash");
  const std::size_t until = kSample.find("stop:");
  const Scenario scenario = load_one(sample_with(kSample.substr(from, until - from), faults));

  ASSERT_EQ(scenario.faults.size(), 3U);
  EXPECT_EQ(scenario.faults[0].target, (faults::Target{faults::TargetKind::kExecutor, 1}));
  EXPECT_EQ(scenario.faults[0].at, faults::Trigger(faults::AtTime{2500ms}));
  EXPECT_FALSE(scenario.faults[0].restarts);
  EXPECT_EQ(scenario.faults[1].target.kind, faults::TargetKind::kCluster);
  EXPECT_EQ(scenario.faults[1].at,
            faults::Trigger(faults::AtStep{{engine::Role::kDriver, 0}, 812}));
  EXPECT_EQ(scenario.faults[2].at,
            faults::Trigger(faults::AtStep{{engine::Role::kExecutor, 0}, 9}));
  EXPECT_TRUE(scenario.faults[2].redeploy.delete_checkpoint);
  EXPECT_EQ(scenario.faults[2].redeploy.application_version, 2);
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

TEST_P(LoaderRefuses, TheEditAtItsPlaceWithItsReason) {
  const BadEdit& edit = GetParam();
  const Diagnostic diagnostic = refusal(sample_with(edit.from, edit.to));

  EXPECT_EQ(diagnostic.file, "sample.yaml");
  EXPECT_EQ(diagnostic.line, edit.line) << diagnostic.to_string();
  EXPECT_EQ(diagnostic.column, edit.column) << diagnostic.to_string();
  EXPECT_THAT(diagnostic.message, HasSubstr(std::string(edit.message)));
  EXPECT_EQ(diagnostic.message.find('\n'), std::string::npos);
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
    {"crash: driver", "crash: executor:x", 22, 12, "accepted are: driver, executor:N, cluster"},
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
     "accepted are: before_restart, without_distinct"},
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

constexpr BadEdit kNotYet[] = {
    {"kind: kafka-direct",
     "kind: kafka-receiver",
     11,
     11,
     "source.kind \"kafka-receiver\" is not supported by this version, which supports: "
     "kafka-direct"},
    {"kind: kafka-direct", "kind: record-at-a-time", 11, 11, "not supported by this version"},
    {"kind: kafka-direct",
     "kind: kafka-direct\n    write_ahead_log: true",
     12,
     5,
     "key \"write_ahead_log\" in source is not supported by this version"},
    {"{ map: identity }", "{ window: 3s }", 17, 19, "not supported by this version"},
    {"{ map: identity }", "update_state", 17, 17, "not supported by this version"},
    {"kind: batch-uid", "kind: kafka-transactional", 18, 17, "not supported by this version"},
    {"store: sqlite",
     "store: \"postgresql://host/db\"",
     18,
     35,
     "a postgresql store is not supported by this version, which supports: sqlite, memory"},
    {"crash: driver",
     "crash: receiver:0",
     22,
     12,
     "is not supported by this version, which supports: driver, executor:N, cluster"},
    {"crash: driver", "crash: machine:1", 22, 12, "not supported by this version"},
    {"crash: driver",
     "pause: driver",
     22,
     5,
     "fault \"pause\" is not supported by this version, which supports: crash"},
    {"within: 120s",
     "graceful: true",
     25,
     24,
     "key \"graceful\" in stop is not supported by this version"},
};
INSTANTIATE_TEST_SUITE_P(NotYet, LoaderRefuses, testing::ValuesIn(kNotYet));

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
};
INSTANTIATE_TEST_SUITE_P(Combinations, LoaderRefuses, testing::ValuesIn(kCombinations));

constexpr BadEdit kYaml[] = {
    {"topic: { name", "topic: { { name", 5, 10, "a key must be a name"},
    {"s4-transactional]", "s4-transactional", 3, 12, "not YAML"},
    {"  batch_interval", "\tbatch_interval", 8, 1, "a tab cannot indent YAML; use spaces"},
    {"seed: 7", "seed: !!int 7", 4, 7, "YAML tags"},
    {"seed: 7", "seed: *nowhere", 4, 7, "not YAML"},
    {"claim: [", "claim: &loop [ *loop, ", 2, 16, "inside the value that it names"},
};
INSTANTIATE_TEST_SUITE_P(Yaml, LoaderRefuses, testing::ValuesIn(kYaml));

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

TEST_F(Schema, NamesExactlyTheProtocolChoicesOfTheEngine) {
  std::set<std::pair<std::string, std::string>> expected;
  for (const engine::ProtocolChoice& choice : engine::all_protocol_choices()) {
    expected.emplace(choice.decision, choice.value);
  }
  std::set<std::pair<std::string, std::string>> described;
  const auto& decisions = schema().at("$defs").at("protocol").at("properties");
  for (const auto& [decision, definition] : decisions.items()) {
    for (const auto& value : definition.at("enum")) {
      described.emplace(decision, value.get<std::string>());
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
