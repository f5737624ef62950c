#include "reports/check/sqlite_rows.h"

#include <fmt/format.h>

#include "reports/input/refusal.h"

namespace reports::check {
namespace {

std::string quoted_name(const std::string& name) {
  std::string quoted = "\"";
  for (const char character : name) {
    quoted += character == '"' ? "\"\"" : std::string(1, character);
  }
  return quoted + '"';
}

}  // namespace

std::string tables_of(const std::string& file) {
  try {
    sql::Database database(file, sql::IfAbsent::kRefuse);
    sql::Statement names(
        database, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name");
    std::vector<std::string> tables;
    for (names.start(); names.step();) {
      tables.push_back(names.bytes(0));
    }
    return fmt::format("{}", fmt::join(tables, ", "));
  } catch (const sql::Error& error) {
    throw input::Refusal{.file = file,
                         .message = fmt::format("the database cannot be read: {}", error.message)};
  }
}

SqliteRows::SqliteRows(const std::string& file, const std::string& table, FieldSet wanted)
    : name_(fmt::format("{}:{}", file, table)) {
  try {
    database_.emplace(file, sql::IfAbsent::kRefuse);
    find_columns(table, wanted);
    start(table);
  } catch (const sql::Error& error) {
    refuse(error);
  }
}

void SqliteRows::find_columns(const std::string& table, FieldSet wanted) {
  sql::Statement names(*database_, "SELECT name, cid + 1 FROM pragma_table_info(?1)");
  bool exists = false;
  for (names.start(std::string_view(table)); names.step();) {
    exists = true;
    const auto field = find_field(names.bytes(0));
    if (field && wanted.test(index_of(*field))) {
      columns_.push_back({.field = *field, .number = names.integer(1)});
    }
  }
  if (!exists) {
    const std::string path = name_.substr(0, name_.size() - table.size() - 1);
    throw input::Refusal{.file = path,
                         .message = fmt::format("there is no table {}; tables and views are: {}",
                                                input::quoted(table),
                                                tables_of(path))};
  }
}

// Without an order, SQLite reads an index where that is shorter. A view has no rowid, nor has every
// table.
void SqliteRows::start(const std::string& table) {
  std::string fields = "1";
  for (const Column& column : columns_) {
    fields += fmt::format(", {}", quoted_name(std::string(to_string(column.field))));
  }
  const std::string query = fmt::format("SELECT {} FROM {}", fields, quoted_name(table));
  try {
    rows_.emplace(*database_, query + " ORDER BY rowid");
  } catch (const sql::Error&) {
    rows_.emplace(*database_, query);
  }
  rows_->start();
}

bool SqliteRows::next(Record& record) {
  try {
    if (!rows_->step()) {
      return false;
    }
    record = {};
    record.line = ++row_;
    for (std::size_t n = 0; n < columns_.size(); ++n) {
      const int index = static_cast<int>(n) + 1;
      const bool null = rows_->is_null(index);
      texts_[n] = null ? std::string() : rows_->bytes(index);
      record[columns_[n].field] = {.state = null ? Cell::State::kNull : Cell::State::kText,
                                   .text = texts_[n],
                                   .line = row_,
                                   .column = columns_[n].number};
    }
    return true;
  } catch (const sql::Error& error) {
    refuse(error);
  }
}

void SqliteRows::refuse(const sql::Error& error) const {
  throw input::Refusal{.file = name_,
                       .message = fmt::format("the table cannot be read: {}", error.message)};
}

}  // namespace reports::check
