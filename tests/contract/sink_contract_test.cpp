// tests/contract/sink_contract_test.cpp
//
// What every engine::SinkDatabase does, run against each of them; and what only the real one can
// suffer: a full disk, a lock held by somebody else, a file that outlives its process.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "engine/adapters/sqlite_sink.h"
#include "engine/ports/invariant.h"
#include "engine/ports/sink_store.h"
#include "sim/memory_sink.h"
#include "tests/support/temporary_folder.h"

namespace {

using engine::Errc;
using engine::kNeverSaved;
using engine::Offset;
using engine::OutputRow;
using engine::PartitionOffset;
using engine::SinkTransaction;
using engine::SqliteSink;
using engine::TransactionOutcome;
using engine::UnitId;
using testing::ElementsAre;
using testing::IsEmpty;

std::unique_ptr<SqliteSink> open_sqlite(const std::string& path) {
  auto sink = SqliteSink::open(path);
  EXPECT_TRUE(sink.has_value()) << sink.error().message();
  return sink.has_value() ? *std::move(sink) : nullptr;
}

OutputRow row(const std::string& value, const std::string& row_key = "") {
  OutputRow made;
  made.source = {.partition = 2, .offset = {17}};
  made.ordinal = 3;
  made.row_key = row_key;
  made.key = "key of " + value;
  made.value = value;
  made.batch = {engine::Instant(std::chrono::seconds(4))};
  made.task = 5;
  made.attempt = 6;
  made.origin = {
      .writer = {.process = {.role = engine::Role::kExecutor, .index = 7}, .incarnation = 8},
      .written_at = engine::Instant(std::chrono::microseconds(9))};
  return made;
}

UnitId unit(std::int64_t batch, engine::PartitionId task) {
  return {.batch = {engine::Instant(std::chrono::seconds(batch))}, .task = task};
}

SinkTransaction transaction(std::vector<OutputRow> rows,
                            std::optional<UnitId> insert_unit,
                            std::vector<engine::OffsetUpdate> offsets) {
  return {.rows = std::move(rows), .insert_unit = insert_unit, .offsets = std::move(offsets)};
}

std::vector<std::string> values(engine::SinkDatabase& sink) {
  std::vector<std::string> found;
  const auto rows = sink.contents();
  EXPECT_TRUE(rows.has_value());
  for (const OutputRow& each : *rows) {
    found.push_back(each.value);
  }
  return found;
}

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<engine::SinkDatabase>()> make;
};

class SinkContract : public testing::TestWithParam<Implementation> {
 protected:
  void append(const std::vector<OutputRow>& rows) { EXPECT_TRUE(sink_->append(rows)); }

  void upsert(const std::vector<OutputRow>& rows) { EXPECT_TRUE(sink_->upsert(rows)); }

  void replace_file(const std::string& path, const std::vector<OutputRow>& rows) {
    EXPECT_TRUE(sink_->replace_file(path, rows));
  }

  TransactionOutcome apply(const SinkTransaction& wanted) {
    const auto outcome = sink_->apply(wanted);
    EXPECT_TRUE(outcome.has_value());
    return outcome.has_value() ? *outcome : TransactionOutcome::kOffsetConflict;
  }

  std::vector<std::string> contents() { return values(*sink_); }

  std::vector<PartitionOffset> saved() {
    const auto offsets = sink_->saved_offsets();
    EXPECT_TRUE(offsets.has_value());
    return *offsets;
  }

  std::unique_ptr<engine::SinkDatabase> sink_ = GetParam().make();
};

TEST_P(SinkContract, NewSinkIsEmpty) {
  EXPECT_THAT(contents(), IsEmpty());
  EXPECT_THAT(saved(), IsEmpty());
}

TEST_P(SinkContract, RowsAreAppendedInOrder) {
  append({row("a"), row("b")});
  append({});
  append({row("c"), row("a")});

  EXPECT_THAT(contents(), ElementsAre("a", "b", "c", "a"));
}

TEST_P(SinkContract, EveryFieldComesBack) {
  const OutputRow written = row("value", "primary");
  upsert({written});

  const auto rows = sink_->contents();
  ASSERT_EQ(rows->size(), 1U);
  const OutputRow& read = rows->front();
  EXPECT_EQ(read.source, written.source);
  EXPECT_EQ(read.ordinal, written.ordinal);
  EXPECT_EQ(read.row_key, written.row_key);
  EXPECT_EQ(read.key, written.key);
  EXPECT_EQ(read.value, written.value);
  EXPECT_EQ(read.batch, written.batch);
  EXPECT_EQ(read.task, written.task);
  EXPECT_EQ(read.attempt, written.attempt);
  EXPECT_EQ(read.origin.writer, written.origin.writer);
  EXPECT_EQ(read.origin.written_at, written.origin.written_at);
}

TEST_P(SinkContract, AnyBytesComeBack) {
  const std::vector<std::string> strange{"", std::string("a\0b", 3), "\xff\xfe", "会话 😀", "'; --"};
  for (const std::string& bytes : strange) {
    append({row(bytes)});
  }

  EXPECT_EQ(contents(), strange);
}

TEST_P(SinkContract, RowKeysOfAnyBytesAreToldApart) {
  const std::string longer("k\0x", 3);
  upsert({row("a", "k"), row("b", longer), row("c", std::string("k\0", 2)), row("d", "K")});
  upsert({row("e", longer)});

  EXPECT_THAT(contents(), ElementsAre("a", "e", "c", "d"));
}

TEST_P(SinkContract, UpsertReplacesInPlace) {
  upsert({row("a1", "a"), row("b1", "b")});
  append({row("between")});
  upsert({row("c1", "c"), row("a2", "a")});

  EXPECT_THAT(contents(), ElementsAre("a2", "b1", "between", "c1"));
}

TEST_P(SinkContract, LastRowOfOneUpsertWins) {
  upsert({row("first", "a"), row("other", "b"), row("second", "a")});

  EXPECT_THAT(contents(), ElementsAre("second", "other"));
}

TEST_P(SinkContract, UpsertReplacesEveryField) {
  upsert({row("old", "a")});
  OutputRow changed = row("new", "a");
  changed.source = {.partition = 1, .offset = {1}};
  changed.attempt = 1;
  changed.origin.writer.incarnation = 2;
  upsert({changed});

  const auto rows = sink_->contents();
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().source, changed.source);
  EXPECT_EQ(rows->front().key, "key of new");
  EXPECT_EQ(rows->front().attempt, 1);
  EXPECT_EQ(rows->front().origin.writer.incarnation, 2);
}

TEST_P(SinkContract, FileHoldsExactlyItsLastRows) {
  replace_file("part-1", {row("a"), row("b"), row("c")});
  replace_file("part-1", {row("d"), row("a")});

  EXPECT_THAT(contents(), ElementsAre("d", "a"));
}

TEST_P(SinkContract, FileCanBeEmptied) {
  replace_file("part-1", {row("a")});
  replace_file("part-1", {});

  EXPECT_THAT(contents(), IsEmpty());
}

TEST_P(SinkContract, FilesFollowTheTableInOrderOfPath) {
  replace_file("b", {row("b1"), row("b2")});
  replace_file("a", {row("a1")});
  append({row("table")});
  replace_file("ab", {row("ab1")});
  replace_file("b", {row("b3"), row("b4")});
  replace_file("", {row("nameless")});

  EXPECT_THAT(contents(), ElementsAre("table", "nameless", "a1", "ab1", "b3", "b4"));
}

TEST_P(SinkContract, UnitTakesEffectOnce) {
  EXPECT_EQ(apply(transaction({row("a")}, unit(1, 0), {})), TransactionOutcome::kCommitted);
  EXPECT_EQ(apply(transaction({row("b")}, unit(1, 0), {})), TransactionOutcome::kUnitPresent);
  EXPECT_EQ(apply(transaction({row("c")}, unit(1, 1), {})), TransactionOutcome::kCommitted);
  EXPECT_EQ(apply(transaction({row("d")}, unit(0, 0), {})), TransactionOutcome::kCommitted);
  EXPECT_EQ(apply(transaction({row("e")}, unit(1, 1), {})), TransactionOutcome::kUnitPresent);

  EXPECT_THAT(contents(), ElementsAre("a", "c", "d"));
}

TEST_P(SinkContract, TransactionWithoutGuardsAppends) {
  append({row("a")});
  EXPECT_EQ(apply(transaction({row("b")}, {}, {})), TransactionOutcome::kCommitted);
  EXPECT_EQ(apply(transaction({}, {}, {})), TransactionOutcome::kCommitted);

  EXPECT_THAT(contents(), ElementsAre("a", "b"));
}

TEST_P(SinkContract, OffsetMovesOnlyFromTheExpectedOne) {
  EXPECT_EQ(apply(transaction({row("a")}, {}, {{0, kNeverSaved, Offset{5}}})),
            TransactionOutcome::kCommitted);
  EXPECT_EQ(apply(transaction({row("again")}, {}, {{0, kNeverSaved, Offset{5}}})),
            TransactionOutcome::kOffsetConflict);
  EXPECT_EQ(apply(transaction({row("stale")}, {}, {{0, Offset{4}, Offset{9}}})),
            TransactionOutcome::kOffsetConflict);
  EXPECT_EQ(apply(transaction({row("b")}, {}, {{0, Offset{5}, Offset{9}}})),
            TransactionOutcome::kCommitted);

  EXPECT_THAT(contents(), ElementsAre("a", "b"));
  EXPECT_THAT(saved(), ElementsAre(PartitionOffset{0, {9}}));
}

TEST_P(SinkContract, OffsetOfPartitionNeverSavedIsNotZero) {
  EXPECT_EQ(apply(transaction({}, {}, {{0, Offset{0}, Offset{1}}})),
            TransactionOutcome::kOffsetConflict);

  EXPECT_THAT(saved(), IsEmpty());
}

TEST_P(SinkContract, OffsetUpdateToTheSameValueIsNoConflict) {
  apply(transaction({}, {}, {{0, kNeverSaved, Offset{5}}}));

  EXPECT_EQ(apply(transaction({}, {}, {{0, Offset{5}, Offset{5}}})),
            TransactionOutcome::kCommitted);
}

TEST_P(SinkContract, UpdateWithoutExpectationAlwaysWins) {
  EXPECT_EQ(apply(transaction({}, {}, {{1, std::nullopt, Offset{8}}})),
            TransactionOutcome::kCommitted);
  EXPECT_EQ(apply(transaction({}, {}, {{1, std::nullopt, Offset{3}}})),
            TransactionOutcome::kCommitted);

  EXPECT_THAT(saved(), ElementsAre(PartitionOffset{1, {3}}));
}

TEST_P(SinkContract, SecondUpdateOfOneTransactionSeesTheFirst) {
  EXPECT_EQ(apply(transaction({}, {}, {{0, kNeverSaved, Offset{5}}, {0, Offset{5}, Offset{7}}})),
            TransactionOutcome::kCommitted);

  EXPECT_THAT(saved(), ElementsAre(PartitionOffset{0, {7}}));
}

TEST_P(SinkContract, SavedOffsetsAreInOrderOfPartition) {
  apply(transaction({}, {}, {{2, kNeverSaved, Offset{20}}, {0, kNeverSaved, Offset{0}}}));
  apply(transaction({}, {}, {{1, kNeverSaved, Offset{1LL << 60}}}));

  EXPECT_THAT(
      saved(),
      ElementsAre(
          PartitionOffset{0, {0}}, PartitionOffset{1, {1LL << 60}}, PartitionOffset{2, {20}}));
}

TEST_P(SinkContract, NothingOfTransactionWithOffsetConflictRemains) {
  apply(transaction({}, {}, {{0, kNeverSaved, Offset{5}}}));

  EXPECT_EQ(apply(transaction(
                {row("a")}, unit(1, 0), {{1, kNeverSaved, Offset{3}}, {0, Offset{4}, Offset{9}}})),
            TransactionOutcome::kOffsetConflict);

  EXPECT_THAT(contents(), IsEmpty());
  EXPECT_THAT(saved(), ElementsAre(PartitionOffset{0, {5}}));
  EXPECT_EQ(apply(transaction({row("b")}, unit(1, 0), {{1, kNeverSaved, Offset{3}}})),
            TransactionOutcome::kCommitted);
}

TEST_P(SinkContract, NothingOfTransactionWithPresentUnitRemains) {
  apply(transaction({}, unit(1, 0), {}));

  EXPECT_EQ(apply(transaction({row("a")}, unit(1, 0), {{0, std::nullopt, Offset{3}}})),
            TransactionOutcome::kUnitPresent);

  EXPECT_THAT(contents(), IsEmpty());
  EXPECT_THAT(saved(), IsEmpty());
}

TEST_P(SinkContract, PresentUnitIsReportedBeforeOffsetConflict) {
  apply(transaction({}, unit(1, 0), {{0, kNeverSaved, Offset{5}}}));

  EXPECT_EQ(apply(transaction({}, unit(1, 0), {{0, kNeverSaved, Offset{5}}})),
            TransactionOutcome::kUnitPresent);
}

TEST_P(SinkContract, RowKeyBelongsToUpsertsAlone) {
  EXPECT_THROW(static_cast<void>(sink_->upsert({row("a", "a"), row("b")})),
               engine::InvariantViolation);
  EXPECT_THROW(static_cast<void>(sink_->append({row("a"), row("b", "b")})),
               engine::InvariantViolation);
  EXPECT_THROW(static_cast<void>(sink_->replace_file("f", {row("b", "b")})),
               engine::InvariantViolation);
  EXPECT_THROW(static_cast<void>(sink_->apply(transaction({row("b", "b")}, unit(1, 0), {}))),
               engine::InvariantViolation);

  EXPECT_THAT(contents(), IsEmpty());
  EXPECT_EQ(apply(transaction({}, unit(1, 0), {})), TransactionOutcome::kCommitted);
}

INSTANTIATE_TEST_SUITE_P(
    Sinks,
    SinkContract,
    testing::Values(
        Implementation{"Memory", [] { return std::make_unique<sim::MemorySink>(); }},
        Implementation{"Sqlite", [] { return open_sqlite(SqliteSink::kInMemory); }},
        Implementation{
            "MemoryAfterReset",
            [] {
              auto sink = std::make_unique<sim::MemorySink>();
              EXPECT_TRUE(sink->upsert({row("old", "a"), row("old", "b")}));
              EXPECT_TRUE(sink->replace_file("part-1", {row("old")}));
              EXPECT_TRUE(sink->apply(transaction({row("old")}, unit(1, 0), {{0, {}, Offset{1}}})));
              sink->reset();
              return sink;
            }},
        Implementation{
            "SqliteAfterReset",
            [] {
              auto sink = open_sqlite(SqliteSink::kInMemory);
              EXPECT_TRUE(sink->upsert({row("old", "a"), row("old", "b")}));
              EXPECT_TRUE(sink->replace_file("part-1", {row("old")}));
              EXPECT_TRUE(sink->apply(transaction({row("old")}, unit(1, 0), {{0, {}, Offset{1}}})));
              EXPECT_TRUE(sink->reset());
              return sink;
            }}),
    [](const testing::TestParamInfo<Implementation>& each) { return each.param.name; });

class SqliteSinkFile : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return folder_.file("sink.db"); }

 private:
  tests::TemporaryFolder folder_;
};

TEST_F(SqliteSinkFile, ReopenedFileHoldsWhatWasCommitted) {
  {
    const auto sink = open_sqlite(path());
    EXPECT_TRUE(sink->apply(transaction({row("a")}, unit(1, 0), {{0, kNeverSaved, Offset{5}}})));
  }
  const auto sink = open_sqlite(path());

  EXPECT_THAT(values(*sink), ElementsAre("a"));
  EXPECT_EQ(*sink->apply(transaction({row("b")}, unit(1, 0), {})),
            TransactionOutcome::kUnitPresent);
}

TEST_F(SqliteSinkFile, LockHeldByAnotherMakesItUnavailableForAsLong) {
  const auto sink = open_sqlite(path());
  EXPECT_TRUE(sink->append({row("a")}));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);

  const auto refused = sink->append({row("b")});
  const auto refused_transaction = sink->apply(transaction({row("b")}, unit(1, 0), {}));
  sqlite3_close(other);

  EXPECT_EQ(refused.error(), engine::make_error_code(Errc::kUnavailable));
  EXPECT_EQ(refused_transaction.error(), engine::make_error_code(Errc::kUnavailable));
  EXPECT_TRUE(sink->append({row("c")}));
  EXPECT_THAT(values(*sink), ElementsAre("a", "c"));
}

TEST_F(SqliteSinkFile, FullDatabaseRefusesTheWholeCall) {
  const auto sink = open_sqlite(path());
  EXPECT_TRUE(sink->append({row("a")}));
  constexpr std::int64_t kBytesMax = 100'000;
  EXPECT_TRUE(sink->limit_size(kBytesMax));
  const std::string huge(2 * kBytesMax, 'x');

  const auto refused = sink->append({row("b"), row(huge)});
  const auto refused_transaction =
      sink->apply(transaction({row("b"), row(huge)}, unit(1, 0), {{0, kNeverSaved, Offset{5}}}));

  EXPECT_EQ(refused.error(), engine::make_error_code(Errc::kNoSpace));
  EXPECT_EQ(refused_transaction.error(), engine::make_error_code(Errc::kNoSpace));
  EXPECT_THAT(values(*sink), ElementsAre("a"));
  EXPECT_THAT(*sink->saved_offsets(), IsEmpty());
  EXPECT_EQ(*sink->apply(transaction({row("c")}, unit(1, 0), {})), TransactionOutcome::kCommitted);
}

TEST_F(SqliteSinkFile, DamagedDatabaseRefuses) {
  const auto sink = open_sqlite(path());
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "DROP TABLE output_row", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);

  EXPECT_EQ(sink->append({row("a")}).error(), engine::make_error_code(Errc::kRefused));
  EXPECT_EQ(sink->contents().error(), engine::make_error_code(Errc::kRefused));
}

TEST_F(SqliteSinkFile, PathThatCannotBeOpenedIsRefused) {
  EXPECT_EQ(SqliteSink::open(path() + "/missing/sink.db").error(),
            engine::make_error_code(Errc::kRefused));
}

}  // namespace
