// scenarios/findings.h
//
// What a verdict shows, by name: of the output by the names of `sometimes:` (lost, duplicated,
// phantom, reordered, wrong, stalled), of the stages before it with the stage in front ("received
// lost").

#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "reports/judge.h"

namespace scenarios {

// Each with its count, which is never 0. The gravest of the output first, then those of the stages.
std::vector<std::pair<std::string, std::int64_t>> shown_by(const reports::Verdict& verdict);

}  // namespace scenarios
