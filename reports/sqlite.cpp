#include "reports/sqlite.h"

#include <cerrno>
#include <limits>

#include <sqlite3.h>

#include "engine/ports/invariant.h"
#include "reports/text.h"

namespace reports::sql {
namespace {

// The errno behind an error of the file system. SQLite keeps it where the error met a statement's
// own call, and forgets it where the error met a commit: then errno itself is still the last word.
int system_code(sqlite3* handle, int code) {
  if (code != SQLITE_IOERR && code != SQLITE_CANTOPEN) {
    return 0;
  }
  const int remembered = handle == nullptr ? 0 : sqlite3_system_errno(handle);
  return remembered != 0 ? remembered : errno;
}

[[noreturn]] void fail(sqlite3* handle, int code) {
  constexpr int kPrimaryMask = 0xff;
  const int primary = code & kPrimaryMask;
  throw Error{.code = primary,
              .system_code = system_code(handle, primary),
              .message = handle == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle)};
}

}  // namespace

Database::Database(const std::string& path, IfAbsent if_absent) {
  const int create = if_absent == IfAbsent::kCreate ? SQLITE_OPEN_CREATE : 0;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | create;
  const int code = sqlite3_open_v2(path.c_str(), &handle_, flags, nullptr);
  if (code == SQLITE_OK) {
    return;
  }
  try {
    fail(handle_, code);
  } catch (const Error&) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

Database::~Database() {
  sqlite3_close_v2(handle_);
}

void Database::execute(const char* statements) {
  check(sqlite3_exec(handle_, statements, nullptr, nullptr, nullptr));
}

std::int64_t Database::query_integer(std::string_view statement) {
  Statement query(*this, statement);
  const bool found = query.step();
  return found ? query.integer(0) : 0;
}

bool Database::has_table(std::string_view name) {
  Statement query(*this, "SELECT 1 FROM sqlite_schema WHERE name = ?");
  query.start(name);
  return query.step();
}

std::int64_t Database::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(handle_);
}

void Database::check(int code) const {
  if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE) {
    fail(handle_, code);
  }
}

Statement::Statement(Database& database, std::string_view text) : database_(database) {
  database.check(sqlite3_prepare_v3(database.handle(),
                                    text.data(),
                                    static_cast<int>(text.size()),
                                    SQLITE_PREPARE_PERSISTENT,
                                    &handle_,
                                    nullptr));
}

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code != SQLITE_DONE) {
    try {
      database_.check(code);
    } catch (const Error&) {
      reset();
      throw;
    }
  }
  reset();
  return false;
}

// A failed step reports its error once more here; it has been thrown already.
void Statement::reset() {
  sqlite3_reset(handle_);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

std::int32_t Statement::integer32(int column) const {
  const std::int64_t value = integer(column);
  if (value < std::numeric_limits<std::int32_t>::min() ||
      value > std::numeric_limits<std::int32_t>::max()) {
    throw Error{.code = SQLITE_MISMATCH, .message = fmt::format("{} is out of range", value)};
  }
  return static_cast<std::int32_t>(value);
}

std::string Statement::bytes(int column) const {
  const void* const data = sqlite3_column_blob(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  return data == nullptr
             ? std::string()
             : std::string(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

void Statement::bind(int index, std::string_view bytes) {
  const char* const data = bytes.empty() ? "" : bytes.data();  // a null pointer would be NULL
  const auto size = static_cast<sqlite3_uint64>(bytes.size());
  database_.check(is_plain_text(bytes)
                      ? sqlite3_bind_text64(handle_, index, data, size, SQLITE_STATIC, SQLITE_UTF8)
                      : sqlite3_bind_blob64(handle_, index, data, size, SQLITE_STATIC));
}

void Statement::bind_integer(int index, std::int64_t value) {
  database_.check(sqlite3_bind_int64(handle_, index, value));
}

void Statement::bind_null(int index) {
  database_.check(sqlite3_bind_null(handle_, index));
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

// Autocommit is back after a commit, and after those errors for which SQLite itself rolls back.
Transaction::~Transaction() {
  if (sqlite3_get_autocommit(database_.handle()) == 0) {
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
}

}  // namespace reports::sql
