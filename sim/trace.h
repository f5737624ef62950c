// sim/trace.h
//
// What a world did, as one number: every step enters a rolling 128-bit hash. Two runs that behaved
// alike have the same hash; of two that did not, the first differing step can be named.
//
// Invariants
//   T1  Complete.  Every field of every step but its number, and their order, changes the hash.
//   T2  Portable.  The hash of the same steps is the same in every build and on every compiler.
// tests/unit/trace_test.cpp checks each of them by name.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/ports/invariant.h"
#include "engine/ports/vocabulary.h"

namespace sim {

// What happened at a step. A write has two boundaries: the request before the other side has it,
// and ...Applied when the effect is there and the answer is not.
enum class Operation : std::uint16_t {
  kLifeBegan,
  kLifeEnded,
  kPoint,
  kWork,
  kMessageSent,
  kMessageReceived,
  kMessageLost,
  kDisconnected,
  kStorageCreate,
  kStorageCreateApplied,
  kStorageAppend,
  kStorageAppendApplied,
  kStorageFlush,
  kStorageFlushApplied,
  kStorageClose,
  kStorageCloseApplied,
  kStorageRename,
  kStorageRenameCopied,
  kStorageRenameApplied,
  kStorageRemove,
  kStorageRemoveApplied,
  kStorageList,
  kStorageRead,
  kKafkaProduce,
  kKafkaProduceApplied,
  kKafkaFetch,
  kKafkaWatermarks,
  kKafkaCommit,
  kKafkaCommitApplied,
  kKafkaCommitted,
  kSinkAppend,
  kSinkAppendApplied,
  kSinkUpsert,
  kSinkUpsertApplied,
  kSinkReplaceFile,
  kSinkReplaceFileApplied,
  kSinkPrepare,
  kSinkPrepareApplied,
  kSinkCommit,
  kSinkCommitApplied,
  kSinkSavedOffsets,
  kOffsetsSave,
  kOffsetsSaveApplied,
  kOffsetsLoad,
  kPaused,
  kResumed,
};

// "storage.rename_applied"
std::string_view to_string(Operation operation);

// Whether something outside of the process has changed since its step before: at such a step what a
// crash leaves may differ from what it left there.
bool is_effect(Operation operation);

struct TraceStep {
  engine::Instant at;
  engine::Address process;
  Operation operation = Operation::kWork;
  std::uint64_t digest = 0;
  // Which effect boundary of its process it is, from 1; 0: none. Not in the hash: it counts steps
  // that are.
  std::uint64_t number = 0;
  bool operator==(const TraceStep&) const = default;
};

std::string to_string(const TraceStep& step);

struct TraceHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const TraceHash&) const = default;
};

// 32 hexadecimal digits.
std::string to_string(TraceHash hash);

// 64 bits that stand for bytes; the same on every machine. For the digests of steps.
std::uint64_t digest_of(std::string_view bytes);
std::uint64_t digest_of(std::span<const std::uint64_t> words);

// Extends a digest by one more number; order matters. One step of splitmix64, a bijection in each
// of the two: a single number that differs never goes unnoticed. Inline, because a row has a dozen.
constexpr std::uint64_t digest_with(std::uint64_t digest, std::uint64_t value) {
  std::uint64_t mixed = (digest ^ value) + 0x9e3779b97f4a7c15U;
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31U);
}

using StepListener = std::function<void(const TraceStep&)>;

class Trace {
 public:
  enum class Recording : std::uint8_t {
    kNothing,  // counts only: for searches, which compare no traces
    kHashOnly,
    kSteps,  // and the hash
  };

  // `listener` is told of every step as it is added; may be empty.
  // Requires  no listener where nothing is recorded: steps are without their digests there.
  explicit Trace(Recording recording = Recording::kHashOnly, StepListener listener = nullptr)
      : recording_(recording), listener_(std::move(listener)) {
    INVARIANT(is_hashed() || !listener_, "a listener is told digests");
  }

  void add(const TraceStep& step);

  // Whether the digests of steps are of any use.
  [[nodiscard]] bool is_hashed() const { return recording_ != Recording::kNothing; }

  // Zero if nothing is recorded.
  [[nodiscard]] TraceHash hash() const { return hash_; }

  [[nodiscard]] std::uint64_t step_count() const { return step_count_; }

  // Steps that were effects, without the producer's, which no crash moves.
  [[nodiscard]] std::uint64_t effect_count() const { return effect_count_; }

  // Empty unless steps are recorded.
  [[nodiscard]] const std::vector<TraceStep>& steps() const { return steps_; }

 private:
  void extend_hash(const TraceStep& step);

  Recording recording_;
  StepListener listener_;
  TraceHash hash_;
  std::uint64_t step_count_ = 0;
  std::uint64_t effect_count_ = 0;
  std::vector<TraceStep> steps_;
};

// Where two recorded traces part. An empty side: that trace ended here.
struct TraceDifference {
  std::size_t index = 0;
  std::optional<TraceStep> left;
  std::optional<TraceStep> right;
};

// Requires  both traces recorded their steps.
std::optional<TraceDifference> first_difference(const Trace& left, const Trace& right);

}  // namespace sim
