// scenarios/message_notes.h
//
// Stands beside the network and writes the messages of a run into its ledger: who says what to whom
// when, what it is about, and what becomes of it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "engine/messages.h"
#include "reports/ledger.h"
#include "sim/network.h"
#include "sim/scheduler.h"

namespace scenarios {

class MessageNotes final : public sim::MessageObserver<engine::Message> {
 public:
  // `messages` outlives the notes.
  MessageNotes(const sim::Scheduler& scheduler, std::vector<reports::MessageRecord>& messages)
      : scheduler_(scheduler), messages_(messages) {}

  std::size_t sent(const Sent& what) override;
  void ended(std::size_t number, sim::MessageEnd how) override;

 private:
  // Who asked, which kind of question, and its number.
  using Question = std::tuple<engine::Address, std::size_t, std::int64_t>;

  void describe(const Sent& what, reports::MessageRecord& record);

  const sim::Scheduler& scheduler_;
  std::vector<reports::MessageRecord>& messages_;
  std::map<Question, reports::MessageRecord> asked_;  // an answer is about what its question is
};

}  // namespace scenarios
