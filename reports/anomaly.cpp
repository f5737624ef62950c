#include "reports/anomaly.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "reports/judge.h"

namespace reports {
namespace {

constexpr std::array<std::string_view, 4> kNames{"lost", "wrong", "phantom", "duplicated"};

bool is_kind(const Verdict& verdict, AnomalyKind kind) {
  switch (kind) {
    case AnomalyKind::kLost:
      return verdict.output.lost > 0;
    case AnomalyKind::kWrong:
      return verdict.wrong > 0;
    case AnomalyKind::kPhantom:
      return verdict.phantom > 0;
    case AnomalyKind::kDuplicated:
      return verdict.output.duplicated > 0;
  }
  return false;
}

// A ledger of these rows, and of nothing that they should come from.
Ledger only(const Ledger& ledger, std::vector<OutputRecord> rows) {
  Ledger part;
  part.aggregate = ledger.aggregate;
  part.outputs = std::move(rows);
  return part;
}

void find_in_keys(const Ledger& ledger, std::vector<Anomaly>& found) {
  std::set<std::string> keys;
  std::ranges::transform(
      ledger.expected_aggregate, std::inserter(keys, keys.end()), &ExpectedAggregate::key);
  std::ranges::transform(ledger.outputs, std::inserter(keys, keys.end()), &OutputRecord::key);
  for (const std::string& key : keys) {
    const Anomaly anomaly{.kind = AnomalyKind::kWrong, .position = {}, .key = key};
    if (shows(ledger, anomaly)) {
      found.push_back(anomaly);
    }
  }
}

void find_in_records(const Ledger& ledger, std::vector<Anomaly>& found) {
  std::map<engine::Position, std::vector<OutputRecord>> rows;
  for (const OutputRecord& row : ledger.outputs) {
    rows[row.source].push_back(row);
  }
  for (const InputRecord& record : ledger.inputs) {
    const auto own = rows.extract(record.position);
    Ledger part = only(ledger, own.empty() ? std::vector<OutputRecord>() : own.mapped());
    part.inputs = {record};
    const Verdict verdict = judge(part);
    for (const AnomalyKind kind : {AnomalyKind::kLost, AnomalyKind::kDuplicated}) {
      if (is_kind(verdict, kind)) {
        found.push_back({.kind = kind, .position = record.position, .key = {}});
      }
    }
  }
  for (const OutputRecord& row : ledger.outputs) {
    if (rows.erase(row.source) > 0) {
      found.push_back({.kind = AnomalyKind::kPhantom, .position = row.source, .key = {}});
    }
  }
  std::ranges::stable_sort(found, {}, &Anomaly::kind);
}

}  // namespace

std::string_view to_string(AnomalyKind kind) {
  return kNames.at(static_cast<std::size_t>(kind));
}

std::vector<Anomaly> anomalies_of(const Ledger& ledger) {
  std::vector<Anomaly> found;
  if (ledger.aggregate == AggregateKind::kNone) {
    find_in_records(ledger, found);
  } else {
    find_in_keys(ledger, found);
  }
  return found;
}

bool shows(const Ledger& ledger, const Anomaly& anomaly) {
  const bool is_of_key = anomaly.kind == AnomalyKind::kWrong;
  std::vector<OutputRecord> rows;
  std::ranges::copy_if(ledger.outputs, std::back_inserter(rows), [&](const OutputRecord& row) {
    return is_of_key ? row.key == anomaly.key : row.source == anomaly.position;
  });
  Ledger part = only(ledger, std::move(rows));
  std::ranges::copy_if(ledger.inputs, std::back_inserter(part.inputs), [&](const InputRecord& one) {
    return one.position == anomaly.position;
  });
  std::ranges::copy_if(ledger.expected_aggregate,
                       std::back_inserter(part.expected_aggregate),
                       [&](const ExpectedAggregate& one) { return one.key == anomaly.key; });
  return is_kind(judge(part), anomaly.kind);
}

}  // namespace reports
