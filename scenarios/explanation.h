// scenarios/explanation.h
//
// When the fate of a record was sealed: the decisive step of a run, behind which every continuation
// ends with the same anomaly. It is established by running continuations, not by reading the story.
//
// Moments     A run is a line of effect boundaries, on which the faults of its plan strike, one
//             after the other. Behind the k-th fault and before the next one, what has happened is
//             what the plan of the first k faults does; the run of that plan is the same up to
//             there.
// Continuations  of a moment behind the k-th fault are the run of these k faults and nothing more,
//             and each run with one crash more: at the moment or at any later boundary of that run,
//             of every process, with every outcome on disk. The faults that the plan has behind the
//             moment are not among what must happen. Behind a fault means later than its instant.
// Sealed      A moment is sealed if all of its continuations show the anomaly. Between two faults a
//             later moment has fewer continuations, and no other ones. So there it is enough to
//             look for the last crash that prevents the anomaly: all moments behind it are sealed,
//             and it and all before it are not. No search by halves is needed, and across a fault,
//             where later moments do have other continuations, none would be right: there every
//             stretch is looked at by itself, from the end of the run backwards.
// Decisive    is the first of the moments that are sealed, all of them up to the end: a fault, or
//             the boundary that a process has come to by then. (A crash at the boundary of a write
//             that was applied finds it applied: there the write was decisive.) If no moment is
//             open, the anomaly was certain from the start.
//
// Runs are limited. Where there are more crashes than may be tried, they are tried at equal
// distances, and the answer says how many of how many. What was not tried might have prevented it.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "faults/exhaustive.h"
#include "faults/fault_plan.h"
#include "reports/anomaly.h"
#include "scenarios/anchors.h"
#include "scenarios/runner.h"

namespace scenarios {

struct DecisiveStep {
  enum class Kind : std::uint8_t { kStart, kFault, kStep };

  Kind kind = Kind::kStart;
  std::size_t fault = 0;       // kFault: index into the plan
  std::optional<Anchor> step;  // kStep
  // What prevents the anomaly at the moment before. Empty: no crash is needed, it is prevented if
  // nothing more breaks; or kStart.
  std::optional<faults::Crash> prevented_by;
  std::int64_t tried = 0;  // continuations from there on, which all show the anomaly
  std::int64_t of = 0;     // that there are
};

class Explanation {
 public:
  // Of the run of this plan. `budget`: continuations to try for each anomaly, at most.
  Explanation(Runner& runner,
              PreparedScenario prepared,
              std::uint64_t seed,
              faults::FaultPlan plan,
              std::vector<reports::Anomaly> anomalies,
              std::int64_t budget);

  // `n`: index into the anomalies.
  // Errors    the run does not show the anomaly; those of a run.
  Runner::Outcome<DecisiveStep> decisive_step(std::size_t n);

 private:
  // What may come behind the first faults: all moments until the run of these ends.
  struct Stretch {
    faults::FaultPlan plan;  // of these faults
    JudgedRun judged;
    std::vector<faults::NextCrash> crashes;  // all that can be added to it
    std::vector<std::size_t> ahead;          // of these, the ones that differ and come behind
  };

  // A continuation that does not show the anomaly: the last one. Empty: none that was tried.
  struct Search {
    std::optional<std::size_t> escape;  // index into Stretch::ahead
    std::int64_t tried = 0;             // continuations at boundaries behind it, which show it
    std::int64_t of = 0;                // that there are
  };

  Runner::Outcome<bool> begin();
  Runner::Outcome<Stretch*> stretch(std::size_t faults);
  Runner::Outcome<Search> last_escape(const Stretch& stretch, std::size_t n);
  Runner::Outcome<bool> prevents(const Stretch& stretch, std::size_t ahead, std::size_t n);
  Runner::Outcome<bool> shows(const faults::FaultPlan& plan, std::size_t n);
  [[nodiscard]] static DecisiveStep at_step(const Stretch& stretch, std::size_t ahead);
  [[nodiscard]] std::vector<bool> shown_in(const reports::Ledger& ledger) const;

  Runner& runner_;
  PreparedScenario prepared_;
  std::vector<faults::Target> targets_;  // everybody, whomever the scenario's own search is about
  std::uint64_t seed_;
  faults::FaultPlan plan_;
  std::vector<reports::Anomaly> anomalies_;
  std::int64_t budget_;
  bool is_begun_ = false;
  std::vector<std::size_t> order_;                        // of the faults that struck, by time
  std::vector<engine::Instant> struck_at_;                // in that order
  std::map<std::size_t, Stretch> stretches_;              // by how many faults are before them
  std::map<faults::FaultPlan, std::vector<bool>> known_;  // which anomalies a run shows
};

}  // namespace scenarios
