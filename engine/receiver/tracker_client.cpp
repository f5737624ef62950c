#include "engine/receiver/tracker_client.h"

#include <utility>

#include "engine/ports/invariant.h"

namespace engine {

TrackerClient::SharedAnswer TrackerClient::expect() const {
  auto answer = std::make_shared<Answer>();
  answer->given = ports_.clock.make_signal();
  return answer;
}

Task<std::optional<bool>> TrackerClient::wait_for(SharedAnswer answer) {
  const Instant deadline = ports_.clock.now() + timeout_;
  while (!answer->yes) {
    const bool notified = co_await answer->given->wait_until(deadline);
    if (!notified) {
      break;
    }
  }
  co_return answer->yes;
}

void TrackerClient::give(Answer& answer, bool yes) {
  answer.yes = yes;
  answer.given->notify();
}

Task<bool> TrackerClient::register_receiver(StreamId stream) {
  SharedAnswer answer = expect();
  registrations_[stream] = answer;
  endpoint_.send(driver_, RegisterReceiver{.stream = stream});
  const auto accepted = co_await wait_for(std::move(answer));
  co_return accepted.value_or(false);
}

Task<Result<>> TrackerClient::add_block(ReceivedBlockInfo info) {
  const std::int64_t request = next_request_++;
  SharedAnswer answer = expect();
  additions_[request] = answer;
  endpoint_.send(driver_, AddBlock{.request = request, .info = std::move(info)});
  const PointContext here{};
  co_await ports_.points.reach(Point::kReceiverBlockReported, here);
  const auto added = co_await wait_for(std::move(answer));
  additions_.erase(request);
  if (!added) {
    co_return Errc::kTimedOut;
  }
  if (!*added) {
    co_return Errc::kRefused;
  }
  co_await ports_.points.reach(Point::kReceiverBlockAcknowledged, here);
  co_return Result<>{};
}

void TrackerClient::deregister_receiver(StreamId stream) {
  endpoint_.send(driver_, DeregisterReceiver{.stream = stream});
}

void TrackerClient::receiver_ended(StreamId stream) {
  endpoint_.send(driver_, ReceiverEnded{.stream = stream});
}

// An answer that nobody waits for any more comes too late, or twice.
void TrackerClient::received(const ReceiverRegistered& answer) {
  const auto waiting = registrations_.find(answer.stream);
  if (waiting != registrations_.end()) {
    const SharedAnswer registration = waiting->second;
    registrations_.erase(waiting);
    give(*registration, answer.accepted);
  }
}

void TrackerClient::received(const BlockAdded& answer) {
  const auto waiting = additions_.find(answer.request);
  if (waiting != additions_.end()) {
    give(*waiting->second, answer.added);
  }
}

}  // namespace engine
