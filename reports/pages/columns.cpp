#include "reports/pages/columns.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "reports/text.h"

namespace reports {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Well-formed UTF-8: what is not becomes a replacement character, byte by byte.
std::string plain(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const std::size_t length = utf8_character(bytes);
    text += length == 0 ? std::string_view("\xef\xbf\xbd") : bytes.substr(0, length);
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

std::string cut(const std::string& text, std::size_t bytes_max) {
  std::size_t end = 0;
  while (end < text.size()) {
    const std::size_t length = utf8_character(std::string_view(text).substr(end));
    if (end + length > bytes_max) {
      break;
    }
    end += length;
  }
  return fmt::format("{}… ({} bytes more)", text.substr(0, end), text.size() - end);
}

std::string base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::array<std::uint32_t, 3> three{};
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < count; ++k) {
      three[k] = static_cast<unsigned char>(bytes[i + k]);
    }
    const std::uint32_t bits = three[0] << 16U | three[1] << 8U | three[2];
    text.push_back(kBase64[bits >> 18U]);
    text.push_back(kBase64[bits >> 12U & 63U]);
    text.push_back(count > 1 ? kBase64[bits >> 6U & 63U] : '=');
    text.push_back(count > 2 ? kBase64[bits & 63U] : '=');
  }
  return text;
}

void add_number(std::string& bytes, std::uint64_t number) {
  for (; number >= 0x80U; number >>= 7U) {
    bytes.push_back(static_cast<char>((number & 0x7fU) | 0x80U));
  }
  bytes.push_back(static_cast<char>(number));
}

void add_unchanged(std::string& bytes, std::uint64_t rows) {
  if (rows > 0) {
    add_number(bytes, 0);
    add_number(bytes, rows);
  }
}

}  // namespace

// In unsigned arithmetic, where the difference of any two values is defined.
void Column::add(std::int64_t value) {
  const auto now = static_cast<std::uint64_t>(value);
  const std::uint64_t difference = now - last_;
  if (difference == 0) {
    ++unchanged_;
    return;
  }
  add_unchanged(bytes_, unchanged_);
  unchanged_ = 0;
  last_ = now;
  const std::uint64_t sign = difference >> 63U == 0 ? 0 : ~std::uint64_t{0};
  add_number(bytes_, (difference << 1U) ^ sign);
}

std::string Column::text() const {
  std::string bytes = bytes_;
  add_unchanged(bytes, unchanged_);
  return base64(bytes);
}

std::int64_t TextTable::number_of(std::string_view text) {
  const auto known = numbers_.find(text);
  if (known != numbers_.end()) {
    return known->second;
  }
  std::string kept = plain(text);
  if (kept.size() > kTextBytesMax) {
    kept = cut(kept, kTextBytesMax);
    ++shortened_count_;
  }
  if (bytes_ + kept.size() > kTableBytesMax) {
    kept = "…";
    ++shortened_count_;
  }
  bytes_ += kept.size();
  const auto number = static_cast<std::int64_t>(texts_.size());
  texts_.push_back(std::move(kept));
  numbers_.emplace(text, number);
  return number;
}

}  // namespace reports
