// sim/disturbance.h
//
// What is to go wrong between one process and one system outside: answers that are errors, requests
// that find nobody, and everything taking longer. Nothing is, unless somebody asks for it.
//
// Holds     plans; they belong to the world and outlive the lives of the process, because what
//           fails is the system or the way to it. A plan counts requests that reach the system: a
//           process that dies before its request is applied uses none up.

#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include "engine/ports/invariant.h"
#include "engine/ports/result.h"
#include "engine/ports/vocabulary.h"
#include "sim/latency.h"

namespace sim {

// How a request fails, as far as the process can tell; and what it cannot tell.
struct Failure {
  engine::Errc error = engine::Errc::kUnavailable;
  bool applied = false;  // it took effect, and only the answer was lost
};

// `Kind` enumerates the requests that the system knows.
template <class Kind>
class Disturbance {
 public:
  // The next `times` requests of this kind fail; an empty kind: of any kind. Of several plans that
  // meet a request the oldest does.
  // Requires  times > 0.
  void fail_next(std::optional<Kind> kind, std::int32_t times, Failure failure) {
    INVARIANT(times > 0, "a failure happens {} times", times);
    plans_.push_back({.kind = kind, .times = times, .failure = failure});
  }

  // Before `until` every request is refused with `error`, and nothing of it takes effect.
  void refuse_until(engine::Instant until, engine::Errc error = engine::Errc::kUnavailable) {
    refused_until_ = until;
    refusal_ = error;
  }

  // Requests that are sent before `until` take `factor` times as long, both ways.
  // Requires  factor >= 1.
  void slow_down(std::int32_t factor, engine::Instant until) {
    INVARIANT(factor >= 1, "a request takes {} times as long", factor);
    factor_ = factor;
    slow_until_ = until;
  }

  [[nodiscard]] engine::Duration stretched(engine::Duration latency, engine::Instant now) const {
    return now < slow_until_ ? latency * factor_ : latency;
  }

  [[nodiscard]] RoundTrip stretched(RoundTrip trip, engine::Instant now) const {
    return {.request = stretched(trip.request, now), .answer = stretched(trip.answer, now)};
  }

  // The failure of a request that reaches the system now; uses a plan up. Empty: it does not fail.
  std::optional<Failure> meet(Kind kind, engine::Instant now) {
    if (now < refused_until_) [[unlikely]] {
      return Failure{.error = refusal_, .applied = false};
    }
    if (plans_.empty()) [[likely]] {
      return std::nullopt;
    }
    return next_planned(kind);
  }

  // What a request that reaches the system now is answered; `effect` is what it would do.
  template <class Effect>
  std::invoke_result_t<Effect> attempt(Kind kind, engine::Instant now, Effect effect) {
    const std::optional<Failure> failure = meet(kind, now);
    if (!failure) [[likely]] {
      return effect();
    }
    if (failure->applied) {
      static_cast<void>(effect());
    }
    return failure->error;
  }

 private:
  struct Plan {
    std::optional<Kind> kind;
    std::int32_t times = 0;
    Failure failure;
  };

  std::optional<Failure> next_planned(Kind kind) {
    const auto plan = std::ranges::find_if(
        plans_, [kind](const Plan& one) { return one.kind.value_or(kind) == kind; });
    if (plan == plans_.end()) {
      return std::nullopt;
    }
    const Failure failure = plan->failure;
    --plan->times;
    if (plan->times == 0) {
      plans_.erase(plan);
    }
    return failure;
  }

  std::vector<Plan> plans_;  // oldest first
  engine::Instant refused_until_{};
  engine::Errc refusal_ = engine::Errc::kUnavailable;
  engine::Instant slow_until_{};
  std::int32_t factor_ = 1;
};

}  // namespace sim
