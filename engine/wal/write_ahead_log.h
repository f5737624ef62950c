// engine/wal/write_ahead_log.h
//
// The durability boundary of the receiver path: a record is appended before anybody acts on it, and
// found again after a crash (Spark: WriteAheadLog, FileBasedWriteAheadLog, BatchedWriteAheadLog).
//
// Invariants
//   L1  Acknowledged means durable.  A record whose write() succeeded is in every later read_all(),
//                                    until clean() was told that it is not needed.
//   L2  Order.                       read_all() yields records in the order of their files, and
//                                    within a file in the order of their writes.
//   L3  Only the tail may tear.      A crash damages at most a suffix of what no write() has
//                                    acknowledged. A reader stops there without a word.
//
// Hazards   Spark's own, kept; tests/unit/write_ahead_log_test.cpp shows each.
//           Torn in the middle.  A write that fails half way is tried again in the same file if
//                                the first attempt began it, behind what is left of that attempt.
//                                Reading in order then finds no border between the two, unless
//                                records have checksums (LogFormat::kChecksum).
//           Closed or not.       Storage that shows nothing before close (S3) takes
//                                close_after_write, and FailedClose::kRefused if closing can fail.
//           One name a time.     A file per write is then a file per millisecond: where files
//                                cannot be appended to, the second write of one fails.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/pipeline.h"
#include "engine/ports/process.h"
#include "engine/ports/protocol.h"
#include "engine/ports/result.h"
#include "engine/ports/task.h"
#include "engine/ports/vocabulary.h"
#include "engine/wal/wal_record.h"

namespace engine {

class WriteAheadLog {
 public:
  WriteAheadLog() = default;
  WriteAheadLog(const WriteAheadLog&) = delete;
  WriteAheadLog& operator=(const WriteAheadLog&) = delete;
  virtual ~WriteAheadLog() = default;

  // Appends a record and completes when it is durable. `time` decides in which file it is and when
  // it may be cleaned: the clock of the process that writes, not a batch time. Errors kUnavailable,
  // kNoSpace, kTimedOut: the record may or may not be there later.
  //           kUnsupported: the file is there and the storage cannot append to it.
  virtual Task<Result<WalRecordHandle>> write(std::string record, Instant time) = 0;

  // Errors    kNotFound: the file is gone. kCorrupt: no such record there.
  virtual Task<Result<std::string>> read(WalRecordHandle handle) = 0;

  // Errors    kCorrupt: a file holds what is no record. kUnavailable.
  virtual Task<Result<std::vector<std::string>>> read_all() = 0;

  // Removes files that hold nothing as new as `threshold`. A file that cannot be removed stays,
  // and nobody is told.
  virtual Task<Result<>> clean(Instant threshold) = 0;

  // Later writes fail with kUnavailable. Closing again does nothing.
  virtual Task<Result<>> close() = 0;
};

struct WalOptions {
  std::string
      directory;  // "checkpoint/receivedData/0"; names are directory + "/log-<start>-<stop>"
  Duration rolling_interval = std::chrono::seconds(60);
  std::int32_t failures_max = 3;   // attempts at one write
  bool close_after_write = false;  // for storage that shows nothing before close (S3)
  FailedClose failed_close = FailedClose::kAcknowledged;
  LogFormat format = LogFormat::kLength;
  LogFlush flush = LogFlush::kEachRecord;
  LogHandle handle = LogHandle::kToFrame;
  LogCleaning cleaning = LogCleaning::kByStop;
};

// What a record is longer by in a file.
std::int64_t frame_bytes(LogFormat format);

// The record of a handle in the bytes of its file.
// Errors    kCorrupt: no such record there.
Result<std::string> record_in(std::string_view file,
                              const WalRecordHandle& handle,
                              LogFormat format);

// Of a log in the checkpoint directory of `pipeline`: closed after every write where nothing is
// shown before (spark.streaming.*.writeAheadLog.closeFileAfterWrite).
WalOptions wal_options(const Pipeline& pipeline, std::string directory);

}  // namespace engine
