// tests/unit/checkpoint_writer_test.cpp
//
// Checkpoints on disk, by the invariants of engine/driver/checkpoint_writer.h. The writer is
// crashed at every step, on every storage, with every fate of what was not durable yet; then the
// reader has to find a whole checkpoint.

#include "engine/driver/checkpoint_writer.h"

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/driver/checkpoint_reader.h"
#include "tests/support/lone_process.h"

namespace {

using engine::BatchTime;
using engine::Checkpoint;
using engine::CheckpointOrder;
using engine::CheckpointPublish;
using engine::CheckpointWriter;
using engine::Errc;
using engine::Result;
using engine::StorageKind;
using sim::DiskOutcome;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using tests::batch_at_ms;
using tests::LoneProcess;

constexpr std::int32_t kVersion = 1;

// A checkpoint that `mark` tells from all others.
Checkpoint checkpoint_of(BatchTime time, std::int64_t mark) {
  Checkpoint checkpoint;
  checkpoint.time = time;
  checkpoint.stream.current_offsets = {{.partition = 0, .offset = {mark}}};
  return checkpoint;
}

std::int64_t mark_of(const Checkpoint& checkpoint) {
  return checkpoint.stream.current_offsets.at(0).offset.value;
}

CheckpointOrder order(std::int64_t batch_ms, std::int64_t mark, bool completion = false) {
  const BatchTime time = batch_at_ms(batch_ms);
  return {.time = time,
          .bytes = engine::encode(checkpoint_of(time, mark), kVersion),
          .completion = completion,
          .written = nullptr};
}

engine::Pipeline pipeline_with(CheckpointPublish publish) {
  engine::Pipeline pipeline;
  pipeline.protocol.checkpoint_publish = publish;
  return pipeline;
}

// One life of a writer that does `orders`, or dies at the step that the hook of `world` waits for.
// Returns the completions that it told of.
std::vector<BatchTime> write_all(LoneProcess& world,
                                 std::vector<CheckpointOrder> orders,
                                 CheckpointPublish publish = CheckpointPublish::kRename) {
  const engine::Pipeline pipeline = pipeline_with(publish);
  const engine::Ports ports = world.begin();
  std::vector<BatchTime> completed;
  CheckpointWriter writer(
      ports, pipeline, [&completed](BatchTime batch) { completed.push_back(batch); });
  engine::spawn(ports.executor, writer.run());
  for (CheckpointOrder& each : orders) {
    writer.write(std::move(each));
  }
  world.run_for();
  world.end();
  return completed;
}

Result<std::optional<Checkpoint>> read_latest(LoneProcess& world) {
  const engine::Ports ports = world.begin();
  auto found = world.result_of(engine::read_latest_checkpoint(&ports.storage, kVersion));
  world.end();
  INVARIANT(found.has_value(), "nobody crashes the reader");
  return std::move(*found);
}

// --- W1 ----------------------------------------------------------------------------------------

struct Death {
  StorageKind storage = StorageKind::kHdfs;
  bool machine = false;
  DiskOutcome outcome = DiskOutcome::kDropUnsynced;
};

std::string to_string(const Death& death) {
  constexpr std::array kStorages{"hdfs", "s3", "local"};
  constexpr std::array kOutcomes{"dropped", "kept", "torn"};
  return fmt::format("{}, {} died, unsynced bytes {}",
                     kStorages.at(static_cast<std::size_t>(death.storage)),
                     death.machine ? "machine" : "process",
                     kOutcomes.at(static_cast<std::size_t>(death.outcome)));
}

std::vector<Death> every_death() {
  std::vector<Death> deaths;
  for (const auto storage : {StorageKind::kHdfs, StorageKind::kS3, StorageKind::kLocal}) {
    for (const bool machine : {false, true}) {
      for (const auto outcome :
           {DiskOutcome::kDropUnsynced, DiskOutcome::kKeepUnsynced, DiskOutcome::kTornUnsynced}) {
        deaths.push_back({.storage = storage, .machine = machine, .outcome = outcome});
      }
    }
  }
  return deaths;
}

// What is written while the crash may come: the completion checkpoint of the batch whose name the
// first file has, which needs a backup, and the checkpoint of the next batch, which does not.
std::vector<CheckpointOrder> rewrite_then_next() {
  return {order(1000, 2, true), order(2000, 3)};
}

// The schedules of this death that leave no whole checkpoint, or one that is older than the first;
// `schedules` is set to how many there are.
std::vector<std::string> broken_schedules(const Death& death,
                                          CheckpointPublish publish,
                                          std::uint64_t& schedules) {
  std::vector<std::string> broken;
  schedules = 0;
  for (bool crashed = true; crashed; ++schedules) {
    LoneProcess world(death.storage);
    write_all(world, {order(1000, 1)}, publish);
    world.storage.plan_death({.machine = death.machine, .outcome = death.outcome});
    world.hook.step = world.process.steps() + schedules + 1;
    write_all(world, rewrite_then_next(), publish);
    crashed = world.hook.crashed;
    world.hook.step = 0;
    const auto found = read_latest(world);
    if (!found || !found.value() || mark_of(**found) < 1) {
      broken.push_back(fmt::format("{}, crash at step {}", to_string(death), schedules + 1));
    }
  }
  return broken;
}

// Wherever bytes are durable when the file is closed: on HDFS, on S3, and on a local disk whose
// machine survives. That S3 has no atomic rename does no harm: until the copy is whole under its
// new name, the old file is there under one of its own.
TEST(CheckpointWriter, ACrashAtAnyStepLeavesAWholeCheckpoint) {
  for (const Death& death : every_death()) {
    if (death.storage == StorageKind::kLocal && death.machine) {
      continue;
    }
    std::uint64_t schedules = 0;
    EXPECT_THAT(broken_schedules(death, CheckpointPublish::kRename, schedules), IsEmpty());
    EXPECT_GT(schedules, 25U) << "the sweep reached every step of two checkpoints";
  }
}

// The counter-example: the file is gone or half there while it is written under its final name.
TEST(CheckpointWriter, WritingInPlaceLeavesMomentsWithoutACheckpoint) {
  for (const Death& death : every_death()) {
    std::uint64_t schedules = 0;
    EXPECT_THAT(broken_schedules(death, CheckpointPublish::kInPlace, schedules),
                testing::Not(IsEmpty()))
        << to_string(death);
  }
}

// Where W1 ends: a local disk whose machine dies. Closing a file is no fsync, and the writer never
// asks for one, as Spark's does not: what was not flushed may be gone, the first checkpoint with
// it.
TEST(CheckpointWriter, OnALocalDiskTheDeathOfTheMachineMayLeaveNone) {
  const Death death{
      .storage = StorageKind::kLocal, .machine = true, .outcome = DiskOutcome::kDropUnsynced};
  std::uint64_t schedules = 0;
  const auto broken = broken_schedules(death, CheckpointPublish::kRename, schedules);
  EXPECT_EQ(broken.size(), schedules) << "nothing at all was durable";
}

// --- W2, W3 ------------------------------------------------------------------------------------

// SPARK-11740: the completion of an older batch comes after the checkpoint of a newer one.
TEST(CheckpointWriter, AFileIsNamedByTheLatestTimeAndKeepsItsOwnInside) {
  LoneProcess world;
  write_all(world, {order(2000, 1), order(1000, 2, true)});
  EXPECT_THAT(world.files.list(engine::kCheckpointPrefix),
              ElementsAre("checkpoint/checkpoint-2000", "checkpoint/checkpoint-2000.bk"));
  const auto found = read_latest(world);
  ASSERT_TRUE(found.has_value());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->time, batch_at_ms(1000));
  EXPECT_EQ(mark_of(**found), 2);
}

TEST(CheckpointWriter, TenFilesStayAndTheyAreTheNewest) {
  for (const auto storage : {StorageKind::kHdfs, StorageKind::kS3, StorageKind::kLocal}) {
    LoneProcess world(storage);
    for (std::int64_t batch = 1; batch <= 30; ++batch) {
      write_all(world, {order(batch * 1000, batch), order(batch * 1000, batch + 100, true)});
      EXPECT_LE(world.files.list(engine::kCheckpointPrefix).size(), 10U);
    }
    EXPECT_THAT(world.files.list(engine::kCheckpointPrefix), SizeIs(10));
    const auto found = read_latest(world);
    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_EQ(mark_of(**found), 130);
  }
}

// --- Reader ------------------------------------------------------------------------------------

TEST(CheckpointReader, WithoutAnyFileThereIsNoCheckpointAndNoError) {
  LoneProcess world;
  const auto found = read_latest(world);
  ASSERT_TRUE(found.has_value());
  EXPECT_FALSE(found->has_value());
}

void put_file(LoneProcess& world, const std::string& path, const std::string& bytes) {
  const engine::Address writer = world.process.address();
  ASSERT_TRUE(world.files.create(writer, path).has_value());
  ASSERT_TRUE(world.files.append(writer, path, bytes).has_value());
  ASSERT_TRUE(world.files.close(writer, path).has_value());
}

TEST(CheckpointReader, FallsBackToTheNewestFileThatIsWhole) {
  LoneProcess world;
  const std::string whole = engine::encode(checkpoint_of(batch_at_ms(1000), 5), kVersion);
  put_file(world, "checkpoint/checkpoint-1000", whole);
  put_file(world, "checkpoint/checkpoint-2000", whole.substr(1));
  put_file(world, "checkpoint/checkpoint-3000.bk", "");
  const auto found = read_latest(world);
  ASSERT_TRUE(found.has_value() && found->has_value());
  EXPECT_EQ(mark_of(**found), 5);
}

TEST(CheckpointReader, FilesOfWhichNoneCanBeReadAreAnError) {
  LoneProcess world;
  put_file(world, "checkpoint/checkpoint-2000", "torn");
  EXPECT_EQ(read_latest(world).error(), Errc::kCorrupt);
  LoneProcess upgraded;
  const std::string other = engine::encode(checkpoint_of(batch_at_ms(1000), 5), kVersion + 1);
  put_file(upgraded, "checkpoint/checkpoint-1000", other);
  EXPECT_EQ(read_latest(upgraded).error(), Errc::kIncompatible);
}

// --- Completion --------------------------------------------------------------------------------

TEST(CheckpointWriter, TellsOfACompletionOnlyWhenItsFileIsInPlace) {
  LoneProcess finished;
  EXPECT_THAT(write_all(finished, {order(1000, 1), order(1000, 2, true)}),
              ElementsAre(batch_at_ms(1000)));
  const std::uint64_t steps = finished.process.steps();
  for (std::uint64_t step = 1; step <= steps; ++step) {
    LoneProcess world;
    world.hook.step = step;
    const auto completed = write_all(world, {order(1000, 1), order(1000, 2, true)});
    ASSERT_TRUE(world.hook.crashed);
    world.hook.step = 0;
    const auto found = read_latest(world);
    const bool durable = found && found.value() && mark_of(**found) == 2;
    EXPECT_TRUE(completed.empty() || durable) << "crash at step " << step;
  }
}

}  // namespace
