// scenarios/fault_words.h
//
// The words of a scenario file for what a fault plan enumerates. Reading and writing use the same
// table.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "faults/fault_plan.h"
#include "scenarios/mapping_reader.h"

namespace scenarios {

inline constexpr std::array kMessageFates{
    Choice<faults::MessageFate>{"drop", faults::MessageFate::kDropped},
    Choice<faults::MessageFate>{"delay", faults::MessageFate::kDelayed},
    Choice<faults::MessageFate>{"duplicate", faults::MessageFate::kDuplicated},
};

// Where others say which kind of message.
inline constexpr std::string_view kAnyMessage = "any";

inline constexpr std::array kFailings{
    Choice<faults::Failing>{"write", faults::Failing::kWrite},
    Choice<faults::Failing>{"flush", faults::Failing::kFlush},
    Choice<faults::Failing>{"rename", faults::Failing::kRename},
    Choice<faults::Failing>{"read", faults::Failing::kRead},
    Choice<faults::Failing>{"rpc", faults::Failing::kRpc},
    Choice<faults::Failing>{"task", faults::Failing::kTask},
    Choice<faults::Failing>{"sink", faults::Failing::kSink},
};

inline constexpr std::array kDiskTroubles{
    Choice<faults::DiskTrouble>{"full", faults::DiskTrouble::kFull},
    Choice<faults::DiskTrouble>{"flip-bit", faults::DiskTrouble::kFlipBit},
};

// What becomes of bytes that a death finds unsynced, beside a crash.
inline constexpr std::array kDiskOutcomes{
    Choice<sim::DiskOutcome>{"drop-unsynced", sim::DiskOutcome::kDropUnsynced},
    Choice<sim::DiskOutcome>{"keep-unsynced", sim::DiskOutcome::kKeepUnsynced},
    Choice<sim::DiskOutcome>{"torn", sim::DiskOutcome::kTornUnsynced},
};

inline constexpr std::array kFileKinds{
    Choice<faults::FileKind>{"checkpoint", faults::FileKind::kCheckpoint},
    Choice<faults::FileKind>{"driver-log", faults::FileKind::kDriverLog},
    Choice<faults::FileKind>{"receiver-log", faults::FileKind::kReceiverLog},
};

inline constexpr std::array kKafkaTroubles{
    Choice<faults::KafkaTrouble>{"broker-down", faults::KafkaTrouble::kBrokerDown},
    Choice<faults::KafkaTrouble>{"leader-move", faults::KafkaTrouble::kLeaderMove},
    Choice<faults::KafkaTrouble>{"request-error", faults::KafkaTrouble::kRequestError},
    Choice<faults::KafkaTrouble>{"truncate", faults::KafkaTrouble::kTruncate},
    Choice<faults::KafkaTrouble>{"retain", faults::KafkaTrouble::kRetain},
    Choice<faults::KafkaTrouble>{"coordinator-move", faults::KafkaTrouble::kCoordinatorMove},
};

inline constexpr std::array kSlowed{
    Choice<faults::Slowed>{"task", faults::Slowed::kTask},
    Choice<faults::Slowed>{"sink", faults::Slowed::kSink},
    Choice<faults::Slowed>{"storage", faults::Slowed::kStorage},
};

template <class T, std::size_t kCount>
constexpr std::string_view word_of(const std::array<Choice<T>, kCount>& words, T value) {
  const auto found = std::ranges::find(words, value, &Choice<T>::value);
  return found == words.end() ? "unknown" : found->name;
}

}  // namespace scenarios
