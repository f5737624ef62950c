#include "scenarios/event_file.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/text_file.h"
#include "scenarios/units.h"

namespace scenarios {
namespace {

using nlohmann::json;

std::vector<std::string> split_names(const std::string& names) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  while (!names.empty() && from <= names.size()) {
    const std::size_t plus = std::min(names.find('+', from), names.size());
    parts.push_back(names.substr(from, plus - from));
    from = plus + 1;
  }
  return parts;
}

[[noreturn]] void refuse_at(int line, std::size_t column, std::string message) {
  throw InputError{.line = line, .column = static_cast<int>(column), .message = std::move(message)};
}

[[noreturn]] void refuse_field(int line,
                               std::string_view name,
                               const std::vector<std::string>& fields) {
  const std::vector<std::string_view> known(fields.begin(), fields.end());
  refuse_at(line,
            1,
            fmt::format("there is no field \"{}\"{}; fields are: {}",
                        name,
                        suggestion(name, known),
                        fmt::join(fields, ", ")));
}

// The library's message without its own idea of the place.
std::string_view reason_of(std::string_view what) {
  const std::size_t column = what.find(", column ");
  const std::size_t colon = what.find(": ", column == std::string_view::npos ? 0 : column);
  return colon == std::string_view::npos ? what : what.substr(colon + 2);
}

json parse_json(std::string_view text, int line) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    refuse_at(
        line, error.byte, fmt::format("this is not a JSON object: {}", reason_of(error.what())));
  } catch (const json::exception& error) {
    refuse_at(line, 1, fmt::format("this is not a JSON object: {}", reason_of(error.what())));
  }
}

std::string json_field(const json& event, const std::string& name, int line) {
  const auto found = event.find(name);
  if (found == event.end()) {
    std::vector<std::string> fields;
    for (const auto& [field, value] : event.items()) {
      fields.push_back(field);
    }
    refuse_field(line, name, fields);
  }
  if (found->is_string()) {
    return found->get<std::string>();
  }
  if (found->is_number() || found->is_boolean()) {
    return found->dump();
  }
  refuse_at(line,
            1,
            fmt::format("field \"{}\" must be text, a number or a truth value, not {}",
                        name,
                        found->type_name()));
}

FileEvent read_json_event(std::string_view text, int line, const EventFields& fields) {
  const json event = parse_json(text, line);
  if (!event.is_object()) {
    refuse_at(line, 1, fmt::format("an event is a JSON object, not {}", event.type_name()));
  }
  std::vector<std::string> keys;
  for (const std::string& name : split_names(fields.key_field)) {
    keys.push_back(json_field(event, name, line));
  }
  return {.key = fmt::format("{}", fmt::join(keys, ":")),
          .value = fields.value_field.empty() ? std::string(text)
                                              : json_field(event, fields.value_field, line),
          .line = line};
}

std::vector<FileEvent> read_json_lines(std::string_view text, const EventFields& fields) {
  std::vector<FileEvent> events;
  int line = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    ++line;
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view row = text.substr(at, end - at);
    at = end + 1;
    if (row.ends_with('\r')) {
      row.remove_suffix(1);
    }
    if (row.find_first_not_of(" \t") != std::string_view::npos) {
      events.push_back(read_json_event(row, line, fields));
    }
  }
  return events;
}

struct CsvRow {
  std::vector<std::string> fields;
  std::string_view text;  // as written
  int line = 0;

  [[nodiscard]] bool is_blank() const { return text.empty(); }
};

// RFC 4180: fields may stand in quotes, where a quote is doubled and a line break is text.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }

  CsvRow next_row() {
    CsvRow row;
    row.line = line_;
    const std::size_t start = at_;
    while (true) {
      row.fields.push_back(peek() == '"' ? quoted_field() : plain_field());
      if (peek() != ',') {
        break;
      }
      ++at_;
    }
    row.text = text_.substr(start, at_ - start);
    end_line();
    return row;
  }

 private:
  // '\n' stands for the end of the text as well: a row ends there.
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\n'; }

  [[nodiscard]] std::size_t column() const { return at_ - line_start_ + 1; }

  [[nodiscard]] bool at_row_end() const {
    return peek() == '\n' ||
           (peek() == '\r' && (at_ + 1 >= text_.size() || text_[at_ + 1] == '\n'));
  }

  void end_line() {
    at_ += peek() == '\r' ? 2U : 1U;
    ++line_;
    line_start_ = at_;
  }

  std::string plain_field() {
    const std::size_t start = at_;
    while (peek() != ',' && !at_row_end()) {
      if (peek() == '"') {
        refuse_at(line_, column(), "a quote inside a field that does not begin with one");
      }
      ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
  }

  std::string quoted_field() {
    const int open_line = line_;
    const std::size_t open_column = column();
    std::string field;
    ++at_;
    while (true) {
      if (at_ >= text_.size()) {
        refuse_at(open_line, open_column, "the quote that begins here is never closed");
      }
      const char c = text_[at_++];
      if (c == '"') {
        if (peek() != '"') {
          break;
        }
        ++at_;
      }
      if (c == '\n') {
        ++line_;
        line_start_ = at_;
      }
      field += c;
    }
    if (peek() != ',' && !at_row_end()) {
      refuse_at(line_, column(), "after a closing quote comes a comma or the end of the line");
    }
    return field;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
};

std::size_t column_of(const CsvRow& header, const std::string& name) {
  const auto found = std::ranges::find(header.fields, name);
  if (found == header.fields.end()) {
    refuse_field(header.line, name, header.fields);
  }
  return static_cast<std::size_t>(found - header.fields.begin());
}

std::vector<FileEvent> read_csv(std::string_view text, const EventFields& names) {
  CsvReader reader(text);
  const CsvRow header = reader.next_row();
  std::vector<std::size_t> key_columns;
  for (const std::string& name : split_names(names.key_field)) {
    key_columns.push_back(column_of(header, name));
  }
  const bool whole = names.value_field.empty();
  const std::size_t value_column = whole ? 0 : column_of(header, names.value_field);
  std::vector<FileEvent> events;
  while (!reader.at_end()) {
    const CsvRow row = reader.next_row();
    if (row.is_blank()) {
      continue;
    }
    if (row.fields.size() != header.fields.size()) {
      refuse_at(row.line,
                1,
                fmt::format("this line has {} fields, the header has {}",
                            row.fields.size(),
                            header.fields.size()));
    }
    std::vector<std::string> keys;
    for (const std::size_t column : key_columns) {
      keys.push_back(row.fields[column]);
    }
    events.push_back({.key = fmt::format("{}", fmt::join(keys, ":")),
                      .value = whole ? std::string(row.text) : row.fields[value_column],
                      .line = row.line});
  }
  return events;
}

}  // namespace

Loaded<std::vector<FileEvent>> read_events(const std::string& path, const EventFields& fields) {
  const auto text = read_text_file(path, kEventFileBytesMax);
  if (!text) {
    return text.error();
  }
  try {
    auto events = path.ends_with(".csv") ? read_csv(*text, fields) : read_json_lines(*text, fields);
    if (events.empty()) {
      return Diagnostic{.file = path, .message = "the file holds no event"};
    }
    return events;
  } catch (const InputError& error) {
    return Diagnostic{path, error.line, error.column, error.message};
  }
}

}  // namespace scenarios
