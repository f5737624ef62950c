// tests/property/strategies_property_test.cpp
//
// D1 to D4 of faults/strategies.h for any battlefield, what is peculiar to each strategy, and that
// whatever is drawn for a scenario is a fault that its file might name.

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "faults/strategies.h"
#include "scenarios/battlefield.h"
#include "scenarios/fault_writer.h"
#include "scenarios/loader.h"
#include "scenarios/matrix/rows.h"
#include "scenarios/yaml_writer.h"

namespace {

using namespace std::chrono_literals;
using faults::Battlefield;
using faults::draw_schedule;
using faults::Fault;
using faults::FaultKind;
using faults::FaultPlan;
using faults::ProcessSteps;
using faults::Strategy;
using faults::Target;
using faults::TargetKind;

constexpr Strategy kDrawing[] = {Strategy::kRandom, Strategy::kPct, Strategy::kSwarm};

std::vector<FaultKind> all_kinds() {
  std::vector<FaultKind> kinds;
  for (int i = 0; i < faults::kFaultKinds; ++i) {
    kinds.push_back(static_cast<FaultKind>(i));
  }
  return kinds;
}

// Everything can go wrong here.
Battlefield widest() {
  return {.steps = {{{engine::Role::kDriver, 0}, 40},
                    {{engine::Role::kExecutor, 0}, 25},
                    {{engine::Role::kExecutor, 1}, 1}},
          .executors = 2,
          .receivers = 1,
          .partitions = 3,
          .kinds = all_kinds(),
          .messages = {0, 1, 2, 5},
          .droppable = {1},
          .files = {faults::FileKind::kCheckpoint, faults::FileKind::kReceiverLog},
          .executors_have_files = true,
          .room = 600s,
          .patience = 5s,
          .silence = 3s};
}

Battlefield draw_battlefield() {
  Battlefield field = widest();
  field.executors = *rc::gen::inRange(1, 5);
  field.receivers = *rc::gen::inRange(0, 3);
  field.partitions = *rc::gen::inRange(1, 4);
  field.steps = {{{engine::Role::kDriver, 0}, *rc::gen::inRange<std::uint64_t>(1, 50)}};
  for (std::int32_t i = 0; i < field.executors; ++i) {
    field.steps.push_back({{engine::Role::kExecutor, i}, *rc::gen::inRange<std::uint64_t>(0, 50)});
  }
  field.kinds = *rc::gen::container<std::vector<FaultKind>>(rc::gen::elementOf(all_kinds()));
  field.kinds.push_back(FaultKind::kCrash);
  field.executors_have_files = *rc::gen::arbitrary<bool>();
  field.room = std::chrono::milliseconds(*rc::gen::inRange(1000, 1'000'000));
  field.patience = std::chrono::milliseconds(*rc::gen::inRange(1000, 200'000));
  field.silence = field.patience / *rc::gen::inRange(1, 5);
  return field;
}

// How long the faults of a plan last, one after the other.
struct Lasting {
  engine::Duration operator()(const faults::Crash&) const { return {}; }

  engine::Duration operator()(const faults::Failure&) const { return {}; }

  engine::Duration operator()(const faults::Reorder&) const { return {}; }

  engine::Duration operator()(const faults::Yield&) const { return {}; }

  engine::Duration operator()(const faults::Partition& fault) const { return fault.lasts; }

  engine::Duration operator()(const faults::Pause& fault) const { return fault.lasts; }

  engine::Duration operator()(const faults::DiskFault& fault) const { return fault.lasts; }

  engine::Duration operator()(const faults::KafkaFault& fault) const { return fault.lasts; }

  engine::Duration operator()(const faults::MessageFault& fault) const {
    return fault.by * fault.times;
  }

  engine::Duration operator()(const faults::Slowdown& fault) const {
    return fault.lasts + fault.extra;
  }

  engine::Duration operator()(const faults::ClockFault& fault) const {
    return std::chrono::abs(fault.jump);
  }
};

// For how long somebody whom the driver must not give up is silent for it.
engine::Duration silence_of(const Fault& fault, const Battlefield& field) {
  const Target scapegoat{TargetKind::kExecutor, 0};
  if (const auto* const pause = std::get_if<faults::Pause>(&fault)) {
    const bool may_be_given_up = pause->target == scapegoat && field.executors > 1;
    return may_be_given_up ? engine::Duration() : pause->lasts;
  }
  if (const auto* const cut = std::get_if<faults::Partition>(&fault)) {
    const bool is_allowed = cut->left.kind == TargetKind::kExecutor || cut->right == scapegoat;
    return is_allowed ? engine::Duration() : cut->lasts;
  }
  const bool silences = std::holds_alternative<faults::MessageFault>(fault) ||
                        std::holds_alternative<faults::ClockFault>(fault);
  return silences ? std::visit(Lasting{}, fault) : engine::Duration();
}

bool exists(const Target& target, const Battlefield& field) {
  switch (target.kind) {
    case TargetKind::kDriver:
    case TargetKind::kCluster:
      return target.index == 0;
    case TargetKind::kExecutor:
    case TargetKind::kMachine:
      return target.index >= 0 && target.index < field.executors;
    case TargetKind::kReceiver:
    case TargetKind::kReceiverExecutor:
      return target.index >= 0 && target.index < field.receivers;
  }
  return false;
}

struct TargetsOf {
  std::vector<Target> operator()(const faults::Crash& fault) const { return {fault.target}; }

  std::vector<Target> operator()(const faults::Partition& fault) const {
    return {fault.left, fault.right};
  }

  std::vector<Target> operator()(const faults::Pause& fault) const { return {fault.target}; }

  std::vector<Target> operator()(const faults::MessageFault& fault) const {
    return {fault.from.value_or(Target{}), fault.to.value_or(Target{})};
  }

  std::vector<Target> operator()(const faults::Failure& fault) const { return {fault.target}; }

  std::vector<Target> operator()(const faults::DiskFault&) const { return {}; }

  std::vector<Target> operator()(const faults::KafkaFault& fault) const { return {fault.target}; }

  std::vector<Target> operator()(const faults::ClockFault& fault) const { return {fault.target}; }

  std::vector<Target> operator()(const faults::Slowdown& fault) const { return {fault.target}; }

  std::vector<Target> operator()(const faults::Reorder&) const { return {}; }

  std::vector<Target> operator()(const faults::Yield& fault) const { return {fault.target}; }
};

bool is_boundary(const faults::Trigger& trigger, const Battlefield& field) {
  const auto* const at = std::get_if<faults::AtStep>(&trigger);
  const auto counted = [&](const ProcessSteps& one) {
    return one.process == at->process && at->step >= 1 && at->step <= one.steps;
  };
  return at != nullptr && std::ranges::any_of(field.steps, counted);
}

bool is_at_start(const Fault& fault) {
  return std::holds_alternative<faults::AtTime>(faults::trigger_of(fault));
}

RC_GTEST_PROP(Strategies, D1TheSameArgumentsGiveTheSameSchedule, ()) {
  const Battlefield field = draw_battlefield();
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto index = *rc::gen::arbitrary<std::uint64_t>();
  const auto faults_max = *rc::gen::inRange(1, 10);
  for (const Strategy strategy : kDrawing) {
    const FaultPlan once = draw_schedule(strategy, seed, index, faults_max, {}, field);
    RC_ASSERT(draw_schedule(strategy, seed, index, faults_max, {}, field) == once);
  }
}

TEST(Strategies, D1AnotherNumberIsAnotherSchedule) {
  for (const Strategy strategy : kDrawing) {
    std::set<FaultPlan> drawn;
    for (std::uint64_t index = 0; index < 200; ++index) {
      drawn.insert(draw_schedule(strategy, 1, index, 4, {}, widest()));
    }
    EXPECT_GT(drawn.size(), 195U);
    EXPECT_NE(draw_schedule(strategy, 1, 0, 4, {}, widest()),
              draw_schedule(strategy, 2, 0, 4, {}, widest()));
  }
}

RC_GTEST_PROP(Strategies, D2EveryMomentTargetAndKindIsOneOfTheBattlefields, ()) {
  const Battlefield field = draw_battlefield();
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto faults_max = *rc::gen::inRange(1, 10);
  for (const Strategy strategy : kDrawing) {
    for (const Fault& fault : draw_schedule(strategy, seed, 0, faults_max, {}, field)) {
      const bool is_priority = strategy == Strategy::kPct && is_at_start(fault);
      RC_ASSERT(is_priority || is_boundary(faults::trigger_of(fault), field));
      for (const Target& target : std::visit(TargetsOf{}, fault)) {
        RC_ASSERT(exists(target, field));
      }
      RC_ASSERT(strategy == Strategy::kPct ||
                std::ranges::find(field.kinds, faults::kind_of(fault)) != field.kinds.end());
    }
  }
}

RC_GTEST_PROP(Strategies, D3NobodyStaysDeadOrIsSilentForTooLongAndAllThatLastsFitsTheRoom, ()) {
  const Battlefield field = draw_battlefield();
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto faults_max = *rc::gen::inRange(1, 10);
  for (const Strategy strategy : kDrawing) {
    engine::Duration lasting{};
    engine::Duration silence{};
    for (const Fault& fault : draw_schedule(strategy, seed, 0, faults_max, {}, field)) {
      lasting += std::visit(Lasting{}, fault);
      silence += silence_of(fault, field);
      const auto* const crash = std::get_if<faults::Crash>(&fault);
      RC_ASSERT(crash == nullptr || crash->restarts);
    }
    RC_ASSERT(lasting <= field.room);
    RC_ASSERT(silence <= field.silence);
  }
}

TEST(Strategies, D4EveryKindIsDrawnByRandomAndBySwarm) {
  for (const Strategy strategy : {Strategy::kRandom, Strategy::kSwarm}) {
    std::set<FaultKind> drawn;
    for (std::uint64_t index = 0; index < 300; ++index) {
      for (const Fault& fault : draw_schedule(strategy, 1, index, 4, {}, widest())) {
        drawn.insert(faults::kind_of(fault));
      }
    }
    EXPECT_EQ(drawn.size(), all_kinds().size());
  }
}

// What heals too late for the room that there is is not drawn, and everything else is.
TEST(Strategies, WhatIsWaitedForTooLongIsNotDrawn) {
  Battlefield field = widest();
  field.patience = field.room;
  std::set<FaultKind> drawn;
  for (std::uint64_t index = 0; index < 600; ++index) {
    for (const Fault& fault : draw_schedule(Strategy::kRandom, 1, index, 4, {}, field)) {
      drawn.insert(faults::kind_of(fault));
      const auto* const crash = std::get_if<faults::Crash>(&fault);
      EXPECT_TRUE(crash == nullptr || crash->target.kind != TargetKind::kMachine);
    }
  }
  EXPECT_EQ(drawn.size(), all_kinds().size() - 3);
  EXPECT_FALSE(drawn.contains(FaultKind::kPartition));
  EXPECT_FALSE(drawn.contains(FaultKind::kDrop));
  EXPECT_FALSE(drawn.contains(FaultKind::kRpcFailure));
}

TEST(Strategies, TheFaultsOfTheScenarioComeFirst) {
  const FaultPlan base{faults::Yield{.target = {}, .at = faults::AtTime{7s}}};
  for (const Strategy strategy : kDrawing) {
    FaultPlan drawn = draw_schedule(strategy, 1, 5, 3, base, widest());
    ASSERT_GT(drawn.size(), 1U);
    EXPECT_EQ(drawn.front(), base.front());
    drawn.erase(drawn.begin());
    EXPECT_EQ(drawn, draw_schedule(strategy, 1, 5, 3, {}, widest()));
  }
}

// With many faults nearly every kind is in a random schedule, and about half of them in one of a
// swarm.
TEST(Strategies, ASwarmOmitsKindsThatARandomScheduleOfThatLengthHas) {
  const auto kinds_per_schedule = [](Strategy strategy) {
    std::size_t sum = 0;
    for (std::uint64_t index = 0; index < 100; ++index) {
      std::set<FaultKind> kinds;
      for (const Fault& fault : draw_schedule(strategy, 1, index, 100, {}, widest())) {
        kinds.insert(faults::kind_of(fault));
      }
      sum += kinds.size();
    }
    return sum / 100;
  };
  const auto swarm = kinds_per_schedule(Strategy::kSwarm);
  EXPECT_GE(swarm, 9U);
  EXPECT_LE(swarm, 14U);
  EXPECT_GE(kinds_per_schedule(Strategy::kRandom), 18U);
}

RC_GTEST_PROP(Strategies, APctScheduleOfDepthDHasDMinusOneChangePoints, ()) {
  const Battlefield field = draw_battlefield();
  const auto depth = *rc::gen::inRange(1, 10);
  const FaultPlan plan =
      draw_schedule(Strategy::kPct, *rc::gen::arbitrary<std::uint64_t>(), 0, depth, {}, field);
  std::set<Target> priorities;
  int change_points = 0;
  int crashes = 0;
  for (const Fault& fault : plan) {
    const auto* const yield = std::get_if<faults::Yield>(&fault);
    if (yield != nullptr && is_at_start(fault)) {
      priorities.insert(yield->target);
    } else if (yield != nullptr) {
      ++change_points;
    } else {
      RC_ASSERT(std::holds_alternative<faults::Crash>(fault));
      ++crashes;
    }
  }
  RC_ASSERT(priorities.size() == static_cast<std::size_t>(field.executors) + 1);
  RC_ASSERT(change_points == depth - 1);
  RC_ASSERT(crashes >= 1 && crashes <= depth);
}

// Each of 66 boundaries is the moment of the only fault in about 1 of 66 schedules.
TEST(Strategies, EveryBoundaryIsAsLikelyAsAnyOther) {
  std::map<faults::Trigger, int> moments;
  for (std::uint64_t index = 0; index < 66 * 100; ++index) {
    const FaultPlan plan = draw_schedule(Strategy::kRandom, 1, index, 1, {}, widest());
    ++moments[faults::trigger_of(plan.front())];
  }
  EXPECT_EQ(moments.size(), 66U);
  for (const auto& [moment, count] : moments) {
    EXPECT_GT(count, 50);
    EXPECT_LT(count, 150);
  }
}

TEST(Strategies, EveryOrderOfPrioritiesIsDrawn) {
  std::map<std::vector<Target>, int> orders;
  for (std::uint64_t index = 0; index < 600; ++index) {
    std::vector<Target> order;
    for (const Fault& fault : draw_schedule(Strategy::kPct, 1, index, 1, {}, widest())) {
      if (is_at_start(fault)) {
        order.push_back(std::get<faults::Yield>(fault).target);
      }
    }
    ++orders[order];
  }
  EXPECT_EQ(orders.size(), 6U);
}

// One pipeline of the guarantee table, with room to heal and a cluster that soon loses its
// patience.
scenarios::YamlNode document_of(const scenarios::MatrixRow& row) {
  auto documents = scenarios::parse_yaml(scenarios::scenario_text(row), "a row");
  EXPECT_TRUE(documents.has_value());
  scenarios::YamlNode document = std::move(documents->front());
  scenarios::set_value(document, {"stop", "within"}, scenarios::make_scalar("120s"));
  scenarios::set_value(document, {"cluster", "network_timeout"}, scenarios::make_scalar("4s"));
  scenarios::set_value(document, {"cluster", "heartbeat_interval"}, scenarios::make_scalar("1s"));
  return document;
}

TEST(Strategies, WhatIsDrawnForAScenarioIsWhatItsFileMaySay) {
  std::set<FaultKind> drawn;
  for (const scenarios::MatrixRow& row : scenarios::matrix_rows(scenarios::Engine::kFaithful)) {
    scenarios::YamlNode document = document_of(row);
    const auto scenario = scenarios::load_text(scenarios::write_yaml(document), "a row");
    ASSERT_TRUE(scenario.has_value()) << scenario.error().to_string();
    const Battlefield field =
        scenarios::battlefield_of(scenario->front(), widest().steps, engine::Instant{10s});
    for (std::uint64_t index = 0; index < 20; ++index) {
      const FaultPlan plan = draw_schedule(Strategy::kSwarm, 1, index, 4, {}, field);
      scenarios::set_value(document, {"faults"}, scenarios::to_yaml(plan));
      const auto again = scenarios::load_text(scenarios::write_yaml(document), "a row");
      ASSERT_TRUE(again.has_value()) << again.error().to_string();
      EXPECT_EQ(again->front().faults, plan);
      std::ranges::transform(plan, std::inserter(drawn, drawn.end()), faults::kind_of);
    }
  }
  EXPECT_EQ(drawn.size(), all_kinds().size() - 3) << "all but what destroys for good";
}

}  // namespace
