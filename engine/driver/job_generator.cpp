#include "engine/driver/job_generator.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/ports/invariant.h"

namespace engine {
namespace {

// While it stops: how often it looks, and how many intervals it has patience for.
constexpr Duration kStopPoll = std::chrono::milliseconds(100);
constexpr int kStopIntervals = 10;

}  // namespace

JobGenerator::JobGenerator(const Ports& ports,
                           const Pipeline& pipeline,
                           InputStream& stream,
                           JobScheduler& scheduler,
                           CheckpointWriter& writer)
    : ports_(ports),
      pipeline_(pipeline),
      stream_(stream),
      scheduler_(scheduler),
      writer_(writer),
      events_(ports.clock) {
  INVARIANT(pipeline.batch_interval > Duration{0}, "a batch interval is positive");
}

void JobGenerator::start_first_time() {
  const BatchTime first = next_batch_time();
  zero_time_ = {first.at - pipeline_.batch_interval};
  spawn(ports_.executor, tick(first));
}

// The smallest multiple of the interval strictly after now (RecurringTimer.getStartTime and,
// because zero times are such multiples too, getRestartTime).
BatchTime JobGenerator::next_batch_time() const {
  return {next_multiple(ports_.clock.now(), pipeline_.batch_interval)};
}

// A timer that is stopped comes up once more behind the time that it waits for: RecurringTimer.stop
// does not interrupt it.
Task<> JobGenerator::tick(BatchTime first) {
  BatchTime batch = first;
  for (bool is_last = false; !is_last; batch.at += pipeline_.batch_interval) {
    is_last = stopping_;
    co_await ports_.clock.sleep_until(batch.at);
    events_.push(GenerateJobs{batch});
    last_tick_ = batch;
  }
  ticking_ = false;
}

Task<> JobGenerator::stop() {
  const auto all_planned = [this] { return !stream_.has_unplanned(); };
  const auto timer_ended = [this] { return !ticking_; };
  const auto last_is_processed = [this] { return last_processed_ == last_tick_; };
  co_await wait_until(all_planned);
  stopping_ = true;
  co_await wait_until(timer_ended);
  co_await wait_until(last_is_processed);
}

Task<> JobGenerator::wait_until(std::function<bool()> condition) {
  const Instant give_up = ports_.clock.now() + kStopIntervals * pipeline_.batch_interval;
  while (!condition() && ports_.clock.now() < give_up) {
    co_await ports_.clock.sleep_for(kStopPoll);
  }
}

// Every rescheduled batch is planned and submitted in ascending order, and nothing of that is
// durable until the first of them completes: the window of O1 is open for all of them.
Task<Result<>> JobGenerator::restart(Checkpoint checkpoint) {
  zero_time_ = checkpoint.zero_time;
  estimator_.restore(checkpoint.rate);
  const BatchTime restart_time = next_batch_time();
  const std::vector<BatchTime> times = times_to_reschedule(checkpoint, restart_time);
  std::vector<std::vector<TaskInput>> planned;
  const bool durable_first = pipeline_.protocol.range_durability == RangeDurability::kBeforeSubmit;
  for (const BatchTime batch : times) {
    auto parts = co_await plan(batch);
    if (!parts) {
      co_return parts.error();
    }
    if (durable_first) {
      planned.push_back(std::move(parts.value()));
    } else {
      scheduler_.submit(batch, std::move(parts.value()));
    }
  }
  if (durable_first && !times.empty()) {
    co_await checkpoint_and_wait(times.back(), times);
    for (std::size_t i = 0; i < times.size(); ++i) {
      scheduler_.submit(times[i], std::move(planned[i]));
    }
  }
  const PointContext nowhere{};
  co_await ports_.points.reach(Point::kRecoveryBatchesRescheduled, nowhere);
  spawn(ports_.executor, tick(restart_time));
  co_return Result<>{};
}

std::vector<BatchTime> JobGenerator::times_to_reschedule(const Checkpoint& checkpoint,
                                                         BatchTime restart) const {
  const Reschedule reschedule = pipeline_.protocol.reschedule;
  const Duration interval = pipeline_.batch_interval;
  std::vector<BatchTime> times = checkpoint.pending_times;
  BatchTime down = checkpoint.time;
  if (reschedule == Reschedule::kUnfinished) {
    down.at += interval;
  }
  BatchTime end = restart;
  if (reschedule == Reschedule::kThroughRestart) {
    end.at += interval;
  }
  for (; down < end && reschedule != Reschedule::kPendingOnly; down.at += interval) {
    times.push_back(down);
  }
  std::erase_if(times, [end](BatchTime time) { return time >= end; });
  std::ranges::sort(times);
  if (reschedule != Reschedule::kWithoutDistinct) {
    const auto repeated = std::ranges::unique(times);
    times.erase(repeated.begin(), repeated.end());
  }
  return times;
}

Task<> JobGenerator::run() {
  for (;;) {
    const Event event = co_await events_.pop();
    if (const auto* const generate = std::get_if<GenerateJobs>(&event)) {
      co_await handle(*generate);
    } else if (const auto* const clear = std::get_if<ClearMetadata>(&event)) {
      co_await handle(*clear);
    } else if (const auto* const checkpoint = std::get_if<DoCheckpoint>(&event)) {
      co_await handle(*checkpoint);
    } else {
      co_await handle(std::get<ClearCheckpointData>(event));
    }
  }
}

Task<Result<std::vector<TaskInput>>> JobGenerator::plan(BatchTime batch) {
  auto input = co_await stream_.get_or_compute(batch);
  if (!input) {
    ports_.listener.batch_generation_failed(batch, input.error());
    co_return input.error();
  }
  ports_.listener.batch_planned(batch, input.value().ranges);
  const PointContext here{.batch = batch};
  co_await ports_.points.reach(Point::kGeneratorBatchPlanned, here);
  co_return std::move(input.value().parts);
}

// Whether planning succeeds or not, a checkpoint follows (JobGenerator.generateJobs).
Task<> JobGenerator::handle(GenerateJobs event) {
  const PointContext here{.batch = event.batch};
  co_await ports_.points.reach(Point::kGeneratorBatchDue, here);
  auto parts = co_await plan(event.batch);
  if (parts) {
    if (pipeline_.protocol.range_durability == RangeDurability::kBeforeSubmit) {
      const std::vector<BatchTime> also_pending{event.batch};
      co_await checkpoint_and_wait(event.batch, also_pending);
    }
    scheduler_.submit(event.batch, std::move(parts.value()));
    if (pipeline_.protocol.metadata_cleanup == MetadataCleanup::kGenerated) {
      stream_.clear_metadata(event.batch);
    }
    co_await ports_.points.reach(Point::kSchedulerBatchSubmitted, here);
  }
  events_.push(DoCheckpoint{.batch = event.batch, .completion = false});
}

void JobGenerator::batch_completed(const JobScheduler::Completion& completion) {
  const auto rate = estimator_.update(completion.facts, pipeline_.batch_interval);
  if (rate) {
    stream_.set_rate(*rate);
  }
  events_.push(ClearMetadata{completion.batch});
}

// The oldest batch that is not done, if that is older than the one that completed.
BatchTime JobGenerator::end_of_finished(BatchTime completed) const {
  const std::vector<BatchTime> pending = scheduler_.pending_times();
  return pending.empty() ? completed : std::min(completed, pending.front());
}

Task<> JobGenerator::handle(ClearMetadata event) {
  if (pipeline_.protocol.metadata_cleanup == MetadataCleanup::kFinishedPrefix) {
    stream_.clear_metadata(end_of_finished(event.batch));
  } else {
    stream_.clear_metadata(event.batch);
  }
  if (pipeline_.checkpoint_enabled) {
    events_.push(DoCheckpoint{.batch = event.batch, .completion = true});
    co_return;
  }
  co_await clean_up(event.batch);
  co_await processed(event.batch);
}

Task<> JobGenerator::handle(DoCheckpoint event) {
  if (!pipeline_.checkpoint_enabled) {
    co_return;
  }
  CheckpointOrder order{.time = event.batch,
                        .bytes = encode(snapshot(event.batch), pipeline_.application_version),
                        .completion = event.completion,
                        .written = nullptr};
  writer_.write(std::move(order));
}

void JobGenerator::completion_recorded(BatchTime batch) {
  events_.push(ClearCheckpointData{batch});
}

// What the batch needed goes only now: until its completion was on disk, a restart would run it
// again.
Task<> JobGenerator::handle(ClearCheckpointData event) {
  co_await clean_up(event.batch);
  co_await processed(event.batch);
}

// By time alone, whether an older batch is still pending or not, as Spark does; or behind the
// finished ones.
Task<> JobGenerator::clean_up(BatchTime completed) {
  const bool prefix = pipeline_.protocol.block_cleanup == BlockCleanup::kFinishedPrefix;
  return stream_.clean_up(prefix ? end_of_finished(completed) : completed);
}

Task<> JobGenerator::processed(BatchTime batch) {
  last_processed_ = batch;
  ports_.listener.batch_processed(batch);
  const PointContext here{.batch = batch};
  co_await ports_.points.reach(Point::kGeneratorBatchProcessed, here);
}

Task<> JobGenerator::checkpoint_and_wait(BatchTime batch, std::vector<BatchTime> also_pending) {
  if (!pipeline_.checkpoint_enabled) {
    co_return;
  }
  Checkpoint checkpoint = snapshot(batch);
  std::set<BatchTime> pending(checkpoint.pending_times.begin(), checkpoint.pending_times.end());
  pending.insert(also_pending.begin(), also_pending.end());
  checkpoint.pending_times.assign(pending.begin(), pending.end());
  const std::shared_ptr<Signal> written = ports_.clock.make_signal();
  CheckpointOrder order{.time = batch,
                        .bytes = encode(checkpoint, pipeline_.application_version),
                        .completion = false,
                        .written = written};
  writer_.write(std::move(order));
  co_await written->wait();
}

Checkpoint JobGenerator::snapshot(BatchTime batch) const {
  const bool says_pending = pipeline_.protocol.pending_times == PendingTimes::kWritten;
  return {.time = batch,
          .zero_time = zero_time_,
          .pending_times = says_pending ? scheduler_.pending_times() : std::vector<BatchTime>{},
          .stream = stream_.state(),
          .rate = estimator_.state()};
}

}  // namespace engine
