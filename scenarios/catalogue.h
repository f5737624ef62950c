// scenarios/catalogue.h
//
// Which scenarios a command means: files, folders, or names of the catalogue that ships with the
// program.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/diagnostic.h"
#include "scenarios/prepared.h"
#include "scenarios/scenario.h"

namespace scenarios {

// The folder of the shipped scenarios: beside the sources, or where the program was installed.
std::string catalogue_directory();

// A folder of scenario files that ships with the program, by its name.
std::string shipped_directory(const std::string& name);

// The scenario files of a folder, by name; none if it cannot be read.
std::vector<std::string> scenario_files(const std::string& directory);

// The scenarios meant by `arguments`, in that order; none given: the whole catalogue, by file name.
// Errors    a file's own; a name that is no file, folder or scenario; a name that occurs twice.
Loaded<std::vector<Scenario>> find_scenarios(const std::vector<std::string>& arguments);

// The same, ready to run. `seed`: instead of the seed of each.
Loaded<std::vector<PreparedScenario>> prepare_scenarios(const std::vector<std::string>& arguments,
                                                        std::optional<std::uint64_t> seed);

}  // namespace scenarios
