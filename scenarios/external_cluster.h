// scenarios/external_cluster.h
//
// A cluster that somebody else runs. Topics are made there by the admin protocol, or, where nobody
// answers that, by asking for them: then they have as many partitions as that cluster gives to new
// topics, which must be as many as the scenario wants.
//
// Lifetime  one per thread that runs worlds. Topics stay behind: nothing here may delete.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/system/result.hpp>

#include "engine/adapters/rdkafka_cluster.h"
#include "engine/ports/kafka.h"

namespace scenarios {

class ExternalCluster final : public engine::KafkaCluster {
 public:
  // Either a cluster that has answered, or one sentence that says why there is none.
  using Connected = boost::system::result<std::unique_ptr<ExternalCluster>, std::string>;

  static Connected connect(const std::string& address);

  // What the last call to create_topic could not do, for a person; empty: it did it.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

  // Errors    as engine::RdkafkaCluster. kUnsupported: the cluster made it with another number of
  //           partitions.
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
  ExternalCluster(std::string address, std::unique_ptr<engine::RdkafkaCluster> cluster);

  engine::Result<> have_topic_made(const engine::TopicSpec& topic);

  std::string address_;
  std::unique_ptr<engine::RdkafkaCluster> cluster_;
  std::string trouble_;
};

}  // namespace scenarios
