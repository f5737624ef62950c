// tests/unit/baseline_test.cpp
//
// Two answers held against each other: B1 and B2, each kind of change with its opposite, and what
// is no answer is refused with its place.

#include "reports/baseline.h"

#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/exploration_table.h"
#include "reports/matrix_table.h"
#include "reports/verdict_table.h"

namespace {

using reports::AnswerKind;
using reports::Change;
using reports::ChangeKind;
using reports::Guarantee;
using reports::JsonError;
using reports::Standing;
using reports::VerdictRow;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

VerdictRow row(const std::string& name) {
  VerdictRow row;
  row.scenario = name;
  row.kafka = "model";
  row.token = "op1-" + name;
  row.expected = "-";
  row.passed = true;
  return row;
}

std::vector<Standing> standings(const std::vector<VerdictRow>& rows) {
  return reports::read_answer(reports::json_report(rows), AnswerKind::kRun).value();
}

std::vector<Change> changes(const std::vector<VerdictRow>& before,
                            const std::vector<VerdictRow>& after) {
  return compare(standings(before), standings(after));
}

VerdictRow with_output(Guarantee guarantee) {
  VerdictRow changed = row("a");
  changed.found = guarantee;
  return changed;
}

auto is(ChangeKind kind, const std::string& name, const std::string& sentence) {
  return AllOf(
      Field(&Change::kind, kind), Field(&Change::name, name), Field(&Change::sentence, sentence));
}

JsonError error_of(const std::string& text, AnswerKind kind) {
  const auto read = reports::read_answer(text, kind);
  EXPECT_FALSE(read.has_value()) << text;
  return read ? JsonError() : read.error();
}

// --- Changes -------------------------------------------------------------------------------------

TEST(Baseline, B1AnAnswerAgainstItselfHasNoChange) {
  VerdictRow broken = row("b");
  broken.found = Guarantee::kNone;
  broken.lost = 3;
  broken.stalled = true;
  broken.passed = false;

  EXPECT_THAT(changes({row("a"), broken}, {row("a"), broken}), IsEmpty());
}

// The two promises of a guarantee, as docs/GUARANTEES.md has them.
bool keeps(Guarantee guarantee, bool lost) {
  return guarantee == Guarantee::kExactlyOnce ||
         guarantee == (lost ? Guarantee::kAtLeastOnce : Guarantee::kAtMostOnce);
}

TEST(Baseline, B2AGuaranteeThatLostAPromiseIsWorseAndOneThatGainedOneIsBetter) {
  constexpr std::array kAll{
      Guarantee::kNone, Guarantee::kAtMostOnce, Guarantee::kAtLeastOnce, Guarantee::kExactlyOnce};
  for (const Guarantee was : kAll) {
    for (const Guarantee now : kAll) {
      const auto found = changes({with_output(was)}, {with_output(now)});
      if (was == now) {
        EXPECT_THAT(found, IsEmpty());
        continue;
      }
      bool breaks_a_promise = false;
      for (const bool lost : {true, false}) {
        breaks_a_promise |= keeps(was, lost) && !keeps(now, lost);
      }
      ASSERT_EQ(found.size(), 1U);
      EXPECT_EQ(found[0].kind, breaks_a_promise ? ChangeKind::kWorse : ChangeKind::kBetter)
          << found[0].sentence;
    }
  }
}

TEST(Baseline, TheSentenceHasWhatWasAndWhatIs) {
  EXPECT_THAT(
      changes({with_output(Guarantee::kExactlyOnce)}, {with_output(Guarantee::kAtLeastOnce)}),
      ElementsAre(
          is(ChangeKind::kWorse, "a", "output: exactly-once before, at-least-once now: weaker")));
  EXPECT_THAT(
      changes({with_output(Guarantee::kAtLeastOnce)}, {with_output(Guarantee::kAtMostOnce)}),
      ElementsAre(is(ChangeKind::kWorse,
                     "a",
                     "output: at-least-once before, at-most-once now: neither is weaker than the "
                     "other, and what was promised no longer is")));
}

TEST(Baseline, EveryStageIsCompared) {
  VerdictRow received = row("a");
  received.received = Guarantee::kAtMostOnce;
  VerdictRow processed = row("a");
  processed.processed = Guarantee::kNone;
  EXPECT_THAT(changes({row("a")}, {received}),
              ElementsAre(Field(&Change::sentence, HasSubstr("received: exactly-once before"))));
  EXPECT_THAT(changes({row("a")}, {processed}),
              ElementsAre(Field(&Change::sentence, HasSubstr("processed: exactly-once before"))));
}

TEST(Baseline, ANewFindingIsWorseAndOneThatIsGoneIsBetter) {
  VerdictRow reordered = row("a");
  reordered.reordered = 2;
  VerdictRow stalled = row("a");
  stalled.stalled = true;

  EXPECT_THAT(changes({row("a")}, {reordered}),
              ElementsAre(is(ChangeKind::kWorse, "a", "reordered: none before, 2 now")));
  EXPECT_THAT(changes({reordered}, {row("a")}),
              ElementsAre(is(ChangeKind::kBetter, "a", "reordered: 2 before, none now")));
  EXPECT_THAT(changes({row("a")}, {stalled}),
              ElementsAre(is(ChangeKind::kWorse, "a", "stalled: none before, some now")));
}

TEST(Baseline, MoreOfTheSameIsToldAndIsNotWorse) {
  VerdictRow few = row("a");
  few.lost = 3;
  VerdictRow many = row("a");
  many.lost = 16;
  many.schedules = 4;
  EXPECT_THAT(changes({few}, {many}),
              ElementsAre(is(ChangeKind::kOther, "a", "lost: 3 before, 16 now"),
                          is(ChangeKind::kOther, "a", "1 schedules before, 4 now")));
}

TEST(Baseline, APassThatFailsIsWorseAndTheOtherWayRoundIsBetter) {
  VerdictRow failed = row("a");
  failed.passed = false;
  EXPECT_THAT(changes({row("a")}, {failed}),
              ElementsAre(is(ChangeKind::kWorse, "a", "passed before, fails now")));
  EXPECT_THAT(changes({failed}, {row("a")}),
              ElementsAre(is(ChangeKind::kBetter, "a", "failed before, passes now")));
}

TEST(Baseline, WhatIsGoneIsWorseAndWhatIsNewIsNot) {
  EXPECT_THAT(changes({row("a"), row("b")}, {row("c"), row("b")}),
              ElementsAre(is(ChangeKind::kOther, "c", "is new: output exactly-once"),
                          is(ChangeKind::kWorse, "a", "was judged before, and is gone")));
}

TEST(Baseline, AChangeHasTheTokenThatShowsIt) {
  VerdictRow broken = row("a");
  broken.token = "op1-broken";
  broken.found = Guarantee::kAtLeastOnce;
  broken.duplicated = 1;
  for (const Change& change : changes({row("a")}, {broken})) {
    EXPECT_EQ(change.token, "op1-broken");
  }
}

// --- Other answers -------------------------------------------------------------------------------

reports::MatrixReport table_with(Guarantee output, const std::string& duplicated) {
  reports::MatrixReport report;
  for (const char* const crash : {"none", "driver"}) {
    reports::MatrixTableCell cell;
    cell.source = "kafka-direct";
    cell.offsets = "checkpoint";
    cell.sink = "append";
    cell.crash = crash;
    report.cells.push_back(cell);
  }
  report.cells.back().output = output;
  report.cells.back().tokens.duplicated = duplicated;
  return report;
}

TEST(Baseline, CellsOfTheTableAreCompared) {
  const auto read = [](const reports::MatrixReport& report) {
    return reports::read_answer(reports::json_matrix(report), AnswerKind::kMatrix).value();
  };
  const auto sound = read(table_with(Guarantee::kExactlyOnce, ""));
  const auto broken = read(table_with(Guarantee::kAtLeastOnce, "op1-twice"));

  const std::string name = "kafka-direct, offsets: checkpoint, sink: append, crash: driver";
  EXPECT_THAT(
      compare(sound, broken),
      ElementsAre(
          is(ChangeKind::kWorse, name, "output: exactly-once before, at-least-once now: weaker"),
          is(ChangeKind::kWorse, name, "duplicated: none before, some now")));
  EXPECT_EQ(compare(sound, broken)[0].token, "op1-twice");
  EXPECT_THAT(compare(broken, broken), IsEmpty());
}

TEST(Baseline, AnExplorationOfSeveralScenariosHasOneObjectForEach) {
  reports::ExplorationReport sound;
  sound.scenario = "a";
  sound.token = "op1-a";
  reports::ExplorationReport broken = sound;
  broken.findings = {{.kind = "received lost",
                      .count = 1,
                      .worst = 4,
                      .token = "op1-lost",
                      .faults = {"crash driver at step 3"}}};
  reports::ExplorationReport other = sound;
  other.scenario = "b";
  const auto read = [](const std::vector<reports::ExplorationReport>& all) {
    std::string text;
    for (const auto& report : all) {
      text += reports::json_exploration(report);
    }
    return reports::read_answer(text, AnswerKind::kExplore).value();
  };
  EXPECT_THAT(compare(read({sound, other}), read({broken, other})),
              ElementsAre(is(ChangeKind::kWorse, "a", "received lost: none before, 4 now")));
  EXPECT_THAT(compare(read({sound, other}), read({sound})),
              ElementsAre(is(ChangeKind::kWorse, "b", "was judged before, and is gone")));
}

// --- What is no answer ---------------------------------------------------------------------------

struct Malformed {
  std::string text;
  AnswerKind kind;
  int line;
  int column;
  std::string message;
};

TEST(Baseline, WhatIsNoAnswerIsRefusedWithItsPlace) {
  const std::vector<Malformed> all{
      {"", AnswerKind::kRun, 1, 1, "this is empty"},
      {"{\n  \"runs\": [\n    { \"scenario\" \"a\" } ] }", AnswerKind::kRun, 3, 18, "no JSON"},
      {"{\"runs\": [", AnswerKind::kRun, 1, 11, "the text ends where"},
      {"[]", AnswerKind::kRun, 1, 1, "an answer of onceproof run must be an object, not a list"},
      {"{\"cells\": []}", AnswerKind::kRun, 1, 1, "needs the member \"runs\""},
      {"{\"runs\": []}", AnswerKind::kMatrix, 1, 1, "needs the member \"cells\""},
      {"{\"runs\": {}}", AnswerKind::kRun, 1, 10, "runs must be a list, not an object"},
      {"{\"runs\": [ 7 ]}", AnswerKind::kRun, 1, 12, "runs must be an object, not a whole number"},
      {"{\"runs\": [\n {\"scenario\": 7}]}", AnswerKind::kRun, 2, 15, "scenario must be text"},
      {std::string(200, '['), AnswerKind::kRun, 1, 65, "nested too deep"},
      {"{\"runs\": 99999999999999999999999999e999}", AnswerKind::kRun, 1, 10, "must be a list"},
      {"\xff", AnswerKind::kRun, 1, 1, "no JSON"}};
  for (const Malformed& malformed : all) {
    const JsonError error = error_of(malformed.text, malformed.kind);
    EXPECT_THAT(error.message, HasSubstr(malformed.message));
    EXPECT_EQ(error.line, malformed.line) << malformed.message;
    EXPECT_EQ(error.column, malformed.column) << malformed.message;
  }
}

TEST(Baseline, AWrongValueIsRefusedWithItsPlace) {
  const std::string answer = reports::json_report(std::vector{row("a"), row("b")});
  const auto with = [&answer](const std::string& from, const std::string& to) {
    std::string changed = answer;
    const std::size_t at = changed.rfind(from);
    return changed.replace(at, from.size(), to);
  };
  const JsonError guarantee =
      error_of(with("\"output\": \"exactly-once\"", "\"output\": \"twice\""), AnswerKind::kRun);
  EXPECT_EQ(guarantee.message,
            "output \"twice\": this must be exactly-once, at-least-once, at-most-once or none");
  EXPECT_EQ(guarantee.line, 30);
  EXPECT_EQ(guarantee.column, 17);

  EXPECT_THAT(error_of(with("\"lost\": 0", "\"lost\": -1"), AnswerKind::kRun).message,
              HasSubstr("cannot be negative"));
  EXPECT_THAT(error_of(with("\"lost\": 0", "\"lost\": 0.5"), AnswerKind::kRun).message,
              HasSubstr("lost must be a whole number"));
  EXPECT_THAT(error_of(with("\"stalled\": false", "\"stalled\": null"), AnswerKind::kRun).message,
              HasSubstr("stalled must be true or false, not null"));
  EXPECT_THAT(
      error_of(with("\"scenario\": \"b\"", "\"scenario\": \"a\""), AnswerKind::kRun).message,
      HasSubstr("a is there twice"));
}

}  // namespace
