// engine/receiver/receiver.h
//
// What a receiver is to its supervisor, and the supervisor to it (Spark: Receiver).

#pragma once

#include "engine/messages.h"
#include "engine/ports/result.h"
#include "engine/ports/task.h"

namespace engine {

// One run of a receiver, from its start to its stop; a restart makes another.
class Receiver {
 public:
  Receiver() = default;
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  virtual ~Receiver() = default;

  // Begins to receive (onStart).
  virtual void start() = 0;

  // Ends it in order (onStop). What is under way ends at its next step, so the receiver must
  // outlive this.
  virtual Task<> stop() = 0;
};

// What a receiver asks of its supervisor.
class ReceiverContext {
 public:
  ReceiverContext() = default;
  ReceiverContext(const ReceiverContext&) = delete;
  ReceiverContext& operator=(const ReceiverContext&) = delete;
  virtual ~ReceiverContext() = default;

  // Stores the records as a block with an id of its own. On success they are stored and the driver
  // knows of them (Receiver.store of several records).
  virtual Task<Result<>> store(SharedRecords records) = 0;

  // Ends receiver and supervisor (Receiver.stop).
  virtual Task<> stop() = 0;

  // Stops the receiver and starts it again after a while; returns at once (Receiver.restart).
  virtual void restart_later() = 0;
};

}  // namespace engine
