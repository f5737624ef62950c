// reports/history/logs.h
//
// The log of each key, as far as the history proves it: which messages were at which offsets. The
// place of an offset is its number among those that hold a message: gaps say nothing, because Kafka
// keeps marks of transactions at offsets of their own.
//
// Polls are believed whatever became of their operation, since a consumer must never see what is
// not safe; offsets of sends only if the send was acknowledged, or if somebody polled something of
// what the same operation sent.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "reports/history/history.h"

namespace reports::history {

// A message seen at an offset.
struct Sight {
  std::int64_t offset = 0;
  MessageNumber message = 0;
  std::int64_t line = 0;  // of the first operation that says so

  auto operator<=>(const Sight&) const = default;
};

class Logs {
 public:
  explicit Logs(const History& history);

  // Of one key, by offset, each message of an offset once.
  [[nodiscard]] std::span<const Sight> sights(KeyNumber key) const { return sights_[key]; }

  // By place: the offsets of a key that hold a message.
  [[nodiscard]] std::span<const std::int64_t> offsets(KeyNumber key) const { return offsets_[key]; }

  [[nodiscard]] std::int64_t place_of(KeyNumber key, std::int64_t offset) const;

  // Where the message of an event is in its log: by the offset that the event names, else by the
  // only offset that the message has. Empty: nobody knows.
  [[nodiscard]] std::optional<std::int64_t> place_of(const Event& event) const;

  // The offsets of a message, of which there should be one.
  struct Extent {
    std::int64_t first = kNoOffset;
    std::int64_t last = kNoOffset;
    std::int64_t place = 0;  // of the first
  };

  [[nodiscard]] const Extent& extent(MessageNumber message) const { return extents_[message]; }

  // Line of an operation that polled it and is acknowledged; 0: there is none.
  [[nodiscard]] std::int64_t polled_by(MessageNumber message) const { return polled_by_[message]; }

  // Whether what the operation sent is in the log: acknowledged, or proved by a poll.
  [[nodiscard]] bool took_effect(const Operation& operation) const;

 private:
  void see(const Event& event, std::int64_t line);
  void sort();

  const History& history_;
  std::vector<std::vector<Sight>> sights_;          // by key
  std::vector<std::vector<std::int64_t>> offsets_;  // by key
  std::vector<Extent> extents_;                     // by message
  std::vector<std::int64_t> polled_by_;             // by message
};

}  // namespace reports::history
