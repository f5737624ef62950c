#include "sim/process_clock.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/ports/invariant.h"
#include "engine/ports/task.h"
#include "sim/process.h"
#include "sim/scheduler.h"
#include "sim/trace.h"

namespace {

using engine::Duration;
using engine::Instant;
using engine::Task;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

constexpr Instant at(Duration since_start) {
  return Instant(since_start);
}

// One process whose clock a test may set; it remembers when, in virtual time, its waits ended.
struct ClockWorld {
  ClockWorld() { process.begin_life(); }

  void sleep_until(Instant when) {
    engine::spawn(process.executor(), wake_up(this, clock.sleep_until(when)));
  }

  void sleep_for(Duration duration) {
    engine::spawn(process.executor(), wake_up(this, clock.sleep_for(duration)));
  }

  void wait_until(Instant deadline) {
    signal = clock.make_signal();
    engine::spawn(process.executor(), give_up(this, signal->wait_until(deadline)));
  }

  // Also if nothing happens until then.
  void run_until(Instant when) {
    scheduler.call_at(when, [] {});
    scheduler.run(when);
  }

  std::vector<Instant> run() {
    scheduler.run(at(hours(24)));
    return woken;
  }

  static Task<> wake_up(ClockWorld* world, Task<> wait) {
    co_await std::move(wait);
    world->woken.push_back(world->process.now());
  }

  static Task<> give_up(ClockWorld* world, Task<bool> wait) {
    const bool notified = co_await std::move(wait);
    if (!notified) {
      world->woken.push_back(world->process.now());
    }
  }

  sim::Scheduler scheduler;
  sim::Trace trace;
  sim::Process process{scheduler, trace, nullptr, {engine::Role::kDriver, 0}};
  sim::ProcessClock clock{process};
  std::unique_ptr<engine::Signal> signal;
  std::vector<Instant> woken;
};

TEST(ProcessClock, C1FollowsAClockThatIsSetForwardIsWokenAtOnce) {
  ClockWorld world;
  world.sleep_until(at(seconds(10)));
  world.run_until(at(seconds(4)));
  world.clock.jump(seconds(30));
  EXPECT_EQ(world.clock.now(), at(seconds(34)));
  EXPECT_THAT(world.run(), ElementsAre(at(seconds(4))));
}

TEST(ProcessClock, C1FollowsAClockThatIsSetForwardByLessWakesEarlier) {
  ClockWorld world;
  world.sleep_until(at(seconds(10)));
  world.run_until(at(seconds(4)));
  world.clock.jump(seconds(5));
  EXPECT_THAT(world.run(), ElementsAre(at(seconds(5))));
}

TEST(ProcessClock, C1FollowsAClockThatIsSetBackWakesLater) {
  ClockWorld world;
  world.sleep_until(at(seconds(10)));
  world.run_until(at(seconds(4)));
  world.clock.jump(-seconds(3));
  EXPECT_EQ(world.clock.now(), at(seconds(1)));
  EXPECT_THAT(world.run(), ElementsAre(at(seconds(13))));
}

TEST(ProcessClock, C1FollowsAClockThatDriftsWhileSomebodySleeps) {
  ClockWorld fast;
  fast.sleep_until(at(seconds(10)));
  fast.run_until(at(seconds(4)));
  fast.clock.drift(1'000'000);
  EXPECT_THAT(fast.run(), ElementsAre(at(seconds(7))));

  ClockWorld slow;
  slow.sleep_until(at(seconds(10)));
  slow.run_until(at(seconds(4)));
  slow.clock.drift(-500'000);
  EXPECT_THAT(slow.run(), ElementsAre(at(seconds(16))));
}

TEST(ProcessClock, ADriftThatEndsLeavesItsDifference) {
  ClockWorld world;
  world.clock.drift(100'000);
  world.run_until(at(seconds(10)));
  world.clock.drift(0);
  EXPECT_EQ(world.clock.now(), at(seconds(11)));
  world.run_until(at(seconds(20)));
  EXPECT_EQ(world.clock.now(), at(seconds(21)));
}

TEST(ProcessClock, C2MonotonicWaitsForADurationDoNotFollowTheClock) {
  ClockWorld world;
  world.sleep_for(seconds(10));
  world.wait_until(at(seconds(11)));
  world.run_until(at(seconds(4)));
  world.clock.jump(seconds(30));
  world.run_until(at(seconds(5)));
  world.clock.jump(-hours(1));
  EXPECT_THAT(world.run(), ElementsAre(at(seconds(10)), at(seconds(11))));
}

TEST(ProcessClock, ADeadlineIsMeasuredOnTheClockWhenTheWaitBegins) {
  ClockWorld world;
  world.clock.jump(seconds(30));
  world.wait_until(at(seconds(32)));
  EXPECT_THAT(world.run(), ElementsAre(at(seconds(2))));

  ClockWorld passed;
  passed.clock.jump(seconds(30));
  passed.wait_until(at(seconds(29)));
  EXPECT_THAT(passed.run(), ElementsAre(at(seconds(0))));
}

TEST(ProcessClock, AClockThatWasSetStaysSetInTheNextLife) {
  ClockWorld world;
  world.clock.jump(-seconds(3));
  world.sleep_until(at(seconds(10)));
  world.run_until(at(seconds(4)));
  world.process.end_life();
  world.process.begin_life();
  world.clock.jump(seconds(1));
  EXPECT_EQ(world.clock.now(), at(seconds(2)));
  EXPECT_THAT(world.run(), ElementsAre());
}

TEST(ProcessClock, AnotherProcessHasAnotherClock) {
  ClockWorld world;
  sim::Process other(world.scheduler, world.trace, nullptr, {engine::Role::kExecutor, 0});
  sim::ProcessClock right(other);
  world.clock.jump(seconds(30));
  EXPECT_EQ(right.now(), at(seconds(0)));
}

TEST(ProcessClock, AClockThatStandsStillIsRefused) {
  ClockWorld world;
  EXPECT_THROW(world.clock.drift(-1'000'000), engine::InvariantViolation);
  EXPECT_THROW(world.clock.drift(1'000'001), engine::InvariantViolation);
}

// From virtual time `since` the clock shows `shown` and what has passed since, at a rate.
struct Stretch {
  Instant since;
  Instant shown;
  std::int64_t drift = 0;

  [[nodiscard]] Instant shows(Instant now) const {
    const std::int64_t passed = (now - since).count();
    return shown + microseconds(passed * (1'000'000 + drift) / 1'000'000);
  }
};

// By bisection: the first instant of [since, end] at which the clock shows `when` or more.
std::optional<Instant> first_shown(const Stretch& stretch, Instant end, Instant when) {
  if (stretch.shows(end) < when) {
    return std::nullopt;
  }
  Instant before = stretch.since - microseconds(1);
  while (end - before > microseconds(1)) {
    const Instant middle = before + (end - before) / 2;
    (stretch.shows(middle) >= when ? end : before) = middle;
  }
  return end;
}

// Whatever happens to the clock, a sleeper wakes in the first instant at which it shows the time.
RC_GTEST_PROP(ProcessClock, C1FollowsWhateverHappensToTheClock, ()) {
  const auto gen_moment = rc::gen::inRange<std::int64_t>(0, 5'000'000);
  const auto changes = *rc::gen::inRange(0, 6).as("changes of the clock");
  const Instant when{microseconds(*rc::gen::inRange<std::int64_t>(1, 20'000'000).as("until"))};
  ClockWorld world;
  world.sleep_until(when);
  Stretch stretch;
  std::optional<Instant> expected;
  for (int change = 0; change < changes; ++change) {
    const Instant next = stretch.since + microseconds(*gen_moment.as("later"));
    expected = expected ? expected : first_shown(stretch, next, when);
    world.run_until(next);
    const auto jump = microseconds(*rc::gen::inRange(-4'000'000, 4'000'000).as("jump"));
    const std::int64_t drift = *rc::gen::inRange(-900'000, 1'000'000).as("drift");
    stretch = {.since = next, .shown = stretch.shows(next) + jump, .drift = drift};
    world.clock.jump(jump);
    world.clock.drift(drift);
    RC_ASSERT(world.clock.now() == stretch.shown);
  }
  expected = expected ? expected : first_shown(stretch, at(hours(1)), when);
  RC_ASSERT(world.run() == std::vector<Instant>{expected.value()});
  RC_CLASSIFY(*expected > stretch.since, "woken after all changes");
}

// A clock that nobody touches is the virtual clock: the same wakings, in the same order.
RC_GTEST_PROP(ProcessClock, C3UndisturbedTimesOfDayAndDurationsAreOne, ()) {
  const auto waits =
      *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 5'000'000))
           .as("waits");
  ClockWorld by_clock;
  ClockWorld by_duration;
  for (const std::int64_t wait : waits) {
    by_clock.sleep_until(at(microseconds(wait)));
    by_duration.sleep_for(microseconds(wait));
  }
  RC_ASSERT(by_clock.run() == by_duration.run());
  RC_ASSERT(by_clock.scheduler.operation_count() == by_duration.scheduler.operation_count());
}

}  // namespace
