// tests/unit/trace_test.cpp
//
// The trace and the random streams, by the invariants of sim/trace.h and sim/random.h; and that a
// world is a function of its seed.

#include "sim/trace.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/ports/invariant.h"
#include "sim/process.h"
#include "sim/process_clock.h"
#include "sim/random.h"

namespace {

using engine::Instant;
using engine::Task;
using sim::Trace;
using sim::TraceStep;
using std::chrono::microseconds;
using testing::Each;
using testing::ElementsAre;

TraceStep step(std::int64_t time, std::uint64_t digest) {
  return {.at = Instant(microseconds(time)),
          .process = {{engine::Role::kExecutor, 1}, 2},
          .operation = sim::Operation::kKafkaFetch,
          .digest = digest};
}

sim::TraceHash hash_of(const std::vector<TraceStep>& steps) {
  Trace trace;
  for (const TraceStep& one : steps) {
    trace.add(one);
  }
  return trace.hash();
}

TEST(TraceHash, ChangesWithEveryFieldOfAStep) {
  const TraceStep base = step(5, 7);
  std::vector<TraceStep> steps(7, base);
  steps[1].at += microseconds(1);
  steps[2].process.process.role = engine::Role::kDriver;
  steps[3].process.process.index = 2;
  steps[4].process.incarnation = 3;
  steps[5].operation = sim::Operation::kKafkaCommit;
  steps[6].digest = 8;
  std::set<sim::TraceHash> hashes;
  for (const TraceStep& changed : steps) {
    hashes.insert(hash_of({changed}));
  }

  EXPECT_EQ(hashes.size(), steps.size());
}

TEST(TraceHash, ChangesWithTheOrderAndTheNumberOfSteps) {
  EXPECT_NE(hash_of({step(1, 1), step(1, 2)}), hash_of({step(1, 2), step(1, 1)}));
  EXPECT_NE(hash_of({step(1, 1)}), hash_of({step(1, 1), step(1, 1)}));
  EXPECT_NE(hash_of({}), hash_of({step(0, 0)}));
}

// The value was computed once and must never change: replay tokens and recordings rely on it.
TEST(TraceHash, IsTheSameInEveryBuild) {
  EXPECT_EQ(sim::to_string(hash_of({step(5, 7), step(6, 8)})), "23bba34025d0dea2000b19183d0b83f2");
}

RC_GTEST_PROP(TraceHash, DiffersForAnyTwoDigests, (std::uint64_t left, std::uint64_t right)) {
  RC_PRE(left != right);
  RC_ASSERT(hash_of({step(1, left)}) != hash_of({step(1, right)}));
}

TEST(TraceHash, IsLeftOutWhereNothingIsRecorded) {
  Trace trace(Trace::Recording::kNothing);
  TraceStep step;
  step.operation = sim::Operation::kStorageAppendApplied;
  trace.add(step);
  EXPECT_FALSE(trace.is_hashed());
  EXPECT_EQ(trace.hash(), sim::TraceHash{});
  EXPECT_EQ(trace.step_count(), 1U);
  EXPECT_EQ(trace.effect_count(), 1U);
}

TEST(TraceDifference, NamesTheFirstStepThatDiffers) {
  Trace left(Trace::Recording::kSteps);
  Trace right(Trace::Recording::kSteps);
  left.add(step(1, 1));
  right.add(step(1, 1));
  EXPECT_FALSE(sim::first_difference(left, right));

  left.add(step(2, 5));
  right.add(step(2, 6));
  left.add(step(3, 1));
  const auto difference = sim::first_difference(left, right);

  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->index, 1U);
  EXPECT_EQ(difference->left, step(2, 5));
  EXPECT_EQ(difference->right, step(2, 6));
}

TEST(TraceDifference, ShowsATraceThatEndsEarly) {
  Trace left(Trace::Recording::kSteps);
  const Trace right(Trace::Recording::kSteps);
  left.add(step(1, 1));

  const auto difference = sim::first_difference(left, right);

  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->index, 0U);
  EXPECT_EQ(difference->left, step(1, 1));
  EXPECT_FALSE(difference->right);
}

TEST(TraceDifference, NeedsRecordedSteps) {
  Trace trace;
  trace.add(step(1, 1));

  EXPECT_THROW(sim::first_difference(trace, trace), engine::InvariantViolation);
}

TEST(TraceText, SaysWhenWhoAndWhat) {
  EXPECT_EQ(sim::to_string(step(1500, 255)),
            "1500 us executor:1 life 2 kafka.fetch 00000000000000ff");
  EXPECT_EQ(sim::to_string(sim::Operation::kOffsetsLoad), "offsets.load");
  EXPECT_EQ(sim::to_string(sim::Operation::kSinkCommitApplied), "sink.commit_applied");
  EXPECT_EQ(sim::to_string(sim::Operation::kResumed), "resumed");
}

std::vector<std::uint64_t> draw(engine::Random& random, int count) {
  std::vector<std::uint64_t> drawn;
  for (int index = 0; index < count; ++index) {
    drawn.push_back(random.next());
  }
  return drawn;
}

TEST(RandomStreams, GiveTheSameNumbersInEveryBuild) {
  sim::RandomStream stream = sim::RandomStreams(7).stream("network");

  EXPECT_THAT(draw(stream, 2), ElementsAre(6202735875283547882U, 779456165237626154U));
}

TEST(RandomStreams, DependOnTheRootSeedAndOnTheName) {
  sim::RandomStream first = sim::RandomStreams(7).stream("network");
  sim::RandomStream again = sim::RandomStreams(7).stream("network");
  sim::RandomStream other_name = sim::RandomStreams(7).stream("storage");
  sim::RandomStream other_seed = sim::RandomStreams(8).stream("network");
  const auto numbers = draw(first, 8);

  EXPECT_EQ(draw(again, 8), numbers);
  EXPECT_NE(draw(other_name, 8), numbers);
  EXPECT_NE(draw(other_seed, 8), numbers);
}

TEST(RandomStreams, AreNotMovedByDrawsFromAnother) {
  const sim::RandomStreams streams(7);
  sim::RandomStream alone = streams.stream("storage");
  const auto expected = draw(alone, 4);
  sim::RandomStream network = streams.stream("network");
  sim::RandomStream storage = streams.stream("storage");
  std::vector<std::uint64_t> drawn;
  for (int index = 0; index < 4; ++index) {
    draw(network, index);
    drawn.push_back(storage.next());
  }

  EXPECT_EQ(drawn, expected);
}

RC_GTEST_PROP(UniformBelow, StaysBelowItsBound, (std::uint64_t seed)) {
  const std::uint64_t bound = *rc::gen::suchThat<std::uint64_t>([](auto b) { return b > 0; });
  sim::RandomStream random(seed);
  RC_ASSERT(sim::uniform_below(random, bound) < bound);
}

TEST(UniformBelow, ReachesEveryValueAboutEquallyOften) {
  constexpr int kDraws = 60'000;
  sim::RandomStream random(11);
  std::array<int, 6> counts{};
  for (int index = 0; index < kDraws; ++index) {
    ++counts.at(sim::uniform_below(random, counts.size()));
  }

  EXPECT_THAT(counts, Each(testing::AllOf(testing::Gt(9'600), testing::Lt(10'400))));
}

TEST(UniformBelow, NeedsSomethingToChooseFrom) {
  sim::RandomStream random(1);

  EXPECT_THROW(sim::uniform_below(random, 0), engine::InvariantViolation);
}

Task<> wander(sim::Process* process, engine::Random* random, std::int32_t steps) {
  for (std::int32_t taken = 0; taken < steps; ++taken) {
    const std::uint64_t drawn = random->next();
    const auto latency = microseconds(static_cast<std::int64_t>(drawn % 100));
    co_await process->step(sim::Operation::kWork, drawn, latency);
  }
}

// Four processes that walk at random; one of them is killed and restarted on the way.
void play(std::uint64_t seed, Trace& trace) {
  const sim::RandomStreams streams(seed);
  std::vector<std::unique_ptr<sim::RandomStream>> randoms;
  sim::Scheduler scheduler;
  std::vector<std::unique_ptr<sim::Process>> processes;
  for (std::int32_t index = 0; index < 4; ++index) {
    randoms.push_back(std::make_unique<sim::RandomStream>(streams.seed_of(std::to_string(index))));
    processes.push_back(std::make_unique<sim::Process>(
        scheduler, trace, nullptr, engine::ProcessId{engine::Role::kExecutor, index}));
    processes.back()->begin_life();
    engine::spawn(processes.back()->executor(),
                  wander(processes.back().get(), randoms.back().get(), 50));
  }
  scheduler.call_at(Instant(microseconds(500)), [&] {
    processes[1]->end_life();
    processes[1]->begin_life();
    engine::spawn(processes[1]->executor(), wander(processes[1].get(), randoms[1].get(), 50));
  });
  scheduler.run(Instant::max());
}

TEST(World, IsTheSameForTheSameSeed) {
  Trace first(Trace::Recording::kSteps);
  Trace second(Trace::Recording::kSteps);
  play(7, first);
  play(7, second);

  EXPECT_GT(first.step_count(), 200U);
  EXPECT_FALSE(sim::first_difference(first, second));
  EXPECT_EQ(first.hash(), second.hash());
}

TEST(World, IsAnotherForAnotherSeed) {
  Trace first;
  Trace second;
  play(7, first);
  play(8, second);

  EXPECT_NE(first.hash(), second.hash());
}

}  // namespace
