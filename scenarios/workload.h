// scenarios/workload.h
//
// The input of a run and the exact result that it deserves, both fixed before anything runs.
//
// The expected results are computed from the definition of the operations, record by record, and
// share no code with the engine: this is the oracle that the engine is held against.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/vocabulary.h"
#include "reports/ledger.h"
#include "scenarios/diagnostic.h"
#include "scenarios/scenario.h"

namespace scenarios {

struct ProducedRecord {
  engine::RecordId id;
  engine::PartitionId partition = 0;
  engine::Duration since_start{0};
  std::string key;
  std::string value;
  std::int32_t expected = 1;  // how many rows an exact pipeline makes of it, before any shuffle
};

// The records in order of production, the same for every schedule of a scenario and seed. Generated
// values begin with the record's number, a space and filler.
// Errors    an event file is malformed; a value under reduce_by_key does not begin with an integer;
//           a sum does not fit into 64 bits.
Loaded<std::vector<ProducedRecord>> make_workload(const Scenario& scenario);

// kNone for a pipeline without a shuffle.
reports::AggregateKind aggregate_kind(const Scenario& scenario);

// The exact result per key, in order of keys; empty for a pipeline without a shuffle.
// Requires  `records` came from make_workload() for this scenario.
std::vector<reports::ExpectedAggregate> expected_aggregate(
    const Scenario& scenario, const std::vector<ProducedRecord>& records);

// Where Kafka's default partitioner puts a key: murmur2, made non-negative, modulo partitions.
engine::PartitionId partition_of(std::string_view key, std::int32_t partitions);

}  // namespace scenarios
