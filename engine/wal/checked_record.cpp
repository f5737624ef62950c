#include "engine/wal/checked_record.h"

#include <algorithm>
#include <optional>

#include <boost/crc.hpp>

#include "engine/bytes.h"
#include "engine/ports/invariant.h"

namespace engine {
namespace {

constexpr std::size_t kFrameBytes = kCheckedFrameBytes;
constexpr std::size_t kCheckedBytes = kFrameBytes - sizeof(std::uint32_t);  // before the checksum

// CRC-32C, the polynomial of iSCSI, ext4 and LevelDB.
std::uint32_t checksum(std::string_view frame, std::string_view record) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(frame.data(), frame.size());
  crc.process_bytes(record.data(), record.size());
  return crc.checksum();
}

struct CheckedRecord {
  RecordNumber number;
  std::string_view record;
};

// Empty: `bytes` do not begin with a whole record.
std::optional<CheckedRecord> first_in(std::string_view bytes) {
  if (bytes.size() < kFrameBytes) {
    return std::nullopt;
  }
  ByteReader reader(bytes);
  const auto length = reader.get<std::uint32_t>();
  RecordNumber number;
  number.life = reader.get_time();
  number.number = reader.get<std::uint32_t>();
  number.index = reader.get<std::uint32_t>();
  const auto expected = reader.get<std::uint32_t>();
  if (length > bytes.size() - kFrameBytes) {
    return std::nullopt;
  }
  const std::string_view record = bytes.substr(kFrameBytes, length);
  if (checksum(bytes.substr(0, kCheckedBytes), record) != expected) {
    return std::nullopt;
  }
  return CheckedRecord{.number = number, .record = record};
}

}  // namespace

std::string frame_checked_record(std::string_view record, RecordNumber number) {
  INVARIANT(record.size() <= INT32_MAX, "a record of {} bytes does not fit", record.size());
  ByteWriter writer;
  writer.reserve(kFrameBytes + record.size());
  writer.put_count(record.size());
  writer.put(number.life);
  writer.put(number.number);
  writer.put(number.index);
  const std::uint32_t crc = checksum(writer.bytes(), record);
  writer.put(crc);
  return writer.take().append(record);
}

// A number that was seen is a write that was made again. A number that is new continues its life in
// this file, or begins it there; files between may have been cleaned, so numbers may leap from file
// to file, and indices may not leap at all.
Result<std::vector<std::string>> CheckedRecordReader::records_in(std::string_view file) {
  std::vector<std::string> records;
  std::map<Instant, std::uint32_t> next_index;
  while (file.size() >= kFrameBytes) {
    const auto found = first_in(file);
    if (!found) {
      file.remove_prefix(1);
      continue;
    }
    std::uint32_t& index = next_index[found->number.life];
    if (found->number.index > index) {
      return Errc::kCorrupt;
    }
    index = found->number.index + 1;
    std::uint32_t& next = next_number_[found->number.life];
    if (found->number.number >= next) {
      records.emplace_back(found->record);
      next = found->number.number + 1;
    }
    file.remove_prefix(kFrameBytes + found->record.size());
  }
  return records;
}

Result<std::string> checked_record_at(std::string_view file, const WalRecordHandle& handle) {
  if (handle.offset < 0 || std::cmp_greater(handle.offset, file.size())) {
    return Errc::kCorrupt;
  }
  const auto found = first_in(file.substr(static_cast<std::size_t>(handle.offset)));
  if (!found || std::ssize(found->record) != handle.length) {
    return Errc::kCorrupt;
  }
  return std::string(found->record);
}

}  // namespace engine
