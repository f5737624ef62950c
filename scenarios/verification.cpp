#include "scenarios/verification.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/ports/invariant.h"
#include "reports/verdict_table.h"
#include "scenarios/surroundings.h"

namespace scenarios {
namespace {

// What one process says on the pipe: steps, then how it ended. Both ends are this program, so the
// bytes of a value are its format.
enum class Tidings : std::uint64_t { kStep, kOutcome, kFailure };

struct Report {
  Tidings tidings = Tidings::kStep;
  std::uint64_t number = 0;  // kOutcome: the digest; kFailure: how many bytes of a sentence follow
  sim::TraceStep step;       // kStep
};

static_assert(std::is_trivially_copyable_v<Report>);

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open_end(int descriptor, const char* mode) {
  return {fdopen(descriptor, mode), std::fclose};
}

// --- The process that makes the run --------------------------------------------------------------

Runner::Outcome<std::uint64_t> play(const Stage& stage,
                                    bool used_before,
                                    const sim::StepListener& listener) {
  const auto play = stage();
  if (!play) {
    return play.error();
  }
  if (used_before) {
    const auto before = (*play)([](const sim::TraceStep&) {});
    if (!before) {
      return before;
    }
  }
  return (*play)(listener);
}

void tell(std::FILE* out, const Report& report) {
  std::fwrite(&report, sizeof(report), 1, out);
}

void play_and_tell(const Stage& stage, bool used_before, std::FILE* out) {
  const auto outcome = play(stage, used_before, [out](const sim::TraceStep& step) {
    tell(out, {.tidings = Tidings::kStep, .number = 0, .step = step});
  });
  if (outcome) {
    tell(out, {.tidings = Tidings::kOutcome, .number = *outcome, .step = {}});
  } else {
    const std::string& sentence = outcome.error().message;
    tell(out, {.tidings = Tidings::kFailure, .number = sentence.size(), .step = {}});
    std::fputs(sentence.c_str(), out);
  }
  std::fflush(out);
}

// A reader that has seen enough closes the pipe; then there is nothing left to do here.
[[noreturn]] void be_a_side(const Stage& stage, bool in_other_surroundings, int descriptor) {
  std::signal(SIGPIPE, SIG_DFL);
  const File out = open_end(descriptor, "w");
  if (in_other_surroundings) {
    run_in_other_surroundings([&] { play_and_tell(stage, true, out.get()); });
  } else {
    play_and_tell(stage, false, out.get());
  }
  _exit(0);
}

// --- The process that compares -------------------------------------------------------------------

Runner::Failure no_process(std::string_view side) {
  return {
      fmt::format("the {} could not be made: {}", side, std::generic_category().message(errno))};
}

class Side {
 public:
  static Runner::Outcome<std::unique_ptr<Side>> start(std::string name,
                                                      const Stage& stage,
                                                      bool in_other_surroundings) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) {
      return no_process(name);
    }
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      be_a_side(stage, in_other_surroundings, ends[1]);
    }
    close(ends[1]);
    if (child < 0) {
      close(ends[0]);
      return no_process(name);
    }
    return std::unique_ptr<Side>(new Side(std::move(name), child, ends[0]));
  }

  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  ~Side() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      wait();
    }
  }

  // Empty: the run is over.
  Runner::Outcome<std::optional<sim::TraceStep>> next() {
    Report report;
    if (std::fread(&report, sizeof(report), 1, in_.get()) != 1) {
      return died();
    }
    switch (report.tidings) {
      case Tidings::kStep:
        return std::optional(report.step);
      case Tidings::kOutcome:
        outcome_ = report.number;
        return std::optional<sim::TraceStep>();
      case Tidings::kFailure:
        break;
    }
    std::string sentence(report.number, '\0');
    sentence.resize(std::fread(sentence.data(), 1, sentence.size(), in_.get()));
    return Runner::Failure{fmt::format("{}: {}", name_, sentence)};
  }

  // Of a run that is over.
  [[nodiscard]] std::uint64_t outcome() const { return outcome_; }

 private:
  Side(std::string name, pid_t child, int descriptor)
      : name_(std::move(name)), child_(child), in_(open_end(descriptor, "r")) {}

  // What the process ended with, as waitpid() says it.
  int wait() {
    const pid_t child = std::exchange(child_, -1);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }

  Runner::Failure died() {
    const int status = wait();
    return {WIFSIGNALED(status)
                ? fmt::format("{}: its process was ended by signal {}", name_, WTERMSIG(status))
                : fmt::format("{}: its process ended with status {}", name_, WEXITSTATUS(status))};
  }

  std::string name_;
  pid_t child_;
  File in_;
  std::uint64_t outcome_ = 0;
};

// --- The run of a scenario -----------------------------------------------------------------------

// Of everything that a run leaves besides its steps.
std::uint64_t digest_of(const JudgedRun& judged) {
  const std::vector<reports::VerdictRow> rows{
      reports::make_row(judged.verdict, judged.run.ledger.metrics)};
  std::uint64_t digest = sim::digest_of(reports::json_report(rows));
  for (const reports::OutputRecord& row : judged.run.ledger.outputs) {
    const std::string text = fmt::format("{} {} {} {} {} {} {} {} {} {}",
                                         row.source.partition,
                                         row.source.offset.value,
                                         row.ordinal,
                                         row.key,
                                         row.value,
                                         row.batch.at.time_since_epoch().count(),
                                         row.task,
                                         row.attempt,
                                         row.writer.incarnation,
                                         row.written_at.time_since_epoch().count());
    digest = sim::digest_with(digest, sim::digest_of(text));
  }
  return digest;
}

}  // namespace

Runner::Outcome<Verification> verify(const Stage& stage) {
  const auto first = Side::start("the first run", stage, false);
  if (!first) {
    return first.error();
  }
  const auto second = Side::start("the second run", stage, true);
  if (!second) {
    return second.error();
  }
  sim::Trace alike;
  while (true) {
    const auto left = (*first)->next();
    if (!left) {
      return left.error();
    }
    const auto right = (*second)->next();
    if (!right) {
      return right.error();
    }
    if (*left != *right) {
      return Verification{.steps = alike.step_count(),
                          .hash = alike.hash(),
                          .difference = sim::TraceDifference{
                              .index = alike.step_count(), .left = *left, .right = *right}};
    }
    if (!*left) {
      return Verification{.steps = alike.step_count(),
                          .hash = alike.hash(),
                          .difference = std::nullopt,
                          .same_outcome = (*first)->outcome() == (*second)->outcome()};
    }
    alike.add(**left);
  }
}

Runner::Outcome<Verification> verify(const PreparedScenario& prepared,
                                     const KafkaChoice& kafka,
                                     std::uint64_t seed,
                                     const faults::FaultPlan& plan) {
  INVARIANT(kafka.kind != KafkaKind::kExternal, "a cluster that outlives a run is not empty");
  return verify([&]() -> Runner::Outcome<Play> {
    auto created = Runner::create(kafka, {});
    if (!created) {
      return created.error();
    }
    const std::shared_ptr<Runner> runner = std::move(*created);
    return Play([&, runner](const sim::StepListener& listener) -> Runner::Outcome<std::uint64_t> {
      runner->tell_steps(listener);
      const auto judged = runner->run(prepared, seed, plan);
      if (!judged) {
        return judged.error();
      }
      return digest_of(*judged);
    });
  });
}

}  // namespace scenarios
