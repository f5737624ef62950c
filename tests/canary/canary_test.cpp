// tests/canary/canary_test.cpp
//
// Engines that are broken on purpose. The bench must convict each protocol mistake that the engine
// can be built to make, and must not accuse the faithful or sound engine of the same thing in any
// of the same schedules: a judge that convicts nobody proves nothing, and neither does one that
// convicts all.

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ports/protocol.h"
#include "tests/support/world_fixture.h"

namespace {

using engine::ProtocolChoice;
using engine::Soundness;
using scenarios::JudgedRun;
using scenarios::PreparedScenario;
using scenarios::Scenario;
using testing::IsEmpty;
using testing::Not;
using tests::Player;

// What the bench must find with the mistake, and must never find without it.
using Symptom = std::function<bool(const JudgedRun&)>;

struct Case {
  std::string decision;
  std::string mistake;  // the value that is to be convicted
  std::string twin;     // the value that is not
  std::string scenario;
  Symptom symptom;
};

void PrintTo(const Case& each, std::ostream* out) {
  *out << each.decision << ": " << each.mistake;
}

bool loses(const JudgedRun& judged) {
  return judged.verdict.output.lost > 0;
}

bool is_not_exact(const JudgedRun& judged) {
  return judged.verdict.guarantee() != reports::Guarantee::kExactlyOnce;
}

bool receives_twice(const JudgedRun& judged) {
  return judged.verdict.received.duplicated > 0;
}

bool receives_inexactly(const JudgedRun& judged) {
  return judged.verdict.received.guarantee() != reports::Guarantee::kExactlyOnce;
}

// The pipeline never comes back.
bool stalls(const JudgedRun& judged) {
  return judged.verdict.stalled;
}

// One crash makes an appending pipeline repeat a batch once. Three rows of one record are one too
// many.
bool repeats_twice(const JudgedRun& judged) {
  std::map<engine::Position, int> copies;
  for (const reports::OutputRecord& row : judged.run.ledger.outputs) {
    ++copies[row.source];
  }
  return std::ranges::any_of(copies, [](const auto& entry) { return entry.second > 2; });
}

// The smallest pipeline in which a batch is before, in, and behind the crash. `source`,
// `checkpoint` and `sink` are what the decision is about.
std::string small_scenario(const std::string& offsets,
                           bool checkpoint,
                           const std::string& sink,
                           const std::string& more = {}) {
  return fmt::format(R"(
scenario: canary
description: A small pipeline with one decision made wrongly.
topic: {{ name: sessions, partitions: 1 }}
workload: {{ records: 12, keys: 3, rate: 6/s, value_bytes: 8, start: 1s }}
pipeline:
  batch_interval: 1s
  source: {{ kind: kafka-direct, offsets: {} }}
  checkpoint: {{ enabled: {}, storage: hdfs }}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: {}, store: memory }}
{}
)",
                     offsets,
                     checkpoint,
                     sink,
                     more.empty() ? "cluster: { executors: 1, cores: 1 }" : more);
}

// The same with a receiver, and all that its promise to lose nothing rests on.
std::string receiver_scenario(const std::string& sink, const std::string& more = {}) {
  return fmt::format(R"(
scenario: canary
description: A small pipeline with a receiver, and one decision made wrongly.
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

// One failure of a task fails its batch, and the driver starts again before a later batch
// completes: only then does a batch that stayed pending run again with its range
// (tests/scenario/recovery_test.cpp has what becomes of it later).
constexpr const char* kBatchFailsForGood =
    R"(cluster: { executors: 1, cores: 1, task_failures_max: 1 }
faults:
  - crash: driver
    at: { point: checkpoint.renamed, batch: 3 })";

// A batch whose range is in the checkpoint runs again over it, while the other store knows nothing
// of it: a later batch holds its records as well.
constexpr const char* kRangesAreDurableFirst =
    R"(  protocol: { range_durability: before_submit }
cluster: { executors: 1, cores: 1 })";

std::vector<Case> cases() {
  return {
      {"offset_save",
       "before_output",
       "after_output",
       small_scenario("hbase", false, "append"),
       loses},
      {"offset_guard",
       "blind_update",
       "compare_and_set",
       small_scenario("sink", false, "offsets"),
       is_not_exact},
      {"offset_guard",
       "second_transaction",
       "compare_and_set",
       small_scenario("sink", false, "offsets"),
       is_not_exact},
      {"range_durability",
       "after_submit",
       "before_submit",
       small_scenario("checkpoint", true, "batch-uid"),
       is_not_exact},
      {"restart_position",
       "offset_store",
       "checkpoint",
       small_scenario("hbase", true, "append", kRangesAreDurableFirst),
       receives_inexactly},
      {"failed_batch",
       "forget",
       "keep_pending",
       small_scenario("checkpoint", true, "append", kBatchFailsForGood),
       loses},
      {"reschedule",
       "without_distinct",
       "before_restart",
       small_scenario("checkpoint", true, "append"),
       repeats_twice},
      {"checkpoint_publish",
       "in_place",
       "rename",
       small_scenario("checkpoint", true, "append"),
       stalls},
      {"offset_commit", "before_store", "after_store", receiver_scenario("upsert"), loses},
  };
}

const ProtocolChoice& choice(const std::string& decision, const std::string& value) {
  const auto choices = engine::all_protocol_choices();
  const auto found = std::ranges::find_if(choices, [&](const ProtocolChoice& each) {
    return each.decision == decision && each.value == value;
  });
  INVARIANT(found != choices.end(), "no choice {}: {}", decision, value);
  return *found;
}

PreparedScenario with_choice(const Case& each, const std::string& value) {
  Scenario scenario = tests::scenario_from(each.scenario);
  choice(each.decision, value).apply(scenario.pipeline.protocol);
  return tests::prepared_from(std::move(scenario));
}

// The added crash comes after the one that the scenario has of its own: what it breaks, no later
// start of the driver repairs, in any engine.
bool strikes_last(const JudgedRun& judged) {
  const auto& faults = judged.run.ledger.faults;
  return faults.size() > 1 && faults.back().fired_at > faults.front().fired_at;
}

// Tokens of the schedules that show the symptom.
std::vector<std::string> convicting(const PreparedScenario& prepared, const Symptom& symptom) {
  Player player;
  std::vector<std::string> tokens;
  player.visit_schedules(prepared, [&](const JudgedRun& judged, const faults::FaultPlan&) {
    if (symptom(judged) && !strikes_last(judged)) {
      tokens.push_back(judged.token);
    }
  });
  return tokens;
}

class Canary : public testing::TestWithParam<Case> {};

TEST_P(Canary, SomeScheduleConvictsTheMistake) {
  EXPECT_THAT(convicting(with_choice(GetParam(), GetParam().mistake), GetParam().symptom),
              Not(IsEmpty()));
}

TEST_P(Canary, NoScheduleAccusesTheTwin) {
  EXPECT_THAT(convicting(with_choice(GetParam(), GetParam().twin), GetParam().symptom), IsEmpty());
}

std::string name_of(const testing::TestParamInfo<Case>& parameter) {
  std::string name;
  bool upper = true;
  for (const char letter : parameter.param.mistake) {
    if (letter == '_') {
      upper = true;
      continue;
    }
    name += upper ? static_cast<char>(letter - 'a' + 'A') : letter;
    upper = false;
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Mistake, Canary, testing::ValuesIn(cases()), name_of);

// A new mistake without a canary fails here.
TEST(Canaries, CoverEveryMistakeThatTheEngineCanMake) {
  std::set<std::string> covered;
  for (const Case& each : cases()) {
    covered.insert(each.decision + ": " + each.mistake);
    EXPECT_NE(choice(each.decision, each.twin).soundness, Soundness::kMistake) << each.decision;
  }
  for (const ProtocolChoice& each : engine::all_protocol_choices()) {
    if (each.soundness == Soundness::kMistake) {
      const auto name = fmt::format("{}: {}", each.decision, each.value);
      EXPECT_TRUE(covered.contains(name)) << name << " has no canary";
    }
  }
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

// The whole way of a user's claim: a scenario says `always`, the exploration refutes it, and the
// check says so in one sentence with the token that replays the witness.
TEST(Canaries, AFalseClaimOfAScenarioIsRefutedWithAToken) {
  Scenario scenario = tests::scenario_from(small_scenario("hbase", false, "append"));
  scenario.explore.emplace();
  scenario.explore->always = reports::Guarantee::kAtLeastOnce;
  const Scenario honest = scenario;
  scenario.pipeline.protocol.offset_save = engine::OffsetSave::kBeforeOutput;
  Player player;
  const auto refuted = scenarios::check(scenario, player.explore(tests::prepared_from(scenario)));
  ASSERT_THAT(refuted, testing::SizeIs(1));
  EXPECT_THAT(refuted[0], testing::HasSubstr("lost"));
  EXPECT_THAT(refuted[0], testing::HasSubstr("op1-"));
  EXPECT_THAT(scenarios::check(honest, player.explore(tests::prepared_from(honest))), IsEmpty());
}

}  // namespace
