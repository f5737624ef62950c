// engine/executor/block_manager.h
//
// The blocks that one executor keeps for receivers, and those of others (Spark: BlockManager).
//
// Holds     blocks in memory; they die with the executor.
//
// Invariants
//   K1  Told first.  The driver hears of a block from whoever keeps it, before anything else that
//                    is said about it.
//   K2  Unchanging.  The records of a block never change; a block that is there already is not put
//                    again.
//
// Hazard    Replication is best effort: a peer that is gone, or does not answer, is replaced once;
//           then the block has fewer copies than asked for, and nobody is told.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "engine/asks.h"
#include "engine/executor/memory_meter.h"
#include "engine/messages.h"
#include "engine/ports/endpoint.h"
#include "engine/ports/process.h"

namespace engine {

class BlockManager {
 public:
  // `timeout`: after which a silent peer counts as gone (spark.network.timeout).
  BlockManager(const Ports& ports,
               Endpoint<Message>& endpoint,
               Address driver,
               MemoryMeter& memory,
               Duration timeout);

  // Keeps the block and tells the driver.
  void put(BlockId block, SharedRecords records);

  // Has up to `copies` peers keep the block too, one after the other: those that follow this
  // executor in the order of addresses. How many do.
  Task<std::int32_t> replicate(BlockId block, SharedRecords records, std::int32_t copies);

  // Null: not there.
  [[nodiscard]] SharedRecords find(BlockId block) const;

  // From another executor. Null: it has it not, or it is gone.
  Task<SharedRecords> fetch(Address holder, BlockId block);

  void received(Address from, const ReplicateBlock& message);
  void received(Address from, const FetchBlock& message);
  void received(const BlockReplicated& answer);
  void received(const BlockFetched& answer);
  void received(const ExecutorPeers& message);
  void received(const RemoveBlocks& message);
  void peer_lost(Address peer);

 private:
  // Of a peer, to either kind of request.
  struct PeerAnswer {
    bool stored = false;
    SharedRecords records;
  };

  void keep(BlockId block, SharedRecords records, StoredAs as);
  [[nodiscard]] std::vector<Address> peers_in_turn() const;

  const Ports& ports_;
  Endpoint<Message>& endpoint_;
  Address driver_;
  MemoryMeter& memory_;
  std::vector<Address> peers_;
  std::map<BlockId, SharedRecords> blocks_;
  Asks<std::int64_t, PeerAnswer> asks_;  // by request
  std::int64_t next_request_ = 1;
};

}  // namespace engine
