// tests/ci/ten_questions_test.cpp
//
// The queries of docs/REPORTS.md, "Ten questions", as they stand there, on a recording of the whole
// catalogue. Each answer is computed a second time from the ledger, by code that shares nothing
// with the views. And the file is opened by a program that knows nothing of us.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "engine/ports/points.h"
#include "reports/recording.h"
#include "scenarios/catalogue.h"
#include "tests/support/child_process.h"
#include "tests/support/world_fixture.h"

namespace tests {
namespace {

namespace fs = std::filesystem;
using reports::InputRecord;
using reports::Ledger;
using reports::OutputRecord;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Row = std::vector<std::string>;
using Rows = std::vector<Row>;

// In the order of the document.
enum Question : std::size_t {
  kLastRuns,
  kLost,
  kDuplicated,
  kWrong,
  kReordered,
  kAroundFaults,
  kPlans,
  kDelay,
  kLateBatches,
  kAlike,
  kQuestions
};

std::vector<std::string> queries() {
  const std::string document = read_file(fs::path(ONCEPROOF_SOURCE_DIR) / "docs/REPORTS.md");
  const std::size_t begin = document.find("## Ten questions");
  const std::size_t end = document.find("\n## ", begin);
  const std::string section = document.substr(begin, end - begin);
  const std::string fence = "```sql\n";
  std::vector<std::string> found;
  for (std::size_t at = section.find(fence); at != std::string::npos;
       at = section.find(fence, at)) {
    at += fence.size();
    found.push_back(section.substr(at, section.find("```", at) - at));
  }
  return found;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
  return text;
}

// As SQLite writes a REAL.
std::string real(double value) {
  std::string text = fmt::format("{:.15g}", value);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

std::string batch_text(engine::BatchTime batch) {
  return real(static_cast<double>(batch.at.time_since_epoch().count()) / 1e6);
}

std::int64_t micros(engine::Instant at) {
  return at.time_since_epoch().count();
}

// A recorded run, and what it was recorded from.
struct Recorded {
  std::string scenario;
  reports::Verdict verdict;
  Ledger ledger;
};

class TenQuestions : public testing::Test {
 public:
  TenQuestions(const TenQuestions&) = delete;
  TenQuestions& operator=(const TenQuestions&) = delete;

 protected:
  static void SetUpTestSuite() {
    std::string name = (fs::temp_directory_path() / "onceproof-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    auto recording = reports::Recording::open((folder_ / "runs.db").string()).value();
    Player player;
    for (scenarios::Scenario& scenario :
         scenarios::find_scenarios({ONCEPROOF_SOURCE_DIR "/scenarios/catalogue"}).value()) {
      const auto prepared = prepared_from(std::move(scenario));
      const auto judged = player.play(prepared);
      const reports::RunInfo info{.scenario = prepared.scenario.name,
                                  .seed = prepared.scenario.seed,
                                  .kafka = "model",
                                  .token = judged.token,
                                  .started_at = "2026-01-01T00:00:00Z",
                                  .virtual_us = micros(judged.run.ledger.ended_at),
                                  .wall_us = 1,
                                  .trace_hash = sim::to_string(judged.run.trace_hash),
                                  .passed = true,
                                  .topic = "t",
                                  .sink = "s",
                                  .texts = {}};
      // The first run is there twice: something is to behave alike.
      const int times = runs_.empty() ? 2 : 1;
      for (int i = 0; i < times; ++i) {
        recording.record(info, judged.run.ledger, judged.verdict).value();
        runs_.push_back({prepared.scenario.name, judged.verdict, judged.run.ledger});
      }
    }
  }

  static void TearDownTestSuite() { fs::remove_all(folder_); }

  TenQuestions() { sqlite3_open((folder_ / "runs.db").c_str(), &database_); }

  ~TenQuestions() override { sqlite3_close(database_); }

  [[nodiscard]] Rows ask(const std::string& query) const {
    sqlite3_stmt* statement = nullptr;
    const int prepared = sqlite3_prepare_v2(database_, query.c_str(), -1, &statement, nullptr);
    EXPECT_EQ(prepared, SQLITE_OK) << sqlite3_errmsg(database_) << "\n" << query;
    Rows rows;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      Row row;
      for (int column = 0; column < sqlite3_column_count(statement); ++column) {
        const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
        row.push_back(
            sqlite3_column_type(statement, column) == SQLITE_NULL
                ? std::string("NULL")
                : std::string(bytes == nullptr ? "" : bytes,
                              static_cast<std::size_t>(sqlite3_column_bytes(statement, column))));
      }
      rows.push_back(std::move(row));
    }
    sqlite3_finalize(statement);
    return rows;
  }

  [[nodiscard]] Rows ask(Question question, std::size_t run) const {
    return ask(replaced(queries().at(question), "run_id = 1", fmt::format("run_id = {}", run + 1)));
  }

  // Holds the answers for every run of the catalogue against `expected`, which gives those that
  // are not empty, and at least `some` of them.
  template <class Expected>
  void compare(Question question, std::size_t some, const Expected& expected) const {
    std::size_t answered = 0;
    for (std::size_t run = 0; run < runs_.size(); ++run) {
      const Rows rows = expected(runs_[run].ledger);
      answered += rows.empty() ? 0U : 1U;
      EXPECT_EQ(ask(question, run), rows) << runs_[run].scenario;
    }
    EXPECT_GE(answered, some);
  }

  static fs::path folder_;
  static std::vector<Recorded> runs_;
  sqlite3* database_ = nullptr;
};

fs::path TenQuestions::folder_;
std::vector<Recorded> TenQuestions::runs_;

// --- What the ledger says ------------------------------------------------------------------------

std::vector<const OutputRecord*> rows_of(const Ledger& ledger, const InputRecord& record) {
  std::vector<const OutputRecord*> rows;
  for (const OutputRecord& row : ledger.outputs) {
    if (row.source == record.position) {
      rows.push_back(&row);
    }
  }
  return rows;
}

bool is_lost(const Ledger& ledger, const InputRecord& record) {
  std::set<std::int32_t> ordinals;
  for (const OutputRecord* const row : rows_of(ledger, record)) {
    ordinals.insert(row->ordinal);
  }
  for (std::int32_t ordinal = 0; ordinal < record.expected; ++ordinal) {
    if (!ordinals.contains(ordinal)) {
      return true;
    }
  }
  return false;
}

bool is_duplicated(const Ledger& ledger, const InputRecord& record) {
  std::set<std::int32_t> ordinals;
  for (const OutputRecord* const row : rows_of(ledger, record)) {
    if (row->ordinal >= record.expected || !ordinals.insert(row->ordinal).second) {
      return true;
    }
  }
  return false;
}

bool holds(const engine::PlannedRange& planned, const InputRecord& record) {
  return planned.range.partition == record.position.partition &&
         planned.range.from <= record.position.offset &&
         record.position.offset < planned.range.until;
}

// A record that ranges of partitions held was received, and one that a block held if the range was
// executed or the last driver that planned anything made it.
std::string fate(const Ledger& ledger, const InputRecord& record) {
  engine::Incarnation last_driver = 0;
  for (const reports::BatchPlan& plan : ledger.plans) {
    last_driver = std::max(last_driver, plan.driver);
  }
  bool received = false;
  bool processed = false;
  for (const reports::BatchPlan& plan : ledger.plans) {
    for (const engine::PlannedRange& planned : plan.ranges) {
      if (holds(planned, record)) {
        const bool executed = plan.has_executed(planned.task);
        processed |= executed;
        received |= executed || plan.driver == last_driver || !planned.block;
      }
    }
  }
  return !received    ? "never received"
         : !processed ? "received, never processed"
                      : "processed, and not in the sink";
}

std::vector<const InputRecord*> by_position(const Ledger& ledger) {
  std::vector<const InputRecord*> records;
  for (const InputRecord& record : ledger.inputs) {
    records.push_back(&record);
  }
  std::ranges::sort(records, {}, [](const InputRecord* record) {
    return std::tuple(record->position.partition, record->position.offset.value);
  });
  return records;
}

std::vector<const InputRecord*> by_id(const Ledger& ledger) {
  auto records = by_position(ledger);
  std::ranges::sort(records, {}, [](const InputRecord* record) { return record->id.value; });
  return records;
}

std::string text(std::int64_t number) {
  return std::to_string(number);
}

bool is_aggregate(const Ledger& ledger) {
  return ledger.aggregate != reports::AggregateKind::kNone;
}

// --- The questions -------------------------------------------------------------------------------

TEST_F(TenQuestions, AreTen) {
  EXPECT_THAT(queries(), SizeIs(kQuestions));
  EXPECT_EQ(static_cast<std::size_t>(kQuestions), 10U);
}

TEST_F(TenQuestions, WhatCameOfTheLastRuns) {
  const Rows rows = ask(kLastRuns, 0);
  ASSERT_EQ(rows.size(), 20U);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t run = runs_.size() - 1 - i;
    const reports::Verdict& verdict = runs_[run].verdict;
    EXPECT_THAT(rows[i],
                ElementsAre(text(static_cast<std::int64_t>(run) + 1),
                            runs_[run].scenario,
                            "model",
                            to_string(verdict.received.guarantee()),
                            to_string(verdict.processed.guarantee()),
                            to_string(verdict.guarantee()),
                            text(verdict.output.lost),
                            text(verdict.output.duplicated),
                            "1"));
  }
}

TEST_F(TenQuestions, WhichRecordsWereLost) {
  compare(kLost, 20, [](const Ledger& ledger) {
    Rows rows;
    for (const InputRecord* const record : by_position(ledger)) {
      if (!is_aggregate(ledger) && is_lost(ledger, *record)) {
        rows.push_back({text(record->id.value),
                        text(record->position.partition),
                        text(record->position.offset.value),
                        record->key,
                        fate(ledger, *record)});
      }
    }
    return rows;
  });
}

TEST_F(TenQuestions, WhoWroteEachRowOfADuplicate) {
  compare(kDuplicated, 20, [](const Ledger& ledger) {
    Rows rows;
    for (const InputRecord* const record : by_id(ledger)) {
      if (is_aggregate(ledger) || !is_duplicated(ledger, *record)) {
        continue;
      }
      for (const OutputRecord* const row : rows_of(ledger, *record)) {
        rows.push_back({text(record->id.value),
                        text(row - ledger.outputs.data() + 1),
                        batch_text(row->batch),
                        text(row->task),
                        text(row->attempt),
                        engine::to_string(row->writer.process),
                        text(static_cast<std::int64_t>(row->writer.incarnation)),
                        text(micros(row->written_at))});
      }
    }
    return rows;
  });
}

TEST_F(TenQuestions, WhichKeysAreWrong) {
  compare(kWrong, 2, [](const Ledger& ledger) {
    std::map<std::string, std::pair<std::string, std::string>> keys;  // expected and found
    for (const auto& expected : ledger.expected_aggregate) {
      keys[expected.key] = {text(expected.value), "NULL"};
    }
    std::map<std::string, std::int64_t> found;
    for (const OutputRecord& row : ledger.outputs) {
      if (is_aggregate(ledger)) {
        const std::int64_t value = std::stoll(row.value);
        const auto [entry, is_first] = found.try_emplace(row.key, value);
        if (!is_first) {
          entry->second = ledger.aggregate == reports::AggregateKind::kMaxByKey
                              ? std::max(entry->second, value)
                              : entry->second + value;
        }
        keys.try_emplace(row.key, "NULL", "").first->second.second = text(entry->second);
      }
    }
    Rows rows;
    for (const auto& [key, values] : keys) {
      if (values.first != values.second) {
        rows.push_back({key, values.first, values.second});
      }
    }
    return rows;
  });
}

TEST_F(TenQuestions, WhichRecordsCameOutLate) {
  compare(kReordered, 5, [](const Ledger& ledger) {
    Rows rows;
    if (is_aggregate(ledger)) {
      return rows;
    }
    std::set<std::pair<std::int64_t, std::int64_t>> inputs;
    for (const InputRecord& record : ledger.inputs) {
      inputs.emplace(record.position.partition, record.position.offset.value);
    }
    std::map<std::int64_t, std::int64_t> latest;  // by partition
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> behind;
    for (const OutputRecord& row : ledger.outputs) {
      const std::pair<std::int64_t, std::int64_t> position(row.source.partition,
                                                           row.source.offset.value);
      if (inputs.contains(position)) {
        std::int64_t& last = latest.try_emplace(position.first, -1).first->second;
        behind.try_emplace(position, last - position.second);
        last = std::max(last, position.second);
      }
    }
    for (const InputRecord* const record : by_position(ledger)) {
      const auto found = behind.find({record->position.partition, record->position.offset.value});
      if (found != behind.end() && found->second > 0) {
        rows.push_back({text(record->id.value),
                        text(record->position.partition),
                        text(record->position.offset.value),
                        text(found->second)});
      }
    }
    return rows;
  });
}

// Number, time, process and life of each; names and details are the recording's own.
TEST_F(TenQuestions, WhatHappenedAroundEachFault) {
  for (std::size_t run = 0; run < runs_.size(); ++run) {
    const Ledger& ledger = runs_[run].ledger;
    Rows expected;
    for (std::size_t n = 0; n < ledger.faults.size(); ++n) {
      for (const reports::Event& event : ledger.events) {
        const auto fired = ledger.faults[n].fired_at;
        if (fired && micros(event.at) >= micros(*fired) - 100'000 &&
            micros(event.at) <= micros(*fired) + 5'000'000) {
          expected.push_back({text(static_cast<std::int64_t>(n) + 1),
                              text(micros(event.at)),
                              engine::to_string(event.process.process),
                              text(static_cast<std::int64_t>(event.process.incarnation))});
        }
      }
    }
    Rows found = ask(kAroundFaults, run);
    for (Row& row : found) {
      row.resize(4);
    }
    EXPECT_EQ(found, expected) << runs_[run].scenario;
  }
}

TEST_F(TenQuestions, WhichPlansHeldARecord) {
  for (std::size_t run = 0; run < runs_.size(); ++run) {
    const Ledger& ledger = runs_[run].ledger;
    for (std::size_t i = 0; i < ledger.inputs.size(); i += 97) {
      const InputRecord& record = ledger.inputs[i];
      Rows expected;
      for (const reports::BatchPlan& plan : ledger.plans) {
        for (const engine::PlannedRange& planned : plan.ranges) {
          if (holds(planned, record)) {
            expected.push_back({batch_text(plan.batch),
                                text(planned.task),
                                text(planned.range.from.value),
                                text(planned.range.until.value),
                                plan.has_executed(planned.task) ? "1" : "0"});
          }
        }
      }
      const std::string query = replaced(queries().at(kPlans), "42", text(record.id.value));
      Rows found = ask(replaced(query, "run_id = 1 ", fmt::format("run_id = {} ", run + 1)));
      for (Row& row : found) {
        ASSERT_THAT(row, SizeIs(8));
        row = {row[0], row[1], row[3], row[4], row[5]};
      }
      EXPECT_EQ(found, expected) << runs_[run].scenario << " record " << record.id.value;
    }
  }
}

TEST_F(TenQuestions, HowLongARecordTakes) {
  compare(kDelay, 200, [](const Ledger& ledger) {
    std::vector<std::int64_t> delays;
    for (const InputRecord& record : ledger.inputs) {
      std::optional<std::int64_t> first;
      for (const OutputRecord* const row : rows_of(ledger, record)) {
        first = std::min(first.value_or(micros(row->written_at)), micros(row->written_at));
      }
      if (first) {
        delays.push_back(*first - micros(record.produced_at));
      }
    }
    std::ranges::sort(delays);
    const std::size_t of = delays.size();
    const auto at = [&](std::size_t percent) {
      return of == 0 ? std::string("NULL") : text(delays[(of * percent + 99) / 100 - 1]);
    };
    return Rows{{text(static_cast<std::int64_t>(of)), at(50), at(99), at(100)}};
  });
}

TEST_F(TenQuestions, WhichBatchesWereLate) {
  compare(kLateBatches, 200, [](const Ledger& ledger) {
    std::map<std::int64_t, std::int64_t> completed;  // by batch
    for (const reports::Event& event : ledger.events) {
      if (event.kind == reports::EventKind::kPoint &&
          event.point == engine::Point::kSchedulerBatchCompleted) {
        completed.try_emplace(micros(event.batch->at), micros(event.at));
      }
    }
    std::vector<std::pair<std::int64_t, std::int64_t>> late;  // negative, and batch
    for (const auto& [batch, at] : completed) {
      late.emplace_back(batch - at, batch);
    }
    std::ranges::sort(late);
    late.resize(std::min<std::size_t>(late.size(), 10));
    Rows rows;
    for (const auto& [delay, batch] : late) {
      rows.push_back({real(static_cast<double>(batch) / 1e6), text(-delay)});
    }
    return rows;
  });
}

TEST_F(TenQuestions, WhetherRunsBehaveAlike) {
  const Rows rows = ask(kAlike, 0);
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0][0], runs_[0].scenario);
  EXPECT_EQ(rows[0][2], "2");
  EXPECT_EQ(rows[0][3], "1");
}

// --- Any tool ------------------------------------------------------------------------------------

TEST_F(TenQuestions, TheFileOpensInTheProgramOfSQLite) {
  const auto shell = [](const std::string& statements) {
    return run(
        {.program = ONCEPROOF_SQLITE3,
         .arguments = {"-batch", "-bail", "-readonly", (folder_ / "runs.db").string(), statements},
         .folder = folder_,
         .environment = {},
         .stdout_to = {},
         .stderr_to = {},
         .stdout_reader_is_gone = false,
         .file_bytes_max = {}});
  };
  EXPECT_EQ(shell("PRAGMA integrity_check; PRAGMA foreign_key_check;").out, "ok\n");
  EXPECT_EQ(shell("SELECT value FROM meta WHERE key = 'schema_version';").out, "2\n");
  const Rows views = ask("SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name;");
  EXPECT_GE(views.size(), 9U);
  for (const Row& view : views) {
    const Ended ended = shell(fmt::format("SELECT * FROM {} LIMIT 1;", view[0]));
    EXPECT_EQ(ended.status, 0) << view[0] << ended.err;
    EXPECT_THAT(ended.err, IsEmpty());
  }
  for (const std::string& query : queries()) {
    const Ended ended = shell(query);
    EXPECT_EQ(ended.status, 0) << query << ended.err;
  }
  EXPECT_THAT(shell(queries().at(kLastRuns)).out, HasSubstr(runs_.back().scenario));
}

}  // namespace
}  // namespace tests
