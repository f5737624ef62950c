#include "reports/text.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace reports {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

struct Lead {
  std::size_t length = 0;
  std::uint32_t bits = 0;
  std::uint32_t smallest = 0;  // below it, the encoding is overlong
};

Lead read_lead(unsigned char byte) {
  if (byte < 0x80) {
    return {.length = 1, .bits = byte, .smallest = 0};
  }
  if ((byte & 0xe0U) == 0xc0U) {
    return {.length = 2, .bits = byte & 0x1fU, .smallest = 0x80};
  }
  if ((byte & 0xf0U) == 0xe0U) {
    return {.length = 3, .bits = byte & 0x0fU, .smallest = 0x800};
  }
  if ((byte & 0xf8U) == 0xf0U) {
    return {.length = 4, .bits = byte & 0x07U, .smallest = 0x10000};
  }
  return {};
}

bool is_ascii(char character) {
  return character > 0;
}

}  // namespace

std::size_t utf8_character(std::string_view bytes) {
  if (bytes.empty()) {
    return 0;
  }
  const Lead lead = read_lead(static_cast<unsigned char>(bytes.front()));
  if (lead.length == 0 || lead.length > bytes.size()) {
    return 0;
  }
  std::uint32_t code = lead.bits;
  for (const char next : bytes.substr(1, lead.length - 1)) {
    const auto byte = static_cast<unsigned char>(next);
    if ((byte & 0xc0U) != 0x80U) {
      return 0;
    }
    code = (code << 6U) | (byte & 0x3fU);
  }
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < lead.smallest || code > 0x10ffff || surrogate ? 0 : lead.length;
}

bool is_plain_text(std::string_view bytes) {
  if (std::ranges::all_of(bytes, is_ascii)) {
    return true;
  }
  while (!bytes.empty()) {
    const std::size_t length = utf8_character(bytes);
    if (length == 0 || bytes.front() == '\0') {
      return false;
    }
    bytes.remove_prefix(length);
  }
  return true;
}

std::string one_line(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const std::size_t length = utf8_character(text);
    const bool control = length == 1 && (text.front() < ' ' || text.front() == '\x7f');
    if (length == 0) {
      line += kReplacement;
    } else if (control) {
      line += ' ';
    } else {
      line += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return line;
}

std::string markdown_text(std::string_view text) {
  std::string result;
  for (const char character : one_line(text)) {
    if (std::string_view("\\|`*_<>[]&").find(character) != std::string_view::npos) {
      result += '\\';
    }
    result += character;
  }
  return result;
}

std::string xml_text(std::string_view text) {
  std::string escaped;
  while (!text.empty()) {
    const std::size_t length = utf8_character(text);
    const char first = text.front();
    const std::string_view character = text.substr(0, length);
    const bool noncharacter = character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf";
    const bool control = length == 1 && first < ' ' && first != '\n' && first != '\t';
    if (length == 0 || control || noncharacter) {
      escaped += kReplacement;
    } else if (first == '&') {
      escaped += "&amp;";
    } else if (first == '<') {
      escaped += "&lt;";
    } else if (first == '>') {
      escaped += "&gt;";
    } else if (first == '"') {
      escaped += "&quot;";
    } else if (first == '\n' || first == '\t') {
      escaped += fmt::format("&#{};", static_cast<int>(first));
    } else {
      escaped += character;
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return escaped;
}

std::string shell_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) {
    word += c == '\'' ? std::string_view("'\\''") : std::string_view(&c, 1);
  }
  return word + "'";
}

}  // namespace reports
