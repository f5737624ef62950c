// faults/injector.h
//
// Watches a world for the moments that a fault plan names, and strikes then. Knows points, steps
// and times; never sees inside the engine.
//
// Invariants
//   F1  Once.     Each fault of the plan strikes at most once.
//   F2  Somebody. A fault whose moment finds its target dead already has not struck, nor has a
//                 partition that finds one of the two processes dead.
// tests/unit/injector_test.cpp checks each by name.

#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "engine/ports/vocabulary.h"
#include "faults/fault_plan.h"
#include "sim/fault_hook.h"
#include "sim/scheduler.h"

namespace faults {

class Injector final : public sim::FaultHook {
 public:
  // `strike` makes fault number n of the plan happen, now, and says whether it hit anybody.
  // `batch_interval` turns the batch numbers of the plan into batch times.
  Injector(sim::Scheduler& scheduler,
           FaultPlan plan,
           engine::Duration batch_interval,
           std::function<bool(std::size_t)> strike);

  void on_step(sim::Process& process, std::uint64_t step) override;
  void on_point(sim::Process& process,
                engine::Point point,
                const engine::PointContext& context) override;

  [[nodiscard]] const FaultPlan& plan() const { return plan_; }

  // When fault number n struck.
  [[nodiscard]] std::optional<engine::Instant> struck_at(std::size_t n) const {
    return struck_at_.at(n);
  }

  // The moment of every fault has come, whether it hit anybody or not.
  [[nodiscard]] bool is_over() const;

 private:
  [[nodiscard]] bool matches(const AtPoint& at, const engine::PointContext& context) const;
  void strike(std::size_t n);

  sim::Scheduler& scheduler_;
  FaultPlan plan_;
  engine::Duration batch_interval_;
  std::function<bool(std::size_t)> strike_;
  std::vector<bool> came_;  // the moment of each fault
  std::vector<std::optional<engine::Instant>> struck_at_;
  std::vector<std::int32_t> seen_;  // how often each fault's point was reached
};

}  // namespace faults
