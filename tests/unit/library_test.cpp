// tests/unit/library_test.cpp
//
// What a user may plug in and set, and what is refused, each with its sentence. That a plugged-in
// sink and operation are judged as they deserve is shown from outside: tests/library/example.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "onceproof/testing.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using onceproof::explore;
using onceproof::Guarantee;
using onceproof::Outcome;
using onceproof::Pipeline;
using onceproof::Record;
using onceproof::Row;
using onceproof::TaskWrite;
using testing::HasSubstr;
using testing::IsEmpty;

// Overwrites by identity, which is sound.
class Table : public onceproof::Sink {
 public:
  onceproof::Result<> write(const TaskWrite& write) override {
    for (const Row& row : write.rows) {
      rows_.insert_or_assign(row.id, row);
    }
    return {};
  }

  [[nodiscard]] std::vector<Row> rows() const override {
    std::vector<Row> all;
    for (const auto& [id, row] : rows_) {
      all.push_back(row);
    }
    return all;
  }

 private:
  std::map<onceproof::RowId, Row> rows_;
};

class Lambda final : public onceproof::Operation {
 public:
  using Function = std::function<std::vector<Record>(const Record&)>;

  explicit Lambda(Function function) : function_(std::move(function)) {}

  [[nodiscard]] std::vector<Record> apply(const Record& record) const override {
    return function_(record);
  }

 private:
  Function function_;
};

template <class T>
Pipeline into(const std::string& name) {
  return Pipeline("small").with_sink(name, [] { return std::make_unique<T>(); });
}

Pipeline with(Lambda::Function function) {
  return into<Table>("table").with_operation("lambda",
                                             std::make_shared<Lambda>(std::move(function)));
}

std::string refusal(const Pipeline& pipeline) {
  const Outcome outcome = explore(pipeline).delivers(Guarantee::kAtMostOnce);
  EXPECT_FALSE(outcome);
  EXPECT_THAT(outcome.token(), IsEmpty());
  return outcome.message();
}

TEST(Library, ASoundSinkIsCleared) {
  const Outcome outcome = explore(into<Table>("table")).delivers(Guarantee::kExactlyOnce);
  EXPECT_TRUE(outcome);
  EXPECT_GT(outcome.schedules(), 100);
  EXPECT_THAT(outcome.message(), HasSubstr("small delivers exactly-once in all "));
}

TEST(Library, APipelineOfTextAloneIsJudgedAsWell) {
  Pipeline pipeline("small");
  pipeline.set("pipeline.sink.kind", "append");
  EXPECT_TRUE(explore(pipeline).delivers(Guarantee::kAtLeastOnce));
  const Outcome outcome = explore(pipeline).delivers(Guarantee::kExactlyOnce);
  EXPECT_FALSE(outcome);
  EXPECT_THAT(outcome.message(), HasSubstr("duplicated"));
  const Outcome again = explore(pipeline).only(outcome.token()).delivers(Guarantee::kExactlyOnce);
  EXPECT_THAT(again.message(), HasSubstr("duplicated"));
}

// Refuses every write: no batch ever succeeds, and nothing may be called delivered.
class Closed final : public Table {
 public:
  onceproof::Result<> write(const TaskWrite& /*write*/) override {
    return onceproof::Errc::kRefused;
  }
};

TEST(Library, ASinkThatRefusesEverythingDeliversNothing) {
  const Outcome outcome = explore(into<Closed>("closed")).delivers(Guarantee::kAtLeastOnce);
  EXPECT_FALSE(outcome);
  EXPECT_THAT(outcome.message(), HasSubstr("lost"));
}

TEST(Library, AnOperationMayDropAndAddRecordsInFrontOfAFilter) {
  // Of "3 ..." the second of three passes the filter: its number has to be that of an only child.
  Pipeline pipeline = with([](const Record& record) {
    return std::vector<Record>{{.key = record.key, .value = "no"},
                               {.key = record.key, .value = "yes"},
                               {.key = record.key, .value = "no"}};
  });
  pipeline.set("pipeline.operations", "[ { filter: { value_contains: yes } } ]");
  EXPECT_TRUE(explore(pipeline).delivers(Guarantee::kExactlyOnce));
}

TEST(Library, AnOperationThatDropsEverythingProvesNothing) {
  EXPECT_THAT(refusal(with([](const Record&) { return std::vector<Record>(); })),
              HasSubstr("no record is expected in the sink"));
}

TEST(Library, AnOperationThatCountsItsCallsIsNoOperation) {
  const auto calls = std::make_shared<std::atomic<int>>(0);
  EXPECT_THAT(
      refusal(with([calls](const Record& record) {
        return std::vector<Record>{{.key = record.key, .value = std::to_string((*calls)++)}};
      })),
      HasSubstr("two runs of the same schedule differ at step "));
}

TEST(Library, WhatTheUsersCodeThrowsIsSaid) {
  EXPECT_THAT(refusal(with([](const Record&) -> std::vector<Record> {
                throw std::runtime_error("no such order");
              })),
              HasSubstr("threw: no such order"));
}

// Sound in what it does, and keeps what an earlier run has left.
class Leftover final : public Table {
 public:
  explicit Leftover(std::shared_ptr<int> runs) : run_(++*runs) {}

  [[nodiscard]] std::vector<Row> rows() const override {
    std::vector<Row> all = Table::rows();
    for (Row& row : all) {
      row.value += std::to_string(run_);
    }
    return all;
  }

 private:
  int run_;
};

TEST(Library, ASinkThatRemembersEarlierRunsIsNoSink) {
  const auto runs = std::make_shared<int>(0);
  const Pipeline pipeline =
      Pipeline("small").with_sink("leftover", [runs] { return std::make_unique<Leftover>(runs); });
  EXPECT_THAT(refusal(pipeline), HasSubstr("leave different rows in the sink"));
}

TEST(Library, WhatCannotBeSetIsRefusedByName) {
  EXPECT_THAT(refusal(into<Table>("table").set("workload.recrods", 3)), HasSubstr("recrods"));
  EXPECT_THAT(refusal(into<Table>("table").set("workload.records.count", 3)),
              HasSubstr("set(\"workload.records.count\") leads through a value that has no keys"));
  EXPECT_THAT(refusal(into<Table>("table").set("workload", "[ {")), HasSubstr("set(\"workload\")"));
  EXPECT_THAT(refusal(into<Table>("table").set("pipeline.sink.kind", "append")),
              HasSubstr("it can only be one"));
  EXPECT_THAT(refusal(into<Table>("table").set("pipeline.source.offsets", "sink")),
              HasSubstr("a plugged-in sink has none"));
  EXPECT_THAT(refusal(Pipeline("small")), HasSubstr("needs the key \"sink\""));
  EXPECT_THAT(refusal(into<Table>("table").with_operation("gone", nullptr)),
              HasSubstr("the operation \"gone\" is a null pointer"));
  EXPECT_THAT(refusal(Pipeline("small").with_sink("gone", [] { return nullptr; })),
              HasSubstr("the sink's factory made no sink"));
  EXPECT_THAT(refusal(Pipeline::from_file("no/such.yaml")), HasSubstr("no/such.yaml"));
}

TEST(Library, ATextOfTwoScenariosIsNoPipeline) {
  const auto text = [](const std::string& name) {
    return "---\nscenario: " + name +
           "\ntopic: { name: t, partitions: 1 }\nworkload: { records: 3 }\n"
           "pipeline: { source: { kind: kafka-direct }, sink: { kind: append } }\n";
  };
  EXPECT_THAT(refusal(Pipeline::from_text(text("one") + text("two"))),
              HasSubstr("a pipeline is one scenario; here are 2"));
  EXPECT_TRUE(explore(Pipeline::from_text(text("one"))).delivers(Guarantee::kAtLeastOnce));
}

TEST(Library, ATokenIsOfOneTextAndOneSetOfNames) {
  const auto token_of = [](Pipeline pipeline) {
    const Outcome outcome = explore(std::move(pipeline)).delivers(Guarantee::kExactlyOnce);
    return outcome.token();
  };
  const std::string token = token_of(Pipeline("small").set("pipeline.sink", "{ kind: append }"));
  EXPECT_THAT(token, testing::StartsWith("op1-"));
  const Pipeline longer =
      Pipeline("small").set("pipeline.sink", "{ kind: append }").set("workload.records", 13);
  for (const Pipeline& other : {longer, into<Table>("table")}) {
    EXPECT_THAT(explore(other).only(token).delivers(Guarantee::kExactlyOnce).message(),
                HasSubstr("made from another text"));
  }
  EXPECT_THAT(
      explore(into<Table>("table")).only("op1-x").delivers(Guarantee::kExactlyOnce).message(),
      HasSubstr("damaged"));
}

}  // namespace
