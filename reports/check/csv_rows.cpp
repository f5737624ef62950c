#include "reports/check/csv_rows.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "reports/input/refusal.h"
#include "reports/text.h"

namespace reports::check {

CsvRows::CsvRows(std::unique_ptr<input::LineReader> lines, FieldSet wanted)
    : lines_(std::move(lines)) {
  if (take_row()) {
    read_header(wanted);
  }
}

bool CsvRows::next(Record& record) {
  if (!take_row()) {
    return false;
  }
  record = {};
  record.line = first_line_;
  split_row(record);
  return true;
}

// A row is whole when its quotes are even in number, for within a field they come in pairs.
bool CsvRows::take_row() {
  std::string_view line;
  do {
    if (!lines_->next(line)) {
      return false;
    }
  } while (line.empty() || line == "\r");
  first_line_ = lines_->number();
  row_ = line;
  auto quotes = std::ranges::count(line, '"');
  if (quotes % 2 != 0) {
    long_row_ = line;
    while (quotes % 2 != 0 && lines_->next(line)) {
      if (long_row_.size() + line.size() > input::kLineBytesMax) {
        row_ = long_row_;
        refuse(long_row_.find('"'), "the row that this quote keeps open is too long");
      }
      long_row_ += '\n';
      long_row_ += line;
      quotes += std::ranges::count(line, '"');
    }
    row_ = long_row_;
  }
  check_bytes();
  return true;
}

void CsvRows::check_bytes() const {
  if (is_plain_text(row_)) {
    return;
  }
  std::size_t at = 0;
  while (row_[at] != '\0' && utf8_character(row_.substr(at)) > 0) {
    at += utf8_character(row_.substr(at));
  }
  refuse(at,
         row_[at] == '\0' ? std::string("a NUL byte: the file must be UTF-8 text")
                          : fmt::format("byte 0x{:02x} is not UTF-8: the file must be UTF-8 text",
                                        static_cast<unsigned char>(row_[at])));
}

void CsvRows::read_header(FieldSet wanted) {
  unquoted_.clear();
  unquoted_.reserve(row_.size());
  FieldSet found;
  std::size_t at = 0;
  while (true) {
    const std::size_t begin = at;
    std::string_view name;
    at = read_field(at, name);
    auto field = find_field(name);
    if (field && !wanted.test(index_of(*field))) {
      field.reset();
    }
    if (field && found.test(index_of(*field))) {
      refuse(begin, fmt::format("the header names \"{}\" twice", name));
    }
    if (field) {
      found.set(index_of(*field));
    }
    columns_.push_back(field);
    if (ends_at(at)) {
      return;
    }
    ++at;
  }
}

void CsvRows::split_row(Record& record) {
  unquoted_.clear();
  unquoted_.reserve(row_.size());
  std::size_t at = 0;
  std::size_t number = 0;
  while (true) {
    const std::size_t begin = at;
    std::string_view text;
    at = read_field(at, text);
    if (number < columns_.size() && columns_[number]) {
      record[*columns_[number]] = {.state = Cell::State::kText,
                                   .text = text,
                                   .line = line_of(begin),
                                   .column = column_of(begin)};
    }
    ++number;
    if (ends_at(at)) {
      break;
    }
    ++at;
  }
  if (number != columns_.size()) {
    refuse(0, fmt::format("this row has {} fields, the header has {}", number, columns_.size()));
  }
}

bool CsvRows::ends_at(std::size_t at) const {
  return at == row_.size() || (row_[at] == '\r' && at + 1 == row_.size());
}

// Both give the place behind the field: a comma, or the end of the row.
std::size_t CsvRows::read_field(std::size_t at, std::string_view& text) {
  if (at < row_.size() && row_[at] == '"') {
    return read_quoted(at, text);
  }
  const std::size_t end = std::min(row_.find_first_of(",\"\r", at), row_.size());
  if (!ends_at(end) && row_[end] != ',') {
    refuse(end,
           row_[end] == '"' ? "a quote inside a field that does not begin with one"
                            : "a carriage return inside a field that is not in quotes");
  }
  text = row_.substr(at, end - at);
  return end;
}

std::size_t CsvRows::read_quoted(std::size_t at, std::string_view& text) {
  const std::size_t open = at++;
  const std::size_t start = unquoted_.size();
  while (true) {
    const std::size_t quote = row_.find('"', at);
    if (quote == row_.npos) {
      refuse(open, "the quote that begins here is never closed");
    }
    unquoted_ += row_.substr(at, quote - at);
    at = quote + 1;
    if (at == row_.size() || row_[at] != '"') {
      break;
    }
    unquoted_ += '"';
    ++at;
  }
  if (!ends_at(at) && row_[at] != ',') {
    refuse(at, "behind a closing quote comes a comma or the end of the row");
  }
  text = std::string_view(unquoted_).substr(start);
  return at;
}

void CsvRows::refuse(std::size_t at, std::string message) const {
  throw input::Refusal{.file = lines_->path(),
                       .line = line_of(at),
                       .column = column_of(at),
                       .message = std::move(message)};
}

std::int64_t CsvRows::line_of(std::size_t at) const {
  return row_.data() == long_row_.data()
             ? first_line_ + std::ranges::count(row_.substr(0, at), '\n')
             : first_line_;
}

std::int64_t CsvRows::column_of(std::size_t at) const {
  const bool is_long = row_.data() == long_row_.data();
  const std::size_t feed = is_long ? row_.substr(0, at).rfind('\n') : row_.npos;
  return static_cast<std::int64_t>(feed == row_.npos ? at + 1 : at - feed);
}

}  // namespace reports::check
