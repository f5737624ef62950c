#include "engine/executor/output_operation.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "engine/transact.h"

namespace engine {
namespace {

// A record's own place in Kafka identifies it whatever batch it is in; an aggregate exists only per
// batch.
std::string row_key(const Element& element, const TaskKey& task, RowIdentity identity) {
  if (!element.identity.empty()) {
    return element.identity;
  }
  if (element.source.partition < 0) {
    return fmt::format("{}/{}", milliseconds_of(task.batch.at), element.key);
  }
  if (identity == RowIdentity::kOffset) {
    return fmt::format("{}/{}", element.source.offset.value, element.ordinal);
  }
  const std::string position = fmt::format(
      "{}/{}/{}", element.source.partition, element.source.offset.value, element.ordinal);
  return identity == RowIdentity::kPosition ? position
                                            : fmt::format("{}/{}", position, task.attempt);
}

std::vector<OutputRow> to_rows(const TaskKey& task,
                               std::vector<Element> elements,
                               std::optional<RowIdentity> identity) {
  std::vector<OutputRow> rows;
  rows.reserve(elements.size());
  for (Element& element : elements) {
    OutputRow row{.source = element.source,
                  .ordinal = element.ordinal,
                  .row_key = identity ? row_key(element, task, *identity) : std::string(),
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

// What the sinks with units write at once, and its name.
struct Portion {
  UnitId unit;
  std::string path;
  std::vector<OutputRow> rows;
};

Portion whole_task(const TaskKey& task, OutputUnit kind, std::vector<OutputRow> rows) {
  const bool per_attempt = kind == OutputUnit::kAttempt;
  std::string path =
      fmt::format("{:012}/part-{:05}", milliseconds_of(task.batch.at), task.partition);
  if (per_attempt) {
    path += fmt::format("-attempt-{}", task.attempt);
  }
  return {
      .unit = {.batch = task.batch, .task = task.partition, .part = per_attempt ? task.attempt : 0},
      .path = std::move(path),
      .rows = std::move(rows)};
}

// A record's rows lie side by side. An aggregate has no place in Kafka.
std::vector<Portion> portions(const TaskKey& task, OutputUnit kind, std::vector<OutputRow> rows) {
  std::vector<Portion> result;
  const bool aggregates = !rows.empty() && rows.front().source.partition < 0;
  if (kind != OutputUnit::kRecord || aggregates) {
    result.push_back(whole_task(task, kind, std::move(rows)));
    return result;
  }
  Position last;
  for (OutputRow& row : rows) {
    const Position source = row.source;
    if (result.empty() || source != last) {
      const std::int64_t offset = source.offset.value;
      result.push_back({.unit = {.batch = {}, .task = source.partition, .part = offset},
                        .path = fmt::format("record-{:05}/{:012}", source.partition, offset),
                        .rows = {}});
    }
    result.back().rows.push_back(std::move(row));
    last = source;
  }
  return result;
}

PointContext context(const TaskKey& task) {
  return {.batch = task.batch, .partition = task.partition, .attempt = task.attempt};
}

}  // namespace

Task<Result<>> OutputOperation::write(TaskKey task,
                                      TaskInput input,
                                      std::vector<Element> elements) {
  const Protocol& protocol = pipeline_.protocol;
  std::optional<RowIdentity> identity;
  if (pipeline_.sink.kind == SinkKind::kUpsert) {
    identity = protocol.row_identity;
  }
  std::vector<OutputRow> rows = to_rows(task, std::move(elements), identity);
  Result<> written;
  switch (pipeline_.sink.kind) {
    case SinkKind::kAppend:
    case SinkKind::kUpsert:
      written = co_await write_statements(task, std::move(rows));
      break;
    case SinkKind::kBatchUid:
      written = co_await write_units(task, std::move(rows));
      break;
    case SinkKind::kOffsets:
      if (protocol.offset_guard == OffsetGuard::kSecondTransaction ||
          protocol.offset_guard == OffsetGuard::kOffsetsFirst) {
        written =
            co_await write_beside_offsets(task, std::get<OffsetRange>(input), std::move(rows));
      } else {
        written = co_await write_with_offsets(task, std::get<OffsetRange>(input), std::move(rows));
      }
      break;
    case SinkKind::kFiles:
      written = co_await write_files(task, std::move(rows));
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

Task<Result<>> OutputOperation::write_units(TaskKey task, std::vector<OutputRow> rows) {
  for (Portion& portion : portions(task, pipeline_.protocol.output_unit, std::move(rows))) {
    const auto written = co_await write_unit(task, portion.unit, std::move(portion.rows));
    if (!written) {
      co_return written.error();
    }
  }
  co_return Result<>{};
}

// "If not already committed, commit; else skip the update": a present id counts as success.
Task<Result<>> OutputOperation::write_unit(TaskKey task, UnitId unit, std::vector<OutputRow> rows) {
  const UnitGuard guard = pipeline_.protocol.unit_guard;
  SinkTransaction both;
  both.insert_unit = unit;
  if (guard == UnitGuard::kSameTransaction) {
    both.rows = std::move(rows);
    const auto outcome = co_await run(task, std::move(both));
    if (!outcome) {
      co_return outcome.error();
    }
    INVARIANT(outcome.value() != TransactionOutcome::kOffsetConflict, "no offset was compared");
    co_return Result<>{};
  }
  SinkTransaction only_rows;
  only_rows.rows = std::move(rows);
  if (guard == UnitGuard::kUnitFirst) {
    co_return co_await run_both(task, std::move(both), std::move(only_rows));
  }
  co_return co_await run_both(task, std::move(only_rows), std::move(both));
}

// What is right as one transaction is wrong as two, in either order: a crash in between leaves the
// one without the other. A first one that found its unit present ends it.
Task<Result<>> OutputOperation::run_both(TaskKey task,
                                         SinkTransaction first,
                                         SinkTransaction second) {
  const auto begun = co_await run(task, std::move(first));
  if (!begun) {
    co_return begun.error();
  }
  if (begun.value() != TransactionOutcome::kCommitted) {
    co_return Result<>{};
  }
  const auto ended = co_await transact(&ports_.sink, std::move(second));
  if (!ended) {
    co_return ended.error();
  }
  co_return Result<>{};
}

// What must be saved for the transaction to apply; empty: anything.
Task<Result<std::optional<Offset>>> OutputOperation::expected_offset(OffsetRange range) {
  switch (pipeline_.protocol.offset_guard) {
    case OffsetGuard::kCompareAndSet:
    case OffsetGuard::kResultIgnored:
      co_return std::optional(range.from);
    case OffsetGuard::kAtMostFrom:
      break;
    case OffsetGuard::kBlindUpdate:
    case OffsetGuard::kSecondTransaction:
    case OffsetGuard::kOffsetsFirst:
      co_return std::optional<Offset>{};
  }
  const auto saved = co_await ports_.sink.saved_offsets();
  if (!saved) {
    co_return saved.error();
  }
  const auto row = std::ranges::find(saved.value(), range.partition, &PartitionOffset::partition);
  const bool passes = row != saved.value().end() && row->offset <= range.from;
  co_return std::optional(passes ? row->offset : range.from);
}

Task<Result<>> OutputOperation::write_with_offsets(TaskKey task,
                                                   OffsetRange range,
                                                   std::vector<OutputRow> rows) {
  const auto expected = co_await expected_offset(range);
  if (!expected) {
    co_return expected.error();
  }
  const OffsetUpdate update{
      .partition = range.partition, .expected = expected.value(), .next = range.until};
  SinkTransaction transaction;
  transaction.rows = std::move(rows);
  transaction.offsets.push_back(update);
  const auto outcome = co_await run(task, std::move(transaction));
  if (!outcome) {
    co_return outcome.error();
  }
  const bool asks = pipeline_.protocol.offset_guard != OffsetGuard::kResultIgnored;
  if (asks && outcome.value() == TransactionOutcome::kOffsetConflict) {
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

// The mistakes of OffsetGuard::kSecondTransaction, which repeats rows, and kOffsetsFirst, which
// loses them.
Task<Result<>> OutputOperation::write_beside_offsets(TaskKey task,
                                                     OffsetRange range,
                                                     std::vector<OutputRow> rows) {
  SinkTransaction results;
  results.rows = std::move(rows);
  SinkTransaction offsets;
  const OffsetUpdate update{
      .partition = range.partition, .expected = std::nullopt, .next = range.until};
  offsets.offsets.push_back(update);
  if (pipeline_.protocol.offset_guard == OffsetGuard::kSecondTransaction) {
    co_return co_await run_both(task, std::move(results), std::move(offsets));
  }
  co_return co_await run_both(task, std::move(offsets), std::move(results));
}

Task<Result<>> OutputOperation::write_files(TaskKey task, std::vector<OutputRow> rows) {
  const bool replaces = pipeline_.protocol.file_write == FileWrite::kReplace;
  for (Portion& portion : portions(task, pipeline_.protocol.output_unit, std::move(rows))) {
    Result<> written;
    if (replaces) {
      written = co_await ports_.sink.replace_file(portion.path, std::move(portion.rows));
    } else {
      written = co_await ports_.sink.append(std::move(portion.rows));
    }
    if (!written) {
      co_return written.error();
    }
  }
  const PointContext here = context(task);
  co_await ports_.points.reach(Point::kTaskOutputWritten, here);
  co_return Result<>{};
}

}  // namespace engine
