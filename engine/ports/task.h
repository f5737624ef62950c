// engine/ports/task.h
//
// A coroutine of the engine, and how one is started. Plain Boost.Asio: the same code runs on an
// io_context and on the simulator's virtual clock.

#pragma once

#include <exception>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>

namespace engine {

template <class T = void>
using Task = boost::asio::awaitable<T>;

// Starts `task` on `executor`. What it throws (only InvariantViolation does) leaves the loop that
// runs the executor.
inline void spawn(const boost::asio::any_io_executor& executor, Task<> task) {
  boost::asio::co_spawn(executor, std::move(task), [](const std::exception_ptr& failure) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  });
}

}  // namespace engine
