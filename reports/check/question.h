// reports/check/question.h
//
// What is to be judged: how the records of somebody's pipeline are told apart, which order they
// should keep, or which aggregate was made of them.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/ledger.h"

namespace reports::check {

// Which fields make an output the output of an input. Topic, partition and offset, or an id, name
// one input record; a key and a value may be those of several.
enum class Identity : std::uint8_t { kOffset, kId, kKeyValue };

// Among which records the order counts.
enum class Order : std::uint8_t { kNone, kPartition, kKey };

inline constexpr std::array<std::string_view, 3> kIdentityNames{"offset", "id", "key-value"};
inline constexpr std::array<std::string_view, 3> kOrderNames{"none", "partition", "key"};
inline constexpr std::array<std::string_view, 2> kAggregateNames{"count-by-key", "sum-by-key"};

std::optional<Identity> find_identity(std::string_view name);
std::optional<Order> find_order(std::string_view name);
std::optional<AggregateKind> find_aggregate(std::string_view name);

struct Question {
  std::vector<std::string> inputs;   // files, in this order; "-" is standard input
  std::vector<std::string> outputs;  // likewise
  Identity identity = Identity::kOffset;
  Order order = Order::kNone;
  AggregateKind aggregate = AggregateKind::kNone;  // else identity and order say nothing
};

}  // namespace reports::check
