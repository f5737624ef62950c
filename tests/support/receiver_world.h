// tests/support/receiver_world.h
//
// An executor alone, with a driver played by the test: what its receivers do, in which order, and
// what a life that ends leaves behind.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "engine/executor/executor.h"
#include "engine/wal/wal_reader.h"
#include "tests/support/log_world.h"
#include "tests/support/lone_process.h"

namespace tests {

constexpr engine::Address kDriverAddress{.process = {.role = engine::Role::kDriver, .index = 0},
                                         .incarnation = 1};

constexpr engine::Address executor_address(std::int32_t index, engine::Incarnation life = 1) {
  return {.process = {.role = engine::Role::kExecutor, .index = index}, .incarnation = life};
}

// What happened, one line each, in order.
using Journal = std::vector<std::string>;

class JournalPoints final : public engine::Points {
 public:
  JournalPoints(engine::Points& below, Journal& journal) : below_(below), journal_(journal) {}

  engine::Task<> reach(engine::Point point, engine::PointContext context) override {
    journal_.emplace_back(engine::info(point).name);
    return below_.reach(point, context);
  }

 private:
  engine::Points& below_;
  Journal& journal_;
};

class JournalKafka final : public engine::Kafka {
 public:
  JournalKafka(engine::Kafka& below, Journal& journal) : below_(below), journal_(journal) {}

  engine::Task<engine::Result<std::vector<engine::Offset>>> produce(
      std::string topic, std::vector<engine::ProducerRecord> records) override {
    return below_.produce(std::move(topic), std::move(records));
  }

  engine::Task<engine::Result<std::vector<engine::ConsumerRecord>>> fetch(
      std::string topic, engine::OffsetRange range) override {
    return below_.fetch(std::move(topic), range);
  }

  engine::Task<engine::Result<std::vector<engine::Watermarks>>> watermarks(
      std::string topic) override {
    return below_.watermarks(std::move(topic));
  }

  engine::Task<engine::Result<>> commit(std::string group,
                                        std::string topic,
                                        std::vector<engine::PartitionOffset> offsets) override {
    for (const engine::PartitionOffset& entry : offsets) {
      journal_.push_back(fmt::format("commit {}@{}", entry.partition, entry.offset.value));
    }
    return below_.commit(std::move(group), std::move(topic), std::move(offsets));
  }

  engine::Task<engine::Result<std::vector<std::optional<engine::Offset>>>> committed(
      std::string group, std::string topic) override {
    return below_.committed(std::move(group), std::move(topic));
  }

 private:
  engine::Kafka& below_;
  Journal& journal_;
};

// Loses writes on demand, or never answers them.
class FailingStorage final : public ForwardingStorage {
 public:
  FailingStorage(engine::Storage& below, engine::Clock& clock)
      : ForwardingStorage(below), clock_(clock) {}

  bool refuses = false;
  bool hangs = false;

  engine::Task<engine::Result<>> append(std::string path, std::string bytes) override {
    if (hangs) {
      co_await clock_.sleep_until(clock_.now() + std::chrono::hours(1000));
    }
    if (refuses) {
      co_return engine::Errc::kUnavailable;
    }
    co_return co_await ForwardingStorage::append(std::move(path), std::move(bytes));
  }

 private:
  engine::Clock& clock_;
};

// The other end of every connection of the executor: it answers as the test wants.
class PlayedDriver final : public engine::Endpoint<engine::Message> {
 public:
  using Envelope = engine::Envelope<engine::Message>;

  PlayedDriver(sim::Process& process, Journal& journal)
      : process_(process), clock_(process), journal_(journal) {
    reset();
  }

  bool accepts = true;  // receivers
  bool adds = true;     // blocks
  bool answers = true;  // at all
  std::vector<engine::ReceivedBlockInfo> added;
  std::vector<engine::ReceivedBlockInfo> reported;
  std::vector<std::pair<engine::Address, engine::Message>> sent;

  // A new life has a new mailbox.
  void reset() { mailbox_ = std::make_unique<engine::Queue<Envelope>>(clock_); }

  void deliver(engine::Address from, engine::Message message) {
    mailbox_->push({.from = from, .content = std::move(message)});
  }

  void disconnect(engine::Address peer) {
    mailbox_->push({.from = peer, .content = engine::Disconnected{.peer = peer}});
  }

  [[nodiscard]] engine::Address self() const override { return process_.address(); }

  void send(engine::Address to, engine::Message message) override {
    sent.emplace_back(to, message);
    std::visit([this](const auto& content) { play(content); }, message);
  }

  engine::Task<Envelope> receive() override { return mailbox_->pop(); }

 private:
  template <class Content>
  void play(const Content& /*content*/) {}

  void play(const engine::BlockStored& /*message*/) { journal_.emplace_back("BlockStored"); }

  void play(const engine::DeregisterReceiver& /*message*/) {
    journal_.emplace_back("DeregisterReceiver");
  }

  void play(const engine::ReceiverEnded& /*message*/) { journal_.emplace_back("ReceiverEnded"); }

  void play(const engine::RegisterReceiver& message) {
    journal_.emplace_back("RegisterReceiver");
    if (answers) {
      deliver(kDriverAddress,
              engine::ReceiverRegistered{.stream = message.stream, .accepted = accepts});
    }
  }

  void play(const engine::AddBlock& message) {
    journal_.emplace_back("AddBlock");
    reported.push_back(message.info);
    if (adds) {
      added.push_back(message.info);
    }
    if (answers) {
      deliver(kDriverAddress, engine::BlockAdded{.request = message.request, .added = adds});
    }
  }

  sim::Process& process_;
  sim::ProcessClock clock_;
  Journal& journal_;
  std::unique_ptr<engine::Queue<Envelope>> mailbox_;
};

// A pipeline with one receiver over a topic of one partition.
inline engine::Pipeline receiver_pipeline(engine::ReceiverOptions options) {
  engine::Pipeline pipeline;
  pipeline.source.topic = "t";
  pipeline.source.receiver = options;
  pipeline.source.offsets = engine::OffsetKeeping::kNone;
  return pipeline;
}

inline engine::ReceiverOptions unreliable() {
  engine::ReceiverOptions options;
  options.replication = 1;
  return options;
}

inline engine::ReceiverOptions reliable_with_log() {
  engine::ReceiverOptions options;
  options.reliable = true;
  options.write_ahead_log = true;
  return options;
}

class ReceiverWorld {
 public:
  explicit ReceiverWorld(engine::Pipeline pipeline, engine::Cluster cluster = {})
      : pipeline_(std::move(pipeline)), cluster_(cluster) {
    const auto created = world.cluster.create_topic(
        {.name = pipeline_.source.topic, .partitions = pipeline_.source.partitions});
    INVARIANT(created.has_value(), "an empty cluster takes a topic");
    begin();
  }

  ReceiverWorld(const ReceiverWorld&) = delete;
  ReceiverWorld& operator=(const ReceiverWorld&) = delete;

  ~ReceiverWorld() { end(); }

  // A life of the executor, with the receiver of stream 0 launched.
  void begin() {
    const engine::Ports ports = world.begin();
    driver.reset();
    executor.emplace(engine::Ports{.self = ports.self,
                                   .executor = ports.executor,
                                   .clock = ports.clock,
                                   .random = ports.random,
                                   .storage = storage,
                                   .kafka = kafka,
                                   .sink = ports.sink,
                                   .offsets = ports.offsets,
                                   .points = points,
                                   .listener = ports.listener},
                     pipeline_,
                     cluster_,
                     driver,
                     kDriverAddress,
                     [this] { exited = true; });
    executor->start();
    tell(engine::LaunchReceiver{.stream = 0});
  }

  void end() {
    world.end();
    executor.reset();
  }

  void tell(engine::Message message) { driver.deliver(kDriverAddress, std::move(message)); }

  void run_for(engine::Duration duration) { world.run_for(duration); }

  void produce(std::int64_t count, engine::PartitionId partition = 0) {
    std::vector<engine::ProducerRecord> records(static_cast<std::size_t>(count));
    for (engine::ProducerRecord& record : records) {
      record.partition = partition;
      record.value = "value";
    }
    const auto produced = world.cluster.produce(pipeline_.source.topic, records);
    INVARIANT(produced.has_value(), "the model takes records");
  }

  void commit(std::int64_t offset) {
    const auto committed = world.cluster.commit(
        pipeline_.source.group, pipeline_.source.topic, {{.partition = 0, .offset = {offset}}});
    INVARIANT(committed.has_value(), "the model takes offsets");
  }

  // -1: nothing.
  [[nodiscard]] std::int64_t committed(std::size_t partition = 0) {
    const auto offsets =
        world.cluster.committed(pipeline_.source.group, pipeline_.source.topic).value();
    return offsets.at(partition).value_or(engine::Offset{-1}).value;
  }

  // The offsets of partition 0 in acknowledged blocks, in the order of the blocks.
  [[nodiscard]] std::vector<std::int64_t> added_offsets() const {
    std::vector<std::int64_t> offsets;
    for (const engine::ReceivedBlockInfo& block : driver.added) {
      for (const engine::OffsetRange& range : block.ranges) {
        for (engine::Offset offset = range.from; offset < range.until; offset = offset + 1) {
          offsets.push_back(offset.value);
        }
      }
    }
    return offsets;
  }

  // What the journal says of these lines only.
  [[nodiscard]] Journal only(const std::set<std::string>& lines) const {
    Journal found;
    std::ranges::copy_if(journal, std::back_inserter(found), [&lines](const std::string& line) {
      return lines.contains(line);
    });
    return found;
  }

  LoneProcess world{engine::StorageKind::kHdfs, {engine::Role::kExecutor, 0}};
  Journal journal;
  JournalPoints points{world.points, journal};
  JournalKafka kafka{world.kafka, journal};
  FailingStorage storage{world.storage, world.clock};
  PlayedDriver driver{world.process, journal};
  std::optional<engine::Executor> executor;
  bool exited = false;

 private:
  engine::Pipeline pipeline_;
  engine::Cluster cluster_;
};

}  // namespace tests
