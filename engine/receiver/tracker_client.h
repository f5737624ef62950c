// engine/receiver/tracker_client.h
//
// How the receivers of one executor ask the driver's receiver tracker (Spark: the endpoint
// reference that ReceiverSupervisorImpl asks).
//
// Hazard    No answer in time is no answer: the driver may have logged the block all the same.

#pragma once

#include <cstdint>

#include "engine/asks.h"
#include "engine/messages.h"
#include "engine/ports/endpoint.h"
#include "engine/ports/process.h"

namespace engine {

class TrackerClient {
 public:
  // `timeout`: spark.rpc.askTimeout.
  TrackerClient(const Ports& ports, Endpoint<Message>& endpoint, Address driver, Duration timeout)
      : ports_(ports),
        endpoint_(endpoint),
        driver_(driver),
        registrations_(ports.clock, timeout),
        additions_(ports.clock, timeout) {}

  // Whether the driver accepts the receiver; no answer is a refusal.
  Task<bool> register_receiver(StreamId stream);

  // Errors    kRefused: the driver could not log the addition. kTimedOut.
  Task<Result<>> add_block(ReceivedBlockInfo info);

  void deregister_receiver(StreamId stream);
  void receiver_ended(StreamId stream);

  void received(const ReceiverRegistered& answer);
  void received(const BlockAdded& answer);

 private:
  const Ports& ports_;
  Endpoint<Message>& endpoint_;
  Address driver_;
  Asks<StreamId, bool> registrations_;  // the latest of each stream
  Asks<std::int64_t, bool> additions_;  // by request
  std::int64_t next_request_ = 1;
};

}  // namespace engine
