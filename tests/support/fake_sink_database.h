// tests/support/fake_sink_database.h
//
// The smallest sink database that a wrapper can be tested over: rows in the order of arrival, units
// and offsets that guard a transaction.

#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/ports/sink_store.h"

namespace tests {

class FakeSinkDatabase final : public engine::SinkDatabase {
 public:
  std::vector<engine::OutputRow> rows;
  std::map<std::string, std::vector<engine::OutputRow>> files;
  std::set<engine::UnitId> units;
  std::map<engine::PartitionId, engine::Offset> offsets;

  engine::Result<> append(const std::vector<engine::OutputRow>& added) override {
    rows.insert(rows.end(), added.begin(), added.end());
    return {};
  }

  engine::Result<> upsert(const std::vector<engine::OutputRow>& changed) override {
    for (const engine::OutputRow& row : changed) {
      const auto place = std::ranges::find(rows, row.row_key, &engine::OutputRow::row_key);
      if (place == rows.end()) {
        rows.push_back(row);
      } else {
        *place = row;
      }
    }
    return {};
  }

  engine::Result<> replace_file(const std::string& path,
                                const std::vector<engine::OutputRow>& content) override {
    files[path] = content;
    return {};
  }

  engine::Result<engine::TransactionOutcome> apply(
      const engine::SinkTransaction& transaction) override {
    if (transaction.insert_unit && units.contains(*transaction.insert_unit)) {
      return engine::TransactionOutcome::kUnitPresent;
    }
    if (!std::ranges::all_of(transaction.offsets, [this](const auto& update) {
          return !update.expected || saved(update.partition) == *update.expected;
        })) {
      return engine::TransactionOutcome::kOffsetConflict;
    }
    if (transaction.insert_unit) {
      units.insert(*transaction.insert_unit);
    }
    for (const engine::OffsetUpdate& update : transaction.offsets) {
      offsets[update.partition] = update.next;
    }
    rows.insert(rows.end(), transaction.rows.begin(), transaction.rows.end());
    return engine::TransactionOutcome::kCommitted;
  }

  engine::Result<std::vector<engine::PartitionOffset>> saved_offsets() override {
    std::vector<engine::PartitionOffset> all;
    for (const auto& [partition, offset] : offsets) {
      all.push_back({.partition = partition, .offset = offset});
    }
    return all;
  }

  engine::Result<std::vector<engine::OutputRow>> contents() override { return rows; }

 private:
  [[nodiscard]] engine::Offset saved(engine::PartitionId partition) const {
    const auto found = offsets.find(partition);
    return found == offsets.end() ? engine::kNeverSaved : found->second;
  }
};

}  // namespace tests
