// engine/driver/rate_estimator.h
//
// How many records per second the pipeline can process, learned from the batches that completed
// (Spark: PIDRateEstimator, with its default gains). A value: it is part of the checkpoint.

#pragma once

#include <cstdint>
#include <optional>

#include "engine/ports/vocabulary.h"

namespace engine {

struct CompletedBatch {
  Instant processing_ended;
  std::int64_t records = 0;
  Duration processing_delay{0};
  Duration scheduling_delay{0};
};

class RateEstimator {
 public:
  // The new rate, or nothing: the first batch only teaches, and an empty batch teaches nothing.
  std::optional<double> update(const CompletedBatch& batch, Duration batch_interval);

  struct State {
    bool first_run = true;
    Instant latest_time;
    double latest_rate = -1;
    double latest_error = -1;
  };

  [[nodiscard]] const State& state() const { return state_; }

  void restore(const State& state) { state_ = state; }

 private:
  State state_;
};

}  // namespace engine
