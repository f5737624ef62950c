#include "engine/adapters/sqlite_sink.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <sqlite3.h>

#include "engine/ports/invariant.h"

namespace engine {
namespace {

// Rows of the table and of files share one table. n grows with every insert and an upsert keeps it,
// so that it is the order of first insertion. Keys and values are blobs: any bytes are allowed.
constexpr const char* kTables = R"sql(
CREATE TABLE IF NOT EXISTS output_row(
  n INTEGER PRIMARY KEY,
  row_key BLOB UNIQUE,
  file BLOB,
  source_partition INTEGER NOT NULL,
  source_offset INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  key BLOB NOT NULL,
  value BLOB NOT NULL,
  batch_us INTEGER NOT NULL,
  task INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  writer_role INTEGER NOT NULL,
  writer_index INTEGER NOT NULL,
  writer_incarnation INTEGER NOT NULL,
  written_us INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS row_by_file ON output_row(file, n) WHERE file IS NOT NULL;
CREATE TABLE IF NOT EXISTS unit(
  batch_us INTEGER NOT NULL, task INTEGER NOT NULL, part INTEGER NOT NULL,
  PRIMARY KEY(batch_us, task, part)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS saved_offset(
  partition INTEGER PRIMARY KEY, "offset" INTEGER NOT NULL);
)sql";

constexpr const char* kInsertRow =
    "INSERT INTO output_row VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

constexpr const char* kUpsertRow = R"sql(
INSERT INTO output_row VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
ON CONFLICT(row_key) DO UPDATE SET
  source_partition = excluded.source_partition, source_offset = excluded.source_offset,
  ordinal = excluded.ordinal, key = excluded.key, value = excluded.value,
  batch_us = excluded.batch_us, task = excluded.task, attempt = excluded.attempt,
  writer_role = excluded.writer_role, writer_index = excluded.writer_index,
  writer_incarnation = excluded.writer_incarnation, written_us = excluded.written_us
)sql";

// NULL sorts before every blob, so that the rows of the table precede those of the files.
constexpr const char* kSelectRows = R"sql(
SELECT row_key, source_partition, source_offset, ordinal, key, value, batch_us, task, attempt,
       writer_role, writer_index, writer_incarnation, written_us
FROM output_row ORDER BY file, n
)sql";

boost::system::error_code to_error(int code) {
  constexpr int kPrimaryMask = 0xff;
  switch (code & kPrimaryMask) {
    case SQLITE_FULL:
      return make_error_code(Errc::kNoSpace);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return make_error_code(Errc::kUnavailable);
    default:
      return make_error_code(Errc::kRefused);
  }
}

// Binds parameters one after the other, remembering the first failure.
class Binder {
 public:
  explicit Binder(sqlite3_stmt* statement) : statement_(statement) {}

  Binder& integer(std::int64_t value) {
    return keep(sqlite3_bind_int64(statement_, ++index_, value));
  }

  // The bytes must outlive the step. A null pointer would bind NULL instead of no bytes.
  Binder& bytes(std::string_view value) {
    const char* const data = value.empty() ? "" : value.data();
    return keep(sqlite3_bind_blob64(statement_, ++index_, data, value.size(), SQLITE_STATIC));
  }

  Binder& bytes_or_null(const std::string* value) {
    return value == nullptr ? keep(sqlite3_bind_null(statement_, ++index_)) : bytes(*value);
  }

  [[nodiscard]] int code() const { return code_; }

 private:
  Binder& keep(int code) {
    code_ = code_ == SQLITE_OK ? code : code_;
    return *this;
  }

  sqlite3_stmt* statement_;
  int index_ = 0;
  int code_ = SQLITE_OK;
};

int bind_row(sqlite3_stmt* statement, const OutputRow& row, const std::string* file) {
  return Binder(statement)
      .bytes_or_null(row.row_key.empty() ? nullptr : &row.row_key)
      .bytes_or_null(file)
      .integer(row.source.partition)
      .integer(row.source.offset.value)
      .integer(row.ordinal)
      .bytes(row.key)
      .bytes(row.value)
      .integer(row.batch.at.time_since_epoch().count())
      .integer(row.task)
      .integer(row.attempt)
      .integer(static_cast<std::int64_t>(row.origin.writer.process.role))
      .integer(row.origin.writer.process.index)
      .integer(row.origin.writer.incarnation)
      .integer(row.origin.written_at.time_since_epoch().count())
      .code();
}

std::string read_bytes(sqlite3_stmt* statement, int column) {
  const void* const data = sqlite3_column_blob(statement, column);
  const int size = sqlite3_column_bytes(statement, column);
  return data == nullptr
             ? std::string()
             : std::string(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

Instant read_instant(sqlite3_stmt* statement, int column) {
  return Instant(Duration(sqlite3_column_int64(statement, column)));
}

OutputRow read_row(sqlite3_stmt* statement) {
  const auto integer = [statement](int column) { return sqlite3_column_int(statement, column); };
  const ProcessId process{.role = static_cast<Role>(integer(9)), .index = integer(10)};
  return {.source = {.partition = integer(1), .offset = {sqlite3_column_int64(statement, 2)}},
          .ordinal = integer(3),
          .row_key = read_bytes(statement, 0),
          .key = read_bytes(statement, 4),
          .value = read_bytes(statement, 5),
          .batch = {read_instant(statement, 6)},
          .task = integer(7),
          .attempt = integer(8),
          .origin = {.writer = {.process = process, .incarnation = integer(11)},
                     .written_at = read_instant(statement, 12)}};
}

void require_no_row_key(const std::vector<OutputRow>& rows) {
  for (const OutputRow& row : rows) {
    INVARIANT(
        row.row_key.empty(), "a row that is not upserted has the row key \"{}\"", row.row_key);
  }
}

// A query in progress; the next use of the statement finds it reset.
class Cursor {
 public:
  explicit Cursor(sqlite3_stmt* statement) : statement_(statement) {}

  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  ~Cursor() { sqlite3_reset(statement_); }

  bool next() {
    code_ = sqlite3_step(statement_);
    return code_ == SQLITE_ROW;
  }

  [[nodiscard]] int code() const { return code_; }

 private:
  sqlite3_stmt* statement_;
  int code_ = SQLITE_OK;
};

}  // namespace

// SQLite in terms of its result codes: SQLITE_OK, or why not.
class SqliteSink::Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  ~Connection() {
    for (sqlite3_stmt* statement : statements_) {
      sqlite3_finalize(statement);
    }
    sqlite3_close_v2(handle_);
  }

  int open(const std::string& path) {
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(path.c_str(), &handle_, kFlags, nullptr);
    code = code == SQLITE_OK ? execute("PRAGMA journal_mode = WAL") : code;
    code = code == SQLITE_OK ? execute(kTables) : code;
    for (const auto& [text, statement] : texts()) {
      code = code == SQLITE_OK ? prepare(text, statement) : code;
    }
    return code;
  }

  int execute(const char* statements) {
    return sqlite3_exec(handle_, statements, nullptr, nullptr, nullptr);
  }

  [[nodiscard]] int changes() const { return sqlite3_changes(handle_); }

  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

  int insert_row(const OutputRow& row, const std::string* file) {
    return run(insert_row_, bind_row(insert_row_, row, file));
  }

  int upsert_row(const OutputRow& row) {
    return run(upsert_row_, bind_row(upsert_row_, row, nullptr));
  }

  int delete_file(const std::string& path) {
    return run(delete_file_, Binder(delete_file_).bytes(path).code());
  }

  int insert_unit(const UnitId& unit) {
    Binder binder(insert_unit_);
    binder.integer(unit.batch.at.time_since_epoch().count()).integer(unit.task).integer(unit.part);
    return run(insert_unit_, binder.code());
  }

  // Touches exactly one row if the saved offset is as expected, else none.
  int update_offset(const OffsetUpdate& update) {
    sqlite3_stmt* statement = set_offset_;
    if (update.expected) {
      statement = *update.expected == kNeverSaved ? first_offset_ : move_offset_;
    }
    Binder binder(statement);
    binder.integer(update.partition).integer(update.next.value);
    if (statement == move_offset_) {
      binder.integer(update.expected->value);
    }
    return run(statement, binder.code());
  }

  [[nodiscard]] sqlite3_stmt* select_rows() const { return select_rows_; }

  [[nodiscard]] sqlite3_stmt* select_offsets() const { return select_offsets_; }

  int begin() { return run(begin_, SQLITE_OK); }

  int commit() { return run(commit_, SQLITE_OK); }

  void roll_back() { execute("ROLLBACK"); }

 private:
  using Text = std::pair<const char*, sqlite3_stmt**>;

  std::vector<Text> texts() {
    return {
        {"BEGIN IMMEDIATE", &begin_},
        {"COMMIT", &commit_},
        {kInsertRow, &insert_row_},
        {kUpsertRow, &upsert_row_},
        {"DELETE FROM output_row WHERE file = ?", &delete_file_},
        {"INSERT INTO unit VALUES(?,?,?) ON CONFLICT DO NOTHING", &insert_unit_},
        {"INSERT INTO saved_offset VALUES(?,?) ON CONFLICT DO NOTHING", &first_offset_},
        {R"(UPDATE saved_offset SET "offset" = ?2 WHERE partition = ?1 AND "offset" = ?3)",
         &move_offset_},
        {R"(INSERT INTO saved_offset VALUES(?,?)
            ON CONFLICT DO UPDATE SET "offset" = excluded."offset")",
         &set_offset_},
        {kSelectRows, &select_rows_},
        {R"(SELECT partition, "offset" FROM saved_offset ORDER BY partition)", &select_offsets_},
    };
  }

  int prepare(const char* text, sqlite3_stmt** statement) {
    const int code =
        sqlite3_prepare_v3(handle_, text, -1, SQLITE_PREPARE_PERSISTENT, statement, nullptr);
    statements_.push_back(*statement);
    return code;
  }

  static int run(sqlite3_stmt* statement, int bound) {
    if (bound != SQLITE_OK) {
      return bound;
    }
    const int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
  }

  sqlite3* handle_ = nullptr;
  std::vector<sqlite3_stmt*> statements_;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
  sqlite3_stmt* insert_row_ = nullptr;
  sqlite3_stmt* upsert_row_ = nullptr;
  sqlite3_stmt* delete_file_ = nullptr;
  sqlite3_stmt* insert_unit_ = nullptr;
  sqlite3_stmt* first_offset_ = nullptr;
  sqlite3_stmt* move_offset_ = nullptr;
  sqlite3_stmt* set_offset_ = nullptr;
  sqlite3_stmt* select_rows_ = nullptr;
  sqlite3_stmt* select_offsets_ = nullptr;
};

namespace {

// Runs `statements` between BEGIN IMMEDIATE and COMMIT; an error rolls everything back. Some errors
// have done so already, inside SQLite.
template <class Connection, class Statements>
int in_transaction(Connection& connection, Statements statements) {
  int code = connection.begin();
  code = code == SQLITE_OK ? statements() : code;
  code = code == SQLITE_OK ? connection.commit() : code;
  if (connection.in_transaction()) {
    connection.roll_back();
  }
  return code;
}

Result<> to_result(int code) {
  if (code != SQLITE_OK) {
    return to_error(code);
  }
  return {};
}

}  // namespace

SqliteSink::SqliteSink(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}

SqliteSink::~SqliteSink() = default;

Result<std::unique_ptr<SqliteSink>> SqliteSink::open(const std::string& path) {
  auto connection = std::make_unique<Connection>();
  const int code = connection->open(path);
  if (code != SQLITE_OK) {
    return to_error(code);
  }
  return std::unique_ptr<SqliteSink>(new SqliteSink(std::move(connection)));
}

Result<> SqliteSink::append(const std::vector<OutputRow>& rows) {
  require_no_row_key(rows);
  return to_result(in_transaction(*connection_, [&] {
    int code = SQLITE_OK;
    for (std::size_t i = 0; i < rows.size() && code == SQLITE_OK; ++i) {
      code = connection_->insert_row(rows[i], nullptr);
    }
    return code;
  }));
}

Result<> SqliteSink::upsert(const std::vector<OutputRow>& rows) {
  for (const OutputRow& row : rows) {
    INVARIANT(!row.row_key.empty(), "an upserted row has no row key");
  }
  return to_result(in_transaction(*connection_, [&] {
    int code = SQLITE_OK;
    for (std::size_t i = 0; i < rows.size() && code == SQLITE_OK; ++i) {
      code = connection_->upsert_row(rows[i]);
    }
    return code;
  }));
}

Result<> SqliteSink::replace_file(const std::string& path, const std::vector<OutputRow>& rows) {
  require_no_row_key(rows);
  return to_result(in_transaction(*connection_, [&] {
    int code = connection_->delete_file(path);
    for (std::size_t i = 0; i < rows.size() && code == SQLITE_OK; ++i) {
      code = connection_->insert_row(rows[i], &path);
    }
    return code;
  }));
}

// A guard that fails ends the transaction with SQLITE_ABORT, which rolls it back; the outcome says
// which guard it was. The unit comes before the offsets, and the rows last: a refused transaction
// costs little.
Result<TransactionOutcome> SqliteSink::apply(const SinkTransaction& transaction) {
  require_no_row_key(transaction.rows);
  for (const OffsetUpdate& update : transaction.offsets) {
    INVARIANT(update.next.value >= 0, "offset {} cannot be saved", update.next.value);
  }
  TransactionOutcome outcome = TransactionOutcome::kCommitted;
  const auto refuse_unless_changed = [&](int code, TransactionOutcome refusal) {
    if (code == SQLITE_OK && connection_->changes() != 1) {
      outcome = refusal;
      return SQLITE_ABORT;
    }
    return code;
  };
  const int code = in_transaction(*connection_, [&] {
    int step = SQLITE_OK;
    if (transaction.insert_unit) {
      step = refuse_unless_changed(connection_->insert_unit(*transaction.insert_unit),
                                   TransactionOutcome::kUnitPresent);
    }
    for (std::size_t i = 0; i < transaction.offsets.size() && step == SQLITE_OK; ++i) {
      step = refuse_unless_changed(connection_->update_offset(transaction.offsets[i]),
                                   TransactionOutcome::kOffsetConflict);
    }
    for (std::size_t i = 0; i < transaction.rows.size() && step == SQLITE_OK; ++i) {
      step = connection_->insert_row(transaction.rows[i], nullptr);
    }
    return step;
  });
  if (code != SQLITE_OK && outcome == TransactionOutcome::kCommitted) {
    return to_error(code);
  }
  return outcome;
}

Result<std::vector<PartitionOffset>> SqliteSink::saved_offsets() {
  std::vector<PartitionOffset> offsets;
  Cursor cursor(connection_->select_offsets());
  while (cursor.next()) {
    sqlite3_stmt* const row = connection_->select_offsets();
    offsets.push_back(
        {.partition = sqlite3_column_int(row, 0), .offset = {sqlite3_column_int64(row, 1)}});
  }
  if (cursor.code() != SQLITE_DONE) {
    return to_error(cursor.code());
  }
  return offsets;
}

Result<std::vector<OutputRow>> SqliteSink::contents() {
  std::vector<OutputRow> rows;
  Cursor cursor(connection_->select_rows());
  while (cursor.next()) {
    rows.push_back(read_row(connection_->select_rows()));
  }
  if (cursor.code() != SQLITE_DONE) {
    return to_error(cursor.code());
  }
  return rows;
}

Result<> SqliteSink::reset() {
  return to_result(in_transaction(*connection_, [&] {
    return connection_->execute(
        "DELETE FROM output_row; DELETE FROM unit; DELETE FROM saved_offset");
  }));
}

Result<> SqliteSink::limit_size(std::int64_t bytes) {
  constexpr std::int64_t kPageBytes = 4096;
  const std::string pragma =
      fmt::format("PRAGMA max_page_count = {}", std::max<std::int64_t>(bytes / kPageBytes, 1));
  return to_result(connection_->execute(pragma.c_str()));
}

}  // namespace engine
