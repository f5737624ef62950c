// engine/offset_set.h
//
// Offsets of a topic that somebody has: of each partition, runs that do not touch.

#pragma once

#include <map>
#include <vector>

#include "engine/ports/kafka.h"
#include "engine/ports/vocabulary.h"

namespace engine {

class OffsetSet {
 public:
  void add(const OffsetRange& range);
  void add(const std::vector<OffsetRange>& ranges);

  // What of `ranges` is not in the set, in their order; what is in two of them, once.
  [[nodiscard]] std::vector<OffsetRange> missing(const std::vector<OffsetRange>& ranges) const;

  // By partition, and within one in order.
  [[nodiscard]] std::vector<OffsetRange> ranges() const;

 private:
  [[nodiscard]] std::vector<OffsetRange> missing(OffsetRange range) const;

  std::map<PartitionId, std::map<Offset, Offset>> runs_;  // from, until
};

}  // namespace engine
