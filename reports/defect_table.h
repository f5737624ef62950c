// reports/defect_table.h
//
// The mistakes that the engine can be built to make, and what convicts each: for a terminal, for a
// page and for a program. Each function returns text; nothing here writes anywhere.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace reports {

struct DefectLine {
  std::string name;  // "offset_guard.blind_update"
  std::string source;
  std::string scenario;  // the world that is searched; empty: there is none
  bool convicted = false;
  std::string finding;
  std::string token;  // of the shortest schedule; empty: none convicts
  std::string story;  // its faults, in words
  // By strategy: schedules until the first that convicts; empty: none did.
  std::vector<std::pair<std::string, std::optional<std::int64_t>>> schedules;
};

std::string terminal_defects(std::span<const DefectLine> lines);

std::string markdown_defects(std::span<const DefectLine> lines);

// {"defects":[...]}, ending with a newline.
std::string json_defects(std::span<const DefectLine> lines);

}  // namespace reports
