#include "reports/input/json_scanner.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "reports/input/refusal.h"
#include "reports/text.h"

namespace reports::input {
namespace {

constexpr int kDepthMax = 256;

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

// Whether one of eight bytes ends a plain run: is a quote, a backslash, a control character, or
// not ASCII. Each term has the high bit set in its first such byte; further bits may be wrong.
bool has_special(std::uint64_t bytes) {
  constexpr std::uint64_t kEach = 0x0101010101010101U;
  constexpr std::uint64_t kHigh = 0x8080808080808080U;
  const std::uint64_t quote = bytes ^ (kEach * '"');
  const std::uint64_t backslash = bytes ^ (kEach * '\\');
  const std::uint64_t found = ((quote - kEach) & ~quote) | ((backslash - kEach) & ~backslash) |
                              ((bytes - kEach * 0x20U) & ~bytes) | bytes;
  return (found & kHigh) != 0;
}

bool is_special(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\';
}

void append_utf8(std::string& text, std::uint32_t code) {
  const auto add = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0U | (code >> 6U));
    add(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    add(0xE0U | (code >> 12U));
    add(0x80U | ((code >> 6U) & 0x3FU));
    add(0x80U | (code & 0x3FU));
  } else {
    add(0xF0U | (code >> 18U));
    add(0x80U | ((code >> 12U) & 0x3FU));
    add(0x80U | ((code >> 6U) & 0x3FU));
    add(0x80U | (code & 0x3FU));
  }
}

constexpr std::string_view kEscaped = "\"\\/\b\f\n\r\t";
constexpr std::string_view kEscapes = "\"\\/bfnrt";

void append_escaped(std::string& out, std::string_view text) {
  out += '"';
  for (const char character : text) {
    const std::size_t known = character == '/' ? kEscaped.npos : kEscaped.find(character);
    if (known != kEscaped.npos) {
      out += '\\';
      out += kEscapes[known];
    } else if (static_cast<unsigned char>(character) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(character));
    } else {
      out += character;
    }
  }
  out += '"';
}

}  // namespace

std::string_view to_string(JsonKind kind) {
  constexpr std::array<std::string_view, 6> kNames{
      "null", "a truth value", "a number", "a string", "an array", "an object"};
  return kNames[static_cast<std::size_t>(kind)];
}

void JsonScanner::start(std::string_view text) {
  text_ = text;
  at_ = 0;
  fresh_ = false;
  decoded_.clear();
}

void JsonScanner::refuse(std::size_t at, std::string message) {
  throw JsonError{.at = at, .message = std::move(message)};
}

void JsonScanner::refuse_unexpected(std::string_view expected) const {
  if (at_ >= text_.size()) {
    refuse(at_, fmt::format("the text ends where {} was expected", expected));
  }
  const std::size_t length = std::max<std::size_t>(1, utf8_character(text_.substr(at_)));
  refuse(at_, fmt::format("expected {}, found {}", expected, quoted(text_.substr(at_, length))));
}

void JsonScanner::expect(char character, std::string_view what) {
  skip_blanks();
  if (at_ >= text_.size() || text_[at_] != character) {
    refuse_unexpected(what);
  }
  ++at_;
}

JsonKind JsonScanner::peek() {
  skip_blanks();
  const char first = at_ < text_.size() ? text_[at_] : '\0';
  switch (first) {
    case '"':
      return JsonKind::kString;
    case '{':
      return JsonKind::kObject;
    case '[':
      return JsonKind::kArray;
    case 'n':
      return JsonKind::kNull;
    case 't':
    case 'f':
      return JsonKind::kTruth;
    default:
      if (first != '-' && !is_digit(first)) {
        refuse_unexpected("a JSON value");
      }
      return JsonKind::kNumber;
  }
}

void JsonScanner::open_object() {
  expect('{', "a JSON object");
  fresh_ = true;
}

void JsonScanner::open_array() {
  expect('[', "a JSON array");
  fresh_ = true;
}

// Behind the first element stands a comma, or the end.
bool JsonScanner::begins_next(char close, std::string_view what) {
  skip_blanks();
  const bool first = std::exchange(fresh_, false);
  const char next = at_ < text_.size() ? text_[at_] : '\0';
  if (next == close && at_ < text_.size()) {
    ++at_;
    return false;
  }
  if (first) {
    return true;
  }
  if (next != ',') {
    refuse_unexpected(what);
  }
  ++at_;
  return true;
}

bool JsonScanner::next_member(std::string_view& name) {
  if (!begins_next('}', "a comma or a closing brace")) {
    return false;
  }
  skip_blanks();
  if (at_ >= text_.size() || text_[at_] != '"') {
    refuse_unexpected("the name of a field in quotes");
  }
  name = read_string();
  expect(':', "a colon");
  return true;
}

bool JsonScanner::next_element() {
  return begins_next(']', "a comma or a closing bracket");
}

std::size_t JsonScanner::skip_plain(std::size_t from) const {
  std::size_t at = from;
  std::uint64_t bytes = 0;
  while (at + sizeof bytes <= text_.size()) {
    std::memcpy(&bytes, text_.data() + at, sizeof bytes);
    if (has_special(bytes)) {
      break;
    }
    at += sizeof bytes;
  }
  while (at < text_.size() && !is_special(text_[at])) {
    ++at;
  }
  return at;
}

std::string_view JsonScanner::read_string() {
  expect('"', "a string");
  const std::size_t open = at_ - 1;
  const std::size_t begin = at_;
  while (true) {
    at_ = skip_plain(at_);
    if (at_ >= text_.size()) {
      refuse(open, "the string that begins here is never closed");
    }
    const char character = text_[at_];
    if (character == '"') {
      ++at_;
      return text_.substr(begin, at_ - 1 - begin);
    }
    if (character == '\\') {
      const std::size_t start = decoded_.size();
      decode_rest(begin);
      return std::string_view(decoded_).substr(start);
    }
    const std::size_t length = utf8_character(text_.substr(at_));
    if (length == 0) {
      refuse(at_, fmt::format("byte 0x{:02x} is not UTF-8", static_cast<unsigned char>(character)));
    }
    if (length == 1) {
      refuse(at_,
             fmt::format("control character 0x{:02x} in a string: it must be escaped",
                         static_cast<unsigned char>(character)));
    }
    at_ += length;
  }
}

// From the first escape on. What stood before it is text_[begin, at_).
void JsonScanner::decode_rest(std::size_t begin) {
  decoded_.reserve(text_.size());
  const std::size_t open = begin - 1;
  std::size_t copied = begin;
  while (true) {
    if (at_ >= text_.size()) {
      refuse(open, "the string that begins here is never closed");
    }
    const char character = text_[at_];
    if (character == '"' || character == '\\') {
      decoded_ += text_.substr(copied, at_ - copied);
      ++at_;
      if (character == '"') {
        return;
      }
      decode_escape();
      copied = at_;
      continue;
    }
    const std::size_t length = utf8_character(text_.substr(at_));
    if (length == 0) {
      refuse(at_, fmt::format("byte 0x{:02x} is not UTF-8", static_cast<unsigned char>(character)));
    }
    if (static_cast<unsigned char>(character) < 0x20) {
      refuse(at_,
             fmt::format("control character 0x{:02x} in a string: it must be escaped",
                         static_cast<unsigned char>(character)));
    }
    at_ = length == 1 ? skip_plain(at_) : at_ + length;
  }
}

// Stands behind the backslash.
void JsonScanner::decode_escape() {
  const std::size_t backslash = at_ - 1;
  const char kind = at_ < text_.size() ? text_[at_] : '\0';
  ++at_;
  if (kind == 'u') {
    std::uint32_t code = read_hex4();
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      const std::uint32_t low = read_hex4();
      const bool pair = low >= 0xDC00 && low < 0xE000;
      code = pair ? 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00) : code;
    }
    if (code >= 0xD800 && code < 0xE000) {
      refuse(backslash, "half of a surrogate pair is no character");
    }
    append_utf8(decoded_, code);
    return;
  }
  const std::size_t known = kind == '\0' ? kEscapes.npos : kEscapes.find(kind);
  if (known == kEscapes.npos) {
    refuse(backslash, R"(a backslash may stand before one of "\/bfnrt and before u)");
  }
  decoded_ += kEscaped[known];
}

std::uint32_t JsonScanner::read_hex4() {
  std::uint32_t code = 0;
  for (int digits = 0; digits < 4; ++digits) {
    const char digit = at_ < text_.size() ? text_[at_] : '\0';
    const char lower = static_cast<char>(digit | 0x20);
    if (!is_digit(digit) && (lower < 'a' || lower > 'f')) {
      refuse_unexpected("four hexadecimal digits");
    }
    code = code * 16 + static_cast<std::uint32_t>(is_digit(digit) ? digit - '0' : lower - 'a' + 10);
    ++at_;
  }
  return code;
}

std::size_t JsonScanner::skip_digits() {
  const std::size_t begin = at_;
  while (at_ < text_.size() && is_digit(text_[at_])) {
    ++at_;
  }
  if (at_ == begin) {
    refuse_unexpected("a digit");
  }
  return at_ - begin;
}

std::string_view JsonScanner::read_number() {
  skip_blanks();
  const std::size_t begin = at_;
  const auto next_is = [this](std::string_view characters) {
    return at_ < text_.size() && characters.find(text_[at_]) != characters.npos;
  };
  at_ += next_is("-") ? 1U : 0U;
  const bool zero = next_is("0");
  if (skip_digits() > 1 && zero) {
    refuse(begin, "a number does not begin with a 0 that means nothing");
  }
  if (next_is(".")) {
    ++at_;
    skip_digits();
  }
  if (next_is("eE")) {
    ++at_;
    at_ += next_is("+-") ? 1U : 0U;
    skip_digits();
  }
  return text_.substr(begin, at_ - begin);
}

void JsonScanner::read_word(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) {
    refuse_unexpected("a JSON value");
  }
  at_ += word.size();
}

void JsonScanner::check_depth(int depth) const {
  if (depth > kDepthMax) {
    refuse(at_, fmt::format("values are nested more than {} deep", kDepthMax));
  }
}

void JsonScanner::skip_value() {
  skip_nested(0);
}

void JsonScanner::skip_nested(int depth) {
  check_depth(depth);
  switch (peek()) {
    case JsonKind::kNull:
      read_word("null");
      return;
    case JsonKind::kTruth:
      read_word(text_[at_] == 't' ? "true" : "false");
      return;
    case JsonKind::kNumber:
      read_number();
      return;
    case JsonKind::kString:
      read_string();
      return;
    case JsonKind::kArray:
      open_array();
      while (next_element()) {
        skip_nested(depth + 1);
      }
      return;
    case JsonKind::kObject:
      open_object();
      for (std::string_view name; next_member(name);) {
        skip_nested(depth + 1);
      }
      return;
  }
}

std::string_view JsonScanner::read_text() {
  const JsonKind kind = peek();
  if (kind == JsonKind::kString) {
    return read_string();
  }
  if (kind == JsonKind::kNumber) {
    return read_number();
  }
  if (kind == JsonKind::kArray || kind == JsonKind::kObject) {
    const std::size_t kept = decoded_.size();
    const std::string text = canonical(0);
    decoded_.resize(kept);
    decoded_.reserve(text_.size());
    decoded_ += text;
    return std::string_view(decoded_).substr(kept);
  }
  const std::size_t begin = at_;
  skip_value();
  return text_.substr(begin, at_ - begin);
}

std::string JsonScanner::canonical(int depth) {
  check_depth(depth);
  switch (peek()) {
    case JsonKind::kArray:
      return canonical_array(depth);
    case JsonKind::kObject:
      return canonical_object(depth);
    case JsonKind::kString: {
      std::string text;
      append_escaped(text, read_string());
      return text;
    }
    default:
      return std::string(read_text());
  }
}

std::string JsonScanner::canonical_array(int depth) {
  std::string text = "[";
  open_array();
  while (next_element()) {
    text += text.size() > 1 ? "," : "";
    text += canonical(depth + 1);
  }
  return text + ']';
}

std::string JsonScanner::canonical_object(int depth) {
  using Member = std::pair<std::string, std::string>;
  std::vector<Member> members;
  open_object();
  for (std::string_view name; next_member(name);) {
    std::string kept(name);
    members.emplace_back(std::move(kept), canonical(depth + 1));
  }
  std::ranges::stable_sort(members, {}, &Member::first);
  std::string text = "{";
  for (const Member& member : members) {
    text += text.size() > 1 ? "," : "";
    append_escaped(text, member.first);
    text += ':';
    text += member.second;
  }
  return text + '}';
}

bool JsonScanner::is_at_end() {
  skip_blanks();
  return at_ == text_.size();
}

void JsonScanner::expect_end() {
  if (!is_at_end()) {
    refuse_unexpected("the end of the line");
  }
}

}  // namespace reports::input
