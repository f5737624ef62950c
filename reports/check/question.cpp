#include "reports/check/question.h"

#include <algorithm>
#include <span>

namespace reports::check {
namespace {

std::optional<std::size_t> find_name(std::span<const std::string_view> names,
                                     std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace

std::optional<Identity> find_identity(std::string_view name) {
  const auto index = find_name(kIdentityNames, name);
  return index ? std::optional(static_cast<Identity>(*index)) : std::nullopt;
}

std::optional<Order> find_order(std::string_view name) {
  const auto index = find_name(kOrderNames, name);
  return index ? std::optional(static_cast<Order>(*index)) : std::nullopt;
}

std::optional<AggregateKind> find_aggregate(std::string_view name) {
  const auto index = find_name(kAggregateNames, name);
  if (!index) {
    return std::nullopt;
  }
  return *index == 0 ? AggregateKind::kCountByKey : AggregateKind::kSumByKey;
}

}  // namespace reports::check
