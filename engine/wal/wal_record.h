// engine/wal/wal_record.h
//
// Where a record lies in a log (Spark: FileBasedWriteAheadLogSegment).

#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace engine {

struct WalRecordHandle {
  std::string path;
  std::int64_t offset = 0;  // of the length word before the record
  std::int64_t length = 0;  // of the record
  auto operator<=>(const WalRecordHandle&) const = default;
};

}  // namespace engine
