// scenarios/trigger_reader.h
//
// Whom a fault hits and when, as a scenario says it: "executor:1", `at: { step: 812 }`.

#pragma once

#include <optional>
#include <vector>

#include "engine/ports/points.h"
#include "scenarios/mapping_reader.h"

namespace scenarios {

// "driver", "executor:1", ...
faults::Target read_target(const Field& field);

// A process that the network reaches: the driver, an executor, the executor of a receiver.
faults::Target read_process_target(const Field& field);

// Everything that `at` may hold, before it is known which trigger it is.
struct At {
  std::optional<engine::Point> point;
  std::optional<std::int32_t> batch;
  std::optional<engine::PartitionId> partition;
  std::optional<std::int32_t> occurrence;
  std::optional<engine::Duration> time;
  std::optional<std::int64_t> step;
  std::optional<engine::ProcessId> process;

  [[nodiscard]] bool is_at_point() const { return batch || partition || occurrence; }
};

At read_at(const Field& field);

// A step belongs to a process: to the one that dies, and of a whole cluster to the driver. Where a
// receiver runs is known only when it does, so its steps are nobody's by default.
std::optional<engine::ProcessId> default_process(const faults::Target& target);

// `usual`: whose step is meant unless something else is said. `node`: where `at` is.
faults::Trigger make_trigger(const YamlNode& node,
                             const At& at,
                             std::optional<engine::ProcessId> usual);

void append_trigger_mappings(std::vector<KnownMapping>& known);

}  // namespace scenarios
