#include "engine/driver/block_manager_master.h"

namespace engine {

void BlockManagerMaster::executor_lost(Address executor) {
  for (auto& [block, holders] : holders_) {
    holders.erase(executor);
  }
  std::erase_if(holders_, [](const auto& entry) { return entry.second.empty(); });
}

std::vector<Address> BlockManagerMaster::locations(BlockId block) const {
  const auto found = holders_.find(block);
  if (found == holders_.end()) {
    return {};
  }
  return {found->second.begin(), found->second.end()};
}

}  // namespace engine
