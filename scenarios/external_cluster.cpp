#include "scenarios/external_cluster.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace scenarios {
namespace {

using engine::Errc;

// A real broker deletes records that are older than its retention allows, so a run must not lie in
// 1970. No world ever sees this: what it reads back is counted from the same instant.
engine::Instant origin_for_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return engine::Instant(std::chrono::duration_cast<std::chrono::milliseconds>(now));
}

}  // namespace

ExternalCluster::ExternalCluster(std::string address,
                                 std::unique_ptr<engine::RdkafkaCluster> cluster)
    : address_(std::move(address)), cluster_(std::move(cluster)) {}

ExternalCluster::Connected ExternalCluster::connect(const std::string& address) {
  engine::RdkafkaOptions options;
  options.bootstrap_servers = address;
  options.timestamp_origin = origin_for_now();
  auto cluster = engine::RdkafkaCluster::connect(options);
  if (!cluster) {
    return cluster.error();
  }
  return std::unique_ptr<ExternalCluster>(new ExternalCluster(address, std::move(*cluster)));
}

engine::Result<> ExternalCluster::create_topic(const engine::TopicSpec& topic) {
  trouble_.clear();
  const auto created = cluster_->create_topic(topic);
  if (created) {
    return created;
  }
  if (created.error() == Errc::kUnavailable) {
    return have_topic_made(topic);
  }
  trouble_ = fmt::format("the cluster at {} does not create the topic {}: {}",
                         address_,
                         topic.name,
                         created.error().message());
  return created;
}

engine::Result<> ExternalCluster::have_topic_made(const engine::TopicSpec& topic) {
  const auto opened = cluster_->open_topic(topic.name);
  if (!opened) {
    trouble_ = fmt::format("the cluster at {} has no controller, so nobody can create topics there",
                           address_);
    return opened;
  }
  const auto partitions = cluster_->watermarks(topic.name);
  if (!partitions) {
    trouble_ = fmt::format("the cluster at {} does not say how many partitions {} has: {}",
                           address_,
                           topic.name,
                           partitions.error().message());
    return partitions.error();
  }
  if (std::ssize(partitions.value()) != topic.partitions) {
    trouble_ = fmt::format(
        "the cluster at {} has no controller and gives every new topic {} partitions, but this "
        "scenario wants {}",
        address_,
        partitions.value().size(),
        topic.partitions);
    return Errc::kUnsupported;
  }
  return {};
}

engine::Result<std::vector<engine::Offset>> ExternalCluster::produce(
    const std::string& topic, const std::vector<engine::ProducerRecord>& records) {
  return cluster_->produce(topic, records);
}

engine::Result<std::vector<engine::ConsumerRecord>> ExternalCluster::fetch(
    const std::string& topic, const engine::OffsetRange& range) {
  return cluster_->fetch(topic, range);
}

engine::Result<std::vector<engine::Watermarks>> ExternalCluster::watermarks(
    const std::string& topic) {
  return cluster_->watermarks(topic);
}

engine::Result<> ExternalCluster::commit(const std::string& group,
                                         const std::string& topic,
                                         const std::vector<engine::PartitionOffset>& offsets) {
  return cluster_->commit(group, topic, offsets);
}

engine::Result<std::vector<std::optional<engine::Offset>>> ExternalCluster::committed(
    const std::string& group, const std::string& topic) {
  return cluster_->committed(group, topic);
}

}  // namespace scenarios
