#include "sim/random.h"

#include <bit>

#include "engine/ports/invariant.h"

namespace sim {
namespace {

// splitmix64: a bijection of 64 bits that scatters even the smallest seeds.
std::uint64_t scatter(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

constexpr std::uint64_t kGoldenGamma = 0x9e3779b97f4a7c15U;

}  // namespace

void RandomStream::start(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {
    seed += kGoldenGamma;
    word = scatter(seed);
  }
}

std::uint64_t RandomStream::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

// FNV-1a over the name, scattered together with the root seed.
std::uint64_t RandomStreams::seed_of(std::string_view name) const {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char letter : name) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
  }
  return scatter(scatter(root_seed_ + kGoldenGamma) ^ hash);
}

// The remainder of a draw is biased only if the draw lies in the incomplete last run of `bound`
// values, here moved to the front; such draws are thrown away.
std::uint64_t uniform_below(engine::Random& random, std::uint64_t bound) {
  INVARIANT(bound > 0, "nothing to choose from");
  const std::uint64_t incomplete = (0 - bound) % bound;
  std::uint64_t draw = random.next();
  while (draw < incomplete) {
    draw = random.next();
  }
  return draw % bound;
}

}  // namespace sim
