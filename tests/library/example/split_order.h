// tests/library/example/split_order.h
//
// An operation of a user's own: one order in, one record per line of the order out.

#pragma once

#include <string>
#include <vector>

#include <onceproof/testing.h>

namespace orders {

// The n-th order has n % 3 lines: some have none.
class SplitOrder final : public onceproof::Operation {
 public:
  [[nodiscard]] std::vector<onceproof::Record> apply(
      const onceproof::Record& order) const override {
    std::vector<onceproof::Record> lines;
    for (int line = 0; line < std::stoi(order.value) % 3; ++line) {
      lines.push_back({.key = order.key, .value = order.value + '/' + std::to_string(line)});
    }
    return lines;
  }
};

}  // namespace orders
