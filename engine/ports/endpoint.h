// engine/ports/endpoint.h
//
// Messages between processes. A message may be lost, delayed or repeated; two that the same sender
// sends to the same receiver arrive in order unless a fault says otherwise. A message goes to one
// life of a process and is lost when that life has ended.

#pragma once

#include <optional>
#include <variant>

#include "engine/ports/task.h"
#include "engine/ports/vocabulary.h"

namespace engine {

// The connection to `peer` broke because its process ended (the kernel closes its sockets). A peer
// that is cut off, or whose machine died, sends nothing: only heartbeats tell.
struct Disconnected {
  Address peer;
};

template <class Message>
struct Envelope {
  Address from;
  std::variant<Message, Disconnected> content;
};

template <class Message>
class Endpoint {
 public:
  Endpoint() = default;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  virtual ~Endpoint() = default;

  [[nodiscard]] virtual Address self() const = 0;

  // Never waits. The first message between two lives also connects them: from then on each hears
  // Disconnected when the other's process ends.
  virtual void send(Address to, Message message) = 0;

  // Requires  no other receive in flight.
  virtual Task<Envelope<Message>> receive() = 0;
};

}  // namespace engine
