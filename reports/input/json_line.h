// reports/input/json_line.h
//
// JSON Lines: what is wrong in a value is wrong in a line of a file.

#pragma once

#include <cstdint>
#include <string_view>

#include "reports/input/json_scanner.h"
#include "reports/input/line_reader.h"
#include "reports/input/refusal.h"

namespace reports::input {

// Calls `read(line)` with the next line that has text, and returns true; false: there is none.
// Errors    Refusal: those of the reader, and any JsonError of `read`, with its place.
template <class Read>
bool read_json_line(LineReader& lines, Read read) {
  std::string_view line;
  do {
    if (!lines.next(line)) {
      return false;
    }
  } while (line.find_first_not_of(" \t\r") == line.npos);
  try {
    read(line);
  } catch (const JsonError& error) {
    throw Refusal{.file = lines.path(),
                  .line = lines.number(),
                  .column = static_cast<std::int64_t>(error.at) + 1,
                  .message = error.message};
  }
  return true;
}

}  // namespace reports::input
