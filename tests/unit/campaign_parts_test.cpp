// tests/unit/campaign_parts_test.cpp
//
// What a search has found is the same after it was kept in a file.

#include "scenarios/campaign_parts.h"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "scenarios/token.h"

namespace scenarios {
namespace {

using testing::HasSubstr;

Finding finding(const std::string& kind, std::int64_t count, std::uint64_t step) {
  faults::Crash crash;
  crash.at = faults::AtStep{.process = {engine::Role::kDriver, 0}, .step = step};
  const faults::FaultPlan plan{crash};
  return {.kind = kind,
          .count = count,
          .plan = plan,
          .token = encode_token({.scenario_hash = 1, .seed = 2, .kafka = {}, .faults = plan}),
          .ended_at = engine::Instant(std::chrono::microseconds(1'000 + count))};
}

// Each field another number.
Exploration exploration(std::int64_t base) {
  Exploration found;
  found.schedules = base + 1;
  found.of = base + 2;
  found.of_is_whole = base % 2 == 0;
  found.pruned = {.nobody_to_hit = base + 3,
                  .nothing_unsynced = base + 4,
                  .same_by_rule = base + 5,
                  .same_by_hash = base + 6};
  found.received = reports::Guarantee::kExactlyOnce;
  found.processed = reports::Guarantee::kAtLeastOnce;
  found.output = reports::Guarantee::kNone;
  found.explored = {.high = ~std::uint64_t{0} - static_cast<std::uint64_t>(base), .low = 7};
  for (const std::string kind : {"lost", "received duplicated"}) {
    found.findings[kind] = finding(kind, base + 8, static_cast<std::uint64_t>(base % 5 + 1));
    found.worst[kind] = base + 9;
  }
  return found;
}

TEST(CampaignParts, WhatIsKeptIsWhatWasFound) {
  const Exploration found = exploration(100);
  const reports::CampaignPart part = to_part(3, found);
  EXPECT_EQ(part.number, 3);
  EXPECT_EQ(part.explored, "ffffffffffffff9b0000000000000007");
  const Exploration again = *to_exploration(part);
  EXPECT_EQ(again.schedules, found.schedules);
  EXPECT_EQ(again.of, found.of);
  EXPECT_EQ(again.of_is_whole, found.of_is_whole);
  EXPECT_EQ(again.pruned, found.pruned);
  EXPECT_EQ(again.received, found.received);
  EXPECT_EQ(again.processed, found.processed);
  EXPECT_EQ(again.output, found.output);
  EXPECT_EQ(again.explored, found.explored);
  EXPECT_EQ(again.worst, found.worst);
  ASSERT_EQ(again.findings.size(), found.findings.size());
  EXPECT_EQ(again.findings.at("lost").plan, found.findings.at("lost").plan);
  EXPECT_EQ(again.findings.at("lost").ended_at, found.findings.at("lost").ended_at);
  EXPECT_EQ(to_part(3, again), part);
}

TEST(CampaignParts, WhatCannotBeReadIsRefused) {
  reports::CampaignPart part = to_part(0, exploration(0));
  part.explored.back() = 'x';
  EXPECT_THAT(to_exploration(part).error(), HasSubstr("no hash"));
  part = to_part(0, exploration(0));
  part.findings.front().token.back() ^= 1;
  EXPECT_FALSE(to_exploration(part).has_value());
}

// Merging what was kept is merging what was found, whichever is done first: so a file says what a
// search says.
RC_GTEST_PROP(CampaignParts, MergingAndKeepingCommute, ()) {
  const auto bases =
      *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 50));
  Exploration merged;
  Exploration kept;
  for (const std::int64_t base : bases) {
    merge(merged, exploration(base));
    merge(kept, *to_exploration(to_part(1, exploration(base))));
  }
  RC_ASSERT(to_part(0, merged) == to_part(0, kept));
}

}  // namespace
}  // namespace scenarios
