// engine/driver/receiver_tracker.h
//
// The driver's side of the receivers: places them on executors, starts them again when they end,
// takes the blocks that they report, and gives those to batches (Spark: ReceiverTracker,
// ReceiverSchedulingPolicy).
//
// Holds     where each receiver is, in memory. Durable: what the driver log holds, if there is a
//           checkpoint directory (engine/driver/received_block_tracker.h).
//
// Hazards   Spark's own, kept.
//           No fencing.     A block is taken from whoever reports it, also from a receiver whose
//                           executor was declared lost and that has a successor by now
//                           (ReceiverFencing::kByPlacement refuses it).
//           Stopped first.  A graceful stop closes the driver log before the last batches are
//                           generated; what is unallocated then stays so
//                           (TrackerStop::kAfterGenerator closes it last).

#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "engine/driver/received_block_tracker.h"
#include "engine/driver/task_scheduler.h"
#include "engine/messages.h"
#include "engine/pipeline.h"
#include "engine/ports/endpoint.h"
#include "engine/ports/process.h"
#include "engine/wal/batched_write_ahead_log.h"

namespace engine {

inline constexpr std::string_view kDriverLogDirectory = "checkpoint/receivedBlockMetadata";

class ReceiverTracker {
 public:
  // Requires  the pipeline has receivers.
  ReceiverTracker(const Ports& ports,
                  const Pipeline& pipeline,
                  const Cluster& cluster,
                  Endpoint<Message>& endpoint,
                  TaskScheduler& tasks);

  // Replays the log of the life before, if there was one that left a checkpoint, and launches the
  // receivers. A first start does not look at a log that lies there (LogReplay::kAlways does; no
  // batch of it will run again, so its blocks are queued).
  // Errors    those of reading the log.
  Task<Result<>> start(bool recovered);

  // Ends every receiver and completes when they have said so; `graceful`: however long that takes,
  // else after ten seconds.
  Task<> stop_receivers(bool graceful);

  Task<> close_log();

  void executor_registered(Address executor);
  void executor_lost(Address executor);
  void received(Address from, const RegisterReceiver& message);
  void received(Address from, const DeregisterReceiver& message);
  void received(Address from, const ReceiverEnded& message);
  void received(Address from, const AddBlock& message);

  // Gives what is unallocated to the batch; durable on return where there is a log.
  Task<> allocate_blocks_to_batch(BatchTime batch);

  [[nodiscard]] std::vector<ReceivedBlockInfo> blocks_of(BatchTime batch) const {
    return blocks_.blocks_of(batch);
  }

  [[nodiscard]] bool has_unallocated_blocks() const { return blocks_.has_unallocated_blocks(); }

  // No batch before `threshold` runs again.
  Task<> clean_up_old_blocks_and_batches(BatchTime threshold);

  // Shared out among the receivers.
  void set_rate(double records_per_second);

 private:
  struct Receiver {
    std::optional<Address> placed_on;
    bool active = false;    // registered, and not deregistered since
    bool given_up = false;  // never placed again
  };

  Task<Result<>> replay_log(bool recovered);
  void lose(StreamId stream);
  [[nodiscard]] bool takes_block(Address from, StreamId stream);
  Task<> stop_waiting_for_executors();
  Task<> add_block(Address from, AddBlock message);
  [[nodiscard]] bool may_place() const;
  void place_all();
  void place(StreamId stream);
  [[nodiscard]] std::optional<Address> least_loaded_executor() const;
  Receiver& receiver(StreamId stream);
  void tell_peers();

  const Ports& ports_;
  const Pipeline& pipeline_;
  const Cluster& cluster_;
  Endpoint<Message>& endpoint_;
  TaskScheduler& tasks_;
  std::unique_ptr<BatchedWriteAheadLog> log_;  // null: no checkpoint directory
  ReceivedBlockTracker blocks_;
  std::vector<Receiver> receivers_;  // by stream
  std::set<Address> executors_;
  std::unique_ptr<Signal> all_ended_;
  bool started_ = false;
  bool waited_ = false;  // long enough for executors that have not registered
  bool stopping_ = false;
};

}  // namespace engine
