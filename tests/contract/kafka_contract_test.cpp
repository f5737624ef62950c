#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/adapters/kafka_rules.h"
#include "engine/adapters/rdkafka_cluster.h"
#include "engine/ports/invariant.h"
#include "sim/kafka/unsteady_cluster.h"
#include "tests/support/kafka_clusters.h"

namespace {

using engine::ConsumerRecord;
using engine::Errc;
using engine::Instant;
using engine::KafkaCluster;
using engine::Offset;
using engine::OffsetRange;
using engine::PartitionId;
using engine::PartitionOffset;
using engine::ProducerRecord;
using engine::TopicSpec;
using engine::Watermarks;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using tests::ClusterKind;
using Committed = std::vector<std::optional<Offset>>;

constexpr const char* kTopic = "sessions";
constexpr const char* kGroup = "billing";

Instant at(microseconds since_start) {
  return Instant(since_start);
}

OffsetRange range(PartitionId partition, std::int64_t from, std::int64_t until) {
  return {.partition = partition, .from = {from}, .until = {until}};
}

ProducerRecord record(PartitionId partition, std::string value) {
  return {.partition = partition, .timestamp = {}, .key = "k", .value = std::move(value)};
}

// The values "<prefix>0", "<prefix>1", ... for one partition.
std::vector<ProducerRecord> records(PartitionId partition, int count, const std::string& prefix) {
  std::vector<ProducerRecord> made;
  for (int i = 0; i < count; ++i) {
    made.push_back(record(partition, fmt::format("{}{}", prefix, i)));
  }
  return made;
}

template <class Answer>
Errc errc_of(const Answer& answer) {
  return answer.has_value() ? Errc{} : static_cast<Errc>(answer.error().value());
}

std::vector<std::int64_t> numbers(const std::vector<Offset>& offsets) {
  std::vector<std::int64_t> values;
  for (const Offset offset : offsets) {
    values.push_back(offset.value);
  }
  return values;
}

std::vector<std::string> values_of(const std::vector<ConsumerRecord>& read) {
  std::vector<std::string> values;
  for (const ConsumerRecord& one : read) {
    values.push_back(one.value);
  }
  return values;
}

std::vector<std::pair<std::int64_t, std::int64_t>> pairs(
    const std::vector<Watermarks>& watermarks) {
  std::vector<std::pair<std::int64_t, std::int64_t>> values;
  for (const Watermarks& one : watermarks) {
    values.emplace_back(one.log_start.value, one.high_watermark.value);
  }
  return values;
}

class KafkaContract : public testing::TestWithParam<ClusterKind> {
 protected:
  void create(const std::string& topic, std::int32_t partitions) {
    ASSERT_TRUE(cluster_.create_topic({.name = topic, .partitions = partitions}).has_value());
  }

  std::vector<std::int64_t> produce(const std::vector<ProducerRecord>& batch,
                                    const std::string& topic = kTopic) {
    const auto offsets = cluster_.produce(topic, batch);
    EXPECT_TRUE(offsets.has_value()) << offsets.error().message();
    return offsets ? numbers(*offsets) : std::vector<std::int64_t>{};
  }

  std::vector<ConsumerRecord> fetch(const OffsetRange& wanted, const std::string& topic = kTopic) {
    const auto read = cluster_.fetch(topic, wanted);
    EXPECT_TRUE(read.has_value()) << read.error().message();
    return read ? *read : std::vector<ConsumerRecord>{};
  }

  std::vector<std::pair<std::int64_t, std::int64_t>> watermarks(const std::string& topic = kTopic) {
    const auto answer = cluster_.watermarks(topic);
    EXPECT_TRUE(answer.has_value()) << answer.error().message();
    return answer ? pairs(*answer) : std::vector<std::pair<std::int64_t, std::int64_t>>{};
  }

  Committed committed(const std::string& group, const std::string& topic = kTopic) {
    const auto answer = cluster_.committed(group, topic);
    EXPECT_TRUE(answer.has_value()) << answer.error().message();
    return answer ? *answer : Committed{};
  }

  KafkaCluster& cluster_ = tests::empty_cluster(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Clusters,
                         KafkaContract,
                         testing::Values(ClusterKind::kModel, ClusterKind::kMock),
                         [](const auto& suite) { return std::string(to_string(suite.param)); });

// --- Topics ------------------------------------------------------------------------------------

TEST_P(KafkaContract, ATopicIsCreatedOnce) {
  create(kTopic, 2);
  EXPECT_EQ(errc_of(cluster_.create_topic({.name = kTopic, .partitions = 2})),
            Errc::kAlreadyExists);
  EXPECT_EQ(errc_of(cluster_.create_topic({.name = kTopic, .partitions = 5})),
            Errc::kAlreadyExists);
  EXPECT_THAT(watermarks(), ElementsAre(std::pair{0, 0}, std::pair{0, 0}));
}

TEST_P(KafkaContract, ATopicThatKafkaWouldNotTakeIsRefused) {
  EXPECT_EQ(errc_of(cluster_.create_topic({.name = "", .partitions = 1})), Errc::kRefused);
  EXPECT_EQ(errc_of(cluster_.create_topic({.name = "..", .partitions = 1})), Errc::kRefused);
  EXPECT_EQ(errc_of(cluster_.create_topic({.name = "a b", .partitions = 1})), Errc::kRefused);
  EXPECT_EQ(errc_of(cluster_.create_topic({.name = std::string(250, 'a'), .partitions = 1})),
            Errc::kRefused);
  EXPECT_EQ(errc_of(cluster_.create_topic({.name = kTopic, .partitions = 0})), Errc::kRefused);
  create(std::string(249, 'a'), 1);
}

TEST_P(KafkaContract, AnUnknownTopicIsUnknownToEveryRequestAndStaysUnknown) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    EXPECT_EQ(errc_of(cluster_.produce(kTopic, {record(0, "a")})), Errc::kUnknownTopic);
    EXPECT_EQ(errc_of(cluster_.fetch(kTopic, range(0, 0, 1))), Errc::kUnknownTopic);
    EXPECT_EQ(errc_of(cluster_.fetch(kTopic, range(0, 0, 0))), Errc::kUnknownTopic);
    EXPECT_EQ(errc_of(cluster_.watermarks(kTopic)), Errc::kUnknownTopic);
    EXPECT_EQ(errc_of(cluster_.commit(kGroup, kTopic, {{0, {1}}})), Errc::kUnknownTopic);
    EXPECT_EQ(errc_of(cluster_.committed(kGroup, kTopic)), Errc::kUnknownTopic);
  }
  create(kTopic, 1);
  EXPECT_THAT(watermarks(), ElementsAre(std::pair{0, 0}));
}

TEST_P(KafkaContract, AnUnknownPartitionIsUnknownAndLeavesTheOthersAlone) {
  create(kTopic, 2);
  for (const PartitionId partition : {-1, 2}) {
    EXPECT_EQ(errc_of(cluster_.produce(kTopic, {record(0, "a"), record(partition, "b")})),
              Errc::kUnknownTopic);
    EXPECT_EQ(errc_of(cluster_.fetch(kTopic, range(partition, 0, 1))), Errc::kUnknownTopic);
    EXPECT_EQ(errc_of(cluster_.commit(kGroup, kTopic, {{0, {1}}, {partition, {1}}})),
              Errc::kUnknownTopic);
  }
  EXPECT_THAT(watermarks(), ElementsAre(std::pair{0, 0}, std::pair{0, 0}));
  EXPECT_THAT(committed(kGroup), ElementsAre(std::nullopt, std::nullopt));
}

// --- Produce and fetch -------------------------------------------------------------------------

TEST_P(KafkaContract, DenseOffsetsOfAPartitionFollowEachOther) {
  create(kTopic, 3);
  EXPECT_THAT(
      produce({record(0, "a"), record(2, "b"), record(0, "c"), record(1, "d"), record(2, "e")}),
      ElementsAre(0, 0, 1, 0, 1));
  EXPECT_THAT(produce({record(2, "f"), record(0, "g")}), ElementsAre(2, 2));
  EXPECT_THAT(watermarks(), ElementsAre(std::pair{0, 3}, std::pair{0, 1}, std::pair{0, 3}));
  EXPECT_THAT(values_of(fetch(range(0, 0, 3))), ElementsAre("a", "c", "g"));
  EXPECT_THAT(values_of(fetch(range(1, 0, 1))), ElementsAre("d"));
  EXPECT_THAT(values_of(fetch(range(2, 0, 3))), ElementsAre("b", "e", "f"));
}

TEST_P(KafkaContract, ProducingNothingChangesNothing) {
  create(kTopic, 1);
  EXPECT_THAT(produce({}), IsEmpty());
  EXPECT_THAT(watermarks(), ElementsAre(std::pair{0, 0}));
}

TEST_P(KafkaContract, EverySubrangeOfSeveralBatchesIsExact) {
  create(kTopic, 1);
  produce(records(0, 3, "a"));
  produce(records(0, 1, "b"));
  produce(records(0, 4, "c"));
  const std::vector<std::string> all{"a0", "a1", "a2", "b0", "c0", "c1", "c2", "c3"};
  for (std::int64_t from = 0; from <= 8; ++from) {
    for (std::int64_t until = from; until <= 8; ++until) {
      const auto read = fetch(range(0, from, until));
      EXPECT_EQ(values_of(read), std::vector(all.begin() + from, all.begin() + until));
      for (std::size_t i = 0; i < read.size(); ++i) {
        EXPECT_EQ(read[i].offset.value, from + static_cast<std::int64_t>(i));
        EXPECT_EQ(read[i].partition, 0);
      }
    }
  }
}

TEST_P(KafkaContract, AnEmptyRangeIsNoErrorWhereverItLies) {
  create(kTopic, 1);
  EXPECT_THAT(fetch(range(0, 0, 0)), IsEmpty());
  EXPECT_THAT(fetch(range(0, 1000, 1000)), IsEmpty());
}

TEST_P(KafkaContract, ARangeBeyondTheEndIsOutOfRange) {
  create(kTopic, 2);
  EXPECT_EQ(errc_of(cluster_.fetch(kTopic, range(0, 0, 1))), Errc::kOffsetOutOfRange);
  produce(records(0, 3, "a"));
  EXPECT_EQ(errc_of(cluster_.fetch(kTopic, range(0, 0, 4))), Errc::kOffsetOutOfRange);
  EXPECT_EQ(errc_of(cluster_.fetch(kTopic, range(0, 3, 4))), Errc::kOffsetOutOfRange);
  EXPECT_EQ(errc_of(cluster_.fetch(kTopic, range(0, 9, 10))), Errc::kOffsetOutOfRange);
  EXPECT_EQ(errc_of(cluster_.fetch(kTopic, range(0, -1, 2))), Errc::kOffsetOutOfRange);
  EXPECT_EQ(errc_of(cluster_.fetch(kTopic, range(1, 0, 1))), Errc::kOffsetOutOfRange);
  EXPECT_THAT(values_of(fetch(range(0, 0, 3))), ElementsAre("a0", "a1", "a2"));
}

TEST_P(KafkaContract, BytesOfKeysAndValuesAreKept) {
  create(kTopic, 1);
  std::string every_byte(256, '\0');
  std::iota(every_byte.begin(), every_byte.end(), '\0');
  const std::string large(100'000, 'x');
  const std::vector<std::string> texts{"", std::string(1, '\0'), every_byte, large, "ü\n\"'\\"};
  std::vector<ProducerRecord> batch;
  for (const std::string& key : texts) {
    for (const std::string& value : texts) {
      batch.push_back({.partition = 0, .timestamp = {}, .key = key, .value = value});
    }
  }
  produce({batch.begin(), batch.begin() + 20});
  produce({batch.begin() + 20, batch.end()});
  const auto read = fetch(range(0, 0, 25));
  ASSERT_EQ(read.size(), batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    EXPECT_TRUE(read[i].key == batch[i].key) << "record " << i;
    EXPECT_TRUE(read[i].value == batch[i].value) << "record " << i;
  }
}

TEST_P(KafkaContract, TimestampsAreKeptToTheMillisecond) {
  create(kTopic, 1);
  const std::vector<microseconds> times{microseconds{0},
                                        microseconds{999},
                                        milliseconds{1},
                                        milliseconds{5'000},
                                        microseconds{4'999'999}};
  std::vector<ProducerRecord> batch;
  for (const microseconds time : times) {
    batch.push_back({.partition = 0, .timestamp = at(time), .key = "", .value = ""});
  }
  produce(batch);
  std::vector<Instant> kept;
  for (const ConsumerRecord& one : fetch(range(0, 0, 5))) {
    kept.push_back(one.timestamp);
  }
  EXPECT_THAT(kept,
              ElementsAre(at(milliseconds{0}),
                          at(milliseconds{0}),
                          at(milliseconds{1}),
                          at(milliseconds{5'000}),
                          at(milliseconds{4'999})));
}

// --- Batches and retention ---------------------------------------------------------------------

TEST_P(KafkaContract, ABatchOfTheLargestSizeIsTakenAndOneByteMoreIsRefusedWhole) {
  create(kTopic, 2);
  const auto of_size = [](std::size_t value_size) {
    return std::vector{record(1, "small"), record(0, std::string(value_size, 'x'))};
  };
  std::size_t fits = 0;
  for (std::size_t size = engine::kBatchBytesMax - 100; size < engine::kBatchBytesMax; ++size) {
    engine::BatchSize batch;
    batch.add(of_size(size)[1]);
    fits = batch.bytes() <= engine::kBatchBytesMax ? size : fits;
  }
  EXPECT_EQ(errc_of(cluster_.produce(kTopic, of_size(fits + 1))), Errc::kRefused);
  EXPECT_THAT(watermarks(), ElementsAre(std::pair{0, 0}, std::pair{0, 0}));
  EXPECT_THAT(produce(of_size(fits)), ElementsAre(0, 0));
  EXPECT_EQ(fetch(range(0, 0, 1)).at(0).value.size(), fits);
}

TEST_P(KafkaContract, ABatchOfVeryManyTinyRecordsIsStillOneBatch) {
  create(kTopic, 1);
  std::vector<ProducerRecord> batch(80'000);
  EXPECT_EQ(produce(batch).back(), 79'999);
  EXPECT_EQ(produce(batch).back(), 159'999);
  EXPECT_EQ(fetch(range(0, 1, 159'999)).size(), 159'998U);
}

// The number of batches after which the first one goes tells the size of one to the byte.
TEST_P(KafkaContract, RetentionDropsTheOldestBatchWholeOnceFiveMebibytesArePassed) {
  create(kTopic, 2);
  const std::vector<ProducerRecord> batch{record(0, std::string(300'000, 'x')),
                                          record(0, std::string(200'000, 'y'))};
  engine::BatchSize size;
  size.add(batch[0]);
  size.add(batch[1]);
  const std::int64_t kept = 5 * 1024 * 1024 / size.bytes();
  for (std::int64_t i = 0; i < kept; ++i) {
    produce(batch);
  }
  EXPECT_THAT(watermarks(), ElementsAre(std::pair{0, 2 * kept}, std::pair{0, 0}));
  produce(batch);
  EXPECT_THAT(watermarks(), ElementsAre(std::pair{2, 2 * kept + 2}, std::pair{0, 0}));
  EXPECT_EQ(errc_of(cluster_.fetch(kTopic, range(0, 0, 2))), Errc::kOffsetOutOfRange);
  EXPECT_EQ(errc_of(cluster_.fetch(kTopic, range(0, 1, 3))), Errc::kOffsetOutOfRange);
  EXPECT_EQ(fetch(range(0, 2, 2 * kept + 2)).size(), static_cast<std::size_t>(2 * kept));
}

// Six batches of about `total` bytes together. Their records differ in every length and distance
// that is encoded in a variable number of bytes.
std::vector<std::vector<ProducerRecord>> batches_of_total_size(std::int64_t total) {
  std::vector<std::vector<ProducerRecord>> batches(6);
  std::int64_t used = 0;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    engine::BatchSize size;
    for (std::size_t j = 0; j < 200; ++j) {
      const milliseconds time{j % 2 == 0 ? 9'000 : static_cast<int>(j * j)};
      batches[i].push_back({.partition = 0,
                            .timestamp = at(time),
                            .key = std::string(j, 'k'),
                            .value = std::string(j < 199 ? j * 40 : 9'000, 'v')});
      size.add(batches[i].back());
    }
    used += size.bytes();
  }
  for (std::vector<ProducerRecord>& batch : batches) {
    const std::int64_t missing = std::min<std::int64_t>(total - used, 200'000);
    batch.back().value.append(static_cast<std::size_t>(missing), 'v');
    used += missing;
  }
  return batches;
}

// The last value is padded to the exact size, by too little to lengthen what encodes its length.
TEST_P(KafkaContract, RetentionCountsToTheByte) {
  constexpr std::int64_t kLimit = 5 * 1024 * 1024;
  const auto bytes_of = [](const std::vector<std::vector<ProducerRecord>>& batches) {
    std::int64_t total = 0;
    for (const auto& batch : batches) {
      engine::BatchSize size;
      std::for_each(batch.begin(), batch.end(), [&](const auto& one) { size.add(one); });
      total += size.bytes();
    }
    return total;
  };
  for (const std::int64_t surplus : {0, 1}) {
    auto batches = batches_of_total_size(kLimit - 1000);
    std::string& last = batches.back().back().value;
    last.append(static_cast<std::size_t>(kLimit + surplus - bytes_of(batches)), 'v');
    ASSERT_EQ(bytes_of(batches), kLimit + surplus);
    const std::string topic = surplus == 0 ? "exact" : "passed";
    create(topic, 1);
    for (const auto& batch : batches) {
      produce(batch, topic);
    }
    EXPECT_THAT(watermarks(topic), ElementsAre(std::pair{surplus == 0 ? 0 : 200, 1200}));
  }
}

TEST_P(KafkaContract, WholeBatchesGoWhenALargeOneNeedsTheRoom) {
  create(kTopic, 1);
  for (int i = 0; i < 50; ++i) {
    produce(records(0, 10, std::string(10'000, 'x')));
  }
  EXPECT_THAT(watermarks(), ElementsAre(std::pair{0, 500}));
  produce({record(0, std::string(900'000, 'z'))});
  EXPECT_THAT(watermarks(), ElementsAre(std::pair{70, 501}));
}

TEST_P(KafkaContract, MonotoneWatermarksNeverMoveBackThroughRetention) {
  create(kTopic, 1);
  std::int64_t log_start = 0;
  std::int64_t high_watermark = 0;
  for (int i = 0; i < 60; ++i) {
    produce(records(0, i % 7 + 1, std::string(60'000, 'x')));
    const auto now = watermarks().at(0);
    EXPECT_GE(now.first, log_start);
    EXPECT_EQ(now.second, high_watermark + i % 7 + 1);
    std::tie(log_start, high_watermark) = now;
  }
  EXPECT_GT(log_start, 0);
}

// --- Groups ------------------------------------------------------------------------------------

TEST_P(KafkaContract, AGroupThatNeverCommittedHasNoOffsets) {
  create(kTopic, 2);
  EXPECT_THAT(committed(kGroup), ElementsAre(std::nullopt, std::nullopt));
}

TEST_P(KafkaContract, CommittedOffsetsBelongToOneGroupAndOneTopic) {
  create(kTopic, 2);
  create("clicks", 2);
  EXPECT_TRUE(cluster_.commit(kGroup, kTopic, {{1, {7}}}).has_value());
  EXPECT_TRUE(cluster_.commit("audit", kTopic, {{0, {1}}, {1, {2}}}).has_value());
  EXPECT_TRUE(cluster_.commit(kGroup, "clicks", {{0, {0}}}).has_value());
  EXPECT_THAT(committed(kGroup), ElementsAre(std::nullopt, Offset{7}));
  EXPECT_THAT(committed("audit"), ElementsAre(Offset{1}, Offset{2}));
  EXPECT_THAT(committed(kGroup, "clicks"), ElementsAre(Offset{0}, std::nullopt));
}

TEST_P(KafkaContract, TheLastCommitWinsEvenWhenItGoesBack) {
  create(kTopic, 1);
  EXPECT_TRUE(cluster_.commit(kGroup, kTopic, {{0, {9}}}).has_value());
  EXPECT_TRUE(cluster_.commit(kGroup, kTopic, {{0, {1}}, {0, {4}}}).has_value());
  EXPECT_THAT(committed(kGroup), ElementsAre(Offset{4}));
  EXPECT_TRUE(cluster_.commit(kGroup, kTopic, {}).has_value());
  EXPECT_THAT(committed(kGroup), ElementsAre(Offset{4}));
}

TEST_P(KafkaContract, AGroupWithoutANameIsRefused) {
  create(kTopic, 1);
  EXPECT_EQ(errc_of(cluster_.commit("", kTopic, {{0, {1}}})), Errc::kRefused);
  EXPECT_EQ(errc_of(cluster_.committed("", kTopic)), Errc::kRefused);
}

// --- Runs --------------------------------------------------------------------------------------

TEST_P(KafkaContract, ARunSeesNothingOfTheRunsBeforeIt) {
  for (int run = 0; run < 250; ++run) {
    KafkaCluster& cluster = tests::empty_cluster(GetParam());
    ASSERT_EQ(errc_of(cluster.watermarks(kTopic)), Errc::kUnknownTopic);
    create(kTopic, 1 + run % 3);
    EXPECT_EQ(watermarks().size(), static_cast<std::size_t>(1 + run % 3));
    EXPECT_EQ(committed(kGroup).front(), std::nullopt);
    EXPECT_THAT(produce(records(0, 2, fmt::format("run {} ", run))), ElementsAre(0, 1));
    EXPECT_TRUE(cluster.commit(kGroup, kTopic, {{0, {2}}}).has_value());
    EXPECT_THAT(values_of(fetch(range(0, 1, 2))), ElementsAre(fmt::format("run {} 1", run)));
  }
}

// --- What is out of reach ----------------------------------------------------------------------

TEST_P(KafkaContract, U1AllOrNothingOfARequestThatBrokersOrLeadersDoNotAnswer) {
  create(kTopic, 2);
  produce({record(0, "a"), record(1, "b")});
  sim::UnsteadyCluster unsteady(cluster_);
  unsteady.leader_lost(1);
  EXPECT_EQ(errc_of(unsteady.produce(kTopic, {record(0, "c"), record(1, "d")})),
            Errc::kUnavailable);
  EXPECT_EQ(errc_of(unsteady.fetch(kTopic, range(1, 0, 1))), Errc::kUnavailable);
  EXPECT_EQ(errc_of(unsteady.watermarks(kTopic)), Errc::kUnavailable);
  EXPECT_EQ(errc_of(unsteady.fetch(kTopic, range(0, 0, 1))), Errc{}) << "it has its leader";
  EXPECT_EQ(errc_of(unsteady.commit(kGroup, kTopic, {{1, {1}}})), Errc{}) << "groups have theirs";
  unsteady.leader_found(1);
  unsteady.brokers_down();
  EXPECT_EQ(errc_of(unsteady.create_topic({.name = "other", .partitions = 1})), Errc::kUnavailable);
  EXPECT_EQ(errc_of(unsteady.produce(kTopic, {})), Errc::kUnavailable);
  EXPECT_EQ(errc_of(unsteady.commit(kGroup, kTopic, {{0, {1}}})), Errc::kUnavailable);
  EXPECT_EQ(errc_of(unsteady.committed(kGroup, kTopic)), Errc::kUnavailable);
  unsteady.brokers_up();
  EXPECT_THAT(watermarks(), ElementsAre(std::pair{0, 1}, std::pair{0, 1}));
  EXPECT_THAT(committed(kGroup), ElementsAre(std::nullopt, Offset{1}));
  EXPECT_THAT(numbers(*unsteady.produce(kTopic, {record(1, "d")})), ElementsAre(1));
}

TEST_P(KafkaContract, AGroupBetweenTwoCoordinatorsNeitherCommitsNorLearnsAndReadsOn) {
  create(kTopic, 1);
  produce({record(0, "a")});
  sim::UnsteadyCluster unsteady(cluster_);
  ASSERT_TRUE(unsteady.commit(kGroup, kTopic, {{0, {1}}}).has_value());
  unsteady.coordinator_lost();
  EXPECT_EQ(errc_of(unsteady.commit(kGroup, kTopic, {{0, {7}}})), Errc::kUnavailable);
  EXPECT_EQ(errc_of(unsteady.committed(kGroup, kTopic)), Errc::kUnavailable);
  EXPECT_EQ(errc_of(unsteady.fetch(kTopic, range(0, 0, 1))), Errc{});
  unsteady.coordinator_found();
  EXPECT_EQ(unsteady.committed(kGroup, kTopic).value(), Committed{Offset{1}});
}

TEST_P(KafkaContract, WhatIsOutOfReachTwiceComesBackTwice) {
  create(kTopic, 1);
  sim::UnsteadyCluster unsteady(cluster_);
  unsteady.brokers_down();
  unsteady.brokers_down();
  unsteady.leader_lost(0);
  unsteady.leader_lost(0);
  unsteady.brokers_up();
  EXPECT_EQ(errc_of(unsteady.committed(kGroup, kTopic)), Errc::kUnavailable);
  unsteady.brokers_up();
  unsteady.leader_found(0);
  EXPECT_EQ(errc_of(unsteady.watermarks(kTopic)), Errc::kUnavailable);
  unsteady.leader_found(0);
  EXPECT_EQ(errc_of(unsteady.watermarks(kTopic)), Errc{});
  EXPECT_THROW(unsteady.brokers_up(), engine::InvariantViolation);
}

// What the requests that were answered did, and nothing else, is found afterwards.
RC_GTEST_PROP(UnsteadyCluster, U2TransparentButForWhatIsOutOfReach, ()) {
  sim::BrokerModel model;
  sim::BrokerModel twin;
  sim::UnsteadyCluster unsteady(model);
  RC_ASSERT(model.create_topic({.name = kTopic, .partitions = 2}).has_value());
  RC_ASSERT(twin.create_topic({.name = kTopic, .partitions = 2}).has_value());
  const auto actions = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 6)).as("actions");
  bool leaderless = false;
  bool coordinatorless = false;
  int n = 0;
  for (const int action : actions) {
    ++n;
    const std::vector<ProducerRecord> batch{record(n % 2, fmt::format("value {}", n))};
    const std::vector<PartitionOffset> saved{{n % 2, {n}}};
    if (action < 2) {
      leaderless ? unsteady.leader_found(0) : unsteady.leader_lost(0);
      leaderless = !leaderless;
    } else if (action == 2) {
      coordinatorless ? unsteady.coordinator_found() : unsteady.coordinator_lost();
      coordinatorless = !coordinatorless;
    } else if (action == 3) {
      const bool refused = errc_of(unsteady.commit(kGroup, kTopic, saved)) == Errc::kUnavailable;
      RC_ASSERT(refused == coordinatorless);
      if (!refused) {
        RC_ASSERT(twin.commit(kGroup, kTopic, saved).has_value());
      }
    } else {
      const bool refused = errc_of(unsteady.produce(kTopic, batch)) == Errc::kUnavailable;
      RC_ASSERT(refused == (leaderless && n % 2 == 0));
      if (!refused) {
        RC_ASSERT(twin.produce(kTopic, batch).has_value());
      }
    }
  }
  RC_ASSERT(model.committed(kGroup, kTopic).value() == twin.committed(kGroup, kTopic).value());
  const auto marks = *twin.watermarks(kTopic);
  RC_ASSERT(pairs(*model.watermarks(kTopic)) == pairs(marks));
  for (const PartitionId partition : {0, 1}) {
    const auto all =
        range(partition, 0, marks[static_cast<std::size_t>(partition)].high_watermark.value);
    RC_ASSERT(values_of(*model.fetch(kTopic, all)) == values_of(*twin.fetch(kTopic, all)));
  }
}

// --- The model alone ---------------------------------------------------------------------------
// The mock of librdkafka 2.0.2 neither cuts a log back nor lets retention be asked for.

TEST(BrokerModel, B4PrefixOfWholeBatchesIsLeftAndOffsetsAreGivenAgain) {
  sim::BrokerModel model;
  ASSERT_TRUE(model.create_topic({.name = kTopic, .partitions = 2}).has_value());
  for (const std::string prefix : {"a", "b", "c"}) {
    ASSERT_TRUE(model.produce(kTopic, records(0, 3, prefix)).has_value());
  }
  ASSERT_TRUE(model.produce(kTopic, records(1, 3, "other")).has_value());
  ASSERT_TRUE(model.commit(kGroup, kTopic, {{0, {9}}}).has_value());
  EXPECT_EQ(errc_of(model.truncate(kTopic, 0, {10})), Errc::kOffsetOutOfRange);
  EXPECT_EQ(errc_of(model.truncate(kTopic, 2, {0})), Errc::kUnknownTopic);
  ASSERT_TRUE(model.truncate(kTopic, 0, {9}).has_value()) << "nothing is behind it";
  EXPECT_EQ(pairs(*model.watermarks(kTopic))[0], (std::pair<std::int64_t, std::int64_t>{0, 9}));
  ASSERT_TRUE(model.truncate(kTopic, 0, {7}).has_value());
  EXPECT_THAT(pairs(*model.watermarks(kTopic)), ElementsAre(std::pair{0, 6}, std::pair{0, 3}));
  EXPECT_EQ(errc_of(model.fetch(kTopic, range(0, 5, 7))), Errc::kOffsetOutOfRange);
  EXPECT_THAT(numbers(*model.produce(kTopic, records(0, 2, "d"))), ElementsAre(6, 7));
  EXPECT_THAT(values_of(*model.fetch(kTopic, range(0, 4, 8))), ElementsAre("b1", "b2", "d0", "d1"));
  EXPECT_EQ(model.committed(kGroup, kTopic).value()[0], Offset{9}) << "of nobody's record now";
}

TEST(BrokerModel, RetentionByTimeTakesWholeBatchesAlsoTheYoungest) {
  sim::BrokerModel model;
  ASSERT_TRUE(model.create_topic({.name = kTopic, .partitions = 1}).has_value());
  for (const std::string prefix : {"a", "b", "c"}) {
    ASSERT_TRUE(model.produce(kTopic, records(0, 3, prefix)).has_value());
  }
  ASSERT_TRUE(model.delete_before(kTopic, 0, {5}).has_value());
  EXPECT_THAT(pairs(*model.watermarks(kTopic)), ElementsAre(std::pair{3, 9}));
  EXPECT_EQ(errc_of(model.fetch(kTopic, range(0, 2, 4))), Errc::kOffsetOutOfRange);
  EXPECT_THAT(values_of(*model.fetch(kTopic, range(0, 3, 5))), ElementsAre("b0", "b1"));
  EXPECT_EQ(errc_of(model.delete_before(kTopic, 0, {2})), Errc::kOffsetOutOfRange);
  ASSERT_TRUE(model.delete_before(kTopic, 0, {9}).has_value());
  EXPECT_THAT(pairs(*model.watermarks(kTopic)), ElementsAre(std::pair{9, 9}));
  EXPECT_THAT(numbers(*model.produce(kTopic, records(0, 1, "d"))), ElementsAre(9));
  EXPECT_THAT(values_of(*model.fetch(kTopic, range(0, 9, 10))), ElementsAre("d0"));
}

// Against a list of batches, each a list of values: the simplest log that can be cut at both ends.
RC_GTEST_PROP(BrokerModel, B4PrefixCutAtEitherEndTheLogIsAListOfBatches, ()) {
  sim::BrokerModel model;
  RC_ASSERT(model.create_topic({.name = kTopic, .partitions = 1}).has_value());
  std::vector<std::vector<std::string>> batches;
  std::int64_t start = 0;
  std::int64_t end = 0;
  const auto actions = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5)).as("actions");
  for (const int action : actions) {
    const std::int64_t where = *rc::gen::inRange(start, end + 1);
    if (action == 0) {
      RC_ASSERT(model.truncate(kTopic, 0, {where}).has_value());
      while (end > where) {
        end -= std::ssize(batches.back());
        batches.pop_back();
      }
    } else if (action == 1) {
      RC_ASSERT(model.delete_before(kTopic, 0, {where}).has_value());
      while (!batches.empty() && start + std::ssize(batches.front()) <= where) {
        start += std::ssize(batches.front());
        batches.erase(batches.begin());
      }
    } else {
      const auto batch = records(0, action, fmt::format("after {} ", end));
      RC_ASSERT(numbers(*model.produce(kTopic, batch)).front() == end);
      batches.emplace_back();
      for (const ProducerRecord& one : batch) {
        batches.back().push_back(one.value);
      }
      end += std::ssize(batch);
    }
    RC_ASSERT(pairs(*model.watermarks(kTopic)).front() == std::pair(start, end));
  }
  std::vector<std::string> expected;
  for (const auto& batch : batches) {
    expected.insert(expected.end(), batch.begin(), batch.end());
  }
  RC_ASSERT(values_of(*model.fetch(kTopic, range(0, start, end))) == expected);
}

// --- The adapter alone -------------------------------------------------------------------------

engine::RdkafkaCluster::Connected connect(const std::string& bootstrap_servers,
                                          milliseconds timeout) {
  engine::RdkafkaOptions options;
  options.bootstrap_servers = bootstrap_servers;
  options.timeout = timeout;
  options.timestamp_origin = at(std::chrono::hours{24});
  return engine::RdkafkaCluster::connect(options);
}

TEST(RdkafkaCluster, AnUnreachableClusterIsNamedInOneSentence) {
  const auto connected = connect("127.0.0.1:1", milliseconds{300});
  ASSERT_FALSE(connected.has_value());
  EXPECT_THAT(connected.error(),
              testing::StartsWith("no Kafka cluster answers at 127.0.0.1:1 within 0.3 s: "));
  EXPECT_THAT(connected.error(), testing::HasSubstr("refused"));
  EXPECT_THAT(connected.error(), testing::Not(testing::HasSubstr("\n")));
}

TEST(RdkafkaCluster, AddressesThatAreNoneAreNamedInOneSentence) {
  for (const std::string address : {"", "localhost:notaport", "no-such-host.invalid:9092"}) {
    const auto connected = connect(address, milliseconds{300});
    ASSERT_FALSE(connected.has_value()) << address;
    EXPECT_THAT(connected.error(), testing::Not(testing::HasSubstr("\n")));
    EXPECT_GT(connected.error().size(), 20U);
  }
}

TEST(RdkafkaCluster, APropertyThatTheClientDoesNotKnowIsNamed) {
  engine::RdkafkaOptions options;
  options.bootstrap_servers = "127.0.0.1:1";
  options.properties = {{"no.such.property", "1"}};
  const auto connected = engine::RdkafkaCluster::connect(options);
  ASSERT_FALSE(connected.has_value());
  EXPECT_THAT(connected.error(), testing::HasSubstr("no.such.property"));
}

TEST(RdkafkaCluster, AClusterWithoutAControllerCreatesNoTopics) {
  tests::empty_cluster(ClusterKind::kMock);
  const auto connected =
      connect(tests::shared_mock_cluster().bootstrap_servers(), milliseconds{2000});
  ASSERT_TRUE(connected.has_value()) << connected.error();
  EXPECT_EQ(errc_of((*connected)->create_topic({.name = kTopic, .partitions = 1})),
            Errc::kUnavailable);
}

TEST(RdkafkaCluster, ASecondClientSeesWhatTheFirstProducedAndCommitted) {
  KafkaCluster& first = tests::empty_cluster(ClusterKind::kMock);
  const std::string topic = tests::shared_mock_cluster().physical_topic(kTopic);
  ASSERT_TRUE(first.create_topic({.name = kTopic, .partitions = 1}).has_value());
  ASSERT_TRUE(first.produce(kTopic, {record(0, "a")}).has_value());
  ASSERT_TRUE(first.commit(kGroup, kTopic, {{0, {1}}}).has_value());

  const auto second = connect(tests::shared_mock_cluster().bootstrap_servers(), milliseconds{2000});
  ASSERT_TRUE(second.has_value()) << second.error();
  const auto read = (*second)->fetch(topic, range(0, 0, 1));
  ASSERT_TRUE(read.has_value());
  EXPECT_THAT(values_of(*read), ElementsAre("a"));
  EXPECT_EQ((*second)->committed(kGroup, topic).value(), Committed{Offset{1}});

  ASSERT_TRUE((*second)->produce(topic, {record(0, "b")}).has_value());
  const auto beyond_own_writes = first.fetch(kTopic, range(0, 0, 2));
  ASSERT_TRUE(beyond_own_writes.has_value());
  EXPECT_THAT(values_of(*beyond_own_writes), ElementsAre("a", "b"));
}

TEST(MockCluster, NothingOfTheClientReachesTheTerminal) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  {
    const auto cluster = sim::MockCluster::start();
    EXPECT_TRUE(cluster.has_value());
    const auto unreachable = connect("127.0.0.1:1", milliseconds{100});
    EXPECT_FALSE(unreachable.has_value());
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
