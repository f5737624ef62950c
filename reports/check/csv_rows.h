// reports/check/csv_rows.h
//
// Records of CSV (RFC 4180) with a header: fields may stand in quotes, where a quote is doubled and
// a line break is text. Every row has as many fields as the header. All fields are text: CSV has
// no null.

#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/check/record_source.h"
#include "reports/input/line_reader.h"

namespace reports::check {

class CsvRows final : public RecordSource {
 public:
  CsvRows(std::unique_ptr<input::LineReader> lines, FieldSet wanted);

  bool next(Record& record) override;

 private:
  // The next row that has text, whole, in row_. False: there is none.
  bool take_row();
  void read_header(FieldSet wanted);
  void split_row(Record& record);
  std::size_t read_field(std::size_t at, std::string_view& text);
  std::size_t read_quoted(std::size_t at, std::string_view& text);
  void check_bytes() const;
  [[nodiscard]] bool ends_at(std::size_t at) const;
  [[noreturn]] void refuse(std::size_t at, std::string message) const;
  // Line and column of a byte of row_.
  [[nodiscard]] std::int64_t line_of(std::size_t at) const;
  [[nodiscard]] std::int64_t column_of(std::size_t at) const;

  std::unique_ptr<input::LineReader> lines_;
  std::vector<std::optional<Field>> columns_;  // empty: there was no header
  std::string_view row_;
  std::string long_row_;  // holds row_ if it has line breaks
  std::int64_t first_line_ = 0;
  std::string unquoted_;  // has room for a whole row, so that it never moves
};

}  // namespace reports::check
