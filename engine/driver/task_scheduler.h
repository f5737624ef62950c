// engine/driver/task_scheduler.h
//
// Places tasks on the slots of executors and tries again elsewhere when they fail or their executor
// is lost (Spark: TaskSchedulerImpl, TaskSetManager, HeartbeatReceiver).
//
// Invariants
//   T1  Bounded.     A task that failed `task_failures_max` times fails its set. A lost executor
//                    counts as a failure of the tasks that ran on it (ExecutorLostFailure caused
//                    by the app).
//   T2  One result.  A task is done when its first attempt reports success; later reports change
//                    nothing.
//   T3  Slots.       An executor never has more running attempts than cores, as far as the driver
//                    knows.

#pragma once

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
  TaskScheduler(const Ports& ports, const Cluster& cluster, Endpoint<Message>& endpoint)
      : ports_(ports), cluster_(cluster), endpoint_(endpoint) {}

  // Runs the tasks; `key.set` and `key.attempt` are filled in here. Completes when all succeeded,
  // one failed for good, or one could not fetch its shuffle input.
  Task<TaskSetResult> run(std::vector<TaskDescription> tasks);

  void executor_registered(Address executor, std::int32_t cores);
  void executor_lost(Address executor);
  void heartbeat(Address executor);
  void task_finished(Address executor, const TaskFinished& report);

  // Declares executors lost whose last heartbeat is older than the network timeout.
  Task<> watch_heartbeats();

  [[nodiscard]] bool is_alive(Address executor) const { return executors_.contains(executor); }

 private:
  struct TrackedTask {
    TaskDescription description;
    std::int32_t attempts = 0;
    std::int32_t failures = 0;
    std::optional<Address> running_on;
    std::optional<Address> done_on;
  };

  struct TaskSet {
    std::vector<TrackedTask> tasks;
    std::size_t done_count = 0;
    bool over = false;
    TaskSetResult result;
    std::unique_ptr<Signal> finished;
  };

  struct ExecutorState {
    std::int32_t cores = 1;
    std::set<TaskKey> running;
    Instant last_heartbeat;

    [[nodiscard]] bool has_free_slot() const {
      return static_cast<std::int32_t>(running.size()) < cores;
    }
  };

  static std::size_t index_of(const TaskSet& set, PartitionId partition);
  void assign();
  bool launch(TaskSet& set, TrackedTask& task);
  std::optional<Address> choose_executor(PartitionId partition) const;
  void attempt_failed(TaskSet& set, TrackedTask& task, boost::system::error_code why);
  static void end(TaskSet& set, boost::system::error_code error);

  const Ports& ports_;
  const Cluster& cluster_;
  Endpoint<Message>& endpoint_;
  std::map<Address, ExecutorState> executors_;
  std::map<std::int64_t, TaskSet> sets_;  // by id, oldest first
  std::int64_t next_set_ = 1;
};

}  // namespace engine
