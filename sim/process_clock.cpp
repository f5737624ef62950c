#include "sim/process_clock.h"

#include <algorithm>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/ports/invariant.h"

namespace sim {
namespace {

engine::Task<bool> completed(bool notified) {
  co_return notified;
}

}  // namespace

// One operation with two arms: whichever of signal and timer comes first takes it from the other.
class ProcessSignal final : public engine::Signal {
 public:
  ProcessSignal(Process& process, const ProcessClock& clock) : process_(process), clock_(clock) {}

  ProcessSignal(const ProcessSignal&) = delete;
  ProcessSignal& operator=(const ProcessSignal&) = delete;

  ~ProcessSignal() override {
    if (waiter_ != nullptr) {
      waiter_->waiter_of = nullptr;
    }
  }

  void notify() override {
    if (waiter_ != nullptr) {
      process_.scheduler().resume(*waiter_, true);
    } else {
      notified_ = true;
    }
  }

  engine::Task<> wait() override {
    if (std::exchange(notified_, false)) {
      return process_.pass();
    }
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
        [this](auto handler) { arm(std::move(handler)); }, boost::asio::use_awaitable);
  }

  engine::Task<bool> wait_until(engine::Instant deadline) override {
    if (std::exchange(notified_, false)) {
      return completed(true);
    }
    const engine::Duration patience = deadline - clock_.now();
    if (patience <= engine::Duration{0}) {
      return completed(false);
    }
    const engine::Instant until = process_.now() + patience;
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void(bool)>(
        [this, until](auto handler) {
          detail::PendingOperation& operation = arm(std::move(handler));
          if (waiter_ == &operation) {
            process_.scheduler().resume_at(operation, until);
          }
        },
        boost::asio::use_awaitable);
  }

 private:
  // A notification may have come between the call and the await of its result.
  template <class Handler>
  detail::PendingOperation& arm(Handler handler) {
    INVARIANT(waiter_ == nullptr, "two coroutines wait for one signal");
    detail::PendingOperation& operation = process_.scheduler().park(process_, std::move(handler));
    if (std::exchange(notified_, false)) {
      process_.scheduler().resume(operation, true);
    } else {
      waiter_ = &operation;
      operation.waiter_of = &waiter_;
    }
    return operation;
  }

  Process& process_;
  const ProcessClock& clock_;
  detail::PendingOperation* waiter_ = nullptr;
  bool notified_ = false;
};

ProcessClock::~ProcessClock() {
  for (const Sleeper& sleeper : sleepers_) {
    if (sleeper.operation != nullptr) {
      sleeper.operation->waiter_of = nullptr;
    }
  }
}

void ProcessClock::jump(engine::Duration by) {
  show(now() + by, rate_);
}

void ProcessClock::drift(std::int64_t microseconds_per_second) {
  INVARIANT(microseconds_per_second > -kSecond && microseconds_per_second <= kSecond,
            "a clock gains {} us in every second",
            microseconds_per_second);
  show(now(), kSecond + microseconds_per_second);
}

// Whoever sleeps until a time of day has slept for long enough when the clock says so.
void ProcessClock::show(engine::Instant shown, std::int64_t rate) {
  since_ = process_.now();
  shown_ = shown;
  rate_ = rate;
  for (const Sleeper& sleeper : sleepers_) {
    if (sleeper.operation != nullptr) {
      process_.scheduler().resume_at(*sleeper.operation, virtual_time_of(sleeper.when));
    }
  }
}

engine::Instant ProcessClock::now() const {
  const std::int64_t passed = (process_.now() - since_).count();
  return shown_ + engine::Duration(rate_ == kSecond ? passed : passed * rate_ / kSecond);
}

// The first instant at which the clock shows no less: what now() rounds down, this rounds up.
engine::Instant ProcessClock::virtual_time_of(engine::Instant shown) const {
  const std::int64_t ahead = (shown - shown_).count();
  if (rate_ == kSecond || ahead <= 0) {
    return since_ + engine::Duration(ahead);
  }
  return since_ + engine::Duration((ahead * kSecond + rate_ - 1) / rate_);
}

engine::Task<> ProcessClock::sleep_until(engine::Instant when) {
  const engine::Instant until = virtual_time_of(when);
  if (until <= process_.now()) {
    return process_.sleep_until(until);
  }
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
      [this, when](auto handler) {
        fall_asleep(process_.scheduler().park(process_, std::move(handler)), when);
      },
      boost::asio::use_awaitable);
}

void ProcessClock::fall_asleep(detail::PendingOperation& operation, engine::Instant when) {
  auto place = std::ranges::find(sleepers_, nullptr, &Sleeper::operation);
  if (place == sleepers_.end()) {
    place = sleepers_.emplace(place);
  }
  *place = {.operation = &operation, .when = when};
  operation.waiter_of = &place->operation;
  process_.scheduler().resume_at(operation, virtual_time_of(when));
}

engine::Task<> ProcessClock::sleep_for(engine::Duration duration) {
  return process_.sleep_until(process_.now() + duration);
}

std::unique_ptr<engine::Signal> ProcessClock::make_signal() {
  return std::make_unique<ProcessSignal>(process_, *this);
}

}  // namespace sim
