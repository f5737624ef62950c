// engine/wal/turn.h
//
// One coroutine at a time, first come, first served: what a synchronized method is to threads.
// A crash destroys the turn together with all who wait for it, so nothing needs to give it back.

#pragma once

#include <deque>
#include <memory>

#include "engine/ports/clock.h"
#include "engine/ports/invariant.h"

namespace engine {

class Turn {
 public:
  explicit Turn(Clock& clock) : clock_(clock) {}

  Task<> take() {
    if (!taken_) {
      taken_ = true;
      co_return;
    }
    const std::unique_ptr<Signal> given = clock_.make_signal();
    waiting_.push_back(given.get());
    co_await given->wait();
  }

  // Requires  the caller took it.
  void give() {
    INVARIANT(taken_, "a turn is given that nobody took");
    if (waiting_.empty()) {
      taken_ = false;
      return;
    }
    Signal* const next = waiting_.front();
    waiting_.pop_front();
    next->notify();
  }

 private:
  Clock& clock_;
  bool taken_ = false;
  std::deque<Signal*> waiting_;
};

}  // namespace engine
