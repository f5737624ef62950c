#include "engine/executor/executor.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>

#include "engine/executor/operations.h"
#include "engine/ports/invariant.h"

namespace engine {
namespace {

PointContext context(const TaskKey& task) {
  return {.batch = task.batch, .partition = task.partition, .attempt = task.attempt};
}

std::int64_t bytes_of(const std::vector<Element>& elements) {
  std::int64_t bytes = 0;
  for (const Element& element : elements) {
    bytes += std::ssize(element.key) + std::ssize(element.value);
  }
  return bytes;
}

std::vector<Element> to_elements(std::vector<ConsumerRecord> records) {
  std::vector<Element> elements;
  elements.reserve(records.size());
  for (ConsumerRecord& record : records) {
    elements.push_back({.source = record.position(),
                        .ordinal = 0,
                        .identity = {},
                        .key = std::move(record.key),
                        .value = std::move(record.value)});
  }
  return elements;
}

std::vector<ShuffleClient::Block> split_by_owner(std::vector<Element> elements,
                                                 std::int32_t partitions) {
  std::vector<std::shared_ptr<std::vector<Element>>> buckets(static_cast<std::size_t>(partitions));
  for (auto& bucket : buckets) {
    bucket = std::make_shared<std::vector<Element>>();
  }
  for (Element& element : elements) {
    const auto owner = static_cast<std::size_t>(owner_of(element.key, partitions));
    buckets[owner]->push_back(std::move(element));
  }
  return {buckets.begin(), buckets.end()};
}

}  // namespace

Executor::Executor(Ports ports,
                   Pipeline pipeline,
                   Cluster cluster,
                   Endpoint<Message>& endpoint,
                   Address driver,
                   std::function<void()> exit)
    : ports_(std::move(ports)),
      pipeline_(std::move(pipeline)),
      cluster_(cluster),
      endpoint_(endpoint),
      driver_(driver),
      exit_(std::move(exit)),
      memory_(ports_.listener, cluster_.executor_memory, exit_),
      blocks_(ports_, endpoint_, driver_, memory_, cluster_.network_timeout),
      input_(ports_, pipeline_, blocks_),
      output_(ports_, pipeline_),
      shuffle_(ports_, endpoint_, cluster_.network_timeout),
      receivers_(ports_,
                 pipeline_,
                 blocks_,
                 TrackerClient(ports_, endpoint_, driver_, cluster_.network_timeout)) {}

void Executor::start() {
  endpoint_.send(driver_, RegisterExecutor{.cores = cluster_.cores});
  spawn(ports_.executor, dispatch());
  spawn(ports_.executor, send_heartbeats());
}

Task<> Executor::dispatch() {
  for (;;) {
    const Envelope<Message> envelope = co_await endpoint_.receive();
    received(envelope);
  }
}

void Executor::received(const Envelope<Message>& envelope) {
  if (std::holds_alternative<Disconnected>(envelope.content)) {
    lost(envelope.from);
    return;
  }
  std::visit([this, &envelope](const auto& content) { deliver(envelope.from, content); },
             std::get<Message>(envelope.content));
}

// Each part takes the messages that it has a function for.
template <class Content>
void Executor::deliver(Address from, const Content& content) {
  if constexpr (std::is_same_v<Content, LaunchTask>) {
    spawn(ports_.executor, run_task(content.task));
  } else if constexpr (std::is_same_v<Content, FetchShuffleBlock>) {
    shuffle_.answer(from, content);
  } else if constexpr (std::is_same_v<Content, ShuffleBlock>) {
    shuffle_.answered(content);
  } else if constexpr (requires { blocks_.received(from, content); }) {
    blocks_.received(from, content);
  } else if constexpr (requires { blocks_.received(content); }) {
    blocks_.received(content);
  } else if constexpr (requires { receivers_.received(content); }) {
    receivers_.received(content);
  } else {
    INVARIANT(false, "an executor was sent what is for a driver");
  }
}

void Executor::lost(Address peer) {
  if (peer == driver_) {
    spawn(ports_.executor, exit_later());
  } else {
    shuffle_.peer_lost(peer);
    blocks_.peer_lost(peer);
  }
}

Task<> Executor::exit_later() {
  co_await ports_.clock.sleep_for(cluster_.executor_exit_delay);
  exit_();
}

Task<> Executor::send_heartbeats() {
  for (;;) {
    co_await ports_.clock.sleep_for(cluster_.heartbeat_interval);
    endpoint_.send(driver_, Heartbeat{});
  }
}

Task<> Executor::run_task(std::shared_ptr<const TaskDescription> task) {
  const PointContext here = context(task->key);
  co_await ports_.points.reach(Point::kTaskStarted, here);
  const TaskOutcome outcome = co_await execute(task);
  endpoint_.send(
      driver_,
      TaskFinished{.key = task->key, .error = outcome.error, .missing_map = outcome.missing_map});
  co_await ports_.points.reach(Point::kTaskReported, here);
}

// The mistake of TaskReport::kBeforeOutput. The driver believes the first report.
void Executor::report_if_early(const TaskKey& task) {
  if (pipeline_.protocol.task_report == TaskReport::kBeforeOutput) {
    endpoint_.send(driver_, TaskFinished{.key = task, .error = {}, .missing_map = -1});
  }
}

Task<Executor::TaskOutcome> Executor::execute(std::shared_ptr<const TaskDescription> task) {
  return throwing_.times > 0 ? execute_and_throw(std::move(task)) : run_stage(std::move(task));
}

Task<Executor::TaskOutcome> Executor::execute_and_throw(
    std::shared_ptr<const TaskDescription> task) {
  --throwing_.times;
  TaskOutcome outcome;
  if (throwing_.when_done) {
    outcome = co_await run_stage(std::move(task));
  }
  if (!outcome.error) {
    outcome.error = Errc::kRefused;
  }
  co_return outcome;
}

Task<Executor::TaskOutcome> Executor::run_stage(std::shared_ptr<const TaskDescription> task) {
  switch (task->key.stage) {
    case Stage::kResult:
      return run_result(task->key, task->input);
    case Stage::kMap:
      return run_map(task->key, task->input);
    case Stage::kReduce:
      break;
  }
  return run_reduce(std::move(task));
}

Task<Result<Executor::Input>> Executor::take_input(TaskKey task, TaskInput source) {
  auto records = co_await input_.read(std::move(source));
  if (!records) {
    co_return records.error();
  }
  const PointContext here = context(task);
  co_await ports_.points.reach(Point::kTaskInputRead, here);
  Input input{.elements = to_elements(std::move(records.value())), .held_bytes = 0};
  input.held_bytes = bytes_of(input.elements);
  memory_.task_memory_changed(input.held_bytes);
  co_await process(input.elements.size());
  co_return input;
}

Task<> Executor::process(std::size_t record_count) {
  const Duration work =
      pipeline_.processing_time_per_record * static_cast<std::int64_t>(record_count);
  return ports_.clock.sleep_for(work);
}

Task<Executor::TaskOutcome> Executor::run_result(TaskKey task, TaskInput source) {
  TaskOutcome outcome;
  auto input = co_await take_input(task, source);
  if (!input) {
    outcome.error = input.error();
    co_return outcome;
  }
  std::vector<Element> results =
      apply_narrow(pipeline_.operations, std::move(input.value().elements), ports_.random);
  report_if_early(task);
  const auto written = co_await output_.write(task, std::move(source), std::move(results));
  memory_.task_memory_changed(-input.value().held_bytes);
  if (!written) {
    outcome.error = written.error();
  }
  co_return outcome;
}

std::size_t Executor::shuffle_index() const {
  const auto shuffle = std::ranges::find_if(pipeline_.operations, &Operation::is_shuffle);
  INVARIANT(shuffle != pipeline_.operations.end(), "a pipeline of two stages has a shuffle");
  return static_cast<std::size_t>(shuffle - pipeline_.operations.begin());
}

Task<Executor::TaskOutcome> Executor::run_map(TaskKey task, TaskInput source) {
  TaskOutcome outcome;
  auto input = co_await take_input(task, source);
  if (!input) {
    outcome.error = input.error();
    co_return outcome;
  }
  const std::span<const Operation> operations = pipeline_.operations;
  const std::size_t shuffle = shuffle_index();
  const std::vector<Element> mapped =
      apply_narrow(operations.first(shuffle), std::move(input.value().elements), ports_.random);
  auto blocks = split_by_owner(combine_by_key(operations[shuffle], mapped, false),
                               pipeline_.source.partitions);
  shuffle_.keep(task.batch, task.partition, std::move(blocks));
  memory_.task_memory_changed(-input.value().held_bytes);
  co_return outcome;
}

Task<Executor::TaskOutcome> Executor::run_reduce(std::shared_ptr<const TaskDescription> task) {
  TaskOutcome outcome;
  std::vector<Element> gathered;
  PartitionId map = 0;
  for (const Address& holder : task->map_outputs) {
    const auto block = co_await shuffle_.fetch(holder, task->key.batch, map, task->key.partition);
    if (block) {
      std::ranges::copy(*block.value(), std::back_inserter(gathered));
    } else if (pipeline_.protocol.fetch_failure == FetchFailure::kRecompute) {
      outcome.error = block.error();
      outcome.missing_map = map;
      co_return outcome;
    }
    ++map;
  }
  const PointContext here = context(task->key);
  co_await ports_.points.reach(Point::kTaskInputRead, here);
  const std::span<const Operation> operations = pipeline_.operations;
  const std::size_t shuffle = shuffle_index();
  std::vector<Element> results = apply_narrow(operations.subspan(shuffle + 1),
                                              combine_by_key(operations[shuffle], gathered, true),
                                              ports_.random);
  report_if_early(task->key);
  const auto written = co_await output_.write(task->key, task->input, std::move(results));
  if (!written) {
    outcome.error = written.error();
  }
  co_return outcome;
}

}  // namespace engine
