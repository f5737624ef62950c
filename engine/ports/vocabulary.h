// engine/ports/vocabulary.h
//
// The nouns of the field as types. Words are Spark's and Kafka's, used as they use them.

#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace engine {

using Duration = std::chrono::microseconds;

// Virtual time in a simulation, counted from the start of the world; wall time in a live run.
using Instant = std::chrono::sys_time<Duration>;

// Whole milliseconds since the start, as names of files and blocks have them.
constexpr std::int64_t milliseconds_of(Instant time) {
  return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

// The first multiple of `interval` after `now` (RecurringTimer.getStartTime).
constexpr Instant next_multiple(Instant now, Duration interval) {
  return Instant{(now.time_since_epoch() / interval + 1) * interval};
}

using PartitionId = std::int32_t;

// A place in the log of one partition, as in Kafka.
struct Offset {
  std::int64_t value = 0;
  auto operator<=>(const Offset&) const = default;
};

constexpr Offset operator+(Offset offset, std::int64_t count) {
  return {offset.value + count};
}

constexpr std::int64_t operator-(Offset left, Offset right) {
  return left.value - right.value;
}

// Where a record lives in the input topic: its identity for everything downstream.
struct Position {
  PartitionId partition = -1;
  Offset offset;
  auto operator<=>(const Position&) const = default;
};

struct PartitionOffset {
  PartitionId partition = 0;
  Offset offset;
  auto operator<=>(const PartitionOffset&) const = default;
};

// [from, until) of one partition (Spark's OffsetRange).
struct OffsetRange {
  PartitionId partition = 0;
  Offset from;
  Offset until;
  auto operator<=>(const OffsetRange&) const = default;

  [[nodiscard]] constexpr std::int64_t count() const { return until - from; }

  [[nodiscard]] constexpr bool contains(Offset offset) const {
    return from <= offset && offset < until;
  }
};

// The end of a batch interval; names the batch (Spark's Time).
struct BatchTime {
  Instant at;
  auto operator<=>(const BatchTime&) const = default;
};

// One receiver's stream (Spark's streamId).
using StreamId = std::int32_t;

// What a receiver cuts off in one block interval (Spark's StreamBlockId).
struct BlockId {
  StreamId stream = 0;
  std::int64_t number = 0;
  auto operator<=>(const BlockId&) const = default;
};

// A part of what a batch reads, and which of its tasks reads it. A block that the batch has is
// there as its ranges, in the order of its records; such a range is gone when the block is.
struct PlannedRange {
  OffsetRange range;
  PartitionId task = 0;
  std::optional<BlockId> block;  // empty: read from Kafka when the task runs
  auto operator<=>(const PlannedRange&) const = default;
};

// The number that the workload gave a record, from 0 in the order of production.
struct RecordId {
  std::int64_t value = -1;
  auto operator<=>(const RecordId&) const = default;
};

enum class Role : std::uint8_t { kWorld, kDriver, kExecutor, kReceiver, kProducer };

struct ProcessId {
  Role role = Role::kWorld;
  std::int32_t index = 0;
  auto operator<=>(const ProcessId&) const = default;
};

// "driver", "executor:1", "producer".
std::string to_string(ProcessId process);

// Counts the lives of a process, from 1. 0 is no life at all.
using Incarnation = std::int32_t;

// One life of one process. Messages to a dead life are lost.
struct Address {
  ProcessId process;
  Incarnation incarnation = 0;
  auto operator<=>(const Address&) const = default;
};

}  // namespace engine
