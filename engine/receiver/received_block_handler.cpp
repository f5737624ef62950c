#include "engine/receiver/received_block_handler.h"

#include <utility>

#include "engine/ports/invariant.h"

namespace engine {

BlockManagerBasedBlockHandler::BlockManagerBasedBlockHandler(const Ports& ports,
                                                             BlockManager& blocks,
                                                             std::int32_t replication)
    : ports_(ports), blocks_(blocks), replication_(replication) {
  INVARIANT(replication_ > 0, "a block is in one memory at least");
}

Task<Result<std::optional<WalRecordHandle>>> BlockManagerBasedBlockHandler::store_block(
    BlockId block, SharedRecords records) {
  blocks_.put(block, records);
  const PointContext here{};
  co_await ports_.points.reach(Point::kReceiverBlockStored, here);
  if (replication_ > 1) {
    const std::int32_t copies = co_await blocks_.replicate(block, records, replication_ - 1);
    static_cast<void>(copies);  // Spark warns that there are fewer, and goes on.
    co_await ports_.points.reach(Point::kReceiverBlockReplicated, here);
  }
  co_return std::optional<WalRecordHandle>();
}

Task<Result<>> BlockManagerBasedBlockHandler::clean_up_old_blocks(Instant /*threshold*/) {
  co_return Result<>{};
}

Task<Result<>> BlockManagerBasedBlockHandler::stop() {
  co_return Result<>{};
}

WriteAheadLogBasedBlockHandler::WriteAheadLogBasedBlockHandler(const Ports& ports,
                                                               BlockManager& blocks,
                                                               std::unique_ptr<WriteAheadLog> log,
                                                               Duration timeout,
                                                               const ReceiverProtocol& protocol)
    : ports_(ports), blocks_(blocks), log_(std::move(log)), timeout_(timeout), protocol_(protocol) {
  INVARIANT(log_ != nullptr, "a handler with a log has one");
}

// The append is begun before the block is put, and neither waits for the other. A block whose
// append fails stays in memory and nobody will ever ask for it; a record that is written after the
// time is up is an orphan in the log. BlockStore's mistakes make do with the memory: it dies with
// the executor, and executors die with the driver.
Task<Result<std::optional<WalRecordHandle>>> WriteAheadLogBasedBlockHandler::store_block(
    BlockId block, SharedRecords records) {
  if (stopped_) {
    co_return Errc::kUnavailable;
  }
  const Instant deadline = ports_.clock.now() + timeout_;
  auto appending = std::make_shared<Append>();
  appending->over = ports_.clock.make_signal();
  spawn(ports_.executor, append(appending, encode_block(*records)));
  blocks_.put(block, std::move(records));
  const PointContext here{};
  co_await ports_.points.reach(Point::kReceiverBlockStored, here);
  while (!appending->result && protocol_.block_store != BlockStore::kFirstDone) {
    const bool notified = co_await appending->over->wait_until(deadline);
    if (!notified && !appending->result) {
      appending->result.emplace(Errc::kTimedOut);
    }
  }
  const bool logged = appending->result && appending->result->has_value();
  if (!logged && protocol_.block_store != BlockStore::kMemoryAndLog) {
    co_return std::optional<WalRecordHandle>();
  }
  if (!logged) {
    co_return appending->result->error();
  }
  co_return std::optional(appending->result->value());
}

Task<> WriteAheadLogBasedBlockHandler::append(std::shared_ptr<Append> progress,
                                              std::string record) {
  const std::int64_t bytes = std::ssize(record) + frame_bytes(protocol_.log_format);
  auto written = co_await log_->write(std::move(record), ports_.clock.now());
  if (written) {
    ports_.listener.bytes_stored(StoredAs::kDataLog, bytes);
    const PointContext here{};
    co_await ports_.points.reach(Point::kReceiverWalAppended, here);
  }
  progress->result.emplace(std::move(written));
  progress->over->notify();
}

Task<Result<>> WriteAheadLogBasedBlockHandler::clean_up_old_blocks(Instant threshold) {
  return log_->clean(threshold);
}

Task<Result<>> WriteAheadLogBasedBlockHandler::stop() {
  stopped_ = true;
  return log_->close();
}

}  // namespace engine
