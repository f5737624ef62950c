#include "engine/receiver/tracker_client.h"

#include <utility>

#include "engine/ports/invariant.h"

namespace engine {

Task<bool> TrackerClient::register_receiver(StreamId stream) {
  auto ticket = registrations_.expect(stream, driver_);
  endpoint_.send(driver_, RegisterReceiver{.stream = stream});
  const auto accepted = co_await registrations_.wait_for(std::move(ticket));
  co_return accepted.value_or(false);
}

Task<Result<>> TrackerClient::add_block(ReceivedBlockInfo info) {
  const std::int64_t request = next_request_++;
  auto ticket = additions_.expect(request, driver_);
  endpoint_.send(driver_, AddBlock{.request = request, .info = std::move(info)});
  const PointContext here{};
  co_await ports_.points.reach(Point::kReceiverBlockReported, here);
  const auto added = co_await additions_.wait_for(std::move(ticket));
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

void TrackerClient::received(const ReceiverRegistered& answer) {
  registrations_.answered(answer.stream, answer.accepted);
}

void TrackerClient::received(const BlockAdded& answer) {
  additions_.answered(answer.request, answer.added);
}

}  // namespace engine
