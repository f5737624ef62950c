// tests/scenario/storage_amplification_test.cpp
//
// How often a received byte is stored: counts of a run without a crash, and no times.

#include <cstdint>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "reports/ledger.h"
#include "tests/support/world_fixture.h"

namespace {

// Values of 1,000 bytes, next to which the framing of a record is little.
reports::Metrics metrics_with(const std::string& source) {
  tests::Player player;
  const scenarios::JudgedRun judged = player.play(fmt::format(R"(
scenario: amplification
description: Nothing dies, so that every byte is received once.
topic: {{ name: events, partitions: 2 }}
workload: {{ records: 100, keys: 8, rate: 50/s, value_bytes: 1000 }}
pipeline:
  batch_interval: 1s
  source: {{ {} }}
  checkpoint: {{ enabled: true, storage: hdfs }}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: append, store: memory }}
cluster: {{ executors: 3, cores: 3 }}
expect: {{ output: exactly-once }}
)",
                                                              source));
  EXPECT_EQ(judged.verdict.guarantee(), reports::Guarantee::kExactlyOnce);
  EXPECT_GE(judged.run.ledger.metrics.input_bytes, 100'000);
  return judged.run.ledger.metrics;
}

TEST(StorageAmplification, ReceiverWithTheLogStoresEachByteTwiceAndTheFramingOfTheLog) {
  const reports::Metrics metrics =
      metrics_with("kind: kafka-receiver, reliable: true, write_ahead_log: true");
  EXPECT_EQ(metrics.received_bytes, metrics.input_bytes);
  EXPECT_EQ(metrics.block_bytes, metrics.received_bytes);
  EXPECT_EQ(metrics.replica_bytes, 0);
  EXPECT_GT(metrics.stored_bytes() * 10, metrics.received_bytes * 20);
  EXPECT_LT(metrics.stored_bytes() * 10, metrics.received_bytes * 26);
}

TEST(StorageAmplification, ReceiverWithoutTheLogStoresEachByteOncePerCopy) {
  for (const std::int64_t copies : {1, 2, 3}) {
    const reports::Metrics metrics =
        metrics_with(fmt::format("kind: kafka-receiver, reliable: true, replication: {}", copies));
    EXPECT_EQ(metrics.received_bytes, metrics.input_bytes);
    EXPECT_EQ(metrics.stored_bytes(), metrics.received_bytes * copies) << copies << " copies";
  }
}

TEST(StorageAmplification, DirectStoresNothing) {
  const reports::Metrics metrics = metrics_with("kind: kafka-direct, offsets: checkpoint");
  EXPECT_EQ(metrics.received_bytes, 0);
  EXPECT_EQ(metrics.stored_bytes(), 0);
}

}  // namespace
