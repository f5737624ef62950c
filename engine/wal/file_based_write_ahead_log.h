// engine/wal/file_based_write_ahead_log.h
//
// A write-ahead log in files that are begun anew from time to time (Spark: FileBasedWriteAheadLog).
// A file is named by the times between which it is written, so that it can be cleaned without being
// opened.
//
// Holds     which files there are, and which one is being written. Durable: the files.
// Stands on storage and clock.
// Lifetime  one per life of a process and directory; nobody else writes there.
// Invariants  those of engine/wal/write_ahead_log.h.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/process.h"
#include "engine/wal/checked_record.h"
#include "engine/wal/turn.h"
#include "engine/wal/write_ahead_log.h"

namespace engine {

// "checkpoint/receivedData/0/log-1000-61000": milliseconds.
struct WalFile {
  std::string path;
  Instant start;
  Instant stop;  // nothing newer is written to it
  auto operator<=>(const WalFile&) const = default;
};

WalFile wal_file(std::string_view directory, Instant start, Duration rolling_interval);

// The log files of `directory` among `paths`, by their start.
std::vector<WalFile> wal_files(std::string_view directory, std::vector<std::string> paths);

class FileBasedWriteAheadLog final : public WriteAheadLog {
 public:
  // Requires  at least one attempt.
  FileBasedWriteAheadLog(const Ports& ports, WalOptions options);

  Task<Result<WalRecordHandle>> write(std::string record, Instant time) override;
  Task<Result<std::string>> read(WalRecordHandle handle) override;
  Task<Result<std::vector<std::string>>> read_all() override;
  Task<Result<>> clean(Instant threshold) override;
  Task<Result<>> close() override;

 private:
  Task<Result<>> list_once();
  Task<Result<WalRecordHandle>> write_with_retries(std::string record, Instant time);
  Task<Result<WalRecordHandle>> append(std::string record, std::uint32_t number, Instant time);
  [[nodiscard]] std::string frame(std::string_view record, std::uint32_t number) const;
  Task<Result<>> make_writer(Instant time);
  void roll(Instant time);
  Task<Result<>> open_current();
  Task<Result<>> reset_writer();
  Task<Result<std::vector<WalFile>>> every_file();
  Task<Result<std::vector<WalFile>>> take_expired(Instant threshold);

  const Ports& ports_;
  WalOptions options_;
  Turn turn_;
  bool listed_ = false;
  std::vector<WalFile> past_;       // never the current one
  std::optional<WalFile> current_;  // the last one that was begun, open or not
  bool writer_open_ = false;
  std::int64_t next_offset_ = 0;  // in the open file
  RecordNumber next_;             // of the next write; its index is that in the current file
  bool closed_ = false;
};

}  // namespace engine
