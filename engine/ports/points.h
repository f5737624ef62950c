// engine/ports/points.h
//
// Named places in the protocols where a process may die. The name says what has just happened; the
// table says what is durable then and what recovery does. `onceproof list points` prints the table.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "engine/ports/task.h"
#include "engine/ports/vocabulary.h"

namespace engine {

enum class Point : std::uint8_t {
  kReceiverFetched,
  kReceiverBuffered,
  kReceiverBlockSealed,
  kReceiverBlockStored,
  kReceiverBlockReplicated,
  kReceiverWalAppended,
  kReceiverBlockReported,
  kReceiverBlockAcknowledged,
  kReceiverOffsetsCommitted,
  kTrackerBlockAdded,
  kTrackerBlocksAllocated,
  kTrackerBatchesCleaned,
  kGeneratorBatchDue,
  kGeneratorBatchPlanned,
  kSchedulerBatchSubmitted,
  kCheckpointTempWritten,
  kCheckpointBackedUp,
  kCheckpointRenamed,
  kSchedulerBatchCompleted,
  kCheckpointCompletionWritten,
  kGeneratorBatchProcessed,
  kOffsetsSaved,
  kTaskStarted,
  kTaskInputRead,
  kTaskOutputWritten,
  kTaskOutputCommitted,
  kTaskReported,
  kRecoveryCheckpointRead,
  kRecoveryLogReplayed,
  kRecoveryBatchesRescheduled,
};

struct PointInfo {
  Point point;
  std::string_view name;      // "task.output_written"
  std::string_view process;   // who reaches it
  std::string_view durable;   // what is durable when it is reached
  std::string_view recovery;  // what a restart does if the process dies here
};

// Every point, in the order of the enumeration.
std::span<const PointInfo> all_points();

const PointInfo& info(Point point);

std::optional<Point> find_point(std::string_view name);

struct PointContext {
  std::optional<BatchTime> batch;
  PartitionId partition = -1;  // -1: none
  std::int32_t attempt = 0;
};

class Points {
 public:
  Points() = default;
  Points(const Points&) = delete;
  Points& operator=(const Points&) = delete;
  virtual ~Points() = default;

  // Passes at once, or never.
  virtual Task<> reach(Point point, PointContext context) = 0;
};

}  // namespace engine
