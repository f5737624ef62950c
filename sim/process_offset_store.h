// sim/process_offset_store.h
//
// A store of offsets beside engine, Kafka and sink, as one process sees it.
//
// Steps     load has one boundary, before it looks. save has one before each of its effects, and
//           one when all of them are done and the process does not know yet. ZooKeeper has a node
//           per partition and so an effect per partition, in the order given: a crash in between
//           leaves the first ones saved and the others not. HBase has one effect for all.
// Failures  come when an effect takes place, or would have. A node of ZooKeeper that fails ends the
//           save: those before it are saved, those behind it are not.
// Lifetime  one per process, for the life of the world; the table outlives every process.

#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "engine/ports/offset_store.h"
#include "engine/ports/random.h"
#include "sim/disturbance.h"
#include "sim/latency.h"
#include "sim/process.h"
#include "sim/state_bytes.h"

namespace sim {

// The store itself, answering at once: one per world.
class OffsetTable {
 public:
  explicit OffsetTable(engine::OffsetStoreKind kind) : kind_(kind) {}

  [[nodiscard]] engine::OffsetStoreKind kind() const { return kind_; }

  void save(engine::PartitionOffset saved) { offsets_[saved.partition] = saved.offset; }

  // One entry per partition ever saved, by partition.
  [[nodiscard]] std::vector<engine::PartitionOffset> load() const;

  void describe(StateBytes& state) const;

 private:
  engine::OffsetStoreKind kind_;
  std::map<engine::PartitionId, engine::Offset> offsets_;
};

// Each node of ZooKeeper is a save of its own.
enum class OffsetStoreOperation : std::uint8_t { kSave, kLoad };

class ProcessOffsetStore final : public engine::OffsetStore {
 public:
  ProcessOffsetStore(Process& process,
                     OffsetTable& table,
                     RoundTrip latency,
                     engine::Random& random);

  // What is to go wrong with its requests.
  [[nodiscard]] Disturbance<OffsetStoreOperation>& disturbance() { return disturbance_; }

  engine::Task<engine::Result<>> save(std::vector<engine::PartitionOffset> offsets) override;
  engine::Task<engine::Result<std::vector<engine::PartitionOffset>>> load() override;

 private:
  engine::Task<engine::Result<>> save_one_by_one(std::vector<engine::PartitionOffset> offsets);
  engine::Task<engine::Result<>> save_at_once(std::vector<engine::PartitionOffset> offsets);

  engine::Result<> apply(const std::vector<engine::PartitionOffset>& offsets);
  engine::Duration draw(engine::Duration base);

  Process& process_;
  OffsetTable& table_;
  RoundTrip latency_;
  engine::Random& random_;
  Disturbance<OffsetStoreOperation> disturbance_;
};

}  // namespace sim
