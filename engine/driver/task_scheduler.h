// engine/driver/task_scheduler.h
//
// Places tasks on the slots of executors and tries again elsewhere when they fail or their executor
// is lost (Spark: TaskSchedulerImpl, TaskSetManager, HeartbeatReceiver).
//
// With `speculation`, a task that is slow among its siblings gets a second attempt. When one of the
// two has succeeded, Spark kills the other. Here the other runs on and keeps its slot until it
// reports: a kill undoes no output, and whether it comes before the output is written is a race.
// What both have written is a repetition that the sink has to bear.
//
// Invariants
//   T1  Bounded.      A task that failed `task_failures_max` times fails its set. A lost executor
//                     counts as a failure of the attempts that ran on it (ExecutorLostFailure
//                     caused by the app), and of no others.
//   T2  One result.   A task is done when its first attempt reports success; later reports change
//                     nothing. Nor do those of an executor that was declared lost and lives on: its
//                     attempts were given up with it (TaskSchedulerImpl.statusUpdate).
//   T3  Slots.        An executor never has more running attempts than cores, as far as the driver
//                     knows.
//   T4  Two at most.  A task has one running attempt; with speculation perhaps two, the second on
//                     an executor that has had none of them.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "engine/messages.h"
#include "engine/pipeline.h"
#include "engine/ports/endpoint.h"
#include "engine/ports/process.h"

namespace engine {

// How a run of a stage ended.
struct TaskSetResult {
  boost::system::error_code error;  // no error: every task succeeded
  PartitionId missing_map = -1;     // Errc::kFetchFailed: whose output is gone
  std::vector<Address> ran_on;      // by task: the executor whose attempt succeeded
};

class TaskScheduler {
 public:
  TaskScheduler(const Ports& ports,
                const Protocol& protocol,
                const Cluster& cluster,
                Endpoint<Message>& endpoint)
      : ports_(ports), protocol_(protocol), cluster_(cluster), endpoint_(endpoint) {}

  // Runs the tasks; `key.set` and `key.attempt` are filled in here. Completes when all succeeded,
  // one failed for good, or one could not fetch its shuffle input.
  Task<TaskSetResult> run(std::vector<TaskDescription> tasks);

  void executor_registered(Address executor, std::int32_t cores);
  void executor_lost(Address executor);

  // A receiver runs there from now on, and keeps a slot until it ends or its executor is lost. It
  // never waits for a free one.
  void receiver_placed(Address executor);
  void receiver_ended(Address executor);
  void heartbeat(Address executor);
  void task_finished(Address executor, const TaskFinished& report);

  // Declares executors lost whose last heartbeat is older than the network timeout.
  Task<> watch_heartbeats();

  // Looks for slow tasks at every interval (spark.speculation). Without it none gets a second
  // attempt.
  Task<> watch_speculation();

  [[nodiscard]] bool is_alive(Address executor) const { return executors_.contains(executor); }

  // Called for every executor that is lost, before its tasks run again.
  std::function<void(Address)> on_executor_lost;

 private:
  struct Attempt {
    Address executor;
    Instant launched_at;
    bool running = true;
  };

  struct TrackedTask {
    TaskDescription description;
    std::vector<Attempt> attempts;  // by number
    std::int32_t failures = 0;
    bool speculatable = false;  // found slow; waits for a slot elsewhere
    bool done = false;

    [[nodiscard]] std::ptrdiff_t running_count() const;
    [[nodiscard]] bool ran_at(ProcessId process) const;

    [[nodiscard]] bool wants_attempt() const { return !done && running_count() == 0; }

    [[nodiscard]] bool wants_second_attempt() const {
      return speculatable && !done && running_count() == 1;
    }
  };

  struct TaskSet {
    std::vector<TrackedTask> tasks;
    std::vector<Duration> durations_of_done;
    bool over = false;
    TaskSetResult result;
    std::unique_ptr<Signal> finished;
  };

  struct ExecutorState {
    std::int32_t cores = 1;
    std::int32_t receivers = 0;
    std::set<TaskKey> running;
    Instant last_heartbeat;

    [[nodiscard]] bool has_free_slot() const {
      return static_cast<std::int32_t>(running.size()) + receivers < cores;
    }
  };

  static std::size_t index_of(const TaskSet& set, PartitionId partition);
  void give_up_attempts(const ExecutorState& lost);
  void assign();
  bool assign(TaskSet& set);
  bool launch(TrackedTask& task);
  [[nodiscard]] bool may_run(const TrackedTask& task, Address executor) const;
  [[nodiscard]] std::optional<Address> choose_executor(const TrackedTask& task) const;
  [[nodiscard]] std::optional<Address> choose_holder(const TrackedTask& task) const;
  void attempt_ended(const TaskFinished& report);
  void task_done(TaskSet& set, std::size_t index, const Attempt& attempt);
  void attempt_failed(TaskSet& set, TrackedTask& task, boost::system::error_code why);
  static void end(TaskSet& set, boost::system::error_code error);
  void find_slow_tasks(TaskSet& set) const;

  const Ports& ports_;
  const Protocol& protocol_;
  const Cluster& cluster_;
  Endpoint<Message>& endpoint_;
  std::map<Address, ExecutorState> executors_;
  std::map<std::int64_t, TaskSet> sets_;  // by id, oldest first
  std::int64_t next_set_ = 1;
};

}  // namespace engine
