// sim/random.h
//
// All randomness of a world: one root seed, and an independent stream for each named component, so
// that one more draw in the network moves nothing in the storage.
//
// Invariants
//   R1  Portable.     The same seed and name give the same numbers on every compiler and machine.
//   R2  Independent.  A stream depends on the root seed and its own name, and on no other stream.
// tests/unit/trace_test.cpp checks each of them by name.

#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/ports/random.h"
#include "sim/trace.h"

namespace sim {

// xoshiro256** (Blackman and Vigna, 2018), its state filled by splitmix64.
class RandomStream final : public engine::Random {
 public:
  explicit RandomStream(std::uint64_t seed) { start(seed); }

  // From now on the stream of this seed, from its beginning.
  void start(std::uint64_t seed);

  std::uint64_t next() override;

 private:
  std::array<std::uint64_t, 4> state_{};
};

class RandomStreams {
 public:
  explicit RandomStreams(std::uint64_t root_seed) : root_seed_(root_seed) {}

  // Each call starts the named stream anew.
  [[nodiscard]] RandomStream stream(std::string_view name) const {
    return RandomStream(seed_of(name));
  }

  // For whoever makes streams of its own.
  [[nodiscard]] std::uint64_t seed_of(std::string_view name) const;

 private:
  std::uint64_t root_seed_;
};

// The seed of one of the many streams that hang on one name: of the life, the link, the file that
// these numbers tell apart. What one of them draws moves nothing in another.
template <class... Numbers>
[[nodiscard]] constexpr std::uint64_t seed_for(std::uint64_t seed, Numbers... numbers) {
  ((seed = digest_with(seed, static_cast<std::uint64_t>(numbers))), ...);
  return seed;
}

// Uniform over [0, bound), without bias.
// Requires  bound > 0.
std::uint64_t uniform_below(engine::Random& random, std::uint64_t bound);

}  // namespace sim
