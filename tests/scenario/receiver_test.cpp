// tests/scenario/receiver_test.cpp
//
// What receivers promise, and what becomes of the promise without that on which it rests. The
// invariants are checked over every schedule of one crash: of the driver, of either executor, of
// the receiver alone and of all at once, at every effect boundary.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ports/points.h"
#include "faults/fault_plan.h"
#include "tests/support/world_fixture.h"

namespace {

using engine::Duration;
using engine::Point;
using faults::Target;
using faults::TargetKind;
using reports::Event;
using reports::EventKind;
using reports::Guarantee;
using scenarios::JudgedRun;
using scenarios::Scenario;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::Each;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using tests::Player;

constexpr const char* kReliableWithLog = "reliable: true, write_ahead_log: true";
constexpr const char* kReliable = "reliable: true, replication: 2";
constexpr const char* kUnreliableWithLog =
    "reliable: false, write_ahead_log: true, auto_commit_interval: 300ms";

// Two batches with data. A consumer that finds nothing sleeps longer than usual: those boundaries
// are all alike.
std::string scenario_text(const std::string& source,
                          const std::string& sink = "append",
                          const std::string& more = {}) {
  return fmt::format(R"(
scenario: receivers
description: A small pipeline with receivers.
topic: {{ name: events, partitions: 2 }}
workload: {{ records: 16, keys: 4, rate: 8/s, value_bytes: 8, start: 1s }}
pipeline:
  batch_interval: 1s
  source: {{ kind: kafka-receiver, {}, block_interval: 500ms, poll_interval: 250ms }}
  checkpoint: {{ enabled: true, storage: hdfs }}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: {}, store: memory }}
cluster: {{ executors: 2, cores: 2 }}
{}
)",
                     source,
                     sink,
                     more);
}

Scenario receivers(const std::string& source, const std::string& sink = "append") {
  return tests::scenario_from(scenario_text(source, sink));
}

bool is_point(const Event& event, Point point) {
  return event.kind == EventKind::kPoint && event.point == point;
}

bool is_driver(const Event& event) {
  return event.process.process.role == engine::Role::kDriver;
}

bool is_executor(const Event& event) {
  return event.process.process.role == engine::Role::kExecutor;
}

bool ends_a_life(const Event& event) {
  return event.kind == EventKind::kCrash || event.kind == EventKind::kProcessExited;
}

faults::Crash crash_of(Target target, faults::Trigger at) {
  faults::Crash crash;
  crash.target = target;
  crash.at = at;
  return crash;
}

// Whoever dies so does not come back.
faults::Crash end_of(Target target, Duration at) {
  faults::Crash crash = crash_of(target, faults::AtTime{at});
  crash.restarts = false;
  return crash;
}

// The `occurrence`-th time that anybody gets to `point`.
faults::AtPoint arrival(Point point, std::int32_t occurrence) {
  faults::AtPoint at;
  at.point = point;
  at.occurrence = occurrence;
  return at;
}

// "receiver.block_stored" becomes "ReceiverBlockStored".
std::string test_name(Point point) {
  std::string name;
  bool upper = true;
  for (const char letter : engine::info(point).name) {
    if (letter == '_' || letter == '.') {
      upper = true;
      continue;
    }
    name += upper ? static_cast<char>(letter - 'a' + 'A') : letter;
    upper = false;
  }
  return name;
}

std::int64_t count_points(const reports::Ledger& ledger, Point point) {
  return std::ranges::count_if(ledger.events,
                               [point](const Event& event) { return is_point(event, point); });
}

// --- The invariants ----------------------------------------------------------------------------

// What is wrong with a run; empty: nothing.
using Check = std::string (*)(const JudgedRun&);

// Offsets are committed when the driver has logged the block, and in no other order: each commit
// follows an acknowledgement, and each acknowledgement an addition. There is one receiver, and it
// stores one block after the other.
std::string commits_what_is_not_added(const JudgedRun& judged) {
  bool added = false;
  bool acknowledged = false;
  for (const Event& event : judged.run.ledger.events) {
    if (is_point(event, Point::kTrackerBlockAdded)) {
      added = true;
    } else if (is_point(event, Point::kReceiverBlockAcknowledged)) {
      acknowledged = std::exchange(added, false);
    } else if (is_point(event, Point::kReceiverOffsetsCommitted) &&
               !std::exchange(acknowledged, false)) {
      return "offsets are committed, and the driver has not added their block";
    }
  }
  return {};
}

// What is committed is never fetched again. So when everything dies at any boundary, whoever had
// committed more than was durable shows it: those records are in no block that a batch can have.
std::string commits_what_is_not_durable(const JudgedRun& judged) {
  const std::int64_t lost = judged.verdict.received.lost;
  return lost == 0 ? "" : fmt::format("{} records are in no block and not fetched again", lost);
}

std::set<engine::BlockId> blocks_of(const reports::BatchPlan& plan) {
  std::set<engine::BlockId> blocks;
  for (const engine::PlannedRange& planned : plan.ranges) {
    if (planned.block) {
      blocks.insert(*planned.block);
    }
  }
  return blocks;
}

// A driver that dies may have logged the block that its receiver waits for and not come to say so.
std::string plans_what_is_not_added(const JudgedRun& judged) {
  std::set<engine::BlockId> planned;
  std::int64_t additions = 0;
  std::size_t next_plan = 0;
  for (const Event& event : judged.run.ledger.events) {
    additions += is_point(event, Point::kTrackerBlockAdded) ? 1 : 0;
    additions += ends_a_life(event) && is_driver(event) ? 1 : 0;
    if (is_point(event, Point::kGeneratorBatchPlanned)) {
      planned.merge(blocks_of(judged.run.ledger.plans.at(next_plan++)));
    }
    if (std::ssize(planned) > additions) {
      return fmt::format("{} blocks are planned, and {} are added", planned.size(), additions);
    }
  }
  return {};
}

std::string has_a_block_in_two_batches(const JudgedRun& judged) {
  std::map<engine::BlockId, engine::BatchTime> batch_of;
  for (const reports::BatchPlan& plan : judged.run.ledger.plans) {
    for (const engine::BlockId block : blocks_of(plan)) {
      const auto [known, is_new] = batch_of.try_emplace(block, plan.batch);
      if (!is_new && known->second != plan.batch) {
        return fmt::format("block {} of stream {} is in two batches", block.number, block.stream);
      }
    }
  }
  return {};
}

std::string has_a_block_in_no_batch(const JudgedRun& judged) {
  std::set<engine::BlockId> planned;
  for (const reports::BatchPlan& plan : judged.run.ledger.plans) {
    planned.merge(blocks_of(plan));
  }
  const std::int64_t added = count_points(judged.run.ledger, Point::kTrackerBlockAdded);
  return std::ssize(planned) >= added
             ? ""
             : fmt::format("{} blocks are added, {} are in a batch", added, planned.size());
}

// The same blocks for the same tasks, with the same records in them.
std::string changes_a_batch(const JudgedRun& judged) {
  std::map<engine::BatchTime, const reports::BatchPlan*> first_plan;
  for (const reports::BatchPlan& plan : judged.run.ledger.plans) {
    const auto [known, is_new] = first_plan.try_emplace(plan.batch, &plan);
    if (!is_new && known->second->ranges != plan.ranges) {
      return fmt::format("the batch of {} us has other blocks when it is planned again",
                         plan.batch.at.time_since_epoch().count());
    }
  }
  return {};
}

std::string stalls(const JudgedRun& judged) {
  return judged.verdict.stalled ? "the pipeline is stalled" : "";
}

std::string loses(const JudgedRun& judged) {
  const std::int64_t lost = judged.verdict.output.lost;
  return lost == 0 ? "" : fmt::format("{} records are not in the sink", lost);
}

std::string duplicates(const JudgedRun& judged) {
  const std::int64_t surplus = judged.verdict.output.duplicated;
  return surplus == 0 ? "" : fmt::format("{} rows are there twice", surplus);
}

std::string invents(const JudgedRun& judged) {
  const std::int64_t phantoms = judged.verdict.phantom;
  return phantoms == 0 ? "" : fmt::format("{} rows are of no record", phantoms);
}

// --- Every schedule ----------------------------------------------------------------------------

// What each check found, with the token of the schedule.
using Findings = std::map<Check, std::vector<std::string>>;

constexpr std::array<Check, 10> kChecks{commits_what_is_not_added,
                                        commits_what_is_not_durable,
                                        plans_what_is_not_added,
                                        has_a_block_in_two_batches,
                                        has_a_block_in_no_batch,
                                        changes_a_batch,
                                        stalls,
                                        loses,
                                        duplicates,
                                        invents};

bool plans_a_batch_again(const reports::Ledger& ledger) {
  std::set<engine::BatchTime> with_blocks;
  return std::ranges::any_of(ledger.plans, [&](const reports::BatchPlan& plan) {
    return !plan.ranges.empty() && !with_blocks.insert(plan.batch).second;
  });
}

struct Survey {
  void add(const JudgedRun& judged);

  std::int64_t schedules = 0;
  std::int64_t with_a_batch_planned_again = 0;
  std::int64_t with_blocks_committed = 0;
  std::set<std::string> killed;
  Findings found;
};

void Survey::add(const JudgedRun& judged) {
  const reports::Ledger& ledger = judged.run.ledger;
  ++schedules;
  with_a_batch_planned_again += plans_a_batch_again(ledger) ? 1 : 0;
  with_blocks_committed += count_points(ledger, Point::kReceiverOffsetsCommitted) > 0 ? 1 : 0;
  if (!ledger.faults.empty() && ledger.faults.back().fired_at) {
    killed.insert(ledger.faults.back().target);
  }
  for (const Check check : kChecks) {
    const std::string what = check(judged);
    if (!what.empty()) {
      found[check].push_back(fmt::format("{} ({})", what, judged.token));
    }
  }
}

// Every schedule that `concerns` accepts.
template <class Filter>
Survey survey_if(const Scenario& scenario, Filter concerns) {
  Survey survey;
  Player player;
  player.visit_schedules(tests::prepared_from(scenario),
                         [&](const JudgedRun& judged, const faults::FaultPlan&) {
                           if (concerns(judged.run.ledger)) {
                             survey.add(judged);
                           }
                         });
  return survey;
}

Survey survey(const Scenario& scenario) {
  return survey_if(scenario, [](const reports::Ledger&) { return true; });
}

Scenario where_only(Scenario scenario, std::vector<Target> targets) {
  scenario.explore.emplace();
  scenario.explore->crash = std::move(targets);
  return scenario;
}

constexpr Target kDriver{TargetKind::kDriver, 0};
constexpr Target kReceiverExecutor{TargetKind::kReceiverExecutor, 0};
constexpr Target kReceiver{TargetKind::kReceiver, 0};

// A reliable receiver with the write-ahead log, and a sink that keeps whatever it is sent.
class ReliableReceiverWithLog : public testing::Test {
 protected:
  static const std::vector<std::string>& found(Check check) { return all().found[check]; }

  static Survey& all() {
    static Survey survey_of_all = survey(receivers(kReliableWithLog));
    return survey_of_all;
  }
};

// A survey in which nothing happens finds nothing either.
TEST_F(ReliableReceiverWithLog, IsSurveyedWhereItMatters) {
  EXPECT_GT(all().schedules, 1000);
  EXPECT_GT(all().with_a_batch_planned_again, 100);
  EXPECT_GT(all().with_blocks_committed, 1000);
  EXPECT_THAT(all().killed,
              testing::ElementsAre("cluster", "driver", "executor:0", "executor:1", "receiver:0"));
}

TEST_F(ReliableReceiverWithLog, CommitsOffsetsBehindTheAdditionOfTheirBlock) {
  EXPECT_THAT(found(commits_what_is_not_added), IsEmpty());
}

TEST_F(ReliableReceiverWithLog, CommitsNothingThatIsNotDurable) {
  EXPECT_THAT(found(commits_what_is_not_durable), IsEmpty());
}

TEST_F(ReliableReceiverWithLog, PlansNoBlockBeforeItIsAdded) {
  EXPECT_THAT(found(plans_what_is_not_added), IsEmpty());
}

TEST_F(ReliableReceiverWithLog, HasEachBlockInExactlyOneBatch) {
  EXPECT_THAT(found(has_a_block_in_two_batches), IsEmpty());
  EXPECT_THAT(found(has_a_block_in_no_batch), IsEmpty());
}

TEST_F(ReliableReceiverWithLog, HasTheSameBlocksInABatchThatIsPlannedAgain) {
  EXPECT_THAT(found(changes_a_batch), IsEmpty());
}

TEST_F(ReliableReceiverWithLog, IsNeverStalled) {
  EXPECT_THAT(found(stalls), IsEmpty());
}

TEST_F(ReliableReceiverWithLog, HasEachRecordInTheSinkAtLeastOnce) {
  EXPECT_THAT(found(loses), IsEmpty());
  EXPECT_THAT(found(invents), IsEmpty());
}

// What the sink is for: a sink that appends shows what was received or written twice.
TEST_F(ReliableReceiverWithLog, AppendsSomeRecordsTwice) {
  EXPECT_THAT(found(duplicates), Not(IsEmpty()));
}

TEST(ReliableReceiverWithLogAndUpsert, KeepsEveryPromiseAndHasEachRecordInTheSinkOnce) {
  Survey all = survey(receivers(kReliableWithLog, "upsert"));
  EXPECT_GT(all.schedules, 1000);
  for (const Check check : kChecks) {
    EXPECT_THAT(all.found[check], IsEmpty());
  }
}

// --- A second crash ----------------------------------------------------------------------------

// A driver reads its log if it finds a checkpoint, and only then.
bool has_a_checkpoint_whenever_a_driver_dies(const reports::Ledger& ledger) {
  bool in_place = false;
  for (const Event& event : ledger.events) {
    in_place = in_place || is_point(event, Point::kCheckpointRenamed);
    if (!in_place && is_driver(event) && ends_a_life(event)) {
      return false;
    }
  }
  return true;
}

// The parameter is where the driver dies. Whoever else dies then, before that, while the next
// driver recovers, or later.
class SecondCrash : public testing::TestWithParam<Point> {};

TEST_P(SecondCrash, ChangesNoPromiseOfAReliableReceiverWithLog) {
  Scenario scenario = receivers(kReliableWithLog, "upsert");
  scenario.faults.push_back(crash_of(kDriver, arrival(GetParam(), 2)));
  Survey all = survey_if(scenario, has_a_checkpoint_whenever_a_driver_dies);
  EXPECT_GT(all.schedules, 1000);
  for (const Check check : kChecks) {
    EXPECT_THAT(all.found[check], IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(Points,
                         SecondCrash,
                         testing::Values(Point::kReceiverBlockAcknowledged,
                                         Point::kTrackerBlocksAllocated,
                                         Point::kTaskOutputWritten,
                                         Point::kCheckpointBackedUp),
                         [](const auto& each) { return test_name(each.param); });

// Spark's own loss, and the reason for the condition: a driver that finds no checkpoint starts as
// if for the first time, and does not read the log.
TEST(CounterExamples, ADriverThatDiesBeforeTheFirstCheckpointLosesRecordsInSpiteOfTheLog) {
  Scenario scenario = where_only(receivers(kReliableWithLog, "upsert"), {kDriver});
  scenario.faults.push_back(crash_of(kDriver, arrival(Point::kReceiverBlockAcknowledged, 1)));
  Survey all = survey(scenario);
  EXPECT_THAT(all.found[commits_what_is_not_durable], Not(IsEmpty()));
  EXPECT_THAT(all.found[loses], Not(IsEmpty()));
  EXPECT_THAT(survey_if(scenario, has_a_checkpoint_whenever_a_driver_dies).found[loses], IsEmpty());
}

// --- The counter-examples ----------------------------------------------------------------------

TEST(CounterExamples, AReceiverThatCommitsBeforeItStoresLosesRecordsInSpiteOfTheLog) {
  Scenario scenario = receivers(kReliableWithLog);
  scenario.pipeline.protocol.offset_commit = engine::OffsetCommit::kBeforeStore;
  Survey all = survey(where_only(std::move(scenario), {kReceiverExecutor}));
  EXPECT_THAT(all.found[commits_what_is_not_added], SizeIs(all.schedules));
  EXPECT_THAT(all.found[commits_what_is_not_durable], Not(IsEmpty()));
  EXPECT_THAT(all.found[loses], Not(IsEmpty()));
}

TEST(CounterExamples, AnUnreliableReceiverLosesRecordsInSpiteOfTheLog) {
  Survey all = survey(where_only(receivers(kUnreliableWithLog), {kReceiverExecutor}));
  EXPECT_THAT(all.found[commits_what_is_not_added], Not(IsEmpty()));
  EXPECT_THAT(all.found[commits_what_is_not_durable], Not(IsEmpty()));
  EXPECT_THAT(all.found[loses], Not(IsEmpty()));
  EXPECT_THAT(all.found[invents], IsEmpty());
}

// The order of the steps is the same, and what they leave behind is in memory.
TEST(CounterExamples, WithoutTheLogADriverTakesWhatWasCommittedWithIt) {
  Survey all = survey(where_only(receivers(kReliable, "upsert"), {kDriver}));
  EXPECT_THAT(all.found[commits_what_is_not_added], IsEmpty());
  EXPECT_THAT(all.found[commits_what_is_not_durable], Not(IsEmpty()));
  EXPECT_THAT(all.found[loses], Not(IsEmpty()));
  EXPECT_THAT(all.found[invents], IsEmpty());
}

// The driver's own log says which blocks the batch had, and they are gone.
TEST(CounterExamples, WithoutTheLogABatchThatIsPlannedAgainHasOtherBlocks) {
  Survey all = survey(where_only(receivers(kReliable), {kDriver}));
  EXPECT_THAT(all.found[changes_a_batch], Not(IsEmpty()));
  EXPECT_THAT(all.found[has_a_block_in_two_batches], IsEmpty());
}

TEST(CounterExamples, WithoutACheckpointABlockMayBeInNoBatch) {
  Scenario scenario = receivers(kReliable);
  scenario.pipeline.checkpoint_enabled = false;
  Survey all = survey(where_only(std::move(scenario), {kDriver}));
  EXPECT_THAT(all.found[has_a_block_in_no_batch], Not(IsEmpty()));
  EXPECT_THAT(all.found[has_a_block_in_two_batches], IsEmpty());
}

// No configuration puts a block into two batches or plans it before it is added, so that the checks
// are shown a history in which somebody did.
TEST(CounterExamples, ABlockInTwoBatchesIsSeen) {
  JudgedRun judged = Player().play(scenario_text(kReliableWithLog));
  auto& plans = judged.run.ledger.plans;
  const auto full =
      std::ranges::find_if(plans, [](const auto& plan) { return !plan.ranges.empty(); });
  ASSERT_NE(full, plans.end());
  ASSERT_EQ(has_a_block_in_two_batches(judged), "");
  reports::BatchPlan moved = *full;
  moved.batch.at += seconds(10);
  plans.push_back(std::move(moved));
  EXPECT_NE(has_a_block_in_two_batches(judged), "");
}

TEST(CounterExamples, ABlockThatIsPlannedBeforeItIsAddedIsSeen) {
  JudgedRun judged = Player().play(scenario_text(kReliableWithLog));
  ASSERT_EQ(plans_what_is_not_added(judged), "");
  auto& events = judged.run.ledger.events;
  const auto addition = std::ranges::find_if(
      events, [](const Event& event) { return is_point(event, Point::kTrackerBlockAdded); });
  ASSERT_NE(addition, events.end());
  std::rotate(addition, std::next(addition), events.end());
  EXPECT_NE(plans_what_is_not_added(judged), "");
}

TEST(CounterExamples, WithoutAnyExecutorThePipelineIsStalled) {
  Scenario scenario = receivers(kReliableWithLog);
  scenario.cluster.executors = 1;
  scenario.stop.within = seconds(30);
  scenario.faults.push_back(end_of(kReceiverExecutor, milliseconds(1700)));
  const JudgedRun judged = Player().play(tests::prepared_from(std::move(scenario)));
  EXPECT_NE(stalls(judged), "");
}

// --- The offset that is one too low ------------------------------------------------------------

struct OffByOne {
  std::int32_t partitions;
  std::int32_t restarts;
};

void PrintTo(const OffByOne& each, std::ostream* out) {
  *out << each.partitions << " partitions, " << each.restarts << " restarts";
}

// The receiver alone fails when it has long stored and committed all there is.
JudgedRun play_quiet_restarts(OffByOne each, engine::CommittedOffset committed) {
  Scenario scenario = receivers(kReliableWithLog);
  scenario.pipeline.source.partitions = each.partitions;
  scenario.pipeline.protocol.committed_offset = committed;
  for (std::int32_t restart = 1; restart <= each.restarts; ++restart) {
    scenario.faults.push_back(crash_of(kReceiver, faults::AtTime{seconds(6) * restart}));
  }
  return Player().play(tests::prepared_from(std::move(scenario)));
}

class CommittedOffset : public testing::TestWithParam<OffByOne> {};

TEST_P(CommittedOffset, OfTheLastRecordBringsItAgainAtEveryRestart) {
  const JudgedRun judged = play_quiet_restarts(GetParam(), engine::CommittedOffset::kLastStored);
  const std::int64_t again = GetParam().partitions * GetParam().restarts;
  EXPECT_EQ(judged.verdict.received.duplicated, again);
  EXPECT_EQ(judged.verdict.output.duplicated, again);
  EXPECT_EQ(judged.verdict.received.lost, 0);
  EXPECT_FALSE(judged.verdict.stalled);
}

TEST_P(CommittedOffset, OfTheNextRecordBringsNothingAgain) {
  const JudgedRun judged = play_quiet_restarts(GetParam(), engine::CommittedOffset::kNext);
  EXPECT_EQ(judged.verdict.received.guarantee(), Guarantee::kExactlyOnce);
  EXPECT_EQ(judged.verdict.guarantee(), Guarantee::kExactlyOnce);
  EXPECT_FALSE(judged.verdict.stalled);
}

INSTANTIATE_TEST_SUITE_P(
    Restarts,
    CommittedOffset,
    testing::Values(OffByOne{1, 1}, OffByOne{2, 1}, OffByOne{2, 2}, OffByOne{3, 1}, OffByOne{3, 2}),
    [](const auto& each) {
      return fmt::format("{}PartitionsAnd{}Restarts", each.param.partitions, each.param.restarts);
    });

// The generator drains when nothing can be committed any more, so that all of its last block comes
// again, and not one record of each partition.
TEST(Restart, AmidRecordsBringsAWholeBlockAgain) {
  Scenario scenario = receivers(kReliableWithLog);
  scenario.faults.push_back(crash_of(kReceiver, arrival(Point::kReceiverBuffered, 4)));
  const JudgedRun judged = Player().play(tests::prepared_from(scenario));
  EXPECT_TRUE(judged.run.ledger.faults.at(0).fired_at.has_value());
  EXPECT_GT(judged.verdict.received.duplicated, scenario.pipeline.source.partitions);
  EXPECT_EQ(judged.verdict.received.lost, 0);
}

// --- Every named point -------------------------------------------------------------------------

constexpr const char* kDirect = R"(
scenario: direct
description: A small Direct pipeline.
topic: { name: events, partitions: 2 }
workload: { records: 16, keys: 4, rate: 8/s, value_bytes: 8, start: 1s }
pipeline:
  batch_interval: 1s
  source: { kind: kafka-direct, offsets: hbase }
  checkpoint: { enabled: true, storage: hdfs }
  operations: [ { map: identity } ]
  sink: { kind: append, store: memory }
cluster: { executors: 2, cores: 2 }
faults:
  - crash: driver
    at: { time: 2500ms }
)";

constexpr const char* kDriverDies = R"(
faults:
  - crash: driver
    at: { time: 2500ms }
)";

std::vector<std::string_view> never_reached(const std::vector<std::string>& plays) {
  std::set<Point> reached;
  for (const std::string& text : plays) {
    for (const Event& event : Player().play(text).run.ledger.events) {
      if (event.kind == EventKind::kPoint) {
        reached.insert(event.point);
      }
    }
  }
  std::vector<std::string_view> names;
  for (const engine::PointInfo& info : engine::all_points()) {
    if (!reached.contains(info.point)) {
      names.push_back(info.name);
    }
  }
  return names;
}

bool is_of_receivers(const engine::PointInfo& info) {
  return info.name.starts_with("receiver.") || info.name.starts_with("tracker.");
}

TEST(Points, AreAllReachedBySomePlay) {
  EXPECT_THAT(never_reached({kDirect,
                             scenario_text(kReliableWithLog, "append", kDriverDies),
                             scenario_text(kReliable)}),
              IsEmpty());
}

// Whoever is counted as reached was.
TEST(Points, OfReceiversAreReachedByNoDirectPlay) {
  std::vector<std::string_view> of_receivers;
  for (const engine::PointInfo& info : engine::all_points()) {
    if (is_of_receivers(info) || info.point == Point::kRecoveryLogReplayed) {
      of_receivers.push_back(info.name);
    }
  }
  EXPECT_EQ(never_reached({kDirect}), of_receivers);
  EXPECT_THAT(never_reached({scenario_text(kReliableWithLog)}),
              testing::IsSupersetOf({"receiver.block_replicated", "offsets.saved"}));
}

std::vector<Point> points_of_receivers() {
  std::vector<Point> points;
  for (const engine::PointInfo& info : engine::all_points()) {
    if (is_of_receivers(info)) {
      points.push_back(info.point);
    }
  }
  return points;
}

// The second block that gets there, and whoever dies there.
JudgedRun play_crash_at(Point point, Target target) {
  const bool replicated = point == Point::kReceiverBlockReplicated;
  Scenario scenario = receivers(replicated ? kReliable : kReliableWithLog);
  scenario.faults.push_back(crash_of(target, arrival(point, 2)));
  return Player().play(tests::prepared_from(std::move(scenario)));
}

class CrashAtPoint : public testing::TestWithParam<Point> {};

TEST_P(CrashAtPoint, OfTheReceiversExecutorLosesNothing) {
  const JudgedRun judged = play_crash_at(GetParam(), kReceiverExecutor);
  EXPECT_TRUE(judged.run.ledger.faults.at(0).fired_at.has_value());
  EXPECT_EQ(tests::crash_count(judged.run.ledger, engine::Role::kExecutor), 1);
  EXPECT_EQ(judged.verdict.received.lost, 0) << judged.token;
  EXPECT_EQ(judged.verdict.output.lost, 0) << judged.token;
  EXPECT_FALSE(judged.verdict.stalled) << judged.token;
}

// Where blocks are replicated there is no log, and nothing is promised if the driver dies.
TEST_P(CrashAtPoint, OfTheDriverLosesNothing) {
  const JudgedRun judged = play_crash_at(GetParam(), kDriver);
  EXPECT_TRUE(judged.run.ledger.faults.at(0).fired_at.has_value());
  EXPECT_EQ(tests::crash_count(judged.run.ledger, engine::Role::kDriver), 1);
  EXPECT_FALSE(judged.verdict.stalled) << judged.token;
  if (GetParam() != Point::kReceiverBlockReplicated) {
    EXPECT_EQ(judged.verdict.received.lost, 0) << judged.token;
    EXPECT_EQ(judged.verdict.output.lost, 0) << judged.token;
  }
}

INSTANTIATE_TEST_SUITE_P(Points,
                         CrashAtPoint,
                         testing::ValuesIn(points_of_receivers()),
                         [](const auto& each) { return test_name(each.param); });

// --- Where receivers run -----------------------------------------------------------------------

// Which executors have fetched records, and since when.
std::map<engine::ProcessId, engine::Instant> first_fetches(const reports::Ledger& ledger) {
  std::map<engine::ProcessId, engine::Instant> first;
  for (const Event& event : ledger.events) {
    if (is_point(event, Point::kReceiverFetched)) {
      first.try_emplace(event.process.process, event.at);
    }
  }
  return first;
}

constexpr engine::ProcessId kFirstExecutor{engine::Role::kExecutor, 0};
constexpr engine::ProcessId kSecondExecutor{engine::Role::kExecutor, 1};
constexpr Duration kHeartbeatInterval = seconds(1);
constexpr Duration kNetworkTimeout = seconds(5);
constexpr Duration kDies = seconds(3);

// The first executor dies for good while records come, after 3 s. How long it then takes until the
// second fetches.
Duration time_until_moved(TargetKind dying, reports::Verdict& verdict) {
  Scenario scenario = receivers(kReliableWithLog);
  scenario.workload.records = 80;
  scenario.cluster.heartbeat_interval = kHeartbeatInterval;
  scenario.cluster.network_timeout = kNetworkTimeout;
  scenario.faults.push_back(end_of({dying, 0}, kDies));
  const JudgedRun judged = Player().play(tests::prepared_from(std::move(scenario)));
  const auto fetches = first_fetches(judged.run.ledger);
  EXPECT_TRUE(fetches.contains(kFirstExecutor) && fetches.contains(kSecondExecutor));
  verdict = judged.verdict;
  return fetches.at(kSecondExecutor) - (engine::Instant{} + kDies);
}

TEST(Placement, AMachineThatStopsIsNoticedAfterTheNetworkTimeout) {
  reports::Verdict verdict;
  const Duration moved = time_until_moved(TargetKind::kMachine, verdict);
  EXPECT_GE(moved, kNetworkTimeout - kHeartbeatInterval);
  EXPECT_LE(moved, kNetworkTimeout + 2 * kHeartbeatInterval);
  EXPECT_EQ(verdict.output.lost, 0);
  EXPECT_FALSE(verdict.stalled);
}

TEST(Placement, AProcessThatDiesIsNoticedAtOnce) {
  reports::Verdict verdict;
  const Duration moved = time_until_moved(TargetKind::kExecutor, verdict);
  EXPECT_LT(moved, kHeartbeatInterval);
  EXPECT_EQ(verdict.output.lost, 0);
  EXPECT_FALSE(verdict.stalled);
}

// The executors of the receivers of both streams, and the streams that a batch has blocks of.
TEST(Placement, TwoReceiversAreOnTwoExecutors) {
  const std::string source = std::string(kReliableWithLog) + ", receivers: 2";
  const JudgedRun judged = Player().play(scenario_text(source));
  EXPECT_THAT(first_fetches(judged.run.ledger), SizeIs(2));
  std::set<engine::StreamId> streams;
  for (const reports::BatchPlan& plan : judged.run.ledger.plans) {
    for (const engine::BlockId block : blocks_of(plan)) {
      streams.insert(block.stream);
    }
  }
  EXPECT_THAT(streams, testing::ElementsAre(0, 1));
  EXPECT_EQ(judged.verdict.guarantee(), Guarantee::kExactlyOnce);
}

TEST(Placement, OneReceiverIsOnOneExecutor) {
  EXPECT_THAT(first_fetches(Player().play(scenario_text(kReliableWithLog)).run.ledger), SizeIs(1));
}

// --- Stopping in order -------------------------------------------------------------------------

std::int64_t exits(const reports::Ledger& ledger, bool (*whose)(const Event&)) {
  return std::ranges::count_if(ledger.events, [whose](const Event& event) {
    return event.kind == EventKind::kProcessExited && whose(event);
  });
}

Scenario stopping_gracefully(const std::string& source) {
  return tests::scenario_from(
      scenario_text(source, "append", "stop: { when: drained, graceful: true, within: 60s }"));
}

TEST(GracefulStop, EndsWithTheDriver) {
  for (const char* const source : {kReliableWithLog, kReliable, kUnreliableWithLog}) {
    const JudgedRun judged = Player().play(tests::prepared_from(stopping_gracefully(source)));
    EXPECT_EQ(exits(judged.run.ledger, is_driver), 1) << source;
    EXPECT_FALSE(judged.verdict.stalled) << source;
    EXPECT_EQ(judged.verdict.guarantee(), Guarantee::kExactlyOnce) << source;
  }
}

TEST(GracefulStop, IsNotWhatADrainedPipelineDoesByItself) {
  EXPECT_EQ(exits(Player().play(scenario_text(kReliableWithLog)).run.ledger, is_driver), 0);
}

TEST(GracefulStop, EndsInEverySchedule) {
  Survey all = survey(stopping_gracefully(kReliableWithLog));
  EXPECT_THAT(all.found[stalls], IsEmpty());
  EXPECT_THAT(all.found[loses], IsEmpty());
}

// --- Memory ------------------------------------------------------------------------------------

// Blocks come faster than they are worked off.
Scenario slow_job(std::optional<std::int64_t> executor_memory) {
  Scenario scenario = receivers(kReliableWithLog, "upsert");
  scenario.workload.records = 60;
  scenario.workload.rate_per_second = 30;
  scenario.workload.value_bytes = 1000;
  scenario.pipeline.processing_time_per_record = milliseconds(100);
  scenario.cluster.executor_memory = executor_memory;
  return scenario;
}

bool is_started_again(const Event& event) {
  return event.kind == EventKind::kProcessStarted && is_executor(event) &&
         event.process.incarnation > 1;
}

TEST(Memory, AnExecutorThatRunsOutOfItExitsAndIsStartedAgain) {
  const JudgedRun judged = Player().play(tests::prepared_from(slow_job(45'000)));
  const reports::Ledger& ledger = judged.run.ledger;
  EXPECT_GT(exits(ledger, is_executor), 0);
  EXPECT_EQ(tests::crash_count(ledger, engine::Role::kExecutor), 0);
  EXPECT_EQ(std::ranges::count_if(ledger.events, is_started_again), exits(ledger, is_executor));
  EXPECT_EQ(judged.verdict.guarantee(), Guarantee::kExactlyOnce);
}

TEST(Memory, AnExecutorWithoutALimitDoesNotExit) {
  const JudgedRun judged = Player().play(tests::prepared_from(slow_job(std::nullopt)));
  EXPECT_EQ(exits(judged.run.ledger, is_executor), 0);
  EXPECT_GT(judged.run.ledger.metrics.peak_executor_bytes, 45'000);
  EXPECT_EQ(judged.verdict.guarantee(), Guarantee::kExactlyOnce);
}

// What piled up in Kafka while nothing was received comes back as one block, and the executor that
// takes it dies of it, for ever.
TEST(Memory, ABacklogForWhichNoExecutorHasRoomStallsThePipeline) {
  const JudgedRun judged = Player().play(tests::prepared_from(slow_job(35'000)));
  EXPECT_TRUE(judged.verdict.stalled);
  EXPECT_GT(exits(judged.run.ledger, is_executor), 10);
}

TEST(Memory, AReceiverWithALimitedRateKeepsWithinTheSameMemory) {
  Scenario scenario = slow_job(35'000);
  scenario.pipeline.source.receiver->max_rate = 5;
  const JudgedRun judged = Player().play(tests::prepared_from(std::move(scenario)));
  EXPECT_EQ(exits(judged.run.ledger, is_executor), 0);
  EXPECT_EQ(judged.verdict.guarantee(), Guarantee::kExactlyOnce);
}

}  // namespace
