// tests/property/received_block_tracker_property_test.cpp
//
// Any history of additions, allocations, clean-ups and deaths against a model of the tracker: a
// recovered tracker knows what the last one knew, and each block is in at most one batch.

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/driver/received_block_tracker.h"
#include "engine/wal/batched_write_ahead_log.h"
#include "engine/wal/file_based_write_ahead_log.h"
#include "tests/support/log_world.h"

namespace {

using engine::BatchedWriteAheadLog;
using engine::BatchTime;
using engine::BlockId;
using engine::FileBasedWriteAheadLog;
using engine::ReceivedBlockInfo;
using engine::ReceivedBlockTracker;
using engine::Task;
using tests::batch_at_ms;
using tests::Death;
using tests::LoneProcess;

using Blocks = std::vector<BlockId>;

Blocks ids_of(const std::vector<ReceivedBlockInfo>& infos) {
  Blocks blocks;
  for (const ReceivedBlockInfo& info : infos) {
    blocks.push_back(info.block);
  }
  return blocks;
}

// --- The model ---------------------------------------------------------------------------------

// What the last life knew for sure, and the one event whose outcome it did not hear.
struct TrackerModel {
  Blocks unallocated;  // in order of addition
  std::map<BatchTime, Blocks> allocated;
  std::optional<BatchTime> last_allocated;
  std::set<BatchTime> every_batch;

  std::optional<BlockId> adding;
  std::optional<BatchTime> allocating;
  std::optional<BatchTime> cleaning_before;

  [[nodiscard]] Blocks by_stream() const {
    Blocks blocks = unallocated;
    std::ranges::stable_sort(blocks, {}, &BlockId::stream);
    return blocks;
  }

  void end_adding(bool added) {
    if (added) {
      unallocated.push_back(*adding);
    }
    adding.reset();
  }

  void end_allocating(bool done) {
    if (done) {
      allocated[*allocating] = by_stream();
      unallocated.clear();
      last_allocated = allocating;
    }
    allocating.reset();
  }

  void end_cleaning(bool done) {
    if (done) {
      std::erase_if(allocated, [this](const auto& each) { return each.first < *cleaning_before; });
    }
    cleaning_before.reset();
  }
};

// What a tracker knows, through its public face: the unallocated blocks by allocating them.
struct Known {
  Blocks unallocated;
  std::map<BatchTime, Blocks> allocated;
  bool operator==(const Known&) const = default;
};

Known known_of(const TrackerModel& model) {
  Known known;
  known.unallocated = model.by_stream();
  known.allocated = model.allocated;
  std::erase_if(known.allocated, [](const auto& each) { return each.second.empty(); });
  return known;
}

// Whatever the outcome was that nobody heard of: it happened, or it did not.
std::vector<Known> possible(const TrackerModel& model) {
  std::vector<Known> states;
  for (const bool happened : {false, true}) {
    TrackerModel settled = model;
    if (settled.adding) {
      settled.end_adding(happened);
    }
    if (settled.allocating) {
      settled.end_allocating(happened);
    }
    if (settled.cleaning_before) {
      settled.end_cleaning(happened);
    }
    states.push_back(known_of(settled));
  }
  return states;
}

// --- Histories ---------------------------------------------------------------------------------

struct Step {
  enum class Kind : std::uint8_t { kAdd, kAllocate, kCleanUp } kind = Kind::kAdd;
  std::int32_t stream = 0;        // kAdd
  std::int64_t batches_kept = 0;  // kCleanUp
};

struct History {
  Death death;
  std::vector<Step> steps;
};

History any_history() {
  History history;
  history.death = *rc::gen::elementOf(tests::every_death());
  const auto length = *rc::gen::inRange<std::size_t>(1, 12);
  for (std::size_t i = 0; i < length; ++i) {
    Step step;
    step.kind = *rc::gen::weightedElement<Step::Kind>(
        {{6, Step::Kind::kAdd}, {3, Step::Kind::kAllocate}, {1, Step::Kind::kCleanUp}});
    step.stream = *rc::gen::inRange(0, 3);
    step.batches_kept = *rc::gen::inRange<std::int64_t>(0, 3);
    history.steps.push_back(step);
  }
  return history;
}

constexpr std::int64_t kBatchMs = 700;

class Player {
 public:
  explicit Player(const History& history) : history_(history), world_(history.death.storage) {}

  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  // Does the history until it ends or the process dies at effect boundary `crash_step`.
  void play(std::uint64_t crash_step) {
    world_.storage.plan_death(history_.death.disk);
    world_.hook.step = crash_step;
    const engine::Ports ports = world_.begin();
    BatchedWriteAheadLog log(ports, files(ports));
    ReceivedBlockTracker tracker(ports, &log);
    engine::spawn(ports.executor, log.run());
    engine::spawn(ports.executor, follow(&tracker, &ports));
    world_.run_for();
    world_.end();
    world_.hook.step = 0;
  }

  [[nodiscard]] bool crashed() const { return world_.hook.crashed; }

  [[nodiscard]] const TrackerModel& model() const { return model_; }

  // What a new life knows. Its first allocation takes what was left unallocated.
  Known recover() {
    const engine::Ports ports = world_.begin();
    BatchedWriteAheadLog log(ports, files(ports));
    ReceivedBlockTracker tracker(ports, &log);
    engine::spawn(ports.executor, log.run());
    const auto recovered = world_.result_of(tracker.recover());
    RC_ASSERT(recovered->has_value());
    Known known;
    for (const BatchTime batch : model_.every_batch) {
      const Blocks blocks = ids_of(tracker.blocks_of(batch));
      if (!blocks.empty()) {
        known.allocated[batch] = blocks;
      }
    }
    const BatchTime next = batch_at_ms(next_batch_ * kBatchMs);
    model_.every_batch.insert(next);
    ++next_batch_;
    engine::spawn(ports.executor, tracker.allocate_blocks_to_batch(next));
    world_.run_for();
    known.unallocated = ids_of(tracker.blocks_of(next));
    world_.end();
    return known;
  }

 private:
  static std::unique_ptr<FileBasedWriteAheadLog> files_on(const engine::Ports& ports,
                                                          engine::StorageKind storage) {
    return std::make_unique<FileBasedWriteAheadLog>(ports, tests::options_for(storage));
  }

  [[nodiscard]] std::unique_ptr<FileBasedWriteAheadLog> files(const engine::Ports& ports) const {
    return files_on(ports, history_.death.storage);
  }

  Task<> follow(ReceivedBlockTracker* tracker, const engine::Ports* ports) {
    for (const Step& step : history_.steps) {
      switch (step.kind) {
        case Step::Kind::kAdd:
          co_await add(tracker, step.stream);
          break;
        case Step::Kind::kAllocate:
          co_await allocate(tracker, ports);
          break;
        case Step::Kind::kCleanUp:
          co_await clean_up(tracker, step.batches_kept);
          break;
      }
    }
  }

  Task<> add(ReceivedBlockTracker* tracker, std::int32_t stream) {
    ReceivedBlockInfo info;
    info.block = {.stream = stream, .number = next_block_++};
    model_.adding = info.block;
    const bool added = co_await tracker->add_block(info);
    RC_ASSERT(added);
    model_.end_adding(added);
  }

  // At its time, as the generator of batches does.
  Task<> allocate(ReceivedBlockTracker* tracker, const engine::Ports* ports) {
    const BatchTime batch = batch_at_ms(next_batch_++ * kBatchMs);
    co_await ports->clock.sleep_until(batch.at);
    model_.every_batch.insert(batch);
    model_.allocating = batch;
    const Blocks expected = model_.by_stream();
    co_await tracker->allocate_blocks_to_batch(batch);
    RC_ASSERT(ids_of(tracker->blocks_of(batch)) == expected);
    model_.end_allocating(true);
  }

  Task<> clean_up(ReceivedBlockTracker* tracker, std::int64_t batches_kept) {
    const std::int64_t oldest_kept = next_batch_ - 1 - batches_kept;
    if (oldest_kept < 1) {
      co_return;
    }
    model_.cleaning_before = batch_at_ms(oldest_kept * kBatchMs);
    co_await tracker->clean_up_old_batches(*model_.cleaning_before);
    model_.end_cleaning(true);
  }

  const History& history_;
  LoneProcess world_;
  TrackerModel model_;
  std::int64_t next_block_ = 0;
  std::int64_t next_batch_ = 1;
};

void assert_one_batch(const Known& known) {
  std::set<BlockId> seen(known.unallocated.begin(), known.unallocated.end());
  for (const auto& [batch, blocks] : known.allocated) {
    for (const BlockId& block : blocks) {
      RC_ASSERT(seen.insert(block).second);
    }
  }
}

RC_GTEST_PROP(ReceivedBlockTrackerProperty, ADeathAtAnyPositionIsRecoveredFrom, ()) {
  const History history = any_history();
  for (std::uint64_t step = 1; true; ++step) {
    Player player(history);
    player.play(step);
    const std::vector<Known> allowed = possible(player.model());
    const Known known = player.recover();
    RC_LOG() << tests::to_string(history.death) << ", crash at step " << step << "\n";
    RC_ASSERT(std::ranges::find(allowed, known) != allowed.end());
    assert_one_batch(known);
    if (!player.crashed()) {
      break;
    }
  }
}

// Two deaths: what the second life allocated is allocated in the third.
RC_GTEST_PROP(ReceivedBlockTrackerProperty, WhatARecoveredTrackerAllocatesIsRecoveredInTurn, ()) {
  const History history = any_history();
  Player player(history);
  player.play(*rc::gen::inRange<std::uint64_t>(1, 80));
  const Known second = player.recover();
  const Known third = player.recover();
  RC_ASSERT(third.unallocated.empty());
  Blocks before = second.unallocated;
  for (const auto& [batch, blocks] : second.allocated) {
    before.insert(before.end(), blocks.begin(), blocks.end());
  }
  Blocks after;
  for (const auto& [batch, blocks] : third.allocated) {
    after.insert(after.end(), blocks.begin(), blocks.end());
  }
  std::ranges::sort(before);
  std::ranges::sort(after);
  RC_ASSERT(after == before);
}

// --- Bytes -------------------------------------------------------------------------------------

ReceivedBlockInfo any_block() {
  ReceivedBlockInfo info;
  info.block = {.stream = *rc::gen::arbitrary<std::int32_t>(),
                .number = *rc::gen::arbitrary<std::int64_t>()};
  info.record_count = *rc::gen::arbitrary<std::int64_t>();
  const auto ranges = *rc::gen::inRange(0, 4);
  for (int i = 0; i < ranges; ++i) {
    info.ranges.push_back({.partition = *rc::gen::arbitrary<std::int32_t>(),
                           .from = {*rc::gen::arbitrary<std::int64_t>()},
                           .until = {*rc::gen::arbitrary<std::int64_t>()}});
  }
  if (*rc::gen::arbitrary<bool>()) {
    info.wal = engine::WalRecordHandle{.path = *rc::gen::arbitrary<std::string>(),
                                       .offset = *rc::gen::arbitrary<std::int64_t>(),
                                       .length = *rc::gen::arbitrary<std::int64_t>()};
  }
  info.block_id_valid = *rc::gen::arbitrary<bool>();
  return info;
}

RC_GTEST_PROP(ReceivedBlockTrackerProperty, AnyEventSurvivesItsBytes, ()) {
  engine::BatchAllocationEvent allocation;
  allocation.batch = batch_at_ms(*rc::gen::inRange<std::int64_t>(0, 1'000'000));
  const auto blocks = *rc::gen::inRange(0, 4);
  for (int i = 0; i < blocks; ++i) {
    allocation.blocks.push_back(any_block());
  }
  engine::BlockAdditionEvent addition;
  addition.block = any_block();
  for (const engine::TrackerEvent& event :
       {engine::TrackerEvent(allocation), engine::TrackerEvent(addition)}) {
    const auto decoded = engine::decode_tracker_event(engine::encode(event));
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == event);
  }
}

RC_GTEST_PROP(ReceivedBlockTrackerProperty, ArbitraryBytesAreAnEventOrAnError, ()) {
  const auto bytes = *rc::gen::arbitrary<std::string>();
  const auto decoded = engine::decode_tracker_event(bytes);
  RC_ASSERT(decoded.has_value() || decoded.error() == engine::Errc::kCorrupt);
}

RC_GTEST_PROP(ReceivedBlockProperty, AnyBlockSurvivesItsBytesAndItsRangesCountItsRecords, ()) {
  engine::BlockRecords records;
  const auto count = *rc::gen::inRange(0, 20);
  for (int i = 0; i < count; ++i) {
    engine::ConsumerRecord& record = records.emplace_back();
    record.partition = *rc::gen::inRange(0, 3);
    record.offset = {*rc::gen::inRange<std::int64_t>(0, 6)};
    record.key = *rc::gen::arbitrary<std::string>();
    record.value = *rc::gen::arbitrary<std::string>();
  }
  const auto decoded = engine::decode_block(engine::encode_block(records));
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(decoded->size() == records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    RC_ASSERT((*decoded)[i].position() == records[i].position());
    RC_ASSERT((*decoded)[i].key == records[i].key);
    RC_ASSERT((*decoded)[i].value == records[i].value);
  }
  std::int64_t counted = 0;
  for (const engine::OffsetRange& range : engine::ranges_of(records)) {
    counted += range.count();
  }
  RC_ASSERT(counted == std::ssize(records));
}

}  // namespace
