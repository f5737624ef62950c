// engine/receiver/receiver_runner.h
//
// The receivers of one executor, and what the driver says to them.
//
// Holds     every supervisor that was launched in this life of the executor, those that have ended
//           too: their coroutines end at their own next step.

#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/executor/block_manager.h"
#include "engine/messages.h"
#include "engine/pipeline.h"
#include "engine/ports/process.h"
#include "engine/receiver/receiver_supervisor.h"
#include "engine/receiver/tracker_client.h"

namespace engine {

class ReceiverRunner {
 public:
  ReceiverRunner(const Ports& ports,
                 const Pipeline& pipeline,
                 BlockManager& blocks,
                 TrackerClient tracker)
      : ports_(ports), pipeline_(pipeline), blocks_(blocks), tracker_(std::move(tracker)) {}

  // Launched and not ended; a receiver that is being restarted counts.
  [[nodiscard]] bool runs(StreamId stream) const;

  // The receiver alone fails: its supervisor restarts it.
  void fail(StreamId stream);

  void received(const LaunchReceiver& message);
  void received(const StopReceiver& message);
  void received(const CleanUpOldBlocks& message);
  void received(const UpdateRateLimit& message);
  void received(const ReceiverRegistered& message);
  void received(const BlockAdded& message);

 private:
  template <class Action>
  void for_each_running(StreamId stream, Action action);

  const Ports& ports_;
  const Pipeline& pipeline_;
  BlockManager& blocks_;
  TrackerClient tracker_;
  std::vector<std::unique_ptr<ReceiverSupervisor>> supervisors_;
};

}  // namespace engine
