#include "engine/driver/direct_kafka_stream.h"

#include <algorithm>
#include <utility>

#include "engine/kafka_source.h"
#include "engine/ports/invariant.h"

namespace engine {
namespace {

// Partition p of the topic is part p of the batch.
BatchInput to_input(const BatchRanges& ranges) {
  BatchInput input;
  input.parts.assign(ranges.begin(), ranges.end());
  input.ranges.reserve(ranges.size());
  for (const OffsetRange& range : ranges) {
    input.ranges.push_back({.range = range, .task = range.partition, .block = std::nullopt});
  }
  return input;
}

std::int64_t record_count(const BatchRanges& ranges) {
  std::int64_t count = 0;
  for (const OffsetRange& range : ranges) {
    count += range.count();
  }
  return count;
}

}  // namespace

Task<Result<>> DirectKafkaStream::start() {
  const auto latest = co_await ports_.kafka.watermarks(pipeline_.source.topic);
  if (!latest) {
    co_return latest.error();
  }
  current_offsets_.clear();
  std::vector<PartitionOffset> start;
  for (const Watermarks& marks : latest.value()) {
    const bool skips = pipeline_.protocol.unsaved_position == UnsavedPosition::kLatest;
    current_offsets_.push_back(skips ? marks.high_watermark : start_of(pipeline_.source, marks));
    start.push_back(
        {.partition = static_cast<PartitionId>(start.size()), .offset = current_offsets_.back()});
  }
  const auto saved = co_await keeper_.load();
  if (!saved) {
    co_return saved.error();
  }
  for (const PartitionOffset& entry : saved.value()) {
    current_offsets_.at(index_of(entry.partition)) = entry.offset;
    std::erase_if(start, [&entry](const PartitionOffset& unsaved) {
      return unsaved.partition == entry.partition;
    });
  }
  if (start.empty()) {
    co_return Result<>{};
  }
  co_return co_await keeper_.reserve(std::move(start));
}

Task<Result<>> DirectKafkaStream::restore(const Checkpoint* checkpoint) {
  const DirectStreamState& state = checkpoint->stream;
  current_offsets_.assign(index_of(pipeline_.source.partitions), Offset{});
  for (const PartitionOffset& entry : state.current_offsets) {
    current_offsets_.at(index_of(entry.partition)) = entry.offset;
  }
  if (pipeline_.protocol.range_recovery == RangeRecovery::kRestored) {
    generated_ = state.batch_for_time;
  }
  if (pipeline_.protocol.restart_position == RestartPosition::kCheckpoint) {
    co_return Result<>{};
  }
  co_return co_await seek_to_saved();
}

Task<Result<>> DirectKafkaStream::seek_to_saved() {
  const auto saved = co_await keeper_.load();
  if (!saved) {
    co_return saved.error();
  }
  for (const PartitionOffset& entry : saved.value()) {
    current_offsets_.at(index_of(entry.partition)) = entry.offset;
  }
  co_return Result<>{};
}

// The order of DirectKafkaInputDStream.compute: latest offsets, clamp, remember, move the position,
// then send the commits that earlier batches queued. In a log that was cut back below the position
// a range ends before it begins: its task fails, the batch with it, and the next one starts behind
// the new end. Only a batch that would have fewer records than none is not planned
// (StreamInputInfo), and the position stays.
Task<Result<BatchInput>> DirectKafkaStream::get_or_compute(BatchTime batch) {
  const auto remembered = generated_.find(batch);
  if (remembered != generated_.end()) {
    co_return to_input(remembered->second);
  }
  const auto latest = co_await ports_.kafka.watermarks(pipeline_.source.topic);
  if (!latest) {
    co_return latest.error();
  }
  const BatchRanges ranges = plan(latest.value());
  if (record_count(ranges) < 0) {
    co_return Errc::kOffsetOutOfRange;
  }
  move_to_end_of(ranges);
  generated_[batch] = ranges;
  keeper_.flush();
  co_return to_input(ranges);
}

BatchRanges DirectKafkaStream::plan(const std::vector<Watermarks>& latest) const {
  INVARIANT(latest.size() == current_offsets_.size(),
            "{} partitions answered, {} are known",
            latest.size(),
            current_offsets_.size());
  const auto limit = limits(latest);
  BatchRanges ranges;
  ranges.reserve(latest.size());
  for (std::size_t i = 0; i < latest.size(); ++i) {
    const Offset from = current_offsets_[i];
    Offset until = latest[i].high_watermark;
    if (limit[i]) {
      until = std::min(until, from + *limit[i]);
    }
    ranges.push_back({.partition = static_cast<PartitionId>(i), .from = from, .until = until});
  }
  return ranges;
}

void DirectKafkaStream::move_to_end_of(const BatchRanges& ranges) {
  for (const OffsetRange& range : ranges) {
    current_offsets_.at(index_of(range.partition)) = range.until;
  }
}

// maxMessagesPerPartition: the estimated rate is shared out by lag, and never exceeds the fixed
// limit.
std::vector<std::optional<std::int64_t>> DirectKafkaStream::limits(
    const std::vector<Watermarks>& latest) const {
  std::vector<std::optional<std::int64_t>> limit(latest.size());
  const double fixed = pipeline_.source.max_rate_per_partition.value_or(0);
  const double interval = std::chrono::duration<double>(pipeline_.batch_interval).count();
  double total_lag = 0;
  for (std::size_t i = 0; i < latest.size(); ++i) {
    total_lag += static_cast<double>(
        std::max<std::int64_t>(0, latest[i].high_watermark - current_offsets_[i]));
  }
  const bool estimated = pipeline_.backpressure && rate_ > 0 && total_lag > 0;
  if (!estimated && fixed <= 0) {
    return limit;
  }
  for (std::size_t i = 0; i < latest.size(); ++i) {
    double rate = fixed;
    if (estimated) {
      const double lag = static_cast<double>(
          std::max<std::int64_t>(0, latest[i].high_watermark - current_offsets_[i]));
      const double share = lag / total_lag * rate_;
      rate = fixed > 0 ? std::min(share, fixed) : share;
    }
    // spark.streaming.kafka.minRatePerPartition = 1: a limit never starves a partition.
    const std::int64_t least = pipeline_.protocol.rate_floor == RateFloor::kOne ? 1 : 0;
    limit[i] = std::max(least, static_cast<std::int64_t>(interval * rate));
  }
  return limit;
}

void DirectKafkaStream::clear_metadata(BatchTime completed) {
  const BatchTime oldest_kept{completed.at - pipeline_.batch_interval};
  std::erase_if(generated_,
                [oldest_kept](const auto& entry) { return entry.first <= oldest_kept; });
}

Task<> DirectKafkaStream::clean_up(BatchTime /*completed*/) {
  co_return;
}

DirectStreamState DirectKafkaStream::state() const {
  DirectStreamState state;
  state.current_offsets.reserve(current_offsets_.size());
  for (const Offset offset : current_offsets_) {
    state.current_offsets.push_back(
        {.partition = static_cast<PartitionId>(state.current_offsets.size()), .offset = offset});
  }
  state.batch_for_time = generated_;
  return state;
}

}  // namespace engine
