// tests/unit/state_bytes_test.cpp
//
// What a store holds changes its hash, and how it came to hold it does not (H1 of
// sim/state_bytes.h). A store that keeps quiet about something here would have two worlds taken for
// one.

#include "sim/state_bytes.h"

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/kafka/broker_model.h"
#include "sim/memory_sink.h"
#include "sim/network.h"
#include "sim/process_offset_store.h"
#include "sim/storage.h"

namespace {

using engine::Offset;
using engine::OutputRow;
using engine::StorageKind;
using sim::DiskOutcome;
using sim::StateBytes;
using sim::StateHash;

template <class Store>
StateHash hash_of(const Store& store) {
  StateBytes bytes;
  store.describe(bytes);
  return bytes.hash();
}

// Each variant of a store differs from each other one.
class Variants {
 public:
  void add(const StateHash& hash, const std::string& what) {
    EXPECT_TRUE(seen_.insert(hash).second) << what << " changes nothing";
  }

 private:
  std::set<StateHash> seen_;
};

TEST(StateBytes, TextsThatFollowEachOtherDoNotRunIntoEachOther) {
  StateBytes left;
  left.add(std::string_view("ab"));
  left.add(std::string_view("c"));
  StateBytes right;
  right.add(std::string_view("a"));
  right.add(std::string_view("bc"));
  EXPECT_NE(left.hash(), right.hash());
}

TEST(StateBytes, ANegativeNumberIsNotAPositiveOne) {
  StateBytes left;
  left.add(std::int32_t{-1});
  StateBytes right;
  right.add(std::int32_t{1});
  EXPECT_NE(left.hash(), right.hash());
}

// --- Files ---------------------------------------------------------------------------------------

constexpr engine::Address kWriter{{engine::Role::kDriver, 0}, 1};
constexpr engine::Address kOther{{engine::Role::kDriver, 0}, 2};

using Steps = std::function<void(sim::FileSystem&)>;

void write(sim::FileSystem& files, const std::string& path, const std::string& bytes) {
  ASSERT_TRUE(files.create(kWriter, path));
  ASSERT_TRUE(files.append(kWriter, path, bytes));
}

StateHash after(StorageKind kind, const Steps& steps) {
  sim::FileSystem files(kind, 1);
  steps(files);
  return hash_of(files);
}

TEST(StateOfFiles, NamesBytesDurabilityWritersAndCapacityCount) {
  Variants variants;
  const auto add = [&variants](const std::string& what, const Steps& steps) {
    variants.add(after(StorageKind::kHdfs, steps), what);
  };
  add("nothing", [](auto&) {});
  add("a file", [](auto& files) { ASSERT_TRUE(files.create(kWriter, "a")); });
  add("its name", [](auto& files) { ASSERT_TRUE(files.create(kWriter, "b")); });
  add("its writer", [](auto& files) { ASSERT_TRUE(files.create(kOther, "a")); });
  add("its bytes", [](auto& files) { write(files, "a", "xy"); });
  add("other bytes", [](auto& files) { write(files, "a", "xz"); });
  add("a flush", [](auto& files) {
    write(files, "a", "xy");
    ASSERT_TRUE(files.flush(kWriter, "a"));
  });
  add("a close", [](auto& files) {
    write(files, "a", "xy");
    ASSERT_TRUE(files.close(kWriter, "a"));
  });
  add("a rename while it is open", [](auto& files) {
    write(files, "a", "xy");
    ASSERT_TRUE(files.rename("a", "b"));
  });
  add("capacity", [](auto& files) { files.limit_capacity(7); });
}

TEST(StateOfFiles, OnALocalDiskTheJournalCounts) {
  Variants variants;
  const auto closed = [](sim::FileSystem& files) {
    write(files, "a", "xy");
    ASSERT_TRUE(files.flush(kWriter, "a"));
    ASSERT_TRUE(files.close(kWriter, "a"));
  };
  variants.add(after(StorageKind::kLocal, closed), "a file that is there");
  const auto renamed = [&closed](sim::FileSystem& files) {
    closed(files);
    ASSERT_TRUE(files.rename("a", "b"));
  };
  variants.add(after(StorageKind::kLocal, renamed), "a rename that a death may undo");
  const auto forced = [&renamed](sim::FileSystem& files) {
    renamed(files);
    files.machine_died(kWriter, DiskOutcome::kKeepUnsynced);
  };
  variants.add(after(StorageKind::kLocal, forced), "a rename that no death undoes");
}

TEST(StateOfFiles, TheOrderInWhichTheyCameDoesNotCount) {
  const auto closed = [](sim::FileSystem& files, const std::string& path) {
    write(files, path, path);
    ASSERT_TRUE(files.close(kWriter, path));
  };
  const auto forwards = [&closed](sim::FileSystem& files) {
    closed(files, "a");
    closed(files, "b");
  };
  const auto backwards = [&closed](sim::FileSystem& files) {
    closed(files, "b");
    closed(files, "a");
  };
  EXPECT_EQ(after(StorageKind::kHdfs, forwards), after(StorageKind::kHdfs, backwards));
}

TEST(StateOfFiles, OutcomesDifferWhereBytesAreUnsynced) {
  sim::FileSystem files(StorageKind::kHdfs, 1);
  write(files, "a", "xy");
  EXPECT_TRUE(files.is_anything_unsynced(kWriter, false));
  EXPECT_FALSE(files.is_anything_unsynced(kOther, false)) << "these are not its own";
  ASSERT_TRUE(files.flush(kWriter, "a"));
  EXPECT_FALSE(files.is_anything_unsynced(kWriter, false));
}

TEST(StateOfFiles, OnALocalDiskOnlyTheMachineTakesAnythingWithIt) {
  sim::FileSystem files(StorageKind::kLocal, 1);
  write(files, "a", "xy");
  EXPECT_FALSE(files.is_anything_unsynced(kWriter, false));
  EXPECT_TRUE(files.is_anything_unsynced(kWriter, true));
}

// --- Sink and offsets ----------------------------------------------------------------------------

OutputRow row(std::int64_t offset, const std::string& value) {
  OutputRow row;
  row.source = {.partition = 0, .offset = Offset{offset}};
  row.value = value;
  return row;
}

StateHash sink_with(const std::vector<OutputRow>& rows) {
  sim::MemorySink sink;
  EXPECT_TRUE(sink.append(rows));
  return hash_of(sink);
}

TEST(StateOfTheSink, EveryPartOfARowThatAJudgeReadsCounts) {
  Variants variants;
  const OutputRow plain = row(1, "x");
  variants.add(sink_with({}), "nothing");
  variants.add(sink_with({plain}), "a row");
  variants.add(sink_with({plain, plain}), "the same row again");
  variants.add(sink_with({row(1, "y")}), "value");
  variants.add(sink_with({row(2, "x")}), "offset");
  variants.add(sink_with({plain, row(2, "x")}), "another row");
  variants.add(sink_with({row(2, "x"), plain}), "the order of rows");
  const auto with = [&](const std::string& what, void (*change)(OutputRow&)) {
    OutputRow changed = plain;
    change(changed);
    variants.add(sink_with({changed}), what);
  };
  with("partition", [](OutputRow& changed) { changed.source.partition = 1; });
  with("ordinal", [](OutputRow& changed) { changed.ordinal = 1; });
  with("key", [](OutputRow& changed) { changed.key = "k"; });
}

TEST(StateOfTheSink, WhoWroteARowDoesNotCount) {
  OutputRow again = row(1, "x");
  again.attempt = 3;
  again.task = 1;
  again.origin.writer = kWriter;
  EXPECT_EQ(sink_with({again}), sink_with({row(1, "x")}));
}

TEST(StateOfTheSink, FilesUnitsOffsetsAndRowKeysCount) {
  Variants variants;
  variants.add(sink_with({}), "nothing");
  sim::MemorySink upserted;
  OutputRow keyed = row(1, "x");
  keyed.row_key = "1";
  ASSERT_TRUE(upserted.upsert({keyed}));
  variants.add(hash_of(upserted), "a row with a key");
  sim::MemorySink filed;
  ASSERT_TRUE(filed.replace_file("f", {row(1, "x")}));
  variants.add(hash_of(filed), "a file");
  sim::MemorySink empty_file;
  ASSERT_TRUE(empty_file.replace_file("f", {}));
  variants.add(hash_of(empty_file), "an empty file");
  const auto add_unit = [&variants](const engine::UnitId& unit, const std::string& what) {
    sim::MemorySink united;
    engine::SinkTransaction transaction;
    transaction.insert_unit = unit;
    ASSERT_TRUE(united.apply(transaction));
    variants.add(hash_of(united), what);
  };
  add_unit({}, "a unit");
  add_unit({.batch = {engine::Instant(std::chrono::seconds(1))}, .task = 0}, "its batch");
  add_unit({.batch = {}, .task = 1}, "its task");
  add_unit({.batch = {}, .task = 0, .part = 1}, "its part");
  engine::SinkTransaction transaction;
  transaction.offsets = {{.partition = 0, .expected = std::nullopt, .next = Offset{5}}};
  sim::MemorySink positioned;
  ASSERT_TRUE(positioned.apply(transaction));
  variants.add(hash_of(positioned), "an offset");
}

TEST(StateOfTheSink, AResetSinkIsAnEmptyOne) {
  sim::MemorySink sink;
  ASSERT_TRUE(sink.append({row(1, "x")}));
  sink.reset();
  EXPECT_EQ(hash_of(sink), sink_with({}));
}

TEST(StateOfTheOffsetTable, PartitionsAndOffsetsCount) {
  Variants variants;
  sim::OffsetTable table(engine::OffsetStoreKind::kHbase);
  variants.add(hash_of(table), "nothing");
  table.save({.partition = 0, .offset = Offset{5}});
  variants.add(hash_of(table), "an offset");
  table.save({.partition = 0, .offset = Offset{6}});
  variants.add(hash_of(table), "another offset");
  sim::OffsetTable other(engine::OffsetStoreKind::kHbase);
  other.save({.partition = 1, .offset = Offset{5}});
  variants.add(hash_of(other), "another partition");
}

// --- Kafka ---------------------------------------------------------------------------------------

constexpr auto kTopic = "t";

void fill(sim::BrokerModel& kafka, const std::vector<std::string>& values) {
  ASSERT_TRUE(kafka.create_topic({.name = kTopic, .partitions = 2}));
  for (const std::string& value : values) {
    ASSERT_TRUE(
        kafka.produce(kTopic, {{.partition = 0, .timestamp = {}, .key = "k", .value = value}}));
  }
}

StateHash kafka_with(const std::vector<std::string>& values) {
  sim::BrokerModel kafka;
  fill(kafka, values);
  return hash_of(kafka);
}

TEST(StateOfKafka, RecordsAndWhatGroupsCommittedCount) {
  Variants variants;
  variants.add(hash_of(sim::BrokerModel()), "nothing");
  variants.add(kafka_with({}), "a topic");
  variants.add(kafka_with({"x"}), "a record");
  variants.add(kafka_with({"y"}), "its value");
  variants.add(kafka_with({"x", "x"}), "one record more");
  sim::BrokerModel committed;
  fill(committed, {"x"});
  ASSERT_TRUE(committed.commit("g", kTopic, {{.partition = 0, .offset = Offset{0}}}));
  variants.add(hash_of(committed), "a commit");
  ASSERT_TRUE(committed.commit("g", kTopic, {{.partition = 0, .offset = Offset{1}}}));
  variants.add(hash_of(committed), "a later commit");
  ASSERT_TRUE(committed.commit("h", kTopic, {{.partition = 0, .offset = Offset{1}}}));
  variants.add(hash_of(committed), "another group");
}

TEST(StateOfKafka, WhichGroupCommittedFirstDoesNotCount) {
  const auto with = [](const std::string& first, const std::string& second) {
    sim::BrokerModel kafka;
    fill(kafka, {"x"});
    EXPECT_TRUE(kafka.commit(first, kTopic, {{.partition = 0, .offset = Offset{1}}}));
    EXPECT_TRUE(kafka.commit(second, kTopic, {{.partition = 0, .offset = Offset{1}}}));
    return hash_of(kafka);
  };
  EXPECT_EQ(with("g", "h"), with("h", "g"));
}

TEST(StateOfKafka, AGroupThatOnlyAskedDoesNotCount) {
  sim::BrokerModel kafka;
  fill(kafka, {"x"});
  ASSERT_TRUE(kafka.committed("g", kTopic));
  EXPECT_EQ(hash_of(kafka), kafka_with({"x"}));
}

TEST(StateOfKafka, WhatAResetModelHeldIsForgotten) {
  sim::BrokerModel kafka;
  fill(kafka, {"x"});
  kafka.reset();
  fill(kafka, {});
  EXPECT_EQ(hash_of(kafka), kafka_with({}));
}

// --- Network -------------------------------------------------------------------------------------

struct Note {};

std::uint64_t digest(const Note& /*note*/) {
  return 0;
}

TEST(StateOfTheNetwork, CutsAndLivesThatVanishedCount) {
  Variants variants;
  sim::Scheduler scheduler;
  sim::Trace trace(sim::Trace::Recording::kHashOnly);
  sim::Process driver(scheduler, trace, nullptr, {engine::Role::kDriver, 0});
  sim::Process executor(scheduler, trace, nullptr, {engine::Role::kExecutor, 0});
  sim::Network<Note> network(scheduler, 1);
  network.attach(driver);
  network.attach(executor);
  variants.add(hash_of(network), "nothing");
  network.partition(driver.id(), executor.id());
  variants.add(hash_of(network), "a cut");
  network.heal(driver.id(), executor.id());
  executor.begin_life();
  network.silence_next_end(executor.id());
  executor.end_life();
  variants.add(hash_of(network), "a life that vanished");
}

}  // namespace
