#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reports/history/evidence.h"
#include "reports/history/operation_graph.h"

namespace reports::history {
namespace {

constexpr std::size_t kSentencesMax = 12;  // of one cycle

// Says why one operation comes before another.
class Reasons {
 public:
  Reasons(const History& history, const Logs& logs, const EvidenceBook& book)
      : history_(history), logs_(logs), book_(book) {}

  struct Reason {
    std::optional<MessageNumber> message;
    std::string sentence;
  };

  // The weightiest. The order of sends is none in a cycle that does without.
  [[nodiscard]] Reason between(OperationNumber from, OperationNumber to, bool by_sends) const {
    const Operation& first = history_.operations[from];
    const Operation& second = history_.operations[to];
    if (const auto message = polled(from, second)) {
      return {message,
              fmt::format("line {} sends {} to key {} and line {} polls it",
                          first.line,
                          book_.quoted(*message),
                          book_.quoted_key(history_.messages[*message].key),
                          second.line)};
    }
    const auto message = by_sends ? sent_behind(from, second) : std::nullopt;
    if (message) {
      return {message,
              fmt::format("line {} sends to key {} and line {} sends {} behind that",
                          first.line,
                          book_.quoted_key(history_.messages[*message].key),
                          second.line,
                          book_.quoted(*message))};
    }
    if (first.process == second.process) {
      return {std::nullopt,
              fmt::format("line {} and then line {} are of one process", first.line, second.line)};
    }
    return {std::nullopt,
            fmt::format("line {} ends before line {} begins, in line {}",
                        first.line,
                        second.line,
                        second.invoked)};
  }

 private:
  [[nodiscard]] std::optional<MessageNumber> polled(OperationNumber writer,
                                                    const Operation& reader) const {
    for (const Event& event : history_.events_of(reader)) {
      if (!event.is_send && history_.messages[event.message].writer == writer) {
        return event.message;
      }
    }
    return std::nullopt;
  }

  // A message of `second` that the log has behind one of `first`.
  [[nodiscard]] std::optional<MessageNumber> sent_behind(OperationNumber first,
                                                         const Operation& second) const {
    for (const Event& event : history_.events_of(second)) {
      if (event.is_send && is_behind(event.message, first)) {
        return event.message;
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] bool is_behind(MessageNumber message, OperationNumber first) const {
    const std::int64_t offset = logs_.extent(message).last;
    return std::ranges::any_of(
        history_.events_of(history_.operations[first]), [&](const Event& event) {
          return event.is_send &&
                 history_.messages[event.message].key == history_.messages[message].key &&
                 logs_.extent(event.message).first != kNoOffset &&
                 logs_.extent(event.message).first <= offset;
        });
  }

  const History& history_;
  const Logs& logs_;
  const EvidenceBook& book_;
};

// A kind of cycle, and what its operations may follow each other for.
struct Kind {
  Anomaly anomaly;
  std::uint8_t why;
};

// Each allows more than the one before it.
constexpr std::array kOfPolls{Kind{Anomaly::kCircularPolls, kPolls},
                              Kind{Anomaly::kCircularPollsInProcess, kPolls | kProcesses},
                              Kind{Anomaly::kCircularPollsInRealTime, kPolls | kProcesses | kTime}};
constexpr std::array kOfSends{Kind{Anomaly::kCircularSends, kSends},
                              Kind{Anomaly::kCircularSendsAndPolls, kSends | kPolls}};

class CycleJudge {
 public:
  CycleJudge(const History& history, const Logs& logs, EvidenceBook& book)
      : history_(history),
        logs_(logs),
        book_(book),
        reasons_(history, logs, book),
        is_in_case_(history.operations.size()) {}

  // The weightiest first: an operation that one cycle holds is in no further case. Where the last
  // kind has no cycle, none before it has.
  void judge(std::span<const Kind> kinds) {
    if (!has_cycle(kinds.back())) {
      return;
    }
    for (const Kind& kind : kinds) {
      judge(kind);
    }
  }

 private:
  [[nodiscard]] bool has_cycle(const Kind& kind) const {
    const Precedences precedences = precedences_of(history_, logs_, kind.why);
    return precedences.has_way_back && !OperationGraph(precedences).contradictory().empty();
  }

  void judge(const Kind& kind) {
    OperationGraph graph(precedences_of(history_, logs_, kind.why));
    for (const OperationGraph::Component& component : graph.contradictory()) {
      if (std::ranges::any_of(component, [this](auto number) { return is_in_case_[number]; })) {
        continue;
      }
      for (const OperationNumber number : component) {
        is_in_case_[number] = true;
      }
      book_.add(kind.anomaly, [&](Evidence& evidence) {
        describe(graph.shortest_cycle(component), (kind.why & kSends) != 0, evidence);
      });
    }
  }

  void describe(const std::vector<OperationNumber>& cycle,
                bool by_sends,
                Evidence& evidence) const {
    std::vector<std::string> sentences;
    for (std::size_t n = 0; n < cycle.size(); ++n) {
      evidence.lines.push_back(history_.operations[cycle[n]].line);
      const auto reason = reasons_.between(cycle[n], cycle[(n + 1) % cycle.size()], by_sends);
      if (reason.message) {
        evidence.values.push_back(book_.text(*reason.message));
      }
      if (n < kSentencesMax) {
        sentences.push_back(reason.sentence);
      }
    }
    evidence.sentence = fmt::format("{}", fmt::join(sentences, "; "));
    if (cycle.size() > kSentencesMax) {
      evidence.sentence += fmt::format("; and {} more", cycle.size() - kSentencesMax);
    }
  }

  const History& history_;
  const Logs& logs_;
  EvidenceBook& book_;
  Reasons reasons_;
  std::vector<bool> is_in_case_;  // by operation
};

}  // namespace

void judge_cycles(const History& history, const Logs& logs, EvidenceBook& book) {
  CycleJudge cycles(history, logs, book);
  cycles.judge(kOfPolls);
  cycles.judge(kOfSends);
}

}  // namespace reports::history
