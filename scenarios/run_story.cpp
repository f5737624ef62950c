#include "scenarios/run_story.h"

#include <vector>

#include <fmt/format.h>

#include "engine/ports/protocol.h"
#include "scenarios/fault_text.h"
#include "scenarios/pipeline_reader.h"
#include "scenarios/units.h"

namespace scenarios {
namespace {

std::string counted(std::int64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string source_text(const engine::KafkaSource& source) {
  const std::string partitions = counted(source.partitions, "partition");
  if (!source.receiver) {
    const bool is_kept = source.offsets != engine::OffsetKeeping::kNone;
    return fmt::format("a Direct stream of {}, its position kept {}{}",
                       partitions,
                       is_kept ? "in " : "nowhere",
                       is_kept ? to_string(source.offsets) : std::string_view());
  }
  return fmt::format("{} ({}reliable, {} write-ahead log) of {}",
                     counted(source.receiver->receivers, "receiver"),
                     source.receiver->reliable ? "" : "un",
                     source.receiver->write_ahead_log ? "with a" : "without a",
                     partitions);
}

// Every decision that is not Spark's own: "offset_save: before_output".
std::vector<std::string> decisions_of(const engine::Protocol& protocol) {
  std::vector<std::string> decisions;
  for (const engine::ProtocolChoice& choice : engine::all_protocol_choices()) {
    engine::Protocol chosen = protocol;
    choice.apply(chosen);
    if (choice.soundness != engine::Soundness::kFaithful && chosen == protocol) {
      decisions.push_back(fmt::format("{}: {}", choice.decision, choice.value));
    }
  }
  return decisions;
}

std::vector<std::string> pipeline_text(const Scenario& scenario) {
  const engine::Pipeline& pipeline = scenario.pipeline;
  std::vector<std::string> text{
      fmt::format("The pipeline: {}; {} checkpoint; sink {}; {}; a batch every {}.",
                  source_text(pipeline.source),
                  pipeline.checkpoint_enabled ? "with a" : "no",
                  to_string(pipeline.sink.kind),
                  counted(scenario.cluster.executors, "executor"),
                  format_duration(pipeline.batch_interval))};
  const std::vector<std::string> decisions = decisions_of(pipeline.protocol);
  if (!decisions.empty()) {
    text.push_back(fmt::format("It differs from Spark in {}.", fmt::join(decisions, ", ")));
  }
  return text;
}

std::string sink_text(engine::SinkKind kind) {
  switch (kind) {
    case engine::SinkKind::kAppend:
      return "The sink append takes every row that it is given.";
    case engine::SinkKind::kUpsert:
      return "The sink upsert replaces a row of the same identity, and only that.";
    case engine::SinkKind::kBatchUid:
      return "The sink batch-uid refuses only what it has of the same batch and partition.";
    case engine::SinkKind::kOffsets:
      return "The sink offsets refuses what does not begin where its partition stands, unless told "
             "otherwise.";
    case engine::SinkKind::kFiles:
      return "The sink files replaces only the file of the same batch and partition.";
  }
  return {};
}

}  // namespace

reports::StorySubject subject_of(const Scenario& scenario, const faults::FaultPlan& plan) {
  reports::StorySubject subject{.pipeline = pipeline_text(scenario),
                                .sink = sink_text(scenario.pipeline.sink.kind),
                                .finding = {},
                                .position = std::nullopt,
                                .key = {},
                                .faults = {},
                                .batch_interval = scenario.pipeline.batch_interval};
  for (const faults::Fault& fault : plan) {
    subject.faults.push_back(to_string(fault));
  }
  return subject;
}

std::string story_of(const Scenario& scenario,
                     const JudgedRun& judged,
                     const faults::FaultPlan& plan,
                     const std::string& finding) {
  reports::StorySubject subject = subject_of(scenario, plan);
  subject.finding = finding;
  return reports::tell_story(judged.run.ledger, judged.verdict, subject);
}

}  // namespace scenarios
