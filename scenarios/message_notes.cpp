#include "scenarios/message_notes.h"

#include <optional>
#include <variant>

namespace scenarios {
namespace {

using engine::MessageRole;
using reports::MessageFate;
using reports::MessageRecord;

void add(const engine::TaskKey& key, MessageRecord& record) {
  record.batch = key.batch;
  record.task = key.partition;
  record.attempt = key.attempt;
}

// What a message says of itself. Most kinds are about nothing that a batch or a block is.
void add_subject(const auto& /*message*/, MessageRecord& /*record*/) {}

void add_subject(const engine::LaunchTask& message, MessageRecord& record) {
  add(message.task->key, record);
}

void add_subject(const engine::TaskFinished& message, MessageRecord& record) {
  add(message.key, record);
  record.code = message.error.value();
}

void add_subject(const engine::FetchShuffleBlock& message, MessageRecord& record) {
  record.batch = message.batch;
  record.task = message.reduce;
}

void add_subject(const engine::ReplicateBlock& message, MessageRecord& record) {
  record.block = message.block;
}

void add_subject(const engine::FetchBlock& message, MessageRecord& record) {
  record.block = message.block;
}

void add_subject(const engine::BlockStored& message, MessageRecord& record) {
  record.block = message.block;
}

void add_subject(const engine::AddBlock& message, MessageRecord& record) {
  record.block = message.info.block;
  record.ranges = message.info.ranges;
}

// The number of a question or an answer; those about receivers are told apart by their stream.
std::optional<std::int64_t> number_of(const engine::Message& message) {
  return std::visit(
      [](const auto& content) -> std::optional<std::int64_t> {
        if constexpr (requires { content.request; }) {
          return content.request;
        } else {
          return std::nullopt;
        }
      },
      message);
}

MessageFate fate_of(sim::MessageEnd how) {
  switch (how) {
    case sim::MessageEnd::kArrived:
      return MessageFate::kArrived;
    case sim::MessageEnd::kLost:
      return MessageFate::kLost;
    case sim::MessageEnd::kCut:
      return MessageFate::kCut;
    case sim::MessageEnd::kNobody:
      return MessageFate::kNobody;
  }
  return MessageFate::kUnderWay;
}

}  // namespace

std::size_t MessageNotes::sent(const Sent& what) {
  MessageRecord& record = messages_.emplace_back();
  record.from = what.from;
  record.to = what.to;
  record.sent_at = scheduler_.now();
  record.again = what.again;
  if (what.message == nullptr) {
    record.kind = "disconnected";
  } else {
    describe(what, record);
  }
  return messages_.size() - 1;
}

// In engine::Message an answer stands behind its question.
void MessageNotes::describe(const Sent& what, MessageRecord& record) {
  const std::size_t kind = what.message->index();
  const engine::MessageInfo& info = engine::all_messages()[kind];
  record.kind = info.name;
  std::visit([&record](const auto& content) { add_subject(content, record); }, *what.message);
  const auto number = number_of(*what.message);
  if (number && info.role == MessageRole::kQuestion) {
    asked_[{what.from, kind, *number}] = record;
  } else if (number && info.role == MessageRole::kAnswer) {
    const auto asked = asked_.find({what.to, kind - 1, *number});
    if (asked != asked_.end()) {
      record.batch = asked->second.batch;
      record.task = asked->second.task;
      record.block = asked->second.block;
    }
  }
}

void MessageNotes::ended(std::size_t number, sim::MessageEnd how) {
  MessageRecord& record = messages_.at(number);
  record.ended_at = scheduler_.now();
  record.fate = fate_of(how);
}

}  // namespace scenarios
