// engine/kafka_source.h
//
// What Direct streams and receivers have in common about the topic that they read.

#pragma once

#include <cstddef>

#include "engine/pipeline.h"
#include "engine/ports/invariant.h"
#include "engine/ports/kafka.h"

namespace engine {

// The place of a partition in a list of all of them.
inline std::size_t index_of(PartitionId partition) {
  INVARIANT(partition >= 0, "partition {} is negative", partition);
  return static_cast<std::size_t>(partition);
}

// Where to begin in a partition of which nothing is saved (auto.offset.reset).
inline Offset start_of(const KafkaSource& source, const Watermarks& marks) {
  return source.start == StartPosition::kEarliest ? marks.log_start : marks.high_watermark;
}

}  // namespace engine
