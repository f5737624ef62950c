// tests/scenario/disruption_test.cpp
//
// Faults that kill nobody, played: that those of the catalogue strike, what becomes of a topic that
// loses records, which only the model can do, and that choices of schedule change a schedule and
// nothing else.

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "faults/strategies.h"
#include "scenarios/catalogue.h"
#include "scenarios/loader.h"
#include "tests/support/world_fixture.h"

namespace {

using faults::FaultKind;
using reports::FaultRecord;
using reports::Guarantee;
using scenarios::JudgedRun;
using tests::Player;

// `faults` are lines of the file.
std::string scenario_with(std::string_view faults) {
  return fmt::format(R"(
scenario: disrupted
topic: {{ name: events, partitions: 2 }}
workload: {{ records: 20, keys: 8, rate: 20/s, value_bytes: 16 }}
pipeline:
  batch_interval: 1s
  source: {{ kind: kafka-direct, offsets: checkpoint }}
  checkpoint: {{ enabled: true, storage: hdfs }}
  operations: [ {{ map: identity }} ]
  sink: {{ kind: append, store: memory }}
cluster: {{ executors: 2, cores: 2, heartbeat_interval: 1s, network_timeout: 4s }}
faults:
{}
stop: {{ when: drained, within: 20s }}
)",
                     faults);
}

bool all_struck(const JudgedRun& judged) {
  return std::ranges::all_of(judged.run.ledger.faults,
                             [](const FaultRecord& fault) { return fault.fired_at.has_value(); });
}

TEST(Disruptions, EveryFaultOfTheCatalogueStrikes) {
  Player player;
  std::set<FaultKind> kinds;
  const auto loaded = scenarios::load(scenarios::catalogue_directory() + "/disruptions.yaml");
  ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
  for (const scenarios::Scenario& scenario : *loaded) {
    EXPECT_TRUE(all_struck(player.play(tests::prepared_from(scenario)))) << scenario.name;
    std::ranges::transform(scenario.faults, std::inserter(kinds, kinds.end()), faults::kind_of);
  }
  const std::set<FaultKind> elsewhere{
      FaultKind::kPartition, FaultKind::kTruncate, FaultKind::kRetain};
  for (const FaultKind kind : elsewhere) {
    EXPECT_FALSE(kinds.contains(kind));
  }
  EXPECT_EQ(kinds.size() + elsewhere.size(), static_cast<std::size_t>(faults::kFaultKinds));
}

// The batch has its range and cannot read it: four attempts, and it is given up.
TEST(Disruptions, RetentionThatOvertakesABatchTakesItsRecords) {
  Player player;
  const JudgedRun judged =
      player.play(scenario_with("  - { kafka: retain, partition: 0, records: 3, at: { point: "
                                "generator.batch_planned, batch: 3 } }"));
  EXPECT_TRUE(all_struck(judged));
  EXPECT_EQ(judged.verdict.received.guarantee(), Guarantee::kExactlyOnce);
  EXPECT_GT(judged.verdict.output.lost, 0);
  EXPECT_EQ(judged.verdict.output.duplicated, 0);
}

TEST(Disruptions, RetentionBehindTheOutputTakesNothing) {
  Player player;
  const JudgedRun judged = player.play(scenario_with(
      "  - { kafka: retain, partition: 0, records: 3, at: { point: generator.batch_processed, "
      "batch: 3 } }"));
  EXPECT_TRUE(all_struck(judged));
  EXPECT_EQ(judged.verdict.guarantee(), Guarantee::kExactlyOnce);
}

// Acknowledged, and gone before the last batch: the producer was told that they are kept.
TEST(Disruptions, AnUncleanElectionLosesWhatWasAcknowledged) {
  Player player;
  const JudgedRun judged = player.play(
      scenario_with("  - { kafka: truncate, partition: 0, records: 2, at: { time: 3100ms } }"));
  EXPECT_TRUE(all_struck(judged));
  EXPECT_GE(judged.verdict.received.lost, 1);
  EXPECT_GE(judged.verdict.output.lost, 1);
}

TEST(Disruptions, AnElectionIsNotUncleanWhileRecordsCome) {
  Player player;
  const JudgedRun judged = player.play(
      scenario_with("  - { kafka: truncate, partition: 0, records: 2, at: { time: 2500ms } }"));
  EXPECT_FALSE(all_struck(judged));
  EXPECT_EQ(judged.verdict.guarantee(), Guarantee::kExactlyOnce);
}

TEST(Disruptions, AChoiceOfScheduleChangesTheScheduleAndNoVerdict) {
  Player player;
  const std::string_view crash =
      "  - { crash: executor:0, at: { point: task.started, batch: 3, partition: 0 } }";
  const JudgedRun usual = player.play(scenario_with(crash));
  for (const std::string_view choice :
       {"  - { reorder: { seed: 3 } }", "  - { yield: executor:0, at: { time: 0s } }"}) {
    const std::string both = fmt::format("{}\n{}", choice, crash);
    const JudgedRun other = player.play(scenario_with(both));
    EXPECT_TRUE(all_struck(other));
    EXPECT_NE(other.run.trace_hash, usual.run.trace_hash) << choice;
    EXPECT_EQ(other.run.trace_hash, player.play(scenario_with(both)).run.trace_hash);
    EXPECT_EQ(other.verdict.output.lost, usual.verdict.output.lost);
    EXPECT_EQ(other.verdict.output.duplicated, usual.verdict.output.duplicated);
  }
}

}  // namespace
