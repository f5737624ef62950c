#include <algorithm>
#include <vector>

#include "reports/history/evidence.h"

namespace reports::history {
namespace {

class ContentsJudge {
 public:
  ContentsJudge(const History& history, const Logs& logs, EvidenceBook& book)
      : history_(history), logs_(logs), book_(book) {}

  void judge() {
    for (KeyNumber key = 0; key < history_.key_texts.size(); ++key) {
      judge_offsets(key);
      judge_duplicates(key);
    }
    for (const Operation& operation : history_.operations) {
      judge_polls(operation);
    }
    judge_writes();
  }

 private:
  void judge_offsets(KeyNumber key) {
    const std::span<const Sight> sights = logs_.sights(key);
    for (std::size_t n = 1; n < sights.size(); ++n) {
      const Sight& first = sights[n - 1];
      const Sight& second = sights[n];
      const bool is_second = n < 2 || sights[n - 2].offset != second.offset;
      if (first.offset != second.offset || !is_second) {
        continue;
      }
      book_.add(Anomaly::kInconsistentOffsets,
                key,
                {first.message, second.message},
                {first.line, second.line},
                [&] {
                  return fmt::format("offset {} holds {} in line {} and {} in line {}",
                                     first.offset,
                                     book_.quoted(first.message),
                                     first.line,
                                     book_.quoted(second.message),
                                     second.line);
                });
    }
  }

  // The message's second offset convicts it; further ones are the same case.
  void judge_duplicates(KeyNumber key) {
    std::vector<Sight> several;
    for (const Sight& sight : logs_.sights(key)) {
      const Logs::Extent& extent = logs_.extent(sight.message);
      if (extent.first != extent.last) {
        several.push_back(sight);
      }
    }
    std::ranges::stable_sort(several, {}, &Sight::message);
    for (std::size_t n = 1; n < several.size(); ++n) {
      const Sight& first = several[n - 1];
      const Sight& second = several[n];
      const bool is_second = n < 2 || several[n - 2].message != second.message;
      if (first.message != second.message || !is_second) {
        continue;
      }
      book_.add(Anomaly::kDuplicate, key, {first.message}, {first.line, second.line}, [&] {
        return fmt::format("{} is at offset {} in line {} and at offset {} in line {}",
                           book_.quoted(first.message),
                           first.offset,
                           first.line,
                           second.offset,
                           second.line);
      });
    }
  }

  void judge_polls(const Operation& operation) {
    for (const Event& event : history_.events_of(operation)) {
      const Message& message = history_.messages[event.message];
      if (event.is_send || message.writer == kNobody) {
        continue;
      }
      const Operation& writer = history_.operations[message.writer];
      if (&writer == &operation) {
        book_.add(Anomaly::kPrecommittedRead, message.key, {event.message}, {operation.line}, [&] {
          return fmt::format("{} is polled by the operation that sends it, in line {}",
                             book_.quoted(event.message),
                             operation.line);
        });
      } else if (writer.outcome == Outcome::kFail && operation.outcome == Outcome::kOk) {
        book_.add(Anomaly::kAbortedRead,
                  message.key,
                  {event.message},
                  {writer.line, operation.line},
                  [&] {
                    return fmt::format("the send of {} failed in line {}, and line {} polls it",
                                       book_.quoted(event.message),
                                       writer.line,
                                       operation.line);
                  });
      }
    }
  }

  // Of each key, the furthest message that was polled: what is at or before its first offset must
  // have been polled as well.
  [[nodiscard]] std::vector<MessageNumber> furthest_polled() const {
    std::vector<MessageNumber> furthest(history_.key_texts.size(), kNobody);
    for (MessageNumber number = 0; number < history_.messages.size(); ++number) {
      const Logs::Extent& extent = logs_.extent(number);
      if (logs_.polled_by(number) == 0 || extent.first == kNoOffset) {
        continue;
      }
      MessageNumber& best = furthest[history_.messages[number].key];
      if (best == kNobody || extent.first > logs_.extent(best).first) {
        best = number;
      }
    }
    return furthest;
  }

  void judge_writes() {
    const std::vector<MessageNumber> furthest = furthest_polled();
    for (const Operation& operation : history_.operations) {
      if (!logs_.took_effect(operation)) {
        continue;
      }
      for (const Event& event : history_.events_of(operation)) {
        if (event.is_send && logs_.polled_by(event.message) == 0) {
          judge_write(operation, event.message, furthest);
        }
      }
    }
  }

  // A message that nobody polled.
  void judge_write(const Operation& writer,
                   MessageNumber number,
                   const std::vector<MessageNumber>& furthest) {
    const KeyNumber key = history_.messages[number].key;
    const Logs::Extent& extent = logs_.extent(number);
    const MessageNumber bound = furthest[key];
    const bool is_passed =
        bound != kNobody && extent.first != kNoOffset && extent.last <= logs_.extent(bound).first;
    if (is_passed) {
      book_.add(
          Anomaly::kLostWrite, key, {number, bound}, {writer.line, logs_.polled_by(bound)}, [&] {
            return fmt::format(
                "{}, sent in line {} to offset {}, was never polled; {} at offset {} was, in "
                "line {}",
                book_.quoted(number),
                writer.line,
                extent.last,
                book_.quoted(bound),
                logs_.extent(bound).first,
                logs_.polled_by(bound));
          });
    } else if (writer.outcome == Outcome::kOk) {
      book_.add(Anomaly::kUnseen, key, {number}, {writer.line}, [&] {
        return fmt::format(
            "{}, acknowledged in line {}, was never polled", book_.quoted(number), writer.line);
      });
    }
  }

  const History& history_;
  const Logs& logs_;
  EvidenceBook& book_;
};

}  // namespace

void judge_contents(const History& history, const Logs& logs, EvidenceBook& book) {
  ContentsJudge(history, logs, book).judge();
}

}  // namespace reports::history
