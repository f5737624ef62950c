#include "scenarios/findings.h"

namespace scenarios {

std::vector<std::pair<std::string, std::int64_t>> shown_by(const reports::Verdict& verdict) {
  std::vector<std::pair<std::string, std::int64_t>> shown{
      {"lost", verdict.output.lost},
      {"wrong", verdict.wrong},
      {"phantom", verdict.phantom},
      {"duplicated", verdict.output.duplicated},
      {"reordered", verdict.reordered},
      {"stalled", verdict.stalled ? 1 : 0},
      {"received lost", verdict.received.lost},
      {"received duplicated", verdict.received.duplicated},
      {"processed lost", verdict.processed.lost},
      {"processed duplicated", verdict.processed.duplicated},
  };
  std::erase_if(shown, [](const auto& finding) { return finding.second == 0; });
  return shown;
}

}  // namespace scenarios
