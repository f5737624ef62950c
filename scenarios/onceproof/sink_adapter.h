// scenarios/onceproof/sink_adapter.h
//
// A user's sink as the database that the engine appends to.
//
// Lifetime  one per run, as the sink.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onceproof/sink.h"

#include "engine/ports/sink_store.h"

namespace onceproof {

// Requires  every task appends its rows at once: a statement becomes a TaskWrite.
class SinkAdapter final : public engine::SinkDatabase {
 public:
  explicit SinkAdapter(std::unique_ptr<Sink> sink);

  engine::Result<> append(const std::vector<engine::OutputRow>& rows) override;
  engine::Result<std::vector<engine::OutputRow>> contents() override;

  // What only the sinks of a scenario file ask for.
  // Errors    kUnsupported, always.
  engine::Result<> upsert(const std::vector<engine::OutputRow>& rows) override;
  engine::Result<> replace_file(const std::string& path,
                                const std::vector<engine::OutputRow>& rows) override;
  engine::Result<engine::TransactionOutcome> apply(
      const engine::SinkTransaction& transaction) override;
  engine::Result<std::vector<engine::PartitionOffset>> saved_offsets() override;

 private:
  std::unique_ptr<Sink> sink_;
};

}  // namespace onceproof
