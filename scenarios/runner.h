// scenarios/runner.h
//
// Runs schedules, one after the other, and judges each. Owns the external systems (a Kafka cluster
// and a sink database) and everything else that one run can lend to the next.
//
// Lifetime  one per thread.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/system/result.hpp>

#include "engine/adapters/sqlite_sink.h"
#include "engine/ports/kafka.h"
#include "engine/ports/sink_store.h"
#include "faults/fault_plan.h"
#include "reports/judge.h"
#include "scenarios/external_cluster.h"
#include "scenarios/prepared.h"
#include "scenarios/scenario.h"
#include "scenarios/token.h"
#include "scenarios/world.h"
#include "sim/kafka/broker_model.h"
#include "sim/kafka/mock_cluster.h"
#include "sim/memory_sink.h"
#include "sim/scheduler.h"
#include "sim/trace.h"

namespace scenarios {

// Which Kafka: "model", "mock", or the address of a cluster.
struct KafkaChoice {
  KafkaKind kind = KafkaKind::kMock;
  std::string address;  // kExternal
  std::string session;  // kExternal: makes topic and group names of this program run unique

  [[nodiscard]] std::string to_string() const;
};

// Without a verdict if what follows its black-out was known (RunResult::known).
struct JudgedRun {
  RunResult run;
  reports::Verdict verdict;
  std::string token;
};

class Runner {
 public:
  // One sentence about what the bench itself could not do, and the token of the run if it had
  // begun.
  struct Failure {
    std::string message;
  };

  template <class T>
  using Outcome = boost::system::result<T, Failure>;

  // `interrupted` is asked now and then; true ends a run early. May be empty.
  static Outcome<std::unique_ptr<Runner>> create(const KafkaChoice& kafka,
                                                 std::function<bool()> interrupted);

  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner() = default;

  Outcome<JudgedRun> run(const PreparedScenario& prepared,
                         std::uint64_t seed,
                         const faults::FaultPlan& plan,
                         sim::Trace::Recording recording = sim::Trace::Recording::kHashOnly,
                         const Watch& watch = {});

  // `listener` is told of every step of every run that begins from now on; may be empty.
  void tell_steps(sim::StepListener listener) { step_listener_ = std::move(listener); }

  [[nodiscard]] bool interrupted() const { return interrupted_ && interrupted_(); }

  [[nodiscard]] const KafkaChoice& kafka() const { return kafka_; }

 private:
  Runner(KafkaChoice kafka, std::function<bool()> interrupted);

  Outcome<engine::KafkaCluster*> empty_cluster();
  Outcome<engine::SinkDatabase*> empty_sink(const PreparedScenario& prepared);

  KafkaChoice kafka_;
  std::function<bool()> interrupted_;
  sim::StepListener step_listener_;
  sim::SchedulerMemory memory_;
  sim::BrokerModel model_;
  std::unique_ptr<sim::MockCluster> mock_;
  std::unique_ptr<ExternalCluster> external_;
  sim::MemorySink memory_sink_;
  std::unique_ptr<engine::SqliteSink> sqlite_sink_;
  std::unique_ptr<engine::SinkDatabase> plugged_sink_;
  std::int64_t run_count_ = 0;
};

[[noreturn]] void throw_exception_from_error(const Runner::Failure& failure,
                                             const boost::source_location& where);

}  // namespace scenarios
