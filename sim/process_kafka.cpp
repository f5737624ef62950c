#include "sim/process_kafka.h"

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
    co_await process_.step(Operation::kKafkaProduce, process_.digest(topic, records), trip.request);
    auto produced =
        attempt(KafkaOperation::kProduce, [&] { return cluster_.produce(topic, records); });
    co_await process_.step(Operation::kKafkaProduceApplied, process_.digest(produced), trip.answer);
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
    co_await process_.step(Operation::kKafkaFetch, process_.digest(topic, range), trip.request);
    auto fetched = attempt(KafkaOperation::kFetch, [&] { return cluster_.fetch(topic, range); });
    process_.record(Operation::kKafkaFetch, process_.digest(fetched));
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
    co_await process_.step(Operation::kKafkaWatermarks, process_.digest(topic), trip.request);
    auto marks = attempt(KafkaOperation::kWatermarks, [&] { return cluster_.watermarks(topic); });
    process_.record(Operation::kKafkaWatermarks, process_.digest(marks));
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
  const std::uint64_t request = process_.digest(group, topic, offsets);
  co_await process_.step(Operation::kKafkaCommit, request, trip.request);
  const Result<> committed =
      attempt(KafkaOperation::kCommit, [&] { return cluster_.commit(group, topic, offsets); });
  co_await process_.step(Operation::kKafkaCommitApplied, process_.digest(committed), trip.answer);
  co_return committed;
}

Task<Result<std::vector<std::optional<engine::Offset>>>> ProcessKafka::committed(
    std::string group, std::string topic) {
  const engine::Instant deadline = process_.now() + patience_.question;
  for (;;) {
    const RoundTrip trip = draw();
    co_await process_.step(Operation::kKafkaCommitted, process_.digest(group, topic), trip.request);
    auto offsets =
        attempt(KafkaOperation::kCommitted, [&] { return cluster_.committed(group, topic); });
    process_.record(Operation::kKafkaCommitted, process_.digest(offsets));
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
