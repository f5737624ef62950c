// engine/ports/storage.h
//
// The fault-tolerant file system under a checkpoint or a log, as Spark uses it through Hadoop's
// FileSystem. Paths are flat names; there are no directories to create.
//
// What is durable when
//   hdfs   append() is in the client's buffer and dies with it; flush() (hflush) or close() makes
//          it survive the writer. rename() and remove() are atomic and durable.
//   s3     nothing exists before close(), which puts the whole object. flush() does nothing.
//          rename() is copy then delete: a crash in between leaves both names.
//   local  append() survives the process but not the machine; flush() is fsync and survives both.
//          rename() is atomic.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/ports/result.h"
#include "engine/ports/task.h"

namespace engine {

enum class StorageKind : std::uint8_t { kHdfs, kS3, kLocal };

class Storage {
 public:
  Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  virtual ~Storage() = default;

  // Opens an empty file for appending.
  // Errors    kAlreadyExists, kNoSpace, kUnavailable.
  virtual Task<Result<>> create(std::string path) = 0;

  // Opens a file for appending behind what it holds, and returns how many bytes that is.
  // Errors    kNotFound. kUnavailable: a writer still has it open (hdfs). kUnsupported: s3.
  virtual Task<Result<std::int64_t>> reopen(std::string path) = 0;

  // Requires  `path` was opened by this process life and not closed since.
  virtual Task<Result<>> append(std::string path, std::string bytes) = 0;
  virtual Task<Result<>> flush(std::string path) = 0;
  virtual Task<Result<>> close(std::string path) = 0;

  // Errors    kNotFound: no `from`. kAlreadyExists: `to` is there (Hadoop's rename does not
  // overwrite).
  virtual Task<Result<>> rename(std::string from, std::string to) = 0;

  // Errors    kNotFound.
  virtual Task<Result<>> remove(std::string path) = 0;

  // Every name that starts with `prefix`, in order of bytes.
  virtual Task<Result<std::vector<std::string>>> list(std::string prefix) = 0;

  // What a reader finds now, a torn tail included.
  // Errors    kNotFound.
  virtual Task<Result<std::string>> read(std::string path) = 0;
};

}  // namespace engine
