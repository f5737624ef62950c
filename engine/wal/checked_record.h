// engine/wal/checked_record.h
//
// The bytes of a log file whose records can be told from what is left of others
// (LogFormat::kChecksum; LevelDB and ZooKeeper keep their logs so). Before each record:
//
//   length    4 bytes, most significant first, as everything here
//   life      8: when the log was opened that wrote it; tells the lives of a file apart
//   number    4: of the write, counted over all files of its life
//   index     4: how many records of its life the file had acknowledged before
//   checksum  4: CRC-32C of all this and of the record
//
// Invariants
//   R1  Whole.   No record is found that was not written.
//   R2  Once.    A write that was tried again is found once, in how many files it may lie.
//   R3  Told.    A record that was acknowledged and is damaged, with one of its life behind it in
//                the file, is missed by its index. What is damaged at the end is taken for torn.
// tests/property/checked_record_property_test.cpp checks each, at every byte.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/result.h"
#include "engine/ports/vocabulary.h"
#include "engine/wal/wal_record.h"

namespace engine {

struct RecordNumber {
  Instant life;
  std::uint32_t number = 0;
  std::uint32_t index = 0;
};

inline constexpr std::int64_t kCheckedFrameBytes = 24;

// Requires  the record is shorter than 2 GiB.
std::string frame_checked_record(std::string_view record, RecordNumber number);

// Reads the files of a log in their order.
class CheckedRecordReader {
 public:
  // The records of the next file. Bytes that are no record are skipped: what an attempt left that
  // was then made again, or the torn end of a life.
  // Errors    kCorrupt: a record is missing (R3).
  Result<std::vector<std::string>> records_in(std::string_view file);

 private:
  std::map<Instant, std::uint32_t> next_number_;  // by life
};

// Errors    kCorrupt: no whole record of the handle's length is there.
Result<std::string> checked_record_at(std::string_view file, const WalRecordHandle& handle);

}  // namespace engine
