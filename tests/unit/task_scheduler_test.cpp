// tests/unit/task_scheduler_test.cpp
//
// Placing tasks and trying again, by the invariants of engine/driver/task_scheduler.h. The
// executors are played by the test.

#include "engine/driver/task_scheduler.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/lone_process.h"

namespace {

using engine::Address;
using engine::Errc;
using engine::PartitionId;
using engine::TaskDescription;
using engine::TaskKey;
using engine::TaskSetResult;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using tests::LoneProcess;

constexpr Address executor(std::int32_t index, engine::Incarnation life = 1) {
  return {.process = {.role = engine::Role::kExecutor, .index = index}, .incarnation = life};
}

struct Launched {
  Address to;
  TaskKey key;
};

// A driver that runs one stage of `partitions` tasks.
class Stage {
 public:
  // Executors 0 to `executors` - 1 have registered with two cores each when the stage begins.
  explicit Stage(PartitionId partitions, engine::Cluster cluster = {}, std::int32_t executors = 0)
      : cluster_(cluster), ports_(world_.begin()), endpoint_(world_.process) {
    scheduler_.emplace(ports_, cluster_, endpoint_);
    for (std::int32_t index = 0; index < executors; ++index) {
      scheduler_->executor_registered(executor(index), 2);
    }
    std::vector<TaskDescription> tasks;
    for (PartitionId partition = 0; partition < partitions; ++partition) {
      TaskDescription task;
      task.key.partition = partition;
      tasks.push_back(task);
    }
    engine::spawn(ports_.executor, wait_for(scheduler_->run(std::move(tasks)), &result_));
    settle();
  }

  engine::TaskScheduler& scheduler() { return *scheduler_; }

  LoneProcess& world() { return world_; }

  [[nodiscard]] const std::optional<TaskSetResult>& result() const { return result_; }

  // What was launched since the last call.
  std::vector<Launched> take_launched() {
    settle();
    std::vector<Launched> launched;
    for (const auto& sent : std::exchange(endpoint_.sent, {})) {
      launched.push_back({sent.to, std::get<engine::LaunchTask>(sent.message).task->key});
    }
    return launched;
  }

  void report(const Launched& task, boost::system::error_code error = {}) {
    scheduler_->task_finished(task.to, {.key = task.key, .error = error});
    settle();
  }

  void watch_heartbeats() { engine::spawn(ports_.executor, scheduler_->watch_heartbeats()); }

  void settle() { world_.run_for(engine::Duration(0)); }

  ~Stage() { world_.end(); }

  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

 private:
  static engine::Task<> wait_for(engine::Task<TaskSetResult> run,
                                 std::optional<TaskSetResult>* result) {
    auto ended = co_await std::move(run);
    result->emplace(std::move(ended));
  }

  LoneProcess world_;
  engine::Cluster cluster_;
  engine::Ports ports_;
  tests::SilentEndpoint endpoint_;
  std::optional<engine::TaskScheduler> scheduler_;
  std::optional<TaskSetResult> result_;
};

std::vector<PartitionId> partitions_of(const std::vector<Launched>& launched) {
  std::vector<PartitionId> partitions;
  for (const Launched& task : launched) {
    partitions.push_back(task.key.partition);
  }
  return partitions;
}

// --- T1 ----------------------------------------------------------------------------------------

TEST(TaskScheduler, ATaskThatFailedFourTimesFailsItsSet) {
  Stage stage(1);
  stage.scheduler().executor_registered(executor(0), 2);
  for (std::int32_t attempt = 0; attempt < 4; ++attempt) {
    EXPECT_FALSE(stage.result().has_value());
    const auto launched = stage.take_launched();
    ASSERT_THAT(launched, SizeIs(1));
    EXPECT_EQ(launched[0].key.attempt, attempt);
    stage.report(launched[0], Errc::kOffsetOutOfRange);
  }
  ASSERT_TRUE(stage.result().has_value());
  EXPECT_EQ(stage.result()->error, Errc::kOffsetOutOfRange);
  EXPECT_THAT(stage.take_launched(), IsEmpty());
}

TEST(TaskScheduler, ATaskThatFailedThreeTimesMayStillSucceed) {
  Stage stage(1);
  stage.scheduler().executor_registered(executor(0), 2);
  for (int failure = 0; failure < 3; ++failure) {
    stage.report(stage.take_launched().at(0), Errc::kUnavailable);
  }
  stage.report(stage.take_launched().at(0));
  ASSERT_TRUE(stage.result().has_value());
  EXPECT_FALSE(stage.result()->error);
}

TEST(TaskScheduler, ALostExecutorIsAFailureOfWhatRanOnIt) {
  engine::Cluster cluster;
  cluster.task_failures_max = 2;
  Stage stage(1, cluster);
  stage.scheduler().executor_registered(executor(0), 1);
  ASSERT_THAT(stage.take_launched(), SizeIs(1));
  stage.scheduler().executor_lost(executor(0));
  stage.scheduler().executor_registered(executor(1), 1);
  const auto again = stage.take_launched();
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].to, executor(1));
  EXPECT_EQ(again[0].key.attempt, 1);
  stage.scheduler().executor_lost(executor(1));
  stage.settle();
  ASSERT_TRUE(stage.result().has_value());
  EXPECT_EQ(stage.result()->error, Errc::kUnavailable);
}

TEST(TaskScheduler, AnExecutorThatIsLostTwiceCountsOnce) {
  engine::Cluster cluster;
  cluster.task_failures_max = 2;
  Stage stage(1, cluster);
  stage.scheduler().executor_registered(executor(0), 1);
  stage.scheduler().executor_lost(executor(0));
  stage.scheduler().executor_lost(executor(0));
  stage.settle();
  EXPECT_FALSE(stage.result().has_value());
}

// A restarted executor registers before anybody noticed that its last life had ended.
TEST(TaskScheduler, ANewLifeOfAnExecutorReplacesTheOldOne) {
  Stage stage(1);
  stage.scheduler().executor_registered(executor(0, 1), 1);
  ASSERT_THAT(stage.take_launched(), SizeIs(1));
  stage.scheduler().executor_registered(executor(0, 2), 1);
  EXPECT_FALSE(stage.scheduler().is_alive(executor(0, 1)));
  const auto again = stage.take_launched();
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].to, executor(0, 2));
}

// --- T2 ----------------------------------------------------------------------------------------

// The first attempt was given up because its executor was; its report arrives all the same.
TEST(TaskScheduler, ALateSuccessOfAnOldAttemptIsTheResult) {
  Stage stage(1);
  stage.scheduler().executor_registered(executor(0), 1);
  const auto first = stage.take_launched().at(0);
  stage.scheduler().executor_lost(executor(0));
  stage.scheduler().executor_registered(executor(1), 1);
  const auto second = stage.take_launched().at(0);
  stage.report(first);
  ASSERT_TRUE(stage.result().has_value());
  EXPECT_FALSE(stage.result()->error);
  EXPECT_THAT(stage.result()->ran_on, ElementsAre(executor(0)));
  stage.report(second);
  EXPECT_THAT(stage.result()->ran_on, ElementsAre(executor(0)));
}

TEST(TaskScheduler, ALateFailureOfAnOldAttemptChangesNothing) {
  engine::Cluster cluster;
  cluster.task_failures_max = 2;
  Stage stage(1, cluster);
  stage.scheduler().executor_registered(executor(0), 1);
  const auto first = stage.take_launched().at(0);
  stage.scheduler().executor_lost(executor(0));
  stage.scheduler().executor_registered(executor(1), 1);
  const auto second = stage.take_launched().at(0);
  stage.report(first, Errc::kUnavailable);
  EXPECT_FALSE(stage.result().has_value());
  EXPECT_THAT(stage.take_launched(), IsEmpty());
  stage.report(second);
  EXPECT_FALSE(stage.result().value().error);
}

TEST(TaskScheduler, ARepeatedReportCountsOnce) {
  Stage stage(2);
  stage.scheduler().executor_registered(executor(0), 2);
  const auto launched = stage.take_launched();
  ASSERT_THAT(launched, SizeIs(2));
  stage.report(launched[0]);
  stage.report(launched[0]);
  EXPECT_FALSE(stage.result().has_value());
  stage.report(launched[1]);
  EXPECT_TRUE(stage.result().has_value());
}

TEST(TaskScheduler, AFetchThatFailedEndsTheSetAndNamesTheMapTask) {
  Stage stage(2);
  stage.scheduler().executor_registered(executor(0), 2);
  const auto launched = stage.take_launched();
  stage.scheduler().task_finished(
      launched[1].to, {.key = launched[1].key, .error = Errc::kFetchFailed, .missing_map = 0});
  stage.settle();
  ASSERT_TRUE(stage.result().has_value());
  EXPECT_EQ(stage.result()->error, Errc::kFetchFailed);
  EXPECT_EQ(stage.result()->missing_map, 0);
}

// --- T3 ----------------------------------------------------------------------------------------

TEST(TaskScheduler, AnExecutorRunsNoMoreTasksThanItHasCores) {
  Stage stage(5);
  stage.scheduler().executor_registered(executor(0), 2);
  const auto first = stage.take_launched();
  EXPECT_THAT(partitions_of(first), ElementsAre(0, 1));
  stage.report(first[0]);
  const auto second = stage.take_launched();
  EXPECT_THAT(partitions_of(second), ElementsAre(2));
  stage.scheduler().executor_registered(executor(1), 2);
  EXPECT_THAT(partitions_of(stage.take_launched()), UnorderedElementsAre(3, 4));
}

TEST(TaskScheduler, APartitionGoesToTheSameExecutorWhileThatHasASlot) {
  Stage stage(4, {}, 2);
  for (const Launched& task : stage.take_launched()) {
    EXPECT_EQ(task.to, executor(task.key.partition % 2)) << task.key.partition;
  }
}

// --- Heartbeats --------------------------------------------------------------------------------

TEST(TaskScheduler, AnExecutorThatStaysSilentIsGivenUp) {
  Stage stage(1);
  stage.watch_heartbeats();
  stage.scheduler().executor_registered(executor(0), 1);
  ASSERT_THAT(stage.take_launched(), SizeIs(1));
  stage.world().run_for(seconds(120));
  EXPECT_TRUE(stage.scheduler().is_alive(executor(0))) << "not before the timeout has passed";
  stage.world().run_for(seconds(11));
  EXPECT_FALSE(stage.scheduler().is_alive(executor(0)));
}

TEST(TaskScheduler, AHeartbeatKeepsAnExecutor) {
  Stage stage(1);
  stage.watch_heartbeats();
  stage.scheduler().executor_registered(executor(0), 1);
  stage.world().run_for(seconds(100));
  stage.scheduler().heartbeat(executor(0));
  stage.world().run_for(seconds(100));
  EXPECT_TRUE(stage.scheduler().is_alive(executor(0)));
}

TEST(TaskScheduler, AHeartbeatOfAnUnknownExecutorRegistersNobody) {
  Stage stage(1);
  stage.scheduler().heartbeat(executor(0));
  EXPECT_FALSE(stage.scheduler().is_alive(executor(0)));
  EXPECT_THAT(stage.take_launched(), IsEmpty());
}

}  // namespace
