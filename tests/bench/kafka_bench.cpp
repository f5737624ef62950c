// tests/bench/kafka_bench.cpp
//
// What a request costs on either cluster of a simulation, and what the adapter costs next to the
// bare client on the same topic.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include "engine/adapters/rdkafka_cluster.h"
#include "tests/support/kafka_clusters.h"

namespace {

using engine::Instant;
using engine::KafkaCluster;
using engine::ProducerRecord;
using tests::ClusterKind;

constexpr std::int64_t kBatches = 10;
constexpr std::int64_t kPartitions = 3;
constexpr std::int64_t kRecordsPerBatch = 30;

void require(bool condition, const char* what) {
  INVARIANT(condition, "the benchmark does not do its work: {}", what);
}

std::vector<ProducerRecord> batch_of(std::int64_t count,
                                     std::int64_t partitions,
                                     std::size_t value_bytes) {
  std::vector<ProducerRecord> records;
  for (std::int64_t i = 0; i < count; ++i) {
    records.push_back({.partition = static_cast<engine::PartitionId>(i % partitions),
                       .timestamp = Instant(std::chrono::milliseconds(i)),
                       .key = fmt::format("{:08}", i % 40),
                       .value = std::string(value_bytes, 'x')});
  }
  return records;
}

ClusterKind kind_of(const benchmark::State& state) {
  return state.range(0) == 0 ? ClusterKind::kModel : ClusterKind::kMock;
}

void name_arguments(benchmark::internal::Benchmark* bench) {
  bench->ArgName("mock")->Arg(0)->Arg(1)->UseRealTime();
}

// --- Single requests ---------------------------------------------------------------------------

void produce_one_record(benchmark::State& state) {
  KafkaCluster& cluster = tests::empty_cluster(kind_of(state));
  require(cluster.create_topic({.name = "t", .partitions = 1}).has_value(), "create");
  const auto records = batch_of(1, 1, 64);
  for (auto unused : state) {
    require(cluster.produce("t", records).has_value(), "produce");
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(produce_one_record)->Apply(name_arguments);

void fetch_ten_records(benchmark::State& state) {
  KafkaCluster& cluster = tests::empty_cluster(kind_of(state));
  require(cluster.create_topic({.name = "t", .partitions = 1}).has_value(), "create");
  require(cluster.produce("t", batch_of(10, 1, 64)).has_value(), "produce");
  for (auto unused : state) {
    const auto read = cluster.fetch("t", {.partition = 0, .from = {0}, .until = {10}});
    require(read.has_value() && read->size() == 10, "fetch");
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(fetch_ten_records)->Apply(name_arguments);

void ask_watermarks(benchmark::State& state) {
  KafkaCluster& cluster = tests::empty_cluster(kind_of(state));
  require(cluster.create_topic({.name = "t", .partitions = 3}).has_value(), "create");
  for (auto unused : state) {
    require(cluster.watermarks("t").has_value(), "watermarks");
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(ask_watermarks)->Apply(name_arguments);

void commit_three_offsets(benchmark::State& state) {
  KafkaCluster& cluster = tests::empty_cluster(kind_of(state));
  require(cluster.create_topic({.name = "t", .partitions = 3}).has_value(), "create");
  for (auto unused : state) {
    require(cluster.commit("g", "t", {{0, {1}}, {1, {1}}, {2, {1}}}).has_value(), "commit");
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(commit_three_offsets)->Apply(name_arguments);

// --- A run as a scenario makes it --------------------------------------------------------------

// A fresh cluster, ten batches of ten records on each of three partitions, each batch produced,
// looked for, read and committed.
void run_of_three_hundred_records(benchmark::State& state) {
  const auto records = batch_of(kRecordsPerBatch, kPartitions, 64);
  for (auto unused : state) {
    KafkaCluster& cluster = tests::empty_cluster(kind_of(state));
    require(cluster.create_topic({.name = "t", .partitions = kPartitions}).has_value(), "create");
    for (std::int64_t batch = 0; batch < kBatches; ++batch) {
      require(cluster.produce("t", records).has_value(), "produce");
      require(cluster.watermarks("t").has_value(), "watermarks");
      std::vector<engine::PartitionOffset> read_until;
      for (engine::PartitionId partition = 0; partition < kPartitions; ++partition) {
        const engine::OffsetRange range{
            .partition = partition, .from = {batch * 10}, .until = {batch * 10 + 10}};
        const auto read = cluster.fetch("t", range);
        require(read.has_value() && read->size() == 10, "fetch");
        read_until.push_back({.partition = partition, .offset = range.until});
      }
      require(cluster.commit("g", "t", read_until).has_value(), "commit");
    }
    require(cluster.committed("g", "t").value().at(2)->value == 100, "committed");
  }
  state.SetItemsProcessed(state.iterations() * kBatches * kRecordsPerBatch);
}

BENCHMARK(run_of_three_hundred_records)->Apply(name_arguments)->Unit(benchmark::kMicrosecond);

// --- The adapter against the bare client -------------------------------------------------------

constexpr std::int64_t kLogRecords = 30'000;
constexpr std::int64_t kLogBatch = 1'000;

// One partition with about 4 MB of values of 100 bytes, in batches of 1,000.
KafkaCluster& cluster_with_a_log() {
  KafkaCluster& cluster = tests::empty_cluster(ClusterKind::kMock);
  require(cluster.create_topic({.name = "t", .partitions = 1}).has_value(), "create");
  const auto records = batch_of(kLogBatch, 1, 100);
  for (std::int64_t written = 0; written < kLogRecords; written += kLogBatch) {
    require(cluster.produce("t", records).has_value(), "produce");
  }
  return cluster;
}

void produce_a_log(benchmark::State& state) {
  for (auto unused : state) {
    cluster_with_a_log();
  }
  state.SetItemsProcessed(state.iterations() * kLogRecords);
}

BENCHMARK(produce_a_log)->UseRealTime()->Unit(benchmark::kMillisecond);

// The argument is the number of records per range.
void fetch_a_log_through_the_adapter(benchmark::State& state) {
  KafkaCluster& cluster = cluster_with_a_log();
  for (auto unused : state) {
    for (std::int64_t from = 0; from < kLogRecords; from += state.range(0)) {
      const auto read =
          cluster.fetch("t", {.partition = 0, .from = {from}, .until = {from + state.range(0)}});
      require(read.has_value(), "fetch");
    }
  }
  state.SetItemsProcessed(state.iterations() * kLogRecords);
}

BENCHMARK(fetch_a_log_through_the_adapter)
    ->ArgName("range")
    ->Arg(100)
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(30'000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// The yardstick: a consumer that reads the whole log without turning a message into anything.
void fetch_a_log_with_the_bare_client(benchmark::State& state) {
  cluster_with_a_log();
  const std::string topic = tests::shared_mock_cluster().physical_topic("t");
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const std::string servers = tests::shared_mock_cluster().bootstrap_servers();
  for (const auto& [name, value] : {std::pair{"bootstrap.servers", servers.c_str()},
                                    std::pair{"group.id", "bare"},
                                    std::pair{"enable.auto.commit", "false"},
                                    std::pair{"auto.offset.reset", "error"},
                                    std::pair{"fetch.wait.max.ms", "0"},
                                    std::pair{"log_level", "0"}}) {
    require(rd_kafka_conf_set(conf, name, value, nullptr, 0) == RD_KAFKA_CONF_OK, name);
  }
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, nullptr, 0);
  require(consumer != nullptr, "consumer");
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(consumer);
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), 0)->offset = 0;
  std::vector<rd_kafka_message_t*> messages(10'000);
  for (auto unused : state) {
    require(rd_kafka_assign(consumer, list) == RD_KAFKA_RESP_ERR_NO_ERROR, "assign");
    for (std::int64_t left = kLogRecords; left > 0;) {
      const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(left, 10'000));
      const auto got = rd_kafka_consume_batch_queue(queue, 5'000, messages.data(), wanted);
      require(got > 0, "consume");
      for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
        require(messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR, "message");
        rd_kafka_message_destroy(messages[i]);
      }
      left -= got;
    }
    rd_kafka_assign(consumer, nullptr);
  }
  state.SetItemsProcessed(state.iterations() * kLogRecords);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_queue_destroy(queue);
  rd_kafka_destroy(consumer);
}

BENCHMARK(fetch_a_log_with_the_bare_client)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
