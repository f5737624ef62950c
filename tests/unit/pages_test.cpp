// tests/unit/pages_test.cpp
//
// The pages of a recording hold what the recording holds, escape what users chose, stay small, and
// say what they leave out.

#include "reports/pages/pages.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <sstream>

#include <boost/property_tree/xml_parser.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/matrix_recording.h"
#include "reports/pages/columns.h"
#include "reports/plots/axis.h"
#include "reports/plots/svg_plot.h"
#include "tests/pages/page_data.h"
#include "tests/pages/recorded_pages.h"

namespace {

using reports::Column;
using reports::TextTable;
using support::LedgerBuilder;
using support::range;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Lt;
using testing::Not;
using tests::PageData;
using tests::read_file;

using PagesTest = tests::RecordedPages;

constexpr std::size_t kPageBytesMax = 2'000'000;
constexpr std::ptrdiff_t kLinesAroundRows = 4;  // of a box that sqlite3 draws

bool is_xml(const std::string& text) {
  std::istringstream in(text);
  boost::property_tree::ptree tree;
  boost::property_tree::read_xml(in, tree);
  return tree.count("svg") == 1;
}

// --- Columns -----------------------------------------------------------------------------------

TEST(Columns, EveryValueComesBack) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::int64_t> values{0, -1, 1, 63, 64, -64, -65, kMax, kMin, kMax, 0, kMin, -1};
  for (std::size_t count = 0; count <= values.size(); ++count) {
    Column column;
    const std::vector<std::int64_t> some(values.begin(),
                                         values.begin() + static_cast<std::ptrdiff_t>(count));
    for (const std::int64_t value : some) {
      column.add(value);
    }
    EXPECT_EQ(tests::decode_column(column.text(), count), some);
  }
}

TEST(Columns, TextsAreThereOnceAndBounded) {
  TextTable texts;
  EXPECT_EQ(texts.number_of(""), 0);
  EXPECT_EQ(texts.number_of("key"), 1);
  EXPECT_EQ(texts.number_of("key"), 1);
  EXPECT_EQ(texts.shortened_count(), 0);
  const std::int64_t umlauts = texts.number_of(std::string(200, 'x') + "ü");
  EXPECT_THAT(texts.texts()[static_cast<std::size_t>(umlauts)], HasSubstr("(42 bytes more)"));
  texts.number_of("\xff");
  EXPECT_EQ(texts.texts().back(), "\xef\xbf\xbd");
  EXPECT_EQ(texts.shortened_count(), 1);
  for (int i = 0; i < 10'000; ++i) {
    texts.number_of(fmt::format("{:0>100}", i));
  }
  std::size_t bytes = 0;
  for (const std::string& text : texts.texts()) {
    bytes += text.size();
  }
  EXPECT_THAT(bytes, Lt(TextTable::kTableBytesMax + std::size_t{3} * 10'000));
  EXPECT_GT(texts.shortened_count(), 6'000);
}

// --- A run -------------------------------------------------------------------------------------

TEST_F(PagesTest, ARunWithThreeLossesShowsExactlyThose) {
  const std::int64_t run_id = record(with_losses({3, 11, 12}));
  write_pages();
  const PageData data(read_file(page(run_id)));
  EXPECT_THAT(data.inputs_that_show(1), ElementsAre(3, 11, 12));
  EXPECT_THAT(data.inputs_that_show(2 + 4), ElementsAre());
  EXPECT_EQ(data.json().at("figures").at("output").at("lost"), 3);
  EXPECT_EQ(data.json().at("outputs").at("rows"), 17);
}

TEST_F(PagesTest, ARunWithoutAFindingShowsNone) {
  const std::int64_t run_id = record(with_losses({}));
  write_pages();
  const PageData data(read_file(page(run_id)));
  EXPECT_THAT(data.inputs_that_show(~0), ElementsAre());
  EXPECT_THAT(data.column("outputs", "shows"), Each(0));
}

TEST_F(PagesTest, ASurplusRowIsMarkedAndItsRecordToo) {
  auto ledger = with_losses({});
  ledger.outputs.push_back(ledger.outputs[4]);
  const std::int64_t run_id = record(ledger);
  write_pages();
  const PageData data(read_file(page(run_id)));
  EXPECT_THAT(data.inputs_that_show(2), ElementsAre(4));
  EXPECT_EQ(data.column("outputs", "shows").back(), 1);
}

TEST_F(PagesTest, WhatUsersChoseDoesNotBreakOut) {
  const std::string attack = "</script><img src=x onerror=alert(1)>\"'&]]>\xff";
  auto ledger = with_losses({3});
  ledger.inputs[3].key = attack;
  ledger.inputs[3].value = attack;
  ledger.outputs[0].value = attack;
  const std::int64_t run_id =
      record(ledger, {{"description", attack}, {"story", attack + "\n"}, {"reason", attack}});
  write_pages();
  const std::string html = read_file(page(run_id));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  const std::size_t begin = html.find("id=\"data\">");
  const std::size_t end = html.find("</script>", begin);
  EXPECT_THAT(html.substr(begin + 10, end - begin - 10), Not(HasSubstr("<")));
  EXPECT_EQ(PageData(html).texts("inputs", "key")[3],
            attack.substr(0, attack.size() - 1) + "\xef\xbf\xbd");
}

// Pasted into a shell, as they are meant to be, of a recording whose name is hard to paste.
TEST_F(PagesTest, TheCommandsThatAskFurtherAnswer) {
  std::filesystem::create_directory(folder_ / "it's here");
  database_ = folder_ / "it's here" / "all runs.db";
  auto ledger = with_losses({3, 11, 12});
  ledger.outputs.push_back(ledger.outputs[4]);
  const std::int64_t run_id = record(ledger);
  write_pages();
  boost::property_tree::ptree section;
  const std::string html = read_file(page(run_id));
  const std::size_t begin = html.find("<section id=\"sql\">");
  std::istringstream in(html.substr(begin, html.find("</section>", begin) + 10 - begin));
  boost::property_tree::read_xml(in, section);
  std::vector<std::ptrdiff_t> rows;
  for (const auto& [name, heading] : section.get_child("section")) {
    const auto command = heading.get_optional<std::string>("button.<xmlattr>.data-copy");
    if (command) {
      const tests::Ended answer = tests::run({.program = "/bin/sh",
                                              .arguments = {"-c", *command},
                                              .folder = folder_,
                                              .environment = {},
                                              .stdout_to = {},
                                              .stderr_to = {},
                                              .file_bytes_max = {}});
      EXPECT_EQ(answer.status, 0) << *command << answer.err;
      const auto lines = std::ranges::count(answer.out, '\n');
      rows.push_back(std::max<std::ptrdiff_t>(0, lines - kLinesAroundRows));
    }
  }
  EXPECT_THAT(rows, ElementsAre(3, 1, 1, 0));
}

TEST_F(PagesTest, APageAsksNobodyForAnything) {
  const std::int64_t run_id = record(with_losses({3}));
  write_pages();
  for (const auto& file : {page(run_id), folder_ / "index.html"}) {
    const std::string html = read_file(file);
    EXPECT_THAT(html, HasSubstr("default-src 'none'"));
    EXPECT_THAT(html, Not(HasSubstr("src=\"")));
    EXPECT_THAT(html, Not(HasSubstr("@import")));
    EXPECT_THAT(html, Not(HasSubstr("https://")));
  }
}

// A run larger than any page: everything that can be long is.
reports::Ledger enormous_ledger() {
  constexpr std::int64_t kRecords = 30'000;
  LedgerBuilder history;
  history.inputs(0, kRecords).outputs(0, kRecords - 5).plan(1, 1, {range(0, 0, kRecords)}, true);
  reports::Ledger& ledger = history.ledger();
  for (reports::InputRecord& input : ledger.inputs) {
    input.value = fmt::format("{:x>300}", input.id.value);
  }
  for (std::int64_t i = 0; i < 200'000; ++i) {
    reports::Event event;
    event.at = engine::Instant(std::chrono::microseconds(i * 137 + i % 7));
    event.process = {.process = {engine::Role::kExecutor, static_cast<std::int32_t>(i % 3)},
                     .incarnation = 1};
    event.point = engine::all_points()[static_cast<std::size_t>(i) % 30].point;
    event.batch = support::batch(i / 1000);
    event.partition = static_cast<std::int32_t>(i % 40);
    ledger.events.push_back(event);
  }
  ledger.ended_at = engine::Instant(std::chrono::seconds(30));
  return ledger;
}

TEST_F(PagesTest, APageStaysSmallAndSaysWhatItLeavesOut) {
  const std::int64_t run_id = record(enormous_ledger());
  write_pages();
  const std::string html = read_file(page(run_id));
  EXPECT_THAT(html.size(), Lt(kPageBytesMax));
  const PageData data(html);
  EXPECT_EQ(data.json().at("events").at("rows"), 100'000);
  EXPECT_EQ(data.json().at("figures").at("inputs"), 30'000);
  EXPECT_THAT(data.inputs_that_show(1), ElementsAre(29'995, 29'996, 29'997, 29'998, 29'999));
  EXPECT_THAT(html, HasSubstr("larger than a page"));
  EXPECT_THAT(html, HasSubstr("25000 inputs"));
  EXPECT_THAT(html, HasSubstr("points of receivers"));
}

TEST_F(PagesTest, ARunThatIsUnknownIsNamed) {
  record(with_losses({}));
  const auto nothing = [](const std::string& /*name*/, const std::string& /*text*/) {
    return std::string();
  };
  const auto unknown = reports::write_pages(database(), reports::RunIds{1, 9}, nothing);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_THAT(unknown.error().sentence, HasSubstr("has no run 9"));
  const auto absent = reports::write_pages((folder_ / "absent.db").string(), std::nullopt, nothing);
  ASSERT_FALSE(absent.has_value());
  EXPECT_THAT(absent.error().sentence, HasSubstr("cannot read"));
}

// Of a recording that was made before there were messages and texts.
TEST_F(PagesTest, AnOlderRecordingHasPagesToo) {
  const std::int64_t run_id = record(with_losses({3}));
  reports::sql::Database old(database());
  old.execute(
      "DROP TABLE message; DROP TABLE memory; DROP TABLE receiver_position; DROP TABLE run_text");
  write_pages();
  const std::string html = read_file(page(run_id));
  EXPECT_THAT(html, HasSubstr("has no story"));
  EXPECT_THAT(PageData(html).inputs_that_show(1), ElementsAre(3));
}

// --- The front page ----------------------------------------------------------------------------

TEST_F(PagesTest, TheFrontPageHasRunsAndTheMatrix) {
  record(with_losses({3}));
  record(with_losses({}));
  reports::MatrixReport matrix;
  matrix.crashes = {"driver"};
  matrix.cells.push_back(
      {.source = "kafka-direct",
       .checkpoint = true,
       .offsets = "checkpoint",
       .sink = "append",
       .crash = "driver",
       .received = reports::Guarantee::kExactlyOnce,
       .output = reports::Guarantee::kAtLeastOnce,
       .schedules = 17,
       .pruned = 3,
       .of = 20,
       .depth = 1,
       .tokens = {.lost = "op1-abc", .duplicated = "op1-witness", .wrong = {}, .stalled = {}},
       .in_seed_table = false});
  ASSERT_TRUE(reports::record_matrix(database(), matrix).has_value());
  matrix.cells[0].schedules = 18;
  ASSERT_TRUE(reports::record_matrix(database(), matrix).has_value());
  write_pages();
  const std::string html = read_file(folder_ / "index.html");
  EXPECT_THAT(html, HasSubstr("2 runs: 2 as expected, 0 not"));
  EXPECT_THAT(html, HasSubstr("href=\"run-2.html\""));
  EXPECT_THAT(html,
              HasSubstr("<th scope=\"row\">kafka-direct, offsets: checkpoint, sink: append</th>"));
  EXPECT_THAT(html, HasSubstr("onceproof replay op1-witness"));
  EXPECT_THAT(html, HasSubstr("<a href=\"run-2.html\">lost</a>"));
  EXPECT_THAT(html, HasSubstr(">18<"));
  EXPECT_THAT(html, Not(HasSubstr(">17<")));
}

// --- Plots -------------------------------------------------------------------------------------

TEST(Plots, AnAxisHasRoundLabels) {
  const reports::Axis axis(0, 0.73, 0, 100, 5);
  std::vector<std::string> labels;
  for (const double tick : axis.ticks()) {
    labels.push_back(axis.label(tick));
  }
  EXPECT_THAT(labels, ElementsAre("0.0", "0.2", "0.4", "0.6", "0.8"));
  EXPECT_DOUBLE_EQ(axis.pixel(0.4), 50);
  const reports::Axis point(0, 0, 0, 100, 5);
  EXPECT_GT(point.ticks().size(), 1U);
}

TEST(Plots, TheyAreValidXmlWhateverTheNamesAre) {
  const reports::PlotTitles titles{.title = "<a> & \"b\"\x01", .x = "&", .y = "<"};
  const std::vector<reports::Series> series{
      {.name = "<&>", .drawn = reports::Drawn::kSteps, .points = {{0, 1}, {2, 3}}},
      {.name = "dots", .drawn = reports::Drawn::kDots, .points = {{1, 1}}},
      {.name = "nothing", .drawn = reports::Drawn::kLine, .points = {}}};
  EXPECT_TRUE(is_xml(reports::svg_plot(titles, series)));
  EXPECT_TRUE(is_xml(reports::svg_plot(titles, {})));
  const std::vector<reports::Bar> bars{{"<&>", 0}, {"b", 3.5}};
  EXPECT_TRUE(is_xml(reports::svg_bars(titles, bars)));
}

TEST_F(PagesTest, ThePicturesOfARunAreFilesOfTheirOwn) {
  auto ledger = with_losses({3});
  ledger.memory.push_back({.at = engine::Instant(std::chrono::seconds(1)),
                           .process = {{engine::Role::kExecutor, 0}, 1},
                           .task_bytes = 2048,
                           .block_bytes = 1024});
  record(ledger);
  record(ledger);
  write_pages();
  for (const char* const name : {"run-1-latency.svg", "run-1-memory.svg", "throughput.svg"}) {
    EXPECT_TRUE(is_xml(read_file(folder_ / name))) << name;
  }
}

}  // namespace
