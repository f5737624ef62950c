#include "reports/recording_file.h"

#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "reports/schema.h"

namespace reports {
namespace {

constexpr int kBusyTimeoutMs = 10'000;

bool is_disk_full(const sql::Error& error) {
  const bool io = error.code == SQLITE_IOERR || error.code == SQLITE_CANTOPEN;
  const auto system_code = static_cast<std::errc>(error.system_code);
  return error.code == SQLITE_FULL || (io && (system_code == std::errc::no_space_on_device ||
                                              system_code == std::errc::file_too_large));
}

RecordingErrc classify(const sql::Error& error) {
  if (is_disk_full(error)) {
    return RecordingErrc::kDiskFull;
  }
  switch (error.code) {
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return RecordingErrc::kCannotOpen;
    case SQLITE_NOTADB:
      return RecordingErrc::kNotADatabase;
    case SQLITE_CORRUPT:
      return RecordingErrc::kDamaged;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return RecordingErrc::kBusy;
    default:
      return RecordingErrc::kFailed;
  }
}

bool is_empty(sql::Database& database) {
  return database.query_integer("SELECT count(*) FROM sqlite_schema") == 0;
}

void require_schema(sql::Database& database, const std::string& path) {
  if (!database.has_table("meta")) {
    throw OtherSchema{
        fmt::format("{} is a SQLite database, but not a recording: it has no table meta", path)};
  }
  sql::Statement query(database, "SELECT value FROM meta WHERE key = 'schema_version'");
  const bool found = query.step();
  const std::string version = found ? query.bytes(0) : std::string("unknown");
  if (version != kSchemaVersion) {
    throw OtherSchema{
        fmt::format("{} has schema_version {}, this program writes {}: name another file",
                    path,
                    version,
                    kSchemaVersion)};
  }
}

// Changing the journal mode needs the file alone, and SQLite answers "busy" at once instead of
// waiting as it does everywhere else. So the waiting is done here.
void begin_journal(sql::Database& database) {
  constexpr int kPauseMs = 5;
  for (int waited_ms = 0;; waited_ms += kPauseMs) {
    try {
      database.execute("PRAGMA journal_mode = WAL");
      return;
    } catch (const sql::Error& error) {
      if (classify(error) != RecordingErrc::kBusy || waited_ms >= kBusyTimeoutMs) {
        throw;
      }
    }
    sqlite3_sleep(kPauseMs);
  }
}

}  // namespace

RecordingFailure failure(std::string_view action,
                         const std::string& path,
                         const sql::Error& error) {
  const RecordingErrc code = classify(error);
  std::string reason = error.message;
  if (code == RecordingErrc::kDiskFull) {
    reason = "the disk is full";
  } else if (code == RecordingErrc::kNotADatabase) {
    reason = "it is not a SQLite database";
  } else if (error.system_code != 0) {
    reason += fmt::format(" ({})", std::generic_category().message(error.system_code));
  }
  return {.code = code, .sentence = fmt::format("cannot {} {}: {}", action, path, reason)};
}

RecordingFailure unknown_run(const std::string& path, std::int64_t run_id) {
  return {.code = RecordingErrc::kUnknownRun,
          .sentence = fmt::format("{} has no run {}", path, run_id)};
}

Guarantee read_guarantee(const std::string& name) {
  const auto found = find_guarantee(name);
  if (!found) {
    throw sql::Error{.code = SQLITE_CORRUPT,
                     .message = fmt::format("\"{}\" is no guarantee", name)};
  }
  return *found;
}

void throw_exception_from_error(const RecordingFailure& failure,
                                const boost::source_location& /*where*/) {
  throw std::runtime_error(failure.sentence);
}

void require_recording(sql::Database& database, const std::string& path) {
  database.check(sqlite3_busy_timeout(database.handle(), kBusyTimeoutMs));
  if (!is_empty(database)) {
    require_schema(database, path);
  }
}

// The journal mode is set before the first table exists and stays in the file. A second program
// that creates the same file waits for the first, and then finds its tables.
void prepare_recording(sql::Database& database, const std::string& path) {
  database.check(sqlite3_busy_timeout(database.handle(), kBusyTimeoutMs));
  if (is_empty(database)) {
    begin_journal(database);
    sql::Transaction transaction(database);
    if (is_empty(database)) {
      database.execute(kSchema);
      transaction.commit();
    }
  }
  require_schema(database, path);
  database.execute(kCloseSchema);
  database.execute("PRAGMA synchronous = NORMAL");
}

}  // namespace reports
