// scenarios/onceproof/sink.h
//
// A user's own sink: the system that output lands in. Implement write() and rows().
//
// It lives outside the engine: it survives every crash, and every attempt at a task talks to the
// same one. A task may die before its write arrives, or after it was applied and before the answer
// came back; then another attempt writes the same rows again, or, when the batch was cut anew after
// a crash of the driver, other rows under the same batch and task. What the sink makes of that is
// what decides.
//
// Invariants, which are the user's to keep
//   S1  Repeats.  What it does is a function of the writes before it: no clock, no random numbers,
//                 no iteration in the order of addresses or hashes, nothing shared with another
//                 sink object. Runs of one pipeline without a crash that differ are reported.
//   S2  Honest.   rows() is what a reader of the system would find, each row with the id that it
//   was
//                 written with. The verdict comes from these rows and from nothing else.

#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/ports/result.h"

namespace onceproof {

using engine::Errc;
using engine::Result;

// Which input record a row was made of. Rows are counted by it, so it has to be kept with the row.
struct RowId {
  std::int32_t partition = 0;  // -1: behind a shuffle, where a row has a key and no single record
  std::int64_t offset = 0;
  std::int32_t ordinal = 0;  // which of the rows made of that record, from 0
  auto operator<=>(const RowId&) const = default;
};

struct Row {
  RowId id;
  std::string key;
  std::string value;
};

// All rows of one attempt at a task. A task without rows writes nothing.
struct TaskWrite {
  std::int64_t batch_ms = 0;  // names the batch: virtual milliseconds at the end of its interval
  std::int32_t task = 0;      // partition of the batch
  std::int32_t attempt = 0;   // from 0, of one run of the batch
  std::vector<Row> rows;
};

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  // Applied at one instant, whole.
  // Errors    the attempt fails, and the driver tries the task again.
  virtual Result<> write(const TaskWrite& write) = 0;

  // In the order in which a reader would find them.
  [[nodiscard]] virtual std::vector<Row> rows() const = 0;
};

}  // namespace onceproof
