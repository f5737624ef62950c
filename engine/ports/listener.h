// engine/ports/listener.h
//
// What the engine tells an observer, in the words of Spark's StreamingListener. The observer stands
// outside the system: it outlives every crash and nothing flows back. The judge does not rely on it
// for the output stage, which is read from the sink itself.

#pragma once

#include <cstdint>
#include <vector>

#include "engine/ports/result.h"
#include "engine/ports/vocabulary.h"

namespace engine {

// Where bytes on their way through a receiver are kept.
enum class StoredAs : std::uint8_t {
  kBlock,      // in the memory of the executor that received them
  kReplica,    // in the memory of another one
  kDataLog,    // in the write-ahead log of a receiver
  kDriverLog,  // in the driver's log: events, no records
};

class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;

  // A driver life begins; `recovered` from a checkpoint or from nothing.
  virtual void driver_started(bool recovered) = 0;

  // A driver life could not begin.
  virtual void driver_failed(boost::system::error_code why) = 0;

  // The batch's input is fixed in this driver life. Called again when a later life fixes it again.
  virtual void batch_planned(BatchTime batch, const std::vector<PlannedRange>& ranges) = 0;

  // The input of the batch could not be determined in this driver life.
  virtual void batch_generation_failed(BatchTime batch, boost::system::error_code why) = 0;

  // Every output operation of the batch succeeded.
  virtual void batch_completed(BatchTime batch) = 0;

  // An output operation of the batch failed for good in this driver life.
  virtual void batch_failed(BatchTime batch, boost::system::error_code why) = 0;

  // The batch's completion is recorded (checkpointing on: durably) and its metadata cleared.
  virtual void batch_processed(BatchTime batch) = 0;

  // Bytes of records that tasks of this executor hold changed by `delta`.
  virtual void task_memory_changed(std::int64_t delta_bytes) = 0;

  // Bytes of blocks and replicas that this executor keeps changed by `delta`.
  virtual void block_memory_changed(std::int64_t delta_bytes) = 0;

  // A receiver of this executor has fetched everything of `partition` before `until`; also said
  // when it starts.
  virtual void receiver_position(PartitionId partition, Offset until) = 0;

  // Records that receivers of this executor hold in buffers and queues, or are about to store,
  // changed by `delta`.
  virtual void receiver_buffer_changed(std::int64_t delta_records) = 0;

  // Bytes of records that a receiver fetched, once for every time that it did.
  virtual void bytes_received(std::int64_t bytes) = 0;

  // The same bytes, or a frame around them, were put somewhere.
  virtual void bytes_stored(StoredAs where, std::int64_t bytes) = 0;

  // A checkpoint file of this size is in place.
  virtual void checkpoint_written(std::int64_t bytes) = 0;
};

}  // namespace engine
