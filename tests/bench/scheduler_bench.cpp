// tests/bench/scheduler_bench.cpp
//
// What a step of virtual time costs: timers, messages, worlds, crashes, and the trace.

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "engine/ports/task.h"
#include "sim/process.h"
#include "sim/process_clock.h"
#include "sim/process_points.h"
#include "sim/scheduler.h"
#include "sim/trace.h"

namespace {

using engine::Duration;
using engine::Instant;
using engine::Task;
using std::chrono::microseconds;

engine::ProcessId executor_id(std::int32_t index) {
  return {engine::Role::kExecutor, index};
}

// One process with what it stands on, begun.
struct Actor {
  Actor(sim::Scheduler& scheduler, sim::Trace& trace, std::int32_t index)
      : process(scheduler, trace, nullptr, executor_id(index)),
        clock(process),
        points(process),
        signal(clock.make_signal()) {
    process.begin_life();
  }

  sim::Process process;
  sim::ProcessClock clock;
  sim::ProcessPoints points;
  std::unique_ptr<engine::Signal> signal;
};

struct Cast {
  Cast(sim::Scheduler& scheduler, sim::Trace& trace, std::int64_t count) {
    actors.reserve(static_cast<std::size_t>(count));
    for (std::int32_t index = 0; index < count; ++index) {
      actors.push_back(std::make_unique<Actor>(scheduler, trace, index));
    }
  }

  std::vector<std::unique_ptr<Actor>> actors;
};

Task<> wake_up(engine::Clock* clock, Duration period) {
  while (true) {
    co_await clock->sleep_until(clock->now() + period);
  }
}

void timer_wake_ups(benchmark::State& state) {
  sim::Scheduler scheduler;
  sim::Trace trace;
  const Cast cast(scheduler, trace, state.range(0));
  std::int64_t period = 1000;
  for (const auto& actor : cast.actors) {
    engine::spawn(actor->process.executor(), wake_up(&actor->clock, microseconds(period++)));
  }
  for (auto _ : state) {
    scheduler.run(scheduler.now() + microseconds(1'000'000));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(scheduler.operation_count()));
}

BENCHMARK(timer_wake_ups)->Arg(1)->Arg(10)->Arg(100)->Arg(1000);

constexpr std::int64_t kHopsPerRound = 100'000;

// Stops the scheduler when `left` of all actors together have been passed on.
Task<> hop(engine::Signal* own,
           engine::Signal* next,
           sim::Scheduler* scheduler,
           std::int64_t* left) {
  while (true) {
    co_await own->wait();
    next->notify();
    if (--*left == 0) {
      scheduler->stop();
    }
  }
}

// A ring in which every second actor holds a message.
void message_hops(benchmark::State& state) {
  sim::Scheduler scheduler;
  sim::Trace trace;
  const Cast cast(scheduler, trace, state.range(0));
  std::int64_t left = 0;
  for (std::size_t index = 0; index < cast.actors.size(); ++index) {
    Actor& actor = *cast.actors[index];
    Actor& next = *cast.actors[(index + 1) % cast.actors.size()];
    engine::spawn(actor.process.executor(),
                  hop(actor.signal.get(), next.signal.get(), &scheduler, &left));
    if (index % 2 == 0) {
      actor.signal->notify();
    }
  }
  for (auto _ : state) {
    left = kHopsPerRound;
    scheduler.run(Instant::max());
  }
  state.SetItemsProcessed(state.iterations() * kHopsPerRound);
}

BENCHMARK(message_hops)->Arg(2)->Arg(10)->Arg(100)->Arg(1000);

Task<> take_steps(sim::Process* process, Duration latency) {
  while (true) {
    co_await process->step(sim::Operation::kWork, 1, latency);
    co_await process->step(sim::Operation::kWork, 2, microseconds(0));
  }
}

// Traced effect boundaries, every second one with latency.
void steps(benchmark::State& state) {
  sim::Scheduler scheduler;
  sim::Trace trace;
  const Cast cast(scheduler, trace, state.range(0));
  std::int64_t latency = 1000;
  for (const auto& actor : cast.actors) {
    engine::spawn(actor->process.executor(), take_steps(&actor->process, microseconds(latency++)));
  }
  for (auto _ : state) {
    scheduler.run(scheduler.now() + microseconds(1'000'000));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(trace.step_count()));
}

BENCHMARK(steps)->Arg(1)->Arg(10)->Arg(100);

constexpr std::int64_t kPointsPerRound = 100'000;

Task<> reach_points(engine::Points* points, std::int64_t count) {
  engine::PointContext context;
  for (std::int64_t reached = 0; reached < count; ++reached) {
    co_await points->reach(engine::Point::kTaskStarted, context);
  }
}

void points_without_fault(benchmark::State& state) {
  sim::Scheduler scheduler;
  sim::Trace trace;
  const Cast cast(scheduler, trace, 1);
  Actor& actor = *cast.actors.front();
  for (auto _ : state) {
    engine::spawn(actor.process.executor(), reach_points(&actor.points, kPointsPerRound));
    scheduler.run(Instant::max());
  }
  state.SetItemsProcessed(state.iterations() * kPointsPerRound);
}

BENCHMARK(points_without_fault);

constexpr std::int64_t kActorsOfAWorld = 10;

// A world of ten processes that has `range(0)` events before it is torn down with all of them
// suspended.
void worlds(benchmark::State& state) {
  sim::SchedulerMemory memory;
  const Instant end{microseconds(state.range(0) / kActorsOfAWorld)};
  for (auto _ : state) {
    sim::Scheduler scheduler(memory);
    sim::Trace trace;
    const Cast cast(scheduler, trace, kActorsOfAWorld);
    for (const auto& actor : cast.actors) {
      engine::spawn(actor->process.executor(), wake_up(&actor->clock, microseconds(1)));
    }
    scheduler.run(end);
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(worlds)->Arg(0)->Arg(100)->Arg(1000);

// One of ten processes dies and comes back; the others wait.
void crashes_and_restarts(benchmark::State& state) {
  sim::Scheduler scheduler;
  sim::Trace trace;
  const Cast cast(scheduler, trace, kActorsOfAWorld);
  for (const auto& actor : cast.actors) {
    engine::spawn(actor->process.executor(), wake_up(&actor->clock, std::chrono::hours(1)));
  }
  Actor& actor = *cast.actors.front();
  for (auto _ : state) {
    scheduler.run(scheduler.now() + microseconds(1));
    actor.process.end_life();
    actor.process.begin_life();
    engine::spawn(actor.process.executor(), wake_up(&actor.clock, std::chrono::hours(1)));
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(crashes_and_restarts);

void trace_steps(benchmark::State& state) {
  sim::Trace trace;
  sim::TraceStep step;
  for (auto _ : state) {
    ++step.digest;
    trace.add(step);
  }
  benchmark::DoNotOptimize(trace.hash());
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(trace_steps);

}  // namespace
