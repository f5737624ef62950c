#include "engine/driver/rate_estimator.h"

#include <algorithm>

namespace engine {
namespace {

// spark.streaming.backpressure.pid.*
constexpr double kProportional = 1.0;
constexpr double kIntegral = 0.2;
constexpr double kDerived = 0.0;
constexpr double kRateMin = 100.0;

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

std::optional<double> RateEstimator::update(const CompletedBatch& batch, Duration batch_interval) {
  const bool teaches = batch.processing_ended > state_.latest_time && batch.records > 0 &&
                       batch.processing_delay > Duration{0};
  if (!teaches) {
    return std::nullopt;
  }
  const double delay_since_update = seconds(batch.processing_ended - state_.latest_time);
  const double processing_rate =
      static_cast<double>(batch.records) / seconds(batch.processing_delay);
  const double error = state_.latest_rate - processing_rate;
  const double historical_error =
      seconds(batch.scheduling_delay) * processing_rate / seconds(batch_interval);
  const double error_change = (error - state_.latest_error) / delay_since_update;
  const double rate = std::max(state_.latest_rate - kProportional * error -
                                   kIntegral * historical_error - kDerived * error_change,
                               kRateMin);
  state_.latest_time = batch.processing_ended;
  if (state_.first_run) {
    state_.first_run = false;
    state_.latest_rate = processing_rate;
    state_.latest_error = 0;
    return std::nullopt;
  }
  state_.latest_rate = rate;
  state_.latest_error = error;
  return rate;
}

}  // namespace engine
