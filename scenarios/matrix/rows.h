// scenarios/matrix/rows.h
//
// The rows and the columns of the guarantee table: which pipelines there are, the small world that
// each is tried in, and who dies in it.
//
// The world of a row is a scenario file that nobody wrote by hand. It goes through the loader like
// any other, so that a replay token can name it.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/pipeline.h"
#include "scenarios/diagnostic.h"
#include "scenarios/scenario.h"

namespace scenarios {

// Who dies, in the order of the columns.
enum class CrashColumn : std::uint8_t {
  kNone,              // nobody
  kReceiver,          // the receiver alone
  kReceiverExecutor,  // the executor that runs the receiver
  kOtherExecutor,     // one that does not
  kDriverAtStart,     // the driver, before anything that a restart could go by is durable
  kDriver,            // the driver, from then on; so in every other column
  kCluster,           // the driver and all executors in one instant
  kDriverTwice,       // the driver, and once more while it recovers
  kAnyTwo,            // anybody, with any outcome on disk, and anybody again: all such pairs
};

// In the order of the enumeration.
std::span<const CrashColumn> crash_columns();

// "driver-at-start".
std::string_view to_string(CrashColumn column);

// Which values the decisions of engine/ports/protocol.h have.
enum class Engine : std::uint8_t {
  kFaithful,  // Spark's own
  kHardened,  // the sound ones
};

struct MatrixRow {
  bool receiver = false;  // else a Direct stream
  bool reliable = false;
  bool write_ahead_log = false;
  bool checkpoint = false;
  engine::OffsetKeeping offsets = engine::OffsetKeeping::kNone;  // Direct
  engine::SinkKind sink = engine::SinkKind::kAppend;
  Engine engine = Engine::kFaithful;
  bool operator==(const MatrixRow&) const = default;

  // "kafka-receiver", "checkpoint", "batch-uid": as scenario files say it.
  [[nodiscard]] std::string_view source_name() const;
  [[nodiscard]] std::string_view offsets_name() const;
  [[nodiscard]] std::string_view sink_name() const;

  // A column that the row does not have has no cell: without a receiver, none dies.
  [[nodiscard]] bool has(CrashColumn column) const;
};

// Every pipeline that the loader accepts, in the order of the table.
std::vector<MatrixRow> matrix_rows(Engine engine);

// The scenario file of the row's world.
std::string scenario_text(const MatrixRow& row);

// The scenario that it loads to.
Loaded<Scenario> load_scenario(const MatrixRow& row);

}  // namespace scenarios
