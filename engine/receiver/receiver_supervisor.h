// engine/receiver/receiver_supervisor.h
//
// Runs the receiver of one stream: registers it with the driver, stores and reports its blocks,
// starts it again when it fails, and stops it (Spark: ReceiverSupervisor, ReceiverSupervisorImpl).
//
// Holds     the default block generator and the storing of blocks, which survive a restart of the
//           receiver; every run of the receiver.
// Lifetime  one per launch. It outlives its coroutines: they end when it has ended, or with the
//           process.
//
// Invariants (I1 of the receiver path)
//   V1  Stored first.  A block is reported only after it is stored.
//   V2  One at a time. Starting and stopping exclude each other (synchronized in Spark).
//   V3  Said once.     The driver is told once that the supervisor has ended, and nothing is stored
//                      after that.
//
// Hazard    Log first.  What the default generator holds when the supervisor stops is pushed when
//                       the data log is closed already: it is lost, though its offsets are
//                       committed (SupervisorStop::kGeneratorFirst stores it).

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/executor/block_manager.h"
#include "engine/pipeline.h"
#include "engine/ports/process.h"
#include "engine/receiver/block_generator.h"
#include "engine/receiver/rate_limiter.h"
#include "engine/receiver/received_block_handler.h"
#include "engine/receiver/receiver.h"
#include "engine/receiver/tracker_client.h"
#include "engine/wal/turn.h"

namespace engine {

// Of the logs of all streams; each has a directory of its own in it.
inline constexpr std::string_view kReceiverLogDirectory = "checkpoint/receivedData";

class ReceiverSupervisor final : private ReceiverContext, private BlockGeneratorListener {
 public:
  // Requires  the pipeline has receivers.
  ReceiverSupervisor(const Ports& ports,
                     const Pipeline& pipeline,
                     BlockManager& blocks,
                     TrackerClient& tracker,
                     StreamId stream);

  [[nodiscard]] StreamId stream() const { return stream_; }

  // False: ReceiverEnded was said. True also while the receiver is being restarted.
  [[nodiscard]] bool running() const { return !ended_; }

  // Registers the receiver and starts it; ends when the driver does not want it.
  Task<> run();

  // Stops the receiver and starts it again after the restart delay, unless it is not running.
  Task<> restart();

  // Receiver, then data log and default generator in the protocol's order, then ReceiverEnded.
  Task<> stop() override;

  Task<> clean_up_old_blocks(Instant threshold);

  void update_rate_limit(double records_per_second);

 private:
  enum class State : std::uint8_t { kInitialized, kStarted, kStopped };

  Task<bool> start_receiver();
  Task<> stop_receiver();
  Task<> stop_parts();
  Task<> stop_log();
  [[nodiscard]] std::unique_ptr<Receiver> make_receiver();
  void forget_positions();

  Task<Result<>> push_and_report_block(SharedRecords records, std::optional<BlockId> id);
  Task<Result<>> report(ReceivedBlockInfo info);
  Task<> report_unheard(ReceivedBlockInfo info);
  BlockId next_block_id();

  Task<Result<>> store(SharedRecords records) override;
  void restart_later() override;
  void on_add(const BlockRecords& records) override;
  void on_generate_block(BlockId block) override;
  Task<bool> on_push_block(BlockId block, BlockRecords records) override;

  const Ports& ports_;
  const Pipeline& pipeline_;
  TrackerClient& tracker_;
  StreamId stream_;
  RateLimiter limiter_;
  std::unique_ptr<ReceivedBlockHandler> handler_;
  std::optional<BlockGenerator> generator_;           // a reliable receiver has its own
  std::vector<std::unique_ptr<Receiver>> receivers_;  // every run; the last one may be running
  State state_ = State::kInitialized;
  Turn turn_;  // who starts or stops
  std::int64_t next_block_ = 0;
  bool stopping_ = false;
  bool ended_ = false;
};

}  // namespace engine
