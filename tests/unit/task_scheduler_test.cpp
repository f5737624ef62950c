// tests/unit/task_scheduler_test.cpp
//
// Placing tasks, trying again and trying twice, by the invariants of
// engine/driver/task_scheduler.h. The executors are played by the test.

#include "engine/driver/task_scheduler.h"

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/lone_process.h"

namespace {

using engine::Address;
using engine::BlockInput;
using engine::Errc;
using engine::PartitionId;
using engine::TaskDescription;
using engine::TaskKey;
using engine::TaskSetResult;
using std::chrono::milliseconds;
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

std::vector<TaskDescription> tasks_of_kafka(PartitionId partitions) {
  std::vector<TaskDescription> tasks;
  for (PartitionId partition = 0; partition < partitions; ++partition) {
    TaskDescription task;
    task.key.partition = partition;
    tasks.push_back(task);
  }
  return tasks;
}

// The only task of its stage; its input is a block that these executors hold.
std::vector<TaskDescription> task_of_block(std::vector<Address> holders) {
  std::vector<TaskDescription> tasks = tasks_of_kafka(1);
  BlockInput block;
  block.locations = std::move(holders);
  tasks.front().input = std::move(block);
  return tasks;
}

// A driver that runs one stage of `partitions` tasks, and others if told.
class Stage {
 public:
  // Executors 0 to `executors` - 1 have registered with two cores each when the stage begins.
  explicit Stage(PartitionId partitions, engine::Cluster cluster = {}, std::int32_t executors = 0)
      : cluster_(cluster), ports_(world_.begin()), endpoint_(world_.process) {
    scheduler_.emplace(ports_, protocol_, cluster_, endpoint_);
    for (std::int32_t index = 0; index < executors; ++index) {
      scheduler_->executor_registered(executor(index), 2);
    }
    submit(tasks_of_kafka(partitions));
  }

  void submit(std::vector<TaskDescription> tasks) {
    if (!tasks.empty()) {
      auto& result = results_.emplace_back();
      engine::spawn(ports_.executor, wait_for(scheduler_->run(std::move(tasks)), &result));
    }
    settle();
  }

  engine::TaskScheduler& scheduler() { return *scheduler_; }

  LoneProcess& world() { return world_; }

  // Of the stage that was submitted first.
  [[nodiscard]] const std::optional<TaskSetResult>& result() const { return results_.front(); }

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

  void report_failed_fetch(const Launched& task) {
    scheduler_->task_finished(task.to,
                              {.key = task.key, .error = Errc::kFetchFailed, .missing_map = 0});
    settle();
  }

  void watch_heartbeats() { engine::spawn(ports_.executor, scheduler_->watch_heartbeats()); }

  void watch_speculation() { engine::spawn(ports_.executor, scheduler_->watch_speculation()); }

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
  engine::Protocol protocol_;
  engine::Cluster cluster_;
  engine::Ports ports_;
  tests::SilentEndpoint endpoint_;
  std::optional<engine::TaskScheduler> scheduler_;
  std::deque<std::optional<TaskSetResult>> results_;
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

// Cut off from the driver, the first executor has worked on. The cut heals, and its report arrives.
TEST(TaskScheduler, ASuccessOnAnExecutorThatWasGivenUpIsNoResult) {
  Stage stage(1);
  stage.watch_heartbeats();
  stage.scheduler().executor_registered(executor(0), 1);
  const auto first = stage.take_launched().at(0);
  stage.world().run_for(seconds(131));
  ASSERT_FALSE(stage.scheduler().is_alive(executor(0)));
  stage.report(first);
  EXPECT_FALSE(stage.result().has_value()) << "nobody else runs the task yet";
  stage.scheduler().executor_registered(executor(1), 1);
  const auto second = stage.take_launched().at(0);
  EXPECT_EQ(second.key.attempt, 1);
  stage.report(first);
  EXPECT_FALSE(stage.result().has_value());
  stage.report(second);
  ASSERT_TRUE(stage.result().has_value());
  EXPECT_FALSE(stage.result()->error);
  EXPECT_THAT(stage.result()->ran_on, ElementsAre(executor(1)));
}

TEST(TaskScheduler, AFailedFetchOfAnExecutorThatWasGivenUpEndsNothing) {
  Stage stage(1);
  stage.scheduler().executor_registered(executor(0), 1);
  const auto first = stage.take_launched().at(0);
  stage.scheduler().executor_lost(executor(0));
  stage.report_failed_fetch(first);
  EXPECT_FALSE(stage.result().has_value());
}

// The network repeats a registration: what was launched before it was given up.
TEST(TaskScheduler, AnExecutorThatRegistersTwiceIsAskedAgain) {
  Stage stage(1);
  stage.scheduler().executor_registered(executor(0), 1);
  const auto first = stage.take_launched().at(0);
  stage.scheduler().executor_registered(executor(0), 1);
  const auto second = stage.take_launched().at(0);
  EXPECT_EQ(second.key.attempt, 1);
  stage.report(first);
  EXPECT_FALSE(stage.result().has_value());
  stage.report(second);
  EXPECT_TRUE(stage.result().has_value());
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
  stage.report_failed_fetch(launched[1]);
  ASSERT_TRUE(stage.result().has_value());
  EXPECT_EQ(stage.result()->error, Errc::kFetchFailed);
  EXPECT_EQ(stage.result()->missing_map, 0);
}

// Both tasks fail before anybody who waits for the set has heard of the first.
TEST(TaskScheduler, ASetEndsOnce) {
  engine::Cluster cluster;
  cluster.task_failures_max = 1;
  Stage stage(2, cluster, 1);
  const auto launched = stage.take_launched();
  for (const Launched& task : launched) {
    stage.scheduler().task_finished(task.to, {.key = task.key, .error = Errc::kUnavailable});
  }
  stage.settle();
  ASSERT_TRUE(stage.result().has_value());
  EXPECT_EQ(stage.result()->error, Errc::kUnavailable);
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

// --- Receivers ---------------------------------------------------------------------------------

TEST(TaskScheduler, AReceiverKeepsASlotUntilItEnds) {
  Stage stage(0, {}, 1);
  stage.scheduler().receiver_placed(executor(0));
  stage.submit(tasks_of_kafka(3));
  const auto first = stage.take_launched();
  EXPECT_THAT(partitions_of(first), ElementsAre(0));
  stage.scheduler().receiver_ended(executor(0));
  EXPECT_THAT(partitions_of(stage.take_launched()), ElementsAre(1));
  stage.report(first[0]);
  EXPECT_THAT(partitions_of(stage.take_launched()), ElementsAre(2));
}

// The slots of tasks that run are not taken from them; the executor has one task too many for a
// while.
TEST(TaskScheduler, AReceiverDoesNotWaitForASlotAndTasksDo) {
  Stage stage(4, {}, 1);
  const auto running = stage.take_launched();
  ASSERT_THAT(running, SizeIs(2));
  stage.scheduler().receiver_placed(executor(0));
  stage.report(running[0]);
  EXPECT_THAT(stage.take_launched(), IsEmpty());
  stage.report(running[1]);
  EXPECT_THAT(partitions_of(stage.take_launched()), ElementsAre(2));
}

TEST(TaskScheduler, ReceiversOnEverySlotStarveTheTasks) {
  Stage stage(0, {}, 1);
  for (int receiver = 0; receiver < 3; ++receiver) {
    stage.scheduler().receiver_placed(executor(0));
  }
  stage.submit(tasks_of_kafka(1));
  EXPECT_THAT(stage.take_launched(), IsEmpty());
  stage.scheduler().receiver_ended(executor(0));
  EXPECT_THAT(stage.take_launched(), IsEmpty()) << "there is one more receiver than slots";
  stage.scheduler().receiver_ended(executor(0));
  EXPECT_THAT(stage.take_launched(), SizeIs(1));
}

TEST(TaskScheduler, ReceiversEndWithTheirExecutor) {
  Stage stage(0, {}, 1);
  stage.scheduler().receiver_placed(executor(0));
  stage.scheduler().executor_registered(executor(0, 2), 2);
  stage.scheduler().receiver_ended(executor(0));
  stage.submit(tasks_of_kafka(2));
  EXPECT_THAT(stage.take_launched(), SizeIs(2));
}

TEST(TaskScheduler, AReceiverOfAnUnknownExecutorTakesNoSlot) {
  Stage stage(2);
  stage.scheduler().receiver_placed(executor(0));
  EXPECT_FALSE(stage.scheduler().is_alive(executor(0)));
  stage.scheduler().executor_registered(executor(0), 2);
  EXPECT_THAT(stage.take_launched(), SizeIs(2));
}

// --- Locality ----------------------------------------------------------------------------------

TEST(TaskScheduler, ABlockIsReadWhereItIs) {
  Stage stage(0, {}, 3);
  stage.submit(task_of_block({executor(2), executor(1)}));
  EXPECT_EQ(stage.take_launched().at(0).to, executor(2));
}

TEST(TaskScheduler, ABlockWhoseFirstHolderIsBusyIsReadAtTheNext) {
  Stage stage(0, {}, 3);
  stage.scheduler().receiver_placed(executor(2));
  stage.scheduler().receiver_placed(executor(2));
  stage.submit(task_of_block({executor(2), executor(1)}));
  EXPECT_EQ(stage.take_launched().at(0).to, executor(1));
}

TEST(TaskScheduler, ABlockWhoseHoldersAreBusyIsReadElsewhere) {
  Stage stage(0, {}, 2);
  stage.scheduler().receiver_placed(executor(1));
  stage.scheduler().receiver_placed(executor(1));
  stage.submit(task_of_block({executor(1)}));
  EXPECT_EQ(stage.take_launched().at(0).to, executor(0));
}

TEST(TaskScheduler, ABlockIsNotSoughtInAnotherLifeOfItsHolder) {
  Stage stage(0, {}, 1);
  stage.scheduler().executor_registered(executor(1, 2), 2);
  stage.submit(task_of_block({executor(1, 1)}));
  EXPECT_EQ(stage.take_launched().at(0).to, executor(0));
}

// --- Speculation (T4) --------------------------------------------------------------------------

// A stage that began at 0 ms. All tasks but the last took 200 ms, hence one is slow after 300 ms.
// It is 200 ms now; partition p began on executor p % 2.
class SlowTask {
 public:
  explicit SlowTask(engine::Cluster cluster = {}, std::int32_t executors = 2)
      : stage(4, cluster, executors) {
    stage.watch_speculation();
    const auto launched = stage.take_launched();
    stage.world().run_for(milliseconds(200));
    for (const Launched& task : launched) {
      if (task.key.partition == 3) {
        first = task;
      } else {
        stage.report(task);
      }
    }
  }

  // Until it is found slow.
  std::vector<Launched> take_launched_when_slow() {
    stage.world().run_for(milliseconds(200));
    return stage.take_launched();
  }

  Stage stage;
  Launched first;  // the attempt at partition 3
};

TEST(SpeculativeAttempt, ASlowTaskGetsASecondAttemptElsewhere) {
  SlowTask play;
  play.stage.world().run_for(milliseconds(100));
  EXPECT_THAT(play.stage.take_launched(), IsEmpty()) << "it has run for 300 ms, not longer";
  play.stage.world().run_for(milliseconds(100));
  const auto launched = play.stage.take_launched();
  ASSERT_THAT(launched, SizeIs(1));
  EXPECT_EQ(launched[0].to, executor(0));
  EXPECT_EQ(launched[0].key.partition, 3);
  EXPECT_EQ(launched[0].key.attempt, 1);
}

TEST(SpeculativeAttempt, ASlowTaskGetsNoThirdAttempt) {
  SlowTask play(engine::Cluster{}, 4);
  ASSERT_THAT(play.take_launched_when_slow(), SizeIs(1));
  play.stage.world().run_for(seconds(60));
  EXPECT_THAT(play.stage.take_launched(), IsEmpty());
}

// Nothing but the watch looks for slow tasks.
TEST(SpeculativeAttempt, WithoutItASlowTaskIsLeftAlone) {
  Stage stage(2, {}, 2);
  stage.watch_heartbeats();
  const auto launched = stage.take_launched();
  stage.report(launched[0]);
  stage.world().run_for(seconds(60));
  EXPECT_THAT(stage.take_launched(), IsEmpty());
}

TEST(SpeculativeAttempt, NoTaskIsSlowBeforeEnoughOthersAreDone) {
  Stage stage(4, {}, 2);
  stage.watch_speculation();
  const auto launched = stage.take_launched();
  stage.report(launched[0]);
  stage.report(launched[1]);
  stage.world().run_for(seconds(60));
  EXPECT_THAT(stage.take_launched(), IsEmpty());
  stage.report(launched[2]);
  stage.world().run_for(milliseconds(100));
  EXPECT_THAT(stage.take_launched(), SizeIs(1));
}

TEST(SpeculativeAttempt, TheSecondAttemptMayWin) {
  SlowTask play;
  const auto second = play.take_launched_when_slow().at(0);
  play.stage.report(second);
  ASSERT_TRUE(play.stage.result().has_value());
  EXPECT_FALSE(play.stage.result()->error);
  EXPECT_THAT(play.stage.result()->ran_on,
              ElementsAre(executor(0), executor(1), executor(0), executor(0)));
}

TEST(SpeculativeAttempt, TheFirstAttemptMayWin) {
  SlowTask play;
  ASSERT_THAT(play.take_launched_when_slow(), SizeIs(1));
  play.stage.report(play.first);
  ASSERT_TRUE(play.stage.result().has_value());
  EXPECT_THAT(play.stage.result()->ran_on,
              ElementsAre(executor(0), executor(1), executor(0), executor(1)));
}

// Eight tasks on four slots; the last two are slow, and each has been launched twice. It is 500 ms.
class TwoSlowTasks {
 public:
  explicit TwoSlowTasks(engine::Cluster cluster = {}) : stage(8, cluster, 2) {
    stage.watch_speculation();
    while (running.size() < 2) {
      const auto launched = stage.take_launched();
      stage.world().run_for(milliseconds(100));
      for (const Launched& task : launched) {
        if (task.key.partition >= 6) {
          running.push_back(task);
        } else {
          stage.report(task);
        }
      }
    }
    stage.world().run_for(milliseconds(300));
    again = stage.take_launched();
  }

  Stage stage;
  std::vector<Launched> running;  // the first attempts at partitions 6 and 7
  std::vector<Launched> again;    // the second ones
};

TEST(SpeculativeAttempt, ALateReportOfTheLoserChangesNothing) {
  engine::Cluster cluster;
  cluster.task_failures_max = 1;
  for (const auto& report :
       std::vector<boost::system::error_code>{{}, Errc::kUnavailable, Errc::kFetchFailed}) {
    TwoSlowTasks play(cluster);
    ASSERT_THAT(partitions_of(play.again), ElementsAre(6, 7));
    play.stage.report(play.again[0]);
    play.stage.report(play.running[0], report);
    EXPECT_FALSE(play.stage.result().has_value()) << report.message();
    play.stage.report(play.running[1]);
    ASSERT_TRUE(play.stage.result().has_value());
    EXPECT_FALSE(play.stage.result()->error);
    EXPECT_EQ(play.stage.result()->ran_on[6], play.again[0].to);
    EXPECT_EQ(play.stage.result()->ran_on[7], play.running[1].to);
  }
}

// It is not killed: whoever comes next waits for its slot.
TEST(SpeculativeAttempt, TheLoserKeepsItsSlotUntilItReports) {
  TwoSlowTasks play;
  ASSERT_THAT(partitions_of(play.again), ElementsAre(6, 7));
  play.stage.report(play.again[0]);
  play.stage.submit(tasks_of_kafka(3));
  const auto launched = play.stage.take_launched();
  ASSERT_THAT(launched, SizeIs(1));
  EXPECT_EQ(launched[0].to, play.again[0].to);
  play.stage.report(play.running[0]);
  const auto next = play.stage.take_launched();
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_EQ(next[0].to, play.running[0].to);
}

TEST(SpeculativeAttempt, ALostExecutorFailsOnlyWhatRanOnIt) {
  engine::Cluster cluster;
  cluster.task_failures_max = 2;
  SlowTask play(cluster);
  const auto second = play.take_launched_when_slow().at(0);
  play.stage.scheduler().executor_lost(play.first.to);
  EXPECT_THAT(play.stage.take_launched(), IsEmpty()) << "the second attempt still runs";
  EXPECT_FALSE(play.stage.result().has_value());
  play.stage.report(play.first);
  EXPECT_FALSE(play.stage.result().has_value());
  play.stage.report(second);
  ASSERT_TRUE(play.stage.result().has_value());
  EXPECT_FALSE(play.stage.result()->error);
  EXPECT_EQ(play.stage.result()->ran_on[3], second.to);
}

TEST(SpeculativeAttempt, AFailedSecondAttemptLeavesTheFirst) {
  SlowTask play;
  play.stage.report(play.take_launched_when_slow().at(0), Errc::kUnavailable);
  play.stage.world().run_for(seconds(60));
  EXPECT_THAT(play.stage.take_launched(), IsEmpty()) << "both executors have had one";
  play.stage.report(play.first);
  ASSERT_TRUE(play.stage.result().has_value());
  EXPECT_FALSE(play.stage.result()->error);
}

TEST(SpeculativeAttempt, AFailedSecondAttemptIsFollowedByAnotherWhereNoneHasBeen) {
  SlowTask play;
  const auto second = play.take_launched_when_slow().at(0);
  play.stage.world().run_for(milliseconds(100));
  play.stage.report(second, Errc::kUnavailable);
  play.stage.scheduler().executor_registered(executor(2), 2);
  EXPECT_THAT(play.stage.take_launched(), IsEmpty()) << "not before somebody looks again";
  play.stage.world().run_for(milliseconds(100));
  const auto launched = play.stage.take_launched();
  ASSERT_THAT(launched, SizeIs(1));
  EXPECT_EQ(launched[0].to, executor(2));
  EXPECT_EQ(launched[0].key.attempt, 2);
}

TEST(SpeculativeAttempt, FailuresOfBothAttemptsAreFailuresOfTheTask) {
  engine::Cluster cluster;
  cluster.task_failures_max = 2;
  SlowTask play(cluster);
  const auto second = play.take_launched_when_slow().at(0);
  play.stage.report(play.first, Errc::kUnavailable);
  EXPECT_FALSE(play.stage.result().has_value());
  play.stage.report(second, Errc::kOffsetOutOfRange);
  ASSERT_TRUE(play.stage.result().has_value());
  EXPECT_EQ(play.stage.result()->error, Errc::kOffsetOutOfRange);
}

TEST(SpeculativeAttempt, ATaskThatLostBothAttemptsIsTriedAgain) {
  SlowTask play;
  const auto second = play.take_launched_when_slow().at(0);
  play.stage.report(play.first, Errc::kUnavailable);
  EXPECT_THAT(play.stage.take_launched(), IsEmpty());
  play.stage.report(second, Errc::kUnavailable);
  const auto again = play.stage.take_launched();
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].key.attempt, 2);
  play.stage.report(again[0]);
  EXPECT_FALSE(play.stage.result().value().error);
}

TEST(SpeculativeAttempt, TheSecondAttemptWaitsForASlotElsewhere) {
  SlowTask play;
  play.stage.scheduler().receiver_placed(executor(0));
  play.stage.scheduler().receiver_placed(executor(0));
  EXPECT_THAT(play.take_launched_when_slow(), IsEmpty());
  play.stage.scheduler().receiver_ended(executor(0));
  const auto launched = play.stage.take_launched();
  ASSERT_THAT(launched, SizeIs(1));
  EXPECT_EQ(launched[0].to, executor(0));
}

// Spark goes by the host.
TEST(SpeculativeAttempt, ANewLifeOfAnExecutorThatHadAnAttemptIsNotElsewhere) {
  SlowTask play;
  ASSERT_EQ(play.take_launched_when_slow().at(0).to, executor(0));
  play.stage.scheduler().executor_registered(executor(0, 2), 2);
  play.stage.world().run_for(seconds(60));
  EXPECT_THAT(play.stage.take_launched(), IsEmpty());
}

TEST(SpeculativeAttempt, AnAttemptThatFindsNoOtherExecutorKeepsNobodyWaiting) {
  Stage stage(2, {}, 1);
  stage.watch_speculation();
  const auto launched = stage.take_launched();
  stage.report(launched[0]);
  stage.world().run_for(seconds(60));
  EXPECT_THAT(stage.take_launched(), IsEmpty());
  stage.submit(tasks_of_kafka(1));
  EXPECT_THAT(stage.take_launched(), SizeIs(1));
}

TEST(SpeculativeAttempt, TasksThatHaveNotBegunComeFirst) {
  Stage stage(5, {}, 2);
  stage.watch_speculation();
  const auto launched = stage.take_launched();
  ASSERT_THAT(partitions_of(launched), ElementsAre(0, 1, 2, 3));
  for (const Address busy : {executor(0), executor(0), executor(1)}) {
    stage.scheduler().receiver_placed(busy);
  }
  for (const std::size_t done : {0U, 1U, 2U}) {
    stage.report(launched[done]);
  }
  stage.world().run_for(seconds(60));
  ASSERT_THAT(stage.take_launched(), IsEmpty()) << "no slot is free";
  stage.scheduler().receiver_ended(executor(0));
  EXPECT_THAT(partitions_of(stage.take_launched()), ElementsAre(4));
  stage.scheduler().receiver_ended(executor(0));
  EXPECT_THAT(partitions_of(stage.take_launched()), ElementsAre(3));
}

TEST(SpeculativeAttempt, TheSecondAttemptPrefersAnotherHolderOfTheBlock) {
  Stage stage(0, {}, 3);
  stage.watch_speculation();
  std::vector<TaskDescription> tasks = task_of_block({executor(1), executor(2)});
  tasks.push_back(tasks_of_kafka(2).back());
  stage.submit(std::move(tasks));
  const auto launched = stage.take_launched();
  ASSERT_THAT(launched, SizeIs(2));
  EXPECT_EQ(launched[0].to, executor(1));
  stage.report(launched[1]);
  stage.world().run_for(milliseconds(200));
  const auto second = stage.take_launched();
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].to, executor(2));
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
