// tests/scenario/determinism_test.cpp
//
// The same scenario, the same run: on either Kafka, at every repetition, in memory that other runs
// have used, and in every build. A planted source of chance shows that the comparison sees one.
//
// trace_hashes.txt holds the hash of each catalogue scenario: whatever build runs this test has to
// reproduce it. ONCEPROOF_UPDATE_GOLDEN=1 writes the file anew.

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/catalogue.h"
#include "scenarios/world.h"
#include "sim/kafka/broker_model.h"
#include "sim/memory_sink.h"
#include "tests/support/world_fixture.h"

namespace {

using scenarios::JudgedRun;
using scenarios::PreparedScenario;
using scenarios::Scenario;
using testing::IsEmpty;
using tests::ClusterKind;
using tests::Player;

constexpr int kRepetitions = 100;

// By name; a catalogue that cannot be loaded is empty here and fails the test below.
const std::map<std::string, Scenario>& catalogue() {
  static const std::map<std::string, Scenario> scenarios = [] {
    std::map<std::string, Scenario> by_name;
    auto loaded = scenarios::find_scenarios({ONCEPROOF_SOURCE_DIR "/scenarios/catalogue"});
    if (loaded) {
      for (Scenario& scenario : loaded.value()) {
        by_name.emplace(scenario.name, std::move(scenario));
      }
    }
    return by_name;
  }();
  return scenarios;
}

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const auto& [name, scenario] : catalogue()) {
    names.push_back(name);
  }
  return names;
}

PreparedScenario prepared(const std::string& name) {
  return tests::prepared_from(catalogue().at(name));
}

// The same, with its output in memory: SQLite adds nothing to a hundred repetitions but time.
PreparedScenario prepared_in_memory(const std::string& name) {
  Scenario scenario = catalogue().at(name);
  scenario.store = scenarios::StoreKind::kMemory;
  return tests::prepared_from(std::move(scenario));
}

Player& shared_player(ClusterKind kafka) {
  static Player model(ClusterKind::kModel);
  static Player mock(ClusterKind::kMock);
  return kafka == ClusterKind::kModel ? model : mock;
}

// Empty: every repetition has the hash of the first run.
std::string first_difference(const std::function<sim::TraceHash()>& run, int repetitions) {
  const sim::TraceHash first = run();
  for (int repetition = 2; repetition <= repetitions; ++repetition) {
    const sim::TraceHash hash = run();
    if (hash != first) {
      return fmt::format(
          "run {} has {}, run 1 has {}", repetition, sim::to_string(hash), sim::to_string(first));
    }
  }
  return {};
}

TEST(Catalogue, IsThereAndLoads) {
  const auto loaded = scenarios::find_scenarios({ONCEPROOF_SOURCE_DIR "/scenarios/catalogue"});
  ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
  EXPECT_EQ(loaded->size(), catalogue().size());
}

class Determinism : public testing::TestWithParam<std::string> {};

TEST_P(Determinism, MockAndModelGiveTheSameEventsOutputsAndVerdict) {
  const PreparedScenario scenario = prepared(GetParam());
  const JudgedRun model = shared_player(ClusterKind::kModel).play(scenario);
  const JudgedRun mock = shared_player(ClusterKind::kMock).play(scenario);
  EXPECT_EQ(tests::event_lines(mock.run.ledger), tests::event_lines(model.run.ledger));
  EXPECT_EQ(tests::output_lines(mock.run.ledger), tests::output_lines(model.run.ledger));
  EXPECT_EQ(mock.verdict, model.verdict);
}

TEST_P(Determinism, AHundredRunsHaveOneTraceHash) {
  const PreparedScenario scenario = prepared_in_memory(GetParam());
  Player& player = shared_player(ClusterKind::kModel);
  EXPECT_EQ(first_difference([&] { return player.play(scenario).run.trace_hash; }, kRepetitions),
            "");
}

// `shared_player` has run other scenarios before; what a run leaves in borrowed memory reaches no
// other run.
TEST_P(Determinism, FreshAndUsedMemoryGiveTheSameTraceHash) {
  const PreparedScenario scenario = prepared(GetParam());
  Player fresh;
  const JudgedRun first = fresh.play(scenario);
  const JudgedRun used = shared_player(ClusterKind::kModel).play(scenario);
  EXPECT_EQ(first.run.trace_hash, used.run.trace_hash);
  EXPECT_EQ(tests::output_lines(first.run.ledger), tests::output_lines(used.run.ledger));
}

TEST_P(Determinism, TheStoreOfTheOutputDoesNotShowInTheTrace) {
  Player& player = shared_player(ClusterKind::kModel);
  const JudgedRun as_written = player.play(prepared(GetParam()));
  const JudgedRun in_memory = player.play(prepared_in_memory(GetParam()));
  EXPECT_EQ(as_written.run.trace_hash, in_memory.run.trace_hash);
  EXPECT_EQ(as_written.verdict, in_memory.verdict);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Determinism);
INSTANTIATE_TEST_SUITE_P(Catalogue,
                         Determinism,
                         testing::ValuesIn(names()),
                         [](const auto& parameter) { return parameter.param; });

// --- Counter-examples --------------------------------------------------------------------------

constexpr const char* kSmall = R"(
scenario: small
description: A few batches and no crash.
topic: { name: sessions, partitions: 2 }
workload: { records: 40, keys: 4, rate: 20/s, value_bytes: 16 }
pipeline:
  batch_interval: 1s
  source: { kind: kafka-direct, offsets: checkpoint }
  checkpoint: { enabled: true, storage: hdfs }
  operations: [ { map: identity } ]
  sink: { kind: append, store: memory }
cluster: { executors: 2, cores: 2 }
expect: { output: exactly-once }
)";

TEST(TraceHash, AnotherSeedIsAnotherTrace) {
  const PreparedScenario scenario = tests::prepared_from(kSmall);
  Player& player = shared_player(ClusterKind::kModel);
  std::set<sim::TraceHash> hashes;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    hashes.insert(player.play(scenario, seed, {}).run.trace_hash);
  }
  EXPECT_EQ(hashes.size(), 20U);
}

TEST(TraceHash, AnotherFaultIsAnotherTrace) {
  const PreparedScenario scenario = tests::prepared_from(kSmall);
  Player& player = shared_player(ClusterKind::kModel);
  faults::Crash crash;
  crash.at = faults::AtStep{.process = {engine::Role::kDriver, 0}, .step = 9};
  EXPECT_NE(player.play(scenario).run.trace_hash,
            player.play(scenario, scenario.scenario.seed, {crash}).run.trace_hash);
}

// Hides the youngest record of partition 0 from every `period`-th question, counted over all runs:
// the smallest thing that one run can leave for the next.
class ForgetfulCluster final : public engine::KafkaCluster {
 public:
  explicit ForgetfulCluster(int period) : period_(period) {}

  void reset() { cluster_.reset(); }

  [[nodiscard]] int questions() const { return questions_; }

  engine::Result<> create_topic(const engine::TopicSpec& topic) override {
    return cluster_.create_topic(topic);
  }

  engine::Result<std::vector<engine::Offset>> produce(
      const std::string& topic, const std::vector<engine::ProducerRecord>& records) override {
    return cluster_.produce(topic, records);
  }

  engine::Result<std::vector<engine::ConsumerRecord>> fetch(
      const std::string& topic, const engine::OffsetRange& range) override {
    return cluster_.fetch(topic, range);
  }

  engine::Result<std::vector<engine::Watermarks>> watermarks(const std::string& topic) override {
    auto marks = cluster_.watermarks(topic);
    ++questions_;
    engine::Offset& youngest = marks.value().at(0).high_watermark;
    if (period_ > 0 && questions_ % period_ == 0 && youngest > engine::Offset{}) {
      --youngest.value;
    }
    return marks;
  }

  engine::Result<> commit(const std::string& group,
                          const std::string& topic,
                          const std::vector<engine::PartitionOffset>& offsets) override {
    return cluster_.commit(group, topic, offsets);
  }

  engine::Result<std::vector<std::optional<engine::Offset>>> committed(
      const std::string& group, const std::string& topic) override {
    return cluster_.committed(group, topic);
  }

 private:
  sim::BrokerModel cluster_;
  int period_;
  int questions_ = 0;
};

// `questions` is set to how many there are per run.
std::string difference_with(int period, int* questions) {
  const PreparedScenario scenario = tests::prepared_from(kSmall);
  ForgetfulCluster cluster(period);
  sim::SchedulerMemory memory;
  const auto run = [&] {
    cluster.reset();
    sim::MemorySink sink;
    const scenarios::RunRequest request{.scenario = scenario.scenario,
                                        .workload = scenario.workload,
                                        .seed = scenario.scenario.seed,
                                        .plan = {},
                                        .name_suffix = {},
                                        .recording = sim::Trace::Recording::kHashOnly,
                                        .interrupted = {}};
    return scenarios::run_world(request, {.kafka = cluster, .sink = sink}, memory)
        .value()
        .trace_hash;
  };
  const std::string difference = first_difference(run, kRepetitions);
  *questions = cluster.questions() / kRepetitions;
  return difference;
}

// A period that divides the questions of a run would hit the same question in every run, and be no
// chance at all; one more than that moves through the run, one question further each time.
TEST(TraceHash, APlantedStateThatSurvivesARunIsFound) {
  int questions = 0;
  EXPECT_EQ(difference_with(0, &questions), "") << "without it there is no difference";
  ASSERT_GT(questions, 0);
  int unused = 0;
  EXPECT_NE(difference_with(questions + 1, &unused), "");
}

// --- Golden hashes -----------------------------------------------------------------------------

constexpr const char* kGoldenPath = ONCEPROOF_SOURCE_DIR "/tests/scenario/trace_hashes.txt";

std::string golden_line(const std::string& name) {
  const PreparedScenario scenario = prepared_in_memory(name);
  const JudgedRun judged = shared_player(ClusterKind::kModel).play(scenario);
  return fmt::format(
      "{} {} {}", name, scenario.scenario.seed, sim::to_string(judged.run.trace_hash));
}

// The lines of the file by the name that each begins with.
std::map<std::string, std::string> read_golden() {
  std::map<std::string, std::string> lines;
  std::ifstream file(kGoldenPath);
  for (std::string line; std::getline(file, line);) {
    lines[line.substr(0, line.find(' '))] = line;
  }
  return lines;
}

bool asked_to_update() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing else runs yet, and nothing sets it.
  const char* const update = std::getenv("ONCEPROOF_UPDATE_GOLDEN");
  return update != nullptr && std::string(update) == "1";
}

void write_golden() {
  std::ofstream file(kGoldenPath);
  for (const std::string& name : names()) {
    file << golden_line(name) << '\n';
  }
  ASSERT_TRUE(file.good()) << kGoldenPath << " could not be written";
}

TEST(TraceHash, EveryBuildReproducesTheGoldenOnes) {
  if (asked_to_update()) {
    write_golden();
    return;
  }
  auto golden = read_golden();
  for (const std::string& name : names()) {
    const auto expected = golden.extract(name);
    if (expected.empty()) {
      ADD_FAILURE() << "the scenario " << name
                    << " has no line in tests/scenario/trace_hashes.txt; "
                    << "run this test with ONCEPROOF_UPDATE_GOLDEN=1 and review what it adds";
    } else {
      EXPECT_EQ(golden_line(name), expected.mapped())
          << "the run of " << name << " is not what it was; if that is meant, run this test with "
          << "ONCEPROOF_UPDATE_GOLDEN=1";
    }
  }
  for (const auto& [name, line] : golden) {
    ADD_FAILURE() << "tests/scenario/trace_hashes.txt names " << name
                  << ", which is no scenario of the catalogue";
  }
}

}  // namespace
