// engine/ports/clock.h
//
// Time, and the one way to wait. Everything else that waits (queues, messages, timers) is built on
// these two, so that a simulator sees every suspended coroutine of a process.
//
// A clock shows the time of day, which somebody may set, and which may run fast or slow. A wait for
// a time of day follows it; a wait for a duration, and the patience of a wait for a signal, do not.
// So it is in a JVM: System.currentTimeMillis, which Spark's RecurringTimer polls, on the one side,
// Thread.sleep and Object.wait(timeout) on the other.

#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "engine/ports/task.h"
#include "engine/ports/vocabulary.h"

namespace engine {

// Wakes one coroutine. A notification that nobody waits for is kept for the next wait; two of them
// count as one.
class Signal {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  virtual ~Signal() = default;

  virtual void notify() = 0;

  // Requires  no other wait in flight on this signal.
  virtual Task<> wait() = 0;

  // True: notified. False: the time that the clock was short of `deadline` when the wait began has
  // passed first.
  virtual Task<bool> wait_until(Instant deadline) = 0;
};

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  [[nodiscard]] virtual Instant now() const = 0;

  // Completes when the clock shows `when`, or at once if that has passed.
  virtual Task<> sleep_until(Instant when) = 0;

  // Completes when so much time has passed, whatever the clock shows then.
  virtual Task<> sleep_for(Duration duration) = 0;

  virtual std::unique_ptr<Signal> make_signal() = 0;
};

// A queue between coroutines of one process; any number push, one pops.
template <class T>
class Queue {
 public:
  explicit Queue(Clock& clock) : signal_(clock.make_signal()) {}

  void push(T item) {
    items_.push_back(std::move(item));
    signal_->notify();
  }

  Task<T> pop() {
    while (items_.empty()) {
      co_await signal_->wait();
    }
    co_return take_front();
  }

  Task<std::optional<T>> pop_until(Instant deadline) {
    while (items_.empty()) {
      const bool notified = co_await signal_->wait_until(deadline);
      if (!notified && items_.empty()) {
        co_return std::nullopt;
      }
    }
    co_return take_front();
  }

  [[nodiscard]] std::size_t size() const { return items_.size(); }

 private:
  T take_front() {
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  std::deque<T> items_;
  std::unique_ptr<Signal> signal_;
};

}  // namespace engine
