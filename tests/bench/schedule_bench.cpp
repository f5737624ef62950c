// tests/bench/schedule_bench.cpp
//
// What a whole schedule costs: world, engine, ledger, judge and trace hash, from an empty cluster
// to a verdict; and what the engine adds to reading a topic.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include "engine/ports/invariant.h"
#include "scenarios/world.h"
#include "sim/memory_sink.h"
#include "tests/support/kafka_clusters.h"
#include "tests/support/world_fixture.h"

namespace {

using tests::ClusterKind;

void require(bool condition, const char* what) {
  INVARIANT(condition, "the benchmark does not do its work: {}", what);
}

// --- Schedules ---------------------------------------------------------------------------------

// The standard workload: 300 records over ten batches on three partitions; the driver dies in the
// middle and comes back.
std::string standard_scenario(const std::string& offsets, const std::string& sink) {
  return fmt::format(R"(
scenario: standard
description: The workload that the budget per schedule is stated for.
topic: {{ name: sessions, partitions: 3 }}
workload: {{ records: 300, keys: 40, rate: 30/s, value_bytes: 64 }}
pipeline:
  batch_interval: 1s
  source: {{ kind: kafka-direct, offsets: {} }}
  checkpoint: {{ enabled: {}, storage: hdfs }}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: {}, store: memory }}
cluster: {{ executors: 2, cores: 2 }}
faults:
  - crash: driver
    at: {{ point: task.output_committed, batch: 7, partition: 1 }}
expect: {{ output: {} }}
)",
                     offsets,
                     offsets == "checkpoint" ? "true" : "false",
                     sink,
                     sink == "append" ? "at-least-once" : "exactly-once");
}

// The same workload through a receiver; the driver dies at the same place of the same batch and
// takes the executors with it. Polls, blocks, their log and their commits come on top of what
// Direct does, so that it is nearly three times as many operations.
std::string receiver_scenario(const std::string& receiver, const std::string& output) {
  return fmt::format(R"(
scenario: standard_with_a_receiver
description: The workload that the budget per schedule is stated for, received and stored first.
topic: {{ name: sessions, partitions: 3 }}
workload: {{ records: 300, keys: 40, rate: 30/s, value_bytes: 64 }}
pipeline:
  batch_interval: 1s
  source: {{ kind: kafka-receiver, {} }}
  checkpoint: {{ enabled: true, storage: hdfs }}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: append, store: memory }}
cluster: {{ executors: 2, cores: 3 }}
faults:
  - crash: driver
    at: {{ point: task.output_committed, batch: 7, partition: 1 }}
expect: {{ output: {} }}
)",
                     receiver,
                     output);
}

void play_schedules(benchmark::State& state,
                    const scenarios::PreparedScenario& prepared,
                    reports::Guarantee expected) {
  tests::Player player(state.range(0) == 0 ? ClusterKind::kModel : ClusterKind::kMock);
  std::uint64_t operations = 0;
  for (auto unused : state) {
    const scenarios::JudgedRun judged = player.play(prepared);
    require(judged.verdict.guarantee() == expected, "the guarantee of the sink");
    require(tests::crash_count(judged.run.ledger, engine::Role::kDriver) == 1, "one crash");
    operations += judged.run.operations;
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["operations"] =
      benchmark::Counter(static_cast<double>(operations), benchmark::Counter::kAvgIterations);
}

void schedule_with_append(benchmark::State& state) {
  const auto prepared = tests::prepared_from(standard_scenario("checkpoint", "append"));
  play_schedules(state, prepared, reports::Guarantee::kAtLeastOnce);
}

void schedule_with_offsets(benchmark::State& state) {
  const auto prepared = tests::prepared_from(standard_scenario("sink", "offsets"));
  play_schedules(state, prepared, reports::Guarantee::kExactlyOnce);
}

// What was in the log and not yet committed is received again, and is in the sink twice.
void schedule_with_reliable_receiver_and_log(benchmark::State& state) {
  const auto prepared = tests::prepared_from(
      receiver_scenario("reliable: true, write_ahead_log: true", "at-least-once"));
  play_schedules(state, prepared, reports::Guarantee::kAtLeastOnce);
}

// What was committed and not yet processed died with the memories of both executors.
void schedule_with_unreliable_receiver(benchmark::State& state) {
  const auto prepared = tests::prepared_from(
      receiver_scenario("reliable: false, auto_commit_interval: 1s", "at-most-once"));
  play_schedules(state, prepared, reports::Guarantee::kAtMostOnce);
}

// A schedule on the model is one thread's work: its processor time does not depend on what else
// runs on the machine. On the mock it waits for sockets and other threads.
void on_model(benchmark::internal::Benchmark* bench) {
  bench->ArgName("mock")->Arg(0)->Unit(benchmark::kMicrosecond);
}

void on_mock(benchmark::internal::Benchmark* bench) {
  bench->ArgName("mock")->Arg(1)->UseRealTime()->Unit(benchmark::kMicrosecond);
}

BENCHMARK(schedule_with_append)->Apply(on_model);
BENCHMARK(schedule_with_append)->Apply(on_mock);
BENCHMARK(schedule_with_offsets)->Apply(on_model);
BENCHMARK(schedule_with_offsets)->Apply(on_mock);
BENCHMARK(schedule_with_reliable_receiver_and_log)->Apply(on_model);
BENCHMARK(schedule_with_reliable_receiver_and_log)->Apply(on_mock);
BENCHMARK(schedule_with_unreliable_receiver)->Apply(on_model);
BENCHMARK(schedule_with_unreliable_receiver)->Apply(on_mock);

// --- Records -----------------------------------------------------------------------------------

using WallClock = std::chrono::steady_clock;

double seconds_since(WallClock::time_point start) {
  return std::chrono::duration<double>(WallClock::now() - start).count();
}

// Eight partitions, so that none reaches the 5 MiB at which a mock cluster trims it; four large
// batches.
constexpr std::int64_t kRecords = 200'000;
constexpr engine::PartitionId kPartitions = 8;
constexpr const char* kRecordsScenario = R"(
scenario: records
description: Few large batches through a pipeline that does nothing to them.
topic: { name: log, partitions: 8 }
workload: { records: 200000, keys: 1000, rate: 50000/s, value_bytes: 100 }
pipeline:
  batch_interval: 1s
  source: { kind: kafka-direct, offsets: checkpoint }
  checkpoint: { enabled: true, storage: hdfs }
  operations: [ { map: identity } ]
  sink: { kind: append, store: memory, rows_per_write: 1000 }
cluster: { executors: 2, cores: 4 }
expect: { output: exactly-once }
)";

// Passes everything on and keeps apart what producing the input took: that is the upstream
// application's work and not the pipeline's.
class ProduceTimer final : public engine::KafkaCluster {
 public:
  explicit ProduceTimer(engine::KafkaCluster& cluster) : cluster_(cluster) {}

  [[nodiscard]] double produce_seconds() const { return produce_seconds_; }

  engine::Result<> create_topic(const engine::TopicSpec& topic) override {
    return cluster_.create_topic(topic);
  }

  engine::Result<std::vector<engine::Offset>> produce(
      const std::string& topic, const std::vector<engine::ProducerRecord>& records) override {
    const auto start = WallClock::now();
    auto produced = cluster_.produce(topic, records);
    produce_seconds_ += seconds_since(start);
    return produced;
  }

  engine::Result<std::vector<engine::ConsumerRecord>> fetch(
      const std::string& topic, const engine::OffsetRange& range) override {
    return cluster_.fetch(topic, range);
  }

  engine::Result<std::vector<engine::Watermarks>> watermarks(const std::string& topic) override {
    return cluster_.watermarks(topic);
  }

  engine::Result<> commit(const std::string& group,
                          const std::string& topic,
                          const std::vector<engine::PartitionOffset>& offsets) override {
    return cluster_.commit(group, topic, offsets);
  }

  engine::Result<std::vector<std::optional<engine::Offset>>> committed(
      const std::string& group, const std::string& topic) override {
    return cluster_.committed(group, topic);
  }

 private:
  engine::KafkaCluster& cluster_;
  double produce_seconds_ = 0;
};

// A consumer that reads the whole topic without turning a message into anything.
class BareConsumer {
 public:
  BareConsumer() {
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    const std::string servers = tests::shared_mock_cluster().bootstrap_servers();
    for (const auto& [name, value] : {std::pair{"bootstrap.servers", servers.c_str()},
                                      std::pair{"group.id", "bare"},
                                      std::pair{"enable.auto.commit", "false"},
                                      std::pair{"auto.offset.reset", "error"},
                                      std::pair{"fetch.wait.max.ms", "0"},
                                      std::pair{"log_level", "0"}}) {
      require(rd_kafka_conf_set(conf, name, value, nullptr, 0) == RD_KAFKA_CONF_OK, name);
    }
    consumer_ = rd_kafka_new(RD_KAFKA_CONSUMER, conf, nullptr, 0);
    require(consumer_ != nullptr, "consumer");
    queue_ = rd_kafka_queue_get_consumer(consumer_);
  }

  BareConsumer(const BareConsumer&) = delete;
  BareConsumer& operator=(const BareConsumer&) = delete;

  ~BareConsumer() {
    rd_kafka_queue_destroy(queue_);
    rd_kafka_destroy(consumer_);
  }

  void read_all(const std::string& topic, std::int64_t count) {
    rd_kafka_topic_partition_list_t* const list = rd_kafka_topic_partition_list_new(kPartitions);
    for (engine::PartitionId partition = 0; partition < kPartitions; ++partition) {
      rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = 0;
    }
    require(rd_kafka_assign(consumer_, list) == RD_KAFKA_RESP_ERR_NO_ERROR, "assign");
    while (count > 0) {
      const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(count, 10'000));
      const auto got = rd_kafka_consume_batch_queue(queue_, 5'000, messages_.data(), wanted);
      require(got > 0, "consume");
      for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
        require(messages_[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR, "message");
        rd_kafka_message_destroy(messages_[i]);
      }
      count -= got;
    }
    rd_kafka_assign(consumer_, nullptr);
    rd_kafka_topic_partition_list_destroy(list);
  }

 private:
  rd_kafka_t* consumer_ = nullptr;
  rd_kafka_queue_t* queue_ = nullptr;
  std::vector<rd_kafka_message_t*> messages_ = std::vector<rd_kafka_message_t*>(10'000);
};

// Everything but producing and judging: planning, fetching, tasks, the sink, checkpoints.
double run_pipeline(const scenarios::PreparedScenario& prepared, sim::SchedulerMemory& memory) {
  ProduceTimer cluster(tests::empty_cluster(ClusterKind::kMock));
  sim::MemorySink sink;
  const scenarios::RunRequest request{.scenario = prepared.scenario,
                                      .workload = prepared.workload,
                                      .seed = prepared.scenario.seed,
                                      .plan = {},
                                      .name_suffix = {},
                                      .recording = sim::Trace::Recording::kHashOnly,
                                      .interrupted = {}};
  const auto start = WallClock::now();
  const auto result = scenarios::run_world(request, {.kafka = cluster, .sink = sink}, memory);
  const double seconds = seconds_since(start) - cluster.produce_seconds();
  require(result.has_value() && std::ssize(result->ledger.outputs) == kRecords, "output");
  return seconds;
}

// The counter `of_bare_client` is the rate of the pipeline by the rate of a bare consumer on the
// same topic, read right after it.
void records_of_a_direct_pipeline(benchmark::State& state) {
  const auto prepared = tests::prepared_from(kRecordsScenario);
  sim::SchedulerMemory memory;
  double pipeline_seconds = 0;
  double bare_seconds = 0;
  for (auto unused : state) {
    const double seconds = run_pipeline(prepared, memory);
    state.SetIterationTime(seconds);
    pipeline_seconds += seconds;
    BareConsumer consumer;
    const auto start = WallClock::now();
    consumer.read_all(tests::shared_mock_cluster().physical_topic("log"), kRecords);
    bare_seconds += seconds_since(start);
  }
  const auto records = static_cast<double>(state.iterations() * kRecords);
  state.SetItemsProcessed(state.iterations() * kRecords);
  state.counters["bare_records_per_second"] = records / bare_seconds;
  state.counters["of_bare_client"] = bare_seconds / pipeline_seconds;
}

BENCHMARK(records_of_a_direct_pipeline)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
