#include "scenarios/commands/runner_pool.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include "engine/ports/invariant.h"
#include "scenarios/commands/interruption.h"

namespace scenarios {
namespace {

constexpr std::chrono::milliseconds kLookForInterruption{50};
constexpr std::chrono::milliseconds kGrace{500};

}  // namespace

RunnerPool::RunnerPool(KafkaChoice kafka, std::size_t threads, Jobs jobs)
    : kafka_(std::move(kafka)), jobs_(std::move(jobs)), working_(threads) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { work(); });
  }
}

RunnerPool::~RunnerPool() {
  cancelled_ = true;
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

// A condition variable cannot be notified from a signal handler, so the wait is in slices.
std::optional<RunnerPool::Finished> RunnerPool::take() {
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

bool RunnerPool::is_stuck() {
  const std::lock_guard lock(mutex_);
  return working_ > 0;
}

void RunnerPool::work() {
  work_through();
  const std::lock_guard lock(mutex_);
  --working_;
  changed_.notify_all();
}

void RunnerPool::work_through() {
  auto runner = Runner::create(kafka_, [this] { return is_cancelled(); });
  for (;;) {
    const std::size_t number = next_++;
    if (number >= jobs_.count || is_cancelled()) {
      return;
    }
    if (!runner) {
      put({.number = number, .failure = runner.error().message});
      return;
    }
    put({.number = number, .failure = guarded(**runner, number)});
  }
}

// Nothing may leave a thread: each way to fail becomes a sentence.
std::string RunnerPool::guarded(Runner& runner, std::size_t number) const {
  try {
    return jobs_.work(runner, number);
  } catch (const engine::InvariantViolation& violation) {
    return jobs_.name(number) + ": a broken invariant of onceproof itself: " + violation.what;
  } catch (const std::exception& error) {
    return jobs_.name(number) + ": " + error.what();
  }
}

void RunnerPool::put(Finished finished) {
  const std::lock_guard lock(mutex_);
  finished_.push_back(std::move(finished));
  changed_.notify_all();
}

bool RunnerPool::is_cancelled() const {
  return cancelled_ || is_interrupted();
}

std::size_t thread_count(std::int32_t wanted, std::size_t jobs) {
  const std::size_t threads = wanted > 0
                                  ? static_cast<std::size_t>(wanted)
                                  : std::max<std::size_t>(1, std::thread::hardware_concurrency());
  return std::clamp<std::size_t>(threads, 1, std::max<std::size_t>(1, jobs));
}

}  // namespace scenarios
