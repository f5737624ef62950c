// engine/wal/batched_write_ahead_log.h
//
// Group commit: records that wait while one is being written go together into the next one (Spark:
// BatchedWriteAheadLog; the driver's log, where every receiver's blocks meet).
//
// Holds     records that wait, in memory. Durable: in the log beneath, one record per batch, of the
//           latest time among its records, so that no file is cleaned before all of them are old.
// Invariants  those of engine/wal/write_ahead_log.h.
//
// Hazard    A write that timed out is still queued or under way: it may become durable after its
//           caller was told that it failed, and is then replayed by the next life. Spark's, kept.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/process.h"
#include "engine/wal/write_ahead_log.h"

namespace engine {

// One record made of many.
std::string aggregate(const std::vector<std::string>& records);

// The records of which one was made; the record itself if it was not made of others, as in a log
// that was begun without batching.
std::vector<std::string> deaggregate(std::string record);

class BatchedWriteAheadLog final : public WriteAheadLog {
 public:
  static constexpr Duration kBatchingTimeout = std::chrono::seconds(5);

  // `timeout`: spark.streaming.driver.writeAheadLog.batchingTimeout.
  BatchedWriteAheadLog(const Ports& ports,
                       std::unique_ptr<WriteAheadLog> log,
                       Duration timeout = kBatchingTimeout);

  // Writes what waits, batch after batch, until close().
  Task<> run();

  // The handle is that of the whole batch. Without run() it times out.
  Task<Result<WalRecordHandle>> write(std::string record, Instant time) override;

  // Errors    kUnsupported, always: a handle does not tell the records of a batch apart.
  Task<Result<std::string>> read(WalRecordHandle handle) override;

  Task<Result<std::vector<std::string>>> read_all() override;
  Task<Result<>> clean(Instant threshold) override;

  // The batch that is being written is finished; what waits behind it fails.
  Task<Result<>> close() override;

 private:
  // Shared, because the caller may stop waiting before the batch is written.
  struct Answer {
    std::unique_ptr<Signal> given;
    std::optional<Result<WalRecordHandle>> result;
  };

  struct Waiting {
    std::string record;
    Instant time;
    std::shared_ptr<Answer> answer;
  };

  Task<> write_batch(std::vector<Waiting> batch);
  static void answer_all(const std::vector<Waiting>& waiting, Result<WalRecordHandle> result);

  const Ports& ports_;
  std::unique_ptr<WriteAheadLog> log_;
  Duration timeout_;
  std::vector<Waiting> waiting_;
  std::unique_ptr<Signal> wake_up_;
  std::unique_ptr<Signal> stopped_;
  bool active_ = true;
  bool running_ = false;
};

}  // namespace engine
