// engine/driver/job_generator.h
//
// One event loop that makes a batch every interval: plan its ranges, submit its job, take a
// checkpoint; and, when the batch completed, take another (Spark: JobGenerator).
//
// The order of one batch t, and what it costs:
//   O1  plan t -> submit t -> checkpoint with t's ranges, written asynchronously. The output of t
//       can be in the sink before any file says which records t had. A restart then plans t anew,
//       larger if more has arrived. RangeDurability::kBeforeSubmit writes the file first.
//   O2  t completed -> metadata of older batches cleared -> checkpoint without t among the pending
//       ones.
//   O3  A restart runs the checkpoint's own batch again, even if it completed: pending times, and
//       every batch time from the checkpoint's own on that has passed.

#pragma once

#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "engine/driver/checkpoint.h"
#include "engine/driver/checkpoint_writer.h"
#include "engine/driver/input_stream.h"
#include "engine/driver/job_scheduler.h"
#include "engine/driver/rate_estimator.h"
#include "engine/pipeline.h"
#include "engine/ports/process.h"

namespace engine {

class JobGenerator {
 public:
  JobGenerator(const Ports& ports,
               const Pipeline& pipeline,
               InputStream& stream,
               JobScheduler& scheduler,
               CheckpointWriter& writer);

  // The first start in this place: the first batch time is the next multiple of the interval.
  void start_first_time();

  // A start from a checkpoint: plans and submits the batches that are due, then goes on with new
  // ones.
  Task<Result<>> restart(Checkpoint checkpoint);

  // Handles events as long as the driver lives.
  Task<> run();

  // Lets what has arrived be planned, generates one more batch, and completes when that has been
  // processed; gives up after ten intervals each (spark.streaming.gracefulStopTimeout).
  // Requires  run() runs.
  Task<> stop();

  void batch_completed(const JobScheduler::Completion& completion);
  void completion_recorded(BatchTime batch);

 private:
  struct GenerateJobs {
    BatchTime batch;
  };

  struct ClearMetadata {
    BatchTime batch;
  };

  struct DoCheckpoint {
    BatchTime batch;
    bool completion = false;
  };

  struct ClearCheckpointData {
    BatchTime batch;
  };

  using Event = std::variant<GenerateJobs, ClearMetadata, DoCheckpoint, ClearCheckpointData>;

  Task<> handle(GenerateJobs event);
  Task<> handle(ClearMetadata event);
  Task<> handle(DoCheckpoint event);
  Task<> handle(ClearCheckpointData event);
  Task<Result<std::vector<TaskInput>>> plan(BatchTime batch);
  Task<> tick(BatchTime first);
  Task<> clean_up(BatchTime completed);
  Task<> processed(BatchTime batch);
  Task<> wait_until(std::function<bool()> condition);
  Task<> checkpoint_and_wait(BatchTime batch, std::vector<BatchTime> also_pending);
  [[nodiscard]] Checkpoint snapshot(BatchTime batch) const;
  [[nodiscard]] BatchTime end_of_finished(BatchTime completed) const;
  [[nodiscard]] BatchTime next_batch_time() const;
  [[nodiscard]] std::vector<BatchTime> times_to_reschedule(const Checkpoint& checkpoint,
                                                           BatchTime restart) const;

  const Ports& ports_;
  const Pipeline& pipeline_;
  InputStream& stream_;
  JobScheduler& scheduler_;
  CheckpointWriter& writer_;
  Queue<Event> events_;
  RateEstimator estimator_;
  BatchTime zero_time_;
  bool stopping_ = false;
  bool ticking_ = true;
  BatchTime last_tick_;
  std::optional<BatchTime> last_processed_;
};

}  // namespace engine
