// engine/ports/offset_store.h
//
// A store that the user keeps offsets in, apart from engine, Kafka and sink: ZooKeeper (one node
// per partition, so a crash can leave some partitions saved and others not) or HBase (one row for
// all partitions, atomic). It survives every crash of the engine.

#pragma once

#include <cstdint>
#include <vector>

#include "engine/ports/result.h"
#include "engine/ports/task.h"
#include "engine/ports/vocabulary.h"

namespace engine {

enum class OffsetStoreKind : std::uint8_t { kZookeeper, kHbase };

class OffsetStore {
 public:
  OffsetStore() = default;
  OffsetStore(const OffsetStore&) = delete;
  OffsetStore& operator=(const OffsetStore&) = delete;
  virtual ~OffsetStore() = default;

  // Overwrites what is saved of the given partitions.
  virtual Task<Result<>> save(std::vector<PartitionOffset> offsets) = 0;

  // One entry per partition ever saved, by partition.
  virtual Task<Result<std::vector<PartitionOffset>>> load() = 0;
};

}  // namespace engine
