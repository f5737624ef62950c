#include "sim/process_storage.h"

#include <utility>

namespace sim {

using engine::Result;
using engine::Task;

ProcessStorage::ProcessStorage(Process& process,
                               FileSystem& files,
                               StorageLatency latency,
                               engine::Random& random)
    : process_(process), files_(files), latency_(latency), random_(random) {
  process_.on_end_of_life([this] { life_ended(); });
}

Task<Result<>> ProcessStorage::create(std::string path) {
  const RoundTrip trip = draw(latency_.create);
  co_await process_.step(Operation::kStorageCreate, process_.digest(path), trip.request);
  const Result<> created =
      attempt(StorageOperation::kCreate, [&] { return files_.create(process_.address(), path); });
  co_await process_.step(Operation::kStorageCreateApplied, process_.digest(created), trip.answer);
  co_return created;
}

// In the trace an opening is an opening: the digest tells a file that was there from a new one.
Task<Result<std::int64_t>> ProcessStorage::reopen(std::string path) {
  const RoundTrip trip = draw(latency_.create);
  const std::uint64_t digest = process_.digest(path, std::string_view("reopen"));
  co_await process_.step(Operation::kStorageCreate, digest, trip.request);
  const Result<std::int64_t> size =
      attempt(StorageOperation::kCreate, [&] { return files_.reopen(process_.address(), path); });
  co_await process_.step(Operation::kStorageCreateApplied, process_.digest(size), trip.answer);
  co_return size;
}

Task<Result<>> ProcessStorage::append(std::string path, std::string bytes) {
  const RoundTrip trip = draw(latency_.append);
  co_await process_.step(Operation::kStorageAppend, process_.digest(path, bytes), trip.request);
  const Result<> appended = attempt(StorageOperation::kAppend,
                                    [&] { return files_.append(process_.address(), path, bytes); });
  co_await process_.step(Operation::kStorageAppendApplied, process_.digest(appended), trip.answer);
  co_return appended;
}

Task<Result<>> ProcessStorage::flush(std::string path) {
  const RoundTrip trip = draw(latency_.flush);
  co_await process_.step(Operation::kStorageFlush, process_.digest(path), trip.request);
  const Result<> flushed =
      attempt(StorageOperation::kFlush, [&] { return files_.flush(process_.address(), path); });
  co_await process_.step(Operation::kStorageFlushApplied, process_.digest(flushed), trip.answer);
  co_return flushed;
}

Task<Result<>> ProcessStorage::close(std::string path) {
  const RoundTrip trip = draw(latency_.close);
  co_await process_.step(Operation::kStorageClose, process_.digest(path), trip.request);
  const Result<> closed =
      attempt(StorageOperation::kClose, [&] { return files_.close(process_.address(), path); });
  co_await process_.step(Operation::kStorageCloseApplied, process_.digest(closed), trip.answer);
  co_return closed;
}

Task<Result<>> ProcessStorage::rename(std::string from, std::string to) {
  if (files_.kind() == engine::StorageKind::kS3) {
    const Result<> moved = co_await copy_and_remove(std::move(from), std::move(to));
    co_return moved;
  }
  const RoundTrip trip = draw(latency_.rename);
  co_await process_.step(Operation::kStorageRename, process_.digest(from, to), trip.request);
  const Result<> renamed =
      attempt(StorageOperation::kRename, [&] { return files_.rename(from, to); });
  co_await process_.step(Operation::kStorageRenameApplied, process_.digest(renamed), trip.answer);
  co_return renamed;
}

Task<Result<>> ProcessStorage::copy_and_remove(std::string from, std::string to) {
  const RoundTrip trip = draw(latency_.rename);
  co_await process_.step(Operation::kStorageRename, process_.digest(from, to), trip.request);
  const auto failure = disturbance_.meet(StorageOperation::kRename, process_.now());
  const bool refused = failure && !failure->applied;
  const Result<> copied = refused ? Result<>(failure->error) : files_.copy(from, to);
  if (!copied) {
    co_await process_.step(Operation::kStorageRenameApplied, process_.digest(copied), trip.answer);
    co_return copied;
  }
  const engine::Duration removal =
      disturbance_.stretched(draw_latency(latency_.remove, random_), process_.now());
  co_await process_.step(Operation::kStorageRenameCopied, process_.digest(from), removal);
  // Somebody else may have removed it meanwhile: then the rename has done its work all the same.
  const Result<> removed = files_.remove(from);
  co_await process_.step(Operation::kStorageRenameApplied, process_.digest(removed), trip.answer);
  co_return failure ? Result<>(failure->error) : Result<>();
}

Task<Result<>> ProcessStorage::remove(std::string path) {
  const RoundTrip trip = draw(latency_.remove);
  co_await process_.step(Operation::kStorageRemove, process_.digest(path), trip.request);
  const Result<> removed = attempt(StorageOperation::kRemove, [&] { return files_.remove(path); });
  co_await process_.step(Operation::kStorageRemoveApplied, process_.digest(removed), trip.answer);
  co_return removed;
}

Task<Result<std::vector<std::string>>> ProcessStorage::list(std::string prefix) {
  const RoundTrip trip = draw(latency_.list);
  co_await process_.step(Operation::kStorageList, process_.digest(prefix), trip.request);
  Result<std::vector<std::string>> found =
      attempt(StorageOperation::kList,
              [&]() -> Result<std::vector<std::string>> { return files_.list(prefix); });
  process_.record(Operation::kStorageList, process_.digest(found));
  co_await process_.sleep_until(process_.now() + trip.answer);
  co_return found;
}

Task<Result<std::string>> ProcessStorage::read(std::string path) {
  const RoundTrip trip = draw(latency_.read);
  co_await process_.step(Operation::kStorageRead, process_.digest(path), trip.request);
  Result<std::string> found = attempt(StorageOperation::kRead, [&] { return files_.read(path); });
  process_.record(Operation::kStorageRead, process_.digest(found));
  co_await process_.sleep_until(process_.now() + trip.answer);
  co_return found;
}

RoundTrip ProcessStorage::draw(engine::Duration whole) {
  const engine::Duration drawn =
      disturbance_.stretched(draw_latency(whole, random_), process_.now());
  return {.request = drawn / 2, .answer = drawn - drawn / 2};
}

void ProcessStorage::life_ended() {
  const DiskDeath death = std::exchange(next_death_, DiskDeath{});
  if (death.machine) {
    files_.machine_died(process_.address(), death.outcome);
  } else {
    files_.writer_died(process_.address(), death.outcome);
  }
}

}  // namespace sim
