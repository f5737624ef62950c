#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reports/history/evidence.h"

namespace reports::history {
namespace {

// Where somebody was in a log, when it last sent or polled there.
struct Stand {
  std::int64_t place = 0;
  MessageNumber message = 0;
  std::int64_t line = 0;
};

// The last and the first of one key in one operation.
struct Stretch {
  KeyNumber key = 0;
  Event first;
  Event last;
};

struct Words {
  Anomaly skip;
  Anomaly nonmonotonic;
  std::string_view verb;  // "polls"
};

constexpr Words kInsidePolls{Anomaly::kIntPollSkip, Anomaly::kIntNonmonotonicPoll, "polls"};
constexpr Words kInsideSends{Anomaly::kIntSendSkip, Anomaly::kIntNonmonotonicSend, "sends"};
constexpr Words kPolls{Anomaly::kPollSkip, Anomaly::kNonmonotonicPoll, "polls"};

class OrderJudge {
 public:
  OrderJudge(const History& history, const Logs& logs, EvidenceBook& book)
      : history_(history),
        logs_(logs),
        book_(book),
        polls_(history.process_count),
        sends_(history.process_count) {}

  void judge() {
    for (const Operation& operation : history_.operations) {
      if (operation.action == Action::kAssign || operation.action == Action::kSubscribe) {
        assign(operation);
        continue;
      }
      gather(operation, false);
      judge_inside(operation, kInsidePolls);
      judge_polls(operation);
      gather(operation, true);
      judge_inside(operation, kInsideSends);
      judge_sends(operation);
    }
  }

 private:
  using Stands = std::unordered_map<KeyNumber, Stand>;  // looked up only

  // Of the keys that are no longer read, and of all if reading begins anew, nothing is expected.
  void assign(const Operation& operation) {
    if (operation.outcome == Outcome::kFail) {
      return;
    }
    const std::span<const KeyNumber> keys = history_.keys_of(operation);
    for (Stands* const stands : {&polls_[operation.process], &sends_[operation.process]}) {
      const bool forgets = operation.seeks && stands == &polls_[operation.process];
      std::erase_if(*stands, [&](const auto& stand) {
        return forgets || std::ranges::find(keys, stand.first) == keys.end();
      });
    }
  }

  // The events of one kind, those of each key together, in their order.
  void gather(const Operation& operation, bool sends) {
    gathered_.clear();
    for (const Event& event : history_.events_of(operation)) {
      if (event.is_send == sends) {
        gathered_.push_back(event);
      }
    }
    const auto key_of = [this](const Event& event) { return history_.messages[event.message].key; };
    if (!std::ranges::is_sorted(gathered_, {}, key_of)) {
      std::ranges::stable_sort(gathered_, {}, key_of);
    }
    stretches_.clear();
    for (const Event& event : gathered_) {
      if (stretches_.empty() || stretches_.back().key != key_of(event)) {
        stretches_.push_back({.key = key_of(event), .first = event, .last = event});
      }
      stretches_.back().last = event;
    }
  }

  void judge_inside(const Operation& operation, const Words& words) {
    const std::span<const KeyNumber> rebalanced = history_.keys_of(operation);
    for (std::size_t n = 1; n < gathered_.size(); ++n) {
      const Event& from = gathered_[n - 1];
      const Event& to = gathered_[n];
      const KeyNumber key = history_.messages[from.message].key;
      const bool is_free = words.skip == Anomaly::kIntPollSkip &&
                           std::ranges::find(rebalanced, key) != rebalanced.end();
      const auto place = logs_.place_of(from);
      if (key == history_.messages[to.message].key && !is_free && place) {
        judge_step(words,
                   {.place = *place, .message = from.message, .line = operation.line},
                   to,
                   operation.line);
      }
    }
  }

  void judge_step(const Words& words, const Stand& from, const Event& to, std::int64_t line) {
    const auto place = logs_.place_of(to);
    if (!place) {
      return;
    }
    const KeyNumber key = history_.messages[to.message].key;
    const std::int64_t distance = *place - from.place;
    if (distance > 1) {
      book_.add(words.skip, key, {from.message, to.message}, {from.line, line}, [&] {
        return fmt::format("line {} {} {} and line {} {}: between them {}",
                           from.line,
                           words.verb,
                           book_.quoted(from.message),
                           line,
                           book_.quoted(to.message),
                           between(key, from.place, *place));
      });
    } else if (distance < 1) {
      book_.add(words.nonmonotonic, key, {from.message, to.message}, {from.line, line}, [&] {
        return fmt::format("line {} {} {} at offset {}, then line {} {} at offset {}",
                           from.line,
                           words.verb,
                           book_.quoted(from.message),
                           logs_.offsets(key)[static_cast<std::size_t>(from.place)],
                           line,
                           book_.quoted(to.message),
                           logs_.offsets(key)[static_cast<std::size_t>(*place)]);
      });
    }
  }

  // "is offset 3", "are offsets 3 to 7 with 4 messages"
  [[nodiscard]] std::string between(KeyNumber key, std::int64_t from, std::int64_t to) const {
    const std::span<const std::int64_t> offsets = logs_.offsets(key);
    const std::int64_t first = offsets[static_cast<std::size_t>(from) + 1];
    const std::int64_t last = offsets[static_cast<std::size_t>(to) - 1];
    return first == last
               ? fmt::format("is offset {}", first)
               : fmt::format("are offsets {} to {}, {} messages", first, last, to - from - 1);
  }

  // What an operation did that is not acknowledged moves nobody.
  void judge_polls(const Operation& operation) {
    Stands& stands = polls_[operation.process];
    for (const Stretch& stretch : stretches_) {
      const auto found = stands.find(stretch.key);
      if (found != stands.end()) {
        judge_step(kPolls, found->second, stretch.first, operation.line);
      }
      if (operation.outcome == Outcome::kOk) {
        stand(stands, stretch, operation.line);
      }
    }
  }

  // Others may send between two sends of a process: only going back is wrong.
  void judge_sends(const Operation& operation) {
    if (operation.outcome == Outcome::kFail) {
      return;
    }
    Stands& stands = sends_[operation.process];
    for (const Stretch& stretch : stretches_) {
      const auto found = stands.find(stretch.key);
      const auto place = logs_.place_of(stretch.first);
      if (found != stands.end() && place && *place <= found->second.place) {
        const Stand& from = found->second;
        book_.add(Anomaly::kNonmonotonicSend,
                  stretch.key,
                  {from.message, stretch.first.message},
                  {from.line, operation.line},
                  [&] {
                    const std::span<const std::int64_t> offsets = logs_.offsets(stretch.key);
                    return fmt::format(
                        "line {} sends {} to offset {}, then line {} {} to offset {}",
                        from.line,
                        book_.quoted(from.message),
                        offsets[static_cast<std::size_t>(from.place)],
                        operation.line,
                        book_.quoted(stretch.first.message),
                        offsets[static_cast<std::size_t>(*place)]);
                  });
      }
      stand(stands, stretch, operation.line);
    }
  }

  // Where nobody knows the place, nothing can be held against what follows.
  void stand(Stands& stands, const Stretch& stretch, std::int64_t line) const {
    const auto place = logs_.place_of(stretch.last);
    if (place) {
      stands[stretch.key] = {.place = *place, .message = stretch.last.message, .line = line};
    } else {
      stands.erase(stretch.key);
    }
  }

  const History& history_;
  const Logs& logs_;
  EvidenceBook& book_;
  std::vector<Stands> polls_;  // by process
  std::vector<Stands> sends_;  // likewise
  std::vector<Event> gathered_;
  std::vector<Stretch> stretches_;
};

}  // namespace

void judge_order(const History& history, const Logs& logs, EvidenceBook& book) {
  OrderJudge(history, logs, book).judge();
}

}  // namespace reports::history
