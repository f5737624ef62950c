#include "scenarios/fault_reader.h"

#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "scenarios/disruption_reader.h"
#include "scenarios/fault_words.h"
#include "scenarios/trigger_reader.h"

namespace scenarios {
namespace {

using namespace std::chrono_literals;

constexpr engine::Duration kDurationMax = 1000h;
constexpr std::int32_t kCountMax = std::numeric_limits<std::int32_t>::max();

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
  fault.partition.left = read_process_target({.name = field.name, .node = field.node.items[0]});
  fault.partition.right = read_process_target({.name = field.name, .node = field.node.items[1]});
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
                     fault.at = read_at(field);
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
    Key<FaultKeys>{"disk",
                   [](const Field& field, FaultKeys& fault) {
                     fault.crash.disk = read_choice<sim::DiskOutcome>(field, kDiskOutcomes);
                   }},
};
constexpr std::array<std::string_view, 1> kFaultRequired{"at"};
constexpr Mapping<FaultKeys> kFault{"fault", kFaultKeys, kFaultRequired};

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

std::vector<std::string_view> fault_kinds() {
  std::vector<std::string_view> kinds{"crash", "partition"};
  const std::vector<std::string_view> disruptions = disruption_kinds();
  kinds.insert(kinds.end(), disruptions.begin(), disruptions.end());
  return kinds;
}

// The key that says what kind of fault it is. A trouble of Kafka may be one of a partition.
const YamlNode& find_kind(const YamlNode& node) {
  const std::vector<std::string_view> kinds = fault_kinds();
  const std::vector<std::string_view> others = known_mapping(kFault).keys;
  const bool is_kafka = node.find("kafka") != nullptr;
  const bool is_crash = node.find("crash") != nullptr;
  const YamlNode* found = nullptr;
  int count = 0;
  for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
    const std::string& key = node.items[i].text;
    const bool is_kind = std::ranges::find(kinds, key) != kinds.end() &&
                         !(is_kafka && key == "partition") && !(is_crash && key == "disk");
    found = is_kind ? &node.items[i] : found;
    count += is_kind ? 1 : 0;
  }
  if (count == 0 && !node.items.empty() &&
      std::ranges::find(others, node.items[0].text) == others.end()) {
    refuse_unknown_key(node.items[0], "fault", kinds);
  }
  if (count != 1) {
    refuse(node, fmt::format("fault needs exactly one of: {}", fmt::join(kinds, ", ")));
  }
  return *found;
}

faults::Fault read_fault(const Field& field) {
  require_mapping(field);
  const YamlNode& kind = find_kind(field.node);
  if (kind.text != "crash" && kind.text != "partition") {
    return read_disruption(kind.text, field);
  }
  FaultKeys fault;
  read_mapping(field, kFault, fault);
  return fault.crash_node != nullptr ? make_crash(fault) : make_partition(field.node, fault);
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
  append_trigger_mappings(known);
  append_disruption_mappings(known);
  known.push_back(known_mapping(kRedeploy));
  known.push_back(known_mapping(kStop));
}

}  // namespace scenarios
