#include "scenarios/onceproof/sink_adapter.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine/ports/invariant.h"

namespace onceproof {
namespace {

Row to_row(const engine::OutputRow& row) {
  return {.id = {.partition = row.source.partition,
                 .offset = row.source.offset.value,
                 .ordinal = row.ordinal},
          .key = row.key,
          .value = row.value};
}

bool of_one_task(const std::vector<engine::OutputRow>& rows) {
  return std::ranges::all_of(rows, [&first = rows.front()](const engine::OutputRow& row) {
    return row.batch == first.batch && row.task == first.task && row.attempt == first.attempt;
  });
}

}  // namespace

// Its maker is user code as well: what it forgot is said as what it throws would be.
SinkAdapter::SinkAdapter(std::unique_ptr<Sink> sink) : sink_(std::move(sink)) {
  if (!sink_) {
    throw std::invalid_argument("the sink's factory made no sink");
  }
}

Result<> SinkAdapter::append(const std::vector<engine::OutputRow>& rows) {
  INVARIANT(!rows.empty() && of_one_task(rows), "a statement holds rows of one task");
  TaskWrite write{.batch_ms = engine::milliseconds_of(rows.front().batch.at),
                  .task = rows.front().task,
                  .attempt = rows.front().attempt,
                  .rows = {}};
  write.rows.reserve(rows.size());
  std::ranges::transform(rows, std::back_inserter(write.rows), to_row);
  return sink_->write(write);
}

Result<std::vector<engine::OutputRow>> SinkAdapter::contents() {
  std::vector<engine::OutputRow> contents;
  for (Row& row : sink_->rows()) {
    engine::OutputRow found;
    found.source = {.partition = row.id.partition, .offset = {row.id.offset}};
    found.ordinal = row.id.ordinal;
    found.key = std::move(row.key);
    found.value = std::move(row.value);
    contents.push_back(std::move(found));
  }
  return contents;
}

Result<> SinkAdapter::upsert(const std::vector<engine::OutputRow>& /*rows*/) {
  return Errc::kUnsupported;
}

Result<> SinkAdapter::replace_file(const std::string& /*path*/,
                                   const std::vector<engine::OutputRow>& /*rows*/) {
  return Errc::kUnsupported;
}

Result<engine::TransactionOutcome> SinkAdapter::apply(
    const engine::SinkTransaction& /*transaction*/) {
  return Errc::kUnsupported;
}

Result<std::vector<engine::PartitionOffset>> SinkAdapter::saved_offsets() {
  return Errc::kUnsupported;
}

}  // namespace onceproof
