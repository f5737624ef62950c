// engine/executor/task_input.h
//
// Reads what a task works on: a range of Kafka (Spark: KafkaRDD), or a block from wherever it still
// is (Spark: BlockRDD, WriteAheadLogBackedBlockRDD).

#pragma once

#include "engine/executor/block_manager.h"
#include "engine/messages.h"
#include "engine/pipeline.h"
#include "engine/ports/process.h"

namespace engine {

class TaskInputReader {
 public:
  TaskInputReader(const Ports& ports, const Pipeline& pipeline, BlockManager& blocks)
      : ports_(ports), pipeline_(pipeline), blocks_(blocks) {}

  // Exactly the records of the input, never fewer; of a block those that are taken.
  // Errors    those of Kafka and of storage. kNotFound: the block is nowhere ("could not compute
  //           split, block not found"). kCorrupt: the data log holds something else.
  Task<Result<BlockRecords>> read(TaskInput input);

 private:
  Task<Result<BlockRecords>> read_range(OffsetRange range);
  Task<Result<BlockRecords>> read_block(BlockInput input);
  Task<Result<BlockRecords>> read_whole_block(BlockInput input);
  Task<SharedRecords> find_in_memory(BlockInput input);
  Task<Result<BlockRecords>> read_log(WalRecordHandle handle);

  const Ports& ports_;
  const Pipeline& pipeline_;
  BlockManager& blocks_;
};

}  // namespace engine
