// reports/ci_report.h
//
// What a command has judged, for those who watch over a repository: a CI server (JUnit XML), the
// page of a pull request (Markdown), and the lines of its files (GitHub's workflow commands). Each
// command says what it has judged as cases; what became of a case is said here, once for all of
// them. Each function returns text; nothing here writes anywhere.

#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "reports/baseline.h"

namespace reports {

// Why a case failed.
struct Reason {
  std::string sentence;
  int line = 0;  // of the case's file, which it is about; 0: of none in particular
};

// A scenario, a cell of the guarantee table, a defect.
struct JudgedCase {
  std::string name;
  std::string group;  // "onceproof.mock"
  std::string file;   // that says what is expected; empty: none does
  int line = 0;       // where the case begins in it
  std::string token;  // that repeats it; empty: none does
  std::chrono::microseconds wall_time{0};
  std::vector<Reason> reasons;  // none: it passed

  [[nodiscard]] bool passed() const { return reasons.empty(); }
};

struct CiReport {
  std::string command;  // "run"
  std::vector<JudgedCase> cases;
  std::string baseline;         // the file that all is compared with; empty: with none
  std::vector<Change> changes;  // since then
  std::string table;            // of the command, in Markdown
};

// Compares with a baseline: what got worse fails its case; what is gone fails as a case of its own.
void hold_against(CiReport& report, const std::string& baseline, std::vector<Change> changes);

[[nodiscard]] bool all_passed(const CiReport& report);

// What changed since the baseline, for a terminal; empty if there is none.
std::string terminal_changes(const CiReport& report);

// One <testsuite> in the format of Ant, Surefire and Jenkins; tests/ci/junit.xsd describes it.
std::string junit_report(const CiReport& report);

// GitHub takes no more in a comment or a description.
inline constexpr std::size_t kMarkdownCharactersMax = 65'536;

// The verdict, what got worse, what failed, with the commands that repeat it, and folded away the
// rest. Of what does not fit it says how much there is.
std::string markdown_summary(const CiReport& report);

// One line "::error file=...,line=...,title=...::..." for each reason.
std::string github_annotations(const CiReport& report);

}  // namespace reports
