// reports/recording.h
//
// The histories of runs in one SQLite file, for people, for other programs, and for judging again.
//
// Holds     one connection. Durable: every run whose record() returned.
//
// Invariants
//   R1  Whole.     A run is in the file with all its rows or not at all, whatever kills the writer.
//   R2  Faithful.  load() returns what record() was given, so that judge() says the same again.
//   R3  Agreed.    The views of the file compute the verdict that judge() computes.
// tests/unit/recording_test.cpp checks R1 and R2, tests/property/judge_property_test.cpp R2 and R3.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/system/result.hpp>

#include "reports/judge.h"
#include "reports/ledger.h"

namespace reports {

enum class RecordingErrc : std::uint8_t {
  kCannotOpen,    // no such folder, no permission, a folder, ...
  kNotADatabase,  // the file is something else
  kOtherSchema,   // a database, but not a recording, or one of another schema_version
  kDiskFull,
  kBusy,  // another program holds the file locked
  kUnknownRun,
  kDamaged,    // what is in it cannot be
  kDisagrees,  // it says otherwise already
  kFailed,     // whatever else SQLite says
};

struct RecordingFailure {
  RecordingErrc code = RecordingErrc::kFailed;
  std::string sentence;  // for a person: names the file and the reason
};

[[noreturn]] void throw_exception_from_error(const RecordingFailure& failure,
                                             const boost::source_location& where);

template <class T = void>
class [[nodiscard]] RecordingResult : public boost::system::result<T, RecordingFailure> {
 public:
  using boost::system::result<T, RecordingFailure>::result;
};

// What a person wants to read of a run: "description", "story", ...
struct RunText {
  std::string name;
  std::string text;
};

// What is known of a run besides its ledger and its verdict.
struct RunInfo {
  std::string scenario;
  std::uint64_t seed = 0;
  std::string kafka;  // "mock", "model", "host:port"
  std::string token;
  std::string started_at;  // wall time, as the caller writes it
  std::int64_t virtual_us = 0;
  std::int64_t wall_us = 0;
  std::string trace_hash;  // 32 hex digits
  bool passed = false;
  std::string topic;
  std::string sink;            // "append", "batch-uid", ...
  std::vector<RunText> texts;  // of one name several, in their order
};

class Recording {
 public:
  // Creates the file if it is absent or empty. ":memory:" is a recording that dies with the object.
  static RecordingResult<Recording> open(const std::string& path);

  Recording(Recording&&) noexcept;
  Recording& operator=(Recording&&) noexcept;
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording();

  // Adds a run, in one transaction, and returns its run_id.
  // Requires  record ids and positions of ledger.inputs are distinct; trace_hash is 32 hex digits.
  // A crash during the call leaves the runs recorded before.
  RecordingResult<std::int64_t> record(const RunInfo& run,
                                       const Ledger& ledger,
                                       const Verdict& verdict);

  // What judge() needs of a recorded run: inputs, outputs, plans, aggregates, stalled.
  // Errors    kUnknownRun.
  RecordingResult<Ledger> load(std::int64_t run_id);

  // What repeats a recorded run.
  // Errors    kUnknownRun.
  RecordingResult<std::string> token(std::int64_t run_id);

 private:
  class Store;
  explicit Recording(std::unique_ptr<Store> store);

  std::unique_ptr<Store> store_;
};

}  // namespace reports
