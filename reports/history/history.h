// reports/history/history.h
//
// What clients of a Kafka did and saw, as Jepsen records it: operations of processes, each with
// what was sent and polled. Texts are numbered: a key is a partition of some topic, a message is a
// value of one key.
//
// Shapes    Operations are completions, in the order of the file. Their events lie in one list, in
//           the order in which the operation names them.

#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reports/digest_table.h"

namespace reports::history {

using KeyNumber = std::uint32_t;
using MessageNumber = std::uint32_t;
using OperationNumber = std::uint32_t;

inline constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::int64_t kNoOffset = -1;

// ok: it happened; fail: it did not; info: nobody knows.
enum class Outcome : std::uint8_t { kOk, kFail, kInfo };

// assign and subscribe say which keys a consumer is to read from now on. The others send, poll, or
// both; `other` means nothing to the judge.
enum class Action : std::uint8_t { kSend, kPoll, kTransaction, kAssign, kSubscribe, kOther };

struct Event {
  MessageNumber message = 0;
  bool is_send = false;  // else it was polled
  std::int64_t offset = kNoOffset;
};

struct Operation {
  std::int64_t line = 0;
  std::int64_t invoked = 0;  // the line of its invocation; 0: the history does not say
  std::uint32_t process = 0;
  Outcome outcome = Outcome::kOk;
  Action action = Action::kOther;
  bool seeks = false;             // an assignment that begins anew in every key
  std::uint32_t first_event = 0;  // in events
  std::uint32_t event_count = 0;  // likewise
  std::uint32_t first_key = 0;    // in keys: of assignments those assigned, of others those
  std::uint32_t key_count = 0;    // that were rebalanced meanwhile
};

struct Message {
  KeyNumber key = 0;
  OperationNumber writer = kNobody;
};

// Texts, numbered as they come.
class Numbered {
 public:
  // The same text has another number in another scope.
  std::uint32_t number(std::uint32_t scope, std::string_view text);

  [[nodiscard]] std::string_view text(std::uint32_t number) const;

  [[nodiscard]] std::size_t size() const { return ends_.size(); }

 private:
  struct Entry {
    Digest digest;
    std::uint32_t number_plus_1 = 0;

    [[nodiscard]] bool is_free() const { return number_plus_1 == 0; }
  };

  DigestTable<Entry> table_;
  std::string bytes_;
  std::vector<std::size_t> ends_;
  std::string digested_;
};

struct History {
  Numbered key_texts;
  Numbered message_texts;
  std::vector<Message> messages;
  std::vector<Operation> operations;
  std::vector<Event> events;
  std::vector<KeyNumber> keys;
  std::int64_t line_count = 0;  // that hold an operation
  std::uint32_t process_count = 0;
  bool has_subscription = false;

  [[nodiscard]] std::span<const Event> events_of(const Operation& operation) const {
    return std::span(events).subspan(operation.first_event, operation.event_count);
  }

  [[nodiscard]] std::span<const KeyNumber> keys_of(const Operation& operation) const {
    return std::span(keys).subspan(operation.first_key, operation.key_count);
  }
};

}  // namespace reports::history
