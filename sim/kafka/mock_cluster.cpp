#include "sim/kafka/mock_cluster.h"

#include <array>
#include <utility>

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "engine/adapters/kafka_rules.h"

namespace sim {
namespace {

using engine::ConsumerRecord;
using engine::Errc;
using engine::Offset;
using engine::OffsetRange;
using engine::PartitionOffset;
using engine::ProducerRecord;
using engine::RdkafkaCluster;
using engine::RdkafkaOptions;
using engine::Result;
using engine::TopicSpec;
using engine::Watermarks;

// The mock and the client both search their topics one by one, and the mock never frees a log.
constexpr std::size_t kTopicsPerHostMax = 200;
constexpr std::size_t kBytesPerHostMax = std::size_t{256} * 1024 * 1024;

// 2017-10-26 00:00 UTC. Any instant will do that keeps a run's first record from carrying the
// timestamp zero, which librdkafka reads as "now".
constexpr engine::Instant kOrigin{std::chrono::seconds{1'508'976'000}};

void ignore_log(const rd_kafka_t* /*handle*/,
                int /*level*/,
                const char* /*from*/,
                const char* /*text*/) {}

}  // namespace

// The brokers live and die with one idle client. Asking for them by a property instead of making a
// mock cluster by hand lets them end at once; the other way takes a second more often than not.
class MockCluster::Host {
 public:
  Host() : client_(start(why_)) {}

  [[nodiscard]] bool is_up() const { return client_ != nullptr; }

  [[nodiscard]] const std::string& why() const { return why_; }

  [[nodiscard]] std::string bootstrap_servers() const {
    return rd_kafka_mock_cluster_bootstraps(rd_kafka_handle_mock_cluster(client_.get()));
  }

  rd_kafka_resp_err_t create_topic(const std::string& name, std::int32_t partitions) {
    return rd_kafka_mock_topic_create(
        rd_kafka_handle_mock_cluster(client_.get()), name.c_str(), partitions, 1);
  }

 private:
  struct Deleter {
    void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
  };

  static rd_kafka_t* start(std::string& why) {
    std::array<char, 512> text{};
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, &ignore_log);
    for (const auto& [name, value] : {std::pair{"log_level", "0"},
                                      std::pair{"test.mock.num.brokers", "1"},
                                      std::pair{"broker.address.family", "v4"},
                                      std::pair{"socket.nagle.disable", "true"}}) {
      rd_kafka_conf_set(conf, name, value, text.data(), text.size());
    }
    rd_kafka_t* client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text.data(), text.size());
    if (client == nullptr) {
      rd_kafka_conf_destroy(conf);
      why = text.data();
    }
    return client;
  }

  std::string why_;
  std::unique_ptr<rd_kafka_t, Deleter> client_;
};

MockCluster::MockCluster() = default;
MockCluster::~MockCluster() = default;

MockCluster::Started MockCluster::start() {
  std::unique_ptr<MockCluster> cluster(new MockCluster());
  std::string trouble = cluster->renew();
  if (!trouble.empty()) {
    return trouble;
  }
  return cluster;
}

std::string MockCluster::renew() {
  clients_.reset();
  host_ = std::make_unique<Host>();
  topics_created_ = 0;
  bytes_produced_ = 0;
  if (!host_->is_up()) {
    return fmt::format("librdkafka's mock cluster does not start: {}", host_->why());
  }
  RdkafkaOptions options;
  options.bootstrap_servers = host_->bootstrap_servers();
  options.timestamp_origin = kOrigin;
  options.loopback = true;
  auto connected = RdkafkaCluster::connect(options);
  if (!connected) {
    return fmt::format("librdkafka's mock cluster does not serve: {}", connected.error());
  }
  clients_ = std::move(*connected);
  return {};
}

Result<> MockCluster::new_run() {
  ++run_;
  const bool old = topics_created_ >= kTopicsPerHostMax || bytes_produced_ >= kBytesPerHostMax;
  if (old || !clients_) {
    return renew().empty() ? Result<>() : Result<>(Errc::kUnavailable);
  }
  clients_->close_topics();
  return {};
}

std::string MockCluster::bootstrap_servers() const {
  return host_->bootstrap_servers();
}

std::string MockCluster::physical_topic(const std::string& topic) const {
  return fmt::format("{}-r{}", topic, run_);
}

// Opening the topic is also what keeps two of these requests apart: on its way the mock's thread
// passes the place where it would sleep through a second request that came too soon.
Result<> MockCluster::create_topic(const TopicSpec& topic) {
  if (!engine::is_acceptable(topic)) {
    return Errc::kRefused;
  }
  const std::string name = physical_topic(topic.name);
  const auto error = host_->create_topic(name, topic.partitions);
  if (error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
    return Errc::kAlreadyExists;
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Errc::kRefused;
  }
  ++topics_created_;
  return clients_->open_topic(name);
}

Result<std::vector<Offset>> MockCluster::produce(const std::string& topic,
                                                 const std::vector<ProducerRecord>& records) {
  for (const ProducerRecord& record : records) {
    bytes_produced_ += record.key.size() + record.value.size();
  }
  return clients_->produce(physical_topic(topic), records);
}

Result<std::vector<ConsumerRecord>> MockCluster::fetch(const std::string& topic,
                                                       const OffsetRange& range) {
  return clients_->fetch(physical_topic(topic), range);
}

Result<std::vector<Watermarks>> MockCluster::watermarks(const std::string& topic) {
  return clients_->watermarks(physical_topic(topic));
}

Result<> MockCluster::commit(const std::string& group,
                             const std::string& topic,
                             const std::vector<PartitionOffset>& offsets) {
  return clients_->commit(group, physical_topic(topic), offsets);
}

Result<std::vector<std::optional<Offset>>> MockCluster::committed(const std::string& group,
                                                                  const std::string& topic) {
  return clients_->committed(group, physical_topic(topic));
}

}  // namespace sim
