// engine/messages.h
//
// What driver and executors say to each other, and executors among themselves (Spark:
// CoarseGrainedClusterMessages, HeartbeatReceiver, the block transfer of a shuffle).

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/ports/result.h"
#include "engine/ports/vocabulary.h"

namespace engine {

// A record on its way through the operations of a task.
struct Element {
  Position source;           // partition -1 behind a shuffle
  std::int32_t ordinal = 0;  // which of the outputs of `source`
  std::string identity;      // empty: identity is (source, ordinal), or the key behind a shuffle
  std::string key;
  std::string value;
};

// A Direct pipeline has one stage, or two around a shuffle.
enum class Stage : std::uint8_t {
  kResult,  // reads Kafka, runs all operations, writes the output
  kMap,     // reads Kafka, runs the operations before the shuffle, keeps its rows by key
  kReduce,  // gathers the rows of its keys, runs the operations from the shuffle on, writes the
            // output
};

// Names one attempt at one task. `set` tells the runs of a stage apart.
struct TaskKey {
  std::int64_t set = 0;
  BatchTime batch;
  Stage stage = Stage::kResult;
  PartitionId partition = 0;
  std::int32_t attempt = 0;
  auto operator<=>(const TaskKey&) const = default;
};

struct TaskDescription {
  TaskKey key;
  OffsetRange range;                 // kResult, kMap
  std::vector<Address> map_outputs;  // kReduce: the executor that holds the output of each map task
};

struct RegisterExecutor {
  std::int32_t cores = 1;
};

struct Heartbeat {};

struct LaunchTask {
  std::shared_ptr<const TaskDescription> task;
};

struct TaskFinished {
  TaskKey key;
  boost::system::error_code error;  // no error: success
  PartitionId missing_map = -1;     // Errc::kFetchFailed: whose output could not be fetched
};

// Asks for what map task `map` of a batch produced for reduce task `reduce`.
struct FetchShuffleBlock {
  std::int64_t request = 0;
  BatchTime batch;
  PartitionId map = 0;
  PartitionId reduce = 0;
};

struct ShuffleBlock {
  std::int64_t request = 0;
  bool found = false;
  std::shared_ptr<const std::vector<Element>> elements;
};

using Message = std::
    variant<RegisterExecutor, Heartbeat, LaunchTask, TaskFinished, FetchShuffleBlock, ShuffleBlock>;

// What of a message a trace remembers.
std::uint64_t digest(const Message& message);

}  // namespace engine
