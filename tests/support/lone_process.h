// tests/support/lone_process.h
//
// One process with every port of the engine over the simulated world, for tests of one part of the
// engine: what it does alone, and what a crash at each of its effect boundaries leaves.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/messages.h"
#include "engine/ports/endpoint.h"
#include "engine/ports/invariant.h"
#include "engine/ports/process.h"
#include "sim/fault_hook.h"
#include "sim/kafka/broker_model.h"
#include "sim/latency.h"
#include "sim/memory_sink.h"
#include "sim/process.h"
#include "sim/process_clock.h"
#include "sim/process_kafka.h"
#include "sim/process_offset_store.h"
#include "sim/process_points.h"
#include "sim/process_sink.h"
#include "sim/process_storage.h"
#include "sim/random.h"
#include "sim/scheduler.h"
#include "sim/storage.h"
#include "sim/trace.h"

namespace tests {

constexpr engine::Instant at_ms(std::int64_t milliseconds) {
  return engine::Instant(std::chrono::milliseconds(milliseconds));
}

constexpr engine::BatchTime batch_at_ms(std::int64_t milliseconds) {
  return {at_ms(milliseconds)};
}

// Ends the life of a process at one of its steps, counted over all its lives.
class CrashAtStep final : public sim::FaultHook {
 public:
  std::uint64_t step = 0;  // 0: never
  bool crashed = false;

  void on_step(sim::Process& process, std::uint64_t at) override {
    if (at == step) {
      crashed = true;
      process.condemn();
      process.scheduler().call_next([&process] { process.end_life(); });
    }
  }

  void on_point(sim::Process& /*process*/,
                engine::Point /*point*/,
                const engine::PointContext& /*context*/) override {}
};

// Remembers what the engine told.
class RememberingListener final : public engine::Listener {
 public:
  std::vector<std::string> told;
  std::vector<engine::BatchTime> processed;
  std::map<engine::PartitionId, engine::Offset> positions;
  std::map<engine::StoredAs, std::int64_t> stored_bytes;
  std::int64_t block_bytes = 0;
  std::int64_t buffered_records = 0;
  std::int64_t received_bytes = 0;

  void driver_started(bool recovered) override {
    told.emplace_back(recovered ? "started from a checkpoint" : "started for the first time");
  }

  void driver_failed(boost::system::error_code why) override {
    told.emplace_back("failed: " + why.message());
  }

  void batch_planned(engine::BatchTime /*batch*/,
                     const std::vector<engine::PlannedRange>& /*ranges*/) override {}

  void batch_generation_failed(engine::BatchTime /*batch*/,
                               boost::system::error_code /*why*/) override {}

  void batch_completed(engine::BatchTime /*batch*/) override {}

  void batch_failed(engine::BatchTime /*batch*/, boost::system::error_code /*why*/) override {}

  void batch_processed(engine::BatchTime batch) override { processed.push_back(batch); }

  void task_memory_changed(std::int64_t /*delta_bytes*/) override {}

  void block_memory_changed(std::int64_t delta_bytes) override { block_bytes += delta_bytes; }

  void receiver_position(engine::PartitionId partition, engine::Offset until) override {
    positions[partition] = until;
  }

  void receiver_buffer_changed(std::int64_t delta_records) override {
    buffered_records += delta_records;
  }

  void bytes_received(std::int64_t bytes) override { received_bytes += bytes; }

  void bytes_stored(engine::StoredAs where, std::int64_t bytes) override {
    stored_bytes[where] += bytes;
  }

  void checkpoint_written(std::int64_t /*bytes*/) override {}
};

// Keeps what is sent; nobody answers.
class SilentEndpoint final : public engine::Endpoint<engine::Message> {
 public:
  struct Sent {
    engine::Address to;
    engine::Message message;
  };

  explicit SilentEndpoint(sim::Process& process)
      : process_(process), clock_(process), received_(clock_) {}

  std::vector<Sent> sent;

  [[nodiscard]] engine::Address self() const override { return process_.address(); }

  void send(engine::Address to, engine::Message message) override {
    sent.push_back({.to = to, .message = std::move(message)});
  }

  engine::Task<engine::Envelope<engine::Message>> receive() override { return received_.pop(); }

 private:
  sim::Process& process_;
  sim::ProcessClock clock_;
  engine::Queue<engine::Envelope<engine::Message>> received_;
};

struct LoneProcess {
  explicit LoneProcess(engine::StorageKind kind = engine::StorageKind::kHdfs,
                       engine::ProcessId id = {engine::Role::kDriver, 0},
                       std::uint64_t seed = 7)
      : random(seed), files(kind, seed), process(scheduler, trace, &hook, id) {}

  LoneProcess(const LoneProcess&) = delete;
  LoneProcess& operator=(const LoneProcess&) = delete;

  ~LoneProcess() { end(); }

  // Requires  not begun.
  engine::Ports begin() {
    process.begin_life();
    return {.self = process.address(),
            .executor = process.executor(),
            .clock = clock,
            .random = random,
            .storage = storage,
            .kafka = kafka,
            .sink = sink,
            .offsets = offsets,
            .points = points,
            .listener = listener};
  }

  void end() {
    if (process.alive()) {
      process.end_life();
    }
  }

  // Until nothing is left to do, or for so long.
  void run_for(engine::Duration duration = std::chrono::hours(1)) {
    scheduler.run(scheduler.now() + duration);
  }

  // Empty: the process died first.
  template <class T>
  std::optional<T> result_of(engine::Task<T> task) {
    std::optional<T> result;
    engine::spawn(process.executor(), keep(std::move(task), &result));
    run_for();
    return result;
  }

  sim::Scheduler scheduler;
  sim::Trace trace{sim::Trace::Recording::kHashOnly};
  CrashAtStep hook;
  sim::RandomStream random;
  sim::FileSystem files;
  sim::OffsetTable table{engine::OffsetStoreKind::kHbase};
  sim::BrokerModel cluster;
  sim::MemorySink database;
  sim::LatencyModel latency;
  sim::Process process;
  sim::ProcessClock clock{process};
  sim::ProcessStorage storage{process, files, latency.storage, random};
  sim::ProcessKafka kafka{process, cluster, latency.kafka, random};
  sim::ProcessSink sink{process, database, latency.sink, random};
  sim::ProcessOffsetStore offsets{process, table, latency.offsets, random};
  sim::ProcessPoints points{process};
  RememberingListener listener;

 private:
  template <class T>
  static engine::Task<> keep(engine::Task<T> task, std::optional<T>* result) {
    T value = co_await std::move(task);
    result->emplace(std::move(value));
  }
};

}  // namespace tests
