#include "scenarios/battlefield.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "engine/messages.h"
#include "scenarios/possible_faults.h"

namespace scenarios {
namespace {

using faults::FaultKind;

constexpr std::array kOfEveryPipeline{FaultKind::kCrash,
                                      FaultKind::kPartition,
                                      FaultKind::kPause,
                                      FaultKind::kDelay,
                                      FaultKind::kDuplicate,
                                      FaultKind::kTaskFailure,
                                      FaultKind::kSinkFailure,
                                      FaultKind::kBrokerDown,
                                      FaultKind::kLeaderMove,
                                      FaultKind::kRequestError,
                                      FaultKind::kClock,
                                      FaultKind::kSlowTask,
                                      FaultKind::kSlowSink,
                                      FaultKind::kReorder,
                                      FaultKind::kYield};

constexpr std::array kOfStorage{
    FaultKind::kStorageFailure, FaultKind::kFullDisk, FaultKind::kSlowStorage};

constexpr std::array<std::string_view, 8> kIndispensable{"register_executor",
                                                         "heartbeat",
                                                         "launch_task",
                                                         "task_finished",
                                                         "launch_receiver",
                                                         "deregister_receiver",
                                                         "receiver_ended",
                                                         "stop_receiver"};

void add_messages(const engine::Pipeline& pipeline, faults::Battlefield& battlefield) {
  const auto messages = engine::all_messages();
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string_view name = messages[i].name;
    if (!why_unsent(pipeline, name).empty()) {
      continue;
    }
    const auto number = static_cast<std::int32_t>(i);
    battlefield.messages.push_back(number);
    if (std::ranges::find(kIndispensable, name) == kIndispensable.end()) {
      battlefield.droppable.push_back(number);
    }
  }
}

bool asks_anybody(const faults::Battlefield& battlefield) {
  return std::ranges::any_of(battlefield.messages, [](std::int32_t number) {
    const auto& message = engine::all_messages()[static_cast<std::size_t>(number)];
    return message.role == engine::MessageRole::kQuestion;
  });
}

void add_kinds(const engine::Pipeline& pipeline, faults::Battlefield& battlefield) {
  auto& kinds = battlefield.kinds;
  kinds.assign(kOfEveryPipeline.begin(), kOfEveryPipeline.end());
  if (!battlefield.files.empty()) {
    kinds.insert(kinds.end(), kOfStorage.begin(), kOfStorage.end());
  }
  if (!battlefield.droppable.empty()) {
    kinds.push_back(FaultKind::kDrop);
  }
  if (asks_anybody(battlefield)) {
    kinds.push_back(FaultKind::kRpcFailure);
  }
  if (commits_to_kafka(pipeline.source)) {
    kinds.push_back(FaultKind::kCoordinatorMove);
  }
}

void add_files(const engine::Pipeline& pipeline, faults::Battlefield& battlefield) {
  using faults::FileKind;
  for (const FileKind kind :
       {FileKind::kCheckpoint, FileKind::kDriverLog, FileKind::kReceiverLog}) {
    if (why_no_file(pipeline, kind).empty()) {
      battlefield.files.push_back(kind);
    }
  }
  battlefield.executors_have_files = why_no_file(pipeline, faults::TargetKind::kExecutor).empty();
}

// Half of the time that an undisturbed run leaves: the other half is for what the faults do not
// count, restarts and the batches that come late.
engine::Duration room_of(const Stop& stop, engine::Instant ended_at) {
  if (stop.when == Stop::When::kTime) {
    return (stop.graceful ? std::min(stop.at, stop.within) : stop.at) / 2;
  }
  return (engine::Instant{stop.within} - ended_at) / 2;
}

}  // namespace

faults::Battlefield battlefield_of(const Scenario& scenario,
                                   std::vector<faults::ProcessSteps> steps,
                                   engine::Instant ended_at) {
  const engine::Cluster& cluster = scenario.cluster;
  faults::Battlefield battlefield;
  battlefield.steps = std::move(steps);
  battlefield.executors = cluster.executors;
  battlefield.receivers = scenario.receiver_count();
  battlefield.partitions = scenario.pipeline.source.partitions;
  battlefield.room = room_of(scenario.stop, ended_at);
  battlefield.patience = cluster.network_timeout + cluster.heartbeat_interval;
  battlefield.silence = cluster.network_timeout - cluster.heartbeat_interval;
  add_messages(scenario.pipeline, battlefield);
  add_files(scenario.pipeline, battlefield);
  add_kinds(scenario.pipeline, battlefield);
  return battlefield;
}

}  // namespace scenarios
