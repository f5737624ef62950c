#include "sim/trace.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "engine/ports/invariant.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sim {
namespace {

// The hash reads words as they lie in memory.
static_assert(std::endian::native == std::endian::little);

constexpr std::array<std::string_view, 46> kOperationNames{
    "life.began",
    "life.ended",
    "point",
    "work",
    "message.sent",
    "message.received",
    "message.lost",
    "disconnected",
    "storage.create",
    "storage.create_applied",
    "storage.append",
    "storage.append_applied",
    "storage.flush",
    "storage.flush_applied",
    "storage.close",
    "storage.close_applied",
    "storage.rename",
    "storage.rename_copied",
    "storage.rename_applied",
    "storage.remove",
    "storage.remove_applied",
    "storage.list",
    "storage.read",
    "kafka.produce",
    "kafka.produce_applied",
    "kafka.fetch",
    "kafka.watermarks",
    "kafka.commit",
    "kafka.commit_applied",
    "kafka.committed",
    "sink.append",
    "sink.append_applied",
    "sink.upsert",
    "sink.upsert_applied",
    "sink.replace_file",
    "sink.replace_file_applied",
    "sink.prepare",
    "sink.prepare_applied",
    "sink.commit",
    "sink.commit_applied",
    "sink.saved_offsets",
    "offsets.save",
    "offsets.save_applied",
    "offsets.load",
    "paused",
    "resumed",
};

static_assert(kOperationNames.size() == static_cast<std::size_t>(Operation::kResumed) + 1);

constexpr std::uint64_t word_of(std::int32_t high, std::int32_t low) {
  return std::uint64_t{static_cast<std::uint32_t>(high)} << 32U | static_cast<std::uint32_t>(low);
}

}  // namespace

std::string_view to_string(Operation operation) {
  return kOperationNames[static_cast<std::size_t>(operation)];
}

// A request changes nothing yet. Saving offsets one by one is the exception: each request is also
// the answer to the one before.
bool is_effect(Operation operation) {
  switch (operation) {
    case Operation::kStorageCreateApplied:
    case Operation::kStorageAppendApplied:
    case Operation::kStorageFlushApplied:
    case Operation::kStorageCloseApplied:
    case Operation::kStorageRenameCopied:
    case Operation::kStorageRenameApplied:
    case Operation::kStorageRemoveApplied:
    case Operation::kKafkaProduceApplied:
    case Operation::kKafkaCommitApplied:
    case Operation::kSinkAppendApplied:
    case Operation::kSinkUpsertApplied:
    case Operation::kSinkReplaceFileApplied:
    case Operation::kSinkPrepareApplied:
    case Operation::kSinkCommitApplied:
    case Operation::kOffsetsSave:
    case Operation::kOffsetsSaveApplied:
      return true;
    default:
      return false;
  }
}

std::string to_string(const TraceStep& step) {
  return fmt::format("{} us {} life {} {} {:016x}",
                     step.at.time_since_epoch().count(),
                     engine::to_string(step.process.process),
                     step.process.incarnation,
                     to_string(step.operation),
                     step.digest);
}

std::string to_string(TraceHash hash) {
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

std::uint64_t digest_of(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint64_t digest_of(std::span<const std::uint64_t> words) {
  return XXH3_64bits(words.data(), words.size_bytes());
}

// Fixed words and no padding: nothing undefined is hashed.
void Trace::extend_hash(const TraceStep& step) {
  const std::array<std::uint64_t, 6> words{
      hash_.low,
      hash_.high,
      static_cast<std::uint64_t>(std::int64_t{step.at.time_since_epoch().count()}),
      step.digest,
      word_of(step.process.process.index, step.process.incarnation),
      word_of(static_cast<std::int32_t>(step.process.process.role),
              static_cast<std::int32_t>(step.operation)),
  };
  const XXH128_hash_t mixed = XXH3_128bits(words.data(), sizeof(words));
  hash_ = {.high = mixed.high64, .low = mixed.low64};
}

void Trace::add(const TraceStep& step) {
  if (is_hashed()) {
    extend_hash(step);
  }
  ++step_count_;
  const bool by_producer = step.process.process.role == engine::Role::kProducer;
  effect_count_ += is_effect(step.operation) && !by_producer ? 1U : 0U;
  if (recording_ == Recording::kSteps) {
    steps_.push_back(step);
  }
  if (listener_) {
    listener_(step);
  }
}

std::optional<TraceDifference> first_difference(const Trace& left, const Trace& right) {
  INVARIANT(left.steps().size() == left.step_count(), "the left trace did not record its steps");
  INVARIANT(right.steps().size() == right.step_count(), "the right trace did not record its steps");
  const auto [a, b] = std::ranges::mismatch(left.steps(), right.steps());
  if (a == left.steps().end() && b == right.steps().end()) {
    return std::nullopt;
  }
  TraceDifference difference;
  difference.index = static_cast<std::size_t>(a - left.steps().begin());
  if (a != left.steps().end()) {
    difference.left = *a;
  }
  if (b != right.steps().end()) {
    difference.right = *b;
  }
  return difference;
}

}  // namespace sim
