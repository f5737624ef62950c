// engine/ports/random.h
//
// The only source of randomness of a process. In a simulation: one independent stream per named
// component, all derived from the root seed.

#pragma once

#include <cstdint>

namespace engine {

class Random {
 public:
  Random() = default;
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;
  virtual ~Random() = default;

  // Uniform over all 64-bit values.
  virtual std::uint64_t next() = 0;
};

}  // namespace engine
