// reports/ledger.h
//
// The ledger of a run: what went in, what the engine says it did, what lies in the sink at the end.
// An append-only value; the judge is a pure function of it.

#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/points.h"
#include "engine/ports/vocabulary.h"

namespace reports {

// An input record that the cluster acknowledged. `expected` is how many output rows an exact
// pipeline makes of it (0: filtered out), by the definition of the operations and not by running
// the engine.
struct InputRecord {
  engine::RecordId id;
  engine::Position position;
  std::string key;
  std::string value;
  engine::Instant produced_at;
  std::int32_t expected = 1;
};

// A row found in the sink after the run. `source.partition` is -1 for an aggregate.
struct OutputRecord {
  engine::Position source;
  std::int32_t ordinal = 0;
  std::string key;
  std::string value;
  engine::BatchTime batch;
  engine::PartitionId task = 0;
  std::int32_t attempt = 0;
  engine::Address writer;
  engine::Instant written_at;
};

// One fixing of a batch's input by one driver life.
struct BatchPlan {
  engine::BatchTime batch;
  engine::Incarnation driver = 0;
  std::vector<engine::PlannedRange> ranges;
  // Tasks of which an attempt of this plan brought its output to an end, in any order. A task
  // behind a shuffle works on no part of the input: there, only completion executes.
  std::vector<engine::PartitionId> executed;
  bool completed = false;  // every output operation succeeded in that life

  // Whether what `task` of this plan reads was worked on to the end.
  [[nodiscard]] bool has_executed(engine::PartitionId task) const {
    return completed || std::ranges::find(executed, task) != executed.end();
  }
};

enum class AggregateKind : std::uint8_t { kNone, kCountByKey, kSumByKey, kMaxByKey };

// The exact result per key: the fold over the input, by definition of the operations.
struct ExpectedAggregate {
  std::string key;
  std::int64_t value = 0;
};

// A named point that was reached, or something that happened to the world.
enum class EventKind : std::uint8_t {
  kPoint,
  kProcessStarted,
  kProcessExited,
  kCrash,
  kDriverFailed,
  kBatchFailed,
  kGenerationFailed,
};

struct Event {
  engine::Instant at;
  engine::Address process;
  EventKind kind = EventKind::kPoint;
  engine::Point point = engine::Point::kGeneratorBatchDue;  // kPoint only
  std::optional<engine::BatchTime> batch;
  engine::PartitionId partition = -1;
  std::int32_t attempt = 0;
  std::int32_t code = 0;  // engine::Errc of a failure
};

// What became of a message, as far as the run went.
enum class MessageFate : std::uint8_t {
  kUnderWay,
  kArrived,
  kLost,    // by the network
  kCut,     // between two processes that could not reach each other
  kNobody,  // for a life that was over
};

// From one process to another.
struct MessageRecord {
  std::string kind;  // "add_block", or "disconnected": the notice that the sender is dead
  engine::Address from;
  engine::Address to;
  engine::Instant sent_at;
  std::optional<engine::Instant> ended_at;  // empty: under way
  MessageFate fate = MessageFate::kUnderWay;
  bool again = false;  // the second copy of a message
  // What it is about, as far as it is about that.
  std::optional<engine::BatchTime> batch;
  engine::PartitionId task = -1;
  std::int32_t attempt = 0;
  std::optional<engine::BlockId> block;
  std::vector<engine::OffsetRange> ranges;  // of the block, where the message says them
  std::int32_t code = 0;                    // engine::Errc of a failure that it reports
};

// How much an executor keeps from `at` on.
struct MemoryRecord {
  engine::Instant at;
  engine::Address process;
  std::int64_t task_bytes = 0;   // input of running tasks
  std::int64_t block_bytes = 0;  // blocks and replicas
};

// A receiver has fetched everything of the partition before `until`. Where that goes back, it reads
// again.
struct ReceiverPosition {
  engine::Instant at;
  engine::Address process;  // the executor that it runs on
  engine::PartitionId partition = 0;
  engine::Offset until;
};

struct FaultRecord {
  std::string kind;    // "crash" or "partition"
  std::string target;  // "driver", or "driver and executor:0"
  std::string point;   // point name, "time 2500ms" or "step 12 of driver"
  std::int64_t occurrence = 1;
  std::optional<engine::Instant> fired_at;  // empty: never fired
};

struct Metrics {
  std::int64_t peak_task_bytes = 0;        // records held by running tasks of one executor, at most
  std::int64_t checkpoint_bytes_max = 0;   // largest checkpoint file
  std::int64_t checkpoint_files = 0;       // checkpoint files written
  std::int64_t input_bytes = 0;            // keys and values produced
  std::int64_t batch_records_max = 0;      // records planned for one batch, at most
  std::int64_t partition_records_max = 0;  // records planned for one task of one batch, at most
  std::int64_t driver_starts = 0;
  std::int64_t received_bytes = 0;       // keys and values fetched by receivers, every time
  std::int64_t block_bytes = 0;          // of them put into the memory of the receiving executor
  std::int64_t replica_bytes = 0;        // and of other executors
  std::int64_t data_log_bytes = 0;       // written to the receivers' logs, frames included
  std::int64_t driver_log_bytes = 0;     // written to the driver's log
  std::int64_t peak_block_bytes = 0;     // blocks and replicas kept by one executor, at most
  std::int64_t peak_executor_bytes = 0;  // blocks, replicas and task input of one executor, at most

  // What became of the received bytes, wherever a receiver had them put.
  [[nodiscard]] std::int64_t stored_bytes() const {
    return block_bytes + replica_bytes + data_log_bytes;
  }
};

struct Ledger {
  std::vector<InputRecord> inputs;
  std::vector<OutputRecord> outputs;
  std::vector<BatchPlan> plans;
  std::vector<Event> events;
  std::vector<FaultRecord> faults;
  AggregateKind aggregate = AggregateKind::kNone;
  std::vector<ExpectedAggregate> expected_aggregate;  // by key
  Metrics metrics;
  // Of a run that was watched closely; else empty.
  std::vector<MessageRecord> messages;  // in the order of sending
  std::vector<MemoryRecord> memory;
  std::vector<ReceiverPosition> receiver_positions;
  bool stalled = false;  // the world did not drain within its virtual budget
  engine::Instant ended_at;
};

}  // namespace reports
