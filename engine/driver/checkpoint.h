// engine/driver/checkpoint.h
//
// The driver's metadata at one instant, and its bytes (Spark: class Checkpoint). It holds offset
// ranges, never data: its size depends on batches and partitions, not on records.
//
// Invariants
//   C1  Whole or refused.  decode() returns what encode() was given, or an error: a torn or
//                          damaged file never yields a checkpoint.
//   C2  Same application.  a checkpoint of another application version is refused.
// tests/unit/checkpoint_test.cpp checks each by name.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/driver/rate_estimator.h"
#include "engine/ports/result.h"
#include "engine/ports/vocabulary.h"

namespace engine {

// The ranges of one batch, by partition.
using BatchRanges = std::vector<OffsetRange>;

// DirectKafkaInputDStream's part: currentOffsets and batchForTime.
struct DirectStreamState {
  std::vector<PartitionOffset> current_offsets;
  std::map<BatchTime, BatchRanges> batch_for_time;
};

struct Checkpoint {
  BatchTime time;
  BatchTime zero_time;
  std::vector<BatchTime> pending_times;  // generated, not completed
  DirectStreamState stream;
  RateEstimator::State rate;
};

std::string encode(const Checkpoint& checkpoint, std::int32_t application_version);

// Errors    kCorrupt: C1. kIncompatible: C2.
Result<Checkpoint> decode(std::string_view bytes, std::int32_t application_version);

// "checkpoint/checkpoint-3000", by milliseconds of the batch time; the backup has ".bk" behind it.
inline constexpr std::string_view kCheckpointPrefix = "checkpoint/checkpoint-";
inline constexpr std::string_view kCheckpointTemp = "checkpoint/temp";
inline constexpr std::string_view kCheckpointBackupSuffix = ".bk";

std::string checkpoint_path(BatchTime time);

struct CheckpointFile {
  std::string path;
  BatchTime time;
  bool backup = false;
};

// The checkpoint files among `paths`, oldest first; a backup before its original.
std::vector<CheckpointFile> checkpoint_files(std::vector<std::string> paths);

}  // namespace engine
