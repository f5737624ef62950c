#include "engine/driver/job_scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/ports/invariant.h"

namespace engine {
namespace {

constexpr int kStageAttemptsMax = 4;  // spark.stage.maxConsecutiveAttempts
constexpr Address kNowhere{};

// Task `partition` of a stage.
TaskDescription describe(const JobSet& job, Stage stage, std::size_t partition, TaskInput input) {
  return {.key = {.set = 0,
                  .batch = job.batch,
                  .stage = stage,
                  .partition = static_cast<PartitionId>(partition),
                  .attempt = 0},
          .input = std::move(input),
          .map_outputs = {}};
}

// The ranges of Kafka that the batch reads; none of a batch of blocks.
BatchRanges kafka_ranges(const std::vector<TaskInput>& parts) {
  BatchRanges ranges;
  for (const TaskInput& part : parts) {
    if (const auto* const range = std::get_if<OffsetRange>(&part)) {
      ranges.push_back(*range);
    }
  }
  return ranges;
}

}  // namespace

JobScheduler::JobScheduler(const Ports& ports,
                           const Pipeline& pipeline,
                           TaskScheduler& tasks,
                           OffsetKeeper& keeper,
                           std::function<void(Completion)> completed,
                           std::function<void()> give_up)
    : ports_(ports),
      pipeline_(pipeline),
      tasks_(tasks),
      keeper_(keeper),
      completed_(std::move(completed)),
      give_up_(std::move(give_up)) {}

void JobScheduler::submit(BatchTime batch, std::vector<TaskInput> parts) {
  pending_.insert(batch);
  waiting_.push_back(std::make_shared<const JobSet>(
      JobSet{.batch = batch, .parts = std::move(parts), .submitted_at = ports_.clock.now()}));
  start_jobs();
}

std::vector<BatchTime> JobScheduler::pending_times() const {
  std::vector<BatchTime> times(pending_.begin(), pending_.end());
  const auto repeated = std::ranges::unique(times);
  times.erase(repeated.begin(), repeated.end());
  return times;
}

std::int32_t JobScheduler::jobs_at_once() const {
  const bool ordered = pipeline_.protocol.job_overlap == JobOverlap::kOrdered &&
                       pipeline_.sink.kind == SinkKind::kOffsets;
  return ordered ? 1 : pipeline_.concurrent_jobs;
}

void JobScheduler::start_jobs() {
  while (running_count_ < jobs_at_once() && !waiting_.empty()) {
    ++running_count_;
    SharedJobSet job = std::move(waiting_.front());
    waiting_.pop_front();
    spawn(ports_.executor, run_job(std::move(job)));
  }
}

Task<> JobScheduler::run_job(SharedJobSet job) {
  const Instant started_at = ports_.clock.now();
  const auto error = co_await execute(job);
  INVARIANT(running_count_ > 0, "a job ends once");
  --running_count_;
  co_await finish(std::move(job), started_at, error);
  start_jobs();
}

// What the user's program does for a batch: output, then offsets. Saving the offsets first loses
// the batch if anything dies in between.
Task<boost::system::error_code> JobScheduler::execute(SharedJobSet job) {
  if (pipeline_.protocol.offset_save == OffsetSave::kBeforeOutput) {
    const auto saved = co_await keeper_.save(job->batch, kafka_ranges(job->parts));
    if (!saved) {
      co_return saved.error();
    }
    co_return co_await run_stages(std::move(job));
  }
  const auto error = co_await run_stages(job);
  if (error) {
    co_return error;
  }
  co_return co_await save_progress(std::move(job));
}

// Under OffsetProgress::kFinishedPrefix a batch that is ahead of an older one leaves its end to be
// saved by that.
Task<boost::system::error_code> JobScheduler::save_progress(SharedJobSet job) {
  unsaved_[job->batch] = kafka_ranges(job->parts);
  auto last = unsaved_.find(job->batch);
  if (pipeline_.protocol.offset_progress == OffsetProgress::kFinishedPrefix) {
    const auto unfinished = std::ranges::find_if(
        pending_, [this](BatchTime batch) { return !unsaved_.contains(batch); });
    const auto behind =
        unfinished == pending_.end() ? unsaved_.end() : unsaved_.lower_bound(*unfinished);
    if (behind == unsaved_.begin()) {
      co_return boost::system::error_code{};
    }
    last = std::prev(behind);
  }
  const BatchTime batch = last->first;
  const auto saved = co_await keeper_.save(batch, last->second);
  if (!saved) {
    co_return saved.error();
  }
  std::erase_if(unsaved_, [batch](const auto& entry) { return entry.first <= batch; });
  co_return boost::system::error_code{};
}

// A batch without a block has no task: its job is done as soon as it runs.
Task<boost::system::error_code> JobScheduler::run_stages(SharedJobSet job) {
  if (job->parts.empty()) {
    co_return boost::system::error_code{};
  }
  if (std::ranges::any_of(pipeline_.operations, &Operation::is_shuffle)) {
    co_return co_await run_shuffled(std::move(job));
  }
  std::vector<TaskDescription> tasks;
  tasks.reserve(job->parts.size());
  for (std::size_t i = 0; i < job->parts.size(); ++i) {
    tasks.push_back(describe(*job, Stage::kResult, i, job->parts[i]));
  }
  const TaskSetResult result = co_await tasks_.run(std::move(tasks));
  co_return result.error;
}

// Map, then reduce. When an executor dies, what its map tasks kept dies with it: those tasks, and
// only those, run again before the reduce stage is tried again (DAGScheduler, FetchFailed).
Task<boost::system::error_code> JobScheduler::run_shuffled(SharedJobSet job) {
  std::vector<Address> map_outputs(job->parts.size(), kNowhere);
  const auto reduce_count = static_cast<std::size_t>(pipeline_.source.partitions);
  for (int attempt = 1; attempt <= kStageAttemptsMax; ++attempt) {
    const auto map_error = co_await run_missing_maps(job, &map_outputs);
    if (map_error) {
      co_return map_error;
    }
    std::vector<TaskDescription> reduces;
    for (std::size_t i = 0; i < reduce_count; ++i) {
      reduces.push_back(describe(*job, Stage::kReduce, i, OffsetRange{}));
      reduces.back().map_outputs = map_outputs;
    }
    const TaskSetResult reduced = co_await tasks_.run(std::move(reduces));
    if (reduced.error != Errc::kFetchFailed) {
      co_return reduced.error;
    }
    INVARIANT(reduced.missing_map >= 0, "a failed fetch names the map task");
    map_outputs.at(static_cast<std::size_t>(reduced.missing_map)) = kNowhere;
    if (pipeline_.protocol.lost_map_outputs == LostMapOutputs::kOfExecutor) {
      lose_outputs_of_dead(map_outputs);
    }
  }
  co_return make_error_code(Errc::kFetchFailed);
}

Task<boost::system::error_code> JobScheduler::run_missing_maps(SharedJobSet job,
                                                               std::vector<Address>* outputs) {
  std::vector<TaskDescription> maps;
  for (std::size_t i = 0; i < job->parts.size(); ++i) {
    if (outputs->at(i) == kNowhere) {
      maps.push_back(describe(*job, Stage::kMap, i, job->parts[i]));
    }
  }
  if (maps.empty()) {
    co_return boost::system::error_code{};
  }
  const TaskSetResult mapped = co_await tasks_.run(maps);
  if (mapped.error) {
    co_return mapped.error;
  }
  for (std::size_t i = 0; i < maps.size(); ++i) {
    outputs->at(static_cast<std::size_t>(maps[i].key.partition)) = mapped.ran_on[i];
  }
  co_return boost::system::error_code{};
}

void JobScheduler::lose_outputs_of_dead(std::vector<Address>& map_outputs) const {
  for (Address& executor : map_outputs) {
    if (!tasks_.is_alive(executor)) {
      executor = kNowhere;
    }
  }
}

// JobScheduler.handleJobCompletion: only a batch whose job succeeded leaves the pending ones.
Task<> JobScheduler::finish(SharedJobSet job, Instant started_at, boost::system::error_code error) {
  if (error) {
    ports_.listener.batch_failed(job->batch, error);
    if (pipeline_.protocol.failed_batch == FailedBatch::kExit) {
      give_up_();
    }
    if (pipeline_.protocol.failed_batch != FailedBatch::kForget) {
      co_return;
    }
  } else {
    ports_.listener.batch_completed(job->batch);
  }
  const PointContext here{.batch = job->batch};
  co_await ports_.points.reach(Point::kSchedulerBatchCompleted, here);
  const auto entry = pending_.find(job->batch);
  INVARIANT(entry != pending_.end(), "S1: a completed batch was pending");
  pending_.erase(entry);
  std::int64_t records = 0;
  for (const TaskInput& part : job->parts) {
    records += record_count(part);
  }
  const Instant now = ports_.clock.now();
  const Completion completion{.batch = job->batch,
                              .facts = {.processing_ended = now,
                                        .records = records,
                                        .processing_delay = now - started_at,
                                        .scheduling_delay = started_at - job->submitted_at}};
  completed_(completion);
}

}  // namespace engine
