// reports/sqlite.h
//
// A SQLite connection and its statements. Everything that SQLite refuses is an exception, which
// Recording turns into a sentence: between BEGIN and COMMIT there is nothing else to do about it.

#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace reports::sql {

struct Error {
  int code = 0;         // SQLite's primary result code
  int system_code = 0;  // errno of the last failed system call, 0 if none
  std::string message;
};

enum class IfAbsent : std::uint8_t { kCreate, kRefuse };

class Database {
 public:
  // Opens or creates the file; ":memory:" is a database of its own.
  explicit Database(const std::string& path, IfAbsent if_absent = IfAbsent::kCreate);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  void execute(const char* statements);

  // The first column of the first row.
  std::int64_t query_integer(std::string_view statement);

  // Or a view.
  bool has_table(std::string_view name);

  [[nodiscard]] std::int64_t last_insert_rowid() const;

  [[nodiscard]] sqlite3* handle() const { return handle_; }

  // Throws if `code` is an error.
  void check(int code) const;

 private:
  sqlite3* handle_ = nullptr;
};

class Statement {
 public:
  Statement(Database& database, std::string_view text);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  // Runs a statement that returns no rows.
  template <class... Values>
  void run(const Values&... values) {
    start(values...);
    step();
    reset();
  }

  // Begins a query; step() then yields one row after the other.
  template <class... Values>
  void start(const Values&... values) {
    reset();
    int index = 0;
    (bind(++index, values), ...);
  }

  // False: there is no further row, and the statement is reset.
  bool step();
  void reset();

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::int32_t integer32(int column) const;
  [[nodiscard]] std::string bytes(int column) const;

 private:
  template <std::integral Integer>
  void bind(int index, Integer value) {
    bind_integer(index, static_cast<std::int64_t>(value));
  }

  template <class Value>
  void bind(int index, const std::optional<Value>& value) {
    if (value) {
      bind(index, *value);
    } else {
      bind_null(index);
    }
  }

  // Text where it is text, else a blob: equal bytes are always stored alike, so that they compare
  // equal. The bytes must outlive the run.
  void bind(int index, std::string_view bytes);

  void bind_integer(int index, std::int64_t value);
  void bind_null(int index);

  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

// BEGIN IMMEDIATE now; COMMIT at commit(); ROLLBACK if that is never reached.
class Transaction {
 public:
  explicit Transaction(Database& database);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  void commit();

 private:
  Database& database_;
};

}  // namespace reports::sql
