// tests/unit/direct_kafka_stream_test.cpp
//
// Which offsets a batch has, by the invariants of engine/driver/direct_kafka_stream.h, and the
// limits on them.

#include "engine/driver/direct_kafka_stream.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/lone_process.h"

namespace {

using engine::BatchRanges;
using engine::OffsetKeeping;
using engine::OffsetRange;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using tests::batch_at_ms;
using tests::LoneProcess;

constexpr OffsetRange range(engine::PartitionId partition, std::int64_t from, std::int64_t until) {
  return {.partition = partition, .from = {from}, .until = {until}};
}

// A stream over a topic of two partitions.
class Stream {
 public:
  explicit Stream(engine::Pipeline pipeline = {})
      : pipeline_(std::move(pipeline)), ports_(world_.begin()) {
    pipeline_.source.topic = "t";
    pipeline_.source.partitions = 2;
    const auto created = world_.cluster.create_topic({.name = "t", .partitions = 2});
    INVARIANT(created.has_value(), "an empty cluster takes a topic");
    keeper_.emplace(ports_, pipeline_);
    stream_.emplace(ports_, pipeline_, *keeper_);
  }

  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  ~Stream() { world_.end(); }

  engine::DirectKafkaStream* operator->() { return &*stream_; }

  engine::OffsetKeeper& keeper() { return *keeper_; }

  LoneProcess& world() { return world_; }

  void produce(engine::PartitionId partition, std::int64_t count) {
    std::vector<engine::ProducerRecord> records(static_cast<std::size_t>(count));
    for (engine::ProducerRecord& record : records) {
      record.partition = partition;
    }
    const auto produced = world_.cluster.produce("t", records);
    INVARIANT(produced.has_value(), "the model takes records");
  }

  engine::Result<> start() { return world_.result_of(stream_->start()).value(); }

  BatchRanges plan(std::int64_t batch_ms) {
    const engine::BatchInput input =
        world_.result_of(stream_->get_or_compute(batch_at_ms(batch_ms))).value().value();
    BatchRanges ranges;
    for (const engine::TaskInput& part : input.parts) {
      ranges.push_back(std::get<OffsetRange>(part));
    }
    return ranges;
  }

  boost::system::error_code error_of_plan(std::int64_t batch_ms) {
    return world_.result_of(stream_->get_or_compute(batch_at_ms(batch_ms))).value().error();
  }

  engine::Result<> restore(engine::DirectStreamState state) {
    engine::Checkpoint checkpoint;
    checkpoint.stream = std::move(state);
    return world_.result_of(stream_->restore(&checkpoint)).value();
  }

 private:
  LoneProcess world_;
  engine::Pipeline pipeline_;
  engine::Ports ports_;
  std::optional<engine::OffsetKeeper> keeper_;
  std::optional<engine::DirectKafkaStream> stream_;
};

// --- D1, D2 ------------------------------------------------------------------------------------

TEST(DirectKafkaStream, EachBatchBeginsWhereTheOneBeforeEnded) {
  Stream stream;
  ASSERT_TRUE(stream.start().has_value());
  stream.produce(0, 3);
  EXPECT_THAT(stream.plan(1000), ElementsAre(range(0, 0, 3), range(1, 0, 0)));
  stream.produce(0, 1);
  stream.produce(1, 2);
  EXPECT_THAT(stream.plan(2000), ElementsAre(range(0, 3, 4), range(1, 0, 2)));
  EXPECT_THAT(stream.plan(3000), ElementsAre(range(0, 4, 4), range(1, 2, 2)));
}

TEST(DirectKafkaStream, ABatchThatACheckpointHoldsKeepsItsRanges) {
  Stream first;
  ASSERT_TRUE(first.start().has_value());
  first.produce(0, 3);
  static_cast<void>(first.plan(1000));
  Stream second;
  second.produce(0, 10);
  ASSERT_TRUE(second.restore(first->state()).has_value());
  EXPECT_THAT(second.plan(1000), ElementsAre(range(0, 0, 3), range(1, 0, 0)));
  EXPECT_THAT(second.plan(2000), ElementsAre(range(0, 3, 10), range(1, 0, 0)));
}

// The counter-example of D2, and the root of what a restart can change: a batch that no checkpoint
// holds grows when more has arrived.
TEST(DirectKafkaStream, ABatchThatNoCheckpointHoldsIsPlannedAnewAndLarger) {
  Stream first;
  ASSERT_TRUE(first.start().has_value());
  const auto before_the_batch = first->state();
  first.produce(0, 3);
  EXPECT_EQ(first.plan(1000)[0], range(0, 0, 3));
  Stream second;
  second.produce(0, 10);
  ASSERT_TRUE(second.restore(before_the_batch).has_value());
  EXPECT_EQ(second.plan(1000)[0], range(0, 0, 10));
}

TEST(DirectKafkaStream, ForgetsTheBatchesBeforeACompletedOneAndKeepsThatOne) {
  Stream stream;
  ASSERT_TRUE(stream.start().has_value());
  for (const std::int64_t batch : {1000, 2000, 3000}) {
    static_cast<void>(stream.plan(batch));
  }
  stream->clear_metadata(batch_at_ms(2000));
  std::vector<engine::BatchTime> kept;
  for (const auto& [batch, ranges] : stream->state().batch_for_time) {
    kept.push_back(batch);
  }
  EXPECT_THAT(kept, ElementsAre(batch_at_ms(2000), batch_at_ms(3000)));
}

// --- Logs that were cut back -------------------------------------------------------------------

TEST(DirectKafkaStream, ALogThatWasCutBackGivesARangeThatEndsBeforeItBeginsAndThenGoesOn) {
  Stream stream;
  ASSERT_TRUE(stream.start().has_value());
  stream.produce(0, 3);
  stream.produce(0, 2);
  stream.produce(1, 2);
  static_cast<void>(stream.plan(1000));
  ASSERT_TRUE(stream.world().cluster.truncate("t", 0, {3}));
  stream.produce(1, 4);
  EXPECT_THAT(stream.plan(2000), ElementsAre(range(0, 5, 3), range(1, 2, 6)));
  stream.produce(0, 1);
  EXPECT_THAT(stream.plan(3000), ElementsAre(range(0, 3, 4), range(1, 6, 6)));
}

// What comes in its place is not skipped: the position waits until the batch is none of a negative
// size any more, and then goes back with it.
TEST(DirectKafkaStream, ABatchOfFewerRecordsThanNoneIsNotPlanned) {
  Stream stream;
  ASSERT_TRUE(stream.start().has_value());
  stream.produce(0, 3);
  stream.produce(0, 2);
  static_cast<void>(stream.plan(1000));
  ASSERT_TRUE(stream.world().cluster.truncate("t", 0, {3}));
  EXPECT_EQ(stream.error_of_plan(2000), engine::Errc::kOffsetOutOfRange);
  stream.produce(1, 1);
  EXPECT_EQ(stream.error_of_plan(3000), engine::Errc::kOffsetOutOfRange);
  stream.produce(1, 1);
  EXPECT_THAT(stream.plan(4000), ElementsAre(range(0, 5, 3), range(1, 0, 2)));
}

// --- Start -------------------------------------------------------------------------------------

TEST(DirectKafkaStream, StartsAtTheEarliestOrTheLatestOffsetWhenNothingIsSaved) {
  for (const auto start : {engine::StartPosition::kEarliest, engine::StartPosition::kLatest}) {
    engine::Pipeline pipeline;
    pipeline.source.start = start;
    Stream stream(pipeline);
    stream.produce(0, 4);
    ASSERT_TRUE(stream.start().has_value());
    stream.produce(0, 1);
    const std::int64_t from = start == engine::StartPosition::kEarliest ? 0 : 4;
    EXPECT_EQ(stream.plan(1000)[0], range(0, from, 5));
  }
}

TEST(DirectKafkaStream, StartsAtWhatWasSavedWhereverItIsKept) {
  for (const auto keeping : {OffsetKeeping::kKafka, OffsetKeeping::kHbase, OffsetKeeping::kSink}) {
    engine::Pipeline pipeline;
    pipeline.source.offsets = keeping;
    Stream stream(pipeline);
    stream.produce(0, 4);
    const BatchRanges done{range(0, 0, 3), range(1, 0, 0)};
    const auto saved = stream.world().result_of(stream.keeper().save(batch_at_ms(1000), done));
    ASSERT_TRUE(saved.has_value() && saved->has_value());
    stream.keeper().flush();
    stream.world().run_for();
    ASSERT_TRUE(stream.start().has_value());
    EXPECT_EQ(stream.plan(2000)[0], range(0, 3, 4)) << static_cast<int>(keeping);
  }
}

TEST(DirectKafkaStream, WhatIsKeptNowhereIsReadFromTheStartAgain) {
  engine::Pipeline pipeline;
  pipeline.source.offsets = OffsetKeeping::kNone;
  Stream stream(pipeline);
  stream.produce(0, 4);
  const BatchRanges done{range(0, 0, 3), range(1, 0, 0)};
  ASSERT_TRUE(stream.world().result_of(stream.keeper().save(batch_at_ms(1000), done)).has_value());
  ASSERT_TRUE(stream.start().has_value());
  EXPECT_EQ(stream.plan(2000)[0], range(0, 0, 4));
}

// --- Limits ------------------------------------------------------------------------------------

TEST(DirectKafkaStream, TheFixedRateLimitsEachPartitionOfABatch) {
  engine::Pipeline pipeline;
  pipeline.source.max_rate_per_partition = 5;
  pipeline.batch_interval = std::chrono::seconds(2);
  Stream stream(pipeline);
  ASSERT_TRUE(stream.start().has_value());
  stream.produce(0, 25);
  stream.produce(1, 3);
  EXPECT_THAT(stream.plan(2000), ElementsAre(range(0, 0, 10), range(1, 0, 3)));
  EXPECT_THAT(stream.plan(4000), ElementsAre(range(0, 10, 20), range(1, 3, 3)));
  EXPECT_THAT(stream.plan(6000), ElementsAre(range(0, 20, 25), range(1, 3, 3)));
}

TEST(DirectKafkaStream, TheEstimatedRateIsSharedOutByLag) {
  engine::Pipeline pipeline;
  pipeline.backpressure = true;
  Stream stream(pipeline);
  ASSERT_TRUE(stream.start().has_value());
  stream.produce(0, 300);
  stream.produce(1, 100);
  stream->set_rate(200);
  EXPECT_THAT(stream.plan(1000), ElementsAre(range(0, 0, 150), range(1, 0, 50)));
}

TEST(DirectKafkaStream, TheEstimatedRateNeverExceedsTheFixedOne) {
  engine::Pipeline pipeline;
  pipeline.backpressure = true;
  pipeline.source.max_rate_per_partition = 60;
  Stream stream(pipeline);
  ASSERT_TRUE(stream.start().has_value());
  stream.produce(0, 300);
  stream.produce(1, 100);
  stream->set_rate(200);
  EXPECT_THAT(stream.plan(1000), ElementsAre(range(0, 0, 60), range(1, 0, 50)));
}

// spark.streaming.kafka.minRatePerPartition is 1.
TEST(DirectKafkaStream, ALimitNeverStarvesAPartition) {
  engine::Pipeline pipeline;
  pipeline.backpressure = true;
  Stream stream(pipeline);
  ASSERT_TRUE(stream.start().has_value());
  stream.produce(0, 1000);
  stream.produce(1, 2);
  stream->set_rate(100);
  EXPECT_THAT(stream.plan(1000), ElementsAre(range(0, 0, 99), range(1, 0, 1)));
}

// Spark does not persist it: the first batch after a restart takes the whole backlog.
TEST(DirectKafkaStream, TheEstimatedRateIsForgottenByARestart) {
  engine::Pipeline pipeline;
  pipeline.backpressure = true;
  Stream first(pipeline);
  ASSERT_TRUE(first.start().has_value());
  first->set_rate(10);
  Stream second(pipeline);
  second.produce(0, 500);
  ASSERT_TRUE(second.restore(first->state()).has_value());
  EXPECT_EQ(second.plan(1000)[0], range(0, 0, 500));
}

}  // namespace
