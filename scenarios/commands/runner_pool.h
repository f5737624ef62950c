// scenarios/commands/runner_pool.h
//
// Works through numbered jobs on several threads, each with a runner of its own. Jobs are reported
// in the order in which they are finished.
//
// Lifetime  whatever the jobs refer to outlives the pool. Destroying it ends the runs that are
//           under way.

#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "scenarios/runner.h"

namespace scenarios {

class RunnerPool {
 public:
  struct Jobs {
    std::size_t count = 0;
    // Does the job of this number, once. What it leaves behind may be read when the job has been
    // taken. Empty: done; else a sentence about what the bench could not do.
    std::function<std::string(Runner& runner, std::size_t number)> work;
    // What a sentence about a job begins with.
    std::function<std::string(std::size_t number)> name;
  };

  struct Finished {
    std::size_t number = 0;
    std::string failure;
  };

  RunnerPool(KafkaChoice kafka, std::size_t threads, Jobs jobs);
  RunnerPool(const RunnerPool&) = delete;
  RunnerPool& operator=(const RunnerPool&) = delete;
  ~RunnerPool();

  // The next job; empty: there are no more, or the program was interrupted and what could be had
  // within half a second of that has been taken.
  std::optional<Finished> take();

  // Whether some thread is still busy: inside the Kafka client, which nothing can hurry.
  [[nodiscard]] bool is_stuck();

 private:
  void work();
  void work_through();
  void put(Finished finished);
  [[nodiscard]] std::string guarded(Runner& runner, std::size_t number) const;
  [[nodiscard]] bool is_cancelled() const;

  KafkaChoice kafka_;
  Jobs jobs_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> cancelled_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Finished> finished_;
  std::size_t working_ = 0;  // threads
  std::optional<std::chrono::steady_clock::time_point> give_up_at_;
  std::vector<std::thread> threads_;
};

// So many threads as the user wants, else one per processor; never more than there is work for.
std::size_t thread_count(std::int32_t wanted, std::size_t jobs);

}  // namespace scenarios
