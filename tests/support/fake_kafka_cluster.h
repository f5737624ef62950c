// tests/support/fake_kafka_cluster.h
//
// The smallest Kafka cluster that a wrapper can be tested over: one topic, no retention, and any
// answer can be replaced by an error.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/kafka.h"

namespace tests {

class FakeKafkaCluster final : public engine::KafkaCluster {
 public:
  explicit FakeKafkaCluster(std::int32_t partitions)
      : logs_(static_cast<std::size_t>(partitions)) {}

  // Every request from now on fails so, and changes nothing; empty: none does.
  std::optional<engine::Errc> failure;

  engine::Result<> create_topic(const engine::TopicSpec& /*topic*/) override {
    return engine::Errc::kUnsupported;
  }

  engine::Result<std::vector<engine::Offset>> produce(
      const std::string& /*topic*/, const std::vector<engine::ProducerRecord>& records) override {
    if (failure) {
      return *failure;
    }
    std::vector<engine::Offset> offsets;
    for (const engine::ProducerRecord& record : records) {
      auto& log = log_of(record.partition);
      offsets.push_back({static_cast<std::int64_t>(log.size())});
      log.push_back({.partition = record.partition,
                     .offset = offsets.back(),
                     .timestamp = record.timestamp,
                     .key = record.key,
                     .value = record.value});
    }
    return offsets;
  }

  engine::Result<std::vector<engine::ConsumerRecord>> fetch(
      const std::string& /*topic*/, const engine::OffsetRange& range) override {
    if (failure) {
      return *failure;
    }
    const auto& log = log_of(range.partition);
    if (range.until.value > static_cast<std::int64_t>(log.size())) {
      return engine::Errc::kOffsetOutOfRange;
    }
    return std::vector<engine::ConsumerRecord>(log.begin() + range.from.value,
                                               log.begin() + range.until.value);
  }

  engine::Result<std::vector<engine::Watermarks>> watermarks(
      const std::string& /*topic*/) override {
    if (failure) {
      return *failure;
    }
    std::vector<engine::Watermarks> marks;
    for (const auto& log : logs_) {
      marks.push_back(
          {.log_start = {0}, .high_watermark = {static_cast<std::int64_t>(log.size())}});
    }
    return marks;
  }

  engine::Result<> commit(const std::string& group,
                          const std::string& /*topic*/,
                          const std::vector<engine::PartitionOffset>& offsets) override {
    if (failure) {
      return *failure;
    }
    for (const engine::PartitionOffset& saved : offsets) {
      committed_[group][saved.partition] = saved.offset;
    }
    return {};
  }

  engine::Result<std::vector<std::optional<engine::Offset>>> committed(
      const std::string& group, const std::string& /*topic*/) override {
    if (failure) {
      return *failure;
    }
    std::vector<std::optional<engine::Offset>> offsets(logs_.size());
    for (const auto& [partition, offset] : committed_[group]) {
      offsets[static_cast<std::size_t>(partition)] = offset;
    }
    return offsets;
  }

 private:
  std::vector<engine::ConsumerRecord>& log_of(engine::PartitionId partition) {
    return logs_.at(static_cast<std::size_t>(partition));
  }

  std::vector<std::vector<engine::ConsumerRecord>> logs_;
  std::map<std::string, std::map<engine::PartitionId, engine::Offset>> committed_;
};

}  // namespace tests
