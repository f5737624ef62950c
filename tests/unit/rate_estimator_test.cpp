// tests/unit/rate_estimator_test.cpp
//
// The rate that Spark's PIDRateEstimator would find, worked out by hand from its formula.

#include "engine/driver/rate_estimator.h"

#include <chrono>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/lone_process.h"

namespace {

using engine::RateEstimator;
using std::chrono::milliseconds;

constexpr engine::Duration kBatchInterval = std::chrono::seconds(1);

engine::CompletedBatch batch(std::int64_t ended_ms,
                             std::int64_t records,
                             std::int64_t processing_ms,
                             std::int64_t scheduling_ms) {
  return {.processing_ended = tests::at_ms(ended_ms),
          .records = records,
          .processing_delay = milliseconds(processing_ms),
          .scheduling_delay = milliseconds(scheduling_ms)};
}

TEST(RateEstimator, FollowsTheSpeedOfProcessingUpAndDown) {
  struct Call {
    engine::CompletedBatch batch;
    std::optional<double> rate;
  };

  const std::vector<Call> calls{
      {batch(1000, 1000, 500, 0), std::nullopt},
      {batch(2000, 2000, 1000, 0), 2000},
      {batch(3000, 2000, 2000, 0), 1000},
      {batch(4000, 1000, 2000, 1000), 400},
      {batch(5000, 400, 4000, 3000), 100},
      {batch(6000, 100, 100, 3500), 300},
      {batch(7000, 800, 400, 0), 2000},
  };
  RateEstimator estimator;
  for (const Call& call : calls) {
    const auto rate = estimator.update(call.batch, kBatchInterval);
    const auto time = call.batch.processing_ended.time_since_epoch().count();
    ASSERT_EQ(rate.has_value(), call.rate.has_value()) << time;
    EXPECT_DOUBLE_EQ(rate.value_or(0), call.rate.value_or(0)) << time;
  }
}

// An empty batch, one that took no time, and one that is reported late say nothing about speed.
TEST(RateEstimator, ABatchThatTeachesNothingChangesNothing) {
  RateEstimator estimator;
  static_cast<void>(estimator.update(batch(1000, 1000, 500, 0), kBatchInterval));
  const RateEstimator::State before = estimator.state();
  for (const auto& useless :
       {batch(2000, 0, 500, 0), batch(2000, 100, 0, 0), batch(1000, 100, 500, 0)}) {
    EXPECT_FALSE(estimator.update(useless, kBatchInterval).has_value());
    EXPECT_EQ(estimator.state().latest_time, before.latest_time);
    EXPECT_DOUBLE_EQ(estimator.state().latest_rate, before.latest_rate);
  }
}

TEST(RateEstimator, GoesOnFromARestoredState) {
  RateEstimator first;
  static_cast<void>(first.update(batch(1000, 1000, 500, 0), kBatchInterval));
  RateEstimator second;
  second.restore(first.state());
  const auto next = batch(2000, 2000, 1000, 0);
  EXPECT_EQ(second.update(next, kBatchInterval), first.update(next, kBatchInterval));
}

TEST(RateEstimator, NeverFallsBelowAHundredRecordsPerSecond) {
  RateEstimator estimator;
  static_cast<void>(estimator.update(batch(1000, 10, 1000, 0), kBatchInterval));
  const auto rate = estimator.update(batch(2000, 1, 1000, 60'000), kBatchInterval);
  ASSERT_TRUE(rate.has_value());
  EXPECT_DOUBLE_EQ(*rate, 100);
}

}  // namespace
