// engine/receiver/rate_limiter.h
//
// How fast a receiver may take records (Spark: RateLimiter, which is Guava's SmoothBursty). Who has
// been idle may catch up on at most one second.
//
// Invariants
//   R1  Capped.  In no stretch of time do more records pass than the rate allows for it, plus one
//                second's worth; the rate never exceeds the maximum.
//   R2  Paid later.  A record that passes delays the next one, not itself.

#pragma once

#include <optional>

#include "engine/ports/vocabulary.h"

namespace engine {

class RateLimiter {
 public:
  // `max_rate`: records per second (spark.streaming.receiver.maxRate); empty: no limit.
  // Requires  a positive rate.
  explicit RateLimiter(std::optional<double> max_rate);

  // Takes the place of one record: it may pass at the returned instant, which is never before
  // `now`.
  // Requires  time does not go back.
  Instant reserve(Instant now);

  // What the driver's estimate asks for, up to the maximum. A rate of nothing is ignored.
  void update(double records_per_second, Instant now);

  // Records per second; empty: no limit.
  [[nodiscard]] std::optional<double> rate() const { return rate_; }

 private:
  void accrue(Instant now);

  std::optional<double> max_rate_;
  std::optional<double> rate_;
  double stored_ = 0;  // records that may pass at once, saved up while idle
  Instant next_free_;  // when the next record without savings may pass
};

}  // namespace engine
