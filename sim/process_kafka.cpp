#include "sim/process_kafka.h"

#include "sim/digest.h"

namespace sim {

using engine::Result;
using engine::Task;

ProcessKafka::ProcessKafka(Process& process,
                           engine::KafkaCluster& cluster,
                           RoundTrip latency,
                           engine::Random& random,
                           KafkaPatience patience)
    : process_(process),
      cluster_(cluster),
      latency_(latency),
      random_(random),
      patience_(patience) {}

Task<Result<std::vector<engine::Offset>>> ProcessKafka::produce(
    std::string topic, std::vector<engine::ProducerRecord> records) {
  const engine::Instant deadline = process_.now() + patience_.produce;
  for (;;) {
    const RoundTrip trip = draw();
    co_await process_.step(Operation::kKafkaProduce, content_digest(topic, records), trip.request);
    auto produced =
        attempt(KafkaOperation::kProduce, [&] { return cluster_.produce(topic, records); });
    co_await process_.step(Operation::kKafkaProduceApplied, content_digest(produced), trip.answer);
    if (!asks_again(produced, deadline)) {
      co_return produced;
    }
    co_await process_.sleep_until(process_.now() + patience_.backoff);
  }
}

Task<Result<std::vector<engine::ConsumerRecord>>> ProcessKafka::fetch(std::string topic,
                                                                      engine::OffsetRange range) {
  const engine::Instant deadline = process_.now() + patience_.fetch;
  for (;;) {
    const RoundTrip trip = draw();
    co_await process_.step(Operation::kKafkaFetch, content_digest(topic, range), trip.request);
    auto fetched = attempt(KafkaOperation::kFetch, [&] { return cluster_.fetch(topic, range); });
    process_.record(Operation::kKafkaFetch, content_digest(fetched));
    co_await process_.sleep_until(process_.now() + trip.answer);
    if (!asks_again(fetched, deadline)) {
      co_return fetched;
    }
    co_await process_.sleep_until(process_.now() + patience_.backoff);
  }
}

Task<Result<std::vector<engine::Watermarks>>> ProcessKafka::watermarks(std::string topic) {
  const engine::Instant deadline = process_.now() + patience_.question;
  for (;;) {
    const RoundTrip trip = draw();
    co_await process_.step(Operation::kKafkaWatermarks, content_digest(topic), trip.request);
    auto marks = attempt(KafkaOperation::kWatermarks, [&] { return cluster_.watermarks(topic); });
    process_.record(Operation::kKafkaWatermarks, content_digest(marks));
    co_await process_.sleep_until(process_.now() + trip.answer);
    if (!asks_again(marks, deadline)) {
      co_return marks;
    }
    co_await process_.sleep_until(process_.now() + patience_.backoff);
  }
}

Task<Result<>> ProcessKafka::commit(std::string group,
                                    std::string topic,
                                    std::vector<engine::PartitionOffset> offsets) {
  const RoundTrip trip = draw();
  const std::uint64_t request = content_digest(group, topic, offsets);
  co_await process_.step(Operation::kKafkaCommit, request, trip.request);
  const Result<> committed =
      attempt(KafkaOperation::kCommit, [&] { return cluster_.commit(group, topic, offsets); });
  co_await process_.step(Operation::kKafkaCommitApplied, content_digest(committed), trip.answer);
  co_return committed;
}

Task<Result<std::vector<std::optional<engine::Offset>>>> ProcessKafka::committed(
    std::string group, std::string topic) {
  const engine::Instant deadline = process_.now() + patience_.question;
  for (;;) {
    const RoundTrip trip = draw();
    co_await process_.step(Operation::kKafkaCommitted, content_digest(group, topic), trip.request);
    auto offsets =
        attempt(KafkaOperation::kCommitted, [&] { return cluster_.committed(group, topic); });
    process_.record(Operation::kKafkaCommitted, content_digest(offsets));
    co_await process_.sleep_until(process_.now() + trip.answer);
    if (!asks_again(offsets, deadline)) {
      co_return offsets;
    }
    co_await process_.sleep_until(process_.now() + patience_.backoff);
  }
}

RoundTrip ProcessKafka::draw() {
  return disturbance_.stretched(draw_latency(latency_, random_), process_.now());
}

}  // namespace sim
