#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ports/invariant.h"
#include "engine/ports/task.h"
#include "sim/fault_hook.h"
#include "sim/latency.h"
#include "sim/process.h"
#include "sim/process_kafka.h"
#include "sim/process_offset_store.h"
#include "sim/process_sink.h"
#include "sim/process_storage.h"
#include "sim/random.h"
#include "sim/scheduler.h"
#include "sim/storage.h"
#include "sim/trace.h"
#include "tests/support/fake_kafka_cluster.h"
#include "tests/support/fake_sink_database.h"

namespace {

using engine::Errc;
using engine::Instant;
using engine::OffsetStoreKind;
using engine::Result;
using engine::StorageKind;
using engine::Task;
using engine::TransactionOutcome;
using sim::Operation;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr engine::ProcessId kExecutor{.role = engine::Role::kExecutor, .index = 1};

// Ends the life of a process at one of its steps.
class CrashAtStep final : public sim::FaultHook {
 public:
  std::uint64_t step = 0;  // 0: never
  bool crashed = false;

  void on_step(sim::Process& process, std::uint64_t at) override {
    if (at == step) {
      crashed = true;
      process.condemn();
      process.scheduler().call_next([&process] { process.end_life(); });
    }
  }

  void on_point(sim::Process& /*process*/,
                engine::Point /*point*/,
                const engine::PointContext& /*context*/) override {}
};

// One process and everything it has of the outside.
struct World {
  explicit World(StorageKind storage_kind = StorageKind::kHdfs,
                 OffsetStoreKind offsets_kind = OffsetStoreKind::kZookeeper,
                 std::uint64_t seed = 7)
      : random(seed), files(storage_kind, seed), table(offsets_kind) {}

  using Program = Task<> (*)(World*);

  // One life that runs `program` until it is done or the process has died.
  void run(Program program) {
    if (!process.alive()) {
      process.begin_life();
    }
    engine::spawn(process.executor(), program(this));
    scheduler.run(Instant(std::chrono::hours(1)));
  }

  void run_and_crash_at(std::uint64_t step, Program program) {
    hook.step = step;
    run(program);
    hook.step = 0;
  }

  [[nodiscard]] std::vector<Operation> boundaries() const {
    std::vector<Operation> operations;
    for (const sim::TraceStep& step : trace.steps()) {
      operations.push_back(step.operation);
    }
    return operations;
  }

  // What outlives every process, in one line.
  [[nodiscard]] std::string outside() {
    std::vector<std::string> parts;
    for (const std::string& path : files.list("")) {
      parts.push_back(fmt::format("{}={}", path, *files.read(path)));
    }
    for (const auto& record : *kafka_cluster.fetch("topic", all_records())) {
      parts.push_back("record " + record.value);
    }
    const auto committed = kafka_cluster.committed("group", "topic");
    if ((*committed)[0]) {
      parts.push_back(fmt::format("commit {}", (*committed)[0]->value));
    }
    for (const engine::OutputRow& row : database.rows) {
      parts.push_back("row " + row.value);
    }
    for (const auto& [path, rows] : database.files) {
      parts.push_back(fmt::format("file {} of {}", path, rows.size()));
    }
    for (const engine::PartitionOffset& saved : table.load()) {
      parts.push_back(fmt::format("offset {}:{}", saved.partition, saved.offset.value));
    }
    return fmt::format("{}", fmt::join(parts, ", "));
  }

  engine::OffsetRange all_records() {
    const auto marks = kafka_cluster.watermarks("topic");
    return {.partition = 0, .from = {0}, .until = (*marks)[0].high_watermark};
  }

  sim::Scheduler scheduler;
  sim::Trace trace{sim::Trace::Recording::kSteps};
  CrashAtStep hook;
  sim::RandomStream random;
  sim::FileSystem files;
  sim::OffsetTable table;
  tests::FakeKafkaCluster kafka_cluster{2};
  tests::FakeSinkDatabase database;
  sim::LatencyModel latency;
  sim::Process process{scheduler, trace, &hook, kExecutor};
  sim::ProcessStorage storage{process, files, latency.storage, random};
  sim::ProcessKafka kafka{process, kafka_cluster, latency.kafka, random};
  sim::ProcessSink sink{process, database, latency.sink, random};
  sim::ProcessOffsetStore offsets{process, table, latency.offsets, random};

  // What programs leave for the test to look at.
  bool finished = false;
  std::optional<boost::system::error_code> error;
  std::optional<TransactionOutcome> outcome;
  std::optional<engine::TransactionId> prepared;
  std::vector<std::string> names;
  std::string bytes;
};

std::vector<engine::OutputRow> one_row(const std::string& value) {
  engine::OutputRow row;
  row.row_key = "key";
  row.value = value;
  return {row};
}

engine::SinkTransaction transaction_of(const std::string& value) {
  engine::SinkTransaction transaction;
  transaction.rows = one_row(value);
  return transaction;
}

std::vector<engine::PartitionOffset> two_offsets() {
  return {{.partition = 0, .offset = {5}}, {.partition = 1, .offset = {6}}};
}

std::vector<engine::ProducerRecord> one_record(const std::string& value) {
  engine::ProducerRecord record;
  record.value = value;
  return {record};
}

// As a checkpoint is published.
Task<> publish(World* world) {
  (void)co_await world->storage.create("temp");
  (void)co_await world->storage.append("temp", "abc");
  (void)co_await world->storage.close("temp");
  (void)co_await world->storage.rename("temp", "final");
  world->finished = true;
}

Task<> append_and_flush(World* world) {
  (void)co_await world->storage.create("log");
  (void)co_await world->storage.append("log", "abc");
  (void)co_await world->storage.flush("log");
  (void)co_await world->storage.append("log", "def");
  world->finished = true;
}

Task<> write_outside(World* world) {
  (void)co_await world->kafka.produce("topic", one_record("a"));
  (void)co_await world->kafka.commit("group", "topic", two_offsets());
  (void)co_await world->sink.append(one_row("b"));
  (void)co_await world->sink.upsert(one_row("c"));
  (void)co_await world->sink.replace_file("part", one_row("d"));
  const auto id = co_await world->sink.prepare(transaction_of("e"));
  (void)co_await world->sink.commit(*id);
  world->finished = true;
}

Task<> save_offsets(World* world) {
  (void)co_await world->offsets.save(two_offsets());
  world->finished = true;
}

Task<> commit_one(World* world) {
  const auto id = co_await world->sink.prepare(transaction_of("a"));
  world->prepared = *id;
  const auto outcome = co_await world->sink.commit(*id);
  world->outcome = *outcome;
}

Task<> commit_what_another_life_prepared(World* world) {
  const auto outcome = co_await world->sink.commit(*world->prepared);
  world->outcome = *outcome;
}

Task<> look_around(World* world) {
  const auto names = co_await world->storage.list("");
  const auto bytes = co_await world->storage.read("none");
  const auto marks = co_await world->kafka.watermarks("topic");
  const auto records = co_await world->kafka.fetch("topic", world->all_records());
  const auto committed = co_await world->kafka.committed("group", "topic");
  const auto saved = co_await world->sink.saved_offsets();
  const auto loaded = co_await world->offsets.load();
  world->error = bytes.error();
  world->finished = names && marks && records && committed && saved && loaded;
}

TEST(Latency, LiesBetweenTheBaseAndHalfAsMuchAgain) {
  sim::RandomStream random(7);
  engine::Duration least = std::chrono::hours(1);
  engine::Duration greatest{0};
  for (int draw = 0; draw < 1000; ++draw) {
    const engine::Duration latency = sim::draw_latency(std::chrono::microseconds(10), random);
    least = std::min(least, latency);
    greatest = std::max(greatest, latency);
  }
  EXPECT_EQ(least, std::chrono::microseconds(10));
  EXPECT_EQ(greatest, std::chrono::microseconds(15));
}

TEST(Latency, ACheckpointFileTakesAsLongAsItsOperations) {
  World world;
  world.run(publish);
  EXPECT_GE(world.scheduler.now(), Instant(milliseconds(12)));
  EXPECT_LE(world.scheduler.now(), Instant(milliseconds(18)));
}

TEST(ProcessStorage, AWriteHasTwoBoundaries) {
  World world;
  world.run(publish);
  EXPECT_TRUE(world.finished);
  EXPECT_EQ(world.process.steps(), 8U);
  EXPECT_THAT(world.boundaries(),
              ElementsAre(Operation::kLifeBegan,
                          Operation::kStorageCreate,
                          Operation::kStorageCreateApplied,
                          Operation::kStorageAppend,
                          Operation::kStorageAppendApplied,
                          Operation::kStorageClose,
                          Operation::kStorageCloseApplied,
                          Operation::kStorageRename,
                          Operation::kStorageRenameApplied));
}

TEST(ProcessStorage, ARenameOnS3HasABoundaryBetweenItsTwoEffects) {
  World world(StorageKind::kS3);
  world.run(publish);
  EXPECT_EQ(world.process.steps(), 9U);
  EXPECT_EQ(world.boundaries()[8], Operation::kStorageRenameCopied);
  EXPECT_EQ(world.outside(), "final=abc");
}

TEST(ProcessStorage, AReadHasOneBoundaryAndItsAnswerIsTraced) {
  World world;
  world.run(look_around);
  EXPECT_TRUE(world.finished);
  EXPECT_EQ(world.error, Errc::kNotFound);
  EXPECT_EQ(world.process.steps(), 7U);
  EXPECT_THAT(world.boundaries(), SizeIs(1 + 2 * 7));
}

TEST(ProcessStorage, AnErrorIsAnAnswerLikeAnother) {
  World world;
  world.run(publish);
  world.finished = false;
  world.run([](World* again) -> Task<> {
    const Result<> created = co_await again->storage.create("final");
    again->error = created.error();
  });
  EXPECT_EQ(world.error, Errc::kAlreadyExists);
}

TEST(ProcessStorage, AnS3RenameOfNothingCopiesNothing) {
  World world(StorageKind::kS3);
  world.run([](World* it) -> Task<> {
    const Result<> renamed = co_await it->storage.rename("none", "final");
    it->error = renamed.error();
  });
  EXPECT_EQ(world.error, Errc::kNotFound);
  EXPECT_EQ(world.process.steps(), 2U);
  EXPECT_EQ(world.outside(), "");
}

TEST(ProcessStorage, AWriterThatDiesLosesWhatItDidNotFlush) {
  World world;
  world.run(append_and_flush);
  EXPECT_TRUE(world.finished);
  world.process.end_life();
  EXPECT_EQ(world.outside(), "log=abc");
}

TEST(ProcessStorage, APlannedDeathHappensOnce) {
  World world;
  world.storage.plan_death({.outcome = sim::DiskOutcome::kKeepUnsynced});
  world.run(append_and_flush);
  world.process.end_life();
  EXPECT_EQ(world.outside(), "log=abcdef");
  ASSERT_TRUE(world.files.remove("log"));
  world.run(append_and_flush);
  world.process.end_life();
  EXPECT_EQ(world.outside(), "log=abc");
}

TEST(ProcessStorage, AMachineThatDiesTakesTheUnsyncedBytesOfALocalDisk) {
  World process_dies(StorageKind::kLocal);
  process_dies.run(append_and_flush);
  process_dies.process.end_life();
  EXPECT_EQ(process_dies.outside(), "log=abcdef");

  World machine_dies(StorageKind::kLocal);
  machine_dies.storage.plan_death({.machine = true});
  machine_dies.run(append_and_flush);
  machine_dies.process.end_life();
  EXPECT_EQ(machine_dies.outside(), "log=abc");
}

TEST(ProcessSink, RowsAreStampedWithTheLifeAndTheInstantOfTheirArrival) {
  World world;
  world.process.begin_life();
  world.process.end_life();
  world.run([](World* it) -> Task<> {
    std::vector<engine::OutputRow> rows = one_row("a");
    rows[0].origin.writer.incarnation = 77;
    (void)co_await it->sink.append(std::move(rows));
  });
  ASSERT_THAT(world.database.rows, SizeIs(1));
  const engine::RowOrigin origin = world.database.rows[0].origin;
  EXPECT_EQ(origin.writer.process, kExecutor);
  EXPECT_EQ(origin.writer.incarnation, 2);
  const sim::TraceStep applied = world.trace.steps().back();
  EXPECT_EQ(applied.operation, Operation::kSinkAppendApplied);
  EXPECT_EQ(origin.written_at, applied.at);
}

TEST(ProcessSink, PreparedRowsAreStampedWhenTheyAreCommitted) {
  World world;
  world.run(commit_one);
  ASSERT_THAT(world.database.rows, SizeIs(1));
  EXPECT_EQ(world.outcome, TransactionOutcome::kCommitted);
  EXPECT_EQ(world.database.rows[0].origin.written_at, world.trace.steps().back().at);
}

TEST(ProcessSink, WhatIsPreparedAndNotCommittedIsForgottenInACrash) {
  World world;
  world.run_and_crash_at(2, commit_one);
  EXPECT_TRUE(world.prepared);
  EXPECT_FALSE(world.process.alive());
  EXPECT_EQ(world.sink.prepared_count(), 0U);
  EXPECT_THAT(world.database.rows, IsEmpty());
}

TEST(ProcessSink, AnotherLifeCannotCommitWhatThisOnePrepared) {
  World world;
  world.run_and_crash_at(2, commit_one);
  EXPECT_THROW(world.run(commit_what_another_life_prepared), engine::InvariantViolation);
  EXPECT_THAT(world.database.rows, IsEmpty());
}

TEST(ProcessSink, ACommitThatWasAppliedAndNotAnsweredStaysApplied) {
  World world;
  world.run_and_crash_at(3, commit_one);
  EXPECT_FALSE(world.outcome);
  EXPECT_EQ(world.outside(), "row a");
}

TEST(ProcessSink, GuardsAreEvaluatedWhenTheTransactionIsCommitted) {
  World world;
  world.run([](World* it) -> Task<> {
    engine::SinkTransaction transaction = transaction_of("a");
    transaction.offsets = {
        {.partition = 0, .expected = engine::kNeverSaved, .next = engine::Offset{5}}};
    const auto id = co_await it->sink.prepare(std::move(transaction));
    it->database.offsets[0] = engine::Offset{3};
    const auto outcome = co_await it->sink.commit(*id);
    it->outcome = *outcome;
  });
  EXPECT_EQ(world.outcome, TransactionOutcome::kOffsetConflict);
  EXPECT_EQ(world.outside(), "");
}

TEST(ProcessKafka, AnErrorOfTheClusterReachesTheCaller) {
  World world;
  world.kafka_cluster.failure = Errc::kUnavailable;
  world.run([](World* it) -> Task<> {
    const auto produced = co_await it->kafka.produce("topic", one_record("a"));
    it->error = produced.error();
  });
  EXPECT_EQ(world.error, Errc::kUnavailable);
}

TEST(ProcessOffsetStore, ZookeeperSavesOnePartitionAfterAnother) {
  World world(StorageKind::kHdfs, OffsetStoreKind::kZookeeper);
  world.run(save_offsets);
  EXPECT_EQ(world.process.steps(), 3U);
  EXPECT_EQ(world.outside(), "offset 0:5, offset 1:6");
}

TEST(ProcessOffsetStore, HbaseSavesAllPartitionsAtOnce) {
  World world(StorageKind::kHdfs, OffsetStoreKind::kHbase);
  world.run(save_offsets);
  EXPECT_EQ(world.process.steps(), 2U);
  EXPECT_EQ(world.outside(), "offset 0:5, offset 1:6");
}

// A program, and what is left outside by a crash at each of its steps.
struct Sweep {
  std::string_view name;
  World::Program program;
  StorageKind storage = StorageKind::kHdfs;
  OffsetStoreKind offsets = OffsetStoreKind::kZookeeper;
  std::vector<std::string_view> left;
};

std::ostream& operator<<(std::ostream& out, const Sweep& sweep) {
  return out << sweep.name;
}

class CrashSweep : public testing::TestWithParam<Sweep> {};

TEST_P(CrashSweep, ACrashAtEachBoundaryLeavesWhatIsDocumented) {
  const Sweep& sweep = GetParam();
  World whole(sweep.storage, sweep.offsets);
  whole.run(sweep.program);
  ASSERT_TRUE(whole.finished);
  ASSERT_EQ(whole.process.steps(), sweep.left.size());
  for (std::uint64_t step = 1; step <= sweep.left.size(); ++step) {
    World world(sweep.storage, sweep.offsets);
    world.run_and_crash_at(step, sweep.program);
    EXPECT_TRUE(world.hook.crashed);
    EXPECT_FALSE(world.finished);
    EXPECT_EQ(world.outside(), sweep.left[step - 1]) << "crash at step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Programs,
    CrashSweep,
    testing::Values(
        Sweep{
            .name = "publish on hdfs",
            .program = publish,
            .storage = StorageKind::kHdfs,
            .left = {"", "temp=", "temp=", "temp=", "temp=", "temp=abc", "temp=abc", "final=abc"}},
        Sweep{.name = "publish on s3",
              .program = publish,
              .storage = StorageKind::kS3,
              .left =
                  {"", "", "", "", "", "temp=abc", "temp=abc", "final=abc, temp=abc", "final=abc"}},
        Sweep{.name = "publish on a local disk",
              .program = publish,
              .storage = StorageKind::kLocal,
              .left = {"",
                       "temp=",
                       "temp=",
                       "temp=abc",
                       "temp=abc",
                       "temp=abc",
                       "temp=abc",
                       "final=abc"}},
        Sweep{.name = "append and flush on hdfs",
              .program = append_and_flush,
              .storage = StorageKind::kHdfs,
              .left = {"", "log=", "log=", "log=", "log=", "log=abc", "log=abc", "log=abc"}},
        Sweep{.name = "write outside",
              .program = write_outside,
              .left = {"",
                       "record a",
                       "record a",
                       "record a, commit 5",
                       "record a, commit 5",
                       "record a, commit 5, row b",
                       "record a, commit 5, row b",
                       "record a, commit 5, row c",
                       "record a, commit 5, row c",
                       "record a, commit 5, row c, file part of 1",
                       "record a, commit 5, row c, file part of 1",
                       "record a, commit 5, row c, file part of 1",
                       "record a, commit 5, row c, row e, file part of 1"}},
        Sweep{.name = "save offsets in zookeeper",
              .program = save_offsets,
              .offsets = OffsetStoreKind::kZookeeper,
              .left = {"", "offset 0:5", "offset 0:5, offset 1:6"}},
        Sweep{.name = "save offsets in hbase",
              .program = save_offsets,
              .offsets = OffsetStoreKind::kHbase,
              .left = {"", "offset 0:5, offset 1:6"}}));

TEST(ProcessPorts, TheSameSeedGivesTheSameTraceAndAnotherGivesAnother) {
  std::vector<sim::TraceHash> hashes;
  for (const std::uint64_t seed : {7U, 7U, 8U}) {
    World world(StorageKind::kS3, OffsetStoreKind::kZookeeper, seed);
    world.run(publish);
    world.run(write_outside);
    world.run(save_offsets);
    world.run(look_around);
    hashes.push_back(world.trace.hash());
  }
  EXPECT_EQ(hashes[0], hashes[1]);
  EXPECT_NE(hashes[0], hashes[2]);
}

TEST(ProcessPorts, WhatIsWrittenAndWhatIsReadEnterTheTrace) {
  World left;
  World right;
  (void)left.kafka_cluster.produce("topic", one_record("a"));
  (void)right.kafka_cluster.produce("topic", one_record("b"));
  left.run(look_around);
  right.run(look_around);
  const auto difference = sim::first_difference(left.trace, right.trace);
  ASSERT_TRUE(difference);
  ASSERT_TRUE(difference->left);
  EXPECT_EQ(difference->left->operation, Operation::kKafkaFetch);
}

}  // namespace
