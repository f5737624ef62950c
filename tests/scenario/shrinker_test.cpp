// The shrinker, held against what it must find: each case plants a finding among faults that have
// nothing to do with it, and the least witness is known because every smaller one is tried.

#include "scenarios/shrinker.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ports/invariant.h"
#include "reports/story.h"
#include "scenarios/fault_writer.h"
#include "scenarios/findings.h"
#include "scenarios/plainer_faults.h"
#include "scenarios/run_story.h"
#include "scenarios/witness.h"
#include "scenarios/yaml_reader.h"
#include "scenarios/yaml_writer.h"
#include "tests/support/world_fixture.h"

namespace {

using namespace std::chrono_literals;
using faults::FaultPlan;
using scenarios::JudgedRun;
using scenarios::Shrunk;
using scenarios::SmallWorld;
using scenarios::YamlNode;

constexpr const char* kPath = "scenario of a test";
constexpr std::uint64_t kSeed = 5;
constexpr std::int64_t kBudget = 200'000;

YamlNode document_of(const std::string& text) {
  auto documents = scenarios::parse_yaml(text, kPath);
  INVARIANT(documents.has_value() && documents->size() == 1, "a test states one scenario");
  return std::move(documents->front());
}

struct Planted {
  std::string name;
  std::string finding;
  std::string pipeline;  // from batch_interval on
  std::string faults;    // a list
  std::string cluster = "executors: 2, cores: 2";
  std::vector<std::string> rates{"12/s", "24/s", "48/s", "1000000/s"};
};

std::string text_of(const Planted& planted) {
  return fmt::format(R"(
scenario: {}
seed: 5
topic: {{ name: events, partitions: 2 }}
workload: {{ records: 24, keys: 6, rate: 12/s, value_bytes: 8, start: 1s }}
pipeline:
  batch_interval: 1s
{}
cluster: {{ {}, driver_restart: 1500ms, executor_restart: 1s }}
faults:
{}
stop: {{ when: drained, within: 40s }}
)",
                     planted.name,
                     planted.pipeline,
                     planted.cluster,
                     planted.faults);
}

// Beside what is planted there are faults that the finding does not need. The last case needs two.
std::vector<Planted> planted_crashes() {
  return {
      {.name = "direct_append_runs_a_batch_again",
       .finding = "duplicated",
       .pipeline = "  source: { kind: kafka-direct, offsets: checkpoint }\n"
                   "  checkpoint: { enabled: true }\n"
                   "  sink: { kind: append, store: memory }",
       .faults = "  - { crash: executor:1, at: { time: 1200ms } }\n"
                 "  - { crash: cluster, at: { point: task.output_committed, batch: 3 } }\n"
                 "  - { crash: executor:0, at: { time: 6s } }"},
      {.name = "direct_position_saved_too_early",
       .finding = "lost",
       .pipeline = "  source: { kind: kafka-direct, offsets: zookeeper }\n"
                   "  protocol: { offset_save: before_output }\n"
                   "  sink: { kind: append, store: memory }",
       .faults = "  - { crash: executor:1, at: { time: 1200ms } }\n"
                 "  - { crash: driver, at: { point: offsets.saved, batch: 3 } }\n"
                 "  - { crash: executor:0, at: { time: 9s } }"},
      {.name = "direct_sink_without_its_guard",
       .finding = "duplicated",
       .pipeline = "  source: { kind: kafka-direct, offsets: sink }\n"
                   "  checkpoint: { enabled: false }\n"
                   "  protocol: { offset_guard: blind_update }\n"
                   "  sink: { kind: offsets, store: memory }",
       .faults = "  - crash: executor:0\n"
                 "    at: { point: task.output_committed, batch: 2, partition: 0 }\n"
                 "  - crash: executor:1\n"
                 "    at: { point: task.output_committed, batch: 2, partition: 1 }\n"
                 "  - { crash: driver, at: { time: 8s } }"},
      {.name = "receiver_without_a_log",
       .finding = "lost",
       .pipeline = "  source: { kind: kafka-receiver, reliable: true }\n"
                   "  checkpoint: { enabled: false }\n"
                   "  sink: { kind: append, store: memory }",
       .faults = "  - { crash: executor:1, at: { time: 7s } }\n"
                 "  - { crash: driver, at: { point: receiver.offsets_committed, occurrence: 4 } }",
       .cluster = "executors: 2, cores: 3"},
      {.name = "receiver_log_has_what_is_fetched_again",
       .finding = "duplicated",
       .pipeline = "  source: { kind: kafka-receiver, reliable: true, write_ahead_log: true }\n"
                   "  checkpoint: { enabled: true }\n"
                   "  sink: { kind: append, store: memory }",
       .faults =
           "  - { crash: cluster, at: { point: receiver.block_acknowledged, occurrence: 3 } }\n"
           "  - { crash: executor:0, at: { time: 8s } }",
       .cluster = "executors: 2, cores: 3"},
      {.name = "a_task_fails_too_often",
       .finding = "lost",
       .pipeline = "  source: { kind: kafka-direct, offsets: checkpoint }\n"
                   "  checkpoint: { enabled: true }\n"
                   "  protocol: { failed_batch: forget }\n"
                   "  processing_time_per_record: 20ms\n"
                   "  sink: { kind: upsert, store: memory }",
       .faults = "  - crash: executor:0\n"
                 "    at: { point: task.started, batch: 2, partition: 0, occurrence: 1 }\n"
                 "  - crash: executor:0\n"
                 "    at: { point: task.started, batch: 2, partition: 0, occurrence: 2 }\n"
                 "  - crash: driver\n"
                 "    at: { point: checkpoint.renamed, batch: 5 }",
       .cluster = "executors: 1, cores: 1, task_failures_max: 2",
       .rates = {"12/s", "1000000/s"}},
  };
}

std::vector<Planted> other_planted_faults() {
  return {
      // In a large world one failure more convicts without the detail that a small one needs.
      {.name = "direct_sink_writes_and_says_that_it_failed",
       .finding = "duplicated",
       .pipeline = "  source: { kind: kafka-direct, offsets: checkpoint }\n"
                   "  checkpoint: { enabled: true }\n"
                   "  sink: { kind: append, store: memory }",
       .faults = "  - { fail: sink, of: executor:0, at: { time: 2s }, times: 2, applied: true }\n"
                 "  - { crash: executor:1, at: { time: 9s } }"},
      {.name = "direct_retention_takes_what_nobody_has_read",
       .finding = "lost",
       .pipeline = "  source: { kind: kafka-direct, offsets: zookeeper }\n"
                   "  sink: { kind: append, store: memory }",
       .faults = "  - { kafka: retain, partition: 0, records: 15, at: { time: 2950ms } }\n"
                 "  - { pause: executor:1, at: { time: 4s }, for: 300ms }"},
  };
}

const std::vector<Planted>& planted_cases() {
  static const std::vector<Planted> cases = [] {
    std::vector<Planted> all = planted_crashes();
    std::ranges::move(other_planted_faults(), std::back_inserter(all));
    return all;
  }();
  return cases;
}

// --- Every smaller witness ----------------------------------------------------------------------

bool shows(const JudgedRun& judged, const std::string& finding) {
  const auto shown = scenarios::shown_by(judged.verdict);
  return !judged.verdict.stalled &&
         std::ranges::any_of(shown, [&](const auto& what) { return what.first == finding; });
}

void set_trigger(faults::Fault& fault, const faults::Trigger& at) {
  std::visit([&at](auto& what) { what.at = at; }, fault);
}

FaultPlan at_the_beginning(FaultPlan plan) {
  for (faults::Fault& fault : plan) {
    set_trigger(fault, faults::AtTime{});
  }
  return plan;
}

// The fault and every plainer one, directly or not.
std::vector<faults::Fault> variants_of(const faults::Fault& fault) {
  std::vector<faults::Fault> variants{fault};
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const faults::Fault variant = variants[i];
    std::ranges::copy(scenarios::plainer_faults(variant), std::back_inserter(variants));
  }
  return variants;
}

// Every non-empty part of the plan, with its faults as they are and plainer, each once.
std::vector<FaultPlan> parts_of(const FaultPlan& plan) {
  std::vector<FaultPlan> parts{{}};
  for (const faults::Fault& fault : plan) {
    const std::size_t count = parts.size();
    for (std::size_t i = 0; i < count; ++i) {
      for (const faults::Fault& variant : variants_of(fault)) {
        parts.push_back(parts[i]);
        parts.back().push_back(variant);
      }
    }
  }
  std::vector<FaultPlan> distinct;
  for (const FaultPlan& part : parts) {
    const FaultPlan placeless = at_the_beginning(part);
    if (!part.empty() && std::ranges::find(distinct, placeless) == distinct.end()) {
      distinct.push_back(placeless);
    }
  }
  return distinct;
}

// The least cost of any witness: every part of the planted plan, at every boundary, in every world
// of the same shape. What cannot cost less than `bound` is left out.
class BruteForce {
 public:
  BruteForce(const Planted& planted, std::int64_t bound)
      : finding_(planted.finding),
        rates_(planted.rates),
        document_(scenarios::bare_document(document_of(text_of(planted)), kSeed)),
        scenario_(tests::scenario_from(text_of(planted))),
        parts_(parts_of(scenario_.faults)),
        least_(bound) {}

  std::int64_t least_cost() {
    for (std::int64_t records = 1; records <= scenario_.workload.records; ++records) {
      for (int partitions = 1; partitions <= scenario_.pipeline.source.partitions; ++partitions) {
        for (int executors = 1; executors <= scenario_.cluster.executors; ++executors) {
          try_worlds(records, partitions, executors);
        }
      }
    }
    return least_;
  }

  // A witness of that cost; empty: there is none below the bound.
  [[nodiscard]] const std::string& example() const { return example_; }

 private:
  void try_worlds(std::int64_t records, int partitions, int executors) {
    YamlNode document = document_;
    const auto set = [&](std::string_view section, std::string_view key, std::string value) {
      scenarios::set_value(document, {section, key}, scenarios::make_scalar(std::move(value)));
    };
    set("workload", "records", fmt::format("{}", records));
    set("topic", "partitions", fmt::format("{}", partitions));
    set("cluster", "executors", fmt::format("{}", executors));
    for (const char* const start : {"0s", "1s"}) {
      for (const std::string& rate : rates_) {
        set("workload", "start", start);
        set("workload", "rate", rate);
        const auto world = scenarios::load_world(document, kPath);
        if (world && may_be_less(*world, {}) && !shows(play(*world, {}), finding_)) {
          std::ranges::for_each(parts_, [&](const FaultPlan& part) { place(*world, part, 0); });
        }
      }
    }
  }

  // The fault `n` of the plan at every boundary of the run with those before it. Of two faults that
  // are alike the second has the later place.
  void place(const SmallWorld& world, FaultPlan plan, std::size_t n) {
    if (!may_be_less(world, plan) || (n == 0 && !scenarios::allows(world, plan))) {
      return;
    }
    const auto middle = plan.begin() + static_cast<std::ptrdiff_t>(n);
    const JudgedRun judged = play(world, FaultPlan(plan.begin(), middle));
    for (const faults::ProcessSteps& process : judged.run.steps) {
      for (std::uint64_t step = 1; step <= process.steps; ++step) {
        const faults::AtStep at{.process = process.process, .step = step};
        set_trigger(plan[n], at);
        if (n > 0 && is_turned_round(plan[n - 1], plan[n])) {
          continue;
        }
        if (n + 1 < plan.size()) {
          place(world, plan, n + 1);
        } else {
          account(world, plan, play(world, plan));
        }
      }
    }
  }

  static bool is_turned_round(const faults::Fault& first, const faults::Fault& second) {
    const auto step = [](const faults::Fault& fault) {
      return std::get<faults::AtStep>(faults::trigger_of(fault));
    };
    return at_the_beginning({first}) == at_the_beginning({second}) && step(second) < step(first);
  }

  // A run takes one batch interval at least.
  [[nodiscard]] bool may_be_less(const SmallWorld& world, const FaultPlan& plan) const {
    return scenarios::size_of(world.prepared, plan).cost() + 1 < least_;
  }

  void account(const SmallWorld& world, const FaultPlan& plan, const JudgedRun& judged) {
    const std::int64_t cost = scenarios::size_of(world.prepared, plan, judged).cost();
    if (shows(judged, finding_) && cost < least_) {
      least_ = cost;
      YamlNode document = world.document;
      scenarios::set_value(document, {"faults"}, scenarios::to_yaml(plan));
      example_ = scenarios::write_yaml(document);
    }
  }

  JudgedRun play(const SmallWorld& world, const FaultPlan& plan) {
    return player_.play(world.prepared, kSeed, plan);
  }

  std::string finding_;
  std::vector<std::string> rates_;
  YamlNode document_;
  scenarios::Scenario scenario_;
  std::vector<FaultPlan> parts_;
  std::int64_t least_;
  std::string example_;
  tests::Player player_;
};

// --- Plainer faults -----------------------------------------------------------------------------

constexpr faults::Target kSecond{faults::TargetKind::kExecutor, 1};

template <class Kind, class Change>
faults::Fault a(const Change& change) {
  Kind fault;
  change(fault);
  return fault;
}

// Each with one detail that the plainest of its kind does not have.
std::vector<faults::Fault> faults_with_a_detail() {
  return {
      a<faults::Crash>([](auto& crash) { crash.target.kind = faults::TargetKind::kCluster; }),
      a<faults::Crash>([](auto& crash) { crash.target.kind = faults::TargetKind::kMachine; }),
      a<faults::Crash>([](auto& crash) { crash.target = kSecond; }),
      a<faults::Crash>([](auto& crash) { crash.restart_after = 30s; }),
      a<faults::Crash>([](auto& crash) { crash.redeploy.delete_checkpoint = true; }),
      a<faults::Partition>([](auto& partition) { partition.right = kSecond; }),
      a<faults::Pause>([](auto& pause) { pause.lasts = 9s; }),
      a<faults::MessageFault>([](auto& message) { message.from = kSecond; }),
      a<faults::MessageFault>([](auto& message) { message.times = 6; }),
      a<faults::MessageFault>([](auto& message) { message.by = 3s; }),
      a<faults::Failure>([](auto& failure) { failure.times = 4; }),
      a<faults::Failure>([](auto& failure) { failure.applied = true; }),
      a<faults::DiskFault>([](auto& disk) { disk.lasts = 2s; }),
      a<faults::KafkaFault>([](auto& kafka) { kafka.records = 8; }),
      a<faults::KafkaFault>([](auto& kafka) { kafka.partition = 3; }),
      a<faults::ClockFault>([](auto& clock) { clock.jump = -3s; }),
      a<faults::ClockFault>([](auto& clock) { clock.drift_ppm = -5000; }),
      a<faults::Slowdown>([](auto& slow) { slow.factor = 20; }),
      a<faults::Slowdown>([](auto& slow) { slow.extra = 4s; }),
      a<faults::Yield>([](auto& yield) { yield.target = kSecond; }),
  };
}

TEST(PlainerFaults, HaveFewerDetails) {
  const std::vector<faults::Fault> all = faults_with_a_detail();
  for (std::size_t n = 0; n < all.size(); ++n) {
    const auto plainer = scenarios::plainer_faults(all[n]);
    const auto details = scenarios::details_of(all[n]);
    EXPECT_GT(details, 0) << "fault " << n;
    EXPECT_TRUE(std::ranges::any_of(
        plainer,
        [&](const faults::Fault& fault) { return scenarios::details_of(fault) < details; }))
        << "fault " << n;
  }
}

// However often one is taken for another: there is a plainest one, and it is not made plainer
// still.
TEST(PlainerFaults, ComeToAnEnd) {
  for (const faults::Fault& fault : faults_with_a_detail()) {
    EXPECT_LT(variants_of(fault).size(), 100U);
  }
}

// --- The shrinker -------------------------------------------------------------------------------

Shrunk shrink(tests::Player& player, const Planted& planted, std::int64_t budget = kBudget) {
  const YamlNode document = document_of(text_of(planted));
  const scenarios::ShrinkRequest request{.document = document,
                                         .path = kPath,
                                         .seed = kSeed,
                                         .plan = tests::scenario_from(text_of(planted)).faults,
                                         .finding = planted.finding,
                                         .budget = budget,
                                         .out_of_time = {}};
  auto shrunk = scenarios::shrink(player.runner(), request);
  INVARIANT(shrunk.has_value(), "{}", shrunk.error().message);
  return std::move(shrunk.value());
}

std::string text_of(const Shrunk& shrunk, const Planted& planted) {
  return scenarios::write_yaml(
      scenarios::scenario_of(shrunk.smallest, "smallest", planted.finding, planted.name));
}

class Shrinker : public ::testing::TestWithParam<std::size_t> {
 protected:
  Shrinker() : planted_(planted_cases().at(GetParam())), shrunk_(shrink(player_, planted_)) {}

  tests::Player player_;
  const Planted& planted_;
  Shrunk shrunk_;
};

TEST_P(Shrinker, FindsTheLeastWitnessThereIs) {
  EXPECT_TRUE(shrunk_.complete);
  const std::int64_t cost = shrunk_.smallest.size.cost();
  BruteForce brute_force(planted_, cost);
  const std::int64_t least = brute_force.least_cost();
  EXPECT_LE(static_cast<double>(cost), 1.1 * static_cast<double>(least))
      << text_of(shrunk_, planted_) << "but there is\n"
      << brute_force.example();
  RecordProperty("cost", static_cast<int>(cost));
  RecordProperty("least", static_cast<int>(least));
}

TEST_P(Shrinker, S1TheScenarioOfTheResultShowsTheFinding) {
  const auto prepared = tests::prepared_from(text_of(shrunk_, planted_));
  EXPECT_EQ(prepared.scenario.faults, shrunk_.smallest.plan);
  const JudgedRun judged = player_.play(prepared);
  EXPECT_TRUE(shows(judged, planted_.finding)) << text_of(shrunk_, planted_);
  EXPECT_EQ(judged.run.trace_hash, shrunk_.smallest.judged.run.trace_hash);
}

TEST_P(Shrinker, S2WithoutItsFaultsTheResultShowsNothing) {
  ASSERT_FALSE(shrunk_.smallest.plan.empty());
  const auto& prepared = shrunk_.smallest.world.prepared;
  EXPECT_FALSE(shows(player_.play(prepared, kSeed, {}), planted_.finding));
}

TEST_P(Shrinker, S3FewerFaultsCostLessAndASmallerWorldStillLess) {
  EXPECT_LT(shrunk_.fewest_faults.size.cost(), shrunk_.original.cost());
  EXPECT_LT(shrunk_.smallest.size.cost(), shrunk_.fewest_faults.size.cost());
  const auto original = tests::prepared_from(text_of(planted_));
  const JudgedRun judged = player_.play(original, kSeed, shrunk_.fewest_faults.plan);
  EXPECT_TRUE(shows(judged, planted_.finding));
}

TEST_P(Shrinker, S4TheSameRequestHasTheSameResult) {
  tests::Player another;
  const Shrunk again = shrink(another, planted_);
  EXPECT_EQ(text_of(again, planted_), text_of(shrunk_, planted_));
  EXPECT_EQ(again.runs, shrunk_.runs);
}

TEST_P(Shrinker, TheStoryIsShortAndNamesTheFaults) {
  const auto& smallest = shrunk_.smallest;
  const std::string story = scenarios::story_of(
      smallest.world.prepared.scenario, smallest.judged, smallest.plan, planted_.finding);
  EXPECT_LE(static_cast<std::size_t>(std::ranges::count(story, '\n')), reports::kStoryLinesMax);
  EXPECT_THAT(story, ::testing::HasSubstr("FAULT"));
  EXPECT_THAT(story, ::testing::HasSubstr("This is the story of record"));
}

INSTANTIATE_TEST_SUITE_P(Planted,
                         Shrinker,
                         ::testing::Range(std::size_t{0}, planted_cases().size()),
                         [](const auto& test) { return planted_cases()[test.param].name; });

TEST(ShrinkerBudget, IsKeptAndWhatWasFoundUntilThenIsStillAWitness) {
  const Planted& planted = planted_cases().front();
  for (const std::int64_t budget : {1, 2, 7, 40}) {
    tests::Player player;
    const Shrunk shrunk = shrink(player, planted, budget);
    EXPECT_LE(shrunk.runs, budget);
    EXPECT_FALSE(shrunk.complete);
    const auto& smallest = shrunk.smallest;
    EXPECT_TRUE(shows(player.play(smallest.world.prepared, kSeed, smallest.plan), planted.finding));
  }
}

// What a pipeline shows by itself needs no fault, and no fault is kept for it: with speculation two
// attempts write.
TEST(ShrinkerPlan, IsEmptyWhenTheFindingNeedsNoFault) {
  const std::string text = R"(
scenario: two_attempts_write
topic: { name: events, partitions: 4 }
workload: { records: 40, keys: 1, rate: 20/s, value_bytes: 16 }
pipeline:
  batch_interval: 1s
  source: { kind: kafka-direct, start: earliest, offsets: checkpoint }
  sink: { kind: append, store: memory }
  processing_time_per_record: 100ms
cluster: { executors: 2, cores: 4, speculation: true }
faults: [ { crash: executor:1, at: { time: 30s } } ]
)";
  const YamlNode document = document_of(text);
  tests::Player player;
  const scenarios::ShrinkRequest request{.document = document,
                                         .path = kPath,
                                         .seed = kSeed,
                                         .plan = tests::scenario_from(text).faults,
                                         .finding = "duplicated",
                                         .budget = kBudget,
                                         .out_of_time = {}};
  const auto shrunk = scenarios::shrink(player.runner(), request);
  ASSERT_TRUE(shrunk.has_value());
  EXPECT_TRUE(shrunk->smallest.plan.empty());
  EXPECT_LT(shrunk->smallest.size.cost(), shrunk->fewest_faults.size.cost());
  EXPECT_TRUE(shows(shrunk->smallest.judged, "duplicated"));
}

}  // namespace
