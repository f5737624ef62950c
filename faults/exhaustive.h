// faults/exhaustive.h
//
// Every schedule of one more crash: run once, note the effect boundaries of every process, then
// crash every target at each of them, with every outcome that its death may have on disk. A run is
// deterministic, so the boundaries up to the crash are those of the run that was counted.
//
// Many of these schedules need not be run, because the counted run shows already that they end as
// another one does. Pruning (below) says which, and exhaustive.cpp why.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/ports/storage.h"
#include "engine/ports/vocabulary.h"
#include "faults/fault_plan.h"

namespace faults {

// One effect boundary of the counted run, and what a crash there would meet. Targets are numbered
// by the list that was watched.
struct Boundary {
  engine::ProcessId process;
  std::uint64_t step = 0;  // of that process, from 1
  engine::Instant at;
  // Counts what outlives every process, what the judge reads, and lives: between two boundaries of
  // one version nothing of that has changed.
  std::uint64_t version = 0;
  std::uint64_t hits = 0;      // bit t: a crash of target t hits somebody
  std::uint64_t unsynced = 0;  // bit t: and what it leaves depends on the outcome on disk
  bool settled = false;        // all faults of the plan are crashes, and their moments have come
};

struct CountedRun {
  std::vector<Boundary> boundaries;  // of driver and executors, in the order in which they came
  // When an executor did anything, or anything reached it; sorted.
  std::vector<engine::Instant> executor_activity;
};

// What the world around the engine does after a death.
struct Aftermath {
  engine::Duration driver_restart{0};
  engine::Duration look_interval{0};  // of whoever restarts
  // From the driver's death to the end of an executor that has nothing else to do, at most.
  engine::Duration executor_exit{0};
  engine::StorageKind storage = engine::StorageKind::kHdfs;
};

enum class Pruning : std::uint8_t {
  kNone,             // has to be run
  kNobodyToHit,      // its target is dead: it is the run without it
  kNothingUnsynced,  // the outcome on disk makes no difference here
  kSameBlackOut,     // leaves what an earlier one left, by the rules of exhaustive.cpp
};

struct NextCrash {
  Crash crash;
  std::size_t boundary = 0;  // index into CountedRun::boundaries
  Pruning pruning = Pruning::kNone;
  std::size_t same_as = 0;  // kSameBlackOut: index of the one that is run instead
};

// A crash of every target at every boundary from `first` on, with every outcome on disk. In order
// of boundary, target, outcome.
std::vector<NextCrash> next_crashes(const CountedRun& counted,
                                    std::size_t first,
                                    std::span<const Target> targets,
                                    const Aftermath& aftermath);

// The plan and one crash more.
FaultPlan with(FaultPlan plan, const Crash& crash);

// The outcomes on disk that the death of `target` may have there.
std::span<const sim::DiskOutcome> outcomes_of(const Target& target, engine::StorageKind storage);

struct ProcessSteps {
  engine::ProcessId process;
  std::uint64_t steps = 0;  // effect boundaries in the counted run
};

// Who can be crashed in a cluster of so many executors and receivers: the driver, each executor,
// each receiver alone, the whole cluster. Not the executor of a receiver, which is among them, and
// not machines.
std::vector<Target> targets_of(std::int32_t executors, std::int32_t receivers);

}  // namespace faults
