// tests/scenario/recovery_test.cpp
//
// What a restarted driver makes of what its last life left. The invariants are checked over every
// schedule of one crash.

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/world_fixture.h"

namespace {

using engine::Point;
using reports::Event;
using reports::EventKind;
using reports::Guarantee;
using scenarios::JudgedRun;
using scenarios::Scenario;
using testing::IsEmpty;
using testing::Not;
using tests::Player;

// Three batches with data; `faults` and what follows are appended.
std::string scenario_text(const std::string& sink, const std::string& more = {}) {
  return fmt::format(R"(
scenario: recovery
description: A small pipeline under a checkpoint.
topic: {{ name: sessions, partitions: 2 }}
workload: {{ records: 18, keys: 4, rate: 6/s, value_bytes: 8, start: 1s }}
pipeline:
  batch_interval: 1s
  source: {{ kind: kafka-direct, offsets: checkpoint }}
  checkpoint: {{ enabled: true, storage: hdfs }}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: {}, store: memory }}
{}
)",
                     sink,
                     more.empty() ? "cluster: { executors: 1, cores: 2 }" : more);
}

Scenario with_range_durability(const std::string& sink, engine::RangeDurability durability) {
  Scenario scenario = tests::scenario_from(scenario_text(sink));
  scenario.pipeline.protocol.range_durability = durability;
  return scenario;
}

bool is_point(const Event& event, Point point) {
  return event.kind == EventKind::kPoint && event.point == point;
}

// Every schedule of one crash in which `broken` finds something, with what it found.
using Check = std::function<std::string(const JudgedRun&)>;

std::vector<std::string> violations(const Scenario& scenario, const Check& broken) {
  Player player;
  std::vector<std::string> found;
  player.visit_schedules(tests::prepared_from(scenario),
                         [&](const JudgedRun& judged, const faults::FaultPlan&) {
                           const std::string what = broken(judged);
                           if (!what.empty()) {
                             found.push_back(fmt::format("{} ({})", what, judged.token));
                           }
                         });
  return found;
}

// --- Ranges are contiguous ---------------------------------------------------------------------

// In one life of the driver, each batch begins in each partition where the one before it ended.
std::string gap_in_a_life(const JudgedRun& judged) {
  const auto& plans = judged.run.ledger.plans;
  for (std::size_t i = 1; i < plans.size(); ++i) {
    if (plans[i].driver != plans[i - 1].driver) {
      continue;
    }
    for (std::size_t p = 0; p < plans[i].ranges.size(); ++p) {
      if (plans[i].ranges[p].range.from != plans[i - 1].ranges[p].range.until) {
        return fmt::format("plan {} begins at {}, the one before it ends at {}",
                           i,
                           plans[i].ranges[p].range.from.value,
                           plans[i - 1].ranges[p].range.until.value);
      }
    }
  }
  return {};
}

TEST(Recovery, TheRangesOfALifeAreContiguousInEverySchedule) {
  EXPECT_THAT(violations(tests::scenario_from(scenario_text("append")), gap_in_a_life), IsEmpty());
}

// The counter-example: a position out of another store than the batches.
TEST(Recovery, TwoStoresOfThePositionTearTheRangesApart) {
  Scenario scenario = tests::scenario_from(scenario_text("append"));
  scenario.pipeline.source.offsets = engine::OffsetKeeping::kHbase;
  scenario.pipeline.protocol.restart_position = engine::RestartPosition::kOffsetStore;
  EXPECT_THAT(violations(scenario, gap_in_a_life), Not(IsEmpty()));
}

// --- A checkpoint can always be read -----------------------------------------------------------

// A life that begins when a checkpoint has been in place reads one, unless it dies before.
std::string starts_over(const JudgedRun& judged) {
  bool in_place = false;
  bool must_read = false;
  for (const Event& event : judged.run.ledger.events) {
    if (event.kind == EventKind::kDriverFailed) {
      return "the driver did not start";
    }
    const bool driver = event.process.process.role == engine::Role::kDriver;
    if (event.kind == EventKind::kProcessStarted && driver) {
      must_read = in_place;
    }
    in_place = in_place || is_point(event, Point::kCheckpointRenamed);
    must_read = must_read && !is_point(event, Point::kRecoveryCheckpointRead);
    if (must_read && is_point(event, Point::kGeneratorBatchDue)) {
      return "the driver started over although there was a checkpoint";
    }
  }
  return {};
}

TEST(Recovery, AfterTheFirstCheckpointThereIsAlwaysOneToRead) {
  for (const auto storage :
       {engine::StorageKind::kHdfs, engine::StorageKind::kS3, engine::StorageKind::kLocal}) {
    Scenario scenario = tests::scenario_from(scenario_text("append"));
    scenario.pipeline.checkpoint_storage = storage;
    EXPECT_THAT(violations(scenario, starts_over), IsEmpty());
  }
}

TEST(Recovery, ACheckpointWrittenInPlaceMayBeUnreadable) {
  Scenario scenario = tests::scenario_from(scenario_text("append"));
  scenario.pipeline.protocol.checkpoint_publish = engine::CheckpointPublish::kInPlace;
  EXPECT_THAT(violations(scenario, starts_over), Not(IsEmpty()));
}

// --- A repeated batch has the same records -----------------------------------------------------

// A batch that reached the sink is planned again with other ranges.
std::string changes_a_batch(const JudgedRun& judged) {
  const reports::Ledger& ledger = judged.run.ledger;
  std::map<engine::BatchTime, std::vector<engine::PlannedRange>> planned;
  std::size_t next_plan = 0;
  for (const Event& event : ledger.events) {
    if (!is_point(event, Point::kGeneratorBatchPlanned)) {
      continue;
    }
    const reports::BatchPlan& plan = ledger.plans.at(next_plan++);
    const auto [before, is_new] = planned.try_emplace(plan.batch, plan.ranges);
    const bool in_sink = std::ranges::any_of(ledger.outputs, [&](const reports::OutputRecord& row) {
      return row.batch == plan.batch && row.written_at <= event.at;
    });
    if (!is_new && in_sink && before->second != plan.ranges) {
      return fmt::format("the batch of {} us has other records than those in the sink",
                         plan.batch.at.time_since_epoch().count());
    }
    before->second = plan.ranges;
  }
  return {};
}

// Spark writes the range after it submitted the job, and waits for neither.
TEST(Recovery, ARepeatedBatchMayHaveOtherRecordsThanTheSink) {
  EXPECT_THAT(violations(with_range_durability("append", engine::RangeDurability::kAfterSubmit),
                         changes_a_batch),
              Not(IsEmpty()));
}

TEST(Recovery, ARangeThatIsDurableBeforeTheJobKeepsARepeatedBatchTheSame) {
  EXPECT_THAT(violations(with_range_durability("append", engine::RangeDurability::kBeforeSubmit),
                         changes_a_batch),
              IsEmpty());
}

// --- Single plays ------------------------------------------------------------------------------

// O3: the checkpoint's own batch runs again although it completed.
TEST(Recovery, ABatchThatCompletedBeforeItsCompletionWasWrittenRunsAgain) {
  const std::string crash = R"(cluster: { executors: 1, cores: 2 }
faults:
  - crash: driver
    at: { point: scheduler.batch_completed, batch: 3 })";
  const JudgedRun appended = Player().play(scenario_text("append", crash));
  EXPECT_EQ(appended.verdict.guarantee(), Guarantee::kAtLeastOnce);
  EXPECT_GT(appended.verdict.output.duplicated, 0);
  EXPECT_EQ(tests::crash_count(appended.run.ledger, engine::Role::kDriver), 1);
  const JudgedRun upserted = Player().play(scenario_text("upsert", crash));
  EXPECT_EQ(upserted.verdict.guarantee(), Guarantee::kExactlyOnce);
}

TEST(Recovery, ACheckpointOfAnotherVersionKeepsTheDriverFromStarting) {
  const std::string upgrade = R"(cluster: { executors: 1, cores: 2 }
faults:
  - crash: driver
    at: { time: 2500ms }
    redeploy: { application_version: 2 })";
  const JudgedRun judged = Player().play(scenario_text("upsert", upgrade));
  EXPECT_TRUE(judged.verdict.stalled);
  EXPECT_TRUE(std::ranges::any_of(judged.run.ledger.events, [](const Event& event) {
    return event.kind == EventKind::kDriverFailed &&
           event.code == static_cast<int>(engine::Errc::kIncompatible);
  }));
}

// A batch fails for good at 2 s; the driver starts again at some later time.
std::string failing_batch(const std::string& driver_dies) {
  return fmt::format(R"(cluster: {{ executors: 1, cores: 2, task_failures_max: 1 }}
faults:
  - crash: executor:0
    at: {{ point: task.input_read, batch: 2, partition: 0 }}
  - crash: driver
    at: {{ time: {} }})",
                     driver_dies);
}

TEST(Recovery, AFailedBatchRunsAgainWhenTheDriverRestartsBeforeALaterOneCompletes) {
  const JudgedRun judged = Player().play(scenario_text("upsert", failing_batch("2500ms")));
  EXPECT_EQ(judged.verdict.guarantee(), Guarantee::kExactlyOnce);
}

// Spark's own loss: completing a later batch clears the ranges of every older one, also of one that
// failed. It is still pending, and a restart runs it, but its range is planned anew behind what has
// been read: it is empty.
TEST(Recovery, AFailedBatchIsLostWhenALaterOneCompletesBeforeTheRestart) {
  const JudgedRun judged = Player().play(scenario_text("upsert", failing_batch("6s")));
  EXPECT_GT(judged.verdict.output.lost, 0);
  const auto& plans = judged.run.ledger.plans;
  const auto again = std::find_if(plans.rbegin(), plans.rend(), [](const reports::BatchPlan& plan) {
    return plan.driver == 2 && plan.batch.at == engine::Instant(std::chrono::seconds(2));
  });
  ASSERT_NE(again, plans.rend()) << "the restarted driver runs the batch again";
  EXPECT_TRUE(std::ranges::all_of(again->ranges,
                                  [](const auto& planned) { return planned.range.count() == 0; }));
}

TEST(Stop, ARunThatStopsAtATimeGoesOnUntilThen) {
  const std::string by_time = "cluster: { executors: 1, cores: 2 }\nstop: { when: time, at: 9s }";
  const JudgedRun drained = Player().play(scenario_text("append"));
  const JudgedRun timed = Player().play(scenario_text("append", by_time));
  EXPECT_LT(drained.run.ledger.ended_at, engine::Instant(std::chrono::seconds(9)));
  EXPECT_EQ(timed.run.ledger.ended_at, engine::Instant(std::chrono::seconds(9)));
  EXPECT_FALSE(timed.run.ledger.stalled);
}

TEST(Recovery, TheWholeClusterMayDieAndComeBack) {
  const std::string crash = R"(cluster: { executors: 2, cores: 1 }
faults:
  - crash: cluster
    at: { point: task.output_committed, batch: 3, partition: 1 })";
  const JudgedRun judged = Player().play(scenario_text("upsert", crash));
  EXPECT_EQ(judged.verdict.guarantee(), Guarantee::kExactlyOnce);
  EXPECT_EQ(tests::crash_count(judged.run.ledger, engine::Role::kDriver), 1);
  EXPECT_EQ(tests::crash_count(judged.run.ledger, engine::Role::kExecutor), 2);
}

TEST(Recovery, ADriverThatNeverComesBackStallsThePipeline) {
  const std::string crash = R"(cluster: { executors: 1, cores: 2 }
faults:
  - crash: driver
    at: { time: 1500ms }
    restart_after: never)";
  const JudgedRun judged = Player().play(scenario_text("upsert", crash));
  EXPECT_TRUE(judged.verdict.stalled);
  EXPECT_GT(judged.verdict.output.lost, 0);
}

}  // namespace
