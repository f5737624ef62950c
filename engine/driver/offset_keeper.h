// engine/driver/offset_keeper.h
//
// Where a Direct pipeline saves how far it has got, besides or instead of the checkpoint, and when
// that is durable (Spark Kafka integration guide, "Storing Offsets").
//
//   kafka             commitAsync: queued when the output is done, sent while a later batch is
//                     planned, durable when the broker has it. What is queued at a crash is not
//                     saved.
//   zookeeper, hbase  saved before the job ends; durable on return. ZooKeeper: one partition after
//                     the other.
//   sink              with the `offsets` sink: in each task's own transaction, nothing to do here.
//                     With any other sink: a transaction of its own, after the output.
//   checkpoint, none  nothing.

#pragma once

#include <optional>
#include <vector>

#include "engine/driver/checkpoint.h"
#include "engine/pipeline.h"
#include "engine/ports/process.h"

namespace engine {

class OffsetKeeper {
 public:
  OffsetKeeper(const Ports& ports, const Pipeline& pipeline) : ports_(ports), pipeline_(pipeline) {}

  // What is saved: one entry per partition that ever was.
  Task<Result<std::vector<PartitionOffset>>> load();

  // Gives every partition that was never saved a row with its start, so that the compare-and-set of
  // the first batch has something to compare with. Only for the `offsets` sink.
  Task<Result<>> reserve(std::vector<PartitionOffset> start);

  // Called once per batch, from its job: after its output or, by OffsetSave, before it.
  Task<Result<>> save(BatchTime batch, BatchRanges ranges);

  // Sends what commitAsync queued; does not wait for the broker.
  void flush();

 private:
  Task<Result<std::vector<PartitionOffset>>> load_from_kafka();
  Task<> commit(BatchTime batch, std::vector<PartitionOffset> offsets);
  Task<Result<>> save_in_sink(BatchRanges ranges);

  [[nodiscard]] bool in_task_transaction() const {
    return pipeline_.source.offsets == OffsetKeeping::kSink &&
           pipeline_.sink.kind == SinkKind::kOffsets;
  }

  const Ports& ports_;
  const Pipeline& pipeline_;
  std::vector<PartitionOffset> queued_;  // commitAsync: by partition, the latest wins
  std::optional<BatchTime> queued_batch_;
};

}  // namespace engine
