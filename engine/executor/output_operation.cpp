#include "engine/executor/output_operation.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "engine/transact.h"

namespace engine {
namespace {

// A record's own place in Kafka identifies it whatever batch it is in; an aggregate exists only per
// batch.
std::string row_key(const Element& element, BatchTime batch) {
  if (!element.identity.empty()) {
    return element.identity;
  }
  if (element.source.partition < 0) {
    return fmt::format("{}/{}", milliseconds_of(batch.at), element.key);
  }
  return fmt::format(
      "{}/{}/{}", element.source.partition, element.source.offset.value, element.ordinal);
}

std::vector<OutputRow> to_rows(const TaskKey& task, std::vector<Element> elements, bool keyed) {
  std::vector<OutputRow> rows;
  rows.reserve(elements.size());
  for (Element& element : elements) {
    OutputRow row{.source = element.source,
                  .ordinal = element.ordinal,
                  .row_key = keyed ? row_key(element, task.batch) : std::string(),
                  .key = std::move(element.key),
                  .value = std::move(element.value),
                  .batch = task.batch,
                  .task = task.partition,
                  .attempt = task.attempt,
                  .origin = {}};
    rows.push_back(std::move(row));
  }
  return rows;
}

PointContext context(const TaskKey& task) {
  return {.batch = task.batch, .partition = task.partition, .attempt = task.attempt};
}

}  // namespace

Task<Result<>> OutputOperation::write(TaskKey task,
                                      TaskInput input,
                                      std::vector<Element> elements) {
  const bool keyed = pipeline_.sink.kind == SinkKind::kUpsert;
  std::vector<OutputRow> rows = to_rows(task, std::move(elements), keyed);
  Result<> written;
  switch (pipeline_.sink.kind) {
    case SinkKind::kAppend:
    case SinkKind::kUpsert:
      written = co_await write_statements(task, std::move(rows));
      break;
    case SinkKind::kBatchUid:
      written = co_await write_unit(task, std::move(rows));
      break;
    case SinkKind::kOffsets:
      if (pipeline_.protocol.offset_guard == OffsetGuard::kSecondTransaction) {
        written = co_await write_then_offsets(task, std::get<OffsetRange>(input), std::move(rows));
      } else {
        written = co_await write_with_offsets(task, std::get<OffsetRange>(input), std::move(rows));
      }
      break;
    case SinkKind::kFiles:
      written = co_await write_file(task, std::move(rows));
      break;
  }
  if (!written) {
    co_return written.error();
  }
  const PointContext here = context(task);
  co_await ports_.points.reach(Point::kTaskOutputCommitted, here);
  co_return Result<>{};
}

Task<Result<>> OutputOperation::write_statements(TaskKey task, std::vector<OutputRow> rows) {
  const auto statement_rows = static_cast<std::ptrdiff_t>(pipeline_.sink.rows_per_write);
  INVARIANT(statement_rows > 0, "a statement writes at least one row");
  auto next = rows.begin();
  while (next != rows.end()) {
    const auto end = next + std::min(statement_rows, std::distance(next, rows.end()));
    std::vector<OutputRow> statement(std::make_move_iterator(next), std::make_move_iterator(end));
    next = end;
    Result<> written;
    if (pipeline_.sink.kind == SinkKind::kUpsert) {
      written = co_await ports_.sink.upsert(std::move(statement));
    } else {
      written = co_await ports_.sink.append(std::move(statement));
    }
    if (!written) {
      co_return written.error();
    }
  }
  const PointContext here = context(task);
  co_await ports_.points.reach(Point::kTaskOutputWritten, here);
  co_return Result<>{};
}

Task<Result<TransactionOutcome>> OutputOperation::run(TaskKey task, SinkTransaction transaction) {
  const auto prepared = co_await ports_.sink.prepare(std::move(transaction));
  if (!prepared) {
    co_return prepared.error();
  }
  const PointContext here = context(task);
  co_await ports_.points.reach(Point::kTaskOutputWritten, here);
  co_return co_await ports_.sink.commit(prepared.value());
}

// "If not already committed, commit; else skip the update": a present id counts as success.
Task<Result<>> OutputOperation::write_unit(TaskKey task, std::vector<OutputRow> rows) {
  SinkTransaction transaction;
  transaction.rows = std::move(rows);
  transaction.insert_unit = UnitId{.batch = task.batch, .task = task.partition};
  const auto outcome = co_await run(task, std::move(transaction));
  if (!outcome) {
    co_return outcome.error();
  }
  INVARIANT(outcome.value() != TransactionOutcome::kOffsetConflict, "no offset was compared");
  co_return Result<>{};
}

Task<Result<>> OutputOperation::write_with_offsets(TaskKey task,
                                                   OffsetRange range,
                                                   std::vector<OutputRow> rows) {
  const bool guarded = pipeline_.protocol.offset_guard == OffsetGuard::kCompareAndSet;
  const OffsetUpdate update{.partition = range.partition,
                            .expected = guarded ? std::optional(range.from) : std::nullopt,
                            .next = range.until};
  SinkTransaction transaction;
  transaction.rows = std::move(rows);
  transaction.offsets.push_back(update);
  const auto outcome = co_await run(task, std::move(transaction));
  if (!outcome) {
    co_return outcome.error();
  }
  if (outcome.value() == TransactionOutcome::kOffsetConflict) {
    co_return co_await accept_if_done(range);
  }
  co_return Result<>{};
}

// A conflict means one of two things. The saved offset is this range's end: an earlier attempt
// committed and died before it could say so, and the work is done. Anything else: somebody else
// moved the offset, and writing would lose or repeat records.
Task<Result<>> OutputOperation::accept_if_done(OffsetRange range) {
  const auto saved = co_await ports_.sink.saved_offsets();
  if (!saved) {
    co_return saved.error();
  }
  const PartitionOffset done{.partition = range.partition, .offset = range.until};
  if (std::ranges::find(saved.value(), done) == saved.value().end()) {
    co_return Errc::kRefused;
  }
  co_return Result<>{};
}

// The mistake of OffsetGuard::kSecondTransaction: a crash between the two repeats the rows.
Task<Result<>> OutputOperation::write_then_offsets(TaskKey task,
                                                   OffsetRange range,
                                                   std::vector<OutputRow> rows) {
  SinkTransaction results;
  results.rows = std::move(rows);
  const auto written = co_await run(task, std::move(results));
  if (!written) {
    co_return written.error();
  }
  SinkTransaction offsets;
  const OffsetUpdate update{
      .partition = range.partition, .expected = std::nullopt, .next = range.until};
  offsets.offsets.push_back(update);
  const auto saved = co_await transact(&ports_.sink, std::move(offsets));
  if (!saved) {
    co_return saved.error();
  }
  co_return Result<>{};
}

Task<Result<>> OutputOperation::write_file(TaskKey task, std::vector<OutputRow> rows) {
  std::string path =
      fmt::format("{:012}/part-{:05}", milliseconds_of(task.batch.at), task.partition);
  const auto written = co_await ports_.sink.replace_file(std::move(path), std::move(rows));
  if (!written) {
    co_return written.error();
  }
  const PointContext here = context(task);
  co_await ports_.points.reach(Point::kTaskOutputWritten, here);
  co_return Result<>{};
}

}  // namespace engine
