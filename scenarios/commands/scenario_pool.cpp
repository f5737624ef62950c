#include "scenarios/commands/scenario_pool.h"

#include <exception>
#include <utility>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "scenarios/commands/interruption.h"

namespace scenarios {
namespace {

constexpr std::chrono::milliseconds kLookForInterruption{50};
constexpr std::chrono::milliseconds kGrace{500};

// Nothing may leave a thread: each way to fail becomes a sentence.
Runner::Outcome<ScenarioReport> guarded_report(Runner& runner, const PreparedScenario& prepared) {
  const auto failed = [&prepared](const std::string& why) {
    return Runner::Failure{fmt::format("{}: {}", prepared.scenario.name, why)};
  };
  try {
    return report_on(runner, prepared);
  } catch (const engine::InvariantViolation& violation) {
    return failed("a broken invariant of onceproof itself: " + violation.what);
  } catch (const std::exception& error) {
    return failed(error.what());
  }
}

}  // namespace

ScenarioPool::ScenarioPool(const std::vector<PreparedScenario>& scenarios,
                           KafkaChoice kafka,
                           std::size_t threads)
    : scenarios_(scenarios), kafka_(std::move(kafka)), working_(threads) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { work(); });
  }
}

ScenarioPool::~ScenarioPool() {
  cancelled_ = true;
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

// A condition variable cannot be notified from a signal handler, so the wait is in slices.
std::optional<ScenarioPool::Finished> ScenarioPool::take() {
  std::unique_lock lock(mutex_);
  while (finished_.empty() && working_ > 0) {
    changed_.wait_for(lock, kLookForInterruption);
    const auto now = std::chrono::steady_clock::now();
    if (is_interrupted() && !give_up_at_) {
      give_up_at_ = now + kGrace;
    }
    if (give_up_at_ && now >= *give_up_at_) {
      break;
    }
  }
  if (finished_.empty()) {
    return std::nullopt;
  }
  Finished next = std::move(finished_.front());
  finished_.pop_front();
  return next;
}

bool ScenarioPool::is_stuck() {
  const std::lock_guard lock(mutex_);
  return working_ > 0;
}

void ScenarioPool::work() {
  work_through();
  const std::lock_guard lock(mutex_);
  --working_;
  changed_.notify_all();
}

void ScenarioPool::work_through() {
  auto runner = Runner::create(kafka_, [this] { return is_cancelled(); });
  for (;;) {
    const std::size_t index = next_++;
    if (index >= scenarios_.size() || is_cancelled()) {
      return;
    }
    if (!runner) {
      put({.index = index, .report = runner.error()});
      return;
    }
    put({.index = index, .report = guarded_report(**runner, scenarios_[index])});
  }
}

void ScenarioPool::put(Finished finished) {
  const std::lock_guard lock(mutex_);
  finished_.push_back(std::move(finished));
  changed_.notify_all();
}

bool ScenarioPool::is_cancelled() const {
  return cancelled_ || is_interrupted();
}

}  // namespace scenarios
