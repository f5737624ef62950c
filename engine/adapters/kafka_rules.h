// engine/adapters/kafka_rules.h
//
// What Kafka accepts, and how many bytes a batch of records is on disk. Every KafkaCluster refuses
// by these rules before it does anything, so that a refusal never leaves half an effect behind and
// all of them refuse the same calls.

#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/ports/kafka.h"
#include "engine/ports/vocabulary.h"

namespace engine {

// A broker's default message.max.bytes: the largest record batch that it appends.
inline constexpr std::int64_t kBatchBytesMax = 1'048'588;

// A broker's limit on the length of a topic's name.
inline constexpr std::size_t kTopicNameLengthMax = 249;

constexpr bool is_topic_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

constexpr bool is_topic_name(std::string_view name) {
  return !name.empty() && name.size() <= kTopicNameLengthMax && name != "." && name != ".." &&
         std::ranges::all_of(name, is_topic_character);
}

constexpr bool is_acceptable(const TopicSpec& topic) {
  return is_topic_name(topic.name) && topic.partitions >= 1;
}

// Kafka keeps milliseconds; what is finer is cut off.
constexpr std::chrono::milliseconds kafka_timestamp(Instant instant) {
  return std::chrono::floor<std::chrono::milliseconds>(instant.time_since_epoch());
}

constexpr std::int64_t varint_bytes(std::int64_t value) {
  const auto sign = value < 0 ? ~std::uint64_t{0} : std::uint64_t{0};
  const std::uint64_t zigzag = (static_cast<std::uint64_t>(value) << 1U) ^ sign;
  return (static_cast<std::int64_t>(std::bit_width(zigzag | 1U)) + 6) / 7;
}

// Adds up the size of one record batch, magic 2, uncompressed and without record headers: a fixed
// header, then per record its length, attributes, both deltas, key, value and a header count.
class BatchSize {
 public:
  constexpr void add(const ProducerRecord& record) {
    const std::int64_t timestamp = kafka_timestamp(record.timestamp).count();
    if (count_ == 0) {
      base_timestamp_ = timestamp;
    }
    const auto key = static_cast<std::int64_t>(record.key.size());
    const auto value = static_cast<std::int64_t>(record.value.size());
    const std::int64_t body = kAttributesBytes + varint_bytes(timestamp - base_timestamp_) +
                              varint_bytes(count_) + varint_bytes(key) + key + varint_bytes(value) +
                              value + kNoHeadersBytes;
    bytes_ += varint_bytes(body) + body;
    ++count_;
  }

  [[nodiscard]] constexpr std::int64_t bytes() const { return bytes_; }

  [[nodiscard]] constexpr std::int64_t count() const { return count_; }

 private:
  static constexpr std::int64_t kHeaderBytes = 61;
  static constexpr std::int64_t kAttributesBytes = 1;
  static constexpr std::int64_t kNoHeadersBytes = 1;

  std::int64_t bytes_ = kHeaderBytes;
  std::int64_t count_ = 0;
  std::int64_t base_timestamp_ = 0;
};

}  // namespace engine
