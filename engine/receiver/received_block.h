// engine/receiver/received_block.h
//
// A block: the records that a receiver cut off in one block interval, and what the driver knows of
// it (Spark: StreamBlockId, ReceivedBlock, ReceivedBlockInfo).

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/kafka.h"
#include "engine/ports/result.h"
#include "engine/ports/vocabulary.h"
#include "engine/wal/wal_record.h"

namespace engine {

// The records of a block, in the order of their arrival.
using BlockRecords = std::vector<ConsumerRecord>;

std::string encode_block(const BlockRecords& records);

// Errors    kCorrupt.
Result<BlockRecords> decode_block(std::string_view bytes);

// Keys and values, as the storage of a block is counted.
std::int64_t bytes_of(const BlockRecords& records);

// The records as runs of consecutive offsets, in the order of their arrival. A record that arrived
// twice is in two runs.
std::vector<OffsetRange> ranges_of(const BlockRecords& records);

struct ReceivedBlockInfo {
  BlockId block;
  std::int64_t record_count = 0;
  std::vector<OffsetRange> ranges;
  std::optional<WalRecordHandle> wal;  // empty: the block is in memory only
  bool block_id_valid = true;  // false: recovered; the block in memory died with its executor
  bool operator==(const ReceivedBlockInfo&) const = default;
};

}  // namespace engine
