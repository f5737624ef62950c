#include "sim/process.h"

#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/ports/invariant.h"

namespace sim {
namespace {

engine::Task<> completed() {
  co_return;
}

}  // namespace

Process::Process(Scheduler& scheduler, Trace& trace, FaultHook* hook, engine::ProcessId id)
    : OperationOwner(scheduler), trace_(trace), hook_(hook), id_(id) {}

// Here, and not in the base, so that frames that die with the world still find a whole process.
Process::~Process() {
  if (alive()) {
    end();
  }
}

engine::Instant Process::now() const {
  return OperationOwner::scheduler().now();
}

Scheduler& Process::scheduler() {
  return OperationOwner::scheduler();
}

Executor Process::executor() {
  INVARIANT(alive(), "{} is dead and has no executor", engine::to_string(id_));
  return Executor(*this);
}

void Process::begin_life() {
  begin();
  condemned_ = false;
  record(Operation::kLifeBegan, 0);
}

void Process::end_life() {
  INVARIANT(alive(), "{} dies twice", engine::to_string(id_));
  INVARIANT(!scheduler().is_running(*this), "{} kills itself", engine::to_string(id_));
  record(Operation::kLifeEnded, 0);
  end();
  condemned_ = false;
  for (const std::function<void()>& observer : observers_) {
    observer();
  }
}

void Process::on_end_of_life(std::function<void()> observer) {
  observers_.push_back(std::move(observer));
}

void Process::pause() {
  INVARIANT(alive(), "{} is dead and cannot be paused", engine::to_string(id_));
  record(Operation::kPaused, 0);
  hold();
}

void Process::resume() {
  INVARIANT(alive(), "{} is dead and cannot be resumed", engine::to_string(id_));
  record(Operation::kResumed, 0);
  let_go();
}

engine::Task<> Process::step(Operation operation, std::uint64_t digest, engine::Duration latency) {
  INVARIANT(alive(), "{} takes a step and is dead", engine::to_string(id_));
  ++step_count_;
  trace(operation, digest, step_count_);
  if (hook_ != nullptr) {
    hook_->on_step(*this, step_count_);
  }
  return condemned_ ? park() : sleep_until(now() + latency);
}

void Process::record(Operation operation, std::uint64_t digest) {
  trace(operation, digest, 0);
}

void Process::trace(Operation operation, std::uint64_t digest, std::uint64_t number) {
  trace_.add({.at = now(),
              .process = address(),
              .operation = operation,
              .digest = digest,
              .number = number});
}

// A plain function: the only frame of a wait is the one that holds the operation.
engine::Task<> Process::sleep_until(engine::Instant when) {
  if (when <= now() && !paused()) {
    return completed();
  }
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
      [this, when](auto handler) {
        Scheduler& time = scheduler();
        time.resume_at(time.park(*this, std::move(handler)), when);
      },
      boost::asio::use_awaitable);
}

engine::Task<> Process::pass() {
  return condemned_ ? park() : sleep_until(now());
}

// Waits for nothing: only the end of this life takes the frame away.
engine::Task<> Process::park() {
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
      [this](auto handler) { scheduler().park(*this, std::move(handler)); },
      boost::asio::use_awaitable);
}

}  // namespace sim
