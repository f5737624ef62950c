#include "reports/history/verdict.h"

#include <algorithm>

#include "reports/history/evidence.h"
#include "reports/history/logs.h"
#include "reports/input/refusal.h"

namespace reports::history {
namespace {

Findings& of(HistoryVerdict& verdict, Anomaly anomaly) {
  return verdict.findings[static_cast<std::size_t>(anomaly)];
}

}  // namespace

std::string EvidenceBook::text(MessageNumber message) const {
  return std::string(history_.message_texts.text(message));
}

std::string EvidenceBook::quoted(MessageNumber message) const {
  return input::quoted(history_.message_texts.text(message));
}

std::string EvidenceBook::quoted_key(KeyNumber key) const {
  return input::quoted(history_.key_texts.text(key));
}

bool HistoryVerdict::is_valid() const {
  return std::ranges::all_of(
      findings, [](const Findings& found) { return found.count == 0 || found.is_allowed; });
}

// Transactions of Kafka do not keep others from sending in between. A consumer that subscribes may
// be given other partitions at any time, and go on where somebody else has left them. Because sends
// interleave, what follows from their order may go round in circles; what follows from polls alone
// may not, as nobody polls what is not committed.
HistoryVerdict judge(const History& history) {
  HistoryVerdict verdict;
  verdict.operations = history.line_count;
  of(verdict, Anomaly::kIntSendSkip).is_allowed = true;
  of(verdict, Anomaly::kPollSkip).is_allowed = history.has_subscription;
  of(verdict, Anomaly::kNonmonotonicPoll).is_allowed = history.has_subscription;
  of(verdict, Anomaly::kCircularSends).is_allowed = true;
  of(verdict, Anomaly::kCircularSendsAndPolls).is_allowed = true;
  const Logs logs(history);
  EvidenceBook book(history, verdict);
  judge_contents(history, logs, book);
  judge_order(history, logs, book);
  judge_cycles(history, logs, book);
  return verdict;
}

}  // namespace reports::history
