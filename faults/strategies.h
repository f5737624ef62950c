// faults/strategies.h
//
// Schedules that are drawn instead of counted through. A schedule is named by its strategy, a seed
// and its number: any of them can be drawn without those before it, by whoever has the numbers.
//
//   random  one to `faults_max` faults of any kind, each at an effect boundary of any process
//   pct     processes in an order of priorities, `faults_max` - 1 moments at which one of them
//   falls
//           behind all others, and one to `faults_max` crashes (Burckhardt et al., A Randomized
//           Scheduler with Probabilistic Guarantees of Finding Bugs, ASPLOS 2010)
//   swarm   `faults_max` faults, all of a few kinds that a coin chooses for each schedule: what one
//           kind of fault hides another may show (Groce et al., Swarm Testing, ISSTA 2012)
//
// Invariants
//   D1  Pure.      The same arguments give the same schedule.
//   D2  In range.  Every moment is a boundary that the counted run has, every target exists, every
//                  kind is one of the battlefield's.
//   D3  Heals.     Nobody stays dead, and what the faults of a schedule last sums up to no more
//   than
//                  the battlefield's `room`.
//   D4  Complete.  Every kind of the battlefield is drawn sooner or later, by random and swarm.
// tests/property/strategies_property_test.cpp checks each by name.

#pragma once

#include <cstdint>
#include <vector>

#include "engine/ports/vocabulary.h"
#include "faults/exhaustive.h"
#include "faults/fault_plan.h"

namespace faults {

enum class Strategy : std::uint8_t { kExhaustive, kRandom, kPct, kSwarm };

// What a strategy chooses among.
enum class FaultKind : std::uint8_t {
  kCrash,
  kPartition,
  kPause,
  kDrop,
  kDelay,
  kDuplicate,
  kStorageFailure,
  kRpcFailure,
  kTaskFailure,
  kSinkFailure,
  kFullDisk,
  kFlippedBit,
  kBrokerDown,
  kLeaderMove,
  kRequestError,
  kTruncate,
  kRetain,
  kCoordinatorMove,
  kClock,
  kSlowTask,
  kSlowSink,
  kSlowStorage,
  kReorder,
  kYield,
};
inline constexpr int kFaultKinds = 24;

FaultKind kind_of(const Fault& fault);

// Where faults can strike, and which of them the world there survives.
struct Battlefield {
  std::vector<ProcessSteps> steps;  // of the run without drawn faults
  std::int32_t executors = 1;
  std::int32_t receivers = 0;           // 0: a Direct stream
  std::int32_t partitions = 1;          // of the topic
  std::vector<FaultKind> kinds;         // that may be drawn
  std::vector<std::int32_t> messages;   // that somebody sends, as MessageFault numbers them
  std::vector<std::int32_t> droppable;  // of these, those without which the world goes on
  std::vector<FileKind> files;          // that somebody writes
  bool executors_have_files = false;
  engine::Duration room{0};      // by how much longer a run may take
  engine::Duration patience{0};  // after which a process has given up one that is silent
  engine::Duration silence{0};   // after which nobody has yet
};

// `base` followed by the faults of schedule number `index`.
// Requires  a strategy that draws, faults_max >= 1, a battlefield with boundaries and kinds.
FaultPlan draw_schedule(Strategy strategy,
                        std::uint64_t seed,
                        std::uint64_t index,
                        std::int32_t faults_max,
                        const FaultPlan& base,
                        const Battlefield& battlefield);

}  // namespace faults
