// faults/fault_plan.h
//
// What breaks, where and when, and which schedule is run: a value. A run is (scenario, seed, fault
// plan) and nothing else.

#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "engine/ports/points.h"
#include "engine/ports/vocabulary.h"
#include "sim/storage.h"

namespace faults {

// Who dies, or is cut off.
enum class TargetKind : std::uint8_t {
  kDriver,
  kExecutor,          // the process
  kReceiver,          // a receiver alone: it fails, and its supervisor starts it again
  kReceiverExecutor,  // whichever executor runs the receiver then
  kMachine,           // an executor and the machine under it: nobody is told, its disk is gone
  kCluster,           // every driver and executor at once
};

struct Target {
  TargetKind kind = TargetKind::kDriver;
  std::int32_t index = 0;  // executor, stream of the receiver, or machine of that executor
  auto operator<=>(const Target&) const = default;
};

// The `occurrence`-th time (from 1) that any process reaches `point` in this batch and partition.
struct AtPoint {
  engine::Point point = engine::Point::kGeneratorBatchDue;
  std::optional<std::int32_t> batch;  // the n-th batch interval since the world began, from 1
  std::optional<engine::PartitionId> partition;
  std::int32_t occurrence = 1;
  auto operator<=>(const AtPoint&) const = default;
};

struct AtTime {
  engine::Duration since_start{0};
  auto operator<=>(const AtTime&) const = default;
};

// The n-th effect boundary (from 1) of `process`, counted over all its lives.
struct AtStep {
  engine::ProcessId process;
  std::uint64_t step = 0;
  auto operator<=>(const AtStep&) const = default;
};

using Trigger = std::variant<AtPoint, AtTime, AtStep>;

// What an operator changes before the process starts again.
struct Redeploy {
  bool delete_checkpoint = false;
  std::optional<std::int32_t> application_version;
  auto operator<=>(const Redeploy&) const = default;
};

struct Crash {
  Target target;
  Trigger at;
  std::optional<engine::Duration> restart_after;  // empty: the cluster's own restart delay
  bool restarts = true;                           // false: never
  Redeploy redeploy;
  sim::DiskOutcome disk = sim::DiskOutcome::kDropUnsynced;  // of what nothing has made durable
  auto operator<=>(const Crash&) const = default;
};

// The two processes exchange no message for so long, and neither is told. Kafka, storage and sink
// stay within reach of both: whoever is declared lost meanwhile lives on as a zombie, and works.
struct Partition {
  Target left;  // the driver, an executor, or the executor that runs a receiver then
  Target right;
  Trigger at;
  engine::Duration lasts{0};
  auto operator<=>(const Partition&) const = default;
};

// A long garbage collection: the process takes no step and answers nobody, its sockets stay open,
// what is sent to it waits. It goes on where it was, and learns then what was decided without it.
struct Pause {
  Target target;  // as of a partition
  Trigger at;
  engine::Duration lasts{0};
  auto operator<=>(const Pause&) const = default;
};

enum class MessageFate : std::uint8_t {
  kDropped,
  kDelayed,     // and all behind it on the same connection: TCP keeps the order
  kDuplicated,  // what a sender that repeats itself does
};

// The next `times` messages that match meet that fate.
struct MessageFault {
  MessageFate fate = MessageFate::kDropped;
  std::optional<std::int32_t> message;  // a kind of engine::Message, by number; empty: any
  std::optional<Target> from;           // as of a partition; empty: anybody
  std::optional<Target> to;
  Trigger at;
  std::int32_t times = 1;
  engine::Duration by{0};  // kDelayed
  auto operator<=>(const MessageFault&) const = default;
};

enum class Failing : std::uint8_t {
  kWrite,   // storage: append; on s3 close, which writes the object
  kFlush,   // storage: flush; on s3 close
  kRename,  // storage
  kRead,    // storage
  kRpc,     // a question to another process is not answered
  kTask,    // the user's code throws in an attempt at a task
  kSink,
};

// The next `times` operations of that kind fail.
struct Failure {
  Failing what = Failing::kWrite;
  Target target;  // whose operations; as of a partition
  Trigger at;
  std::int32_t times = 1;
  bool applied = false;  // what was asked for happens all the same, and only its answer is an error
  auto operator<=>(const Failure&) const = default;
};

enum class DiskTrouble : std::uint8_t {
  kFull,     // no byte more fits, for so long
  kFlipBit,  // one bit of one durable file changes
};

// Which files: those of the checkpoint, the driver's log of received blocks, the receivers' logs.
enum class FileKind : std::uint8_t { kCheckpoint, kDriverLog, kReceiverLog };

struct DiskFault {
  DiskTrouble trouble = DiskTrouble::kFull;
  FileKind file = FileKind::kCheckpoint;  // kFlipBit
  Trigger at;
  engine::Duration lasts{0};  // kFull
  auto operator<=>(const DiskFault&) const = default;
};

enum class KafkaTrouble : std::uint8_t {
  kBrokerDown,       // nobody answers, for so long
  kLeaderMove,       // the leader of a partition is another, which clients learn after so long
  kRequestError,     // the next `times` requests of `target` are answered with an error for which
                     // no client asks again
  kTruncate,         // an unclean election: the youngest `records` of a partition are gone. Not
                     // struck before the last record is produced: see disruptions.h
  kRetain,           // retention takes the oldest `records` of a partition
  kCoordinatorMove,  // the coordinator of the group is another, which clients learn after so long
};

struct KafkaFault {
  KafkaTrouble trouble = KafkaTrouble::kBrokerDown;
  Target target;                      // kRequestError; as of a partition
  engine::PartitionId partition = 0;  // kLeaderMove, kTruncate, kRetain
  std::int32_t times = 1;             // kRequestError
  std::int64_t records = 0;           // kTruncate, kRetain
  Trigger at;
  engine::Duration lasts{0};  // kBrokerDown, kLeaderMove, kCoordinatorMove
  auto operator<=>(const KafkaFault&) const = default;
};

// What the process takes for the time changes; what happens when does not.
struct ClockFault {
  Target target;  // as of a partition
  Trigger at;
  engine::Duration jump{0};    // at once; may be negative
  std::int32_t drift_ppm = 0;  // from then on: microseconds gained in a second; may be negative
  auto operator<=>(const ClockFault&) const = default;
};

enum class Slowed : std::uint8_t { kTask, kSink, kStorage };

struct Slowdown {
  Slowed what = Slowed::kTask;
  Target target;  // whose; as of a partition
  Trigger at;
  std::int32_t factor = 1;    // kSink, kStorage: how many times as long everything takes
  engine::Duration extra{0};  // kTask: how much longer each takes
  engine::Duration lasts{0};
  auto operator<=>(const Slowdown&) const = default;
};

// No fault, but a choice of schedule: from then on operations that are ready in one instant run in
// an order drawn from the seed.
struct Reorder {
  std::uint64_t seed = 0;
  Trigger at;
  auto operator<=>(const Reorder&) const = default;
};

// Likewise: from then on the process runs behind every other in each instant (a priority change
// point of PCT, Burckhardt et al., ASPLOS 2010). Whoever yields later runs later.
struct Yield {
  Target target;  // as of a partition
  Trigger at;
  auto operator<=>(const Yield&) const = default;
};

using Fault = std::variant<Crash,
                           Partition,
                           Pause,
                           MessageFault,
                           Failure,
                           DiskFault,
                           KafkaFault,
                           ClockFault,
                           Slowdown,
                           Reorder,
                           Yield>;
using FaultPlan = std::vector<Fault>;

inline const Trigger& trigger_of(const Fault& fault) {
  return std::visit([](const auto& what) -> const Trigger& { return what.at; }, fault);
}

}  // namespace faults
