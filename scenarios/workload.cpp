#include "scenarios/workload.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "scenarios/event_file.h"

namespace scenarios {
namespace {

using engine::Function;
using engine::Operation;
using engine::OperationKind;

// So many rows, all alike.
struct Rows {
  std::int64_t count = 1;
  std::string key;
  std::string value;
};

void map_value(Function function, std::string& value) {
  if (function == Function::kReverse) {
    std::reverse(value.begin(), value.end());
  }
  if (function == Function::kUppercase) {
    for (char& c : value) {
      c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
}

// A user's own operation has no other definition than itself.
std::vector<Rows> apply_each(const engine::RecordOperation& operation,
                             const std::vector<Rows>& records) {
  std::vector<Rows> made;
  for (const Rows& record : records) {
    for (engine::KeyedValue& each : operation.apply({.key = record.key, .value = record.value})) {
      made.push_back(
          {.count = record.count, .key = std::move(each.key), .value = std::move(each.value)});
    }
  }
  return made;
}

// What the operations before a shuffle make of one record.
std::vector<Rows> rows_of(const std::vector<Operation>& operations,
                          const std::string& key,
                          const std::string& value) {
  std::vector<Rows> made{{.count = 1, .key = key, .value = value}};
  for (const Operation& operation : operations) {
    if (operation.is_shuffle()) {
      break;
    }
    if (operation.kind == OperationKind::kUser) {
      made = apply_each(*operation.user, made);
    }
    if (operation.kind == OperationKind::kFilter) {
      std::erase_if(made, [&operation](const Rows& rows) {
        return rows.value.find(operation.text) == std::string::npos;
      });
    }
    for (Rows& rows : made) {
      if (operation.kind == OperationKind::kMap) {
        map_value(operation.function, rows.value);
      }
      if (operation.kind == OperationKind::kFlatMap) {
        rows.count *= operation.count;
      }
    }
  }
  return made;
}

// The integer that a value begins with: up to its end or its first space.
std::optional<std::int64_t> leading_integer(std::string_view value) {
  const std::string_view number = value.substr(0, value.find(' '));
  std::int64_t result = 0;
  const char* const end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, result);
  if (error != std::errc() || stop != end) {
    return std::nullopt;
  }
  return result;
}

// Folds `value`, `count` times over, into `result`; false if the result leaves 64 bits.
bool fold(reports::AggregateKind kind, const Rows& rows, bool is_first, std::int64_t& result) {
  if (kind == reports::AggregateKind::kCountByKey) {
    return !__builtin_add_overflow(result, rows.count, &result);
  }
  const auto number = leading_integer(rows.value);
  INVARIANT(number.has_value(), "the value \"{}\" passed without an integer", rows.value);
  if (kind == reports::AggregateKind::kMaxByKey) {
    result = is_first ? *number : std::max(result, *number);
    return true;
  }
  std::int64_t product = 0;
  return !__builtin_mul_overflow(*number, rows.count, &product) &&
         !__builtin_add_overflow(result, product, &result);
}

struct Aggregates {
  std::vector<reports::ExpectedAggregate> by_key;
  std::optional<std::string> overflowed_key;
};

Aggregates aggregate(const Scenario& scenario, const std::vector<ProducedRecord>& records) {
  const reports::AggregateKind kind = aggregate_kind(scenario);
  std::map<std::string, std::int64_t> results;
  Aggregates aggregates;
  for (const ProducedRecord& record : records) {
    for (const Rows& rows : rows_of(scenario.pipeline.operations, record.key, record.value)) {
      const auto [entry, is_first] = results.emplace(rows.key, 0);
      if (!fold(kind, rows, is_first, entry->second)) {
        aggregates.overflowed_key = rows.key;
        return aggregates;
      }
    }
  }
  for (const auto& [key, value] : results) {
    aggregates.by_key.push_back({.key = key, .value = value});
  }
  return aggregates;
}

// One step of splitmix64 at `index` of the stream that `seed` names.
std::uint64_t draw(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

std::string generated_value(std::int64_t number, std::int32_t bytes) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  std::string value = std::to_string(number);
  const auto size = static_cast<std::size_t>(bytes);
  if (value.size() < size) {
    value += ' ';
  }
  while (value.size() < size) {
    value += kLetters[value.size() % kLetters.size()];
  }
  return value;
}

std::vector<FileEvent> generate_events(const Scenario& scenario) {
  const Workload& workload = scenario.workload;
  std::vector<FileEvent> events;
  events.reserve(static_cast<std::size_t>(workload.records));
  for (std::int64_t i = 0; i < workload.records; ++i) {
    const auto key_count = static_cast<std::uint64_t>(workload.keys);
    const std::uint64_t key = draw(scenario.seed, static_cast<std::uint64_t>(i)) % key_count;
    events.push_back({.key = fmt::format("k{}", key),
                      .value = generated_value(i, workload.value_bytes),
                      .line = 0});
  }
  return events;
}

engine::Duration production_time(const Workload& workload, std::int64_t index) {
  const double us = static_cast<double>(index) * 1e6 / workload.rate_per_second;
  return workload.start + engine::Duration(std::llround(us));
}

// Kafka spreads records without a key over the partitions in turn.
engine::PartitionId choose_partition(const std::string& key,
                                     std::int64_t index,
                                     std::int32_t partitions) {
  return key.empty() ? static_cast<engine::PartitionId>(index % partitions)
                     : partition_of(key, partitions);
}

ProducedRecord make_record(const Scenario& scenario, FileEvent event, std::int64_t index) {
  const auto& pipeline = scenario.pipeline;
  ProducedRecord record;
  record.id = {index};
  record.expected = 0;
  record.partition = choose_partition(event.key, index, pipeline.source.partitions);
  record.since_start = production_time(scenario.workload, index);
  for (const Rows& rows : rows_of(pipeline.operations, event.key, event.value)) {
    record.expected += static_cast<std::int32_t>(rows.count);
  }
  record.key = std::move(event.key);
  record.value = std::move(event.value);
  return record;
}

bool needs_integers(const Scenario& scenario) {
  const auto kind = aggregate_kind(scenario);
  return kind == reports::AggregateKind::kSumByKey || kind == reports::AggregateKind::kMaxByKey;
}

const std::string& origin_of(const Scenario& scenario) {
  return scenario.workload.file.empty() ? scenario.path : scenario.workload.file;
}

void check_integer(const Scenario& scenario, const FileEvent& event) {
  constexpr std::size_t kShownMax = 60;
  for (const Rows& rows : rows_of(scenario.pipeline.operations, event.key, event.value)) {
    if (!leading_integer(rows.value)) {
      throw InputError{.line = event.line,
                       .message = fmt::format(
                           "reduce_by_key needs values that begin with a 64-bit integer, up to "
                           "the end or a space; found \"{}\"",
                           rows.value.substr(0, kShownMax))};
    }
  }
}

std::vector<ProducedRecord> make_records(const Scenario& scenario, std::vector<FileEvent> events) {
  const bool integers = needs_integers(scenario);
  std::vector<ProducedRecord> records;
  records.reserve(events.size());
  for (FileEvent& event : events) {
    if (integers) {
      check_integer(scenario, event);
    }
    records.push_back(make_record(scenario, std::move(event), std::ssize(records)));
  }
  if (aggregate_kind(scenario) != reports::AggregateKind::kNone) {
    if (const auto key = aggregate(scenario, records).overflowed_key) {
      throw InputError{.message = fmt::format("the sum of key {} does not fit into 64 bits", *key)};
    }
  }
  return records;
}

constexpr std::uint32_t kMurmurMultiplier = 0x5BD1E995;

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    word |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return word;
}

std::uint32_t murmur2(std::string_view key) {
  constexpr std::size_t kWordBytes = 4;
  std::uint32_t hash = 0x9747B28CU ^ static_cast<std::uint32_t>(key.size());
  while (key.size() >= kWordBytes) {
    std::uint32_t word = little_endian(key.substr(0, kWordBytes)) * kMurmurMultiplier;
    word ^= word >> 24U;
    hash = (hash * kMurmurMultiplier) ^ (word * kMurmurMultiplier);
    key.remove_prefix(kWordBytes);
  }
  if (!key.empty()) {
    hash = (hash ^ little_endian(key)) * kMurmurMultiplier;
  }
  hash = (hash ^ (hash >> 13U)) * kMurmurMultiplier;
  return hash ^ (hash >> 15U);
}

}  // namespace

Loaded<std::vector<ProducedRecord>> make_workload(const Scenario& scenario) {
  const Workload& workload = scenario.workload;
  auto events = workload.file.empty()
                    ? Loaded<std::vector<FileEvent>>(generate_events(scenario))
                    : read_events(workload.file, {workload.key_field, workload.value_field});
  if (!events) {
    return events.error();
  }
  try {
    return make_records(scenario, std::move(*events));
  } catch (const InputError& error) {
    return Diagnostic{origin_of(scenario), error.line, error.column, error.message};
  }
}

reports::AggregateKind aggregate_kind(const Scenario& scenario) {
  for (const Operation& operation : scenario.pipeline.operations) {
    if (operation.kind == OperationKind::kCountByKey) {
      return reports::AggregateKind::kCountByKey;
    }
    if (operation.kind == OperationKind::kReduceByKey) {
      return operation.function == Function::kMax ? reports::AggregateKind::kMaxByKey
                                                  : reports::AggregateKind::kSumByKey;
    }
  }
  return reports::AggregateKind::kNone;
}

std::vector<reports::ExpectedAggregate> expected_aggregate(
    const Scenario& scenario, const std::vector<ProducedRecord>& records) {
  if (aggregate_kind(scenario) == reports::AggregateKind::kNone) {
    return {};
  }
  Aggregates aggregates = aggregate(scenario, records);
  INVARIANT(!aggregates.overflowed_key, "make_workload() accepted a sum of more than 64 bits");
  return std::move(aggregates.by_key);
}

engine::PartitionId partition_of(std::string_view key, std::int32_t partitions) {
  INVARIANT(partitions > 0, "a topic has at least one partition");
  const auto positive = static_cast<std::int32_t>(murmur2(key) & 0x7FFF'FFFFU);
  return positive % partitions;
}

}  // namespace scenarios
