// tests/support/kafka_clusters.h
//
// The two Kafka clusters of a simulation, empty, for tests that hold for both.

#pragma once

#include <memory>

#include "engine/ports/invariant.h"
#include "engine/ports/kafka.h"
#include "sim/kafka/broker_model.h"
#include "sim/kafka/mock_cluster.h"

namespace tests {

enum class ClusterKind { kModel, kMock };

constexpr const char* to_string(ClusterKind kind) {
  return kind == ClusterKind::kModel ? "Model" : "Mock";
}

// One mock cluster for the whole program: that it can be used again is part of its contract.
inline sim::MockCluster& shared_mock_cluster() {
  static const auto cluster = [] {
    auto started = sim::MockCluster::start();
    INVARIANT(started.has_value(), "{}", started.error());
    return std::move(*started);
  }();
  return *cluster;
}

inline sim::BrokerModel& shared_broker_model() {
  static sim::BrokerModel model;
  return model;
}

inline engine::KafkaCluster& empty_cluster(ClusterKind kind) {
  if (kind == ClusterKind::kModel) {
    shared_broker_model().reset();
    return shared_broker_model();
  }
  const auto begun = shared_mock_cluster().new_run();
  INVARIANT(begun.has_value(), "no mock cluster: {}", begun.error().message());
  return shared_mock_cluster();
}

}  // namespace tests
