#include "reports/check/json_lines.h"

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "reports/input/refusal.h"

namespace reports::check {

JsonLines::JsonLines(std::unique_ptr<input::LineReader> lines, FieldSet wanted)
    : lines_(std::move(lines)), wanted_(wanted) {}

bool JsonLines::next(Record& record) {
  std::string_view line;
  do {
    if (!lines_->next(line)) {
      return false;
    }
  } while (line.find_first_not_of(" \t\r") == line.npos);
  try {
    read(line, record);
  } catch (const input::JsonError& error) {
    throw input::Refusal{.file = lines_->path(),
                         .line = lines_->number(),
                         .column = static_cast<std::int64_t>(error.at) + 1,
                         .message = error.message};
  }
  return true;
}

void JsonLines::read(std::string_view line, Record& record) {
  record = {};
  record.line = lines_->number();
  scanner_.start(line);
  scanner_.open_object();
  for (std::string_view name; scanner_.next_member(name);) {
    const auto field = find_field(name);
    if (field && wanted_.test(index_of(*field))) {
      read_field(*field, record);
    } else {
      scanner_.skip_value();
    }
  }
  scanner_.expect_end();
}

void JsonLines::read_field(Field field, Record& record) {
  const input::JsonKind kind = scanner_.peek();
  const std::size_t at = scanner_.at();
  Cell& cell = record[field];
  if (cell.state != Cell::State::kAbsent) {
    input::JsonScanner::refuse(
        at, fmt::format("the field \"{}\" is in this record twice", to_string(field)));
  }
  cell.state = kind == input::JsonKind::kNull ? Cell::State::kNull : Cell::State::kText;
  cell.text = scanner_.read_text();
  cell.line = record.line;
  cell.column = static_cast<std::int64_t>(at) + 1;
}

}  // namespace reports::check
