#include "scenarios/token.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "engine/messages.h"
#include "engine/ports/invariant.h"
#include "engine/ports/points.h"
#include "scenarios/fault_words.h"
#include "scenarios/token_bytes.h"

// Layout: hash (8 bytes), kafka and fault count (varint), seed (varint), faults, checksum (2
// bytes). A fault is two varints that say what follows, then the varints that are present. The
// first is below kFirstLaterKind for a crash or a partition, which tokens knew first.

namespace scenarios {
namespace {

constexpr std::string_view kPrefix = "op1-";
constexpr std::uint64_t kKafkaKinds = 3;
constexpr std::uint64_t kFaultsMax = 1000;

// Which optional parts of a fault follow.
constexpr std::uint64_t kPartBatch = 1U << 0U;
constexpr std::uint64_t kPartPartition = 1U << 1U;
constexpr std::uint64_t kPartOccurrence = 1U << 2U;
constexpr std::uint64_t kPartRestartAfter = 1U << 3U;
constexpr std::uint64_t kPartNoRestart = 1U << 4U;
constexpr std::uint64_t kPartDeleteCheckpoint = 1U << 5U;
constexpr std::uint64_t kPartVersion = 1U << 6U;

// Not a crash but a partition of the network, of which none of the restart says anything.
constexpr std::uint64_t kPartCut = 1U << 7U;

constexpr std::uint64_t kPartDisk = 1U << 8U;

constexpr std::uint64_t kPartsEnd = 1U << 9U;
constexpr std::uint64_t kPartsOfCrash =
    kPartRestartAfter | kPartNoRestart | kPartDeleteCheckpoint | kPartVersion | kPartDisk;

std::uint64_t parts_of(const faults::Trigger& trigger) {
  std::uint64_t parts = 0;
  if (const auto* const at = std::get_if<faults::AtPoint>(&trigger)) {
    parts |= at->batch ? kPartBatch : 0U;
    parts |= at->partition ? kPartPartition : 0U;
    parts |= at->occurrence != 1 ? kPartOccurrence : 0U;
  }
  return parts;
}

std::uint64_t parts_of(const faults::Crash& crash) {
  std::uint64_t parts = parts_of(crash.at);
  parts |= crash.restart_after ? kPartRestartAfter : 0U;
  parts |= crash.restarts ? 0U : kPartNoRestart;
  parts |= crash.redeploy.delete_checkpoint ? kPartDeleteCheckpoint : 0U;
  parts |= crash.redeploy.application_version ? kPartVersion : 0U;
  parts |= crash.disk != sim::DiskOutcome::kDropUnsynced ? kPartDisk : 0U;
  return parts;
}

void write_trigger(TokenWriter& writer, const faults::Trigger& trigger) {
  if (const auto* const at = std::get_if<faults::AtPoint>(&trigger)) {
    writer.varint(static_cast<std::uint64_t>(at->point));
    if (at->batch) {
      writer.integer(*at->batch);
    }
    if (at->partition) {
      writer.integer(*at->partition);
    }
    if (at->occurrence != 1) {
      writer.integer(at->occurrence);
    }
  } else if (const auto* const time = std::get_if<faults::AtTime>(&trigger)) {
    writer.duration(time->since_start);
  } else if (const auto* const step = std::get_if<faults::AtStep>(&trigger)) {
    writer.varint(static_cast<std::uint64_t>(step->process.role));
    writer.integer(step->process.index);
    writer.varint(step->step);
  }
}

// The kinds of target in the order in which tokens came to know them: a token of the time when
// there were three still says what it said. New kinds join in groups of three.
constexpr std::array kTargets{faults::TargetKind::kDriver,
                              faults::TargetKind::kExecutor,
                              faults::TargetKind::kCluster,
                              faults::TargetKind::kReceiver,
                              faults::TargetKind::kReceiverExecutor,
                              faults::TargetKind::kMachine};
constexpr std::uint64_t kTargetsInGroup = 3;
constexpr std::uint64_t kTriggerKinds = std::variant_size_v<faults::Trigger>;
constexpr std::uint64_t kKindsInGroup = kTargetsInGroup * kTriggerKinds;
constexpr std::uint64_t kKinds = kTargets.size() * kTriggerKinds;
static_assert(kTargets.size() % kTargetsInGroup == 0);

std::uint64_t number_of(faults::TargetKind kind) {
  const auto* const found = std::ranges::find(kTargets, kind);
  INVARIANT(found != kTargets.end(), "a target that tokens do not know");
  return static_cast<std::uint64_t>(found - kTargets.begin());
}

// Target and trigger of a fault in one number; of a partition, its first process.
std::uint64_t kinds_of(const faults::Target& of_fault, const faults::Trigger& at) {
  const std::uint64_t target = number_of(of_fault.kind);
  const auto trigger = static_cast<std::uint64_t>(at.index());
  return target / kTargetsInGroup * kKindsInGroup + trigger * kTargetsInGroup +
         target % kTargetsInGroup;
}

faults::TargetKind target_of(std::uint64_t kinds) {
  return kTargets.at(kinds / kKindsInGroup * kTargetsInGroup + kinds % kTargetsInGroup);
}

std::uint64_t trigger_of(std::uint64_t kinds) {
  return kinds % kKindsInGroup / kTargetsInGroup;
}

// There is one driver and one cluster; of the others the target is the index-th.
bool has_index(faults::TargetKind target) {
  return target != faults::TargetKind::kDriver && target != faults::TargetKind::kCluster;
}

void write_index(TokenWriter& writer, const faults::Target& target) {
  if (has_index(target.kind)) {
    writer.integer(target.index);
  }
}

void write_fault(TokenWriter& writer, const faults::Crash& crash) {
  writer.varint(kinds_of(crash.target, crash.at));
  writer.varint(parts_of(crash));
  write_index(writer, crash.target);
  write_trigger(writer, crash.at);
  if (crash.restart_after) {
    writer.duration(*crash.restart_after);
  }
  if (crash.redeploy.application_version) {
    writer.integer(*crash.redeploy.application_version);
  }
  if (crash.disk != sim::DiskOutcome::kDropUnsynced) {
    writer.varint(static_cast<std::uint64_t>(crash.disk));
  }
}

void write_fault(TokenWriter& writer, const faults::Partition& partition) {
  writer.varint(kinds_of(partition.left, partition.at));
  writer.varint(parts_of(partition.at) | kPartCut);
  write_index(writer, partition.left);
  write_trigger(writer, partition.at);
  writer.varint(number_of(partition.right.kind));
  write_index(writer, partition.right);
  writer.duration(partition.lasts);
}

faults::AtPoint read_at_point(TokenReader& reader, std::uint64_t parts) {
  faults::AtPoint at;
  at.point = static_cast<engine::Point>(reader.varint(engine::all_points().size() - 1));
  if ((parts & kPartBatch) != 0) {
    at.batch = reader.int32();
  }
  if ((parts & kPartPartition) != 0) {
    at.partition = reader.int32();
  }
  if ((parts & kPartOccurrence) != 0) {
    at.occurrence = reader.int32();
  }
  return at;
}

faults::AtStep read_at_step(TokenReader& reader) {
  faults::AtStep at;
  const auto role_max = static_cast<std::uint64_t>(engine::Role::kProducer);
  at.process.role = static_cast<engine::Role>(reader.varint(role_max));
  at.process.index = reader.int32();
  at.step = reader.varint(~std::uint64_t{0});
  return at;
}

faults::Trigger read_trigger(TokenReader& reader, std::uint64_t kind, std::uint64_t parts) {
  if (kind == 0) {
    return read_at_point(reader, parts);
  }
  if (kind == 1) {
    return faults::AtTime{.since_start = reader.duration()};
  }
  return read_at_step(reader);
}

faults::Target read_target(TokenReader& reader, faults::TargetKind kind) {
  return {.kind = kind, .index = has_index(kind) ? reader.int32() : 0};
}

faults::Partition read_partition(TokenReader& reader,
                                 const faults::Target& left,
                                 const faults::Trigger& at) {
  faults::Partition partition{.left = left, .right = {}, .at = at, .lasts = {}};
  partition.right = read_target(reader, kTargets.at(reader.varint(kTargets.size() - 1)));
  partition.lasts = reader.duration();
  return partition;
}

faults::Fault read_crash_or_partition(TokenReader& reader,
                                      std::uint64_t kinds,
                                      std::uint64_t parts) {
  faults::Crash crash;
  crash.target = read_target(reader, target_of(kinds));
  crash.at = read_trigger(reader, trigger_of(kinds), parts);
  if ((parts & kPartCut) != 0) {
    if ((parts & kPartsOfCrash) != 0) {
      reader.fail();
    }
    return read_partition(reader, crash.target, crash.at);
  }
  if ((parts & kPartRestartAfter) != 0) {
    crash.restart_after = reader.duration();
  }
  crash.restarts = (parts & kPartNoRestart) == 0;
  crash.redeploy.delete_checkpoint = (parts & kPartDeleteCheckpoint) != 0;
  if ((parts & kPartVersion) != 0) {
    crash.redeploy.application_version = reader.int32();
  }
  if ((parts & kPartDisk) != 0) {
    crash.disk = static_cast<sim::DiskOutcome>(reader.varint(kDiskOutcomes.size() - 1));
  }
  return crash;
}

// The other kinds: what each says besides its trigger, in the order of the token. One list for
// writing and for reading. -----------------------------------------------------------------------

template <class Kind>
struct Members;

template <>
struct Members<faults::Pause> {
  static auto of(auto& pause) { return std::tie(pause.target, pause.lasts); }
};

template <>
struct Members<faults::MessageFault> {
  static auto of(auto& fault) {
    return std::tie(fault.fate, fault.message, fault.from, fault.to, fault.times, fault.by);
  }
};

template <>
struct Members<faults::Failure> {
  static auto of(auto& failure) {
    return std::tie(failure.what, failure.target, failure.times, failure.applied);
  }
};

template <>
struct Members<faults::DiskFault> {
  static auto of(auto& fault) { return std::tie(fault.trouble, fault.file, fault.lasts); }
};

template <>
struct Members<faults::KafkaFault> {
  static auto of(auto& fault) {
    return std::tie(
        fault.trouble, fault.target, fault.partition, fault.times, fault.records, fault.lasts);
  }
};

template <>
struct Members<faults::ClockFault> {
  static auto of(auto& fault) { return std::tie(fault.target, fault.jump, fault.drift_ppm); }
};

template <>
struct Members<faults::Slowdown> {
  static auto of(auto& fault) {
    return std::tie(fault.what, fault.target, fault.factor, fault.extra, fault.lasts);
  }
};

template <>
struct Members<faults::Reorder> {
  static auto of(auto& reorder) { return std::tie(reorder.seed); }
};

template <>
struct Members<faults::Yield> {
  static auto of(auto& yield) { return std::tie(yield.target); }
};

class Putter {
 public:
  explicit Putter(TokenWriter& writer) : writer_(writer) {}

  void operator()(std::uint64_t value) { writer_.varint(value); }

  void operator()(std::int64_t value) { writer_.signed_integer(value); }

  void operator()(std::int32_t value) { writer_.signed_integer(value); }

  void operator()(bool value) { writer_.varint(value ? 1 : 0); }

  void operator()(engine::Duration value) { writer_.signed_duration(value); }

  void operator()(const faults::Target& target) {
    writer_.varint(number_of(target.kind));
    write_index(writer_, target);
  }

  template <class T>
  void operator()(const std::optional<T>& value) {
    (*this)(value.has_value());
    if (value) {
      (*this)(*value);
    }
  }

  template <class T>
  requires std::is_enum_v<T>

  void operator()(T value) { writer_.varint(static_cast<std::uint64_t>(value)); }

 private:
  TokenWriter& writer_;
};

// Their values are 0, 1, 2 ...
constexpr std::size_t count_of(faults::MessageFate /*type*/) {
  return kMessageFates.size();
}

constexpr std::size_t count_of(faults::Failing /*type*/) {
  return kFailings.size();
}

constexpr std::size_t count_of(faults::DiskTrouble /*type*/) {
  return kDiskTroubles.size();
}

constexpr std::size_t count_of(faults::FileKind /*type*/) {
  return kFileKinds.size();
}

constexpr std::size_t count_of(faults::KafkaTrouble /*type*/) {
  return kKafkaTroubles.size();
}

constexpr std::size_t count_of(faults::Slowed /*type*/) {
  return kSlowed.size();
}

class Getter {
 public:
  explicit Getter(TokenReader& reader) : reader_(reader) {}

  void operator()(std::uint64_t& value) { value = reader_.varint(~std::uint64_t{0}); }

  void operator()(std::int64_t& value) { value = reader_.signed_integer(); }

  void operator()(bool& value) { value = reader_.varint(1) == 1; }

  void operator()(engine::Duration& value) { value = reader_.signed_duration(); }

  void operator()(std::int32_t& value) {
    const std::int64_t wide = reader_.signed_integer();
    value = static_cast<std::int32_t>(wide);
    if (value != wide) {
      reader_.fail();
    }
  }

  void operator()(faults::Target& target) {
    target = read_target(reader_, kTargets.at(reader_.varint(kTargets.size() - 1)));
  }

  template <class T>
  void operator()(std::optional<T>& value) {
    bool is_there = false;
    (*this)(is_there);
    if (is_there) {
      (*this)(value.emplace());
    }
  }

  template <class T>
  requires std::is_enum_v<T>

  void operator()(T& value) { value = static_cast<T>(reader_.varint(count_of(value) - 1)); }

 private:
  TokenReader& reader_;
};

// Crash and partition are the first two alternatives of a fault.
constexpr std::uint64_t kFirstLaterKind = 64;
constexpr std::uint64_t kOldKinds = 2;
constexpr std::uint64_t kLaterKinds =
    (std::variant_size_v<faults::Fault> - kOldKinds) * kTriggerKinds;
static_assert(kKinds <= kFirstLaterKind);

template <class Kind>
std::uint64_t later_kind_of(const Kind& fault) {
  const std::uint64_t kind = faults::Fault(fault).index() - kOldKinds;
  return kFirstLaterKind + kind * kTriggerKinds + fault.at.index();
}

template <class Kind>
void write_fault(TokenWriter& writer, const Kind& fault) {
  writer.varint(later_kind_of(fault));
  writer.varint(parts_of(fault.at));
  write_trigger(writer, fault.at);
  Putter put(writer);
  std::apply([&put](const auto&... members) { (put(members), ...); }, Members<Kind>::of(fault));
}

bool is_known(const faults::MessageFault& fault) {
  return !fault.message ||
         (*fault.message >= 0 && *fault.message < std::ssize(engine::all_messages()));
}

bool is_known(const auto& /*fault*/) {
  return true;
}

template <class Kind>
faults::Fault read_later_fault(TokenReader& reader, const faults::Trigger& at) {
  Kind fault;
  fault.at = at;
  Getter get(reader);
  std::apply([&get](auto&... members) { (get(members), ...); }, Members<Kind>::of(fault));
  if (!is_known(fault)) {
    reader.fail();
  }
  return fault;
}

template <std::size_t... kKind>
faults::Fault read_later_fault(TokenReader& reader,
                               std::size_t kind,
                               const faults::Trigger& at,
                               std::index_sequence<kKind...> /*kinds*/) {
  using Read = faults::Fault (*)(TokenReader&, const faults::Trigger&);
  constexpr std::array<Read, sizeof...(kKind)> kReaders{
      &read_later_fault<std::variant_alternative_t<kKind + kOldKinds, faults::Fault>>...};
  return kReaders.at(kind)(reader, at);
}

faults::Fault read_fault(TokenReader& reader) {
  const std::uint64_t kinds = reader.varint(kFirstLaterKind + kLaterKinds - 1);
  const std::uint64_t parts = reader.varint(kPartsEnd - 1);
  if (kinds < kKinds) {
    return read_crash_or_partition(reader, kinds, parts);
  }
  if (kinds < kFirstLaterKind) {
    reader.fail();
    return {};
  }
  const std::uint64_t later = kinds - kFirstLaterKind;
  const faults::Trigger at = read_trigger(reader, later % kTriggerKinds, parts);
  return read_later_fault(
      reader, later / kTriggerKinds, at, std::make_index_sequence<kLaterKinds / kTriggerKinds>());
}

TokenContent read_content(TokenReader& reader) {
  TokenContent content;
  content.scenario_hash = reader.word64();
  const std::uint64_t head = reader.varint(kKafkaKinds * (kFaultsMax + 1) - 1);
  content.kafka = static_cast<KafkaKind>(head % kKafkaKinds);
  content.seed = reader.varint(~std::uint64_t{0});
  for (std::uint64_t i = 0; i < head / kKafkaKinds; ++i) {
    content.faults.push_back(read_fault(reader));
  }
  return content;
}

boost::system::result<TokenContent, std::string> refuse(std::string message) {
  return {boost::system::in_place_error, std::move(message)};
}

// "op2-...": ours, of another version.
bool is_other_version(std::string_view token) {
  const std::size_t dash = token.find('-');
  if (!token.starts_with("op") || dash == std::string_view::npos || dash < 3) {
    return false;
  }
  const auto digits = token.substr(2, dash - 2);
  return digits.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::string encode_token(const TokenContent& content) {
  INVARIANT(content.faults.size() <= kFaultsMax, "{} faults", content.faults.size());
  TokenWriter writer;
  writer.word64(content.scenario_hash);
  writer.varint(static_cast<std::uint64_t>(content.kafka) + kKafkaKinds * content.faults.size());
  writer.varint(content.seed);
  for (const faults::Fault& fault : content.faults) {
    std::visit([&writer](const auto& what) { write_fault(writer, what); }, fault);
  }
  return fmt::format("{}{}", kPrefix, writer.seal());
}

boost::system::result<TokenContent, std::string> decode_token(std::string_view token) {
  if (!token.starts_with(kPrefix)) {
    if (is_other_version(token)) {
      return refuse(
          fmt::format("token \"{}\" was made by another version of onceproof; this one "
                      "replays tokens that begin with {}",
                      token,
                      kPrefix));
    }
    return refuse(
        fmt::format("\"{}\" is not a replay token; tokens begin with {}", token, kPrefix));
  }
  const std::string damaged =
      fmt::format("token \"{}\" is damaged: a character is missing, changed or was added", token);
  auto reader = TokenReader::unseal(token.substr(kPrefix.size()));
  if (!reader) {
    return refuse(damaged);
  }
  TokenContent content = read_content(*reader);
  if (!reader->ended_well()) {
    return refuse(damaged);
  }
  return content;
}

}  // namespace scenarios
