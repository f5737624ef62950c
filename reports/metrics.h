// reports/metrics.h
//
// What a run kept and held, by name: as scenarios expect it and recordings store it.

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "reports/ledger.h"

namespace reports {

struct NamedMetric {
  std::string_view name;
  std::int64_t (*value)(const Metrics&);
};

std::span<const NamedMetric> all_metrics();

}  // namespace reports
