// tests/library/example/order_book.h
//
// Three ways to store the lines of orders. Each is what a user writes: one class, two functions.

#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include <onceproof/testing.h>

namespace orders {

// Keyed by the record that a row was made of: whoever writes it again, it is there once.
class OrderBook final : public onceproof::Sink {
 public:
  onceproof::Result<> write(const onceproof::TaskWrite& write) override {
    for (const onceproof::Row& row : write.rows) {
      rows_.insert_or_assign(row.id, row);
    }
    return {};
  }

  [[nodiscard]] std::vector<onceproof::Row> rows() const override {
    std::vector<onceproof::Row> all;
    for (const auto& [id, row] : rows_) {
      all.push_back(row);
    }
    return all;
  }

 private:
  std::map<onceproof::RowId, onceproof::Row> rows_;
};

// Writes down what it is told: an attempt that is repeated is written down twice.
class Journal final : public onceproof::Sink {
 public:
  onceproof::Result<> write(const onceproof::TaskWrite& write) override {
    rows_.insert(rows_.end(), write.rows.begin(), write.rows.end());
    return {};
  }

  [[nodiscard]] std::vector<onceproof::Row> rows() const override { return rows_; }

 private:
  std::vector<onceproof::Row> rows_;
};

// Takes each task of each batch once, by its name. It looks exact, and is not: after a crash of the
// driver a batch may be cut anew, and the records that joined it meanwhile are turned away with it.
class DailyClose final : public onceproof::Sink {
 public:
  onceproof::Result<> write(const onceproof::TaskWrite& write) override {
    if (closed_.emplace(write.batch_ms, write.task).second) {
      rows_.insert(rows_.end(), write.rows.begin(), write.rows.end());
    }
    return {};
  }

  [[nodiscard]] std::vector<onceproof::Row> rows() const override { return rows_; }

 private:
  std::set<std::pair<std::int64_t, std::int32_t>> closed_;
  std::vector<onceproof::Row> rows_;
};

}  // namespace orders
