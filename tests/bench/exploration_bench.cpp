// tests/bench/exploration_bench.cpp
//
// How fast schedules are explored: one of each pipeline of the guarantee table, a world in which
// hardly anything happens, and what the trace costs.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "scenarios/matrix/rows.h"
#include "tests/support/world_fixture.h"

namespace {

using tests::ClusterKind;

// --- Pipelines ---------------------------------------------------------------------------------

std::string name_of(const scenarios::MatrixRow& row) {
  std::string name = std::string(row.source_name());
  if (row.receiver) {
    name += row.reliable ? "/reliable" : "/unreliable";
    name += row.write_ahead_log ? "/log" : "/no-log";
  } else {
    name += fmt::format("/{}", row.offsets_name());
  }
  return fmt::format(
      "{}/{}/{}", name, row.checkpoint ? "checkpoint" : "no-checkpoint", row.sink_name());
}

// The driver dies while the second batch runs, and comes back.
faults::FaultPlan driver_crash() {
  return {faults::Crash{.target = {.kind = faults::TargetKind::kDriver, .index = 0},
                        .at = faults::AtTime{.since_start = std::chrono::milliseconds(2010)},
                        .restart_after = std::nullopt,
                        .restarts = true,
                        .redeploy = {}}};
}

void play_row(benchmark::State& state, const scenarios::MatrixRow& row) {
  auto scenario = scenarios::load_scenario(row);
  INVARIANT(scenario, "the scenario of a row loads");
  const auto prepared = tests::prepared_from(std::move(scenario.value()));
  const faults::FaultPlan plan = driver_crash();
  tests::Player player(ClusterKind::kModel);
  std::uint64_t operations = 0;
  for (auto unused : state) {
    const scenarios::JudgedRun judged = player.play(prepared, prepared.scenario.seed, plan);
    INVARIANT(tests::crash_count(judged.run.ledger, engine::Role::kDriver) == 1, "one crash");
    operations += judged.run.operations;
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["operations"] =
      benchmark::Counter(static_cast<double>(operations), benchmark::Counter::kAvgIterations);
}

// --- Trace -------------------------------------------------------------------------------------

using WallClock = std::chrono::steady_clock;

double seconds_of(scenarios::Runner& runner,
                  const scenarios::PreparedScenario& prepared,
                  sim::Trace::Recording recording) {
  const auto start = WallClock::now();
  const auto judged = runner.run(prepared, prepared.scenario.seed, driver_crash(), recording);
  INVARIANT(judged.has_value(), "{}", judged.error().message);
  return std::chrono::duration<double>(WallClock::now() - start).count();
}

// The same schedule with its trace and without, in turn. `hashed` and `recorded` are how many times
// longer it takes with a hash, and with every step kept; of the quickest runs of each.
void play_with_and_without_trace(benchmark::State& state, const scenarios::MatrixRow& row) {
  using Recording = sim::Trace::Recording;
  auto scenario = scenarios::load_scenario(row);
  INVARIANT(scenario, "the scenario of a row loads");
  const auto prepared = tests::prepared_from(std::move(scenario.value()));
  tests::Player player(ClusterKind::kModel);
  std::map<Recording, double> quickest;
  for (auto unused : state) {
    for (const auto recording : {Recording::kNothing, Recording::kHashOnly, Recording::kSteps}) {
      const double seconds = seconds_of(player.runner(), prepared, recording);
      const auto kept = quickest.try_emplace(recording, seconds).first;
      kept->second = std::min(kept->second, seconds);
    }
  }
  state.counters["hashed"] = quickest[Recording::kHashOnly] / quickest[Recording::kNothing];
  state.counters["recorded"] = quickest[Recording::kSteps] / quickest[Recording::kNothing];
}

// --- Idleness ----------------------------------------------------------------------------------

// One record a minute for a day.
std::string idle_scenario(const std::string& batch_interval) {
  return fmt::format(R"(
scenario: idle
description: A day with one record a minute.
topic: {{ name: sessions, partitions: 1 }}
workload: {{ records: 1440, keys: 40, rate: 0.016666667/s, value_bytes: 64 }}
pipeline:
  batch_interval: {}
  source: {{ kind: kafka-direct, offsets: sink }}
  checkpoint: {{ enabled: false }}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: offsets, store: memory }}
cluster: {{ executors: 1, cores: 1 }}
stop: {{ when: time, at: 86400s }}
expect: {{ output: exactly-once }}
)",
                     batch_interval);
}

// Items are simulated seconds: items_per_second is how much faster than the wall clock.
void a_day_of_a_record_a_minute(benchmark::State& state) {
  const auto prepared = tests::prepared_from(idle_scenario(fmt::format("{}s", state.range(0))));
  tests::Player player(ClusterKind::kModel);
  std::int64_t simulated_s = 0;
  for (auto unused : state) {
    const scenarios::JudgedRun judged = player.play(prepared);
    INVARIANT(judged.run.ledger.inputs.size() > 1400, "the records of a day");
    simulated_s += std::chrono::duration_cast<std::chrono::seconds>(
                       judged.run.ledger.ended_at.time_since_epoch())
                       .count();
  }
  state.SetItemsProcessed(simulated_s);
}

BENCHMARK(a_day_of_a_record_a_minute)
    ->ArgName("batch_interval_s")
    ->Arg(1)
    ->Arg(60)
    ->Unit(benchmark::kMillisecond);

const bool rows_are_registered = [] {
  for (const scenarios::MatrixRow& row : scenarios::matrix_rows(scenarios::Engine::kFaithful)) {
    const std::string name = name_of(row);
    benchmark::RegisterBenchmark(("schedule/" + name).c_str(), [row](benchmark::State& state) {
      play_row(state, row);
    })->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(("trace/" + name).c_str(), [row](benchmark::State& state) {
      play_with_and_without_trace(state, row);
    })->Unit(benchmark::kMicrosecond);
  }
  return true;
}();

}  // namespace
