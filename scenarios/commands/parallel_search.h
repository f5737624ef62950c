// scenarios/commands/parallel_search.h
//
// Carries an Explorer through on several threads. Jobs are done in any order and taken in by their
// numbers, so that what is found is the same for any number of threads.
//
// Lifetime  once.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/commands/runner_pool.h"
#include "scenarios/explorer.h"
#include "scenarios/kept_search.h"

namespace scenarios {

class ParallelSearch {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    KafkaChoice kafka;
    std::int32_t threads = 0;                  // 0: as many as there are processors
    std::optional<Clock::time_point> give_up;  // when no job is taken in any more
    // Begins to keep the jobs of the last round, some of which may be done already or be left to
    // others. Empty: nothing is kept.
    std::function<reports::RecordingResult<KeptSearch>(const Exploration& before, std::size_t jobs)>
        keep;
    // Told of every job that is taken in: how many of this round are. May be empty.
    std::function<void(std::size_t taken, std::size_t of)> progress;
  };

  ParallelSearch(Explorer explorer, Options options);
  ParallelSearch(const ParallelSearch&) = delete;
  ParallelSearch& operator=(const ParallelSearch&) = delete;
  ~ParallelSearch() = default;

  // All that was found, or what was until it was cut short.
  Runner::Outcome<Exploration> run();

  // Empty: nothing is kept, or it never came to the last round.
  [[nodiscard]] const std::optional<KeptSearch>& kept() const { return kept_; }

  // Parts of the campaign that the result is made of. Not those that are kept and lie behind a cut:
  // how many they are depends on the threads.
  [[nodiscard]] std::int64_t parts_taken() const { return parts_taken_; }

  // As of RunnerPool.
  [[nodiscard]] bool is_stuck() { return pool_ && pool_->is_stuck(); }

 private:
  // Empty: not done yet, taken in, or left to others.
  using Slots = std::vector<std::optional<Explorer::Done>>;

  // False: nothing more is to be done.
  Runner::Outcome<bool> run_round();
  std::string begin_keeping();
  std::string keep(std::size_t number);
  std::vector<bool> finished_before();
  Runner::Outcome<bool> take_in(const std::vector<bool>& finished, std::size_t& next);
  Runner::Outcome<Explorer::Done> within_budget(Explorer::Done done, std::size_t number);
  [[nodiscard]] bool is_late() const;

  Explorer explorer_;
  Options options_;
  // Of the current round; they outlive the pool, which reads and writes them.
  std::vector<std::size_t> to_do_;  // numbers of jobs
  Slots slots_;
  std::optional<KeptSearch> kept_;
  std::int64_t parts_taken_ = 0;
  std::optional<RunnerPool> pool_;
};

}  // namespace scenarios
