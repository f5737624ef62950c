#include "engine/driver/task_scheduler.h"

#include <iterator>
#include <utility>

#include "engine/ports/invariant.h"

namespace engine {

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
                         .attempts = 0,
                         .failures = 0,
                         .running_on = std::nullopt,
                         .done_on = std::nullopt});
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
  executors_[executor] = {.cores = cores, .running = {}, .last_heartbeat = ports_.clock.now()};
  assign();
}

void TaskScheduler::executor_lost(Address executor) {
  const auto lost = executors_.extract(executor);
  if (lost.empty()) {
    return;
  }
  for (auto& [id, set] : sets_) {
    for (TrackedTask& task : set.tasks) {
      if (!set.over && task.running_on == executor) {
        task.running_on.reset();
        attempt_failed(set, task, Errc::kUnavailable);
      }
    }
  }
  assign();
}

void TaskScheduler::heartbeat(Address executor) {
  const auto known = executors_.find(executor);
  if (known != executors_.end()) {
    known->second.last_heartbeat = ports_.clock.now();
  }
}

void TaskScheduler::task_finished(Address executor, const TaskFinished& report) {
  const auto reporter = executors_.find(executor);
  if (reporter != executors_.end()) {
    reporter->second.running.erase(report.key);
  }
  const auto found = sets_.find(report.key.set);
  if (found != sets_.end() && !found->second.over) {
    TaskSet& set = found->second;
    const std::size_t index = index_of(set, report.key.partition);
    TrackedTask& task = set.tasks[index];
    const bool current = task.running_on == executor && task.attempts == report.key.attempt + 1;
    if (!report.error && !task.done_on) {
      task.done_on = executor;
      task.running_on.reset();
      set.result.ran_on[index] = executor;
      ++set.done_count;
      if (set.done_count == set.tasks.size()) {
        end(set, {});
      }
    } else if (report.error == Errc::kFetchFailed && current) {
      set.result.missing_map = report.missing_map;
      end(set, report.error);
    } else if (report.error && current) {
      task.running_on.reset();
      attempt_failed(set, task, report.error);
    }
  }
  assign();
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
    if (set.over) {
      continue;
    }
    for (TrackedTask& task : set.tasks) {
      const bool waits = !task.done_on && !task.running_on;
      if (waits && !launch(set, task)) {
        return;
      }
    }
  }
}

bool TaskScheduler::launch(TaskSet& set, TrackedTask& task) {
  INVARIANT(!set.over, "a set that is over launches nothing");
  const auto executor = choose_executor(task.description.key.partition);
  if (!executor) {
    return false;
  }
  task.description.key.attempt = task.attempts++;
  task.running_on = executor;
  ExecutorState& state = executors_.at(*executor);
  state.running.insert(task.description.key);
  INVARIANT(static_cast<std::int32_t>(state.running.size()) <= state.cores, "T3: too many tasks");
  LaunchTask message{.task = std::make_shared<const TaskDescription>(task.description)};
  endpoint_.send(*executor, std::move(message));
  return true;
}

// PreferConsistent: the same partition goes to the same executor while that has a free slot.
std::optional<Address> TaskScheduler::choose_executor(PartitionId partition) const {
  if (executors_.empty()) {
    return std::nullopt;
  }
  const auto preferred = std::next(
      executors_.begin(),
      static_cast<std::ptrdiff_t>(static_cast<std::size_t>(partition) % executors_.size()));
  if (preferred->second.has_free_slot()) {
    return preferred->first;
  }
  for (const auto& [address, state] : executors_) {
    if (state.has_free_slot()) {
      return address;
    }
  }
  return std::nullopt;
}

Task<> TaskScheduler::watch_heartbeats() {
  for (;;) {
    co_await ports_.clock.sleep_until(ports_.clock.now() + cluster_.heartbeat_interval);
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

}  // namespace engine
