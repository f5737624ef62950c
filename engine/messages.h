// engine/messages.h
//
// What driver and executors say to each other, and executors among themselves (Spark:
// CoarseGrainedClusterMessages, HeartbeatReceiver, BlockManagerMessages, ReceiverTrackerMessage,
// ReceiverMessage, the block transfer).

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/ports/result.h"
#include "engine/ports/vocabulary.h"
#include "engine/receiver/received_block.h"
#include "engine/wal/wal_record.h"

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

// A block, and where its records are (BlockRDDPartition, WriteAheadLogBackedBlockRDDPartition).
struct BlockInput {
  BlockId block;
  std::int64_t record_count = 0;
  std::vector<Address> locations;      // executors that had it when the batch was planned
  std::optional<WalRecordHandle> wal;  // empty: only in memory
  std::vector<OffsetRange> taken;      // the records of it that count; empty: all
};

// What a task reads: a range of a Kafka partition, or a block.
using TaskInput = std::variant<OffsetRange, BlockInput>;

std::int64_t record_count(const TaskInput& input);

struct TaskDescription {
  TaskKey key;
  TaskInput input;                   // kResult, kMap
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

// The records of a block are shared: nobody changes them.
using SharedRecords = std::shared_ptr<const BlockRecords>;

// To an executor: the others, to whom it may replicate. Said whenever one comes or goes.
struct ExecutorPeers {
  std::vector<Address> peers;
};

// Between executors: keep a copy of this block. The answer says whether it is kept.
struct ReplicateBlock {
  std::int64_t request = 0;
  BlockId block;
  SharedRecords records;
};

struct BlockReplicated {
  std::int64_t request = 0;
  bool stored = false;
};

// Between executors: the records of a block.
struct FetchBlock {
  std::int64_t request = 0;
  BlockId block;
};

struct BlockFetched {
  std::int64_t request = 0;
  SharedRecords records;  // null: not there
};

// To the driver: this executor keeps the block from now on (BlockManagerMessages.UpdateBlockInfo).
struct BlockStored {
  BlockId block;
};

// To an executor: blocks that no batch needs any more.
struct RemoveBlocks {
  std::vector<BlockId> blocks;
};

// To an executor: run the receiver of this stream.
struct LaunchReceiver {
  StreamId stream = 0;
};

// To the driver: the receiver wants to start. It does when it is accepted.
struct RegisterReceiver {
  StreamId stream = 0;
};

struct ReceiverRegistered {
  StreamId stream = 0;
  bool accepted = false;
};

// To the driver: the receiver stopped; its supervisor may start it again.
struct DeregisterReceiver {
  StreamId stream = 0;
};

// To the driver: the supervisor ended, and the receiver with it (the end of the receiver's job).
struct ReceiverEnded {
  StreamId stream = 0;
};

// To the driver: a block is stored. The answer says whether the driver has logged it.
struct AddBlock {
  std::int64_t request = 0;
  ReceivedBlockInfo info;
};

struct BlockAdded {
  std::int64_t request = 0;
  bool added = false;
};

// To an executor: end the receiver of this stream and its supervisor.
struct StopReceiver {
  StreamId stream = 0;
};

// To an executor: nothing received before `threshold` is needed any more.
struct CleanUpOldBlocks {
  StreamId stream = 0;
  Instant threshold;
};

// To an executor: records per second that the receiver may take from now on.
struct UpdateRateLimit {
  StreamId stream = 0;
  double records_per_second = 0;
};

using Message = std::variant<RegisterExecutor,
                             Heartbeat,
                             LaunchTask,
                             TaskFinished,
                             FetchShuffleBlock,
                             ShuffleBlock,
                             ExecutorPeers,
                             ReplicateBlock,
                             BlockReplicated,
                             FetchBlock,
                             BlockFetched,
                             BlockStored,
                             RemoveBlocks,
                             LaunchReceiver,
                             RegisterReceiver,
                             ReceiverRegistered,
                             DeregisterReceiver,
                             ReceiverEnded,
                             AddBlock,
                             BlockAdded,
                             StopReceiver,
                             CleanUpOldBlocks,
                             UpdateRateLimit>;

enum class MessageRole : std::uint8_t {
  kNotice,    // nobody waits for an answer
  kQuestion,  // somebody waits, for so long (Spark: ask)
  kAnswer,
};

struct MessageInfo {
  std::string_view name;  // "add_block"
  MessageRole role = MessageRole::kNotice;
};

// Every kind of message, in the order of the alternatives of Message.
std::span<const MessageInfo> all_messages();

// What of a message a trace remembers.
std::uint64_t digest(const Message& message);

}  // namespace engine
