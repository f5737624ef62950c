// tests/scenario/drawn_schedules_test.cpp
//
// 20,000 schedules of each strategy that draws them, in small worlds of which it is stated what
// they keep: nobody is accused of more, every world heals, and a schedule that is run again is the
// same run. Beside them worlds that cannot keep it: each strategy convicts them.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "faults/strategies.h"
#include "scenarios/battlefield.h"
#include "scenarios/fault_text.h"
#include "tests/support/world_fixture.h"

namespace {

using faults::FaultKind;
using faults::FaultPlan;
using faults::Strategy;
using reports::Guarantee;
using scenarios::JudgedRun;
using scenarios::PreparedScenario;
using tests::Player;

constexpr std::uint64_t kSeed = 1;
constexpr std::int32_t kFaultsMax = 3;
constexpr std::uint64_t kSchedules = 20'000;  // of each strategy, over all worlds
constexpr std::array kDrawing{Strategy::kRandom, Strategy::kPct, Strategy::kSwarm};

constexpr std::string_view kDirect = "kind: kafka-direct, offsets: checkpoint";
constexpr std::string_view kDirectFromSink = "kind: kafka-direct, offsets: sink";
constexpr std::string_view kReceiver =
    "kind: kafka-receiver, reliable: true, write_ahead_log: true, block_interval: 500ms";

struct Pipeline {
  std::string_view name;
  std::string_view source;
  bool checkpoint = true;
  std::string_view sink;
  std::string_view protocol;
};

PreparedScenario scenario_of(const Pipeline& pipeline) {
  return tests::prepared_from(fmt::format(R"(
scenario: drawn_schedules
topic: {{ name: events, partitions: 2 }}
workload: {{ records: 12, keys: 4, rate: 6/s, value_bytes: 8 }}
pipeline:
  batch_interval: 1s
  source: {{ {} }}
  checkpoint: {{ enabled: {} }}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: {}, store: memory }}
  protocol: {}
cluster: {{ executors: 2, cores: 2, heartbeat_interval: 1s, network_timeout: 4s }}
stop: {{ when: drained, within: 120s }}
)",
                                          pipeline.source,
                                          pipeline.checkpoint,
                                          pipeline.sink,
                                          pipeline.protocol));
}

// What a pipeline keeps whatever is drawn, but for the kinds that are left out.
struct Promise {
  Pipeline pipeline;
  Guarantee kept = Guarantee::kExactlyOnce;
  std::vector<FaultKind> without;
};

// The sound protocol runs a batch again until it succeeds; Spark gives it up when one of its tasks
// has failed four times, or when Kafka refuses to say how far the topic is.
std::vector<Promise> promises() {
  const std::vector<FaultKind> fails_batches{FaultKind::kTaskFailure,
                                             FaultKind::kSinkFailure,
                                             FaultKind::kRequestError,
                                             FaultKind::kStorageFailure,
                                             FaultKind::kBrokerDown,
                                             FaultKind::kLeaderMove};
  return {
      {{"upserts", kDirect, true, "upsert", "hardened"}, Guarantee::kExactlyOnce, {}},
      {{"units", kDirect, true, "batch-uid", "hardened"}, Guarantee::kExactlyOnce, {}},
      {{"offsets", kDirectFromSink, false, "offsets", "hardened"}, Guarantee::kExactlyOnce, {}},
      {{"received", kReceiver, true, "upsert", "hardened"}, Guarantee::kExactlyOnce, {}},
      {{"appends", kDirect, true, "append", "{}"}, Guarantee::kAtLeastOnce, fails_batches},
  };
}

// A scenario with where faults can strike in it.
struct Prepared {
  PreparedScenario scenario;
  faults::Battlefield battlefield;

  [[nodiscard]] FaultPlan draw(Strategy strategy, std::uint64_t index) const {
    return faults::draw_schedule(strategy, kSeed, index, kFaultsMax, {}, battlefield);
  }
};

Prepared prepare(Player& player, const Promise& promise) {
  Prepared prepared{.scenario = scenario_of(promise.pipeline), .battlefield = {}};
  const JudgedRun undisturbed = player.play(prepared.scenario);
  EXPECT_EQ(undisturbed.verdict.guarantee(), Guarantee::kExactlyOnce);
  EXPECT_FALSE(undisturbed.verdict.stalled);
  prepared.battlefield = scenarios::battlefield_of(
      prepared.scenario.scenario, undisturbed.run.steps, undisturbed.run.ledger.ended_at);
  std::erase_if(prepared.battlefield.kinds, [&](FaultKind kind) {
    return std::ranges::find(promise.without, kind) != promise.without.end();
  });
  return prepared;
}

// A broken invariant is a run that stalls, and says so.
JudgedRun play(Player& player, const Prepared& prepared, const FaultPlan& plan) {
  auto outcome = player.runner().run(prepared.scenario, prepared.scenario.scenario.seed, plan);
  if (!outcome) {
    ADD_FAILURE() << outcome.error().message;
    JudgedRun broken;
    broken.verdict.stalled = true;
    return broken;
  }
  return std::move(*outcome);
}

bool keeps(const JudgedRun& judged, Guarantee kept) {
  return !judged.verdict.stalled && reports::common_part(judged.verdict.guarantee(), kept) == kept;
}

std::string story_of(const FaultPlan& plan, const JudgedRun& judged) {
  std::string text = judged.token + (judged.verdict.stalled ? " stalled" : "");
  for (const faults::Fault& fault : plan) {
    text += "\n  " + scenarios::to_string(fault);
  }
  return text;
}

TEST(DrawnSchedules, NobodyIsAccusedOfMoreThanIsStated) {
  Player player;
  const std::vector<Promise> all = promises();
  for (const Promise& promise : all) {
    const Prepared prepared = prepare(player, promise);
    for (const Strategy strategy : kDrawing) {
      for (std::uint64_t index = 0; index < kSchedules / all.size(); ++index) {
        const FaultPlan plan = prepared.draw(strategy, index);
        const JudgedRun judged = play(player, prepared, plan);
        ASSERT_TRUE(keeps(judged, promise.kept))
            << promise.pipeline.name << " " << index << ": " << story_of(plan, judged);
      }
    }
  }
}

TEST(DrawnSchedules, AScheduleThatIsRunAgainIsTheSameRun) {
  Player player;
  for (const Promise& promise : promises()) {
    const Prepared prepared = prepare(player, promise);
    for (const Strategy strategy : kDrawing) {
      for (std::uint64_t index = 0; index < 200; ++index) {
        const FaultPlan plan = prepared.draw(strategy, index);
        const JudgedRun once = play(player, prepared, plan);
        const JudgedRun again = play(player, prepared, plan);
        ASSERT_EQ(once.run.trace_hash, again.run.trace_hash) << story_of(plan, once);
      }
    }
  }
}

// The first schedule that breaks a promise which is false, or as many as there are.
std::uint64_t schedules_to_conviction(Player& player, const Promise& promise, Strategy strategy) {
  const Prepared prepared = prepare(player, promise);
  std::uint64_t index = 0;
  while (index < kSchedules &&
         keeps(play(player, prepared, prepared.draw(strategy, index)), promise.kept)) {
    ++index;
  }
  return index;
}

TEST(DrawnSchedules, EveryStrategyFindsTheDuplicatesOfASinkThatCannotTell) {
  Player player;
  const Promise exact{
      {"appends", kDirect, true, "append", "hardened"}, Guarantee::kExactlyOnce, {}};
  for (const Strategy strategy : kDrawing) {
    EXPECT_LT(schedules_to_conviction(player, exact, strategy), 200U);
  }
}

TEST(DrawnSchedules, EveryStrategyFindsTheLossOfASourceThatForgetsItsPosition) {
  Player player;
  const Promise lossless{
      {"forgets", "kind: kafka-direct, offsets: none, start: latest", false, "append", "{}"},
      Guarantee::kAtLeastOnce,
      {}};
  for (const Strategy strategy : kDrawing) {
    EXPECT_LT(schedules_to_conviction(player, lossless, strategy), 200U);
  }
}

// What is left out above is left out for a reason.
TEST(DrawnSchedules, FailuresMakeTheFaithfulEngineGiveABatchUp) {
  Player player;
  const Promise lossless{{"appends", kDirect, true, "append", "{}"}, Guarantee::kAtLeastOnce, {}};
  EXPECT_LT(schedules_to_conviction(player, lossless, Strategy::kSwarm), kSchedules);
}

}  // namespace
