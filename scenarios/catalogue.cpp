#include "scenarios/catalogue.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "scenarios/loader.h"

namespace scenarios {
namespace {

namespace fs = std::filesystem;

bool is_scenario_file(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

Loaded<std::vector<std::string>> list_files(const std::string& directory) {
  std::error_code failure;
  std::vector<std::string> files;
  for (fs::directory_iterator entry(directory, failure), end; entry != end && !failure;
       entry.increment(failure)) {
    if (is_scenario_file(entry->path())) {
      files.push_back(entry->path().string());
    }
  }
  if (failure) {
    return Diagnostic{.file = directory, .message = "cannot be read: " + failure.message()};
  }
  std::ranges::sort(files);
  return files;
}

Loaded<std::vector<Scenario>> load_directory(const std::string& directory) {
  const auto files = list_files(directory);
  if (!files) {
    return files.error();
  }
  if (files->empty()) {
    return Diagnostic{.file = directory, .message = "holds no scenario file (*.yaml)"};
  }
  std::vector<Scenario> scenarios;
  for (const std::string& file : *files) {
    auto loaded = load(file);
    if (!loaded) {
      return loaded.error();
    }
    std::ranges::move(loaded.value(), std::back_inserter(scenarios));
  }
  return scenarios;
}

Loaded<std::vector<Scenario>> load_name(const std::string& name) {
  auto catalogue = load_directory(catalogue_directory());
  if (!catalogue) {
    return catalogue.error();
  }
  for (Scenario& scenario : catalogue.value()) {
    if (scenario.name == name) {
      std::vector<Scenario> found;
      found.push_back(std::move(scenario));
      return found;
    }
  }
  return Diagnostic{
      .file = name,
      .message =
          "is no file, no folder and no scenario of the catalogue (`onceproof list scenarios`)"};
}

Loaded<std::vector<Scenario>> load_argument(const std::string& argument) {
  std::error_code ignored;
  if (fs::is_directory(argument, ignored)) {
    return load_directory(argument);
  }
  const bool looks_like_a_file =
      is_scenario_file(argument) || argument.find('/') != std::string::npos;
  if (looks_like_a_file || fs::exists(argument, ignored)) {
    return load(argument);
  }
  return load_name(argument);
}

// The second of two scenarios with one name; null: every name is there once.
const Scenario* find_repeated(const std::vector<Scenario>& scenarios) {
  std::set<std::string_view> names;
  for (const Scenario& scenario : scenarios) {
    if (!names.insert(scenario.name).second) {
      return &scenario;
    }
  }
  return nullptr;
}

}  // namespace

std::string catalogue_directory() {
  return shipped_directory("catalogue");
}

std::string shipped_directory(const std::string& name) {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path installed = program.parent_path().parent_path() / "share" / "onceproof" / name;
  if (!program.empty() && fs::is_directory(installed, ignored)) {
    return installed.string();
  }
  return (fs::path(ONCEPROOF_SCENARIOS) / name).string();
}

std::vector<std::string> scenario_files(const std::string& directory) {
  auto files = list_files(directory);
  return files ? std::move(files.value()) : std::vector<std::string>();
}

Loaded<std::vector<Scenario>> find_scenarios(const std::vector<std::string>& arguments) {
  const std::vector<std::string> catalogue{catalogue_directory()};
  std::vector<Scenario> scenarios;
  for (const std::string& argument : arguments.empty() ? catalogue : arguments) {
    auto loaded = load_argument(argument);
    if (!loaded) {
      return loaded.error();
    }
    std::ranges::move(loaded.value(), std::back_inserter(scenarios));
  }
  const Scenario* const repeated = find_repeated(scenarios);
  if (repeated != nullptr) {
    return Diagnostic{.file = repeated->path,
                      .message = fmt::format("the scenario {} is there twice", repeated->name)};
  }
  return scenarios;
}

Loaded<std::vector<PreparedScenario>> prepare_scenarios(const std::vector<std::string>& arguments,
                                                        std::optional<std::uint64_t> seed) {
  auto found = find_scenarios(arguments);
  if (!found) {
    return found.error();
  }
  std::vector<PreparedScenario> prepared;
  for (Scenario& scenario : found.value()) {
    scenario.seed = seed.value_or(scenario.seed);
    auto ready = prepare(std::move(scenario));
    if (!ready) {
      return ready.error();
    }
    prepared.push_back(std::move(ready.value()));
  }
  return prepared;
}

}  // namespace scenarios
