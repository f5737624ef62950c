// tests/unit/checkpoint_test.cpp
//
// The bytes of a checkpoint and the names of its files, by the invariants of
// engine/driver/checkpoint.h.

#include "engine/driver/checkpoint.h"

#include <cstddef>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/lone_process.h"

namespace {

using engine::Checkpoint;
using engine::Errc;
using testing::ElementsAre;
using testing::IsEmpty;
using tests::batch_at_ms;

constexpr std::int32_t kVersion = 3;

Checkpoint sample() {
  Checkpoint checkpoint;
  checkpoint.time = batch_at_ms(7000);
  checkpoint.zero_time = batch_at_ms(1000);
  checkpoint.pending_times = {batch_at_ms(6000), batch_at_ms(7000)};
  checkpoint.stream.current_offsets = {{.partition = 0, .offset = {17}},
                                       {.partition = 1, .offset = {4}}};
  checkpoint.stream.batch_for_time[batch_at_ms(7000)] = {
      {.partition = 0, .from = {11}, .until = {17}}, {.partition = 1, .from = {4}, .until = {4}}};
  checkpoint.rate = {.first_run = false,
                     .latest_time = tests::at_ms(6900),
                     .latest_rate = 812.5,
                     .latest_error = -3.25};
  return checkpoint;
}

// C1. A file that ends early is what a crash inside a write leaves.
TEST(CheckpointCodec, EveryTruncationIsRefused) {
  const std::string bytes = engine::encode(sample(), kVersion);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = engine::decode(bytes.substr(0, size), kVersion);
    ASSERT_FALSE(decoded.has_value()) << size << " of " << bytes.size() << " bytes";
    EXPECT_EQ(decoded.error(), Errc::kCorrupt) << size;
  }
}

TEST(CheckpointCodec, EveryFlippedBitIsRefused) {
  const std::string bytes = engine::encode(sample(), kVersion);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto decoded = engine::decode(damaged, kVersion);
    ASSERT_FALSE(decoded.has_value()) << "bit " << bit;
    EXPECT_EQ(decoded.error(), Errc::kCorrupt) << "bit " << bit;
  }
}

TEST(CheckpointCodec, BytesBehindTheEndAreRefused) {
  const std::string bytes = engine::encode(sample(), kVersion);
  for (const char extra : {'\0', 'x'}) {
    EXPECT_EQ(engine::decode(bytes + extra, kVersion).error(), Errc::kCorrupt);
  }
}

// C2. The damage is looked for first: a damaged file of another version is damaged.
TEST(CheckpointCodec, AnotherApplicationVersionIsIncompatibleAndNotCorrupt) {
  std::string bytes = engine::encode(sample(), kVersion);
  EXPECT_EQ(engine::decode(bytes, kVersion + 1).error(), Errc::kIncompatible);
  bytes.pop_back();
  EXPECT_EQ(engine::decode(bytes, kVersion + 1).error(), Errc::kCorrupt);
}

TEST(CheckpointCodec, TheOwnVersionIsRead) {
  const auto decoded = engine::decode(engine::encode(sample(), kVersion), kVersion);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->time, batch_at_ms(7000));
  EXPECT_THAT(decoded->pending_times, ElementsAre(batch_at_ms(6000), batch_at_ms(7000)));
}

std::vector<std::string> paths_of(const std::vector<engine::CheckpointFile>& files) {
  std::vector<std::string> paths;
  for (const engine::CheckpointFile& file : files) {
    paths.push_back(file.path);
  }
  return paths;
}

TEST(CheckpointFiles, AreOrderedByTimeWithTheBackupBeforeItsOriginal) {
  const std::vector<std::string> listed{"checkpoint/checkpoint-10000",
                                        "checkpoint/checkpoint-2000",
                                        "checkpoint/checkpoint-2000.bk",
                                        "checkpoint/checkpoint-9000.bk"};
  EXPECT_THAT(paths_of(engine::checkpoint_files(listed)),
              ElementsAre("checkpoint/checkpoint-2000.bk",
                          "checkpoint/checkpoint-2000",
                          "checkpoint/checkpoint-9000.bk",
                          "checkpoint/checkpoint-10000"));
}

TEST(CheckpointFiles, OtherNamesAreNone) {
  const std::vector<std::string> listed{"checkpoint/temp",
                                        "checkpoint/checkpoint-",
                                        "checkpoint/checkpoint-12x",
                                        "checkpoint/checkpoint-12.bk.bk",
                                        "other/checkpoint-12"};
  EXPECT_THAT(engine::checkpoint_files(listed), IsEmpty());
}

TEST(CheckpointFiles, TheNameOfABatchIsFoundAgain) {
  const auto files = engine::checkpoint_files({engine::checkpoint_path(batch_at_ms(12'345))});
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].time, batch_at_ms(12'345));
  EXPECT_FALSE(files[0].backup);
}

}  // namespace
