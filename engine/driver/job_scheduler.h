// engine/driver/job_scheduler.h
//
// Runs the jobs of the batches, in order of submission, at most `concurrent_jobs` at once (Spark:
// JobScheduler, JobSet). A batch has one output operation here, hence one job.
//
// Invariants
//   S1  Pending.  A batch is pending from submit() until its job succeeded. One whose job failed
//                 stays pending in this driver life and runs again only after a restart from a
//                 checkpoint (not under FailedBatch::kForget). By then a later batch may have
//                 completed and its ranges may be forgotten: it runs over other records. Spark's
//                 clean-up goes by time alone, and so does this one, unless MetadataCleanup and
//                 FailedBatch are told otherwise.

#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "engine/driver/offset_keeper.h"
#include "engine/driver/rate_estimator.h"
#include "engine/driver/task_scheduler.h"
#include "engine/messages.h"
#include "engine/pipeline.h"
#include "engine/ports/process.h"

namespace engine {

struct JobSet {
  BatchTime batch;
  std::vector<TaskInput> parts;  // task i reads part i
  Instant submitted_at;
};

// Nobody changes a job that is submitted.
using SharedJobSet = std::shared_ptr<const JobSet>;

class JobScheduler {
 public:
  struct Completion {
    BatchTime batch;
    CompletedBatch facts;  // for the rate estimator
  };

  // `give_up` ends the application: FailedBatch::kExit.
  JobScheduler(const Ports& ports,
               const Pipeline& pipeline,
               TaskScheduler& tasks,
               OffsetKeeper& keeper,
               std::function<void(Completion)> completed,
               std::function<void()> give_up);

  // Never waits: the job may start before the caller's next step.
  void submit(BatchTime batch, std::vector<TaskInput> parts);

  // Batches submitted and not completed, ascending; what a checkpoint calls pendingTimes.
  [[nodiscard]] std::vector<BatchTime> pending_times() const;

 private:
  [[nodiscard]] std::int32_t jobs_at_once() const;
  void start_jobs();
  Task<> run_job(SharedJobSet job);
  Task<boost::system::error_code> execute(SharedJobSet job);
  Task<boost::system::error_code> save_progress(SharedJobSet job);
  Task<boost::system::error_code> run_stages(SharedJobSet job);
  Task<boost::system::error_code> run_shuffled(SharedJobSet job);

  // Runs the map tasks whose output is nowhere, and notes where it is then.
  Task<boost::system::error_code> run_missing_maps(SharedJobSet job, std::vector<Address>* outputs);
  Task<> finish(SharedJobSet job, Instant started_at, boost::system::error_code error);
  void lose_outputs_of_dead(std::vector<Address>& map_outputs) const;

  const Ports& ports_;
  const Pipeline& pipeline_;
  TaskScheduler& tasks_;
  OffsetKeeper& keeper_;
  std::function<void(Completion)> completed_;
  std::function<void()> give_up_;
  std::multiset<BatchTime> pending_;
  std::map<BatchTime, BatchRanges> unsaved_;  // batches whose output is done, and no more of them
  std::deque<SharedJobSet> waiting_;
  std::int32_t running_count_ = 0;
};

}  // namespace engine
