// engine/driver/direct_kafka_stream.h
//
// The driver decides which offsets a batch has; executors read them when the batch runs (Spark:
// DirectKafkaInputDStream of the 0-10 connector).
//
// Holds     the position behind the last planned batch, and the ranges of the batches it remembers.
//           Nothing of it is durable before a checkpoint that contains it.
//
// Invariants
//   D1  Contiguous.  In one driver life each batch begins where the one planned before it ended.
//   D2  Remembered.  A batch that a checkpoint restored keeps its ranges; any other is planned
//                    anew.

#pragma once

#include <optional>
#include <vector>

#include "engine/driver/checkpoint.h"
#include "engine/driver/input_stream.h"
#include "engine/driver/offset_keeper.h"
#include "engine/pipeline.h"
#include "engine/ports/process.h"

namespace engine {

class DirectKafkaStream final : public InputStream {
 public:
  DirectKafkaStream(const Ports& ports, const Pipeline& pipeline, OffsetKeeper& keeper)
      : ports_(ports), pipeline_(pipeline), keeper_(keeper) {}

  // From the saved offsets, else from `start` of the source.
  Task<Result<>> start() override;

  Task<Result<>> restore(const Checkpoint* checkpoint) override;

  // Remembered, or planned now: up to the latest offsets, within the rate limits.
  // Errors    those of Kafka; kOffsetOutOfRange: the log was cut back by more than is new.
  Task<Result<BatchInput>> get_or_compute(BatchTime batch) override;

  void clear_metadata(BatchTime completed) override;

  // Kafka keeps what was read as long as it likes.
  Task<> clean_up(BatchTime completed) override;

  void set_rate(double records_per_second) override { rate_ = records_per_second; }

  // What has arrived in Kafka waits there.
  [[nodiscard]] bool has_unplanned() const override { return false; }

  [[nodiscard]] DirectStreamState state() const override;

 private:
  Task<Result<>> seek_to_saved();
  [[nodiscard]] std::vector<std::optional<std::int64_t>> limits(
      const std::vector<Watermarks>& latest) const;
  [[nodiscard]] BatchRanges plan(const std::vector<Watermarks>& latest) const;
  void move_to_end_of(const BatchRanges& ranges);

  const Ports& ports_;
  const Pipeline& pipeline_;
  OffsetKeeper& keeper_;
  std::vector<Offset> current_offsets_;  // by partition
  std::map<BatchTime, BatchRanges> generated_;
  double rate_ = -1;  // of the estimator; not part of a checkpoint, as in Spark
};

}  // namespace engine
