// tests/unit/scheduler_test.cpp
//
// The order of virtual time, by the invariants of sim/scheduler.h.

#include "sim/scheduler.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/ports/invariant.h"
#include "engine/ports/task.h"
#include "sim/executor.h"
#include "sim/process.h"
#include "sim/process_clock.h"
#include "sim/random.h"
#include "sim/trace.h"

namespace {

using engine::Instant;
using engine::Task;
using sim::Scheduler;
using std::chrono::microseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

using Outcome = Scheduler::Outcome;

constexpr Instant at(std::int64_t time) {
  return Instant(microseconds(time));
}

TEST(SchedulerOrder, EarlierTimersRunFirstWhateverTheOrderOfSetting) {
  Scheduler scheduler;
  std::vector<std::int64_t> seen;
  for (const std::int64_t time : {30, 10, 20, 5, 25}) {
    scheduler.call_at(at(time),
                      [&] { seen.push_back(scheduler.now().time_since_epoch().count()); });
  }

  EXPECT_EQ(scheduler.run(Instant::max()), Outcome::kIdle);

  EXPECT_THAT(seen, ElementsAre(5, 10, 20, 25, 30));
}

TEST(SchedulerOrder, TimersOfOneInstantRunInTheOrderOfSetting) {
  Scheduler scheduler;
  std::string seen;
  for (const char name : std::string("abcdefghij")) {
    scheduler.call_at(at(7), [&seen, name] { seen += name; });
  }

  scheduler.run(Instant::max());

  EXPECT_EQ(seen, "abcdefghij");
}

TEST(SchedulerOrder, WhatIsMadeReadyInAnInstantRunsAfterItsTimers) {
  Scheduler scheduler;
  std::string seen;
  scheduler.call_at(at(1), [&] {
    seen += 'a';
    scheduler.call_at(at(1), [&] { seen += 'c'; });
  });
  scheduler.call_at(at(1), [&] { seen += 'b'; });

  scheduler.run(Instant::max());

  EXPECT_EQ(seen, "abc");
}

TEST(SchedulerOrder, CallNextRunsBeforeEverythingThatIsReadyAndInOrder) {
  Scheduler scheduler;
  std::string seen;
  scheduler.call_at(at(1), [&] {
    scheduler.call_at(at(1), [&] { seen += 'c'; });
    scheduler.call_next([&] { seen += 'a'; });
    scheduler.call_next([&] { seen += 'b'; });
  });
  scheduler.call_at(at(1), [&] { seen += 'd'; });

  scheduler.run(Instant::max());

  EXPECT_EQ(seen, "abdc");
}

TEST(SchedulerOrder, ATimeThatHasPassedIsNow) {
  Scheduler scheduler;
  Instant ran_at = Instant::max();
  scheduler.call_at(at(9), [&] { scheduler.call_at(at(3), [&] { ran_at = scheduler.now(); }); });

  scheduler.run(Instant::max());

  EXPECT_EQ(ran_at, at(9));
}

RC_GTEST_PROP(SchedulerOrder,
              AnyTimersRunInStableOrderOfTheirTimes,
              (std::vector<std::uint8_t> times)) {
  Scheduler scheduler;
  std::vector<std::size_t> seen;
  std::vector<std::size_t> expected(times.size());
  for (std::size_t index = 0; index < times.size(); ++index) {
    expected[index] = index;
    scheduler.call_at(at(times[index] + 1), [&seen, index] { seen.push_back(index); });
  }
  std::ranges::stable_sort(expected, {}, [&](std::size_t index) { return times[index]; });

  scheduler.run(Instant::max());

  RC_ASSERT(seen == expected);
}

std::string order_under_seed(std::uint64_t seed) {
  sim::RandomStream random(seed);
  Scheduler scheduler;
  scheduler.set_ready_order(sim::ReadyOrder::kSeeded, &random);
  std::string seen;
  for (const char name : std::string("abcdefghij")) {
    scheduler.call_at(at(1), [&seen, name] { seen += name; });
  }
  scheduler.run(Instant::max());
  return seen;
}

TEST(SchedulerSeededOrder, ASeedGivesOneOrderAndAnotherSeedAnother) {
  EXPECT_EQ(order_under_seed(1), order_under_seed(1));
  EXPECT_NE(order_under_seed(1), order_under_seed(2));
  EXPECT_NE(order_under_seed(1), "abcdefghij");
  EXPECT_THAT(order_under_seed(1), UnorderedElementsAreArray(std::string("abcdefghij")));
}

TEST(SchedulerSeededOrder, CallNextStillComesFirst) {
  sim::RandomStream random(5);
  Scheduler scheduler;
  scheduler.set_ready_order(sim::ReadyOrder::kSeeded, &random);
  std::string seen;
  for (int count = 0; count < 20; ++count) {
    scheduler.call_at(at(1), [&seen] { seen += '.'; });
  }
  scheduler.call_next([&seen] { seen += '!'; });

  scheduler.run(Instant::max());

  EXPECT_EQ(seen.front(), '!');
}

TEST(SchedulerRun, IsIdleAtOnceWhenNothingIsPending) {
  Scheduler scheduler;

  EXPECT_EQ(scheduler.run(at(100)), Outcome::kIdle);

  EXPECT_EQ(scheduler.now(), at(0));
}

TEST(SchedulerRun, StopsAfterTheOperationThatAsksForIt) {
  Scheduler scheduler;
  std::string seen;
  scheduler.call_at(at(1), [&] {
    seen += 'a';
    scheduler.stop();
  });
  scheduler.call_at(at(1), [&] { seen += 'b'; });

  EXPECT_EQ(scheduler.run(Instant::max()), Outcome::kStopped);
  EXPECT_EQ(seen, "a");

  EXPECT_EQ(scheduler.run(Instant::max()), Outcome::kIdle);
  EXPECT_EQ(seen, "ab");
}

TEST(SchedulerRun, DoesWhatIsDueAtTheDeadlineAndLeavesTheRest) {
  Scheduler scheduler;
  std::string seen;
  scheduler.call_at(at(10), [&] { seen += 'a'; });
  scheduler.call_at(at(11), [&] { seen += 'b'; });

  EXPECT_EQ(scheduler.run(at(10)), Outcome::kDeadline);

  EXPECT_EQ(seen, "a");
  EXPECT_EQ(scheduler.now(), at(10));
}

TEST(SchedulerRun, IsNotCalledFromAnOperation) {
  Scheduler scheduler;
  scheduler.call_at(at(1), [&] { scheduler.run(at(2)); });

  EXPECT_THROW(scheduler.run(Instant::max()), engine::InvariantViolation);
}

TEST(SchedulerRun, AnExceptionLeavesItAndTheRestCanGoOn) {
  Scheduler scheduler;
  bool ran = false;
  scheduler.call_at(at(1), [] { INVARIANT(false, "on purpose"); });
  scheduler.call_at(at(2), [&] { ran = true; });

  EXPECT_THROW(scheduler.run(Instant::max()), engine::InvariantViolation);
  EXPECT_FALSE(ran);

  EXPECT_EQ(scheduler.run(Instant::max()), Outcome::kIdle);
  EXPECT_TRUE(ran);
}

TEST(SchedulerExecutor, RunsNothingInsideTheCallThatGivesIt) {
  Scheduler scheduler;
  std::string seen;
  scheduler.call_at(at(1), [&] {
    boost::asio::post(scheduler.get_executor(), [&] { seen += 'b'; });
    boost::asio::dispatch(scheduler.get_executor(), [&] { seen += 'c'; });
    seen += 'a';
  });

  scheduler.run(Instant::max());

  EXPECT_EQ(seen, "abc");
}

TEST(SchedulerExecutor, CarriesFunctionsOfAnySizeThatCanOnlyBeMoved) {
  Scheduler scheduler;
  std::array<std::int64_t, 100> large{};
  large.back() = 17;
  std::int64_t seen = 0;
  auto box = std::make_unique<std::int64_t>(4);
  scheduler.get_executor().execute(
      [&seen, large, box = std::move(box)] { seen = large.back() + *box; });

  scheduler.run(Instant::max());

  EXPECT_EQ(seen, 21);
}

// Waits with a deadline that is always notified before: the timer is never needed.
Task<> receive(engine::Clock* clock, engine::Signal* signal, std::int64_t* received) {
  while (true) {
    const bool notified = co_await signal->wait_until(clock->now() + std::chrono::hours(1));
    *received += notified ? 1 : 0;
  }
}

Task<> send(engine::Clock* clock, engine::Signal* signal, std::int64_t count) {
  for (std::int64_t sent = 0; sent < count; ++sent) {
    co_await clock->sleep_until(clock->now() + microseconds(1));
    signal->notify();
  }
}

TEST(SchedulerTimers, ManyAbandonedDeadlinesNeitherRunNorMoveTheClock) {
  Scheduler scheduler;
  sim::Trace trace;
  sim::Process process(scheduler, trace, nullptr, {engine::Role::kDriver, 0});
  sim::ProcessClock clock(process);
  const auto signal = clock.make_signal();
  std::int64_t received = 0;
  process.begin_life();
  engine::spawn(process.executor(), receive(&clock, signal.get(), &received));
  engine::spawn(process.executor(), send(&clock, signal.get(), 10'000));

  EXPECT_EQ(scheduler.run(at(20'000)), Outcome::kDeadline);

  EXPECT_EQ(received, 10'000);
  EXPECT_EQ(scheduler.now(), at(20'000));
}

TEST(SchedulerMemory, ChangesNoResultWhenItIsUsedAgain) {
  sim::SchedulerMemory memory;
  const auto play = [](Scheduler& scheduler) {
    sim::Trace trace;
    sim::Process process(scheduler, trace, nullptr, {engine::Role::kDriver, 0});
    sim::ProcessClock clock(process);
    process.begin_life();
    for (std::int64_t count = 1; count < 200; ++count) {
      engine::spawn(process.executor(), process.sleep_until(at(count * 7919 % 100)));
      scheduler.call_at(at(count * 104729 % 100),
                        [&] { process.record(sim::Operation::kWork, 1); });
    }
    scheduler.run(at(50));
    return trace.hash();
  };
  Scheduler fresh;
  const sim::TraceHash expected = play(fresh);
  for (int round = 0; round < 3; ++round) {
    Scheduler reused(memory);
    EXPECT_EQ(play(reused), expected);
  }
}

TEST(SchedulerMemory, ServesOneSchedulerAtATime) {
  sim::SchedulerMemory memory;
  const Scheduler first(memory);

  EXPECT_THROW(Scheduler second(memory), engine::InvariantViolation);
}

}  // namespace
