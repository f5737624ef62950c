// tests/unit/block_manager_test.cpp
//
// Keeping, replicating and fetching blocks, by the invariants of engine/executor/block_manager.h;
// what an executor's memory allows; and where a task finds its block.

#include "engine/executor/block_manager.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/executor/task_input.h"
#include "engine/wal/file_based_write_ahead_log.h"
#include "tests/support/receiver_world.h"

namespace {

using engine::Address;
using engine::BlockId;
using engine::BlockInput;
using engine::BlockRecords;
using engine::Errc;
using engine::SharedRecords;
using engine::StoredAs;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using tests::executor_address;
using tests::kDriverAddress;
using tests::LoneProcess;
using tests::SilentEndpoint;

constexpr BlockId kBlock{.stream = 0, .number = 200};

BlockRecords some_records(std::int64_t count) {
  BlockRecords records;
  for (std::int64_t i = 0; i < count; ++i) {
    records.emplace_back().offset = {i};
    records.back().value = "value";
  }
  return records;
}

SharedRecords shared(std::int64_t count) {
  return std::make_shared<const BlockRecords>(some_records(count));
}

// Executor 1 of three, all of them in their first life.
struct Manager {
  explicit Manager(std::optional<std::int64_t> memory_limit = std::nullopt)
      : ports(world.begin()),
        endpoint(world.process),
        memory(world.listener, memory_limit, [this] { ++exits; }),
        blocks(ports, endpoint, kDriverAddress, memory, seconds(120)) {
    blocks.received(engine::ExecutorPeers{.peers = {executor_address(2), executor_address(0)}});
  }

  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  ~Manager() { world.end(); }

  template <class T>
  void keep_result(engine::Task<T> task, std::optional<T>* result) {
    engine::spawn(ports.executor, keep(std::move(task), result));
    world.run_for(seconds(1));
  }

  // To whom a message of this kind was sent, in order.
  template <class Content>
  [[nodiscard]] std::vector<Address> receivers_of() const {
    std::vector<Address> found;
    for (const auto& sent : endpoint.sent) {
      if (std::holds_alternative<Content>(sent.message)) {
        found.push_back(sent.to);
      }
    }
    return found;
  }

  template <class Content>
  [[nodiscard]] const Content& last_sent() const {
    return std::get<Content>(endpoint.sent.back().message);
  }

  LoneProcess world{engine::StorageKind::kHdfs, {engine::Role::kExecutor, 1}};
  engine::Ports ports;
  SilentEndpoint endpoint;
  int exits = 0;
  engine::MemoryMeter memory;
  engine::BlockManager blocks;

 private:
  template <class T>
  static engine::Task<> keep(engine::Task<T> task, std::optional<T>* result) {
    T value = co_await std::move(task);
    result->emplace(std::move(value));
  }
};

// --- K1, K2 ------------------------------------------------------------------------------------

TEST(BlockManager, KeepsABlockAndTellsTheDriver) {
  Manager manager;
  manager.blocks.put(kBlock, shared(3));
  EXPECT_EQ(manager.blocks.find(kBlock)->size(), 3);
  EXPECT_EQ(manager.blocks.find({.stream = 1, .number = 200}), nullptr);
  EXPECT_THAT(manager.receivers_of<engine::BlockStored>(), ElementsAre(kDriverAddress));
  EXPECT_EQ(manager.world.listener.block_bytes, 15);
  EXPECT_EQ(manager.world.listener.stored_bytes[StoredAs::kBlock], 15);
}

TEST(BlockManager, ABlockThatIsThereIsNotPutAgain) {
  Manager manager;
  manager.blocks.put(kBlock, shared(3));
  manager.blocks.put(kBlock, shared(5));
  EXPECT_EQ(manager.blocks.find(kBlock)->size(), 3);
  EXPECT_EQ(manager.world.listener.block_bytes, 15);
  EXPECT_EQ(manager.endpoint.sent.size(), 1);
}

TEST(BlockManager, AReplicaIsToldToTheDriverBeforeItIsAnswered) {
  Manager manager;
  manager.blocks.received(
      executor_address(0),
      engine::ReplicateBlock{.request = 9, .block = kBlock, .records = shared(3)});
  ASSERT_EQ(manager.endpoint.sent.size(), 2);
  EXPECT_EQ(manager.endpoint.sent[0].to, kDriverAddress);
  EXPECT_EQ(manager.endpoint.sent[1].to, executor_address(0));
  EXPECT_TRUE(manager.last_sent<engine::BlockReplicated>().stored);
  EXPECT_EQ(manager.last_sent<engine::BlockReplicated>().request, 9);
  EXPECT_EQ(manager.world.listener.stored_bytes[StoredAs::kReplica], 15);
}

TEST(BlockManager, ARemovedBlockIsGoneAndItsMemoryIsFree) {
  Manager manager;
  manager.blocks.put(kBlock, shared(3));
  manager.blocks.received(engine::RemoveBlocks{.blocks = {kBlock, {.stream = 7, .number = 1}}});
  EXPECT_EQ(manager.blocks.find(kBlock), nullptr);
  EXPECT_EQ(manager.world.listener.block_bytes, 0);
}

// --- Replication -------------------------------------------------------------------------------

TEST(BlockManager, TheFirstReplicaGoesToTheNextExecutorInOrder) {
  Manager manager;
  std::optional<std::int32_t> copies;
  manager.keep_result(manager.blocks.replicate(kBlock, shared(3), 1), &copies);
  EXPECT_THAT(manager.receivers_of<engine::ReplicateBlock>(), ElementsAre(executor_address(2)));
  EXPECT_FALSE(copies.has_value());
  manager.blocks.received(engine::BlockReplicated{.request = 1, .stored = true});
  manager.world.run_for(seconds(1));
  EXPECT_EQ(copies, 1);
}

TEST(BlockManager, APeerThatIsGoneIsReplacedByTheOneAfterIt) {
  Manager manager;
  std::optional<std::int32_t> copies;
  manager.keep_result(manager.blocks.replicate(kBlock, shared(3), 1), &copies);
  manager.blocks.peer_lost(executor_address(2));
  manager.world.run_for(seconds(1));
  EXPECT_THAT(manager.receivers_of<engine::ReplicateBlock>(),
              ElementsAre(executor_address(2), executor_address(0)));
  manager.blocks.received(engine::BlockReplicated{.request = 2, .stored = true});
  manager.world.run_for(seconds(1));
  EXPECT_EQ(copies, 1);
}

// The hazard: the put has succeeded all the same.
TEST(BlockManager, AfterTwoFailuresTheBlockHasFewerCopiesThanAskedFor) {
  Manager manager;
  manager.blocks.received(engine::ExecutorPeers{
      .peers = {executor_address(0), executor_address(2), executor_address(3)}});
  std::optional<std::int32_t> copies;
  manager.keep_result(manager.blocks.replicate(kBlock, shared(3), 1), &copies);
  manager.blocks.received(engine::BlockReplicated{.request = 1, .stored = false});
  manager.world.run_for(seconds(1));
  manager.blocks.received(engine::BlockReplicated{.request = 2, .stored = false});
  manager.world.run_for(seconds(1));
  EXPECT_EQ(copies, 0);
  EXPECT_THAT(manager.receivers_of<engine::ReplicateBlock>(),
              ElementsAre(executor_address(2), executor_address(3)));
}

TEST(BlockManager, WithoutPeersThereAreNoCopies) {
  Manager manager;
  manager.blocks.received(engine::ExecutorPeers{});
  std::optional<std::int32_t> copies;
  manager.keep_result(manager.blocks.replicate(kBlock, shared(3), 1), &copies);
  EXPECT_EQ(copies, 0);
}

TEST(BlockManager, APeerThatDoesNotAnswerCountsAsGone) {
  Manager manager;
  std::optional<std::int32_t> copies;
  manager.keep_result(manager.blocks.replicate(kBlock, shared(3), 1), &copies);
  manager.world.run_for(seconds(250));
  EXPECT_EQ(copies, 0);
  manager.blocks.received(engine::BlockReplicated{.request = 1, .stored = true});
}

// --- Fetching ----------------------------------------------------------------------------------

TEST(BlockManager, FetchesABlockOfAnotherExecutor) {
  Manager manager;
  std::optional<SharedRecords> fetched;
  manager.keep_result(manager.blocks.fetch(executor_address(0), kBlock), &fetched);
  manager.blocks.received(engine::BlockFetched{.request = 1, .records = shared(3)});
  manager.world.run_for(seconds(1));
  ASSERT_TRUE(fetched.has_value());
  EXPECT_EQ((*fetched)->size(), 3);
}

TEST(BlockManager, WhatAnExecutorTakesWithItIsNotFetched) {
  Manager manager;
  std::optional<SharedRecords> fetched;
  manager.keep_result(manager.blocks.fetch(executor_address(0), kBlock), &fetched);
  manager.blocks.peer_lost(executor_address(0));
  manager.world.run_for(seconds(1));
  EXPECT_EQ(fetched, std::optional<SharedRecords>(nullptr));
}

TEST(BlockManager, AnswersAFetchWithWhatItHas) {
  Manager manager;
  manager.blocks.put(kBlock, shared(3));
  manager.blocks.received(executor_address(0), engine::FetchBlock{.request = 4, .block = kBlock});
  EXPECT_EQ(manager.last_sent<engine::BlockFetched>().records->size(), 3);
  manager.blocks.received(executor_address(0),
                          engine::FetchBlock{.request = 5, .block = {.stream = 9, .number = 1}});
  EXPECT_EQ(manager.last_sent<engine::BlockFetched>().records, nullptr);
}

// --- Memory ------------------------------------------------------------------------------------

TEST(MemoryMeter, BlocksAndTaskInputTogetherMustNotExceedTheMemory) {
  Manager manager(20);
  manager.blocks.put(kBlock, shared(3));
  manager.memory.task_memory_changed(5);
  EXPECT_EQ(manager.exits, 0);
  manager.memory.task_memory_changed(1);
  EXPECT_EQ(manager.exits, 1);
  manager.memory.task_memory_changed(1);
  EXPECT_EQ(manager.exits, 1);
}

TEST(MemoryMeter, WhatIsFreedCanBeUsedAgain) {
  Manager manager(20);
  for (std::int64_t number = 0; number < 10; ++number) {
    const BlockId block{.stream = 0, .number = number};
    manager.blocks.put(block, shared(4));
    manager.blocks.received(engine::RemoveBlocks{.blocks = {block}});
  }
  EXPECT_EQ(manager.exits, 0);
}

// --- Where a task finds its block --------------------------------------------------------------

BlockInput block_input(std::vector<Address> locations) {
  return {.block = kBlock,
          .record_count = 3,
          .locations = std::move(locations),
          .wal = std::nullopt,
          .taken = {}};
}

using Read = std::optional<engine::Result<BlockRecords>>;

TEST(TaskInput, TakesTheBlockFromItsOwnMemoryFirst) {
  Manager manager;
  const engine::Pipeline pipeline;
  engine::TaskInputReader reader(manager.ports, pipeline, manager.blocks);
  manager.blocks.put(kBlock, shared(3));
  Read read;
  manager.keep_result(reader.read(block_input({executor_address(0)})), &read);
  ASSERT_TRUE(read && read->has_value());
  EXPECT_EQ(read->value().size(), 3);
  EXPECT_THAT(manager.receivers_of<engine::FetchBlock>(), IsEmpty());
}

TEST(TaskInput, AsksEachLocationInTurn) {
  Manager manager;
  const engine::Pipeline pipeline;
  engine::TaskInputReader reader(manager.ports, pipeline, manager.blocks);
  Read read;
  manager.keep_result(reader.read(block_input({executor_address(0), executor_address(2)})), &read);
  manager.blocks.received(engine::BlockFetched{.request = 1, .records = nullptr});
  manager.world.run_for(seconds(1));
  manager.blocks.received(engine::BlockFetched{.request = 2, .records = shared(3)});
  manager.world.run_for(seconds(1));
  ASSERT_TRUE(read && read->has_value());
  EXPECT_EQ(read->value().size(), 3);
}

TEST(TaskInput, ABlockThatIsNowhereFailsTheTask) {
  Manager manager;
  const engine::Pipeline pipeline;
  engine::TaskInputReader reader(manager.ports, pipeline, manager.blocks);
  Read read;
  manager.keep_result(reader.read(block_input({executor_address(0)})), &read);
  manager.blocks.peer_lost(executor_address(0));
  manager.world.run_for(seconds(1));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->error(), Errc::kNotFound);
}

// A log with one block of three records, and where it is.
engine::WalRecordHandle log_block(Manager& manager) {
  engine::WalOptions options;
  options.directory = "checkpoint/receivedData/0";
  engine::FileBasedWriteAheadLog log(manager.ports, options);
  const auto written = manager.world.result_of(
      log.write(engine::encode_block(some_records(3)), manager.ports.clock.now()));
  return written.value().value();
}

TEST(TaskInput, ABlockThatIsInNoMemoryIsReadFromTheLog) {
  Manager manager;
  const engine::Pipeline pipeline;
  engine::TaskInputReader reader(manager.ports, pipeline, manager.blocks);
  BlockInput input = block_input({});
  input.wal = log_block(manager);
  Read read;
  manager.keep_result(reader.read(input), &read);
  ASSERT_TRUE(read && read->has_value());
  EXPECT_EQ(read->value().size(), 3);
  EXPECT_EQ(read->value().back().offset.value, 2);
}

TEST(TaskInput, ALogThatHoldsSomethingElseFailsTheTask) {
  Manager manager;
  const engine::Pipeline pipeline;
  engine::TaskInputReader reader(manager.ports, pipeline, manager.blocks);
  BlockInput input = block_input({});
  input.wal = log_block(manager);
  input.wal->offset += 1;
  Read misplaced;
  manager.keep_result(reader.read(input), &misplaced);
  ASSERT_TRUE(misplaced.has_value());
  EXPECT_EQ(misplaced->error(), Errc::kCorrupt);
  input.wal->offset -= 1;
  input.record_count = 4;
  Read incomplete;
  manager.keep_result(reader.read(input), &incomplete);
  ASSERT_TRUE(incomplete.has_value());
  EXPECT_EQ(incomplete->error(), Errc::kCorrupt);
}

}  // namespace
