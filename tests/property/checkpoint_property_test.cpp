// tests/property/checkpoint_property_test.cpp
//
// Any checkpoint survives its bytes, and no damage to them passes for another checkpoint.

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/driver/checkpoint.h"

namespace {

using engine::BatchTime;
using engine::Checkpoint;

// RapidCheck has no generator for durations: every time is drawn as microseconds.
rc::Gen<BatchTime> any_time() {
  return rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t microseconds) {
    return BatchTime{engine::Instant(engine::Duration(microseconds))};
  });
}

rc::Gen<engine::OffsetRange> any_range() {
  return rc::gen::map(rc::gen::tuple(rc::gen::arbitrary<std::int32_t>(),
                                     rc::gen::arbitrary<std::int64_t>(),
                                     rc::gen::arbitrary<std::int64_t>()),
                      [](const auto& drawn) {
                        return engine::OffsetRange{.partition = std::get<0>(drawn),
                                                   .from = {std::get<1>(drawn)},
                                                   .until = {std::get<2>(drawn)}};
                      });
}

Checkpoint any_checkpoint() {
  Checkpoint checkpoint;
  checkpoint.time = *any_time();
  checkpoint.zero_time = *any_time();
  checkpoint.pending_times = *rc::gen::container<std::vector<BatchTime>>(any_time());
  for (const engine::OffsetRange& drawn :
       *rc::gen::container<std::vector<engine::OffsetRange>>(any_range())) {
    checkpoint.stream.current_offsets.push_back(
        {.partition = drawn.partition, .offset = drawn.from});
  }
  for (const BatchTime batch : *rc::gen::container<std::vector<BatchTime>>(any_time())) {
    checkpoint.stream.batch_for_time[batch] =
        *rc::gen::container<std::vector<engine::OffsetRange>>(any_range());
  }
  checkpoint.rate.first_run = *rc::gen::arbitrary<bool>();
  checkpoint.rate.latest_time = (*any_time()).at;
  checkpoint.rate.latest_rate = *rc::gen::arbitrary<double>();
  checkpoint.rate.latest_error = *rc::gen::arbitrary<double>();
  return checkpoint;
}

RC_GTEST_PROP(CheckpointProperty, DecodingGivesBackWhatWasEncoded, ()) {
  const Checkpoint original = any_checkpoint();
  const auto version = *rc::gen::arbitrary<std::int32_t>();
  const auto decoded = engine::decode(engine::encode(original, version), version);
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(decoded->time == original.time);
  RC_ASSERT(decoded->zero_time == original.zero_time);
  RC_ASSERT(decoded->pending_times == original.pending_times);
  RC_ASSERT(decoded->stream.current_offsets == original.stream.current_offsets);
  RC_ASSERT(decoded->stream.batch_for_time == original.stream.batch_for_time);
  RC_ASSERT(decoded->rate.first_run == original.rate.first_run);
  RC_ASSERT(decoded->rate.latest_time == original.rate.latest_time);
  RC_ASSERT(decoded->rate.latest_rate == original.rate.latest_rate);
  RC_ASSERT(decoded->rate.latest_error == original.rate.latest_error);
}

// C1: cut anywhere and filled up with anything, as a torn write on a reused block would leave it.
RC_GTEST_PROP(CheckpointProperty, ATornTailIsRefused, ()) {
  const std::string bytes = engine::encode(any_checkpoint(), 1);
  const auto kept = *rc::gen::inRange<std::size_t>(0, bytes.size());
  const auto tail = *rc::gen::arbitrary<std::string>();
  const std::string torn = bytes.substr(0, kept) + tail;
  RC_PRE(torn != bytes);
  RC_ASSERT_FALSE(engine::decode(torn, 1).has_value());
}

RC_GTEST_PROP(CheckpointProperty, ArbitraryBytesAreRefused, ()) {
  const auto bytes = *rc::gen::arbitrary<std::string>();
  RC_ASSERT_FALSE(engine::decode(bytes, 1).has_value());
}

}  // namespace
