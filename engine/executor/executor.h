// engine/executor/executor.h
//
// One life of an executor: registers with the driver that launched it, runs its tasks and
// receivers, keeps its blocks, and ends when it loses that driver (Spark:
// CoarseGrainedExecutorBackend, Executor). What runs when the driver dies goes on for
// `executor_exit_delay`: its output may still reach the sink.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/executor/block_manager.h"
#include "engine/executor/memory_meter.h"
#include "engine/executor/output_operation.h"
#include "engine/executor/shuffle_client.h"
#include "engine/executor/task_input.h"
#include "engine/messages.h"
#include "engine/pipeline.h"
#include "engine/ports/endpoint.h"
#include "engine/ports/process.h"
#include "engine/receiver/receiver_runner.h"

namespace engine {

class Executor {
 public:
  // `exit` ends this life from within.
  Executor(Ports ports,
           Pipeline pipeline,
           Cluster cluster,
           Endpoint<Message>& endpoint,
           Address driver,
           std::function<void()> exit);

  // Starts every part; returns at once.
  void start();

  // Whether the receiver of this stream was launched here and has not ended; one that is being
  // restarted has not.
  [[nodiscard]] bool runs_receiver(StreamId stream) const { return receivers_.runs(stream); }

  // The receiver alone fails; its supervisor starts it again.
  void fail_receiver(StreamId stream) { receivers_.fail(stream); }

  // The user's code throws in the next `times` attempts that start here: before they read anything,
  // or, `when_done`, when their output is written.
  void fail_tasks(std::int32_t times, bool when_done) {
    throwing_ = {.times = times, .when_done = when_done};
  }

 private:
  struct TaskOutcome {
    boost::system::error_code error;
    PartitionId missing_map = -1;
  };

  // Attempts in which the user's code throws.
  struct Throwing {
    std::int32_t times = 0;
    bool when_done = false;
  };

  // What a task works on, and what it weighs until the task is done.
  struct Input {
    std::vector<Element> elements;
    std::int64_t held_bytes = 0;
  };

  Task<> dispatch();
  Task<> send_heartbeats();
  Task<> exit_later();
  Task<> run_task(std::shared_ptr<const TaskDescription> task);
  Task<TaskOutcome> execute(std::shared_ptr<const TaskDescription> task);
  Task<TaskOutcome> execute_and_throw(std::shared_ptr<const TaskDescription> task);
  Task<TaskOutcome> run_stage(std::shared_ptr<const TaskDescription> task);
  Task<Result<Input>> take_input(TaskKey task, TaskInput input);
  Task<TaskOutcome> run_result(TaskKey task, TaskInput input);
  Task<TaskOutcome> run_map(TaskKey task, TaskInput input);
  Task<TaskOutcome> run_reduce(std::shared_ptr<const TaskDescription> task);
  Task<> process(std::size_t record_count);
  void report_if_early(const TaskKey& task);
  void received(const Envelope<Message>& envelope);
  template <class Content>
  void deliver(Address from, const Content& content);
  void lost(Address peer);
  [[nodiscard]] std::size_t shuffle_index() const;

  Ports ports_;
  Pipeline pipeline_;
  Cluster cluster_;
  Endpoint<Message>& endpoint_;
  Address driver_;
  std::function<void()> exit_;
  MemoryMeter memory_;
  BlockManager blocks_;
  TaskInputReader input_;
  OutputOperation output_;
  ShuffleClient shuffle_;
  ReceiverRunner receivers_;
  Throwing throwing_;
};

}  // namespace engine
