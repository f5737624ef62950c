// scenarios/scenario.h
//
// A scenario file as a value: what is produced, the pipeline, the cluster, what breaks, when the
// run ends, and what is expected of it.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/pipeline.h"
#include "faults/fault_plan.h"
#include "reports/judge.h"

namespace scenarios {

// A generated workload, or a user's own events.
struct Workload {
  std::int64_t records = 0;
  std::int32_t keys = 1;
  double rate_per_second = 100;
  std::int32_t value_bytes = 64;
  engine::Duration start = std::chrono::seconds(2);  // the pipeline is up before the first record
  std::string file;                                  // empty: generated
  std::string key_field;    // file: which field is the key ("a+b" joins two)
  std::string value_field;  // file: which field is the value; empty: the whole event
};

enum class StoreKind : std::uint8_t { kMemory, kSqlite };

struct Stop {
  enum class When : std::uint8_t { kDrained, kTime };
  When when = When::kDrained;
  engine::Duration at{0};  // kTime
  // In order: the receivers stop, what was received is processed, the driver exits. It begins when
  // the run is drained, or at `at`.
  bool graceful = false;
  // Virtual budget: of the whole run with kDrained, of the graceful stop with kTime.
  engine::Duration within = std::chrono::seconds(120);
};

// "3", "0", ">0", "<=150".
struct Comparison {
  enum class Operator : std::uint8_t {
    kEqual,
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual
  };
  Operator op = Operator::kEqual;
  std::int64_t value = 0;

  [[nodiscard]] bool holds(std::int64_t actual) const;
  [[nodiscard]] std::string to_string() const;
};

// Counts by name: lost, duplicated, phantom, reordered, wrong.
using CountExpectations = std::map<std::string, Comparison>;

// A guarantee, or counts.
using StageExpectation = std::variant<reports::Guarantee, CountExpectations>;

struct Expectation {
  std::optional<StageExpectation> received;
  std::optional<StageExpectation> processed;
  std::optional<StageExpectation> output;
  bool stalled = false;
  CountExpectations points;   // how often a named point was reached
  CountExpectations metrics;  // reports::Metrics by field name
};

// Judge a family of schedules instead of one.
struct Explore {
  std::int32_t depth = 1;
  std::vector<faults::Target> crash;  // who dies; empty: each of those there are
  // No schedule is weaker: in the output, and in the stages before it.
  std::optional<reports::Guarantee> always;
  std::optional<reports::Guarantee> received;
  std::optional<reports::Guarantee> processed;
  std::vector<std::string>
      sometimes;  // each is seen in some schedule: lost, duplicated, wrong, ...
};

// A Direct stream with a truth about its position besides the checkpoint, or instead of it.
bool keeps_own_offsets(const engine::KafkaSource& source);

struct Scenario {
  std::string name;
  std::vector<std::string> claims;
  std::string description;
  std::uint64_t seed = 1;
  Workload workload;
  engine::Pipeline pipeline;
  engine::Protocol protocol_base;  // what `protocol:` makes exceptions from
  StoreKind store = StoreKind::kSqlite;
  engine::Cluster cluster;
  engine::Duration driver_restart = std::chrono::seconds(2);
  engine::Duration executor_restart = std::chrono::seconds(1);
  faults::FaultPlan faults;
  Stop stop;
  Expectation expect;
  std::optional<Explore> explore;
  std::string path;             // of the file it came from
  std::uint64_t text_hash = 0;  // of the document's content and its event file: a token names it

  // 0 for a Direct stream.
  [[nodiscard]] std::int32_t receiver_count() const;
};

}  // namespace scenarios
