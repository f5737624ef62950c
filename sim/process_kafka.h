// sim/process_kafka.h
//
// A Kafka cluster as one process sees it through its client: every request takes time, the process
// may die around every effect, and the client has patience.
//
// Patience  What is answered with kUnavailable (a broker that is down, a leader that moved) the
//           client asks again after a backoff, until a timeout; the caller notices a delay, and
//           the error only then. Everything else is the caller's to handle, and so is a commit that
//           fails: commitAsync does not repeat it, because a later one might be overtaken.
//
// Steps     fetch, watermarks and committed have one boundary, before the request reaches the
//           cluster. produce and commit have two: that one, and one when the cluster has done it
//           and the process does not know yet.
//           A request that is repeated has its boundaries again.
// Failures  come when the request reaches the cluster, or would have.
// Lifetime  one per process, for the life of the world.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/ports/kafka.h"
#include "engine/ports/random.h"
#include "sim/disturbance.h"
#include "sim/latency.h"
#include "sim/process.h"

namespace sim {

enum class KafkaOperation : std::uint8_t { kProduce, kFetch, kWatermarks, kCommit, kCommitted };

// Defaults of the Java clients (retry.backoff.ms, default.api.timeout.ms, delivery.timeout.ms) and
// of Spark (spark.streaming.kafka.consumer.poll.ms).
struct KafkaPatience {
  engine::Duration backoff = std::chrono::milliseconds(100);
  engine::Duration question = std::chrono::seconds(60);  // watermarks, committed
  engine::Duration produce = std::chrono::seconds(120);
  engine::Duration fetch = std::chrono::seconds(120);
};

class ProcessKafka final : public engine::Kafka {
 public:
  ProcessKafka(Process& process,
               engine::KafkaCluster& cluster,
               RoundTrip latency,
               engine::Random& random,
               KafkaPatience patience = {});

  // What is to go wrong with its requests.
  [[nodiscard]] Disturbance<KafkaOperation>& disturbance() { return disturbance_; }

  engine::Task<engine::Result<std::vector<engine::Offset>>> produce(
      std::string topic, std::vector<engine::ProducerRecord> records) override;
  engine::Task<engine::Result<std::vector<engine::ConsumerRecord>>> fetch(
      std::string topic, engine::OffsetRange range) override;
  engine::Task<engine::Result<std::vector<engine::Watermarks>>> watermarks(
      std::string topic) override;
  engine::Task<engine::Result<>> commit(std::string group,
                                        std::string topic,
                                        std::vector<engine::PartitionOffset> offsets) override;
  engine::Task<engine::Result<std::vector<std::optional<engine::Offset>>>> committed(
      std::string group, std::string topic) override;

 private:
  template <class Effect>
  std::invoke_result_t<Effect> attempt(KafkaOperation kind, Effect effect) {
    return disturbance_.attempt(kind, process_.now(), std::move(effect));
  }

  template <class T>
  [[nodiscard]] bool asks_again(const engine::Result<T>& answer, engine::Instant deadline) const {
    return answer.error() == engine::Errc::kUnavailable &&
           process_.now() + patience_.backoff < deadline;
  }

  RoundTrip draw();

  Process& process_;
  engine::KafkaCluster& cluster_;
  RoundTrip latency_;
  engine::Random& random_;
  KafkaPatience patience_;
  Disturbance<KafkaOperation> disturbance_;
};

}  // namespace sim
