#include "scenarios/token_bytes.h"

#include <utility>

#include "engine/ports/invariant.h"

namespace scenarios {
namespace {

constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::size_t kChecksumBytes = 2;
constexpr std::int64_t kDurationMax = std::int64_t{1} << 60;  // us

// CRC-16/CCITT: finds every burst of up to 16 bits, and so every change of one character or two
// neighbours, which are at most 10 bits apart.
std::uint16_t checksum(const Bytes& bytes, std::size_t count) {
  std::uint32_t crc = 0xFFFF;
  for (std::size_t i = 0; i < count; ++i) {
    crc ^= static_cast<std::uint32_t>(bytes[i]) << 8U;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U;
    }
    crc &= 0xFFFFU;
  }
  return static_cast<std::uint16_t>(crc);
}

std::string to_base32(const Bytes& bytes) {
  std::string text;
  std::uint32_t bits = 0;
  std::uint32_t bit_count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8U) | byte;
    bit_count += 8;
    while (bit_count >= 5) {
      bit_count -= 5;
      text += kAlphabet[(bits >> bit_count) & 31U];
    }
    bits &= 31U;
  }
  if (bit_count > 0) {
    text += kAlphabet[(bits << (5 - bit_count)) & 31U];
  }
  return text;
}

// Nothing for text that to_base32() cannot have made.
std::optional<Bytes> from_base32(std::string_view text) {
  Bytes bytes;
  std::uint32_t bits = 0;
  std::uint32_t bit_count = 0;
  for (const char c : text) {
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    bits = (bits << 5U) | static_cast<std::uint32_t>(digit);
    bit_count += 5;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes.push_back(static_cast<std::uint8_t>(bits >> bit_count));
      bits &= (1U << bit_count) - 1;
    }
  }
  const bool is_whole = bit_count < 5 && bits == 0;
  return is_whole ? std::optional(std::move(bytes)) : std::nullopt;
}

// 0, -1, 1, -2 ... as 0, 1, 2, 3 ...
std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
}

// Whether so many milliseconds are a duration that a token holds.
bool is_duration_in_ms(std::int64_t ms) {
  return ms >= -kDurationMax / 1000 && ms <= kDurationMax / 1000;
}

}  // namespace

void TokenWriter::varint(std::uint64_t value) {
  while (value >= 0x80) {
    bytes_.push_back(static_cast<std::uint8_t>(value | 0x80U));
    value >>= 7U;
  }
  bytes_.push_back(static_cast<std::uint8_t>(value));
}

void TokenWriter::integer(std::int64_t value) {
  INVARIANT(value >= 0, "this place of a token holds no negative number, such as {}", value);
  varint(static_cast<std::uint64_t>(value));
}

void TokenWriter::signed_integer(std::int64_t value) {
  varint(zigzag(value));
}

void TokenWriter::duration(engine::Duration duration) {
  const std::int64_t us = duration.count();
  INVARIANT(us >= 0 && us <= kDurationMax, "duration {} us is out of range", us);
  integer(us % 1000 == 0 ? us / 1000 * 2 : us * 2 + 1);
}

void TokenWriter::signed_duration(engine::Duration duration) {
  const std::int64_t us = duration.count();
  INVARIANT(us >= -kDurationMax && us <= kDurationMax, "duration {} us is out of range", us);
  varint(us % 1000 == 0 ? zigzag(us / 1000) * 2 : zigzag(us) * 2 + 1);
}

void TokenWriter::word64(std::uint64_t value) {
  for (unsigned shift = 0; shift < 64; shift += 8) {
    bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

std::string TokenWriter::seal() {
  const std::uint16_t sum = checksum(bytes_, bytes_.size());
  bytes_.push_back(static_cast<std::uint8_t>(sum >> 8U));
  bytes_.push_back(static_cast<std::uint8_t>(sum & 0xFFU));
  return to_base32(std::exchange(bytes_, {}));
}

TokenReader::TokenReader(Bytes bytes) : bytes_(std::move(bytes)) {}

std::optional<TokenReader> TokenReader::unseal(std::string_view text) {
  auto bytes = from_base32(text);
  if (!bytes || bytes->size() < kChecksumBytes) {
    return std::nullopt;
  }
  const std::size_t count = bytes->size() - kChecksumBytes;
  const auto sum = static_cast<std::uint16_t>(((*bytes)[count] << 8) | (*bytes)[count + 1]);
  if (sum != checksum(*bytes, count)) {
    return std::nullopt;
  }
  bytes->resize(count);
  return TokenReader(*std::move(bytes));
}

std::uint64_t TokenReader::varint(std::uint64_t max) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint64_t byte = next();
    const std::uint64_t bits = byte & 0x7FU;
    if ((bits << shift) >> shift != bits) {
      break;
    }
    value |= bits << shift;
    if ((byte & 0x80U) == 0) {
      return value <= max ? value : fail();
    }
  }
  return fail();
}

std::int32_t TokenReader::int32() {
  return static_cast<std::int32_t>(varint(0x7FFF'FFFF));
}

std::int64_t TokenReader::signed_integer() {
  return unzigzag(varint(~std::uint64_t{0}));
}

engine::Duration TokenReader::duration() {
  const std::uint64_t value = varint(std::uint64_t{1} << 62U);
  const auto half = static_cast<std::int64_t>(value / 2);
  if (value % 2 == 0 && !is_duration_in_ms(half)) {
    fail();
    return engine::Duration(0);
  }
  return engine::Duration(value % 2 == 1 ? half : half * 1000);
}

engine::Duration TokenReader::signed_duration() {
  const std::uint64_t value = varint(std::uint64_t{1} << 63U);
  const std::int64_t half = unzigzag(value / 2);
  if (value % 2 == 0 && !is_duration_in_ms(half)) {
    fail();
    return engine::Duration(0);
  }
  return engine::Duration(value % 2 == 1 ? half : half * 1000);
}

std::uint64_t TokenReader::word64() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 8) {
    value |= next() << shift;
  }
  return value;
}

std::uint64_t TokenReader::fail() {
  good_ = false;
  return 0;
}

std::uint64_t TokenReader::next() {
  return at_ < bytes_.size() ? bytes_[at_++] : fail();
}

}  // namespace scenarios
