// tests/bench/wal_bench.cpp
//
// The log on a real file: appends with and without group commit against plain write and fdatasync
// of the same bytes. And the log on the simulated disk, which is what a world pays for it.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "engine/wal/batched_write_ahead_log.h"
#include "engine/wal/file_based_write_ahead_log.h"
#include "engine/wal/wal_reader.h"
#include "tests/support/log_world.h"
#include "tests/support/temporary_folder.h"

namespace {

using engine::BatchedWriteAheadLog;
using engine::FileBasedWriteAheadLog;
using engine::Result;
using engine::Task;
using tests::LoneProcess;

constexpr std::int64_t kRecordBytes = 256;

int open_new(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  INVARIANT(file >= 0, "{} cannot be created", path);
  return file;
}

void write_whole(int file, const std::string& bytes) {
  const ssize_t written = ::write(file, bytes.data(), bytes.size());
  INVARIANT(written == std::ssize(bytes), "{} of {} bytes written", written, bytes.size());
}

void sync(int file) {
  INVARIANT(::fdatasync(file) == 0, "fdatasync failed");
}

// As much of real files as a log needs; whatever it does has happened when it returns.
class FileStorage final : public tests::ForwardingStorage {
 public:
  explicit FileStorage(engine::Storage& rest) : ForwardingStorage(rest) {}

  FileStorage(const FileStorage&) = delete;
  FileStorage& operator=(const FileStorage&) = delete;

  ~FileStorage() override {
    for (const auto& [path, file] : open_) {
      ::close(file);
    }
  }

  Task<Result<>> create(std::string path) override {
    open_[path] = open_new(name_of(path));
    co_return Result<>{};
  }

  Task<Result<>> append(std::string path, std::string bytes) override {
    write_whole(open_.at(path), bytes);
    co_return Result<>{};
  }

  Task<Result<>> flush(std::string path) override {
    sync(open_.at(path));
    ++flushes_;
    co_return Result<>{};
  }

  Task<Result<>> close(std::string path) override {
    ::close(open_.at(path));
    open_.erase(path);
    co_return Result<>{};
  }

  [[nodiscard]] std::int64_t flushes() const { return flushes_; }

 private:
  [[nodiscard]] std::string name_of(const std::string& path) const {
    return folder_.file(std::filesystem::path(path).filename());
  }

  tests::TemporaryFolder folder_;  // on a disk, if TMPDIR is: on tmpfs a sync costs nothing
  std::map<std::string, int> open_;
  std::int64_t flushes_ = 0;
};

void count(benchmark::State& state, std::int64_t records, std::int64_t flushes) {
  state.SetItemsProcessed(records);
  state.SetBytesProcessed(records * kRecordBytes);
  state.counters["records_per_flush"] = static_cast<double>(records) / static_cast<double>(flushes);
}

// The baseline: what a program does that has no log.
void plain_write_and_fdatasync(benchmark::State& state) {
  const tests::TemporaryFolder folder;
  const int file = open_new(folder.file("plain"));
  const std::string framed = engine::frame_record(std::string(kRecordBytes, 'x'));
  std::int64_t records = 0;
  for (auto _ : state) {
    write_whole(file, framed);
    sync(file);
    ++records;
  }
  ::close(file);
  count(state, records, records);
}

BENCHMARK(plain_write_and_fdatasync)->UseRealTime();

engine::WalOptions one_file() {
  engine::WalOptions options;
  options.directory = "log";
  options.rolling_interval = std::chrono::hours(24 * 365);
  return options;
}

Task<> append_records(engine::WriteAheadLog* log,
                      engine::Clock* clock,
                      std::int64_t records,
                      std::int64_t* written) {
  const std::string record(kRecordBytes, 'x');
  for (std::int64_t i = 0; i < records; ++i) {
    const auto appended = co_await log->write(record, clock->now());
    *written += appended ? 1 : 0;
  }
}

constexpr std::int64_t kRecordsPerWriter = 16;

// `range(0)` writers at once, each waiting for its record before it writes the next.
void append_from(benchmark::State& state, LoneProcess& world, engine::WriteAheadLog& log) {
  for (auto _ : state) {
    std::int64_t written = 0;
    for (std::int64_t writer = 0; writer < state.range(0); ++writer) {
      engine::spawn(world.process.executor(),
                    append_records(&log, &world.clock, kRecordsPerWriter, &written));
    }
    world.run_for();
    INVARIANT(written == state.range(0) * kRecordsPerWriter, "{} records written", written);
  }
}

std::int64_t records_of(const benchmark::State& state) {
  return state.iterations() * state.range(0) * kRecordsPerWriter;
}

void log_on_a_file(benchmark::State& state) {
  LoneProcess world;
  FileStorage storage(world.storage);
  const engine::Ports ports = tests::with_storage(world.begin(), storage);
  FileBasedWriteAheadLog log(ports, one_file());
  append_from(state, world, log);
  world.end();
  count(state, records_of(state), storage.flushes());
}

BENCHMARK(log_on_a_file)->Arg(1)->Arg(16)->UseRealTime();

void log_on_a_file_with_group_commit(benchmark::State& state) {
  LoneProcess world;
  FileStorage storage(world.storage);
  const engine::Ports ports = tests::with_storage(world.begin(), storage);
  BatchedWriteAheadLog log(ports, std::make_unique<FileBasedWriteAheadLog>(ports, one_file()));
  engine::spawn(ports.executor, log.run());
  append_from(state, world, log);
  world.end();
  count(state, records_of(state), storage.flushes());
}

BENCHMARK(log_on_a_file_with_group_commit)->Arg(1)->Arg(4)->Arg(16)->Arg(64)->UseRealTime();

// What the simulator itself pays for a record: no disk, virtual time. A world each time, so that
// the file does not grow over all iterations.
void simulated_log(benchmark::State& state) {
  for (auto _ : state) {
    LoneProcess world;
    const engine::Ports ports = world.begin();
    FileBasedWriteAheadLog log(ports, one_file());
    std::int64_t written = 0;
    engine::spawn(ports.executor, append_records(&log, &world.clock, state.range(0), &written));
    world.run_for();
    world.end();
    benchmark::DoNotOptimize(written);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(simulated_log)->Arg(100);

void reading_in_order(benchmark::State& state) {
  std::string file;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    file += engine::frame_record(std::string(kRecordBytes, 'x'));
  }
  for (auto _ : state) {
    const auto records = engine::records_in(file);
    benchmark::DoNotOptimize(records);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() * std::ssize(file));
}

BENCHMARK(reading_in_order)->Arg(10'000);

}  // namespace
