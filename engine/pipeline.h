// engine/pipeline.h
//
// What a user configures: the pipeline and the cluster that it runs on. Plain values; defaults are
// Spark's where Spark has one.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/offset_store.h"
#include "engine/ports/protocol.h"
#include "engine/ports/record_operation.h"
#include "engine/ports/storage.h"
#include "engine/ports/vocabulary.h"

namespace engine {

// Where a Direct pipeline finds its position after a restart.
enum class OffsetKeeping : std::uint8_t { kCheckpoint, kKafka, kZookeeper, kHbase, kSink, kNone };

// Where to start when nothing is saved (auto.offset.reset).
enum class StartPosition : std::uint8_t { kEarliest, kLatest };

// A stream that long-running receivers fetch and store as blocks; its tasks read the blocks
// (KafkaUtils.createStream). The group's committed offsets are in Kafka.
struct ReceiverOptions {
  bool reliable = false;         // ReliableKafkaReceiver: commits what is stored and registered
  bool write_ahead_log = false;  // spark.streaming.receiver.writeAheadLog.enable
  std::int32_t receivers = 1;    // streams, united; partition p belongs to stream p % receivers
  std::int32_t consumer_threads = 1;                         // of each receiver
  Duration block_interval = std::chrono::milliseconds(200);  // spark.streaming.blockInterval
  std::int32_t queue_blocks_max = 10;                        // spark.streaming.blockQueueSize
  std::int32_t replication = 2;                              // MEMORY_AND_DISK_SER_2
  std::optional<double> max_rate;                            // records/s of each receiver
  Duration auto_commit_interval = std::chrono::seconds(60);  // auto.commit.interval.ms
  Duration poll_interval = std::chrono::milliseconds(100);   // when nothing is there to fetch
  Duration restart_delay = std::chrono::seconds(2);          // receiverRestartDelay
  Duration block_store_timeout = std::chrono::seconds(30);   // receiver.blockStoreTimeout
};

struct KafkaSource {
  std::string topic;
  std::int32_t partitions = 1;
  std::string group = "onceproof";
  StartPosition start = StartPosition::kEarliest;
  std::optional<ReceiverOptions> receiver;             // empty: a Direct stream
  OffsetKeeping offsets = OffsetKeeping::kCheckpoint;  // Direct; kNone with receivers
  std::optional<double> max_rate_per_partition;        // Direct: records per second
};

enum class OperationKind : std::uint8_t {
  kMap,               // function: identity | uppercase | reverse
  kFilter,            // keep records whose value contains `text`
  kFlatMap,           // `count` copies of each record
  kCountByKey,        // one row per key and batch: how many records
  kReduceByKey,       // one row per key and batch: function sum | max over integer values
  kNondeterministic,  // gives every row a random identity, drawn anew at each execution
  kUser,              // what `user` makes of each record
};

enum class Function : std::uint8_t { kIdentity, kUppercase, kReverse, kSum, kMax };

struct Operation {
  OperationKind kind = OperationKind::kMap;
  Function function = Function::kIdentity;
  std::string text;
  std::int32_t count = 1;
  std::shared_ptr<const RecordOperation> user = nullptr;

  // Ends a stage: records are moved to the executor that owns their key.
  [[nodiscard]] bool is_shuffle() const {
    return kind == OperationKind::kCountByKey || kind == OperationKind::kReduceByKey;
  }
};

enum class SinkKind : std::uint8_t {
  kAppend,    // insert, auto-commit
  kUpsert,    // insert or replace by record identity
  kBatchUid,  // one transaction per task: insert if (batch time, partition) is absent
  kOffsets,   // one transaction per task: results and offsets, compare-and-set on the from-offset
  kFiles,     // one file per batch and partition, overwritten
};

struct Sink {
  SinkKind kind = SinkKind::kAppend;
  std::int32_t rows_per_write = 5;  // append, upsert: rows in one statement
};

struct Pipeline {
  Duration batch_interval = std::chrono::seconds(1);
  std::int32_t concurrent_jobs = 1;  // spark.streaming.concurrentJobs
  KafkaSource source;
  bool backpressure = false;  // spark.streaming.backpressure.enabled
  bool checkpoint_enabled = true;
  StorageKind checkpoint_storage = StorageKind::kHdfs;
  std::vector<Operation> operations;
  Sink sink;
  Protocol protocol;
  Duration processing_time_per_record{0};
  std::int32_t application_version = 1;  // a checkpoint of another version cannot be read
};

struct Cluster {
  std::int32_t executors = 2;
  std::int32_t cores = 2;                                  // task slots of one executor
  std::int32_t task_failures_max = 4;                      // spark.task.maxFailures
  Duration heartbeat_interval = std::chrono::seconds(10);  // spark.executor.heartbeatInterval
  Duration network_timeout = std::chrono::seconds(120);    // spark.network.timeout
  Duration executor_exit_delay = std::chrono::milliseconds(100);  // from losing the driver to exit
  // Blocks and task input of one executor, in bytes; beyond it the executor runs out of memory and
  // exits. Empty: as much as it takes.
  std::optional<std::int64_t> executor_memory;
  bool speculation = false;  // spark.speculation
};

}  // namespace engine
