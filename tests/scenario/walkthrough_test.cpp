// tests/scenario/walkthrough_test.cpp
//
// The walk-throughs of the README: their commands run, and what they quote is what the run says.

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/sqlite.h"
#include "tests/support/command_test.h"

namespace tests {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// "### A record that is lost", its command, what it quotes, and the picture that it shows.
struct WalkThrough {
  std::string title;
  std::string scenario;
  std::vector<std::string> quotes;
  std::string picture;
};

std::vector<WalkThrough> walk_throughs() {
  const std::filesystem::path readme = std::filesystem::path(ONCEPROOF_SOURCE_DIR) / "README.md";
  std::istringstream lines(read_file(readme));
  std::vector<WalkThrough> found;
  bool is_inside = false;
  for (std::string line; std::getline(lines, line);) {
    const std::string command = "    ./onceproof run ";
    if (line.starts_with("## ")) {
      is_inside = line == "## Reading a run";
    } else if (is_inside && line.starts_with("### ")) {
      found.push_back({.title = line.substr(4), .scenario = {}, .quotes = {}, .picture = {}});
    } else if (!found.empty() && is_inside && line.starts_with(command)) {
      found.back().scenario = line.substr(command.size());
    } else if (!found.empty() && is_inside && line.starts_with("> - ")) {
      found.back().quotes.push_back(line.substr(4));
    } else if (!found.empty() && is_inside && line.starts_with("![")) {
      const std::size_t begin = line.find('(') + 1;
      found.back().picture = line.substr(begin, line.find(')') - begin);
    }
  }
  return found;
}

// Without line breaks, and with one blank where there are several.
std::string in_one_line(const std::string& text) {
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) {
    line += word + " ";
  }
  return line;
}

using WalkThroughTest = CommandTest;

TEST_F(WalkThroughTest, TheReadmeSaysWhatTheRunsSay) {
  const auto all = walk_throughs();
  ASSERT_THAT(all, SizeIs(2));
  std::int64_t run_id = 0;
  for (const WalkThrough& one : all) {
    SCOPED_TRACE(one.title);
    const Ended ended = onceproof({"run", "--kafka", "model", one.scenario});
    EXPECT_EQ(ended.status, 0) << ended.err;
    ++run_id;
    EXPECT_TRUE(
        std::filesystem::exists(folder_ / "report" / ("run-" + std::to_string(run_id) + ".html")));
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(ONCEPROOF_SOURCE_DIR) / one.picture));
    reports::sql::Database recording((folder_ / "onceproof.db").string());
    reports::sql::Statement query(recording,
                                  "SELECT text FROM run_text WHERE run_id = ? AND name = 'story'");
    query.start(run_id);
    ASSERT_TRUE(query.step());
    const std::string story = in_one_line(query.bytes(0));
    EXPECT_GE(one.quotes.size(), 4U);
    for (const std::string& quote : one.quotes) {
      EXPECT_THAT(story, HasSubstr(in_one_line(quote)));
    }
  }
}

}  // namespace
}  // namespace tests
