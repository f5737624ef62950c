// engine/driver/input_stream.h
//
// Where batches come from, as the driver sees it: what a batch reads is decided here, and read by
// the tasks of the batch (Spark: InputDStream). Two kinds: DirectKafkaStream, whose batches are
// ranges of Kafka, and ReceiverInputStream, whose batches are blocks that receivers have stored.

#pragma once

#include <vector>

#include "engine/driver/checkpoint.h"
#include "engine/messages.h"
#include "engine/ports/result.h"
#include "engine/ports/task.h"
#include "engine/ports/vocabulary.h"

namespace engine {

// What a batch reads: task i reads part i.
struct BatchInput {
  std::vector<TaskInput> parts;
  std::vector<PlannedRange> ranges;  // the same, record by record
};

class InputStream {
 public:
  InputStream() = default;
  InputStream(const InputStream&) = delete;
  InputStream& operator=(const InputStream&) = delete;
  virtual ~InputStream() = default;

  // The first start in this place.
  virtual Task<Result<>> start() = 0;

  // A start from a checkpoint.
  virtual Task<Result<>> restore(const Checkpoint* checkpoint) = 0;

  // What the batch reads: as it was fixed before, or fixed now.
  virtual Task<Result<BatchInput>> get_or_compute(BatchTime batch) = 0;

  // Forgets batches before `completed` (DStream.clearMetadata, remember duration of one batch).
  virtual void clear_metadata(BatchTime completed) = 0;

  // `completed` and all before it are never run again: a checkpoint says so, or there is none
  // (ReceiverTracker.cleanupOldBlocksAndBatches).
  virtual Task<> clean_up(BatchTime completed) = 0;

  // Records per second, as the estimator would have it.
  virtual void set_rate(double records_per_second) = 0;

  // Whether something has arrived that no batch has yet.
  [[nodiscard]] virtual bool has_unplanned() const = 0;

  // What a checkpoint says of this stream.
  [[nodiscard]] virtual DirectStreamState state() const = 0;
};

}  // namespace engine
