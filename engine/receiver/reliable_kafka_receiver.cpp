#include "engine/receiver/reliable_kafka_receiver.h"

#include <utility>

#include "engine/ports/invariant.h"

namespace engine {
namespace {

// How far behind the last stored record the committed offset is.
std::int64_t ahead_of_last(CommittedOffset committed) {
  switch (committed) {
    case CommittedOffset::kLastStored:
      return 0;
    case CommittedOffset::kNext:
      return 1;
    case CommittedOffset::kBeyondNext:
      return 2;
  }
  return 0;
}

}  // namespace

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
  if (pipeline_.protocol.offset_commit == OffsetCommit::kWhenBuffered) {
    spawn(ports_.executor, commit(buffered_));
  }
}

void ReliableKafkaReceiver::on_generate_block(BlockId block) {
  const bool newest = pipeline_.protocol.committed_block == CommittedBlock::kNewest;
  const bool is_new =
      sealed_.emplace(block, newest ? buffered_ : std::exchange(buffered_, {})).second;
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
    co_return co_await give_up(std::move(offsets));
  }
  if (pipeline_.protocol.committed_block == CommittedBlock::kNewest) {
    offsets = buffered_;
  }
  if (pipeline_.protocol.offset_commit == OffsetCommit::kWithNextBlock) {
    offsets = std::exchange(stored_, std::move(offsets));
  }
  if (!early) {
    co_await commit(std::move(offsets));
  }
  co_return true;
}

// What becomes of a block that cannot be stored. Whoever goes on with the next one commits past it.
Task<bool> ReliableKafkaReceiver::give_up(LastOffsets offsets) {
  switch (pipeline_.protocol.failed_store) {
    case FailedStore::kStop:
      co_await context_.stop();
      co_return false;
    case FailedStore::kRestart:
      context_.restart_later();
      co_return false;
    case FailedStore::kSkip:
      co_return true;
    case FailedStore::kCommit:
      co_await commit(std::move(offsets));
      co_return true;
  }
  co_return false;
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
  const std::int64_t ahead = ahead_of_last(pipeline_.protocol.committed_offset);
  bool all_committed = true;
  for (const auto& [partition, last] : offsets) {
    if (!may_commit_) {
      co_return;
    }
    std::vector<PartitionOffset> one{{.partition = partition, .offset = last + ahead}};
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
