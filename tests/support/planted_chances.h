// tests/support/planted_chances.h
//
// Ways in which a program comes to depend on what nobody wrote down. Each is asked once in a run,
// by the chancy world of tests/scenario/verification_test.cpp, and its answers become steps.

#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace tests {

struct PlantedChance {
  std::string name;
  // In two runs of one program the first answers differ, or one of them gives none.
  std::function<std::vector<std::uint64_t>()> ask;
};

// For the messages of tests.
void PrintTo(const PlantedChance& chance, std::ostream* out);

const std::vector<PlantedChance>& planted_chances();

// The same deeds, done as they should be: every run has the same answers.
const std::vector<PlantedChance>& harmless_likes_of_chances();

}  // namespace tests
