#include "scenarios/scenario_rules.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "scenarios/fault_rules.h"
#include "scenarios/mapping_reader.h"
#include "scenarios/units.h"

namespace scenarios {
namespace {

using engine::OffsetKeeping;
using engine::OperationKind;
using engine::SinkKind;

constexpr std::int64_t kCopiesMax = 100'000;

bool given(const YamlNode& document, std::string_view section, std::string_view key) {
  const YamlNode* const node = document.find(section);
  return node != nullptr && node->find(key) != nullptr;
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
    refuse(workload, R"(workload needs the key "records", or "file" for events of your own)");
  }
  if (from_file && scenario.workload.key_field.empty() && has_shuffle(scenario.pipeline)) {
    refuse(locate(document, {"workload", "file"}),
           "the pipeline groups by key; say which field is the key, such as key: user");
  }
}

constexpr std::array<std::string_view, 2> kDirectOptions{"offsets", "max_rate_per_partition"};
constexpr std::array<std::string_view, 11> kReceiverOptions{"reliable",
                                                            "write_ahead_log",
                                                            "receivers",
                                                            "consumer_threads",
                                                            "block_interval",
                                                            "block_queue",
                                                            "replication",
                                                            "max_rate",
                                                            "auto_commit_interval",
                                                            "poll_interval",
                                                            "restart_delay"};

void refuse_options(const YamlNode& document,
                    std::span<const std::string_view> options,
                    std::string_view reason) {
  const YamlNode& source = locate(document, {"pipeline", "source"});
  for (const std::string_view option : options) {
    if (source.find(option) != nullptr) {
      refuse(*source.find(option), fmt::format("source.{} {}", option, reason));
    }
  }
}

// The task slots that receivers take, and who gets the others.
void check_slots(const Scenario& scenario, const YamlNode& document) {
  const std::int32_t slots = scenario.cluster.executors * scenario.cluster.cores;
  if (scenario.receiver_count() >= slots) {
    refuse(locate(document, {"pipeline", "source", "receivers"}),
           fmt::format("every core would run a receiver and none is left for tasks: {} executors "
                       "of {} cores have {} in all, and a receiver keeps one for itself",
                       scenario.cluster.executors,
                       scenario.cluster.cores,
                       slots));
  }
}

void check_blocks(const Scenario& scenario, const YamlNode& document) {
  const engine::Duration batch = scenario.pipeline.batch_interval;
  const engine::Duration block = scenario.pipeline.source.receiver->block_interval;
  if (batch % block == engine::Duration(0)) {
    return;
  }
  const bool only_block = locate(document, {"pipeline"}).find("batch_interval") == nullptr;
  refuse(only_block ? locate(document, {"pipeline", "source", "block_interval"})
                    : locate(document, {"pipeline", "batch_interval"}),
         fmt::format("batch_interval ({}) must be a multiple of source.block_interval ({}), or "
                     "blocks lie across the end of a batch",
                     format_duration(batch),
                     format_duration(block)));
}

void check_receivers(const Scenario& scenario, const YamlNode& document) {
  if (!scenario.pipeline.source.receiver) {
    refuse_options(document, kReceiverOptions, "is for receivers: it needs kind: kafka-receiver");
    return;
  }
  refuse_options(document, kDirectOptions, "is for a Direct stream: it needs kind: kafka-direct");
  const engine::KafkaSource& source = scenario.pipeline.source;
  if (source.receiver->receivers > source.partitions) {
    refuse(locate(document, {"pipeline", "source", "receivers"}),
           fmt::format("{} receivers cannot share {} partitions: at most one for each",
                       source.receiver->receivers,
                       source.partitions));
  }
  if (source.receiver->write_ahead_log && !scenario.pipeline.checkpoint_enabled) {
    refuse(locate(document, {"pipeline", "source", "write_ahead_log"}),
           "the write-ahead log lies in the checkpoint directory: it needs the checkpoint "
           "directory, and the checkpoint is disabled");
  }
  if (source.receiver->reliable) {
    constexpr std::array<std::string_view, 1> kAutoCommit{"auto_commit_interval"};
    refuse_options(document,
                   kAutoCommit,
                   "is for unreliable receivers: a reliable one commits what it has stored, not "
                   "on a timer");
  }
  check_blocks(scenario, document);
  check_slots(scenario, document);
}

void check_offsets(const Scenario& scenario, const YamlNode& document) {
  const engine::Pipeline& pipeline = scenario.pipeline;
  if (pipeline.source.receiver) {
    return;
  }
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
}

void check_offsets_sink(const engine::Pipeline& pipeline, const YamlNode& document) {
  if (pipeline.sink.kind != SinkKind::kOffsets) {
    return;
  }
  const YamlNode& node = locate(document, {"pipeline", "sink", "kind"});
  if (pipeline.source.receiver) {
    refuse(node,
           "the offsets sink compares the range of a task with the offsets that it saved; the "
           "position of receivers is in Kafka, and their tasks read blocks, which have no range");
  }
  if (pipeline.source.offsets != OffsetKeeping::kSink) {
    refuse(node,
           "the offsets sink keeps the offsets beside the results; it needs offsets: sink in the "
           "source");
  }
}

void check_sink(const Scenario& scenario, const YamlNode& document) {
  const engine::Sink& sink = scenario.pipeline.sink;
  check_offsets_sink(scenario.pipeline, document);
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

bool saves_apart(const engine::Pipeline& pipeline) {
  return keeps_own_offsets(pipeline.source) && pipeline.sink.kind != SinkKind::kOffsets;
}

bool has_checkpoint(const engine::Pipeline& pipeline) {
  return pipeline.checkpoint_enabled;
}

bool is_direct(const engine::Pipeline& pipeline) {
  return !pipeline.source.receiver;
}

bool is_direct_with_checkpoint(const engine::Pipeline& pipeline) {
  return is_direct(pipeline) && pipeline.checkpoint_enabled;
}

template <SinkKind... Kinds>
bool writes_to(const engine::Pipeline& pipeline) {
  return ((pipeline.sink.kind == Kinds) || ...);
}

// Where a decision has an effect.
struct Need {
  std::string_view decision;
  bool (*is_met)(const engine::Pipeline& pipeline);
  std::string_view what;
};

constexpr std::string_view kSavedApart =
    "offsets kept in kafka, zookeeper, hbase or, in a transaction of their own, the sink";
constexpr std::string_view kCheckpoint = "an enabled checkpoint";
constexpr std::string_view kDirectAndCheckpoint = "a Direct source and an enabled checkpoint";

constexpr std::array kNeeds{
    Need{"offset_save", saves_apart, kSavedApart},
    Need{"offset_progress", saves_apart, kSavedApart},
    Need{"saved_offset", saves_apart, kSavedApart},
    Need{"unsaved_position", is_direct, "a Direct source"},
    Need{"offset_guard", writes_to<SinkKind::kOffsets>, "the offsets sink"},
    Need{"unit_guard", writes_to<SinkKind::kBatchUid>, "the batch-uid sink"},
    Need{"output_unit",
         writes_to<SinkKind::kBatchUid, SinkKind::kFiles>,
         "one of the sinks batch-uid and files"},
    Need{"row_identity", writes_to<SinkKind::kUpsert>, "the upsert sink"},
    Need{"file_write", writes_to<SinkKind::kFiles>, "the files sink"},
    Need{"range_durability", is_direct_with_checkpoint, kDirectAndCheckpoint},
    Need{"range_recovery", is_direct_with_checkpoint, kDirectAndCheckpoint},
    Need{"task_range", is_direct, "a Direct source"},
    Need{"rate_floor",
         [](const engine::Pipeline& pipeline) {
           return is_direct(pipeline) &&
                  (pipeline.backpressure || pipeline.source.max_rate_per_partition);
         },
         "a Direct source and backpressure or max_rate_per_partition"},
    Need{"restart_position",
         [](const engine::Pipeline& pipeline) {
           return pipeline.checkpoint_enabled && keeps_own_offsets(pipeline.source);
         },
         "an enabled checkpoint and a second store of offsets to disagree with it"},
    Need{"checkpoint_cleanup",
         [](const engine::Pipeline& pipeline) {
           return pipeline.checkpoint_enabled && !is_direct(pipeline);
         },
         "a receiver and an enabled checkpoint"},
    Need{"reschedule", has_checkpoint, kCheckpoint},
    Need{"pending_times", has_checkpoint, kCheckpoint},
    Need{"checkpoint_publish", has_checkpoint, kCheckpoint},
    Need{"checkpoint_name", has_checkpoint, kCheckpoint},
    Need{"checkpoint_backup", has_checkpoint, kCheckpoint},
    Need{"checkpoint_backlog", has_checkpoint, kCheckpoint},
    Need{"failed_rename", has_checkpoint, kCheckpoint},
    Need{"unreadable_checkpoint", has_checkpoint, kCheckpoint},
    Need{"fetch_failure", has_shuffle, "count_by_key or reduce_by_key"},
    Need{"lost_map_outputs", has_shuffle, "count_by_key or reduce_by_key"},
    Need{"job_overlap", writes_to<SinkKind::kOffsets>, "the offsets sink"},
};

void check_receiver_decisions(const Scenario& scenario, const YamlNode& document) {
  const engine::Pipeline& pipeline = scenario.pipeline;
  const auto& receiver = pipeline.source.receiver;
  for (const std::string_view decision : {"offset_commit", "committed_offset"}) {
    check_decision(document, decision, receiver && receiver->reliable, "a reliable receiver");
  }
  check_decision(document,
                 "supervisor_stop",
                 receiver && receiver->write_ahead_log,
                 "a receiver with a write-ahead log");
  check_decision(document,
                 "tracker_stop",
                 receiver && pipeline.checkpoint_enabled && scenario.stop.graceful,
                 "a receiver, an enabled checkpoint and stop: { graceful: true }");
  const bool on_s3 =
      pipeline.checkpoint_enabled && pipeline.checkpoint_storage == engine::StorageKind::kS3;
  check_decision(document,
                 "failed_close",
                 receiver && on_s3,
                 "a receiver and a checkpoint on storage: s3, where a file exists once it is "
                 "closed");
}

void check_protocol(const Scenario& scenario, const YamlNode& document) {
  for (const Need& need : kNeeds) {
    check_decision(document, need.decision, need.is_met(scenario.pipeline), need.what);
  }
  check_receiver_decisions(scenario, document);
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

}  // namespace

void check_rules(const Scenario& scenario, const YamlNode& document) {
  check_workload(scenario, document);
  check_receivers(scenario, document);
  check_offsets(scenario, document);
  check_sink(scenario, document);
  check_operations(scenario, document);
  check_protocol(scenario, document);
  check_cluster(scenario, document);
  check_fault_rules(scenario, document);
}

}  // namespace scenarios
