// engine/ports/record_operation.h
//
// A user's own step of a pipeline: what becomes of one record.

#pragma once

#include <string>
#include <vector>

namespace engine {

struct KeyedValue {
  std::string key;
  std::string value;
  bool operator==(const KeyedValue&) const = default;
};

// A pure function. Every attempt at a task applies it again, to the same records in another process
// and another schedule, and exactness is counted by the place of a record among the results: an
// operation that reads a clock, an environment, a counter or a random number is another pipeline at
// each attempt.
//
// Lifetime  shared by all executors of all worlds, on whatever thread each world runs.
class RecordOperation {
 public:
  RecordOperation() = default;
  RecordOperation(const RecordOperation&) = delete;
  RecordOperation& operator=(const RecordOperation&) = delete;
  virtual ~RecordOperation() = default;

  // Any number of records, in an order that is part of the answer.
  [[nodiscard]] virtual std::vector<KeyedValue> apply(const KeyedValue& record) const = 0;
};

}  // namespace engine
