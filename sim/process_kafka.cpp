#include "sim/process_kafka.h"

#include "sim/digest.h"

namespace sim {

using engine::Result;
using engine::Task;

ProcessKafka::ProcessKafka(Process& process,
                           engine::KafkaCluster& cluster,
                           RoundTrip latency,
                           engine::Random& random)
    : process_(process), cluster_(cluster), latency_(latency), random_(random) {}

Task<Result<std::vector<engine::Offset>>> ProcessKafka::produce(
    std::string topic, std::vector<engine::ProducerRecord> records) {
  const RoundTrip trip = draw_latency(latency_, random_);
  co_await process_.step(Operation::kKafkaProduce, content_digest(topic, records), trip.request);
  auto produced = cluster_.produce(topic, records);
  co_await process_.step(Operation::kKafkaProduceApplied, content_digest(produced), trip.answer);
  co_return produced;
}

Task<Result<std::vector<engine::ConsumerRecord>>> ProcessKafka::fetch(std::string topic,
                                                                      engine::OffsetRange range) {
  const RoundTrip trip = draw_latency(latency_, random_);
  co_await process_.step(Operation::kKafkaFetch, content_digest(topic, range), trip.request);
  auto fetched = cluster_.fetch(topic, range);
  process_.record(Operation::kKafkaFetch, content_digest(fetched));
  co_await process_.sleep_until(process_.now() + trip.answer);
  co_return fetched;
}

Task<Result<std::vector<engine::Watermarks>>> ProcessKafka::watermarks(std::string topic) {
  const RoundTrip trip = draw_latency(latency_, random_);
  co_await process_.step(Operation::kKafkaWatermarks, content_digest(topic), trip.request);
  auto marks = cluster_.watermarks(topic);
  process_.record(Operation::kKafkaWatermarks, content_digest(marks));
  co_await process_.sleep_until(process_.now() + trip.answer);
  co_return marks;
}

Task<Result<>> ProcessKafka::commit(std::string group,
                                    std::string topic,
                                    std::vector<engine::PartitionOffset> offsets) {
  const RoundTrip trip = draw_latency(latency_, random_);
  const std::uint64_t request = content_digest(group, topic, offsets);
  co_await process_.step(Operation::kKafkaCommit, request, trip.request);
  const Result<> committed = cluster_.commit(group, topic, offsets);
  co_await process_.step(Operation::kKafkaCommitApplied, content_digest(committed), trip.answer);
  co_return committed;
}

Task<Result<std::vector<std::optional<engine::Offset>>>> ProcessKafka::committed(
    std::string group, std::string topic) {
  const RoundTrip trip = draw_latency(latency_, random_);
  co_await process_.step(Operation::kKafkaCommitted, content_digest(group, topic), trip.request);
  auto offsets = cluster_.committed(group, topic);
  process_.record(Operation::kKafkaCommitted, content_digest(offsets));
  co_await process_.sleep_until(process_.now() + trip.answer);
  co_return offsets;
}

}  // namespace sim
