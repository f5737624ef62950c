#include "scenarios/disruption_reader.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "engine/messages.h"
#include "engine/ports/invariant.h"
#include "scenarios/fault_words.h"
#include "scenarios/trigger_reader.h"
#include "scenarios/units.h"

namespace scenarios {
namespace {

using namespace std::chrono_literals;

constexpr engine::Duration kDurationMax = 1000h;
constexpr std::int32_t kTimesMax = 1'000'000;
constexpr std::int64_t kRecordsMax = 1'000'000'000;
constexpr std::int32_t kFactorMax = 1'000'000;
constexpr std::int32_t kDriftMax = 999'999;  // ppm: a clock that stands still is none

// Everything that a disruption may say. Each kind reads the keys that it has.
struct Said {
  const YamlNode* node = nullptr;  // the fault
  const YamlNode* at_node = nullptr;
  const YamlNode* by_node = nullptr;  // a duration or a factor
  faults::Target target;
  std::optional<std::int32_t> message;
  faults::Failing failing = faults::Failing::kWrite;
  faults::DiskTrouble disk = faults::DiskTrouble::kFull;
  faults::FileKind file = faults::FileKind::kCheckpoint;
  faults::KafkaTrouble kafka = faults::KafkaTrouble::kBrokerDown;
  faults::Slowed slowed = faults::Slowed::kTask;
  At at;
  std::optional<engine::Duration> lasts;
  std::optional<faults::Target> from;
  std::optional<faults::Target> to;
  std::optional<std::int32_t> times;
  std::optional<engine::PartitionId> partition;
  std::optional<std::int64_t> records;
  std::optional<engine::Duration> jump;
  std::optional<std::int32_t> drift_ppm;
  bool applied = false;
  std::uint64_t seed = 0;
};

using SaidKey = Key<Said>;

std::optional<std::int32_t> read_message(const Field& field) {
  const std::string& word = read_word(field, "the name of a message, or any");
  std::vector<std::string_view> names{kAnyMessage};
  for (const engine::MessageInfo& message : engine::all_messages()) {
    names.push_back(message.name);
  }
  const auto found = std::ranges::find(names, word);
  if (found == names.end()) {
    refuse_word(field, names, {});
  }
  const auto number = static_cast<std::int32_t>(found - names.begin());
  return number == 0 ? std::nullopt : std::optional(number - 1);
}

// A duration that may run backwards: "-5s".
engine::Duration read_jump(const Field& field) {
  const std::string& text = read_word(field, "a duration such as 5s or -5s");
  const bool backwards = text.starts_with('-');
  const auto distance = parse_duration(std::string_view(text).substr(backwards ? 1 : 0));
  if (!distance) {
    refuse(field.node, fmt::format("{}: \"{}\" {}", field.name, text, distance.error()));
  }
  if (*distance == 0us) {
    refuse(field.node, "a clock that jumps by nothing is undisturbed");
  }
  return backwards ? -*distance : *distance;
}

// The number of "500ppm", or of "10x".
std::optional<std::int32_t> number_before(std::string_view unit,
                                          std::string_view text,
                                          std::int32_t min,
                                          std::int32_t max) {
  if (!text.ends_with(unit)) {
    return std::nullopt;
  }
  const auto number = parse_integer(text.substr(0, text.size() - unit.size()));
  if (!number || *number < min || *number > max) {
    return std::nullopt;
  }
  return static_cast<std::int32_t>(*number);
}

std::int32_t read_drift(const Field& field) {
  const std::string& text = read_word(field, "parts per million such as 500ppm");
  const auto drift = number_before("ppm", text, -kDriftMax, kDriftMax);
  if (!drift || *drift == 0) {
    refuse(field.node,
           fmt::format("{}: \"{}\" is no drift from -{}ppm to {}ppm, such as 500ppm or -500ppm",
                       field.name,
                       text,
                       kDriftMax,
                       kDriftMax));
  }
  return *drift;
}

std::int32_t read_factor(const Field& field) {
  const std::string& text = read_word(field, "a factor such as 10x");
  const auto factor = number_before("x", text, 2, kFactorMax);
  if (!factor) {
    refuse(field.node,
           fmt::format("{}: \"{}\" is no factor from 2x to {}x", field.name, text, kFactorMax));
  }
  return *factor;
}

struct SeedKeys {
  std::uint64_t seed = 0;
};

constexpr std::array kSeedKeys{
    Key<SeedKeys>{"seed",
                  [](const Field& field, SeedKeys& keys) { keys.seed = read_unsigned(field); }},
};
constexpr std::array<std::string_view, 1> kSeedRequired{"seed"};
constexpr Mapping<SeedKeys> kSeed{"reorder_seed", kSeedKeys, kSeedRequired};

constexpr SaidKey kAt{"at", [](const Field& field, Said& said) {
                        said.at_node = &field.node;
                        said.at = read_at(field);
                      }};
constexpr SaidKey kFor{"for", [](const Field& field, Said& said) {
                         said.lasts = read_duration(field, 1ms, kDurationMax);
                       }};
constexpr SaidKey kBy{"by", [](const Field& field, Said& said) { said.by_node = &field.node; }};
constexpr SaidKey kTimes{
    "times", [](const Field& field, Said& said) { said.times = read_int32(field, 1, kTimesMax); }};
constexpr SaidKey kFrom{
    "from", [](const Field& field, Said& said) { said.from = read_process_target(field); }};
constexpr SaidKey kTo{"to",
                      [](const Field& field, Said& said) { said.to = read_process_target(field); }};

// Its own key names the process that it hits.
constexpr SaidKey of_process(std::string_view name) {
  return {name, [](const Field& field, Said& said) { said.target = read_process_target(field); }};
}

// Its own key names the kind of message.
constexpr SaidKey of_message(std::string_view name) {
  return {name, [](const Field& field, Said& said) { said.message = read_message(field); }};
}

constexpr SaidKey kOf = of_process("of");

constexpr std::array kPauseKeys{of_process("pause"), kFor, kAt};
constexpr std::array kDropKeys{of_message("drop"), kFrom, kTo, kTimes, kAt};
constexpr std::array kDelayKeys{of_message("delay"), kFrom, kTo, kTimes, kBy, kAt};
constexpr std::array kDuplicateKeys{of_message("duplicate"), kFrom, kTo, kTimes, kAt};
constexpr std::array kFailKeys{
    SaidKey{"fail",
            [](const Field& field, Said& said) {
              said.failing = read_choice<faults::Failing>(field, kFailings);
            }},
    kOf,
    kTimes,
    SaidKey{"applied", [](const Field& field, Said& said) { said.applied = read_bool(field); }},
    kAt};
constexpr std::array kDiskKeys{
    SaidKey{"disk",
            [](const Field& field, Said& said) {
              said.disk = read_choice<faults::DiskTrouble>(field, kDiskTroubles);
            }},
    SaidKey{"file",
            [](const Field& field, Said& said) {
              said.file = read_choice<faults::FileKind>(field, kFileKinds);
            }},
    kFor,
    kAt};
// Partitions are given to receivers by arithmetic: no group rebalances.
constexpr std::array<std::string_view, 1> kUnsupportedTroubles{"rebalance"};
constexpr std::array kKafkaKeys{
    SaidKey{"kafka",
            [](const Field& field, Said& said) {
              said.kafka =
                  read_choice<faults::KafkaTrouble>(field, kKafkaTroubles, kUnsupportedTroubles);
            }},
    kOf,
    kFor,
    kTimes,
    SaidKey{"partition",
            [](const Field& field, Said& said) {
              said.partition = read_int32(field, 0, std::numeric_limits<std::int32_t>::max());
            }},
    SaidKey{
        "records",
        [](const Field& field, Said& said) { said.records = read_integer(field, 1, kRecordsMax); }},
    kAt};
constexpr std::array kClockKeys{
    of_process("clock"),
    SaidKey{"jump", [](const Field& field, Said& said) { said.jump = read_jump(field); }},
    SaidKey{"drift", [](const Field& field, Said& said) { said.drift_ppm = read_drift(field); }},
    kAt};
constexpr std::array kSlowKeys{SaidKey{"slow",
                                       [](const Field& field, Said& said) {
                                         said.slowed = read_choice<faults::Slowed>(field, kSlowed);
                                       }},
                               kOf,
                               kBy,
                               kFor,
                               kAt};
constexpr std::array kReorderKeys{SaidKey{"reorder",
                                          [](const Field& field, Said& said) {
                                            SeedKeys keys;
                                            read_mapping(field, kSeed, keys);
                                            said.seed = keys.seed;
                                          }},
                                  kAt};
constexpr std::array kYieldKeys{of_process("yield"), kAt};

faults::Trigger trigger_of(const Said& said, const std::optional<faults::Target>& target) {
  return make_trigger(*said.at_node, said.at, target ? default_process(*target) : std::nullopt);
}

faults::Fault make_pause(const Said& said) {
  return faults::Pause{
      .target = said.target, .at = trigger_of(said, said.target), .lasts = *said.lasts};
}

faults::MessageFault make_message_fault(const Said& said, faults::MessageFate fate) {
  return {.fate = fate,
          .message = said.message,
          .from = said.from,
          .to = said.to,
          .at = trigger_of(said, said.from ? said.from : said.to),
          .times = said.times.value_or(1),
          .by = {}};
}

faults::Fault make_drop(const Said& said) {
  return make_message_fault(said, faults::MessageFate::kDropped);
}

faults::Fault make_delay(const Said& said) {
  faults::MessageFault fault = make_message_fault(said, faults::MessageFate::kDelayed);
  fault.by = read_duration({.name = "delay.by", .node = *said.by_node}, 1us, kDurationMax);
  return fault;
}

faults::Fault make_duplicate(const Said& said) {
  return make_message_fault(said, faults::MessageFate::kDuplicated);
}

faults::Fault make_failure(const Said& said) {
  return faults::Failure{.what = said.failing,
                         .target = said.target,
                         .at = trigger_of(said, said.target),
                         .times = said.times.value_or(1),
                         .applied = said.applied};
}

// Refuses a key that another trouble of the same kind has.
void refuse_for(const Said& said, std::string_view key, std::string_view trouble) {
  if (const YamlNode* const value = said.node->find(key)) {
    refuse(*value, fmt::format("{} does not go with {}", key, trouble));
  }
}

void require_for(const Said& said, std::string_view key, std::string_view trouble) {
  if (said.node->find(key) == nullptr) {
    refuse(*said.node, fmt::format("{} needs the key \"{}\"", trouble, key));
  }
}

faults::Fault make_disk_fault(const Said& said) {
  const std::string_view trouble = word_of(kDiskTroubles, said.disk);
  faults::DiskFault fault{
      .trouble = said.disk, .file = {}, .at = trigger_of(said, std::nullopt), .lasts = {}};
  if (said.disk == faults::DiskTrouble::kFull) {
    refuse_for(said, "file", trouble);
    require_for(said, "for", trouble);
    fault.lasts = *said.lasts;
  } else {
    refuse_for(said, "for", trouble);
    require_for(said, "file", trouble);
    fault.file = said.file;
  }
  return fault;
}

// What each trouble of Kafka has to say besides when it comes.
struct KafkaShape {
  faults::KafkaTrouble trouble;
  std::array<std::string_view, 2> keys;
};

constexpr std::array kKafkaShapes{
    KafkaShape{faults::KafkaTrouble::kBrokerDown, {"for"}},
    KafkaShape{faults::KafkaTrouble::kLeaderMove, {"partition", "for"}},
    KafkaShape{faults::KafkaTrouble::kRequestError, {"of", "times"}},
    KafkaShape{faults::KafkaTrouble::kTruncate, {"partition", "records"}},
    KafkaShape{faults::KafkaTrouble::kRetain, {"partition", "records"}},
    KafkaShape{faults::KafkaTrouble::kCoordinatorMove, {"for"}},
};

faults::Fault make_kafka_fault(const Said& said) {
  const std::string_view trouble = word_of(kKafkaTroubles, said.kafka);
  const auto* const shape = std::ranges::find(kKafkaShapes, said.kafka, &KafkaShape::trouble);
  for (const std::string_view key : {"of", "for", "times", "partition", "records"}) {
    const bool has_it = std::ranges::find(shape->keys, key) != shape->keys.end();
    if (has_it && key != "times") {
      require_for(said, key, trouble);
    } else if (!has_it) {
      refuse_for(said, key, trouble);
    }
  }
  const bool names_process = said.node->find("of") != nullptr;
  return faults::KafkaFault{
      .trouble = said.kafka,
      .target = said.target,
      .partition = said.partition.value_or(0),
      .times = said.times.value_or(1),
      .records = said.records.value_or(0),
      .at = trigger_of(said, names_process ? std::optional(said.target) : std::nullopt),
      .lasts = said.lasts.value_or(0us)};
}

faults::Fault make_clock_fault(const Said& said) {
  if (said.jump.has_value() == said.drift_ppm.has_value()) {
    refuse(*said.node, "clock needs exactly one of: jump, drift");
  }
  return faults::ClockFault{.target = said.target,
                            .at = trigger_of(said, said.target),
                            .jump = said.jump.value_or(0us),
                            .drift_ppm = said.drift_ppm.value_or(0)};
}

faults::Fault make_slowdown(const Said& said) {
  faults::Slowdown slowdown{.what = said.slowed,
                            .target = said.target,
                            .at = trigger_of(said, said.target),
                            .factor = 1,
                            .extra = {},
                            .lasts = *said.lasts};
  const Field by{.name = "slow.by", .node = *said.by_node};
  if (said.slowed == faults::Slowed::kTask) {
    slowdown.extra = read_duration(by, 1ms, kDurationMax);
  } else {
    slowdown.factor = read_factor(by);
  }
  return slowdown;
}

faults::Fault make_reorder(const Said& said) {
  faults::Reorder reorder{.seed = said.seed, .at = faults::AtTime{}};
  if (said.at_node != nullptr) {
    reorder.at = trigger_of(said, std::nullopt);
  }
  return reorder;
}

faults::Fault make_yield(const Said& said) {
  return faults::Yield{.target = said.target, .at = trigger_of(said, said.target)};
}

constexpr std::array<std::string_view, 1> kNeedsAt{"at"};
constexpr std::array<std::string_view, 2> kNeedsFor{"for", "at"};
constexpr std::array<std::string_view, 2> kNeedsBy{"by", "at"};
constexpr std::array<std::string_view, 2> kNeedsOf{"of", "at"};
constexpr std::array<std::string_view, 4> kSlowNeeds{"of", "by", "for", "at"};

struct Kind {
  Mapping<Said> mapping;
  faults::Fault (*make)(const Said& said);
};

constexpr std::array kKinds{
    Kind{{"pause", kPauseKeys, kNeedsFor}, make_pause},
    Kind{{"drop", kDropKeys, kNeedsAt}, make_drop},
    Kind{{"delay", kDelayKeys, kNeedsBy}, make_delay},
    Kind{{"duplicate", kDuplicateKeys, kNeedsAt}, make_duplicate},
    Kind{{"fail", kFailKeys, kNeedsOf}, make_failure},
    Kind{{"disk", kDiskKeys, kNeedsAt}, make_disk_fault},
    Kind{{"kafka", kKafkaKeys, kNeedsAt}, make_kafka_fault},
    Kind{{"clock", kClockKeys, kNeedsAt}, make_clock_fault},
    Kind{{"slow", kSlowKeys, kSlowNeeds}, make_slowdown},
    Kind{{"reorder", kReorderKeys, {}}, make_reorder},
    Kind{{"yield", kYieldKeys, kNeedsAt}, make_yield},
};

}  // namespace

std::vector<std::string_view> disruption_kinds() {
  std::vector<std::string_view> kinds;
  for (const Kind& kind : kKinds) {
    kinds.push_back(kind.mapping.name);
  }
  return kinds;
}

faults::Fault read_disruption(std::string_view kind, const Field& field) {
  const auto* const found =
      std::ranges::find(kKinds, kind, [](const Kind& one) { return one.mapping.name; });
  INVARIANT(found != kKinds.end(), "{} is no disruption", kind);
  Said said;
  said.node = &field.node;
  read_mapping(field, found->mapping, said);
  return found->make(said);
}

void append_disruption_mappings(std::vector<KnownMapping>& known) {
  known.push_back(known_mapping(kSeed));
  for (const Kind& kind : kKinds) {
    known.push_back(known_mapping(kind.mapping));
  }
}

}  // namespace scenarios
