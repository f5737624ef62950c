#include "scenarios/token.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "engine/ports/points.h"

// Layout: hash (8 bytes), kafka and fault count (varint), seed (varint), faults, checksum (2
// bytes). A fault is two varints that say what follows, then the varints that are present.

namespace scenarios {
namespace {

constexpr std::string_view kPrefix = "op1-";
constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::uint64_t kKafkaKinds = 3;
constexpr std::uint64_t kFaultsMax = 1000;
constexpr std::size_t kChecksumBytes = 2;

using Bytes = std::vector<std::uint8_t>;

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

constexpr std::uint64_t kPartsEnd = 1U << 8U;
constexpr std::uint64_t kPartsOfCrash =
    kPartRestartAfter | kPartNoRestart | kPartDeleteCheckpoint | kPartVersion;

// CRC-16/CCITT: finds every burst of up to 16 bits, and so every change of one character or two
// neighbours, which are at most 10 bits apart.
std::uint16_t checksum(const Bytes& bytes, std::size_t count) {
  std::uint32_t crc = 0xFFFF;
  for (std::size_t i = 0; i < count; ++i) {
    crc ^= static_cast<std::uint32_t>(bytes[i]) << 8U;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U;
    }
    crc &= 0xFFFFU;
  }
  return static_cast<std::uint16_t>(crc);
}

std::string to_base32(const Bytes& bytes) {
  std::string text;
  std::uint32_t bits = 0;
  std::uint32_t bit_count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8U) | byte;
    bit_count += 8;
    while (bit_count >= 5) {
      bit_count -= 5;
      text += kAlphabet[(bits >> bit_count) & 31U];
    }
    bits &= 31U;
  }
  if (bit_count > 0) {
    text += kAlphabet[(bits << (5 - bit_count)) & 31U];
  }
  return text;
}

// Nothing for text that to_base32() cannot have made.
std::optional<Bytes> from_base32(std::string_view text) {
  Bytes bytes;
  std::uint32_t bits = 0;
  std::uint32_t bit_count = 0;
  for (const char c : text) {
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    bits = (bits << 5U) | static_cast<std::uint32_t>(digit);
    bit_count += 5;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes.push_back(static_cast<std::uint8_t>(bits >> bit_count));
      bits &= (1U << bit_count) - 1;
    }
  }
  const bool is_whole = bit_count < 5 && bits == 0;
  return is_whole ? std::optional(std::move(bytes)) : std::nullopt;
}

class Writer {
 public:
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      bytes_.push_back(static_cast<std::uint8_t>(value | 0x80U));
      value >>= 7U;
    }
    bytes_.push_back(static_cast<std::uint8_t>(value));
  }

  void integer(std::int64_t value) {
    INVARIANT(value >= 0, "a token holds no negative number, such as {}", value);
    varint(static_cast<std::uint64_t>(value));
  }

  // Most durations are whole milliseconds; the lowest bit says whether.
  void duration(engine::Duration duration) {
    const std::int64_t us = duration.count();
    INVARIANT(us >= 0 && us <= (std::int64_t{1} << 60), "duration {} us is out of range", us);
    integer(us % 1000 == 0 ? us / 1000 * 2 : us * 2 + 1);
  }

  void word64(std::uint64_t value) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
      bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
    }
  }

  [[nodiscard]] Bytes seal() {
    const std::uint16_t sum = checksum(bytes_, bytes_.size());
    bytes_.push_back(static_cast<std::uint8_t>(sum >> 8U));
    bytes_.push_back(static_cast<std::uint8_t>(sum & 0xFFU));
    return std::move(bytes_);
  }

 private:
  Bytes bytes_;
};

// Reads what Writer wrote. A read past the end, or a value out of its range, is remembered and
// gives 0 from then on.
class Reader {
 public:
  Reader(const Bytes& bytes, std::size_t count) : bytes_(bytes), count_(count) {}

  std::uint64_t varint(std::uint64_t max) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint64_t byte = next();
      const std::uint64_t bits = byte & 0x7FU;
      if ((bits << shift) >> shift != bits) {
        break;
      }
      value |= bits << shift;
      if ((byte & 0x80U) == 0) {
        return value <= max ? value : fail();
      }
    }
    return fail();
  }

  std::int32_t int32() { return static_cast<std::int32_t>(varint(0x7FFF'FFFF)); }

  engine::Duration duration() {
    const std::uint64_t value = varint(std::uint64_t{1} << 62U);
    const auto half = static_cast<std::int64_t>(value / 2);
    const bool in_range = value % 2 == 1 || half <= (std::int64_t{1} << 60) / 1000;
    if (!in_range) {
      fail();
      return engine::Duration(0);
    }
    return engine::Duration(value % 2 == 1 ? half : half * 1000);
  }

  std::uint64_t word64() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 8) {
      value |= next() << shift;
    }
    return value;
  }

  // What was read makes no sense.
  std::uint64_t fail() {
    good_ = false;
    return 0;
  }

  [[nodiscard]] bool ended_well() const { return good_ && at_ == count_; }

 private:
  std::uint64_t next() { return at_ < count_ ? bytes_[at_++] : fail(); }

  const Bytes& bytes_;
  std::size_t count_;
  std::size_t at_ = 0;
  bool good_ = true;
};

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
  return parts;
}

void write_trigger(Writer& writer, const faults::Trigger& trigger) {
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

void write_index(Writer& writer, const faults::Target& target) {
  if (has_index(target.kind)) {
    writer.integer(target.index);
  }
}

void write_fault(Writer& writer, const faults::Crash& crash) {
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
}

void write_fault(Writer& writer, const faults::Partition& partition) {
  writer.varint(kinds_of(partition.left, partition.at));
  writer.varint(parts_of(partition.at) | kPartCut);
  write_index(writer, partition.left);
  write_trigger(writer, partition.at);
  writer.varint(number_of(partition.right.kind));
  write_index(writer, partition.right);
  writer.duration(partition.lasts);
}

faults::AtPoint read_at_point(Reader& reader, std::uint64_t parts) {
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

faults::AtStep read_at_step(Reader& reader) {
  faults::AtStep at;
  const auto role_max = static_cast<std::uint64_t>(engine::Role::kProducer);
  at.process.role = static_cast<engine::Role>(reader.varint(role_max));
  at.process.index = reader.int32();
  at.step = reader.varint(~std::uint64_t{0});
  return at;
}

faults::Trigger read_trigger(Reader& reader, std::uint64_t kind, std::uint64_t parts) {
  if (kind == 0) {
    return read_at_point(reader, parts);
  }
  if (kind == 1) {
    return faults::AtTime{.since_start = reader.duration()};
  }
  return read_at_step(reader);
}

faults::Target read_target(Reader& reader, faults::TargetKind kind) {
  return {.kind = kind, .index = has_index(kind) ? reader.int32() : 0};
}

faults::Partition read_partition(Reader& reader,
                                 const faults::Target& left,
                                 const faults::Trigger& at) {
  faults::Partition partition{.left = left, .right = {}, .at = at, .lasts = {}};
  partition.right = read_target(reader, kTargets.at(reader.varint(kTargets.size() - 1)));
  partition.lasts = reader.duration();
  return partition;
}

faults::Fault read_fault(Reader& reader) {
  const std::uint64_t kinds = reader.varint(kKinds - 1);
  const std::uint64_t parts = reader.varint(kPartsEnd - 1);
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
  return crash;
}

TokenContent read_content(Reader& reader) {
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
  Writer writer;
  writer.word64(content.scenario_hash);
  writer.varint(static_cast<std::uint64_t>(content.kafka) + kKafkaKinds * content.faults.size());
  writer.varint(content.seed);
  for (const faults::Fault& fault : content.faults) {
    std::visit([&writer](const auto& what) { write_fault(writer, what); }, fault);
  }
  return fmt::format("{}{}", kPrefix, to_base32(writer.seal()));
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
  const auto bytes = from_base32(token.substr(kPrefix.size()));
  const std::string damaged =
      fmt::format("token \"{}\" is damaged: a character is missing, changed or was added", token);
  if (!bytes || bytes->size() < kChecksumBytes) {
    return refuse(damaged);
  }
  const std::size_t count = bytes->size() - kChecksumBytes;
  const auto sum = static_cast<std::uint16_t>(((*bytes)[count] << 8) | (*bytes)[count + 1]);
  if (sum != checksum(*bytes, count)) {
    return refuse(damaged);
  }
  Reader reader(*bytes, count);
  TokenContent content = read_content(reader);
  if (!reader.ended_well()) {
    return refuse(damaged);
  }
  return content;
}

}  // namespace scenarios
