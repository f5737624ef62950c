// sim/process_clock.h
//
// The clock of the machine that a process runs on, and everything in the process that waits for it.
// Every wait belongs to the life of the process in which it was started, and ends with it.
//
// The clock shows virtual time until it is set or begins to drift. What it shows is all that
// changes: virtual time goes on, and what did not ask the clock notices nothing.
//
// Invariants
//   C1  Follows.     A sleep_until() ends in the instant in which the clock first shows its time,
//                    also when it is set or drifts meanwhile. (A JVM would look up to a tenth of
//                    the wait later: Spark's SystemClock polls.)
//   C2  Monotonic.   A sleep_for(), and the patience of wait_until(), last the virtual time that
//                    they were asked for.
//   C3  Undisturbed. Until it is set or drifts, the clock costs and changes nothing.
// tests/unit/process_clock_test.cpp checks each of them by name.
//
// Lifetime  one per process, for the life of the world; it goes before the process or after it.

#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "engine/ports/clock.h"
#include "sim/process.h"

namespace sim {

class ProcessClock final : public engine::Clock {
 public:
  explicit ProcessClock(Process& process) : process_(process) {}

  ~ProcessClock() override;

  // Somebody sets the clock forward, or back if `by` is negative.
  void jump(engine::Duration by);

  // From now on the clock gains so many microseconds in every second, or loses them; 0 stops that
  // and leaves the difference.
  // Requires  more than -1,000,000, because a clock that is slow does not stand still, and at most
  //           1,000,000.
  void drift(std::int64_t microseconds_per_second);

  [[nodiscard]] engine::Instant now() const override;
  engine::Task<> sleep_until(engine::Instant when) override;
  engine::Task<> sleep_for(engine::Duration duration) override;

  // A signal may die before its waiter: the wait then lasts until its deadline, or for ever.
  // Requires  the clock is there as long as somebody begins to wait.
  std::unique_ptr<engine::Signal> make_signal() override;

 private:
  // The operation leaves its place when its wait ends.
  struct Sleeper {
    detail::PendingOperation* operation = nullptr;
    engine::Instant when;
  };

  [[nodiscard]] engine::Instant virtual_time_of(engine::Instant shown) const;
  void show(engine::Instant shown, std::int64_t rate);
  void fall_asleep(detail::PendingOperation& operation, engine::Instant when);

  Process& process_;
  static constexpr std::int64_t kSecond = 1'000'000;  // in microseconds

  // At virtual time `since_` the clock showed `shown_`, and has run at `rate_` since.
  engine::Instant since_{};
  engine::Instant shown_{};
  std::int64_t rate_ = kSecond;   // microseconds shown for a second that passes
  std::deque<Sleeper> sleepers_;  // does not move its elements; those without operation are free
};

}  // namespace sim
