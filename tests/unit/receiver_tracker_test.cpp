// tests/unit/receiver_tracker_test.cpp
//
// Where receivers are placed, whom the driver believes, and what a batch of blocks is made of.
// engine/driver/receiver_tracker.h, receiver_input_stream.h, block_manager_master.h.

#include "engine/driver/receiver_tracker.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/driver/receiver_input_stream.h"
#include "tests/support/lone_process.h"

namespace {

using engine::Address;
using engine::BlockId;
using engine::BlockInput;
using engine::StreamId;
using testing::ElementsAre;
using testing::IsEmpty;
using tests::batch_at_ms;
using tests::LoneProcess;

constexpr Address executor(std::int32_t index, engine::Incarnation life = 1) {
  return {.process = {engine::Role::kExecutor, index}, .incarnation = life};
}

engine::Pipeline pipeline_of(std::int32_t receivers, bool with_log) {
  engine::Pipeline pipeline;
  pipeline.source.topic = "t";
  pipeline.source.receiver.emplace();
  pipeline.source.receiver->receivers = receivers;
  pipeline.source.receiver->write_ahead_log = with_log;
  return pipeline;
}

engine::ReceivedBlockInfo block(std::int64_t number, bool logged = false) {
  engine::ReceivedBlockInfo info;
  info.block = {.stream = 0, .number = number};
  info.record_count = 2;
  info.ranges = {{.partition = 0, .from = {number}, .until = {number + 2}}};
  if (logged) {
    info.wal = engine::WalRecordHandle{.path = "log", .offset = number, .length = 7};
  }
  return info;
}

// The driver's parts around a tracker, in one life. What executors would say is said by the test.
struct Life {
  Life(LoneProcess& its_world, engine::Pipeline its_pipeline, std::int32_t executors = 2)
      : world(its_world), pipeline(std::move(its_pipeline)), ports(world.begin()) {
    cluster.executors = executors;
    tracker = std::make_unique<engine::ReceiverTracker>(ports, pipeline, cluster, endpoint, tasks);
    stream = std::make_unique<engine::ReceiverInputStream>(pipeline, *tracker, master, endpoint);
  }

  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  ~Life() { world.end(); }

  void start(bool recovered = false) {
    const auto started = world.result_of(tracker->start(recovered));
    INVARIANT(started && *started, "the tracker starts");
  }

  void start_with_two_executors() {
    registers(executor(0));
    registers(executor(1));
    start();
  }

  void registers(Address address) {
    tasks.executor_registered(address, 2);
    tracker->executor_registered(address);
  }

  void is_lost(Address address) {
    master.executor_lost(address);
    tracker->executor_lost(address);
    tasks.executor_lost(address);
  }

  template <class Message>
  void says(Address from, Message message) {
    tracker->received(from, message);
    world.run_for(std::chrono::seconds(1));
  }

  engine::BatchInput plan(std::int64_t batch_ms) {
    return world.result_of(stream->get_or_compute(batch_at_ms(batch_ms))).value().value();
  }

  // "0 on executor:1", in order.
  [[nodiscard]] std::vector<std::string> launches() const {
    std::vector<std::string> launched;
    for (const auto& [to, message] : endpoint.sent) {
      if (const auto* const launch = std::get_if<engine::LaunchReceiver>(&message)) {
        launched.push_back(fmt::format("{} on {}", launch->stream, engine::to_string(to.process)));
      }
    }
    return launched;
  }

  template <class Message>
  [[nodiscard]] std::vector<Message> sent_of_kind() const {
    std::vector<Message> found;
    for (const auto& sent : endpoint.sent) {
      if (const auto* const message = std::get_if<Message>(&sent.message)) {
        found.push_back(*message);
      }
    }
    return found;
  }

  LoneProcess& world;
  engine::Pipeline pipeline;
  engine::Ports ports;
  engine::Cluster cluster;
  tests::SilentEndpoint endpoint{world.process};
  engine::TaskScheduler tasks{ports, pipeline.protocol, cluster, endpoint};
  engine::BlockManagerMaster master;
  std::unique_ptr<engine::ReceiverTracker> tracker;
  std::unique_ptr<engine::ReceiverInputStream> stream;
};

// --- placement ---------------------------------------------------------------------------------

TEST(ReceiverTracker, ReceiversAreSpreadOverTheExecutors) {
  LoneProcess world;
  Life life(world, pipeline_of(3, false));
  life.start_with_two_executors();
  EXPECT_THAT(life.launches(),
              ElementsAre("0 on executor:0", "1 on executor:1", "2 on executor:0"));
}

TEST(ReceiverTracker, NothingIsPlacedBeforeTheLogIsReplayed) {
  LoneProcess world;
  Life life(world, pipeline_of(1, false));
  life.registers(executor(0));
  life.registers(executor(1));
  EXPECT_THAT(life.launches(), IsEmpty());
}

// Not for ever: an executor that never comes delays the receivers by a second.
TEST(ReceiverTracker, TheFirstPlacementWaitsForTheOtherExecutors) {
  LoneProcess world;
  Life life(world, pipeline_of(1, false));
  engine::spawn(world.process.executor(), [](engine::ReceiverTracker* tracker) -> engine::Task<> {
    const auto started = co_await tracker->start(false);
    INVARIANT(started.has_value(), "the tracker starts");
  }(life.tracker.get()));
  world.run_for(std::chrono::milliseconds(500));
  life.registers(executor(1));
  EXPECT_THAT(life.launches(), IsEmpty());
  world.run_for(std::chrono::seconds(1));
  EXPECT_THAT(life.launches(), ElementsAre("0 on executor:1"));
}

TEST(ReceiverTracker, AReceiverMovesWhenItsExecutorIsLost) {
  LoneProcess world;
  Life life(world, pipeline_of(1, false));
  life.start_with_two_executors();
  life.is_lost(executor(0));
  EXPECT_THAT(life.launches(), ElementsAre("0 on executor:0", "0 on executor:1"));
}

TEST(ReceiverTracker, AReceiverWithoutAnExecutorWaitsForOne) {
  LoneProcess world;
  Life life(world, pipeline_of(1, false), 1);
  life.registers(executor(0));
  life.start();
  life.is_lost(executor(0));
  EXPECT_THAT(life.launches(), ElementsAre("0 on executor:0"));
  life.registers(executor(0, 2));
  EXPECT_THAT(life.launches(), ElementsAre("0 on executor:0", "0 on executor:0"));
}

TEST(ReceiverTracker, AReceiverThatEndsIsPlacedAgain) {
  LoneProcess world;
  Life life(world, pipeline_of(1, false));
  life.start_with_two_executors();
  life.says(executor(0), engine::ReceiverEnded{.stream = 0});
  EXPECT_EQ(life.launches().size(), 2U);
}

// --- registration, and who is believed -----------------------------------------------------------

TEST(ReceiverTracker, OnlyTheExecutorThatWasMeantMayRegister) {
  LoneProcess world;
  Life life(world, pipeline_of(1, false));
  life.start_with_two_executors();
  life.says(executor(1), engine::RegisterReceiver{.stream = 0});
  life.says(executor(0), engine::RegisterReceiver{.stream = 0});
  const auto answers = life.sent_of_kind<engine::ReceiverRegistered>();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_FALSE(answers[0].accepted);
  EXPECT_TRUE(answers[1].accepted);
}

// Spark's hazard: AddBlock carries no epoch. A receiver that was declared lost still adds blocks.
TEST(ReceiverTracker, ABlockIsTakenFromAReceiverThatHasASuccessor) {
  LoneProcess world;
  Life life(world, pipeline_of(1, false));
  life.start_with_two_executors();
  life.is_lost(executor(0));
  life.says(executor(0), engine::AddBlock{.request = 4, .info = block(1)});
  const auto answers = life.sent_of_kind<engine::BlockAdded>();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].request, 4);
  EXPECT_TRUE(answers[0].added);
  EXPECT_TRUE(life.tracker->has_unallocated_blocks());
}

// The twin: the life of an executor that the receiver is placed on is its epoch.
TEST(ReceiverTracker, AFencedReceiverThatHasASuccessorIsRefused) {
  LoneProcess world;
  engine::Pipeline pipeline = pipeline_of(1, false);
  pipeline.protocol.receiver_fencing = engine::ReceiverFencing::kByPlacement;
  Life life(world, std::move(pipeline));
  life.start_with_two_executors();
  life.is_lost(executor(0));
  life.says(executor(0), engine::AddBlock{.request = 4, .info = block(1)});
  life.says(executor(1, 2), engine::AddBlock{.request = 5, .info = block(2)});
  EXPECT_FALSE(life.tracker->has_unallocated_blocks());
  life.says(executor(1), engine::AddBlock{.request = 6, .info = block(3)});
  EXPECT_TRUE(life.tracker->has_unallocated_blocks());
  std::vector<bool> added;
  for (const auto& answer : life.sent_of_kind<engine::BlockAdded>()) {
    added.push_back(answer.added);
  }
  EXPECT_THAT(added, ElementsAre(false, false, true));
}

TEST(ReceiverTracker, ExecutorsHearOfEachOther) {
  LoneProcess world;
  Life life(world, pipeline_of(1, false));
  life.registers(executor(0));
  life.registers(executor(1));
  const auto told = life.sent_of_kind<engine::ExecutorPeers>();
  ASSERT_EQ(told.size(), 3U);
  EXPECT_THAT(told[1].peers, ElementsAre(executor(1)));
  EXPECT_THAT(told[2].peers, ElementsAre(executor(0)));
}

TEST(ReceiverTracker, AReceiverTakesASlotFromTheTasks) {
  LoneProcess world;
  Life life(world, pipeline_of(1, false), 1);
  life.tasks.executor_registered(executor(0), 1);
  life.tracker->executor_registered(executor(0));
  life.start();
  engine::spawn(world.process.executor(), [](engine::TaskScheduler* tasks) -> engine::Task<> {
    std::vector<engine::TaskDescription> one(1);
    const auto result = co_await tasks->run(std::move(one));
    INVARIANT(false, "nobody runs the task: {}", result.error.message());
  }(&life.tasks));
  world.run_for(std::chrono::seconds(1));
  EXPECT_THAT(life.sent_of_kind<engine::LaunchTask>(), IsEmpty());
  life.tasks.receiver_ended(executor(0));
  EXPECT_EQ(life.sent_of_kind<engine::LaunchTask>().size(), 1U);
}

// --- what a driver finds
// ---------------------------------------------------------------------------

TEST(ReceiverTracker, ARestartFromACheckpointFindsTheBlocksOfTheLifeBefore) {
  LoneProcess world;
  {
    Life first(world, pipeline_of(1, true));
    first.start();
    first.says(executor(0), engine::AddBlock{.request = 1, .info = block(1, true)});
    first.says(executor(0), engine::AddBlock{.request = 2, .info = block(5, true)});
  }
  Life second(world, pipeline_of(1, true));
  second.start(true);
  const engine::BatchInput input = second.plan(1000);
  ASSERT_EQ(input.parts.size(), 2U);
  EXPECT_EQ(std::get<BlockInput>(input.parts[1]).block, (BlockId{.stream = 0, .number = 5}));
}

// Spark's hazard, and the twin of the test before: without a checkpoint nobody looks at the log.
TEST(ReceiverTracker, AFirstStartDoesNotLookAtALogThatLiesThere) {
  LoneProcess world;
  {
    Life first(world, pipeline_of(1, true));
    first.start();
    first.says(executor(0), engine::AddBlock{.request = 1, .info = block(1, true)});
  }
  Life second(world, pipeline_of(1, true));
  second.start(false);
  EXPECT_THAT(second.plan(1000).parts, IsEmpty());
}

// The sound twin. Batches that were allocated and that no checkpoint knows will not run again.
TEST(ReceiverTracker, AFirstStartMayTakeUpALogThatLiesThere) {
  LoneProcess world;
  engine::Pipeline pipeline = pipeline_of(1, true);
  pipeline.protocol.log_replay = engine::LogReplay::kAlways;
  {
    Life first(world, pipeline);
    first.start();
    first.says(executor(0), engine::AddBlock{.request = 1, .info = block(1, true)});
    EXPECT_EQ(first.plan(1000).parts.size(), 1U);
    first.says(executor(0), engine::AddBlock{.request = 2, .info = block(5, true)});
  }
  Life second(world, pipeline);
  second.start(false);
  const engine::BatchInput input = second.plan(2000);
  ASSERT_EQ(input.parts.size(), 2U);
  EXPECT_EQ(std::get<BlockInput>(input.parts[0]).block, (BlockId{.stream = 0, .number = 1}));
  EXPECT_EQ(std::get<BlockInput>(input.parts[1]).block, (BlockId{.stream = 0, .number = 5}));
}

// --- the blocks of a batch
// ---------------------------------------------------------------------------

TEST(ReceiverInputStream, ABatchHasTheBlocksThatCameSinceTheLastOne) {
  LoneProcess world;
  Life life(world, pipeline_of(1, false));
  life.start();
  life.master.block_stored({.stream = 0, .number = 1}, executor(0));
  life.master.block_stored({.stream = 0, .number = 5}, executor(1));
  life.says(executor(0), engine::AddBlock{.request = 1, .info = block(1)});
  const engine::BatchInput first = life.plan(1000);
  life.says(executor(0), engine::AddBlock{.request = 2, .info = block(5)});
  const engine::BatchInput second = life.plan(2000);
  ASSERT_EQ(first.ranges.size(), 1U);
  EXPECT_EQ(first.ranges[0].range.from.value, 1);
  EXPECT_EQ(first.ranges[0].block, (BlockId{.stream = 0, .number = 1}));
  ASSERT_EQ(second.parts.size(), 1U);
  EXPECT_THAT(std::get<BlockInput>(second.parts[0]).locations, ElementsAre(executor(1)));
}

// SPARK-10210: what nobody has is left out in silence, and the tasks behind it move up.
TEST(ReceiverInputStream, ATaskIsToldWhichRecordsOfABlockCount) {
  LoneProcess world;
  engine::Pipeline pipeline = pipeline_of(1, false);
  pipeline.protocol.repeated_records = engine::RepeatedRecords::kDropped;
  Life life(world, std::move(pipeline));
  life.start_with_two_executors();
  for (const std::int64_t number : {1, 2}) {
    life.master.block_stored({.stream = 0, .number = number}, executor(0));
    life.says(executor(0), engine::AddBlock{.request = number, .info = block(number)});
  }
  const engine::BatchInput input = life.plan(1000);
  ASSERT_EQ(input.parts.size(), 2U);
  EXPECT_THAT(std::get<BlockInput>(input.parts[0]).taken, IsEmpty());
  const engine::OffsetRange last{.partition = 0, .from = {3}, .until = {4}};
  EXPECT_THAT(std::get<BlockInput>(input.parts[1]).taken, ElementsAre(last));
  EXPECT_EQ(input.ranges.at(1).range, last);
}

TEST(ReceiverInputStream, ABlockThatIsNowhereIsLeftOut) {
  LoneProcess world;
  Life life(world, pipeline_of(1, false));
  life.start();
  life.master.block_stored({.stream = 0, .number = 5}, executor(1));
  life.says(executor(0), engine::AddBlock{.request = 1, .info = block(1)});
  life.says(executor(0), engine::AddBlock{.request = 2, .info = block(5)});
  const engine::BatchInput input = life.plan(1000);
  ASSERT_EQ(input.ranges.size(), 1U);
  EXPECT_EQ(input.ranges[0].task, 0);
  EXPECT_EQ(input.ranges[0].range.from.value, 5);
}

TEST(ReceiverInputStream, ABlockThatIsInALogIsNotLeftOut) {
  LoneProcess world;
  Life life(world, pipeline_of(1, true));
  life.start();
  life.says(executor(0), engine::AddBlock{.request = 1, .info = block(1, true)});
  const engine::BatchInput input = life.plan(1000);
  ASSERT_EQ(input.parts.size(), 1U);
  EXPECT_THAT(std::get<BlockInput>(input.parts[0]).locations, IsEmpty());
}

TEST(ReceiverInputStream, BlocksOfBatchesThatAreDoneLeaveTheMemory) {
  LoneProcess world;
  Life life(world, pipeline_of(1, false));
  life.start();
  life.master.block_stored({.stream = 0, .number = 1}, executor(0));
  life.says(executor(0), engine::AddBlock{.request = 1, .info = block(1)});
  static_cast<void>(life.plan(1000));
  life.stream->clear_metadata(batch_at_ms(1000));
  EXPECT_THAT(life.sent_of_kind<engine::RemoveBlocks>(), IsEmpty());
  life.stream->clear_metadata(batch_at_ms(2000));
  const auto removed = life.sent_of_kind<engine::RemoveBlocks>();
  ASSERT_EQ(removed.size(), 1U);
  EXPECT_THAT(removed[0].blocks, ElementsAre(BlockId{.stream = 0, .number = 1}));
}

// --- stopping
// ----------------------------------------------------------------------------------------

TEST(ReceiverTracker, StoppingWaitsUntilEveryReceiverHasEnded) {
  LoneProcess world;
  Life life(world, pipeline_of(1, false));
  life.start_with_two_executors();
  bool stopped = false;
  engine::spawn(world.process.executor(),
                [](engine::ReceiverTracker* tracker, bool* done) -> engine::Task<> {
                  co_await tracker->stop_receivers(true);
                  *done = true;
                }(life.tracker.get(), &stopped));
  world.run_for(std::chrono::minutes(5));
  EXPECT_FALSE(stopped);
  EXPECT_EQ(life.sent_of_kind<engine::StopReceiver>().size(), 1U);
  life.says(executor(0), engine::ReceiverEnded{.stream = 0});
  EXPECT_TRUE(stopped);
  EXPECT_EQ(life.launches().size(), 1U) << "nothing is placed again";
}

// The hazard of a log that is closed first, and its remedy: what comes in last has no batch.
TEST(ReceiverTracker, AClosedLogLeavesBlocksUnallocated) {
  LoneProcess world;
  Life life(world, pipeline_of(1, true));
  life.start();
  life.says(executor(0), engine::AddBlock{.request = 1, .info = block(1, true)});
  engine::spawn(world.process.executor(), life.tracker->close_log());
  world.run_for(std::chrono::seconds(1));
  EXPECT_THAT(life.plan(1000).parts, IsEmpty());
  EXPECT_TRUE(life.stream->has_unplanned());
}

}  // namespace
