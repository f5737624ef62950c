// faults/fault_plan.h
//
// What breaks, where and when: a value. A run is (scenario, seed, fault plan) and nothing else.

#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "engine/ports/points.h"
#include "engine/ports/vocabulary.h"

namespace faults {

// Who dies, or is cut off.
enum class TargetKind : std::uint8_t {
  kDriver,
  kExecutor,          // the process
  kReceiver,          // a receiver alone: it fails, and its supervisor starts it again
  kReceiverExecutor,  // whichever executor runs the receiver then
  kMachine,           // an executor and the machine under it: nobody is told, its disk is gone
  kCluster,           // every driver and executor at once
};

struct Target {
  TargetKind kind = TargetKind::kDriver;
  std::int32_t index = 0;  // executor, stream of the receiver, or machine of that executor
  auto operator<=>(const Target&) const = default;
};

// The `occurrence`-th time (from 1) that any process reaches `point` in this batch and partition.
struct AtPoint {
  engine::Point point = engine::Point::kGeneratorBatchDue;
  std::optional<std::int32_t> batch;  // the n-th batch interval since the world began, from 1
  std::optional<engine::PartitionId> partition;
  std::int32_t occurrence = 1;
  auto operator<=>(const AtPoint&) const = default;
};

struct AtTime {
  engine::Duration since_start{0};
  auto operator<=>(const AtTime&) const = default;
};

// The n-th effect boundary (from 1) of `process`, counted over all its lives.
struct AtStep {
  engine::ProcessId process;
  std::uint64_t step = 0;
  auto operator<=>(const AtStep&) const = default;
};

using Trigger = std::variant<AtPoint, AtTime, AtStep>;

// What an operator changes before the process starts again.
struct Redeploy {
  bool delete_checkpoint = false;
  std::optional<std::int32_t> application_version;
  auto operator<=>(const Redeploy&) const = default;
};

struct Crash {
  Target target;
  Trigger at;
  std::optional<engine::Duration> restart_after;  // empty: the cluster's own restart delay
  bool restarts = true;                           // false: never
  Redeploy redeploy;
  auto operator<=>(const Crash&) const = default;
};

// The two processes exchange no message for so long, and neither is told. Kafka, storage and sink
// stay within reach of both: whoever is declared lost meanwhile lives on as a zombie, and works.
struct Partition {
  Target left;  // the driver, an executor, or the executor that runs a receiver then
  Target right;
  Trigger at;
  engine::Duration lasts{0};
  auto operator<=>(const Partition&) const = default;
};

using Fault = std::variant<Crash, Partition>;
using FaultPlan = std::vector<Fault>;

inline const Trigger& trigger_of(const Fault& fault) {
  return std::visit([](const auto& what) -> const Trigger& { return what.at; }, fault);
}

}  // namespace faults
