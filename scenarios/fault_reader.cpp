#include "scenarios/fault_reader.h"

#include <array>
#include <limits>
#include <optional>

#include "scenarios/units.h"

namespace scenarios {
namespace {

using namespace std::chrono_literals;

constexpr engine::Duration kDurationMax = 1000h;
constexpr std::int32_t kCountMax = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kStepMax = std::numeric_limits<std::int64_t>::max();

constexpr std::array<std::string_view, 6> kTargets{
    "driver", "executor:N", "receiver:N", "receiver-executor:N", "machine:N", "cluster"};
constexpr std::array<std::string_view, 2> kProcesses{"driver", "executor:N"};
constexpr std::array<std::string_view, 3> kEnds{"driver", "executor:N", "receiver-executor:N"};

constexpr std::array kIndexedTargets{
    Choice<faults::TargetKind>{"executor:", faults::TargetKind::kExecutor},
    Choice<faults::TargetKind>{"receiver:", faults::TargetKind::kReceiver},
    Choice<faults::TargetKind>{"receiver-executor:", faults::TargetKind::kReceiverExecutor},
    Choice<faults::TargetKind>{"machine:", faults::TargetKind::kMachine},
};

// N of "executor:N", where `prefix` is "executor:".
std::optional<std::int32_t> index_behind(std::string_view prefix, std::string_view word) {
  if (!word.starts_with(prefix)) {
    return std::nullopt;
  }
  const auto index = parse_unsigned(word.substr(prefix.size()));
  if (!index || *index > static_cast<std::uint64_t>(kCountMax)) {
    return std::nullopt;
  }
  return static_cast<std::int32_t>(*index);
}

engine::ProcessId read_process(const Field& field) {
  const std::string& word = read_word(field, "driver or executor:N");
  if (word == "driver") {
    return {.role = engine::Role::kDriver};
  }
  if (const auto index = index_behind("executor:", word)) {
    return {.role = engine::Role::kExecutor, .index = *index};
  }
  refuse_word(field, kProcesses, {});
}

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

engine::Point read_point(const Field& field) {
  const std::string& word = read_word(field, "the name of a point");
  if (const auto point = engine::find_point(word)) {
    return *point;
  }
  std::vector<std::string_view> names;
  for (const engine::PointInfo& point : engine::all_points()) {
    names.push_back(point.name);
  }
  refuse_word(field, names, {});
}

constexpr std::array kAtKeys{
    Key<At>{"point", [](const Field& field, At& at) { at.point = read_point(field); }},
    Key<At>{"batch",
            [](const Field& field, At& at) { at.batch = read_int32(field, 1, kCountMax); }},
    Key<At>{"partition",
            [](const Field& field, At& at) { at.partition = read_int32(field, 0, kCountMax); }},
    Key<At>{"occurrence",
            [](const Field& field, At& at) { at.occurrence = read_int32(field, 1, kCountMax); }},
    Key<At>{"time",
            [](const Field& field, At& at) { at.time = read_duration(field, 0us, kDurationMax); }},
    Key<At>{"step", [](const Field& field, At& at) { at.step = read_integer(field, 1, kStepMax); }},
    Key<At>{"process", [](const Field& field, At& at) { at.process = read_process(field); }},
};
constexpr Mapping<At> kAt{"at", kAtKeys, {}};

// A step belongs to a process: to the one that dies, and of a whole cluster to the driver. Where a
// receiver runs is known only when it does, so its steps are nobody's by default.
std::optional<engine::ProcessId> default_process(const faults::Target& target) {
  switch (target.kind) {
    case faults::TargetKind::kDriver:
    case faults::TargetKind::kCluster:
      return engine::ProcessId{.role = engine::Role::kDriver};
    case faults::TargetKind::kExecutor:
    case faults::TargetKind::kMachine:
      return engine::ProcessId{.role = engine::Role::kExecutor, .index = target.index};
    case faults::TargetKind::kReceiver:
    case faults::TargetKind::kReceiverExecutor:
      return std::nullopt;
  }
  return std::nullopt;
}

faults::AtStep at_step(const YamlNode& node, const At& at, std::optional<engine::ProcessId> usual) {
  const auto process = at.process ? at.process : usual;
  if (!process) {
    refuse(node,
           "a step is counted by one process, which neither a receiver nor a partition names; say "
           "whose step with process: driver or process: executor:N");
  }
  return {.process = *process, .step = static_cast<std::uint64_t>(*at.step)};
}

// `usual`: whose step is meant unless something else is said.
faults::Trigger make_trigger(const YamlNode& node,
                             const At& at,
                             std::optional<engine::ProcessId> usual) {
  const int triggers =
      int{at.point.has_value()} + int{at.time.has_value()} + int{at.step.has_value()};
  if (triggers != 1) {
    refuse(node, "at needs exactly one of: point, time, step");
  }
  if (!at.point && at.is_at_point()) {
    refuse(node, "batch, partition and occurrence go with a point, not with a time or a step");
  }
  if (!at.step && at.process) {
    refuse(node, "process goes with a step; a point or a time needs none");
  }
  if (at.time) {
    return faults::AtTime{.since_start = *at.time};
  }
  if (at.step) {
    return at_step(node, at, usual);
  }
  return faults::AtPoint{.point = *at.point,
                         .batch = at.batch,
                         .partition = at.partition,
                         .occurrence = at.occurrence.value_or(1)};
}

constexpr std::array kRedeployKeys{
    Key<faults::Redeploy>{"delete_checkpoint",
                          [](const Field& field, faults::Redeploy& redeploy) {
                            redeploy.delete_checkpoint = read_bool(field);
                          }},
    Key<faults::Redeploy>{"application_version",
                          [](const Field& field, faults::Redeploy& redeploy) {
                            redeploy.application_version = read_int32(field, 1, kCountMax);
                          }},
};
constexpr Mapping<faults::Redeploy> kRedeploy{"redeploy", kRedeployKeys, {}};

// Everything that a fault may hold, before it is known which kind it is. `at` waits until the
// target is known.
struct FaultKeys {
  const YamlNode* crash_node = nullptr;
  const YamlNode* partition_node = nullptr;
  const YamlNode* restart_node = nullptr;  // restart_after or redeploy
  const YamlNode* for_node = nullptr;
  const YamlNode* at_node = nullptr;
  faults::Crash crash;
  faults::Partition partition;
  At at;
};

void read_restart(const Field& field, FaultKeys& fault) {
  fault.restart_node = &field.node;
  if (read_word(field, "a duration such as 5s, or never") == "never") {
    fault.crash.restarts = false;
    return;
  }
  fault.crash.restart_after = read_duration(field, 0us, kDurationMax);
}

faults::Target read_end(const Field& field) {
  const faults::Target target = read_target(field);
  const bool is_process = target.kind == faults::TargetKind::kDriver ||
                          target.kind == faults::TargetKind::kExecutor ||
                          target.kind == faults::TargetKind::kReceiverExecutor;
  if (!is_process) {
    refuse(field.node,
           fmt::format("{} is no process that the network reaches; a partition is between two of: "
                       "{}",
                       field.node.text,
                       fmt::join(kEnds, ", ")));
  }
  return target;
}

void read_partition(const Field& field, FaultKeys& fault) {
  fault.partition_node = &field.node;
  if (field.node.kind != YamlNode::Kind::kSequence) {
    refuse_type(field, "a list of two processes");
  }
  if (field.node.items.size() != 2) {
    refuse(field.node,
           fmt::format("a partition is between two processes, and this names {}",
                       field.node.items.size()));
  }
  fault.partition.left = read_end({.name = field.name, .node = field.node.items[0]});
  fault.partition.right = read_end({.name = field.name, .node = field.node.items[1]});
  if (fault.partition.left == fault.partition.right) {
    refuse(field.node.items[1], "a process cannot be cut off from itself");
  }
}

constexpr std::array kFaultKeys{
    Key<FaultKeys>{"crash",
                   [](const Field& field, FaultKeys& fault) {
                     fault.crash_node = &field.node;
                     fault.crash.target = read_target(field);
                   }},
    Key<FaultKeys>{"partition", read_partition},
    Key<FaultKeys>{"at",
                   [](const Field& field, FaultKeys& fault) {
                     fault.at_node = &field.node;
                     read_mapping(field, kAt, fault.at);
                   }},
    Key<FaultKeys>{"for",
                   [](const Field& field, FaultKeys& fault) {
                     fault.for_node = &field.node;
                     fault.partition.lasts = read_duration(field, 1ms, kDurationMax);
                   }},
    Key<FaultKeys>{"restart_after", read_restart},
    Key<FaultKeys>{"redeploy",
                   [](const Field& field, FaultKeys& fault) {
                     fault.restart_node = &field.node;
                     read_mapping(field, kRedeploy, fault.crash.redeploy);
                   }},
};
constexpr std::array<std::string_view, 1> kFaultRequired{"at"};
constexpr Mapping<FaultKeys> kFault{"fault", kFaultKeys, kFaultRequired};

// The contract's other fault kinds, told apart by their first key.
constexpr std::array<std::string_view, 9> kLaterFaults{
    "pause", "drop", "delay", "duplicate", "fail", "disk", "kafka", "clock", "slow"};
constexpr std::array<std::string_view, 2> kFaultKinds{"crash", "partition"};

void refuse_later_fault(const YamlNode& node) {
  for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
    const YamlNode& key = node.items[i];
    if (std::ranges::find(kLaterFaults, key.text) != kLaterFaults.end()) {
      refuse_unsupported(key, fmt::format("fault \"{}\"", key.text), kFaultKinds);
    }
  }
}

faults::Fault make_crash(FaultKeys fault) {
  if (fault.for_node != nullptr) {
    refuse(*fault.for_node, "for goes with a partition, not with a crash");
  }
  fault.crash.at = make_trigger(*fault.at_node, fault.at, default_process(fault.crash.target));
  return fault.crash;
}

// Neither of the two processes is the one whose steps are counted by default.
faults::Fault make_partition(const YamlNode& node, FaultKeys fault) {
  if (fault.restart_node != nullptr) {
    refuse(*fault.restart_node,
           "restart_after and redeploy go with a crash; nobody dies of a partition");
  }
  if (fault.for_node == nullptr) {
    refuse(node, "a partition needs the key \"for\": how long it lasts");
  }
  fault.partition.at = make_trigger(*fault.at_node, fault.at, std::nullopt);
  return fault.partition;
}

faults::Fault read_fault(const Field& field) {
  require_mapping(field);
  refuse_later_fault(field.node);
  FaultKeys fault;
  read_mapping(field, kFault, fault);
  const bool is_crash = fault.crash_node != nullptr;
  if (is_crash == (fault.partition_node != nullptr)) {
    refuse(field.node, fmt::format("fault needs exactly one of: {}", fmt::join(kFaultKinds, ", ")));
  }
  return is_crash ? make_crash(fault) : make_partition(field.node, fault);
}

struct StopKeys {
  Stop stop;
  const YamlNode* within = nullptr;
  const YamlNode* at = nullptr;
};

constexpr std::array kStopTimes{
    Choice<Stop::When>{"drained", Stop::When::kDrained},
    Choice<Stop::When>{"time", Stop::When::kTime},
};

constexpr std::array kStopKeys{
    Key<StopKeys>{"when",
                  [](const Field& field, StopKeys& keys) {
                    keys.stop.when = read_choice<Stop::When>(field, kStopTimes);
                  }},
    Key<StopKeys>{"within",
                  [](const Field& field, StopKeys& keys) {
                    keys.within = &field.node;
                    keys.stop.within = read_duration(field, 1ms, kDurationMax);
                  }},
    Key<StopKeys>{"at",
                  [](const Field& field, StopKeys& keys) {
                    keys.at = &field.node;
                    keys.stop.at = read_duration(field, 1ms, kDurationMax);
                  }},
    Key<StopKeys>{
        "graceful",
        [](const Field& field, StopKeys& keys) { keys.stop.graceful = read_bool(field); }},
};
constexpr Mapping<StopKeys> kStop{"stop", kStopKeys, {}};

}  // namespace

faults::Target read_target(const Field& field) {
  const std::string& word = read_word(field, fmt::format("one of: {}", fmt::join(kTargets, ", ")));
  if (word == "driver") {
    return {.kind = faults::TargetKind::kDriver};
  }
  if (word == "cluster") {
    return {.kind = faults::TargetKind::kCluster};
  }
  for (const auto& [prefix, kind] : kIndexedTargets) {
    if (const auto index = index_behind(prefix, word)) {
      return {.kind = kind, .index = *index};
    }
  }
  refuse_word(field, kTargets, {});
}

void read_faults(const Field& field, Scenario& scenario) {
  if (field.node.kind != YamlNode::Kind::kSequence) {
    refuse_type(field, "a list");
  }
  for (const YamlNode& item : field.node.items) {
    scenario.faults.push_back(read_fault({.name = "fault", .node = item}));
  }
}

void read_stop(const Field& field, Scenario& scenario) {
  StopKeys keys;
  read_mapping(field, kStop, keys);
  const bool by_time = keys.stop.when == Stop::When::kTime;
  if (by_time && keys.at == nullptr) {
    refuse(field.node, "stop when time needs the key \"at\"");
  }
  if (by_time && !keys.stop.graceful && keys.within != nullptr) {
    refuse(
        *keys.within,
        "stop.within goes with when: drained, or with graceful: true, not with when: time alone");
  }
  if (!by_time && keys.at != nullptr) {
    refuse(*keys.at, "stop.at goes with when: time, not with when: drained");
  }
  scenario.stop = keys.stop;
}

void append_fault_mappings(std::vector<KnownMapping>& known) {
  known.push_back(known_mapping(kFault));
  known.push_back(known_mapping(kAt));
  known.push_back(known_mapping(kRedeploy));
  known.push_back(known_mapping(kStop));
}

}  // namespace scenarios
