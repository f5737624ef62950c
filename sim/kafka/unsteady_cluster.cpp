#include "sim/kafka/unsteady_cluster.h"

#include <algorithm>

#include "engine/ports/invariant.h"

namespace sim {

using engine::Errc;
using engine::Result;

void UnsteadyCluster::brokers_up() {
  INVARIANT(down_ > 0, "brokers come up that are not down");
  --down_;
}

void UnsteadyCluster::leader_found(engine::PartitionId partition) {
  const auto lost = leaderless_.find(partition);
  INVARIANT(lost != leaderless_.end(), "partition {} has a leader", partition);
  --lost->second;
  if (lost->second == 0) {
    leaderless_.erase(lost);
  }
}

void UnsteadyCluster::coordinator_found() {
  INVARIANT(coordinatorless_ > 0, "groups have a coordinator");
  --coordinatorless_;
}

bool UnsteadyCluster::leads(engine::PartitionId partition) const {
  return down_ == 0 && !leaderless_.contains(partition);
}

Result<> UnsteadyCluster::create_topic(const engine::TopicSpec& topic) {
  return down_ == 0 ? cluster_.create_topic(topic) : Errc::kUnavailable;
}

Result<std::vector<engine::Offset>> UnsteadyCluster::produce(
    const std::string& topic, const std::vector<engine::ProducerRecord>& records) {
  const bool in_reach = down_ == 0 && std::ranges::all_of(records, [this](const auto& record) {
                          return leads(record.partition);
                        });
  if (!in_reach) {
    return Errc::kUnavailable;
  }
  return cluster_.produce(topic, records);
}

Result<std::vector<engine::ConsumerRecord>> UnsteadyCluster::fetch(
    const std::string& topic, const engine::OffsetRange& range) {
  if (!leads(range.partition)) {
    return Errc::kUnavailable;
  }
  return cluster_.fetch(topic, range);
}

Result<std::vector<engine::Watermarks>> UnsteadyCluster::watermarks(const std::string& topic) {
  if (down_ > 0 || !leaderless_.empty()) {
    return Errc::kUnavailable;
  }
  return cluster_.watermarks(topic);
}

Result<> UnsteadyCluster::commit(const std::string& group,
                                 const std::string& topic,
                                 const std::vector<engine::PartitionOffset>& offsets) {
  return coordinates() ? cluster_.commit(group, topic, offsets) : Errc::kUnavailable;
}

Result<std::vector<std::optional<engine::Offset>>> UnsteadyCluster::committed(
    const std::string& group, const std::string& topic) {
  if (!coordinates()) {
    return Errc::kUnavailable;
  }
  return cluster_.committed(group, topic);
}

}  // namespace sim
