#include "sim/process_offset_store.h"

#include <utility>

namespace sim {

using engine::PartitionOffset;
using engine::Result;
using engine::Task;
using Loaded = Result<std::vector<PartitionOffset>>;

std::vector<PartitionOffset> OffsetTable::load() const {
  std::vector<PartitionOffset> saved;
  saved.reserve(offsets_.size());
  for (const auto& [partition, offset] : offsets_) {
    saved.push_back({.partition = partition, .offset = offset});
  }
  return saved;
}

void OffsetTable::describe(StateBytes& state) const {
  state.add(std::uint64_t{offsets_.size()});
  for (const auto& [partition, offset] : offsets_) {
    state.add(partition);
    state.add(offset);
  }
}

ProcessOffsetStore::ProcessOffsetStore(Process& process,
                                       OffsetTable& table,
                                       RoundTrip latency,
                                       engine::Random& random)
    : process_(process), table_(table), latency_(latency), random_(random) {}

Task<Result<>> ProcessOffsetStore::save(std::vector<PartitionOffset> offsets) {
  const bool one_by_one = table_.kind() == engine::OffsetStoreKind::kZookeeper;
  auto saving = one_by_one ? save_one_by_one(std::move(offsets)) : save_at_once(std::move(offsets));
  const Result<> saved = co_await std::move(saving);
  const engine::Duration answer = draw(latency_.answer);
  const std::uint64_t digest = saved ? 0 : process_.digest(saved.error());
  co_await process_.step(Operation::kOffsetsSaveApplied, digest, answer);
  co_return saved;
}

// Each node is a request of its own, sent when the one before it is answered.
Task<Result<>> ProcessOffsetStore::save_one_by_one(std::vector<PartitionOffset> offsets) {
  engine::Duration answer{0};
  for (const PartitionOffset& saved : offsets) {
    const engine::Duration request = answer + draw(latency_.request);
    co_await process_.step(Operation::kOffsetsSave, process_.digest(saved), request);
    const std::vector<PartitionOffset> node{saved};
    const Result<> written = apply(node);
    if (!written) {
      co_return written;
    }
    answer = draw(latency_.answer);
  }
  co_return Result<>();
}

Task<Result<>> ProcessOffsetStore::save_at_once(std::vector<PartitionOffset> offsets) {
  const engine::Duration request = draw(latency_.request);
  co_await process_.step(Operation::kOffsetsSave, process_.digest(offsets), request);
  co_return apply(offsets);
}

Result<> ProcessOffsetStore::apply(const std::vector<PartitionOffset>& offsets) {
  return disturbance_.attempt(OffsetStoreOperation::kSave, process_.now(), [&]() -> Result<> {
    for (const PartitionOffset& saved : offsets) {
      table_.save(saved);
    }
    return {};
  });
}

Task<Result<std::vector<PartitionOffset>>> ProcessOffsetStore::load() {
  const engine::Duration request = draw(latency_.request);
  const engine::Duration answer = draw(latency_.answer);
  co_await process_.step(Operation::kOffsetsLoad, 0, request);
  auto saved = disturbance_.attempt(
      OffsetStoreOperation::kLoad, process_.now(), [this] { return Loaded(table_.load()); });
  const std::uint64_t digest = saved ? process_.digest(*saved) : process_.digest(saved.error());
  process_.record(Operation::kOffsetsLoad, digest);
  co_await process_.sleep_until(process_.now() + answer);
  co_return saved;
}

engine::Duration ProcessOffsetStore::draw(engine::Duration base) {
  return disturbance_.stretched(draw_latency(base, random_), process_.now());
}

}  // namespace sim
