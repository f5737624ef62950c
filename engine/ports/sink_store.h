// engine/ports/sink_store.h
//
// The external system that output lands in. `SinkDatabase` is the system itself, answering at once;
// `SinkStore` is what a process sees of it over the network. It survives every crash of the engine;
// what a client has prepared but not committed is forgotten when that client's process ends.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/result.h"
#include "engine/ports/task.h"
#include "engine/ports/vocabulary.h"

namespace engine {

// Where a row came from: stamped by the client, so that no engine can claim another origin.
struct RowOrigin {
  Address writer;
  Instant written_at;
};

struct OutputRow {
  Position source;  // the input record; partition -1: an aggregate, which has no single one
  std::int32_t ordinal = 0;  // which of the outputs of that record (flat_map)
  std::string row_key;       // primary key of an upsert; empty for every other write
  std::string key;
  std::string value;
  BatchTime batch;
  PartitionId task = 0;
  std::int32_t attempt = 0;
  RowOrigin origin;
};

// Names a piece of output that must take effect once: Spark's recipe (batch time, partition id), or
// one part of that, or a record by its own partition and offset.
struct UnitId {
  BatchTime batch;
  PartitionId task = 0;
  std::int64_t part = 0;
  auto operator<=>(const UnitId&) const = default;
};

// Sets one partition's saved offset; with `expected`, only if that is what is saved now (compare
// and set; a partition never saved compares equal to `expected` of kNeverSaved).
inline constexpr Offset kNeverSaved{-1};

struct OffsetUpdate {
  PartitionId partition = 0;
  std::optional<Offset> expected;
  Offset next;
};

// All or nothing, decided when it is committed.
struct SinkTransaction {
  std::vector<OutputRow> rows;        // appended
  std::optional<UnitId> insert_unit;  // guard: absent now; recorded on success
  std::vector<OffsetUpdate> offsets;  // guards and writes of the offsets table
};

enum class TransactionOutcome : std::uint8_t {
  kCommitted,
  kUnitPresent,     // nothing changed: the unit was committed before
  kOffsetConflict,  // nothing changed: some offset was not as expected
};

class SinkDatabase {
 public:
  SinkDatabase() = default;
  SinkDatabase(const SinkDatabase&) = delete;
  SinkDatabase& operator=(const SinkDatabase&) = delete;
  virtual ~SinkDatabase() = default;

  // Adds rows at the end. The rows of one call are one transaction.
  virtual Result<> append(const std::vector<OutputRow>& rows) = 0;

  // Inserts each row, or replaces the row with the same row_key, which keeps its place.
  // Requires  !row_key.empty() for each row.
  virtual Result<> upsert(const std::vector<OutputRow>& rows) = 0;

  // The file `path` holds exactly `rows` from now on (saveAsTextFile over an existing directory).
  virtual Result<> replace_file(const std::string& path, const std::vector<OutputRow>& rows) = 0;

  virtual Result<TransactionOutcome> apply(const SinkTransaction& transaction) = 0;

  // The offsets table: one entry per partition ever saved, by partition.
  virtual Result<std::vector<PartitionOffset>> saved_offsets() = 0;

  // Everything that a reader of the system would find now: appended and upserted rows in order of
  // first insertion, then the rows of each file in order of path.
  virtual Result<std::vector<OutputRow>> contents() = 0;
};

// Names a prepared transaction of one client.
struct TransactionId {
  std::int64_t value = 0;
};

class SinkStore {
 public:
  SinkStore() = default;
  SinkStore(const SinkStore&) = delete;
  SinkStore& operator=(const SinkStore&) = delete;
  virtual ~SinkStore() = default;

  virtual Task<Result<>> append(std::vector<OutputRow> rows) = 0;
  virtual Task<Result<>> upsert(std::vector<OutputRow> rows) = 0;
  virtual Task<Result<>> replace_file(std::string path, std::vector<OutputRow> rows) = 0;

  // Sends the statements. Nothing is visible before commit(), and a crash of the client forgets
  // them.
  virtual Task<Result<TransactionId>> prepare(SinkTransaction transaction) = 0;

  // Evaluates the guards and applies, in one transaction of the database.
  // Errors    kTimedOut: it may or may not have been applied.
  virtual Task<Result<TransactionOutcome>> commit(TransactionId id) = 0;

  virtual Task<Result<std::vector<PartitionOffset>>> saved_offsets() = 0;
};

}  // namespace engine
