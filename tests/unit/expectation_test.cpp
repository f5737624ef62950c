// Expectations: what is met stays silent, what is not is said with evidence.

#include "scenarios/expectation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace scenarios {
namespace {

using reports::Guarantee;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Comparison compare(Comparison::Operator op, std::int64_t value) {
  return {.op = op, .value = value};
}

Comparison exactly(std::int64_t value) {
  return compare(Comparison::Operator::kEqual, value);
}

Comparison more_than(std::int64_t value) {
  return compare(Comparison::Operator::kGreater, value);
}

// Record 5 is lost, record 9 duplicated twice.
struct Broken {
  Broken() {
    verdict.output = {.lost = 1, .duplicated = 2};
    verdict.lost_examples = {{5}};
    verdict.duplicate_examples = {{9}};
    for (std::int64_t i = 0; i < 10; ++i) {
      reports::InputRecord record;
      record.id = {i};
      record.position = {1, {i + 100}};
      record.key = "k3";
      ledger.inputs.push_back(record);
    }
  }

  reports::Verdict verdict;
  reports::Ledger ledger;
  Scenario scenario;
};

std::vector<std::string> mismatches_of(const Broken& run) {
  return sentences_of(check(run.scenario, run.verdict, run.ledger));
}

TEST(Expectation, AMetGuaranteeIsNoMismatch) {
  Broken run;
  run.scenario.expect.output = Guarantee::kNone;
  run.scenario.expect.received = Guarantee::kExactlyOnce;

  EXPECT_THAT(mismatches_of(run), IsEmpty());
}

TEST(Expectation, ABrokenGuaranteeNamesExpectedFoundAndRecords) {
  Broken run;
  run.scenario.expect.output = Guarantee::kExactlyOnce;

  EXPECT_THAT(mismatches_of(run),
              ElementsAre("output: expected exactly-once, found none (duplicated 2, lost 1); lost "
                          "records: 5 (partition 1, offset 105, key k3); duplicated records: 9 "
                          "(partition 1, offset 109, key k3)"));
}

TEST(Expectation, AGuaranteeStrongerThanExpectedIsAMismatchToo) {
  Broken run;
  run.verdict = {};
  run.scenario.expect.output = Guarantee::kAtLeastOnce;

  EXPECT_THAT(mismatches_of(run),
              ElementsAre(HasSubstr("expected at-least-once, found exactly-once")));
}

TEST(Expectation, CountsAreComparedOneByOne) {
  Broken run;
  run.scenario.expect.output =
      CountExpectations{{"lost", more_than(0)}, {"duplicated", exactly(0)}, {"wrong", exactly(0)}};

  EXPECT_THAT(mismatches_of(run),
              ElementsAre("output: expected duplicated 0, found 2; duplicated records: 9 "
                          "(partition 1, offset 109, key k3)"));
}

TEST(Expectation, EachStageIsHeldToItsOwnCounts) {
  Broken run;
  run.verdict.processed.duplicated = 3;
  run.scenario.expect.received = CountExpectations{{"duplicated", exactly(0)}};
  run.scenario.expect.processed = CountExpectations{{"duplicated", exactly(0)}};

  EXPECT_THAT(mismatches_of(run), ElementsAre("processed: expected duplicated 0, found 3"));
}

TEST(Expectation, WrongAggregatesAreQuoted) {
  Broken run;
  run.verdict = {};
  run.verdict.wrong = 1;
  run.verdict.wrong_examples = {"k7: 41 instead of 40"};
  run.scenario.expect.output = Guarantee::kExactlyOnce;

  EXPECT_THAT(mismatches_of(run), ElementsAre(HasSubstr("wrong keys: k7: 41 instead of 40")));
}

TEST(Expectation, StallingIsAMismatchUnlessExpected) {
  Broken run;
  EXPECT_THAT(mismatches_of(run), IsEmpty());
  run.verdict.stalled = true;
  EXPECT_THAT(mismatches_of(run), ElementsAre(HasSubstr("found it stalled")));
  run.scenario.expect.stalled = true;
  EXPECT_THAT(mismatches_of(run), IsEmpty());
  run.verdict.stalled = false;
  EXPECT_THAT(mismatches_of(run), ElementsAre(HasSubstr("found it drained")));
}

TEST(Expectation, AFaultThatNeverFiredIsAMismatch) {
  Broken run;
  run.ledger.faults.push_back({.kind = "crash",
                               .target = "driver",
                               .point = "checkpoint.renamed",
                               .occurrence = 2,
                               .fired_at = engine::Instant{}});
  EXPECT_THAT(mismatches_of(run), IsEmpty());

  run.ledger.faults[0].fired_at.reset();
  EXPECT_THAT(mismatches_of(run),
              ElementsAre(HasSubstr("fault 1: expected crash of driver at checkpoint.renamed "
                                    "(occurrence 2), found that it never happened")));
}

TEST(Expectation, PointsAreCountedOverTheWholeRun) {
  Broken run;
  reports::Event reached;
  reached.point = engine::Point::kCheckpointRenamed;
  reports::Event crash = reached;
  crash.kind = reports::EventKind::kCrash;
  run.ledger.events = {reached, reached, crash};
  run.scenario.expect.points = {{"checkpoint.renamed", exactly(2)}};
  EXPECT_THAT(mismatches_of(run), IsEmpty());

  run.scenario.expect.points = {{"checkpoint.renamed", more_than(2)}};
  EXPECT_THAT(mismatches_of(run),
              ElementsAre("point checkpoint.renamed: expected to be reached >2 times, found 2"));
}

TEST(Expectation, EveryMetricIsReadFromItsOwnField) {
  Broken run;
  run.ledger.metrics = {.peak_task_bytes = 1,
                        .checkpoint_bytes_max = 2,
                        .checkpoint_files = 3,
                        .input_bytes = 4,
                        .batch_records_max = 5,
                        .partition_records_max = 6,
                        .driver_starts = 7,
                        .received_bytes = 8,
                        .block_bytes = 9,
                        .replica_bytes = 10,
                        .data_log_bytes = 11,
                        .driver_log_bytes = 12,
                        .peak_block_bytes = 13,
                        .peak_executor_bytes = 14};
  std::int64_t value = 0;
  for (const char* const name : {"peak_task_bytes",
                                 "checkpoint_bytes_max",
                                 "checkpoint_files",
                                 "input_bytes",
                                 "batch_records_max",
                                 "partition_records_max",
                                 "driver_starts",
                                 "received_bytes",
                                 "block_bytes",
                                 "replica_bytes",
                                 "data_log_bytes",
                                 "driver_log_bytes",
                                 "peak_block_bytes",
                                 "peak_executor_bytes"}) {
    run.scenario.expect.metrics = {{name, exactly(++value)}};
    EXPECT_THAT(mismatches_of(run), IsEmpty()) << name;
    run.scenario.expect.metrics = {{name, more_than(value)}};
    EXPECT_EQ(mismatches_of(run).size(), 1U) << name;
  }
  run.scenario.expect.metrics = {{"stored_bytes", exactly(9 + 10 + 11)}};
  EXPECT_THAT(mismatches_of(run), IsEmpty());
  EXPECT_EQ(metric_names().size(), static_cast<std::size_t>(value) + 1);
}

TEST(Expectation, TheTableNamesWhatIsExpected) {
  Scenario scenario;
  EXPECT_EQ(expected_text(scenario), "-");
  scenario.expect.output = Guarantee::kExactlyOnce;
  EXPECT_EQ(expected_text(scenario), "exactly-once");
  scenario.expect.output = CountExpectations{{"duplicated", exactly(0)}, {"lost", more_than(0)}};
  scenario.expect.received = Guarantee::kAtLeastOnce;
  scenario.expect.stalled = true;
  EXPECT_EQ(expected_text(scenario), "lost >0, duplicated 0; received at-least-once; stalled");
}

}  // namespace
}  // namespace scenarios
