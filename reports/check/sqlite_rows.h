// reports/check/sqlite_rows.h
//
// Records of a table or view of a SQLite database, in the order of rowid where it has one. Columns
// are fields; NULL is null, numbers are read as SQLite writes them, a blob is its bytes.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/check/record_source.h"
#include "reports/sqlite.h"

namespace reports::check {

class SqliteRows final : public RecordSource {
 public:
  SqliteRows(const std::string& file, const std::string& table, FieldSet wanted);

  bool next(Record& record) override;

 private:
  struct Column {
    Field field = Field::kTopic;
    std::int64_t number = 0;  // in the table, from 1
  };

  void find_columns(const std::string& table, FieldSet wanted);
  void start(const std::string& table);
  [[noreturn]] void refuse(const sql::Error& error) const;

  std::string name_;
  std::optional<sql::Database> database_;
  std::vector<Column> columns_;
  std::optional<sql::Statement> rows_;
  std::array<std::string, kFieldCount> texts_;
  std::int64_t row_ = 0;
};

// The tables and views of a database, for a sentence: "a, b".
// Errors    Refusal: the file cannot be read as a database.
std::string tables_of(const std::string& file);

}  // namespace reports::check
