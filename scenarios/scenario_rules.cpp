#include "scenarios/scenario_rules.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "engine/ports/points.h"
#include "scenarios/mapping_reader.h"
#include "scenarios/units.h"

namespace scenarios {
namespace {

using engine::OffsetKeeping;
using engine::OperationKind;
using engine::SinkKind;
using Path = std::initializer_list<std::string_view>;

constexpr std::int64_t kCopiesMax = 100'000;

// The value at the end of `path`, or as far as the document goes towards it.
const YamlNode& locate(const YamlNode& document, Path path) {
  const YamlNode* node = &document;
  for (const std::string_view key : path) {
    const YamlNode* const next = node->find(key);
    if (next == nullptr) {
      break;
    }
    node = next;
  }
  return *node;
}

bool given(const YamlNode& document, std::string_view section, std::string_view key) {
  const YamlNode* const node = document.find(section);
  return node != nullptr && node->find(key) != nullptr;
}

bool keeps_own_offsets(OffsetKeeping offsets) {
  return offsets != OffsetKeeping::kCheckpoint && offsets != OffsetKeeping::kNone;
}

bool has_shuffle(const engine::Pipeline& pipeline) {
  return std::ranges::any_of(pipeline.operations, &engine::Operation::is_shuffle);
}

void check_workload(const Scenario& scenario, const YamlNode& document) {
  const bool from_file = !scenario.workload.file.empty();
  const YamlNode& workload = locate(document, {"workload"});
  for (const std::string_view key : {"records", "keys", "value_bytes"}) {
    if (from_file && given(document, "workload", key)) {
      refuse(locate(document, {"workload", key}),
             fmt::format("workload.{} describes generated records; the file brings its own", key));
    }
  }
  for (const std::string_view key : {"key", "value"}) {
    if (!from_file && given(document, "workload", key)) {
      refuse(locate(document, {"workload", key}),
             fmt::format("workload.{} names a field of an event file, and there is no file", key));
    }
  }
  if (!from_file && !given(document, "workload", "records")) {
    refuse(workload, "workload needs the key \"records\", or \"file\" for events of your own");
  }
  if (from_file && scenario.workload.key_field.empty() && has_shuffle(scenario.pipeline)) {
    refuse(locate(document, {"workload", "file"}),
           "the pipeline groups by key; say which field is the key, such as key: user");
  }
}

void check_offsets(const Scenario& scenario, const YamlNode& document) {
  const engine::Pipeline& pipeline = scenario.pipeline;
  const OffsetKeeping offsets = pipeline.source.offsets;
  const YamlNode& node = locate(document, {"pipeline", "source", "offsets"});
  if (offsets == OffsetKeeping::kCheckpoint && !pipeline.checkpoint_enabled) {
    refuse(node,
           "offsets: checkpoint needs the checkpoint, which is disabled; enable it, or keep the "
           "offsets elsewhere");
  }
  if (offsets == OffsetKeeping::kNone && pipeline.checkpoint_enabled) {
    refuse(node,
           "offsets: none keeps no position, but the enabled checkpoint holds one; use offsets: "
           "checkpoint, or disable the checkpoint");
  }
  if (pipeline.sink.kind == SinkKind::kOffsets && offsets != OffsetKeeping::kSink) {
    refuse(locate(document, {"pipeline", "sink", "kind"}),
           "the offsets sink keeps the offsets beside the results; it needs offsets: sink in the "
           "source");
  }
}

void check_sink(const Scenario& scenario, const YamlNode& document) {
  const engine::Sink& sink = scenario.pipeline.sink;
  const bool row_writes = sink.kind == SinkKind::kAppend || sink.kind == SinkKind::kUpsert;
  const YamlNode& section = locate(document, {"pipeline", "sink"});
  if (!row_writes && section.find("rows_per_write") != nullptr) {
    refuse(*section.find("rows_per_write"),
           "rows_per_write is for the sinks append and upsert; the others write a task's rows at "
           "once");
  }
}

void check_operations(const Scenario& scenario, const YamlNode& document) {
  const auto& operations = scenario.pipeline.operations;
  const YamlNode& list = locate(document, {"pipeline", "operations"});
  bool shuffled = false;
  std::int64_t copies = 1;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const engine::Operation& operation = operations[i];
    if (shuffled && operation.is_shuffle()) {
      refuse(list.items[i], "a pipeline can group by key only once");
    }
    if (shuffled && operation.kind != OperationKind::kMap) {
      refuse(list.items[i], "after count_by_key or reduce_by_key only map is accepted");
    }
    if (shuffled && operation.function == engine::Function::kReverse) {
      refuse(list.items[i], "map: reverse would turn an aggregate into another number");
    }
    copies *= operation.count;
    if (copies > kCopiesMax) {
      refuse(list.items[i],
             fmt::format("the flat_maps make more than {} copies of a record", kCopiesMax));
    }
    shuffled = shuffled || operation.is_shuffle();
  }
  if (shuffled && scenario.pipeline.sink.kind == SinkKind::kOffsets) {
    refuse(locate(document, {"pipeline", "sink", "kind"}),
           "the offsets sink cannot follow count_by_key or reduce_by_key: after a shuffle a task "
           "no longer belongs to one range of offsets");
  }
}

void check_decision(const YamlNode& document,
                    std::string_view decision,
                    bool has_effect,
                    std::string_view needs) {
  const YamlNode* const node = locate(document, {"pipeline"}).find("protocol");
  const YamlNode* const value = node == nullptr ? nullptr : node->find(decision);
  if (value != nullptr && !has_effect) {
    refuse(*value, fmt::format("protocol.{} has no effect here: it needs {}", decision, needs));
  }
}

void check_protocol(const Scenario& scenario, const YamlNode& document) {
  const engine::Pipeline& pipeline = scenario.pipeline;
  const bool checkpoint = pipeline.checkpoint_enabled;
  const bool own_offsets = keeps_own_offsets(pipeline.source.offsets);
  const bool offsets_sink = pipeline.sink.kind == SinkKind::kOffsets;
  check_decision(document, "offset_guard", offsets_sink, "the offsets sink");
  check_decision(document,
                 "offset_save",
                 own_offsets && !offsets_sink,
                 "offsets kept in kafka, zookeeper, hbase or, in a transaction of their own, the "
                 "sink");
  check_decision(document,
                 "restart_position",
                 checkpoint && own_offsets,
                 "an enabled checkpoint and a second store of offsets to disagree with it");
  for (const std::string_view decision : {"range_durability", "reschedule", "checkpoint_publish"}) {
    check_decision(document, decision, checkpoint, "an enabled checkpoint");
  }
}

// When the run is over at the latest, and the key that says so.
struct End {
  engine::Duration at;
  std::string_view key;
};

End end_of(const Stop& stop) {
  if (stop.when == Stop::When::kTime) {
    return {.at = stop.at, .key = "stop.at"};
  }
  return {.at = stop.within, .key = "stop.within"};
}

void check_executor(const Scenario& scenario, const YamlNode& node, std::int32_t index) {
  if (index >= scenario.cluster.executors) {
    refuse(node,
           fmt::format("executor:{} does not exist; the cluster has {} executors, counted from 0",
                       index,
                       scenario.cluster.executors));
  }
}

// Why a Direct pipeline configured like this never reaches the point; empty if it may.
std::string_view why_unreachable(const engine::Pipeline& pipeline, std::string_view point) {
  if (point.starts_with("receiver.") || point.starts_with("tracker.")) {
    return "a Direct pipeline has no receiver";
  }
  if (point == "recovery.log_replayed") {
    return "a Direct pipeline has no write-ahead log";
  }
  const bool of_checkpoint = point.starts_with("checkpoint.") || point.starts_with("recovery.");
  if (of_checkpoint && !pipeline.checkpoint_enabled) {
    return "the checkpoint is disabled";
  }
  if (point == "offsets.saved" && !keeps_own_offsets(pipeline.source.offsets)) {
    return "the pipeline keeps no offsets outside the checkpoint";
  }
  return {};
}

void check_at_point(const Scenario& scenario, const YamlNode& at, const faults::AtPoint& trigger) {
  const engine::PointInfo& point = engine::info(trigger.point);
  const auto reason = why_unreachable(scenario.pipeline, point.name);
  if (!reason.empty()) {
    refuse(locate(at, {"point"}), fmt::format("point {} is never reached: {}", point.name, reason));
  }
  const std::int32_t partitions = scenario.pipeline.source.partitions;
  if (trigger.partition && *trigger.partition >= partitions) {
    refuse(locate(at, {"partition"}),
           fmt::format("partition {} does not exist; the topic has {} partitions, counted from 0",
                       *trigger.partition,
                       partitions));
  }
  const bool has_partition = point.process == "executor" || point.name == "offsets.saved";
  if (trigger.partition && !has_partition) {
    refuse(locate(at, {"partition"}),
           fmt::format("point {} is reached by the driver for all partitions at once; leave "
                       "partition out",
                       point.name));
  }
  const End end = end_of(scenario.stop);
  const auto interval = scenario.pipeline.batch_interval;
  if (trigger.batch && *trigger.batch > end.at / interval) {
    refuse(locate(at, {"batch"}),
           fmt::format("batch {} of {} each lies behind {} ({})",
                       *trigger.batch,
                       format_duration(interval),
                       end.key,
                       format_duration(end.at)));
  }
}

void check_at_time(const Scenario& scenario, const YamlNode& at, const faults::AtTime& trigger) {
  const End end = end_of(scenario.stop);
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
  if (crash.target.kind == faults::TargetKind::kExecutor) {
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

void check_fault(const Scenario& scenario, const YamlNode& node, const faults::Crash& crash) {
  const YamlNode& at = locate(node, {"at"});
  if (crash.target.kind == faults::TargetKind::kExecutor) {
    check_executor(scenario, locate(node, {"crash"}), crash.target.index);
  }
  if (const auto* const point = std::get_if<faults::AtPoint>(&crash.at)) {
    check_at_point(scenario, at, *point);
  } else if (const auto* const time = std::get_if<faults::AtTime>(&crash.at)) {
    check_at_time(scenario, at, *time);
  } else if (const auto* const step = std::get_if<faults::AtStep>(&crash.at)) {
    if (step->process.role == engine::Role::kExecutor) {
      check_executor(scenario, locate(at, {"process"}), step->process.index);
    }
  }
  check_redeploy(scenario, node, crash);
}

void check_cluster(const Scenario& scenario, const YamlNode& document) {
  if (scenario.cluster.heartbeat_interval >= scenario.cluster.network_timeout) {
    refuse(locate(document, {"cluster", "heartbeat_interval"}),
           fmt::format("heartbeat_interval ({}) must be shorter than network_timeout ({}), or "
                       "every executor is given up",
                       format_duration(scenario.cluster.heartbeat_interval),
                       format_duration(scenario.cluster.network_timeout)));
  }
}

void check_stop(const Scenario& scenario, const YamlNode& document) {
  const End end = end_of(scenario.stop);
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
  if (scenario.expect.stalled && scenario.stop.when == Stop::When::kTime) {
    refuse(locate(document, {"expect", "stalled"}),
           "a run that stops at a time is cut off, not stalled; use stop: { when: drained }");
  }
}

}  // namespace

void check_rules(const Scenario& scenario, const YamlNode& document) {
  check_workload(scenario, document);
  check_offsets(scenario, document);
  check_sink(scenario, document);
  check_operations(scenario, document);
  check_protocol(scenario, document);
  check_cluster(scenario, document);
  check_stop(scenario, document);
  const YamlNode& faults = locate(document, {"faults"});
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    check_fault(scenario, faults.items[i], scenario.faults[i]);
  }
  check_expect(scenario, document);
}

}  // namespace scenarios
