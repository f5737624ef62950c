#include "reports/defect_table.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace reports {
namespace {

std::string text_of(const std::optional<std::int64_t>& schedules) {
  return schedules ? std::to_string(*schedules) : std::string("-");
}

std::string counts(const DefectLine& line, const char* separator) {
  std::vector<std::string> texts;
  for (const auto& [strategy, schedules] : line.schedules) {
    texts.push_back(text_of(schedules));
  }
  return fmt::format("{}", fmt::join(texts, separator));
}

std::vector<std::string> strategies(std::span<const DefectLine> lines) {
  std::vector<std::string> names;
  if (!lines.empty()) {
    for (const auto& [strategy, schedules] : lines.front().schedules) {
      names.push_back(strategy);
    }
  }
  return names;
}

std::string verdict(const DefectLine& line) {
  if (line.scenario.empty()) {
    return "NO WORLD";
  }
  return line.convicted ? line.finding : "NOT CONVICTED";
}

std::string cell(const std::string& content) {
  std::string text;
  for (const char character : content) {
    text += character == '|' ? std::string("\\|") : std::string(1, character);
  }
  return text;
}

std::ptrdiff_t convicted_count(std::span<const DefectLine> lines) {
  return std::ranges::count_if(lines, &DefectLine::convicted);
}

}  // namespace

std::string terminal_defects(std::span<const DefectLine> lines) {
  std::string text;
  for (const DefectLine& line : lines) {
    text += fmt::format(
        "{:<37} {:<20} {:>8}  {}\n", line.name, verdict(line), counts(line, " "), line.token);
    if (!line.story.empty()) {
      text += fmt::format("    {}\n", line.story);
    }
  }
  text += fmt::format("{} of {} defects convicted; schedules: {}\n",
                      convicted_count(lines),
                      lines.size(),
                      fmt::join(strategies(lines), " "));
  return text;
}

std::string markdown_defects(std::span<const DefectLine> lines) {
  std::string text = "| defect | source | finding | shortest schedule |";
  std::string rule = "\n|---|---|---|---|";
  for (const std::string& strategy : strategies(lines)) {
    text += fmt::format(" {} |", strategy);
    rule += "--:|";
  }
  text += rule + '\n';
  for (const DefectLine& line : lines) {
    text += fmt::format("| `{}` | {} | {} | {} |",
                        line.name,
                        cell(line.source),
                        verdict(line),
                        line.convicted ? cell(line.story) : "");
    text += fmt::format(" {} |\n", counts(line, " | "));
  }
  return text;
}

std::string json_defects(std::span<const DefectLine> lines) {
  nlohmann::ordered_json defects = nlohmann::ordered_json::array();
  for (const DefectLine& line : lines) {
    nlohmann::ordered_json schedules = nlohmann::ordered_json::object();
    for (const auto& [strategy, count] : line.schedules) {
      schedules[strategy] = count ? nlohmann::ordered_json(*count) : nlohmann::ordered_json();
    }
    const auto or_null = [](const std::string& value) {
      return value.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(value);
    };
    defects.push_back({{"name", line.name},
                       {"source", line.source},
                       {"scenario", or_null(line.scenario)},
                       {"convicted", line.convicted},
                       {"finding", or_null(line.finding)},
                       {"token", or_null(line.token)},
                       {"schedules", std::move(schedules)}});
  }
  return nlohmann::ordered_json{{"defects", std::move(defects)}}.dump(2) + '\n';
}

}  // namespace reports
