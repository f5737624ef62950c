#include "engine/ports/points.h"

#include <algorithm>
#include <array>

#include "engine/ports/invariant.h"

namespace engine {
namespace {

constexpr std::array kPoints{
    PointInfo{Point::kReceiverFetched,
              "receiver.fetched",
              "receiver",
              "nothing of the fetched records",
              "they are fetched again unless their offsets were committed"},
    PointInfo{Point::kReceiverBuffered,
              "receiver.buffered",
              "receiver",
              "nothing; the records are in the current buffer",
              "they are fetched again unless their offsets were committed"},
    PointInfo{Point::kReceiverBlockSealed,
              "receiver.block_sealed",
              "receiver",
              "nothing; the block waits in the queue",
              "its records are fetched again unless their offsets were committed"},
    PointInfo{Point::kReceiverBlockStored,
              "receiver.block_stored",
              "receiver",
              "nothing; the block is in the memory of one executor",
              "the block is lost with its executor; nobody knows of it"},
    PointInfo{Point::kReceiverBlockReplicated,
              "receiver.block_replicated",
              "receiver",
              "nothing; the block is in the memory of several executors",
              "a copy may survive, but nobody knows of it"},
    PointInfo{Point::kReceiverWalAppended,
              "receiver.wal_appended",
              "receiver",
              "the block, in the data log",
              "the record is an orphan until its block is reported"},
    PointInfo{Point::kReceiverBlockReported,
              "receiver.block_reported",
              "receiver",
              "the block; its addition when the driver has logged it",
              "the driver allocates the block to a batch; its records may also be fetched again"},
    PointInfo{Point::kReceiverBlockAcknowledged,
              "receiver.block_acknowledged",
              "receiver",
              "the block and its addition",
              "the block is processed and its records are fetched again: their offsets are not "
              "committed"},
    PointInfo{Point::kReceiverOffsetsCommitted,
              "receiver.offsets_committed",
              "receiver",
              "the block, its addition and the source offsets",
              "the block is processed"},
    PointInfo{Point::kTrackerBlockAdded,
              "tracker.block_added",
              "driver",
              "the addition of the block, in the driver log",
              "the block is allocated to the first rescheduled or new batch"},
    PointInfo{Point::kTrackerBlocksAllocated,
              "tracker.blocks_allocated",
              "driver",
              "which blocks the batch has",
              "the batch runs again on the same blocks"},
    PointInfo{Point::kTrackerBatchesCleaned,
              "tracker.batches_cleaned",
              "driver",
              "that the old batches need their blocks no more",
              "the old batches are not replayed"},
    PointInfo{Point::kGeneratorBatchDue,
              "generator.batch_due",
              "driver",
              "nothing of this batch",
              "the batch is one of the down times and is planned anew"},
    PointInfo{Point::kGeneratorBatchPlanned,
              "generator.batch_planned",
              "driver",
              "nothing of this batch; its offset ranges are in memory",
              "the batch is planned anew, up to the offsets that are the latest then"},
    PointInfo{Point::kSchedulerBatchSubmitted,
              "scheduler.batch_submitted",
              "driver",
              "nothing of this batch, though its jobs may run from now on",
              "the batch is planned anew: its ranges may be larger than those whose output is in "
              "the sink"},
    PointInfo{Point::kCheckpointTempWritten,
              "checkpoint.temp_written",
              "driver",
              "the checkpoint's bytes, under the name temp",
              "the previous checkpoint is read"},
    PointInfo{Point::kCheckpointBackedUp,
              "checkpoint.backed_up",
              "driver",
              "the previous checkpoint of the same time, as .bk",
              "the .bk file is read"},
    PointInfo{Point::kCheckpointRenamed,
              "checkpoint.renamed",
              "driver",
              "the checkpoint, under its own name",
              "the checkpoint is read"},
    PointInfo{Point::kSchedulerBatchCompleted,
              "scheduler.batch_completed",
              "driver",
              "the batch's output, but not that it is complete",
              "the batch runs again"},
    PointInfo{
        Point::kCheckpointCompletionWritten,
        "checkpoint.completion_written",
        "driver",
        "that the batch is complete",
        "the batch runs again if it is the last one: recovery starts at the checkpoint's own time"},
    PointInfo{Point::kGeneratorBatchProcessed,
              "generator.batch_processed",
              "driver",
              "that the batch is complete; old metadata is cleaned",
              "as after checkpoint.completion_written"},
    PointInfo{Point::kOffsetsSaved,
              "offsets.saved",
              "driver",
              "the offsets of a batch, in the store that the pipeline keeps them in",
              "a driver that starts from that store continues behind the batch"},
    PointInfo{Point::kTaskStarted,
              "task.started",
              "executor",
              "nothing of this task",
              "another attempt runs"},
    PointInfo{Point::kTaskInputRead,
              "task.input_read",
              "executor",
              "nothing of this task",
              "another attempt reads the same input"},
    PointInfo{
        Point::kTaskOutputWritten,
        "task.output_written",
        "executor",
        "what an auto-committing sink (append, upsert, files) was sent; nothing of a transaction",
        "another attempt writes the same output"},
    PointInfo{Point::kTaskOutputCommitted,
              "task.output_committed",
              "executor",
              "the task's output",
              "another attempt writes again unless the sink refuses"},
    PointInfo{Point::kTaskReported,
              "task.reported",
              "executor",
              "the task's output; the driver may know",
              "nothing, if the driver heard of it"},
    PointInfo{Point::kRecoveryCheckpointRead,
              "recovery.checkpoint_read",
              "driver",
              "what the last life left",
              "recovery starts over"},
    PointInfo{Point::kRecoveryLogReplayed,
              "recovery.log_replayed",
              "driver",
              "what the last life left",
              "recovery starts over"},
    PointInfo{
        Point::kRecoveryBatchesRescheduled,
        "recovery.batches_rescheduled",
        "driver",
        "what the last life left: no checkpoint is written before the rescheduled batches run",
        "recovery starts over; down times are planned anew"},
};

}  // namespace

std::span<const PointInfo> all_points() {
  return kPoints;
}

const PointInfo& info(Point point) {
  const auto index = static_cast<std::size_t>(point);
  INVARIANT(index < kPoints.size(), "point {} is not in the table", index);
  INVARIANT(kPoints[index].point == point, "the table of points is out of order at {}", index);
  return kPoints[index];
}

std::optional<Point> find_point(std::string_view name) {
  const auto* const found = std::ranges::find(kPoints, name, &PointInfo::name);
  if (found == kPoints.end()) {
    return std::nullopt;
  }
  return found->point;
}

}  // namespace engine
