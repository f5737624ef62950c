// sim/kafka/mock_cluster.h
//
// librdkafka's mock cluster behind the real client: produce requests, fetch requests and commits
// travel over TCP to a broker in this process.
//
// A cluster serves many runs. Each run sees the topics that it created itself and no others: a
// topic has a physical name with the number of the run in it ("sessions-r17"), and what a group
// commits belongs to a physical topic. A cluster that has grown old is replaced between two runs.
//
// Lifetime  one per thread that runs worlds.
//
// Not here  transactions, fencing and read_committed: the mock of librdkafka 2.0.2 answers them
//           wrongly, so nothing of that kind is offered.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/system/result.hpp>

#include "engine/adapters/rdkafka_cluster.h"
#include "engine/ports/kafka.h"
#include "engine/ports/result.h"

namespace sim {

class MockCluster final : public engine::KafkaCluster {
 public:
  // Either a cluster that has answered, or one sentence that says why there is none.
  using Started = boost::system::result<std::unique_ptr<MockCluster>, std::string>;

  static Started start();
  ~MockCluster() override;

  // Begins a run: an empty cluster, as far as the calls below can tell.
  // Errors    kUnavailable: the old cluster was to be replaced, and no new one came up.
  engine::Result<> new_run();

  // Where other clients find it, until the next run: "127.0.0.1:41234".
  [[nodiscard]] std::string bootstrap_servers() const;
  // What other clients call a topic of this run.
  [[nodiscard]] std::string physical_topic(const std::string& topic) const;

  // Errors    kAlreadyExists. kRefused: not a topic that Kafka accepts.
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
  class Host;
  MockCluster();

  // Empty when a cluster is up, else the reason why there is none.
  std::string renew();

  std::unique_ptr<Host> host_;                       // the brokers
  std::unique_ptr<engine::RdkafkaCluster> clients_;  // goes before the brokers do
  std::int64_t run_ = 1;
  std::size_t topics_created_ = 0;  // on this host, in all its runs
  std::size_t bytes_produced_ = 0;  // likewise
};

}  // namespace sim
