#include "engine/receiver/receiver_runner.h"

#include <algorithm>

namespace engine {

template <class Action>
void ReceiverRunner::for_each_running(StreamId stream, Action action) {
  for (const auto& supervisor : supervisors_) {
    if (supervisor->stream() == stream && supervisor->running()) {
      action(*supervisor);
    }
  }
}

bool ReceiverRunner::runs(StreamId stream) const {
  return std::ranges::any_of(supervisors_, [stream](const auto& supervisor) {
    return supervisor->stream() == stream && supervisor->running();
  });
}

void ReceiverRunner::fail(StreamId stream) {
  for_each_running(stream, [this](ReceiverSupervisor& supervisor) {
    spawn(ports_.executor, supervisor.restart());
  });
}

// A second launch makes a second receiver: nothing fences the first one off.
void ReceiverRunner::received(const LaunchReceiver& message) {
  supervisors_.push_back(
      std::make_unique<ReceiverSupervisor>(ports_, pipeline_, blocks_, tracker_, message.stream));
  spawn(ports_.executor, supervisors_.back()->run());
}

void ReceiverRunner::received(const StopReceiver& message) {
  for_each_running(message.stream, [this](ReceiverSupervisor& supervisor) {
    spawn(ports_.executor, supervisor.stop());
  });
}

void ReceiverRunner::received(const CleanUpOldBlocks& message) {
  for_each_running(message.stream, [this, &message](ReceiverSupervisor& supervisor) {
    spawn(ports_.executor, supervisor.clean_up_old_blocks(message.threshold));
  });
}

void ReceiverRunner::received(const UpdateRateLimit& message) {
  for_each_running(message.stream, [&message](ReceiverSupervisor& supervisor) {
    supervisor.update_rate_limit(message.records_per_second);
  });
}

void ReceiverRunner::received(const ReceiverRegistered& message) {
  tracker_.received(message);
}

void ReceiverRunner::received(const BlockAdded& message) {
  tracker_.received(message);
}

}  // namespace engine
