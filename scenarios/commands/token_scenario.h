// scenarios/commands/token_scenario.h
//
// A token as a user pasted it, and the scenario that it was made from.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/system/result.hpp>

#include "scenarios/diagnostic.h"
#include "scenarios/runner.h"
#include "scenarios/scenario.h"
#include "scenarios/token.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {

// As it was before a chat broke it into lines, indented it or shouted it: base32 has one case only
// and no blanks.
std::string unfold_token(const std::string& pasted);

// The scenario whose text the token names, with the seed of the token. It is looked for in the
// files that were `given`, then in the catalogue, then among the files of the current folder, then
// in the guarantee table; of those, whatever does not load is none of our business.
Loaded<Scenario> find_scenario_of(const std::string& token,
                                  const TokenContent& content,
                                  const std::vector<std::string>& given);

// The document that find_scenario_of() found the scenario in.
Loaded<YamlNode> document_of(const Scenario& scenario);

// `wanted` is what --kafka says; empty: the token's own.
// Errors    a sentence: --kafka is wrong, or missing for a token of a real cluster.
boost::system::result<KafkaChoice, std::string> choose_kafka(const std::string& wanted,
                                                             KafkaKind of_token);

}  // namespace scenarios
