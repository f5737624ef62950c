// tests/scenario/exploration_test.cpp
//
// What a search leaves out changes nothing of what it finds: on small worlds it is held against
// brute force, in which every schedule is run to its end. And what it has found is a value: E1 and
// E2 of scenarios/exploration.h.

#include "scenarios/exploration.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ports/invariant.h"
#include "scenarios/explorer.h"
#include "tests/support/world_fixture.h"

namespace {

using scenarios::Exploration;
using scenarios::Explorer;
using scenarios::PreparedScenario;
using scenarios::Runner;
using scenarios::SearchOptions;
using testing::Contains;
using testing::IsEmpty;
using testing::Key;
using testing::Not;

// A pipeline that is over soon: few places to die at, and all that can go wrong.
struct SmallWorld {
  std::string name;
  std::string source = "{ kind: kafka-direct, offsets: checkpoint }";
  std::string checkpoint = "{ enabled: true, storage: s3 }";
  std::string sink = "append";
  std::string cluster = "{ executors: 1, cores: 1 }";
  std::string faults = "[]";
  std::string crash = "[ driver, \"executor:0\", cluster ]";
  std::int32_t depth = 2;
  std::int32_t records = 2;
};

void PrintTo(const SmallWorld& world, std::ostream* out) {
  *out << world.name;
}

PreparedScenario prepared(const SmallWorld& world) {
  return tests::prepared_from(fmt::format(R"(
scenario: small
description: A world that can be searched by brute force.
topic: {{ name: sessions, partitions: 1 }}
workload: {{ records: {}, keys: 2, rate: 2/s, value_bytes: 8 }}
pipeline:
  batch_interval: 1s
  source: {}
  checkpoint: {}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: {}, store: memory }}
cluster: {}
faults: {}
explore: {{ depth: {}, crash: {} }}
)",
                                          world.records,
                                          world.source,
                                          world.checkpoint,
                                          world.sink,
                                          world.cluster,
                                          world.faults,
                                          world.depth,
                                          world.crash));
}

Exploration search(tests::Player& player,
                   const PreparedScenario& prepared,
                   const SearchOptions& options) {
  auto explored = scenarios::explore(player.runner(), prepared, prepared.scenario.seed, options);
  INVARIANT(explored.has_value(), "{}", explored.error().message);
  return std::move(explored.value());
}

std::vector<std::string> kinds_of(const Exploration& exploration) {
  std::vector<std::string> kinds;
  for (const auto& [kind, finding] : exploration.findings) {
    kinds.push_back(fmt::format("{}, {} faults, at worst {}, over at {} us",
                                kind,
                                finding.plan.size(),
                                exploration.worst.at(kind),
                                finding.ended_at.time_since_epoch().count()));
  }
  return kinds;
}

// --- Brute force ---------------------------------------------------------------------------------

class PruningTest : public testing::TestWithParam<SmallWorld> {};

// E1  What was left out is counted by its reason.
TEST_P(PruningTest, LeavesNoFindingOut) {
  const PreparedScenario small = prepared(GetParam());
  tests::Player player;
  SearchOptions options = scenarios::search_options(small.scenario);
  const Exploration pruned = search(player, small, options);
  options.prunes = false;
  const Exploration brute = search(player, small, options);

  EXPECT_EQ(kinds_of(pruned), kinds_of(brute));
  EXPECT_EQ(pruned.worst, brute.worst);
  EXPECT_EQ(pruned.received, brute.received);
  EXPECT_EQ(pruned.processed, brute.processed);
  EXPECT_EQ(pruned.output, brute.output);
  EXPECT_EQ(pruned.of, brute.of);
  EXPECT_EQ(brute.schedules, brute.of) << "brute force runs everything there is";
  EXPECT_LT(pruned.schedules, brute.schedules);
  EXPECT_EQ(pruned.schedules + pruned.pruned.total(), pruned.of);
  EXPECT_TRUE(pruned.of_is_whole);
  EXPECT_FALSE(pruned.cut_short);
}

// What happened to a world from its black-out on, as far as anybody could tell: when who came to an
// effect boundary, what lies in the sink, and the verdict.
std::string future_of(const scenarios::JudgedRun& judged) {
  const scenarios::RunResult& run = judged.run;
  std::string text;
  const std::size_t first = run.black_out ? run.black_out->boundaries_before : 0;
  for (std::size_t i = first; i < run.counted.boundaries.size(); ++i) {
    const faults::Boundary& boundary = run.counted.boundaries[i];
    text += fmt::format(
        "{} at {}\n", engine::to_string(boundary.process), boundary.at.time_since_epoch().count());
  }
  for (const reports::OutputRecord& row : run.ledger.outputs) {
    text += fmt::format(
        "{}/{} {}={}\n", row.source.partition, row.source.offset.value, row.key, row.value);
  }
  const reports::Verdict& verdict = judged.verdict;
  for (const auto& stage : {verdict.received, verdict.processed, verdict.output}) {
    text += fmt::format("lost {}, duplicated {}\n", stage.lost, stage.duplicated);
  }
  return text + fmt::format("reordered {}, phantom {}, stalled {}, over at {}",
                            verdict.reordered,
                            verdict.phantom,
                            verdict.stalled,
                            run.ledger.ended_at.time_since_epoch().count());
}

// Runs every schedule to its end and holds what pruning would have said of it against that.
class FutureKeeper {
 public:
  FutureKeeper(tests::Player& player, const PreparedScenario& prepared)
      : player_(player),
        prepared_(prepared),
        targets_(scenarios::explored_targets(prepared.scenario)) {}

  scenarios::JudgedRun run(const faults::FaultPlan& plan) {
    auto judged = player_.runner().run(prepared_,
                                       prepared_.scenario.seed,
                                       plan,
                                       sim::Trace::Recording::kHashOnly,
                                       {.targets = targets_, .is_known = {}});
    INVARIANT(judged.has_value(), "{}", judged.error().message);
    return std::move(judged.value());
  }

  // Every `stride`-th next crash of a schedule that was run, and with `depth` 2 those behind them.
  void follow(const faults::FaultPlan& plan,
              const faults::CountedRun& counted,
              std::size_t stride,
              std::int32_t depth) {
    const auto all = scenarios::next_crashes(
        prepared_.scenario, counted, scenarios::explored_targets(prepared_.scenario));
    for (std::size_t n = 0; n < all.size(); n += stride) {
      const scenarios::JudgedRun judged = run_one_more(plan, all[n]);
      compare_with_same_state(judged);
      if (all[n].pruning == faults::Pruning::kSameBlackOut) {
        const scenarios::JudgedRun other = run_one_more(plan, all[all[n].same_as]);
        ASSERT_TRUE(judged.run.black_out && other.run.black_out) << judged.token;
        EXPECT_EQ(judged.run.black_out->state, other.run.black_out->state)
            << judged.token << " and " << other.token;
        ++same_by_rule_;
      }
      if (depth > 1) {
        faults::FaultPlan next = plan;
        next.emplace_back(all[n].crash);
        follow(next, judged.run.counted, stride, depth - 1);
      }
    }
  }

  [[nodiscard]] int same_by_rule() const { return same_by_rule_; }

  [[nodiscard]] int same_by_hash() const { return same_by_hash_; }

 private:
  scenarios::JudgedRun run_one_more(faults::FaultPlan plan, const faults::NextCrash& next) {
    plan.emplace_back(next.crash);
    return run(plan);
  }

  void compare_with_same_state(const scenarios::JudgedRun& judged) {
    if (!judged.run.black_out) {
      return;
    }
    const auto [known, added] =
        futures_.try_emplace(judged.run.black_out->state, future_of(judged), judged.token);
    if (!added) {
      ++same_by_hash_;
      EXPECT_EQ(future_of(judged), known->second.first)
          << judged.token << " and " << known->second.second;
    }
  }

  tests::Player& player_;
  const PreparedScenario& prepared_;
  std::vector<faults::Target> targets_;
  std::map<sim::StateHash, std::pair<std::string, std::string>> futures_;  // with their tokens
  int same_by_rule_ = 0;
  int same_by_hash_ = 0;
};

// Sharper than the findings of a search, in which two mistakes may make up for each other.
TEST_P(PruningTest, EqualStatesHaveEqualFutures) {
  const PreparedScenario small = prepared(GetParam());
  tests::Player player;
  FutureKeeper keeper(player, small);
  const scenarios::JudgedRun own = keeper.run(small.scenario.faults);
  keeper.follow(small.scenario.faults, own.run.counted, 1, 1);
  keeper.follow(small.scenario.faults, own.run.counted, 13, 2);
  EXPECT_GT(keeper.same_by_rule(), 0);
  EXPECT_GT(keeper.same_by_hash(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Small,
    PruningTest,
    testing::Values(
        SmallWorld{.name = "append"},
        SmallWorld{.name = "append_after_a_crash_of_its_own",
                   .faults = "[ { crash: driver, at: { time: 1500ms } } ]",
                   .depth = 1},
        SmallWorld{.name = "disk_outcomes",
                   .checkpoint = "{ enabled: true, storage: hdfs }",
                   .crash = "[ driver ]"},
        SmallWorld{.name = "machine_with_a_local_disk",
                   .checkpoint = "{ enabled: true, storage: local }",
                   .crash = "[ \"machine:0\", driver ]"},
        SmallWorld{.name = "upsert", .sink = "upsert", .crash = "[ driver, cluster ]"},
        SmallWorld{.name = "offsets_in_the_sink",
                   .source = "{ kind: kafka-direct, offsets: sink }",
                   .checkpoint = "{ enabled: false }",
                   .sink = "offsets"},
        SmallWorld{.name = "offsets_in_zookeeper",
                   .source = "{ kind: kafka-direct, offsets: zookeeper }",
                   .checkpoint = "{ enabled: false }"},
        SmallWorld{
            .name = "batch_uid", .sink = "batch-uid", .crash = "[ \"executor:0\", cluster ]"},
        SmallWorld{.name = "receiver_with_a_log",
                   .source = "{ kind: kafka-receiver, reliable: true, write_ahead_log: true, "
                             "block_interval: 500ms, poll_interval: 500ms }",
                   .cluster = "{ executors: 1, cores: 2 }",
                   .crash = "[ driver, \"receiver:0\", cluster ]",
                   .depth = 1},
        SmallWorld{.name = "receiver_without_a_log",
                   .source = "{ kind: kafka-receiver, reliable: true, write_ahead_log: false, "
                             "block_interval: 500ms, poll_interval: 500ms }",
                   .cluster = "{ executors: 1, cores: 2 }",
                   .crash = "[ driver, cluster ]",
                   .depth = 1}),
    [](const testing::TestParamInfo<SmallWorld>& world) { return world.param.name; });

TEST(Exploration, E1AllAccounted) {
  tests::Player player;
  const PreparedScenario small = prepared({.name = ""});
  const Exploration found = search(player, small, {.depth = 1});
  EXPECT_EQ(found.schedules + found.pruned.total(), found.of);
  EXPECT_GT(found.pruned.same_by_rule, 0);
  EXPECT_GT(found.pruned.same_by_hash, 0);
}

// A search that finds nothing would pass the comparison as well.
TEST(Exploration, TheSmallWorldsBreakAsTheirPipelinesDo) {
  tests::Player player;
  const Exploration append = search(player, prepared({.name = ""}), {.depth = 1});
  EXPECT_THAT(append.findings, Contains(Key("duplicated")));
  const Exploration offsets = search(player,
                                     prepared({.name = "",
                                               .source = "{ kind: kafka-direct, offsets: sink }",
                                               .checkpoint = "{ enabled: false }",
                                               .sink = "offsets"}),
                                     {.depth = 2});
  EXPECT_EQ(offsets.output, reports::Guarantee::kExactlyOnce);
}

// --- Parts ---------------------------------------------------------------------------------------

// Everything but the baseline, which is the whole's alone.
std::string text_of(const Exploration& exploration) {
  std::string text = fmt::format("{} of {} {}, pruned {} {} {} {}, {} {} {}, {}",
                                 exploration.schedules,
                                 exploration.of,
                                 exploration.of_is_whole,
                                 exploration.pruned.nobody_to_hit,
                                 exploration.pruned.nothing_unsynced,
                                 exploration.pruned.same_by_rule,
                                 exploration.pruned.same_by_hash,
                                 reports::to_string(exploration.received),
                                 reports::to_string(exploration.processed),
                                 reports::to_string(exploration.output),
                                 scenarios::to_string(exploration.explored));
  for (const auto& [kind, finding] : exploration.findings) {
    text += fmt::format(
        "; {} {} {} {}", kind, finding.count, exploration.worst.at(kind), finding.token);
  }
  return text;
}

Explorer explorer_of(const PreparedScenario& prepared, const SearchOptions& options) {
  return Explorer(prepared,
                  {.kind = scenarios::KafkaKind::kModel, .address = {}, .session = {}},
                  prepared.scenario.seed,
                  options);
}

Explorer::Done work(const Explorer& explorer, tests::Player& player, std::size_t job) {
  auto done = explorer.work(player.runner(), job, explorer.schedules_left());
  INVARIANT(done.has_value(), "{}", done.error().message);
  return std::move(done.value());
}

// Few boundaries, and nothing that a search does not have.
SmallWorld cheapest() {
  return {.name = "",
          .source = "{ kind: kafka-direct, offsets: zookeeper }",
          .checkpoint = "{ enabled: false }"};
}

// The jobs of the last round.
std::vector<Exploration> parts_of(const PreparedScenario& prepared, tests::Player& player) {
  Explorer explorer = explorer_of(prepared, {.depth = 2});
  for (; !explorer.is_last_round(); explorer.begin_next_round()) {
    for (std::size_t job = 0; job < explorer.job_count(); ++job) {
      explorer.take(work(explorer, player, job));
    }
  }
  std::vector<Exploration> parts;
  for (std::size_t job = 0; job < explorer.job_count(); ++job) {
    parts.push_back(work(explorer, player, job).part);
  }
  return parts;
}

Exploration merged(const std::vector<Exploration>& parts) {
  Exploration whole;
  for (const Exploration& part : parts) {
    merge(whole, part);
  }
  return whole;
}

TEST(Exploration, E2MergingIsAssociativeAndCommutative) {
  tests::Player player;
  std::vector<Exploration> parts = parts_of(prepared(cheapest()), player);
  ASSERT_GT(parts.size(), 3U);
  const std::string forwards = text_of(merged(parts));
  std::ranges::reverse(parts);
  EXPECT_EQ(text_of(merged(parts)), forwards);
  const auto middle = parts.begin() + std::ssize(parts) / 3;
  const Exploration left = merged({parts.begin(), middle});
  const Exploration right = merged({middle, parts.end()});
  EXPECT_EQ(text_of(merged({left, right})), forwards);
  EXPECT_NE(text_of(left), forwards);
}

// So that any thread may do any of them at any time.
TEST(Exploration, AJobGivesTheSameWhateverWasDoneBefore) {
  tests::Player player;
  const PreparedScenario small = prepared(cheapest());
  const std::vector<Exploration> first = parts_of(small, player);
  const std::vector<Exploration> again = parts_of(small, player);
  ASSERT_EQ(first.size(), again.size());
  for (std::size_t part = 0; part < first.size(); ++part) {
    EXPECT_EQ(text_of(first[part]), text_of(again[part]));
  }
}

TEST(Exploration, ABudgetIsSpentAndNotExceeded) {
  tests::Player player;
  const PreparedScenario small = prepared({.name = ""});
  const Exploration whole = search(player, small, {.depth = 1});
  const Exploration all_but_one =
      search(player, small, {.depth = 1, .budget = whole.schedules - 1});
  EXPECT_EQ(all_but_one.schedules, whole.schedules - 1);
  EXPECT_TRUE(all_but_one.cut_short);
  EXPECT_FALSE(all_but_one.of_is_whole);
  const Exploration enough = search(player, small, {.depth = 1, .budget = whole.schedules});
  EXPECT_EQ(text_of(enough), text_of(whole));
  EXPECT_FALSE(enough.cut_short);
}

TEST(Exploration, ThreeCrashesFindWhatTwoDo) {
  tests::Player player;
  const PreparedScenario tiny = prepared({.name = "",
                                          .source = "{ kind: kafka-direct, offsets: sink }",
                                          .checkpoint = "{ enabled: false }",
                                          .crash = "[ cluster ]",
                                          .records = 1});
  const Exploration two = search(player, tiny, {.depth = 2});
  const Exploration three = search(player, tiny, {.depth = 3});
  const Exploration brute = search(player, tiny, {.depth = 3, .prunes = false});
  EXPECT_EQ(kinds_of(three), kinds_of(brute));
  EXPECT_GT(three.schedules, two.schedules);
  EXPECT_FALSE(three.of_is_whole) << "what follows a schedule that is never run is not counted";
  for (const auto& [kind, finding] : two.findings) {
    EXPECT_THAT(three.findings, Contains(Key(kind)));
  }
}

// The witness of a finding is the schedule of the fewest faults.
TEST(Exploration, AWitnessIsAsShortAsAny) {
  tests::Player player;
  const PreparedScenario small = prepared(cheapest());
  const Exploration found = search(player, small, {.depth = 2});
  ASSERT_THAT(found.findings, Contains(Key("duplicated")));
  const scenarios::Finding& duplicated = found.findings.at("duplicated");
  EXPECT_EQ(duplicated.plan.size(), 1U);
  const scenarios::JudgedRun again = player.play(small, small.scenario.seed, duplicated.plan);
  EXPECT_EQ(again.verdict.output.duplicated, duplicated.count);
  EXPECT_EQ(again.token, duplicated.token);
}

// --- Drawn schedules -----------------------------------------------------------------------------

// Every cluster crash at a multiple of 100 ms, 1,000 of them.
scenarios::Schedules a_crash_each_100_ms(const PreparedScenario& /*prepared*/,
                                         const scenarios::JudgedRun& /*own_run*/,
                                         std::int32_t /*faults_max*/) {
  return [](std::int64_t n) -> std::optional<faults::FaultPlan> {
    if (n >= 1000) {
      return std::nullopt;
    }
    faults::Crash crash;
    crash.target = {.kind = faults::TargetKind::kCluster, .index = 0};
    crash.at = faults::AtTime{.since_start = n * std::chrono::milliseconds(100)};
    return faults::FaultPlan{crash};
  };
}

TEST(Exploration, SchedulesThatAreDrawnAreRunByNumberUntilThereAreNoMoreOrTheBudgetIsSpent) {
  tests::Player player;
  const PreparedScenario small = prepared({.name = ""});
  const Exploration some = search(player, small, {.budget = 301, .draws = a_crash_each_100_ms});
  EXPECT_EQ(some.schedules, 301);
  EXPECT_EQ(some.of, 301);
  EXPECT_FALSE(some.cut_short) << "so many were asked for";
  EXPECT_FALSE(some.of_is_whole);
  EXPECT_THAT(some.findings, Not(IsEmpty()));
  const Exploration all = search(player, small, {.budget = 5000, .draws = a_crash_each_100_ms});
  EXPECT_EQ(all.schedules, 1001);
}

}  // namespace
