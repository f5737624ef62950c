// sim/kafka/unsteady_cluster.h
//
// A Kafka cluster in front of another one, parts of which cannot be reached for a while: brokers
// that are down, partitions between two leaders, groups between two coordinators. What cannot be
// reached answers kUnavailable and has done nothing; everything else is the other cluster's answer.
// It stands before the model and before the mock alike, because none of this is in their logs.
//
// Holds     what is out of reach, counted: two faults may overlap, and both must be over.
// Lifetime  one per world, like the faults; the other cluster may live longer.
//
// Invariants
//   U1  All or nothing.  A request that is answered kUnavailable changed nothing.
//   U2  Transparent.     While everything is in reach, answers and effects are the other's.
// tests/contract/kafka_contract_test.cpp checks each of them by name.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/kafka.h"
#include "engine/ports/result.h"
#include "engine/ports/vocabulary.h"

namespace sim {

class UnsteadyCluster final : public engine::KafkaCluster {
 public:
  explicit UnsteadyCluster(engine::KafkaCluster& cluster) : cluster_(cluster) {}

  // No broker answers anything.
  void brokers_down() { ++down_; }

  void brokers_up();

  // A partition, of whichever topic, has no leader: nobody reads it, writes to it, or learns how
  // far it goes.
  void leader_lost(engine::PartitionId partition) { ++leaderless_[partition]; }

  void leader_found(engine::PartitionId partition);

  // No group commits offsets or learns what it committed.
  void coordinator_lost() { ++coordinatorless_; }

  void coordinator_found();

  engine::Result<> create_topic(const engine::TopicSpec& topic) override;
  engine::Result<std::vector<engine::Offset>> produce(
      const std::string& topic, const std::vector<engine::ProducerRecord>& records) override;
  engine::Result<std::vector<engine::ConsumerRecord>> fetch(
      const std::string& topic, const engine::OffsetRange& range) override;
  engine::Result<std::vector<engine::Watermarks>> watermarks(const std::string& topic) override;
  engine::Result<> commit(const std::string& group,
                          const std::string& topic,
                          const std::vector<engine::PartitionOffset>& offsets) override;
  engine::Result<std::vector<std::optional<engine::Offset>>> committed(
      const std::string& group, const std::string& topic) override;

 private:
  [[nodiscard]] bool leads(engine::PartitionId partition) const;

  [[nodiscard]] bool coordinates() const { return down_ == 0 && coordinatorless_ == 0; }

  engine::KafkaCluster& cluster_;
  int down_ = 0;
  int coordinatorless_ = 0;
  std::map<engine::PartitionId, int> leaderless_;  // how many times each
};

}  // namespace sim
