#include "sim/disturbance.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "sim/kafka/unsteady_cluster.h"
#include "tests/support/lone_process.h"

namespace {

using engine::Errc;
using engine::Instant;
using engine::Result;
using engine::StorageKind;
using engine::Task;
using sim::Failure;
using sim::KafkaOperation;
using sim::OffsetStoreOperation;
using sim::SinkOperation;
using sim::StorageOperation;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using tests::LoneProcess;

constexpr Failure kRefusedBefore{.error = Errc::kUnavailable, .applied = false};
constexpr Failure kAnswerLost{.error = Errc::kTimedOut, .applied = true};

template <class Answer>
Errc errc_of(const std::optional<Answer>& answer) {
  return answer->has_value() ? Errc{} : static_cast<Errc>(answer->error().value());
}

// A process that has begun, and its requests one at a time.
struct Client : LoneProcess {
  explicit Client(StorageKind kind = StorageKind::kHdfs) : LoneProcess(kind) { begin(); }

  template <class T>
  Errc ask(Task<Result<T>> request) {
    return errc_of(result_of(std::move(request)));
  }

  Errc append_row(const std::string& value) { return ask(sink.append(rows(value))); }

  static std::vector<engine::OutputRow> rows(const std::string& value) {
    engine::OutputRow row;
    row.value = value;
    return {row};
  }

  static std::vector<engine::OutputRow> keyed_rows(const std::string& value) {
    auto rows_with_key = rows(value);
    rows_with_key[0].row_key = value;
    return rows_with_key;
  }

  // Also if nothing happens until then.
  void run_until(Instant when) {
    scheduler.call_at(when, [] {});
    scheduler.run(when);
  }

  std::vector<std::string> values() {
    std::vector<std::string> found;
    for (const engine::OutputRow& row : *database.contents()) {
      found.push_back(row.value);
    }
    return found;
  }

  std::string bytes_of(const std::string& path) {
    const auto found = files.read(path);
    return found ? *found : "(none)";
  }
};

// --- Storage -----------------------------------------------------------------------------------

TEST(StorageFailure, ARefusedAppendChangesNothingAndTheNextOneWorks) {
  Client client;
  client.storage.disturbance().fail_next(StorageOperation::kAppend, 1, kRefusedBefore);
  EXPECT_EQ(client.ask(client.storage.create("log")), Errc{});
  EXPECT_EQ(client.ask(client.storage.append("log", "abc")), Errc::kUnavailable);
  EXPECT_EQ(client.ask(client.storage.append("log", "def")), Errc{});
  EXPECT_EQ(client.ask(client.storage.close("log")), Errc{});
  EXPECT_EQ(client.bytes_of("log"), "def");
}

TEST(StorageFailure, AnAppendWhoseAnswerIsLostIsThereTwiceWhenItIsRepeated) {
  Client client;
  client.storage.disturbance().fail_next(StorageOperation::kAppend, 1, kAnswerLost);
  EXPECT_EQ(client.ask(client.storage.create("log")), Errc{});
  EXPECT_EQ(client.ask(client.storage.append("log", "abc")), Errc::kTimedOut);
  EXPECT_EQ(client.ask(client.storage.append("log", "abc")), Errc{});
  EXPECT_EQ(client.ask(client.storage.close("log")), Errc{});
  EXPECT_EQ(client.bytes_of("log"), "abcabc");
}

TEST(StorageFailure, EachKindCountsItsOwnRequests) {
  Client client;
  auto& disturbance = client.storage.disturbance();
  disturbance.fail_next(StorageOperation::kRename, 2, kRefusedBefore);
  disturbance.fail_next(StorageOperation::kRead, 1, {.error = Errc::kCorrupt});
  EXPECT_EQ(client.ask(client.storage.create("temp")), Errc{});
  EXPECT_EQ(client.ask(client.storage.close("temp")), Errc{});
  EXPECT_EQ(client.ask(client.storage.rename("temp", "final")), Errc::kUnavailable);
  EXPECT_EQ(client.ask(client.storage.read("temp")), Errc::kCorrupt);
  EXPECT_EQ(client.ask(client.storage.read("temp")), Errc{});
  EXPECT_EQ(client.ask(client.storage.rename("temp", "final")), Errc::kUnavailable);
  EXPECT_EQ(client.ask(client.storage.rename("temp", "final")), Errc{});
  EXPECT_THAT(client.files.list(""), ElementsAre("final"));
}

TEST(StorageFailure, EveryOtherRequestCanFail) {
  Client client;
  auto& disturbance = client.storage.disturbance();
  for (const auto kind : {StorageOperation::kCreate,
                          StorageOperation::kFlush,
                          StorageOperation::kClose,
                          StorageOperation::kList,
                          StorageOperation::kRemove}) {
    disturbance.fail_next(kind, 1, kRefusedBefore);
  }
  EXPECT_EQ(client.ask(client.storage.create("log")), Errc::kUnavailable);
  EXPECT_THAT(client.files.list(""), IsEmpty());
  EXPECT_EQ(client.ask(client.storage.create("log")), Errc{});
  EXPECT_EQ(client.ask(client.storage.append("log", "abc")), Errc{});
  EXPECT_EQ(client.ask(client.storage.flush("log")), Errc::kUnavailable);
  EXPECT_EQ(client.bytes_of("log"), "");
  EXPECT_EQ(client.ask(client.storage.close("log")), Errc::kUnavailable);
  EXPECT_EQ(client.bytes_of("log"), "") << "still open";
  EXPECT_EQ(client.ask(client.storage.close("log")), Errc{});
  EXPECT_EQ(client.ask(client.storage.list("")), Errc::kUnavailable);
  EXPECT_EQ(client.ask(client.storage.remove("log")), Errc::kUnavailable);
  EXPECT_EQ(client.bytes_of("log"), "abc");
}

TEST(StorageFailure, AFileIsOpenedAgainByTheSameKindOfRequest) {
  Client client;
  EXPECT_EQ(client.ask(client.storage.create("log")), Errc{});
  EXPECT_EQ(client.ask(client.storage.close("log")), Errc{});
  client.storage.disturbance().fail_next(StorageOperation::kCreate, 1, kRefusedBefore);
  EXPECT_EQ(client.ask(client.storage.reopen("log")), Errc::kUnavailable);
  EXPECT_EQ(client.ask(client.storage.reopen("log")), Errc{});
}

TEST(StorageFailure, ARenameOnS3IsDoneWhollyOrNotAtAll) {
  Client client(StorageKind::kS3);
  auto& disturbance = client.storage.disturbance();
  EXPECT_EQ(client.ask(client.storage.create("temp")), Errc{});
  EXPECT_EQ(client.ask(client.storage.close("temp")), Errc{});
  disturbance.fail_next(StorageOperation::kRename, 1, kRefusedBefore);
  disturbance.fail_next(StorageOperation::kRename, 1, kAnswerLost);
  EXPECT_EQ(client.ask(client.storage.rename("temp", "final")), Errc::kUnavailable);
  EXPECT_THAT(client.files.list(""), ElementsAre("temp"));
  EXPECT_EQ(client.ask(client.storage.rename("temp", "final")), Errc::kTimedOut);
  EXPECT_THAT(client.files.list(""), ElementsAre("final"));
  EXPECT_EQ(client.ask(client.storage.rename("temp", "final")), Errc::kNotFound);
}

TEST(StorageFailure, ADeathBeforeTheRequestUsesNothingUp) {
  Client client;
  client.storage.disturbance().fail_next(StorageOperation::kCreate, 1, kRefusedBefore);
  client.hook.step = 1;
  EXPECT_FALSE(client.result_of(client.storage.create("log")));
  EXPECT_TRUE(client.hook.crashed);
  client.begin();
  EXPECT_EQ(client.ask(client.storage.create("log")), Errc::kUnavailable);
}

TEST(StorageFailure, AFullDiskTakesNothingMoreUntilItIsEmptied) {
  Client client;
  EXPECT_EQ(client.ask(client.storage.create("log")), Errc{});
  client.files.limit_capacity(2);
  EXPECT_EQ(client.ask(client.storage.append("log", "abc")), Errc::kNoSpace);
  client.files.limit_capacity(std::nullopt);
  EXPECT_EQ(client.ask(client.storage.append("log", "abc")), Errc{});
}

// --- Sink --------------------------------------------------------------------------------------

TEST(SinkFailure, AnyKindOfRequestMeetsAPlanForAny) {
  Client client;
  client.sink.disturbance().fail_next(std::nullopt, 4, {.error = Errc::kRefused});
  EXPECT_EQ(client.append_row("a"), Errc::kRefused);
  EXPECT_EQ(client.ask(client.sink.upsert(Client::keyed_rows("b"))), Errc::kRefused);
  EXPECT_EQ(client.ask(client.sink.prepare({})), Errc::kRefused);
  EXPECT_EQ(client.sink.prepared_count(), 0U);
  EXPECT_EQ(client.ask(client.sink.saved_offsets()), Errc::kRefused);
  EXPECT_EQ(client.ask(client.sink.replace_file("part", Client::rows("c"))), Errc{});
  EXPECT_THAT(client.values(), ElementsAre("c"));
}

TEST(SinkFailure, ACommitThatFailsHasUsedItsTransactionUpWhetherItWasAppliedOrNot) {
  for (const bool applied : {false, true}) {
    Client client;
    const Failure failure{.error = Errc::kTimedOut, .applied = applied};
    client.sink.disturbance().fail_next(SinkOperation::kCommit, 1, failure);
    engine::SinkTransaction transaction;
    transaction.rows = Client::rows("a");
    const auto id = client.result_of(client.sink.prepare(transaction));
    EXPECT_EQ(client.ask(client.sink.commit(id->value())), Errc::kTimedOut);
    EXPECT_EQ(client.values().size(), applied ? 1U : 0U);
    EXPECT_EQ(client.sink.prepared_count(), 0U);
  }
}

TEST(SinkFailure, ASinkThatIsDownRefusesUntilItIsUp) {
  Client client;
  client.sink.disturbance().refuse_until(Instant(seconds(10)));
  EXPECT_EQ(client.append_row("a"), Errc::kUnavailable);
  EXPECT_EQ(client.append_row("b"), Errc::kUnavailable);
  client.run_until(Instant(seconds(10)));
  EXPECT_EQ(client.append_row("c"), Errc{});
  EXPECT_THAT(client.values(), ElementsAre("c"));
}

// --- Offset stores -----------------------------------------------------------------------------

TEST(OffsetStoreFailure, ANodeOfZookeeperThatFailsLeavesTheOnesBeforeItSaved) {
  Client client;
  sim::OffsetTable zookeeper(engine::OffsetStoreKind::kZookeeper);
  sim::ProcessOffsetStore store(client.process, zookeeper, client.latency.offsets, client.random);
  store.disturbance().fail_next(OffsetStoreOperation::kSave, 1, kAnswerLost);
  store.disturbance().fail_next(OffsetStoreOperation::kSave, 1, kRefusedBefore);
  const std::vector<engine::PartitionOffset> both{{0, {5}}, {1, {6}}};
  EXPECT_EQ(client.ask(store.save(both)), Errc::kTimedOut);
  EXPECT_EQ(zookeeper.load().size(), 1U);
  EXPECT_EQ(client.ask(store.save(both)), Errc::kUnavailable);
  EXPECT_EQ(zookeeper.load().size(), 1U);
  EXPECT_EQ(client.ask(store.save(both)), Errc{});
  EXPECT_EQ(zookeeper.load().size(), 2U);
}

TEST(OffsetStoreFailure, HbaseSavesAllOrNothing) {
  Client client;
  client.offsets.disturbance().fail_next(OffsetStoreOperation::kSave, 1, kRefusedBefore);
  client.offsets.disturbance().fail_next(OffsetStoreOperation::kLoad, 1, kRefusedBefore);
  const std::vector<engine::PartitionOffset> both{{0, {5}}, {1, {6}}};
  EXPECT_EQ(client.ask(client.offsets.save(both)), Errc::kUnavailable);
  EXPECT_THAT(client.table.load(), IsEmpty());
  EXPECT_EQ(client.ask(client.offsets.load()), Errc::kUnavailable);
  EXPECT_EQ(client.ask(client.offsets.load()), Errc{});
}

// --- Kafka -------------------------------------------------------------------------------------

struct KafkaUser : Client {
  KafkaUser() {
    const auto created = cluster.create_topic({.name = "t", .partitions = 1});
    INVARIANT(created.has_value(), "an empty cluster takes a topic");
  }

  Errc produce() { return ask(unsteady_kafka.produce("t", {engine::ProducerRecord{}})); }

  std::int64_t produced() { return (*cluster.watermarks("t"))[0].high_watermark.value; }

  sim::UnsteadyCluster unsteady{cluster};
  sim::ProcessKafka unsteady_kafka{process, unsteady, latency.kafka, random};
};

TEST(KafkaPatience, ABrokerThatComesBackInTimeIsADelay) {
  KafkaUser user;
  user.unsteady.brokers_down();
  user.scheduler.call_at(Instant(seconds(50)), [&user] { user.unsteady.brokers_up(); });
  EXPECT_EQ(user.ask(user.unsteady_kafka.watermarks("t")), Errc{});
  EXPECT_GE(user.scheduler.now(), Instant(seconds(50)));
  EXPECT_LT(user.scheduler.now(), Instant(seconds(51)));
}

TEST(KafkaPatience, ABrokerThatDoesNotIsAnErrorWhenThePatienceIsOver) {
  KafkaUser user;
  user.unsteady.brokers_down();
  EXPECT_EQ(user.ask(user.unsteady_kafka.watermarks("t")), Errc::kUnavailable);
  EXPECT_LE(user.scheduler.now(), Instant(seconds(60)));
  EXPECT_GT(user.scheduler.now(), Instant(seconds(59)));
  EXPECT_EQ(user.ask(user.unsteady_kafka.fetch("t", {})), Errc::kUnavailable);
  EXPECT_GT(user.scheduler.now(), Instant(seconds(178)));
}

TEST(KafkaPatience, AMovedLeaderLeavesOneCopyOfWhatIsProducedMeanwhile) {
  KafkaUser user;
  user.unsteady.leader_lost(0);
  user.scheduler.call_at(Instant(seconds(3)), [&user] { user.unsteady.leader_found(0); });
  EXPECT_EQ(user.produce(), Errc{});
  EXPECT_EQ(user.produced(), 1);
}

TEST(KafkaPatience, ACommitIsNotRepeated) {
  KafkaUser user;
  user.unsteady.coordinator_lost();
  user.scheduler.call_at(Instant(seconds(1)), [&user] { user.unsteady.coordinator_found(); });
  const std::vector<engine::PartitionOffset> one{{0, {1}}};
  Errc error{};
  const auto commit =
      [](KafkaUser* it, std::vector<engine::PartitionOffset> saved, Errc* answer) -> Task<> {
    const auto committed = co_await it->unsteady_kafka.commit("g", "t", std::move(saved));
    *answer = static_cast<Errc>(committed.error().value());
  };
  engine::spawn(user.process.executor(), commit(&user, one, &error));
  user.scheduler.run(Instant(std::chrono::milliseconds(500)));
  EXPECT_EQ(error, Errc::kUnavailable);
}

TEST(KafkaFailure, WhatIsWorthAskingAgainIsAskedAgainAndTheRestIsTold) {
  KafkaUser user;
  auto& disturbance = user.unsteady_kafka.disturbance();
  disturbance.fail_next(KafkaOperation::kFetch, 2, {.error = Errc::kUnavailable});
  EXPECT_EQ(user.ask(user.unsteady_kafka.fetch("t", {})), Errc{});
  disturbance.fail_next(KafkaOperation::kFetch, 1, {.error = Errc::kTimedOut});
  EXPECT_EQ(user.ask(user.unsteady_kafka.fetch("t", {})), Errc::kTimedOut);
  EXPECT_EQ(user.ask(user.unsteady_kafka.fetch("t", {})), Errc{});
}

// A producer without idempotence that hears nothing sends again.
TEST(KafkaFailure, AnAppendWhoseAnswerIsLostIsThereTwice) {
  KafkaUser user;
  auto& disturbance = user.unsteady_kafka.disturbance();
  disturbance.fail_next(KafkaOperation::kProduce, 1, {.applied = true});
  EXPECT_EQ(user.produce(), Errc{});
  EXPECT_EQ(user.produced(), 2);
}

TEST(KafkaFailure, ACommitWhoseAnswerIsLostIsCommitted) {
  KafkaUser user;
  const std::vector<engine::PartitionOffset> one{{0, {1}}};
  user.unsteady_kafka.disturbance().fail_next(KafkaOperation::kCommit, 1, kAnswerLost);
  EXPECT_EQ(user.ask(user.unsteady_kafka.commit("g", "t", one)), Errc::kTimedOut);
  EXPECT_EQ(user.cluster.committed("g", "t").value()[0], engine::Offset{1});
}

// --- Slow systems ------------------------------------------------------------------------------

// How long the same requests of the same seed take.
engine::Duration time_of_requests(std::int32_t factor, Instant until) {
  Client client;
  client.storage.disturbance().slow_down(factor, until);
  client.sink.disturbance().slow_down(factor, until);
  client.offsets.disturbance().slow_down(factor, until);
  const Instant start = client.scheduler.now();
  const auto busy = [](Client* it) -> Task<Result<>> {
    (void)co_await it->storage.create("log");
    (void)co_await it->storage.list("");
    (void)co_await it->sink.append(Client::rows("a"));
    (void)co_await it->offsets.load();
    co_return co_await it->storage.close("log");
  };
  engine::Duration taken{};
  const auto timed = [](Client* it,
                        Task<Result<>> work,
                        Instant began,
                        engine::Duration* taken_by) -> Task<Result<>> {
    const auto done = co_await std::move(work);
    *taken_by = it->scheduler.now() - began;
    co_return done;
  };
  EXPECT_EQ(client.ask(timed(&client, busy(&client), start, &taken)), Errc{});
  return taken;
}

TEST(SlowSystem, ARequestTakesSoManyTimesAsLong) {
  const auto usual = time_of_requests(1, Instant::max());
  EXPECT_GT(usual, engine::Duration{0});
  EXPECT_EQ(time_of_requests(10, Instant::max()), usual * 10);
}

TEST(SlowSystem, WhatIsSentAfterwardsTakesAsLongAsEver) {
  EXPECT_EQ(time_of_requests(10, Instant{}), time_of_requests(1, Instant::max()));
}

TEST(SlowTask, APointThatIsDelayedHoldsUpWhoeverReachesItUntilThen) {
  Client client;
  client.points.delay(engine::Point::kTaskStarted, seconds(5), Instant(seconds(6)));
  const auto reach = [](Client* it, engine::Point point, Instant* when) -> Task<> {
    const engine::PointContext here{};
    co_await it->points.reach(point, here);
    *when = it->process.now();
  };
  Instant other;
  Instant first;
  engine::spawn(client.process.executor(), reach(&client, engine::Point::kTaskInputRead, &other));
  engine::spawn(client.process.executor(), reach(&client, engine::Point::kTaskStarted, &first));
  client.run_until(Instant(seconds(6)));
  EXPECT_EQ(other, Instant{});
  EXPECT_EQ(first, Instant(seconds(5)));
  Instant last;
  engine::spawn(client.process.executor(), reach(&client, engine::Point::kTaskStarted, &last));
  client.run_until(Instant(seconds(20)));
  EXPECT_EQ(last, Instant(seconds(6)));
}

// --- What stays --------------------------------------------------------------------------------

// What becomes of the n-th request, in the order of the plans.
std::vector<std::optional<Failure>> fates(const std::vector<std::pair<int, bool>>& plans,
                                          std::size_t requests) {
  std::vector<std::optional<Failure>> expected;
  for (const auto& [times, applied] : plans) {
    expected.insert(expected.end(), static_cast<std::size_t>(times), Failure{.applied = applied});
  }
  expected.resize(requests);
  return expected;
}

// The sink holds what was asked for, but for what was refused; an answer is an error exactly when a
// failure was planned for it.
RC_GTEST_PROP(Disturbance, WhatIsRefusedIsMissingAndNothingElseIs, ()) {
  const auto plans =
      *rc::gen::resize(4,
                       rc::gen::container<std::vector<std::pair<int, bool>>>(
                           rc::gen::pair(rc::gen::inRange(1, 4), rc::gen::arbitrary<bool>())));
  const auto requests = *rc::gen::inRange<std::size_t>(0, 12).as("requests");
  Client client;
  for (const auto& [times, applied] : plans) {
    client.sink.disturbance().fail_next(SinkOperation::kAppend, times, {.applied = applied});
  }
  std::vector<std::string> expected;
  std::size_t n = 0;
  for (const std::optional<Failure>& fate : fates(plans, requests)) {
    const std::string value = fmt::format("row {}", n++);
    if (!fate || fate->applied) {
      expected.push_back(value);
    }
    RC_ASSERT(client.append_row(value) == (fate ? fate->error : Errc{}));
  }
  RC_ASSERT(client.values() == expected);
  RC_CLASSIFY(plans.empty(), "undisturbed");
}

}  // namespace
