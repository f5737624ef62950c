// tests/scenario/explanation_test.cpp
//
// The decisive step, in worlds of which it is known by construction; the same by brute force, every
// crash at every boundary with nothing pruned; and anomalies, record by record, against the judge.

#include "scenarios/explanation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ports/points.h"
#include "reports/anomaly.h"
#include "reports/story.h"
#include "scenarios/catalogue.h"
#include "scenarios/explorer.h"
#include "scenarios/fault_text.h"
#include "scenarios/run_story.h"
#include "tests/support/world_fixture.h"

namespace tests {
namespace {

using reports::Anomaly;
using reports::AnomalyKind;
using scenarios::DecisiveStep;
using scenarios::Explanation;
using scenarios::JudgedRun;
using scenarios::PreparedScenario;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kBudget = 2000;

// A scenario that ships with the program, of `folder`.
PreparedScenario shipped(const std::string& folder, const std::string& name) {
  for (scenarios::Scenario& scenario :
       scenarios::find_scenarios({ONCEPROOF_SOURCE_DIR "/scenarios/" + folder}).value()) {
    if (scenario.name == name) {
      return prepared_from(std::move(scenario));
    }
  }
  ADD_FAILURE() << "there is no scenario " << name;
  return {};
}

// A run, its first anomaly of a kind, and the step that decided it.
struct Case {
  Case(PreparedScenario world, AnomalyKind kind) : prepared(std::move(world)) {
    judged = player.play(prepared);
    for (const Anomaly& one : anomalies_of(judged.run.ledger)) {
      if (one.kind == kind) {
        anomaly = one;
        break;
      }
    }
    if (!anomaly) {
      ADD_FAILURE() << prepared.scenario.name << " shows nothing " << to_string(kind);
      return;
    }
    Explanation explanation(player.runner(),
                            prepared,
                            prepared.scenario.seed,
                            prepared.scenario.faults,
                            {*anomaly},
                            kBudget);
    decisive = explanation.decisive_step(0).value();
  }

  // The decisive step is this fault of the plan, and nothing more was needed to prevent it.
  void expect_fault(std::size_t fault) const {
    EXPECT_EQ(decisive.kind, DecisiveStep::Kind::kFault);
    EXPECT_EQ(decisive.fault, fault);
    EXPECT_GT(decisive.tried, 10);
    EXPECT_LE(decisive.tried, decisive.of);
  }

  void expect_step(engine::Role role, sim::Operation operation) const {
    ASSERT_EQ(decisive.kind, DecisiveStep::Kind::kStep);
    EXPECT_EQ(decisive.step->moment.process.process.role, role);
    EXPECT_EQ(decisive.step->moment.operation, operation);
    EXPECT_TRUE(decisive.prevented_by.has_value());
  }

  Player player;
  PreparedScenario prepared;
  JudgedRun judged;
  std::optional<Anomaly> anomaly;
  DecisiveStep decisive;
};

// --- By construction -----------------------------------------------------------------------------

// Acknowledged to Kafka, and only in memory: the death of the driver takes it along.
TEST(DecisiveStep, OfABlockThatWasOnlyInMemoryIsTheDeathOfTheDriver) {
  const Case lost(shipped("catalogue", "acknowledged_and_computing_when_the_driver_dies"),
                  AnomalyKind::kLost);
  lost.expect_fault(0);
  EXPECT_FALSE(lost.decisive.prevented_by.has_value());
}

// The uid of batch 3 is in the sink when the record is not: from then on its task does nothing. The
// driver that dies has long lost then what was in its memory, but a cluster that dies with it in
// time takes the uid along.
TEST(DecisiveStep, OfALargerRangeIsTheCommitOfTheUid) {
  const Case lost(shipped("catalogue", "direct_batch_uid_sink_loses_when_range_grows"),
                  AnomalyKind::kLost);
  lost.expect_step(engine::Role::kExecutor, sim::Operation::kSinkCommitApplied);
  EXPECT_EQ(lost.decisive.step->moment.process.incarnation, 1U);
  EXPECT_EQ(lost.decisive.step->moment.last_point, engine::Point::kTaskOutputWritten);
}

TEST(DecisiveStep, OfOffsetsSavedBeforeTheOutputIsTheDeathBetween) {
  const Case lost(shipped("catalogue", "offsets_in_kafka_before_output"), AnomalyKind::kLost);
  lost.expect_fault(0);
}

// Output, and no completion yet: the batch is planned again, whatever else happens.
constexpr const char* kRepeated = R"(
scenario: repeated
topic: { name: t, partitions: 1 }
workload: { records: 20, keys: 2, rate: 10/s, value_bytes: 8, start: 1s }
pipeline:
  batch_interval: 1s
  source: { kind: kafka-direct, start: earliest, offsets: checkpoint }
  checkpoint: { enabled: true, storage: hdfs }
  sink: { kind: append, store: memory }
cluster: { executors: 1, cores: 1 }
faults:
)";

TEST(DecisiveStep, OfABatchThatIsRepeatedIsTheDeathBehindItsOutput) {
  const Case twice(
      prepared_from(kRepeated +
                    std::string("  - { crash: driver, at: { point: task.output_committed, "
                                "batch: 2 } }\n")),
      AnomalyKind::kDuplicated);
  twice.expect_fault(0);
  EXPECT_FALSE(twice.decisive.prevented_by.has_value());
}

// A crash before anything was produced changes nothing about what the second one decides.
TEST(DecisiveStep, OfTwoDeathsIsTheSecondIfTheFirstWasHarmless) {
  const Case twice(
      prepared_from(kRepeated +
                    std::string("  - { crash: \"executor:0\", at: { time: 400ms } }\n"
                                "  - { crash: driver, at: { point: task.output_committed, batch: 3 "
                                "} }\n")),
      AnomalyKind::kDuplicated);
  twice.expect_fault(1);
}

// And one that comes when all is decided is not to blame, although it is the last.
TEST(DecisiveStep, OfTwoDeathsIsTheFirstIfTheSecondCameTooLate) {
  const Case twice(
      prepared_from(kRepeated +
                    std::string("  - { crash: driver, at: { point: task.output_committed, batch: 2 "
                                "} }\n"
                                "  - { crash: \"executor:0\", at: { time: 5s } }\n")),
      AnomalyKind::kDuplicated);
  twice.expect_fault(0);
}

// In the plan the faults have another order than in time.
TEST(DecisiveStep, IsNamedByItsPlaceInThePlan) {
  const Case twice(
      prepared_from(kRepeated +
                    std::string("  - { crash: \"executor:0\", at: { time: 5s } }\n"
                                "  - { crash: driver, at: { point: task.output_committed, batch: 2 "
                                "} }\n")),
      AnomalyKind::kDuplicated);
  twice.expect_fault(1);
}

// Two attempts of one task. Until the second one writes, its death prevents the second row.
TEST(DecisiveStep, OfASpeculationIsTheSecondWrite) {
  const Case twice(shipped("catalogue", "speculation_appends_twice"), AnomalyKind::kDuplicated);
  twice.expect_step(engine::Role::kExecutor, sim::Operation::kSinkAppendApplied);
  const auto& rows = twice.judged.run.ledger.outputs;
  std::vector<const reports::OutputRecord*> own;
  for (const reports::OutputRecord& row : rows) {
    if (row.source == twice.anomaly->position) {
      own.push_back(&row);
    }
  }
  ASSERT_EQ(own.size(), 2U);
  EXPECT_EQ(twice.decisive.step->moment.process, own.back()->writer);
  EXPECT_EQ(twice.decisive.step->when, own.back()->written_at);
}

TEST(DecisiveStep, OfAWrongValueIsTheDeathThatRepeatsItsBatch) {
  const Case wrong(shipped("catalogue", "count_by_key_append_batch_repeated"), AnomalyKind::kWrong);
  wrong.expect_fault(0);
}

// Replication fails while the executors do not reach each other, which alone loses nothing.
TEST(DecisiveStep, OfABlockWithoutAReplicaIsTheDeathOfTheOnlyOneThatHasIt) {
  const Case lost(shipped("catalogue", "replica_out_of_reach_is_done_without"), AnomalyKind::kLost);
  lost.expect_fault(1);
}

// What comes behind the last batch has no time left, and a crash does not give it any. The fault of
// the plan is not to blame.
TEST(DecisiveStep, OfWhatNothingCouldHavePreventedIsNone) {
  const Case lost(prepared_from(R"(
scenario: too_late_for_the_last_batch
topic: { name: t, partitions: 1 }
workload: { records: 4, keys: 2, rate: 20/s, value_bytes: 8, start: 2100ms }
pipeline:
  batch_interval: 1s
  source: { kind: kafka-direct, start: earliest, offsets: checkpoint }
  checkpoint: { enabled: true, storage: hdfs }
  sink: { kind: append, store: memory }
cluster: { executors: 1, cores: 1, driver_restart: 100ms }
faults:
  - { crash: driver, at: { time: 1500ms } }
stop: { when: time, at: 2500ms }
)"),
                  AnomalyKind::kLost);
  EXPECT_EQ(lost.decisive.kind, DecisiveStep::Kind::kStart);
  EXPECT_FALSE(lost.decisive.prevented_by.has_value());
  EXPECT_GT(lost.decisive.tried, 10);
  EXPECT_EQ(lost.decisive.tried, lost.decisive.of);
}

// The bit alone does no harm while the block is in memory, too. Only who has lost that reads the
// log.
TEST(DecisiveStep, OfAPhantomIsTheDeathThatMakesADamagedLogBeRead) {
  const Case phantom(shipped("catalogue", "flipped_bit_in_a_receivers_log_is_read_as_data"),
                     AnomalyKind::kPhantom);
  phantom.expect_fault(1);
}

// --- By brute force ------------------------------------------------------------------------------

// Every crash at every boundary of the run of these faults, with nothing pruned: which of them, by
// boundary, prevent the anomaly.
std::set<std::size_t> preventing_boundaries(Case& one, const faults::FaultPlan& plan) {
  const PreparedScenario& prepared = one.prepared;
  const auto targets = scenarios::explored_targets(prepared.scenario);
  const JudgedRun base = one.player.runner()
                             .run(prepared,
                                  prepared.scenario.seed,
                                  plan,
                                  sim::Trace::Recording::kHashOnly,
                                  {.targets = targets, .is_known = {}})
                             .value();
  std::set<std::size_t> preventing;
  for (const faults::NextCrash& next : next_crashes(prepared.scenario, base.run.counted, targets)) {
    faults::FaultPlan longer = plan;
    longer.emplace_back(next.crash);
    const JudgedRun judged = one.player.play(prepared, prepared.scenario.seed, longer);
    if (!shows(judged.run.ledger, *one.anomaly)) {
      preventing.insert(next.boundary);
    }
  }
  return preventing;
}

// The step is the boundary behind the last that prevents it.
TEST(DecisiveStep, OfASpeculationIsWhatBruteForceFinds) {
  Case twice(shipped("catalogue", "speculation_appends_twice"), AnomalyKind::kDuplicated);
  const auto preventing = preventing_boundaries(twice, twice.prepared.scenario.faults);
  ASSERT_FALSE(preventing.empty());
  const auto targets = scenarios::explored_targets(twice.prepared.scenario);
  const JudgedRun base = twice.player.runner()
                             .run(twice.prepared,
                                  twice.prepared.scenario.seed,
                                  twice.prepared.scenario.faults,
                                  sim::Trace::Recording::kHashOnly,
                                  {.targets = targets, .is_known = {}})
                             .value();
  const faults::Boundary& first_sealed = base.run.counted.boundaries.at(*preventing.rbegin() + 1);
  EXPECT_EQ(twice.decisive.step->at.process, first_sealed.process);
  EXPECT_EQ(twice.decisive.step->at.step, first_sealed.step);
}

// Behind the fault no crash at all prevents the duplicate; before it, the run without it is clean.
TEST(DecisiveStep, OfARepeatedBatchIsWhatBruteForceFinds) {
  Case twice(prepared_from(kRepeated + std::string("  - { crash: driver, at: { point: "
                                                   "task.output_committed, batch: 2 } }\n")),
             AnomalyKind::kDuplicated);
  const auto& plan = twice.prepared.scenario.faults;
  const engine::Instant struck_at = *twice.judged.run.ledger.faults.front().fired_at;
  const auto targets = scenarios::explored_targets(twice.prepared.scenario);
  const JudgedRun base = twice.player.runner()
                             .run(twice.prepared,
                                  twice.prepared.scenario.seed,
                                  plan,
                                  sim::Trace::Recording::kHashOnly,
                                  {.targets = targets, .is_known = {}})
                             .value();
  for (const std::size_t boundary : preventing_boundaries(twice, plan)) {
    EXPECT_LE(base.run.counted.boundaries.at(boundary).at, struck_at);
  }
  const JudgedRun without = twice.player.play(twice.prepared, twice.prepared.scenario.seed, {});
  EXPECT_FALSE(shows(without.run.ledger, *twice.anomaly));
}

// A budget that is too small for all finds the same step here, and says how much it has tried.
TEST(DecisiveStep, ASmallBudgetSaysWhatItHasNotTried) {
  const Case whole(shipped("catalogue", "speculation_appends_twice"), AnomalyKind::kDuplicated);
  Player player;
  Explanation explanation(player.runner(),
                          whole.prepared,
                          whole.prepared.scenario.seed,
                          whole.prepared.scenario.faults,
                          {*whole.anomaly},
                          40);
  const DecisiveStep sampled = explanation.decisive_step(0).value();
  EXPECT_EQ(whole.decisive.tried, whole.decisive.of);
  EXPECT_LT(sampled.tried, sampled.of);
  EXPECT_EQ(sampled.kind, whole.decisive.kind);
}

TEST(DecisiveStep, OfWhatTheRunDoesNotShowThereIsNone) {
  Player player;
  const auto prepared = shipped("catalogue", "speculation_inserts_one_unit");
  Explanation explanation(player.runner(),
                          prepared,
                          prepared.scenario.seed,
                          prepared.scenario.faults,
                          {Anomaly{.kind = AnomalyKind::kLost, .position = {0, {0}}, .key = {}}},
                          kBudget);
  EXPECT_FALSE(explanation.decisive_step(0).has_value());
}

// --- Anomalies -----------------------------------------------------------------------------------

// Taken apart, a verdict has what it has as a whole.
TEST(Anomalies, AreAsManyAsTheJudgeCounts) {
  Player player;
  std::map<AnomalyKind, int> seen;
  for (scenarios::Scenario& scenario :
       scenarios::find_scenarios({ONCEPROOF_SOURCE_DIR "/scenarios/catalogue"}).value()) {
    const std::string name = scenario.name;
    const JudgedRun judged = player.play(prepared_from(std::move(scenario)));
    std::map<AnomalyKind, std::int64_t> counts;
    for (const Anomaly& anomaly : anomalies_of(judged.run.ledger)) {
      ++counts[anomaly.kind];
      ++seen[anomaly.kind];
      EXPECT_TRUE(shows(judged.run.ledger, anomaly)) << name;
    }
    EXPECT_EQ(counts[AnomalyKind::kLost], judged.verdict.output.lost) << name;
    EXPECT_EQ(counts[AnomalyKind::kWrong], judged.verdict.wrong) << name;
    EXPECT_EQ(counts[AnomalyKind::kDuplicated] > 0, judged.verdict.output.duplicated > 0) << name;
    EXPECT_EQ(counts[AnomalyKind::kPhantom] > 0, judged.verdict.phantom > 0) << name;
  }
  EXPECT_EQ(seen.size(), 4U);
}

TEST(Anomalies, ACleanRecordHasNone) {
  Player player;
  const auto prepared = shipped("catalogue", "speculation_appends_twice");
  const JudgedRun judged = player.play(prepared);
  const auto& inputs = judged.run.ledger.inputs;
  const auto clean = std::ranges::find_if(inputs, [&](const reports::InputRecord& record) {
    return !shows(judged.run.ledger,
                  {.kind = AnomalyKind::kDuplicated, .position = record.position, .key = {}});
  });
  ASSERT_NE(clean, inputs.end());
  reports::StorySubject subject =
      scenarios::subject_of(prepared.scenario, prepared.scenario.faults);
  subject.position = clean->position;
  EXPECT_THAT(tell_story(judged.run.ledger, judged.verdict, subject),
              AllOf(HasSubstr("This is the story of record " + std::to_string(clean->id.value)),
                    HasSubstr("it is in the sink\n"),
                    HasSubstr("In the end 1 row of record"),
                    HasSubstr("Nothing happened to it: it came out as it should.\n"),
                    Not(HasSubstr("Nobody noticed"))));
}

}  // namespace
}  // namespace tests
