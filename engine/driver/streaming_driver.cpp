#include "engine/driver/streaming_driver.h"

#include <type_traits>
#include <utility>
#include <variant>

#include "engine/driver/checkpoint_reader.h"
#include "engine/driver/direct_kafka_stream.h"
#include "engine/driver/receiver_input_stream.h"
#include "engine/ports/invariant.h"

namespace engine {
namespace {

std::unique_ptr<ReceiverTracker> make_tracker(const Ports& ports,
                                              const Pipeline& pipeline,
                                              const Cluster& cluster,
                                              Endpoint<Message>& endpoint,
                                              TaskScheduler& tasks) {
  if (!pipeline.source.receiver) {
    return nullptr;
  }
  return std::make_unique<ReceiverTracker>(ports, pipeline, cluster, endpoint, tasks);
}

}  // namespace

StreamingDriver::StreamingDriver(Ports ports,
                                 Pipeline pipeline,
                                 Cluster cluster,
                                 Endpoint<Message>& endpoint,
                                 std::function<void()> exit)
    : ports_(std::move(ports)),
      pipeline_(std::move(pipeline)),
      cluster_(cluster),
      endpoint_(endpoint),
      exit_(std::move(exit)),
      keeper_(ports_, pipeline_),
      tasks_(ports_, pipeline_.protocol, cluster_, endpoint_),
      tracker_(make_tracker(ports_, pipeline_, cluster_, endpoint_, tasks_)),
      stream_(make_stream()),
      jobs_(
          ports_,
          pipeline_,
          tasks_,
          keeper_,
          [this](const JobScheduler::Completion& completion) {
            generator_.batch_completed(completion);
          },
          exit_),
      writer_(
          ports_, pipeline_, [this](BatchTime batch) { generator_.completion_recorded(batch); }),
      generator_(ports_, pipeline_, *stream_, jobs_, writer_) {}

std::unique_ptr<InputStream> StreamingDriver::make_stream() {
  if (tracker_) {
    return std::make_unique<ReceiverInputStream>(pipeline_, *tracker_, master_, endpoint_);
  }
  return std::make_unique<DirectKafkaStream>(ports_, pipeline_, keeper_);
}

void StreamingDriver::start() {
  tasks_.on_executor_lost = [this](Address executor) { executor_lost(executor); };
  spawn(ports_.executor, dispatch());
  spawn(ports_.executor, tasks_.watch_heartbeats());
  if (cluster_.speculation) {
    spawn(ports_.executor, tasks_.watch_speculation());
  }
  spawn(ports_.executor, writer_.run());
  spawn(ports_.executor, begin());
}

Task<> StreamingDriver::begin() {
  std::optional<Checkpoint> checkpoint;
  if (pipeline_.checkpoint_enabled) {
    auto found = co_await read_latest_checkpoint(&ports_.storage, pipeline_.application_version);
    const bool refuses = pipeline_.protocol.unreadable_checkpoint == UnreadableCheckpoint::kRefuse;
    if (!found && refuses) {
      ports_.listener.driver_failed(found.error());
      exit_();
      co_return;
    }
    if (found) {
      checkpoint = std::move(found.value());
    }
  }
  ports_.listener.driver_started(checkpoint.has_value());
  Result<> started;
  if (checkpoint) {
    started = co_await recover(std::move(*checkpoint));
  } else {
    started = co_await start_first_time();
  }
  if (!started) {
    ports_.listener.driver_failed(started.error());
    exit_();
    co_return;
  }
  co_await generator_.run();
}

Task<Result<>> StreamingDriver::recover(Checkpoint checkpoint) {
  const PointContext here{.batch = checkpoint.time};
  co_await ports_.points.reach(Point::kRecoveryCheckpointRead, here);
  const auto restored = co_await stream_->restore(&checkpoint);
  if (!restored) {
    co_return restored.error();
  }
  co_return co_await generator_.restart(std::move(checkpoint));
}

Task<Result<>> StreamingDriver::start_first_time() {
  const auto started = co_await stream_->start();
  if (!started) {
    co_return started.error();
  }
  generator_.start_first_time();
  co_return Result<>{};
}

Task<> StreamingDriver::dispatch() {
  for (;;) {
    const Envelope<Message> envelope = co_await endpoint_.receive();
    received(envelope);
  }
}

void StreamingDriver::received(const Envelope<Message>& envelope) {
  if (std::holds_alternative<Disconnected>(envelope.content)) {
    tasks_.executor_lost(envelope.from);
  } else {
    std::visit([this, &envelope](const auto& content) { deliver(envelope.from, content); },
               std::get<Message>(envelope.content));
  }
}

// The parts that keep something of an executor forget it at once, whoever noticed its loss.
void StreamingDriver::executor_lost(Address executor) {
  master_.executor_lost(executor);
  if (tracker_) {
    tracker_->executor_lost(executor);
  }
}

// Each part takes the messages that it has a function for.
template <class Content>
void StreamingDriver::deliver(Address from, const Content& content) {
  if constexpr (std::is_same_v<Content, RegisterExecutor>) {
    tasks_.executor_registered(from, content.cores);
    if (tracker_) {
      tracker_->executor_registered(from);
    }
  } else if constexpr (std::is_same_v<Content, TaskFinished>) {
    tasks_.heartbeat(from);
    tasks_.task_finished(from, content);
  } else if constexpr (std::is_same_v<Content, Heartbeat>) {
    tasks_.heartbeat(from);
  } else if constexpr (std::is_same_v<Content, BlockStored>) {
    if (tasks_.is_alive(from)) {
      master_.block_stored(content.block, from);
    }
  } else if constexpr (requires { tracker_->received(from, content); }) {
    INVARIANT(tracker_ != nullptr, "a Direct driver was sent what is for a tracker");
    tracker_->received(from, content);
  } else {
    INVARIANT(false, "the driver was sent what is for an executor");
  }
}

void StreamingDriver::stop_gracefully() {
  spawn(ports_.executor, stop());
}

// The order of JobScheduler.stop: nothing new comes in, what came in is worked off, then the rest.
// Closing the log in between is Spark's, and leaves what is not allocated yet to the next life.
Task<> StreamingDriver::stop() {
  const bool log_first = pipeline_.protocol.tracker_stop == TrackerStop::kBeforeGenerator;
  if (tracker_) {
    co_await tracker_->stop_receivers(true);
  }
  if (tracker_ && log_first) {
    co_await tracker_->close_log();
  }
  co_await generator_.stop();
  if (tracker_ && !log_first) {
    co_await tracker_->close_log();
  }
  exit_();
}

}  // namespace engine
