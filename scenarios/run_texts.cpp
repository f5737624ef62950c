#include "scenarios/run_texts.h"

#include <fmt/format.h>

#include "scenarios/expectation.h"
#include "scenarios/fault_text.h"
#include "scenarios/findings.h"
#include "scenarios/run_story.h"

namespace scenarios {

std::vector<reports::RunText> texts_of(const Scenario& scenario,
                                       const JudgedRun& judged,
                                       const faults::FaultPlan& plan,
                                       const std::vector<std::string>& reasons) {
  const auto shown = shown_by(judged.verdict);
  const std::string finding = shown.empty() ? std::string() : shown.front().first;
  std::vector<reports::RunText> texts{
      {"description", scenario.description},
      {"expected", expected_text(scenario)},
      {"story", story_of(scenario, judged, plan, finding)},
      {"batch_interval_us", fmt::format("{}", scenario.pipeline.batch_interval.count())}};
  for (const std::string& claim : scenario.claims) {
    texts.push_back({"claim", claim});
  }
  for (const std::string& reason : reasons) {
    texts.push_back({"reason", reason});
  }
  for (const faults::Fault& fault : plan) {
    texts.push_back({"fault", to_string(fault)});
  }
  return texts;
}

}  // namespace scenarios
