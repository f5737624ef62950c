#include "scenarios/trigger_reader.h"

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

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

faults::AtStep at_step(const YamlNode& node, const At& at, std::optional<engine::ProcessId> usual) {
  const auto process = at.process ? at.process : usual;
  if (!process) {
    refuse(node,
           "a step is counted by one process, and this fault names none; say whose step with "
           "process: driver or process: executor:N");
  }
  return {.process = *process, .step = static_cast<std::uint64_t>(*at.step)};
}

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

faults::Target read_process_target(const Field& field) {
  const faults::Target target = read_target(field);
  const bool is_process = target.kind == faults::TargetKind::kDriver ||
                          target.kind == faults::TargetKind::kExecutor ||
                          target.kind == faults::TargetKind::kReceiverExecutor;
  if (!is_process) {
    refuse(field.node,
           fmt::format("{} is no process that the network reaches; those are: {}",
                       field.node.text,
                       fmt::join(kEnds, ", ")));
  }
  return target;
}

At read_at(const Field& field) {
  At at;
  read_mapping(field, kAt, at);
  return at;
}

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

void append_trigger_mappings(std::vector<KnownMapping>& known) {
  known.push_back(known_mapping(kAt));
}

}  // namespace scenarios
