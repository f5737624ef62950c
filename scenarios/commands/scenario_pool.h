// scenarios/commands/scenario_pool.h
//
// Runs scenarios on several threads, each with a runner of its own. Reports come out in the order
// in which they are finished, so that each can be recorded before anything else may go wrong.
//
// Lifetime  the scenarios outlive the pool. Destroying it ends the runs that are under way.

#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "scenarios/commands/scenario_report.h"
#include "scenarios/prepared.h"
#include "scenarios/runner.h"

namespace scenarios {

class ScenarioPool {
 public:
  struct Finished {
    std::size_t index = 0;  // of the scenario
    Runner::Outcome<ScenarioReport> report;
  };

  ScenarioPool(const std::vector<PreparedScenario>& scenarios,
               KafkaChoice kafka,
               std::size_t threads);
  ScenarioPool(const ScenarioPool&) = delete;
  ScenarioPool& operator=(const ScenarioPool&) = delete;
  ~ScenarioPool();

  // The next report; empty: there are no more, or the program was interrupted and what could be had
  // within half a second of that has been taken.
  std::optional<Finished> take();

  // Whether some thread is still busy: inside the Kafka client, which nothing can hurry.
  [[nodiscard]] bool is_stuck();

 private:
  void work();
  void work_through();
  void put(Finished finished);
  [[nodiscard]] bool is_cancelled() const;

  const std::vector<PreparedScenario>& scenarios_;
  KafkaChoice kafka_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> cancelled_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Finished> finished_;
  std::size_t working_ = 0;  // threads
  std::optional<std::chrono::steady_clock::time_point> give_up_at_;
  std::vector<std::thread> threads_;
};

}  // namespace scenarios
