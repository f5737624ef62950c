// tests/unit/verdict_table_test.cpp
//
// The same verdicts for a person, a page and a program; nothing that a scenario or a user's data
// contains may break any of the three formats.

#include "reports/verdict_table.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using reports::Colour;
using reports::Guarantee;
using reports::VerdictRow;
using testing::HasSubstr;
using testing::Not;

VerdictRow passed_row() {
  VerdictRow row;
  row.scenario = "direct_offsets_sink";
  row.claims = {"s4-transactional"};
  row.kafka = "mock";
  row.token = "op1-aaa";
  row.expected = "exactly-once";
  row.wall_time = std::chrono::microseconds(12'300);
  row.passed = true;
  return row;
}

VerdictRow failed_row() {
  VerdictRow row;
  row.scenario = "direct_append";
  row.kafka = "mock";
  row.token = "op1-bbb";
  row.expected = "exactly-once";
  row.found = Guarantee::kAtLeastOnce;
  row.duplicated = 15;
  row.schedules = 1200;
  row.wall_time = std::chrono::milliseconds(2500);
  row.reasons = {"expected exactly-once, found at-least-once", "duplicated: records 3, 4, 5"};
  return row;
}

TEST(VerdictTable, ColumnsAreAligned) {
  const std::string table = terminal_table(std::vector{passed_row(), failed_row()}, Colour::kNever);

  EXPECT_THAT(table,
              HasSubstr("scenario             expected      found          received      processed "
                        "    lost  duplicated  schedules     time  verdict\n"
                        "direct_offsets_sink  exactly-once  exactly-once   exactly-once  "
                        "exactly-once     0           0          1  12.3 ms  ok\n"
                        "direct_append        exactly-once  at-least-once  exactly-once  "
                        "exactly-once     0          15       1200   2.50 s  FAILED\n"));
}

TEST(VerdictTable, FailureIsExplainedWithItsToken) {
  const std::string table = terminal_table(std::vector{passed_row(), failed_row()}, Colour::kNever);

  EXPECT_THAT(table, HasSubstr("2 scenarios, 1 not as expected\n"));
  EXPECT_THAT(table, HasSubstr("duplicated: records 3, 4, 5\n"));
  EXPECT_THAT(table, HasSubstr("onceproof replay op1-bbb\n"));
  EXPECT_THAT(table, Not(HasSubstr("op1-aaa")));
}

TEST(VerdictTable, CleanCatalogueSaysSo) {
  EXPECT_THAT(terminal_table(std::vector{passed_row()}, Colour::kNever),
              HasSubstr("1 scenario, all as expected\n"));
}

TEST(VerdictTable, RareCountsHaveColumnsOnlyWhenTheyOccur) {
  VerdictRow row = passed_row();
  EXPECT_THAT(terminal_table(std::vector{row}, Colour::kNever), Not(HasSubstr("phantom")));
  row.phantom = 1;
  row.stalled = true;
  EXPECT_THAT(terminal_table(std::vector{row}, Colour::kNever), HasSubstr("phantom  stalled"));
}

// A run without receivers holds memory as well, but the table does not get wider for it.
TEST(VerdictTable, WhatReceiversStoreHasColumnsOnlyWhereTheyAre) {
  VerdictRow direct = passed_row();
  direct.footprint = {.received_bytes = 0, .stored_bytes = 0, .peak_executor_bytes = 1234};
  VerdictRow family = failed_row();
  const std::string narrow = terminal_table(std::vector{direct, family}, Colour::kNever);
  EXPECT_EQ(narrow, terminal_table(std::vector{passed_row(), failed_row()}, Colour::kNever));

  VerdictRow receivers = passed_row();
  receivers.footprint = {
      .received_bytes = 400, .stored_bytes = 1030, .peak_executor_bytes = 56'789};
  const std::string wide = terminal_table(std::vector{direct, receivers, family}, Colour::kNever);
  EXPECT_THAT(wide, HasSubstr("duplicated  stored     peak  schedules"));
  EXPECT_THAT(wide, HasSubstr("0       -   1.2 kB          1"));
  EXPECT_THAT(wide, HasSubstr("0   2.58x  56.8 kB          1"));
  EXPECT_THAT(wide, HasSubstr("15       -        -       1200"));
}

TEST(VerdictTable, BytesHaveTheUnitThatSuitsThem) {
  VerdictRow row = passed_row();
  const auto table_with_peak = [&row](std::int64_t bytes) {
    row.footprint = {.received_bytes = 1, .stored_bytes = 1, .peak_executor_bytes = bytes};
    return terminal_table(std::vector{row}, Colour::kNever);
  };
  EXPECT_THAT(table_with_peak(0), HasSubstr(" 0 B "));
  EXPECT_THAT(table_with_peak(999), HasSubstr(" 999 B "));
  EXPECT_THAT(table_with_peak(1000), HasSubstr(" 1.0 kB "));
  EXPECT_THAT(table_with_peak(999'949), HasSubstr(" 999.9 kB "));
  EXPECT_THAT(table_with_peak(999'950), HasSubstr(" 1.0 MB "));
  EXPECT_THAT(table_with_peak(2'500'000'000), HasSubstr(" 2.5 GB "));
  EXPECT_THAT(table_with_peak(std::numeric_limits<std::int64_t>::max()), HasSubstr(" TB "));
}

TEST(VerdictTable, ColourIsOptional) {
  EXPECT_THAT(terminal_table(std::vector{failed_row()}, Colour::kNever), Not(HasSubstr("\x1b")));
  EXPECT_THAT(terminal_table(std::vector{failed_row()}, Colour::kAlways), HasSubstr("\x1b[31m"));
}

TEST(VerdictTable, ControlCharactersDoNotReachTheTerminal) {
  VerdictRow row = failed_row();
  row.scenario = "up\x1b[2Jdown\n\xff";
  row.reasons = {"line\r\nline"};

  const std::string table = terminal_table(std::vector{row}, Colour::kNever);

  EXPECT_THAT(table, HasSubstr("up [2Jdown \xef\xbf\xbd"));
  EXPECT_THAT(table, HasSubstr("line  line"));
  EXPECT_THAT(table, Not(HasSubstr("\x1b")));
}

TEST(VerdictMarkdown, EveryColumnIsThereAndCellsAreEscaped) {
  VerdictRow row = passed_row();
  row.expected = "lost >0 | none";

  const std::string table = markdown_table(std::vector{row});

  EXPECT_THAT(table, HasSubstr("| scenario | expected | found |"));
  EXPECT_THAT(table, HasSubstr("| stalled |"));
  EXPECT_THAT(table, HasSubstr("lost \\>0 \\| none"));
  EXPECT_EQ(std::ranges::count(table, '\n'), 3);
}

TEST(VerdictJson, RunsHaveTheFieldsThatTheContractNames) {
  const auto report = nlohmann::json::parse(json_report(std::vector{passed_row(), failed_row()}));

  ASSERT_EQ(report.at("runs").size(), 2U);
  const nlohmann::json& run = report["runs"][1];
  EXPECT_EQ(run.at("scenario"), "direct_append");
  EXPECT_EQ(report["runs"][0].at("claim"), nlohmann::json::array({"s4-transactional"}));
  EXPECT_EQ(run.at("kafka"), "mock");
  EXPECT_EQ(run.at("token"), "op1-bbb");
  EXPECT_EQ(run.at("received"), "exactly-once");
  EXPECT_EQ(run.at("processed"), "exactly-once");
  EXPECT_EQ(run.at("output"), "at-least-once");
  EXPECT_EQ(run.at("lost"), 0);
  EXPECT_EQ(run.at("duplicated"), 15);
  for (const char* const count : {"phantom", "reordered", "wrong"}) {
    EXPECT_EQ(run.at(count), 0) << count;
  }
  EXPECT_EQ(run.at("stalled"), false);
  EXPECT_EQ(run.at("schedules"), 1200);
  EXPECT_EQ(run.at("passed"), false);
  EXPECT_EQ(run.at("expected"), "exactly-once");
}

TEST(VerdictJson, OneRunHasItsFootprintAndAFamilyHasNone) {
  VerdictRow row = passed_row();
  row.footprint = {.received_bytes = 400, .stored_bytes = 1030, .peak_executor_bytes = 700};

  const auto report = nlohmann::json::parse(json_report(std::vector{row, failed_row()}));

  EXPECT_EQ(report.at("runs")[0].at("received_bytes"), 400);
  EXPECT_EQ(report["runs"][0].at("stored_bytes"), 1030);
  EXPECT_EQ(report["runs"][0].at("peak_executor_bytes"), 700);
  for (const char* const field : {"received_bytes", "stored_bytes", "peak_executor_bytes"}) {
    EXPECT_FALSE(report["runs"][1].contains(field)) << field;
  }
}

TEST(VerdictJson, NoRunsAreAnEmptyList) {
  EXPECT_EQ(nlohmann::json::parse(reports::json_report({})),
            nlohmann::json({{"runs", nlohmann::json::array()}}));
}

TEST(VerdictJson, BytesThatAreNoTextDoNotBreakIt) {
  VerdictRow row = failed_row();
  row.reasons = {"key \xff\xfe\x01"};

  EXPECT_NO_THROW(nlohmann::json::parse(json_report(std::vector{row})));
}

TEST(VerdictRow, IsMadeOfAVerdictAndOfWhatWasMeasured) {
  reports::Verdict verdict;
  verdict.received = {.lost = 1, .duplicated = 0};
  verdict.processed = {.lost = 1, .duplicated = 1};
  verdict.output = {.lost = 0, .duplicated = 4};
  verdict.reordered = 2;
  verdict.stalled = true;

  reports::Metrics metrics;
  metrics.received_bytes = 10;
  metrics.block_bytes = 10;
  metrics.replica_bytes = 9;
  metrics.data_log_bytes = 12;
  metrics.driver_log_bytes = 500;
  metrics.peak_executor_bytes = 8;

  const VerdictRow row = make_row(verdict, metrics);

  EXPECT_EQ(row.received, Guarantee::kAtMostOnce);
  EXPECT_EQ(row.processed, Guarantee::kNone);
  EXPECT_EQ(row.found, Guarantee::kAtLeastOnce);
  EXPECT_EQ(row.duplicated, 4);
  EXPECT_EQ(row.reordered, 2);
  EXPECT_TRUE(row.stalled);
  ASSERT_TRUE(row.footprint.has_value());
  EXPECT_EQ(row.footprint->received_bytes, 10);
  EXPECT_EQ(row.footprint->stored_bytes, 31);
  EXPECT_EQ(row.footprint->peak_executor_bytes, 8);
}

}  // namespace
