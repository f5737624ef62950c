// tests/scenario/verification_test.cpp
//
// Two runs of a world, compared: every planted source of chance is named at the step where it
// enters, and worlds that have none are not accused.

#include "scenarios/verification.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ports/invariant.h"
#include "engine/ports/sink_store.h"
#include "engine/ports/task.h"
#include "scenarios/catalogue.h"
#include "sim/memory_sink.h"
#include "sim/process.h"
#include "sim/random.h"
#include "sim/scheduler.h"
#include "sim/trace.h"
#include "tests/support/planted_chances.h"
#include "tests/support/world_fixture.h"

namespace {

using engine::Instant;
using engine::Task;
using scenarios::Play;
using scenarios::Runner;
using scenarios::Stage;
using scenarios::Verification;
using std::chrono::microseconds;
using testing::HasSubstr;
using tests::PlantedChance;

// --- The chancy world ----------------------------------------------------------------------------

using Ask = std::function<std::vector<std::uint64_t>()>;

// Four processes that walk at random, of which one dies and is started again. One of the others
// asks its question in the middle, and takes one step for each answer.
class ChancyWorld {
 public:
  explicit ChancyWorld(sim::StepListener listener)
      : trace_(sim::Trace::Recording::kHashOnly, std::move(listener)) {}

  ChancyWorld(const ChancyWorld&) = delete;
  ChancyWorld& operator=(const ChancyWorld&) = delete;
  ~ChancyWorld() = default;

  void run(Ask ask) {
    ask_ = std::move(ask);
    for (std::int32_t index = 0; index < kProcesses; ++index) {
      randoms_.push_back(
          std::make_unique<sim::RandomStream>(streams_.seed_of(std::to_string(index))));
      processes_.push_back(std::make_unique<sim::Process>(
          scheduler_, trace_, nullptr, engine::ProcessId{engine::Role::kExecutor, index}));
      begin_life(index);
    }
    scheduler_.call_at(Instant(microseconds(500)), [this] {
      processes_[1]->end_life();
      begin_life(1);
    });
    scheduler_.run(Instant::max());
  }

  // How many steps there were before the question.
  [[nodiscard]] std::uint64_t steps_before() const { return steps_before_; }

 private:
  static constexpr std::int32_t kProcesses = 4;
  static constexpr std::int32_t kWho = 2;
  static constexpr int kSteps = 40;
  static constexpr int kWhen = 25;

  void begin_life(std::int32_t index) {
    processes_[static_cast<std::size_t>(index)]->begin_life();
    engine::spawn(processes_[static_cast<std::size_t>(index)]->executor(), walk(index));
  }

  Task<> walk(std::int32_t index) {
    sim::Process& process = *processes_[static_cast<std::size_t>(index)];
    for (int step = 0; step < kSteps; ++step) {
      const std::uint64_t drawn = randoms_[static_cast<std::size_t>(index)]->next();
      co_await process.step(
          sim::Operation::kWork, drawn, microseconds(static_cast<std::int64_t>(drawn % 100)));
      if (index == kWho && step == kWhen) {
        co_await take_steps_for_answers(index);
      }
    }
  }

  Task<> take_steps_for_answers(std::int32_t index) {
    sim::Process& process = *processes_[static_cast<std::size_t>(index)];
    steps_before_ = trace_.step_count();
    const std::vector<std::uint64_t> answers = ask_();
    for (const std::uint64_t answer : answers) {
      co_await process.step(sim::Operation::kWork, answer, microseconds(0));
    }
  }

  sim::Trace trace_;
  sim::RandomStreams streams_{7};
  sim::Scheduler scheduler_;
  std::vector<std::unique_ptr<sim::RandomStream>> randoms_;
  std::vector<std::unique_ptr<sim::Process>> processes_;
  Ask ask_;
  std::uint64_t steps_before_ = 0;
};

Stage stage_of(const Ask& ask) {
  return [ask]() -> Runner::Outcome<Play> {
    return Play([ask](const sim::StepListener& listener) -> Runner::Outcome<std::uint64_t> {
      ChancyWorld(listener).run(ask);
      return 0;
    });
  };
}

std::uint64_t steps_before_the_question() {
  ChancyWorld world(nullptr);
  world.run([] { return std::vector<std::uint64_t>{1}; });
  return world.steps_before();
}

std::string name_of(const testing::TestParamInfo<PlantedChance>& test) {
  return test.param.name;
}

// --- Planted chances -----------------------------------------------------------------------------

class Chance : public testing::TestWithParam<PlantedChance> {};

TEST_P(Chance, V1IsNamedAtTheStepWhereItEnters) {
  const std::uint64_t expected = steps_before_the_question();
  ASSERT_GT(expected, 50U);

  const auto verified = scenarios::verify(stage_of(GetParam().ask));

  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  ASSERT_TRUE(verified->difference) << "two runs were found to be alike";
  EXPECT_EQ(verified->difference->index, expected);
  EXPECT_EQ(verified->steps, expected);
  ASSERT_TRUE(verified->difference->left && verified->difference->right);
  EXPECT_NE(*verified->difference->left, *verified->difference->right);
  EXPECT_EQ(verified->difference->left->process.process,
            (engine::ProcessId{engine::Role::kExecutor, 2}));
}

INSTANTIATE_TEST_SUITE_P(Planted, Chance, testing::ValuesIn(tests::planted_chances()), name_of);

class Harmless : public testing::TestWithParam<PlantedChance> {};

TEST_P(Harmless, V2IsNotAccused) {
  const auto verified = scenarios::verify(stage_of(GetParam().ask));

  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  EXPECT_FALSE(verified->difference);
  EXPECT_TRUE(verified->same_outcome);
  EXPECT_GT(verified->steps, steps_before_the_question());
}

INSTANTIATE_TEST_SUITE_P(Likes,
                         Harmless,
                         testing::ValuesIn(tests::harmless_likes_of_chances()),
                         name_of);

TEST(PlantedChances, AreTwentyAtLeast) {
  EXPECT_GE(tests::planted_chances().size(), 20U);
}

// --- What is no step -----------------------------------------------------------------------------

TEST(Verification, SeesThatTheSameStepsCameToAnotherEnd) {
  static std::uint64_t runs = 0;
  const auto verified = scenarios::verify([]() -> Runner::Outcome<Play> {
    return Play([](const sim::StepListener& listener) -> Runner::Outcome<std::uint64_t> {
      ChancyWorld(listener).run([] { return std::vector<std::uint64_t>{1}; });
      return ++runs;
    });
  });

  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  EXPECT_FALSE(verified->difference);
  EXPECT_FALSE(verified->same_outcome);
}

// The second process makes the run twice; the first of the two is not compared.
TEST(Verification, ShowsARunThatEndsEarly) {
  static int runs = 0;
  const auto verified = scenarios::verify([]() -> Runner::Outcome<Play> {
    return Play([](const sim::StepListener& listener) -> Runner::Outcome<std::uint64_t> {
      if (++runs == 1) {
        ChancyWorld(listener).run([] { return std::vector<std::uint64_t>(); });
      }
      return 0;
    });
  });

  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  ASSERT_TRUE(verified->difference);
  EXPECT_EQ(verified->difference->index, 0U);
  EXPECT_TRUE(verified->difference->left);
  EXPECT_FALSE(verified->difference->right);
}

TEST(Verification, SaysWhatARunCouldNotDo) {
  const auto verified = scenarios::verify([]() -> Runner::Outcome<Play> {
    return Play([](const sim::StepListener&) -> Runner::Outcome<std::uint64_t> {
      return Runner::Failure{"nothing is there"};
    });
  });

  ASSERT_FALSE(verified.has_value());
  EXPECT_EQ(verified.error().message, "the first run: nothing is there");
}

TEST(Verification, SaysThatARunEndedItsProcess) {
  static int runs = 0;
  const auto verified = scenarios::verify([]() -> Runner::Outcome<Play> {
    return Play([](const sim::StepListener& listener) -> Runner::Outcome<std::uint64_t> {
      if (++runs == 2) {
        std::raise(SIGKILL);
      }
      ChancyWorld(listener).run([] { return std::vector<std::uint64_t>(); });
      return 0;
    });
  });

  ASSERT_FALSE(verified.has_value());
  EXPECT_THAT(verified.error().message,
              HasSubstr("the second run: its process was ended by signal 9"));
}

// --- A user's sink -------------------------------------------------------------------------------

enum class Mood : std::uint8_t { kRefusesTheFirstWriteOfItsProcess, kHandsOutRowsBackwards };

// What a sink of a user's own may do: it remembers earlier runs.
class MoodySink final : public engine::SinkDatabase {
 public:
  explicit MoodySink(Mood mood) : mood_(mood) {}

  engine::Result<> append(const std::vector<engine::OutputRow>& rows) override {
    static bool has_refused = false;
    if (mood_ == Mood::kRefusesTheFirstWriteOfItsProcess && !std::exchange(has_refused, true)) {
      return engine::Errc::kUnavailable;
    }
    return sink_.append(rows);
  }

  engine::Result<> upsert(const std::vector<engine::OutputRow>& rows) override {
    return sink_.upsert(rows);
  }

  engine::Result<> replace_file(const std::string& path,
                                const std::vector<engine::OutputRow>& rows) override {
    return sink_.replace_file(path, rows);
  }

  engine::Result<engine::TransactionOutcome> apply(
      const engine::SinkTransaction& transaction) override {
    return sink_.apply(transaction);
  }

  engine::Result<std::vector<engine::PartitionOffset>> saved_offsets() override {
    return sink_.saved_offsets();
  }

  engine::Result<std::vector<engine::OutputRow>> contents() override {
    static int times = 0;
    auto rows = sink_.contents();
    if (mood_ == Mood::kHandsOutRowsBackwards && rows && ++times > 1) {
      std::ranges::reverse(rows.value());
    }
    return rows;
  }

 private:
  Mood mood_;
  sim::MemorySink sink_;
};

constexpr scenarios::KafkaKind kModel = scenarios::KafkaKind::kModel;

Verification verify_with(Mood mood) {
  scenarios::PreparedScenario prepared = tests::prepared_from(R"(
scenario: a_sink_of_its_own
topic: { name: events, partitions: 2 }
workload: { records: 20, keys: 4, rate: 20/s, value_bytes: 16 }
pipeline:
  batch_interval: 1s
  source: { kind: kafka-direct, offsets: checkpoint }
  sink: { kind: append, store: memory }
cluster: { executors: 2, cores: 2 }
)");
  prepared.make_sink = [mood] { return std::make_unique<MoodySink>(mood); };
  const scenarios::KafkaChoice model{.kind = kModel, .address = {}, .session = {}};
  const auto verified = scenarios::verify(prepared, model, prepared.scenario.seed, {});
  INVARIANT(verified, "{}", verified.error().message);
  return *verified;
}

TEST(Verification, NamesTheWriteThatASinkWithAMemoryRefused) {
  const Verification verified = verify_with(Mood::kRefusesTheFirstWriteOfItsProcess);

  ASSERT_TRUE(verified.difference && verified.difference->left && verified.difference->right);
  EXPECT_EQ(verified.difference->left->operation, sim::Operation::kSinkAppendApplied);
  EXPECT_EQ(verified.difference->right->operation, sim::Operation::kSinkAppendApplied);
  EXPECT_EQ(verified.difference->left->at, verified.difference->right->at);
}

TEST(Verification, SeesRowsThatCameOutInAnotherOrder) {
  const Verification verified = verify_with(Mood::kHandsOutRowsBackwards);

  EXPECT_FALSE(verified.difference);
  EXPECT_FALSE(verified.same_outcome);
}

// --- Scenarios -----------------------------------------------------------------------------------

TEST(Verification, DoesNotAccuseAnyScenarioOfTheCatalogue) {
  const auto catalogue = scenarios::find_scenarios({ONCEPROOF_SOURCE_DIR "/scenarios/catalogue"});
  ASSERT_TRUE(catalogue.has_value()) << catalogue.error().to_string();
  for (const scenarios::Scenario& scenario : catalogue.value()) {
    const scenarios::PreparedScenario prepared = tests::prepared_from(scenario);
    const scenarios::KafkaChoice model{.kind = kModel, .address = {}, .session = {}};
    const auto verified = scenarios::verify(prepared, model, scenario.seed, scenario.faults);
    ASSERT_TRUE(verified.has_value()) << verified.error().message;
    EXPECT_FALSE(verified->difference) << scenario.name;
    EXPECT_TRUE(verified->same_outcome) << scenario.name;
    EXPECT_GT(verified->steps, 0U) << scenario.name;
  }
}

}  // namespace
