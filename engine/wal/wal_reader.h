// engine/wal/wal_reader.h
//
// The bytes of a log file: for each record its length in four bytes, most significant first, and
// then the record. No checksum, no sequence number (Spark: FileBasedWriteAheadLogWriter, ...Reader,
// ...RandomReader). engine/wal/checked_record.h has both.
//
// Hazard    A torn record at the end of a file is told from a whole one by its length alone. Once
//           something is appended behind it, it is not told any more: its length swallows the
//           beginning of its successor.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/result.h"
#include "engine/wal/wal_record.h"

namespace engine {

// What a record is longer by in a file.
inline constexpr std::int64_t kWalFrameBytes = sizeof(std::uint32_t);

// Requires  the record is shorter than 2 GiB.
std::string frame_record(std::string_view record);

// The records of a file from its beginning. A file that ends within a record ends before it, and
// nobody is told.
// Errors    kCorrupt: a negative length.
Result<std::vector<std::string>> records_in(std::string_view file);

// Errors    kCorrupt: the length at the offset is not the handle's, or the file ends too early.
Result<std::string> record_at(std::string_view file, const WalRecordHandle& handle);

}  // namespace engine
