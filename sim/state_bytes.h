// sim/state_bytes.h
//
// What the stores of a world hold, in one canonical order, and its 128-bit hash: equal for equal
// contents, whatever history led to them. Two worlds in which nobody is alive and whose stores,
// clocks and pending restarts are equal have the same future (docs/SIMULATION.md, "Black-outs").
//
// Invariants
//   H1  Complete.  Whatever a later reader of the store or the judge could tell apart changes the
//                  hash. What only a reader of the history could is left out.
// tests/unit/state_bytes_test.cpp checks it for each store.

#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/ports/vocabulary.h"

namespace sim {

struct StateHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const StateHash&) const = default;
};

class StateBytes {
 public:
  void add(std::uint64_t value) {
    const auto word = std::bit_cast<std::array<char, sizeof(value)>>(value);
    bytes_.append(word.data(), word.size());
  }

  void add(std::int64_t value) { add(static_cast<std::uint64_t>(value)); }

  void add(std::int32_t value) { add(static_cast<std::int64_t>(value)); }

  void add(bool value) { add(std::uint64_t{value}); }

  // The size comes first, so that no two texts run into each other.
  void add(std::string_view text) {
    add(std::uint64_t{text.size()});
    bytes_.append(text);
  }

  void add(engine::Offset offset) { add(offset.value); }

  void add(engine::Instant instant) { add(std::int64_t{instant.time_since_epoch().count()}); }

  void add(const engine::Address& address) {
    add(static_cast<std::int64_t>(address.process.role));
    add(address.process.index);
    add(address.incarnation);
  }

  [[nodiscard]] StateHash hash() const;

 private:
  std::string bytes_;
};

}  // namespace sim
