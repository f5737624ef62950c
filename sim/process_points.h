// sim/process_points.h
//
// The named points of one process: each is traced, shown to the observer, and may be the last thing
// that the process ever does.

#pragma once

#include <functional>

#include "engine/ports/points.h"
#include "sim/process.h"

namespace sim {

using PointObserver = std::function<void(Process&, engine::Point, const engine::PointContext&)>;

class ProcessPoints final : public engine::Points {
 public:
  // `observer` may be empty. It sees every point reached, also one that kills.
  explicit ProcessPoints(Process& process, PointObserver observer = {});

  // Behind this point the process works so much longer before it goes on, whenever it reaches it
  // before `until`: a task that is slow, and not the process that runs it.
  void delay(engine::Point point, engine::Duration by, engine::Instant until) {
    delay_ = {.point = point, .by = by, .until = until};
  }

  // The point is reached by the call; awaiting the result passes, or never returns.
  engine::Task<> reach(engine::Point point, engine::PointContext context) override;

 private:
  struct Delay {
    engine::Point point{};
    engine::Duration by{};
    engine::Instant until{};
  };

  Process& process_;
  PointObserver observer_;
  Delay delay_;
};

}  // namespace sim
