#include "reports/input/refusal.h"

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "reports/text.h"

namespace reports::input {
namespace {

constexpr std::size_t kQuotedBytesMax = 60;

}  // namespace

std::string Refusal::to_string() const {
  std::string place = file;
  for (const std::int64_t number : {line, column}) {
    place += number > 0 ? fmt::format(":{}", number) : "";
  }
  return fmt::format("{}: {}", place, message);
}

std::string quoted(std::string_view text) {
  std::string shown = "\"";
  while (!text.empty() && shown.size() <= kQuotedBytesMax) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = utf8_character(text);
    if (length == 0 || first < 0x20 || first == 0x7f) {
      shown += fmt::format("\\x{:02x}", first);
      text.remove_prefix(1);
    } else {
      shown += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return shown + (text.empty() ? "\"" : "...\"");
}

void throw_exception_from_error(const Refusal& refusal, const boost::source_location& where) {
  engine::fail_invariant("has_value()", refusal.to_string(), where);
}

}  // namespace reports::input
