#include "engine/driver/streaming_driver.h"

#include <utility>

#include "engine/driver/checkpoint_reader.h"
#include "engine/ports/invariant.h"

namespace engine {

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
      stream_(ports_, pipeline_, keeper_),
      tasks_(ports_, cluster_, endpoint_),
      jobs_(ports_,
            pipeline_,
            tasks_,
            keeper_,
            [this](const JobScheduler::Completion& completion) {
              generator_.batch_completed(completion);
            }),
      writer_(
          ports_, pipeline_, [this](BatchTime batch) { generator_.completion_recorded(batch); }),
      generator_(ports_, pipeline_, stream_, jobs_, writer_) {}

void StreamingDriver::start() {
  spawn(ports_.executor, dispatch());
  spawn(ports_.executor, tasks_.watch_heartbeats());
  spawn(ports_.executor, writer_.run());
  spawn(ports_.executor, begin());
}

Task<> StreamingDriver::begin() {
  std::optional<Checkpoint> checkpoint;
  if (pipeline_.checkpoint_enabled) {
    auto found = co_await read_latest_checkpoint(&ports_.storage, pipeline_.application_version);
    if (!found) {
      ports_.listener.driver_failed(found.error());
      exit_();
      co_return;
    }
    checkpoint = std::move(found.value());
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
  const auto restored = co_await stream_.restore(checkpoint.stream);
  if (!restored) {
    co_return restored.error();
  }
  co_return co_await generator_.restart(std::move(checkpoint));
}

Task<Result<>> StreamingDriver::start_first_time() {
  const auto started = co_await stream_.start();
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
    return;
  }
  const auto& message = std::get<Message>(envelope.content);
  if (const auto* const registration = std::get_if<RegisterExecutor>(&message)) {
    tasks_.executor_registered(envelope.from, registration->cores);
  } else if (const auto* const report = std::get_if<TaskFinished>(&message)) {
    tasks_.heartbeat(envelope.from);
    tasks_.task_finished(envelope.from, *report);
  } else if (std::holds_alternative<Heartbeat>(message)) {
    tasks_.heartbeat(envelope.from);
  } else {
    INVARIANT(false, "the driver was sent message {}", message.index());
  }
}

}  // namespace engine
