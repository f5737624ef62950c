#include "engine/driver/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "engine/bytes.h"

namespace engine {
namespace {

constexpr std::uint32_t kMagic = 0x3143504f;  // "OPC1"
constexpr std::size_t kChecksumBytes = sizeof(std::uint64_t);
constexpr std::size_t kTypicalBytes = 512;

void put_stream(ByteWriter& writer, const DirectStreamState& stream) {
  writer.put_count(stream.current_offsets.size());
  for (const PartitionOffset& entry : stream.current_offsets) {
    writer.put(entry.partition);
    writer.put(entry.offset.value);
  }
  writer.put_count(stream.batch_for_time.size());
  for (const auto& [time, ranges] : stream.batch_for_time) {
    writer.put(time);
    writer.put_count(ranges.size());
    for (const OffsetRange& range : ranges) {
      writer.put(range);
    }
  }
}

DirectStreamState get_stream(ByteReader& reader) {
  DirectStreamState stream;
  const auto offsets = reader.get_count(sizeof(PartitionId) + sizeof(std::int64_t));
  for (std::size_t i = 0; i < offsets; ++i) {
    const auto partition = reader.get<PartitionId>();
    stream.current_offsets.push_back(
        {.partition = partition, .offset = {reader.get<std::int64_t>()}});
  }
  const auto batches = reader.get_count(kTimeBytes);
  for (std::size_t i = 0; i < batches; ++i) {
    BatchRanges& ranges = stream.batch_for_time[BatchTime{reader.get_time()}];
    const auto count = reader.get_count(kRangeBytes);
    for (std::size_t j = 0; j < count; ++j) {
      ranges.push_back(reader.get_range());
    }
  }
  return stream;
}

void put_rate(ByteWriter& writer, const RateEstimator::State& rate) {
  writer.put(static_cast<std::uint8_t>(rate.first_run));
  writer.put(rate.latest_time);
  writer.put(rate.latest_rate);
  writer.put(rate.latest_error);
}

RateEstimator::State get_rate(ByteReader& reader) {
  RateEstimator::State rate;
  rate.first_run = reader.get<std::uint8_t>() != 0;
  rate.latest_time = reader.get_time();
  rate.latest_rate = reader.get_double();
  rate.latest_error = reader.get_double();
  return rate;
}

// What the name of a checkpoint file says; the path itself is left empty.
std::optional<CheckpointFile> parse_name(std::string_view name) {
  if (!name.starts_with(kCheckpointPrefix)) {
    return std::nullopt;
  }
  name.remove_prefix(kCheckpointPrefix.size());
  const bool backup = name.ends_with(kCheckpointBackupSuffix);
  if (backup) {
    name.remove_suffix(kCheckpointBackupSuffix.size());
  }
  std::int64_t milliseconds = 0;
  const auto* const end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data(), end, milliseconds);
  if (parsed.ec != std::errc{} || parsed.ptr != end) {
    return std::nullopt;
  }
  return CheckpointFile{
      .path = {}, .time = {Instant{std::chrono::milliseconds(milliseconds)}}, .backup = backup};
}

}  // namespace

std::string encode(const Checkpoint& checkpoint, std::int32_t application_version) {
  ByteWriter writer;
  writer.reserve(kTypicalBytes);
  writer.put(kMagic);
  writer.put(application_version);
  writer.put(checkpoint.time);
  writer.put(checkpoint.zero_time);
  writer.put_count(checkpoint.pending_times.size());
  for (const BatchTime time : checkpoint.pending_times) {
    writer.put(time);
  }
  put_stream(writer, checkpoint.stream);
  put_rate(writer, checkpoint.rate);
  const std::uint64_t checksum = XXH3_64bits(writer.bytes().data(), writer.bytes().size());
  writer.put(checksum);
  return writer.take();
}

Result<Checkpoint> decode(std::string_view bytes, std::int32_t application_version) {
  if (bytes.size() < kChecksumBytes) {
    return Errc::kCorrupt;
  }
  const std::string_view content = bytes.substr(0, bytes.size() - kChecksumBytes);
  ByteReader tail(bytes.substr(content.size()));
  if (tail.get<std::uint64_t>() != XXH3_64bits(content.data(), content.size())) {
    return Errc::kCorrupt;
  }
  ByteReader reader(content);
  if (reader.get<std::uint32_t>() != kMagic) {
    return Errc::kCorrupt;
  }
  if (reader.get<std::int32_t>() != application_version) {
    return Errc::kIncompatible;
  }
  Checkpoint checkpoint;
  checkpoint.time = {reader.get_time()};
  checkpoint.zero_time = {reader.get_time()};
  const auto pending = reader.get_count(kTimeBytes);
  for (std::size_t i = 0; i < pending; ++i) {
    checkpoint.pending_times.push_back({reader.get_time()});
  }
  checkpoint.stream = get_stream(reader);
  checkpoint.rate = get_rate(reader);
  if (!reader.ended_whole()) {
    return Errc::kCorrupt;
  }
  return checkpoint;
}

std::string checkpoint_path(BatchTime time) {
  return fmt::format("{}{}", kCheckpointPrefix, milliseconds_of(time.at));
}

std::vector<CheckpointFile> checkpoint_files(std::vector<std::string> paths) {
  std::vector<CheckpointFile> files;
  files.reserve(paths.size());
  for (std::string& path : paths) {
    if (auto file = parse_name(path)) {
      file->path = std::move(path);
      files.push_back(std::move(*file));
    }
  }
  std::ranges::sort(files, [](const CheckpointFile& left, const CheckpointFile& right) {
    return std::tuple(left.time, !left.backup) < std::tuple(right.time, !right.backup);
  });
  return files;
}

}  // namespace engine
