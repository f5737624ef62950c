#include "sim/process_clock.h"

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
  explicit ProcessSignal(Process& process) : process_(process) {}

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
    if (deadline <= process_.now()) {
      return completed(false);
    }
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void(bool)>(
        [this, deadline](auto handler) {
          detail::PendingOperation& operation = arm(std::move(handler));
          if (waiter_ == &operation) {
            process_.scheduler().resume_at(operation, deadline);
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
  detail::PendingOperation* waiter_ = nullptr;
  bool notified_ = false;
};

engine::Instant ProcessClock::now() const {
  return process_.now();
}

engine::Task<> ProcessClock::sleep_until(engine::Instant when) {
  return process_.sleep_until(when);
}

std::unique_ptr<engine::Signal> ProcessClock::make_signal() {
  return std::make_unique<ProcessSignal>(process_);
}

}  // namespace sim
