#include "scenarios/commands/parallel_search.h"

#include <utility>

#include <fmt/format.h>

#include "scenarios/commands/interruption.h"

namespace scenarios {

ParallelSearch::ParallelSearch(Explorer explorer, Options options)
    : explorer_(std::move(explorer)), options_(std::move(options)) {}

Runner::Outcome<Exploration> ParallelSearch::run() {
  for (; explorer_.job_count() > 0; explorer_.begin_next_round()) {
    const auto goes_on = run_round();
    if (!goes_on) {
      return goes_on.error();
    }
    if (!*goes_on) {
      break;
    }
  }
  return std::move(explorer_).finish();
}

Runner::Outcome<bool> ParallelSearch::run_round() {
  const std::size_t count = explorer_.job_count();
  const std::int64_t schedules_max = explorer_.schedules_left();
  pool_.reset();
  slots_ = Slots(count);
  const auto work = [this, schedules_max](Runner& runner, std::size_t number) -> std::string {
    auto done = explorer_.work(runner, number, schedules_max);
    if (!done) {
      return done.error().message;
    }
    slots_[number] = std::move(*done);
    return {};
  };
  const auto name = [](std::size_t number) { return fmt::format("part {} of a search", number); };
  pool_.emplace(options_.kafka,
                thread_count(options_.threads, count),
                RunnerPool::Jobs{.count = count, .work = work, .name = name});
  std::vector<bool> finished(count);
  std::size_t next = 0;
  while (next < count) {
    const auto job = pool_->take();
    if (!job || is_interrupted() || is_late()) {
      return false;
    }
    if (!job->failure.empty()) {
      return Runner::Failure{job->failure};
    }
    finished[job->number] = true;
    const auto goes_on = take_in(finished, next);
    if (!goes_on || !*goes_on) {
      return goes_on;
    }
  }
  return true;
}

// Every job that is finished and whose predecessors are taken in.
Runner::Outcome<bool> ParallelSearch::take_in(const std::vector<bool>& finished,
                                              std::size_t& next) {
  for (; next < finished.size() && finished[next]; ++next) {
    auto done = within_budget(*std::exchange(slots_[next], std::nullopt), next);
    if (!done) {
      return done.error();
    }
    explorer_.take(std::move(*done));
    if (options_.progress) {
      options_.progress(next + 1, finished.size());
    }
    if (explorer_.is_cut_short()) {
      return false;
    }
  }
  return true;
}

// The budget that a job was begun with may have been spent meanwhile by those before it.
Runner::Outcome<Explorer::Done> ParallelSearch::within_budget(Explorer::Done done,
                                                              std::size_t number) {
  const std::int64_t left = explorer_.schedules_left();
  if (done.part.schedules <= left) {
    return done;
  }
  const auto runner = Runner::create(options_.kafka, is_interrupted);
  if (!runner) {
    return runner.error();
  }
  return explorer_.work(**runner, number, left);
}

bool ParallelSearch::is_late() const {
  return options_.give_up && Clock::now() >= *options_.give_up;
}

}  // namespace scenarios
