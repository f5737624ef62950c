// engine/ports/receiver_protocol.h
//
// The decisions of receivers, of their tracker and of the write-ahead logs, one enumeration each,
// as in engine/ports/protocol.h: the first enumerator is what Spark does; the others are the sound
// choice where Spark's own is unsafe, and mistakes.

#pragma once

#include <cstdint>
#include <span>

namespace engine {

struct ProtocolChoice;

// --- The receiver ------------------------------------------------------------------------------

// When a reliable receiver commits the offsets of a block.
enum class OffsetCommit : std::uint8_t {
  kAfterStore,     // ReliableKafkaReceiver: stored, replicated or logged, and known to the driver
  kBeforeStore,    // mistake: as soon as the block is cut off
  kWhenBuffered,   // mistake, KCL before SPARK-9217: as soon as the records are in the buffer
  kBeforeReport,   // mistake: stored, and the driver is told afterwards
  kWithNextBlock,  // mistake, SPARK-11359: when the next block is stored
};

// Which offset a reliable receiver commits.
enum class CommittedOffset : std::uint8_t {
  kLastStored,  // ReliableKafkaReceiver: of the last stored record, which is then fetched again
  kNext,        // sound: of the record behind it
  kBeyondNext,  // mistake: one too far, the off-by-one in the other direction
};

// Whose offsets a reliable receiver commits when a block is stored.
enum class CommittedBlock : std::uint8_t {
  kStored,  // GeneratedBlockHandler: the snapshot that was taken when the block was cut off
  kNewest,  // mistake: whatever has been added by now
};

// Which position an unreliable receiver commits on its timer.
enum class AutoCommit : std::uint8_t {
  kHandedOver,  // ConsumerIterator: behind the last record that the receiver took
  kFetched,     // mistake: behind the last record that came over the network
};

// Where a receiver begins.
enum class ReceiverStart : std::uint8_t {
  kCommitted,  // where its group committed last
  kAnew,       // mistake, SPARK-2492: KafkaReceiver wiped the offsets of its group first
};

// When a block counts as stored where there is a log.
enum class BlockStore : std::uint8_t {
  kMemoryAndLog,  // WriteAheadLogBasedBlockHandler: both futures are done
  kFirstDone,     // mistake, the class of SPARK-4873: the first of them is
  kMemoryAlone,   // mistake, SPARK-14719: the log failed, and it is in memory
};

// Where the numbers of blocks begin that a supervisor names.
enum class BlockNumbers : std::uint8_t {
  kFromClock,  // ReceiverSupervisorImpl.newBlockIds: behind those of every supervisor before
  kFromZero,   // mistake: every supervisor names its blocks alike
};

// What a supervisor makes of the driver's answer that a block could not be added.
enum class RefusedBlock : std::uint8_t {
  kFailed,   // ReceiverSupervisorImpl.pushAndReportBlock: the store failed
  kIgnored,  // mistake, SPARK-21525: the answer was not looked at
};

// What a reliable receiver does with a block that cannot be stored.
enum class FailedStore : std::uint8_t {
  kStop,     // ReliableKafkaReceiver: stops itself from within the push, and hangs
  kRestart,  // sound: begins again where it last committed
  kSkip,     // mistake, SPARK-4707: goes on with the next block
  kCommit,   // mistake, SPARK-4707: and commits the block that is lost
};

// What becomes of buffered records when a block generator stops.
enum class GeneratorStop : std::uint8_t {
  kDrained,  // BlockGenerator.stop: they are pushed first
  kDropped,  // mistake, SPARK-10224: the timer is interrupted, and they stay in the buffer
};

// In which order a receiver supervisor stops its parts.
enum class SupervisorStop : std::uint8_t {
  kLogFirst,        // ReceiverSupervisorImpl.onStop since SPARK-18922: what is buffered then has no
                    // log to go to
  kGeneratorFirst,  // sound: what is buffered is stored, then the log is closed (Spark 1.6)
};

// --- The tracker -------------------------------------------------------------------------------

// From whom the tracker takes blocks.
enum class ReceiverFencing : std::uint8_t {
  kNone,         // AddBlock names no life of the receiver: also from one that has a successor
  kByPlacement,  // sound: only from the life of the executor on which the receiver is placed
};

// What a receiver that stopped leaves with the tracker.
enum class Deregistration : std::uint8_t {
  kInactive,   // ReceiverTracker: where it is placed stays known
  kForgotten,  // mistake, SPARK-10369: and it is not let in when it starts again
};

// What becomes of a receiver whose executor is lost, or whose supervisor ended.
enum class LostReceiver : std::uint8_t {
  kPlacedAgain,  // RestartReceiver, for ever
  kGivenUp,      // mistake: the job of the receiver has failed, and nobody looks
};

// What the tracker makes of records that it has already been told of.
enum class RepeatedRecords : std::uint8_t {
  kTakenAgain,  // ReceivedBlockTracker.addBlock knows blocks, and no records
  kDropped,     // sound: a block counts for those of its offsets that no other block has
};

// When the addition of a block is logged.
enum class AdditionLog : std::uint8_t {
  kBeforeAnswer,  // ReceivedBlockTracker.addBlock: before anybody hears of it
  kAfterAnswer,   // mistake: after the receiver was told that the block is known
  kNever,         // mistake: only allocations are logged
};

// When the blocks of a batch leave the queue.
enum class AllocationLog : std::uint8_t {
  kBeforeDequeue,  // since SPARK-23991: when the log has them
  kAfterDequeue,   // mistake, SPARK-23991: first, and the log may fail
  kNever,          // mistake: nothing is logged; a new driver deals the blocks out anew
};

// What a tracker does for a batch that has its blocks already.
enum class Reallocation : std::uint8_t {
  kKept,      // allocateBlocksToBatch: not behind the last allocated batch, nothing
  kReplaced,  // mistake: deals out what is in the queue now, as for any batch
};

// When a driver replays its log of blocks.
enum class LogReplay : std::uint8_t {
  kWithCheckpoint,  // ReceivedBlockTracker: if it starts from a checkpoint
  kAlways,          // sound: whenever there is a log
  kNever,           // mistake: it trusts the checkpoint alone
};

// What replaying an allocation leaves of the queue.
enum class RecoveredQueue : std::uint8_t {
  kUnallocated,  // since SPARK-23438: what the allocation does not name
  kEmpty,        // mistake, SPARK-23438: nothing
  kDiscarded,    // mistake, the class of SPARK-5233: nothing is queued that no batch has
};

// Which batches the log of blocks forgets, and the data log their records.
enum class BlockCleanup : std::uint8_t {
  kCompleted,  // JobGenerator.clearCheckpointData: all before the one that completed, done or not
  kFinishedPrefix,  // sound: all before the oldest that is not done
};

// When a graceful stop closes the log of received blocks.
enum class TrackerStop : std::uint8_t {
  kBeforeGenerator,  // JobScheduler.stop: the tracker with its log, then the generator, whose last
                     // batches can allocate nothing any more
  kAfterGenerator,   // sound: the log is closed when the last batch is done
};

// --- The logs ----------------------------------------------------------------------------------

// What a record of a log looks like.
enum class LogFormat : std::uint8_t {
  kLength,    // FileBasedWriteAheadLogWriter: its length, and then itself
  kChecksum,  // sound: with its number in the log of this life, and a checksum over all
};

// When a record of a log is made durable.
enum class LogFlush : std::uint8_t {
  kEachRecord,  // hflush behind each record
  kOnClose,     // mistake, the class of SPARK-25871: flushing does nothing
};

// Where the handle of a record points.
enum class LogHandle : std::uint8_t {
  kToFrame,   // FileBasedWriteAheadLogSegment: to its length
  kToRecord,  // mistake: behind its length
};

// By which time of a log file it is cleaned.
enum class LogCleaning : std::uint8_t {
  kByStop,   // FileBasedWriteAheadLog.clean: endTime; nothing in it is newer
  kByStart,  // mistake: something in it may be newer
};

// What a log answers whose record was flushed and whose file could then not be closed.
enum class FailedClose : std::uint8_t {
  kAcknowledged,  // FileBasedWriteAheadLog.write returns the segment of whichever attempt got so
                  // far
  kRefused,       // sound: without the close S3 has no object
};

struct ReceiverProtocol {
  OffsetCommit offset_commit = OffsetCommit::kAfterStore;
  CommittedOffset committed_offset = CommittedOffset::kLastStored;
  CommittedBlock committed_block = CommittedBlock::kStored;
  AutoCommit auto_commit = AutoCommit::kHandedOver;
  ReceiverStart receiver_start = ReceiverStart::kCommitted;
  BlockStore block_store = BlockStore::kMemoryAndLog;
  BlockNumbers block_numbers = BlockNumbers::kFromClock;
  RefusedBlock refused_block = RefusedBlock::kFailed;
  FailedStore failed_store = FailedStore::kStop;
  GeneratorStop generator_stop = GeneratorStop::kDrained;
  SupervisorStop supervisor_stop = SupervisorStop::kLogFirst;
  ReceiverFencing receiver_fencing = ReceiverFencing::kNone;
  Deregistration deregistration = Deregistration::kInactive;
  LostReceiver lost_receiver = LostReceiver::kPlacedAgain;
  RepeatedRecords repeated_records = RepeatedRecords::kTakenAgain;
  AdditionLog addition_log = AdditionLog::kBeforeAnswer;
  AllocationLog allocation_log = AllocationLog::kBeforeDequeue;
  Reallocation reallocation = Reallocation::kKept;
  LogReplay log_replay = LogReplay::kWithCheckpoint;
  RecoveredQueue recovered_queue = RecoveredQueue::kUnallocated;
  BlockCleanup block_cleanup = BlockCleanup::kCompleted;
  TrackerStop tracker_stop = TrackerStop::kBeforeGenerator;
  LogFormat log_format = LogFormat::kLength;
  LogFlush log_flush = LogFlush::kEachRecord;
  LogHandle log_handle = LogHandle::kToFrame;
  LogCleaning log_cleaning = LogCleaning::kByStop;
  FailedClose failed_close = FailedClose::kAcknowledged;
  auto operator<=>(const ReceiverProtocol&) const = default;
};

// Every value of every decision above, grouped by decision, the faithful one first.
std::span<const ProtocolChoice> receiver_protocol_choices();

}  // namespace engine
