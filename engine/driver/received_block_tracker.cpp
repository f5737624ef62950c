#include "engine/driver/received_block_tracker.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "engine/bytes.h"
#include "engine/ports/invariant.h"

namespace engine {
namespace {

enum class EventKind : std::uint8_t {
  kBlockAddition = 1,
  kBatchAllocation,
  kBatchCleanup,
  kBatchCleanupWithOffsets,
};

// Without its ranges and its handle.
constexpr std::size_t kBlockBytes = sizeof(StreamId) + 2 * sizeof(std::int64_t);

void put_ranges(ByteWriter& writer, const std::vector<OffsetRange>& ranges) {
  writer.put_count(ranges.size());
  for (const OffsetRange& range : ranges) {
    writer.put(range);
  }
}

std::vector<OffsetRange> get_ranges(ByteReader& reader) {
  std::vector<OffsetRange> ranges(reader.get_count(kRangeBytes));
  for (OffsetRange& range : ranges) {
    range = reader.get_range();
  }
  return ranges;
}

void put_block(ByteWriter& writer, const ReceivedBlockInfo& info) {
  writer.put(info.block.stream);
  writer.put(info.block.number);
  writer.put(info.record_count);
  put_ranges(writer, info.ranges);
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
  info.ranges = get_ranges(reader);
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
  const bool plain = event.allocated.empty();
  const auto kind = plain ? EventKind::kBatchCleanup : EventKind::kBatchCleanupWithOffsets;
  writer.put(static_cast<std::uint8_t>(kind));
  writer.put_count(event.batches.size());
  for (const BatchTime batch : event.batches) {
    writer.put(batch);
  }
  if (!plain) {
    put_ranges(writer, event.allocated);
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

BatchCleanupEvent get_cleanup(ByteReader& reader, bool with_offsets) {
  BatchCleanupEvent event;
  const std::size_t batches = reader.get_count(kTimeBytes);
  for (std::size_t i = 0; i < batches; ++i) {
    event.batches.push_back({reader.get_time()});
  }
  if (with_offsets) {
    event.allocated = get_ranges(reader);
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
      return TrackerEvent(get_cleanup(reader, false));
    case EventKind::kBatchCleanupWithOffsets:
      return TrackerEvent(get_cleanup(reader, true));
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
    replay(std::move(event));
  }
  if (protocol_.recovered_queue == RecoveredQueue::kDiscarded) {
    unallocated_.clear();
  }
  if (drops_repeated()) {
    drop_repeated_from_queue();
  }
  co_return Result<>{};
}

void ReceivedBlockTracker::replay(TrackerEvent event) {
  if (auto* const addition = std::get_if<BlockAdditionEvent>(&event)) {
    addition->block.block_id_valid = false;
  }
  apply(event);
  const bool allocates = std::holds_alternative<BatchAllocationEvent>(event);
  if (allocates && protocol_.recovered_queue == RecoveredQueue::kEmpty) {
    unallocated_.clear();
  }
}

// What a batch has is a fact, its output may be out already. An addition may be in the log whose
// receiver was told that it failed, and reported the records again: what is queued gives way.
void ReceivedBlockTracker::drop_repeated_from_queue() {
  for (auto& [stream, queue] : unallocated_) {
    for (ReceivedBlockInfo& block : queue) {
      block.ranges = received_.missing(block.ranges);
      received_.add(block.ranges);
    }
    std::erase_if(queue, [](const ReceivedBlockInfo& block) { return block.ranges.empty(); });
  }
}

void ReceivedBlockTracker::return_allocated() {
  std::map<StreamId, std::vector<ReceivedBlockInfo>> queues;
  for (const auto& [batch, blocks] : std::exchange(allocated_, {})) {
    for (const ReceivedBlockInfo& block : blocks) {
      queues[block.block.stream].push_back(block);
    }
  }
  for (auto& [stream, queue] : unallocated_) {
    std::ranges::move(queue, std::back_inserter(queues[stream]));
  }
  unallocated_ = std::move(queues);
}

// The log is written before the turn is taken, as Spark writes it outside its lock: an addition can
// be durable before an allocation that does not have it. A block of which nothing is new is known:
// its receiver may commit it.
Task<bool> ReceivedBlockTracker::add_block(ReceivedBlockInfo block) {
  BlockAdditionEvent event;
  event.block = std::move(block);
  const bool one_by_one = drops_repeated();
  if (one_by_one) {
    co_await turn_.take();
    event.block.ranges = received_.missing(event.block.ranges);
  }
  const bool known = one_by_one && event.block.ranges.empty();
  bool added = known;
  if (!known) {
    added = co_await log_addition(encode(event));
  }
  if (!one_by_one) {
    co_await turn_.take();
  }
  if (added && !known) {
    apply(event);
    remember(event.block);
  }
  turn_.give();
  if (!added) {
    co_return false;
  }
  const PointContext here{};
  co_await ports_.points.reach(Point::kTrackerBlockAdded, here);
  co_return true;
}

Task<bool> ReceivedBlockTracker::log_addition(std::string event) {
  switch (protocol_.addition_log) {
    case AdditionLog::kBeforeAnswer:
      co_return co_await write(std::move(event));
    case AdditionLog::kAfterAnswer:
      spawn(ports_.executor, log_in_background(std::move(event)));
      co_return true;
    case AdditionLog::kNever:
      co_return true;
  }
  co_return false;
}

Task<> ReceivedBlockTracker::log_in_background(std::string event) {
  const bool logged = co_await write(std::move(event));
  static_cast<void>(logged);  // The mistake of AdditionLog::kAfterAnswer.
}

Task<> ReceivedBlockTracker::allocate_blocks_to_batch(BatchTime batch) {
  co_await turn_.take();
  bool logged = false;
  const bool has_blocks = last_allocated_ && batch <= *last_allocated_;
  if (!has_blocks || protocol_.reallocation == Reallocation::kReplaced) {
    const BatchAllocationEvent event = allocation_of(batch);
    if (protocol_.allocation_log == AllocationLog::kAfterDequeue) {
      unallocated_.clear();
    }
    logged = co_await log_allocation(encode(event));
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

Task<bool> ReceivedBlockTracker::log_allocation(std::string event) {
  if (protocol_.allocation_log == AllocationLog::kNever) {
    co_return true;
  }
  co_return co_await write(std::move(event));
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
  event.allocated = allocated_offsets_.ranges();
  return event;
}

bool ReceivedBlockTracker::drops_repeated() const {
  return protocol_.repeated_records == RepeatedRecords::kDropped;
}

void ReceivedBlockTracker::remember(const ReceivedBlockInfo& block) {
  if (drops_repeated()) {
    received_.add(block.ranges);
  }
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
  if (drops_repeated()) {
    for (const ReceivedBlockInfo& block : event.blocks) {
      received_.add(block.ranges);
      allocated_offsets_.add(block.ranges);
    }
  }
  allocated_[event.batch] = event.blocks;
  last_allocated_ = event.batch;
}

void ReceivedBlockTracker::apply(const BatchCleanupEvent& event) {
  for (const BatchTime batch : event.batches) {
    allocated_.erase(batch);
  }
  received_.add(event.allocated);
  allocated_offsets_.add(event.allocated);
}

}  // namespace engine
