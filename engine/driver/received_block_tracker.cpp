#include "engine/driver/received_block_tracker.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "engine/bytes.h"
#include "engine/ports/invariant.h"

namespace engine {
namespace {

enum class EventKind : std::uint8_t { kBlockAddition = 1, kBatchAllocation, kBatchCleanup };

// Without its ranges and its handle.
constexpr std::size_t kBlockBytes = sizeof(StreamId) + 2 * sizeof(std::int64_t);

void put_block(ByteWriter& writer, const ReceivedBlockInfo& info) {
  writer.put(info.block.stream);
  writer.put(info.block.number);
  writer.put(info.record_count);
  writer.put_count(info.ranges.size());
  for (const OffsetRange& range : info.ranges) {
    writer.put(range);
  }
  writer.put(static_cast<std::uint8_t>(info.wal.has_value()));
  if (info.wal) {
    writer.put_string(info.wal->path);
    writer.put(info.wal->offset);
    writer.put(info.wal->length);
  }
  writer.put(static_cast<std::uint8_t>(info.block_id_valid));
}

ReceivedBlockInfo get_block(ByteReader& reader) {
  ReceivedBlockInfo info;
  info.block.stream = reader.get<StreamId>();
  info.block.number = reader.get<std::int64_t>();
  info.record_count = reader.get<std::int64_t>();
  const std::size_t ranges = reader.get_count(kRangeBytes);
  for (std::size_t i = 0; i < ranges; ++i) {
    info.ranges.push_back(reader.get_range());
  }
  if (reader.get<std::uint8_t>() != 0) {
    WalRecordHandle& handle = info.wal.emplace();
    handle.path = reader.get_string();
    handle.offset = reader.get<std::int64_t>();
    handle.length = reader.get<std::int64_t>();
  }
  info.block_id_valid = reader.get<std::uint8_t>() != 0;
  return info;
}

void put_event(ByteWriter& writer, const BlockAdditionEvent& event) {
  writer.put(static_cast<std::uint8_t>(EventKind::kBlockAddition));
  put_block(writer, event.block);
}

void put_event(ByteWriter& writer, const BatchAllocationEvent& event) {
  writer.put(static_cast<std::uint8_t>(EventKind::kBatchAllocation));
  writer.put(event.batch);
  writer.put_count(event.blocks.size());
  for (const ReceivedBlockInfo& block : event.blocks) {
    put_block(writer, block);
  }
}

void put_event(ByteWriter& writer, const BatchCleanupEvent& event) {
  writer.put(static_cast<std::uint8_t>(EventKind::kBatchCleanup));
  writer.put_count(event.batches.size());
  for (const BatchTime batch : event.batches) {
    writer.put(batch);
  }
}

BatchAllocationEvent get_allocation(ByteReader& reader) {
  BatchAllocationEvent event;
  event.batch.at = reader.get_time();
  const std::size_t blocks = reader.get_count(kBlockBytes);
  for (std::size_t i = 0; i < blocks; ++i) {
    event.blocks.push_back(get_block(reader));
  }
  return event;
}

BatchCleanupEvent get_cleanup(ByteReader& reader) {
  BatchCleanupEvent event;
  const std::size_t batches = reader.get_count(kTimeBytes);
  for (std::size_t i = 0; i < batches; ++i) {
    event.batches.push_back({reader.get_time()});
  }
  return event;
}

Result<TrackerEvent> get_event(ByteReader& reader) {
  switch (static_cast<EventKind>(reader.get<std::uint8_t>())) {
    case EventKind::kBlockAddition:
      return TrackerEvent(BlockAdditionEvent{get_block(reader)});
    case EventKind::kBatchAllocation:
      return TrackerEvent(get_allocation(reader));
    case EventKind::kBatchCleanup:
      return TrackerEvent(get_cleanup(reader));
  }
  return Errc::kCorrupt;
}

}  // namespace

std::string encode(const TrackerEvent& event) {
  ByteWriter writer;
  std::visit([&writer](const auto& each) { put_event(writer, each); }, event);
  return writer.take();
}

Result<TrackerEvent> decode_tracker_event(std::string_view bytes) {
  ByteReader reader(bytes);
  auto event = get_event(reader);
  if (event && !reader.ended_whole()) {
    return Errc::kCorrupt;
  }
  return event;
}

// All or nothing: a record that is no event stops the recovery before anything is applied.
Task<Result<>> ReceivedBlockTracker::recover() {
  INVARIANT(unallocated_.empty() && allocated_.empty(), "recovery into a tracker that is in use");
  if (log_ == nullptr) {
    co_return Result<>{};
  }
  const auto records = co_await log_->read_all();
  if (!records) {
    co_return records.error();
  }
  std::vector<TrackerEvent> events;
  events.reserve(records.value().size());
  for (const std::string& record : records.value()) {
    auto event = decode_tracker_event(record);
    if (!event) {
      co_return event.error();
    }
    events.push_back(std::move(event.value()));
  }
  for (TrackerEvent& event : events) {
    if (auto* const addition = std::get_if<BlockAdditionEvent>(&event)) {
      addition->block.block_id_valid = false;
    }
    apply(event);
  }
  co_return Result<>{};
}

// The log is written before the turn is taken, as Spark writes it outside its lock: an addition can
// be durable before an allocation that does not have it.
Task<bool> ReceivedBlockTracker::add_block(ReceivedBlockInfo block) {
  BlockAdditionEvent event;
  event.block = std::move(block);
  const bool logged = co_await write(encode(event));
  if (!logged) {
    co_return false;
  }
  co_await turn_.take();
  apply(event);
  turn_.give();
  const PointContext here{};
  co_await ports_.points.reach(Point::kTrackerBlockAdded, here);
  co_return true;
}

Task<> ReceivedBlockTracker::allocate_blocks_to_batch(BatchTime batch) {
  co_await turn_.take();
  bool logged = false;
  if (!last_allocated_ || *last_allocated_ < batch) {
    const BatchAllocationEvent event = allocation_of(batch);
    logged = co_await write(encode(event));
    if (logged) {
      apply(event);
    }
  }
  turn_.give();
  if (logged) {
    PointContext here;
    here.batch = batch;
    co_await ports_.points.reach(Point::kTrackerBlocksAllocated, here);
  }
}

std::vector<ReceivedBlockInfo> ReceivedBlockTracker::blocks_of(BatchTime batch) const {
  const auto found = allocated_.find(batch);
  return found == allocated_.end() ? std::vector<ReceivedBlockInfo>() : found->second;
}

bool ReceivedBlockTracker::has_unallocated_blocks() const {
  return std::ranges::any_of(unallocated_, [](const auto& queue) { return !queue.second.empty(); });
}

Task<> ReceivedBlockTracker::clean_up_old_batches(BatchTime threshold) {
  if (ports_.clock.now() <= threshold.at) {
    co_return;
  }
  co_await turn_.take();
  const BatchCleanupEvent event = cleanup_before(threshold);
  const bool logged = co_await write(encode(event));
  if (logged) {
    apply(event);
  }
  turn_.give();
  if (!logged) {
    co_return;
  }
  PointContext here;
  here.batch = threshold;
  co_await ports_.points.reach(Point::kTrackerBatchesCleaned, here);
  if (log_ != nullptr) {
    const auto cleaned = co_await log_->clean(threshold.at);
    static_cast<void>(cleaned);  // What stays is replayed and cleaned by the next life.
  }
}

Task<bool> ReceivedBlockTracker::write(std::string event) {
  if (log_ == nullptr) {
    co_return true;
  }
  const std::int64_t bytes = std::ssize(event);
  const auto written = co_await log_->write(std::move(event), ports_.clock.now());
  if (written) {
    ports_.listener.bytes_stored(StoredAs::kDriverLog, bytes);
  }
  co_return written.has_value();
}

BatchAllocationEvent ReceivedBlockTracker::allocation_of(BatchTime batch) const {
  BatchAllocationEvent event;
  event.batch = batch;
  for (const auto& [stream, queue] : unallocated_) {
    event.blocks.insert(event.blocks.end(), queue.begin(), queue.end());
  }
  return event;
}

BatchCleanupEvent ReceivedBlockTracker::cleanup_before(BatchTime threshold) const {
  BatchCleanupEvent event;
  for (const auto& [batch, blocks] : allocated_) {
    if (batch < threshold) {
      event.batches.push_back(batch);
    }
  }
  return event;
}

void ReceivedBlockTracker::apply(const TrackerEvent& event) {
  std::visit([this](const auto& each) { apply(each); }, event);
}

void ReceivedBlockTracker::apply(const BlockAdditionEvent& event) {
  unallocated_[event.block.block.stream].push_back(event.block);
}

void ReceivedBlockTracker::apply(const BatchAllocationEvent& event) {
  std::set<BlockId> taken;
  for (const ReceivedBlockInfo& block : event.blocks) {
    taken.insert(block.block);
  }
  for (auto& [stream, queue] : unallocated_) {
    std::erase_if(queue,
                  [&taken](const ReceivedBlockInfo& info) { return taken.contains(info.block); });
  }
  allocated_[event.batch] = event.blocks;
  last_allocated_ = event.batch;
}

void ReceivedBlockTracker::apply(const BatchCleanupEvent& event) {
  for (const BatchTime batch : event.batches) {
    allocated_.erase(batch);
  }
}

}  // namespace engine
