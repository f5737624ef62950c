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
                     const std::vector<engine::OffsetRange>& ranges) override {
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
    if (recorder_.on_batch_processed) {
      recorder_.on_batch_processed(batch);
    }
  }

  void task_memory_changed(std::int64_t delta_bytes) override {
    recorder_.change_task_memory(process_.id(), delta_bytes);
  }

  void checkpoint_written(std::int64_t bytes) override {
    ++metrics().checkpoint_files;
    metrics().checkpoint_bytes_max = std::max(metrics().checkpoint_bytes_max, bytes);
  }

  [[nodiscard]] const sim::Process& process() const { return process_; }

 private:
  [[nodiscard]] engine::Incarnation life() const { return process_.address().incarnation; }

  [[nodiscard]] reports::Metrics& metrics() { return recorder_.ledger_.metrics; }

  Recorder& recorder_;
  sim::Process& process_;
};

Recorder::Recorder(sim::Scheduler& scheduler, std::int32_t partitions, bool has_shuffle)
    : scheduler_(scheduler),
      produced_until_(static_cast<std::size_t>(partitions)),
      planned_until_(static_cast<std::size_t>(partitions)),
      has_shuffle_(has_shuffle) {}

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
  add(process, event_of(EventKind::kProcessStarted));
  if (process.id().role == engine::Role::kDriver) {
    begin_driver_life(process.address().incarnation);
  }
  works_for_[process.id()] = driver_life_;
}

void Recorder::life_ended(const sim::Process& process, bool crashed) {
  add(process, event_of(crashed ? EventKind::kCrash : EventKind::kProcessExited));
  task_bytes_.erase(process.id());
}

void Recorder::begin_driver_life(engine::Incarnation life) {
  driver_life_ = life;
  std::ranges::fill(planned_until_, engine::Offset{});
  first_plan_of_life_ = ledger_.plans.size();
  ended_in_life_ = 0;
}

void Recorder::plan(engine::Incarnation driver,
                    engine::BatchTime batch,
                    const std::vector<engine::OffsetRange>& ranges) {
  std::int64_t records = 0;
  for (const engine::OffsetRange& range : ranges) {
    planned_until_.at(static_cast<std::size_t>(range.partition)) = range.until;
    records += range.count();
    ledger_.metrics.partition_records_max =
        std::max(ledger_.metrics.partition_records_max, range.count());
  }
  ledger_.metrics.batch_records_max = std::max(ledger_.metrics.batch_records_max, records);
  ledger_.plans.push_back(
      {.batch = batch, .driver = driver, .ranges = ranges, .executed = {}, .completed = false});
}

// An executor may outlive the driver that it works for: what it executes belongs to the plan of
// that life, whatever the next one has planned meanwhile.
void Recorder::output_ended(const sim::Process& executor, const engine::PointContext& context) {
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
  ++ended_in_life_;
  for (std::size_t i = first_plan_of_life_; i < ledger_.plans.size(); ++i) {
    reports::BatchPlan& plan = ledger_.plans[i];
    if (plan.driver == driver && plan.batch == batch) {
      plan.completed = plan.completed || completed;
    }
  }
}

void Recorder::change_task_memory(engine::ProcessId executor, std::int64_t delta_bytes) {
  std::int64_t& held = task_bytes_[executor];
  held += delta_bytes;
  INVARIANT(held >= 0, "{} holds {} bytes", engine::to_string(executor), held);
  ledger_.metrics.peak_task_bytes = std::max(ledger_.metrics.peak_task_bytes, held);
}

bool Recorder::drained_at(engine::BatchTime batch) const {
  if (ended_in_life_ != ledger_.plans.size() - first_plan_of_life_) {
    return false;
  }
  for (std::size_t i = 0; i < produced_until_.size(); ++i) {
    if (planned_until_[i] < produced_until_[i]) {
      return false;
    }
  }
  const auto plan = std::ranges::find_if(
      ledger_.plans.rbegin(), ledger_.plans.rend(), [batch](const reports::BatchPlan& candidate) {
        return candidate.batch == batch;
      });
  INVARIANT(plan != ledger_.plans.rend(), "a processed batch was planned");
  return std::ranges::all_of(plan->ranges, [](const auto& range) { return range.count() == 0; });
}

}  // namespace scenarios
