// engine/executor/shuffle_client.h
//
// The executor's share of a shuffle: what its map tasks keep for the reduce tasks of others, and
// the fetching of what others keep (Spark: BlockManager, ShuffleBlockFetcherIterator).
//
// Holds     map outputs in memory; they die with the executor.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "engine/asks.h"
#include "engine/messages.h"
#include "engine/ports/endpoint.h"
#include "engine/ports/process.h"

namespace engine {

class ShuffleClient {
 public:
  using Block = std::shared_ptr<const std::vector<Element>>;

  // `timeout`: spark.shuffle.io.connectionTimeout.
  ShuffleClient(const Ports& ports, Endpoint<Message>& endpoint, Duration timeout)
      : ports_(ports), endpoint_(endpoint), asks_(ports.clock, timeout) {}

  // Keeps the output of a map task: one block per reduce task.
  void keep(BatchTime batch, PartitionId map, std::vector<Block> blocks);

  // Errors    kFetchFailed: the executor is gone, no longer has it, or does not answer in time.
  Task<Result<Block>> fetch(Address holder, BatchTime batch, PartitionId map, PartitionId reduce);

  void answer(Address asker, const FetchShuffleBlock& request);
  void answered(const ShuffleBlock& block);

  void peer_lost(Address peer) { asks_.lost(peer); }

 private:
  [[nodiscard]] Block find(BatchTime batch, PartitionId map, PartitionId reduce) const;

  const Ports& ports_;
  Endpoint<Message>& endpoint_;
  std::map<std::pair<BatchTime, PartitionId>, std::vector<Block>> kept_;
  Asks<std::int64_t, Block> asks_;  // by request
  std::int64_t next_request_ = 1;
};

}  // namespace engine
