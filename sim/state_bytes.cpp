#include "sim/state_bytes.h"

#include <bit>

#include <xxhash.h>

namespace sim {

static_assert(std::endian::native == std::endian::little,
              "hashes of states are the same on every machine that this was written for");

StateHash StateBytes::hash() const {
  const XXH128_hash_t mixed = XXH3_128bits(bytes_.data(), bytes_.size());
  return {.high = mixed.high64, .low = mixed.low64};
}

}  // namespace sim
