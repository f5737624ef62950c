// engine/asks.h
//
// Questions to other processes (Spark: RpcEndpointRef.ask). Each waits for its answer until the
// patience of the asker is over or until the one who was asked is gone.
//
// Holds     who waits, in memory.
// Hazard    No answer is no refusal: what was asked for may have been done all the same.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "engine/ports/clock.h"
#include "engine/ports/vocabulary.h"

namespace engine {

template <class Key, class Answer>
class Asks {
 private:
  struct Pending {
    Key key{};
    Address asked;
    std::unique_ptr<Signal> ended;
    bool over = false;
    std::optional<Answer> answer;
  };

 public:
  using Ticket = std::shared_ptr<Pending>;

  Asks(Clock& clock, Duration timeout) : clock_(clock), timeout_(timeout) {}

  // To be called before the question is sent. Whoever waits under the same key hears nothing more.
  [[nodiscard]] Ticket expect(Key key, Address asked) {
    auto ticket = std::make_shared<Pending>();
    ticket->key = key;
    ticket->asked = asked;
    ticket->ended = clock_.make_signal();
    pending_[key] = ticket;
    return ticket;
  }

  // Empty: no answer in time, or the one who was asked is gone.
  Task<std::optional<Answer>> wait_for(Ticket ticket) {
    const Instant deadline = clock_.now() + timeout_;
    while (!ticket->over) {
      const bool notified = co_await ticket->ended->wait_until(deadline);
      if (!notified) {
        break;
      }
    }
    const auto entry = pending_.find(ticket->key);
    if (entry != pending_.end() && entry->second == ticket) {
      pending_.erase(entry);
    }
    co_return std::move(ticket->answer);
  }

  // An answer that nobody waits for any more comes too late, or twice.
  void answered(const Key& key, Answer answer) {
    const auto entry = pending_.find(key);
    if (entry != pending_.end() && !entry->second->over) {
      entry->second->answer = std::move(answer);
      end(*entry->second);
    }
  }

  void lost(Address asked) {
    for (const auto& [key, ticket] : pending_) {
      if (ticket->asked == asked && !ticket->over) {
        end(*ticket);
      }
    }
  }

 private:
  static void end(Pending& pending) {
    pending.over = true;
    pending.ended->notify();
  }

  Clock& clock_;
  Duration timeout_;
  std::map<Key, Ticket> pending_;
};

}  // namespace engine
