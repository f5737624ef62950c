#include "scenarios/producer.h"

#include <utility>
#include <vector>

namespace scenarios {

engine::Task<> Producer::run() {
  const auto& records = workload_.records;
  if (records.empty()) {
    done_ = true;
    co_return;
  }
  const engine::Instant start{records.front().since_start};
  std::size_t sent = 0;
  while (sent < records.size()) {
    // The end of the interval that the next record comes up in.
    const auto whole = (engine::Instant{records[sent].since_start} - start) / interval_;
    const engine::Instant due = start + (whole + 1) * interval_;
    co_await ports_.clock.sleep_until(due);
    std::size_t last = sent;
    while (last < records.size() && engine::Instant{records[last].since_start} < due) {
      ++last;
    }
    co_await send(sent, last);
    sent = last;
  }
  done_ = true;
}

std::vector<engine::ProducerRecord> Producer::request(std::size_t first, std::size_t last) const {
  std::vector<engine::ProducerRecord> records;
  records.reserve(last - first);
  for (std::size_t i = first; i < last; ++i) {
    const ProducedRecord& record = workload_.records[i];
    records.push_back({.partition = record.partition,
                       .timestamp = engine::Instant{record.since_start},
                       .key = record.key,
                       .value = record.value});
  }
  return records;
}

// A request that the cluster refuses is sent again until it is acknowledged: only acknowledged
// records are inputs, and each is one input.
engine::Task<> Producer::send(std::size_t first, std::size_t last) {
  auto offsets = co_await ports_.kafka.produce(topic_, request(first, last));
  while (!offsets) {
    co_await ports_.clock.sleep_for(interval_);
    offsets = co_await ports_.kafka.produce(topic_, request(first, last));
  }
  for (std::size_t i = first; i < last; ++i) {
    const ProducedRecord& record = workload_.records[i];
    reports::InputRecord input{
        .id = record.id,
        .position = {.partition = record.partition, .offset = offsets.value()[i - first]},
        .key = record.key,
        .value = record.value,
        .produced_at = engine::Instant{record.since_start},
        .expected = record.expected};
    recorder_.produced(std::move(input));
  }
}

}  // namespace scenarios
