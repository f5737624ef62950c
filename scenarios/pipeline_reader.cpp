#include "scenarios/pipeline_reader.h"

#include <algorithm>
#include <array>

#include "engine/ports/invariant.h"
#include "engine/ports/protocol.h"

namespace scenarios {
namespace {

using namespace std::chrono_literals;

constexpr std::int32_t kPartitionsMax = 1024;
constexpr std::int64_t kRecordsMax = 10'000'000;
constexpr std::int32_t kKeysMax = 10'000'000;
constexpr std::int32_t kValueBytesMax = 1 << 20;
constexpr double kRateMin = 0.001;
constexpr double kRateMax = 1e6;
constexpr engine::Duration kDurationMax = 1000h;
constexpr std::int32_t kMachinesMax = 256;
constexpr std::int32_t kCopiesMax = 1000;
constexpr std::int32_t kThreadsMax = 64;
constexpr std::int32_t kBlocksMax = 100'000;
constexpr std::int64_t kMemoryMax = std::int64_t{1} << 40;

constexpr std::array kTopicKeys{
    Key<Scenario>{"name",
                  [](const Field& field, Scenario& scenario) {
                    scenario.pipeline.source.topic = read_text(field);
                  }},
    Key<Scenario>{"partitions",
                  [](const Field& field, Scenario& scenario) {
                    scenario.pipeline.source.partitions = read_int32(field, 1, kPartitionsMax);
                  }},
};
constexpr std::array<std::string_view, 2> kTopicRequired{"name", "partitions"};
constexpr Mapping<Scenario> kTopic{"topic", kTopicKeys, kTopicRequired};

constexpr std::array kWorkloadKeys{
    Key<Workload>{"records",
                  [](const Field& field, Workload& workload) {
                    workload.records = read_integer(field, 0, kRecordsMax);
                  }},
    Key<Workload>{"keys",
                  [](const Field& field, Workload& workload) {
                    workload.keys = read_int32(field, 1, kKeysMax);
                  }},
    Key<Workload>{"rate",
                  [](const Field& field, Workload& workload) {
                    workload.rate_per_second = read_rate(field, kRateMin, kRateMax);
                  }},
    Key<Workload>{"value_bytes",
                  [](const Field& field, Workload& workload) {
                    workload.value_bytes = read_int32(field, 1, kValueBytesMax);
                  }},
    Key<Workload>{"start",
                  [](const Field& field, Workload& workload) {
                    workload.start = read_duration(field, 0us, kDurationMax);
                  }},
    Key<Workload>{"file",
                  [](const Field& field, Workload& workload) { workload.file = read_text(field); }},
    Key<Workload>{
        "key",
        [](const Field& field, Workload& workload) { workload.key_field = read_text(field); }},
    Key<Workload>{
        "value",
        [](const Field& field, Workload& workload) { workload.value_field = read_text(field); }},
};
constexpr Mapping<Workload> kWorkload{"workload", kWorkloadKeys, {}};

enum class SourceKind : std::uint8_t { kDirect, kReceiver };

constexpr std::array kSourceKinds{
    Choice<SourceKind>{"kafka-direct", SourceKind::kDirect},
    Choice<SourceKind>{"kafka-receiver", SourceKind::kReceiver},
};
constexpr std::array<std::string_view, 4> kLaterSourceKinds{
    "file", "kinesis", "push", "record-at-a-time"};
constexpr std::array kStartPositions{
    Choice<engine::StartPosition>{"earliest", engine::StartPosition::kEarliest},
    Choice<engine::StartPosition>{"latest", engine::StartPosition::kLatest},
};
constexpr std::array kOffsetKeepings{
    Choice<engine::OffsetKeeping>{"checkpoint", engine::OffsetKeeping::kCheckpoint},
    Choice<engine::OffsetKeeping>{"kafka", engine::OffsetKeeping::kKafka},
    Choice<engine::OffsetKeeping>{"zookeeper", engine::OffsetKeeping::kZookeeper},
    Choice<engine::OffsetKeeping>{"hbase", engine::OffsetKeeping::kHbase},
    Choice<engine::OffsetKeeping>{"sink", engine::OffsetKeeping::kSink},
    Choice<engine::OffsetKeeping>{"none", engine::OffsetKeeping::kNone},
};

// The options of a receiver wait until the kind is known, which may come behind them.
struct Source {
  SourceKind kind = SourceKind::kDirect;
  engine::KafkaSource& kafka;
  engine::ReceiverOptions receiver;
};

constexpr std::array kSourceKeys{
    Key<Source>{"kind",
                [](const Field& field, Source& source) {
                  source.kind = read_choice<SourceKind>(field, kSourceKinds, kLaterSourceKinds);
                }},
    Key<Source>{"start",
                [](const Field& field, Source& source) {
                  source.kafka.start = read_choice<engine::StartPosition>(field, kStartPositions);
                }},
    Key<Source>{"max_rate_per_partition",
                [](const Field& field, Source& source) {
                  source.kafka.max_rate_per_partition = read_rate(field, kRateMin, kRateMax);
                }},
    Key<Source>{"offsets",
                [](const Field& field, Source& source) {
                  source.kafka.offsets = read_choice<engine::OffsetKeeping>(field, kOffsetKeepings);
                }},
    Key<Source>{
        "reliable",
        [](const Field& field, Source& source) { source.receiver.reliable = read_bool(field); }},
    Key<Source>{"write_ahead_log",
                [](const Field& field, Source& source) {
                  source.receiver.write_ahead_log = read_bool(field);
                }},
    Key<Source>{"receivers",
                [](const Field& field, Source& source) {
                  source.receiver.receivers = read_int32(field, 1, kPartitionsMax);
                }},
    Key<Source>{"consumer_threads",
                [](const Field& field, Source& source) {
                  source.receiver.consumer_threads = read_int32(field, 1, kThreadsMax);
                }},
    Key<Source>{"block_interval",
                [](const Field& field, Source& source) {
                  source.receiver.block_interval = read_duration(field, 1ms, 1h);
                }},
    Key<Source>{"block_queue",
                [](const Field& field, Source& source) {
                  source.receiver.queue_blocks_max = read_int32(field, 1, kBlocksMax);
                }},
    Key<Source>{"replication",
                [](const Field& field, Source& source) {
                  source.receiver.replication = read_int32(field, 1, kMachinesMax);
                }},
    Key<Source>{"max_rate",
                [](const Field& field, Source& source) {
                  source.receiver.max_rate = read_rate(field, kRateMin, kRateMax);
                }},
    Key<Source>{"auto_commit_interval",
                [](const Field& field, Source& source) {
                  source.receiver.auto_commit_interval = read_duration(field, 1ms, kDurationMax);
                }},
    Key<Source>{"poll_interval",
                [](const Field& field, Source& source) {
                  source.receiver.poll_interval = read_duration(field, 1ms, 1h);
                }},
    Key<Source>{"restart_delay",
                [](const Field& field, Source& source) {
                  source.receiver.restart_delay = read_duration(field, 0us, kDurationMax);
                }},
};
constexpr std::array<std::string_view, 1> kSourceRequired{"kind"};
constexpr Mapping<Source> kSource{"source", kSourceKeys, kSourceRequired};

void read_source(const Field& field, engine::KafkaSource& kafka) {
  Source source{.kafka = kafka, .receiver = {}};
  read_mapping(field, kSource, source);
  if (source.kind == SourceKind::kReceiver) {
    kafka.receiver = source.receiver;
    kafka.offsets = engine::OffsetKeeping::kNone;
  }
}

constexpr std::array kStorageKinds{
    Choice<engine::StorageKind>{"hdfs", engine::StorageKind::kHdfs},
    Choice<engine::StorageKind>{"s3", engine::StorageKind::kS3},
    Choice<engine::StorageKind>{"local", engine::StorageKind::kLocal},
};

constexpr std::array kCheckpointKeys{
    Key<engine::Pipeline>{"enabled",
                          [](const Field& field, engine::Pipeline& pipeline) {
                            pipeline.checkpoint_enabled = read_bool(field);
                          }},
    Key<engine::Pipeline>{"storage",
                          [](const Field& field, engine::Pipeline& pipeline) {
                            pipeline.checkpoint_storage =
                                read_choice<engine::StorageKind>(field, kStorageKinds);
                          }},
};
constexpr Mapping<engine::Pipeline> kCheckpoint{"checkpoint", kCheckpointKeys, {}};

constexpr std::array kMapFunctions{
    Choice<engine::Function>{"identity", engine::Function::kIdentity},
    Choice<engine::Function>{"uppercase", engine::Function::kUppercase},
    Choice<engine::Function>{"reverse", engine::Function::kReverse},
};
constexpr std::array kReduceFunctions{
    Choice<engine::Function>{"sum", engine::Function::kSum},
    Choice<engine::Function>{"max", engine::Function::kMax},
};
constexpr std::array kNondeterministicFunctions{
    Choice<engine::Function>{"identity", engine::Function::kIdentity},
};

constexpr std::array kFilterKeys{
    Key<engine::Operation>{"value_contains",
                           [](const Field& field, engine::Operation& operation) {
                             operation.text = read_text(field);
                           }},
};
constexpr std::array<std::string_view, 1> kFilterRequired{"value_contains"};
constexpr Mapping<engine::Operation> kFilter{"filter", kFilterKeys, kFilterRequired};

constexpr std::array kFlatMapKeys{
    Key<engine::Operation>{"copies",
                           [](const Field& field, engine::Operation& operation) {
                             operation.count = read_int32(field, 1, kCopiesMax);
                           }},
};
constexpr std::array<std::string_view, 1> kFlatMapRequired{"copies"};
constexpr Mapping<engine::Operation> kFlatMap{"flat_map", kFlatMapKeys, kFlatMapRequired};

constexpr Mapping<engine::Operation> kCountByKey{"count_by_key", {}, {}};

constexpr std::array kOperationKeys{
    Key<engine::Operation>{"map",
                           [](const Field& field, engine::Operation& operation) {
                             operation.kind = engine::OperationKind::kMap;
                             operation.function =
                                 read_choice<engine::Function>(field, kMapFunctions);
                           }},
    Key<engine::Operation>{"filter",
                           [](const Field& field, engine::Operation& operation) {
                             operation.kind = engine::OperationKind::kFilter;
                             read_mapping(field, kFilter, operation);
                           }},
    Key<engine::Operation>{"flat_map",
                           [](const Field& field, engine::Operation& operation) {
                             operation.kind = engine::OperationKind::kFlatMap;
                             read_mapping(field, kFlatMap, operation);
                           }},
    Key<engine::Operation>{"count_by_key",
                           [](const Field& field, engine::Operation& operation) {
                             operation.kind = engine::OperationKind::kCountByKey;
                             if (field.node.kind != YamlNode::Kind::kNull) {
                               read_mapping(field, kCountByKey, operation);
                             }
                           }},
    Key<engine::Operation>{"reduce_by_key",
                           [](const Field& field, engine::Operation& operation) {
                             operation.kind = engine::OperationKind::kReduceByKey;
                             operation.function =
                                 read_choice<engine::Function>(field, kReduceFunctions);
                           }},
    Key<engine::Operation>{"nondeterministic",
                           [](const Field& field, engine::Operation& operation) {
                             operation.kind = engine::OperationKind::kNondeterministic;
                             operation.function =
                                 read_choice<engine::Function>(field, kNondeterministicFunctions);
                           }},
    Key<engine::Operation>{"window", nullptr},
    Key<engine::Operation>{"update_state", nullptr},
};
constexpr Mapping<engine::Operation> kOperation{"operations", kOperationKeys, {}};

constexpr std::array kBareOperations{
    Choice<engine::OperationKind>{"count_by_key", engine::OperationKind::kCountByKey},
    Choice<engine::OperationKind>{"nondeterministic", engine::OperationKind::kNondeterministic},
};
constexpr std::array<std::string_view, 2> kLaterOperations{"window", "update_state"};

engine::Operation read_operation(const Field& field) {
  engine::Operation operation;
  if (field.node.kind == YamlNode::Kind::kScalar) {
    operation.kind = read_choice<engine::OperationKind>(field, kBareOperations, kLaterOperations);
    return operation;
  }
  if (field.node.kind != YamlNode::Kind::kMapping || field.node.items.size() != 2) {
    refuse_type(field, "a list of operations with one key each, such as { map: identity }");
  }
  read_mapping(field, kOperation, operation);
  return operation;
}

void read_operations(const Field& field, engine::Pipeline& pipeline) {
  if (field.node.kind != YamlNode::Kind::kSequence) {
    refuse_type(field, "a list such as [ { map: identity } ]");
  }
  for (const YamlNode& item : field.node.items) {
    pipeline.operations.push_back(read_operation({.name = field.name, .node = item}));
  }
}

constexpr std::array kSinkKinds{
    Choice<engine::SinkKind>{"append", engine::SinkKind::kAppend},
    Choice<engine::SinkKind>{"upsert", engine::SinkKind::kUpsert},
    Choice<engine::SinkKind>{"batch-uid", engine::SinkKind::kBatchUid},
    Choice<engine::SinkKind>{"offsets", engine::SinkKind::kOffsets},
    Choice<engine::SinkKind>{"files", engine::SinkKind::kFiles},
};
constexpr std::array<std::string_view, 2> kLaterSinkKinds{"kafka", "kafka-transactional"};
constexpr std::array kStoreKinds{
    Choice<StoreKind>{"sqlite", StoreKind::kSqlite},
    Choice<StoreKind>{"memory", StoreKind::kMemory},
};
constexpr std::array<std::string_view, 2> kStoreNames{"sqlite", "memory"};

void read_store(const Field& field, Scenario& scenario) {
  const std::string& word = read_word(field, "one of: sqlite, memory");
  if (word.starts_with("postgresql:") || word.starts_with("postgres:")) {
    refuse_unsupported(field.node, "a postgresql store", kStoreNames);
  }
  scenario.store = read_choice<StoreKind>(field, kStoreKinds);
}

constexpr std::array kSinkKeys{
    Key<Scenario>{"kind",
                  [](const Field& field, Scenario& scenario) {
                    scenario.pipeline.sink.kind =
                        read_choice<engine::SinkKind>(field, kSinkKinds, kLaterSinkKinds);
                  }},
    Key<Scenario>{"store", read_store},
    Key<Scenario>{"rows_per_write",
                  [](const Field& field, Scenario& scenario) {
                    scenario.pipeline.sink.rows_per_write = read_int32(field, 1, 1'000'000);
                  }},
};
constexpr std::array<std::string_view, 1> kSinkRequired{"kind"};
constexpr Mapping<Scenario> kSink{"sink", kSinkKeys, kSinkRequired};

std::vector<std::string_view> decision_names() {
  std::vector<std::string_view> names;
  for (const engine::ProtocolChoice& choice : engine::all_protocol_choices()) {
    if (names.empty() || names.back() != choice.decision) {
      names.push_back(choice.decision);
    }
  }
  return names;
}

// What the decisions that a scenario names are exceptions from.
constexpr std::array kProtocolBases{
    Choice<bool>{"faithful", false},
    Choice<bool>{"hardened", true},
};
constexpr std::string_view kBaseKey = "base";

engine::Protocol read_base(const Field& field) {
  return read_choice<bool>(field, kProtocolBases) ? engine::hardened_protocol()
                                                  : engine::Protocol{};
}

std::vector<std::string_view> protocol_keys() {
  std::vector<std::string_view> keys = decision_names();
  keys.insert(keys.begin(), kBaseKey);
  return keys;
}

void read_decision(const YamlNode& key, const YamlNode& value, engine::Protocol& protocol) {
  std::vector<std::string_view> values;
  const std::string name = fmt::format("protocol.{}", key.text);
  const Field field{.name = name, .node = value};
  for (const engine::ProtocolChoice& choice : engine::all_protocol_choices()) {
    if (choice.decision != key.text) {
      continue;
    }
    if (choice.value == read_word(field, "a name")) {
      choice.apply(protocol);
      return;
    }
    values.push_back(choice.value);
  }
  if (values.empty()) {
    refuse_unknown_key(key, "protocol", protocol_keys());
  }
  refuse_word(field, values, {});
}

// A base by name, or decisions that differ from a base.
void read_protocol(const Field& field, Scenario& scenario) {
  engine::Protocol& protocol = scenario.pipeline.protocol;
  if (field.node.kind == YamlNode::Kind::kScalar) {
    scenario.protocol_base = protocol = read_base(field);
    return;
  }
  if (field.node.kind != YamlNode::Kind::kMapping) {
    refuse_type(field, "hardened, or decisions such as { range_durability: before_submit }");
  }
  const YamlNode* const base = field.node.find(kBaseKey);
  if (base != nullptr) {
    scenario.protocol_base = protocol = read_base({.name = "protocol.base", .node = *base});
  }
  const auto& items = field.node.items;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].text != kBaseKey) {
      read_decision(items[i], items[i + 1], protocol);
    }
  }
}

// The parts of a pipeline in order of the contract. `sink` also names the store, which is the
// scenario's.
constexpr std::array kPipelineKeys{
    Key<Scenario>{"batch_interval",
                  [](const Field& field, Scenario& scenario) {
                    scenario.pipeline.batch_interval = read_duration(field, 1ms, 1h);
                  }},
    Key<Scenario>{"concurrent_jobs",
                  [](const Field& field, Scenario& scenario) {
                    scenario.pipeline.concurrent_jobs = read_int32(field, 1, 64);
                  }},
    Key<Scenario>{"source",
                  [](const Field& field, Scenario& scenario) {
                    read_source(field, scenario.pipeline.source);
                  }},
    Key<Scenario>{"backpressure",
                  [](const Field& field, Scenario& scenario) {
                    scenario.pipeline.backpressure = read_bool(field);
                  }},
    Key<Scenario>{"checkpoint",
                  [](const Field& field, Scenario& scenario) {
                    read_mapping(field, kCheckpoint, scenario.pipeline);
                  }},
    Key<Scenario>{
        "operations",
        [](const Field& field, Scenario& scenario) { read_operations(field, scenario.pipeline); }},
    Key<Scenario>{
        "sink",
        [](const Field& field, Scenario& scenario) { read_mapping(field, kSink, scenario); }},
    Key<Scenario>{"protocol", read_protocol},
    Key<Scenario>{"processing_time_per_record",
                  [](const Field& field, Scenario& scenario) {
                    scenario.pipeline.processing_time_per_record = read_duration(field, 0us, 1h);
                  }},
};
constexpr std::array<std::string_view, 2> kPipelineRequired{"source", "sink"};
constexpr Mapping<Scenario> kPipeline{"pipeline", kPipelineKeys, kPipelineRequired};

constexpr std::array kClusterKeys{
    Key<Scenario>{"executors",
                  [](const Field& field, Scenario& scenario) {
                    scenario.cluster.executors = read_int32(field, 1, kMachinesMax);
                  }},
    Key<Scenario>{"cores",
                  [](const Field& field, Scenario& scenario) {
                    scenario.cluster.cores = read_int32(field, 1, kMachinesMax);
                  }},
    Key<Scenario>{"driver_restart",
                  [](const Field& field, Scenario& scenario) {
                    scenario.driver_restart = read_duration(field, 0us, kDurationMax);
                  }},
    Key<Scenario>{"executor_restart",
                  [](const Field& field, Scenario& scenario) {
                    scenario.executor_restart = read_duration(field, 0us, kDurationMax);
                  }},
    Key<Scenario>{"heartbeat_interval",
                  [](const Field& field, Scenario& scenario) {
                    scenario.cluster.heartbeat_interval = read_duration(field, 1ms, kDurationMax);
                  }},
    Key<Scenario>{"network_timeout",
                  [](const Field& field, Scenario& scenario) {
                    scenario.cluster.network_timeout = read_duration(field, 1ms, kDurationMax);
                  }},
    Key<Scenario>{"task_failures_max",
                  [](const Field& field, Scenario& scenario) {
                    scenario.cluster.task_failures_max = read_int32(field, 1, 1000);
                  }},
    Key<Scenario>{"executor_memory",
                  [](const Field& field, Scenario& scenario) {
                    scenario.cluster.executor_memory = read_bytes(field, 1, kMemoryMax);
                  }},
    Key<Scenario>{"speculation",
                  [](const Field& field, Scenario& scenario) {
                    scenario.cluster.speculation = read_bool(field);
                  }},
};
constexpr Mapping<Scenario> kCluster{"cluster", kClusterKeys, {}};

template <class T>
std::string_view name_of(std::span<const Choice<T>> choices, T value) {
  const auto found = std::ranges::find(choices, value, &Choice<T>::value);
  INVARIANT(found != choices.end(), "value {} has no name", static_cast<int>(value));
  return found->name;
}

}  // namespace

void read_topic(const Field& field, Scenario& scenario) {
  read_mapping(field, kTopic, scenario);
}

void read_workload(const Field& field, Scenario& scenario) {
  read_mapping(field, kWorkload, scenario.workload);
}

// Without a `checkpoint` section there is a checkpoint where the offsets are kept in it, and with
// receivers; a Direct pipeline that keeps them elsewhere would not expect another truth.
void read_pipeline(const Field& field, Scenario& scenario) {
  read_mapping(field, kPipeline, scenario);
  if (field.node.find("checkpoint") == nullptr) {
    const engine::KafkaSource& source = scenario.pipeline.source;
    scenario.pipeline.checkpoint_enabled =
        source.receiver.has_value() || source.offsets == engine::OffsetKeeping::kCheckpoint;
  }
}

void read_cluster(const Field& field, Scenario& scenario) {
  read_mapping(field, kCluster, scenario);
}

std::span<const Choice<engine::OffsetKeeping>> offset_keepings() {
  return kOffsetKeepings;
}

std::span<const Choice<engine::SinkKind>> sink_kinds() {
  return kSinkKinds;
}

std::string_view to_string(engine::OffsetKeeping offsets) {
  return name_of(offset_keepings(), offsets);
}

std::string_view to_string(engine::SinkKind kind) {
  return name_of(sink_kinds(), kind);
}

void append_pipeline_mappings(std::vector<KnownMapping>& known) {
  known.push_back(known_mapping(kTopic));
  known.push_back(known_mapping(kWorkload));
  known.push_back(known_mapping(kPipeline));
  known.push_back(known_mapping(kSource));
  known.push_back(known_mapping(kCheckpoint));
  known.push_back(known_mapping(kOperation));
  known.push_back(known_mapping(kFilter));
  known.push_back(known_mapping(kFlatMap));
  known.push_back(known_mapping(kSink));
  known.push_back({.name = "protocol", .keys = protocol_keys()});
  known.push_back(known_mapping(kCluster));
}

}  // namespace scenarios
