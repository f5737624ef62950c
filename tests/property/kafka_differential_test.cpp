#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "engine/ports/kafka.h"
#include "tests/support/kafka_clusters.h"

// The model is what most worlds run on. It is believed because it answers every sequence of
// requests as the real client and librdkafka's brokers do.

namespace {

using engine::ConsumerRecord;
using engine::Instant;
using engine::KafkaCluster;
using engine::Offset;
using engine::OffsetRange;
using engine::PartitionId;
using engine::PartitionOffset;
using engine::ProducerRecord;
using engine::Result;
using engine::TopicSpec;
using engine::Watermarks;
using tests::ClusterKind;

struct CreateTopic {
  TopicSpec topic;
};

struct Produce {
  std::string topic;
  std::vector<ProducerRecord> records;
};

struct Fetch {
  std::string topic;
  OffsetRange range;
};

struct AskWatermarks {
  std::string topic;
};

struct Commit {
  std::string group;
  std::string topic;
  std::vector<PartitionOffset> offsets;
};

struct AskCommitted {
  std::string group;
  std::string topic;
};

using Request = std::variant<CreateTopic, Produce, Fetch, AskWatermarks, Commit, AskCommitted>;

// --- Answers as text ---------------------------------------------------------------------------

std::string text(const Offset& offset) {
  return fmt::format("{}", offset.value);
}

std::string text(const std::optional<Offset>& offset) {
  return offset ? text(*offset) : "none";
}

std::string text(const Watermarks& watermarks) {
  return fmt::format("[{}, {})", watermarks.log_start.value, watermarks.high_watermark.value);
}

std::string text(const ConsumerRecord& record) {
  return fmt::format("{}@{} at {} {}={}",
                     record.partition,
                     record.offset.value,
                     record.timestamp.time_since_epoch().count(),
                     record.key,
                     record.value);
}

template <class T>
std::string text(const Result<std::vector<T>>& answer) {
  if (!answer) {
    return answer.error().message();
  }
  std::string all;
  for (const T& one : *answer) {
    all += text(one) + "; ";
  }
  return all;
}

std::string text(const Result<>& answer) {
  return answer ? "done" : answer.error().message();
}

struct Ask {
  KafkaCluster& cluster;

  std::string operator()(const CreateTopic& request) const {
    return text(cluster.create_topic(request.topic));
  }

  std::string operator()(const Produce& request) const {
    return text(cluster.produce(request.topic, request.records));
  }

  std::string operator()(const Fetch& request) const {
    return text(cluster.fetch(request.topic, request.range));
  }

  std::string operator()(const AskWatermarks& request) const {
    return text(cluster.watermarks(request.topic));
  }

  std::string operator()(const Commit& request) const {
    return text(cluster.commit(request.group, request.topic, request.offsets));
  }

  std::string operator()(const AskCommitted& request) const {
    return text(cluster.committed(request.group, request.topic));
  }
};

// --- Requests at random ------------------------------------------------------------------------

// Two topics of three partitions, both mostly there; partition 3 is never there.
rc::Gen<std::string> any_topic() {
  return rc::gen::weightedElement<std::string>({{8, "sessions"}, {3, "clicks"}});
}

rc::Gen<PartitionId> any_partition() {
  return rc::gen::weightedElement<PartitionId>({{12, 0}, {8, 1}, {4, 2}, {1, 3}, {1, -1}});
}

rc::Gen<std::string> any_group() {
  return rc::gen::element<std::string>("billing", "audit", "risk");
}

// Sizes around the places where a varint grows by a byte, and one that fills a log soon.
rc::Gen<std::string> any_bytes() {
  return rc::gen::oneOf(
      rc::gen::container<std::string>(rc::gen::arbitrary<char>()),
      rc::gen::map(rc::gen::element<std::size_t>(0, 54, 55, 56, 63, 64, 120, 8191, 8192, 300'000),
                   [](std::size_t size) { return std::string(size, 'x'); }));
}

rc::Gen<Instant> any_instant() {
  return rc::gen::map(rc::gen::inRange<std::int64_t>(0, 40'000'000), [](std::int64_t microseconds) {
    return Instant(std::chrono::microseconds(microseconds));
  });
}

rc::Gen<ProducerRecord> any_record() {
  return rc::gen::build<ProducerRecord>(rc::gen::set(&ProducerRecord::partition, any_partition()),
                                        rc::gen::set(&ProducerRecord::timestamp, any_instant()),
                                        rc::gen::set(&ProducerRecord::key, any_bytes()),
                                        rc::gen::set(&ProducerRecord::value, any_bytes()));
}

rc::Gen<OffsetRange> any_range() {
  return rc::gen::apply(
      [](PartitionId partition, std::int64_t from, std::int64_t count) {
        return OffsetRange{.partition = partition, .from = {from}, .until = {from + count}};
      },
      any_partition(),
      rc::gen::inRange<std::int64_t>(-1, 40),
      rc::gen::inRange<std::int64_t>(0, 8));
}

rc::Gen<std::vector<PartitionOffset>> any_offsets() {
  return rc::gen::container<std::vector<PartitionOffset>>(rc::gen::apply(
      [](PartitionId partition, std::int64_t offset) {
        return PartitionOffset{partition, {offset}};
      },
      any_partition(),
      rc::gen::inRange<std::int64_t>(0, 100)));
}

rc::Gen<Request> any_request() {
  return rc::gen::weightedOneOf<Request>(
      {{1,
        rc::gen::map(any_topic(),
                     [](std::string name) {
                       return Request(CreateTopic{{std::move(name), 3}});
                     })},
       {10,
        rc::gen::apply(
            [](std::string topic, std::vector<ProducerRecord> records) {
              return Request(Produce{std::move(topic), std::move(records)});
            },
            any_topic(),
            rc::gen::container<std::vector<ProducerRecord>>(any_record()))},
       {10,
        rc::gen::apply(
            [](std::string topic, OffsetRange range) {
              return Request(Fetch{std::move(topic), range});
            },
            any_topic(),
            any_range())},
       {4,
        rc::gen::map(any_topic(),
                     [](std::string topic) { return Request(AskWatermarks{std::move(topic)}); })},
       {3,
        rc::gen::apply(
            [](std::string group, std::string topic, std::vector<PartitionOffset> offsets) {
              return Request(Commit{std::move(group), std::move(topic), std::move(offsets)});
            },
            any_group(),
            any_topic(),
            any_offsets())},
       {3,
        rc::gen::apply(
            [](std::string group, std::string topic) {
              return Request(AskCommitted{std::move(group), std::move(topic)});
            },
            any_group(),
            any_topic())}});
}

std::vector<std::string> play(KafkaCluster& cluster, const std::vector<Request>& requests) {
  std::vector<std::string> answers;
  answers.push_back(text(cluster.create_topic({.name = "sessions", .partitions = 3})));
  for (const Request& request : requests) {
    answers.push_back(std::visit(Ask{cluster}, request));
  }
  for (const char* topic : {"sessions", "clicks"}) {
    answers.push_back(text(cluster.watermarks(topic)));
  }
  return answers;
}

void differ_nowhere(const std::vector<Request>& requests) {
  const auto by_model = play(tests::empty_cluster(ClusterKind::kModel), requests);
  const auto by_mock = play(tests::empty_cluster(ClusterKind::kMock), requests);
  for (std::size_t i = 0; i < by_model.size(); ++i) {
    RC_LOG() << "request " << i << "\n";
    RC_ASSERT(by_model[i] == by_mock[i]);
  }
}

RC_GTEST_PROP(KafkaDifferential, ModelAndMockAnswerEverySequenceOfRequestsAlike, ()) {
  differ_nowhere(*rc::gen::container<std::vector<Request>>(any_request()));
}

// Only long runs with large values reach retention, so these are made of nothing else.
RC_GTEST_PROP(KafkaDifferential, ModelAndMockTrimAtTheSameRecord, ()) {
  const auto steps = *rc::gen::inRange<std::size_t>(40, 120);
  std::vector<Request> requests;
  for (std::size_t i = 0; i < steps; ++i) {
    const auto count = *rc::gen::inRange<std::size_t>(1, 4);
    std::vector<ProducerRecord> records;
    for (std::size_t j = 0; j < count; ++j) {
      records.push_back({.partition = *rc::gen::inRange(0, 2),
                         .timestamp = *any_instant(),
                         .key = std::string(*rc::gen::inRange<std::size_t>(0, 70), 'k'),
                         .value = std::string(*rc::gen::inRange<std::size_t>(0, 300'000), 'v')});
    }
    requests.emplace_back(Produce{"sessions", std::move(records)});
    requests.emplace_back(AskWatermarks{"sessions"});
    requests.emplace_back(Fetch{"sessions",
                                {.partition = 0,
                                 .from = {static_cast<std::int64_t>(i / 2)},
                                 .until = {static_cast<std::int64_t>(i / 2) + 1}}});
  }
  differ_nowhere(requests);
}

TEST(KafkaDifferential, OneSequenceGivesTheSameAnswersOnEveryRepetitionOfTheMock) {
  std::vector<Request> requests;
  for (std::int64_t i = 0; i < 30; ++i) {
    std::vector<ProducerRecord> records;
    for (int j = 0; j < 30; ++j) {
      records.push_back({.partition = j % 3,
                         .timestamp = Instant(std::chrono::milliseconds(i)),
                         .key = fmt::format("k{}", j % 7),
                         .value = fmt::format("v{}", i * 30 + j)});
    }
    requests.emplace_back(Produce{"sessions", std::move(records)});
    requests.emplace_back(
        Fetch{"sessions", {.partition = 0, .from = {i * 7}, .until = {i * 10 + 10}}});
    requests.emplace_back(Commit{"billing", "sessions", {{0, {i}}, {2, {i * 2}}}});
    requests.emplace_back(AskCommitted{"billing", "sessions"});
  }
  const auto expected = play(tests::empty_cluster(ClusterKind::kModel), requests);
  for (int repetition = 0; repetition < 20; ++repetition) {
    ASSERT_EQ(play(tests::empty_cluster(ClusterKind::kMock), requests), expected);
  }
}

}  // namespace
