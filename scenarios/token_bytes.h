// scenarios/token_bytes.h
//
// The alphabet of replay tokens: numbers as bytes, bytes behind a checksum, and all of it as base32
// text.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/vocabulary.h"

namespace scenarios {

using Bytes = std::vector<std::uint8_t>;

class TokenWriter {
 public:
  void varint(std::uint64_t value);

  // Requires  value >= 0.
  void integer(std::int64_t value);

  // Small for numbers near 0.
  void signed_integer(std::int64_t value);

  // Most durations are whole milliseconds; the lowest bit says whether.
  // Requires  duration >= 0.
  void duration(engine::Duration duration);
  void signed_duration(engine::Duration duration);

  void word64(std::uint64_t value);

  // Everything written, with its checksum behind it.
  [[nodiscard]] std::string seal();

 private:
  Bytes bytes_;
};

// Reads what a TokenWriter wrote. A read past the end, or a value out of its range, is remembered
// and gives 0 from then on.
class TokenReader {
 public:
  // Empty: not text that TokenWriter::seal() has made.
  static std::optional<TokenReader> unseal(std::string_view text);

  std::uint64_t varint(std::uint64_t max);
  std::int32_t int32();
  std::int64_t signed_integer();
  engine::Duration duration();
  engine::Duration signed_duration();
  std::uint64_t word64();

  // What was read makes no sense.
  std::uint64_t fail();

  [[nodiscard]] bool ended_well() const { return good_ && at_ == bytes_.size(); }

 private:
  explicit TokenReader(Bytes bytes);

  std::uint64_t next();

  Bytes bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

}  // namespace scenarios
