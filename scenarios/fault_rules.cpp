#include "scenarios/fault_rules.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "engine/messages.h"
#include "engine/ports/points.h"
#include "faults/exhaustive.h"
#include "scenarios/fault_words.h"
#include "scenarios/mapping_reader.h"
#include "scenarios/possible_faults.h"
#include "scenarios/units.h"

namespace scenarios {
namespace {

// A moment, and the key that says so.
struct End {
  engine::Duration at;
  std::string_view key;
};

// When the run ends, or begins to stop, at the latest.
End end_of_work(const Stop& stop) {
  if (stop.when == Stop::When::kTime) {
    return {.at = stop.at, .key = "stop.at"};
  }
  return {.at = stop.within, .key = "stop.within"};
}

// When the run is over, at the latest: a graceful stop takes its time.
End end_of_run(const Stop& stop) {
  if (stop.when == Stop::When::kTime && stop.graceful) {
    return {.at = stop.at + stop.within, .key = "stop.at and stop.within"};
  }
  return end_of_work(stop);
}

void check_index(const YamlNode& node,
                 std::string_view target,
                 std::int32_t index,
                 std::int32_t count,
                 std::string_view owner) {
  if (index >= count) {
    refuse(node,
           fmt::format("{0}:{1} does not exist; {2} has {3} {0}{4}, counted from 0",
                       target,
                       index,
                       owner,
                       count,
                       count == 1 ? "" : "s"));
  }
}

void check_receiver_target(const Scenario& scenario, const YamlNode& node, std::int32_t index) {
  if (!scenario.pipeline.source.receiver) {
    refuse(node, "a Direct pipeline has no receiver; this needs kind: kafka-receiver");
  }
  check_index(node, "receiver", index, scenario.receiver_count(), "the source");
}

void check_target(const Scenario& scenario, const YamlNode& node, const faults::Target& target) {
  switch (target.kind) {
    case faults::TargetKind::kDriver:
    case faults::TargetKind::kCluster:
      return;
    case faults::TargetKind::kExecutor:
      check_index(node, "executor", target.index, scenario.cluster.executors, "the cluster");
      return;
    case faults::TargetKind::kMachine:
      check_index(node, "machine", target.index, scenario.cluster.executors, "the cluster");
      return;
    case faults::TargetKind::kReceiver:
    case faults::TargetKind::kReceiverExecutor:
      check_receiver_target(scenario, node, target.index);
      return;
  }
}

// Why a pipeline with these receivers never reaches a point of theirs; empty if it may.
std::string_view why_unreachable(const engine::ReceiverOptions& receiver, std::string_view point) {
  if (point == "receiver.wal_appended" && !receiver.write_ahead_log) {
    return "the receivers have no write-ahead log";
  }
  if (point == "receiver.block_replicated" && receiver.write_ahead_log) {
    return "with the write-ahead log blocks are not replicated";
  }
  if (point == "receiver.block_replicated" && receiver.replication == 1) {
    return "source.replication is 1";
  }
  if (point == "offsets.saved") {
    return "the offsets of receivers are committed at receiver.offsets_committed";
  }
  return {};
}

// Why a pipeline configured like this never reaches the point; empty if it may.
std::string_view why_unreachable(const engine::Pipeline& pipeline, std::string_view point) {
  const bool of_checkpoint = point.starts_with("checkpoint.") || point.starts_with("recovery.");
  if (of_checkpoint && !pipeline.checkpoint_enabled) {
    return "the checkpoint is disabled";
  }
  if (pipeline.source.receiver) {
    return why_unreachable(*pipeline.source.receiver, point);
  }
  if (point.starts_with("receiver.") || point.starts_with("tracker.")) {
    return "a Direct pipeline has no receiver";
  }
  if (point == "recovery.log_replayed") {
    return "a Direct pipeline has no write-ahead log";
  }
  if (point == "offsets.saved" && !keeps_own_offsets(pipeline.source)) {
    return "the pipeline keeps no offsets outside the checkpoint";
  }
  return {};
}

// With receivers a task reads a block, and how many blocks a batch has is known when it is planned.
void check_partition(const Scenario& scenario,
                     const YamlNode& node,
                     const engine::PointInfo& point,
                     engine::PartitionId partition) {
  const bool of_task = point.process == "executor";
  const std::int32_t partitions = scenario.pipeline.source.partitions;
  if (partition >= partitions && !(of_task && scenario.pipeline.source.receiver)) {
    refuse(node,
           fmt::format("partition {} does not exist; the topic has {} partitions, counted from 0",
                       partition,
                       partitions));
  }
  if (!of_task && point.name != "offsets.saved") {
    refuse(node,
           fmt::format("point {} is reached by the {} for all partitions at once; leave "
                       "partition out",
                       point.name,
                       point.process));
  }
}

void check_batch(const Scenario& scenario,
                 const YamlNode& node,
                 const engine::PointInfo& point,
                 std::int32_t batch) {
  constexpr std::array<std::string_view, 3> kOfNoBatch{
      "tracker.block_added", "recovery.log_replayed", "recovery.batches_rescheduled"};
  if (point.process == "receiver" ||
      std::ranges::find(kOfNoBatch, point.name) != kOfNoBatch.end()) {
    refuse(node,
           fmt::format("point {} belongs to no batch; leave batch out, and count with occurrence",
                       point.name));
  }
  const End end = end_of_run(scenario.stop);
  const auto interval = scenario.pipeline.batch_interval;
  if (batch > end.at / interval) {
    refuse(node,
           fmt::format("batch {} of {} each lies behind {} ({})",
                       batch,
                       format_duration(interval),
                       end.key,
                       format_duration(end.at)));
  }
}

void check_at_point(const Scenario& scenario, const YamlNode& at, const faults::AtPoint& trigger) {
  const engine::PointInfo& point = engine::info(trigger.point);
  const auto reason = why_unreachable(scenario.pipeline, point.name);
  if (!reason.empty()) {
    refuse(locate(at, {"point"}), fmt::format("point {} is never reached: {}", point.name, reason));
  }
  if (trigger.partition) {
    check_partition(scenario, locate(at, {"partition"}), point, *trigger.partition);
  }
  if (trigger.batch) {
    check_batch(scenario, locate(at, {"batch"}), point, *trigger.batch);
  }
}

void check_at_time(const Scenario& scenario, const YamlNode& at, const faults::AtTime& trigger) {
  const End end = end_of_run(scenario.stop);
  if (trigger.since_start >= end.at) {
    refuse(locate(at, {"time"}),
           fmt::format("the fault would come at {}, when the run is over: {} is {}",
                       format_duration(trigger.since_start),
                       end.key,
                       format_duration(end.at)));
  }
}

void check_redeploy(const Scenario& scenario, const YamlNode& node, const faults::Crash& crash) {
  const YamlNode* const redeploy = node.find("redeploy");
  if (redeploy == nullptr) {
    return;
  }
  const bool hits_driver = crash.target.kind == faults::TargetKind::kDriver ||
                           crash.target.kind == faults::TargetKind::kCluster;
  if (!hits_driver) {
    refuse(*redeploy, "a redeploy replaces the driver's application; crash the driver or cluster");
  }
  if (!crash.restarts) {
    refuse(*redeploy, "a redeploy needs a restart, and restart_after is never");
  }
  if (crash.redeploy.delete_checkpoint && !scenario.pipeline.checkpoint_enabled) {
    refuse(locate(*redeploy, {"delete_checkpoint"}),
           "there is no checkpoint to delete: it is disabled");
  }
}

// Nobody else restarts a receiver that failed alone.
void check_restart(const YamlNode& node, const faults::Crash& crash) {
  const YamlNode* const restart = node.find("restart_after");
  if (restart != nullptr && crash.target.kind == faults::TargetKind::kReceiver) {
    refuse(*restart,
           "a receiver that fails alone is started again by its supervisor, after "
           "source.restart_delay; leave restart_after out");
  }
}

// Only what storage can do to this target.
void check_disk(const Scenario& scenario, const YamlNode& node, const faults::Crash& crash) {
  const auto outcomes = faults::outcomes_of(crash.target, scenario.pipeline.checkpoint_storage);
  if (std::ranges::find(outcomes, crash.disk) == outcomes.end()) {
    refuse(locate(node, {"disk"}),
           fmt::format("when {} dies, checkpoint.storage of this kind has nothing unsynced that "
                       "could be kept or torn; leave disk out",
                       locate(node, {"crash"}).text));
  }
}

void check_trigger(const Scenario& scenario, const YamlNode& at, const faults::Trigger& trigger) {
  if (const auto* const point = std::get_if<faults::AtPoint>(&trigger)) {
    check_at_point(scenario, at, *point);
  } else if (const auto* const time = std::get_if<faults::AtTime>(&trigger)) {
    check_at_time(scenario, at, *time);
  } else if (const auto* const step = std::get_if<faults::AtStep>(&trigger)) {
    if (step->process.role == engine::Role::kExecutor) {
      check_index(locate(at, {"process"}),
                  "executor",
                  step->process.index,
                  scenario.cluster.executors,
                  "the cluster");
    }
  }
}

void check_fault(const Scenario& scenario, const YamlNode& node, const faults::Crash& crash) {
  check_target(scenario, locate(node, {"crash"}), crash.target);
  check_trigger(scenario, locate(node, {"at"}), crash.at);
  check_restart(node, crash);
  check_redeploy(scenario, node, crash);
  check_disk(scenario, node, crash);
}

// What a cut swallows is not sent again: its connections are broken. The driver learns that from
// missing heartbeats alone, and a cut that ends before it has would be one that TCP bridges.
void check_lasts(const Scenario& scenario,
                 const YamlNode& node,
                 const faults::Partition& partition) {
  const bool of_driver = partition.left.kind == faults::TargetKind::kDriver ||
                         partition.right.kind == faults::TargetKind::kDriver;
  const engine::Cluster& cluster = scenario.cluster;
  if (of_driver && partition.lasts < cluster.network_timeout + cluster.heartbeat_interval) {
    refuse(locate(node, {"for"}),
           fmt::format("a partition of {} is over before the driver gives the executor up, which "
                       "takes up to {} (cluster.network_timeout and heartbeat_interval)",
                       format_duration(partition.lasts),
                       format_duration(cluster.network_timeout + cluster.heartbeat_interval)));
  }
}

void check_fault(const Scenario& scenario,
                 const YamlNode& node,
                 const faults::Partition& partition) {
  const YamlNode& ends = locate(node, {"partition"});
  check_target(scenario, ends.items.at(0), partition.left);
  check_target(scenario, ends.items.at(1), partition.right);
  check_trigger(scenario, locate(node, {"at"}), partition.at);
  check_lasts(scenario, node, partition);
}

void check_fault(const Scenario& scenario, const YamlNode& node, const faults::Pause& pause) {
  check_target(scenario, locate(node, {"pause"}), pause.target);
  check_trigger(scenario, locate(node, {"at"}), pause.at);
}

void check_fault(const Scenario& scenario,
                 const YamlNode& node,
                 const faults::MessageFault& fault) {
  if (fault.message) {
    const auto number = static_cast<std::size_t>(*fault.message);
    const std::string_view name = engine::all_messages()[number].name;
    const std::string_view reason = why_unsent(scenario.pipeline, name);
    if (!reason.empty()) {
      const std::string_view fate = word_of(kMessageFates, fault.fate);
      refuse(locate(node, {fate}), fmt::format("message {} is never sent: {}", name, reason));
    }
  }
  if (fault.from) {
    check_target(scenario, locate(node, {"from"}), *fault.from);
  }
  if (fault.to) {
    check_target(scenario, locate(node, {"to"}), *fault.to);
  }
  check_trigger(scenario, locate(node, {"at"}), fault.at);
}

void refuse_fileless(const YamlNode& node, std::string_view reason) {
  if (!reason.empty()) {
    refuse(node, fmt::format("there is no such file: {}", reason));
  }
}

void check_executor(const YamlNode& node, const faults::Target& target, std::string_view why) {
  if (target.kind == faults::TargetKind::kDriver) {
    refuse(node, fmt::format("{}; name an executor", why));
  }
}

void check_fault(const Scenario& scenario, const YamlNode& node, const faults::Failure& failure) {
  const YamlNode& of = locate(node, {"of"});
  check_target(scenario, of, failure.target);
  switch (failure.what) {
    case faults::Failing::kRpc:
      check_executor(of, failure.target, "the driver asks nobody");
      break;
    case faults::Failing::kTask:
      check_executor(of, failure.target, "the driver runs no task");
      break;
    case faults::Failing::kSink:
      break;
    case faults::Failing::kWrite:
    case faults::Failing::kFlush:
    case faults::Failing::kRename:
    case faults::Failing::kRead:
      refuse_fileless(of, why_no_file(scenario.pipeline, failure.target.kind));
      break;
  }
  check_trigger(scenario, locate(node, {"at"}), failure.at);
}

void check_fault(const Scenario& scenario, const YamlNode& node, const faults::DiskFault& fault) {
  refuse_fileless(locate(node, {"disk"}),
                  why_no_file(scenario.pipeline, faults::FileKind::kCheckpoint));
  if (fault.trouble == faults::DiskTrouble::kFlipBit) {
    refuse_fileless(locate(node, {"file"}), why_no_file(scenario.pipeline, fault.file));
  }
  check_trigger(scenario, locate(node, {"at"}), fault.at);
}

void check_kafka_partition(const Scenario& scenario, const YamlNode& node, std::int32_t partition) {
  const std::int32_t partitions = scenario.pipeline.source.partitions;
  if (partition >= partitions) {
    refuse(node,
           fmt::format("partition {} does not exist; the topic has {} partitions, counted from 0",
                       partition,
                       partitions));
  }
}

void check_fault(const Scenario& scenario, const YamlNode& node, const faults::KafkaFault& fault) {
  if (const YamlNode* const partition = node.find("partition")) {
    check_kafka_partition(scenario, *partition, fault.partition);
  }
  if (const YamlNode* const of = node.find("of")) {
    check_target(scenario, *of, fault.target);
  }
  if (fault.trouble == faults::KafkaTrouble::kCoordinatorMove &&
      !commits_to_kafka(scenario.pipeline.source)) {
    refuse(locate(node, {"kafka"}),
           "no group commits offsets to Kafka; leader-move interrupts a Direct stream");
  }
  check_trigger(scenario, locate(node, {"at"}), fault.at);
}

void check_fault(const Scenario& scenario, const YamlNode& node, const faults::ClockFault& fault) {
  check_target(scenario, locate(node, {"clock"}), fault.target);
  check_trigger(scenario, locate(node, {"at"}), fault.at);
}

void check_fault(const Scenario& scenario, const YamlNode& node, const faults::Slowdown& fault) {
  const YamlNode& of = locate(node, {"of"});
  check_target(scenario, of, fault.target);
  switch (fault.what) {
    case faults::Slowed::kTask:
      check_executor(of, fault.target, "the driver runs no task");
      break;
    case faults::Slowed::kStorage:
      refuse_fileless(of, why_no_file(scenario.pipeline, fault.target.kind));
      break;
    case faults::Slowed::kSink:
      break;
  }
  check_trigger(scenario, locate(node, {"at"}), fault.at);
}

void check_fault(const Scenario& scenario, const YamlNode& node, const faults::Reorder& reorder) {
  check_trigger(scenario, locate(node, {"at"}), reorder.at);
}

void check_fault(const Scenario& scenario, const YamlNode& node, const faults::Yield& yield) {
  check_target(scenario, locate(node, {"yield"}), yield.target);
  check_trigger(scenario, locate(node, {"at"}), yield.at);
}

void check_stop(const Scenario& scenario, const YamlNode& document) {
  const End end = end_of_work(scenario.stop);
  if (scenario.workload.start >= end.at) {
    refuse(locate(document, {"workload", "start"}),
           fmt::format("the first record would come at {}, when the run is over: {} is {}",
                       format_duration(scenario.workload.start),
                       end.key,
                       format_duration(end.at)));
  }
  if (scenario.pipeline.batch_interval > end.at) {
    refuse(locate(document, {"pipeline", "batch_interval"}),
           fmt::format("not one batch of {} fits into {} ({})",
                       format_duration(scenario.pipeline.batch_interval),
                       end.key,
                       format_duration(end.at)));
  }
}

void check_expect(const Scenario& scenario, const YamlNode& document) {
  const bool cut_off = scenario.stop.when == Stop::When::kTime && !scenario.stop.graceful;
  if (scenario.expect.stalled && cut_off) {
    refuse(locate(document, {"expect", "stalled"}),
           "a run that stops at a time is cut off, not stalled; use stop: { when: drained }");
  }
}

void check_explored_targets(const Scenario& scenario, const YamlNode& document) {
  if (!scenario.explore) {
    return;
  }
  const YamlNode& list = locate(document, {"explore", "crash"});
  for (std::size_t i = 0; i < scenario.explore->crash.size(); ++i) {
    check_target(scenario, list.items[i], scenario.explore->crash[i]);
  }
}

bool shortens_log(const faults::Fault& fault) {
  const auto* const kafka = std::get_if<faults::KafkaFault>(&fault);
  return kafka != nullptr && (kafka->trouble == faults::KafkaTrouble::kTruncate ||
                              kafka->trouble == faults::KafkaTrouble::kRetain);
}

}  // namespace

std::string why_impossible(const Scenario& scenario, const faults::FaultPlan& plan, bool on_model) {
  const auto found = std::ranges::find_if(plan, shortens_log);
  if (on_model || found == plan.end()) {
    return {};
  }
  const faults::KafkaTrouble trouble = std::get<faults::KafkaFault>(*found).trouble;
  return fmt::format(
      "{}: scenario {}: fault {}: only --kafka model can do kafka: {}; what this cluster can do is "
      "kafka: broker-down, leader-move, request-error and coordinator-move",
      scenario.path,
      scenario.name,
      found - plan.begin() + 1,
      word_of(kKafkaTroubles, trouble));
}

void check_fault_rules(const Scenario& scenario, const YamlNode& document) {
  check_stop(scenario, document);
  const YamlNode& faults = locate(document, {"faults"});
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    std::visit([&](const auto& what) { check_fault(scenario, faults.items[i], what); },
               scenario.faults[i]);
  }
  check_expect(scenario, document);
  check_explored_targets(scenario, document);
}

}  // namespace scenarios
