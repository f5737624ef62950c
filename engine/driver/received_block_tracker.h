// engine/driver/received_block_tracker.h
//
// Which blocks are received and which batch each belongs to. Every change is an event that is
// logged before it is applied, so that a new driver can tell what the last one knew (Spark:
// ReceivedBlockTracker).
//
// Holds     unallocated blocks by stream; allocated blocks by batch. Durable: the events, in the
//           driver log, if there is one.
//
// Invariants (I2, I3 of the receiver path)
//   B1  Logged first.   A block is in the queue only after its addition is logged; a batch has
//                       blocks only after its allocation is logged. A write that fails changes
//                       nothing here.
//   B2  One batch.      Each block is in at most one allocation. (A block that is added twice
//                       counts as two, as in Spark: a report that is repeated is not recognised.
//                       RepeatedRecords::kDropped recognises it by its records.)
//   B3  Replay.         A tracker recovered from the log has the blocks and allocations of the last
//                       one, but for events whose outcome the last one did not hear.
//   B4  One block.      With RepeatedRecords::kDropped each record is in at most one block that is
//                       queued or allocated, in this life and in those before, as far back as the
//                       first that kept to it: what is cleaned up leaves its offsets.
// tests/unit/received_block_tracker_test.cpp checks each of them. The mistakes of AdditionLog,
// AllocationLog, Reallocation and RecoveredQueue break B1 to B3.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/offset_set.h"
#include "engine/ports/process.h"
#include "engine/ports/protocol.h"
#include "engine/receiver/received_block.h"
#include "engine/wal/turn.h"
#include "engine/wal/write_ahead_log.h"

namespace engine {

struct BlockAdditionEvent {
  ReceivedBlockInfo block;
  bool operator==(const BlockAdditionEvent&) const = default;
};

struct BatchAllocationEvent {
  BatchTime batch;
  std::vector<ReceivedBlockInfo> blocks;  // by stream, each in order of addition
  bool operator==(const BatchAllocationEvent&) const = default;
};

struct BatchCleanupEvent {
  std::vector<BatchTime> batches;
  std::vector<OffsetRange> allocated;  // in any batch so far, where repeated records are dropped
  bool operator==(const BatchCleanupEvent&) const = default;
};

using TrackerEvent = std::variant<BlockAdditionEvent, BatchAllocationEvent, BatchCleanupEvent>;

std::string encode(const TrackerEvent& event);

// Errors    kCorrupt.
Result<TrackerEvent> decode_tracker_event(std::string_view bytes);

class ReceivedBlockTracker {
 public:
  // `log` may be null: without a checkpoint directory nothing is logged, and every write succeeds.
  ReceivedBlockTracker(const Ports& ports,
                       WriteAheadLog* log,
                       const ReceiverProtocol& protocol = {})
      : ports_(ports), log_(log), protocol_(protocol), turn_(ports.clock) {}

  // Replays the log into an empty tracker. What was not allocated is recovered with block_id_valid
  // false; what was keeps the flag that it was allocated with.
  // Errors    those of reading the log. kCorrupt: a record that is no event.
  Task<Result<>> recover();

  // Queues the blocks of every recovered batch again: none of them will run.
  void return_allocated();

  // False: the addition could not be logged, and the block is not known. Additions are logged at
  // the same time as each other and as an allocation; one that is logged while a batch is allocated
  // waits for that, and belongs to the next batch. Where repeated records are dropped, additions
  // are logged one after the other: each has to know what the ones before it brought.
  Task<bool> add_block(ReceivedBlockInfo block);

  // Gives every unallocated block to `batch`. Does nothing for a batch at or before the last
  // allocated one (recovery replays such). A log that fails leaves the blocks for the next batch.
  Task<> allocate_blocks_to_batch(BatchTime batch);

  [[nodiscard]] std::vector<ReceivedBlockInfo> blocks_of(BatchTime batch) const;
  [[nodiscard]] bool has_unallocated_blocks() const;

  // Forgets batches before `threshold`, and cleans the log. Nothing is forgotten when that cannot
  // be logged, nor before the threshold has passed: Spark throws then.
  Task<> clean_up_old_batches(BatchTime threshold);

 private:
  Task<bool> log_addition(std::string event);
  Task<> log_in_background(std::string event);
  Task<bool> log_allocation(std::string event);
  Task<bool> write(std::string event);
  [[nodiscard]] bool drops_repeated() const;
  void replay(TrackerEvent event);
  void drop_repeated_from_queue();
  void remember(const ReceivedBlockInfo& block);
  [[nodiscard]] BatchAllocationEvent allocation_of(BatchTime batch) const;
  [[nodiscard]] BatchCleanupEvent cleanup_before(BatchTime threshold) const;
  void apply(const TrackerEvent& event);
  void apply(const BlockAdditionEvent& event);
  void apply(const BatchAllocationEvent& event);
  void apply(const BatchCleanupEvent& event);

  const Ports& ports_;
  WriteAheadLog* log_;
  ReceiverProtocol protocol_;
  Turn turn_;  // who changes what is below
  std::map<StreamId, std::vector<ReceivedBlockInfo>> unallocated_;
  std::map<BatchTime, std::vector<ReceivedBlockInfo>> allocated_;
  std::optional<BatchTime> last_allocated_;
  // Where repeated records are dropped. The log keeps the second for blocks whose events it
  // forgets: a block in the queue is not among them, its own event is still there.
  OffsetSet received_;           // in any block so far
  OffsetSet allocated_offsets_;  // of these, in a batch
};

}  // namespace engine
