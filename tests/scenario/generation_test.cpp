// tests/scenario/generation_test.cpp
//
// A batch whose jobs cannot be generated: Kafka does not say how far it is. Whether that succeeds
// or not, a checkpoint follows (JobGenerator.generateJobs), and the next batch takes what this one
// would have.

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "reports/judge.h"
#include "scenarios/world.h"
#include "sim/kafka/broker_model.h"
#include "sim/memory_sink.h"
#include "tests/support/world_fixture.h"

namespace {

using engine::Result;

// The model, but for one question about the watermarks that it does not answer.
class SilentOnce final : public engine::KafkaCluster {
 public:
  explicit SilentOnce(int silent_question) : silent_question_(silent_question) {}

  Result<> create_topic(const engine::TopicSpec& topic) override {
    return model_.create_topic(topic);
  }

  Result<std::vector<engine::Offset>> produce(
      const std::string& topic, const std::vector<engine::ProducerRecord>& records) override {
    return model_.produce(topic, records);
  }

  Result<std::vector<engine::ConsumerRecord>> fetch(const std::string& topic,
                                                    const engine::OffsetRange& range) override {
    return model_.fetch(topic, range);
  }

  Result<std::vector<engine::Watermarks>> watermarks(const std::string& topic) override {
    ++questions_;
    if (questions_ == silent_question_) {
      return engine::Errc::kTimedOut;
    }
    return model_.watermarks(topic);
  }

  Result<> commit(const std::string& group,
                  const std::string& topic,
                  const std::vector<engine::PartitionOffset>& offsets) override {
    return model_.commit(group, topic, offsets);
  }

  Result<std::vector<std::optional<engine::Offset>>> committed(const std::string& group,
                                                               const std::string& topic) override {
    return model_.committed(group, topic);
  }

 private:
  sim::BrokerModel model_;
  int silent_question_;
  int questions_ = 0;
};

constexpr const char* kScenario = R"(
scenario: generation
description: Four batches with data, one of which cannot be planned.
topic: { name: events, partitions: 2 }
workload: { records: 40, keys: 8, rate: 10/s, value_bytes: 16 }
pipeline:
  batch_interval: 1s
  source: { kind: kafka-direct, offsets: checkpoint }
  checkpoint: { enabled: true, storage: hdfs }
  operations: [ { map: identity } ]
  sink: { kind: append, store: memory }
expect: { output: exactly-once }
)";

scenarios::RunResult run(int silent_question) {
  const auto prepared = tests::prepared_from(std::string(kScenario));
  SilentOnce kafka(silent_question);
  sim::MemorySink sink;
  sim::SchedulerMemory memory;
  const scenarios::RunRequest request{.scenario = prepared.scenario,
                                      .workload = prepared.workload,
                                      .seed = 1,
                                      .plan = {},
                                      .name_suffix = {},
                                      .interrupted = {}};
  const scenarios::Outside outside{.kafka = kafka, .sink = sink};
  auto result = scenarios::run_world(request, outside, memory);
  EXPECT_TRUE(result.has_value());
  return std::move(result.value());
}

engine::BatchTime batch(int number) {
  return {engine::Instant{std::chrono::seconds(number)}};
}

std::int64_t count(const reports::Ledger& ledger,
                   reports::EventKind kind,
                   engine::Point point,
                   int number) {
  return std::ranges::count_if(ledger.events, [&](const reports::Event& event) {
    return event.kind == kind && event.batch == batch(number) &&
           (kind != reports::EventKind::kPoint || event.point == point);
  });
}

// The first question is asked at the start, the one after it by batch 1.
constexpr int kQuestionOfBatchFour = 5;

TEST(Generation, ABatchThatCannotBePlannedIsFollowedByACheckpoint) {
  const reports::Ledger ledger = run(kQuestionOfBatchFour).ledger;
  using enum reports::EventKind;
  EXPECT_EQ(count(ledger, kGenerationFailed, engine::Point::kGeneratorBatchDue, 4), 1);
  EXPECT_EQ(count(ledger, kPoint, engine::Point::kSchedulerBatchSubmitted, 4), 0);
  EXPECT_EQ(count(ledger, kPoint, engine::Point::kCheckpointRenamed, 4), 1);
  EXPECT_EQ(count(ledger, kPoint, engine::Point::kCheckpointCompletionWritten, 4), 0);
}

TEST(Generation, ABatchThatIsPlannedHasTwoCheckpoints) {
  const reports::Ledger ledger = run(0).ledger;
  using enum reports::EventKind;
  EXPECT_EQ(count(ledger, kGenerationFailed, engine::Point::kGeneratorBatchDue, 4), 0);
  EXPECT_EQ(count(ledger, kPoint, engine::Point::kSchedulerBatchSubmitted, 4), 1);
  EXPECT_EQ(count(ledger, kPoint, engine::Point::kCheckpointRenamed, 4), 2);
  EXPECT_EQ(count(ledger, kPoint, engine::Point::kCheckpointCompletionWritten, 4), 1);
}

TEST(Generation, TheNextBatchTakesWhatTheOneThatFailedWouldHave) {
  const reports::Ledger ledger = run(kQuestionOfBatchFour).ledger;
  const reports::Verdict verdict = reports::judge(ledger);
  EXPECT_EQ(verdict.guarantee(), reports::Guarantee::kExactlyOnce);
  EXPECT_EQ(verdict.received.guarantee(), reports::Guarantee::kExactlyOnce);
  EXPECT_FALSE(verdict.stalled);
}

}  // namespace
