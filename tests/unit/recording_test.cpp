// tests/unit/recording_test.cpp
//
// A recording is whole after any death, gives back what it was given, and says in one sentence why
// it cannot.

#include "reports/recording.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/ports/result.h"
#include "tests/support/ledger_builder.h"
#include "tests/support/temporary_folder.h"

namespace {

using reports::AggregateKind;
using reports::Ledger;
using reports::Recording;
using reports::RecordingErrc;
using reports::RunInfo;
using support::LedgerBuilder;
using support::range;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A folder of its own for each test.
class RecordingTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name = "runs.db") const {
    return folder_.file(name);
  }

 private:
  tests::TemporaryFolder folder_;
};

// The rows that another program sees, columns joined by "|".
std::vector<std::string> query(const std::string& path, const std::string& statement) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  std::vector<std::string> rows;
  const auto collect = [](void* out, int count, char** values, char** /*names*/) {
    std::string row;
    for (int i = 0; i < count; ++i) {
      const char* const value = values[i];
      row += i == 0 ? "" : "|";
      row += value == nullptr ? "NULL" : value;
    }
    static_cast<std::vector<std::string>*>(out)->push_back(row);
    return 0;
  };
  const int code = sqlite3_exec(database, statement.c_str(), collect, &rows, nullptr);
  EXPECT_EQ(code, SQLITE_OK) << sqlite3_errmsg(database) << " in " << statement;
  sqlite3_close(database);
  return rows;
}

RunInfo run_info() {
  return {.scenario = "direct_append_duplicates",
          .seed = 7,
          .kafka = "model",
          .token = "op1-abc",
          .started_at = "2026-01-02T03:04:05Z",
          .virtual_us = 12'000'000,
          .wall_us = 345,
          .trace_hash = "0123456789abcdef0123456789abcdef",
          .passed = true,
          .topic = "sessions",
          .sink = "append",
          .texts = {}};
}

// A run of a size by which a torn one would be recognised.
Ledger sizeable_ledger(std::int64_t records) {
  LedgerBuilder history;
  history.inputs(0, records).outputs(0, records).plan(1, 1, {range(0, 0, records)}, true);
  history.ledger().events.resize(static_cast<std::size_t>(records));
  return history.ledger();
}

std::int64_t must_record(Recording& recording, const Ledger& ledger) {
  const auto run_id = recording.record(run_info(), ledger, reports::judge(ledger));
  EXPECT_TRUE(run_id.has_value()) << run_id.error().sentence;
  return run_id.has_value() ? *run_id : -1;
}

TEST_F(RecordingTest, HistoryComesBackAsItWasRecorded) {
  LedgerBuilder history;
  history.input(0, 5).input(2, -1, 0).input(2, std::numeric_limits<std::int64_t>::max(), 3);
  history.ledger().inputs[1].key = std::string("nul\0inside", 10);
  history.ledger().inputs[1].value = "\xff\xfe not UTF-8";
  history.ledger().inputs[2].key = "会话:приложение";
  history.ledger().inputs[2].value = "";
  history.output(2, 8, 2).output(0, 5);
  history.ledger().outputs[0].writer = {.process = {.role = engine::Role::kDriver, .index = 0},
                                        .incarnation = 4};
  history.plan(1, 1, {}, true).plan(2, 3, {range(1, 2, 3), range(0, 4, 5)}, false).executed({0});
  history.plan(3, 3, {}, false);
  history.plan_blocks(4,
                      3,
                      {{{.stream = 0, .number = 1400}, {range(0, 5, 6), range(2, -1, 0)}},
                       {{.stream = 12, .number = -3}, {range(2, -1, 0)}}},
                      false);
  history.executed({1});
  history.aggregate(AggregateKind::kMaxByKey, {{"a", -5}, {"b\xff", 1}, {"c", 2}});
  history.ledger().stalled = true;
  const Ledger& written = history.ledger();
  auto recording = Recording::open(path());
  ASSERT_TRUE(recording.has_value()) << recording.error().sentence;
  must_record(*recording, sizeable_ledger(2));
  const std::int64_t run_id = must_record(*recording, written);

  const auto read = recording->load(run_id);

  ASSERT_TRUE(read.has_value()) << read.error().sentence;
  ASSERT_EQ(read->inputs.size(), written.inputs.size());
  for (std::size_t i = 0; i < written.inputs.size(); ++i) {
    EXPECT_EQ(read->inputs[i].id, written.inputs[i].id);
    EXPECT_EQ(read->inputs[i].position, written.inputs[i].position);
    EXPECT_EQ(read->inputs[i].key, written.inputs[i].key);
    EXPECT_EQ(read->inputs[i].value, written.inputs[i].value);
    EXPECT_EQ(read->inputs[i].produced_at, written.inputs[i].produced_at);
    EXPECT_EQ(read->inputs[i].expected, written.inputs[i].expected);
  }
  ASSERT_EQ(read->outputs.size(), written.outputs.size());
  for (std::size_t i = 0; i < written.outputs.size(); ++i) {
    EXPECT_EQ(read->outputs[i].source, written.outputs[i].source);
    EXPECT_EQ(read->outputs[i].ordinal, written.outputs[i].ordinal);
    EXPECT_EQ(read->outputs[i].value, written.outputs[i].value);
    EXPECT_EQ(read->outputs[i].batch, written.outputs[i].batch);
    EXPECT_EQ(read->outputs[i].task, written.outputs[i].task);
    EXPECT_EQ(read->outputs[i].writer, written.outputs[i].writer);
    EXPECT_EQ(read->outputs[i].written_at, written.outputs[i].written_at);
  }
  ASSERT_EQ(read->plans.size(), written.plans.size());
  for (std::size_t i = 0; i < written.plans.size(); ++i) {
    EXPECT_EQ(read->plans[i].batch, written.plans[i].batch);
    EXPECT_EQ(read->plans[i].driver, written.plans[i].driver);
    EXPECT_EQ(read->plans[i].ranges, written.plans[i].ranges);
    EXPECT_EQ(read->plans[i].executed, written.plans[i].executed);
    EXPECT_EQ(read->plans[i].completed, written.plans[i].completed);
  }
  EXPECT_EQ(read->aggregate, written.aggregate);
  ASSERT_EQ(read->expected_aggregate.size(), 3U);
  EXPECT_EQ(read->expected_aggregate[1].key, "b\xff");
  EXPECT_TRUE(read->stalled);
  EXPECT_EQ(reports::judge(*read), reports::judge(written));
}

TEST_F(RecordingTest, WhatTheRunKeptAndHeldIsInTheRecording) {
  Ledger ledger;
  ledger.metrics.block_bytes = 100;
  ledger.metrics.data_log_bytes = 120;
  {
    auto recording = Recording::open(path());
    ASSERT_TRUE(recording.has_value());
    ASSERT_TRUE(recording->record(run_info(), ledger, reports::judge(ledger)).has_value());
  }
  EXPECT_THAT(query(path(), "SELECT value FROM metric WHERE name = 'data_log_bytes'"),
              ElementsAre("120"));
  EXPECT_THAT(query(path(), "SELECT value FROM metric WHERE name = 'stored_bytes'"),
              ElementsAre("220"));
}

TEST_F(RecordingTest, TablesHaveTheColumnsThatTheContractNames) {
  { ASSERT_TRUE(Recording::open(path()).has_value()); }

  EXPECT_THAT(query(path(), "SELECT value FROM meta WHERE key = 'schema_version'"),
              ElementsAre("2"));
  for (const char* const statement :
       {"SELECT run_id, scenario, seed, kafka, token, started_at, virtual_us, wall_us, received, "
        "processed, output, lost, duplicated, phantom, reordered, wrong, stalled, trace_hash, "
        "passed FROM run",
        "SELECT run_id, n, kind, target, point, occurrence, virtual_us FROM fault",
        "SELECT run_id, name, value FROM metric",
        "SELECT run_id, record_id, topic, partition, [offset], key, value, produced_us FROM "
        "input_record",
        "SELECT run_id, n, record_id, sink, key, value, batch_us, partition_id, attempt, process, "
        "incarnation, written_us FROM output_record",
        "SELECT run_id, n, virtual_us, process, incarnation, point, batch_us, detail FROM event",
        "SELECT run_id, n, range_n, batch_us, driver_incarnation, task, block, partition, "
        "from_offset, until_offset, executed, completed FROM batch_plan",
        "SELECT run_id, n, batch_us, task, block, partition, part, survived, is_received, "
        "is_processed FROM planned_range",
        "SELECT run_id, record_id, times FROM received_record",
        "SELECT run_id, record_id, times FROM processed_record",
        "SELECT run_id, record_id FROM lost_record",
        "SELECT run_id, record_id FROM duplicate_record",
        "SELECT run_id, n FROM phantom_record",
        "SELECT run_id, record_id FROM reordered_record",
        "SELECT run_id, received, processed, output, lost, duplicated, phantom, reordered, wrong, "
        "stalled FROM verdict"}) {
    EXPECT_THAT(query(path(), statement), IsEmpty());
  }
}

TEST_F(RecordingTest, RunIsStoredWithItsVerdict) {
  LedgerBuilder history;
  history.inputs(0, 3).output(0, 0).output(0, 0).output(9, 9);
  history.plan(1, 1, {range(0, 0, 2)}, true);
  {
    auto recording = Recording::open(path());
    ASSERT_TRUE(recording.has_value());
    must_record(*recording, history.ledger());
  }

  EXPECT_THAT(query(path(),
                    "SELECT scenario, seed, kafka, token, started_at, virtual_us, wall_us, "
                    "trace_hash, passed FROM run"),
              ElementsAre("direct_append_duplicates|7|model|op1-abc|2026-01-02T03:04:05Z|12000000|"
                          "345|0123456789abcdef0123456789abcdef|1"));
  for (const char* const table : {"run", "verdict"}) {
    EXPECT_THAT(query(path(),
                      fmt::format("SELECT received, processed, output, lost, duplicated, phantom, "
                                  "reordered, wrong, stalled, received_lost FROM {}",
                                  table)),
                ElementsAre("at-most-once|at-most-once|none|2|1|1|0|0|0|1"))
        << table;
  }
  EXPECT_THAT(query(path(), "SELECT record_id, n FROM duplicate_record"), ElementsAre("0|2"));
  EXPECT_THAT(query(path(), "SELECT record_id, topic FROM lost_record"),
              ElementsAre("1|sessions", "2|sessions"));
  EXPECT_THAT(query(path(), "SELECT n, sink FROM phantom_record"), ElementsAre("3|append"));
}

TEST_F(RecordingTest, PlansNameTheBlocksTheirTasksAndTheParts) {
  LedgerBuilder history;
  history.inputs(0, 4).inputs(1, 1).plan(1, 1, {range(0, 0, 1)}, true).plan(2, 1, {}, false);
  history.plan_blocks(3,
                      1,
                      {{{.stream = 0, .number = 1400}, {range(0, 1, 3), range(1, 0, 1)}},
                       {{.stream = 1, .number = 1600}, {range(0, 2, 4)}}},
                      false);
  history.executed({1});
  history.plan_blocks(3, 2, {}, false);
  {
    auto recording = Recording::open(path());
    ASSERT_TRUE(recording.has_value());
    must_record(*recording, history.ledger());
  }

  EXPECT_THAT(query(path(),
                    "SELECT n, range_n, task, block, partition, executed FROM batch_plan "
                    "ORDER BY n, range_n"),
              ElementsAre("1|1|0|NULL|0|1",
                          "2|0|NULL|NULL|NULL|0",
                          "3|1|0|0/1400|0|0",
                          "3|2|0|0/1400|1|0",
                          "3|3|1|1/1600|0|1",
                          "4|0|NULL|NULL|NULL|0"));
  EXPECT_THAT(query(path(),
                    "SELECT part, survived, is_received, is_processed FROM planned_range "
                    "WHERE partition IS NOT NULL ORDER BY n, range_n"),
              ElementsAre("0|1|1|1", "0/1400#1|0|0|0", "0/1400#2|0|0|0", "1/1600#1|1|1|1"));
  EXPECT_THAT(query(path(), "SELECT record_id, times FROM received_record ORDER BY record_id"),
              ElementsAre("0|1", "1|0", "2|1", "3|1", "4|0"));
}

TEST_F(RecordingTest, BlockThatIsNoneIsNamed) {
  LedgerBuilder history;
  history.inputs(0, 1).plan_blocks(1, 1, {{{.stream = 0, .number = 7}, {range(0, 0, 1)}}}, true);
  for (const char* const broken :
       {"", "0", "0/", "/7", "0/7 ", "0-7", "0/7/1", "x/7", "0/99999999999999999999"}) {
    auto recording = Recording::open(path());
    ASSERT_TRUE(recording.has_value());
    const std::int64_t run_id = must_record(*recording, history.ledger());
    query(path(), fmt::format("UPDATE batch_plan SET block = '{}'", broken));

    const auto read = recording->load(run_id);

    ASSERT_FALSE(read.has_value()) << broken;
    EXPECT_THAT(read.error().sentence, HasSubstr(fmt::format("\"{}\" is no block", broken)));
  }
}

TEST_F(RecordingTest, TextIsReadableAndOtherBytesAreBlobs) {
  LedgerBuilder history;
  history.inputs(0, 3);
  history.ledger().inputs[0].key = "ключ";
  history.ledger().inputs[1].key = std::string("a\0b", 3);
  history.ledger().inputs[2].key = "\xc0\x80";
  {
    auto recording = Recording::open(path());
    ASSERT_TRUE(recording.has_value());
    must_record(*recording, history.ledger());
  }

  EXPECT_THAT(query(path(), "SELECT typeof(key), hex(key) FROM input_record ORDER BY record_id"),
              ElementsAre("text|D0BAD0BBD18ED187", "blob|610062", "blob|C080"));
}

TEST_F(RecordingTest, SeedOfAllSixtyFourBitsIsStored) {
  {
    auto recording = Recording::open(path());
    ASSERT_TRUE(recording.has_value());
    RunInfo info = run_info();
    info.seed = std::numeric_limits<std::uint64_t>::max();
    ASSERT_TRUE(recording->record(info, {}, {}).has_value());
  }

  EXPECT_THAT(query(path(), "SELECT seed FROM run"), ElementsAre("18446744073709551615"));
}

TEST_F(RecordingTest, EventsAndFaultsAreStored) {
  Ledger ledger;
  ledger.events.resize(3);
  ledger.events[0] = {
      .at = engine::Instant(std::chrono::microseconds(17)),
      .process = {.process = {.role = engine::Role::kExecutor, .index = 1}, .incarnation = 2},
      .kind = reports::EventKind::kPoint,
      .point = engine::Point::kTaskOutputWritten,
      .batch = support::batch(3),
      .partition = 1,
      .attempt = 2};
  ledger.events[1].kind = reports::EventKind::kBatchFailed;
  ledger.events[1].partition = 0;
  ledger.events[1].code = static_cast<std::int32_t>(engine::Errc::kOffsetOutOfRange);
  ledger.events[2].kind = reports::EventKind::kCrash;
  ledger.faults.resize(2);
  ledger.faults[0] = {.kind = "crash",
                      .target = "driver",
                      .point = "task.output_written",
                      .occurrence = 2,
                      .fired_at = engine::Instant(std::chrono::microseconds(18))};
  ledger.faults[1].kind = "crash";
  ledger.faults[1].target = "executor:0";
  ledger.faults[1].point = "time";
  {
    auto recording = Recording::open(path());
    ASSERT_TRUE(recording.has_value());
    must_record(*recording, ledger);
  }

  EXPECT_THAT(
      query(path(), "SELECT n, virtual_us, process, incarnation, point, batch_us FROM event"),
      ElementsAre("1|17|executor:1|2|task.output_written|3000000",
                  "2|0|world|0|batch.failed|NULL",
                  "3|0|world|0|process.crashed|NULL"));
  const std::vector<std::string> details = query(path(), "SELECT detail FROM event ORDER BY n");
  ASSERT_EQ(details.size(), 3U);
  EXPECT_EQ(nlohmann::json::parse(details[0]), nlohmann::json({{"partition", 1}, {"attempt", 2}}));
  EXPECT_EQ(nlohmann::json::parse(details[1]).at("error"), "offset out of range");
  EXPECT_EQ(nlohmann::json::parse(details[2]), nlohmann::json::object());
  EXPECT_THAT(
      query(path(), "SELECT n, kind, target, point, occurrence, virtual_us FROM fault"),
      ElementsAre("1|crash|driver|task.output_written|2|18", "2|crash|executor:0|time|1|NULL"));
}

TEST_F(RecordingTest, RowOfAnAggregateHasNoRecord) {
  LedgerBuilder history;
  history.inputs(0, 1).aggregate(AggregateKind::kCountByKey, {{"a", 1}});
  history.aggregate_row("a", "1").output(0, 0);
  {
    auto recording = Recording::open(path());
    ASSERT_TRUE(recording.has_value());
    must_record(*recording, history.ledger());
  }

  EXPECT_THAT(query(path(), "SELECT record_id FROM output_record"), ElementsAre("NULL", "NULL"));
}

TEST_F(RecordingTest, ReopenedFileKeepsItsRunsAndTakesMore) {
  for (std::int64_t run = 1; run <= 3; ++run) {
    auto recording = Recording::open(path());
    ASSERT_TRUE(recording.has_value()) << recording.error().sentence;
    EXPECT_EQ(must_record(*recording, sizeable_ledger(5)), run);
  }
}

TEST_F(RecordingTest, RefusedRunLeavesNothingAndTheRecordingUsable) {
  auto recording = Recording::open(path());
  ASSERT_TRUE(recording.has_value());
  Ledger twice = sizeable_ledger(3);
  twice.inputs[2].id = twice.inputs[0].id;

  const auto refused = recording->record(run_info(), twice, {});
  const std::int64_t run_id = must_record(*recording, sizeable_ledger(3));

  EXPECT_FALSE(refused.has_value());
  EXPECT_EQ(run_id, 1);
  EXPECT_THAT(query(path(), "SELECT count(*) FROM input_record"), ElementsAre("3"));
}

TEST_F(RecordingTest, UnknownRunIsNamed) {
  auto recording = Recording::open(path());
  ASSERT_TRUE(recording.has_value());

  const auto missing = recording->load(41);

  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, RecordingErrc::kUnknownRun);
  EXPECT_THAT(missing.error().sentence, HasSubstr("no run 41"));
}

TEST_F(RecordingTest, PathThatCannotBeAFileIsNamedWithItsReason) {
  std::filesystem::create_directory(path("folder"));
  for (const std::string& impossible : {path("missing/runs.db"), path("folder"), std::string()}) {
    const auto recording = Recording::open(impossible);

    ASSERT_FALSE(recording.has_value()) << impossible;
    EXPECT_EQ(recording.error().code, RecordingErrc::kCannotOpen) << recording.error().sentence;
    EXPECT_THAT(recording.error().sentence, HasSubstr(impossible));
  }
}

TEST_F(RecordingTest, FileThatIsNoDatabaseIsRefusedAndLeftAlone) {
  const std::string text(5000, 'x');
  std::ofstream(path()) << text;

  const auto recording = Recording::open(path());

  ASSERT_FALSE(recording.has_value());
  EXPECT_EQ(recording.error().code, RecordingErrc::kNotADatabase);
  EXPECT_THAT(recording.error().sentence, HasSubstr("not a SQLite database"));
  EXPECT_EQ(std::filesystem::file_size(path()), text.size());
}

TEST_F(RecordingTest, DatabaseOfAnotherProgramIsRefusedAndLeftAlone) {
  query(path(), "CREATE TABLE song(title)");

  const auto recording = Recording::open(path());

  ASSERT_FALSE(recording.has_value());
  EXPECT_EQ(recording.error().code, RecordingErrc::kOtherSchema);
  EXPECT_THAT(query(path(), "SELECT name FROM sqlite_schema"), ElementsAre("song"));
  EXPECT_THAT(query(path(), "PRAGMA journal_mode"), ElementsAre("delete"));
}

TEST_F(RecordingTest, OtherSchemaVersionIsNamed) {
  { ASSERT_TRUE(Recording::open(path()).has_value()); }
  query(path(), "UPDATE meta SET value = '99' WHERE key = 'schema_version'");

  const auto recording = Recording::open(path());

  ASSERT_FALSE(recording.has_value());
  EXPECT_EQ(recording.error().code, RecordingErrc::kOtherSchema);
  EXPECT_THAT(recording.error().sentence, HasSubstr("schema_version 99"));
}

TEST_F(RecordingTest, EmptyFileBecomesARecording) {
  std::ofstream(path()).flush();

  EXPECT_TRUE(Recording::open(path()).has_value());
}

// What a reader finds in the file: integrity, and every run with all of its rows.
void expect_whole(const std::string& path, std::int64_t runs_min, std::int64_t records) {
  auto recording = Recording::open(path);
  ASSERT_TRUE(recording.has_value()) << recording.error().sentence;
  EXPECT_THAT(query(path, "PRAGMA integrity_check"), ElementsAre("ok"));
  const std::int64_t runs = std::stoll(query(path, "SELECT count(*) FROM run").front());
  EXPECT_GE(runs, runs_min);
  for (const char* const table : {"input_record", "output_record", "event"}) {
    EXPECT_THAT(query(path, fmt::format("SELECT count(*) FROM {}", table)),
                ElementsAre(std::to_string(runs * records)))
        << table;
  }
  EXPECT_THAT(query(path, "SELECT DISTINCT output, lost, duplicated FROM verdict"),
              runs == 0 ? testing::Matcher<std::vector<std::string>>(IsEmpty())
                        : ElementsAre("exactly-once|0|0"));
}

constexpr std::int64_t kVictimRecords = 200;

// Records until it is killed, and says so on `acknowledgements` after each run.
[[noreturn]] void record_for_ever(const std::string& path, int acknowledgements) {
  auto recording = Recording::open(path);
  const Ledger ledger = sizeable_ledger(kVictimRecords);
  const reports::Verdict verdict = reports::judge(ledger);
  while (recording.has_value() && recording->record(run_info(), ledger, verdict).has_value()) {
    if (write(acknowledgements, "r", 1) != 1) {
      break;
    }
  }
  _exit(1);
}

TEST_F(RecordingTest, KilledWriterLeavesEveryFinishedRunWhole) {
  constexpr int kKills = 20;
  std::int64_t acknowledged = 0;
  for (int kill_number = 0; kill_number < kKills; ++kill_number) {
    std::array<int, 2> pipe_ends{};
    ASSERT_EQ(pipe(pipe_ends.data()), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(pipe_ends[0]);
      record_for_ever(path(), pipe_ends[1]);
    }
    close(pipe_ends[1]);
    char byte = 0;
    for (int run = 0; run < kill_number; ++run) {
      ASSERT_EQ(read(pipe_ends[0], &byte, 1), 1);
      ++acknowledged;
    }
    kill(child, SIGKILL);  // the child is somewhere inside the next transaction
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    while (read(pipe_ends[0], &byte, 1) == 1) {
      ++acknowledged;
    }
    close(pipe_ends[0]);
    expect_whole(path(), acknowledged, kVictimRecords);
  }
}

TEST_F(RecordingTest, ProcessesMayCreateAndWriteOneFileTogether) {
  constexpr int kWriters = 4;
  constexpr int kRunsEach = 5;
  std::vector<pid_t> children;
  for (int writer = 0; writer < kWriters; ++writer) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto recording = Recording::open(path());
      const Ledger ledger = sizeable_ledger(kVictimRecords);
      int written = 0;
      while (recording.has_value() && written < kRunsEach &&
             recording->record(run_info(), ledger, reports::judge(ledger)).has_value()) {
        ++written;
      }
      _exit(written);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), kRunsEach);
  }
  expect_whole(path(), kWriters * kRunsEach, kVictimRecords);
}

TEST_F(RecordingTest, FullDiskIsNamedAndKeepsTheRunsBefore) {
  constexpr int kNamed = 42;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    constexpr rlim_t kFileBytesMax = 600'000;
    const rlimit limit{.rlim_cur = kFileBytesMax, .rlim_max = kFileBytesMax};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    auto recording = Recording::open(path());
    const Ledger ledger = sizeable_ledger(kVictimRecords);
    for (int run = 0; recording.has_value() && run < 100; ++run) {
      const auto written = recording->record(run_info(), ledger, reports::judge(ledger));
      if (!written) {
        const bool named = written.error().code == RecordingErrc::kDiskFull &&
                           written.error().sentence.find("the disk is full") != std::string::npos;
        _exit(named ? kNamed : run);
      }
    }
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);

  EXPECT_EQ(WEXITSTATUS(status), kNamed);
  expect_whole(path(), 1, kVictimRecords);
}

}  // namespace
