// tests/unit/speculation_test.cpp
//
// How long a task may take before it counts as slow, worked out by hand from Spark's defaults.

#include "engine/driver/speculation.h"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace {

using engine::Duration;
using engine::speculation_threshold;
using std::chrono::microseconds;
using std::chrono::milliseconds;

std::vector<Duration> took_ms(std::initializer_list<std::int64_t> milliseconds_of_done) {
  std::vector<Duration> durations;
  for (const std::int64_t duration : milliseconds_of_done) {
    durations.emplace_back(milliseconds(duration));
  }
  return durations;
}

TEST(Speculation, NothingIsSlowBeforeThreeQuartersAreDone) {
  EXPECT_EQ(speculation_threshold(8, took_ms({200, 200, 200, 200, 200})), std::nullopt);
  EXPECT_EQ(speculation_threshold(8, took_ms({200, 200, 200, 200, 200, 200})), milliseconds(300));
}

TEST(Speculation, ThreeQuartersAreRoundedDownButNotToNone) {
  EXPECT_EQ(speculation_threshold(3, took_ms({200})), std::nullopt);
  EXPECT_EQ(speculation_threshold(3, took_ms({200, 200})), milliseconds(300));
  EXPECT_EQ(speculation_threshold(2, {}), std::nullopt);
  EXPECT_EQ(speculation_threshold(2, took_ms({200})), milliseconds(300));
}

TEST(Speculation, TheOnlyTaskOfASetIsNeverSlow) {
  EXPECT_EQ(speculation_threshold(1, {}), std::nullopt);
  EXPECT_EQ(speculation_threshold(1, took_ms({200})), std::nullopt);
}

TEST(Speculation, SlowIsHalfAsLongAgainAsTheMedian) {
  EXPECT_EQ(speculation_threshold(4, took_ms({100, 9'000, 200})), milliseconds(300));
}

TEST(Speculation, TheMedianOfAnEvenNumberIsTheMeanOfTheMiddleTwo) {
  EXPECT_EQ(speculation_threshold(4, took_ms({9'000, 200, 100, 300})), microseconds(375'000));
}

TEST(Speculation, NothingIsSlowBeforeTheLeastRuntime) {
  EXPECT_EQ(speculation_threshold(2, took_ms({0})), milliseconds(100));
  EXPECT_EQ(speculation_threshold(2, took_ms({66})), milliseconds(100));
  EXPECT_EQ(speculation_threshold(2, took_ms({68})), milliseconds(102));
}

}  // namespace
