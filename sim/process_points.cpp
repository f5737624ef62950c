#include "sim/process_points.h"

#include <array>
#include <cstdint>
#include <utility>

namespace sim {
namespace {

std::uint64_t digest_of_point(engine::Point point, const engine::PointContext& context) {
  const std::int64_t batch = context.batch ? context.batch->at.time_since_epoch().count() : -1;
  return digest_of(std::array{static_cast<std::uint64_t>(point),
                              static_cast<std::uint64_t>(batch),
                              static_cast<std::uint64_t>(context.partition),
                              static_cast<std::uint64_t>(context.attempt)});
}

}  // namespace

ProcessPoints::ProcessPoints(Process& process, PointObserver observer)
    : process_(process), observer_(std::move(observer)) {}

engine::Task<> ProcessPoints::reach(engine::Point point, engine::PointContext context) {
  process_.record(Operation::kPoint, process_.is_traced() ? digest_of_point(point, context) : 0);
  if (observer_) {
    observer_(process_, point, context);
  }
  if (process_.hook() != nullptr) {
    process_.hook()->on_point(process_, point, context);
  }
  const bool delayed = point == delay_.point && process_.now() < delay_.until;
  if (delayed && !process_.condemned()) {
    return process_.sleep_until(process_.now() + delay_.by);
  }
  return process_.pass();
}

}  // namespace sim
