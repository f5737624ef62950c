// tests/canary/canary_test.cpp
//
// Claims that are false, and hazards that the faithful engine has. The bench must refute the one
// and find the other, and must accuse neither the honest claim nor the sound order. Mistakes that
// no engine should make are convicted by tests/scenario/defects_test.cpp.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ports/protocol.h"
#include "scenarios/explored_promises.h"
#include "tests/support/world_fixture.h"

namespace {

using engine::ProtocolChoice;
using engine::Soundness;
using scenarios::JudgedRun;
using scenarios::Scenario;
using testing::IsEmpty;
using testing::Not;
using tests::Player;

bool receives_twice(const JudgedRun& judged) {
  return judged.verdict.received.duplicated > 0;
}

// The smallest pipeline in which a batch is before, in, and behind the crash. `source`,
// `checkpoint` and `sink` are what the decision is about.
std::string small_scenario(const std::string& offsets, bool checkpoint, const std::string& sink) {
  return fmt::format(R"(
scenario: canary
description: A small pipeline with one promise.
topic: {{ name: sessions, partitions: 1 }}
workload: {{ records: 12, keys: 3, rate: 6/s, value_bytes: 8, start: 1s }}
pipeline:
  batch_interval: 1s
  source: {{ kind: kafka-direct, offsets: {} }}
  checkpoint: {{ enabled: {}, storage: hdfs }}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: {}, store: memory }}
cluster: {{ executors: 1, cores: 1 }}
)",
                     offsets,
                     checkpoint,
                     sink);
}

// The same with a receiver, and all that its promise to lose nothing rests on.
std::string receiver_scenario(const std::string& sink, const std::string& more) {
  return fmt::format(R"(
scenario: canary
description: A small pipeline with a receiver, and one promise.
topic: {{ name: sessions, partitions: 1 }}
workload: {{ records: 12, keys: 3, rate: 6/s, value_bytes: 8, start: 1s }}
pipeline:
  batch_interval: 1s
  source: {{ kind: kafka-receiver, reliable: true, write_ahead_log: true, block_interval: 500ms }}
  checkpoint: {{ enabled: true, storage: hdfs }}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: {}, store: memory }}
cluster: {{ executors: 1, cores: 2 }}
{}
)",
                     sink,
                     more);
}

const ProtocolChoice& choice(const std::string& decision, const std::string& value) {
  const auto choices = engine::all_protocol_choices();
  const auto found = std::ranges::find_if(choices, [&](const ProtocolChoice& each) {
    return each.decision == decision && each.value == value;
  });
  INVARIANT(found != choices.end(), "no choice {}: {}", decision, value);
  return *found;
}

// Spark's own off-by-one is no mistake of ours: the engine makes it unless told otherwise, and the
// bench shows what it costs.
TEST(Canaries, TheOffsetOfTheLastRecordIsFaithfulAndItsDuplicateIsFound) {
  constexpr const char* kQuietRestart = R"(faults:
  - crash: receiver:0
    at: { time: 6s })";
  const ProtocolChoice& faithful = choice("committed_offset", "last_stored");
  EXPECT_EQ(faithful.soundness, Soundness::kFaithful);
  EXPECT_EQ(choice("committed_offset", "next").soundness, Soundness::kSound);
  Scenario scenario = tests::scenario_from(receiver_scenario("append", kQuietRestart));
  Scenario told = scenario;
  faithful.apply(told.pipeline.protocol);
  EXPECT_EQ(told.pipeline.protocol, scenario.pipeline.protocol);
  const JudgedRun judged = Player().play(tests::prepared_from(scenario));
  EXPECT_TRUE(receives_twice(judged));
  EXPECT_EQ(judged.verdict.received.lost, 0);
  choice("committed_offset", "next").apply(scenario.pipeline.protocol);
  EXPECT_FALSE(receives_twice(Player().play(tests::prepared_from(std::move(scenario)))));
}

// Spark plans a batch, submits its jobs, and writes the range into the checkpoint behind them: no
// mistake of ours either, and found as well.
TEST(Canaries, ARangeThatIsDurableTooLateIsFaithfulAndFound) {
  Scenario scenario = tests::scenario_from(small_scenario("checkpoint", true, "batch-uid"));
  EXPECT_EQ(choice("range_durability", "after_submit").soundness, Soundness::kFaithful);
  Player player;
  EXPECT_THAT(player.explore(tests::prepared_from(scenario)).findings, Not(IsEmpty()));
  choice("range_durability", "before_submit").apply(scenario.pipeline.protocol);
  EXPECT_THAT(player.explore(tests::prepared_from(std::move(scenario))).output,
              reports::Guarantee::kExactlyOnce);
}

// The whole way of a user's claim: a scenario says `always`, the exploration refutes it, and the
// check says so in one sentence with the token that replays the witness.
TEST(Canaries, AFalseClaimOfAScenarioIsRefutedWithAToken) {
  Scenario scenario = tests::scenario_from(small_scenario("hbase", false, "append"));
  scenario.explore.emplace();
  scenario.explore->always = reports::Guarantee::kAtLeastOnce;
  const Scenario honest = scenario;
  scenario.pipeline.protocol.offset_save = engine::OffsetSave::kBeforeOutput;
  Player player;
  const auto refuted = scenarios::sentences_of(
      scenarios::check(scenario, player.explore(tests::prepared_from(scenario))));
  ASSERT_THAT(refuted, testing::SizeIs(1));
  EXPECT_THAT(refuted[0], testing::HasSubstr("lost"));
  EXPECT_THAT(refuted[0], testing::HasSubstr("op1-"));
  EXPECT_THAT(scenarios::check(honest, player.explore(tests::prepared_from(honest))), IsEmpty());
}

}  // namespace
