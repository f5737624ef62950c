// tests/unit/receiver_test.cpp
//
// Receivers and their supervisor: the order of their steps, where they start, how they stop, and
// what a life of the executor that ends at any step leaves. Each hazard has its counter-example.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/receiver/kafka_consumer.h"
#include "engine/receiver/reliable_kafka_receiver.h"
#include "tests/support/receiver_world.h"

namespace {

using engine::CommittedOffset;
using engine::Duration;
using engine::OffsetCommit;
using engine::Pipeline;
using engine::ReceiverOptions;
using engine::StartPosition;
using engine::SupervisorStop;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::SizeIs;
using tests::Journal;
using tests::receiver_pipeline;
using tests::ReceiverWorld;
using tests::reliable_with_log;
using tests::unreliable;

using Offsets = std::vector<std::int64_t>;

ReceiverOptions reliable_without_log() {
  ReceiverOptions options = reliable_with_log();
  options.write_ahead_log = false;
  options.replication = 1;
  return options;
}

// --- Order of steps ----------------------------------------------------------------------------

TEST(KafkaReceiver, StoresThenReportsEachBlock) {
  ReceiverWorld world(receiver_pipeline(unreliable()));
  world.produce(3);
  world.run_for(seconds(1));
  EXPECT_THAT(world.journal,
              ElementsAre("RegisterReceiver",
                          "receiver.fetched",
                          "receiver.buffered",
                          "receiver.block_sealed",
                          "BlockStored",
                          "receiver.block_stored",
                          "AddBlock",
                          "receiver.block_reported",
                          "receiver.block_acknowledged"));
  EXPECT_THAT(world.added_offsets(), ElementsAre(0, 1, 2));
  EXPECT_EQ(world.driver.added[0].record_count, 3);
  EXPECT_FALSE(world.driver.added[0].wal.has_value());
}

TEST(KafkaReceiver, ReplicatesBeforeItReports) {
  ReceiverOptions options = unreliable();
  options.replication = 2;
  ReceiverWorld world(receiver_pipeline(options));
  world.produce(3);
  world.run_for(seconds(1));
  EXPECT_THAT(world.only({"receiver.block_stored", "receiver.block_replicated", "AddBlock"}),
              ElementsAre("receiver.block_stored", "receiver.block_replicated", "AddBlock"));
}

TEST(ReliableKafkaReceiver, CommitsWhatIsLoggedReportedAndAcknowledged) {
  ReceiverWorld world(receiver_pipeline(reliable_with_log()));
  world.produce(3);
  world.run_for(seconds(1));
  EXPECT_THAT(world.journal,
              ElementsAre("RegisterReceiver",
                          "receiver.fetched",
                          "receiver.buffered",
                          "receiver.block_sealed",
                          "BlockStored",
                          "receiver.block_stored",
                          "receiver.wal_appended",
                          "AddBlock",
                          "receiver.block_reported",
                          "receiver.block_acknowledged",
                          "commit 0@2",
                          "receiver.offsets_committed"));
  ASSERT_THAT(world.driver.added, SizeIs(1));
  EXPECT_TRUE(world.driver.added[0].wal.has_value());
}

// The counter-example of I4.
TEST(ReliableKafkaReceiver, TheMistakeCommitsBeforeTheBlockIsStored) {
  Pipeline pipeline = receiver_pipeline(reliable_with_log());
  pipeline.protocol.offset_commit = OffsetCommit::kBeforeStore;
  ReceiverWorld world(pipeline);
  world.produce(3);
  world.run_for(seconds(1));
  EXPECT_THAT(world.only({"commit 0@2", "receiver.block_stored", "AddBlock"}),
              ElementsAre("commit 0@2", "receiver.block_stored", "AddBlock"));
}

TEST(ReliableKafkaReceiver, CommitsEachPartitionByItself) {
  Pipeline pipeline = receiver_pipeline(reliable_with_log());
  pipeline.source.partitions = 2;
  ReceiverWorld world(pipeline);
  world.produce(2, 0);
  world.produce(5, 1);
  world.run_for(seconds(1));
  EXPECT_EQ(world.committed(0), 1);
  EXPECT_EQ(world.committed(1), 4);
  EXPECT_THAT(world.only({"commit 0@1", "commit 1@4"}), SizeIs(2));
}

TEST(KafkaReceiver, TellsWhatItFetchesBuffersAndStores) {
  ReceiverWorld world(receiver_pipeline(reliable_with_log()));
  world.produce(3);
  world.run_for(seconds(1));
  const auto& listener = world.world.listener;
  EXPECT_EQ(listener.positions.at(0), engine::Offset{3});
  EXPECT_EQ(listener.received_bytes, 15);
  EXPECT_EQ(listener.buffered_records, 0);
  EXPECT_EQ(listener.block_bytes, 15);
  EXPECT_EQ(listener.stored_bytes.at(engine::StoredAs::kBlock), 15);
  EXPECT_GT(listener.stored_bytes.at(engine::StoredAs::kDataLog), 15);
}

// --- Where it starts ---------------------------------------------------------------------------

TEST(KafkaReceiver, StartsAtWhatTheGroupHasCommitted) {
  ReceiverWorld world(receiver_pipeline(unreliable()));
  world.commit(2);
  world.produce(4);
  world.run_for(seconds(1));
  EXPECT_THAT(world.added_offsets(), ElementsAre(2, 3));
}

TEST(KafkaReceiver, StartsAtTheEarliestOrTheLatestOffsetWhenNothingIsCommitted) {
  for (const auto start : {StartPosition::kEarliest, StartPosition::kLatest}) {
    Pipeline pipeline = receiver_pipeline(unreliable());
    pipeline.source.start = start;
    ReceiverWorld world(pipeline);
    world.produce(2);
    world.run_for(seconds(1));
    world.produce(1);
    world.run_for(seconds(1));
    const bool earliest = start == StartPosition::kEarliest;
    EXPECT_EQ(world.added_offsets(), earliest ? (Offsets{0, 1, 2}) : (Offsets{2}));
  }
}

TEST(KafkaReceiver, StreamsAndThreadsShareOutThePartitions) {
  Pipeline pipeline = receiver_pipeline(unreliable());
  pipeline.source.partitions = 11;
  pipeline.source.receiver->receivers = 3;
  pipeline.source.receiver->consumer_threads = 2;
  EXPECT_THAT(engine::partitions_of(pipeline.source, 1, 0), ElementsAre(1, 7));
  EXPECT_THAT(engine::partitions_of(pipeline.source, 1, 1), ElementsAre(4, 10));
  std::multiset<engine::PartitionId> all;
  for (engine::StreamId stream = 0; stream < 3; ++stream) {
    for (const std::int32_t thread : {0, 1}) {
      const auto partitions = engine::partitions_of(pipeline.source, stream, thread);
      all.insert(partitions.begin(), partitions.end());
    }
  }
  EXPECT_THAT(all, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST(KafkaReceiver, SeveralThreadsReadEverythingOnce) {
  Pipeline pipeline = receiver_pipeline(unreliable());
  pipeline.source.partitions = 3;
  pipeline.source.receiver->consumer_threads = 2;
  ReceiverWorld world(pipeline);
  for (const engine::PartitionId partition : {0, 1, 2}) {
    world.produce(700, partition);
  }
  world.run_for(seconds(5));
  EXPECT_THAT(world.added_offsets(), SizeIs(2100));
}

// --- Rates -------------------------------------------------------------------------------------

TEST(KafkaReceiver, TakesNoMoreThanItsMaximumRate) {
  ReceiverOptions options = unreliable();
  options.max_rate = 10;
  ReceiverWorld world(receiver_pipeline(options));
  world.produce(100);
  world.run_for(milliseconds(4200));
  EXPECT_THAT(world.added_offsets(), SizeIs(AllOf(Ge(30U), Le(42U))));
}

TEST(KafkaReceiver, ObeysTheRateOfTheDriver) {
  ReceiverWorld world(receiver_pipeline(unreliable()));
  world.tell(engine::UpdateRateLimit{.stream = 0, .records_per_second = 5});
  world.run_for(milliseconds(100));
  world.produce(100);
  world.run_for(milliseconds(4100));
  EXPECT_THAT(world.added_offsets(), SizeIs(AllOf(Ge(15U), Le(26U))));
}

// --- Failures of storing and reporting -----------------------------------------------------------

TEST(ReliableKafkaReceiver, TriesEachBlockFourTimesUnderANewIdEach) {
  ReceiverWorld world(receiver_pipeline(reliable_without_log()));
  world.driver.adds = false;
  world.produce(3);
  world.run_for(seconds(5));
  std::set<engine::BlockId> ids;
  for (const auto& block : world.driver.reported) {
    ids.insert(block.block);
    EXPECT_EQ(block.record_count, 3);
  }
  EXPECT_THAT(world.driver.reported, SizeIs(engine::ReliableKafkaReceiver::kStoreAttempts));
  EXPECT_THAT(ids, SizeIs(engine::ReliableKafkaReceiver::kStoreAttempts));
  EXPECT_EQ(world.committed(), -1);
}

// The hazard: it waits for itself. Not even the driver can end it.
TEST(ReliableKafkaReceiver, HangsWhenItGivesUpAndIsNeverStartedAgain) {
  ReceiverWorld world(receiver_pipeline(reliable_without_log()));
  world.driver.adds = false;
  world.produce(3);
  world.run_for(seconds(5));
  world.driver.adds = true;
  world.produce(3);
  world.tell(engine::StopReceiver{.stream = 0});
  world.run_for(seconds(600));
  EXPECT_TRUE(world.executor->runs_receiver(0));
  EXPECT_THAT(world.journal, Not(Contains("DeregisterReceiver")));
  EXPECT_THAT(world.journal, Not(Contains("ReceiverEnded")));
  EXPECT_THAT(world.driver.added, IsEmpty());
  EXPECT_EQ(world.world.listener.buffered_records, 3);
}

TEST(ReliableKafkaReceiver, SurvivesThreeFailedAttempts) {
  ReceiverWorld world(receiver_pipeline(reliable_with_log()));
  world.storage.refuses = true;
  world.produce(3);
  world.run_for(milliseconds(212));
  world.storage.refuses = false;
  world.run_for(seconds(5));
  EXPECT_THAT(world.added_offsets(), ElementsAre(0, 1, 2));
  EXPECT_EQ(world.committed(), 2);
}

TEST(ReliableKafkaReceiver, ALogThatDoesNotAnswerInTimeFailsTheAttempt) {
  ReceiverWorld world(receiver_pipeline(reliable_with_log()));
  world.storage.hangs = true;
  world.produce(3);
  world.run_for(seconds(29));
  EXPECT_EQ(world.only({"receiver.block_stored"}).size(), 1);
  world.run_for(seconds(4));
  EXPECT_EQ(world.only({"receiver.block_stored"}).size(), 2);
  EXPECT_THAT(world.driver.reported, IsEmpty());
}

// The hazard: what the driver could not log once is lost, and all that follows is buffered for
// ever.
TEST(KafkaReceiver, StoresNothingMoreAfterTheFirstReportThatFails) {
  ReceiverWorld world(receiver_pipeline(unreliable()));
  world.driver.adds = false;
  world.produce(3);
  world.run_for(seconds(1));
  world.driver.adds = true;
  world.produce(3);
  world.run_for(seconds(10));
  EXPECT_THAT(world.driver.added, IsEmpty());
  EXPECT_EQ(world.world.listener.buffered_records, 3);
  EXPECT_EQ(world.world.listener.positions.at(0), engine::Offset{6});
}

// --- Restarts and stops --------------------------------------------------------------------------

TEST(ReceiverSupervisor, AReceiverThatTheDriverRefusesEnds) {
  ReceiverWorld world(receiver_pipeline(unreliable()));
  world.driver.accepts = false;
  world.produce(3);
  world.run_for(seconds(5));
  EXPECT_THAT(world.journal, ElementsAre("RegisterReceiver", "ReceiverEnded"));
  EXPECT_FALSE(world.executor->runs_receiver(0));
}

TEST(ReceiverSupervisor, ADriverThatDoesNotAnswerRefuses) {
  ReceiverWorld world(receiver_pipeline(unreliable()));
  world.driver.answers = false;
  world.run_for(seconds(119));
  EXPECT_TRUE(world.executor->runs_receiver(0));
  world.run_for(seconds(2));
  EXPECT_FALSE(world.executor->runs_receiver(0));
}

TEST(ReceiverSupervisor, AReceiverThatFailsIsStartedAgainAfterTheDelay) {
  ReceiverWorld world(receiver_pipeline(unreliable()));
  world.produce(2);
  world.run_for(seconds(1));
  world.executor->fail_receiver(0);
  world.run_for(milliseconds(1900));
  EXPECT_THAT(world.only({"DeregisterReceiver", "RegisterReceiver"}),
              ElementsAre("RegisterReceiver", "DeregisterReceiver"));
  EXPECT_TRUE(world.executor->runs_receiver(0));
  world.produce(2);
  world.run_for(seconds(2));
  EXPECT_THAT(world.only({"DeregisterReceiver", "RegisterReceiver"}),
              ElementsAre("RegisterReceiver", "DeregisterReceiver", "RegisterReceiver"));
  EXPECT_THAT(world.added_offsets(), ElementsAre(0, 1, 2, 3));
}

// The unreliable receiver commits what it buffered, and the buffer is the supervisor's.
TEST(ReceiverSupervisor, WhatIsBufferedSurvivesARestartOfTheReceiver) {
  ReceiverWorld world(receiver_pipeline(unreliable()));
  world.run_for(milliseconds(210));
  world.produce(3);
  world.run_for(milliseconds(130));
  ASSERT_EQ(world.world.listener.buffered_records, 3);
  world.executor->fail_receiver(0);
  world.run_for(seconds(5));
  EXPECT_EQ(world.committed(), 3);
  EXPECT_THAT(world.added_offsets(), ElementsAre(0, 1, 2));
}

TEST(ReceiverSupervisor, AReceiverThatIsBeingRestartedHasNoPosition) {
  ReceiverWorld world(receiver_pipeline(unreliable()));
  world.produce(3);
  world.run_for(seconds(1));
  EXPECT_EQ(world.world.listener.positions.at(0), engine::Offset{3});
  world.executor->fail_receiver(0);
  world.run_for(seconds(1));
  EXPECT_EQ(world.world.listener.positions.at(0), engine::Offset{0});
  world.run_for(seconds(2));
  EXPECT_EQ(world.world.listener.positions.at(0), engine::Offset{3});
}

// The hazard: what is committed is the last record itself.
TEST(ReliableKafkaReceiver, ARestartFetchesTheLastStoredRecordAgain) {
  ReceiverWorld world(receiver_pipeline(reliable_with_log()));
  world.produce(3);
  world.run_for(seconds(1));
  EXPECT_EQ(world.committed(), 2);
  world.executor->fail_receiver(0);
  world.run_for(seconds(5));
  EXPECT_THAT(world.added_offsets(), ElementsAre(0, 1, 2, 2));
}

TEST(ReliableKafkaReceiver, ARestartFetchesNothingAgainWhenTheNextOffsetIsCommitted) {
  Pipeline pipeline = receiver_pipeline(reliable_with_log());
  pipeline.protocol.committed_offset = CommittedOffset::kNext;
  ReceiverWorld world(pipeline);
  world.produce(3);
  world.run_for(seconds(1));
  EXPECT_EQ(world.committed(), 3);
  world.executor->fail_receiver(0);
  world.run_for(seconds(5));
  EXPECT_THAT(world.added_offsets(), ElementsAre(0, 1, 2));
}

// The hazard: the client that commits is gone when the generator is drained.
TEST(ReliableKafkaReceiver, WhatIsStoredDuringAStopIsNotCommitted) {
  ReceiverWorld world(receiver_pipeline(reliable_with_log()));
  world.run_for(milliseconds(210));
  world.produce(3);
  world.run_for(milliseconds(130));
  ASSERT_EQ(world.world.listener.buffered_records, 3);
  world.tell(engine::StopReceiver{.stream = 0});
  world.run_for(seconds(5));
  EXPECT_THAT(world.added_offsets(), ElementsAre(0, 1, 2));
  EXPECT_EQ(world.committed(), -1);
  EXPECT_THAT(world.only({"AddBlock", "DeregisterReceiver", "ReceiverEnded"}),
              ElementsAre("AddBlock", "DeregisterReceiver", "ReceiverEnded"));
}

// A receiver with something in its buffer is told to stop.
void stop_with_a_full_buffer(ReceiverWorld& world) {
  world.run_for(milliseconds(210));
  world.produce(3);
  world.run_for(milliseconds(130));
  ASSERT_EQ(world.world.listener.buffered_records, 3);
  world.tell(engine::StopReceiver{.stream = 0});
  world.run_for(seconds(5));
  EXPECT_EQ(world.committed(), 3);
  EXPECT_EQ(world.world.listener.buffered_records, 0);
  EXPECT_FALSE(world.executor->runs_receiver(0));
  EXPECT_EQ(world.journal.back(), "ReceiverEnded");
}

ReceiverOptions unreliable_with_log() {
  ReceiverOptions options = unreliable();
  options.write_ahead_log = true;
  return options;
}

// The hazard: the log is closed before the buffer is empty.
TEST(ReceiverSupervisor, AStopThatClosesTheLogFirstLosesWhatIsBufferedAndCommitted) {
  ReceiverWorld world(receiver_pipeline(unreliable_with_log()));
  stop_with_a_full_buffer(world);
  EXPECT_THAT(world.driver.added, IsEmpty());
}

TEST(ReceiverSupervisor, AStopThatDrainsTheGeneratorFirstStoresWhatIsBuffered) {
  Pipeline pipeline = receiver_pipeline(unreliable_with_log());
  pipeline.protocol.supervisor_stop = SupervisorStop::kGeneratorFirst;
  ReceiverWorld world(pipeline);
  stop_with_a_full_buffer(world);
  EXPECT_THAT(world.added_offsets(), ElementsAre(0, 1, 2));
}

TEST(ReceiverSupervisor, WithoutALogAStopStoresWhatIsBuffered) {
  ReceiverWorld world(receiver_pipeline(unreliable()));
  stop_with_a_full_buffer(world);
  EXPECT_THAT(world.added_offsets(), ElementsAre(0, 1, 2));
}

TEST(ReceiverSupervisor, AReceiverThatIsStoppedWhileItIsBeingRestartedStaysStopped) {
  ReceiverWorld world(receiver_pipeline(unreliable()));
  world.run_for(seconds(1));
  world.executor->fail_receiver(0);
  world.run_for(seconds(1));
  world.tell(engine::StopReceiver{.stream = 0});
  world.run_for(seconds(10));
  EXPECT_THAT(world.journal,
              ElementsAre("RegisterReceiver", "DeregisterReceiver", "ReceiverEnded"));
  EXPECT_FALSE(world.executor->runs_receiver(0));
}

TEST(ReceiverSupervisor, AStreamThatEndedCanBeLaunchedAgain) {
  ReceiverWorld world(receiver_pipeline(unreliable()));
  world.produce(2);
  world.run_for(seconds(1));
  world.tell(engine::StopReceiver{.stream = 0});
  world.run_for(seconds(1));
  EXPECT_FALSE(world.executor->runs_receiver(0));
  world.produce(2);
  world.tell(engine::LaunchReceiver{.stream = 0});
  world.run_for(seconds(1));
  EXPECT_TRUE(world.executor->runs_receiver(0));
  EXPECT_THAT(world.added_offsets(), ElementsAre(0, 1, 2, 3));
}

TEST(ReceiverSupervisor, CleansFilesOfTheLogThatAreOld) {
  ReceiverWorld world(receiver_pipeline(reliable_with_log()));
  world.produce(1);
  world.run_for(seconds(100));
  world.produce(1);
  world.run_for(seconds(1));
  EXPECT_THAT(world.world.files.list("checkpoint/receivedData/0/"), SizeIs(2));
  world.tell(engine::CleanUpOldBlocks{.stream = 0, .threshold = tests::at_ms(90'000)});
  world.run_for(seconds(1));
  EXPECT_THAT(world.world.files.list("checkpoint/receivedData/0/"), SizeIs(1));
}

TEST(Executor, RunsOutOfMemoryWhenItKeepsTooManyBlocks) {
  engine::Cluster cluster;
  cluster.executor_memory = 100;
  ReceiverWorld world(receiver_pipeline(unreliable()), cluster);
  world.produce(20);
  world.run_for(seconds(1));
  EXPECT_FALSE(world.exited);
  world.produce(1);
  world.run_for(seconds(1));
  EXPECT_TRUE(world.exited);
}

// --- The end of the executor ---------------------------------------------------------------------

// What is in no acknowledged block that could still be read, after a life that ended at `step` and
// another one that did not. Memory dies with a life.
Offsets missing_after_a_crash_at(const Pipeline& pipeline, std::uint64_t step, bool& crashed) {
  constexpr std::int64_t kRecords = 6;
  ReceiverWorld world(pipeline);
  world.world.hook.step = step;
  world.produce(kRecords / 2);
  world.run_for(milliseconds(300));
  world.produce(kRecords / 2);
  world.run_for(milliseconds(700));
  crashed = world.world.hook.crashed;
  if (!crashed) {
    return {};
  }
  if (!pipeline.source.receiver->write_ahead_log) {
    world.driver.added.clear();
  }
  world.end();
  world.begin();
  world.run_for(seconds(2));
  const Offsets added = world.added_offsets();
  Offsets missing;
  for (std::int64_t offset = 0; offset < kRecords; ++offset) {
    if (std::ranges::find(added, offset) == added.end()) {
      missing.push_back(offset);
    }
  }
  for (const engine::ReceivedBlockInfo& block : world.driver.added) {
    if (block.wal) {
      const auto file = world.world.files.read(block.wal->path);
      const auto record = file ? engine::record_at(file.value(), *block.wal)
                               : engine::Result<std::string>(file.error());
      EXPECT_TRUE(record.has_value()) << "an acknowledged block is not in the log, step " << step;
    }
  }
  return missing;
}

// How many steps there are at which a crash loses something.
std::vector<std::uint64_t> steps_that_lose(const Pipeline& pipeline) {
  std::vector<std::uint64_t> losing;
  bool crashed = true;
  for (std::uint64_t step = 1; crashed; ++step) {
    const Offsets missing = missing_after_a_crash_at(pipeline, step, crashed);
    if (!missing.empty()) {
      losing.push_back(step);
    }
  }
  return losing;
}

TEST(ReliableKafkaReceiver, WithALogACrashAtAnyStepLosesNothing) {
  EXPECT_THAT(steps_that_lose(receiver_pipeline(reliable_with_log())), IsEmpty());
}

TEST(ReliableKafkaReceiver, ThatCommitsBeforeItStoresLosesSomethingAtSomeStep) {
  Pipeline pipeline = receiver_pipeline(reliable_with_log());
  pipeline.protocol.offset_commit = OffsetCommit::kBeforeStore;
  pipeline.protocol.committed_offset = CommittedOffset::kNext;
  EXPECT_THAT(steps_that_lose(pipeline), Not(IsEmpty()));
}

TEST(KafkaReceiver, ACrashAfterTheOffsetsAreCommittedLosesWhatIsNotStored) {
  ReceiverOptions options = unreliable_with_log();
  options.auto_commit_interval = milliseconds(20);
  EXPECT_THAT(steps_that_lose(receiver_pipeline(options)), Not(IsEmpty()));
}

TEST(KafkaReceiver, ACrashBeforeTheOffsetsAreCommittedLosesNothing) {
  EXPECT_THAT(steps_that_lose(receiver_pipeline(unreliable_with_log())), IsEmpty());
}

}  // namespace
