// tests/unit/offset_set_test.cpp
//
// Offsets that somebody has, against a set of single offsets.

#include "engine/offset_set.h"

#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace {

using engine::OffsetRange;
using engine::OffsetSet;
using engine::Position;
using testing::ElementsAre;
using testing::IsEmpty;

OffsetRange range(engine::PartitionId partition, std::int64_t from, std::int64_t until) {
  return {.partition = partition, .from = {from}, .until = {until}};
}

std::vector<Position> positions(const std::vector<OffsetRange>& ranges) {
  std::vector<Position> all;
  for (const OffsetRange& each : ranges) {
    for (auto offset = each.from; offset < each.until; offset = offset + 1) {
      all.push_back({.partition = each.partition, .offset = offset});
    }
  }
  return all;
}

TEST(OffsetSet, RunsThatTouchBecomeOne) {
  OffsetSet set;
  set.add(range(0, 5, 7));
  set.add(range(0, 0, 2));
  EXPECT_THAT(set.ranges(), ElementsAre(range(0, 0, 2), range(0, 5, 7)));
  set.add(range(0, 2, 5));
  EXPECT_THAT(set.ranges(), ElementsAre(range(0, 0, 7)));
}

TEST(OffsetSet, WhatIsMissingKeepsItsOrderAndComesOnce) {
  OffsetSet set;
  set.add(range(0, 2, 4));
  EXPECT_THAT(set.missing({range(1, 0, 2), range(0, 0, 6), range(0, 5, 8)}),
              ElementsAre(range(1, 0, 2), range(0, 0, 2), range(0, 4, 6), range(0, 6, 8)));
  EXPECT_THAT(set.missing(std::vector{range(0, 2, 4)}), IsEmpty());
  EXPECT_THAT(set.missing(std::vector{range(0, 3, 3)}), IsEmpty());
}

RC_GTEST_PROP(OffsetSetProperty, AgreesWithASetOfSingleOffsets, ()) {
  OffsetSet set;
  std::set<Position> model;
  const auto some_range = [] {
    const auto from = *rc::gen::inRange<std::int64_t>(0, 12);
    return range(*rc::gen::inRange(0, 2), from, from + *rc::gen::inRange<std::int64_t>(0, 6));
  };
  const auto steps = *rc::gen::inRange(1, 10);
  for (int i = 0; i < steps; ++i) {
    const std::vector<OffsetRange> ranges{some_range(), some_range()};
    std::vector<Position> fresh;
    std::set<Position> seen = model;
    for (const Position& each : positions(ranges)) {
      if (seen.insert(each).second) {
        fresh.push_back(each);
      }
    }
    RC_ASSERT(positions(set.missing(ranges)) == fresh);
    set.add(ranges);
    model = seen;
    RC_ASSERT(positions(set.ranges()) == std::vector<Position>(model.begin(), model.end()));
  }
}

}  // namespace
