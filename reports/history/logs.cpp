#include "reports/history/logs.h"

#include <algorithm>

namespace reports::history {

Logs::Logs(const History& history)
    : history_(history),
      sights_(history.key_texts.size()),
      offsets_(history.key_texts.size()),
      extents_(history.messages.size()),
      polled_by_(history.messages.size()) {
  for (const Operation& operation : history.operations) {
    for (const Event& event : history.events_of(operation)) {
      if (!event.is_send && operation.outcome == Outcome::kOk && polled_by_[event.message] == 0) {
        polled_by_[event.message] = operation.line;
      }
    }
  }
  for (const Operation& operation : history.operations) {
    const bool believed = took_effect(operation);
    for (const Event& event : history.events_of(operation)) {
      if (event.offset != kNoOffset && (believed || !event.is_send)) {
        see(event, operation.line);
      }
    }
  }
  sort();
}

bool Logs::took_effect(const Operation& operation) const {
  if (operation.outcome != Outcome::kInfo) {
    return operation.outcome == Outcome::kOk;
  }
  return std::ranges::any_of(history_.events_of(operation), [this](const Event& event) {
    return event.is_send && polled_by_[event.message] != 0;
  });
}

// Most messages are seen at one offset, again and again: that is kept once.
void Logs::see(const Event& event, std::int64_t line) {
  Extent& extent = extents_[event.message];
  if (extent.first == event.offset) {
    return;
  }
  if (extent.first == kNoOffset) {
    extent.first = event.offset;
  }
  sights_[history_.messages[event.message].key].push_back(
      {.offset = event.offset, .message = event.message, .line = line});
}

void Logs::sort() {
  std::ranges::fill(extents_, Extent{});
  for (std::size_t key = 0; key < sights_.size(); ++key) {
    std::vector<Sight>& sights = sights_[key];
    std::ranges::sort(sights);
    const auto again = [](const Sight& left, const Sight& right) {
      return left.offset == right.offset && left.message == right.message;
    };
    const auto repeats = std::ranges::unique(sights, again);
    sights.erase(repeats.begin(), repeats.end());
    std::vector<std::int64_t>& offsets = offsets_[key];
    for (const Sight& sight : sights) {
      if (offsets.empty() || offsets.back() != sight.offset) {
        offsets.push_back(sight.offset);
      }
      Extent& extent = extents_[sight.message];
      if (extent.first == kNoOffset) {
        extent.first = sight.offset;
        extent.place = std::ssize(offsets) - 1;
      }
      extent.last = sight.offset;
    }
  }
}

std::int64_t Logs::place_of(KeyNumber key, std::int64_t offset) const {
  const std::vector<std::int64_t>& offsets = offsets_[key];
  return std::ranges::lower_bound(offsets, offset) - offsets.begin();
}

std::optional<std::int64_t> Logs::place_of(const Event& event) const {
  const Extent& extent = extents_[event.message];
  if (extent.first == kNoOffset) {
    return std::nullopt;
  }
  if (extent.first == extent.last || event.offset == extent.first) {
    return extent.place;
  }
  const KeyNumber key = history_.messages[event.message].key;
  const auto found = std::ranges::lower_bound(
      sights_[key], Sight{.offset = event.offset, .message = event.message, .line = 0});
  const bool is_there = found != sights_[key].end() && found->offset == event.offset &&
                        found->message == event.message;
  return is_there ? std::optional(place_of(key, event.offset)) : std::nullopt;
}

}  // namespace reports::history
