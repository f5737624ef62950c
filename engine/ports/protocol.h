// engine/ports/protocol.h
//
// Every decision on which a guarantee rests, one enumeration each. The first enumerator is what
// Spark does (the default); the others are the sound choice where Spark's own is unsafe, and
// mistakes that real systems made. Scenarios switch them on by name in `protocol:`.

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace engine {

// When a pipeline that keeps its own offsets saves those of a batch.
enum class OffsetSave : std::uint8_t {
  kAfterOutput,   // koeninger/kafka-exactly-once, CommitAsync; Spark's Kafka integration guide
  kBeforeOutput,  // mistake: the driver's consumer commits its position (enable.auto.commit=true)
};

// How the `offsets` sink guards its transaction.
enum class OffsetGuard : std::uint8_t {
  kCompareAndSet,  // TransactionalPerPartition: set off = until where off = from, one row or abort
  kBlindUpdate,    // mistake: set off = until whatever was saved
  kSecondTransaction,  // mistake: results in one transaction, offsets in another
};

// When the offset ranges of a Direct batch become durable.
enum class RangeDurability : std::uint8_t {
  kAfterSubmit,   // JobGenerator: submitJobSet, then DoCheckpoint, whose file is written
                  // asynchronously
  kBeforeSubmit,  // sound: the checkpoint file that holds the range is in place before any job
                  // starts
};

// What a driver that finds both a checkpoint and saved offsets continues from.
enum class RestartPosition : std::uint8_t {
  kCheckpoint,   // DirectKafkaInputDStream: currentOffsets of the checkpoint; other stores only
                 // monitor
  kOffsetStore,  // mistake: pending batches from the checkpoint, the position from the other store
};

// What becomes of a batch whose output operation failed for good.
enum class FailedBatch : std::uint8_t {
  kKeepPending,  // JobScheduler.handleJobCompletion: stays in jobSets, runs again after a restart
  kForget,       // mistake, SPARK-18905: removed as if completed
};

// Which batch times a restarted driver runs again.
enum class Reschedule : std::uint8_t {
  kBeforeRestart,    // JobGenerator.restart: pending and down times before the restart time, once
                     // each
  kWithoutDistinct,  // mistake, the bug class of SPARK-12122: a time that is both pending and down
                     // runs twice
};

// How a checkpoint file gets its name.
enum class CheckpointPublish : std::uint8_t {
  kRename,   // CheckpointWriter: temp, backup, rename
  kInPlace,  // mistake, the bug class of SPARK-23966: written under its final name
};

// When a reliable receiver commits the offsets of a block.
enum class OffsetCommit : std::uint8_t {
  kAfterStore,   // ReliableKafkaReceiver: stored, replicated or logged, and known to the driver
  kBeforeStore,  // mistake: as soon as the block is cut off
};

// Which offset a reliable receiver commits.
enum class CommittedOffset : std::uint8_t {
  kLastStored,  // ReliableKafkaReceiver: of the last stored record, which is then fetched again
  kNext,        // sound: of the record behind it
};

// What a log answers whose record was flushed and whose file could then not be closed.
enum class FailedClose : std::uint8_t {
  kAcknowledged,  // FileBasedWriteAheadLog.write returns the segment of whichever attempt got so
                  // far
  kRefused,       // sound: without the close S3 has no object
};

// In which order a receiver supervisor stops its parts.
enum class SupervisorStop : std::uint8_t {
  kLogFirst,        // ReceiverSupervisorImpl.onStop since SPARK-18922: what is buffered then has no
                    // log to go to
  kGeneratorFirst,  // sound: what is buffered is stored, then the log is closed (Spark 1.6)
};

// When a graceful stop closes the log of received blocks.
enum class TrackerStop : std::uint8_t {
  kBeforeGenerator,  // JobScheduler.stop: the tracker with its log, then the generator, whose last
                     // batches can allocate nothing any more
  kAfterGenerator,   // sound: the log is closed when the last batch is done
};

struct Protocol {
  OffsetSave offset_save = OffsetSave::kAfterOutput;
  OffsetGuard offset_guard = OffsetGuard::kCompareAndSet;
  RangeDurability range_durability = RangeDurability::kAfterSubmit;
  RestartPosition restart_position = RestartPosition::kCheckpoint;
  FailedBatch failed_batch = FailedBatch::kKeepPending;
  Reschedule reschedule = Reschedule::kBeforeRestart;
  CheckpointPublish checkpoint_publish = CheckpointPublish::kRename;
  OffsetCommit offset_commit = OffsetCommit::kAfterStore;
  CommittedOffset committed_offset = CommittedOffset::kLastStored;
  SupervisorStop supervisor_stop = SupervisorStop::kLogFirst;
  FailedClose failed_close = FailedClose::kAcknowledged;
  TrackerStop tracker_stop = TrackerStop::kBeforeGenerator;
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

// Every value of every decision, grouped by decision, the faithful one first.
std::span<const ProtocolChoice> all_protocol_choices();

}  // namespace engine
