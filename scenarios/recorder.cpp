#include "scenarios/recorder.h"

#include <algorithm>
#include <utility>

#include "engine/ports/invariant.h"

namespace scenarios {

using reports::Event;
using reports::EventKind;

namespace {

Event event_of(EventKind kind) {
  Event event;
  event.kind = kind;
  return event;
}

Event failure(EventKind kind, boost::system::error_code why) {
  Event event = event_of(kind);
  event.code = why.value();
  return event;
}

}  // namespace

class Recorder::ProcessListener final : public engine::Listener {
 public:
  ProcessListener(Recorder& recorder, sim::Process& process)
      : recorder_(recorder), process_(process) {}

  void driver_started(bool /*recovered*/) override { ++metrics().driver_starts; }

  void driver_failed(boost::system::error_code why) override {
    recorder_.add(process_, failure(EventKind::kDriverFailed, why));
  }

  void batch_planned(engine::BatchTime batch,
                     const std::vector<engine::PlannedRange>& ranges) override {
    recorder_.plan(life(), batch, ranges);
  }

  void batch_generation_failed(engine::BatchTime batch, boost::system::error_code why) override {
    Event event = failure(EventKind::kGenerationFailed, why);
    event.batch = batch;
    recorder_.add(process_, event);
  }

  void batch_completed(engine::BatchTime batch) override {
    recorder_.end_batch(life(), batch, true);
  }

  void batch_failed(engine::BatchTime batch, boost::system::error_code why) override {
    Event event = failure(EventKind::kBatchFailed, why);
    event.batch = batch;
    recorder_.add(process_, event);
    recorder_.end_batch(life(), batch, false);
  }

  void batch_processed(engine::BatchTime batch) override {
    ++recorder_.change_count_;
    if (recorder_.on_batch_processed) {
      recorder_.on_batch_processed(batch);
    }
  }

  void task_memory_changed(std::int64_t delta_bytes) override {
    recorder_.change_memory(process_, delta_bytes, 0);
  }

  void block_memory_changed(std::int64_t delta_bytes) override {
    recorder_.change_memory(process_, 0, delta_bytes);
  }

  void receiver_position(engine::PartitionId partition, engine::Offset until) override {
    recorder_.note_position(process_.address(), partition, until);
    recorder_.move_receiver(process_.id(), partition, until);
  }

  void receiver_buffer_changed(std::int64_t delta_records) override {
    recorder_.change_buffer(process_.id(), delta_records);
  }

  void bytes_received(std::int64_t bytes) override { metrics().received_bytes += bytes; }

  void bytes_stored(engine::StoredAs where, std::int64_t bytes) override {
    stored_bytes(where) += bytes;
  }

  void checkpoint_written(std::int64_t bytes) override {
    ++metrics().checkpoint_files;
    metrics().checkpoint_bytes_max = std::max(metrics().checkpoint_bytes_max, bytes);
  }

  [[nodiscard]] const sim::Process& process() const { return process_; }

 private:
  [[nodiscard]] engine::Incarnation life() const { return process_.address().incarnation; }

  [[nodiscard]] reports::Metrics& metrics() { return recorder_.ledger_.metrics; }

  [[nodiscard]] std::int64_t& stored_bytes(engine::StoredAs where) {
    switch (where) {
      case engine::StoredAs::kBlock:
        return metrics().block_bytes;
      case engine::StoredAs::kReplica:
        return metrics().replica_bytes;
      case engine::StoredAs::kDataLog:
        return metrics().data_log_bytes;
      case engine::StoredAs::kDriverLog:
        return metrics().driver_log_bytes;
    }
    engine::fail_invariant("where", "bytes stored nowhere", BOOST_CURRENT_LOCATION);
  }

  Recorder& recorder_;
  sim::Process& process_;
};

Recorder::Recorder(sim::Scheduler& scheduler,
                   std::int32_t partitions,
                   bool has_shuffle,
                   bool has_receivers)
    : scheduler_(scheduler),
      produced_until_(static_cast<std::size_t>(partitions)),
      planned_until_(static_cast<std::size_t>(partitions)),
      has_shuffle_(has_shuffle),
      has_receivers_(has_receivers),
      positions_(static_cast<std::size_t>(partitions)) {}

Recorder::~Recorder() = default;

engine::Listener& Recorder::listener_of(sim::Process& process) {
  for (const auto& listener : listeners_) {
    if (&listener->process() == &process) {
      return *listener;
    }
  }
  listeners_.push_back(std::make_unique<ProcessListener>(*this, process));
  return *listeners_.back();
}

void Recorder::add(const sim::Process& process, Event event) {
  event.at = scheduler_.now();
  event.process = process.address();
  ledger_.events.push_back(event);
}

void Recorder::point_reached(const sim::Process& process,
                             engine::Point point,
                             const engine::PointContext& context) {
  Event event = event_of(EventKind::kPoint);
  event.point = point;
  event.batch = context.batch;
  event.partition = context.partition;
  event.attempt = context.attempt;
  add(process, event);
  if (point == engine::Point::kGeneratorBatchDue && context.batch) {
    due_at_[*context.batch] = scheduler_.now();
  }
  if (point == engine::Point::kTrackerBlocksAllocated) {
    last_allocated_ = context.batch;
  }
  if (point == engine::Point::kTaskOutputCommitted && !has_shuffle_) {
    output_ended(process, context);
  }
}

void Recorder::produced(reports::InputRecord record) {
  engine::Offset& until = produced_until_.at(static_cast<std::size_t>(record.position.partition));
  until = std::max(until, record.position.offset + 1);
  ledger_.metrics.input_bytes += std::ssize(record.key) + std::ssize(record.value);
  ledger_.inputs.push_back(std::move(record));
}

void Recorder::life_began(const sim::Process& process) {
  ++change_count_;
  add(process, event_of(EventKind::kProcessStarted));
  if (process.id().role == engine::Role::kDriver) {
    begin_driver_life(process.address().incarnation);
  }
  works_for_[process.id()] = driver_life_;
}

void Recorder::life_ended(const sim::Process& process, bool crashed) {
  ++change_count_;
  add(process, event_of(crashed ? EventKind::kCrash : EventKind::kProcessExited));
  if (memory_.erase(process.id()) > 0) {
    note_memory(process, {});
  }
  forget_receivers(process.id());
}

void Recorder::begin_driver_life(engine::Incarnation life) {
  driver_life_ = life;
  std::ranges::fill(planned_until_, engine::Offset{});
  for (std::vector<Position>& positions : positions_) {
    positions.clear();
  }
  due_at_.clear();
  last_allocated_.reset();
  first_plan_of_life_ = ledger_.plans.size();
  ended_in_life_ = 0;
}

void Recorder::plan(engine::Incarnation driver,
                    engine::BatchTime batch,
                    const std::vector<engine::PlannedRange>& ranges) {
  ++change_count_;
  // One that a recovery restored or caught up with never came due in this life.
  due_at_.try_emplace(batch, scheduler_.now());
  std::int64_t of_batch = 0;
  std::map<engine::PartitionId, std::int64_t> of_task;
  reports::Metrics& metrics = ledger_.metrics;
  for (const engine::PlannedRange& planned : ranges) {
    if (!has_receivers_) {
      const auto partition = static_cast<std::size_t>(planned.range.partition);
      planned_until_.at(partition) = planned.range.until;
    }
    of_batch += planned.range.count();
    std::int64_t& records = of_task[planned.task];
    records += planned.range.count();
    metrics.partition_records_max = std::max(metrics.partition_records_max, records);
  }
  metrics.batch_records_max = std::max(metrics.batch_records_max, of_batch);
  ledger_.plans.push_back(
      {.batch = batch, .driver = driver, .ranges = ranges, .executed = {}, .completed = false});
}

// An executor may outlive the driver that it works for: what it executes belongs to the plan of
// that life, whatever the next one has planned meanwhile.
void Recorder::output_ended(const sim::Process& executor, const engine::PointContext& context) {
  ++change_count_;
  const engine::Incarnation driver = works_for_[executor.id()];
  const auto plan = std::ranges::find_if(
      ledger_.plans.rbegin(), ledger_.plans.rend(), [&](const reports::BatchPlan& candidate) {
        return candidate.driver == driver && candidate.batch == context.batch;
      });
  INVARIANT(plan != ledger_.plans.rend(), "a task belongs to a planned batch");
  if (std::ranges::count(plan->executed, context.partition) == 0) {
    plan->executed.push_back(context.partition);
  }
}

void Recorder::end_batch(engine::Incarnation driver, engine::BatchTime batch, bool completed) {
  ++change_count_;
  ++ended_in_life_;
  for (std::size_t i = first_plan_of_life_; i < ledger_.plans.size(); ++i) {
    reports::BatchPlan& plan = ledger_.plans[i];
    if (plan.driver == driver && plan.batch == batch) {
      plan.completed = plan.completed || completed;
    }
  }
}

void Recorder::change_memory(const sim::Process& executor,
                             std::int64_t task_delta_bytes,
                             std::int64_t block_delta_bytes) {
  Memory& held = memory_[executor.id()];
  held.task_bytes += task_delta_bytes;
  held.block_bytes += block_delta_bytes;
  INVARIANT(held.task_bytes >= 0 && held.block_bytes >= 0,
            "{} holds {} bytes of task input and {} of blocks",
            engine::to_string(executor.id()),
            held.task_bytes,
            held.block_bytes);
  reports::Metrics& metrics = ledger_.metrics;
  metrics.peak_task_bytes = std::max(metrics.peak_task_bytes, held.task_bytes);
  metrics.peak_block_bytes = std::max(metrics.peak_block_bytes, held.block_bytes);
  metrics.peak_executor_bytes =
      std::max(metrics.peak_executor_bytes, held.task_bytes + held.block_bytes);
  note_memory(executor, held);
}

void Recorder::note_memory(const sim::Process& executor, Memory held) {
  if (is_close_) {
    ledger_.memory.push_back({.at = scheduler_.now(),
                              .process = executor.address(),
                              .task_bytes = held.task_bytes,
                              .block_bytes = held.block_bytes});
  }
}

void Recorder::note_position(engine::Address executor,
                             engine::PartitionId partition,
                             engine::Offset to) {
  if (is_close_) {
    ledger_.receiver_positions.push_back(
        {.at = scheduler_.now(), .process = executor, .partition = partition, .until = to});
  }
}

// A receiver that fetches goes forward; one that does not has started again. One that forgets where
// it is, to start again, and has a successor, may be refused and never heard of again: its
// successor's word stands until it says where it begins.
void Recorder::move_receiver(engine::ProcessId executor,
                             engine::PartitionId partition,
                             engine::Offset to) {
  if (works_for_[executor] != driver_life_) {
    return;
  }
  std::vector<Position>& positions = positions_.at(static_cast<std::size_t>(partition));
  const auto known = std::ranges::find(positions, executor, &Position::executor);
  if (known == positions.end() || known->until != to) {
    last_receiver_activity_ = scheduler_.now();
  }
  if (known != positions.end() && to == engine::Offset{} && std::next(known) != positions.end()) {
    positions.erase(known);
    return;
  }
  const Position said{.executor = executor, .until = to, .word = ++word_count_};
  if (known != positions.end() && known->until < to) {
    *known = said;
    return;
  }
  if (known != positions.end()) {
    positions.erase(known);
  }
  positions.push_back(said);
}

void Recorder::change_buffer(engine::ProcessId executor, std::int64_t delta_records) {
  std::int64_t& records = buffered_records_[executor];
  records += delta_records;
  INVARIANT(
      records >= 0, "receivers of {} buffer {} records", engine::to_string(executor), records);
  last_receiver_activity_ = scheduler_.now();
}

// With an executor goes what was said by those whose receivers it had succeeded: they are stopped,
// or nobody listens to them any more. Those that succeeded it remain.
void Recorder::forget_receivers(engine::ProcessId executor) {
  buffered_records_.erase(executor);
  given_up_.erase(executor);
  for (std::vector<Position>& positions : positions_) {
    const auto own = std::ranges::find(positions, executor, &Position::executor);
    if (own != positions.end()) {
      positions.erase(positions.begin(), std::next(own));
    }
  }
}

void Recorder::count_on(engine::ProcessId executor, bool counts) {
  if (counts) {
    given_up_.erase(executor);
  } else {
    given_up_.insert(executor);
  }
}

bool Recorder::has_planned_everything() const {
  for (std::size_t i = 0; i < produced_until_.size(); ++i) {
    if (planned_until_[i] < produced_until_[i]) {
      return false;
    }
  }
  return true;
}

// Its receivers have successors and it lives: it was given up. Nobody waits for what it holds, and
// it may hold it for ever, since a generator whose push has failed pushes no more.
bool Recorder::is_superseded(engine::ProcessId executor) const {
  bool has_positions = false;
  for (const std::vector<Position>& positions : positions_) {
    const auto own = std::ranges::find(positions, executor, &Position::executor);
    if (own == positions.end()) {
      continue;
    }
    has_positions = true;
    if (std::next(own) == positions.end()) {
      return false;
    }
  }
  return has_positions;
}

// A batch is named by the driver's clock, and what it can have seen happened in virtual time.
engine::Instant Recorder::due_at(engine::BatchTime batch) const {
  const auto due = due_at_.find(batch);
  return due == due_at_.end() ? batch.at : std::min(batch.at, due->second);
}

// Of several that say where they are in a partition the one counts who spoke last, and nobody who
// was given up: a process that stood still may start its receiver behind the successor.
bool Recorder::has_received_everything(engine::Instant before) const {
  for (std::size_t i = 0; i < produced_until_.size(); ++i) {
    const Position* latest = nullptr;
    for (const Position& said : positions_[i]) {
      const bool counts = !given_up_.contains(said.executor);
      latest = counts && (latest == nullptr || latest->word < said.word) ? &said : latest;
    }
    if (latest == nullptr || latest->until < produced_until_[i]) {
      return false;
    }
  }
  const auto holds_nothing = [this](const auto& buffered) {
    return buffered.second == 0 || given_up_.contains(buffered.first) ||
           is_superseded(buffered.first);
  };
  return last_receiver_activity_ < before && std::ranges::all_of(buffered_records_, holds_nothing);
}

bool Recorder::drained_at(engine::BatchTime batch) const {
  if (ended_in_life_ != ledger_.plans.size() - first_plan_of_life_) {
    return false;
  }
  if (has_receivers_ ? !has_received_everything(due_at(batch)) : !has_planned_everything()) {
    return false;
  }
  if (has_receivers_ && last_allocated_ < batch) {
    return false;
  }
  const auto plan = std::ranges::find_if(
      ledger_.plans.rbegin(), ledger_.plans.rend(), [batch](const reports::BatchPlan& candidate) {
        return candidate.batch == batch;
      });
  INVARIANT(plan != ledger_.plans.rend(), "a processed batch was planned");
  return std::ranges::all_of(
      plan->ranges, [](const engine::PlannedRange& planned) { return planned.range.count() == 0; });
}

// Of an input everything but its position follows from the workload.
void Recorder::describe(sim::StateBytes& state) const {
  state.add(std::uint64_t{ledger_.inputs.size()});
  for (const reports::InputRecord& input : ledger_.inputs) {
    state.add(input.position.partition);
    state.add(input.position.offset);
  }
  state.add(std::uint64_t{ledger_.plans.size()});
  for (const reports::BatchPlan& plan : ledger_.plans) {
    state.add(plan.batch.at);
    state.add(plan.driver);
    state.add(plan.completed);
    state.add(std::uint64_t{plan.ranges.size()});
    for (const engine::PlannedRange& planned : plan.ranges) {
      state.add(planned.range.partition);
      state.add(planned.range.from);
      state.add(planned.range.until);
      state.add(planned.task);
      state.add(plan.has_executed(planned.task));
      const engine::BlockId block = planned.block.value_or(engine::BlockId{.stream = -1});
      state.add(block.stream);
      state.add(block.number);
    }
  }
}

}  // namespace scenarios
