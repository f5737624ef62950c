#include "engine/executor/executor.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

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
      output_(ports_, pipeline_),
      shuffle_(ports_, endpoint_) {}

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
  const auto& message = std::get<Message>(envelope.content);
  if (const auto* const launch = std::get_if<LaunchTask>(&message)) {
    spawn(ports_.executor, run_task(launch->task));
  } else if (const auto* const request = std::get_if<FetchShuffleBlock>(&message)) {
    shuffle_.answer(envelope.from, *request);
  } else if (const auto* const block = std::get_if<ShuffleBlock>(&message)) {
    shuffle_.answered(*block);
  } else {
    INVARIANT(false, "an executor was sent message {}", message.index());
  }
}

void Executor::lost(Address peer) {
  if (peer == driver_) {
    spawn(ports_.executor, exit_later());
  } else {
    shuffle_.peer_lost(peer);
  }
}

Task<> Executor::exit_later() {
  co_await ports_.clock.sleep_until(ports_.clock.now() + cluster_.executor_exit_delay);
  exit_();
}

Task<> Executor::send_heartbeats() {
  for (;;) {
    co_await ports_.clock.sleep_until(ports_.clock.now() + cluster_.heartbeat_interval);
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

Task<Executor::TaskOutcome> Executor::execute(std::shared_ptr<const TaskDescription> task) {
  switch (task->key.stage) {
    case Stage::kResult:
      return run_result(task->key, task->range);
    case Stage::kMap:
      return run_map(task->key, task->range);
    case Stage::kReduce:
      break;
  }
  return run_reduce(std::move(task));
}

// Exactly the records of the range, or an error: KafkaRDD never reads less in silence.
Task<Result<Executor::Input>> Executor::take_input(TaskKey task, OffsetRange range) {
  std::vector<Element> elements;
  if (range.count() > 0) {
    auto records = co_await ports_.kafka.fetch(pipeline_.source.topic, range);
    if (!records) {
      co_return records.error();
    }
    INVARIANT(std::ssize(records.value()) == range.count(),
              "{} records were read of a range of {}",
              records.value().size(),
              range.count());
    elements = to_elements(std::move(records.value()));
  }
  const PointContext here = context(task);
  co_await ports_.points.reach(Point::kTaskInputRead, here);
  Input input{.elements = std::move(elements), .held_bytes = 0};
  input.held_bytes = bytes_of(input.elements);
  ports_.listener.task_memory_changed(input.held_bytes);
  co_await process(input.elements.size());
  co_return input;
}

Task<> Executor::process(std::size_t record_count) {
  const Duration work =
      pipeline_.processing_time_per_record * static_cast<std::int64_t>(record_count);
  return ports_.clock.sleep_until(ports_.clock.now() + work);
}

Task<Executor::TaskOutcome> Executor::run_result(TaskKey task, OffsetRange range) {
  TaskOutcome outcome;
  auto input = co_await take_input(task, range);
  if (!input) {
    outcome.error = input.error();
    co_return outcome;
  }
  std::vector<Element> results =
      apply_narrow(pipeline_.operations, std::move(input.value().elements), ports_.random);
  const auto written = co_await output_.write(task, range, std::move(results));
  ports_.listener.task_memory_changed(-input.value().held_bytes);
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

Task<Executor::TaskOutcome> Executor::run_map(TaskKey task, OffsetRange range) {
  TaskOutcome outcome;
  auto input = co_await take_input(task, range);
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
  ports_.listener.task_memory_changed(-input.value().held_bytes);
  co_return outcome;
}

Task<Executor::TaskOutcome> Executor::run_reduce(std::shared_ptr<const TaskDescription> task) {
  TaskOutcome outcome;
  std::vector<Element> gathered;
  PartitionId map = 0;
  for (const Address& holder : task->map_outputs) {
    const auto block = co_await shuffle_.fetch(holder, task->key.batch, map, task->key.partition);
    if (!block) {
      outcome.error = block.error();
      outcome.missing_map = map;
      co_return outcome;
    }
    std::ranges::copy(*block.value(), std::back_inserter(gathered));
    ++map;
  }
  const PointContext here = context(task->key);
  co_await ports_.points.reach(Point::kTaskInputRead, here);
  const std::span<const Operation> operations = pipeline_.operations;
  const std::size_t shuffle = shuffle_index();
  std::vector<Element> results = apply_narrow(operations.subspan(shuffle + 1),
                                              combine_by_key(operations[shuffle], gathered, true),
                                              ports_.random);
  const auto written = co_await output_.write(task->key, task->range, std::move(results));
  if (!written) {
    outcome.error = written.error();
  }
  co_return outcome;
}

}  // namespace engine
