#include "sim/kafka/broker_model.h"

#include <algorithm>

#include "engine/ports/invariant.h"

namespace sim {
namespace {

using engine::BatchSize;
using engine::ConsumerRecord;
using engine::Errc;
using engine::Instant;
using engine::Offset;
using engine::OffsetRange;
using engine::PartitionOffset;
using engine::ProducerRecord;
using engine::Result;
using engine::TopicSpec;
using engine::Watermarks;

constexpr std::int64_t kRetentionBytesMax = 5 * 1024 * 1024;
constexpr std::size_t kRetentionBatchesMax = 100'000;

std::size_t index_of(engine::PartitionId partition) {
  return static_cast<std::size_t>(partition);
}

}  // namespace

// --- PartitionLog ------------------------------------------------------------------------------

void PartitionLog::clear() {
  bytes_.clear();
  records_.clear();
  batches_.clear();
  open_ = {};
  dropped_records_ = 0;
  dropped_batches_ = 0;
  retained_bytes_ = 0;
  first_kept_offset_ = {};
}

void PartitionLog::append(const ProducerRecord& record) {
  open_.add(record);
  records_.push_back({.place = bytes_.size(),
                      .key_size = static_cast<std::uint32_t>(record.key.size()),
                      .value_size = static_cast<std::uint32_t>(record.value.size()),
                      .timestamp = engine::kafka_timestamp(record.timestamp)});
  bytes_.append(record.key).append(record.value);
}

void PartitionLog::close_batch() {
  if (open_.count() == 0) {
    return;
  }
  batches_.push_back({.records = open_.count(), .bytes = open_.bytes()});
  retained_bytes_ += open_.bytes();
  open_ = {};
  std::size_t kept = batches_.size() - dropped_batches_;
  while (kept > 1 && (kept > kRetentionBatchesMax || retained_bytes_ > kRetentionBytesMax)) {
    drop_oldest_batch();
    --kept;
  }
  INVARIANT(dropped_records_ < records_.size(), "B3: retention emptied the log");
  if (dropped_records_ > records_.size() / 2) {
    compact();
  }
}

void PartitionLog::drop_oldest_batch() {
  const Batch& oldest = batches_[dropped_batches_];
  ++dropped_batches_;
  dropped_records_ += static_cast<std::size_t>(oldest.records);
  retained_bytes_ -= oldest.bytes;
  first_kept_offset_ = first_kept_offset_ + oldest.records;
}

void PartitionLog::compact() {
  const bool all = dropped_records_ == records_.size();
  const std::size_t dropped_bytes = all ? bytes_.size() : records_[dropped_records_].place;
  bytes_.erase(0, dropped_bytes);
  records_.erase(records_.begin(),
                 records_.begin() + static_cast<std::ptrdiff_t>(dropped_records_));
  batches_.erase(batches_.begin(),
                 batches_.begin() + static_cast<std::ptrdiff_t>(dropped_batches_));
  for (Record& record : records_) {
    record.place -= dropped_bytes;
  }
  dropped_records_ = 0;
  dropped_batches_ = 0;
}

void PartitionLog::truncate(Offset end) {
  INVARIANT(open_.count() == 0, "a batch is under way");
  while (next_offset() > end) {
    const Batch youngest = batches_.back();
    batches_.pop_back();
    retained_bytes_ -= youngest.bytes;
    const auto left = records_.size() - static_cast<std::size_t>(youngest.records);
    bytes_.resize(records_[left].place);
    records_.resize(left);
  }
}

void PartitionLog::delete_before(Offset start) {
  while (dropped_batches_ < batches_.size() &&
         first_kept_offset_ + batches_[dropped_batches_].records <= start) {
    drop_oldest_batch();
  }
  compact();
}

Offset PartitionLog::next_offset() const {
  return first_kept_offset_ + static_cast<std::int64_t>(records_.size() - dropped_records_);
}

Watermarks PartitionLog::watermarks() const {
  return {.log_start = first_kept_offset_, .high_watermark = next_offset()};
}

void PartitionLog::read(const OffsetRange& range, std::vector<ConsumerRecord>& records) const {
  INVARIANT(range.from >= first_kept_offset_, "offset {} is dropped", range.from.value);
  INVARIANT(range.until <= next_offset(), "offset {} is not written", range.until.value - 1);
  const auto first = dropped_records_ + static_cast<std::size_t>(range.from - first_kept_offset_);
  const auto count = static_cast<std::size_t>(range.count());
  records.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Record& stored = records_[first + i];
    const char* key = bytes_.data() + stored.place;
    records.push_back({.partition = range.partition,
                       .offset = range.from + static_cast<std::int64_t>(i),
                       .timestamp = Instant(stored.timestamp),
                       .key = std::string(key, stored.key_size),
                       .value = std::string(key + stored.key_size, stored.value_size)});
  }
}

void PartitionLog::describe(StateBytes& state) const {
  state.add(first_kept_offset_);
  state.add(next_offset());
  for (std::size_t i = dropped_records_; i < records_.size(); ++i) {
    const Record& record = records_[i];
    const std::string_view bytes(bytes_);
    state.add(bytes.substr(record.place, record.key_size));
    state.add(bytes.substr(record.place + record.key_size, record.value_size));
    state.add(std::int64_t{record.timestamp.count()});
  }
  state.add(std::uint64_t{batches_.size() - dropped_batches_});
  for (std::size_t i = dropped_batches_; i < batches_.size(); ++i) {
    state.add(batches_[i].records);
    state.add(batches_[i].bytes);
  }
}

// --- BrokerModel -------------------------------------------------------------------------------

void BrokerModel::reset() {
  for (std::size_t i = 0; i < topic_count_; ++i) {
    Topic& topic = topics_[i];
    for (std::size_t j = 0; j < topic.partition_count; ++j) {
      topic.partitions[j].clear();
    }
    topic.partition_count = 0;
    topic.group_count = 0;
  }
  topic_count_ = 0;
}

// A world has a handful of topics, which a search by name passes faster than any index.
BrokerModel::Topic* BrokerModel::find(std::string_view name) {
  for (std::size_t i = 0; i < topic_count_; ++i) {
    if (topics_[i].name == name) {
      return &topics_[i];
    }
  }
  return nullptr;
}

Result<PartitionLog*> BrokerModel::log_holding(const std::string& name,
                                               engine::PartitionId partition,
                                               Offset offset) {
  Topic* topic = find(name);
  if (topic == nullptr || !topic->has(partition)) {
    return Errc::kUnknownTopic;
  }
  PartitionLog& log = topic->partitions[index_of(partition)];
  const Watermarks available = log.watermarks();
  if (offset < available.log_start || offset > available.high_watermark) {
    return Errc::kOffsetOutOfRange;
  }
  return &log;
}

Result<> BrokerModel::truncate(const std::string& topic,
                               engine::PartitionId partition,
                               Offset end) {
  const auto log = log_holding(topic, partition, end);
  if (!log) {
    return log.error();
  }
  (*log)->truncate(end);
  return {};
}

Result<> BrokerModel::delete_before(const std::string& topic,
                                    engine::PartitionId partition,
                                    Offset start) {
  const auto log = log_holding(topic, partition, start);
  if (!log) {
    return log.error();
  }
  (*log)->delete_before(start);
  return {};
}

Result<> BrokerModel::create_topic(const TopicSpec& spec) {
  if (!engine::is_acceptable(spec)) {
    return Errc::kRefused;
  }
  if (find(spec.name) != nullptr) {
    return Errc::kAlreadyExists;
  }
  if (topic_count_ == topics_.size()) {
    topics_.emplace_back();
  }
  Topic& topic = topics_[topic_count_];
  ++topic_count_;
  topic.name = spec.name;
  topic.partition_count = index_of(spec.partitions);
  if (topic.partitions.size() < topic.partition_count) {
    topic.partitions.resize(topic.partition_count);
  }
  return {};
}

Result<std::vector<Offset>> BrokerModel::produce(const std::string& name,
                                                 const std::vector<ProducerRecord>& records) {
  Topic* topic = find(name);
  if (topic == nullptr) {
    return Errc::kUnknownTopic;
  }
  if (const Errc refusal = acceptable(*topic, records); refusal != Errc{}) {
    return refusal;
  }
  std::vector<Offset> offsets;
  offsets.reserve(records.size());
  for (const ProducerRecord& record : records) {
    PartitionLog& log = topic->partitions[index_of(record.partition)];
    offsets.push_back(log.next_offset());
    log.append(record);
  }
  for (std::size_t i = 0; i < topic->partition_count; ++i) {
    topic->partitions[i].close_batch();
  }
  return offsets;
}

// No error, or the one that the whole call is refused with before anything is appended.
Errc BrokerModel::acceptable(const Topic& topic, const std::vector<ProducerRecord>& records) {
  sizes_.assign(topic.partition_count, BatchSize());
  for (const ProducerRecord& record : records) {
    if (!topic.has(record.partition)) {
      return Errc::kUnknownTopic;
    }
    sizes_[index_of(record.partition)].add(record);
  }
  const bool too_large = std::any_of(sizes_.begin(), sizes_.end(), [](const BatchSize& size) {
    return size.bytes() > engine::kBatchBytesMax;
  });
  return too_large ? Errc::kRefused : Errc{};
}

Result<std::vector<ConsumerRecord>> BrokerModel::fetch(const std::string& name,
                                                       const OffsetRange& range) {
  INVARIANT(range.from <= range.until,
            "a range ends at {} before {}",
            range.until.value,
            range.from.value);
  Topic* topic = find(name);
  if (topic == nullptr || !topic->has(range.partition)) {
    return Errc::kUnknownTopic;
  }
  std::vector<ConsumerRecord> records;
  if (range.count() == 0) {
    return records;
  }
  const PartitionLog& log = topic->partitions[index_of(range.partition)];
  const Watermarks available = log.watermarks();
  if (range.from < available.log_start || range.until > available.high_watermark) {
    return Errc::kOffsetOutOfRange;
  }
  log.read(range, records);
  return records;
}

Result<std::vector<Watermarks>> BrokerModel::watermarks(const std::string& name) {
  Topic* topic = find(name);
  if (topic == nullptr) {
    return Errc::kUnknownTopic;
  }
  std::vector<Watermarks> watermarks;
  watermarks.reserve(topic->partition_count);
  for (std::size_t i = 0; i < topic->partition_count; ++i) {
    watermarks.push_back(topic->partitions[i].watermarks());
  }
  return watermarks;
}

BrokerModel::GroupOffsets& BrokerModel::group_offsets(Topic& topic, const std::string& group) {
  for (std::size_t i = 0; i < topic.group_count; ++i) {
    if (topic.groups[i].group == group) {
      return topic.groups[i];
    }
  }
  if (topic.group_count == topic.groups.size()) {
    topic.groups.emplace_back();
  }
  GroupOffsets& fresh = topic.groups[topic.group_count];
  ++topic.group_count;
  fresh.group = group;
  fresh.offsets.assign(topic.partition_count, std::nullopt);
  return fresh;
}

Result<> BrokerModel::commit(const std::string& group,
                             const std::string& name,
                             const std::vector<PartitionOffset>& offsets) {
  Topic* topic = find(name);
  if (topic == nullptr) {
    return Errc::kUnknownTopic;
  }
  for (const auto& [partition, offset] : offsets) {
    INVARIANT(offset.value >= 0, "a group commits offset {}", offset.value);
    if (!topic->has(partition)) {
      return Errc::kUnknownTopic;
    }
  }
  if (group.empty()) {
    return Errc::kRefused;
  }
  GroupOffsets& stored = group_offsets(*topic, group);
  for (const auto& [partition, offset] : offsets) {
    stored.offsets[index_of(partition)] = offset;
  }
  return {};
}

Result<std::vector<std::optional<Offset>>> BrokerModel::committed(const std::string& group,
                                                                  const std::string& name) {
  Topic* topic = find(name);
  if (topic == nullptr) {
    return Errc::kUnknownTopic;
  }
  if (group.empty()) {
    return Errc::kRefused;
  }
  return group_offsets(*topic, group).offsets;
}

void BrokerModel::describe(StateBytes& state) const {
  state.add(std::uint64_t{topic_count_});
  for (std::size_t i = 0; i < topic_count_; ++i) {
    const Topic& topic = topics_[i];
    state.add(topic.name);
    state.add(std::uint64_t{topic.partition_count});
    for (std::size_t j = 0; j < topic.partition_count; ++j) {
      topic.partitions[j].describe(state);
    }
    describe_groups(topic, state);
  }
}

// By name: who committed first decides nothing, nor who asked and never committed.
void BrokerModel::describe_groups(const Topic& topic, StateBytes& state) {
  std::vector<const GroupOffsets*> groups;
  for (std::size_t i = 0; i < topic.group_count; ++i) {
    const auto& offsets = topic.groups[i].offsets;
    if (std::ranges::any_of(offsets, [](const auto& offset) { return offset.has_value(); })) {
      groups.push_back(&topic.groups[i]);
    }
  }
  std::ranges::sort(groups, {}, [](const GroupOffsets* group) { return group->group; });
  state.add(std::uint64_t{groups.size()});
  for (const GroupOffsets* const group : groups) {
    state.add(group->group);
    for (const std::optional<Offset>& committed : group->offsets) {
      state.add(committed.value_or(Offset{-1}));
    }
  }
}

}  // namespace sim
