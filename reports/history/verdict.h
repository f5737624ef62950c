// reports/history/verdict.h
//
// What a history shows that a Kafka should not show. The anomalies and their names are those of
// Jepsen's Kafka workload; docs/CHECK.md defines each and gives the smallest history that has it.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/history/history.h"
#include "reports/judge.h"

namespace reports::history {

enum class Anomaly : std::uint8_t {
  kInconsistentOffsets,
  kDuplicate,
  kAbortedRead,
  kPrecommittedRead,
  kLostWrite,
  kUnseen,
  kIntPollSkip,
  kIntNonmonotonicPoll,
  kPollSkip,
  kNonmonotonicPoll,
  kIntSendSkip,
  kIntNonmonotonicSend,
  kNonmonotonicSend,
  kCircularPolls,
  kCircularPollsInProcess,
  kCircularPollsInRealTime,
  kCircularSends,
  kCircularSendsAndPolls
};

inline constexpr std::array<std::string_view, 18> kAnomalyNames{"inconsistent-offsets",
                                                                "duplicate",
                                                                "G1a",
                                                                "precommitted-read",
                                                                "lost-write",
                                                                "unseen",
                                                                "int-poll-skip",
                                                                "int-nonmonotonic-poll",
                                                                "poll-skip",
                                                                "nonmonotonic-poll",
                                                                "int-send-skip",
                                                                "int-nonmonotonic-send",
                                                                "nonmonotonic-send",
                                                                "G1c",
                                                                "G1c-process",
                                                                "G1c-realtime",
                                                                "G0",
                                                                "G1c-ww"};

constexpr std::string_view to_string(Anomaly anomaly) {
  return kAnomalyNames[static_cast<std::size_t>(anomaly)];
}

// One case of an anomaly, and what in the history shows it.
struct Evidence {
  std::optional<std::string> key;  // empty: several have their part in it
  std::vector<std::string> values;
  std::vector<std::int64_t> lines;  // of the operations, in the order in which `sentence` has them
  std::string sentence;
};

struct Findings {
  std::int64_t count = 0;
  bool is_allowed = false;         // a Kafka may do that
  std::vector<Evidence> examples;  // at most kExamplesMax, the first ones
};

struct HistoryVerdict {
  std::int64_t operations = 0;  // lines of clients
  std::array<Findings, kAnomalyNames.size()> findings;

  // Nothing was found that is not allowed.
  [[nodiscard]] bool is_valid() const;
};

// A pure function of the history.
HistoryVerdict judge(const History& history);

}  // namespace reports::history
