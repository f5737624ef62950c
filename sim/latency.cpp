#include "sim/latency.h"

#include <cstdint>

#include "engine/ports/invariant.h"
#include "sim/random.h"

namespace sim {

engine::Duration draw_latency(engine::Duration base, engine::Random& random) {
  INVARIANT(base.count() >= 0, "an operation takes {} us", base.count());
  const auto spread = static_cast<std::uint64_t>(base.count() / 2);
  const std::uint64_t extra = uniform_below(random, spread + 1);
  return base + engine::Duration(static_cast<std::int64_t>(extra));
}

// The request is drawn before the answer: the order of draws is part of what a seed means.
RoundTrip draw_latency(RoundTrip base, engine::Random& random) {
  const engine::Duration request = draw_latency(base.request, random);
  const engine::Duration answer = draw_latency(base.answer, random);
  return {.request = request, .answer = answer};
}

}  // namespace sim
