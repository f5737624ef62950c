// tests/unit/batched_write_ahead_log_test.cpp
//
// Group commit: who is answered with what, what a batch is called, and what a crash leaves of it.

#include "engine/wal/batched_write_ahead_log.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/wal/file_based_write_ahead_log.h"
#include "tests/support/log_world.h"

namespace {

using engine::BatchedWriteAheadLog;
using engine::Errc;
using engine::FileBasedWriteAheadLog;
using engine::Result;
using engine::StorageKind;
using engine::Task;
using engine::WalRecordHandle;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using tests::at_ms;
using tests::Death;
using tests::LoneProcess;
using tests::ScriptedLog;

using Records = std::vector<std::string>;
using Answer = std::optional<Result<WalRecordHandle>>;

// One life with a running log of batches over a scripted one.
struct Life {
  explicit Life(LoneProcess& in)
      : world(in),
        ports(in.begin()),
        log(ports, make_below(), BatchedWriteAheadLog::kBatchingTimeout) {
    engine::spawn(ports.executor, log.run());
  }

  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  ~Life() { world.end(); }

  // Calls, and does not wait. The answer is kept at the place that is returned.
  Answer* write(const std::string& record, std::int64_t time_ms) {
    answers.push_back(std::make_unique<Answer>());
    Answer* const answer = answers.back().get();
    engine::spawn(ports.executor, keep(&log, record, time_ms, answer));
    return answer;
  }

  // As above, and lets the batch of this record begin, so that what comes next waits.
  Answer* write_alone(const std::string& record, std::int64_t time_ms) {
    Answer* const answer = write(record, time_ms);
    world.run_for(milliseconds(0));
    return answer;
  }

  static Task<> keep(BatchedWriteAheadLog* log,
                     std::string record,
                     std::int64_t time_ms,
                     Answer* to) {
    auto answer = co_await log->write(std::move(record), at_ms(time_ms));
    to->emplace(std::move(answer));
  }

  std::unique_ptr<ScriptedLog> make_below() {
    auto made = std::make_unique<ScriptedLog>(ports.clock);
    below = made.get();
    return made;
  }

  [[nodiscard]] Records batch(std::size_t index) const {
    return engine::deaggregate(below->written.at(index).record);
  }

  LoneProcess& world;
  engine::Ports ports;
  ScriptedLog* below = nullptr;
  BatchedWriteAheadLog log;
  std::vector<std::unique_ptr<Answer>> answers;
};

// --- The form of a batch -----------------------------------------------------------------------

TEST(Aggregate, GivesBackItsRecordsInOrder) {
  for (const Records& records :
       {Records{}, Records{""}, Records{"a"}, Records{"b", "", "a", "b"}}) {
    EXPECT_EQ(engine::deaggregate(engine::aggregate(records)), records);
  }
}

TEST(Aggregate, ARecordThatIsNoneIsItself) {
  const std::string whole = engine::aggregate({"abc", "def"});
  for (const std::string& record :
       {std::string(), std::string("plain"), whole.substr(0, whole.size() - 1), whole + "x"}) {
    EXPECT_THAT(engine::deaggregate(record), ElementsAre(record));
  }
}

// --- Batches -----------------------------------------------------------------------------------

TEST(BatchedLog, WhatWaitsDuringAWriteIsWrittenTogetherUnderItsLatestTime) {
  LoneProcess world;
  Life life(world);
  life.below->latency = milliseconds(10);
  life.write_alone("3", 3);
  for (const std::int64_t time : {5, 8, 12, 10}) {
    life.write(std::to_string(time), time);
  }
  world.run_for(milliseconds(30));
  ASSERT_THAT(life.below->written, SizeIs(2));
  EXPECT_EQ(life.below->written[0].time, at_ms(3));
  EXPECT_EQ(life.below->written[1].time, at_ms(12));
  EXPECT_THAT(life.batch(1), ElementsAre("5", "8", "10", "12"));
}

TEST(BatchedLog, RecordsOfOneTimeStayInTheOrderOfTheirCalls) {
  LoneProcess world;
  Life life(world);
  life.below->latency = milliseconds(10);
  life.write_alone("first", 1);
  for (const char* const record : {"c", "a", "b"}) {
    life.write(record, 7);
  }
  life.write("older", 6);
  world.run_for(milliseconds(30));
  EXPECT_THAT(life.batch(1), ElementsAre("older", "c", "a", "b"));
}

TEST(BatchedLog, EveryCallerOfABatchIsAnsweredWhenItIsWrittenAndNotBefore) {
  LoneProcess world;
  Life life(world);
  life.below->latency = milliseconds(10);
  std::vector<Answer*> answers;
  answers.reserve(4);
  answers.push_back(life.write_alone("0", 0));
  for (std::int64_t i = 1; i < 4; ++i) {
    answers.push_back(life.write(std::to_string(i), i));
  }
  world.run_for(milliseconds(15));
  EXPECT_TRUE(answers[0]->has_value());
  EXPECT_FALSE(answers[1]->has_value());
  world.run_for(milliseconds(15));
  for (const Answer* answer : answers) {
    ASSERT_TRUE(answer->has_value());
    EXPECT_TRUE((*answer)->has_value());
  }
  EXPECT_EQ((*answers[1])->value(), (*answers[3])->value()) << "the handle of the whole batch";
}

TEST(BatchedLog, AFailureReachesEveryCallerOfItsBatchAndNobodyElse) {
  LoneProcess world;
  Life life(world);
  life.below->latency = milliseconds(10);
  const Answer* const before = life.write_alone("before", 0);
  const Answer* const one = life.write("one", 1);
  const Answer* const two = life.write("two", 2);
  world.run_for(milliseconds(5));
  life.below->failures = {Errc::kNoSpace};
  world.run_for(milliseconds(10));
  const Answer* const after = life.write("after", 3);
  world.run_for(milliseconds(30));
  EXPECT_TRUE((*before)->has_value());
  EXPECT_EQ((*one)->error(), Errc::kNoSpace);
  EXPECT_EQ((*two)->error(), Errc::kNoSpace);
  EXPECT_TRUE((*after)->has_value());
}

TEST(BatchedLog, ReadAllTakesBatchesApartAndKeepsRecordsFromBeforeBatching) {
  LoneProcess world;
  Life life(world);
  life.below->written.push_back({.record = "old", .time = at_ms(0)});
  life.below->latency = milliseconds(10);
  life.write_alone("0", 0);
  for (std::int64_t i = 1; i < 4; ++i) {
    life.write(std::to_string(i), i);
  }
  world.run_for(milliseconds(30));
  ASSERT_THAT(life.below->written, SizeIs(3));
  const auto found = world.result_of(life.log.read_all());
  EXPECT_THAT(found->value(), ElementsAre("old", "0", "1", "2", "3"));
}

TEST(BatchedLog, ReadingByHandleIsUnsupported) {
  LoneProcess world;
  Life life(world);
  const Answer* const written = life.write("a", 0);
  world.run_for(milliseconds(1));
  EXPECT_EQ(world.result_of(life.log.read((*written)->value()))->error(), Errc::kUnsupported);
}

TEST(BatchedLog, CleaningIsPassedOn) {
  LoneProcess world;
  Life life(world);
  EXPECT_TRUE(world.result_of(life.log.clean(at_ms(77)))->has_value());
  EXPECT_THAT(life.below->cleaned, ElementsAre(at_ms(77)));
}

// --- Time-out ----------------------------------------------------------------------------------

// Spark's hazard: the caller is told that the write failed, and the next life finds the record.
TEST(BatchedLog, AWriteThatTimesOutMayBecomeDurableAfterwards) {
  LoneProcess world;
  Life life(world);
  life.below->latency = seconds(6);
  const Answer* const answer = life.write("late", 0);
  world.run_for(seconds(5) + milliseconds(1));
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->error(), Errc::kTimedOut);
  EXPECT_THAT(life.below->written, IsEmpty());
  world.run_for(seconds(2));
  EXPECT_THAT(life.below->written, SizeIs(1));
}

TEST(BatchedLog, AWriteThatTimesOutWhileItIsQueuedIsWrittenAllTheSame) {
  LoneProcess world;
  Life life(world);
  life.below->latency = seconds(4);
  life.write_alone("first", 0);
  const Answer* const queued = life.write("queued", 1);
  world.run_for(seconds(9));
  EXPECT_EQ((*queued)->error(), Errc::kTimedOut);
  EXPECT_THAT(life.batch(1), ElementsAre("queued"));
}

// --- Closing -----------------------------------------------------------------------------------

TEST(BatchedLog, ClosingFinishesTheBatchUnderWayAndFailsWhatWaits) {
  LoneProcess world;
  Life life(world);
  life.below->latency = milliseconds(10);
  const Answer* const under_way = life.write_alone("under way", 0);
  const Answer* const waits = life.write("waits", 1);
  world.run_for(milliseconds(5));
  EXPECT_TRUE(world.result_of(life.log.close())->has_value());
  EXPECT_TRUE((*under_way)->has_value());
  ASSERT_TRUE(waits->has_value());
  EXPECT_EQ((*waits)->error(), Errc::kUnavailable);
  EXPECT_THAT(life.below->written, SizeIs(1));
  EXPECT_EQ(life.below->closed, 1);
}

TEST(BatchedLog, AfterClosingWritesFailAndClosingAgainIsNoError) {
  LoneProcess world;
  Life life(world);
  world.run_for(milliseconds(1));
  EXPECT_TRUE(world.result_of(life.log.close())->has_value());
  EXPECT_TRUE(world.result_of(life.log.close())->has_value());
  const Answer* const late = life.write("late", 0);
  world.run_for(milliseconds(1));
  EXPECT_EQ((*late)->error(), Errc::kUnavailable);
  EXPECT_THAT(life.below->written, IsEmpty());
}

TEST(BatchedLog, ALogThatNeverRanCanBeClosed) {
  LoneProcess world;
  const engine::Ports ports = world.begin();
  BatchedWriteAheadLog log(ports, std::make_unique<ScriptedLog>(ports.clock));
  EXPECT_TRUE(world.result_of(log.close())->has_value());
  world.end();
}

// --- L1 under crashes --------------------------------------------------------------------------

constexpr std::int64_t kCallers = 3;
constexpr std::int64_t kWritesPerCaller = 3;

std::string record_of(std::int64_t caller, std::int64_t number) {
  return fmt::format("{}:{}", caller, number);
}

Task<> write_some(BatchedWriteAheadLog* log,
                  engine::Clock* clock,
                  std::int64_t caller,
                  Records* acknowledged) {
  for (std::int64_t number = 0; number < kWritesPerCaller; ++number) {
    const std::string record = record_of(caller, number);
    const auto written = co_await log->write(record, clock->now());
    if (written) {
      acknowledged->push_back(record);
    }
  }
}

std::unique_ptr<FileBasedWriteAheadLog> files_of(const engine::Ports& ports, StorageKind storage) {
  return std::make_unique<FileBasedWriteAheadLog>(ports, tests::options_for(storage));
}

struct Crashed {
  bool crashed = false;
  Records acknowledged;
  Records found;
};

Crashed crash_at(const Death& death, std::uint64_t step) {
  LoneProcess world(death.storage);
  Crashed result;
  world.hook.step = step;
  world.storage.plan_death(death.disk);
  {
    const engine::Ports ports = world.begin();
    BatchedWriteAheadLog log(ports, files_of(ports, death.storage));
    engine::spawn(ports.executor, log.run());
    for (std::int64_t caller = 0; caller < kCallers; ++caller) {
      engine::spawn(ports.executor, write_some(&log, &ports.clock, caller, &result.acknowledged));
    }
    world.run_for();
    world.end();
  }
  result.crashed = world.hook.crashed;
  world.hook.step = 0;
  const engine::Ports ports = world.begin();
  BatchedWriteAheadLog log(ports, files_of(ports, death.storage));
  result.found = world.result_of(log.read_all())->value();
  world.end();
  return result;
}

// Each record at most once, and those of a caller as he wrote them: without a gap, in order.
bool is_whole(const Records& found) {
  std::vector<std::int64_t> next(kCallers, 0);
  for (const std::string& record : found) {
    bool expected = false;
    for (std::int64_t caller = 0; caller < kCallers && !expected; ++caller) {
      std::int64_t& number = next.at(static_cast<std::size_t>(caller));
      expected = record == record_of(caller, number);
      number += expected ? 1 : 0;
    }
    if (!expected) {
      return false;
    }
  }
  return true;
}

bool has_all(const Records& found, const Records& acknowledged) {
  const std::set<std::string> there(found.begin(), found.end());
  return std::ranges::all_of(acknowledged,
                             [&there](const std::string& each) { return there.contains(each); });
}

TEST(BatchedLog, ACrashAtAnyStepKeepsWhatIsAcknowledgedToEveryCaller) {
  for (const Death& death : tests::every_death()) {
    std::uint64_t step = 1;
    for (bool crashed = true; crashed; ++step) {
      const Crashed result = crash_at(death, step);
      crashed = result.crashed;
      EXPECT_TRUE(has_all(result.found, result.acknowledged) && is_whole(result.found))
          << tests::to_string(death) << ", crash at step " << step;
    }
    EXPECT_GT(step, 15U) << "the sweep reached every step of several batches";
  }
}

// Spark's hazard: the time of a batch names the file of the batch, and S3 cannot append to it. Two
// reports of one millisecond of which the first goes alone leave the second unlogged.
TEST(BatchedLog, OnS3TheSecondBatchOfAMillisecondIsRefused) {
  LoneProcess world(StorageKind::kS3);
  const engine::Ports ports = world.begin();
  BatchedWriteAheadLog log(ports, files_of(ports, StorageKind::kS3));
  engine::spawn(ports.executor, log.run());
  Answer first;
  Answer second;
  engine::spawn(ports.executor, Life::keep(&log, "first", 7, &first));
  world.run_for(milliseconds(1));
  engine::spawn(ports.executor, Life::keep(&log, "second", 7, &second));
  world.run_for();
  world.end();
  EXPECT_TRUE(first->has_value());
  EXPECT_EQ(second->error(), Errc::kUnsupported);
}

// Why it exists: nine records of three callers take four appends, not nine.
TEST(BatchedLog, CallersShareTheirFlushes) {
  LoneProcess world;
  Life life(world);
  life.below->latency = milliseconds(2);
  Records acknowledged;
  for (std::int64_t caller = 0; caller < kCallers; ++caller) {
    engine::spawn(life.ports.executor,
                  write_some(&life.log, &life.ports.clock, caller, &acknowledged));
  }
  world.run_for();
  EXPECT_THAT(acknowledged, SizeIs(kCallers * kWritesPerCaller));
  EXPECT_LE(life.below->written.size(), 6U);
}

}  // namespace
