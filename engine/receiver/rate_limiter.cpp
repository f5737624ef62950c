#include "engine/receiver/rate_limiter.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "engine/ports/invariant.h"

namespace engine {
namespace {

constexpr double kMicrosecondsPerSecond = 1e6;

// Guava's maxBurstSeconds.
constexpr double kBurstSeconds = 1;

}  // namespace

RateLimiter::RateLimiter(std::optional<double> max_rate) : max_rate_(max_rate), rate_(max_rate) {
  INVARIANT(!max_rate || *max_rate > 0, "a receiver of {} records per second", *max_rate);
}

Instant RateLimiter::reserve(Instant now) {
  if (!rate_) {
    return now;
  }
  accrue(now);
  const Instant granted = next_free_;
  const double saved = std::min(1.0, stored_);
  stored_ -= saved;
  // Rounded up: a rate that does not divide a second is undercut, not exceeded.
  const double cost = std::ceil((1.0 - saved) * kMicrosecondsPerSecond / *rate_);
  next_free_ += Duration(static_cast<std::int64_t>(cost));
  return granted;
}

void RateLimiter::accrue(Instant now) {
  if (now <= next_free_) {
    return;
  }
  const double idle = std::chrono::duration<double>(now - next_free_).count();
  stored_ = std::min(*rate_ * kBurstSeconds, stored_ + idle * *rate_);
  next_free_ = now;
}

// Savings are kept as the stretch of time that they are worth.
void RateLimiter::update(double records_per_second, Instant now) {
  if (records_per_second <= 0) {
    return;
  }
  if (!rate_) {
    next_free_ = now;
    stored_ = 0;
  } else {
    accrue(now);
    stored_ *= records_per_second / *rate_;
  }
  rate_ = max_rate_ ? std::min(records_per_second, *max_rate_) : records_per_second;
  stored_ = std::min(stored_, *rate_ * kBurstSeconds);
}

}  // namespace engine
