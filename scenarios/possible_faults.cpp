#include "scenarios/possible_faults.h"

#include <algorithm>
#include <array>

namespace scenarios {
namespace {

constexpr std::array<std::string_view, 4> kOfEveryPipeline{
    "register_executor", "heartbeat", "launch_task", "task_finished"};
constexpr std::array<std::string_view, 2> kOfShuffles{"fetch_shuffle_block", "shuffle_block"};
constexpr std::array<std::string_view, 2> kOfReplication{"replicate_block", "block_replicated"};

template <class Names>
bool is_among(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// Why receivers with these options, or the driver for them, never send it.
std::string_view why_unsent_by(const engine::ReceiverOptions& receiver, std::string_view message) {
  if (!is_among(kOfReplication, message)) {
    return {};
  }
  if (receiver.write_ahead_log) {
    return "with the write-ahead log blocks are not replicated";
  }
  return receiver.replication == 1 ? "source.replication is 1" : std::string_view();
}

}  // namespace

std::string_view why_unsent(const engine::Pipeline& pipeline, std::string_view message) {
  if (is_among(kOfEveryPipeline, message)) {
    return {};
  }
  if (is_among(kOfShuffles, message)) {
    const bool shuffles = std::ranges::any_of(pipeline.operations, &engine::Operation::is_shuffle);
    return shuffles ? std::string_view() : "no operation shuffles";
  }
  if (!pipeline.source.receiver) {
    return "a Direct pipeline has no receiver";
  }
  if (message == "update_rate_limit" && !pipeline.backpressure) {
    return "backpressure is off";
  }
  return why_unsent_by(*pipeline.source.receiver, message);
}

// Executors write files for receivers with a log, and for nothing else.
std::string_view why_no_file(const engine::Pipeline& pipeline, faults::TargetKind process) {
  if (!pipeline.checkpoint_enabled) {
    return "the checkpoint is disabled";
  }
  const bool has_log = pipeline.source.receiver && pipeline.source.receiver->write_ahead_log;
  if (process != faults::TargetKind::kDriver && !has_log) {
    return "no receiver has a write-ahead log, and executors write nothing else";
  }
  return {};
}

std::string_view why_no_file(const engine::Pipeline& pipeline, faults::FileKind kind) {
  switch (kind) {
    case faults::FileKind::kCheckpoint:
      break;
    case faults::FileKind::kDriverLog:
      if (!pipeline.source.receiver) {
        return "a Direct pipeline has no driver log";
      }
      break;
    case faults::FileKind::kReceiverLog:
      return why_no_file(pipeline, faults::TargetKind::kReceiverExecutor);
  }
  return why_no_file(pipeline, faults::TargetKind::kDriver);
}

bool commits_to_kafka(const engine::KafkaSource& source) {
  return source.receiver.has_value() || source.offsets == engine::OffsetKeeping::kKafka;
}

}  // namespace scenarios
