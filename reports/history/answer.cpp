#include "reports/history/answer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace reports::history {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::string terminal_answer(const HistoryVerdict& verdict) {
  std::string counts = fmt::format("{:<23}{}\n{:<23}{}\n",
                                   "history",
                                   verdict.is_valid() ? "valid" : "not valid",
                                   "operations",
                                   verdict.operations);
  std::string sentences;
  for (std::size_t n = 0; n < verdict.findings.size(); ++n) {
    const Findings& found = verdict.findings[n];
    if (found.count == 0) {
      continue;
    }
    counts += fmt::format(
        "{:<23}{}{}\n", kAnomalyNames[n], found.count, found.is_allowed ? " (allowed)" : "");
    for (const Evidence& evidence : found.examples) {
      sentences += fmt::format("{}: {}\n", kAnomalyNames[n], evidence.sentence);
    }
    const auto more = found.count - static_cast<std::int64_t>(found.examples.size());
    sentences += more > 0 ? fmt::format("{}: and {} more\n", kAnomalyNames[n], more) : "";
  }
  return counts + sentences;
}

std::string json_answer(const HistoryVerdict& verdict) {
  Json anomalies = Json::array();
  for (std::size_t n = 0; n < verdict.findings.size(); ++n) {
    const Findings& found = verdict.findings[n];
    if (found.count == 0) {
      continue;
    }
    Json examples = Json::array();
    for (const Evidence& evidence : found.examples) {
      examples.push_back({{"key", evidence.key ? Json(*evidence.key) : Json()},
                          {"values", evidence.values},
                          {"lines", evidence.lines},
                          {"text", evidence.sentence}});
    }
    anomalies.push_back({{"name", kAnomalyNames[n]},
                         {"count", found.count},
                         {"allowed", found.is_allowed},
                         {"examples", std::move(examples)}});
  }
  const Json answer{{"valid", verdict.is_valid()},
                    {"operations", verdict.operations},
                    {"anomalies", std::move(anomalies)}};
  return answer.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace reports::history
