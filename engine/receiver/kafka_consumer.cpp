#include "engine/receiver/kafka_consumer.h"

#include <algorithm>
#include <utility>

#include "engine/kafka_source.h"
#include "engine/ports/invariant.h"

namespace engine {

std::vector<PartitionId> partitions_of(const KafkaSource& source,
                                       StreamId stream,
                                       std::int32_t thread) {
  const ReceiverOptions& options = source.receiver.value();
  std::vector<PartitionId> partitions;
  for (PartitionId partition = 0; partition < source.partitions; ++partition) {
    const bool of_stream = partition % options.receivers == stream;
    const bool of_thread = partition / options.receivers % options.consumer_threads == thread;
    if (of_stream && of_thread) {
      partitions.push_back(partition);
    }
  }
  return partitions;
}

KafkaConsumer::KafkaConsumer(const Ports& ports,
                             const Pipeline& pipeline,
                             std::vector<PartitionId> partitions,
                             BlockGenerator& generator,
                             RateLimiter& limiter)
    : ports_(ports),
      pipeline_(pipeline),
      partitions_(std::move(partitions)),
      generator_(generator),
      limiter_(limiter) {
  INVARIANT(pipeline_.source.receiver.has_value(), "a Direct stream has no consumer threads");
}

void KafkaConsumer::start() {
  INVARIANT(!stopped_, "a consumer is started once");
  spawn(ports_.executor, run());
}

void KafkaConsumer::stop() {
  stopped_ = true;
}

Task<> KafkaConsumer::run() {
  bool found = false;
  while (!stopped_ && !found) {
    const auto sought = co_await seek();
    found = sought.has_value();
    if (!found) {
      co_await pause();
    }
  }
  while (!stopped_) {
    const auto ranges = co_await fetchable();
    bool fetched = false;
    const std::vector<OffsetRange> none;
    for (const OffsetRange& range : ranges ? ranges.value() : none) {
      const bool something = co_await fetch(range);
      fetched = fetched || something;
    }
    if (!fetched && !stopped_) {
      co_await pause();
    }
  }
}

Task<> KafkaConsumer::pause() {
  return ports_.clock.sleep_for(pipeline_.source.receiver->poll_interval);
}

Task<Result<>> KafkaConsumer::seek() {
  const auto committed =
      co_await ports_.kafka.committed(pipeline_.source.group, pipeline_.source.topic);
  if (!committed) {
    co_return committed.error();
  }
  const auto marks = co_await ports_.kafka.watermarks(pipeline_.source.topic);
  if (!marks) {
    co_return marks.error();
  }
  if (stopped_) {
    co_return Result<>{};
  }
  for (const PartitionId partition : partitions_) {
    const auto saved = committed.value().at(index_of(partition));
    const Offset start = start_of(pipeline_.source, marks.value().at(index_of(partition)));
    const bool anew = pipeline_.protocol.receiver_start == ReceiverStart::kAnew;
    positions_[partition] = anew ? start : saved.value_or(start);
    ports_.listener.receiver_position(partition, positions_[partition]);
  }
  co_return Result<>{};
}

// A position that the log does not have (any more) begins again where a new group would
// (auto.offset.reset).
Task<Result<std::vector<OffsetRange>>> KafkaConsumer::fetchable() {
  const auto marks = co_await ports_.kafka.watermarks(pipeline_.source.topic);
  if (!marks) {
    co_return marks.error();
  }
  std::vector<OffsetRange> ranges;
  for (auto& [partition, position] : positions_) {
    const Watermarks& log = marks.value().at(index_of(partition));
    if (position < log.log_start || position > log.high_watermark) {
      position = start_of(pipeline_.source, log);
    }
    const Offset until = std::min(log.high_watermark, position + kFetchRecordsMax);
    if (position < until) {
      ranges.push_back({.partition = partition, .from = position, .until = until});
    }
  }
  co_return ranges;
}

// The position is told when the records are in the buffer and not before: in between nobody else
// counts them, and they would seem to be processed already.
Task<bool> KafkaConsumer::fetch(OffsetRange range) {
  if (stopped_) {
    co_return false;
  }
  auto records = co_await ports_.kafka.fetch(pipeline_.source.topic, range);
  if (!records || stopped_) {
    co_return false;
  }
  ports_.listener.bytes_received(bytes_of(records.value()));
  positions_[range.partition] = range.until;
  const PointContext here{};
  co_await ports_.points.reach(Point::kReceiverFetched, here);
  co_await hand_over(std::move(records.value()));
  if (stopped_) {
    co_return false;
  }
  ports_.listener.receiver_position(range.partition, range.until);
  co_await ports_.points.reach(Point::kReceiverBuffered, here);
  co_return true;
}

// Record by record as far as the limiter is concerned; what it lets pass at once is added at once.
Task<> KafkaConsumer::hand_over(BlockRecords records) {
  BlockRecords passed;
  for (ConsumerRecord& record : records) {
    const Instant when = limiter_.reserve(ports_.clock.now());
    if (when > ports_.clock.now()) {
      const bool taken = add(std::exchange(passed, {}));
      if (!taken) {
        co_return;
      }
      co_await ports_.clock.sleep_for(when - ports_.clock.now());
    }
    passed.push_back(std::move(record));
  }
  static_cast<void>(add(std::move(passed)));
}

// False: it is over. A generator that is stopping takes nothing any more, and neither does its
// receiver.
bool KafkaConsumer::add(BlockRecords records) {
  if (stopped_) {
    return false;
  }
  if (records.empty()) {
    return true;
  }
  const Position last = records.back().position();
  if (!generator_.add(std::move(records))) {
    stop();
    return false;
  }
  consumed_[last.partition] = last.offset + 1;
  return true;
}

std::vector<std::unique_ptr<KafkaConsumer>> make_consumers(const Ports& ports,
                                                           const Pipeline& pipeline,
                                                           StreamId stream,
                                                           BlockGenerator& generator,
                                                           RateLimiter& limiter) {
  std::vector<std::unique_ptr<KafkaConsumer>> consumers;
  for (std::int32_t thread = 0; thread < pipeline.source.receiver->consumer_threads; ++thread) {
    auto partitions = partitions_of(pipeline.source, stream, thread);
    if (!partitions.empty()) {
      consumers.push_back(std::make_unique<KafkaConsumer>(
          ports, pipeline, std::move(partitions), generator, limiter));
    }
  }
  return consumers;
}

}  // namespace engine
