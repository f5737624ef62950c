#include "sim/process_sink.h"

#include <utility>

#include "engine/ports/invariant.h"

namespace sim {

using engine::OutputRow;
using engine::Result;
using engine::SinkTransaction;
using engine::Task;
using engine::TransactionId;
using engine::TransactionOutcome;

ProcessSink::ProcessSink(Process& process,
                         engine::SinkDatabase& database,
                         RoundTrip latency,
                         engine::Random& random)
    : process_(process), database_(database), latency_(latency), random_(random) {
  process_.on_end_of_life([this] { session_.clear(); });
}

Task<Result<>> ProcessSink::append(std::vector<OutputRow> rows) {
  const RoundTrip trip = draw();
  co_await process_.step(Operation::kSinkAppend, process_.digest(rows), trip.request);
  stamp(rows);
  const Result<> appended = attempt(SinkOperation::kAppend, [&] { return database_.append(rows); });
  co_await process_.step(Operation::kSinkAppendApplied, process_.digest(appended), trip.answer);
  co_return appended;
}

Task<Result<>> ProcessSink::upsert(std::vector<OutputRow> rows) {
  const RoundTrip trip = draw();
  co_await process_.step(Operation::kSinkUpsert, process_.digest(rows), trip.request);
  stamp(rows);
  const Result<> upserted = attempt(SinkOperation::kUpsert, [&] { return database_.upsert(rows); });
  co_await process_.step(Operation::kSinkUpsertApplied, process_.digest(upserted), trip.answer);
  co_return upserted;
}

Task<Result<>> ProcessSink::replace_file(std::string path, std::vector<OutputRow> rows) {
  const RoundTrip trip = draw();
  co_await process_.step(Operation::kSinkReplaceFile, process_.digest(path, rows), trip.request);
  stamp(rows);
  const Result<> replaced =
      attempt(SinkOperation::kReplaceFile, [&] { return database_.replace_file(path, rows); });
  co_await process_.step(
      Operation::kSinkReplaceFileApplied, process_.digest(replaced), trip.answer);
  co_return replaced;
}

Task<Result<TransactionId>> ProcessSink::prepare(SinkTransaction transaction) {
  const RoundTrip trip = draw();
  co_await process_.step(Operation::kSinkPrepare, process_.digest(transaction), trip.request);
  const Result<TransactionId> prepared = attempt(
      SinkOperation::kPrepare, [&] { return Result<TransactionId>(keep(std::move(transaction))); });
  process_.record(Operation::kSinkPrepare,
                  prepared ? process_.digest(*prepared) : process_.digest(prepared.error()));
  co_await process_.sleep_until(process_.now() + trip.answer);
  co_return prepared;
}

TransactionId ProcessSink::keep(SinkTransaction transaction) {
  const TransactionId id{++last_id_};
  session_.emplace(id.value, std::move(transaction));
  return id;
}

Task<Result<TransactionOutcome>> ProcessSink::commit(TransactionId id) {
  const RoundTrip trip = draw();
  co_await process_.step(Operation::kSinkCommit, process_.digest(id), trip.request);
  SinkTransaction transaction = take_prepared(id);
  stamp(transaction.rows);
  const Result<TransactionOutcome> outcome =
      attempt(SinkOperation::kCommit, [&] { return database_.apply(transaction); });
  co_await process_.step(Operation::kSinkCommitApplied, process_.digest(outcome), trip.answer);
  co_return outcome;
}

Task<Result<std::vector<engine::PartitionOffset>>> ProcessSink::saved_offsets() {
  const RoundTrip trip = draw();
  co_await process_.step(Operation::kSinkSavedOffsets, 0, trip.request);
  auto offsets = attempt(SinkOperation::kSavedOffsets, [&] { return database_.saved_offsets(); });
  process_.record(Operation::kSinkSavedOffsets, process_.digest(offsets));
  co_await process_.sleep_until(process_.now() + trip.answer);
  co_return offsets;
}

RoundTrip ProcessSink::draw() {
  return disturbance_.stretched(draw_latency(latency_, random_), process_.now());
}

void ProcessSink::stamp(std::vector<OutputRow>& rows) const {
  const engine::RowOrigin origin{.writer = process_.address(), .written_at = process_.now()};
  for (OutputRow& row : rows) {
    row.origin = origin;
  }
}

SinkTransaction ProcessSink::take_prepared(TransactionId id) {
  auto prepared = session_.extract(id.value);
  INVARIANT(!prepared.empty(), "transaction {} is not prepared in this session", id.value);
  return std::move(prepared.mapped());
}

}  // namespace sim
