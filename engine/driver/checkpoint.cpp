#include "engine/driver/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

namespace engine {
namespace {

constexpr std::uint32_t kMagic = 0x3143504f;  // "OPC1"
constexpr std::size_t kChecksumBytes = sizeof(std::uint64_t);

class Writer {
 public:
  Writer() { bytes_.reserve(kTypicalBytes); }

  template <class T>
  void put(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    bytes_.append(raw, sizeof(T));
  }

  void put(BatchTime time) { put(time.at.time_since_epoch().count()); }

  void put(const OffsetRange& range) {
    put(range.partition);
    put(range.from.value);
    put(range.until.value);
  }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

  std::string take() { return std::move(bytes_); }

 private:
  static constexpr std::size_t kTypicalBytes = 512;

  std::string bytes_;
};

// Reads what Writer wrote. Past the end it yields zeros and remembers that it did.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T get() {
    T value{};
    if (bytes_.size() < sizeof(T)) {
      whole_ = false;
      bytes_ = {};
      return value;
    }
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_.remove_prefix(sizeof(T));
    return value;
  }

  BatchTime get_time() { return {Instant{Duration{get<std::int64_t>()}}}; }

  OffsetRange get_range() {
    OffsetRange range;
    range.partition = get<PartitionId>();
    range.from.value = get<std::int64_t>();
    range.until.value = get<std::int64_t>();
    return range;
  }

  // A count of items that each take at least `item_bytes`: never more than can follow.
  std::size_t get_count(std::size_t item_bytes) {
    const auto count = get<std::uint32_t>();
    if (count > bytes_.size() / item_bytes) {
      whole_ = false;
      return 0;
    }
    return count;
  }

  [[nodiscard]] bool ended_whole() const { return whole_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool whole_ = true;
};

constexpr std::size_t kTimeBytes = sizeof(std::int64_t);
constexpr std::size_t kRangeBytes = sizeof(PartitionId) + 2 * sizeof(std::int64_t);

std::uint32_t count_of(std::size_t size) {
  return static_cast<std::uint32_t>(size);
}

void put_stream(Writer& writer, const DirectStreamState& stream) {
  writer.put(count_of(stream.current_offsets.size()));
  for (const PartitionOffset& entry : stream.current_offsets) {
    writer.put(entry.partition);
    writer.put(entry.offset.value);
  }
  writer.put(count_of(stream.batch_for_time.size()));
  for (const auto& [time, ranges] : stream.batch_for_time) {
    writer.put(time);
    writer.put(count_of(ranges.size()));
    for (const OffsetRange& range : ranges) {
      writer.put(range);
    }
  }
}

DirectStreamState get_stream(Reader& reader) {
  DirectStreamState stream;
  const auto offsets = reader.get_count(sizeof(PartitionId) + sizeof(std::int64_t));
  for (std::size_t i = 0; i < offsets; ++i) {
    const auto partition = reader.get<PartitionId>();
    stream.current_offsets.push_back(
        {.partition = partition, .offset = {reader.get<std::int64_t>()}});
  }
  const auto batches = reader.get_count(kTimeBytes);
  for (std::size_t i = 0; i < batches; ++i) {
    BatchRanges& ranges = stream.batch_for_time[reader.get_time()];
    const auto count = reader.get_count(kRangeBytes);
    for (std::size_t j = 0; j < count; ++j) {
      ranges.push_back(reader.get_range());
    }
  }
  return stream;
}

void put_rate(Writer& writer, const RateEstimator::State& rate) {
  writer.put(static_cast<std::uint8_t>(rate.first_run));
  writer.put(rate.latest_time.time_since_epoch().count());
  writer.put(rate.latest_rate);
  writer.put(rate.latest_error);
}

RateEstimator::State get_rate(Reader& reader) {
  RateEstimator::State rate;
  rate.first_run = reader.get<std::uint8_t>() != 0;
  rate.latest_time = Instant{Duration{reader.get<std::int64_t>()}};
  rate.latest_rate = reader.get<double>();
  rate.latest_error = reader.get<double>();
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
  Writer writer;
  writer.put(kMagic);
  writer.put(application_version);
  writer.put(checkpoint.time);
  writer.put(checkpoint.zero_time);
  writer.put(count_of(checkpoint.pending_times.size()));
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
  Reader tail(bytes.substr(content.size()));
  if (tail.get<std::uint64_t>() != XXH3_64bits(content.data(), content.size())) {
    return Errc::kCorrupt;
  }
  Reader reader(content);
  if (reader.get<std::uint32_t>() != kMagic) {
    return Errc::kCorrupt;
  }
  if (reader.get<std::int32_t>() != application_version) {
    return Errc::kIncompatible;
  }
  Checkpoint checkpoint;
  checkpoint.time = reader.get_time();
  checkpoint.zero_time = reader.get_time();
  const auto pending = reader.get_count(kTimeBytes);
  for (std::size_t i = 0; i < pending; ++i) {
    checkpoint.pending_times.push_back(reader.get_time());
  }
  checkpoint.stream = get_stream(reader);
  checkpoint.rate = get_rate(reader);
  if (!reader.ended_whole()) {
    return Errc::kCorrupt;
  }
  return checkpoint;
}

std::string checkpoint_path(BatchTime time) {
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.at.time_since_epoch());
  return fmt::format("{}{}", kCheckpointPrefix, milliseconds.count());
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
