// engine/receiver/received_block_handler.h
//
// Where a receiver's blocks are put before anybody hears of them (Spark: ReceivedBlockHandler).
//
//   BlockManagerBased   in the memory of this executor and, best effort, of others.
//   WriteAheadLogBased  in the memory of this executor alone and in the data log, both at once; the
//                       block is stored when both are done.
//
// Hazard    Nobody knows of a replica that was not made: the block counts as stored when it is in
//           one memory.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/executor/block_manager.h"
#include "engine/messages.h"
#include "engine/ports/process.h"
#include "engine/ports/result.h"
#include "engine/wal/wal_record.h"
#include "engine/wal/write_ahead_log.h"

namespace engine {

class ReceivedBlockHandler {
 public:
  ReceivedBlockHandler() = default;
  ReceivedBlockHandler(const ReceivedBlockHandler&) = delete;
  ReceivedBlockHandler& operator=(const ReceivedBlockHandler&) = delete;
  virtual ~ReceivedBlockHandler() = default;

  // The handle is empty where there is no log. What failed may be stored in part.
  // Errors    kTimedOut, kUnavailable after stop(), those of writing the log.
  virtual Task<Result<std::optional<WalRecordHandle>>> store_block(BlockId block,
                                                                   SharedRecords records) = 0;

  // No block that was stored before `threshold` is needed any more.
  virtual Task<Result<>> clean_up_old_blocks(Instant threshold) = 0;

  // A handler with a log stores nothing from now on.
  virtual Task<Result<>> stop() = 0;
};

class BlockManagerBasedBlockHandler final : public ReceivedBlockHandler {
 public:
  // `replication`: in how many memories a block shall be.
  BlockManagerBasedBlockHandler(const Ports& ports, BlockManager& blocks, std::int32_t replication);

  Task<Result<std::optional<WalRecordHandle>>> store_block(BlockId block,
                                                           SharedRecords records) override;

  // Blocks are removed when their batches are: there is nothing else to clean.
  Task<Result<>> clean_up_old_blocks(Instant threshold) override;

  Task<Result<>> stop() override;

 private:
  const Ports& ports_;
  BlockManager& blocks_;
  std::int32_t replication_;
};

class WriteAheadLogBasedBlockHandler final : public ReceivedBlockHandler {
 public:
  // `timeout`: spark.streaming.receiver.blockStoreTimeout. The log's records are of
  // protocol.log_format.
  WriteAheadLogBasedBlockHandler(const Ports& ports,
                                 BlockManager& blocks,
                                 std::unique_ptr<WriteAheadLog> log,
                                 Duration timeout,
                                 const ReceiverProtocol& protocol = {});

  Task<Result<std::optional<WalRecordHandle>>> store_block(BlockId block,
                                                           SharedRecords records) override;
  Task<Result<>> clean_up_old_blocks(Instant threshold) override;

  // The append that is under way is finished.
  Task<Result<>> stop() override;

 private:
  // Shared, because the caller stops waiting when the time is up.
  struct Append {
    std::unique_ptr<Signal> over;
    std::optional<Result<WalRecordHandle>> result;
  };

  Task<> append(std::shared_ptr<Append> progress, std::string record);

  const Ports& ports_;
  BlockManager& blocks_;
  std::unique_ptr<WriteAheadLog> log_;
  Duration timeout_;
  ReceiverProtocol protocol_;
  bool stopped_ = false;
};

}  // namespace engine
