// sim/network.h
//
// Messages between processes. Like TCP between hosts of one data centre, as far as a process can
// tell: in order, usually quick, and broken connections are noticed on the other side; but a cut
// link swallows everything, the notice too, and a link may be told to lose or repeat.
//
// Holds     what is under way, and one mailbox per process, which dies with its life.
// Lifetime  one per world and type of message; the scheduler runs nothing after it is gone, and
//           the attached processes end no life.
//
// Invariants
//   N1  In order.    Messages of one process to another arrive in the order of sending.
//   N2  One life.    A message reaches the life that it is addressed to, or nobody.
//   N3  Notice.      When a life ends, every living life connected to it hears Disconnected, after
//                    everything that was sent to it before; unless their link is cut then or when
//                    the notice arrives, or the end is silent.
//   N4  Refusal.     Whoever sends to a life that has ended already hears Disconnected: nobody
//                    listens at its port any more. Not if the link is cut, nor after a silent end.
//   N5  Intercepted. An interception meets as many messages as it says, of those that it matches
//                    and that no cut swallows, in the order of sending; no other message.
//   N6  Observed.    An observer is told of every message and notice when it is sent, and once what
//                    became of it, unless it is still under way. Nothing else depends on it.
// tests/unit/network_test.cpp checks each of them by name.

#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "engine/ports/clock.h"
#include "engine/ports/endpoint.h"
#include "engine/ports/invariant.h"
#include "engine/ports/vocabulary.h"
#include "sim/digest.h"
#include "sim/process.h"
#include "sim/process_clock.h"
#include "sim/random.h"
#include "sim/scheduler.h"
#include "sim/state_bytes.h"
#include "sim/trace.h"

namespace sim {

struct LinkOptions {
  engine::Duration latency_min = std::chrono::microseconds(500);
  engine::Duration latency_max = std::chrono::microseconds(750);
  double loss = 0;         // probability that a message is lost
  double duplication = 0;  // probability that a message arrives twice
};

// What becomes of the next `times` messages that match. Of several interceptions that match a
// message the oldest meets it.
template <class Message>
struct Interception {
  std::optional<engine::ProcessId> from;  // empty: anybody
  std::optional<engine::ProcessId> to;
  std::function<bool(const Message&)> matches;
  std::int32_t times = 1;
  bool lost = false;
  bool twice = false;
  engine::Duration late{0};   // and what follows on the same link with it (N1)
  std::function<void()> met;  // called for each message that it meets; may be empty
};

// What became of a message.
enum class MessageEnd : std::uint8_t {
  kArrived,
  kLost,    // by the network
  kCut,     // its link was cut when it was sent or when it should have arrived
  kNobody,  // the life that it was for is over
};

template <class Message>
class MessageObserver {
 public:
  struct Sent {
    engine::Address from;
    engine::Address to;
    const Message* message = nullptr;  // null: the notice that the life `from` is over
    bool again = false;                // the second of two copies
  };

  MessageObserver() = default;
  MessageObserver(const MessageObserver&) = delete;
  MessageObserver& operator=(const MessageObserver&) = delete;
  virtual ~MessageObserver() = default;

  // Returns the number by which ended() will name it.
  virtual std::size_t sent(const Sent& what) = 0;
  virtual void ended(std::size_t number, MessageEnd how) = 0;
};

// `std::uint64_t digest(const Message&)` is found by argument-dependent lookup; it says for the
// trace what a message says.
template <class Message>
class Network {
 public:
  // What the messages of a life to a process draw follows from `seed`, that life and that process:
  // from nothing that happened before that life.
  Network(Scheduler& scheduler, std::uint64_t seed, LinkOptions options = {})
      : scheduler_(scheduler), seed_(seed), default_options_(options) {}

  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network() = default;

  // The endpoint of all lives of `process`; lives as long as the network.
  // Requires  `process` is not attached yet.
  engine::Endpoint<Message>& attach(Process& process) {
    INVARIANT(find(process.id()) == nullptr,
              "{} has an endpoint already",
              engine::to_string(process.id()));
    nodes_.push_back(std::make_unique<Node>(*this, process, nodes_.size()));
    Node& node = *nodes_.back();
    for (std::size_t links = 0; links < nodes_.size(); ++links) {
      links_.emplace_back().options = default_options_;
    }
    process.on_end_of_life([this, &node] { life_ended(node); });
    return node;
  }

  // The functions below require that the processes they name are attached.

  void configure(engine::ProcessId left, engine::ProcessId right, LinkOptions options) {
    INVARIANT(options.latency_min <= options.latency_max, "the least latency exceeds the greatest");
    link_between(left, right).options = options;
  }

  // From now on the link loses everything, also what is under way, until it is healed as often as
  // it was cut.
  void partition(engine::ProcessId left, engine::ProcessId right) {
    ++link_between(left, right).cuts;
  }

  void heal(engine::ProcessId left, engine::ProcessId right) {
    Link& link = link_between(left, right);
    INVARIANT(link.cuts > 0, "a link is healed that is not cut");
    --link.cuts;
  }

  [[nodiscard]] bool is_cut(engine::ProcessId left, engine::ProcessId right) {
    return link_between(left, right).is_cut();
  }

  void intercept(Interception<Message> interception) {
    INVARIANT(interception.times > 0, "an interception of {} messages", interception.times);
    interceptions_.push_back(std::move(interception));
  }

  // `observer` is told of everything that is sent from now on, and outlives what is under way.
  void observe(MessageObserver<Message>& observer) { observer_ = &observer; }

  // Nobody is told of the next end of a life of `process`: its machine stops, so no kernel is left
  // to close its sockets.
  void silence_next_end(engine::ProcessId process) { node_of(process).silent_end = true; }

  [[nodiscard]] std::size_t under_way_count() const { return flights_.size() - free_.size(); }

  // What outlives everybody: links that are cut, and which lives vanished without a word.
  // Requires  under_way_count() == 0 and that nobody who is attached is alive.
  void describe(StateBytes& state) const {
    for (const auto& node : nodes_) {
      state.add(node->vanished_life);
    }
    for (const Link& link : links_) {
      state.add(link.cuts);
    }
  }

 private:
  using Envelope = engine::Envelope<Message>;

  struct Node final : engine::Endpoint<Message> {
    Node(Network& its_network, Process& its_process, std::size_t its_index)
        : network(its_network), process(its_process), index(its_index), clock(its_process) {
      mailbox.emplace(clock);
    }

    [[nodiscard]] engine::Address self() const override { return process.address(); }

    void send(engine::Address to, Message message) override {
      network.send(*this, to, std::move(message));
    }

    engine::Task<Envelope> receive() override { return mailbox->pop(); }

    Network& network;
    Process& process;
    std::size_t index;
    ProcessClock clock;
    std::optional<engine::Queue<Envelope>> mailbox;
    bool silent_end = false;
    engine::Incarnation vanished_life = 0;  // the last one that ended in silence
  };

  struct Direction {
    engine::Instant last_arrival;
    RandomStream random{0};
    engine::Incarnation drawn_by = 0;  // the life of the sender that `random` is of
  };

  // Between two processes, or from one to itself.
  struct Link {
    LinkOptions options;
    std::int32_t cuts = 0;   // partitions that last
    bool connected = false;  // the lives of both that are alive
    std::array<Direction, 2> directions{};

    [[nodiscard]] bool is_cut() const { return cuts > 0; }

    // Of what node `from` sends to node `to`.
    [[nodiscard]] Direction& direction(std::size_t from, std::size_t to) {
      return directions[from < to ? 0 : 1];
    }
  };

  // A message or a notice under way.
  struct Flight {
    std::size_t from = 0;  // index of the node
    std::size_t to = 0;
    engine::Address receiver;
    std::uint64_t digest = 0;
    bool refused = false;    // the receiver had ended before this was sent
    bool again = false;      // the second of two copies
    std::size_t number = 0;  // the observer's, if there is one
    Envelope envelope;
  };

  Node* find(engine::ProcessId id) {
    const auto found =
        std::ranges::find_if(nodes_, [id](const auto& node) { return node->process.id() == id; });
    return found == nodes_.end() ? nullptr : found->get();
  }

  Node& node_of(engine::ProcessId id) {
    Node* const node = find(id);
    INVARIANT(node != nullptr, "{} has no endpoint", engine::to_string(id));
    return *node;
  }

  // The links of node n to the nodes 0 to n follow those of node n - 1.
  Link& link_between(std::size_t left, std::size_t right) {
    const auto [low, high] = std::minmax(left, right);
    return links_[high * (high + 1) / 2 + low];
  }

  Link& link_between(engine::ProcessId left, engine::ProcessId right) {
    return link_between(node_of(left).index, node_of(right).index);
  }

  void send(Node& from, engine::Address to, Message message) {
    INVARIANT(from.process.alive(),
              "{} sends while it is not alive",
              engine::to_string(from.process.id()));
    const Node& target = node_of(to.process);
    Link& link = link_between(from.index, target.index);
    const std::uint64_t content =
        from.process.is_traced() ? content_digest(to, digest(message)) : 0;
    from.process.record(Operation::kMessageSent, content);
    if (link.is_cut()) {
      from.process.record(Operation::kMessageLost, content);
      observe_loss(from.self(), to, message, MessageEnd::kCut);
      return;
    }
    link.connected = link.connected || is_living(target, to);
    const Fate fate = intercepted(from.process.id(), to.process, message);
    RandomStream& random = stream_of(from, target, link);
    if (fate.lost || happens(link.options.loss, random)) {
      from.process.record(Operation::kMessageLost, content);
      observe_loss(from.self(), to, message, MessageEnd::kLost);
      return;
    }
    const bool twice = happens(link.options.duplication, random) || fate.twice;
    Flight flight{.from = from.index,
                  .to = target.index,
                  .receiver = to,
                  .digest = content,
                  .refused = !is_living(target, to) && to.incarnation != target.vanished_life,
                  .again = false,
                  .number = 0,
                  .envelope = {.from = from.self(), .content = std::move(message)}};
    if (twice) {
      dispatch(link, Flight(flight), draw_latency(link.options, random) + fate.late);
      flight.again = true;
    }
    dispatch(link, std::move(flight), draw_latency(link.options, random) + fate.late);
  }

  struct Fate {
    bool lost = false;
    bool twice = false;
    engine::Duration late{0};
  };

  // Uses up one time of the interception that meets the message.
  Fate intercepted(engine::ProcessId from, engine::ProcessId to, const Message& message) {
    const auto one = std::ranges::find_if(interceptions_, [&](const auto& candidate) {
      return candidate.from.value_or(from) == from && candidate.to.value_or(to) == to &&
             candidate.matches(message);
    });
    if (one == interceptions_.end()) [[likely]] {
      return {};
    }
    if (one->met) {
      one->met();
    }
    const Fate fate{.lost = one->lost, .twice = one->twice, .late = one->late};
    --one->times;
    if (one->times == 0) {
      interceptions_.erase(one);
    }
    return fate;
  }

  // Of what the current life of `from` sends to `to`.
  RandomStream& stream_of(const Node& from, const Node& to, Link& link) const {
    Direction& direction = link.direction(from.index, to.index);
    const engine::Address sender = from.self();
    if (direction.drawn_by != sender.incarnation) {
      direction.drawn_by = sender.incarnation;
      direction.random.start(seed_for(seed_, content_digest(sender), to.index));
    }
    return direction.random;
  }

  // Arrivals of one direction are at least a microsecond apart: their order holds even where the
  // scheduler shuffles what is ready in one instant.
  void dispatch(Link& link, Flight flight, engine::Duration latency) {
    if (observer_ != nullptr) [[unlikely]] {
      flight.number = observer_->sent({.from = flight.envelope.from,
                                       .to = flight.receiver,
                                       .message = std::get_if<Message>(&flight.envelope.content),
                                       .again = flight.again});
    }
    engine::Instant& last = link.direction(flight.from, flight.to).last_arrival;
    const engine::Instant arrival = scheduler_.now() + latency;
    last = std::max(arrival, last + engine::Duration(1));
    const std::size_t slot = acquire(std::move(flight));
    scheduler_.call_at(last, [this, slot] { arrive(slot); });
  }

  void arrive(std::size_t slot) {
    Flight flight = std::move(flights_[slot]);
    free_.push_back(slot);
    Node& target = *nodes_[flight.to];
    const bool is_cut = link_between(flight.from, flight.to).is_cut();
    if (is_cut || !is_living(target, flight.receiver)) {
      target.process.record(Operation::kMessageLost, flight.digest);
      observe_end(flight, is_cut ? MessageEnd::kCut : MessageEnd::kNobody);
      if (flight.refused) {
        refuse(flight);
      }
      return;
    }
    const bool is_message = std::holds_alternative<Message>(flight.envelope.content);
    target.process.record(is_message ? Operation::kMessageReceived : Operation::kDisconnected,
                          flight.digest);
    observe_end(flight, MessageEnd::kArrived);
    target.mailbox->push(std::move(flight.envelope));
  }

  void life_ended(Node& ended) {
    ended.mailbox.emplace(ended.clock);
    const bool silent = std::exchange(ended.silent_end, false);
    if (silent) {
      ended.vanished_life = ended.self().incarnation;
    }
    for (const auto& peer : nodes_) {
      Link& link = link_between(ended.index, peer->index);
      const bool was_connected = std::exchange(link.connected, false);
      if (was_connected && !link.is_cut() && !silent && peer.get() != &ended) {
        announce_end(ended, *peer, link);
      }
    }
  }

  void announce_end(Node& ended, Node& peer, Link& link) {
    notify(link, ended, ended.self(), peer, peer.self());
  }

  void refuse(const Flight& flight) {
    Link& link = link_between(flight.from, flight.to);
    if (!link.is_cut()) {
      notify(link, *nodes_[flight.to], flight.receiver, *nodes_[flight.from], flight.envelope.from);
    }
  }

  // Tells `receiver`, a life of `target`, that the life `ended` of `source` is over. The kernel
  // tells it, and not the life that `source` may have begun since: it draws from no stream of that.
  void notify(
      Link& link, Node& source, engine::Address ended, Node& target, engine::Address receiver) {
    RandomStream random(seed_for(seed_, content_digest(ended, receiver)));
    dispatch(link,
             Flight{.from = source.index,
                    .to = target.index,
                    .receiver = receiver,
                    .digest = source.process.digest(ended),
                    .refused = false,
                    .again = false,
                    .number = 0,
                    .envelope = {.from = ended, .content = engine::Disconnected{.peer = ended}}},
             draw_latency(link.options, random));
  }

  // It never was under way.
  void observe_loss(engine::Address from,
                    engine::Address to,
                    const Message& message,
                    MessageEnd how) {
    if (observer_ != nullptr) [[unlikely]] {
      const std::size_t number =
          observer_->sent({.from = from, .to = to, .message = &message, .again = false});
      observer_->ended(number, how);
    }
  }

  void observe_end(const Flight& flight, MessageEnd how) {
    if (observer_ != nullptr) [[unlikely]] {
      observer_->ended(flight.number, how);
    }
  }

  static bool is_living(const Node& node, engine::Address life) {
    return node.process.alive() && node.process.address() == life;
  }

  static engine::Duration draw_latency(const LinkOptions& options, RandomStream& random) {
    const auto spread =
        static_cast<std::uint64_t>((options.latency_max - options.latency_min).count());
    const std::uint64_t extra = uniform_below(random, spread + 1);
    return options.latency_min + engine::Duration(static_cast<std::int64_t>(extra));
  }

  // 53 random bits against the probability, in steps that a double represents exactly.
  static bool happens(double probability, RandomStream& random) {
    return probability > 0 && static_cast<double>(random.next() >> 11U) * 0x1p-53 < probability;
  }

  std::size_t acquire(Flight flight) {
    if (free_.empty()) {
      flights_.push_back(std::move(flight));
      return flights_.size() - 1;
    }
    const std::size_t slot = free_.back();
    free_.pop_back();
    flights_[slot] = std::move(flight);
    return slot;
  }

  Scheduler& scheduler_;
  std::uint64_t seed_;
  LinkOptions default_options_;
  MessageObserver<Message>* observer_ = nullptr;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::deque<Link> links_;
  std::vector<Interception<Message>> interceptions_;  // oldest first
  std::vector<Flight> flights_;                       // those whose slot is not free are under way
  std::vector<std::size_t> free_;  // slots of flights_, the last one to be used next
};

}  // namespace sim
