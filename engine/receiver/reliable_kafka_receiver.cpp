#include "engine/receiver/reliable_kafka_receiver.h"

#include <utility>

#include "engine/ports/invariant.h"

namespace engine {

ReliableKafkaReceiver::ReliableKafkaReceiver(const Ports& ports,
                                             const Pipeline& pipeline,
                                             StreamId stream,
                                             ReceiverContext& context,
                                             RateLimiter& limiter)
    : ports_(ports),
      pipeline_(pipeline),
      context_(context),
      generator_(ports, block_generator_options(pipeline, stream), *this),
      consumers_(make_consumers(ports, pipeline, stream, generator_, limiter)) {}

void ReliableKafkaReceiver::start() {
  generator_.start();
  for (const auto& consumer : consumers_) {
    consumer->start();
  }
}

// The order of ReliableKafkaReceiver.onStop: the consumer, then the client that commits, and the
// generator last. The sound order would drain the generator while it can still commit.
Task<> ReliableKafkaReceiver::stop() {
  for (const auto& consumer : consumers_) {
    consumer->stop();
  }
  may_commit_ = false;
  co_await generator_.stop();
}

void ReliableKafkaReceiver::on_add(const BlockRecords& records) {
  for (const ConsumerRecord& record : records) {
    buffered_[record.partition] = record.offset;
  }
}

void ReliableKafkaReceiver::on_generate_block(BlockId block) {
  const bool is_new = sealed_.emplace(block, std::exchange(buffered_, {})).second;
  INVARIANT(is_new, "block {} was cut off twice", block.number);
}

// Blocks are pushed one at a time, so no commit overtakes an earlier one. The mistake of
// OffsetCommit::kBeforeStore commits here, too, only before the first attempt at storing.
Task<bool> ReliableKafkaReceiver::on_push_block(BlockId block, BlockRecords records) {
  LastOffsets offsets = std::move(sealed_.at(block));
  sealed_.erase(block);
  const bool early = pipeline_.protocol.offset_commit == OffsetCommit::kBeforeStore;
  if (early) {
    co_await commit(offsets);
  }
  auto shared = std::make_shared<const BlockRecords>(std::move(records));
  const bool stored = co_await store(std::move(shared));
  if (!stored) {
    co_await context_.stop();
    co_return false;
  }
  if (!early) {
    co_await commit(std::move(offsets));
  }
  co_return true;
}

Task<bool> ReliableKafkaReceiver::store(SharedRecords records) {
  for (std::int32_t attempt = 1; attempt <= kStoreAttempts; ++attempt) {
    const auto stored = co_await context_.store(records);
    if (stored) {
      co_return true;
    }
  }
  co_return false;
}

// One write per partition, as to as many nodes of ZooKeeper. One that fails is logged, and the next
// block makes up for it.
Task<> ReliableKafkaReceiver::commit(LastOffsets offsets) {
  const bool next = pipeline_.protocol.committed_offset == CommittedOffset::kNext;
  bool all_committed = true;
  for (const auto& [partition, last] : offsets) {
    if (!may_commit_) {
      co_return;
    }
    std::vector<PartitionOffset> one{{.partition = partition, .offset = last + (next ? 1 : 0)}};
    const auto committed = co_await ports_.kafka.commit(
        pipeline_.source.group, pipeline_.source.topic, std::move(one));
    all_committed = all_committed && committed.has_value();
  }
  if (all_committed) {
    const PointContext here{};
    co_await ports_.points.reach(Point::kReceiverOffsetsCommitted, here);
  }
}

}  // namespace engine
