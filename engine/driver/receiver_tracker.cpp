#include "engine/driver/receiver_tracker.h"

#include <algorithm>
#include <utility>

#include "engine/ports/invariant.h"
#include "engine/wal/file_based_write_ahead_log.h"

namespace engine {
namespace {

// How long the first placement waits for executors, so that receivers are spread over all of them
// (ReceiverTracker.runDummySparkJob).
constexpr Duration kExecutorWait = std::chrono::seconds(1);

constexpr Duration kStopWait = std::chrono::seconds(10);

std::unique_ptr<BatchedWriteAheadLog> make_log(const Ports& ports, const Pipeline& pipeline) {
  if (!pipeline.checkpoint_enabled) {
    return nullptr;
  }
  return std::make_unique<BatchedWriteAheadLog>(
      ports,
      std::make_unique<FileBasedWriteAheadLog>(
          ports, wal_options(pipeline, std::string(kDriverLogDirectory))));
}

}  // namespace

ReceiverTracker::ReceiverTracker(const Ports& ports,
                                 const Pipeline& pipeline,
                                 const Cluster& cluster,
                                 Endpoint<Message>& endpoint,
                                 TaskScheduler& tasks)
    : ports_(ports),
      pipeline_(pipeline),
      cluster_(cluster),
      endpoint_(endpoint),
      tasks_(tasks),
      log_(make_log(ports, pipeline)),
      blocks_(ports, log_.get(), pipeline.protocol),
      receivers_(static_cast<std::size_t>(pipeline.source.receiver->receivers)),
      all_ended_(ports.clock.make_signal()) {}

// The log is replayed before any receiver can add to it: the batches that are rescheduled next find
// their own blocks, and what was never allocated.
Task<Result<>> ReceiverTracker::start(bool recovered) {
  if (log_) {
    spawn(ports_.executor, log_->run());
  }
  const auto replayed = co_await replay_log(recovered);
  if (!replayed) {
    co_return replayed.error();
  }
  started_ = true;
  spawn(ports_.executor, stop_waiting_for_executors());
  place_all();
  co_return Result<>{};
}

Task<Result<>> ReceiverTracker::replay_log(bool recovered) {
  const LogReplay rule = pipeline_.protocol.log_replay;
  const bool wanted = rule == LogReplay::kAlways || (recovered && rule != LogReplay::kNever);
  if (!log_ || !wanted) {
    co_return Result<>{};
  }
  const auto replayed = co_await blocks_.recover();
  if (!replayed) {
    co_return replayed.error();
  }
  if (!recovered) {
    blocks_.return_allocated();
  }
  const PointContext here{};
  co_await ports_.points.reach(Point::kRecoveryLogReplayed, here);
  co_return Result<>{};
}

Task<> ReceiverTracker::stop_waiting_for_executors() {
  co_await ports_.clock.sleep_for(kExecutorWait);
  waited_ = true;
  place_all();
}

void ReceiverTracker::place_all() {
  for (StreamId stream = 0; stream < std::ssize(receivers_); ++stream) {
    place(stream);
  }
}

bool ReceiverTracker::may_place() const {
  return started_ && !stopping_ && (waited_ || std::ssize(executors_) >= cluster_.executors);
}

// Without an executor the receiver waits for the next one that registers.
void ReceiverTracker::place(StreamId stream) {
  Receiver& placed = receiver(stream);
  if (!may_place() || placed.placed_on || placed.given_up) {
    return;
  }
  placed.placed_on = least_loaded_executor();
  if (placed.placed_on) {
    tasks_.receiver_placed(*placed.placed_on);
    endpoint_.send(*placed.placed_on, LaunchReceiver{.stream = stream});
  }
}

std::optional<Address> ReceiverTracker::least_loaded_executor() const {
  const auto load = [this](const Address& executor) {
    return std::ranges::count(receivers_, executor, &Receiver::placed_on);
  };
  const auto least = std::ranges::min_element(executors_, {}, load);
  return least == executors_.end() ? std::nullopt : std::optional(*least);
}

ReceiverTracker::Receiver& ReceiverTracker::receiver(StreamId stream) {
  INVARIANT(stream >= 0 && stream < std::ssize(receivers_), "there is no stream {}", stream);
  return receivers_[static_cast<std::size_t>(stream)];
}

void ReceiverTracker::executor_registered(Address executor) {
  executors_.insert(executor);
  tell_peers();
  place_all();
}

void ReceiverTracker::executor_lost(Address executor) {
  if (executors_.erase(executor) == 0) {
    return;
  }
  tell_peers();
  for (StreamId stream = 0; stream < std::ssize(receivers_); ++stream) {
    if (receiver(stream).placed_on == executor) {
      lose(stream);
    }
  }
  all_ended_->notify();
}

// The receiver's job ended: it is placed again, for ever (RestartReceiver).
void ReceiverTracker::lose(StreamId stream) {
  receiver(stream) = Receiver{};
  receiver(stream).given_up = pipeline_.protocol.lost_receiver == LostReceiver::kGivenUp;
  place(stream);
}

void ReceiverTracker::tell_peers() {
  for (const Address& executor : executors_) {
    ExecutorPeers message;
    std::ranges::copy_if(executors_, std::back_inserter(message.peers), [&](const Address& other) {
      return other != executor;
    });
    endpoint_.send(executor, std::move(message));
  }
}

// A receiver that landed where it was not meant to be, or too late, is sent away.
void ReceiverTracker::received(Address from, const RegisterReceiver& message) {
  Receiver& registering = receiver(message.stream);
  registering.active = !stopping_ && registering.placed_on == from;
  const bool accepted = registering.active;
  endpoint_.send(from, ReceiverRegistered{.stream = message.stream, .accepted = accepted});
}

void ReceiverTracker::received(Address from, const DeregisterReceiver& message) {
  Receiver& stopped = receiver(message.stream);
  if (stopped.placed_on == from) {
    stopped.active = false;
    if (pipeline_.protocol.deregistration == Deregistration::kForgotten) {
      stopped.placed_on.reset();
    }
  }
}

void ReceiverTracker::received(Address from, const ReceiverEnded& message) {
  if (receiver(message.stream).placed_on != from) {
    return;
  }
  tasks_.receiver_ended(from);
  lose(message.stream);
  all_ended_->notify();
}

void ReceiverTracker::received(Address from, const AddBlock& message) {
  spawn(ports_.executor, add_block(from, message));
}

// Each report is handled by itself, so that several share one write of the log.
Task<> ReceiverTracker::add_block(Address from, AddBlock message) {
  bool added = takes_block(from, message.info.block.stream);
  if (added) {
    added = co_await blocks_.add_block(std::move(message.info));
  }
  endpoint_.send(from, BlockAdded{.request = message.request, .added = added});
}

// An address is one life of an executor, and a supervisor ends before its successor is launched in
// the same life: so the address that the receiver was placed on is its epoch.
bool ReceiverTracker::takes_block(Address from, StreamId stream) {
  return pipeline_.protocol.receiver_fencing == ReceiverFencing::kNone ||
         receiver(stream).placed_on == from;
}

Task<> ReceiverTracker::allocate_blocks_to_batch(BatchTime batch) {
  return blocks_.allocate_blocks_to_batch(batch);
}

// First that the batches need nothing any more, then the data itself: in the other order a crash in
// between would leave allocations whose blocks are gone.
Task<> ReceiverTracker::clean_up_old_blocks_and_batches(BatchTime threshold) {
  co_await blocks_.clean_up_old_batches(threshold);
  if (!pipeline_.source.receiver->write_ahead_log) {
    co_return;
  }
  for (StreamId stream = 0; stream < std::ssize(receivers_); ++stream) {
    const Receiver& keeper = receiver(stream);
    if (keeper.active) {
      endpoint_.send(*keeper.placed_on,
                     CleanUpOldBlocks{.stream = stream, .threshold = threshold.at});
    }
  }
}

void ReceiverTracker::set_rate(double records_per_second) {
  const double share = records_per_second / static_cast<double>(receivers_.size());
  for (StreamId stream = 0; stream < std::ssize(receivers_); ++stream) {
    const Receiver& limited = receiver(stream);
    if (limited.active) {
      endpoint_.send(*limited.placed_on,
                     UpdateRateLimit{.stream = stream, .records_per_second = share});
    }
  }
}

Task<> ReceiverTracker::stop_receivers(bool graceful) {
  stopping_ = true;
  for (StreamId stream = 0; stream < std::ssize(receivers_); ++stream) {
    if (receiver(stream).placed_on) {
      endpoint_.send(*receiver(stream).placed_on, StopReceiver{.stream = stream});
    }
  }
  const Instant deadline = ports_.clock.now() + kStopWait;
  const auto none_is_left = [this] {
    return std::ranges::none_of(receivers_,
                                [](const Receiver& one) { return one.placed_on.has_value(); });
  };
  while (!none_is_left()) {
    const bool notified = co_await all_ended_->wait_until(deadline);
    if (!notified && !graceful) {
      co_return;
    }
    if (!notified) {
      co_await all_ended_->wait();
    }
  }
}

Task<> ReceiverTracker::close_log() {
  if (log_) {
    const auto closed = co_await log_->close();
    static_cast<void>(closed);  // Whatever was acknowledged is durable already.
  }
}

}  // namespace engine
