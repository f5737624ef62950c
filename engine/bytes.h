// engine/bytes.h
//
// Values as bytes, most significant first: the form of everything that the engine stores.

#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "engine/ports/invariant.h"
#include "engine/ports/vocabulary.h"

namespace engine {

class ByteWriter {
 public:
  template <std::integral T>
  void put(T value) {
    const auto bits = static_cast<std::make_unsigned_t<T>>(value);
    std::array<char, sizeof(T)> raw{};
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      raw[i] = static_cast<char>(static_cast<unsigned char>(bits >> (8 * (sizeof(T) - 1 - i))));
    }
    bytes_.append(raw.data(), raw.size());
  }

  void put(double value) { put(std::bit_cast<std::uint64_t>(value)); }

  void put(Instant time) { put(std::int64_t{time.time_since_epoch().count()}); }

  void put(BatchTime batch) { put(batch.at); }

  void put(const OffsetRange& range) {
    put(range.partition);
    put(range.from.value);
    put(range.until.value);
  }

  void put_count(std::size_t count) {
    INVARIANT(count <= UINT32_MAX, "{} items do not fit a count", count);
    put(static_cast<std::uint32_t>(count));
  }

  void put_string(std::string_view text) {
    put_count(text.size());
    bytes_.append(text);
  }

  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Reads what a ByteWriter wrote. Past the end it yields zeros and remembers that it did.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  template <std::integral T>
  T get() {
    if (bytes_.size() < sizeof(T)) {
      fail();
      return T{};
    }
    std::make_unsigned_t<T> bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      const auto byte = static_cast<unsigned char>(bytes_[i]);
      bits = static_cast<std::make_unsigned_t<T>>((std::uint64_t{bits} << 8U) | byte);
    }
    bytes_.remove_prefix(sizeof(T));
    return static_cast<T>(bits);
  }

  double get_double() { return std::bit_cast<double>(get<std::uint64_t>()); }

  OffsetRange get_range() {
    OffsetRange range;
    range.partition = get<PartitionId>();
    range.from.value = get<std::int64_t>();
    range.until.value = get<std::int64_t>();
    return range;
  }

  Instant get_time() { return Instant{Duration{get<std::int64_t>()}}; }

  // A count of items that take at least `item_bytes` each: never more than can follow.
  std::size_t get_count(std::size_t item_bytes) {
    const std::size_t count = get<std::uint32_t>();
    if (count > bytes_.size() / item_bytes) {
      fail();
      return 0;
    }
    return count;
  }

  std::string get_string() {
    const std::size_t size = get_count(1);
    std::string text(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return text;
  }

  [[nodiscard]] std::size_t left() const { return bytes_.size(); }

  [[nodiscard]] bool ended_whole() const { return whole_ && bytes_.empty(); }

 private:
  void fail() {
    whole_ = false;
    bytes_ = {};
  }

  std::string_view bytes_;
  bool whole_ = true;
};

inline constexpr std::size_t kTimeBytes = sizeof(std::int64_t);
inline constexpr std::size_t kRangeBytes = sizeof(PartitionId) + 2 * sizeof(std::int64_t);

}  // namespace engine
