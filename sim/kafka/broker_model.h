// sim/kafka/broker_model.h
//
// A Kafka cluster in memory: the log of each partition, what groups committed, and retention by
// size, byte for byte as librdkafka's mock cluster does it, so that both trim at the same record.
//
// Holds     everything that a cluster makes durable. Nothing of it depends on time.
// Lifetime  one per thread that runs worlds; reset() between two worlds keeps the memory.
//
// Invariants
//   B1  Dense.     The offsets of a partition's records are log_start, log_start + 1, ...
//   B2  Monotone.  Neither watermark ever moves back, but by truncate().
//   B3  Whole.     Retention removes whole batches, oldest first, and never the youngest.
//   B4  Prefix.    What truncate() leaves is a prefix of whole batches; what is produced afterwards
//                  takes the offsets of what is gone.
// tests/contract/kafka_contract_test.cpp checks each of them by name.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/adapters/kafka_rules.h"
#include "engine/ports/kafka.h"
#include "engine/ports/result.h"
#include "engine/ports/vocabulary.h"
#include "sim/state_bytes.h"

namespace sim {

// The log of one partition. Keys and values lie back to back in one buffer, so that appending to a
// warm log allocates nothing.
class PartitionLog {
 public:
  // Forgets everything but its memory.
  void clear();

  // Retention is left for close_batch().
  void append(const engine::ProducerRecord& record);

  // Makes one batch of what was appended since the last call, and applies retention.
  void close_batch();

  // Drops whole batches from the end until nothing at or behind `end` is left.
  void truncate(engine::Offset end);

  // Drops whole batches from the beginning as long as all of their records are before `start`.
  void delete_before(engine::Offset start);

  // Requires  the range within the watermarks.
  void read(const engine::OffsetRange& range, std::vector<engine::ConsumerRecord>& records) const;

  [[nodiscard]] engine::Watermarks watermarks() const;
  [[nodiscard]] engine::Offset next_offset() const;

  void describe(StateBytes& state) const;

 private:
  struct Record {
    std::size_t place = 0;  // of the key in bytes_; the value follows it
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
    std::chrono::milliseconds timestamp{};
  };

  struct Batch {
    std::int64_t records = 0;
    std::int64_t bytes = 0;
  };

  void drop_oldest_batch();
  // Gives the room of dropped records back once it is the larger half.
  void compact();

  std::string bytes_;
  std::vector<Record> records_;
  std::vector<Batch> batches_;
  engine::BatchSize open_;            // the batch under way
  std::size_t dropped_records_ = 0;   // at the front of records_
  std::size_t dropped_batches_ = 0;   // at the front of batches_
  std::int64_t retained_bytes_ = 0;   // of all batches still here
  engine::Offset first_kept_offset_;  // of records_[dropped_records_]
};

class BrokerModel final : public engine::KafkaCluster {
 public:
  // An empty cluster again; costs no more than what the last world touched.
  void reset();

  // An unclean election: the new leader of the partition never had the last records, from `end` on
  // or from before it, since batches are replicated whole. They are gone, acknowledged or not, and
  // their offsets are given to others; what groups committed stays.
  // Errors    kUnknownTopic. kOffsetOutOfRange: `end` is not within the watermarks.
  engine::Result<> truncate(const std::string& topic,
                            engine::PartitionId partition,
                            engine::Offset end);

  // Retention by time: the oldest batches go as long as all of their records are before `start`,
  // the youngest batch among them. log_start is where the first that is left begins.
  // Errors    as of truncate.
  engine::Result<> delete_before(const std::string& topic,
                                 engine::PartitionId partition,
                                 engine::Offset start);

  // Errors    kAlreadyExists. kRefused: not a topic that Kafka accepts.
  engine::Result<> create_topic(const engine::TopicSpec& topic) override;
  engine::Result<std::vector<engine::Offset>> produce(
      const std::string& topic, const std::vector<engine::ProducerRecord>& records) override;
  engine::Result<std::vector<engine::ConsumerRecord>> fetch(
      const std::string& topic, const engine::OffsetRange& range) override;
  engine::Result<std::vector<engine::Watermarks>> watermarks(const std::string& topic) override;
  engine::Result<> commit(const std::string& group,
                          const std::string& topic,
                          const std::vector<engine::PartitionOffset>& offsets) override;
  engine::Result<std::vector<std::optional<engine::Offset>>> committed(
      const std::string& group, const std::string& topic) override;

  // Topics with their records and batches, and what groups committed.
  void describe(StateBytes& state) const;

 private:
  struct GroupOffsets {
    std::string group;
    std::vector<std::optional<engine::Offset>> offsets;  // by partition
  };

  struct Topic {
    std::string name;
    std::size_t partition_count = 0;  // of partitions; the rest is spare from an earlier world
    std::vector<PartitionLog> partitions;
    std::size_t group_count = 0;  // of groups; the rest is spare likewise
    std::vector<GroupOffsets> groups;

    [[nodiscard]] bool has(engine::PartitionId partition) const {
      return partition >= 0 && static_cast<std::size_t>(partition) < partition_count;
    }
  };

  Topic* find(std::string_view name);
  engine::Result<PartitionLog*> log_holding(const std::string& topic,
                                            engine::PartitionId partition,
                                            engine::Offset offset);
  engine::Errc acceptable(const Topic& topic, const std::vector<engine::ProducerRecord>& records);
  static GroupOffsets& group_offsets(Topic& topic, const std::string& group);
  static void describe_groups(const Topic& topic, StateBytes& state);

  std::vector<Topic> topics_;
  std::size_t topic_count_ = 0;  // of topics_; the rest is spare from an earlier world
  std::vector<engine::BatchSize> sizes_;
};

}  // namespace sim
