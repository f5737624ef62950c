#include "engine/adapters/rdkafka_cluster.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <thread>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include "engine/adapters/kafka_rules.h"
#include "engine/ports/invariant.h"

namespace engine {
namespace {

struct HandleDeleter {
  // Nobody here ever joins a group, so there is no group to leave on the way out.
  void operator()(rd_kafka_t* handle) const {
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }
};

template <auto Destroy>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Destroy(object);
  }
};

using Handle = std::unique_ptr<rd_kafka_t, HandleDeleter>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, Deleter<rd_kafka_topic_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Deleter<rd_kafka_queue_destroy>>;
using Conf = std::unique_ptr<rd_kafka_conf_t, Deleter<rd_kafka_conf_destroy>>;
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                   Deleter<rd_kafka_topic_partition_list_destroy>>;
using Message = std::unique_ptr<rd_kafka_message_t, Deleter<rd_kafka_message_destroy>>;
using Event = std::unique_ptr<rd_kafka_event_t, Deleter<rd_kafka_event_destroy>>;
using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Deleter<rd_kafka_NewTopic_destroy>>;
using Properties = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kReadAtOnceMax = 10'000;
constexpr std::chrono::milliseconds kPauseBetweenLookups{10};

Errc to_errc(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
      return Errc::kUnavailable;
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      return Errc::kOffsetOutOfRange;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      return Errc::kUnknownTopic;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return Errc::kAlreadyExists;
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return Errc::kTimedOut;
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
      return Errc::kUnsupported;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
      return Errc::kCorrupt;
    default:
      return Errc::kRefused;
  }
}

// Of a question that changes nothing on the cluster: without an answer it can simply be repeated.
Errc question_errc(rd_kafka_resp_err_t error) {
  const Errc code = to_errc(error);
  return code == Errc::kTimedOut ? Errc::kUnavailable : code;
}

// The client would write to stderr; whatever matters reaches us as an error code as well.
void ignore_log(const rd_kafka_t* /*handle*/,
                int /*level*/,
                const char* /*from*/,
                const char* /*text*/) {}

Properties common_properties(const RdkafkaOptions& options) {
  Properties properties{{"bootstrap.servers", options.bootstrap_servers},
                        {"client.id", "onceproof"},
                        {"log_level", "0"},
                        {"socket.nagle.disable", "true"},
                        {"topic.metadata.refresh.interval.ms", "-1"},
                        {"message.max.bytes", "16777216"}};
  if (options.loopback) {
    properties.insert(properties.end(),
                      {{"broker.address.family", "v4"},
                       {"reconnect.backoff.ms", "1"},
                       {"reconnect.backoff.max.ms", "2"},
                       {"topic.metadata.refresh.fast.interval.ms", "1"}});
  }
  return properties;
}

// One batch per partition and flush needs limits that no call reaches: kBatchBytesMax bytes hold
// fewer than 150,000 records, which librdkafka estimates at 36 bytes each before it encodes them.
// Likewise no timer may send or give up a record; the flush itself is what is bounded in time.
Properties producer_properties(const RdkafkaOptions& options) {
  Properties properties = common_properties(options);
  properties.insert(properties.end(),
                    {{"linger.ms", "900000"},
                     {"batch.size", "16777216"},
                     {"batch.num.messages", "1000000"},
                     {"queue.buffering.max.messages", "10000000"},
                     {"max.in.flight", "1"},
                     {"retries", "0"},
                     {"acks", "all"},
                     {"compression.codec", "none"},
                     {"message.timeout.ms", "1800000"}});
  return properties;
}

// A client whose queue is full of records looks again only after a second, so the queue must never
// be full by their number; its limit in bytes stays.
Properties consumer_properties(const RdkafkaOptions& options, const std::string& group) {
  Properties properties = common_properties(options);
  properties.insert(properties.end(),
                    {{"group.id", group},
                     {"enable.auto.commit", "false"},
                     {"enable.auto.offset.store", "false"},
                     {"auto.offset.reset", "error"},
                     {"isolation.level", "read_uncommitted"},
                     {"check.crcs", "true"},
                     {"queued.min.messages", "10000000"},
                     {"fetch.wait.max.ms", options.loopback ? "0" : "10"},
                     {"fetch.error.backoff.ms", options.loopback ? "1" : "10"}});
  if (options.loopback) {
    properties.emplace_back("coordinator.query.interval.ms", "1");
  }
  return properties;
}

boost::system::result<Handle, std::string> new_handle(rd_kafka_type_t type,
                                                      const RdkafkaOptions& options,
                                                      const Properties& own,
                                                      void (*configure)(rd_kafka_conf_t*, void*),
                                                      void* opaque) {
  std::array<char, 512> why{};
  Conf conf(rd_kafka_conf_new());
  rd_kafka_conf_set_log_cb(conf.get(), &ignore_log);
  Properties all(options.properties.begin(), options.properties.end());
  all.insert(all.end(), own.begin(), own.end());
  for (const auto& [name, value] : all) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why.data(), why.size()) !=
        RD_KAFKA_CONF_OK) {
      return fmt::format("the Kafka client refuses its configuration: {}", why.data());
    }
  }
  configure(conf.get(), opaque);
  Handle handle(rd_kafka_new(type, conf.get(), why.data(), why.size()));
  if (!handle) {
    return fmt::format("the Kafka client does not start: {}", why.data());
  }
  std::ignore = conf.release();  // A handle owns its configuration from its birth on.
  return handle;
}

void configure_nothing(rd_kafka_conf_t* /*conf*/, void* /*opaque*/) {}

// A view of text that may be no text at all.
std::string to_bytes(const void* data, std::size_t size) {
  return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

// Topic metadata as far as we use it.
struct TopicMetadata {
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::int32_t partitions = 0;
};

TopicMetadata read_metadata(const rd_kafka_metadata_topic_t& topic) {
  TopicMetadata metadata{.error = topic.err, .partitions = topic.partition_cnt};
  for (int i = 0; i < topic.partition_cnt; ++i) {
    if (metadata.error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      metadata.error = topic.partitions[i].err;
    }
    if (metadata.error == RD_KAFKA_RESP_ERR_NO_ERROR && topic.partitions[i].leader < 0) {
      metadata.error = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    }
  }
  return metadata;
}

}  // namespace

class RdkafkaCluster::Client {
 public:
  explicit Client(RdkafkaOptions options) : options_(std::move(options)) {}

  // Empty when the cluster has answered, else the reason why it is unusable.
  std::string start();

  Result<> create_topic(const TopicSpec& topic);
  Result<> open_topic(const std::string& name);

  void close_topics() { topics_.clear(); }

  Result<std::vector<Offset>> produce(const std::string& topic,
                                      const std::vector<ProducerRecord>& records);
  Result<std::vector<ConsumerRecord>> fetch(const std::string& topic, const OffsetRange& range);
  Result<std::vector<Watermarks>> watermarks(const std::string& topic);
  Result<> commit(const std::string& group,
                  const std::string& topic,
                  const std::vector<PartitionOffset>& offsets);
  Result<std::vector<std::optional<Offset>>> committed(const std::string& group,
                                                       const std::string& topic);

 private:
  struct Topic {
    TopicHandle produced;
    TopicHandle consumed;
    std::vector<Offset> seen_high_watermarks;  // What is below was readable once.

    [[nodiscard]] bool has(PartitionId partition) const {
      return partition >= 0 && static_cast<std::size_t>(partition) < seen_high_watermarks.size();
    }

    [[nodiscard]] Offset& seen(PartitionId partition) {
      return seen_high_watermarks[static_cast<std::size_t>(partition)];
    }
  };

  struct Report {
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__IN_PROGRESS;
    rd_kafka_msg_status_t status = RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
    Offset offset;
  };

  static void on_delivery(rd_kafka_t* handle, const rd_kafka_message_t* message, void* opaque);
  static void on_error(rd_kafka_t* handle, int error, const char* text, void* opaque);

  [[nodiscard]] int timeout_ms() const { return static_cast<int>(options_.timeout.count()); }

  [[nodiscard]] std::int64_t origin_ms() const {
    return kafka_timestamp(options_.timestamp_origin).count();
  }

  // Errors    kUnknownTopic, kUnavailable.
  Result<Topic*> topic(const std::string& name);
  Result<bool> exists(const std::string& name);
  // Whether some broker is there to change the cluster. A request to create a topic waits for one.
  bool has_controller();
  // The metadata of one topic as one of our handles learns it.
  Result<TopicMetadata> metadata(rd_kafka_t* handle, rd_kafka_topic_t* topic);
  Result<std::int32_t> await_metadata(rd_kafka_t* handle, rd_kafka_topic_t* topic);
  Result<rd_kafka_t*> group_consumer(const std::string& group, const std::string& topic);

  static Errc acceptable(Topic& topic, const std::vector<ProducerRecord>& records);
  bool enqueue(const Topic& topic, const ProducerRecord& record, std::size_t index);
  void flush();
  Result<std::vector<Offset>> judge_reports(Topic& topic,
                                            const std::vector<ProducerRecord>& records);

  Result<> check_range(const std::string& name, Topic& topic, const OffsetRange& range);
  Result<std::vector<ConsumerRecord>> read(const OffsetRange& range);
  void discard_what_was_fetched_ahead();
  Result<> take(const rd_kafka_message_t& message,
                const OffsetRange& range,
                std::vector<ConsumerRecord>& records) const;
  Result<std::vector<Offset>> list_offsets(const std::string& name,
                                           const Topic& topic,
                                           std::int64_t which);
  Result<std::vector<std::optional<Offset>>> ask_committed(rd_kafka_t* consumer,
                                                           const std::string& name,
                                                           std::size_t partition_count);

  RdkafkaOptions options_;
  std::string last_error_;
  Handle producer_;
  Handle consumer_;
  Queue consumer_queue_;
  std::map<std::string, Handle> group_consumers_;
  std::map<std::string, Topic> topics_;  // After the handles: it must go before them.
  std::vector<Report> reports_;          // One per record of the call to produce under way.
  std::vector<rd_kafka_message_t*> messages_;
};

std::string RdkafkaCluster::Client::start() {
  const auto configure = [](rd_kafka_conf_t* conf, void* opaque) {
    rd_kafka_conf_set_opaque(conf, opaque);
    rd_kafka_conf_set_dr_msg_cb(conf, &Client::on_delivery);
    rd_kafka_conf_set_error_cb(conf, &Client::on_error);
  };
  auto producer =
      new_handle(RD_KAFKA_PRODUCER, options_, producer_properties(options_), configure, this);
  if (!producer) {
    return producer.error();
  }
  producer_ = std::move(*producer);

  const rd_kafka_metadata_t* answer = nullptr;
  const auto error = rd_kafka_metadata(producer_.get(), 0, nullptr, &answer, timeout_ms());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_poll(producer_.get(), 0);
    return fmt::format("no Kafka cluster answers at {} within {:g} s: {}",
                       options_.bootstrap_servers,
                       std::chrono::duration<double>(options_.timeout).count(),
                       last_error_.empty() ? rd_kafka_err2str(error) : last_error_.c_str());
  }
  rd_kafka_metadata_destroy(answer);

  auto consumer = new_handle(RD_KAFKA_CONSUMER,
                             options_,
                             consumer_properties(options_, "onceproof-fetch"),
                             &configure_nothing,
                             nullptr);
  if (!consumer) {
    return consumer.error();
  }
  consumer_ = std::move(*consumer);
  consumer_queue_.reset(rd_kafka_queue_get_consumer(consumer_.get()));
  return {};
}

void RdkafkaCluster::Client::on_delivery(rd_kafka_t* /*handle*/,
                                         const rd_kafka_message_t* message,
                                         void* /*opaque*/) {
  *static_cast<Report*>(message->_private) = {.error = message->err,
                                              .status = rd_kafka_message_status(message),
                                              .offset = {message->offset}};
}

// The text ends in "(after 0ms in state CONNECT)" or the like, which is of use to nobody here.
void RdkafkaCluster::Client::on_error(rd_kafka_t* /*handle*/,
                                      int error,
                                      const char* text,
                                      void* opaque) {
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    return;
  }
  std::string& last_error = static_cast<Client*>(opaque)->last_error_;
  last_error = text;
  last_error.erase(std::min(last_error.find(" (after "), last_error.size()));
}

// --- Topics ------------------------------------------------------------------------------------

Result<> RdkafkaCluster::Client::create_topic(const TopicSpec& topic) {
  if (!is_acceptable(topic)) {
    return Errc::kRefused;
  }
  std::array<char, 512> why{};
  const NewTopic wanted(rd_kafka_NewTopic_new(
      topic.name.c_str(), topic.partitions, options_.replication_factor, why.data(), why.size()));
  if (!wanted) {
    return Errc::kRefused;
  }
  if (!has_controller()) {
    return Errc::kUnavailable;
  }
  const Queue answers(rd_kafka_queue_new(producer_.get()));
  rd_kafka_NewTopic_t* request = wanted.get();
  rd_kafka_CreateTopics(producer_.get(), &request, 1, nullptr, answers.get());
  const Event event(rd_kafka_queue_poll(answers.get(), timeout_ms()));
  if (!event) {
    return Errc::kTimedOut;
  }
  if (const auto error = rd_kafka_event_error(event.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return to_errc(error);
  }
  std::size_t count = 0;
  const auto* const* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  INVARIANT(count == 1, "one topic was asked for, {} were answered", count);
  if (const auto error = rd_kafka_topic_result_error(results[0]);
      error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return to_errc(error);
  }
  return open_topic(topic.name);
}

bool RdkafkaCluster::Client::has_controller() {
  const std::int32_t controller = rd_kafka_controllerid(producer_.get(), timeout_ms());
  const rd_kafka_metadata_t* answer = nullptr;
  if (rd_kafka_metadata(producer_.get(), 0, nullptr, &answer, timeout_ms()) !=
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    return false;
  }
  const bool found = std::any_of(answer->brokers,
                                 answer->brokers + answer->broker_cnt,
                                 [&](const auto& broker) { return broker.id == controller; });
  rd_kafka_metadata_destroy(answer);
  return found;
}

// Both clients learn of the topic before either uses it. Without this barrier the first flush may
// go out in two requests, that is in two batches, and the first assignment waits a whole second.
Result<> RdkafkaCluster::Client::open_topic(const std::string& name) {
  Topic opened;
  opened.produced.reset(rd_kafka_topic_new(producer_.get(), name.c_str(), nullptr));
  opened.consumed.reset(rd_kafka_topic_new(consumer_.get(), name.c_str(), nullptr));
  if (!opened.produced || !opened.consumed) {
    return Errc::kRefused;
  }
  const auto partitions = await_metadata(producer_.get(), opened.produced.get());
  if (!partitions) {
    return partitions.error();
  }
  const auto seen_by_consumer = await_metadata(consumer_.get(), opened.consumed.get());
  if (!seen_by_consumer) {
    return seen_by_consumer.error();
  }
  opened.seen_high_watermarks.resize(static_cast<std::size_t>(*partitions));
  topics_.insert_or_assign(name, std::move(opened));
  return {};
}

Result<TopicMetadata> RdkafkaCluster::Client::metadata(rd_kafka_t* handle,
                                                       rd_kafka_topic_t* topic) {
  const rd_kafka_metadata_t* answer = nullptr;
  const auto error = rd_kafka_metadata(handle, 0, topic, &answer, timeout_ms());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return question_errc(error);
  }
  TopicMetadata found{.error = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART};
  if (answer->topic_cnt == 1) {
    found = read_metadata(answer->topics[0]);
  }
  rd_kafka_metadata_destroy(answer);
  return found;
}

// A new topic takes a real cluster a moment to spread; only then do its partitions have leaders.
Result<std::int32_t> RdkafkaCluster::Client::await_metadata(rd_kafka_t* handle,
                                                            rd_kafka_topic_t* topic) {
  const auto attempts = options_.timeout / kPauseBetweenLookups;
  for (auto attempt = attempts;; --attempt) {
    const auto found = metadata(handle, topic);
    if (!found) {
      return found.error();
    }
    if (found->error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      return found->partitions;
    }
    if (attempt <= 0) {
      return question_errc(found->error);
    }
    std::this_thread::sleep_for(kPauseBetweenLookups);
  }
}

Result<RdkafkaCluster::Client::Topic*> RdkafkaCluster::Client::topic(const std::string& name) {
  if (const auto known = topics_.find(name); known != topics_.end()) {
    return &known->second;
  }
  const auto there = exists(name);
  if (!there) {
    return there.error();
  }
  if (!*there) {
    return Errc::kUnknownTopic;
  }
  const auto opened = open_topic(name);
  if (!opened) {
    return opened.error();
  }
  return &topics_.at(name);
}

Result<bool> RdkafkaCluster::Client::exists(const std::string& name) {
  const rd_kafka_metadata_t* answer = nullptr;
  const auto error = rd_kafka_metadata(consumer_.get(), 1, nullptr, &answer, timeout_ms());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return question_errc(error);
  }
  const bool found =
      std::any_of(answer->topics, answer->topics + answer->topic_cnt, [&](const auto& topic) {
        return topic.topic == name && topic.err == RD_KAFKA_RESP_ERR_NO_ERROR;
      });
  rd_kafka_metadata_destroy(answer);
  return found;
}

// --- Produce -----------------------------------------------------------------------------------

Result<std::vector<Offset>> RdkafkaCluster::Client::produce(
    const std::string& name, const std::vector<ProducerRecord>& records) {
  const auto found = topic(name);
  if (!found) {
    return found.error();
  }
  if (const Errc refusal = acceptable(**found, records); refusal != Errc{}) {
    return refusal;
  }
  reports_.assign(records.size(), {});
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (!enqueue(**found, records[i], i)) {
      rd_kafka_purge(producer_.get(), RD_KAFKA_PURGE_F_QUEUE);
      break;
    }
  }
  flush();
  return judge_reports(**found, records);
}

// No error, or the one that the whole call is refused with before anything is sent.
Errc RdkafkaCluster::Client::acceptable(Topic& topic, const std::vector<ProducerRecord>& records) {
  std::vector<BatchSize> sizes(topic.seen_high_watermarks.size());
  for (const ProducerRecord& record : records) {
    if (!topic.has(record.partition)) {
      return Errc::kUnknownTopic;
    }
    sizes[static_cast<std::size_t>(record.partition)].add(record);
  }
  const bool too_large = std::ranges::any_of(
      sizes, [](const BatchSize& size) { return size.bytes() > kBatchBytesMax; });
  return too_large ? Errc::kRefused : Errc{};
}

bool RdkafkaCluster::Client::enqueue(const Topic& topic,
                                     const ProducerRecord& record,
                                     std::size_t index) {
  const std::int64_t timestamp = kafka_timestamp(record.timestamp).count() + origin_ms();
  INVARIANT(timestamp != 0, "librdkafka would put the wall clock in place of a timestamp of zero");
  std::array<rd_kafka_vu_t, 7> arguments{};
  arguments[0].vtype = RD_KAFKA_VTYPE_RKT;
  arguments[0].u.rkt = topic.produced.get();
  arguments[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  arguments[1].u.i32 = record.partition;
  arguments[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  arguments[2].u.i = RD_KAFKA_MSG_F_COPY;
  arguments[3].vtype = RD_KAFKA_VTYPE_KEY;
  arguments[3].u.mem.ptr = const_cast<char*>(record.key.data());  // Read only; C has no other way.
  arguments[3].u.mem.size = record.key.size();
  arguments[4].vtype = RD_KAFKA_VTYPE_VALUE;
  arguments[4].u.mem.ptr = const_cast<char*>(record.value.data());
  arguments[4].u.mem.size = record.value.size();
  arguments[5].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  arguments[5].u.i64 = timestamp;
  arguments[6].vtype = RD_KAFKA_VTYPE_OPAQUE;
  arguments[6].u.ptr = &reports_[index];
  rd_kafka_error_t* error = rd_kafka_produceva(producer_.get(), arguments.data(), arguments.size());
  if (error == nullptr) {
    return true;
  }
  reports_[index].error = rd_kafka_error_code(error);
  rd_kafka_error_destroy(error);
  return false;
}

// Afterwards no record of this call is on its way any more: each has its report.
void RdkafkaCluster::Client::flush() {
  if (rd_kafka_flush(producer_.get(), timeout_ms()) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    return;
  }
  rd_kafka_purge(producer_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  const auto error = rd_kafka_flush(producer_.get(), timeout_ms());
  INVARIANT(
      error == RD_KAFKA_RESP_ERR_NO_ERROR, "purged records are left: {}", rd_kafka_err2str(error));
}

Result<std::vector<Offset>> RdkafkaCluster::Client::judge_reports(
    Topic& topic, const std::vector<ProducerRecord>& records) {
  const auto failed = std::ranges::find_if(
      reports_, [](const Report& report) { return report.error != RD_KAFKA_RESP_ERR_NO_ERROR; });
  if (failed != reports_.end()) {
    const bool nothing_appended = std::ranges::all_of(reports_, [](const Report& report) {
      return report.status == RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
    });
    return nothing_appended ? question_errc(failed->error) : Errc::kTimedOut;
  }
  std::vector<Offset> offsets;
  offsets.reserve(records.size());
  std::vector<std::optional<Offset>> expected(topic.seen_high_watermarks.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Offset offset = reports_[i].offset;
    auto& next = expected[static_cast<std::size_t>(records[i].partition)];
    INVARIANT(!next || *next == offset,
              "the batch was split: offset {} follows {}",
              offset.value,
              next->value - 1);
    next = offset + 1;
    topic.seen(records[i].partition) = std::max(topic.seen(records[i].partition), *next);
    offsets.push_back(offset);
  }
  return offsets;
}

// --- Fetch -------------------------------------------------------------------------------------

// The consumer is unassigned after every range: while it is assigned it keeps fetching ahead, and
// on a loopback cluster that burns a core.
Result<std::vector<ConsumerRecord>> RdkafkaCluster::Client::fetch(const std::string& name,
                                                                  const OffsetRange& range) {
  INVARIANT(range.from <= range.until,
            "a range ends at {} before {}",
            range.until.value,
            range.from.value);
  const auto found = topic(name);
  if (!found) {
    return found.error();
  }
  const auto checked = check_range(name, **found, range);
  if (!checked) {
    return checked.error();
  }
  if (range.count() == 0) {
    return std::vector<ConsumerRecord>{};
  }
  const Partitions wanted(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(wanted.get(), name.c_str(), range.partition)->offset =
      range.from.value;
  if (const auto error = rd_kafka_assign(consumer_.get(), wanted.get());
      error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return question_errc(error);
  }
  auto records = read(range);
  rd_kafka_assign(consumer_.get(), nullptr);
  discard_what_was_fetched_ahead();
  return records;
}

// The client skips records of an assignment that is over, but only while it is being read from.
void RdkafkaCluster::Client::discard_what_was_fetched_ahead() {
  rd_kafka_message_t* left = nullptr;
  while (rd_kafka_consume_batch_queue(consumer_queue_.get(), 0, &left, 1) > 0) {
    rd_kafka_message_destroy(left);
  }
}

// Only the end is asked for, and only when it was never seen that far: the client waits in silence
// for offsets that do not exist yet, but reports at once those that exist no longer.
Result<> RdkafkaCluster::Client::check_range(const std::string& name,
                                             Topic& topic,
                                             const OffsetRange& range) {
  if (!topic.has(range.partition)) {
    return Errc::kUnknownTopic;
  }
  if (range.count() == 0) {
    return {};
  }
  if (range.from.value < 0) {
    return Errc::kOffsetOutOfRange;
  }
  if (range.until <= topic.seen(range.partition)) {
    return {};
  }
  Offset log_start;
  Offset high;
  const auto error = rd_kafka_query_watermark_offsets(
      producer_.get(), name.c_str(), range.partition, &log_start.value, &high.value, timeout_ms());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return question_errc(error);
  }
  topic.seen(range.partition) = high;
  if (range.from < log_start || range.until > high) {
    return Errc::kOffsetOutOfRange;
  }
  return {};
}

// The first read asks for one record only, since a read returns early when it is full and not when
// it meets an error: that the range starts too early is then known without waiting for the timeout.
Result<std::vector<ConsumerRecord>> RdkafkaCluster::Client::read(const OffsetRange& range) {
  const auto count = static_cast<std::size_t>(range.count());
  std::vector<ConsumerRecord> records;
  records.reserve(count);
  messages_.resize(std::min(count, kReadAtOnceMax));
  Result<> outcome;
  while (outcome && records.size() < count) {
    const std::size_t wanted =
        records.empty() ? 1 : std::min(count - records.size(), kReadAtOnceMax);
    const auto got =
        rd_kafka_consume_batch_queue(consumer_queue_.get(), timeout_ms(), messages_.data(), wanted);
    if (got <= 0) {
      return Errc::kUnavailable;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
      const Message message(messages_[i]);
      if (outcome) {
        outcome = take(*message, range, records);
      }
    }
  }
  if (!outcome) {
    return outcome.error();
  }
  return records;
}

Result<> RdkafkaCluster::Client::take(const rd_kafka_message_t& message,
                                      const OffsetRange& range,
                                      std::vector<ConsumerRecord>& records) const {
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return question_errc(message.err);
  }
  const Offset expected = range.from + static_cast<std::int64_t>(records.size());
  if (message.partition != range.partition || message.offset != expected.value) {
    return Errc::kUnsupported;
  }
  const std::int64_t timestamp = rd_kafka_message_timestamp(&message, nullptr) - origin_ms();
  records.push_back({.partition = range.partition,
                     .offset = expected,
                     .timestamp = Instant(std::chrono::milliseconds(timestamp)),
                     .key = to_bytes(message.key, message.key_len),
                     .value = to_bytes(message.payload, message.len)});
  return {};
}

// --- Watermarks --------------------------------------------------------------------------------

Result<std::vector<Watermarks>> RdkafkaCluster::Client::watermarks(const std::string& name) {
  const auto found = topic(name);
  if (!found) {
    return found.error();
  }
  const auto starts = list_offsets(name, **found, RD_KAFKA_OFFSET_BEGINNING);
  if (!starts) {
    return starts.error();
  }
  const auto ends = list_offsets(name, **found, RD_KAFKA_OFFSET_END);
  if (!ends) {
    return ends.error();
  }
  std::vector<Watermarks> watermarks;
  watermarks.reserve(ends->size());
  for (std::size_t i = 0; i < ends->size(); ++i) {
    watermarks.push_back({.log_start = (*starts)[i], .high_watermark = (*ends)[i]});
  }
  (*found)->seen_high_watermarks = *ends;
  return watermarks;
}

// Kafka answers the beginning and the end of a log as if they were points in time, which lets one
// request ask for all partitions.
Result<std::vector<Offset>> RdkafkaCluster::Client::list_offsets(const std::string& name,
                                                                 const Topic& topic,
                                                                 std::int64_t which) {
  const auto count = static_cast<int>(topic.seen_high_watermarks.size());
  const Partitions list(rd_kafka_topic_partition_list_new(count));
  for (int partition = 0; partition < count; ++partition) {
    rd_kafka_topic_partition_list_add(list.get(), name.c_str(), partition)->offset = which;
  }
  const auto error = rd_kafka_offsets_for_times(producer_.get(), list.get(), timeout_ms());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return question_errc(error);
  }
  std::vector<Offset> offsets(static_cast<std::size_t>(count));
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& answered = list->elems[i];
    if (answered.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return question_errc(answered.err);
    }
    offsets[static_cast<std::size_t>(answered.partition)] = {answered.offset};
  }
  return offsets;
}

// --- Groups ------------------------------------------------------------------------------------

Result<> RdkafkaCluster::Client::commit(const std::string& group,
                                        const std::string& name,
                                        const std::vector<PartitionOffset>& offsets) {
  const auto found = topic(name);
  if (!found) {
    return found.error();
  }
  std::vector<std::optional<Offset>> latest((*found)->seen_high_watermarks.size());
  for (const auto& [partition, offset] : offsets) {
    INVARIANT(offset.value >= 0, "a group commits offset {}", offset.value);
    if (!(*found)->has(partition)) {
      return Errc::kUnknownTopic;
    }
    latest[static_cast<std::size_t>(partition)] = offset;
  }
  const auto consumer = group_consumer(group, name);
  if (!consumer) {
    return consumer.error();
  }
  const Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(latest.size())));
  for (std::size_t i = 0; i < latest.size(); ++i) {
    if (latest[i]) {
      rd_kafka_topic_partition_list_add(list.get(), name.c_str(), static_cast<PartitionId>(i))
          ->offset = latest[i]->value;
    }
  }
  if (list->cnt == 0) {
    return {};
  }
  const auto error = rd_kafka_commit(*consumer, list.get(), 0);
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? Result<>() : Result<>(to_errc(error));
}

Result<std::vector<std::optional<Offset>>> RdkafkaCluster::Client::committed(
    const std::string& group, const std::string& name) {
  const auto found = topic(name);
  if (!found) {
    return found.error();
  }
  const auto consumer = group_consumer(group, name);
  if (!consumer) {
    return consumer.error();
  }
  return ask_committed(*consumer, name, (*found)->seen_high_watermarks.size());
}

// A group is a property of a whole consumer. A fresh one is asked for its offsets before anything
// else: that finds the coordinator at once, which a first commit would wait a second for.
Result<rd_kafka_t*> RdkafkaCluster::Client::group_consumer(const std::string& group,
                                                           const std::string& topic) {
  if (group.empty()) {
    return Errc::kRefused;
  }
  if (const auto known = group_consumers_.find(group); known != group_consumers_.end()) {
    return known->second.get();
  }
  auto consumer = new_handle(RD_KAFKA_CONSUMER,
                             options_,
                             consumer_properties(options_, group),
                             &configure_nothing,
                             nullptr);
  if (!consumer) {
    return Errc::kRefused;
  }
  const auto warmed = ask_committed(consumer->get(), topic, 1);
  if (!warmed) {
    return warmed.error();
  }
  return group_consumers_.emplace(group, std::move(*consumer)).first->second.get();
}

Result<std::vector<std::optional<Offset>>> RdkafkaCluster::Client::ask_committed(
    rd_kafka_t* consumer, const std::string& name, std::size_t partition_count) {
  const Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(partition_count)));
  for (std::size_t i = 0; i < partition_count; ++i) {
    rd_kafka_topic_partition_list_add(list.get(), name.c_str(), static_cast<PartitionId>(i));
  }
  const auto error = rd_kafka_committed(consumer, list.get(), timeout_ms());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return question_errc(error);
  }
  std::vector<std::optional<Offset>> offsets(partition_count);
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& answered = list->elems[i];
    if (answered.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return question_errc(answered.err);
    }
    if (answered.offset >= 0) {
      offsets[static_cast<std::size_t>(answered.partition)] = Offset{answered.offset};
    }
  }
  return offsets;
}

// --- The face of it ----------------------------------------------------------------------------

RdkafkaCluster::RdkafkaCluster(std::unique_ptr<Client> client) : client_(std::move(client)) {}

RdkafkaCluster::~RdkafkaCluster() = default;

RdkafkaCluster::Connected RdkafkaCluster::connect(const RdkafkaOptions& options) {
  auto client = std::make_unique<Client>(options);
  std::string trouble = client->start();
  if (!trouble.empty()) {
    return trouble;
  }
  return std::unique_ptr<RdkafkaCluster>(new RdkafkaCluster(std::move(client)));
}

Result<> RdkafkaCluster::create_topic(const TopicSpec& topic) {
  return client_->create_topic(topic);
}

Result<> RdkafkaCluster::open_topic(const std::string& topic) {
  return client_->open_topic(topic);
}

void RdkafkaCluster::close_topics() {
  client_->close_topics();
}

Result<std::vector<Offset>> RdkafkaCluster::produce(const std::string& topic,
                                                    const std::vector<ProducerRecord>& records) {
  return client_->produce(topic, records);
}

Result<std::vector<ConsumerRecord>> RdkafkaCluster::fetch(const std::string& topic,
                                                          const OffsetRange& range) {
  return client_->fetch(topic, range);
}

Result<std::vector<Watermarks>> RdkafkaCluster::watermarks(const std::string& topic) {
  return client_->watermarks(topic);
}

Result<> RdkafkaCluster::commit(const std::string& group,
                                const std::string& topic,
                                const std::vector<PartitionOffset>& offsets) {
  return client_->commit(group, topic, offsets);
}

Result<std::vector<std::optional<Offset>>> RdkafkaCluster::committed(const std::string& group,
                                                                     const std::string& topic) {
  return client_->committed(group, topic);
}

}  // namespace engine
