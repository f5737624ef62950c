// engine/adapters/rdkafka_cluster.h
//
// A Kafka cluster behind bootstrap servers, spoken to by the real client, librdkafka.
//
// Every call blocks with one request in flight, so that its answer depends on the calls before it
// and not on the client's threads: batches are cut by an explicit flush and never by a timer, and
// nothing is retried behind the caller's back.
//
// Holds     one producer, one consumer, and one consumer per group that offsets were asked of.
// Lifetime  one per cluster, used by one thread. Destroying it forgets nothing on the cluster.
//
// Not done  compacted topics and topics written by transactions: their offsets have gaps, and fetch
//           answers kUnsupported when it meets one.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/system/result.hpp>

#include "engine/ports/kafka.h"
#include "engine/ports/result.h"
#include "engine/ports/vocabulary.h"

namespace engine {

struct RdkafkaOptions {
  std::string bootstrap_servers;  // "host:port", several of them separated by commas

  // Bounds every request, and the search for the cluster.
  std::chrono::milliseconds timeout{5000};

  // Instant zero of the caller, on the cluster. A simulation counts from 1970, which a real broker
  // would delete as too old and which librdkafka reads as "now"; a live pipeline leaves it at zero.
  Instant timestamp_origin;

  // Of topics that create_topic makes; -1 leaves it to the broker.
  std::int16_t replication_factor = -1;

  // The cluster lives in this very machine's loopback: ask again without pausing.
  bool loopback = false;

  // Further librdkafka properties, for security above all. They cannot override our own.
  std::map<std::string, std::string> properties;
};

class RdkafkaCluster final : public KafkaCluster {
 public:
  // Either a cluster that has answered, or one sentence that says why there is none.
  using Connected = boost::system::result<std::unique_ptr<RdkafkaCluster>, std::string>;

  static Connected connect(const RdkafkaOptions& options);
  ~RdkafkaCluster() override;

  // Errors    kAlreadyExists. kRefused: not a topic that Kafka accepts. kUnavailable: the cluster
  // has
  //           no controller (librdkafka's mock never has one). kTimedOut: the topic may exist now.
  Result<> create_topic(const TopicSpec& topic) override;

  // Learns of a topic that the caller knows to exist. The other calls look an unknown topic up in
  // the list of all topics instead, because asking for one by name may create it.
  Result<> open_topic(const std::string& topic);

  // Drops what the clients keep per topic; the next call about a topic looks it up again.
  void close_topics();

  // Errors    as the port; kTimedOut: some records may have been appended.
  Result<std::vector<Offset>> produce(const std::string& topic,
                                      const std::vector<ProducerRecord>& records) override;
  Result<std::vector<ConsumerRecord>> fetch(const std::string& topic,
                                            const OffsetRange& range) override;
  Result<std::vector<Watermarks>> watermarks(const std::string& topic) override;
  Result<> commit(const std::string& group,
                  const std::string& topic,
                  const std::vector<PartitionOffset>& offsets) override;
  Result<std::vector<std::optional<Offset>>> committed(const std::string& group,
                                                       const std::string& topic) override;

 private:
  class Client;
  explicit RdkafkaCluster(std::unique_ptr<Client> client);

  std::unique_ptr<Client> client_;
};

}  // namespace engine
