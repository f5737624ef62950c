// tests/unit/process_test.cpp
//
// Life and death of a process, by the invariants of sim/process.h.

#include "sim/process.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ports/invariant.h"
#include "sim/process_clock.h"
#include "sim/process_points.h"

namespace {

using engine::Instant;
using engine::Task;
using std::chrono::microseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = sim::Scheduler::Outcome;

constexpr Instant at(std::int64_t time) {
  return Instant(microseconds(time));
}

using Log = std::vector<std::string>;

// Writes its name into the log when it is destroyed: a frame that held it is gone.
class Witness {
 public:
  Witness(Log* log, std::string name) : log_(log), name_(std::move(name)) {}

  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  ~Witness() { log_->push_back("~" + name_); }

 private:
  Log* log_;
  std::string name_;
};

// Kills its process at a step or at a point.
class Killer final : public sim::FaultHook {
 public:
  std::uint64_t kill_at_step = 0;
  std::optional<engine::Point> kill_at_point;

  void on_step(sim::Process& process, std::uint64_t step) override {
    if (step == kill_at_step) {
      kill(process);
    }
  }

  void on_point(sim::Process& process,
                engine::Point point,
                const engine::PointContext& /*context*/) override {
    if (point == kill_at_point) {
      kill(process);
    }
  }

 private:
  static void kill(sim::Process& process) {
    process.condemn();
    process.scheduler().call_next([&process] { process.end_life(); });
  }
};

class ProcessTest : public testing::Test {
 protected:
  void spawn(Task<> task) { engine::spawn(process_.executor(), std::move(task)); }

  void kill_at(std::int64_t time) {
    scheduler_.call_at(at(time), [this] {
      process_.end_life();
      log_.emplace_back("dead");
    });
  }

  Log log_;
  Killer killer_;
  sim::Scheduler scheduler_;
  sim::Trace trace_{sim::Trace::Recording::kSteps};
  sim::Process process_{scheduler_, trace_, &killer_, {engine::Role::kDriver, 0}};
  sim::ProcessClock clock_{process_};
};

Task<> sleeper(engine::Clock* clock, Log* log, std::string name) {
  const Witness witness(log, name);
  co_await clock->sleep_until(at(100));
  log->push_back(name + " woke");
}

Task<> nested(engine::Clock* clock, Log* log, std::int32_t depth) {
  const Witness witness(log, std::to_string(depth));
  if (depth == 0) {
    co_await clock->sleep_until(at(100));
  } else {
    co_await nested(clock, log, depth - 1);
  }
  log->push_back(std::to_string(depth) + " went on");
}

Task<> waiter(engine::Signal* signal, Log* log, std::string name) {
  const Witness witness(log, name);
  co_await signal->wait();
  log->push_back(name + " notified");
}

Task<> waiter_until(engine::Signal* signal, Instant deadline, Log* log) {
  const Witness witness(log, "waiter");
  const bool notified = co_await signal->wait_until(deadline);
  log->push_back(notified ? "notified" : "deadline");
}

using ProcessDeath = ProcessTest;

TEST_F(ProcessDeath, FreesEveryFrameBeforeEndOfLifeReturnsInnermostLast) {
  process_.begin_life();
  spawn(nested(&clock_, &log_, 3));
  kill_at(50);

  EXPECT_EQ(scheduler_.run(Instant::max()), Outcome::kIdle);

  EXPECT_THAT(log_, ElementsAre("~0", "~1", "~2", "~3", "dead"));
}

TEST_F(ProcessDeath, FreesTheOldestWaitFirst) {
  process_.begin_life();
  spawn(sleeper(&clock_, &log_, "first"));
  spawn(sleeper(&clock_, &log_, "second"));
  kill_at(50);

  scheduler_.run(Instant::max());

  EXPECT_THAT(log_, ElementsAre("~first", "~second", "dead"));
}

TEST_F(ProcessDeath, TakesWaitersForSignals) {
  process_.begin_life();
  const auto signal = clock_.make_signal();
  spawn(waiter(signal.get(), &log_, "waiter"));
  kill_at(50);
  scheduler_.call_at(at(60), [&] { signal->notify(); });

  scheduler_.run(Instant::max());

  EXPECT_THAT(log_, ElementsAre("~waiter", "dead"));
}

TEST_F(ProcessDeath, TakesWaitersWithADeadline) {
  process_.begin_life();
  const auto signal = clock_.make_signal();
  spawn(waiter_until(signal.get(), at(70), &log_));
  kill_at(50);

  EXPECT_EQ(scheduler_.run(Instant::max()), Outcome::kIdle);

  EXPECT_THAT(log_, ElementsAre("~waiter", "dead"));
  EXPECT_EQ(scheduler_.now(), at(50));
}

TEST_F(ProcessDeath, TakesWhatIsReadyButHasNotRun) {
  process_.begin_life();
  const auto signal = clock_.make_signal();
  spawn(waiter(signal.get(), &log_, "waiter"));
  scheduler_.call_at(at(50), [&] {
    signal->notify();
    boost::asio::post(process_.executor(), [this] { log_.emplace_back("posted ran"); });
    process_.end_life();
  });

  EXPECT_EQ(scheduler_.run(Instant::max()), Outcome::kIdle);

  EXPECT_THAT(log_, ElementsAre("~waiter"));
}

TEST_F(ProcessDeath, TakesWhatTimersMadeReadyInTheSameInstant) {
  process_.begin_life();
  kill_at(100);
  spawn(sleeper(&clock_, &log_, "sleeper"));

  scheduler_.run(Instant::max());

  EXPECT_THAT(log_, ElementsAre("~sleeper", "dead"));
}

TEST_F(ProcessDeath, TakesACoroutineThatNeverStarted) {
  process_.begin_life();
  spawn(sleeper(&clock_, &log_, "sleeper"));
  scheduler_.call_next([this] { process_.end_life(); });

  EXPECT_EQ(scheduler_.run(Instant::max()), Outcome::kIdle);

  EXPECT_THAT(log_, IsEmpty());
}

Task<> parent(boost::asio::any_io_executor executor, engine::Clock* clock, Log* log) {
  const Witness witness(log, "parent");
  Task<> child = sleeper(clock, log, "child");
  co_await boost::asio::co_spawn(executor, std::move(child), boost::asio::use_awaitable);
  log->push_back("parent went on");
}

TEST_F(ProcessDeath, TakesTheCoroutineThatWaitsForASpawnedOne) {
  process_.begin_life();
  spawn(parent(process_.executor(), &clock_, &log_));
  kill_at(50);

  EXPECT_EQ(scheduler_.run(Instant::max()), Outcome::kIdle);

  EXPECT_THAT(log_, ElementsAre("~child", "~parent", "dead"));
}

// What a careless destructor may do. None of it may bring a dead life back.
class Spawner {
 public:
  Spawner(boost::asio::any_io_executor executor, engine::Clock* clock, Log* log)
      : executor_(std::move(executor)), clock_(clock), log_(log) {}

  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  ~Spawner() {
    engine::spawn(executor_, sleeper(clock_, log_, "ghost"));
    boost::asio::post(executor_, [log = log_] { log->emplace_back("ghost ran"); });
    log_->emplace_back("spawner gone");
  }

 private:
  boost::asio::any_io_executor executor_;
  engine::Clock* clock_;
  Log* log_;
};

Task<> hold_spawner(boost::asio::any_io_executor executor, engine::Clock* clock, Log* log) {
  const Spawner spawner(executor, clock, log);
  co_await clock->sleep_until(at(100));
}

TEST_F(ProcessDeath, DestructorsOfFramesStartNothing) {
  process_.begin_life();
  spawn(hold_spawner(process_.executor(), &clock_, &log_));
  kill_at(50);

  EXPECT_EQ(scheduler_.run(Instant::max()), Outcome::kIdle);

  EXPECT_THAT(log_, ElementsAre("spawner gone", "dead"));
}

TEST_F(ProcessDeath, LeavesOtherProcessesAlone) {
  sim::Process other(scheduler_, trace_, nullptr, {engine::Role::kExecutor, 1});
  sim::ProcessClock other_clock(other);
  process_.begin_life();
  other.begin_life();
  spawn(sleeper(&clock_, &log_, "mine"));
  engine::spawn(other.executor(), sleeper(&other_clock, &log_, "other"));
  kill_at(50);

  scheduler_.run(Instant::max());

  EXPECT_THAT(log_, ElementsAre("~mine", "dead", "other woke", "~other"));
}

TEST_F(ProcessDeath, FreesAFrameOfALivingProcessThatWaitedForTheDeadOne) {
  sim::Process other(scheduler_, trace_, nullptr, {engine::Role::kExecutor, 1});
  sim::ProcessClock other_clock(other);
  process_.begin_life();
  other.begin_life();
  engine::spawn(other.executor(), parent(process_.executor(), &clock_, &log_));
  kill_at(50);

  EXPECT_EQ(scheduler_.run(Instant::max()), Outcome::kIdle);

  EXPECT_THAT(log_, ElementsAre("~child", "dead", "~parent"));
}

TEST_F(ProcessDeath, TellsItsObserversInOrderWhenEverythingIsGone) {
  process_.begin_life();
  spawn(sleeper(&clock_, &log_, "sleeper"));
  process_.on_end_of_life([this] { log_.emplace_back("network"); });
  process_.on_end_of_life([this] { log_.emplace_back("storage"); });
  kill_at(50);

  scheduler_.run(Instant::max());

  EXPECT_THAT(log_, ElementsAre("~sleeper", "network", "storage", "dead"));
}

TEST_F(ProcessDeath, IsNotByItsOwnHand) {
  process_.begin_life();
  boost::asio::post(process_.executor(), [this] { process_.end_life(); });

  EXPECT_THROW(scheduler_.run(Instant::max()), engine::InvariantViolation);
}

TEST_F(ProcessDeath, ComesOnce) {
  process_.begin_life();
  process_.end_life();

  EXPECT_THROW(process_.end_life(), engine::InvariantViolation);
}

using ProcessLife = ProcessTest;

TEST_F(ProcessLife, IsNotBegunTwice) {
  process_.begin_life();

  EXPECT_THROW(process_.begin_life(), engine::InvariantViolation);
}

TEST_F(ProcessLife, TheNextOneStartsCleanWithTheNextIncarnation) {
  process_.begin_life();
  EXPECT_EQ(process_.address().incarnation, 1);
  spawn(sleeper(&clock_, &log_, "first life"));
  kill_at(50);
  scheduler_.call_at(at(60), [this] {
    process_.begin_life();
    spawn(sleeper(&clock_, &log_, "second life"));
  });

  scheduler_.run(Instant::max());

  EXPECT_EQ(process_.address().incarnation, 2);
  EXPECT_THAT(log_, ElementsAre("~first life", "dead", "second life woke", "~second life"));
}

TEST_F(ProcessLife, WhatComesForAnOldLifeIsDroppedInTheNewOne) {
  process_.begin_life();
  const boost::asio::any_io_executor old_life = process_.executor();
  process_.end_life();
  process_.begin_life();

  boost::asio::post(old_life, [this, witness = std::make_unique<Witness>(&log_, "posted")] {
    log_.emplace_back("posted ran");
  });
  engine::spawn(old_life, sleeper(&clock_, &log_, "spawned"));

  EXPECT_EQ(scheduler_.run(Instant::max()), Outcome::kIdle);
  EXPECT_THAT(log_, ElementsAre("~posted"));
}

TEST_F(ProcessLife, ADeadProcessHasNoExecutor) {
  EXPECT_THROW((void)process_.executor(), engine::InvariantViolation);
}

TEST_F(ProcessLife, MayEndWithTheProcessObject) {
  {
    sim::Process other(scheduler_, trace_, nullptr, {engine::Role::kExecutor, 1});
    sim::ProcessClock other_clock(other);
    other.begin_life();
    engine::spawn(other.executor(), sleeper(&other_clock, &log_, "other"));
    scheduler_.run(at(10));
  }
  EXPECT_THAT(log_, ElementsAre("~other"));
  EXPECT_EQ(scheduler_.run(Instant::max()), Outcome::kIdle);
}

TEST(SchedulerDeath, TakesSuspendedProcessesWithIt) {
  Log log;
  sim::Trace trace;
  auto scheduler = std::make_unique<sim::Scheduler>();
  sim::Process first(*scheduler, trace, nullptr, {engine::Role::kExecutor, 1});
  sim::Process second(*scheduler, trace, nullptr, {engine::Role::kExecutor, 2});
  sim::ProcessClock first_clock(first);
  sim::ProcessClock second_clock(second);
  first.begin_life();
  second.begin_life();
  engine::spawn(first.executor(), parent(second.executor(), &second_clock, &log));
  engine::spawn(second.executor(), hold_spawner(first.executor(), &second_clock, &log));
  scheduler->run(at(10));

  scheduler.reset();

  EXPECT_THAT(log, ElementsAre("spawner gone", "~child", "~parent"));
  EXPECT_FALSE(first.alive());
}

using ProcessSignalTest = ProcessTest;

TEST_F(ProcessSignalTest, KeepsOneNotificationThatNobodyWaitsFor) {
  process_.begin_life();
  const auto signal = clock_.make_signal();
  signal->notify();
  signal->notify();
  spawn(waiter(signal.get(), &log_, "first"));
  scheduler_.run(Instant::max());
  spawn(waiter(signal.get(), &log_, "second"));
  scheduler_.run(Instant::max());

  EXPECT_THAT(log_, ElementsAre("first notified", "~first"));
}

TEST_F(ProcessSignalTest, WakesBeforeTheDeadlineWhenNotified) {
  process_.begin_life();
  const auto signal = clock_.make_signal();
  spawn(waiter_until(signal.get(), at(70), &log_));
  scheduler_.call_at(at(50), [&] { signal->notify(); });

  EXPECT_EQ(scheduler_.run(Instant::max()), Outcome::kIdle);

  EXPECT_THAT(log_, ElementsAre("notified", "~waiter"));
  EXPECT_EQ(scheduler_.now(), at(50));
}

TEST_F(ProcessSignalTest, GivesUpAtTheDeadlineAndKeepsALaterNotification) {
  process_.begin_life();
  const auto signal = clock_.make_signal();
  spawn(waiter_until(signal.get(), at(70), &log_));
  scheduler_.call_at(at(70), [&] { signal->notify(); });
  scheduler_.call_at(at(80), [&] { spawn(waiter(signal.get(), &log_, "next")); });

  scheduler_.run(Instant::max());

  EXPECT_THAT(log_, ElementsAre("deadline", "~waiter", "next notified", "~next"));
}

TEST_F(ProcessSignalTest, ADeadlineThatHasPassedDoesNotWait) {
  process_.begin_life();
  const auto signal = clock_.make_signal();
  spawn(waiter_until(signal.get(), at(0), &log_));

  scheduler_.run(Instant::max());

  EXPECT_THAT(log_, ElementsAre("deadline", "~waiter"));
}

TEST_F(ProcessSignalTest, ASecondWaiterIsAMistake) {
  process_.begin_life();
  const auto signal = clock_.make_signal();
  spawn(waiter(signal.get(), &log_, "first"));
  spawn(waiter(signal.get(), &log_, "second"));

  EXPECT_THROW(scheduler_.run(Instant::max()), engine::InvariantViolation);
}

TEST_F(ProcessSignalTest, MayDieBeforeItsWaiter) {
  process_.begin_life();
  auto signal = clock_.make_signal();
  spawn(waiter_until(signal.get(), at(70), &log_));
  scheduler_.call_at(at(50), [&] { signal.reset(); });

  scheduler_.run(Instant::max());

  EXPECT_THAT(log_, ElementsAre("deadline", "~waiter"));
}

TEST_F(ProcessSignalTest, AWaitThatNobodyEndsLeavesTheWorldIdle) {
  process_.begin_life();
  const auto signal = clock_.make_signal();
  spawn(waiter(signal.get(), &log_, "waiter"));

  EXPECT_EQ(scheduler_.run(Instant::max()), Outcome::kIdle);

  EXPECT_THAT(log_, IsEmpty());
}

Task<> work(sim::Process* process, Log* log, std::int32_t steps) {
  const Witness witness(log, "worker");
  for (std::int32_t done = 0; done < steps; ++done) {
    co_await process->step(sim::Operation::kWork, 0, microseconds(10));
    log->push_back("step at " + std::to_string(process->now().time_since_epoch().count()));
  }
}

using ProcessStep = ProcessTest;

TEST_F(ProcessStep, TakesItsLatencyAndIsCounted) {
  process_.begin_life();
  spawn(work(&process_, &log_, 2));

  scheduler_.run(Instant::max());

  EXPECT_THAT(log_, ElementsAre("step at 10", "step at 20", "~worker"));
  EXPECT_EQ(process_.steps(), 2U);
}

TEST_F(ProcessStep, IsCountedOverAllLives) {
  process_.begin_life();
  spawn(work(&process_, &log_, 2));
  scheduler_.run(Instant::max());
  process_.end_life();
  process_.begin_life();
  spawn(work(&process_, &log_, 1));
  scheduler_.run(Instant::max());

  EXPECT_EQ(process_.steps(), 3U);
  std::vector<std::uint64_t> numbers;
  for (const sim::TraceStep& step : trace_.steps()) {
    if (step.operation == sim::Operation::kWork) {
      numbers.push_back(step.number);
    }
  }
  EXPECT_THAT(numbers, ElementsAre(1U, 2U, 3U));
}

Task<> endless_pass(sim::Process* process, std::int64_t count) {
  for (std::int64_t done = 0; done < count; ++done) {
    co_await process->step(sim::Operation::kWork, 0, microseconds(0));
  }
}

TEST_F(ProcessStep, WithoutLatencyNeitherSuspendsNorGrowsTheStack) {
  process_.begin_life();
  trace_ = sim::Trace();
  spawn(endless_pass(&process_, 200'000));

  scheduler_.run(Instant::max());

  EXPECT_EQ(process_.steps(), 200'000U);
  EXPECT_LE(scheduler_.operation_count(), 3U);
}

TEST_F(ProcessStep, TheCondemnedOneIsTheLastAndNothingRunsInBetween) {
  killer_.kill_at_step = 2;
  process_.begin_life();
  const auto signal = clock_.make_signal();
  spawn(work(&process_, &log_, 5));
  spawn(waiter(signal.get(), &log_, "ready"));
  process_.on_end_of_life([this] { log_.emplace_back("dead"); });
  scheduler_.call_at(at(10), [&] { signal->notify(); });

  EXPECT_EQ(scheduler_.run(Instant::max()), Outcome::kIdle);

  EXPECT_THAT(log_, ElementsAre("step at 10", "~ready", "~worker", "dead"));
  EXPECT_EQ(scheduler_.now(), at(10));
}

TEST_F(ProcessStep, ACondemnedProcessThatNobodyKillsHangs) {
  process_.begin_life();
  process_.condemn();
  spawn(work(&process_, &log_, 5));

  EXPECT_EQ(scheduler_.run(Instant::max()), Outcome::kIdle);

  EXPECT_THAT(log_, IsEmpty());
  EXPECT_EQ(process_.steps(), 1U);
}

Task<> walk(engine::Points* points, Log* log) {
  const Witness witness(log, "walker");
  engine::PointContext context;
  co_await points->reach(engine::Point::kTaskStarted, context);
  log->emplace_back("went on");
  co_await points->reach(engine::Point::kTaskInputRead, context);
  log->emplace_back("went further");
}

using ProcessPointsTest = ProcessTest;

TEST_F(ProcessPointsTest, AreObservedAndPassedAtOnce) {
  process_.begin_life();
  sim::ProcessPoints points(
      process_, [this](sim::Process&, engine::Point point, const engine::PointContext&) {
        log_.emplace_back(engine::info(point).name);
      });
  spawn(walk(&points, &log_));

  scheduler_.run(Instant::max());

  EXPECT_THAT(log_,
              ElementsAre("task.started", "went on", "task.input_read", "went further", "~walker"));
  EXPECT_EQ(process_.steps(), 0U);
}

TEST_F(ProcessPointsTest, AreObservedButNotPassedWhenTheyKill) {
  killer_.kill_at_point = engine::Point::kTaskInputRead;
  process_.begin_life();
  sim::ProcessPoints points(
      process_, [this](sim::Process&, engine::Point point, const engine::PointContext&) {
        log_.emplace_back(engine::info(point).name);
      });
  spawn(walk(&points, &log_));

  scheduler_.run(Instant::max());

  EXPECT_THAT(log_, ElementsAre("task.started", "went on", "task.input_read", "~walker"));
  EXPECT_FALSE(process_.alive());
}

// P4, and S4 of sim/scheduler.h.
using ProcessPause = ProcessTest;

TEST_F(ProcessPause, StopsEveryWaitUntilItIsResumed) {
  process_.begin_life();
  const auto signal = clock_.make_signal();
  spawn(sleeper(&clock_, &log_, "sleeper"));
  spawn(waiter(signal.get(), &log_, "waiter"));
  spawn(work(&process_, &log_, 2));
  scheduler_.call_at(at(15), [this] { process_.pause(); });
  scheduler_.call_at(at(50), [&] { signal->notify(); });
  scheduler_.call_at(at(500), [this] { process_.resume(); });

  scheduler_.run(Instant(microseconds(499)));
  EXPECT_THAT(log_, ElementsAre("step at 10"));
  scheduler_.run(Instant::max());

  EXPECT_THAT(log_,
              ElementsAre("step at 10",
                          "step at 500",
                          "~worker",
                          "waiter notified",
                          "~waiter",
                          "sleeper woke",
                          "~sleeper"));
}

TEST_F(ProcessPause, StopsWhoComesToAPoint) {
  process_.begin_life();
  sim::ProcessPoints points(
      process_, [this](sim::Process& process, engine::Point, const engine::PointContext&) {
        if (log_.empty()) {
          process.pause();
        }
      });
  spawn(walk(&points, &log_));
  scheduler_.run(Instant(microseconds(100)));
  EXPECT_THAT(log_, IsEmpty());

  process_.resume();
  scheduler_.run(Instant(microseconds(200)));

  EXPECT_THAT(log_, ElementsAre("went on", "went further", "~walker"));
}

TEST_F(ProcessPause, LeavesEverybodyElseAlone) {
  sim::Process other(scheduler_, trace_, nullptr, {engine::Role::kExecutor, 0});
  other.begin_life();
  process_.begin_life();
  process_.pause();
  engine::spawn(other.executor(), work(&other, &log_, 1));

  scheduler_.run(Instant::max());

  EXPECT_THAT(log_, ElementsAre("step at 10", "~worker"));
}

TEST_F(ProcessPause, LastsUntilItIsResumedAsOftenAsItWasPaused) {
  process_.begin_life();
  process_.pause();
  process_.pause();
  spawn(work(&process_, &log_, 1));
  process_.resume();
  scheduler_.run(Instant(microseconds(100)));
  EXPECT_THAT(log_, IsEmpty());
  process_.resume();
  scheduler_.run(Instant(microseconds(200)));
  EXPECT_THAT(log_, ElementsAre("step at 10", "~worker"));
}

TEST_F(ProcessPause, EndsWithTheLife) {
  process_.begin_life();
  process_.pause();
  spawn(work(&process_, &log_, 1));
  scheduler_.run(Instant(microseconds(100)));
  process_.end_life();
  process_.begin_life();
  spawn(work(&process_, &log_, 1));

  scheduler_.run(Instant(microseconds(200)));

  EXPECT_THAT(log_, ElementsAre("step at 10", "~worker"));
}

Task<> say(engine::Clock* clock, Log* log, std::string name) {
  for (std::int64_t time = 10; time <= 30; time += 10) {
    co_await clock->sleep_until(at(time));
    log->push_back(name);
  }
}

// S1: whoever yields runs behind whoever yielded less or never, and keeps its own order.
TEST(ProcessYield, RunsLastInEachInstantFromThenOn) {
  Log log;
  sim::Scheduler scheduler;
  sim::Trace trace;
  sim::Process driver(scheduler, trace, nullptr, {engine::Role::kDriver, 0});
  sim::Process executor(scheduler, trace, nullptr, {engine::Role::kExecutor, 0});
  sim::ProcessClock of_driver(driver);
  sim::ProcessClock of_executor(executor);
  driver.begin_life();
  executor.begin_life();
  engine::spawn(driver.executor(), say(&of_driver, &log, "d"));
  engine::spawn(driver.executor(), say(&of_driver, &log, "D"));
  engine::spawn(executor.executor(), say(&of_executor, &log, "e"));
  scheduler.call_at(at(15), [&] { driver.yield(); });
  scheduler.call_at(at(25), [&] { executor.yield(); });

  scheduler.run(Instant::max());

  EXPECT_THAT(log, ElementsAre("d", "D", "e", "e", "d", "D", "d", "D", "e"));
}

Task<> break_invariant(engine::Clock* clock) {
  co_await clock->sleep_until(at(20));
  INVARIANT(false, "on purpose");
}

Task<> await_breaker(engine::Clock* clock, Log* log) {
  const Witness witness(log, "outer");
  co_await break_invariant(clock);
  log->emplace_back("went on");
}

using ProcessFailure = ProcessTest;

TEST_F(ProcessFailure, LeavesTheLoopAndTheRestIsDestructible) {
  process_.begin_life();
  spawn(await_breaker(&clock_, &log_));
  spawn(sleeper(&clock_, &log_, "sleeper"));

  EXPECT_THROW(scheduler_.run(Instant::max()), engine::InvariantViolation);

  EXPECT_THAT(log_, ElementsAre("~outer"));
  process_.end_life();
  EXPECT_THAT(log_, ElementsAre("~outer", "~sleeper"));
}

}  // namespace
