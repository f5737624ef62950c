// reports/check/place.h
//
// Where a record stands: which of the files, and which line. Places are ordered as the records are.

#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace reports::check {

class Place {
 public:
  static constexpr std::size_t kFilesMax = std::size_t{1} << 15;

  // None: no record stands there.
  Place() = default;

  Place(std::size_t file, std::int64_t line)
      : bits_((std::uint64_t{file} << kLineBits) | static_cast<std::uint64_t>(line)) {}

  [[nodiscard]] bool is_none() const { return bits_ == 0; }

  [[nodiscard]] std::size_t file() const { return bits_ >> kLineBits; }

  [[nodiscard]] std::int64_t line() const {
    return static_cast<std::int64_t>(bits_ & ((std::uint64_t{1} << kLineBits) - 1));
  }

  // Ordered as places are.
  [[nodiscard]] std::int64_t rank() const { return static_cast<std::int64_t>(bits_); }

  auto operator<=>(const Place&) const = default;

 private:
  static constexpr unsigned kLineBits = 48;

  std::uint64_t bits_ = 0;  // lines count from 1
};

}  // namespace reports::check
