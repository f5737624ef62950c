// reports/schema.h
//
// The tables and views of a recording. They are public: people query them with any SQLite client.
// The views compute the verdict once more, from the stored rows alone, and agree with judge().

#pragma once

#include <string_view>

namespace reports {

// Changes when a table or column that was there before changes its meaning.
inline constexpr std::string_view kSchemaVersion = "2";

// Statements that turn an empty database into a recording without runs.
extern const char* const kSchema;

// Statements that give a recording the tables of what a close look at a run notes, if it has none:
// recordings that were made before there was such a look go without.
extern const char* const kCloseSchema;

// Statements that give a recording the table of the guarantee matrix, if it has none.
extern const char* const kMatrixSchema;

// Statements that give a recording the tables of campaigns, if it has none.
extern const char* const kCampaignSchema;

}  // namespace reports
