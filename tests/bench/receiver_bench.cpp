// tests/bench/receiver_bench.cpp
//
// What receiving costs: a reliable receiver that keeps blocks in two memories, the same receiver
// with a write-ahead log, and Direct, all reading the same records of the same topic, which is full
// before any of them begins.
//
// What the figures mean
//   items_per_second       Records by wall time, from an empty world to the last row in the sink.
//                          Producing is not in it. It says what the simulator pays for a pipeline:
//                          the protocol's steps, copies and digests, and on the mock cluster the
//                          real client. It says nothing about disks, which here cost no wall time.
//   virtual_records_per_s  Records by virtual time, from the first fetch to the last block that the
//                          driver acknowledged. It says how far the modelled latencies let a
//                          receiver go. A fetch takes as long however much it brings, and an append
//                          however much it writes, so it is no forecast for a real cluster.
//   block_ms               Virtual time from the end of a block's interval until the driver has
//                          acknowledged it, on the average. Here the log shows: its append and its
//                          flush stand between a block and its acknowledgement, in the place of a
//                          message to the other executor. A block is stored while the next one is
//                          received, so the rate above hardly notices.
//   stored_per_received    Bytes put into memories and the data log per byte fetched. It is the
//                          same in every run, and on both clusters.
//
// Only the ratios of the last benchmark may be compared between machines. Its three pipelines run
// in turn, and of each the fastest run counts, which is the one that the rest of the machine
// disturbed least.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "reports/ledger.h"
#include "scenarios/world.h"
#include "sim/memory_sink.h"
#include "tests/support/kafka_clusters.h"
#include "tests/support/world_fixture.h"

namespace {

using engine::Point;
using tests::ClusterKind;
using WallClock = std::chrono::steady_clock;

void require(bool condition, const char* what) {
  INVARIANT(condition, "the benchmark does not do its work: {}", what);
}

constexpr std::int64_t kRecords = 200'000;
constexpr const char* kDirect = "kind: kafka-direct, offsets: checkpoint";
constexpr const char* kReceiver = "kind: kafka-receiver, reliable: true";
constexpr const char* kReceiverWithLog =
    "kind: kafka-receiver, reliable: true, write_ahead_log: true";

scenarios::PreparedScenario prepared(const char* source) {
  return tests::prepared_from(fmt::format(R"(
scenario: backlog
description: A topic that is full already, through a pipeline that does nothing to the records.
topic: {{ name: log, partitions: 8 }}
workload: {{ records: {}, keys: 1000, rate: 50000/s, value_bytes: 100 }}
pipeline:
  batch_interval: 1s
  source: {{ {} }}
  checkpoint: {{ enabled: true, storage: hdfs }}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: append, store: memory, rows_per_write: 1000 }}
cluster: {{ executors: 2, cores: 4 }}
expect: {{ output: exactly-once }}
)",
                                          kRecords,
                                          source));
}

// --- The topic ---------------------------------------------------------------------------------

// One topic, filled once. Whatever a run calls its topic is this one, so that runs which differ in
// the suffix of their names read the same records with a group of their own.
class FullTopic final : public engine::KafkaCluster {
 public:
  explicit FullTopic(ClusterKind kind) : cluster_(tests::empty_cluster(kind)) {
    const scenarios::PreparedScenario backlog = prepared(kDirect);
    const std::int32_t partitions = backlog.scenario.pipeline.source.partitions;
    require(cluster_.create_topic({.name = name_, .partitions = partitions}).has_value(), "topic");
    std::vector<engine::ProducerRecord> request;
    for (const scenarios::ProducedRecord& record : backlog.workload.records) {
      request.push_back({.partition = record.partition,
                         .timestamp = engine::Instant{record.since_start},
                         .key = record.key,
                         .value = record.value});
      if (request.size() == kRequestRecords) {
        require(cluster_.produce(name_, std::exchange(request, {})).has_value(), "produce");
      }
    }
    require(request.empty(), "the records are whole requests");
  }

  engine::Result<> create_topic(const engine::TopicSpec& /*topic*/) override { return {}; }

  engine::Result<std::vector<engine::Offset>> produce(
      const std::string& /*topic*/,
      const std::vector<engine::ProducerRecord>& /*records*/) override {
    return engine::Errc::kRefused;
  }

  engine::Result<std::vector<engine::ConsumerRecord>> fetch(
      const std::string& /*topic*/, const engine::OffsetRange& range) override {
    return cluster_.fetch(name_, range);
  }

  engine::Result<std::vector<engine::Watermarks>> watermarks(
      const std::string& /*topic*/) override {
    return cluster_.watermarks(name_);
  }

  engine::Result<> commit(const std::string& group,
                          const std::string& /*topic*/,
                          const std::vector<engine::PartitionOffset>& offsets) override {
    return cluster_.commit(group, name_, offsets);
  }

  engine::Result<std::vector<std::optional<engine::Offset>>> committed(
      const std::string& group, const std::string& /*topic*/) override {
    return cluster_.committed(group, name_);
  }

 private:
  static constexpr std::size_t kRequestRecords = 10'000;

  engine::KafkaCluster& cluster_;
  std::string name_ = "log";
};

FullTopic& full_topic(ClusterKind kind) {
  static FullTopic model(ClusterKind::kModel);
  if (kind == ClusterKind::kModel) {
    return model;
  }
  static FullTopic mock(ClusterKind::kMock);
  return mock;
}

// --- One run -----------------------------------------------------------------------------------

struct Measured {
  double wall_seconds = 0;
  double virtual_seconds = 0;  // from the first fetch to the last acknowledgement
  double block_seconds = 0;    // virtual, of all blocks
  std::int64_t blocks = 0;
  reports::Metrics metrics;
};

double seconds(engine::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::vector<engine::Instant> times_of(const reports::Ledger& ledger, Point point) {
  std::vector<engine::Instant> times;
  for (const reports::Event& event : ledger.events) {
    if (event.kind == reports::EventKind::kPoint && event.point == point) {
      times.push_back(event.at);
    }
  }
  return times;
}

// Blocks of one stream are acknowledged in the order in which they were sealed.
void measure_receiver(const reports::Ledger& ledger, Measured& measured) {
  const auto fetched = times_of(ledger, Point::kReceiverFetched);
  const auto sealed = times_of(ledger, Point::kReceiverBlockSealed);
  const auto acknowledged = times_of(ledger, Point::kReceiverBlockAcknowledged);
  require(!sealed.empty() && sealed.size() == acknowledged.size(), "every block is acknowledged");
  measured.virtual_seconds = seconds(acknowledged.back() - fetched.front());
  measured.blocks = std::ssize(sealed);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    measured.block_seconds += seconds(acknowledged[i] - sealed[i]);
  }
}

// The world itself produces nothing: its workload is in the topic.
Measured run(const scenarios::PreparedScenario& pipeline,
             engine::KafkaCluster& topic,
             sim::SchedulerMemory& memory) {
  static std::int64_t run_count = 0;
  const scenarios::PreparedWorkload nothing;
  sim::MemorySink sink;
  const scenarios::RunRequest request{.scenario = pipeline.scenario,
                                      .workload = nothing,
                                      .seed = pipeline.scenario.seed,
                                      .plan = {},
                                      .name_suffix = fmt::format("-{}", ++run_count),
                                      .recording = sim::Trace::Recording::kHashOnly,
                                      .interrupted = {}};
  const auto start = WallClock::now();
  const auto result = scenarios::run_world(request, {.kafka = topic, .sink = sink}, memory);
  Measured measured;
  measured.wall_seconds = std::chrono::duration<double>(WallClock::now() - start).count();
  require(result.has_value(), "the run");
  const reports::Ledger& ledger = result.value().ledger;
  require(std::ssize(ledger.outputs) == kRecords, "every record is in the sink once");
  measured.metrics = ledger.metrics;
  if (pipeline.scenario.pipeline.source.receiver) {
    measure_receiver(ledger, measured);
  }
  return measured;
}

// --- Benchmarks --------------------------------------------------------------------------------

ClusterKind kind_of(const benchmark::State& state) {
  return state.range(0) == 0 ? ClusterKind::kModel : ClusterKind::kMock;
}

void records(benchmark::State& state, const char* source) {
  const auto pipeline = prepared(source);
  FullTopic& topic = full_topic(kind_of(state));
  sim::SchedulerMemory memory;
  Measured last;
  for (auto unused : state) {
    last = run(pipeline, topic, memory);
    state.SetIterationTime(last.wall_seconds);
  }
  state.SetItemsProcessed(state.iterations() * kRecords);
  const reports::Metrics& metrics = last.metrics;
  if (last.blocks > 0) {
    state.counters["virtual_records_per_s"] = static_cast<double>(kRecords) / last.virtual_seconds;
    state.counters["block_ms"] = 1000 * last.block_seconds / static_cast<double>(last.blocks);
    state.counters["stored_per_received"] =
        static_cast<double>(metrics.stored_bytes()) / static_cast<double>(metrics.received_bytes);
  }
}

void ratios(benchmark::State& state) {
  const std::array pipelines{prepared(kDirect), prepared(kReceiver), prepared(kReceiverWithLog)};
  std::array<double, pipelines.size()> fastest{};
  FullTopic& topic = full_topic(kind_of(state));
  sim::SchedulerMemory memory;
  for (auto unused : state) {
    double together = 0;
    for (std::size_t i = 0; i < pipelines.size(); ++i) {
      const double took = run(pipelines[i], topic, memory).wall_seconds;
      fastest[i] = fastest[i] == 0 ? took : std::min(fastest[i], took);
      together += took;
    }
    state.SetIterationTime(together);
  }
  const auto [direct, receiver, with_log] = fastest;
  state.counters["receiver_by_direct"] = direct / receiver;
  state.counters["with_log_by_direct"] = direct / with_log;
  state.counters["with_log_by_without"] = receiver / with_log;
}

void on_both(benchmark::internal::Benchmark* bench) {
  bench->ArgName("mock")->Arg(0)->Arg(1)->UseManualTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(records, direct, kDirect)->Apply(on_both);
BENCHMARK_CAPTURE(records, receiver, kReceiver)->Apply(on_both);
BENCHMARK_CAPTURE(records, receiver_with_log, kReceiverWithLog)->Apply(on_both);
BENCHMARK(ratios)->Apply(on_both)->Iterations(8);

}  // namespace
