// sim/memory_sink.h
//
// An external database of output, in memory: what exploration writes to. It survives every crash of
// the engine because it belongs to the world.
//
// Holds     rows, files, units and offsets; all of it counts as durable.
// Lifetime  reset() begins a new world and keeps the memory of the last one.
//
// Obeys the contract of engine::SinkDatabase; tests/contract/sink_contract_test.cpp checks it
// against this sink and engine::SqliteSink alike.

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/ports/result.h"
#include "engine/ports/sink_store.h"
#include "sim/state_bytes.h"

namespace sim {

class MemorySink final : public engine::SinkDatabase {
 public:
  engine::Result<> append(const std::vector<engine::OutputRow>& rows) override;
  engine::Result<> upsert(const std::vector<engine::OutputRow>& rows) override;
  engine::Result<> replace_file(const std::string& path,
                                const std::vector<engine::OutputRow>& rows) override;
  engine::Result<engine::TransactionOutcome> apply(
      const engine::SinkTransaction& transaction) override;
  engine::Result<std::vector<engine::PartitionOffset>> saved_offsets() override;
  engine::Result<std::vector<engine::OutputRow>> contents() override;

  // Forgets everything.
  void reset();

  // Rows, units and offsets. Not who wrote a row and when: no reader of the sink and no judge asks.
  void describe(StateBytes& state) const;

 private:
  void add(const engine::OutputRow& row);
  bool stage_offset(const engine::OffsetUpdate& update);

  // Rows beyond live_ are of an earlier world: their strings lend their capacity to new rows.
  std::vector<engine::OutputRow> rows_;
  std::size_t live_ = 0;

  // Looked up, never iterated.
  std::unordered_map<std::string, std::size_t> by_row_key_;

  std::map<std::string, std::vector<engine::OutputRow>> files_;
  std::vector<engine::UnitId> units_;             // sorted
  std::vector<engine::PartitionOffset> offsets_;  // by partition
  std::vector<engine::PartitionOffset> staged_;   // offsets_ as the open transaction would leave it
};

}  // namespace sim
