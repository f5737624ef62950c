// scenarios/campaign_parts.h
//
// What a part of a search has found, as a file keeps it, and back.

#pragma once

#include <cstdint>
#include <string>

#include <boost/system/result.hpp>

#include "reports/campaign.h"
#include "scenarios/exploration.h"

namespace scenarios {

reports::CampaignPart to_part(std::int64_t number, const Exploration& found);

// Without a baseline, which is no part of what is merged.
// Errors    a sentence: some text of it cannot be read.
boost::system::result<Exploration, std::string> to_exploration(const reports::CampaignPart& part);

}  // namespace scenarios
