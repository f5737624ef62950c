#include "engine/receiver/kafka_receiver.h"

#include <utility>

namespace engine {

KafkaReceiver::KafkaReceiver(const Ports& ports,
                             const Pipeline& pipeline,
                             StreamId stream,
                             BlockGenerator& generator,
                             RateLimiter& limiter)
    : ports_(ports),
      pipeline_(pipeline),
      consumers_(make_consumers(ports, pipeline, stream, generator, limiter)),
      commits_(ports.clock) {}

void KafkaReceiver::start() {
  for (const auto& consumer : consumers_) {
    consumer->start();
  }
  spawn(ports_.executor, commit_periodically());
}

Task<> KafkaReceiver::stop() {
  stopped_ = true;
  for (const auto& consumer : consumers_) {
    consumer->stop();
  }
  co_await commit();
}

Task<> KafkaReceiver::commit_periodically() {
  const Duration interval = pipeline_.source.receiver->auto_commit_interval;
  for (;;) {
    co_await ports_.clock.sleep_for(interval);
    if (stopped_) {
      co_return;
    }
    co_await commit();
  }
}

// A commit that fails is made up for by the next one, or never.
Task<> KafkaReceiver::commit() {
  co_await commits_.take();
  const std::vector<PartitionOffset> offsets = uncommitted();
  if (!offsets.empty()) {
    const auto committed =
        co_await ports_.kafka.commit(pipeline_.source.group, pipeline_.source.topic, offsets);
    if (committed) {
      for (const PartitionOffset& entry : offsets) {
        committed_[entry.partition] = entry.offset;
      }
      const PointContext here{};
      co_await ports_.points.reach(Point::kReceiverOffsetsCommitted, here);
    }
  }
  commits_.give();
}

std::vector<PartitionOffset> KafkaReceiver::uncommitted() const {
  std::vector<PartitionOffset> offsets;
  for (const auto& consumer : consumers_) {
    for (const auto& [partition, next] : consumer->consumed()) {
      const auto saved = committed_.find(partition);
      if (saved == committed_.end() || saved->second != next) {
        offsets.push_back({.partition = partition, .offset = next});
      }
    }
  }
  return offsets;
}

}  // namespace engine
