#include "engine/wal/wal_reader.h"

#include <cstdint>

#include "engine/bytes.h"
#include "engine/ports/invariant.h"

namespace engine {
namespace {

constexpr std::size_t kLengthBytes = sizeof(std::int32_t);

}  // namespace

std::string frame_record(std::string_view record) {
  INVARIANT(record.size() <= INT32_MAX, "a record of {} bytes does not fit", record.size());
  ByteWriter writer;
  writer.reserve(kLengthBytes + record.size());
  writer.put_string(record);
  return writer.take();
}

Result<std::vector<std::string>> records_in(std::string_view file) {
  std::vector<std::string> records;
  while (file.size() >= kLengthBytes) {
    const auto length = ByteReader(file).get<std::int32_t>();
    if (length < 0) {
      return Errc::kCorrupt;
    }
    file.remove_prefix(kLengthBytes);
    const auto size = static_cast<std::size_t>(length);
    if (size > file.size()) {
      break;
    }
    records.emplace_back(file.substr(0, size));
    file.remove_prefix(size);
  }
  return records;
}

Result<std::string> record_at(std::string_view file, const WalRecordHandle& handle) {
  if (handle.offset < 0 || handle.length < 0) {
    return Errc::kCorrupt;
  }
  const auto offset = static_cast<std::size_t>(handle.offset);
  const auto size = static_cast<std::size_t>(handle.length);
  if (offset > file.size() || file.size() - offset < kLengthBytes) {
    return Errc::kCorrupt;
  }
  file.remove_prefix(offset);
  const std::int64_t length = ByteReader(file).get<std::int32_t>();
  file.remove_prefix(kLengthBytes);
  if (length != handle.length || size > file.size()) {
    return Errc::kCorrupt;
  }
  return std::string(file.substr(0, size));
}

}  // namespace engine
