// reports/input/whole_number.h
//
// Offsets, amounts and numbers of processes, as text has them.

#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace reports::input {

// Empty: the text is something else, or does not fit.
inline std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  const bool is_whole = parsed.ec == std::errc{} && parsed.ptr == end;
  return is_whole ? std::optional(value) : std::nullopt;
}

}  // namespace reports::input
