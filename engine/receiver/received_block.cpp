#include "engine/receiver/received_block.h"

#include <map>

#include "engine/bytes.h"

namespace engine {
namespace {

constexpr std::size_t kStringBytes = sizeof(std::uint32_t);
constexpr std::size_t kRecordBytes =
    sizeof(PartitionId) + 2 * sizeof(std::int64_t) + 2 * kStringBytes;

}  // namespace

std::string encode_block(const BlockRecords& records) {
  ByteWriter writer;
  writer.reserve(sizeof(std::uint32_t) + records.size() * kRecordBytes +
                 static_cast<std::size_t>(bytes_of(records)));
  writer.put_count(records.size());
  for (const ConsumerRecord& record : records) {
    writer.put(record.partition);
    writer.put(record.offset.value);
    writer.put(record.timestamp);
    writer.put_string(record.key);
    writer.put_string(record.value);
  }
  return writer.take();
}

Result<BlockRecords> decode_block(std::string_view bytes) {
  ByteReader reader(bytes);
  const std::size_t count = reader.get_count(kRecordBytes);
  BlockRecords records;
  records.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    ConsumerRecord& record = records.emplace_back();
    record.partition = reader.get<PartitionId>();
    record.offset.value = reader.get<std::int64_t>();
    record.timestamp = reader.get_time();
    record.key = reader.get_string();
    record.value = reader.get_string();
  }
  if (!reader.ended_whole()) {
    return Errc::kCorrupt;
  }
  return records;
}

std::int64_t bytes_of(const BlockRecords& records) {
  std::int64_t bytes = 0;
  for (const ConsumerRecord& record : records) {
    bytes += std::ssize(record.key) + std::ssize(record.value);
  }
  return bytes;
}

std::vector<OffsetRange> ranges_of(const BlockRecords& records) {
  std::vector<OffsetRange> ranges;
  std::map<PartitionId, std::size_t> growing;  // the last run of each partition
  for (const ConsumerRecord& record : records) {
    const auto [run, first] = growing.try_emplace(record.partition, ranges.size());
    if (!first && ranges[run->second].until == record.offset) {
      ranges[run->second].until = record.offset + 1;
      continue;
    }
    run->second = ranges.size();
    ranges.push_back(
        {.partition = record.partition, .from = record.offset, .until = record.offset + 1});
  }
  return ranges;
}

}  // namespace engine
