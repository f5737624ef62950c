// scenarios/onceproof/testing.h
//
// For tests of a user's own: explore a pipeline and assert what it delivers, as in
// EXPECT_TRUE(onceproof::explore(pipeline).delivers(onceproof::Guarantee::kExactlyOnce)).
//
// An Outcome is all that any test framework needs: true or false, with its reason when printed.
// GoogleTest's EXPECT_TRUE and RapidCheck's RC_ASSERT print it.

#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include "onceproof/operation.h"
#include "onceproof/pipeline.h"
#include "onceproof/sink.h"

#include "reports/judge.h"

namespace onceproof {

using reports::Guarantee;

// testing::AssertionResult, without naming it: made from a bool, and takes text.
template <class T>
concept AssertionResult = std::constructible_from<T, bool> &&
    requires(T& result, const std::string& text) {
  { result << text } -> std::same_as<T&>;
};

// Whether the pipeline delivers what was asked, and the reason.
class [[nodiscard]] Outcome {
 public:
  static Outcome holds(std::string message, std::int64_t schedules);
  static Outcome fails(std::string message, std::string token, std::int64_t schedules);

  explicit operator bool() const { return holds_; }

  template <AssertionResult T>
  operator T() const {  // NOLINT(google-explicit-constructor): EXPECT_TRUE converts
    T result(holds_);
    result << message_;
    return result;
  }

  // How many schedules were run. If it fails: what was found, in which schedule, and its token; or
  // why nothing could be explored.
  [[nodiscard]] const std::string& message() const { return message_; }

  // Of the schedule that refutes it, for Search::only(); empty if there is none.
  [[nodiscard]] const std::string& token() const { return token_; }

  [[nodiscard]] std::int64_t schedules() const { return schedules_; }

 private:
  Outcome() = default;

  bool holds_ = false;
  std::string message_;
  std::string token_;
  std::int64_t schedules_ = 0;
};

inline std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << outcome.message();
}

// A family of schedules of one pipeline, on the in-process model of Kafka: the faults of its text,
// and a crash more at every effect boundary of every process, of every target.
class Search {
 public:
  explicit Search(Pipeline pipeline) : pipeline_(std::move(pipeline)) {}

  // How many crashes more, one after the other.
  Search& depth(std::int32_t crashes);

  // Nothing but the schedule that a token names. Fails if the token was made from another text, or
  // with other names of the user's own code.
  Search& only(std::string token);

  // No schedule falls below `promised`, by what the sink holds in the end. Fails as well if nothing
  // is expected to reach the sink, of which any guarantee would hold, and if two runs of the user's
  // own code differ.
  [[nodiscard]] Outcome delivers(Guarantee promised) const;

 private:
  [[nodiscard]] Outcome search(Guarantee promised) const;

  Pipeline pipeline_;
  std::int32_t depth_ = 1;
  std::optional<std::string> token_;
};

inline Search explore(Pipeline pipeline) {
  return Search(std::move(pipeline));
}

}  // namespace onceproof
