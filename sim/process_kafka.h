// sim/process_kafka.h
//
// A Kafka cluster as one process sees it: every request takes time, and the process may die around
// every effect.
//
// Steps     fetch, watermarks and committed have one boundary, before the request reaches the
//           cluster. produce and commit have two: that one, and one when the cluster has done it
//           and the process does not know yet.
// Lifetime  one per process, for the life of the world.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/ports/kafka.h"
#include "engine/ports/random.h"
#include "sim/latency.h"
#include "sim/process.h"

namespace sim {

class ProcessKafka final : public engine::Kafka {
 public:
  ProcessKafka(Process& process,
               engine::KafkaCluster& cluster,
               RoundTrip latency,
               engine::Random& random);

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
  Process& process_;
  engine::KafkaCluster& cluster_;
  RoundTrip latency_;
  engine::Random& random_;
};

}  // namespace sim
