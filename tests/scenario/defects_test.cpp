// tests/scenario/defects_test.cpp
//
// The mistakes that the engine can be built to make, by the invariants of scenarios/conviction.h:
// each is convicted by what comes out, and an engine without a mistake never is.

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/ports/invariant.h"
#include "reports/defect_table.h"
#include "scenarios/catalogue.h"
#include "scenarios/conviction.h"
#include "scenarios/explorer.h"
#include "scenarios/findings.h"
#include "scenarios/search_strategy.h"
#include "scenarios/token.h"
#include "tests/support/command_test.h"
#include "tests/support/world_fixture.h"

namespace {

using engine::ProtocolChoice;
using engine::Soundness;
using nlohmann::json;
using scenarios::Conviction;
using scenarios::Defect;
using scenarios::Scenario;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using tests::Player;

std::vector<Defect> all_defects() {
  auto found = scenarios::find_scenarios({scenarios::defects_directory()});
  INVARIANT(found.has_value(), "{}", found.error().to_string());
  auto defects = scenarios::make_defects(std::move(found.value()));
  INVARIANT(defects.has_value(), "{}", defects.error().to_string());
  return std::move(defects.value());
}

Conviction convict(Player& player, const Defect& defect) {
  auto conviction =
      scenarios::convict(player.runner(), defect, scenarios::search_strategies().front());
  INVARIANT(conviction.has_value(), "{}", conviction.error().message);
  return std::move(conviction.value());
}

std::set<std::string> findings_of(const scenarios::JudgedRun& judged) {
  std::set<std::string> kinds;
  for (const auto& [kind, count] : scenarios::shown_by(judged.verdict)) {
    kinds.insert(kind);
  }
  return kinds;
}

// A world whose protocol is `protocol`, in the notation of scenario files.
std::string world_with(const std::string& protocol) {
  return "scenario: w\n"
         "topic: { name: events, partitions: 1 }\n"
         "workload: { records: 4, rate: 8/s }\n"
         "pipeline:\n"
         "  source: { kind: kafka-direct, offsets: zookeeper }\n"
         "  sink: { kind: upsert, store: memory }\n"
         "  protocol: " +
         protocol + "\n";
}

std::string refusal_of(const std::vector<std::string>& protocols) {
  std::vector<Scenario> worlds;
  for (const std::string& protocol : protocols) {
    worlds.push_back(tests::scenario_from(world_with(protocol)));
  }
  const auto defects = scenarios::make_defects(std::move(worlds));
  return defects ? std::string() : defects.error().to_string();
}

TEST(Defects, V1TheTwoEnginesDifferInOneDecision) {
  for (const Defect& defect : all_defects()) {
    SCOPED_TRACE(scenarios::defect_name(defect.mistake));
    engine::Protocol protocol = defect.sound.scenario.pipeline.protocol;
    EXPECT_NE(protocol, defect.mistaken.scenario.pipeline.protocol);
    defect.mistake.apply(protocol);
    EXPECT_EQ(protocol, defect.mistaken.scenario.pipeline.protocol);
    EXPECT_EQ(defect.sound.scenario.text_hash, defect.mistaken.scenario.text_hash);
  }
}

TEST(Defects, V2EveryMistakeHasAWorld) {
  std::set<std::string> expected;
  for (const ProtocolChoice& choice : engine::all_protocol_choices()) {
    if (choice.soundness == Soundness::kMistake) {
      expected.insert(scenarios::defect_name(choice));
    }
  }
  std::set<std::string> found;
  for (const Defect& defect : all_defects()) {
    EXPECT_TRUE(found.insert(scenarios::defect_name(defect.mistake)).second);
  }
  EXPECT_EQ(found, expected);
}

TEST(Defects, TheDocumentNamesEachOfThem) {
  std::ifstream file(ONCEPROOF_SOURCE_DIR "/docs/DEFECTS.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const Defect& defect : all_defects()) {
    EXPECT_THAT(text, HasSubstr("| `" + scenarios::defect_name(defect.mistake) + "` |"))
        << "docs/DEFECTS.md says how the table is made";
  }
}

TEST(Defects, AWorldHasOneMistakeThatNoOtherHas) {
  EXPECT_THAT(refusal_of({"{ saved_offset: beyond }"}), IsEmpty());
  EXPECT_THAT(refusal_of({"{}"}), HasSubstr("one mistake, not 0"));
  EXPECT_THAT(refusal_of({"hardened"}), HasSubstr("one mistake, not 0"));
  EXPECT_THAT(refusal_of({"{ saved_offset: beyond, offset_save: before_output }"}),
              HasSubstr("one mistake, not 2"));
  EXPECT_THAT(refusal_of({"{ saved_offset: beyond }", "{ base: hardened, saved_offset: beyond }"}),
              HasSubstr("as another scenario does"));
}

// The shortest schedule shows the finding when it is run again, and the same schedule shows nothing
// of the kind in the other engine.
TEST(Defects, EachIsConvictedByItsWitness) {
  Player player;
  for (const Defect& defect : all_defects()) {
    SCOPED_TRACE(scenarios::defect_name(defect.mistake));
    const Conviction conviction = convict(player, defect);
    EXPECT_TRUE(conviction.is_guilty());
    const auto token = scenarios::decode_token(conviction.token);
    ASSERT_TRUE(token.has_value()) << token.error();
    EXPECT_EQ(token->faults, conviction.plan);
    EXPECT_EQ(token->scenario_hash, defect.mistaken.scenario.text_hash);
    const auto guilty = player.play(defect.mistaken, token->seed, token->faults);
    EXPECT_TRUE(findings_of(guilty).contains(conviction.finding)) << conviction.finding;
    const auto innocent = player.play(defect.sound, token->seed, token->faults);
    EXPECT_FALSE(findings_of(innocent).contains(conviction.finding)) << conviction.finding;
  }
}

TEST(Defects, AnEngineWithoutTheMistakeIsNotConvicted) {
  Player player;
  for (Defect& defect : all_defects()) {
    SCOPED_TRACE(scenarios::defect_name(defect.mistake));
    defect.mistaken = defect.sound;
    const Conviction conviction = convict(player, defect);
    EXPECT_FALSE(conviction.is_guilty()) << conviction.finding << ' ' << conviction.token;
    EXPECT_EQ(conviction.schedules, conviction.of);
  }
}

TEST(DefectTable, SaysWhatIsNotConvictedAndWhatHasNoWorld) {
  std::vector<reports::DefectLine> lines(2);
  lines[0].name = "a.b";
  lines[0].scenario = "defect_a_b";
  lines[0].schedules = {{"exhaustive", std::nullopt}};
  lines[1].name = "c.d";
  lines[1].schedules = {{"exhaustive", std::nullopt}};

  const std::string text = reports::terminal_defects(lines);
  EXPECT_THAT(text, HasSubstr("NOT CONVICTED"));
  EXPECT_THAT(text, HasSubstr("NO WORLD"));
  EXPECT_THAT(text, HasSubstr("0 of 2 defects convicted"));
  const json answer = json::parse(reports::json_defects(lines));
  EXPECT_EQ(answer["defects"][0]["convicted"], false);
  EXPECT_TRUE(answer["defects"][0]["token"].is_null());
  EXPECT_TRUE(answer["defects"][0]["schedules"]["exhaustive"].is_null());
}

using DefectsCommand = tests::CommandTest;

TEST_F(DefectsCommand, AnswersAsTheContractSays) {
  const auto ended =
      onceproof({"defects", "unit_guard.unit_first", "saved_offset.beyond", "--json", "-"});
  ASSERT_EQ(ended.status, 0) << ended.err;
  const json answer = json::parse(ended.out);
  ASSERT_EQ(answer["defects"].size(), 2U);
  for (const json& defect : answer["defects"]) {
    EXPECT_EQ(defect["convicted"], true);
    EXPECT_EQ(defect["finding"], "lost");
    EXPECT_GT(defect["schedules"]["exhaustive"].get<int>(), 0);
    EXPECT_TRUE(scenarios::decode_token(defect["token"].get<std::string>()).has_value());
    EXPECT_THAT(defect["source"].get<std::string>(), Not(IsEmpty()));
  }
}

TEST_F(DefectsCommand, AnswersTheSameForAnyNumberOfJobs) {
  const auto with_jobs = [this](const std::string& jobs) {
    return onceproof({"defects",
                      "unit_guard.unit_first",
                      "saved_offset.beyond",
                      "log_handle.to_record",
                      "--jobs",
                      jobs,
                      "--json",
                      "-"});
  };
  const auto alone = with_jobs("1");
  const auto together = with_jobs("3");
  EXPECT_EQ(alone.status, 0);
  EXPECT_EQ(alone.out, together.out);
}

TEST_F(DefectsCommand, RefusesANameThatIsNone) {
  const auto ended = onceproof({"defects", "unit_guard.same_transaction"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, HasSubstr("unit_guard.same_transaction is no defect"));
}

TEST_F(DefectsCommand, ItsTokensReplay) {
  const auto ended = onceproof({"defects", "unit_guard.unit_first", "--json", "-"});
  const json answer = json::parse(ended.out);
  const auto replayed = onceproof({"replay", answer["defects"][0]["token"].get<std::string>()});
  EXPECT_THAT(replayed.out, HasSubstr("defect_unit_guard_unit_first")) << replayed.err;
}

}  // namespace
