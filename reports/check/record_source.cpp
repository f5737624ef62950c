#include "reports/check/record_source.h"

#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "reports/check/csv_rows.h"
#include "reports/check/json_lines.h"
#include "reports/check/sqlite_rows.h"
#include "reports/input/line_reader.h"
#include "reports/input/refusal.h"

namespace reports::check {
namespace {

constexpr std::string_view kSqliteMagic("SQLite format 3\0", 16);

bool is_compressed(std::string_view start) {
  return start.starts_with("\x1f\x8b") || start.starts_with("\x28\xb5\x2f\xfd") ||
         start.starts_with("BZh") ||
         start.starts_with(
             "\xfd"
             "7zXZ");
}

bool is_json(const std::string& path, std::string_view start) {
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension == ".csv") {
    return false;
  }
  if (extension == ".jsonl" || extension == ".ndjson" || extension == ".json") {
    return true;
  }
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  return first == start.npos || start[first] == '{';
}

std::unique_ptr<RecordSource> open_text(const std::string& path, FieldSet wanted) {
  auto lines = std::make_unique<input::LineReader>(path);
  const std::string_view start = lines->peek();
  if (start.starts_with(kSqliteMagic)) {
    throw input::Refusal{
        .file = path,
        .message = fmt::format("this is a SQLite database: name a table as {}:TABLE; it has: {}",
                               path,
                               tables_of(path))};
  }
  if (is_compressed(start)) {
    throw input::Refusal{
        .file = path,
        .message = "compressed files are not read: unpack it, or pipe it in and name it -"};
  }
  if (is_json(path, start)) {
    return std::make_unique<JsonLines>(std::move(lines), wanted);
  }
  return std::make_unique<CsvRows>(std::move(lines), wanted);
}

}  // namespace

// A file may have a colon in its name: what is there as it is written is meant so.
std::unique_ptr<RecordSource> open_source(const std::string& path, FieldSet wanted) {
  std::error_code error;
  const std::size_t colon = path.rfind(':');
  const bool names_table = path != "-" && !std::filesystem::exists(path, error) &&
                           colon != path.npos && colon > 0 &&
                           std::filesystem::exists(path.substr(0, colon), error);
  if (names_table) {
    return std::make_unique<SqliteRows>(path.substr(0, colon), path.substr(colon + 1), wanted);
  }
  return open_text(path, wanted);
}

}  // namespace reports::check
