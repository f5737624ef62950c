#include "scenarios/matrix/rows.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "scenarios/loader.h"
#include "scenarios/pipeline_reader.h"

namespace scenarios {
namespace {

using engine::OffsetKeeping;
using engine::SinkKind;

constexpr std::array kPlainSinks{
    SinkKind::kAppend, SinkKind::kUpsert, SinkKind::kBatchUid, SinkKind::kFiles};

void add_receiver_rows(std::vector<MatrixRow>& rows, Engine engine) {
  struct Safety {
    bool write_ahead_log;
    bool checkpoint;
  };

  // The log lies in the checkpoint directory: there is none without it.
  constexpr std::array kSafeties{Safety{false, false}, Safety{false, true}, Safety{true, true}};
  for (const bool reliable : {false, true}) {
    for (const Safety& safety : kSafeties) {
      for (const SinkKind sink : kPlainSinks) {
        rows.push_back({.receiver = true,
                        .reliable = reliable,
                        .write_ahead_log = safety.write_ahead_log,
                        .checkpoint = safety.checkpoint,
                        .offsets = OffsetKeeping::kNone,
                        .sink = sink,
                        .engine = engine});
      }
    }
  }
}

void add_direct_rows(std::vector<MatrixRow>& rows, Engine engine) {
  for (const auto& [name, offsets] : offset_keepings()) {
    MatrixRow row{.receiver = false,
                  .reliable = false,
                  .write_ahead_log = false,
                  .checkpoint = offsets == OffsetKeeping::kCheckpoint,
                  .offsets = offsets,
                  .sink = SinkKind::kAppend,
                  .engine = engine};
    for (const SinkKind sink : kPlainSinks) {
      row.sink = sink;
      rows.push_back(row);
    }
    if (offsets == OffsetKeeping::kSink) {
      row.sink = SinkKind::kOffsets;
      rows.push_back(row);
    }
  }
}

std::string scenario_name(const MatrixRow& row) {
  std::string name = row.receiver
                         ? fmt::format("matrix_{}_receiver_{}_{}_{}",
                                       row.reliable ? "reliable" : "unreliable",
                                       row.write_ahead_log ? "log" : "no_log",
                                       row.checkpoint ? "checkpoint" : "no_checkpoint",
                                       row.sink_name())
                         : fmt::format("matrix_direct_{}_{}", row.offsets_name(), row.sink_name());
  for (char& letter : name) {
    letter = letter == '-' ? '_' : letter;
  }
  return row.engine == Engine::kHardened ? name + "_hardened" : name;
}

// An unreliable receiver commits every 700 ms instead of once a minute: a run of a few seconds
// would otherwise never see it commit, and hide what that loses. It is no multiple of the block
// interval, or every commit would find the buffer just emptied.
std::string source_text(const MatrixRow& row) {
  if (!row.receiver) {
    return fmt::format(" {{ kind: kafka-direct, start: earliest, offsets: {} }}",
                       row.offsets_name());
  }
  return fmt::format(
      "\n    kind: kafka-receiver\n"
      "    start: earliest\n"
      "    reliable: {}\n"
      "    write_ahead_log: {}\n"
      "    block_interval: 500ms\n"
      "    poll_interval: 200ms{}",
      row.reliable,
      row.write_ahead_log,
      row.reliable ? "" : "\n    auto_commit_interval: 700ms");
}

}  // namespace

std::span<const CrashColumn> crash_columns() {
  using enum CrashColumn;
  static constexpr std::array kColumns{kNone,
                                       kReceiver,
                                       kReceiverExecutor,
                                       kOtherExecutor,
                                       kDriverAtStart,
                                       kDriver,
                                       kCluster,
                                       kDriverTwice,
                                       kAnyTwo};
  return kColumns;
}

std::string_view to_string(CrashColumn column) {
  static constexpr std::array<std::string_view, 9> kNames{"none",
                                                          "receiver",
                                                          "receiver-executor",
                                                          "other-executor",
                                                          "driver-at-start",
                                                          "driver",
                                                          "cluster",
                                                          "driver-twice",
                                                          "any-two"};
  return kNames.at(static_cast<std::size_t>(column));
}

std::string_view MatrixRow::source_name() const {
  return receiver ? "kafka-receiver" : "kafka-direct";
}

std::string_view MatrixRow::offsets_name() const {
  return to_string(offsets);
}

std::string_view MatrixRow::sink_name() const {
  return to_string(sink);
}

bool MatrixRow::has(CrashColumn column) const {
  const bool of_receiver =
      column == CrashColumn::kReceiver || column == CrashColumn::kReceiverExecutor;
  return receiver || !of_receiver;
}

std::vector<MatrixRow> matrix_rows(Engine engine) {
  std::vector<MatrixRow> rows;
  add_receiver_rows(rows, engine);
  add_direct_rows(rows, engine);
  return rows;
}

// Small, and yet every race is in it: records come before the first checkpoint and go on while
// processes are down; a task's rows need two statements where a sink writes row by row; two
// executors have a core to spare beside the receiver.
std::string scenario_text(const MatrixRow& row) {
  return fmt::format(
      "scenario: {}\n"
      "description: A row of the guarantee table of onceproof matrix.\n"
      "seed: 1\n"
      "topic: {{ name: events, partitions: 2 }}\n"
      "workload: {{ records: 24, keys: 4, rate: 8/s, value_bytes: 8, start: 100ms }}\n"
      "pipeline:\n"
      "  batch_interval: 1s\n"
      "  source:{}\n"
      "  checkpoint: {{ enabled: {} }}\n"
      "  sink: {{ kind: {}, store: memory{} }}\n"
      "{}"
      "cluster: {{ executors: 2, cores: 3, driver_restart: 1500ms, executor_restart: 1s }}\n"
      "stop: {{ when: drained, within: 40s }}\n",
      scenario_name(row),
      source_text(row),
      row.checkpoint,
      row.sink_name(),
      row.sink == SinkKind::kAppend || row.sink == SinkKind::kUpsert ? ", rows_per_write: 2" : "",
      row.engine == Engine::kHardened ? "  protocol: hardened\n" : "");
}

Loaded<Scenario> load_scenario(const MatrixRow& row) {
  auto loaded = load_text(scenario_text(row), scenario_name(row) + ".yaml");
  if (!loaded) {
    return loaded.error();
  }
  return std::move(loaded.value().front());
}

}  // namespace scenarios
