// engine/receiver/kafka_consumer.h
//
// One consumer thread of a receiver: reads its partitions from where the group last committed, and
// gives what it reads to a block generator (Kafka 0.8: ZookeeperConsumerConnector, KafkaStream).
// Partitions are assigned, not negotiated: there is no rebalancing.
//
// Holds     two offsets per partition, in memory: what was fetched, and what was handed over. What
//           survives is what somebody commits.
//
// Invariants
//   C1  Each once.   Between two seeks every record of a partition is handed over once, in order.
//   C2  Handed over. consumed() is the record behind the last one that the generator took.
//   C3  Stopped.     After stop() nothing is handed over.

#pragma once

#include <map>
#include <memory>
#include <vector>

#include "engine/pipeline.h"
#include "engine/ports/process.h"
#include "engine/ports/result.h"
#include "engine/receiver/block_generator.h"
#include "engine/receiver/rate_limiter.h"

namespace engine {

// Every stream and every thread of it has partitions of its own; some may have none.
std::vector<PartitionId> partitions_of(const KafkaSource& source,
                                       StreamId stream,
                                       std::int32_t thread);

class KafkaConsumer {
 public:
  // Records that one fetch takes at most.
  static constexpr std::int64_t kFetchRecordsMax = 500;

  // Requires  the pipeline has receivers; what is referred to outlives the consumer, and the
  //           consumer its coroutines: they end at the first step after stop(), or with the
  //           process.
  KafkaConsumer(const Ports& ports,
                const Pipeline& pipeline,
                std::vector<PartitionId> partitions,
                BlockGenerator& generator,
                RateLimiter& limiter);

  // Finds its position and reads on until stop(). Errors of Kafka are waited out, as clients do.
  void start();
  void stop();

  // The next offset of each partition of which something was handed over.
  [[nodiscard]] const std::map<PartitionId, Offset>& consumed() const {
    return pipeline_.protocol.auto_commit == AutoCommit::kFetched ? positions_ : consumed_;
  }

 private:
  Task<> run();
  Task<Result<>> seek();
  Task<Result<std::vector<OffsetRange>>> fetchable();
  Task<bool> fetch(OffsetRange range);
  Task<> hand_over(BlockRecords records);
  bool add(BlockRecords records);
  Task<> pause();

  const Ports& ports_;
  const Pipeline& pipeline_;
  std::vector<PartitionId> partitions_;
  BlockGenerator& generator_;
  RateLimiter& limiter_;
  bool stopped_ = false;
  std::map<PartitionId, Offset> positions_;
  std::map<PartitionId, Offset> consumed_;
};

// The consumer threads of a stream, those without a partition left out.
std::vector<std::unique_ptr<KafkaConsumer>> make_consumers(const Ports& ports,
                                                           const Pipeline& pipeline,
                                                           StreamId stream,
                                                           BlockGenerator& generator,
                                                           RateLimiter& limiter);

}  // namespace engine
