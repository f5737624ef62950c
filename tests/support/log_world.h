// tests/support/log_world.h
//
// A process that writes a log, storage that fails on purpose, and every way in which a life can end
// as far as a disk can tell.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/wal/write_ahead_log.h"
#include "tests/support/lone_process.h"

namespace tests {

// Hands everything to another storage; a test overrides what it wants to go wrong.
class ForwardingStorage : public engine::Storage {
 public:
  explicit ForwardingStorage(engine::Storage& below) : below_(below) {}

  engine::Task<engine::Result<>> create(std::string path) override {
    return below_.create(std::move(path));
  }

  engine::Task<engine::Result<std::int64_t>> reopen(std::string path) override {
    return below_.reopen(std::move(path));
  }

  engine::Task<engine::Result<>> append(std::string path, std::string bytes) override {
    return below_.append(std::move(path), std::move(bytes));
  }

  engine::Task<engine::Result<>> flush(std::string path) override {
    return below_.flush(std::move(path));
  }

  engine::Task<engine::Result<>> close(std::string path) override {
    return below_.close(std::move(path));
  }

  engine::Task<engine::Result<>> rename(std::string from, std::string to) override {
    return below_.rename(std::move(from), std::move(to));
  }

  engine::Task<engine::Result<>> remove(std::string path) override {
    return below_.remove(std::move(path));
  }

  engine::Task<engine::Result<std::vector<std::string>>> list(std::string prefix) override {
    return below_.list(std::move(prefix));
  }

  engine::Task<engine::Result<std::string>> read(std::string path) override {
    return below_.read(std::move(path));
  }

 private:
  engine::Storage& below_;
};

// Says that it flushed.
class UnflushingStorage final : public ForwardingStorage {
 public:
  using ForwardingStorage::ForwardingStorage;

  engine::Task<engine::Result<>> flush(std::string /*path*/) override {
    co_return engine::Result<>{};
  }
};

inline engine::Ports with_storage(const engine::Ports& ports, engine::Storage& storage) {
  return {.self = ports.self,
          .executor = ports.executor,
          .clock = ports.clock,
          .random = ports.random,
          .storage = storage,
          .kafka = ports.kafka,
          .sink = ports.sink,
          .offsets = ports.offsets,
          .points = ports.points,
          .listener = ports.listener};
}

struct Death {
  engine::StorageKind storage = engine::StorageKind::kHdfs;
  sim::DiskDeath disk;
};

inline std::string to_string(const Death& death) {
  constexpr std::array kStorages{"hdfs", "s3", "local"};
  constexpr std::array kOutcomes{"dropped", "kept", "torn"};
  return fmt::format("{}, {} died, unsynced bytes {}",
                     kStorages.at(static_cast<std::size_t>(death.storage)),
                     death.disk.machine ? "machine" : "process",
                     kOutcomes.at(static_cast<std::size_t>(death.disk.outcome)));
}

inline std::vector<Death> every_death() {
  using engine::StorageKind;
  using sim::DiskOutcome;
  std::vector<Death> deaths;
  for (const auto storage : {StorageKind::kHdfs, StorageKind::kS3, StorageKind::kLocal}) {
    for (const bool machine : {false, true}) {
      for (const auto outcome :
           {DiskOutcome::kDropUnsynced, DiskOutcome::kKeepUnsynced, DiskOutcome::kTornUnsynced}) {
        deaths.push_back({.storage = storage, .disk = {.machine = machine, .outcome = outcome}});
      }
    }
  }
  return deaths;
}

// As a log must be set up on each storage to keep its promise.
inline engine::WalOptions options_for(engine::StorageKind storage) {
  engine::WalOptions options;
  options.directory = "log";
  options.rolling_interval = std::chrono::seconds(2);
  options.close_after_write = storage == engine::StorageKind::kS3;
  return options;
}

// A file as another writer might have left it.
inline void put_file(LoneProcess& world, const std::string& path, const std::string& bytes) {
  const engine::Address writer{.process = {engine::Role::kProducer, 0}, .incarnation = 1};
  const bool put = world.files.create(writer, path) && world.files.append(writer, path, bytes) &&
                   world.files.close(writer, path);
  INVARIANT(put, "no file {}", path);
}

// A log in memory that does what it is told, and remembers what it was asked.
class ScriptedLog final : public engine::WriteAheadLog {
 public:
  struct Write {
    std::string record;
    engine::Instant time;
    bool operator==(const Write&) const = default;
  };

  explicit ScriptedLog(engine::Clock& clock) : clock_(clock) {}

  std::deque<engine::Errc> failures;  // of the next writes; nothing is written then
  engine::Duration latency{0};
  std::vector<Write> written;
  std::vector<engine::Instant> cleaned;
  int closed = 0;

  engine::Task<engine::Result<engine::WalRecordHandle>> write(std::string record,
                                                              engine::Instant time) override {
    std::optional<engine::Errc> failure;
    if (!failures.empty()) {
      failure = failures.front();
      failures.pop_front();
    }
    co_await clock_.sleep_until(clock_.now() + latency);
    if (failure) {
      co_return *failure;
    }
    engine::WalRecordHandle handle;
    handle.offset = std::ssize(written);
    handle.length = std::ssize(record);
    written.push_back({.record = std::move(record), .time = time});
    co_return handle;
  }

  engine::Task<engine::Result<std::string>> read(engine::WalRecordHandle handle) override {
    co_return written.at(static_cast<std::size_t>(handle.offset)).record;
  }

  engine::Task<engine::Result<std::vector<std::string>>> read_all() override {
    std::vector<std::string> records;
    for (const Write& each : written) {
      records.push_back(each.record);
    }
    co_return records;
  }

  engine::Task<engine::Result<>> clean(engine::Instant threshold) override {
    cleaned.push_back(threshold);
    co_return engine::Result<>{};
  }

  engine::Task<engine::Result<>> close() override {
    ++closed;
    co_return engine::Result<>{};
  }

 private:
  engine::Clock& clock_;
};

}  // namespace tests
