#include "sim/process_offset_store.h"

#include <utility>

#include "sim/digest.h"

namespace sim {

using engine::PartitionOffset;
using engine::Result;
using engine::Task;

std::vector<PartitionOffset> OffsetTable::load() const {
  std::vector<PartitionOffset> saved;
  saved.reserve(offsets_.size());
  for (const auto& [partition, offset] : offsets_) {
    saved.push_back({.partition = partition, .offset = offset});
  }
  return saved;
}

ProcessOffsetStore::ProcessOffsetStore(Process& process,
                                       OffsetTable& table,
                                       RoundTrip latency,
                                       engine::Random& random)
    : process_(process), table_(table), latency_(latency), random_(random) {}

Task<Result<>> ProcessOffsetStore::save(std::vector<PartitionOffset> offsets) {
  if (table_.kind() == engine::OffsetStoreKind::kZookeeper) {
    co_await save_one_by_one(std::move(offsets));
  } else {
    co_await save_at_once(std::move(offsets));
  }
  const engine::Duration answer = draw_latency(latency_.answer, random_);
  co_await process_.step(Operation::kOffsetsSaveApplied, 0, answer);
  co_return Result<>();
}

// Each node is a request of its own, sent when the one before it is answered.
Task<> ProcessOffsetStore::save_one_by_one(std::vector<PartitionOffset> offsets) {
  engine::Duration answer{0};
  for (const PartitionOffset& saved : offsets) {
    const engine::Duration request = answer + draw_latency(latency_.request, random_);
    co_await process_.step(Operation::kOffsetsSave, content_digest(saved), request);
    table_.save(saved);
    answer = draw_latency(latency_.answer, random_);
  }
}

Task<> ProcessOffsetStore::save_at_once(std::vector<PartitionOffset> offsets) {
  const engine::Duration request = draw_latency(latency_.request, random_);
  co_await process_.step(Operation::kOffsetsSave, content_digest(offsets), request);
  for (const PartitionOffset& saved : offsets) {
    table_.save(saved);
  }
}

Task<Result<std::vector<PartitionOffset>>> ProcessOffsetStore::load() {
  const RoundTrip trip = draw_latency(latency_, random_);
  co_await process_.step(Operation::kOffsetsLoad, 0, trip.request);
  auto saved = table_.load();
  process_.record(Operation::kOffsetsLoad, content_digest(saved));
  co_await process_.sleep_until(process_.now() + trip.answer);
  co_return Result<std::vector<PartitionOffset>>(std::move(saved));
}

}  // namespace sim
