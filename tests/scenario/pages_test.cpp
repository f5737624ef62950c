// tests/scenario/pages_test.cpp
//
// On every scenario of the catalogue: the figures on the page of its run are those of the database,
// and whoever looks closely at a run changes nothing about it.

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/sqlite.h"
#include "scenarios/catalogue.h"
#include "scenarios/run_texts.h"
#include "tests/pages/page_data.h"
#include "tests/pages/recorded_pages.h"
#include "tests/support/world_fixture.h"

namespace {

using scenarios::JudgedRun;
using scenarios::PreparedScenario;
using scenarios::Scenario;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::PageData;
using tests::Player;

std::vector<Scenario> catalogue() {
  auto loaded = scenarios::find_scenarios({ONCEPROOF_SOURCE_DIR "/scenarios/catalogue"});
  return loaded ? std::move(loaded.value()) : std::vector<Scenario>();
}

JudgedRun run_closely(Player& player, const PreparedScenario& prepared) {
  auto judged = player.runner().run(prepared,
                                    prepared.scenario.seed,
                                    prepared.scenario.faults,
                                    sim::Trace::Recording::kHashOnly,
                                    {.targets = {}, .is_known = {}, .closely = true});
  EXPECT_TRUE(judged.has_value());
  return std::move(*judged);
}

class CataloguePages : public tests::RecordedPages {
 protected:
  std::vector<std::int64_t> integers(const std::string& statement, std::int64_t run_id) const {
    reports::sql::Database recorded(database());
    reports::sql::Statement query(recorded, statement);
    std::vector<std::int64_t> values;
    for (query.start(run_id); query.step();) {
      values.push_back(query.integer(0));
    }
    return values;
  }

  void expect_findings(const PageData& page, std::int64_t run_id) const {
    EXPECT_EQ(page.inputs_that_show(1),
              integers("SELECT record_id FROM lost_record WHERE run_id = ? ORDER BY 1", run_id));
    EXPECT_EQ(
        page.inputs_that_show(2),
        integers("SELECT DISTINCT record_id FROM duplicate_record WHERE run_id = ? ORDER BY 1",
                 run_id));
    EXPECT_EQ(
        page.inputs_that_show(4),
        integers("SELECT record_id FROM reordered_record WHERE run_id = ? ORDER BY 1", run_id));
  }

  // The figures of every run, of the view that computes them from the recorded rows alone. It looks
  // at all runs, whatever is asked of it: so all at once.
  [[nodiscard]] std::map<std::int64_t, nlohmann::json> recorded_figures() const {
    reports::sql::Database recorded(database());
    reports::sql::Statement query(
        recorded,
        "SELECT run_id, received, received_lost, received_duplicated, processed, processed_lost, "
        "processed_duplicated, output, lost, duplicated, phantom, reordered, wrong, "
        "(SELECT count(*) FROM input_record AS i WHERE i.run_id = verdict.run_id), "
        "(SELECT count(*) FROM output_record AS o WHERE o.run_id = verdict.run_id) "
        "FROM verdict");
    std::map<std::int64_t, nlohmann::json> figures;
    while (query.step()) {
      nlohmann::json& run = figures[query.integer(0)];
      int column = 1;
      for (const char* const stage : {"received", "processed", "output"}) {
        run[stage]["guarantee"] = query.bytes(column++);
        run[stage]["lost"] = query.integer(column++);
        run[stage]["duplicated"] = query.integer(column++);
      }
      for (const char* const name : {"phantom", "reordered", "wrong", "inputs", "outputs"}) {
        run[name] = query.integer(column++);
      }
    }
    return figures;
  }

  void expect_tables(const PageData& page, std::int64_t run_id) const {
    for (const auto& [table, name] :
         std::map<std::string, std::string>{{"event", "events"},
                                            {"message", "messages"},
                                            {"input_record", "inputs"},
                                            {"output_record", "outputs"},
                                            {"receiver_position", "positions"}}) {
      const auto count = integers("SELECT count(*) FROM " + table + " WHERE run_id = ?", run_id);
      EXPECT_EQ(page.json().at(name).at("rows"), count.front()) << table;
    }
    EXPECT_EQ(page.column("events", "at"),
              integers("SELECT virtual_us FROM event WHERE run_id = ? ORDER BY n", run_id));
    EXPECT_EQ(page.column("outputs", "written"),
              integers("SELECT written_us FROM output_record WHERE run_id = ? ORDER BY n", run_id));
  }
};

TEST_F(CataloguePages, TheFiguresOfEveryPageAreThoseOfTheDatabase) {
  Player player;
  std::map<std::int64_t, std::string> names;
  for (Scenario& scenario : catalogue()) {
    const PreparedScenario prepared = tests::prepared_from(std::move(scenario));
    const JudgedRun judged = run_closely(player, prepared);
    const auto texts = scenarios::texts_of(prepared.scenario, judged, prepared.scenario.faults, {});
    names[record(judged.run.ledger, texts)] = prepared.scenario.name;
  }
  ASSERT_GT(names.size(), 30U);
  write_pages();
  const auto figures = recorded_figures();
  for (const auto& [run_id, name] : names) {
    SCOPED_TRACE(name);
    const std::string html = tests::read_file(page(run_id));
    const PageData data(html);
    EXPECT_EQ(data.json().at("figures"), figures.at(run_id));
    expect_findings(data, run_id);
    expect_tables(data, run_id);
    EXPECT_THAT(html, HasSubstr("went in."));
  }
}

TEST_F(CataloguePages, ACloseLookChangesNothing) {
  Player player;
  for (Scenario& scenario : catalogue()) {
    const PreparedScenario prepared = tests::prepared_from(std::move(scenario));
    SCOPED_TRACE(prepared.scenario.name);
    const JudgedRun from_afar = player.play(prepared);
    const JudgedRun closely = run_closely(player, prepared);
    EXPECT_EQ(sim::to_string(closely.run.trace_hash), sim::to_string(from_afar.run.trace_hash));
    EXPECT_EQ(closely.verdict, from_afar.verdict);
    EXPECT_THAT(from_afar.run.ledger.messages, IsEmpty());
    EXPECT_FALSE(closely.run.ledger.messages.empty());
  }
}

// Every message that a run notes is one that its trace has.
TEST_F(CataloguePages, TheMessagesAreThoseOfTheTrace) {
  Player player;
  for (Scenario& scenario : catalogue()) {
    const PreparedScenario prepared = tests::prepared_from(std::move(scenario));
    SCOPED_TRACE(prepared.scenario.name);
    const auto judged = player.runner().run(prepared,
                                            prepared.scenario.seed,
                                            prepared.scenario.faults,
                                            sim::Trace::Recording::kSteps,
                                            {.targets = {}, .is_known = {}, .closely = true});
    ASSERT_TRUE(judged.has_value());
    const auto traced = [&](sim::Operation operation) {
      return std::ranges::count(judged->run.trace, operation, &sim::TraceStep::operation);
    };
    const auto noted = [&](auto&& is_wanted) {
      return std::ranges::count_if(judged->run.ledger.messages, is_wanted);
    };
    using reports::MessageFate;
    using reports::MessageRecord;
    EXPECT_EQ(traced(sim::Operation::kMessageSent), noted([](const MessageRecord& one) {
                return one.kind != "disconnected" && !one.again;
              }));
    EXPECT_EQ(traced(sim::Operation::kMessageReceived), noted([](const MessageRecord& one) {
                return one.kind != "disconnected" && one.fate == MessageFate::kArrived;
              }));
    EXPECT_EQ(traced(sim::Operation::kMessageLost), noted([](const MessageRecord& one) {
                return one.fate != MessageFate::kArrived && one.fate != MessageFate::kUnderWay;
              }));
  }
}

}  // namespace
