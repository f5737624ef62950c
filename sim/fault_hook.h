// sim/fault_hook.h
//
// Where a fault plan meets a world. A hook that wants a process dead calls Process::condemn(), so
// that the coroutine which came here is never resumed, and Scheduler::call_next() with the end of
// its life: nothing else runs in between.

#pragma once

#include <cstdint>

#include "engine/ports/points.h"

namespace sim {

class Process;

class FaultHook {
 public:
  FaultHook() = default;
  FaultHook(const FaultHook&) = delete;
  FaultHook& operator=(const FaultHook&) = delete;
  virtual ~FaultHook() = default;

  // `process` is at effect boundary `step`, counted from 1 over all its lives.
  virtual void on_step(Process& process, std::uint64_t step) = 0;

  virtual void on_point(Process& process,
                        engine::Point point,
                        const engine::PointContext& context) = 0;
};

}  // namespace sim
