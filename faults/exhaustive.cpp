#include "faults/exhaustive.h"

#include <algorithm>
#include <array>

namespace faults {
namespace {

using engine::Instant;
using sim::DiskOutcome;

constexpr std::array kAllOutcomes{
    DiskOutcome::kDropUnsynced, DiskOutcome::kKeepUnsynced, DiskOutcome::kTornUnsynced};

Instant next_look(Instant earliest, engine::Duration interval) {
  const auto looks = (earliest.time_since_epoch() + interval - engine::Duration(1)) / interval;
  return Instant{looks * interval};
}

// Which crash leaves the same black-out as an earlier one of the same target and outcome. `later`
// comes behind `earlier` in the counted run, and every fault of the plan before both: from the
// crash on nothing of the world depends on how many steps were counted.
class Rules {
 public:
  Rules(const CountedRun& counted, const Aftermath& aftermath)
      : counted_(counted), aftermath_(aftermath) {}

  [[nodiscard]] bool same_black_out(const Target& target,
                                    const Boundary& earlier,
                                    const Boundary& later) const {
    if (!earlier.settled || earlier.version != later.version) {
      return false;
    }
    if (target.kind == TargetKind::kCluster) {
      return same_restart(earlier, later);
    }
    return target.kind == TargetKind::kDriver && same_restart(earlier, later) &&
           executors_only_exit(earlier, later);
  }

 private:
  // Everybody dies in the instant of the crash, and what was asked for and not applied is never
  // applied. Both find the same stores, the same lives and, for the judge, the same notes, since
  // the version is the same. Nothing happens until the cluster manager looks but what the producer
  // does, which no crash moves: so the two worlds are equal then. If executors are due before the
  // driver is, they find no driver to work for and are not started.
  [[nodiscard]] bool same_restart(const Boundary& earlier, const Boundary& later) const {
    return look_after(earlier) == look_after(later);
  }

  // The executors outlive the driver by their exit delay. In the counted run nothing reaches them
  // and they do nothing from the earlier crash until the last of them would have ended after the
  // later one. They are in the same state at both, then, and do nothing in between in either world:
  // a message that the driver sent before would have reached them, a wait that ends would have been
  // seen. They end before the cluster manager looks.
  [[nodiscard]] bool executors_only_exit(const Boundary& earlier, const Boundary& later) const {
    const Instant ended = later.at + aftermath_.executor_exit;
    const auto next = std::ranges::lower_bound(counted_.executor_activity, earlier.at);
    const bool idle = next == counted_.executor_activity.end() || *next > ended;
    return idle && ended < look_after(earlier);
  }

  [[nodiscard]] Instant look_after(const Boundary& crash) const {
    return next_look(crash.at + aftermath_.driver_restart, aftermath_.look_interval);
  }

  const CountedRun& counted_;
  const Aftermath& aftermath_;
};

bool has_bit(std::uint64_t bits, std::size_t number) {
  return (bits >> number & 1U) != 0;
}

}  // namespace

std::span<const DiskOutcome> outcomes_of(const Target& target, engine::StorageKind storage) {
  const auto all = std::span<const DiskOutcome>(kAllOutcomes);
  switch (storage) {
    case engine::StorageKind::kHdfs:
      return target.kind == TargetKind::kReceiver ? all.first(1) : all;
    case engine::StorageKind::kLocal:
      return target.kind == TargetKind::kMachine ? all : all.first(1);
    case engine::StorageKind::kS3:
      return all.first(1);
  }
  return all;
}

std::vector<NextCrash> next_crashes(const CountedRun& counted,
                                    std::size_t first,
                                    std::span<const Target> targets,
                                    const Aftermath& aftermath) {
  const Rules rules(counted, aftermath);
  std::vector<NextCrash> crashes;
  // Of each target and outcome, the last one that is run; empty: none yet.
  std::vector<std::array<std::optional<std::size_t>, kAllOutcomes.size()>> last(targets.size());
  for (std::size_t at = first; at < counted.boundaries.size(); ++at) {
    const Boundary& boundary = counted.boundaries[at];
    for (std::size_t t = 0; t < targets.size(); ++t) {
      for (const DiskOutcome outcome : outcomes_of(targets[t], aftermath.storage)) {
        NextCrash next;
        next.crash.target = targets[t];
        next.crash.at = AtStep{.process = boundary.process, .step = boundary.step};
        next.crash.disk = outcome;
        next.boundary = at;
        auto& before = last[t][static_cast<std::size_t>(outcome)];
        if (!has_bit(boundary.hits, t)) {
          next.pruning = Pruning::kNobodyToHit;
        } else if (outcome != DiskOutcome::kDropUnsynced && !has_bit(boundary.unsynced, t)) {
          next.pruning = Pruning::kNothingUnsynced;
        } else if (before &&
                   rules.same_black_out(
                       targets[t], counted.boundaries[crashes[*before].boundary], boundary)) {
          next.pruning = Pruning::kSameBlackOut;
          next.same_as = *before;
        } else {
          before = crashes.size();
        }
        crashes.push_back(next);
      }
    }
  }
  return crashes;
}

FaultPlan with(FaultPlan plan, const Crash& crash) {
  plan.emplace_back(crash);
  return plan;
}

std::vector<Target> targets_of(std::int32_t executors, std::int32_t receivers) {
  std::vector<Target> targets{{.kind = TargetKind::kDriver, .index = 0}};
  for (std::int32_t i = 0; i < executors; ++i) {
    targets.push_back({.kind = TargetKind::kExecutor, .index = i});
  }
  for (std::int32_t i = 0; i < receivers; ++i) {
    targets.push_back({.kind = TargetKind::kReceiver, .index = i});
  }
  targets.push_back({.kind = TargetKind::kCluster, .index = 0});
  return targets;
}

}  // namespace faults
