// tests/unit/received_block_tracker_test.cpp
//
// The tracker by the invariants of engine/driver/received_block_tracker.h, and blocks themselves.

#include "engine/driver/received_block_tracker.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/wal/batched_write_ahead_log.h"
#include "engine/wal/file_based_write_ahead_log.h"
#include "tests/support/log_world.h"

namespace {

using engine::BatchAllocationEvent;
using engine::BatchCleanupEvent;
using engine::BatchedWriteAheadLog;
using engine::BatchTime;
using engine::BlockAdditionEvent;
using engine::BlockId;
using engine::ConsumerRecord;
using engine::Errc;
using engine::FileBasedWriteAheadLog;
using engine::OffsetRange;
using engine::ReceivedBlockInfo;
using engine::ReceivedBlockTracker;
using engine::StorageKind;
using engine::Task;
using engine::TrackerEvent;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using tests::at_ms;
using tests::batch_at_ms;
using tests::Death;
using tests::LoneProcess;
using tests::ScriptedLog;

ReceivedBlockInfo block(std::int64_t number, engine::StreamId stream = 0) {
  ReceivedBlockInfo info;
  info.block = {.stream = stream, .number = number};
  info.record_count = number + 1;
  info.ranges = {{.partition = 0, .from = {number}, .until = {2 * number + 1}}};
  info.wal = engine::WalRecordHandle{.path = "data", .offset = number, .length = 3};
  return info;
}

std::vector<std::int64_t> numbers_of(const std::vector<ReceivedBlockInfo>& blocks) {
  std::vector<std::int64_t> numbers;
  for (const ReceivedBlockInfo& info : blocks) {
    numbers.push_back(info.block.number);
  }
  return numbers;
}

// One life with a tracker over a log, or over none.
struct Life {
  explicit Life(LoneProcess& in,
                engine::WriteAheadLog* log = nullptr,
                const engine::ReceiverProtocol& protocol = {})
      : world(in), ports(in.begin()), tracker(ports, log, protocol) {}

  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  ~Life() { world.end(); }

  bool add(const ReceivedBlockInfo& info) { return *world.result_of(tracker.add_block(info)); }

  void add_all(const std::vector<std::int64_t>& numbers) {
    for (const std::int64_t number : numbers) {
      EXPECT_TRUE(add(block(number)));
    }
  }

  void allocate(std::int64_t batch_ms) {
    engine::spawn(ports.executor, tracker.allocate_blocks_to_batch(batch_at_ms(batch_ms)));
    world.run_for();
  }

  void clean_up(std::int64_t threshold_ms) {
    engine::spawn(ports.executor, tracker.clean_up_old_batches(batch_at_ms(threshold_ms)));
    world.run_for();
  }

  // Every allocation so far is at a virtual instant before this one.
  void pass_time(std::int64_t until_ms) {
    engine::spawn(ports.executor, ports.clock.sleep_until(at_ms(until_ms)));
    world.run_for();
  }

  boost::system::error_code recover() { return world.result_of(tracker.recover())->error(); }

  [[nodiscard]] std::vector<std::int64_t> blocks_of(std::int64_t batch_ms) const {
    return numbers_of(tracker.blocks_of(batch_at_ms(batch_ms)));
  }

  LoneProcess& world;
  engine::Ports ports;
  ReceivedBlockTracker tracker;
};

TrackerEvent event_of(const std::string& record) {
  auto event = engine::decode_tracker_event(record);
  EXPECT_TRUE(event.has_value());
  return event ? *event : TrackerEvent();
}

std::vector<TrackerEvent> events_of(const ScriptedLog& log) {
  std::vector<TrackerEvent> events;
  for (const ScriptedLog::Write& each : log.written) {
    events.push_back(event_of(each.record));
  }
  return events;
}

// --- Without a log -----------------------------------------------------------------------------

TEST(ReceivedBlockTracker, ABatchGetsWhatWasAddedSinceTheLastOne) {
  LoneProcess world;
  Life life(world);
  EXPECT_FALSE(life.tracker.has_unallocated_blocks());
  life.add_all({1, 2});
  EXPECT_TRUE(life.tracker.has_unallocated_blocks());
  EXPECT_THAT(life.blocks_of(1000), IsEmpty());
  life.allocate(1000);
  EXPECT_FALSE(life.tracker.has_unallocated_blocks());
  life.add_all({3});
  life.allocate(2000);
  life.allocate(3000);
  EXPECT_THAT(life.blocks_of(1000), ElementsAre(1, 2));
  EXPECT_THAT(life.blocks_of(2000), ElementsAre(3));
  EXPECT_THAT(life.blocks_of(3000), IsEmpty());
  EXPECT_EQ(life.tracker.blocks_of(batch_at_ms(2000)), std::vector<ReceivedBlockInfo>{block(3)});
}

TEST(ReceivedBlockTracker, BlocksOfABatchAreOrderedByStreamAndThenByAddition) {
  LoneProcess world;
  Life life(world);
  for (const auto& [number, stream] :
       {std::pair(1, 1), std::pair(9, 0), std::pair(2, 1), std::pair(3, 0)}) {
    EXPECT_TRUE(life.add(block(number, stream)));
  }
  life.allocate(1000);
  EXPECT_THAT(life.blocks_of(1000), ElementsAre(9, 3, 1, 2));
}

TEST(ReceivedBlockTracker, AllocatingABatchAgainOrAnOlderOneDoesNothing) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  Life life(world, &log);
  life.add_all({1});
  life.allocate(2000);
  life.add_all({2});
  const std::size_t logged = log.written.size();
  life.allocate(2000);
  life.allocate(1000);
  EXPECT_EQ(log.written.size(), logged);
  EXPECT_THAT(life.blocks_of(2000), ElementsAre(1));
  EXPECT_THAT(life.blocks_of(1000), IsEmpty());
  life.allocate(3000);
  EXPECT_THAT(life.blocks_of(3000), ElementsAre(2));
}

TEST(ReceivedBlockTracker, CleaningUpForgetsTheBatchesBeforeTheThreshold) {
  LoneProcess world;
  Life life(world);
  life.add_all({1});
  life.allocate(1000);
  life.add_all({2});
  life.allocate(2000);
  life.pass_time(10'000);
  life.clean_up(2000);
  EXPECT_THAT(life.blocks_of(1000), IsEmpty());
  EXPECT_THAT(life.blocks_of(2000), ElementsAre(2));
}

TEST(ReceivedBlockTracker, AThresholdThatHasNotPassedCleansNothing) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  Life life(world, &log);
  life.add_all({1});
  life.allocate(1000);
  life.clean_up(3'600'000);
  EXPECT_THAT(life.blocks_of(1000), ElementsAre(1));
  EXPECT_THAT(log.cleaned, IsEmpty());
}

// The scale at which an allocation once overflowed Spark's stack (SPARK-26734).
TEST(ReceivedBlockTracker, AHundredThousandBlocksAreOneAllocation) {
  constexpr std::int64_t kBlocks = 100'000;
  LoneProcess world;
  ScriptedLog log(world.clock);
  for (std::int64_t number = 0; number < kBlocks; ++number) {
    BlockAdditionEvent addition;
    addition.block = block(number);
    log.written.push_back({.record = engine::encode(addition), .time = at_ms(0)});
  }
  Life life(world, &log);
  ASSERT_FALSE(life.recover());
  life.allocate(1000);
  EXPECT_THAT(life.blocks_of(1000), SizeIs(kBlocks));
  const auto allocation = std::get<BatchAllocationEvent>(event_of(log.written.back().record));
  EXPECT_THAT(allocation.blocks, SizeIs(kBlocks));
}

// --- B1: logged first --------------------------------------------------------------------------

TEST(ReceivedBlockTracker, ABlockWhoseAdditionCannotBeLoggedIsNotKnown) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  Life life(world, &log);
  log.failures = {Errc::kUnavailable};
  EXPECT_FALSE(life.add(block(1)));
  EXPECT_FALSE(life.tracker.has_unallocated_blocks());
}

// SPARK-23991: the queue was emptied before the event was written.
TEST(ReceivedBlockTracker, AnAllocationThatCannotBeLoggedLeavesItsBlocksToTheNextBatch) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  {
    Life life(world, &log);
    life.add_all({1, 2});
    log.failures = {Errc::kTimedOut};
    life.allocate(1000);
    EXPECT_THAT(life.blocks_of(1000), IsEmpty());
    EXPECT_TRUE(life.tracker.has_unallocated_blocks());
    life.add_all({3});
    life.allocate(2000);
    EXPECT_THAT(life.blocks_of(2000), ElementsAre(1, 2, 3));
  }
  Life next(world, &log);
  ASSERT_FALSE(next.recover());
  EXPECT_THAT(next.blocks_of(2000), ElementsAre(1, 2, 3));
  EXPECT_FALSE(next.tracker.has_unallocated_blocks());
}

TEST(ReceivedBlockTracker, ACleanUpThatCannotBeLoggedForgetsNothingAndCleansNoFile) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  Life life(world, &log);
  life.add_all({1});
  life.allocate(1000);
  life.pass_time(10'000);
  log.failures = {Errc::kUnavailable};
  life.clean_up(5000);
  EXPECT_THAT(life.blocks_of(1000), ElementsAre(1));
  EXPECT_THAT(log.cleaned, IsEmpty());
  life.clean_up(5000);
  EXPECT_THAT(life.blocks_of(1000), IsEmpty());
  EXPECT_THAT(log.cleaned, ElementsAre(at_ms(5000)));
}

// The interleaving that SPARK-23438 mishandled: durable before the allocation, not part of it.
TEST(ReceivedBlockTracker, AnAdditionThatIsLoggedDuringAnAllocationBelongsToTheNextBatch) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  {
    Life life(world, &log);
    life.add_all({1});
    log.latency = milliseconds(10);
    std::optional<bool> added;
    engine::spawn(life.ports.executor, life.tracker.allocate_blocks_to_batch(batch_at_ms(1000)));
    added = world.result_of(life.tracker.add_block(block(2)));
    EXPECT_TRUE(*added);
    EXPECT_THAT(life.blocks_of(1000), ElementsAre(1));
    EXPECT_TRUE(life.tracker.has_unallocated_blocks());
    life.allocate(2000);
    EXPECT_THAT(life.blocks_of(2000), ElementsAre(2));
  }
  Life next(world, &log);
  ASSERT_FALSE(next.recover());
  EXPECT_THAT(next.blocks_of(1000), ElementsAre(1));
  EXPECT_THAT(next.blocks_of(2000), ElementsAre(2));
}

Task<> add_and_look(ReceivedBlockTracker* tracker,
                    BatchTime batch,
                    std::optional<bool>* allocated) {
  const bool added = co_await tracker->add_block(block(2));
  EXPECT_TRUE(added);
  *allocated = !tracker->blocks_of(batch).empty();
}

TEST(ReceivedBlockTracker, AnAdditionIsAnsweredAfterTheAllocationThatItMissed) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  Life life(world, &log);
  life.add_all({1});
  const BatchTime batch = batch_at_ms(1000);
  std::optional<bool> allocated;
  log.latency = milliseconds(10);
  engine::spawn(life.ports.executor, life.tracker.allocate_blocks_to_batch(batch));
  world.run_for(milliseconds(1));
  log.latency = milliseconds(1);
  engine::spawn(life.ports.executor, add_and_look(&life.tracker, batch, &allocated));
  world.run_for();
  EXPECT_EQ(allocated, true);
}

TEST(ReceivedBlockTracker, EventsAreLoggedInTheOrderInWhichTheyAreApplied) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  Life life(world, &log);
  life.add_all({1, 2});
  life.allocate(1000);
  life.pass_time(10'000);
  life.clean_up(5000);
  EXPECT_THAT(events_of(log),
              ElementsAre(BlockAdditionEvent{block(1)},
                          BlockAdditionEvent{block(2)},
                          BatchAllocationEvent{batch_at_ms(1000), {block(1), block(2)}},
                          BatchCleanupEvent{{batch_at_ms(1000)}, {}}));
}

// --- B3: replay --------------------------------------------------------------------------------

TEST(ReceivedBlockTracker, RecoveryRemovesFromTheQueueExactlyWhatWasAllocated) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  const std::vector<TrackerEvent> events{
      BlockAdditionEvent{block(1)},
      BlockAdditionEvent{block(2)},
      BlockAdditionEvent{block(3)},
      BatchAllocationEvent{batch_at_ms(1000), {block(1), block(3)}}};
  for (const TrackerEvent& event : events) {
    log.written.push_back({.record = engine::encode(event), .time = at_ms(0)});
  }
  Life life(world, &log);
  ASSERT_FALSE(life.recover());
  EXPECT_THAT(life.blocks_of(1000), ElementsAre(1, 3));
  life.allocate(2000);
  EXPECT_THAT(life.blocks_of(2000), ElementsAre(2));
}

// A block that was only added died with its executor; one that was allocated is looked for there
// first, because its flag was logged as it was.
TEST(ReceivedBlockTracker, RecoveryDistrustsTheBlockIdsOfWhatWasNotAllocated) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  {
    Life life(world, &log);
    life.add_all({1});
    life.allocate(1000);
    life.add_all({2});
  }
  Life next(world, &log);
  ASSERT_FALSE(next.recover());
  next.allocate(2000);
  EXPECT_TRUE(next.tracker.blocks_of(batch_at_ms(1000)).at(0).block_id_valid);
  EXPECT_FALSE(next.tracker.blocks_of(batch_at_ms(2000)).at(0).block_id_valid);
}

TEST(ReceivedBlockTracker, ARecoveredBatchIsNotAllocatedAgain) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  {
    Life life(world, &log);
    life.add_all({1});
    life.allocate(2000);
    life.add_all({2});
  }
  Life next(world, &log);
  ASSERT_FALSE(next.recover());
  next.allocate(1000);
  next.allocate(2000);
  EXPECT_THAT(next.blocks_of(1000), IsEmpty());
  EXPECT_THAT(next.blocks_of(2000), ElementsAre(1));
  next.allocate(3000);
  EXPECT_THAT(next.blocks_of(3000), ElementsAre(2));
}

TEST(ReceivedBlockTracker, ARecordThatIsNoEventStopsTheRecoveryBeforeAnythingIsApplied) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  log.written.push_back({.record = engine::encode(BlockAdditionEvent{block(1)}), .time = at_ms(0)});
  log.written.push_back({.record = "no event", .time = at_ms(0)});
  Life life(world, &log);
  EXPECT_EQ(life.recover(), Errc::kCorrupt);
  EXPECT_FALSE(life.tracker.has_unallocated_blocks());
}

TEST(ReceivedBlockTracker, WithoutALogRecoveryFindsNothing) {
  LoneProcess world;
  {
    Life life(world);
    life.add_all({1});
  }
  Life next(world);
  EXPECT_FALSE(next.recover());
  EXPECT_FALSE(next.tracker.has_unallocated_blocks());
}

// Spark's hazard, kept: nothing recognises a report that comes twice.
TEST(ReceivedBlockTracker, ABlockThatIsReportedTwiceIsThereTwice) {
  LoneProcess world;
  Life life(world);
  life.add_all({1, 1});
  life.allocate(1000);
  EXPECT_THAT(life.blocks_of(1000), ElementsAre(1, 1));
}

// --- B4: one block ------------------------------------------------------------------------------

engine::ReceiverProtocol dropping_repeated() {
  engine::ReceiverProtocol protocol;
  protocol.repeated_records = engine::RepeatedRecords::kDropped;
  return protocol;
}

ReceivedBlockInfo block_of(std::int64_t number, std::int64_t from, std::int64_t until) {
  ReceivedBlockInfo info;
  info.block = {.stream = 0, .number = number};
  info.record_count = until - from;
  info.ranges = {{.partition = 0, .from = {from}, .until = {until}}};
  return info;
}

std::vector<std::string> ranges_of(const std::vector<ReceivedBlockInfo>& blocks) {
  std::vector<std::string> ranges;
  for (const ReceivedBlockInfo& info : blocks) {
    for (const OffsetRange& range : info.ranges) {
      ranges.push_back(
          fmt::format("{}: {}-{}", info.block.number, range.from.value, range.until.value));
    }
  }
  return ranges;
}

TEST(ReceivedBlockTracker, RecordsThatAreReportedAgainCountOnce) {
  LoneProcess world;
  Life life(world, nullptr, dropping_repeated());
  EXPECT_TRUE(life.add(block_of(1, 0, 5)));
  EXPECT_TRUE(life.add(block_of(2, 0, 5)));
  EXPECT_TRUE(life.add(block_of(3, 3, 8)));
  life.allocate(1000);
  EXPECT_TRUE(life.add(block_of(4, 7, 9)));
  life.allocate(2000);
  EXPECT_THAT(ranges_of(life.tracker.blocks_of(batch_at_ms(1000))),
              ElementsAre("1: 0-5", "3: 5-8"));
  EXPECT_THAT(ranges_of(life.tracker.blocks_of(batch_at_ms(2000))), ElementsAre("4: 8-9"));
}

TEST(ReceivedBlockTracker, ABlockOfWhichTheLogFailedIsTakenWhenItComesAgain) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  Life life(world, &log, dropping_repeated());
  log.failures = {Errc::kUnavailable};
  EXPECT_FALSE(life.add(block_of(1, 0, 5)));
  EXPECT_TRUE(life.add(block_of(2, 0, 5)));
  life.allocate(1000);
  EXPECT_THAT(ranges_of(life.tracker.blocks_of(batch_at_ms(1000))), ElementsAre("2: 0-5"));
}

// The first report was logged too late for its receiver, which reported the records again; the
// batch has the second.
TEST(ReceivedBlockTracker, WhatABatchHasIsNotQueuedByARecoveryToo) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  const std::vector<TrackerEvent> events{
      BlockAdditionEvent{block_of(1, 0, 5)},
      BlockAdditionEvent{block_of(2, 0, 5)},
      BatchAllocationEvent{batch_at_ms(1000), {block_of(2, 0, 5)}},
      BlockAdditionEvent{block_of(3, 5, 7)}};
  for (const TrackerEvent& event : events) {
    log.written.push_back({.record = engine::encode(event), .time = at_ms(0)});
  }
  Life life(world, &log, dropping_repeated());
  ASSERT_FALSE(life.recover());
  life.allocate(2000);
  EXPECT_THAT(ranges_of(life.tracker.blocks_of(batch_at_ms(1000))), ElementsAre("2: 0-5"));
  EXPECT_THAT(ranges_of(life.tracker.blocks_of(batch_at_ms(2000))), ElementsAre("3: 5-7"));
}

// A cleaning speaks of what batches have had, and a block in the queue was in none.
TEST(ReceivedBlockTracker, ABlockThatIsQueuedWhileOthersAreCleanedUpIsQueuedAfterARecovery) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  {
    Life life(world, &log, dropping_repeated());
    EXPECT_TRUE(life.add(block_of(1, 0, 5)));
    life.allocate(1000);
    EXPECT_TRUE(life.add(block_of(2, 5, 7)));
    life.pass_time(10'000);
    life.clean_up(5000);
  }
  Life next(world, &log, dropping_repeated());
  ASSERT_FALSE(next.recover());
  next.allocate(11'000);
  EXPECT_THAT(ranges_of(next.tracker.blocks_of(batch_at_ms(11'000))), ElementsAre("2: 5-7"));
}

TEST(ReceivedBlockTracker, WhatIsCleanedUpLeavesItsOffsets) {
  LoneProcess world;
  ScriptedLog log(world.clock);
  {
    Life life(world, &log, dropping_repeated());
    EXPECT_TRUE(life.add(block_of(1, 0, 5)));
    life.allocate(1000);
    life.pass_time(10'000);
    life.clean_up(5000);
  }
  const ScriptedLog::Write last = log.written.back();
  log.written = {last};
  Life next(world, &log, dropping_repeated());
  ASSERT_FALSE(next.recover());
  EXPECT_TRUE(next.add(block_of(2, 0, 6)));
  next.allocate(20'000);
  EXPECT_THAT(ranges_of(next.tracker.blocks_of(batch_at_ms(20'000))), ElementsAre("2: 5-6"));
}

// --- Over real files, with crashes -------------------------------------------------------------

std::unique_ptr<FileBasedWriteAheadLog> files_of(const engine::Ports& ports, StorageKind storage) {
  return std::make_unique<FileBasedWriteAheadLog>(ports, tests::options_for(storage));
}

// Of one life over the driver's log as it is set up by default.
struct DriverLife {
  explicit DriverLife(LoneProcess& in)
      : world(in),
        ports(in.begin()),
        log(ports, files_of(ports, in.files.kind())),
        tracker(ports, &log) {
    engine::spawn(ports.executor, log.run());
  }

  DriverLife(const DriverLife&) = delete;
  DriverLife& operator=(const DriverLife&) = delete;

  ~DriverLife() { world.end(); }

  LoneProcess& world;
  engine::Ports ports;
  BatchedWriteAheadLog log;
  ReceivedBlockTracker tracker;
};

// Rolling, cleaning and recovering once more, as the files show it.
TEST(ReceivedBlockTracker, CleaningUpRemovesTheFilesThatOnlyOldBatchesNeed) {
  LoneProcess world;
  {
    const engine::Ports ports = world.begin();
    FileBasedWriteAheadLog log(ports, tests::options_for(StorageKind::kHdfs));
    ReceivedBlockTracker tracker(ports, &log);
    for (const std::int64_t number : {1, 2, 3}) {
      EXPECT_TRUE(*world.result_of(tracker.add_block(block(number))));
      const BatchTime batch = batch_at_ms(number * 5000);
      engine::spawn(ports.executor, ports.clock.sleep_until(batch.at));
      world.run_for();
      engine::spawn(ports.executor, tracker.allocate_blocks_to_batch(batch));
      world.run_for();
    }
    EXPECT_THAT(world.files.list(""), SizeIs(4));
    engine::spawn(ports.executor, tracker.clean_up_old_batches(batch_at_ms(10'000)));
    world.run_for();
    EXPECT_THAT(world.files.list(""), SizeIs(2)) << "those that stop before it are gone";
    world.end();
  }
  DriverLife next(world);
  ASSERT_TRUE(world.result_of(next.tracker.recover())->has_value());
  EXPECT_THAT(numbers_of(next.tracker.blocks_of(batch_at_ms(5000))), IsEmpty());
  EXPECT_THAT(numbers_of(next.tracker.blocks_of(batch_at_ms(10'000))), ElementsAre(2));
  EXPECT_THAT(numbers_of(next.tracker.blocks_of(batch_at_ms(15'000))), ElementsAre(3));
}

// What a life heard of: blocks whose addition was confirmed, and batches by their blocks.
struct Heard {
  std::set<std::int64_t> added;
  std::map<BatchTime, std::vector<std::int64_t>> allocated;
};

Task<> report_blocks(DriverLife* life, std::int64_t first, Heard* heard) {
  for (std::int64_t number = first; number < first + 4; ++number) {
    const bool added = co_await life->tracker.add_block(block(number, static_cast<int>(first)));
    if (added) {
      heard->added.insert(number);
    }
  }
}

Task<> generate_batches(DriverLife* life, Heard* heard) {
  for (std::int64_t batch_ms = 4; batch_ms <= 20; batch_ms += 4) {
    co_await life->ports.clock.sleep_until(at_ms(batch_ms));
    const BatchTime batch = batch_at_ms(batch_ms);
    co_await life->tracker.allocate_blocks_to_batch(batch);
    const auto blocks = numbers_of(life->tracker.blocks_of(batch));
    if (!blocks.empty()) {
      heard->allocated[batch] = blocks;
    }
  }
}

// I2 and I3 of the receiver path, on what the log says after a crash.
void check_log(const std::vector<std::string>& records) {
  std::set<BlockId> added;
  std::set<BlockId> allocated;
  for (const std::string& record : records) {
    const TrackerEvent event = event_of(record);
    if (const auto* const addition = std::get_if<BlockAdditionEvent>(&event)) {
      added.insert(addition->block.block);
    }
    if (const auto* const allocation = std::get_if<BatchAllocationEvent>(&event)) {
      for (const ReceivedBlockInfo& info : allocation->blocks) {
        EXPECT_TRUE(added.contains(info.block)) << "allocated before it was added";
        EXPECT_TRUE(allocated.insert(info.block).second) << "allocated twice";
      }
    }
  }
}

bool run_and_crash(LoneProcess& world, const Death& death, std::uint64_t step, Heard& heard) {
  world.hook.step = step;
  world.storage.plan_death(death.disk);
  {
    DriverLife life(world);
    engine::spawn(life.ports.executor, report_blocks(&life, 0, &heard));
    engine::spawn(life.ports.executor, report_blocks(&life, 100, &heard));
    engine::spawn(life.ports.executor, generate_batches(&life, &heard));
    world.run_for();
  }
  world.hook.step = 0;
  return world.hook.crashed;
}

// Everything that was confirmed is in exactly one batch of the next life, once that has allocated
// what it found; and what was allocated is allocated as it was.
void check_next_life(LoneProcess& world, const Heard& heard) {
  DriverLife next(world);
  const auto records = world.result_of(next.log.read_all());
  check_log(records->value());
  ASSERT_TRUE(world.result_of(next.tracker.recover())->has_value());
  for (const auto& [batch, blocks] : heard.allocated) {
    EXPECT_EQ(numbers_of(next.tracker.blocks_of(batch)), blocks);
  }
  engine::spawn(next.ports.executor, next.tracker.allocate_blocks_to_batch(batch_at_ms(9000)));
  world.run_for();
  std::multiset<std::int64_t> everywhere;
  for (const std::int64_t batch_ms : {4, 8, 12, 16, 20, 9000}) {
    for (const std::int64_t number : numbers_of(next.tracker.blocks_of(batch_at_ms(batch_ms)))) {
      everywhere.insert(number);
    }
  }
  for (const std::int64_t number : heard.added) {
    EXPECT_EQ(everywhere.count(number), 1U) << "block " << number;
  }
  const std::set<std::int64_t> distinct(everywhere.begin(), everywhere.end());
  EXPECT_EQ(distinct.size(), everywhere.size());
}

TEST(ReceivedBlockTracker, ACrashAtAnyStepLosesNoBlockAndGivesNoneToTwoBatches) {
  for (const Death& death : tests::every_death()) {
    std::uint64_t step = 1;
    for (bool crashed = true; crashed; ++step) {
      LoneProcess world(death.storage);
      Heard heard;
      crashed = run_and_crash(world, death, step, heard);
      check_next_life(world, heard);
      ASSERT_FALSE(HasFailure()) << tests::to_string(death) << ", crash at step " << step;
    }
    EXPECT_GT(step, 15U) << "the sweep reached every step";
  }
}

// --- Blocks ------------------------------------------------------------------------------------

ConsumerRecord record(engine::PartitionId partition, std::int64_t offset) {
  ConsumerRecord made;
  made.partition = partition;
  made.offset = {offset};
  made.timestamp = at_ms(offset);
  made.key = fmt::format("key {}", offset);
  made.value = "value";
  return made;
}

TEST(ReceivedBlock, ItsRangesAreRunsOfConsecutiveOffsetsPerPartition) {
  const engine::BlockRecords records{
      record(1, 5), record(0, 0), record(1, 6), record(0, 1), record(1, 8), record(0, 1)};
  EXPECT_THAT(engine::ranges_of(records),
              ElementsAre(OffsetRange{.partition = 1, .from = {5}, .until = {7}},
                          OffsetRange{.partition = 0, .from = {0}, .until = {2}},
                          OffsetRange{.partition = 1, .from = {8}, .until = {9}},
                          OffsetRange{.partition = 0, .from = {1}, .until = {2}}));
  EXPECT_THAT(engine::ranges_of({}), IsEmpty());
}

TEST(ReceivedBlock, ItsBytesAreItsKeysAndValues) {
  EXPECT_EQ(engine::bytes_of({record(0, 1), record(0, 22)}), 5 + 5 + 6 + 5);
  EXPECT_EQ(engine::bytes_of({}), 0);
}

TEST(ReceivedBlock, BytesThatAreNotWholeAreRefused) {
  const std::string whole = engine::encode_block({record(0, 1), record(1, 2)});
  EXPECT_EQ(engine::decode_block(whole)->size(), 2U);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(engine::decode_block(whole.substr(0, size)).error(), Errc::kCorrupt) << size;
  }
  EXPECT_EQ(engine::decode_block(whole + "x").error(), Errc::kCorrupt);
}

TEST(TrackerEvents, BytesThatAreNotWholeAreRefused) {
  for (const TrackerEvent& event :
       {TrackerEvent(BlockAdditionEvent{block(1)}),
        TrackerEvent(BatchAllocationEvent{batch_at_ms(1), {block(1), block(2)}}),
        TrackerEvent(BatchCleanupEvent{{batch_at_ms(1), batch_at_ms(2)}, {}})}) {
    const std::string whole = engine::encode(event);
    EXPECT_EQ(event_of(whole), event);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(engine::decode_tracker_event(whole.substr(0, size)).has_value()) << size;
    }
    EXPECT_FALSE(engine::decode_tracker_event(whole + "x").has_value());
  }
}

}  // namespace
