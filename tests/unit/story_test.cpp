// tests/unit/story_test.cpp
//
// Stories of ledgers written by hand: what must be said, and what would be a lie.

#include "reports/story.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/ledger_builder.h"

namespace {

using engine::Point;
using engine::Role;
using reports::Event;
using reports::EventKind;
using reports::Ledger;
using reports::StorySubject;
using std::chrono::milliseconds;
using support::batch;
using support::LedgerBuilder;
using support::range;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kNobody = "Nobody noticed";

engine::Instant at(std::int64_t ms) {
  return engine::Instant(milliseconds(ms));
}

Event point(std::int64_t ms, Point what, std::int64_t batch_number, engine::Incarnation life = 1) {
  Event event;
  event.at = at(ms);
  event.process = {{Role::kDriver, 0}, life};
  event.point = what;
  event.batch = batch(batch_number);
  return event;
}

Event happening(std::int64_t ms, EventKind kind, engine::Incarnation life = 1) {
  Event event = point(ms, Point::kGeneratorBatchDue, 1, life);
  event.kind = kind;
  return event;
}

std::string tell(const Ledger& ledger, const std::string& finding) {
  StorySubject subject{.pipeline = {"The pipeline."},
                       .sink = "The sink takes everything.",
                       .finding = finding,
                       .faults = {},
                       .batch_interval = std::chrono::seconds(1)};
  for (const reports::FaultRecord& fault : ledger.faults) {
    subject.faults.push_back(fault.kind + " " + fault.target);
  }
  return reports::tell_story(ledger, reports::judge(ledger), subject);
}

std::ptrdiff_t place(const std::string& story, const std::string& what) {
  const auto found = story.find(what);
  EXPECT_NE(found, std::string::npos) << what << " is not in\n" << story;
  return static_cast<std::ptrdiff_t>(found);
}

// Batch 1 of the first driver life has both records; the driver dies, and the next life begins
// behind them.
Ledger lost_behind_a_saved_position() {
  Ledger ledger = LedgerBuilder()
                      .inputs(0, 2)
                      .plan(1, 1, {range(0, 0, 2)}, false)
                      .plan(2, 2, {range(0, 2, 2)}, true)
                      .ledger();
  ledger.events = {point(1001, Point::kGeneratorBatchPlanned, 1),
                   point(1002, Point::kOffsetsSaved, 1),
                   happening(1003, EventKind::kCrash),
                   happening(1500, EventKind::kProcessStarted, 2),
                   point(2001, Point::kGeneratorBatchPlanned, 2, 2)};
  ledger.faults = {{.kind = "crash",
                    .target = "driver",
                    .point = "offsets.saved",
                    .occurrence = 1,
                    .fired_at = at(1003)}};
  return ledger;
}

TEST(Story, TellsInOrderWhatHappenedToTheFirstLostRecord) {
  const std::string story = tell(lost_behind_a_saved_position(), "lost");

  EXPECT_THAT(story, HasSubstr("2 records went in. This is the story of record 0"));
  EXPECT_LT(place(story, "plans batch 1: partition 0 from 0 to 2, with the record"),
            place(story, "saves the offsets behind batch 1"));
  EXPECT_LT(place(story, "saves the offsets behind batch 1"), place(story, "crash driver"));
  EXPECT_LT(place(story, "crash driver"), place(story, "driver #2     starts"));
  EXPECT_LT(place(story, "driver #2     starts"), place(story, "behind the record"));
  EXPECT_THAT(story, HasSubstr("In the end no row of record 0 is in the sink."));
  EXPECT_THAT(story, HasSubstr("had it and did not finish; nobody had it again"));
  EXPECT_THAT(story, HasSubstr(kNobody));
}

TEST(Story, DoesNotTellOfAFaultThatNeverStruck) {
  Ledger ledger = lost_behind_a_saved_position();
  ledger.faults.front().fired_at.reset();
  EXPECT_THAT(tell(ledger, "lost"), Not(HasSubstr("FAULT")));
}

TEST(Story, SaysWhoNoticed) {
  Ledger ledger = lost_behind_a_saved_position();
  ledger.events.push_back(happening(2100, EventKind::kBatchFailed, 2));

  const std::string story = tell(ledger, "lost");

  EXPECT_THAT(story, HasSubstr("The only sign of it: driver #2 gives batch 1 up"));
  EXPECT_THAT(story, Not(HasSubstr(kNobody)));
}

TEST(Story, TellsOfEveryRowOfADuplicatedRecord) {
  const Ledger ledger = LedgerBuilder()
                            .inputs(0, 2)
                            .outputs(0, 2)
                            .output(0, 1)
                            .plan(1, 1, {range(0, 0, 2)}, true)
                            .ledger();

  const std::string story = tell(ledger, "duplicated");

  EXPECT_THAT(story, HasSubstr("This is the story of record 1"));
  EXPECT_THAT(story, HasSubstr("In the end 2 rows of record 1 are in the sink; 1 expected."));
  EXPECT_THAT(story, HasSubstr("Batch 1 had it once, and wrote it more than once."));
  EXPECT_THAT(story, HasSubstr("The sink takes everything."));
}

// Nobody passed the record over: the run had no time left for it.
TEST(Story, DoesNotBlameAPositionForWhatARunThatStalledLeft) {
  Ledger ledger = LedgerBuilder().inputs(0, 1).ledger();
  EXPECT_THAT(tell(ledger, "lost"), HasSubstr("whoever kept the position took it for done"));

  ledger.stalled = true;

  for (const char* const finding : {"lost", "stalled"}) {
    const std::string story = tell(ledger, finding);
    EXPECT_THAT(story, Not(HasSubstr("took it for done"))) << finding;
    EXPECT_THAT(story, HasSubstr("work was left that nobody did")) << finding;
  }
}

TEST(Story, OfAWrongValueIsThatOfARecordOfItsKey) {
  Ledger ledger = LedgerBuilder()
                      .inputs(0, 2)
                      .plan(1, 1, {range(0, 0, 2)}, true)
                      .aggregate(reports::AggregateKind::kCountByKey, {{"k0", 1}, {"k1", 1}})
                      .ledger();
  ledger.events = {point(1001, Point::kGeneratorBatchPlanned, 1)};

  const std::string story = tell(ledger, "wrong");

  EXPECT_THAT(story, HasSubstr("This is the story of record 0"));
  EXPECT_THAT(story, HasSubstr("plans batch 1: partition 0 from 0 to 2, with the record"));
  EXPECT_THAT(story, HasSubstr("k0: missing, expected 1"));
  EXPECT_THAT(story, Not(HasSubstr("no row of record")));
}

// Whoever asks for one gets it, and not the first example.
TEST(Story, IsOfTheRecordOrTheKeyThatIsAskedFor) {
  const Ledger rows =
      LedgerBuilder().inputs(0, 3).outputs(0, 1).plan(1, 1, {range(0, 0, 3)}, true).ledger();
  const Ledger keys = LedgerBuilder()
                          .inputs(0, 2)
                          .aggregate(reports::AggregateKind::kCountByKey, {{"k0", 1}, {"k1", 1}})
                          .ledger();
  reports::StorySubject subject;
  subject.finding = "lost";
  subject.position = engine::Position{0, {2}};
  EXPECT_THAT(tell_story(rows, judge(rows), subject),
              HasSubstr("This is the story of record 2 (partition 0, offset 2"));
  subject.finding.clear();
  subject.position = engine::Position{0, {0}};
  EXPECT_THAT(tell_story(rows, judge(rows), subject),
              HasSubstr("Nothing happened to it: it came out as it should."));
  subject = {};
  subject.finding = "wrong";
  subject.key = "k1";
  EXPECT_THAT(tell_story(keys, judge(keys), subject), HasSubstr("k1: missing, expected 1"));
}

// What is left out is what matters least, and the story says how much that is.
TEST(Story, IsShortHoweverMuchHappened) {
  Ledger ledger = lost_behind_a_saved_position();
  for (engine::Incarnation life = 3; life < 100; ++life) {
    ledger.events.push_back(happening(3000 + life, EventKind::kProcessStarted, life));
  }

  const std::string story = tell(ledger, "lost");

  EXPECT_EQ(std::ranges::count(story, '\n'), reports::kStoryLinesMax);
  EXPECT_THAT(story, HasSubstr("more events)"));
  EXPECT_THAT(story, HasSubstr("with the record"));
  EXPECT_THAT(story, HasSubstr("crash driver"));
  EXPECT_THAT(story, HasSubstr("In the end"));
}

TEST(Story, OfARunThatShowsNothingSaysSo) {
  const Ledger ledger =
      LedgerBuilder().inputs(0, 2).outputs(0, 2).plan(1, 1, {range(0, 0, 2)}, true).ledger();

  const std::string story = tell(ledger, "");

  EXPECT_THAT(story, HasSubstr("Every record came out as it should."));
  EXPECT_THAT(story, Not(HasSubstr(kNobody)));
}

}  // namespace
