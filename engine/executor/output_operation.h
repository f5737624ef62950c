// engine/executor/output_operation.h
//
// What a task does to the outside: the five kinds of sink, step by step.
//
//   append     insert statements of a few rows, each committed by itself. A crash in between
//              leaves a prefix, a repeated task writes everything again.
//   upsert     the same with a primary key: the identity of the record. A repeated task
//              overwrites.
//   batch-uid  one transaction: insert (batch time, partition) if absent, and the rows. A repeated
//              task finds the id and does nothing: right only if it has the same rows (Spark's
//              programming guide, "Semantics of output operations").
//   offsets    one transaction: the rows, and the partition's saved offset from `from` to `until`
//              by compare-and-set (koeninger/kafka-exactly-once, TransactionalPerPartition).
//   files      one file per batch and partition, replaced as a whole (saveAsTextFile).
//
// Under OutputUnit::kRecord, batch-uid and files write record by record, and each is named by its
// place in Kafka: whatever batch brings it again, it is there already.
//
// Each passes task.output_written when everything is sent and task.output_committed when it is
// durable.

#pragma once

#include <optional>
#include <vector>

#include "engine/messages.h"
#include "engine/pipeline.h"
#include "engine/ports/process.h"

namespace engine {

class OutputOperation {
 public:
  OutputOperation(const Ports& ports, const Pipeline& pipeline)
      : ports_(ports), pipeline_(pipeline) {}

  // Requires  an `offsets` sink is for tasks that read a range of Kafka.
  // Errors    those of the sink. kRefused: the saved offset is not this range's start, and the
  //           range was not committed before either.
  Task<Result<>> write(TaskKey task, TaskInput input, std::vector<Element> elements);

 private:
  Task<Result<>> write_statements(TaskKey task, std::vector<OutputRow> rows);
  Task<Result<>> write_units(TaskKey task, std::vector<OutputRow> rows);
  Task<Result<>> write_unit(TaskKey task, UnitId unit, std::vector<OutputRow> rows);
  Task<Result<>> write_with_offsets(TaskKey task, OffsetRange range, std::vector<OutputRow> rows);
  Task<Result<>> write_beside_offsets(TaskKey task, OffsetRange range, std::vector<OutputRow> rows);
  Task<Result<>> write_files(TaskKey task, std::vector<OutputRow> rows);
  Task<Result<std::optional<Offset>>> expected_offset(OffsetRange range);
  Task<Result<>> run_both(TaskKey task, SinkTransaction first, SinkTransaction second);
  Task<Result<TransactionOutcome>> run(TaskKey task, SinkTransaction transaction);
  Task<Result<>> accept_if_done(OffsetRange range);

  const Ports& ports_;
  const Pipeline& pipeline_;
};

}  // namespace engine
