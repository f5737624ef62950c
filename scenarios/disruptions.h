// scenarios/disruptions.h
//
// Every fault of a plan that kills nobody, and every choice of schedule: how each of them is done
// to a world. What it hits is settled when it strikes.
//
// Aftermath  A run is not over while a disruption lasts, nor while somebody may still wait for an
//            answer that it swallowed: the world is told how long that can be.
// Elections  are unclean only when no record comes any more. A row names its record by position; if
//            an offset were given out twice, nobody could tell which record a row came from.
// Lifetime   one per world.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "engine/executor/executor.h"
#include "engine/messages.h"
#include "engine/pipeline.h"
#include "engine/ports/vocabulary.h"
#include "faults/fault_plan.h"
#include "sim/kafka/broker_model.h"
#include "sim/kafka/unsteady_cluster.h"
#include "sim/network.h"
#include "sim/process.h"
#include "sim/process_clock.h"
#include "sim/process_kafka.h"
#include "sim/process_points.h"
#include "sim/process_sink.h"
#include "sim/process_storage.h"
#include "sim/random.h"
#include "sim/scheduler.h"
#include "sim/storage.h"

namespace scenarios {

// What of a living process faults can reach.
struct Exposed {
  sim::Process& process;
  sim::ProcessClock& clock;
  sim::ProcessStorage& storage;
  sim::ProcessKafka& kafka;
  sim::ProcessSink& sink;
  sim::ProcessPoints& points;
  engine::Executor* executor = nullptr;  // null: the process is a driver
};

// What else of a world faults can reach.
struct Surroundings {
  sim::Scheduler& scheduler;
  sim::Network<engine::Message>& network;
  sim::FileSystem& files;
  sim::UnsteadyCluster& kafka;
  sim::BrokerModel* model = nullptr;  // behind `kafka`; null: something else is
  const engine::Pipeline& pipeline;
  const engine::Cluster& cluster;
  std::uint64_t seed = 0;
};

class Disruptions {
 public:
  // `find` gives the living process that a target means now. `not_over` says that the world is not
  // at rest for so long. `produced_all` says that no record comes any more.
  Disruptions(Surroundings world,
              std::function<std::optional<Exposed>(const faults::Target&)> find,
              std::function<void(engine::Duration)> not_over,
              std::function<bool()> produced_all);

  // Each happens now. False: there was nobody or nothing to hit.
  bool strike(const faults::Pause& pause);
  bool strike(const faults::MessageFault& fault);
  bool strike(const faults::Failure& failure);
  bool strike(const faults::DiskFault& fault);
  bool strike(const faults::KafkaFault& fault);
  bool strike(const faults::ClockFault& fault);
  bool strike(const faults::Slowdown& slowdown);
  bool strike(const faults::Reorder& reorder);
  bool strike(const faults::Yield& yield);

 private:
  using Interception = sim::Interception<engine::Message>;

  bool end_of_link(const std::optional<faults::Target>& target,
                   std::optional<engine::ProcessId>& process) const;
  void lose_questions(const faults::Failure& failure, engine::ProcessId process);
  void fill_disk(engine::Duration lasts);
  bool shorten_log(const faults::KafkaFault& fault);
  void after(engine::Duration duration, std::function<void()> call);

  Surroundings world_;
  std::function<std::optional<Exposed>(const faults::Target&)> find_;
  std::function<void(engine::Duration)> not_over_;
  std::function<bool()> produced_all_;
  std::int32_t full_disks_ = 0;  // faults that last
  sim::RandomStream order_{0};
};

}  // namespace scenarios
