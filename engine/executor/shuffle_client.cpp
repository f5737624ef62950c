#include "engine/executor/shuffle_client.h"

#include <utility>

#include "engine/ports/invariant.h"

namespace engine {
namespace {

// How many batches' map outputs stay. A reduce stage never looks further back: batches complete
// within a few intervals or fail.
constexpr std::size_t kBatchesKept = 100;

}  // namespace

void ShuffleClient::keep(BatchTime batch, PartitionId map, std::vector<Block> blocks) {
  kept_[{batch, map}] = std::move(blocks);
  while (kept_.size() > kBatchesKept * 16) {
    kept_.erase(kept_.begin());
  }
}

ShuffleClient::Block ShuffleClient::find(BatchTime batch,
                                         PartitionId map,
                                         PartitionId reduce) const {
  const auto blocks = kept_.find({batch, map});
  if (blocks == kept_.end()) {
    return nullptr;
  }
  return blocks->second.at(static_cast<std::size_t>(reduce));
}

Task<Result<ShuffleClient::Block>> ShuffleClient::fetch(Address holder,
                                                        BatchTime batch,
                                                        PartitionId map,
                                                        PartitionId reduce) {
  if (holder == ports_.self) {
    Block own = find(batch, map, reduce);
    INVARIANT(own != nullptr, "this executor lost its own map output {}", map);
    co_return own;
  }
  const std::int64_t id = next_request_++;
  auto ticket = asks_.expect(id, holder);
  FetchShuffleBlock request{.request = id, .batch = batch, .map = map, .reduce = reduce};
  endpoint_.send(holder, request);
  const auto block = co_await asks_.wait_for(std::move(ticket));
  if (!block || !*block) {
    co_return Errc::kFetchFailed;
  }
  co_return *block;
}

void ShuffleClient::answer(Address asker, const FetchShuffleBlock& request) {
  Block block = find(request.batch, request.map, request.reduce);
  const bool found = block != nullptr;
  endpoint_.send(
      asker,
      ShuffleBlock{.request = request.request, .found = found, .elements = std::move(block)});
}

void ShuffleClient::answered(const ShuffleBlock& block) {
  asks_.answered(block.request, block.elements);
}

}  // namespace engine
