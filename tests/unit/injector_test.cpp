// tests/unit/injector_test.cpp
//
// When a fault plan strikes, by the invariant of faults/injector.h.

#include "faults/injector.h"

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/process.h"
#include "sim/trace.h"
#include "tests/support/lone_process.h"

namespace {

using engine::Point;
using engine::PointContext;
using faults::AtPoint;
using faults::AtStep;
using faults::AtTime;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using tests::at_ms;
using tests::batch_at_ms;

constexpr engine::ProcessId kDriver{.role = engine::Role::kDriver, .index = 0};
constexpr engine::ProcessId kExecutor{.role = engine::Role::kExecutor, .index = 1};

faults::Crash crash(faults::Trigger at) {
  faults::Crash crash;
  crash.at = at;
  return crash;
}

// A plan over a world of two processes in which nothing runs but what the test says.
class World {
 public:
  explicit World(faults::FaultPlan plan)
      : injector_(scheduler_, std::move(plan), std::chrono::seconds(1), [this](std::size_t n) {
          struck_.push_back(n);
          return somebody_lives_;
        }) {}

  // One crash per trigger.
  explicit World(const std::vector<faults::Trigger>& triggers) : World(plan_of(triggers)) {}

  // What strikes from now on finds its target dead.
  void bury_everybody() { somebody_lives_ = false; }

  void reach(Point point, PointContext context = {}) {
    injector_.on_point(executor_, point, context);
  }

  void step(sim::Process& process, std::uint64_t number) { injector_.on_step(process, number); }

  void run_until(engine::Instant time) { scheduler_.run(time); }

  sim::Process& driver() { return driver_; }

  sim::Process& executor() { return executor_; }

  faults::Injector& injector() { return injector_; }

  // Numbers of the faults that struck, in order.
  [[nodiscard]] const std::vector<std::size_t>& struck() const { return struck_; }

 private:
  static faults::FaultPlan plan_of(const std::vector<faults::Trigger>& triggers) {
    faults::FaultPlan plan;
    for (const faults::Trigger& trigger : triggers) {
      plan.push_back(crash(trigger));
    }
    return plan;
  }

  sim::Scheduler scheduler_;
  sim::Trace trace_{sim::Trace::Recording::kHashOnly};
  sim::Process driver_{scheduler_, trace_, nullptr, kDriver};
  sim::Process executor_{scheduler_, trace_, nullptr, kExecutor};
  std::vector<std::size_t> struck_;
  bool somebody_lives_ = true;
  faults::Injector injector_;
};

AtPoint at_point(Point point, std::int32_t occurrence = 1) {
  return {.point = point, .batch = {}, .partition = {}, .occurrence = occurrence};
}

TEST(Injector, StrikesAtTheOccurrenceThatThePlanNames) {
  World world({at_point(Point::kTaskStarted, 3)});
  world.reach(Point::kTaskStarted);
  world.reach(Point::kTaskReported);
  world.reach(Point::kTaskStarted);
  EXPECT_THAT(world.struck(), IsEmpty());
  world.reach(Point::kTaskStarted);
  EXPECT_THAT(world.struck(), ElementsAre(0));
}

TEST(Injector, CountsOnlyTheBatchThatThePlanNames) {
  AtPoint trigger = at_point(Point::kTaskStarted, 2);
  trigger.batch = 3;
  World world({trigger});
  world.reach(Point::kTaskStarted, {.batch = batch_at_ms(3000)});
  world.reach(Point::kTaskStarted, {.batch = batch_at_ms(2000)});
  world.reach(Point::kTaskStarted);
  EXPECT_THAT(world.struck(), IsEmpty());
  world.reach(Point::kTaskStarted, {.batch = batch_at_ms(3000)});
  EXPECT_THAT(world.struck(), ElementsAre(0));
}

TEST(Injector, CountsOnlyThePartitionThatThePlanNames) {
  AtPoint trigger = at_point(Point::kTaskOutputWritten);
  trigger.partition = 1;
  World world({trigger});
  world.reach(Point::kTaskOutputWritten, {.batch = {}, .partition = 0});
  world.reach(Point::kTaskOutputWritten);
  EXPECT_THAT(world.struck(), IsEmpty());
  world.reach(Point::kTaskOutputWritten, {.batch = {}, .partition = 1});
  EXPECT_THAT(world.struck(), ElementsAre(0));
}

TEST(Injector, StrikesAtTheStepOfTheProcessThatThePlanNames) {
  World world({AtStep{.process = kExecutor, .step = 5}});
  world.step(world.driver(), 5);
  world.step(world.executor(), 4);
  EXPECT_THAT(world.struck(), IsEmpty());
  world.step(world.executor(), 5);
  EXPECT_THAT(world.struck(), ElementsAre(0));
}

TEST(Injector, StrikesAtTheTimeThatThePlanNames) {
  World world({AtTime{.since_start = milliseconds(2500)}});
  world.run_until(at_ms(2499));
  EXPECT_THAT(world.struck(), IsEmpty());
  world.run_until(at_ms(2501));
  EXPECT_THAT(world.struck(), ElementsAre(0));
  EXPECT_EQ(world.injector().struck_at(0), at_ms(2500));
}

// F1, for each kind of trigger.
TEST(Injector, EachFaultStrikesOnce) {
  World world({at_point(Point::kTaskStarted),
               AtStep{.process = kExecutor, .step = 5},
               AtTime{.since_start = milliseconds(10)}});
  for (int repetition = 0; repetition < 3; ++repetition) {
    world.reach(Point::kTaskStarted);
    world.step(world.executor(), 5);
    world.run_until(at_ms(20 + repetition));
  }
  EXPECT_THAT(world.struck(), ElementsAre(0, 1, 2));
}

TEST(Injector, APartitionStrikesAtTheMomentThatItNames) {
  faults::Partition partition;
  partition.at = at_point(Point::kTaskStarted, 2);
  World world(faults::FaultPlan{partition, crash(AtTime{.since_start = milliseconds(10)})});
  world.reach(Point::kTaskStarted);
  world.run_until(at_ms(20));
  EXPECT_THAT(world.struck(), ElementsAre(1));
  world.reach(Point::kTaskStarted);
  EXPECT_THAT(world.struck(), ElementsAre(1, 0));
}

TEST(Injector, TwoFaultsMayStrikeAtOneMoment) {
  World world({at_point(Point::kTaskStarted), at_point(Point::kTaskStarted)});
  world.reach(Point::kTaskStarted);
  EXPECT_THAT(world.struck(), ElementsAre(0, 1));
}

TEST(Injector, KnowsWhetherEveryMomentHasCome) {
  World world({at_point(Point::kTaskStarted), at_point(Point::kTaskReported)});
  EXPECT_FALSE(world.injector().is_over());
  world.reach(Point::kTaskStarted);
  EXPECT_FALSE(world.injector().is_over());
  EXPECT_FALSE(world.injector().struck_at(1).has_value());
  world.reach(Point::kTaskReported);
  EXPECT_TRUE(world.injector().is_over());
}

// F2.
TEST(Injector, AFaultThatFindsItsTargetDeadHasNotStruck) {
  World world({at_point(Point::kTaskStarted), at_point(Point::kTaskReported)});
  world.reach(Point::kTaskStarted);
  world.bury_everybody();
  world.reach(Point::kTaskReported);
  EXPECT_TRUE(world.injector().struck_at(0).has_value());
  EXPECT_FALSE(world.injector().struck_at(1).has_value());
  EXPECT_TRUE(world.injector().is_over());
}

TEST(Injector, AnEmptyPlanIsOverFromTheBeginning) {
  World world(faults::FaultPlan{});
  world.reach(Point::kTaskStarted);
  EXPECT_TRUE(world.injector().is_over());
  EXPECT_THAT(world.struck(), IsEmpty());
}

}  // namespace
