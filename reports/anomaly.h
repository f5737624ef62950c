// reports/anomaly.h
//
// What is wrong with one record, one row or one key of the output: the verdict, taken apart. It is
// the judge who says so: he is asked about a ledger that has nothing else.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/vocabulary.h"
#include "reports/ledger.h"

namespace reports {

// In order of gravity.
enum class AnomalyKind : std::uint8_t { kLost, kWrong, kPhantom, kDuplicated };

// "lost", "wrong", "phantom", "duplicated".
std::string_view to_string(AnomalyKind kind);

struct Anomaly {
  AnomalyKind kind = AnomalyKind::kLost;
  engine::Position position;  // of the record, or where a row says that it comes from; not kWrong
  std::string key;            // kWrong
  auto operator<=>(const Anomaly&) const = default;
};

// By kind, and within one in order of the inputs, of the rows, or of the keys. As many as the
// verdict counts, except that surplus rows of one record, and rows that come from one place, are
// one.
std::vector<Anomaly> anomalies_of(const Ledger& ledger);

// Whether this run shows it, too.
bool shows(const Ledger& ledger, const Anomaly& anomaly);

}  // namespace reports
