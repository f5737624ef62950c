#include "engine/driver/receiver_input_stream.h"

#include <algorithm>
#include <utility>

namespace engine {
namespace {

bool is_logged(const ReceivedBlockInfo& info) {
  return info.wal.has_value();
}

// Others of its records are in another block.
bool counts_in_part(const ReceivedBlockInfo& info) {
  std::int64_t counted = 0;
  for (const OffsetRange& range : info.ranges) {
    counted += range.count();
  }
  return counted < info.record_count;
}

void add(BatchInput& input, const ReceivedBlockInfo& info, std::vector<Address> locations) {
  const auto task = static_cast<PartitionId>(input.parts.size());
  for (const OffsetRange& range : info.ranges) {
    input.ranges.push_back({.range = range, .task = task, .block = info.block});
  }
  BlockInput part;
  part.block = info.block;
  part.record_count = info.record_count;
  part.locations = std::move(locations);
  part.wal = info.wal;
  if (counts_in_part(info)) {
    part.taken = info.ranges;
  }
  input.parts.emplace_back(std::move(part));
}

}  // namespace

// The order of JobGenerator.generateJobs and ReceiverInputDStream.createBlockRDD: allocate, then
// look who has the blocks. One block that is in no log makes the whole batch one without a log.
Task<Result<BatchInput>> ReceiverInputStream::get_or_compute(BatchTime batch) {
  co_await tracker_.allocate_blocks_to_batch(batch);
  const std::vector<ReceivedBlockInfo> blocks = tracker_.blocks_of(batch);
  const bool all_logged = std::ranges::all_of(blocks, is_logged);
  BatchInput input;
  std::vector<BlockId>& remembered = generated_[batch];
  for (const ReceivedBlockInfo& info : blocks) {
    std::vector<Address> locations =
        info.block_id_valid ? master_.locations(info.block) : std::vector<Address>();
    remembered.push_back(info.block);
    if (all_logged || !locations.empty()) {
      add(input, info, std::move(locations));
    }
  }
  co_return input;
}

void ReceiverInputStream::clear_metadata(BatchTime completed) {
  const BatchTime oldest_kept{completed.at - pipeline_.batch_interval};
  while (!generated_.empty() && generated_.begin()->first <= oldest_kept) {
    remove(generated_.begin()->second);
    generated_.erase(generated_.begin());
  }
}

void ReceiverInputStream::remove(const std::vector<BlockId>& blocks) {
  std::map<Address, std::vector<BlockId>> by_holder;
  for (const BlockId block : blocks) {
    for (const Address& holder : master_.locations(block)) {
      by_holder[holder].push_back(block);
    }
    master_.block_removed(block);
  }
  for (auto& [holder, held] : by_holder) {
    endpoint_.send(holder, RemoveBlocks{.blocks = std::move(held)});
  }
}

Task<> ReceiverInputStream::clean_up(BatchTime completed) {
  const BatchTime threshold{completed.at - pipeline_.batch_interval};
  return tracker_.clean_up_old_blocks_and_batches(threshold);
}

}  // namespace engine
