#include "reports/check/json_lines.h"

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "reports/input/json_line.h"

namespace reports::check {

JsonLines::JsonLines(std::unique_ptr<input::LineReader> lines, FieldSet wanted)
    : lines_(std::move(lines)), wanted_(wanted) {}

bool JsonLines::next(Record& record) {
  return input::read_json_line(*lines_, [&](std::string_view line) { read(line, record); });
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
