// engine/driver/block_manager_master.h
//
// Which executors keep which block, as far as the driver has heard (Spark: BlockManagerMaster).
//
// Holds     locations, in memory: a new driver knows of none, and its executors are new, too.

#pragma once

#include <map>
#include <set>
#include <vector>

#include "engine/ports/vocabulary.h"

namespace engine {

class BlockManagerMaster {
 public:
  void block_stored(BlockId block, Address executor) { holders_[block].insert(executor); }

  void block_removed(BlockId block) { holders_.erase(block); }

  // What was only there is nowhere any more.
  void executor_lost(Address executor);

  // In order of address; empty: nobody has it.
  [[nodiscard]] std::vector<Address> locations(BlockId block) const;

 private:
  std::map<BlockId, std::set<Address>> holders_;
};

}  // namespace engine
