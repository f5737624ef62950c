#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "reports/defect_table.h"
#include "scenarios/catalogue.h"
#include "scenarios/commands/commands.h"
#include "scenarios/commands/interruption.h"
#include "scenarios/commands/progress.h"
#include "scenarios/commands/results.h"
#include "scenarios/commands/runner_pool.h"
#include "scenarios/conviction.h"
#include "scenarios/fault_text.h"

namespace scenarios {
namespace {

std::vector<engine::ProtocolChoice> all_mistakes() {
  std::vector<engine::ProtocolChoice> mistakes;
  std::ranges::copy_if(
      engine::all_protocol_choices(), std::back_inserter(mistakes), [](const auto& choice) {
        return choice.soundness == engine::Soundness::kMistake;
      });
  return mistakes;
}

// A mistake, its world if there is one, and what each strategy made of it.
struct DefectWork {
  engine::ProtocolChoice mistake;
  std::optional<Defect> defect;
  std::vector<Conviction> convictions;
};

std::string story_of(const faults::FaultPlan& plan) {
  std::vector<std::string> faults;
  for (const faults::Fault& fault : plan) {
    faults.push_back(to_string(fault));
  }
  return faults.empty() ? "no fault at all" : fmt::format("{}", fmt::join(faults, "; "));
}

// Of the strategies that convict, the first has the say.
reports::DefectLine line_of(const DefectWork& work) {
  reports::DefectLine line{.name = defect_name(work.mistake),
                           .source = std::string(work.mistake.source),
                           .scenario = {},
                           .convicted = false,
                           .finding = {},
                           .token = {},
                           .story = {},
                           .schedules = {}};
  if (work.defect) {
    line.scenario = work.defect->mistaken.scenario.name;
  }
  for (std::size_t i = 0; i < search_strategies().size(); ++i) {
    std::optional<std::int64_t> schedules;
    const Conviction* const found = i < work.convictions.size() ? &work.convictions[i] : nullptr;
    if (found != nullptr && found->is_guilty()) {
      schedules = found->schedules;
      if (!line.convicted) {
        line.convicted = true;
        line.finding = found->finding;
        line.token = found->token;
        line.story = story_of(found->plan);
      }
    }
    line.schedules.emplace_back(search_strategies()[i].name, schedules);
  }
  return line;
}

Loaded<std::vector<DefectWork>> wanted_work(const DefectsOptions& options) {
  auto scenarios = find_scenarios({defects_directory()});
  if (!scenarios) {
    return scenarios.error();
  }
  auto defects = make_defects(std::move(scenarios.value()));
  if (!defects) {
    return defects.error();
  }
  std::vector<DefectWork> work;
  for (const engine::ProtocolChoice& mistake : all_mistakes()) {
    const std::string name = defect_name(mistake);
    if (!options.names.empty() && std::ranges::count(options.names, name) == 0) {
      continue;
    }
    work.push_back({.mistake = mistake, .defect = std::nullopt, .convictions = {}});
    for (Defect& defect : defects.value()) {
      if (defect_name(defect.mistake) == name) {
        work.back().defect = std::move(defect);
      }
    }
  }
  return work;
}

// Empty: each name is a defect; else a sentence.
std::string not_a_defect(const std::vector<std::string>& names) {
  const auto mistakes = all_mistakes();
  for (const std::string& name : names) {
    if (std::ranges::count(mistakes, name, defect_name) == 0) {
      return fmt::format("{} is no defect (`onceproof list defects`)", name);
    }
  }
  return {};
}

// Empty: all done, or interrupted; else a sentence about what the bench could not do.
std::string convict_all(const DefectsOptions& options, std::vector<DefectWork>& all) {
  const Progress progress(options.common.quiet, all.size());
  const auto name = [&all](std::size_t number) { return defect_name(all[number].mistake); };
  const auto work = [&all](Runner& runner, std::size_t number) -> std::string {
    DefectWork& mine = all[number];
    for (const SearchStrategy& strategy : search_strategies()) {
      if (!mine.defect) {
        break;
      }
      auto conviction = convict(runner, *mine.defect, strategy);
      if (!conviction) {
        return conviction.error().message;
      }
      mine.convictions.push_back(std::move(conviction.value()));
    }
    return {};
  };
  RunnerPool pool(KafkaChoice{.kind = KafkaKind::kModel, .address = {}, .session = {}},
                  thread_count(options.common.jobs, all.size()),
                  RunnerPool::Jobs{.count = all.size(), .work = work, .name = name});
  std::string failure;
  std::size_t done = 0;
  while (failure.empty()) {
    const auto finished = pool.take();
    if (!finished) {
      break;
    }
    failure = is_interrupted() ? std::string() : finished->failure;
    progress.show(++done, name(finished->number));
  }
  progress.end();
  return failure;
}

Results results_of(const std::vector<DefectWork>& all) {
  std::vector<reports::DefectLine> lines;
  std::ranges::transform(all, std::back_inserter(lines), line_of);
  Results results;
  results.table = reports::terminal_defects(lines);
  results.json = reports::json_defects(lines);
  results.ci.command = "defects";
  results.ci.table = reports::markdown_defects(lines);
  ScenarioPlaces places;
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<Mismatch> mismatches;
    if (!lines[i].convicted) {
      mismatches.push_back({.sentence = all[i].defect ? "no schedule convicts this defect"
                                                      : "there is no world that shows this defect",
                            .key = {"pipeline", "protocol"}});
    }
    const Scenario world = all[i].defect ? all[i].defect->mistaken.scenario : Scenario();
    results.ci.cases.push_back(case_of(world, "model", lines[i].token, mismatches, places));
    results.ci.cases.back().name = lines[i].name;
  }
  return results;
}

}  // namespace

int defects_command(const DefectsOptions& options) {
  const std::string conflicting = output_conflict(options.common);
  if (!conflicting.empty()) {
    return fail(kBadInput, conflicting);
  }
  const std::string wrong_name = not_a_defect(options.names);
  if (!wrong_name.empty()) {
    return fail(kBadInput, wrong_name);
  }
  auto work = wanted_work(options);
  if (!work) {
    return fail(kBadInput, work.error().to_string());
  }
  const std::string unwritable = first_unwritable(options.common);
  if (!unwritable.empty()) {
    return fail(kBenchFailed, unwritable);
  }
  const std::string failure = convict_all(options, work.value());
  if (is_interrupted()) {
    return interruption_status();
  }
  if (!failure.empty()) {
    return fail(kBenchFailed, failure);
  }
  const Results results = results_of(work.value());
  const std::string unwritten = write_results(options.common, results);
  if (!unwritten.empty()) {
    return fail(kBenchFailed, unwritten);
  }
  return reports::all_passed(results.ci) ? kAsExpected : kUnexpected;
}

}  // namespace scenarios
