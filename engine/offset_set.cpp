#include "engine/offset_set.h"

#include <algorithm>
#include <iterator>

namespace engine {

// Every run that the range touches becomes part of it.
void OffsetSet::add(const OffsetRange& range) {
  if (range.count() == 0) {
    return;
  }
  std::map<Offset, Offset>& runs = runs_[range.partition];
  Offset from = range.from;
  Offset until = range.until;
  auto run = runs.upper_bound(from);
  if (run != runs.begin() && std::prev(run)->second >= from) {
    --run;
  }
  while (run != runs.end() && run->first <= until) {
    from = std::min(from, run->first);
    until = std::max(until, run->second);
    run = runs.erase(run);
  }
  runs.emplace(from, until);
}

void OffsetSet::add(const std::vector<OffsetRange>& ranges) {
  for (const OffsetRange& range : ranges) {
    add(range);
  }
}

std::vector<OffsetRange> OffsetSet::missing(const std::vector<OffsetRange>& ranges) const {
  OffsetSet seen = *this;
  std::vector<OffsetRange> result;
  for (const OffsetRange& range : ranges) {
    const std::vector<OffsetRange> fresh = seen.missing(range);
    result.insert(result.end(), fresh.begin(), fresh.end());
    seen.add(range);
  }
  return result;
}

std::vector<OffsetRange> OffsetSet::missing(OffsetRange range) const {
  std::vector<OffsetRange> result;
  const auto found = runs_.find(range.partition);
  if (found != runs_.end()) {
    for (const auto& [from, until] : found->second) {
      if (until <= range.from || from >= range.until) {
        continue;
      }
      if (range.from < from) {
        result.push_back({.partition = range.partition, .from = range.from, .until = from});
      }
      range.from = std::min(until, range.until);
    }
  }
  if (range.count() > 0) {
    result.push_back(range);
  }
  return result;
}

std::vector<OffsetRange> OffsetSet::ranges() const {
  std::vector<OffsetRange> result;
  for (const auto& [partition, runs] : runs_) {
    for (const auto& [from, until] : runs) {
      result.push_back({.partition = partition, .from = from, .until = until});
    }
  }
  return result;
}

}  // namespace engine
