#include "sim/storage.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "engine/ports/invariant.h"

namespace {

using engine::Errc;
using engine::StorageKind;
using sim::DiskOutcome;
using sim::FileSystem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr engine::Address kWriter{.process = {.role = engine::Role::kDriver}, .incarnation = 1};
constexpr engine::Address kNextLife{.process = {.role = engine::Role::kDriver}, .incarnation = 2};

struct Disk {
  explicit Disk(StorageKind kind) : files(kind, /*tear_seed=*/7) {}

  void write(const std::string& path, const std::string& bytes) {
    ASSERT_TRUE(files.create(kWriter, path));
    ASSERT_TRUE(files.append(kWriter, path, bytes));
  }

  void write_and_close(const std::string& path, const std::string& bytes) {
    write(path, bytes);
    ASSERT_TRUE(files.close(kWriter, path));
  }

  std::string found(const std::string& path) const {
    const auto bytes = files.read(path);
    return bytes ? *bytes : "(" + bytes.error().message() + ")";
  }

  bool exists(const std::string& path) const { return files.read(path).has_value(); }

  FileSystem files;
};

TEST(HdfsDisk, UnflushedBytesAreGoneWithTheirWriter) {
  Disk disk(StorageKind::kHdfs);
  disk.write("log", "abc");
  disk.files.writer_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_EQ(disk.found("log"), "");
}

TEST(HdfsDisk, FlushedBytesOutliveTheirWriterUnderEveryOutcome) {
  for (const DiskOutcome outcome :
       {DiskOutcome::kDropUnsynced, DiskOutcome::kKeepUnsynced, DiskOutcome::kTornUnsynced}) {
    Disk disk(StorageKind::kHdfs);
    disk.write("log", "abc");
    ASSERT_TRUE(disk.files.flush(kWriter, "log"));
    disk.files.writer_died(kWriter, outcome);
    EXPECT_EQ(disk.found("log"), "abc");
  }
}

TEST(HdfsDisk, TheTailAfterTheLastFlushIsWhatADeathTakes) {
  Disk disk(StorageKind::kHdfs);
  disk.write("log", "abc");
  ASSERT_TRUE(disk.files.flush(kWriter, "log"));
  ASSERT_TRUE(disk.files.append(kWriter, "log", "def"));
  disk.files.writer_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_EQ(disk.found("log"), "abc");
}

TEST(HdfsDisk, ClosingMakesBytesDurable) {
  Disk disk(StorageKind::kHdfs);
  disk.write_and_close("log", "abc");
  disk.files.writer_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_EQ(disk.found("log"), "abc");
}

TEST(HdfsDisk, UnflushedBytesMayHaveBeenWrittenOut) {
  Disk disk(StorageKind::kHdfs);
  disk.write("log", "abc");
  disk.files.writer_died(kWriter, DiskOutcome::kKeepUnsynced);
  EXPECT_EQ(disk.found("log"), "abc");
}

TEST(HdfsDisk, AReaderDoesNotSeeWhatIsNotFlushed) {
  Disk disk(StorageKind::kHdfs);
  disk.write("log", "abc");
  EXPECT_EQ(disk.found("log"), "");
  ASSERT_TRUE(disk.files.flush(kWriter, "log"));
  EXPECT_EQ(disk.found("log"), "abc");
}

TEST(HdfsDisk, AFileExistsFromItsCreationEvenIfItsWriterDies) {
  Disk disk(StorageKind::kHdfs);
  ASSERT_TRUE(disk.files.create(kWriter, "log"));
  disk.files.writer_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_THAT(disk.files.list(""), ElementsAre("log"));
}

TEST(HdfsDisk, ARenameIsDurableAtOnce) {
  Disk disk(StorageKind::kHdfs);
  disk.write_and_close("temp", "abc");
  ASSERT_TRUE(disk.files.rename("temp", "checkpoint"));
  disk.files.machine_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_THAT(disk.files.list(""), ElementsAre("checkpoint"));
  EXPECT_EQ(disk.found("checkpoint"), "abc");
}

TEST(HdfsDisk, AWriterWhoseFileWasRemovedIsTold) {
  Disk disk(StorageKind::kHdfs);
  disk.write("log", "abc");
  ASSERT_TRUE(disk.files.remove("log"));
  EXPECT_EQ(disk.files.append(kWriter, "log", "def").error(), Errc::kNotFound);
  EXPECT_EQ(disk.files.close(kWriter, "log").error(), Errc::kNotFound);
}

TEST(HdfsDisk, TheDeathOfOneLifeTouchesNoFileOfAnother) {
  Disk disk(StorageKind::kHdfs);
  disk.write("log", "abc");
  disk.files.writer_died(kNextLife, DiskOutcome::kDropUnsynced);
  ASSERT_TRUE(disk.files.flush(kWriter, "log"));
  EXPECT_EQ(disk.found("log"), "abc");
}

TEST(S3Disk, AnObjectThatIsNotClosedNeverExists) {
  for (const DiskOutcome outcome :
       {DiskOutcome::kDropUnsynced, DiskOutcome::kKeepUnsynced, DiskOutcome::kTornUnsynced}) {
    Disk disk(StorageKind::kS3);
    disk.write("object", "abc");
    ASSERT_TRUE(disk.files.flush(kWriter, "object"));
    EXPECT_FALSE(disk.exists("object"));
    disk.files.writer_died(kWriter, outcome);
    EXPECT_THAT(disk.files.list(""), IsEmpty());
  }
}

TEST(S3Disk, ClosingPutsTheWholeObject) {
  Disk disk(StorageKind::kS3);
  disk.write_and_close("object", "abc");
  disk.files.writer_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_EQ(disk.found("object"), "abc");
}

TEST(S3Disk, OfTwoWritersOfOneObjectTheLastToCloseWins) {
  Disk disk(StorageKind::kS3);
  disk.write("object", "first");
  ASSERT_TRUE(disk.files.create(kNextLife, "object"));
  ASSERT_TRUE(disk.files.append(kNextLife, "object", "second"));
  ASSERT_TRUE(disk.files.close(kNextLife, "object"));
  EXPECT_EQ(disk.found("object"), "second");
  ASSERT_TRUE(disk.files.close(kWriter, "object"));
  EXPECT_EQ(disk.found("object"), "first");
}

TEST(S3Disk, ARenameThatStopsHalfwayLeavesBothNames) {
  Disk disk(StorageKind::kS3);
  disk.write_and_close("temp", "abc");
  ASSERT_TRUE(disk.files.copy("temp", "checkpoint"));
  disk.files.writer_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_THAT(disk.files.list(""), ElementsAre("checkpoint", "temp"));
  EXPECT_EQ(disk.found("checkpoint"), "abc");
  EXPECT_EQ(disk.found("temp"), "abc");
}

TEST(S3Disk, CannotRenameInOne) {
  Disk disk(StorageKind::kS3);
  disk.write_and_close("temp", "abc");
  EXPECT_THROW((void)disk.files.rename("temp", "checkpoint"), engine::InvariantViolation);
}

TEST(LocalDisk, BytesSurviveTheProcessWithoutAFlush) {
  Disk disk(StorageKind::kLocal);
  disk.write("log", "abc");
  EXPECT_EQ(disk.found("log"), "abc");
  disk.files.writer_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_EQ(disk.found("log"), "abc");
}

TEST(LocalDisk, UnflushedBytesDieWithTheMachineLongAfterTheirWriter) {
  Disk disk(StorageKind::kLocal);
  disk.write("log", "abc");
  ASSERT_TRUE(disk.files.flush(kWriter, "log"));
  ASSERT_TRUE(disk.files.append(kWriter, "log", "def"));
  disk.files.writer_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_EQ(disk.found("log"), "abcdef");
  disk.files.machine_died(kNextLife, DiskOutcome::kDropUnsynced);
  EXPECT_EQ(disk.found("log"), "abc");
}

TEST(LocalDisk, ClosingIsNoFlush) {
  Disk disk(StorageKind::kLocal);
  disk.write("log", "");
  ASSERT_TRUE(disk.files.flush(kWriter, "log"));
  ASSERT_TRUE(disk.files.append(kWriter, "log", "abc"));
  ASSERT_TRUE(disk.files.close(kWriter, "log"));
  disk.files.machine_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_EQ(disk.found("log"), "");
}

TEST(LocalDisk, ANewFileWithoutAFlushIsNotThereAfterTheMachineDied) {
  Disk disk(StorageKind::kLocal);
  disk.write_and_close("log", "abc");
  disk.files.machine_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_THAT(disk.files.list(""), IsEmpty());
}

TEST(LocalDisk, ARenameThatNothingWasFlushedAfterIsUndone) {
  Disk disk(StorageKind::kLocal);
  disk.write("temp", "abc");
  ASSERT_TRUE(disk.files.flush(kWriter, "temp"));
  ASSERT_TRUE(disk.files.rename("temp", "checkpoint"));
  EXPECT_THAT(disk.files.list(""), ElementsAre("checkpoint"));
  disk.files.machine_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_THAT(disk.files.list(""), ElementsAre("temp"));
  EXPECT_EQ(disk.found("temp"), "abc");
}

TEST(LocalDisk, AFlushOfTheRenamedFileMakesTheRenameDurable) {
  Disk disk(StorageKind::kLocal);
  disk.write("temp", "abc");
  ASSERT_TRUE(disk.files.rename("temp", "checkpoint"));
  ASSERT_TRUE(disk.files.flush(kWriter, "temp"));
  disk.files.machine_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_THAT(disk.files.list(""), ElementsAre("checkpoint"));
  EXPECT_EQ(disk.found("checkpoint"), "abc");
}

TEST(LocalDisk, ARemovalThatNothingWasFlushedAfterIsUndone) {
  Disk disk(StorageKind::kLocal);
  disk.write("log", "abc");
  ASSERT_TRUE(disk.files.flush(kWriter, "log"));
  ASSERT_TRUE(disk.files.close(kWriter, "log"));
  ASSERT_TRUE(disk.files.remove("log"));
  EXPECT_FALSE(disk.exists("log"));
  disk.files.machine_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_EQ(disk.found("log"), "abc");
}

TEST(LocalDisk, AChangeThatADeathUndidDoesNotComeBack) {
  Disk disk(StorageKind::kLocal);
  disk.write("lost", "abc");
  disk.files.machine_died(kWriter, DiskOutcome::kDropUnsynced);
  ASSERT_TRUE(disk.files.create(kNextLife, "log"));
  ASSERT_TRUE(disk.files.flush(kNextLife, "log"));
  disk.files.machine_died(kNextLife, DiskOutcome::kDropUnsynced);
  EXPECT_THAT(disk.files.list(""), ElementsAre("log"));
}

TEST(LocalDisk, ARenameBeforeTheBytesIsFoundTornUnderTheNewName) {
  bool torn = false;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    FileSystem files(StorageKind::kLocal, seed);
    ASSERT_TRUE(files.create(kWriter, "temp"));
    ASSERT_TRUE(files.append(kWriter, "temp", "abc"));
    ASSERT_TRUE(files.close(kWriter, "temp"));
    ASSERT_TRUE(files.rename("temp", "checkpoint"));
    files.machine_died(kWriter, DiskOutcome::kTornUnsynced);
    const auto found = files.read("checkpoint");
    torn = torn || (found && *found != "abc");
  }
  EXPECT_TRUE(torn);
}

TEST(Disk, ListsByPrefixInOrderOfBytes) {
  for (const StorageKind kind : {StorageKind::kHdfs, StorageKind::kS3, StorageKind::kLocal}) {
    Disk disk(kind);
    for (const char* path : {"dir/b", "dir/a", "dir/\xc3\xa9", "dir/B", "dirt", "other"}) {
      disk.write_and_close(path, "");
    }
    EXPECT_THAT(disk.files.list("dir/"), ElementsAre("dir/B", "dir/a", "dir/b", "dir/\xc3\xa9"));
    EXPECT_THAT(disk.files.list("none"), IsEmpty());
  }
}

TEST(Disk, NamesAreNeitherInventedNorOverwritten) {
  Disk disk(StorageKind::kHdfs);
  disk.write_and_close("a", "1");
  disk.write_and_close("b", "2");
  EXPECT_EQ(disk.files.create(kNextLife, "a").error(), Errc::kAlreadyExists);
  EXPECT_EQ(disk.files.rename("a", "b").error(), Errc::kAlreadyExists);
  EXPECT_EQ(disk.files.rename("none", "c").error(), Errc::kNotFound);
  EXPECT_EQ(disk.files.remove("none").error(), Errc::kNotFound);
  EXPECT_EQ(disk.files.read("none").error(), Errc::kNotFound);
  EXPECT_EQ(disk.found("a"), "1");
  EXPECT_EQ(disk.found("b"), "2");
}

TEST(Disk, AFileThatALifeHasNotOpenIsNotWrittenToByIt) {
  Disk disk(StorageKind::kHdfs);
  disk.write("log", "abc");
  EXPECT_THROW((void)disk.files.append(kNextLife, "log", "x"), engine::InvariantViolation);
  disk.files.writer_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_THROW((void)disk.files.append(kWriter, "log", "x"), engine::InvariantViolation);
}

TEST(Disk, AFullStorageTakesNothingMoreAndLosesNothing) {
  for (const StorageKind kind : {StorageKind::kHdfs, StorageKind::kS3, StorageKind::kLocal}) {
    Disk disk(kind);
    disk.files.limit_capacity(6);
    disk.write("log", "abc");
    EXPECT_EQ(disk.files.append(kWriter, "log", "defg").error(), Errc::kNoSpace);
    ASSERT_TRUE(disk.files.append(kWriter, "log", "def"));
    EXPECT_EQ(disk.files.create(kWriter, "more").error(), Errc::kNoSpace);
    ASSERT_TRUE(disk.files.close(kWriter, "log"));
    EXPECT_EQ(disk.found("log"), "abcdef");
    ASSERT_TRUE(disk.files.remove("log"));
    EXPECT_TRUE(disk.files.create(kWriter, "more"));
  }
}

TEST(S3Disk, AFullStorageRefusesTheCopyOfARename) {
  Disk disk(StorageKind::kS3);
  disk.write_and_close("temp", "abc");
  disk.files.limit_capacity(5);
  EXPECT_EQ(disk.files.copy("temp", "checkpoint").error(), Errc::kNoSpace);
  EXPECT_THAT(disk.files.list(""), ElementsAre("temp"));
}

TEST(HdfsDisk, ATornTailTakesEveryLength) {
  std::vector<bool> seen(4, false);
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    FileSystem files(StorageKind::kHdfs, seed);
    ASSERT_TRUE(files.create(kWriter, "log"));
    ASSERT_TRUE(files.append(kWriter, "log", "abc"));
    files.writer_died(kWriter, DiskOutcome::kTornUnsynced);
    const auto found = files.read("log");
    ASSERT_TRUE(found);
    seen[found->size()] = true;
  }
  EXPECT_THAT(seen, ElementsAre(true, true, true, true));
}

TEST(HdfsDisk, WhatIsTornOfAFileDependsOnNoOtherTear) {
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    FileSystem alone(StorageKind::kHdfs, seed);
    FileSystem with_another(StorageKind::kHdfs, seed);
    ASSERT_TRUE(with_another.create(kNextLife, "another"));
    ASSERT_TRUE(with_another.append(kNextLife, "another", "abcdefgh"));
    with_another.writer_died(kNextLife, DiskOutcome::kTornUnsynced);
    for (FileSystem* const files : {&alone, &with_another}) {
      ASSERT_TRUE(files->create(kWriter, "log"));
      ASSERT_TRUE(files->append(kWriter, "log", "abcdefgh"));
      files->writer_died(kWriter, DiskOutcome::kTornUnsynced);
    }
    EXPECT_EQ(*alone.read("log"), *with_another.read("log"));
  }
}

// What is appended and how much of it is flushed, for every kind and outcome.
RC_GTEST_PROP(Disk,
              ADeathLeavesAPrefixThatHoldsWhatWasFlushed,
              (const std::vector<std::string>& pieces, std::size_t flushed_count)) {
  const auto kind = *rc::gen::element(StorageKind::kHdfs, StorageKind::kLocal);
  const auto outcome = *rc::gen::element(
      DiskOutcome::kDropUnsynced, DiskOutcome::kKeepUnsynced, DiskOutcome::kTornUnsynced);
  Disk disk(kind);
  RC_ASSERT(disk.files.create(kWriter, "log").has_value());
  RC_ASSERT(disk.files.flush(kWriter, "log").has_value());
  std::string all;
  std::size_t flushed_bytes = 0;
  for (std::size_t piece = 0; piece < pieces.size(); ++piece) {
    RC_ASSERT(disk.files.append(kWriter, "log", pieces[piece]).has_value());
    all += pieces[piece];
    if (piece < flushed_count % (pieces.size() + 1)) {
      RC_ASSERT(disk.files.flush(kWriter, "log").has_value());
      flushed_bytes = all.size();
    }
  }
  disk.files.machine_died(kWriter, outcome);
  const std::string left = disk.found("log");
  RC_ASSERT(all.starts_with(left));
  RC_ASSERT(left.size() >= flushed_bytes);
  RC_ASSERT(outcome != DiskOutcome::kDropUnsynced || left.size() == flushed_bytes);
  RC_ASSERT(outcome != DiskOutcome::kKeepUnsynced || left == all);
}

// The local directory after a machine's death is the directory after some number of changes.
RC_GTEST_PROP(LocalDisk, ADeathLeavesTheNamesAfterSomePrefixOfTheChanges, ()) {
  Disk disk(StorageKind::kLocal);
  std::vector<std::vector<std::string>> history{{}};
  std::size_t forced = 0;
  const auto changes = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12));
  for (const int change : changes) {
    const std::string name(1, static_cast<char>('a' + change % 3));
    const std::string other(1, static_cast<char>('a' + (change + 1) % 3));
    if (change < 3) {
      if (disk.files.create(kWriter, name)) {
        history.push_back(disk.files.list(""));
      }
    } else if (change < 6) {
      if (disk.files.rename(name, other)) {
        history.push_back(disk.files.list(""));
      }
    } else if (change < 9) {
      if (disk.files.remove(name)) {
        history.push_back(disk.files.list(""));
      }
    } else if (disk.files.create(kWriter, "flushed " + std::to_string(history.size()))) {
      history.push_back(disk.files.list(""));
      const std::string last = "flushed " + std::to_string(history.size() - 1);
      RC_ASSERT(disk.files.flush(kWriter, last).has_value());
      forced = history.size() - 1;
    }
  }
  disk.files.machine_died(kWriter, DiskOutcome::kTornUnsynced);
  const auto found = std::find(
      history.begin() + static_cast<std::ptrdiff_t>(forced), history.end(), disk.files.list(""));
  RC_ASSERT(found != history.end());
}

// --- Flipped bits ------------------------------------------------------------------------------

int bits_that_differ(const std::string& left, const std::string& right) {
  int count = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const auto difference = static_cast<unsigned char>(left[i] ^ right[i]);
    count += std::popcount(difference);
  }
  return count;
}

TEST(FlippedBit, IsOneBitOfOneFileThatMatchesAndComesBackWhenItIsFlippedAgain) {
  Disk disk(StorageKind::kHdfs);
  disk.write_and_close("checkpoint-1", "abcdef");
  disk.write_and_close("log-1", "ghijkl");
  const auto flipped = disk.files.flip_bit("log", 7);
  ASSERT_TRUE(flipped);
  EXPECT_EQ(flipped->path, "log-1");
  EXPECT_EQ(disk.found("checkpoint-1"), "abcdef");
  EXPECT_EQ(bits_that_differ(disk.found("log-1"), "ghijkl"), 1);
}

TEST(FlippedBit, ThereIsNoneWhereAReaderFindsNoBytes) {
  Disk disk(StorageKind::kHdfs);
  EXPECT_FALSE(disk.files.flip_bit("", 7));
  disk.write("log", "not flushed");
  EXPECT_FALSE(disk.files.flip_bit("", 7));
  ASSERT_TRUE(disk.files.flush(kWriter, "log"));
  EXPECT_FALSE(disk.files.flip_bit("checkpoint", 7));
  EXPECT_TRUE(disk.files.flip_bit("", 7));
}

TEST(FlippedBit, OnALocalDiskMayBeOneThatIsNotFlushed) {
  Disk disk(StorageKind::kLocal);
  disk.write("log", "abc");
  EXPECT_TRUE(disk.files.flip_bit("", 7));
}

TEST(FlippedBit, SurvivesAsLongAsTheByteDoes) {
  Disk disk(StorageKind::kHdfs);
  disk.write_and_close("log", "abc");
  ASSERT_TRUE(disk.files.flip_bit("", 7));
  const std::string flipped = disk.found("log");
  ASSERT_TRUE(disk.files.rename("log", "renamed"));
  disk.files.machine_died(kWriter, DiskOutcome::kDropUnsynced);
  EXPECT_EQ(disk.found("renamed"), flipped);
}

// By content and not by order: what else the disk holds, and when it was written, has no say, and
// every bit has its key.
RC_GTEST_PROP(FlippedBit, FollowsFromTheFilesThatMatch, ()) {
  const auto key = *rc::gen::arbitrary<std::uint64_t>().as("key");
  const auto gen_bytes = rc::gen::nonEmpty(rc::gen::string<std::string>());
  const std::string first = *gen_bytes.as("first");
  const std::string second = *gen_bytes.as("second");
  Disk disk(StorageKind::kHdfs);
  disk.write_and_close("log-1", first);
  disk.write_and_close("log-2", second);
  Disk other(StorageKind::kHdfs);
  other.write_and_close("log-2", second);
  other.write_and_close("checkpoint", second);
  other.write_and_close("log-1", first);
  const auto flipped = disk.files.flip_bit("log", key);
  const auto flipped_of_other = other.files.flip_bit("log", key);
  RC_ASSERT(flipped->path == flipped_of_other->path);
  RC_ASSERT(flipped->bit == flipped_of_other->bit);
  const std::string& before = flipped->path == "log-1" ? first : second;
  RC_ASSERT(bits_that_differ(disk.found(flipped->path), before) == 1);
  RC_ASSERT(disk.found(flipped->path) == other.found(flipped->path));
  RC_CLASSIFY(flipped->path == "log-1", "the first file");
}

}  // namespace
