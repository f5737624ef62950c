#include "engine/driver/offset_keeper.h"

#include <utility>

#include "engine/ports/invariant.h"
#include "engine/transact.h"

namespace engine {
namespace {

// By partition: the next offset to read.
std::vector<PartitionOffset> ends_of(const BatchRanges& ranges, SavedOffset saved) {
  const std::int64_t too_far = saved == SavedOffset::kBeyond ? 1 : 0;
  std::vector<PartitionOffset> ends;
  ends.reserve(ranges.size());
  for (const OffsetRange& range : ranges) {
    ends.push_back({.partition = range.partition, .offset = range.until + too_far});
  }
  return ends;
}

}  // namespace

Task<Result<std::vector<PartitionOffset>>> OffsetKeeper::load() {
  switch (pipeline_.source.offsets) {
    case OffsetKeeping::kKafka:
      co_return co_await load_from_kafka();
    case OffsetKeeping::kZookeeper:
    case OffsetKeeping::kHbase:
      co_return co_await ports_.offsets.load();
    case OffsetKeeping::kSink:
      co_return co_await ports_.sink.saved_offsets();
    case OffsetKeeping::kCheckpoint:
    case OffsetKeeping::kNone:
      break;
  }
  co_return std::vector<PartitionOffset>{};
}

Task<Result<std::vector<PartitionOffset>>> OffsetKeeper::load_from_kafka() {
  const auto committed =
      co_await ports_.kafka.committed(pipeline_.source.group, pipeline_.source.topic);
  if (!committed) {
    co_return committed.error();
  }
  std::vector<PartitionOffset> offsets;
  PartitionId partition = 0;
  for (const std::optional<Offset>& offset : committed.value()) {
    if (offset) {
      offsets.push_back({.partition = partition, .offset = *offset});
    }
    ++partition;
  }
  co_return offsets;
}

Task<Result<>> OffsetKeeper::reserve(std::vector<PartitionOffset> start) {
  if (!in_task_transaction()) {
    co_return Result<>{};
  }
  SinkTransaction rows;
  for (const PartitionOffset& entry : start) {
    rows.offsets.push_back(
        {.partition = entry.partition, .expected = kNeverSaved, .next = entry.offset});
  }
  const auto committed = co_await transact(&ports_.sink, std::move(rows));
  if (!committed) {
    co_return committed.error();
  }
  if (committed.value() != TransactionOutcome::kCommitted) {
    co_return Errc::kRefused;
  }
  co_return Result<>{};
}

Task<Result<>> OffsetKeeper::save(BatchTime batch, BatchRanges ranges) {
  switch (pipeline_.source.offsets) {
    case OffsetKeeping::kKafka:
      queued_ = ends_of(ranges, pipeline_.protocol.saved_offset);
      queued_batch_ = batch;
      co_return Result<>{};
    case OffsetKeeping::kZookeeper:
    case OffsetKeeping::kHbase: {
      const auto saved =
          co_await ports_.offsets.save(ends_of(ranges, pipeline_.protocol.saved_offset));
      if (!saved) {
        co_return saved.error();
      }
      break;
    }
    case OffsetKeeping::kSink: {
      if (in_task_transaction()) {
        co_return Result<>{};
      }
      const auto saved = co_await save_in_sink(std::move(ranges));
      if (!saved) {
        co_return saved.error();
      }
      break;
    }
    case OffsetKeeping::kCheckpoint:
    case OffsetKeeping::kNone:
      co_return Result<>{};
  }
  const PointContext here{.batch = batch};
  co_await ports_.points.reach(Point::kOffsetsSaved, here);
  co_return Result<>{};
}

Task<Result<>> OffsetKeeper::save_in_sink(BatchRanges ranges) {
  SinkTransaction rows;
  for (const PartitionOffset& end : ends_of(ranges, pipeline_.protocol.saved_offset)) {
    rows.offsets.push_back(
        {.partition = end.partition, .expected = std::nullopt, .next = end.offset});
  }
  const auto committed = co_await transact(&ports_.sink, std::move(rows));
  if (!committed) {
    co_return committed.error();
  }
  INVARIANT(committed.value() == TransactionOutcome::kCommitted,
            "a transaction without guards was refused");
  co_return Result<>{};
}

void OffsetKeeper::flush() {
  if (!queued_batch_) {
    return;
  }
  spawn(ports_.executor, commit(*queued_batch_, std::exchange(queued_, {})));
  queued_batch_.reset();
}

// A commit that fails is not repeated: the next one covers it (Consumer.commitAsync).
Task<> OffsetKeeper::commit(BatchTime batch, std::vector<PartitionOffset> offsets) {
  const auto committed = co_await ports_.kafka.commit(
      pipeline_.source.group, pipeline_.source.topic, std::move(offsets));
  if (!committed) {
    co_return;
  }
  const PointContext here{.batch = batch};
  co_await ports_.points.reach(Point::kOffsetsSaved, here);
}

}  // namespace engine
