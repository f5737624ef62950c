// tests/unit/matrix_table_test.cpp
//
// The guarantee table for a person, a page and a program: that nothing which was found is left out
// of any of the three.

#include "reports/matrix_table.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;
using reports::Colour;
using reports::Guarantee;
using reports::MatrixReport;
using reports::MatrixTableCell;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

MatrixTableCell receiver_cell(const std::string& sink, const std::string& crash) {
  MatrixTableCell cell;
  cell.source = "kafka-receiver";
  cell.reliable = true;
  cell.wal = true;
  cell.checkpoint = true;
  cell.offsets = "none";
  cell.sink = sink;
  cell.crash = crash;
  cell.schedules = 120;
  cell.of = 120;
  cell.depth = 1;
  return cell;
}

MatrixTableCell direct_cell(const std::string& sink, const std::string& crash) {
  MatrixTableCell cell = receiver_cell(sink, crash);
  cell.source = "kafka-direct";
  cell.reliable = false;
  cell.wal = false;
  cell.offsets = "checkpoint";
  return cell;
}

MatrixTableCell broken_cell() {
  MatrixTableCell cell = direct_cell("append", "driver");
  cell.received = Guarantee::kAtLeastOnce;
  cell.output = Guarantee::kNone;
  cell.schedules = 300;
  cell.of = 9000;
  cell.tokens = {.lost = "op1-l", .duplicated = "op1-d", .wrong = "op1-w", .stalled = "op1-s"};
  return cell;
}

MatrixReport report_of(std::vector<MatrixTableCell> cells) {
  MatrixReport report;
  report.crashes = {"receiver", "driver"};
  report.cells = std::move(cells);
  return report;
}

std::string terminal(const MatrixReport& report) {
  return reports::terminal_matrix(report, Colour::kNever);
}

TEST(MatrixTable, APipelineIsALineAndALackingCellStaysEmpty) {
  const std::string table = terminal(report_of({receiver_cell("append", "receiver"),
                                                receiver_cell("append", "driver"),
                                                direct_cell("upsert", "driver")}));

  EXPECT_THAT(table,
              HasSubstr("            receiver     driver\n"
                        "\n"
                        "kafka-receiver, reliable, log, checkpoint\n"
                        "  received  =1           =1\n"
                        "  append    =1 120       =1 120\n"
                        "kafka-direct, offsets: checkpoint\n"
                        "  received               =1\n"
                        "  upsert                 =1 120\n"));
}

TEST(MatrixTable, SinksOfOneSourceShareAHeadingAndTheWorstTheyReceived) {
  MatrixTableCell lossy = direct_cell("append", "driver");
  lossy.received = Guarantee::kAtMostOnce;
  MatrixTableCell repeating = direct_cell("upsert", "driver");
  repeating.received = Guarantee::kAtLeastOnce;

  const std::string table = terminal(report_of({lossy, repeating}));

  EXPECT_THAT(table,
              HasSubstr("kafka-direct, offsets: checkpoint\n"
                        "  received               none\n"
                        "  append                 =1 120\n"
                        "  upsert                 =1 120\n"));
}

TEST(MatrixTable, ABrokenCellShowsItsGuaranteeItsMarksAndEveryToken) {
  MatrixTableCell cell = broken_cell();
  cell.in_seed_table = true;

  const std::string table = terminal(report_of({cell}));

  EXPECT_THAT(table, HasSubstr("  append                 none!* 300\n"));
  EXPECT_THAT(table,
              HasSubstr("kafka-direct, offsets: checkpoint, sink: append\n"
                        "  driver            lost        op1-l\n"
                        "  driver            duplicated  op1-d\n"
                        "  driver            wrong       op1-w\n"
                        "  driver            stalled     op1-s\n"));
}

TEST(MatrixTable, WithoutAFindingThereIsNoListOfTokens) {
  EXPECT_THAT(terminal(report_of({direct_cell("upsert", "driver")})), Not(HasSubstr("TOKEN")));
}

TEST(MatrixTable, ASampleIsCalledOne) {
  const std::string sampled = terminal(report_of({broken_cell(), direct_cell("upsert", "driver")}));

  EXPECT_THAT(sampled, HasSubstr("2 cells, 420 schedules\n"));
  EXPECT_THAT(sampled, HasSubstr("a sample: 300 of 9000 pairs"));
  EXPECT_THAT(terminal(report_of({direct_cell("upsert", "driver")})), Not(HasSubstr("sample")));
}

TEST(MatrixTable, ColoursAreOnlyWhereTheyAreWanted) {
  const MatrixReport report = report_of({broken_cell(), direct_cell("upsert", "driver")});

  EXPECT_THAT(terminal(report), Not(HasSubstr("\x1b[")));
  EXPECT_THAT(reports::terminal_matrix(report, Colour::kAlways),
              AllOf(HasSubstr("\x1b[31mnone\x1b[0m! 300"), HasSubstr("\x1b[32m=1\x1b[0m 120")));
}

MatrixReport report_with_seed_table() {
  MatrixReport report = report_of({receiver_cell("append", "driver")});
  report.seed_table = {{.wal = true,
                        .failure = "driver",
                        .reliable = true,
                        .says = "no data is lost",
                        .crashes = {"driver-at-start", "driver"},
                        .found = Guarantee::kNone,
                        .schedules = 240,
                        .losses = {{.crash = "driver-at-start", .token = "op1-l"}},
                        .agrees = false}};
  return report;
}

TEST(MatrixTable, AStatementThatDiffersHasItsWitnessBesideIt) {
  EXPECT_THAT(terminal(report_with_seed_table()),
              HasSubstr("  log    driver fails, reliable receiver: no data is lost\n"
                        "          differs, found none in 240 schedules of driver-at-start and "
                        "driver; lost with driver-at-start: op1-l\n"));
  EXPECT_THAT(reports::markdown_matrix(report_with_seed_table()),
              HasSubstr("| log | driver | reliable | no data is lost | differs | found none in 240 "
                        "schedules of driver-at-start and driver; lost with driver-at-start: op1-l "
                        "|\n"));
}

TEST(MatrixTable, AStatementThatAgreesSaysSo) {
  MatrixReport report = report_with_seed_table();
  report.seed_table.front().agrees = true;
  report.seed_table.front().losses.clear();

  EXPECT_THAT(terminal(report),
              AllOf(HasSubstr("          agrees, found"), Not(HasSubstr("op1-"))));
}

MatrixReport report_with_confirmation() {
  MatrixReport report = report_of({broken_cell()});
  report.confirmations = {{.kafka = "mock",
                           .replayed = 5,
                           .disagreements = {{.token = "op1-model", .other_token = "op1-mock"}}}};
  return report;
}

TEST(MatrixTable, ADisagreementNamesBothRuns) {
  for (const std::string& text : {terminal(report_with_confirmation()),
                                  reports::markdown_matrix(report_with_confirmation())}) {
    EXPECT_THAT(text,
                AllOf(HasSubstr("5 schedules run again on mock: 4 agree, 1 differ\n"),
                      HasSubstr("op1-model and op1-mock\n")));
  }
}

TEST(MatrixMarkdown, NamesGuaranteesInFullWithTheNumberOfSchedules) {
  const std::string page =
      reports::markdown_matrix(report_of({receiver_cell("append", "receiver"), broken_cell()}));

  EXPECT_THAT(page,
              HasSubstr("| pipeline | sink | receiver | driver |\n"
                        "| --- | --- | --- | --- |\n"
                        "| kafka-receiver, reliable, log, checkpoint | append | exactly-once (120) "
                        "|  |\n"
                        "| kafka-direct, offsets: checkpoint | append |  | none, stalled (300 of "
                        "9000) |\n"));
  EXPECT_THAT(page,
              HasSubstr("| kafka-direct, offsets: checkpoint | append | driver | wrong | `op1-w` "
                        "|\n"));
}

TEST(MatrixJson, ACellHasTheFieldsOfTheContract) {
  const json answer = json::parse(reports::json_matrix(report_of({broken_cell()})));

  const json expected = {
      {"source", "kafka-direct"},
      {"reliable", false},
      {"wal", false},
      {"checkpoint", true},
      {"offsets", "checkpoint"},
      {"sink", "append"},
      {"crash", "driver"},
      {"received", "at-least-once"},
      {"output", "none"},
      {"schedules", 300},
      {"pruned", 0},
      {"of", 9000},
      {"depth", 1},
      {"witness",
       {{"lost", "op1-l"}, {"duplicated", "op1-d"}, {"wrong", "op1-w"}, {"stalled", "op1-s"}}},
      {"in_seed_table", false}};
  EXPECT_THAT(answer.at("cells"), ElementsAre(expected));
}

TEST(MatrixJson, WithoutAWitnessThereIsNull) {
  const json answer =
      json::parse(reports::json_matrix(report_of({direct_cell("upsert", "driver")})));

  for (const auto& [kind, token] : answer.at("cells").at(0).at("witness").items()) {
    EXPECT_TRUE(token.is_null()) << kind;
  }
}

TEST(MatrixJson, HoldsTheComparisonsToo) {
  MatrixReport report = report_with_seed_table();
  report.confirmations = report_with_confirmation().confirmations;

  const json answer = json::parse(reports::json_matrix(report));

  const json& line = answer.at("seed_table").at(0);
  EXPECT_EQ(line.at("agrees"), false);
  EXPECT_EQ(line.at("lost").at(0), json({{"crash", "driver-at-start"}, {"token", "op1-l"}}));
  const json& confirmation = answer.at("confirmations").at(0);
  EXPECT_EQ(confirmation.at("replayed"), 5);
  EXPECT_EQ(confirmation.at("disagreements").at(0).at("other_token"), "op1-mock");
}

}  // namespace
