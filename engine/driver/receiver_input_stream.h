// engine/driver/receiver_input_stream.h
//
// A batch is the blocks that came since the last one (Spark: ReceiverInputDStream, BlockRDD,
// WriteAheadLogBackedBlockRDD).
//
// Durable   which blocks a batch has, in the driver log, before its jobs are generated: a batch
//           that runs again has the same ones.
//
// Hazard    Without a log for the data, a block whose executors are gone is left out of its batch,
//           and nobody is told (SPARK-10210). The blocks behind it move up: task numbers then mean
//           other blocks than before.

#pragma once

#include <map>
#include <vector>

#include "engine/driver/block_manager_master.h"
#include "engine/driver/input_stream.h"
#include "engine/driver/receiver_tracker.h"
#include "engine/ports/endpoint.h"

namespace engine {

class ReceiverInputStream final : public InputStream {
 public:
  ReceiverInputStream(const Pipeline& pipeline,
                      ReceiverTracker& tracker,
                      BlockManagerMaster& master,
                      Endpoint<Message>& endpoint)
      : pipeline_(pipeline), tracker_(tracker), master_(master), endpoint_(endpoint) {}

  Task<Result<>> start() override { return tracker_.start(false); }

  Task<Result<>> restore(const Checkpoint* /*checkpoint*/) override { return tracker_.start(true); }

  Task<Result<BatchInput>> get_or_compute(BatchTime batch) override;

  // Also drops the blocks of those batches from memory (spark.streaming.unpersist).
  void clear_metadata(BatchTime completed) override;

  Task<> clean_up(BatchTime completed) override;

  void set_rate(double records_per_second) override { tracker_.set_rate(records_per_second); }

  [[nodiscard]] bool has_unplanned() const override { return tracker_.has_unallocated_blocks(); }

  // The allocation of blocks is not part of a checkpoint: the driver log has it.
  [[nodiscard]] DirectStreamState state() const override { return {}; }

 private:
  void remove(const std::vector<BlockId>& blocks);

  const Pipeline& pipeline_;
  ReceiverTracker& tracker_;
  BlockManagerMaster& master_;
  Endpoint<Message>& endpoint_;
  std::map<BatchTime, std::vector<BlockId>> generated_;
};

}  // namespace engine
