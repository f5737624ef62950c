// engine/ports/kafka.h
//
// What a client can ask a Kafka cluster. `KafkaCluster` is a cluster itself, answering at once;
// `Kafka` is what a process sees of it over a network that takes time and may fail.
//
// Two clusters implement the first behind one contract (tests/contract/kafka_contract_test.cpp):
// the in-process model and librdkafka's mock cluster driven through the real client.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/result.h"
#include "engine/ports/task.h"
#include "engine/ports/vocabulary.h"

namespace engine {

struct TopicSpec {
  std::string name;
  std::int32_t partitions = 1;
};

struct ProducerRecord {
  PartitionId partition = 0;
  Instant timestamp;
  std::string key;
  std::string value;
};

struct ConsumerRecord {
  PartitionId partition = 0;
  Offset offset;
  Instant timestamp;
  std::string key;
  std::string value;

  [[nodiscard]] Position position() const { return {.partition = partition, .offset = offset}; }
};

// [log_start, high_watermark) is what can be fetched.
struct Watermarks {
  Offset log_start;
  Offset high_watermark;
};

// One answer per call, no waiting, no threads visible. Every answer is a function of the calls
// before it and of nothing else.
class KafkaCluster {
 public:
  KafkaCluster() = default;
  KafkaCluster(const KafkaCluster&) = delete;
  KafkaCluster& operator=(const KafkaCluster&) = delete;
  virtual ~KafkaCluster() = default;

  // Errors    kAlreadyExists. kRefused: Kafka allows no such name or number of partitions.
  virtual Result<> create_topic(const TopicSpec& topic) = 0;

  // Appends each record to its partition, in the order given; all records of one partition form one
  // batch on disk. Returns their offsets, in the order given. Retention then drops whole oldest
  // batches of a partition while it holds more than 5 MiB or 100,000 batches (never its last).
  // Errors    kUnknownTopic, kUnavailable, kRefused: the batch of one partition would exceed 1 MiB,
  //           Kafka's message.max.bytes (nothing was appended). kTimedOut: some may be appended.
  virtual Result<std::vector<Offset>> produce(const std::string& topic,
                                              const std::vector<ProducerRecord>& records) = 0;

  // Exactly the records of the range, in order; an empty range is no error.
  // Errors    kOffsetOutOfRange: some offset of the range is below log_start or at or above
  //           high_watermark. kUnknownTopic, kUnavailable.
  virtual Result<std::vector<ConsumerRecord>> fetch(const std::string& topic,
                                                    const OffsetRange& range) = 0;

  // One entry per partition, by partition.
  virtual Result<std::vector<Watermarks>> watermarks(const std::string& topic) = 0;

  // Stores a group's offsets; survives every client.
  virtual Result<> commit(const std::string& group,
                          const std::string& topic,
                          const std::vector<PartitionOffset>& offsets) = 0;

  // One entry per partition of the topic; empty where the group never committed.
  virtual Result<std::vector<std::optional<Offset>>> committed(const std::string& group,
                                                               const std::string& topic) = 0;
};

// The same operations with latency, and with a crash possible before the request reaches the
// cluster and before the answer reaches the caller. Errors as above.
class Kafka {
 public:
  Kafka() = default;
  Kafka(const Kafka&) = delete;
  Kafka& operator=(const Kafka&) = delete;
  virtual ~Kafka() = default;

  virtual Task<Result<std::vector<Offset>>> produce(std::string topic,
                                                    std::vector<ProducerRecord> records) = 0;
  virtual Task<Result<std::vector<ConsumerRecord>>> fetch(std::string topic, OffsetRange range) = 0;
  virtual Task<Result<std::vector<Watermarks>>> watermarks(std::string topic) = 0;
  virtual Task<Result<>> commit(std::string group,
                                std::string topic,
                                std::vector<PartitionOffset> offsets) = 0;
  virtual Task<Result<std::vector<std::optional<Offset>>>> committed(std::string group,
                                                                     std::string topic) = 0;
};

}  // namespace engine
