// engine/ports/protocol.h
//
// Every decision on which a guarantee rests, one enumeration each. The first enumerator is what
// Spark does (the default); the others are the sound choice where Spark's own is unsafe, and
// mistakes that real systems made. Scenarios switch them on by name in `protocol:`.
// engine/ports/receiver_protocol.h has those of receivers and their logs.

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/ports/receiver_protocol.h"

namespace engine {

// When a pipeline that keeps its own offsets saves those of a batch.
enum class OffsetSave : std::uint8_t {
  kAfterOutput,   // koeninger/kafka-exactly-once, CommitAsync; Spark's Kafka integration guide
  kBeforeOutput,  // mistake: the driver's consumer commits its position (enable.auto.commit=true)
};

// How far the offsets are saved while an older batch is not done, because jobs run side by side or
// one failed.
enum class OffsetProgress : std::uint8_t {
  kCompleted,       // each batch saves its own end, whatever became of older ones
  kFinishedPrefix,  // sound: a saved offset speaks for everything before it
};

// Which offset is saved for a range.
enum class SavedOffset : std::uint8_t {
  kNext,    // OffsetRange.untilOffset: the next one to read
  kBeyond,  // mistake: adds one to an end that is exclusive already
};

// Where a partition begins of which nothing is saved.
enum class UnsavedPosition : std::uint8_t {
  kStart,   // as the source's `start` says
  kLatest,  // mistake: at the end of the log, whatever had come before the first save
};

// How the `offsets` sink guards its transaction.
enum class OffsetGuard : std::uint8_t {
  kCompareAndSet,  // TransactionalPerPartition: set off = until where off = from, one row or abort
  kBlindUpdate,    // mistake: set off = until whatever was saved
  kSecondTransaction,  // mistake: results in one transaction, offsets in another
  kOffsetsFirst,       // mistake: two transactions, the offsets first
  kAtMostFrom,         // mistake: `off <= from`: a gap passes
  kResultIgnored,      // mistake: nobody counts the rows that the update touched
};

// How the `batch-uid` sink keeps rows and unit together.
enum class UnitGuard : std::uint8_t {
  kSameTransaction,  // rows are there if and only if the unit is
  kUnitFirst,        // mistake: the unit is inserted, then the rows are
  kRowsFirst,        // mistake: the rows are inserted, then the unit is
};

// What names a piece of output that must take effect once, in the sinks `batch-uid` and `files`.
enum class OutputUnit : std::uint8_t {
  kBatch,  // batch time and partition id: right as long as they name the same records
  // sound: the place of the record in Kafka: the same however batches are cut. An aggregate has
  // none and keeps its batch
  kRecord,
  kAttempt,  // mistake: the attempt as well: a task that is tried again is another piece
};

// The primary key of an upserted row.
enum class RowIdentity : std::uint8_t {
  kPosition,  // partition, offset and ordinal
  kOffset,    // mistake: offsets alone: partitions overwrite each other
  kAttempt,   // mistake: the attempt as well: a second attempt inserts beside the first
};

// What becomes of a file of the `files` sink that is there already.
enum class FileWrite : std::uint8_t {
  kReplace,  // a batch that runs again replaces it as a whole
  kAppend,   // mistake: its rows are added to it
};

// When the offset ranges of a Direct batch become durable.
enum class RangeDurability : std::uint8_t {
  // JobGenerator: submitJobSet, then DoCheckpoint, whose file is written asynchronously
  kAfterSubmit,
  // sound: the checkpoint file that holds the range is in place before any job starts
  kBeforeSubmit,
};

// Where the ranges of a pending Direct batch come from after a restart.
enum class RangeRecovery : std::uint8_t {
  kRestored,    // from the checkpoint (DirectKafkaInputDStreamCheckpointData.restore)
  kRecomputed,  // mistake: planned anew, from a position that is behind them
};

// How far a task of a Direct batch reads.
enum class TaskRange : std::uint8_t {
  kPlanned,  // KafkaRDD: the range that the driver fixed
  kLatest,   // mistake: to the end of the log, as it is when the task runs
};

// What a rate limit of less than one record for a batch and partition comes to.
enum class RateFloor : std::uint8_t {
  kOne,   // minRatePerPartition: a limit never starves a partition
  kNone,  // mistake: it is cut to nothing
};

// What a driver that finds both a checkpoint and saved offsets continues from.
enum class RestartPosition : std::uint8_t {
  // DirectKafkaInputDStream: currentOffsets of the checkpoint; other stores only monitor
  kCheckpoint,
  kOffsetStore,  // mistake: pending batches from the checkpoint, the position from the other store
};

// What becomes of a batch whose output operation failed for good.
enum class FailedBatch : std::uint8_t {
  kKeepPending,  // JobScheduler.handleJobCompletion: stays in jobSets, runs again after a restart
  // sound: the application ends, as by awaitTermination, and is started again: nothing overtakes
  // the batch
  kExit,
  kForget,  // mistake, SPARK-18905: removed as if completed
};

// Whether jobs of several batches run side by side (spark.streaming.concurrentJobs) where the sink
// takes them in one order only.
enum class JobOverlap : std::uint8_t {
  kAllowed,  // as many as are configured: an `offsets` sink refuses who comes too early
  kOrdered,  // sound: one after the other into an `offsets` sink
};

// Which batches a driver may forget, with their ranges.
enum class MetadataCleanup : std::uint8_t {
  kCompleted,       // DStreamGraph.clearMetadata: all before the one that completed, done or not
  kFinishedPrefix,  // sound: all before the oldest that is not done
  kGenerated,       // mistake: all before the newest that is planned
};

// Which checkpoint tells that what its batch needed may go.
enum class CheckpointCleanup : std::uint8_t {
  kCompletion,  // JobGenerator.onCheckpointCompletion with clearCheckpointDataLater
  kAny,         // mistake: also the one that is taken before the batch has run
};

// Which batch times a restarted driver runs again.
enum class Reschedule : std::uint8_t {
  // JobGenerator.restart: pending and down times before the restart time, once each
  kBeforeRestart,
  kUnfinished,  // sound: not the checkpoint's own batch unless it is pending: it is complete
  // mistake, the bug class of SPARK-12122: a time that is both pending and down runs twice
  kWithoutDistinct,
  kThroughRestart,  // mistake, SPARK-12122: the restart time as well, which the timer brings again
  // mistake: no down times: what the checkpoint does not know comes under another time
  kPendingOnly,
};

// Whether a checkpoint says which batches are not done.
enum class PendingTimes : std::uint8_t {
  kWritten,  // Checkpoint.pendingTimes
  kOmitted,  // mistake: a restart begins with the batch of the checkpoint
};

// How a checkpoint file gets its name.
enum class CheckpointPublish : std::uint8_t {
  kRename,   // CheckpointWriter: temp, backup, rename
  kInPlace,  // mistake, the bug class of SPARK-23966: written under its final name
};

// Which batch time names a checkpoint file.
enum class CheckpointName : std::uint8_t {
  kLatest,  // of the latest batch written so far: the newest content has the newest name
  kOwn,     // mistake: of its own batch: the completion of an old one hides behind newer names
};

// What becomes of a checkpoint file whose name a newer one takes.
enum class CheckpointBackup : std::uint8_t {
  kKept,     // renamed to .bk until the next
  kRemoved,  // mistake: removed first: for a moment neither is there
};

// What becomes of a checkpoint that is taken while another is being written.
enum class CheckpointBacklog : std::uint8_t {
  kQueued,   // it waits for its turn
  kDropped,  // mistake: it is dropped, as by a full queue
};

// What a writer makes of a checkpoint that could not be renamed.
enum class FailedRename : std::uint8_t {
  kIgnored,  // CheckpointWriter logs it and goes on as if it were in place
  kRetried,  // sound: it is written again
};

// What a driver does that finds checkpoint files and can read none.
enum class UnreadableCheckpoint : std::uint8_t {
  kRefuse,     // CheckpointReader throws: it does not start
  kStartAnew,  // mistake: it starts as if there were none
};

// When a task reports success.
enum class TaskReport : std::uint8_t {
  kAfterOutput,   // when its output is committed
  kBeforeOutput,  // mistake: when it is computed
};

// What becomes of the attempts that ran on an executor that is lost.
enum class LostExecutor : std::uint8_t {
  kRetry,       // TaskSetManager.executorLost: they failed, and run again elsewhere
  kAssumeDone,  // mistake: they are taken for done
  kForget,      // mistake: nobody thinks of them
};

// What a reduce task does that cannot fetch the output of a map task.
enum class FetchFailure : std::uint8_t {
  kRecompute,  // FetchFailed: the map task runs again
  kSkip,       // mistake: it goes on without
};

// Which map outputs are given up when one could not be fetched.
enum class LostMapOutputs : std::uint8_t {
  kOfExecutor,  // all that lay on an executor that is dead
  kOfTask,      // mistake, SPARK-19753: that one, and the next is found missing by the next attempt
};

struct Protocol : ReceiverProtocol {
  OffsetSave offset_save = OffsetSave::kAfterOutput;
  OffsetProgress offset_progress = OffsetProgress::kCompleted;
  SavedOffset saved_offset = SavedOffset::kNext;
  UnsavedPosition unsaved_position = UnsavedPosition::kStart;
  OffsetGuard offset_guard = OffsetGuard::kCompareAndSet;
  UnitGuard unit_guard = UnitGuard::kSameTransaction;
  OutputUnit output_unit = OutputUnit::kBatch;
  RowIdentity row_identity = RowIdentity::kPosition;
  FileWrite file_write = FileWrite::kReplace;
  RangeDurability range_durability = RangeDurability::kAfterSubmit;
  RangeRecovery range_recovery = RangeRecovery::kRestored;
  TaskRange task_range = TaskRange::kPlanned;
  RateFloor rate_floor = RateFloor::kOne;
  RestartPosition restart_position = RestartPosition::kCheckpoint;
  FailedBatch failed_batch = FailedBatch::kKeepPending;
  JobOverlap job_overlap = JobOverlap::kAllowed;
  MetadataCleanup metadata_cleanup = MetadataCleanup::kCompleted;
  CheckpointCleanup checkpoint_cleanup = CheckpointCleanup::kCompletion;
  Reschedule reschedule = Reschedule::kBeforeRestart;
  PendingTimes pending_times = PendingTimes::kWritten;
  CheckpointPublish checkpoint_publish = CheckpointPublish::kRename;
  CheckpointName checkpoint_name = CheckpointName::kLatest;
  CheckpointBackup checkpoint_backup = CheckpointBackup::kKept;
  CheckpointBacklog checkpoint_backlog = CheckpointBacklog::kQueued;
  FailedRename failed_rename = FailedRename::kIgnored;
  UnreadableCheckpoint unreadable_checkpoint = UnreadableCheckpoint::kRefuse;
  TaskReport task_report = TaskReport::kAfterOutput;
  LostExecutor lost_executor = LostExecutor::kRetry;
  FetchFailure fetch_failure = FetchFailure::kRecompute;
  LostMapOutputs lost_map_outputs = LostMapOutputs::kOfExecutor;
  auto operator<=>(const Protocol&) const = default;
};

enum class Soundness : std::uint8_t { kFaithful, kSound, kMistake };

// One value of one decision, by the names that scenario files use.
struct ProtocolChoice {
  std::string_view decision;  // "range_durability"
  std::string_view value;     // "before_submit"
  Soundness soundness;
  std::string_view source;  // class of Spark, ticket or paper
  void (*apply)(Protocol&);
};

// What `apply` is.
template <auto Member, auto Value>
void set(Protocol& protocol) {
  protocol.*Member = Value;
}

// Every value of every decision, grouped by decision, the faithful one first.
std::span<const ProtocolChoice> all_protocol_choices();

// `protocol: hardened`: of every decision the sound value, or Spark's where that is sound.
Protocol hardened_protocol();

}  // namespace engine
