// reports/story.h
//
// One run in plain words: what the pipeline is, what happened to one record in the order of time,
// and why nobody noticed. A pure function of the ledger, like the verdict; at most kStoryLinesMax
// lines, however long the run was: what matters least is left out first.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/vocabulary.h"
#include "reports/judge.h"
#include "reports/ledger.h"

namespace reports {

inline constexpr std::size_t kStoryLinesMax = 25;

// What the ledger does not say.
struct StorySubject {
  std::vector<std::string> pipeline;  // sentences
  std::string sink;     // a sentence about what the sink does with a row that it has already
  std::string finding;  // what the story is about: "lost", "received duplicated"; empty: nothing
  // Whose story it is: the record there, or the rows that come from there. Empty: the first
  // example.
  std::optional<engine::Position> position = std::nullopt;
  std::string key = {};             // likewise, of a wrong value
  std::vector<std::string> faults;  // in words, as many as the ledger has
  engine::Duration batch_interval{1};
};

// Lines, each with its line break.
std::string tell_story(const Ledger& ledger, const Verdict& verdict, const StorySubject& subject);

}  // namespace reports
