#include "engine/executor/block_manager.h"

#include <algorithm>
#include <utility>

#include "engine/ports/invariant.h"

namespace engine {
namespace {

// spark.storage.maxReplicationFailures.
constexpr std::int32_t kReplicationFailuresMax = 1;

}  // namespace

BlockManager::BlockManager(const Ports& ports,
                           Endpoint<Message>& endpoint,
                           Address driver,
                           MemoryMeter& memory,
                           Duration timeout)
    : ports_(ports),
      endpoint_(endpoint),
      driver_(driver),
      memory_(memory),
      asks_(ports.clock, timeout) {}

void BlockManager::put(BlockId block, SharedRecords records) {
  keep(block, std::move(records), StoredAs::kBlock);
}

void BlockManager::keep(BlockId block, SharedRecords records, StoredAs as) {
  INVARIANT(records != nullptr, "block {} of stream {} has no records", block.number, block.stream);
  const std::int64_t bytes = bytes_of(*records);
  const bool is_new = blocks_.emplace(block, std::move(records)).second;
  if (!is_new) {
    return;
  }
  endpoint_.send(driver_, BlockStored{.block = block});
  ports_.listener.bytes_stored(as, bytes);
  memory_.block_memory_changed(bytes);
}

Task<std::int32_t> BlockManager::replicate(BlockId block,
                                           SharedRecords records,
                                           std::int32_t copies) {
  std::int32_t stored = 0;
  std::int32_t failures = 0;
  const std::vector<Address> peers = peers_in_turn();
  for (const Address& peer : peers) {
    if (stored == copies || failures > kReplicationFailuresMax) {
      break;
    }
    const std::int64_t request = next_request_++;
    auto ticket = asks_.expect(request, peer);
    endpoint_.send(peer, ReplicateBlock{.request = request, .block = block, .records = records});
    const auto answer = co_await asks_.wait_for(std::move(ticket));
    const bool keeps = answer && answer->stored;
    stored += keeps ? 1 : 0;
    failures += keeps ? 0 : 1;
  }
  co_return stored;
}

std::vector<Address> BlockManager::peers_in_turn() const {
  std::vector<Address> peers = peers_;
  std::erase(peers, ports_.self);
  std::ranges::sort(peers);
  std::ranges::rotate(peers, std::ranges::upper_bound(peers, ports_.self));
  return peers;
}

SharedRecords BlockManager::find(BlockId block) const {
  const auto found = blocks_.find(block);
  return found == blocks_.end() ? nullptr : found->second;
}

Task<SharedRecords> BlockManager::fetch(Address holder, BlockId block) {
  const std::int64_t request = next_request_++;
  auto ticket = asks_.expect(request, holder);
  endpoint_.send(holder, FetchBlock{.request = request, .block = block});
  const auto answer = co_await asks_.wait_for(std::move(ticket));
  co_return answer ? answer->records : nullptr;
}

void BlockManager::received(Address from, const ReplicateBlock& message) {
  keep(message.block, message.records, StoredAs::kReplica);
  endpoint_.send(from, BlockReplicated{.request = message.request, .stored = true});
}

void BlockManager::received(Address from, const FetchBlock& message) {
  endpoint_.send(from, BlockFetched{.request = message.request, .records = find(message.block)});
}

void BlockManager::received(const BlockReplicated& answer) {
  asks_.answered(answer.request, {.stored = answer.stored, .records = nullptr});
}

void BlockManager::received(const BlockFetched& answer) {
  asks_.answered(answer.request, {.stored = false, .records = answer.records});
}

void BlockManager::received(const ExecutorPeers& message) {
  peers_ = message.peers;
}

void BlockManager::received(const RemoveBlocks& message) {
  for (const BlockId& block : message.blocks) {
    const auto found = blocks_.find(block);
    if (found != blocks_.end()) {
      memory_.block_memory_changed(-bytes_of(*found->second));
      blocks_.erase(found);
    }
  }
}

void BlockManager::peer_lost(Address peer) {
  std::erase(peers_, peer);
  asks_.lost(peer);
}

}  // namespace engine
