// tests/support/ledger_builder.h
//
// Writes a ledger by hand, a line per thing that happened.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reports/ledger.h"

namespace support {

inline engine::BatchTime batch(std::int64_t number) {
  return {engine::Instant(std::chrono::seconds(number))};
}

inline engine::OffsetRange range(engine::PartitionId partition,
                                 std::int64_t from,
                                 std::int64_t until) {
  return {.partition = partition, .from = {from}, .until = {until}};
}

// What a receiver stored, in the order of its records.
struct Block {
  engine::BlockId id;
  std::vector<engine::OffsetRange> ranges;
};

class LedgerBuilder {
 public:
  LedgerBuilder& input(engine::PartitionId partition,
                       std::int64_t offset,
                       std::int32_t expected = 1) {
    const auto id = static_cast<std::int64_t>(ledger_.inputs.size());
    ledger_.inputs.push_back({.id = {id},
                              .position = {.partition = partition, .offset = {offset}},
                              .key = "k" + std::to_string(id),
                              .value = "v" + std::to_string(id),
                              .produced_at = engine::Instant(std::chrono::milliseconds(id)),
                              .expected = expected});
    return *this;
  }

  // Records 0 .. count-1 of one partition.
  LedgerBuilder& inputs(engine::PartitionId partition, std::int64_t count) {
    for (std::int64_t offset = 0; offset < count; ++offset) {
      input(partition, offset);
    }
    return *this;
  }

  LedgerBuilder& output(engine::PartitionId partition,
                        std::int64_t offset,
                        std::int32_t ordinal = 0) {
    const std::int64_t n = std::ssize(ledger_.outputs);
    ledger_.outputs.push_back(
        {.source = {.partition = partition, .offset = {offset}},
         .ordinal = ordinal,
         .key = "k",
         .value = "v",
         .batch = batch(1),
         .task = partition,
         .attempt = 0,
         .writer = {.process = {.role = engine::Role::kExecutor, .index = 1}, .incarnation = 1},
         .written_at = engine::Instant(std::chrono::milliseconds(n))});
    return *this;
  }

  LedgerBuilder& outputs(engine::PartitionId partition, std::int64_t count) {
    for (std::int64_t offset = 0; offset < count; ++offset) {
      output(partition, offset);
    }
    return *this;
  }

  // Of Kafka: the task of a partition has its number.
  LedgerBuilder& plan(std::int64_t batch_number,
                      engine::Incarnation driver,
                      const std::vector<engine::OffsetRange>& ranges,
                      bool completed) {
    std::vector<engine::PlannedRange> planned;
    for (const engine::OffsetRange& read : ranges) {
      planned.push_back({.range = read, .task = read.partition, .block = std::nullopt});
    }
    return add_plan(batch_number, driver, std::move(planned), completed);
  }

  // Task i reads the i-th of the blocks.
  LedgerBuilder& plan_blocks(std::int64_t batch_number,
                             engine::Incarnation driver,
                             const std::vector<Block>& blocks,
                             bool completed) {
    std::vector<engine::PlannedRange> planned;
    engine::PartitionId task = 0;
    for (const Block& block : blocks) {
      for (const engine::OffsetRange& held : block.ranges) {
        planned.push_back({.range = held, .task = task, .block = block.id});
      }
      ++task;
    }
    return add_plan(batch_number, driver, std::move(planned), completed);
  }

  // These tasks of the last plan brought their output to an end.
  LedgerBuilder& executed(std::vector<engine::PartitionId> tasks) {
    ledger_.plans.back().executed = std::move(tasks);
    return *this;
  }

  LedgerBuilder& aggregate(reports::AggregateKind kind,
                           std::vector<reports::ExpectedAggregate> expected) {
    ledger_.aggregate = kind;
    ledger_.expected_aggregate = std::move(expected);
    return *this;
  }

  LedgerBuilder& aggregate_row(std::string key, std::string value) {
    output(-1, 0);
    ledger_.outputs.back().key = std::move(key);
    ledger_.outputs.back().value = std::move(value);
    return *this;
  }

  reports::Ledger& ledger() { return ledger_; }

 private:
  LedgerBuilder& add_plan(std::int64_t batch_number,
                          engine::Incarnation driver,
                          std::vector<engine::PlannedRange> ranges,
                          bool completed) {
    ledger_.plans.push_back({.batch = batch(batch_number),
                             .driver = driver,
                             .ranges = std::move(ranges),
                             .executed = {},
                             .completed = completed});
    return *this;
  }

  reports::Ledger ledger_;
};

}  // namespace support
