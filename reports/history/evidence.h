// reports/history/evidence.h
//
// Where the judges of a history put what they find. Evidence costs sentences, so that only the
// first cases of each anomaly get one; all are counted.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "reports/history/logs.h"
#include "reports/history/verdict.h"

namespace reports::history {

class EvidenceBook {
 public:
  EvidenceBook(const History& history, HistoryVerdict& verdict)
      : history_(history), verdict_(verdict) {}

  // `write` is called for the first cases only.
  template <class Write>
  void add(Anomaly anomaly, Write write) {
    Findings& findings = verdict_.findings[static_cast<std::size_t>(anomaly)];
    ++findings.count;
    if (findings.examples.size() < kExamplesMax) {
      write(findings.examples.emplace_back());
    }
  }

  // Likewise `sentence`.
  template <class Sentence>
  void add(Anomaly anomaly,
           KeyNumber key,
           std::initializer_list<MessageNumber> messages,
           std::initializer_list<std::int64_t> lines,
           Sentence sentence) {
    add(anomaly, [&](Evidence& evidence) {
      evidence.key = history_.key_texts.text(key);
      for (const MessageNumber message : messages) {
        evidence.values.push_back(text(message));
      }
      evidence.lines = lines;
      evidence.sentence = fmt::format("key {}: {}", quoted_key(key), sentence());
    });
  }

  [[nodiscard]] std::string text(MessageNumber message) const;
  [[nodiscard]] std::string quoted(MessageNumber message) const;
  [[nodiscard]] std::string quoted_key(KeyNumber key) const;

 private:
  const History& history_;
  HistoryVerdict& verdict_;
};

// What is in the logs: inconsistent-offsets, duplicate, G1a, precommitted-read, lost-write, unseen.
void judge_contents(const History& history, const Logs& logs, EvidenceBook& book);

// In which order each process and each operation sees or makes them: skips and steps back.
void judge_order(const History& history, const Logs& logs, EvidenceBook& book);

// Whether what operations learn of each other goes round in circles: G0, G1c and its variants.
void judge_cycles(const History& history, const Logs& logs, EvidenceBook& book);

}  // namespace reports::history
