#include "engine/driver/checkpoint_writer.h"

#include <algorithm>
#include <utility>

#include "engine/ports/invariant.h"

namespace engine {
namespace {

constexpr int kAttemptsMax = 3;
constexpr std::size_t kFilesKept = 10;

}  // namespace

CheckpointWriter::CheckpointWriter(const Ports& ports,
                                   const Pipeline& pipeline,
                                   std::function<void(BatchTime)> completed)
    : ports_(ports), pipeline_(pipeline), completed_(std::move(completed)), orders_(ports.clock) {}

// Who waits for his checkpoint gets it under CheckpointBacklog::kDropped, too.
void CheckpointWriter::write(CheckpointOrder order) {
  const bool drops = pipeline_.protocol.checkpoint_backlog == CheckpointBacklog::kDropped;
  if (drops && writing_ && order.written == nullptr) {
    return;
  }
  orders_.push(std::move(order));
}

Task<> CheckpointWriter::run() {
  for (;;) {
    CheckpointOrder order = co_await orders_.pop();
    const std::shared_ptr<Signal> written = order.written;
    writing_ = true;
    co_await write_with_retries(std::move(order));
    writing_ = false;
    if (written) {
      written->notify();
    }
  }
}

Task<> CheckpointWriter::write_with_retries(CheckpointOrder order) {
  latest_time_ = std::max(latest_time_, order.time);
  const bool by_latest = pipeline_.protocol.checkpoint_name == CheckpointName::kLatest;
  const std::string path = checkpoint_path(by_latest ? latest_time_ : order.time);
  const bool any_cleans = pipeline_.protocol.checkpoint_cleanup == CheckpointCleanup::kAny;
  const bool must_succeed = order.written != nullptr;
  for (int attempt = 1; must_succeed || attempt <= kAttemptsMax; ++attempt) {
    const auto placed = co_await put_in_place(order.time, path, order.bytes);
    if (!placed) {
      continue;
    }
    ports_.listener.checkpoint_written(std::ssize(order.bytes));
    if (order.completion) {
      const PointContext here{.batch = order.time};
      co_await ports_.points.reach(Point::kCheckpointCompletionWritten, here);
    }
    if (order.completion || any_cleans) {
      completed_(order.time);
    }
    co_return;
  }
  // Given up with a warning, as Spark does: the batch is never marked processed.
}

// The order keeps W1: at every step one whole file with the old or the new content exists under a
// name that the reader tries.
Task<Result<>> CheckpointWriter::put_in_place(BatchTime batch,
                                              std::string path,
                                              std::string bytes) {
  const PointContext here{.batch = batch};
  if (pipeline_.protocol.checkpoint_publish == CheckpointPublish::kInPlace) {
    const auto written = co_await write_file(path, std::move(bytes));
    if (!written) {
      co_return written.error();
    }
  } else {
    const auto written = co_await write_file(std::string(kCheckpointTemp), std::move(bytes));
    if (!written) {
      co_return written.error();
    }
    co_await ports_.points.reach(Point::kCheckpointTempWritten, here);
    const auto backed_up = co_await back_up(batch, path);
    if (!backed_up) {
      co_return backed_up.error();
    }
    // Spark only logs a rename that fails and goes on as if it had not; so do we, unless told not
    // to.
    const auto renamed = co_await ports_.storage.rename(std::string(kCheckpointTemp), path);
    if (!renamed && pipeline_.protocol.failed_rename == FailedRename::kRetried) {
      co_return renamed.error();
    }
  }
  co_await ports_.points.reach(Point::kCheckpointRenamed, here);
  co_return co_await remove_oldest();
}

Task<Result<>> CheckpointWriter::write_file(std::string path, std::string bytes) {
  const auto removed = co_await remove_if_there(path);
  if (!removed) {
    co_return removed.error();
  }
  const auto created = co_await ports_.storage.create(path);
  if (!created) {
    co_return created.error();
  }
  const auto appended = co_await ports_.storage.append(path, std::move(bytes));
  if (!appended) {
    co_return appended.error();
  }
  co_return co_await ports_.storage.close(path);
}

Task<Result<>> CheckpointWriter::remove_if_there(std::string path) {
  const auto removed = co_await ports_.storage.remove(path);
  if (!removed && removed.error() != Errc::kNotFound) {
    co_return removed.error();
  }
  co_return Result<>{};
}

Task<Result<>> CheckpointWriter::back_up(BatchTime batch, std::string path) {
  const auto present = co_await ports_.storage.list(path);
  if (!present) {
    co_return present.error();
  }
  if (!std::ranges::binary_search(present.value(), path)) {
    co_return Result<>{};
  }
  if (pipeline_.protocol.checkpoint_backup == CheckpointBackup::kRemoved) {
    co_return co_await remove_if_there(path);
  }
  const std::string backup = path + std::string(kCheckpointBackupSuffix);
  const auto removed = co_await remove_if_there(backup);
  if (!removed) {
    co_return removed.error();
  }
  const auto renamed = co_await ports_.storage.rename(path, backup);
  static_cast<void>(renamed);  // As above: Spark logs and goes on.
  const PointContext here{.batch = batch};
  co_await ports_.points.reach(Point::kCheckpointBackedUp, here);
  co_return Result<>{};
}

Task<Result<>> CheckpointWriter::remove_oldest() {
  auto listed = co_await ports_.storage.list(std::string(kCheckpointPrefix));
  if (!listed) {
    co_return listed.error();
  }
  const std::vector<CheckpointFile> files = checkpoint_files(std::move(listed.value()));
  const std::size_t surplus = files.size() > kFilesKept ? files.size() - kFilesKept : 0;
  for (std::size_t i = 0; i < surplus; ++i) {
    const auto removed = co_await remove_if_there(files[i].path);
    if (!removed) {
      co_return removed.error();
    }
  }
  co_return Result<>{};
}

}  // namespace engine
