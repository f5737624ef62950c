#include "engine/driver/task_scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/driver/speculation.h"
#include "engine/ports/invariant.h"

namespace engine {

std::ptrdiff_t TaskScheduler::TrackedTask::running_count() const {
  return std::ranges::count_if(attempts, &Attempt::running);
}

bool TaskScheduler::TrackedTask::ran_at(ProcessId process) const {
  return std::ranges::any_of(
      attempts, [&](const Attempt& attempt) { return attempt.executor.process == process; });
}

Task<TaskSetResult> TaskScheduler::run(std::vector<TaskDescription> tasks) {
  INVARIANT(!tasks.empty(), "a stage has at least one task");
  const std::int64_t id = next_set_++;
  TaskSet& set = sets_[id];
  set.finished = ports_.clock.make_signal();
  set.result.ran_on.resize(tasks.size());
  set.tasks.reserve(tasks.size());
  for (TaskDescription& description : tasks) {
    description.key.set = id;
    set.tasks.push_back({.description = std::move(description),
                         .attempts = {},
                         .failures = 0,
                         .speculatable = false,
                         .done = false});
  }
  assign();
  while (!set.over) {
    co_await set.finished->wait();
  }
  TaskSetResult result = std::move(set.result);
  sets_.erase(id);
  co_return result;
}

void TaskScheduler::executor_registered(Address executor, std::int32_t cores) {
  // A new life of the same executor process: the old one is gone even if nobody said so.
  std::vector<Address> replaced;
  for (const auto& [address, state] : executors_) {
    if (address.process == executor.process) {
      replaced.push_back(address);
    }
  }
  for (const Address& old : replaced) {
    executor_lost(old);
  }
  executors_[executor] = {
      .cores = cores, .receivers = 0, .running = {}, .last_heartbeat = ports_.clock.now()};
  assign();
}

void TaskScheduler::executor_lost(Address executor) {
  const auto lost = executors_.extract(executor);
  if (lost.empty()) {
    return;
  }
  if (on_executor_lost) {
    on_executor_lost(executor);
  }
  give_up_attempts(lost.mapped());
  assign();
}

void TaskScheduler::give_up_attempts(const ExecutorState& lost) {
  if (protocol_.lost_executor == LostExecutor::kForget) {
    return;
  }
  boost::system::error_code error = Errc::kUnavailable;
  if (protocol_.lost_executor == LostExecutor::kAssumeDone) {
    error = {};
  }
  for (const TaskKey& attempt : lost.running) {
    attempt_ended({.key = attempt, .error = error, .missing_map = -1});
  }
}

void TaskScheduler::receiver_placed(Address executor) {
  const auto known = executors_.find(executor);
  if (known != executors_.end()) {
    ++known->second.receivers;
  }
}

void TaskScheduler::receiver_ended(Address executor) {
  const auto known = executors_.find(executor);
  if (known != executors_.end()) {
    INVARIANT(known->second.receivers > 0, "a receiver ends that was not there");
    --known->second.receivers;
    assign();
  }
}

void TaskScheduler::heartbeat(Address executor) {
  const auto known = executors_.find(executor);
  if (known != executors_.end()) {
    known->second.last_heartbeat = ports_.clock.now();
  }
}

void TaskScheduler::task_finished(Address executor, const TaskFinished& report) {
  const auto reporter = executors_.find(executor);
  const bool expected =
      reporter != executors_.end() && reporter->second.running.erase(report.key) == 1;
  if (expected) {
    attempt_ended(report);
    assign();
  }
}

void TaskScheduler::attempt_ended(const TaskFinished& report) {
  const auto found = sets_.find(report.key.set);
  if (found == sets_.end() || found->second.over) {
    return;
  }
  TaskSet& set = found->second;
  const std::size_t index = index_of(set, report.key.partition);
  TrackedTask& task = set.tasks[index];
  Attempt& attempt = task.attempts.at(static_cast<std::size_t>(report.key.attempt));
  INVARIANT(attempt.running, "attempt {} ends twice", report.key.attempt);
  attempt.running = false;
  if (task.done) {
    return;
  }
  if (!report.error) {
    task_done(set, index, attempt);
  } else if (report.error == Errc::kFetchFailed) {
    set.result.missing_map = report.missing_map;
    end(set, report.error);
  } else {
    attempt_failed(set, task, report.error);
  }
}

std::size_t TaskScheduler::index_of(const TaskSet& set, PartitionId partition) {
  for (std::size_t i = 0; i < set.tasks.size(); ++i) {
    if (set.tasks[i].description.key.partition == partition) {
      return i;
    }
  }
  INVARIANT(false, "partition {} is not in the set that it reports to", partition);
  return 0;
}

void TaskScheduler::task_done(TaskSet& set, std::size_t index, const Attempt& attempt) {
  INVARIANT(!set.tasks[index].done, "T2: a task is done once");
  set.tasks[index].done = true;
  set.result.ran_on[index] = attempt.executor;
  set.durations_of_done.push_back(ports_.clock.now() - attempt.launched_at);
  if (set.durations_of_done.size() == set.tasks.size()) {
    end(set, {});
  }
}

void TaskScheduler::attempt_failed(TaskSet& set, TrackedTask& task, boost::system::error_code why) {
  ++task.failures;
  INVARIANT(task.failures <= cluster_.task_failures_max, "T1: {} failures", task.failures);
  if (task.failures == cluster_.task_failures_max) {
    end(set, why);
  }
}

void TaskScheduler::end(TaskSet& set, boost::system::error_code error) {
  INVARIANT(!set.over, "a task set ends once");
  set.over = true;
  set.result.error = error;
  set.finished->notify();
}

// First come, first served: an older set's tasks take free slots before a younger one's.
void TaskScheduler::assign() {
  for (auto& [id, set] : sets_) {
    if (!set.over && !assign(set)) {
      return;
    }
  }
}

// False: no slot is left. A second attempt finds none easily, being barred from some executors, and
// keeps nobody waiting.
bool TaskScheduler::assign(TaskSet& set) {
  for (TrackedTask& task : set.tasks) {
    if (task.wants_attempt() && !launch(task)) {
      return false;
    }
  }
  for (TrackedTask& task : set.tasks) {
    if (task.wants_second_attempt() && launch(task)) {
      task.speculatable = false;
    }
  }
  return true;
}

bool TaskScheduler::launch(TrackedTask& task) {
  INVARIANT(!task.done, "a task that is done is not launched");
  INVARIANT(task.running_count() < 2, "T4: a third attempt");
  const auto executor = choose_executor(task);
  if (!executor) {
    return false;
  }
  task.description.key.attempt = static_cast<std::int32_t>(task.attempts.size());
  task.attempts.push_back(
      {.executor = *executor, .launched_at = ports_.clock.now(), .running = true});
  ExecutorState& state = executors_.at(*executor);
  state.running.insert(task.description.key);
  INVARIANT(static_cast<std::int32_t>(state.running.size()) <= state.cores, "T3: too many tasks");
  LaunchTask message{.task = std::make_shared<const TaskDescription>(task.description)};
  endpoint_.send(*executor, std::move(message));
  return true;
}

// A second attempt avoids every executor that has had one of this task (hasAttemptOnHost): what
// made the first one slow may be there.
bool TaskScheduler::may_run(const TrackedTask& task, Address executor) const {
  const auto known = executors_.find(executor);
  const bool barred = task.running_count() > 0 && task.ran_at(executor.process);
  return known != executors_.end() && known->second.has_free_slot() && !barred;
}

// Where a block is, it is read without the network (getPreferredLocations). PreferConsistent: the
// same partition of Kafka goes to the same executor while that has a free slot.
std::optional<Address> TaskScheduler::choose_executor(const TrackedTask& task) const {
  if (executors_.empty()) {
    return std::nullopt;
  }
  const auto holder = choose_holder(task);
  if (holder) {
    return holder;
  }
  const PartitionId partition = task.description.key.partition;
  const auto preferred = std::next(
      executors_.begin(),
      static_cast<std::ptrdiff_t>(static_cast<std::size_t>(partition) % executors_.size()));
  if (may_run(task, preferred->first)) {
    return preferred->first;
  }
  for (const auto& [address, state] : executors_) {
    if (may_run(task, address)) {
      return address;
    }
  }
  return std::nullopt;
}

std::optional<Address> TaskScheduler::choose_holder(const TrackedTask& task) const {
  const auto* const block = std::get_if<BlockInput>(&task.description.input);
  if (block == nullptr) {
    return std::nullopt;
  }
  for (const Address& holder : block->locations) {
    if (may_run(task, holder)) {
      return holder;
    }
  }
  return std::nullopt;
}

Task<> TaskScheduler::watch_heartbeats() {
  for (;;) {
    co_await ports_.clock.sleep_for(cluster_.heartbeat_interval);
    std::vector<Address> silent;
    for (const auto& [address, state] : executors_) {
      if (ports_.clock.now() - state.last_heartbeat > cluster_.network_timeout) {
        silent.push_back(address);
      }
    }
    for (const Address& executor : silent) {
      executor_lost(executor);
    }
  }
}

Task<> TaskScheduler::watch_speculation() {
  for (;;) {
    co_await ports_.clock.sleep_for(kSpeculationInterval);
    for (auto& [id, set] : sets_) {
      if (!set.over) {
        find_slow_tasks(set);
      }
    }
    assign();
  }
}

void TaskScheduler::find_slow_tasks(TaskSet& set) const {
  const auto threshold = speculation_threshold(set.tasks.size(), set.durations_of_done);
  if (!threshold) {
    return;
  }
  const Instant launched_before = ports_.clock.now() - *threshold;
  for (TrackedTask& task : set.tasks) {
    const auto running = std::ranges::find_if(task.attempts, &Attempt::running);
    if (task.running_count() == 1 && running->launched_at < launched_before) {
      task.speculatable = true;
    }
  }
}

}  // namespace engine
