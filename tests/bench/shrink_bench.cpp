// tests/bench/shrink_bench.cpp
//
// How long it takes from a finding of the catalogue to the least world that shows it.

#include <cstdint>
#include <string>
#include <utility>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "scenarios/catalogue.h"
#include "scenarios/commands/token_scenario.h"
#include "scenarios/findings.h"
#include "scenarios/shrinker.h"
#include "tests/support/world_fixture.h"

namespace {

using scenarios::Scenario;
using scenarios::Shrunk;

constexpr std::int64_t kBudget = 20'000;  // that of the command

Scenario named(const std::string& name) {
  auto found = scenarios::find_scenarios({name});
  INVARIANT(found && found->size() == 1, "{} is in the catalogue", name);
  return std::move(found->front());
}

// Items are runs of smaller and smaller worlds.
void shrink_finding_of(benchmark::State& state, const std::string& name) {
  const Scenario scenario = named(name);
  const auto document = scenarios::document_of(scenario);
  INVARIANT(document, "a scenario that was loaded has a document");
  tests::Player player;
  const auto shown = scenarios::shown_by(player.play(tests::prepared_from(scenario)).verdict);
  INVARIANT(!shown.empty(), "{} shows something", name);
  const scenarios::ShrinkRequest request{.document = document.value(),
                                         .path = scenario.path,
                                         .seed = scenario.seed,
                                         .plan = scenario.faults,
                                         .finding = shown.front().first,
                                         .budget = kBudget,
                                         .out_of_time = {}};
  std::int64_t runs = 0;
  Shrunk last;
  for (auto unused : state) {
    auto shrunk = scenarios::shrink(player.runner(), request);
    INVARIANT(shrunk, "{} shrinks", name);
    last = std::move(shrunk.value());
    runs += last.runs;
  }
  state.SetItemsProcessed(runs);
  state.counters["runs"] = static_cast<double>(last.runs);
  state.counters["cost_before"] = static_cast<double>(last.original.cost());
  state.counters["cost_after"] = static_cast<double>(last.smallest.size.cost());
}

const bool findings_are_registered = [] {
  for (const char* const name : {"executor_dies_after_it_wrote",
                                 "offsets_in_zookeeper_before_output",
                                 "failed_batch_loses_its_range_to_the_next",
                                 "batch_uid_loses_in_a_second_recovery",
                                 "cluster_dies_while_it_writes_append",
                                 "stored_in_the_log_and_not_yet_committed",
                                 "acknowledged_and_computing_when_the_driver_dies",
                                 "zombie_receiver_and_its_successor_read_everything"}) {
    benchmark::RegisterBenchmark(
        fmt::format("shrink/{}", name).c_str(),
        [name](benchmark::State& state) { shrink_finding_of(state, name); })
        ->Unit(benchmark::kMillisecond);
  }
  return true;
}();

}  // namespace
