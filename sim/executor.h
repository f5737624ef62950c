// sim/executor.h
//
// An Asio executor of the virtual clock: what it is given runs in the current instant, in its turn,
// as part of one life of one process. It never runs anything before execute() returns.

#pragma once

#include <type_traits>
#include <utility>

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>

#include "engine/ports/vocabulary.h"
#include "sim/scheduler.h"

namespace sim {

class Executor {
 public:
  explicit Executor(detail::OperationOwner& owner) noexcept : owner_(&owner), life_(owner.life()) {}

  // What comes for a life that has ended is destroyed unseen. That is also how frames unwind: Asio
  // posts them here from the destructors of the operations that held them.
  template <class Function>
  void execute(Function&& function) const {
    if (owner_->is_alive() && owner_->life() == life_) {
      owner_->scheduler().make_ready(*owner_, std::forward<Function>(function));
    }
  }

  // Requires  the scheduler still exists.
  [[nodiscard]] boost::asio::execution_context& query(
      boost::asio::execution::context_t /*context*/) const noexcept {
    return owner_->scheduler();
  }

  [[nodiscard]] static constexpr boost::asio::execution::blocking_t query(
      boost::asio::execution::blocking_t /*blocking*/) noexcept {
    return boost::asio::execution::blocking.never;
  }

  bool operator==(const Executor&) const noexcept = default;

 private:
  detail::OperationOwner* owner_;
  engine::Incarnation life_;
};

}  // namespace sim
