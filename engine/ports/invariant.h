// engine/ports/invariant.h
//
// What must hold whatever the world does. A broken invariant is our own mistake: it is checked in
// every build, stops the run, and is reported with the token that repeats it.

#pragma once

#include <string>

#include <boost/assert/source_location.hpp>
#include <fmt/format.h>

namespace engine {

// Derives from nothing, so that no `catch (const std::exception&)` swallows it.
struct InvariantViolation {
  std::string what;
};

[[noreturn]] void fail_invariant(const char* condition,
                                 std::string message,
                                 const boost::source_location& where);

}  // namespace engine

// INVARIANT(condition, "text {}", value)
#define INVARIANT(condition, ...)                                                             \
  do {                                                                                        \
    if (!(condition)) [[unlikely]] {                                                          \
      ::engine::fail_invariant(#condition, fmt::format(__VA_ARGS__), BOOST_CURRENT_LOCATION); \
    }                                                                                         \
  } while (false)
