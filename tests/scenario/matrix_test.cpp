// tests/scenario/matrix_test.cpp
//
// The guarantee table by the invariants of scenarios/matrix/matrix.h, cells that are known by other
// means, and the command that prints it.

#include "scenarios/matrix/matrix.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/ports/invariant.h"
#include "engine/ports/points.h"
#include "reports/matrix_table.h"
#include "scenarios/matrix/crash_window.h"
#include "scenarios/matrix/rows.h"
#include "scenarios/matrix/seed_table.h"
#include "scenarios/token.h"
#include "tests/support/command_test.h"
#include "tests/support/world_fixture.h"

namespace {

using engine::OffsetKeeping;
using engine::SinkKind;
using nlohmann::json;
using reports::Guarantee;
using scenarios::Boundary;
using scenarios::CrashColumn;
using scenarios::Engine;
using scenarios::ExploredRow;
using scenarios::MatrixCell;
using scenarios::MatrixRow;
using scenarios::PreparedScenario;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using tests::Player;

MatrixRow direct(OffsetKeeping offsets, SinkKind sink) {
  return {.receiver = false,
          .reliable = false,
          .write_ahead_log = false,
          .checkpoint = offsets == OffsetKeeping::kCheckpoint,
          .offsets = offsets,
          .sink = sink};
}

MatrixRow receiver(bool reliable, bool log, SinkKind sink) {
  return {.receiver = true,
          .reliable = reliable,
          .write_ahead_log = log,
          .checkpoint = true,
          .offsets = OffsetKeeping::kNone,
          .sink = sink};
}

PreparedScenario prepared_of(const MatrixRow& row) {
  return tests::prepared_from(scenarios::scenario_text(row));
}

ExploredRow explore(const MatrixRow& row, std::vector<CrashColumn> columns) {
  Player player;
  auto explored = scenarios::explore_row(player.runner(), row, prepared_of(row), columns);
  INVARIANT(explored.has_value(), "{}", explored.error().message);
  return std::move(explored.value());
}

MatrixCell explore_cell(const MatrixRow& row, CrashColumn column) {
  ExploredRow explored = explore(row, {column});
  INVARIANT(explored.cells.size() == 1, "one column, one cell");
  return std::move(explored.cells.front());
}

Guarantee output_of(const MatrixRow& row, CrashColumn column) {
  return explore_cell(row, column).output;
}

scenarios::JudgedRun play_traced(const MatrixRow& row, const faults::FaultPlan& plan = {}) {
  Player player;
  const PreparedScenario prepared = prepared_of(row);
  auto judged =
      player.runner().run(prepared, prepared.scenario.seed, plan, sim::Trace::Recording::kSteps);
  INVARIANT(judged.has_value(), "{}", judged.error().message);
  return std::move(judged.value());
}

faults::FaultPlan driver_crash(const Boundary& boundary) {
  const faults::Crash crash{.target = {.kind = faults::TargetKind::kDriver, .index = 0},
                            .at = boundary.trigger(),
                            .restart_after = std::nullopt,
                            .restarts = true,
                            .redeploy = {}};
  return {crash};
}

bool was_reached(const reports::Ledger& ledger, engine::Point point) {
  return std::ranges::any_of(ledger.events, [point](const reports::Event& event) {
    return event.kind == reports::EventKind::kPoint && event.point == point;
  });
}

// --- Rows --------------------------------------------------------------------------------------

TEST(MatrixRows, EachHasAWorldOfItsOwnThatLoads) {
  std::set<std::uint64_t> hashes;
  std::set<std::string> names;
  for (const MatrixRow& row : scenarios::matrix_rows(Engine::kFaithful)) {
    const auto scenario = scenarios::load_scenario(row);
    ASSERT_TRUE(scenario) << scenario.error().to_string();
    hashes.insert(scenario.value().text_hash);
    names.insert(scenario.value().name);
    EXPECT_EQ(scenario.value().pipeline.sink.kind, row.sink);
    EXPECT_EQ(scenario.value().pipeline.checkpoint_enabled, row.checkpoint);
  }

  EXPECT_EQ(hashes.size(), scenarios::matrix_rows(Engine::kFaithful).size());
  EXPECT_EQ(names.size(), scenarios::matrix_rows(Engine::kFaithful).size());
}

TEST(MatrixRows, WithoutAReceiverThereAreSevenColumns) {
  const auto count = [](const MatrixRow& row) {
    return std::ranges::count_if(scenarios::crash_columns(),
                                 [&row](CrashColumn column) { return row.has(column); });
  };
  EXPECT_EQ(count(direct(OffsetKeeping::kKafka, SinkKind::kAppend)), 7);
  EXPECT_EQ(count(receiver(false, false, SinkKind::kAppend)), 9);
}

// --- Where the columns part --------------------------------------------------------------------

// On either side of the cut one boundary apart: the earlier driver leaves no checkpoint behind, the
// later one does.
TEST(CrashWindow, TheFirstStartEndsWithTheBoundaryAtWhichTheCheckpointIsDurable) {
  const MatrixRow row = direct(OffsetKeeping::kCheckpoint, SinkKind::kAppend);
  const scenarios::JudgedRun baseline = play_traced(row);
  const auto end = scenarios::end_of_first_start(baseline.run, row.checkpoint);
  ASSERT_TRUE(end);
  std::vector<Boundary> boundaries = scenarios::boundaries_of(baseline.run);
  std::erase_if(boundaries, [](const Boundary& boundary) {
    return boundary.process.process.role != engine::Role::kDriver;
  });
  const auto cut = std::ranges::find(boundaries, *end, &Boundary::index);
  ASSERT_NE(cut, boundaries.end());
  ASSERT_NE(cut, boundaries.begin());

  const auto later = play_traced(row, driver_crash(*cut));
  const auto earlier = play_traced(row, driver_crash(*std::prev(cut)));

  EXPECT_TRUE(was_reached(later.run.ledger, engine::Point::kRecoveryCheckpointRead));
  EXPECT_FALSE(was_reached(earlier.run.ledger, engine::Point::kRecoveryCheckpointRead));
}

TEST(CrashWindow, WithoutACheckpointTheFirstStartEndsWithTheFirstBatch) {
  const scenarios::JudgedRun baseline =
      play_traced(direct(OffsetKeeping::kNone, SinkKind::kAppend));

  const auto end = scenarios::end_of_first_start(baseline.run, false);

  ASSERT_TRUE(end);
  const sim::TraceStep& step = baseline.run.trace[*end];
  EXPECT_EQ(step.operation, sim::Operation::kPoint);
  const auto completed = std::ranges::find_if(baseline.run.ledger.events, [](const auto& event) {
    return event.kind == reports::EventKind::kPoint &&
           event.point == engine::Point::kSchedulerBatchCompleted;
  });
  ASSERT_NE(completed, baseline.run.ledger.events.end());
  EXPECT_EQ(step.at, completed->at);
  EXPECT_FALSE(scenarios::end_of_first_start(baseline.run, true)) << "there is no checkpoint";
}

// Behind it lies the first batch that the new driver cut by itself.
TEST(CrashWindow, ARecoveryEndsWithABatchOfTheNewLife) {
  const MatrixRow row = direct(OffsetKeeping::kCheckpoint, SinkKind::kAppend);
  const scenarios::JudgedRun baseline = play_traced(row);
  EXPECT_FALSE(scenarios::end_of_recovery(baseline.run)) << "nobody died";
  const auto boundaries = scenarios::boundaries_of(baseline.run);
  const auto judged = play_traced(row, driver_crash(boundaries.front()));

  const auto end = scenarios::end_of_recovery(judged.run);

  ASSERT_TRUE(end);
  std::int64_t due = 0;
  for (const reports::Event& event : judged.run.ledger.events) {
    const bool in_time = event.at <= judged.run.trace[*end].at;
    const bool is_due = event.kind == reports::EventKind::kPoint &&
                        event.point == engine::Point::kGeneratorBatchDue;
    due += is_due && in_time && event.process.incarnation == 2 ? 1 : 0;
  }
  EXPECT_EQ(due, 1);
}

TEST(CrashWindow, BoundariesAreThoseThatTheRunCounted) {
  const scenarios::JudgedRun baseline =
      play_traced(direct(OffsetKeeping::kCheckpoint, SinkKind::kAppend));
  const std::vector<Boundary> boundaries = scenarios::boundaries_of(baseline.run);

  std::size_t counted = 0;
  for (const faults::ProcessSteps& process : baseline.run.steps) {
    counted += process.steps;
    std::uint64_t last = 0;
    for (const Boundary& boundary : boundaries) {
      if (boundary.process.process == process.process) {
        EXPECT_EQ(boundary.step, ++last);
      }
    }
    EXPECT_EQ(last, process.steps);
  }
  EXPECT_EQ(boundaries.size(), counted);
}

// --- Cells -------------------------------------------------------------------------------------

// X1
TEST(MatrixCell, OfOneCrashEveryBoundaryIsTriedOnEitherSideOfTheCut) {
  const MatrixRow row = direct(OffsetKeeping::kCheckpoint, SinkKind::kUpsert);
  const auto boundaries = std::ssize(scenarios::boundaries_of(play_traced(row).run));
  const ExploredRow explored = explore(row,
                                       {CrashColumn::kNone,
                                        CrashColumn::kOtherExecutor,
                                        CrashColumn::kDriverAtStart,
                                        CrashColumn::kDriver,
                                        CrashColumn::kCluster});
  ASSERT_EQ(explored.cells.size(), 5U);
  const auto& [none, executor, at_start, driver, cluster] = std::tie(explored.cells[0],
                                                                     explored.cells[1],
                                                                     explored.cells[2],
                                                                     explored.cells[3],
                                                                     explored.cells[4]);

  constexpr std::int64_t kOutcomes = 3;  // of what is unsynced on HDFS
  EXPECT_EQ(none.schedules, 1);
  EXPECT_GT(at_start.schedules, 0);
  EXPECT_EQ(at_start.of + driver.of, kOutcomes * boundaries);
  EXPECT_EQ(cluster.of, driver.of);
  EXPECT_EQ(executor.of, 2 * driver.of) << "two executors, neither has a receiver";
  for (const MatrixCell& cell : explored.cells) {
    EXPECT_EQ(cell.schedules + cell.pruned, cell.of) << to_string(cell.column);
    EXPECT_EQ(cell.depth, cell.column == CrashColumn::kNone ? 0 : 1);
  }
}

// X1
TEST(MatrixCell, WhatItLeavesOutWouldHaveChangedNothing) {
  const MatrixRow row = receiver(false, true, SinkKind::kAppend);
  const MatrixCell cell = explore_cell(row, CrashColumn::kDriver);
  Player player;
  const PreparedScenario prepared = prepared_of(row);
  const auto run = [&](const faults::FaultPlan& plan, const scenarios::Watch& watch) {
    auto judged = player.runner().run(
        prepared, prepared.scenario.seed, plan, sim::Trace::Recording::kHashOnly, watch);
    INVARIANT(judged.has_value(), "{}", judged.error().message);
    return std::move(judged.value());
  };
  const std::vector<faults::Target> driver{{.kind = faults::TargetKind::kDriver, .index = 0}};
  const scenarios::JudgedRun baseline = run({}, {.targets = driver, .is_known = {}});
  const auto first_start_ends = scenarios::end_of_first_start(baseline.run, true);
  ASSERT_TRUE(first_start_ends);
  const std::vector<Boundary> boundaries = scenarios::boundaries_of(baseline.run);

  std::int64_t schedules = 0;
  Guarantee received = Guarantee::kExactlyOnce;
  Guarantee output = Guarantee::kExactlyOnce;
  for (const faults::NextCrash& next :
       scenarios::next_crashes(prepared.scenario, baseline.run.counted, driver)) {
    if (boundaries[next.boundary].index >= *first_start_ends) {
      const reports::Verdict verdict = run({next.crash}, {}).verdict;
      received = reports::common_part(received, verdict.received.guarantee());
      output = reports::common_part(output, verdict.guarantee());
      ++schedules;
    }
  }
  EXPECT_EQ(cell.of, schedules);
  EXPECT_LT(cell.schedules, schedules);
  EXPECT_EQ(cell.received, received);
  EXPECT_EQ(cell.output, output);
}

// X1
TEST(MatrixCell, OfTwoCrashesTheSecondComesDuringTheRecovery) {
  const MatrixRow row = direct(OffsetKeeping::kCheckpoint, SinkKind::kAppend);
  const MatrixCell cell = explore_cell(row, CrashColumn::kDriverTwice);

  EXPECT_EQ(cell.depth, 2);
  EXPECT_GE(cell.of, cell.schedules);
  EXPECT_GT(cell.schedules, 100);
  ASSERT_TRUE(cell.duplicated);
  const auto judged = play_traced(row, cell.duplicated->plan);
  EXPECT_EQ(tests::crash_count(judged.run.ledger, engine::Role::kDriver), 2);
}

// X1
TEST(MatrixCell, OfAnyTwoCrashesNoPairIsLeftOut) {
  const MatrixRow row = direct(OffsetKeeping::kNone, SinkKind::kAppend);
  const MatrixCell cell = explore_cell(row, CrashColumn::kAnyTwo);

  EXPECT_EQ(cell.depth, 2);
  EXPECT_GT(cell.schedules, 100);
  EXPECT_EQ(cell.schedules + cell.pruned, cell.of);
  ASSERT_TRUE(cell.duplicated);
  const auto content = scenarios::decode_token(cell.duplicated->token);
  ASSERT_TRUE(content);
  EXPECT_EQ(content->faults, cell.duplicated->plan);
}

// X4
TEST(MatrixCell, PairsAreNotTriedWhereOneCrashLoses) {
  const MatrixRow row = direct(OffsetKeeping::kCheckpoint, SinkKind::kBatchUid);
  const ExploredRow explored = explore(row, {CrashColumn::kDriver, CrashColumn::kAnyTwo});
  ASSERT_EQ(explored.cells.size(), 1U);
  EXPECT_EQ(explored.cells.front().output, Guarantee::kAtMostOnce);
}

// X2
TEST(MatrixCell, IsAFunctionOfItsRow) {
  const MatrixRow row = direct(OffsetKeeping::kKafka, SinkKind::kAppend);
  const MatrixCell first = explore_cell(row, CrashColumn::kDriver);
  const MatrixCell second = explore_cell(row, CrashColumn::kDriver);

  ASSERT_TRUE(first.duplicated && second.duplicated && first.clean && second.clean);
  EXPECT_EQ(first.schedules, second.schedules);
  EXPECT_EQ(first.duplicated->token, second.duplicated->token);
  EXPECT_EQ(first.clean->token, second.clean->token);
}

// X3
TEST(MatrixCell, AWitnessIsTheFirstRunToEndOfThoseThatShowIt) {
  const MatrixRow row = direct(OffsetKeeping::kCheckpoint, SinkKind::kBatchUid);
  const MatrixCell cell = explore_cell(row, CrashColumn::kDriver);
  ASSERT_TRUE(cell.lost);
  const auto content = scenarios::decode_token(cell.lost->token);
  ASSERT_TRUE(content);
  EXPECT_EQ(content->faults, cell.lost->plan);

  const scenarios::JudgedRun baseline = play_traced(row);
  const auto end = scenarios::end_of_first_start(baseline.run, row.checkpoint);
  Player player;
  const PreparedScenario prepared = prepared_of(row);
  std::int64_t losses = 0;
  for (const Boundary& boundary : scenarios::boundaries_of(baseline.run)) {
    if (boundary.index < *end) {
      continue;
    }
    const auto judged = player.play(prepared, prepared.scenario.seed, driver_crash(boundary));
    if (judged.verdict.output.lost > 0) {
      ++losses;
      EXPECT_LE(cell.lost->ended_at, judged.run.ledger.ended_at) << boundary.step;
    }
  }
  EXPECT_GT(losses, 1);
}

TEST(MatrixCell, TheCleanScheduleShowsNothing) {
  const MatrixCell cell =
      explore_cell(direct(OffsetKeeping::kCheckpoint, SinkKind::kAppend), CrashColumn::kDriver);

  ASSERT_TRUE(cell.clean);
  EXPECT_EQ(cell.clean->plan.size(), 1U);
  EXPECT_EQ(cell.clean->verdict.guarantee(), Guarantee::kExactlyOnce);
}

// --- What is known -----------------------------------------------------------------------------

constexpr std::array kWhenADriverDies{
    CrashColumn::kDriver, CrashColumn::kCluster, CrashColumn::kDriverTwice};

TEST(DirectRows, WithoutACrashEveryOneIsExact) {
  for (const MatrixRow& row : scenarios::matrix_rows(Engine::kFaithful)) {
    if (!row.receiver) {
      EXPECT_EQ(output_of(row, CrashColumn::kNone), Guarantee::kExactlyOnce)
          << row.offsets_name() << ", " << row.sink_name();
    }
  }
}

TEST(DirectRows, TheCheckpointReceivesExactlyOnceAndAppendingRepeats) {
  const MatrixRow row = direct(OffsetKeeping::kCheckpoint, SinkKind::kAppend);
  for (const CrashColumn column : kWhenADriverDies) {
    const MatrixCell cell = explore_cell(row, column);
    EXPECT_EQ(cell.received, Guarantee::kExactlyOnce) << to_string(column);
    EXPECT_EQ(cell.output, Guarantee::kAtLeastOnce) << to_string(column);
    EXPECT_TRUE(cell.duplicated) << to_string(column);
  }
}

TEST(DirectRows, BeforeTheFirstCheckpointIsDurableTheCheckpointReceivesTwice) {
  const MatrixCell cell = explore_cell(direct(OffsetKeeping::kCheckpoint, SinkKind::kAppend),
                                       CrashColumn::kDriverAtStart);

  EXPECT_EQ(cell.received, Guarantee::kAtLeastOnce);
  EXPECT_FALSE(cell.lost);
}

TEST(DirectRows, ReplacingByIdentityIsExactWhereverTheOffsetsAre) {
  for (const OffsetKeeping offsets :
       {OffsetKeeping::kCheckpoint, OffsetKeeping::kKafka, OffsetKeeping::kZookeeper}) {
    for (const CrashColumn column : kWhenADriverDies) {
      EXPECT_EQ(output_of(direct(offsets, SinkKind::kUpsert), column), Guarantee::kExactlyOnce)
          << to_string(column);
    }
  }
}

TEST(DirectRows, OffsetsBesideTheResultsAreExactInEveryColumn) {
  const MatrixRow row = direct(OffsetKeeping::kSink, SinkKind::kOffsets);
  const ExploredRow explored =
      explore(row, {scenarios::crash_columns().begin(), scenarios::crash_columns().end()});

  ASSERT_EQ(explored.cells.size(), 7U);
  for (const MatrixCell& cell : explored.cells) {
    EXPECT_EQ(cell.output, Guarantee::kExactlyOnce) << to_string(cell.column);
    EXPECT_FALSE(cell.stalled) << to_string(cell.column);
  }
}

// A range that was not durable is cut again, larger, under the same identity.
TEST(DirectRows, ABatchIdentityLosesWithACheckpointAndRepeatsWithoutOne) {
  EXPECT_EQ(
      output_of(direct(OffsetKeeping::kCheckpoint, SinkKind::kBatchUid), CrashColumn::kDriver),
      Guarantee::kAtMostOnce);
  EXPECT_EQ(output_of(direct(OffsetKeeping::kKafka, SinkKind::kBatchUid), CrashColumn::kDriver),
            Guarantee::kAtLeastOnce);
}

TEST(DirectRows, AnExecutorsDeathRepeatsOnlyWhereRowsAreAppended) {
  for (const SinkKind sink :
       {SinkKind::kUpsert, SinkKind::kBatchUid, SinkKind::kFiles, SinkKind::kAppend}) {
    EXPECT_EQ(output_of(direct(OffsetKeeping::kCheckpoint, sink), CrashColumn::kOtherExecutor),
              sink == SinkKind::kAppend ? Guarantee::kAtLeastOnce : Guarantee::kExactlyOnce);
  }
}

TEST(ReceiverRows, WithoutACrashEveryOneIsExact) {
  for (const MatrixRow& row : scenarios::matrix_rows(Engine::kFaithful)) {
    if (row.receiver) {
      EXPECT_EQ(output_of(row, CrashColumn::kNone), Guarantee::kExactlyOnce)
          << row.reliable << row.write_ahead_log << row.checkpoint << ", " << row.sink_name();
    }
  }
}

// Acknowledged, computing, the driver dies, and the blocks with it.
TEST(ReceiverRows, WithoutALogTheDriversDeathLosesWithAnyReceiver) {
  for (const bool reliable : {false, true}) {
    for (const SinkKind sink : {SinkKind::kAppend, SinkKind::kUpsert}) {
      EXPECT_TRUE(explore_cell(receiver(reliable, false, sink), CrashColumn::kDriver).lost)
          << reliable << static_cast<int>(sink);
    }
  }
}

TEST(ReceiverRows, TheLogSavesWhatAReliableReceiverHasStoredAndRepeatsIt) {
  for (const CrashColumn column : kWhenADriverDies) {
    const MatrixCell appended = explore_cell(receiver(true, true, SinkKind::kAppend), column);
    EXPECT_EQ(appended.output, Guarantee::kAtLeastOnce) << to_string(column);
    EXPECT_EQ(output_of(receiver(true, true, SinkKind::kUpsert), column), Guarantee::kExactlyOnce)
        << to_string(column);
  }
}

// The batch that a record is in after the crash is another: its identity does not know the first.
TEST(ReceiverRows, ABatchIdentityDoesNotRemoveTheDuplicatesOfTheLog) {
  EXPECT_EQ(output_of(receiver(true, true, SinkKind::kBatchUid), CrashColumn::kDriver),
            Guarantee::kAtLeastOnce);
}

// Committed, logged, and nobody left who knows which batch it was for.
TEST(ReceiverRows, BeforeTheFirstCheckpointIsDurableTheLogSavesNothing) {
  const MatrixCell cell =
      explore_cell(receiver(true, true, SinkKind::kUpsert), CrashColumn::kDriverAtStart);

  EXPECT_EQ(cell.output, Guarantee::kAtMostOnce);
  EXPECT_TRUE(cell.lost);
}

TEST(ReceiverRows, AnUnreliableReceiverLosesItsBufferWithItsExecutorLogOrNot) {
  for (const bool log : {false, true}) {
    const MatrixRow row = receiver(false, log, SinkKind::kAppend);
    EXPECT_TRUE(explore_cell(row, CrashColumn::kReceiverExecutor).lost) << log;
    EXPECT_FALSE(explore_cell(row, CrashColumn::kReceiver).lost) << log;
  }
}

TEST(ReceiverRows, AReliableReceiverLosesNothingWithItsExecutor) {
  for (const CrashColumn column :
       {CrashColumn::kReceiver, CrashColumn::kReceiverExecutor, CrashColumn::kOtherExecutor}) {
    EXPECT_FALSE(explore_cell(receiver(true, false, SinkKind::kAppend), column).lost)
        << to_string(column);
  }
}

TEST(ReceiverRows, TheOtherExecutorIsTheOneWithoutTheReceiver) {
  const MatrixRow row = receiver(true, true, SinkKind::kAppend);
  const scenarios::JudgedRun baseline = play_traced(row);
  const auto host = scenarios::receiver_host(baseline.run, baseline.run.trace.size());
  ASSERT_TRUE(host);
  const MatrixCell cell = explore_cell(row, CrashColumn::kOtherExecutor);

  ASSERT_TRUE(cell.clean);
  const auto* const crash = std::get_if<faults::Crash>(&cell.clean->plan.front());
  ASSERT_NE(crash, nullptr);
  EXPECT_EQ(crash->target.kind, faults::TargetKind::kExecutor);
  EXPECT_NE(crash->target.index, *host);
}

// --- Another Kafka -----------------------------------------------------------------------------

TEST(MatrixConfirmation, TheMockClusterAgreesWithEveryWitness) {
  const MatrixRow row = direct(OffsetKeeping::kKafka, SinkKind::kBatchUid);
  const ExploredRow explored = explore(row, {CrashColumn::kNone, CrashColumn::kDriver});
  Player mock(tests::ClusterKind::kMock);

  const auto confirmed = scenarios::confirm_row(mock.runner(), prepared_of(row), explored);

  ASSERT_TRUE(confirmed) << confirmed.error().message;
  EXPECT_EQ(confirmed.value().replayed, 3) << "nobody dies; a duplicate; and a clean crash";
  EXPECT_TRUE(confirmed.value().disagreements.empty());
}

TEST(MatrixConfirmation, AVerdictThatIsNotFoundAgainIsADisagreement) {
  const MatrixRow row = direct(OffsetKeeping::kKafka, SinkKind::kAppend);
  ExploredRow explored = explore(row, {CrashColumn::kDriver});
  ASSERT_TRUE(explored.cells.front().duplicated);
  ++explored.cells.front().duplicated->verdict.output.duplicated;
  Player player;

  const auto confirmed = scenarios::confirm_row(player.runner(), prepared_of(row), explored);

  ASSERT_TRUE(confirmed) << confirmed.error().message;
  ASSERT_EQ(confirmed.value().disagreements.size(), 1U);
  EXPECT_EQ(confirmed.value().disagreements.front().token,
            explored.cells.front().duplicated->token);
}

// --- The article's table -----------------------------------------------------------------------

reports::MatrixTableCell append_cell(bool reliable, bool wal, const std::string& crash) {
  reports::MatrixTableCell cell;
  cell.source = "kafka-receiver";
  cell.reliable = reliable;
  cell.wal = wal;
  cell.checkpoint = true;
  cell.sink = "append";
  cell.crash = crash;
  cell.schedules = 10;
  return cell;
}

TEST(SeedTable, AStatementOfNoLossDiffersOnceALossIsFound) {
  std::vector<reports::MatrixTableCell> cells{append_cell(true, true, "driver-at-start"),
                                              append_cell(true, true, "driver")};
  const auto whole = scenarios::compare_with_seed_table(cells);
  cells[0].output = Guarantee::kAtMostOnce;
  cells[0].tokens.lost = "op1-l";
  const auto broken = scenarios::compare_with_seed_table(cells);

  ASSERT_EQ(whole.size(), 1U);
  ASSERT_EQ(broken.size(), 1U);
  EXPECT_TRUE(whole.front().agrees);
  EXPECT_FALSE(broken.front().agrees);
  EXPECT_EQ(broken.front().found, Guarantee::kAtMostOnce);
  EXPECT_EQ(broken.front().schedules, 20);
  EXPECT_EQ(broken.front().losses.front().token, "op1-l");
  EXPECT_TRUE(cells[0].in_seed_table && cells[1].in_seed_table);
}

TEST(SeedTable, AStatementOfLossDiffersUntilALossIsFound) {
  std::vector<reports::MatrixTableCell> cells{append_cell(false, false, "receiver-executor"),
                                              append_cell(false, false, "other-executor")};
  const auto whole = scenarios::compare_with_seed_table(cells);
  cells[0].tokens.lost = "op1-l";
  const auto broken = scenarios::compare_with_seed_table(cells);

  EXPECT_FALSE(whole.front().agrees);
  EXPECT_TRUE(broken.front().agrees);
}

TEST(SeedTable, OtherCellsAreNotSpokenOf) {
  std::vector<reports::MatrixTableCell> cells{append_cell(true, true, "driver"),
                                              append_cell(true, true, "cluster")};
  cells[1].sink = "upsert";

  EXPECT_TRUE(scenarios::compare_with_seed_table(cells).empty()) << "half of a statement";
  EXPECT_FALSE(cells[0].in_seed_table || cells[1].in_seed_table);
}

// --- The command -------------------------------------------------------------------------------

using MatrixCommand = tests::CommandTest;

TEST_F(MatrixCommand, AnswersTheSameAtEveryNumberOfJobs) {
  const auto answer = [this](const char* option, const char* value) {
    const tests::Ended ended = onceproof({"matrix",
                                          "--source",
                                          "kafka-direct",
                                          "--crash",
                                          "none",
                                          "--crash",
                                          "driver-at-start",
                                          "--json",
                                          "-",
                                          option,
                                          value});
    EXPECT_EQ(ended.status, 0) << ended.err;
    return ended.out;
  };
  const std::string one = answer("--jobs", "1");

  EXPECT_EQ(answer("--jobs", "2"), one);
  EXPECT_EQ(answer("--jobs", "5"), one);
  EXPECT_EQ(json::parse(one).at("cells").size(), 50U);
  EXPECT_NE(json::parse(one).at("explored"), json::parse(answer("--seed", "2")).at("explored"));
}

TEST_F(MatrixCommand, EveryWitnessHasAPage) {
  const tests::Ended table = onceproof({"matrix",
                                        "--source",
                                        "kafka-direct",
                                        "--crash",
                                        "driver",
                                        "--db",
                                        "m.db",
                                        "--html",
                                        "pages",
                                        "--json",
                                        "-"});
  ASSERT_EQ(table.status, 0) << table.err;
  EXPECT_THAT(table.err, HasSubstr("pages: pages/index.html\n"));
  std::set<std::string> tokens;
  const json answer = json::parse(table.out);
  for (const json& cell : answer.at("cells")) {
    for (const json& token : cell.at("witness")) {
      if (token.is_string()) {
        tokens.insert(token.get<std::string>());
      }
    }
  }
  ASSERT_GT(tokens.size(), 10);
  const auto page = [this](std::size_t run) {
    return folder_ / "pages" / fmt::format("run-{}.html", run);
  };
  for (std::size_t run = 1; run <= tokens.size(); ++run) {
    const std::string text = tests::read_file(page(run));
    EXPECT_TRUE(std::ranges::any_of(tokens, [&text](const std::string& token) {
      return text.find(token) != text.npos;
    })) << page(run);
  }
  EXPECT_FALSE(std::filesystem::exists(page(tokens.size() + 1)));
  const std::string index = tests::read_file(folder_ / "pages" / "index.html");
  EXPECT_THAT(index, Not(HasSubstr("data-copy=\"onceproof")));
}

TEST_F(MatrixCommand, ATokenOfTheTableIsReplayedWithoutAFile) {
  const tests::Ended table = onceproof({"matrix",
                                        "--source",
                                        "kafka-direct",
                                        "--sink",
                                        "append",
                                        "--crash",
                                        "driver-at-start",
                                        "--quiet",
                                        "--json",
                                        "-"});
  const json cell = json::parse(table.out).at("cells").at(0);
  const tests::Ended replayed =
      onceproof({"replay", cell.at("witness").at("duplicated").get<std::string>(), "--json", "-"});

  EXPECT_EQ(table.err, "");
  ASSERT_EQ(replayed.status, 0) << replayed.err;
  const json row = json::parse(replayed.out).at("runs").at(0);
  EXPECT_EQ(row.at("scenario"), "matrix_direct_checkpoint_append");
  EXPECT_GT(row.at("duplicated"), 0);
}

TEST_F(MatrixCommand, WhatTheTableDoesNotHaveIsRefused) {
  const tests::Ended ended = onceproof({"matrix", "--crash", "nobody"});

  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("--crash nobody"), HasSubstr("driver-at-start")));
}

TEST_F(MatrixCommand, TheWorldsItPrintsAreScenarioFiles) {
  const tests::Ended printed = onceproof({"matrix", "--scenarios", "--source", "kafka-direct"});
  ASSERT_EQ(printed.status, 0) << printed.err;
  tests::write_file(folder_ / "worlds.yaml", printed.out);

  const tests::Ended ended = onceproof({"run",
                                        "worlds.yaml",
                                        "--kafka",
                                        "model",
                                        "--db",
                                        "",
                                        "--html",
                                        "",
                                        "--json",
                                        "-",
                                        "--quiet"});

  ASSERT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(json::parse(ended.out).at("runs").size(), 25U);
}

}  // namespace
