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

constexpr std::array<std::string_view, 3> kTargets{"driver", "executor:N", "cluster"};
constexpr std::array<std::string_view, 2> kProcesses{"driver", "executor:N"};
constexpr std::array<std::string_view, 3> kLaterTargets{"receiver", "receiver-executor", "machine"};

// N of "executor:N".
std::optional<std::int32_t> executor_index(std::string_view word) {
  constexpr std::string_view kPrefix = "executor:";
  if (!word.starts_with(kPrefix)) {
    return std::nullopt;
  }
  const auto index = parse_unsigned(word.substr(kPrefix.size()));
  if (!index || *index > static_cast<std::uint64_t>(kCountMax)) {
    return std::nullopt;
  }
  return static_cast<std::int32_t>(*index);
}

faults::Target read_target(const Field& field) {
  const std::string& word = read_word(field, "driver, executor:N or cluster");
  if (word == "driver") {
    return {.kind = faults::TargetKind::kDriver};
  }
  if (word == "cluster") {
    return {.kind = faults::TargetKind::kCluster};
  }
  if (const auto index = executor_index(word)) {
    return {.kind = faults::TargetKind::kExecutor, .index = *index};
  }
  const std::string_view kind = std::string_view(word).substr(0, word.find(':'));
  if (std::ranges::find(kLaterTargets, kind) != kLaterTargets.end()) {
    refuse_unsupported(field.node, fmt::format("{} \"{}\"", field.name, word), kTargets);
  }
  refuse_word(field, kTargets, {});
}

engine::ProcessId read_process(const Field& field) {
  const std::string& word = read_word(field, "driver or executor:N");
  if (word == "driver") {
    return {.role = engine::Role::kDriver};
  }
  if (const auto index = executor_index(word)) {
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

// A step belongs to a process; of a whole cluster it is the driver's.
engine::ProcessId default_process(const faults::Target& target) {
  if (target.kind == faults::TargetKind::kExecutor) {
    return {.role = engine::Role::kExecutor, .index = target.index};
  }
  return {.role = engine::Role::kDriver};
}

faults::Trigger make_trigger(const YamlNode& node, const At& at, const faults::Target& target) {
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
    return faults::AtStep{.process = at.process.value_or(default_process(target)),
                          .step = static_cast<std::uint64_t>(*at.step)};
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

// `at` waits until the target is known.
struct Fault {
  faults::Crash crash;
  const YamlNode* at_node = nullptr;
  At at;
};

void read_restart(const Field& field, Fault& fault) {
  if (read_word(field, "a duration such as 5s, or never") == "never") {
    fault.crash.restarts = false;
    return;
  }
  fault.crash.restart_after = read_duration(field, 0us, kDurationMax);
}

constexpr std::array kFaultKeys{
    Key<Fault>{"crash",
               [](const Field& field, Fault& fault) { fault.crash.target = read_target(field); }},
    Key<Fault>{"at",
               [](const Field& field, Fault& fault) {
                 fault.at_node = &field.node;
                 read_mapping(field, kAt, fault.at);
               }},
    Key<Fault>{"restart_after", read_restart},
    Key<Fault>{"redeploy",
               [](const Field& field, Fault& fault) {
                 read_mapping(field, kRedeploy, fault.crash.redeploy);
               }},
};
constexpr std::array<std::string_view, 2> kFaultRequired{"crash", "at"};
constexpr Mapping<Fault> kFault{"fault", kFaultKeys, kFaultRequired};

// The contract's other fault kinds, told apart by their first key.
constexpr std::array<std::string_view, 10> kLaterFaults{
    "pause", "partition", "drop", "delay", "duplicate", "fail", "disk", "kafka", "clock", "slow"};
constexpr std::array<std::string_view, 1> kFaultKinds{"crash"};

void refuse_later_fault(const YamlNode& node) {
  for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
    const YamlNode& key = node.items[i];
    if (std::ranges::find(kLaterFaults, key.text) != kLaterFaults.end()) {
      refuse_unsupported(key, fmt::format("fault \"{}\"", key.text), kFaultKinds);
    }
  }
}

faults::Crash read_fault(const Field& field) {
  require_mapping(field);
  refuse_later_fault(field.node);
  Fault fault;
  read_mapping(field, kFault, fault);
  fault.crash.at = make_trigger(*fault.at_node, fault.at, fault.crash.target);
  return fault.crash;
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
    Key<StopKeys>{"graceful", nullptr},
};
constexpr Mapping<StopKeys> kStop{"stop", kStopKeys, {}};

}  // namespace

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
  if (by_time && keys.within != nullptr) {
    refuse(*keys.within, "stop.within goes with when: drained, not with when: time");
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
