// scenarios/scenario_places.h
//
// Where in its file a scenario says something, for who points there: lines, from 1.
//
// Holds     the files that were asked for, each read once.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "scenarios/scenario.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {

class ScenarioPlaces {
 public:
  // The line of a key, such as {"expect", "output", "lost"} or {"faults", "0"}, or of the last on
  // the way to it that the file has. 0: the scenario is in no file.
  int line_of(const Scenario& scenario, const std::vector<std::string>& key);

 private:
  const std::vector<YamlNode>& documents_of(const std::string& path);

  std::map<std::string, std::vector<YamlNode>> files_;  // without documents: no such file
};

}  // namespace scenarios
