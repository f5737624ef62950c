#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/anomaly.h"
#include "reports/recording.h"
#include "reports/story.h"
#include "scenarios/commands/commands.h"
#include "scenarios/commands/token_scenario.h"
#include "scenarios/explanation.h"
#include "scenarios/fault_rules.h"
#include "scenarios/fault_text.h"
#include "scenarios/run_story.h"

namespace scenarios {
namespace {

using Json = nlohmann::ordered_json;
using reports::Anomaly;
using reports::AnomalyKind;

// Of each kind, unless a record is asked for.
constexpr std::size_t kExplainedPerKind = 3;

// Where a run comes from, and how it was judged when it was recorded.
struct Source {
  std::string token;
  std::vector<std::string> files;  // to look in for its scenario
  std::optional<std::vector<Anomaly>> recorded;
};

// A finding that is explained, or a record without one.
struct Explained {
  std::optional<Anomaly> anomaly;
  const reports::InputRecord* record = nullptr;  // null: of no single record
  std::string story;
  std::optional<DecisiveStep> decisive;
};

// --- In words ------------------------------------------------------------------------------------

std::string seconds(engine::Instant at) {
  return fmt::format("{:.3f} s", static_cast<double>(at.time_since_epoch().count()) / 1e6);
}

std::string name_of(const engine::Address& process) {
  return fmt::format("{} #{}", engine::to_string(process.process), process.incarnation);
}

std::string place_of(const engine::Position& position) {
  return fmt::format("partition {}, offset {}", position.partition, position.offset.value);
}

std::string title_of(const Explained& explained) {
  if (!explained.anomaly) {
    return fmt::format("record {} came out as it should", explained.record->id.value);
  }
  const Anomaly& anomaly = *explained.anomaly;
  switch (anomaly.kind) {
    case AnomalyKind::kWrong:
      return fmt::format("the value of key {} is wrong", anomaly.key);
    case AnomalyKind::kPhantom:
      return fmt::format("a row from {} is a phantom", place_of(anomaly.position));
    case AnomalyKind::kLost:
    case AnomalyKind::kDuplicated:
      break;
  }
  return fmt::format("record {} ({}, key {}) is {}",
                     explained.record->id.value,
                     place_of(anomaly.position),
                     explained.record->key,
                     to_string(anomaly.kind));
}

std::string step_text(const Anchor& step) {
  std::string text = fmt::format(
      "step {} of {}, at {}", step.at.step, name_of(step.moment.process), seconds(step.when));
  if (step.moment.operation) {
    text += fmt::format(": {}", sim::to_string(*step.moment.operation));
  }
  if (step.moment.last_point) {
    text += fmt::format(", behind {}", engine::info(*step.moment.last_point).name);
  }
  return text;
}

std::string prevention(const DecisiveStep& decisive) {
  return decisive.prevented_by
             ? fmt::format("Before it, the run could still end otherwise: {} prevents it.",
                           to_string(faults::Fault(*decisive.prevented_by)))
             : std::string(
                   "Before it, the run could still end otherwise: it does if nothing more breaks.");
}

std::string decision_text(const DecisiveStep& decisive,
                          const faults::FaultPlan& plan,
                          const reports::Ledger& ledger) {
  std::string text;
  switch (decisive.kind) {
    case DecisiveStep::Kind::kStart:
      text = "The decisive step: none. It was certain from the start, without any of the faults.\n";
      break;
    case DecisiveStep::Kind::kFault:
      text = fmt::format("The decisive step: the fault \"{}\", at {}.\n{}\n",
                         to_string(plan[decisive.fault]),
                         seconds(*ledger.faults[decisive.fault].fired_at),
                         prevention(decisive));
      break;
    case DecisiveStep::Kind::kStep:
      text = fmt::format(
          "The decisive step: {}.\n{}\n", step_text(*decisive.step), prevention(decisive));
      break;
  }
  return text + fmt::format(
                    "From there on all of {} continuations end the same way{}: no further "
                    "fault, or one crash more.\n",
                    decisive.tried,
                    decisive.tried == decisive.of
                        ? std::string(", which are all there are")
                        : fmt::format(", of {} that there are", decisive.of));
}

// --- As JSON -------------------------------------------------------------------------------------

Json to_json(const DecisiveStep& decisive, const faults::FaultPlan& plan) {
  Json json{{"kind", nullptr},
            {"fault", nullptr},
            {"process", nullptr},
            {"step", nullptr},
            {"at_us", nullptr},
            {"operation", nullptr},
            {"point", nullptr},
            {"prevented_by", nullptr},
            {"tried", decisive.tried},
            {"of", decisive.of}};
  switch (decisive.kind) {
    case DecisiveStep::Kind::kStart:
      json["kind"] = "start";
      break;
    case DecisiveStep::Kind::kFault:
      json["kind"] = "fault";
      json["fault"] = to_string(plan[decisive.fault]);
      break;
    case DecisiveStep::Kind::kStep:
      json["kind"] = "step";
      json["process"] = name_of(decisive.step->moment.process);
      json["step"] = decisive.step->at.step;
      json["at_us"] = decisive.step->when.time_since_epoch().count();
      if (decisive.step->moment.operation) {
        json["operation"] = sim::to_string(*decisive.step->moment.operation);
      }
      if (decisive.step->moment.last_point) {
        json["point"] = engine::info(*decisive.step->moment.last_point).name;
      }
      break;
  }
  if (decisive.prevented_by) {
    json["prevented_by"] = to_string(faults::Fault(*decisive.prevented_by));
  }
  return json;
}

Json to_json(const Explained& explained, const faults::FaultPlan& plan) {
  Json json{{"finding", nullptr},
            {"record", nullptr},
            {"partition", nullptr},
            {"offset", nullptr},
            {"key", nullptr},
            {"story", explained.story},
            {"decisive", nullptr}};
  if (explained.anomaly) {
    json["finding"] = to_string(explained.anomaly->kind);
    json["key"] = explained.anomaly->key;
    json["partition"] = explained.anomaly->position.partition;
    json["offset"] = explained.anomaly->position.offset.value;
  }
  if (explained.record != nullptr) {
    json["record"] = explained.record->id.value;
    json["partition"] = explained.record->position.partition;
    json["offset"] = explained.record->position.offset.value;
    json["key"] = explained.record->key;
  }
  if (explained.decisive) {
    json["decisive"] = to_json(*explained.decisive, plan);
  }
  return json;
}

// --- Explaining ----------------------------------------------------------------------------------

const reports::InputRecord* record_at(const reports::Ledger& ledger, const Anomaly& anomaly) {
  if (anomaly.kind == AnomalyKind::kWrong) {
    return nullptr;
  }
  const auto found =
      std::ranges::find(ledger.inputs, anomaly.position, &reports::InputRecord::position);
  return found == ledger.inputs.end() ? nullptr : &*found;
}

// What is wrong with this record; if its key has a wrong value, that is it.
bool is_about(const Anomaly& anomaly, const reports::InputRecord& record) {
  return anomaly.kind == AnomalyKind::kWrong ? anomaly.key == record.key
                                             : anomaly.position == record.position;
}

// What is to be explained. Empty without a reason: nothing is wrong.
std::vector<Explained> choose(const reports::Ledger& ledger, const reports::InputRecord* record) {
  std::vector<Explained> chosen;
  std::map<AnomalyKind, std::size_t> counts;
  for (const Anomaly& anomaly : anomalies_of(ledger)) {
    const bool is_wanted = record == nullptr ? ++counts[anomaly.kind] <= kExplainedPerKind
                                             : is_about(anomaly, *record);
    if (is_wanted) {
      chosen.push_back({.anomaly = anomaly,
                        .record = record != nullptr ? record : record_at(ledger, anomaly),
                        .story = {},
                        .decisive = std::nullopt});
    }
  }
  if (record != nullptr && chosen.empty()) {
    chosen.push_back(
        {.anomaly = std::nullopt, .record = record, .story = {}, .decisive = std::nullopt});
  }
  return chosen;
}

std::string tell(const Explained& explained,
                 const Scenario& scenario,
                 const JudgedRun& judged,
                 const faults::FaultPlan& plan) {
  reports::StorySubject subject = subject_of(scenario, plan);
  if (explained.anomaly) {
    subject.finding = to_string(explained.anomaly->kind);
    subject.key = explained.anomaly->key;
  }
  if (explained.record != nullptr) {
    subject.position = explained.record->position;
  } else if (explained.anomaly->kind == AnomalyKind::kPhantom) {
    subject.position = explained.anomaly->position;
  }
  return reports::tell_story(judged.run.ledger, judged.verdict, subject);
}

int write_answer(const ExplainOptions& options,
                 const Scenario& scenario,
                 const JudgedRun& judged,
                 const faults::FaultPlan& plan,
                 const std::vector<Explained>& all) {
  Json answer{{"scenario", scenario.name}, {"token", judged.token}, {"explained", Json::array()}};
  std::string text =
      all.empty() ? std::string("Nothing is lost, wrong, phantom or duplicated.\n") : "";
  for (const Explained& explained : all) {
    answer["explained"].push_back(to_json(explained, plan));
    text +=
        fmt::format("{}{}\n\n{}\n", text.empty() ? "" : "\n", title_of(explained), explained.story);
    if (explained.decisive) {
      text += decision_text(*explained.decisive, plan, judged.run.ledger);
    }
  }
  const std::string unwritten = write_answer(
      options.common, text, answer.dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
  return unwritten.empty() ? kAsExpected : fail(kBenchFailed, unwritten);
}

int explain(const ExplainOptions& options,
            const Source& source,
            const TokenContent& content,
            const PreparedScenario& prepared,
            Runner& runner) {
  const auto judged = runner.run(prepared, content.seed, content.faults);
  if (!judged) {
    return fail(kBenchFailed, judged.error().message);
  }
  const reports::Ledger& ledger = judged->run.ledger;
  if (source.recorded && *source.recorded != anomalies_of(ledger)) {
    return fail(kBenchFailed,
                "the run was made again, and other records are lost, duplicated, phantom or wrong "
                "than were recorded");
  }
  const reports::InputRecord* record = nullptr;
  if (options.record) {
    const auto found = std::ranges::find(
        ledger.inputs, engine::RecordId{*options.record}, &reports::InputRecord::id);
    if (found == ledger.inputs.end()) {
      return fail(kBadInput,
                  fmt::format("--record {}: the run has no such record; it has {}, from 0 on",
                              *options.record,
                              ledger.inputs.size()));
    }
    record = &*found;
  }
  std::vector<Explained> all = choose(ledger, record);
  std::vector<Anomaly> anomalies;
  for (Explained& explained : all) {
    explained.story = tell(explained, prepared.scenario, *judged, content.faults);
    if (explained.anomaly) {
      anomalies.push_back(*explained.anomaly);
    }
  }
  Explanation explanation(
      runner, prepared, content.seed, content.faults, anomalies, options.budget);
  for (std::size_t n = 0; n < anomalies.size(); ++n) {
    auto decisive = explanation.decisive_step(n);
    if (!decisive) {
      return fail(kBenchFailed, decisive.error().message);
    }
    all[n].decisive = std::move(*decisive);
  }
  return write_answer(options, prepared.scenario, *judged, content.faults, all);
}

// Empty: found; else a sentence: the options do not say which run, or it is not recorded.
std::string find_source(const ExplainOptions& options, Source& source) {
  const std::string& database = options.common.database;
  if (options.run.has_value() == database.empty()) {
    return "--db FILE and --run ID belong together";
  }
  if (!options.run && options.words.empty()) {
    return "which run is to be explained: give a token, or --db FILE --run ID";
  }
  if (!options.run) {
    source.token = unfold_token(options.words.front());
    source.files.assign(options.words.begin() + 1, options.words.end());
    return {};
  }
  if (!std::filesystem::exists(database)) {
    return fmt::format("--db {}: there is no such file", database);
  }
  auto recording = reports::Recording::open(database);
  if (!recording) {
    return recording.error().sentence;
  }
  const auto token = recording->token(*options.run);
  const auto ledger = recording->load(*options.run);
  if (!token || !ledger) {
    return token ? ledger.error().sentence : token.error().sentence;
  }
  source.token = *token;
  source.files = options.words;
  source.recorded = anomalies_of(*ledger);
  return {};
}

}  // namespace

int explain_command(const ExplainOptions& options) {
  Source source;
  const std::string unknown = find_source(options, source);
  if (!unknown.empty()) {
    return fail(kBadInput, unknown);
  }
  const auto content = decode_token(source.token);
  if (!content) {
    return fail(kBadInput, content.error());
  }
  auto scenario = find_scenario_of(source.token, *content, source.files);
  if (!scenario) {
    return fail(kBadInput, scenario.error().to_string());
  }
  auto prepared = prepare(std::move(scenario.value()));
  if (!prepared) {
    return fail(kBadInput, prepared.error().to_string());
  }
  const auto kafka = parse_kafka(options.common.kafka);
  if (!kafka) {
    return fail(kBadInput, not_a_kafka(options.common.kafka));
  }
  const std::string impossible =
      why_impossible(prepared.value().scenario, content->faults, kafka->kind == KafkaKind::kModel);
  if (!impossible.empty()) {
    return fail(kBadInput, impossible);
  }
  auto runner = Runner::create(*kafka, {});
  if (!runner) {
    return fail(kBenchFailed, runner.error().message);
  }
  return explain(options, source, *content, prepared.value(), **runner);
}

}  // namespace scenarios
