#include "reports/verdict_table.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/text.h"

namespace reports {
namespace {

constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kPlain = "\x1b[0m";

enum class Align : std::uint8_t { kLeft, kRight };

struct Column {
  std::string_view title;
  Align align;
  std::string (*cell)(const VerdictRow&);
  // Left out of a terminal's table if every row is idle. Null: never.
  bool (*idle)(const VerdictRow&) = nullptr;
};

template <auto VerdictRow::*kField>
bool is_zero(const VerdictRow& row) {
  return row.*kField == 0;
}

template <std::int64_t VerdictRow::*kCount>
std::string count_cell(const VerdictRow& row) {
  return fmt::format("{}", row.*kCount);
}

template <Guarantee VerdictRow::*kStage>
std::string guarantee_cell(const VerdictRow& row) {
  return std::string(to_string(row.*kStage));
}

std::string scenario_cell(const VerdictRow& row) {
  return row.scenario;
}

std::string expected_cell(const VerdictRow& row) {
  return row.expected;
}

std::string stalled_cell(const VerdictRow& row) {
  return row.stalled ? "yes" : "no";
}

std::string result_cell(const VerdictRow& row) {
  return row.passed ? "ok" : "FAILED";
}

bool is_drained(const VerdictRow& row) {
  return !row.stalled;
}

bool has_no_receivers(const VerdictRow& row) {
  return !row.footprint || row.footprint->received_bytes == 0;
}

// How many times each received byte was put somewhere.
std::string stored_cell(const VerdictRow& row) {
  if (has_no_receivers(row)) {
    return "-";
  }
  const auto stored = static_cast<double>(row.footprint->stored_bytes);
  return fmt::format("{:.2f}x", stored / static_cast<double>(row.footprint->received_bytes));
}

std::string bytes_text(std::int64_t bytes) {
  constexpr std::array<std::string_view, 4> kUnits{"kB", "MB", "GB", "TB"};
  if (bytes < 1000) {
    return fmt::format("{} B", bytes);
  }
  std::size_t unit = 0;
  double amount = static_cast<double>(bytes) / 1e3;
  while (amount >= 999.95 && unit + 1 < kUnits.size()) {
    amount /= 1e3;
    ++unit;
  }
  return fmt::format("{:.1f} {}", amount, kUnits.at(unit));
}

std::string peak_cell(const VerdictRow& row) {
  return row.footprint ? bytes_text(row.footprint->peak_executor_bytes) : "-";
}

double seconds(std::chrono::microseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string time_cell(const VerdictRow& row) {
  constexpr std::chrono::seconds kBrief{1};
  return row.wall_time < kBrief ? fmt::format("{:.1f} ms", seconds(row.wall_time) * 1e3)
                                : fmt::format("{:.2f} s", seconds(row.wall_time));
}

constexpr std::array kColumns{
    Column{"scenario", Align::kLeft, scenario_cell},
    Column{"expected", Align::kLeft, expected_cell},
    Column{"found", Align::kLeft, guarantee_cell<&VerdictRow::found>},
    Column{"received", Align::kLeft, guarantee_cell<&VerdictRow::received>},
    Column{"processed", Align::kLeft, guarantee_cell<&VerdictRow::processed>},
    Column{"lost", Align::kRight, count_cell<&VerdictRow::lost>},
    Column{"duplicated", Align::kRight, count_cell<&VerdictRow::duplicated>},
    Column{
        "phantom", Align::kRight, count_cell<&VerdictRow::phantom>, is_zero<&VerdictRow::phantom>},
    Column{"reordered",
           Align::kRight,
           count_cell<&VerdictRow::reordered>,
           is_zero<&VerdictRow::reordered>},
    Column{"wrong", Align::kRight, count_cell<&VerdictRow::wrong>, is_zero<&VerdictRow::wrong>},
    Column{"stalled", Align::kLeft, stalled_cell, is_drained},
    Column{"stored", Align::kRight, stored_cell, has_no_receivers},
    Column{"peak", Align::kRight, peak_cell, has_no_receivers},
    Column{"schedules", Align::kRight, count_cell<&VerdictRow::schedules>},
    Column{"time", Align::kRight, time_cell},
    Column{"verdict", Align::kLeft, result_cell},
};

bool is_idle(const Column& column, std::span<const VerdictRow> rows) {
  return column.idle != nullptr && std::ranges::all_of(rows, column.idle);
}

std::size_t character_count(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U; }));
}

// A table of finished cells, one column after the other.
struct Grid {
  std::vector<std::vector<std::string>> lines;  // [0]: titles
  std::vector<Align> align;
  std::vector<std::size_t> widths;
};

Grid make_grid(std::span<const VerdictRow> rows) {
  Grid grid;
  grid.lines.resize(rows.size() + 1);
  for (const Column& column : kColumns) {
    if (is_idle(column, rows)) {
      continue;
    }
    grid.align.push_back(column.align);
    grid.lines[0].emplace_back(column.title);
    std::size_t width = column.title.size();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      grid.lines[i + 1].push_back(one_line(column.cell(rows[i])));
      width = std::max(width, character_count(grid.lines[i + 1].back()));
    }
    grid.widths.push_back(width);
  }
  return grid;
}

void append_line(const Grid& grid, std::size_t line, std::string& out) {
  std::string text;
  for (std::size_t i = 0; i < grid.widths.size(); ++i) {
    const std::string& cell = grid.lines[line][i];
    const std::string padding(grid.widths[i] - character_count(cell), ' ');
    text += i == 0 ? "" : "  ";
    text += grid.align[i] == Align::kLeft ? cell + padding : padding + cell;
  }
  text.erase(text.find_last_not_of(' ') + 1);
  out += text;
}

std::string painted(std::string_view text, std::string_view paint, Colour colour) {
  return colour == Colour::kAlways ? fmt::format("{}{}{}", paint, text, kPlain) : std::string(text);
}

std::int64_t failure_count(std::span<const VerdictRow> rows) {
  return std::ranges::count(rows, false, &VerdictRow::passed);
}

std::string summary(std::span<const VerdictRow> rows) {
  const std::int64_t failed = failure_count(rows);
  const std::string_view noun = rows.size() == 1 ? "scenario" : "scenarios";
  return failed == 0 ? fmt::format("{} {}, all as expected", rows.size(), noun)
                     : fmt::format("{} {}, {} not as expected", rows.size(), noun, failed);
}

void append_failures(std::span<const VerdictRow> rows, Colour colour, std::string& out) {
  for (const VerdictRow& row : rows) {
    if (row.passed) {
      continue;
    }
    out += fmt::format("\n{}\n", painted(one_line(row.scenario), kRed, colour));
    for (const std::string& reason : row.reasons) {
      out += fmt::format("  {}\n", one_line(reason));
    }
    out += fmt::format("  replay: onceproof replay {}\n", one_line(row.token));
  }
}

nlohmann::ordered_json to_json(const VerdictRow& row) {
  nlohmann::ordered_json json = {{"scenario", row.scenario},
                                 {"claim", row.claims},
                                 {"kafka", row.kafka},
                                 {"token", row.token},
                                 {"received", to_string(row.received)},
                                 {"processed", to_string(row.processed)},
                                 {"output", to_string(row.found)},
                                 {"lost", row.lost},
                                 {"duplicated", row.duplicated},
                                 {"phantom", row.phantom},
                                 {"reordered", row.reordered},
                                 {"wrong", row.wrong},
                                 {"stalled", row.stalled},
                                 {"schedules", row.schedules},
                                 {"passed", row.passed},
                                 {"expected", row.expected},
                                 {"reasons", row.reasons},
                                 {"wall_us", row.wall_time.count()}};
  if (row.footprint) {
    json["received_bytes"] = row.footprint->received_bytes;
    json["stored_bytes"] = row.footprint->stored_bytes;
    json["peak_executor_bytes"] = row.footprint->peak_executor_bytes;
  }
  return json;
}

}  // namespace

VerdictRow make_row(const Verdict& verdict, const Metrics& metrics) {
  VerdictRow row;
  row.received = verdict.received.guarantee();
  row.processed = verdict.processed.guarantee();
  row.found = verdict.guarantee();
  row.lost = verdict.output.lost;
  row.duplicated = verdict.output.duplicated;
  row.phantom = verdict.phantom;
  row.reordered = verdict.reordered;
  row.wrong = verdict.wrong;
  row.stalled = verdict.stalled;
  row.footprint = {.received_bytes = metrics.received_bytes,
                   .stored_bytes = metrics.stored_bytes(),
                   .peak_executor_bytes = metrics.peak_executor_bytes};
  return row;
}

std::string terminal_table(std::span<const VerdictRow> rows, Colour colour) {
  const Grid grid = make_grid(rows);
  std::string out;
  for (std::size_t line = 0; line < grid.lines.size(); ++line) {
    std::string text;
    append_line(grid, line, text);
    if (line == 0) {
      text = painted(text, kBold, colour);
    } else if (!rows[line - 1].passed) {
      text = painted(text, kRed, colour);
    }
    out += text + "\n";
  }
  const std::string_view paint = failure_count(rows) == 0 ? kGreen : kRed;
  out += fmt::format("\n{}\n", painted(summary(rows), paint, colour));
  append_failures(rows, colour, out);
  return out;
}

std::string markdown_table(std::span<const VerdictRow> rows) {
  std::string titles = "|";
  std::string rule = "|";
  for (const Column& column : kColumns) {
    titles += fmt::format(" {} |", column.title);
    rule += column.align == Align::kLeft ? " --- |" : " ---: |";
  }
  std::string out = titles + "\n" + rule + "\n";
  for (const VerdictRow& row : rows) {
    out += "|";
    for (const Column& column : kColumns) {
      out += fmt::format(" {} |", markdown_text(column.cell(row)));
    }
    out += "\n";
  }
  return out;
}

std::string json_report(std::span<const VerdictRow> rows) {
  nlohmann::ordered_json runs = nlohmann::ordered_json::array();
  for (const VerdictRow& row : rows) {
    runs.push_back(to_json(row));
  }
  nlohmann::ordered_json report;
  report["runs"] = std::move(runs);
  return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace reports
