#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/commands/commands.h"
#include "scenarios/commands/interruption.h"
#include "scenarios/commands/token_scenario.h"
#include "scenarios/fault_rules.h"
#include "scenarios/fault_text.h"
#include "scenarios/findings.h"
#include "scenarios/loader.h"
#include "scenarios/run_story.h"
#include "scenarios/shrinker.h"
#include "scenarios/yaml_writer.h"

namespace scenarios {
namespace {

using boost::system::result;
using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kMark = "# Shrunk by onceproof";
constexpr std::string_view kSuffix = "_shrunk";
constexpr std::size_t kNameBytesMax = 120;

// A sentence and the status that it ends the program with.
struct Refusal {
  ExitStatus status = kBadInput;
  std::string sentence;
};

template <class T>
using Attempt = result<T, Refusal>;

Refusal bench_failed(const Runner::Failure& failure) {
  return {.status = kBenchFailed, .sentence = failure.message};
}

std::string base_name(const std::string& name) {
  return name.ends_with(kSuffix) ? name.substr(0, name.size() - kSuffix.size()) : name;
}

std::string shrunk_name(const std::string& name) {
  return base_name(name).substr(0, kNameBytesMax - kSuffix.size()) + std::string(kSuffix);
}

// Empty: the answer can be written there. Nobody's own work is overwritten, and nobody waits for a
// search whose answer has no place.
std::string why_not_to(const std::string& path) {
  const auto folder = std::filesystem::absolute(path).parent_path();
  if (!std::filesystem::is_directory(folder)) {
    return fmt::format("--out {}: there is no folder {}", path, folder.string());
  }
  std::ifstream file(path);
  std::string line;
  const bool is_ours = file && std::getline(file, line) && line.starts_with(kMark);
  if (std::filesystem::exists(path) && !is_ours) {
    return fmt::format("{} is there and is no shrunk scenario; give another name with --out", path);
  }
  return {};
}

// What the run shows and the search keeps: what is asked for, else the gravest.
Attempt<std::string> choose_finding(const JudgedRun& judged, const std::string& wanted) {
  const auto shown = shown_by(judged.verdict);
  if (shown.empty()) {
    return Refusal{.sentence =
                       fmt::format("{}: this run shows nothing that could be kept: no record "
                                   "is lost, duplicated, phantom, reordered or wrong, and it "
                                   "did not stall",
                                   judged.token)};
  }
  if (wanted.empty()) {
    return shown.front().first;
  }
  std::vector<std::string> names;
  for (const auto& [name, count] : shown) {
    if (name == wanted) {
      return name;
    }
    names.push_back(name);
  }
  return Refusal{.sentence = fmt::format("--finding {}: this run does not show it, but: {}",
                                         wanted,
                                         fmt::join(names, ", "))};
}

bool shows(const JudgedRun& judged, const std::string& finding) {
  const auto shown = shown_by(judged.verdict);
  return std::ranges::any_of(shown, [&](const auto& what) { return what.first == finding; });
}

// The smallest witness as it is handed out.
struct Result {
  Scenario scenario;  // that the token is of
  std::string file;   // that was written; empty: the scenario is the one that was given
  TokenContent token;
  JudgedRun judged;  // on the token's Kafka
};

class Shrinking {
 public:
  Shrinking(const ShrinkOptions& options, TokenContent content, Scenario scenario)
      : options_(options), content_(std::move(content)), scenario_(std::move(scenario)) {}

  int run() {
    const auto done = search();
    if (!done) {
      return fail(done.error().status, done.error().sentence);
    }
    const std::string unwritten = write_answer(options_.common, text(*done), json_text(*done));
    if (!unwritten.empty()) {
      return fail(kBenchFailed, unwritten);
    }
    return is_interrupted() ? interruption_status() : kAsExpected;
  }

 private:
  // --- Search ------------------------------------------------------------------------------------

  Attempt<Result> search() {
    const auto kafka = choose_kafka(options_.common.kafka, content_.kafka);
    if (!kafka) {
      return Refusal{.sentence = kafka.error()};
    }
    out_ = options_.out.empty() ? base_name(scenario_.name) + ".shrunk.yaml" : options_.out;
    const std::string reason = why_not_to(out_);
    if (!reason.empty()) {
      return Refusal{.sentence = reason};
    }
    const std::string impossible =
        why_impossible(scenario_, content_.faults, kafka->kind == KafkaKind::kModel);
    if (!impossible.empty()) {
      return Refusal{.sentence = impossible};
    }
    auto there = Runner::create(*kafka, {});
    if (!there) {
      return bench_failed(there.error());
    }
    content_.kafka = kafka->kind;
    auto chosen = find_finding(**there);
    if (!chosen) {
      return chosen.error();
    }
    finding_ = *chosen;
    auto shrunk = shrink_on_model();
    if (!shrunk) {
      return shrunk.error();
    }
    shrunk_ = std::move(*shrunk);
    return hand_out(**there);
  }

  Attempt<std::string> find_finding(Runner& runner) {
    auto prepared = prepare(scenario_);
    if (!prepared) {
      return Refusal{.sentence = prepared.error().to_string()};
    }
    const auto judged = runner.run(prepared.value(), content_.seed, content_.faults);
    if (!judged) {
      return bench_failed(judged.error());
    }
    return choose_finding(*judged, options_.finding);
  }

  // The model gives the verdicts of every other Kafka, thousands of times as fast.
  Attempt<Shrunk> shrink_on_model() {
    const auto document = document_of(scenario_);
    if (!document) {
      return Refusal{.sentence = document.error().to_string()};
    }
    auto model =
        Runner::create({.kind = KafkaKind::kModel, .address = {}, .session = {}}, is_interrupted);
    if (!model) {
      return bench_failed(model.error());
    }
    const auto start = SteadyClock::now();
    const auto out_of_time = [this, start] {
      return options_.time && SteadyClock::now() - start >= *options_.time;
    };
    auto shrunk = shrink(**model,
                         {.document = document.value(),
                          .path = scenario_.path,
                          .seed = content_.seed,
                          .plan = content_.faults,
                          .finding = finding_,
                          .budget = options_.budget,
                          .out_of_time = out_of_time});
    elapsed_ = SteadyClock::now() - start;
    if (!shrunk) {
      return bench_failed(shrunk.error());
    }
    return std::move(shrunk.value());
  }

  // --- Result ------------------------------------------------------------------------------------

  // Writes the scenario if it is another one, and runs the token where its finding was made.
  Attempt<Result> hand_out(Runner& runner) {
    Result result;
    result.token = content_;
    result.token.faults = shrunk_.smallest.plan;
    result.scenario = scenario_;
    if (!shrunk_.is_same_world) {
      auto written = write_scenario();
      if (!written) {
        return written.error();
      }
      result.file = out_;
      result.scenario = std::move(*written);
      result.token.scenario_hash = result.scenario.text_hash;
    }
    auto prepared = prepare(result.scenario);
    if (!prepared) {
      return Refusal{.status = kBenchFailed, .sentence = prepared.error().to_string()};
    }
    auto judged = runner.run(prepared.value(), result.token.seed, result.token.faults);
    if (!judged) {
      return bench_failed(judged.error());
    }
    if (!shows(*judged, finding_)) {
      return Refusal{.status = kBenchFailed,
                     .sentence = fmt::format("the model shows {} and {} does not (token {})",
                                             finding_,
                                             runner.kafka().to_string(),
                                             encode_token(result.token))};
    }
    result.judged = std::move(*judged);
    return result;
  }

  Attempt<Scenario> write_scenario() const {
    YamlNode document =
        scenario_of(shrunk_.smallest, shrunk_name(scenario_.name), finding_, scenario_.name);
    if (!scenario_.workload.file.empty()) {
      const auto folder = std::filesystem::absolute(out_).parent_path();
      const auto file = std::filesystem::absolute(scenario_.workload.file);
      set_value(document, {"workload", "file"}, make_scalar(file.lexically_proximate(folder)));
    }
    const std::string text =
        fmt::format("{} from {}.\n{}", kMark, scenario_.name, write_yaml(document));
    const std::string unwritten = write_text(out_, text);
    if (!unwritten.empty()) {
      return Refusal{.status = kBenchFailed, .sentence = unwritten};
    }
    auto loaded = load_text(text, out_);
    if (!loaded) {
      return Refusal{.status = kBenchFailed, .sentence = loaded.error().to_string()};
    }
    return std::move(loaded.value().front());
  }

  // --- Answers -----------------------------------------------------------------------------------

  [[nodiscard]] std::string fewest_faults_token() const {
    TokenContent content = content_;
    content.faults = shrunk_.fewest_faults.plan;
    return encode_token(content);
  }

  static std::string size_row(std::string_view name, const WitnessSize& size) {
    return fmt::format("{:<14} {:>6} {:>8} {:>10} {:>9} {:>9} {:>8} {:>6}\n",
                       name,
                       size.faults,
                       size.records,
                       size.partitions,
                       size.executors,
                       size.receivers,
                       size.batches,
                       size.cost());
  }

  [[nodiscard]] std::string text(const Result& result) const {
    std::string text =
        fmt::format("{}: {} after {} runs in {:.1f} s\n\n",
                    finding_,
                    shrunk_.complete ? "the smallest witness" : "not yet the smallest witness",
                    shrunk_.runs,
                    std::chrono::duration<double>(elapsed_).count());
    text += fmt::format("{:<14} {:>6} {:>8} {:>10} {:>9} {:>9} {:>8} {:>6}\n",
                        "",
                        "faults",
                        "records",
                        "partitions",
                        "executors",
                        "receivers",
                        "batches",
                        "cost");
    text += size_row("given", shrunk_.original);
    text += size_row("fewest faults", shrunk_.fewest_faults.size);
    text += size_row("smallest", shrunk_.smallest.size);
    text += fmt::format("\nfewest faults: onceproof replay {}\n", fewest_faults_token());
    text += fmt::format("smallest:      onceproof replay {}{}\n\n",
                        encode_token(result.token),
                        result.file.empty() ? "" : " " + result.file);
    return text + story_of(result.scenario, result.judged, result.token.faults, finding_);
  }

  static nlohmann::json size_json(const WitnessSize& size) {
    return {{"faults", size.faults},
            {"records", size.records},
            {"partitions", size.partitions},
            {"executors", size.executors},
            {"receivers", size.receivers},
            {"batches", size.batches},
            {"cost", size.cost()}};
  }

  [[nodiscard]] std::string json_text(const Result& result) const {
    nlohmann::json faults = nlohmann::json::array();
    for (const faults::Fault& fault : result.token.faults) {
      faults.push_back(to_string(fault));
    }
    const nlohmann::json answer{
        {"scenario", scenario_.name},
        {"finding", finding_},
        {"runs", shrunk_.runs},
        {"complete", shrunk_.complete},
        {"given", size_json(shrunk_.original)},
        {"fewest_faults", size_json(shrunk_.fewest_faults.size)},
        {"fewest_faults_token", fewest_faults_token()},
        {"smallest", size_json(shrunk_.smallest.size)},
        {"token", encode_token(result.token)},
        {"file", result.file.empty() ? nlohmann::json() : nlohmann::json(result.file)},
        {"faults", faults},
        {"story", story_of(result.scenario, result.judged, result.token.faults, finding_)}};
    return answer.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  }

  const ShrinkOptions& options_;
  TokenContent content_;
  Scenario scenario_;
  std::string out_;
  std::string finding_;
  Shrunk shrunk_;
  SteadyClock::duration elapsed_{0};
};

}  // namespace

int shrink_command(const ShrinkOptions& options) {
  const std::string token = unfold_token(options.token);
  auto content = decode_token(token);
  if (!content) {
    return fail(kBadInput, content.error());
  }
  auto scenario = find_scenario_of(token, *content, options.scenarios);
  if (!scenario) {
    return fail(kBadInput, scenario.error().to_string());
  }
  return Shrinking(options, std::move(*content), std::move(scenario.value())).run();
}

}  // namespace scenarios
