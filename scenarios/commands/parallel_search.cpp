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
  const std::string not_kept = begin_keeping();
  if (!not_kept.empty()) {
    return Runner::Failure{not_kept};
  }
  std::vector<bool> finished = finished_before();
  to_do_.clear();
  for (std::size_t number = 0; number < count; ++number) {
    if (!finished[number]) {
      to_do_.push_back(number);
    }
  }
  const auto work = [this, schedules_max](Runner& runner, std::size_t n) -> std::string {
    auto done = explorer_.work(runner, to_do_[n], schedules_max);
    if (!done) {
      return done.error().message;
    }
    slots_[to_do_[n]] = std::move(*done);
    return {};
  };
  const auto name = [this](std::size_t n) { return fmt::format("part {} of a search", to_do_[n]); };
  pool_.emplace(options_.kafka,
                thread_count(options_.threads, to_do_.size()),
                RunnerPool::Jobs{.count = to_do_.size(), .work = work, .name = name});
  std::size_t next = 0;
  for (;;) {
    const auto goes_on = take_in(finished, next);
    if (!goes_on || !*goes_on || next == count) {
      return goes_on;
    }
    const auto job = pool_->take();
    if (!job || is_interrupted() || is_late()) {
      return false;
    }
    const std::string failure = job->failure.empty() ? keep(to_do_[job->number]) : job->failure;
    if (!failure.empty()) {
      return Runner::Failure{failure};
    }
    finished[to_do_[job->number]] = true;
  }
}

std::string ParallelSearch::begin_keeping() {
  if (!options_.keep || !explorer_.is_last_round()) {
    return {};
  }
  auto kept = options_.keep(explorer_.so_far(), explorer_.job_count());
  if (!kept) {
    return kept.error().sentence;
  }
  kept_.emplace(std::move(*kept));
  parts_taken_ = 1;  // what led here
  return {};
}

// As soon as it is done, whatever comes before it: who is killed now has lost only what is under
// way.
std::string ParallelSearch::keep(std::size_t number) {
  if (!kept_ || !slots_[number]->is_whole) {
    return {};
  }
  const auto kept = kept_->keep(number, slots_[number]->part);
  return kept ? std::string() : kept.error().sentence;
}

// Jobs that are kept lie in their slots from the beginning; the slots of those that are left to
// others stay empty.
std::vector<bool> ParallelSearch::finished_before() {
  std::vector<bool> finished(slots_.size(), false);
  for (std::size_t number = 0; kept_ && number < slots_.size(); ++number) {
    const Exploration* const done = kept_->done(number);
    if (done != nullptr) {
      slots_[number] = Explorer::Done{.part = *done, .nodes = {}};
    }
    finished[number] = done != nullptr || !kept_->is_mine(number);
  }
  return finished;
}

// Every job that is finished and whose predecessors are taken in.
Runner::Outcome<bool> ParallelSearch::take_in(const std::vector<bool>& finished,
                                              std::size_t& next) {
  for (; next < finished.size() && finished[next]; ++next) {
    if (!slots_[next]) {
      continue;
    }
    auto done = within_budget(*std::exchange(slots_[next], std::nullopt), next);
    if (!done) {
      return done.error();
    }
    parts_taken_ += kept_ && done->is_whole ? 1 : 0;
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
