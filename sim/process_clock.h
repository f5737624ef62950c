// sim/process_clock.h
//
// The virtual clock as one process sees it. Every wait belongs to the life of the process in which
// it was started, and ends with it.

#pragma once

#include <memory>

#include "engine/ports/clock.h"
#include "sim/process.h"

namespace sim {

class ProcessClock final : public engine::Clock {
 public:
  explicit ProcessClock(Process& process) : process_(process) {}

  [[nodiscard]] engine::Instant now() const override;
  engine::Task<> sleep_until(engine::Instant when) override;

  // A signal may die before its waiter: the wait then lasts until its deadline, or for ever.
  std::unique_ptr<engine::Signal> make_signal() override;

 private:
  Process& process_;
};

}  // namespace sim
