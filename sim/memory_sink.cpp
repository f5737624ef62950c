#include "sim/memory_sink.h"

#include <algorithm>
#include <span>

#include "engine/ports/invariant.h"

namespace sim {

using engine::Offset;
using engine::OffsetUpdate;
using engine::OutputRow;
using engine::PartitionOffset;
using engine::Result;
using engine::SinkTransaction;
using engine::TransactionOutcome;

namespace {

void require_no_row_key(const std::vector<OutputRow>& rows) {
  for (const OutputRow& row : rows) {
    INVARIANT(
        row.row_key.empty(), "a row that is not upserted has the row key \"{}\"", row.row_key);
  }
}

void describe_rows(std::span<const OutputRow> rows, StateBytes& state) {
  state.add(std::uint64_t{rows.size()});
  for (const OutputRow& row : rows) {
    state.add(row.source.partition);
    state.add(row.source.offset);
    state.add(row.ordinal);
    state.add(row.row_key);
    state.add(row.key);
    state.add(row.value);
  }
}

}  // namespace

Result<> MemorySink::append(const std::vector<OutputRow>& rows) {
  require_no_row_key(rows);
  for (const OutputRow& row : rows) {
    add(row);
  }
  return {};
}

Result<> MemorySink::upsert(const std::vector<OutputRow>& rows) {
  for (const OutputRow& row : rows) {
    INVARIANT(!row.row_key.empty(), "an upserted row has no row key");
  }
  for (const OutputRow& row : rows) {
    const auto [place, inserted] = by_row_key_.try_emplace(row.row_key, live_);
    if (inserted) {
      add(row);
    } else {
      rows_[place->second] = row;
    }
  }
  return {};
}

Result<> MemorySink::replace_file(const std::string& path, const std::vector<OutputRow>& rows) {
  require_no_row_key(rows);
  files_[path] = rows;
  return {};
}

// Both guards are decided before anything changes. Offsets are staged because one transaction may
// update a partition twice, and the second update then sees the first.
Result<TransactionOutcome> MemorySink::apply(const SinkTransaction& transaction) {
  require_no_row_key(transaction.rows);
  auto unit = units_.end();
  if (transaction.insert_unit) {
    unit = std::ranges::lower_bound(units_, *transaction.insert_unit);
    if (unit != units_.end() && *unit == *transaction.insert_unit) {
      return TransactionOutcome::kUnitPresent;
    }
  }
  staged_ = offsets_;
  for (const OffsetUpdate& update : transaction.offsets) {
    if (!stage_offset(update)) {
      return TransactionOutcome::kOffsetConflict;
    }
  }
  offsets_.swap(staged_);
  if (transaction.insert_unit) {
    units_.insert(unit, *transaction.insert_unit);
  }
  for (const OutputRow& row : transaction.rows) {
    add(row);
  }
  return TransactionOutcome::kCommitted;
}

Result<std::vector<PartitionOffset>> MemorySink::saved_offsets() {
  return offsets_;
}

Result<std::vector<OutputRow>> MemorySink::contents() {
  const auto end = rows_.begin() + static_cast<std::ptrdiff_t>(live_);
  std::vector<OutputRow> all(rows_.begin(), end);
  for (const auto& [path, rows] : files_) {
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

void MemorySink::reset() {
  live_ = 0;
  by_row_key_.clear();
  files_.clear();
  units_.clear();
  offsets_.clear();
}

void MemorySink::describe(StateBytes& state) const {
  const auto rows = std::span<const OutputRow>(rows_).first(live_);
  describe_rows(rows, state);
  state.add(std::uint64_t{files_.size()});
  for (const auto& [path, rows_of_file] : files_) {
    state.add(path);
    describe_rows(rows_of_file, state);
  }
  state.add(std::uint64_t{units_.size()});
  for (const engine::UnitId& unit : units_) {
    state.add(unit.batch.at);
    state.add(unit.task);
    state.add(unit.part);
  }
  state.add(std::uint64_t{offsets_.size()});
  for (const PartitionOffset& saved : offsets_) {
    state.add(saved.partition);
    state.add(saved.offset);
  }
}

void MemorySink::add(const OutputRow& row) {
  if (live_ < rows_.size()) {
    rows_[live_] = row;
  } else {
    rows_.push_back(row);
  }
  ++live_;
}

bool MemorySink::stage_offset(const OffsetUpdate& update) {
  INVARIANT(update.next.value >= 0, "offset {} cannot be saved", update.next.value);
  const auto place =
      std::ranges::lower_bound(staged_, update.partition, {}, &PartitionOffset::partition);
  const bool saved = place != staged_.end() && place->partition == update.partition;
  const Offset current = saved ? place->offset : engine::kNeverSaved;
  if (update.expected && *update.expected != current) {
    return false;
  }
  if (saved) {
    place->offset = update.next;
  } else {
    staged_.insert(place, {.partition = update.partition, .offset = update.next});
  }
  return true;
}

}  // namespace sim
