// tests/ci/recipe_test.cpp
//
// The recipes of docs/CI.md, run as they stand there on a sample of a repository: they pass, and
// they fail for the right reason when somebody breaks what the repository relies on.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "tests/support/command_test.h"

namespace tests {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const fs::path kSource = ONCEPROOF_SOURCE_DIR;

// The blocks of the document in this language, in order.
std::vector<std::string> blocks(const std::string& language) {
  const std::string document = read_file(kSource / "docs/CI.md");
  const std::string fence = "```" + language + "\n";
  std::vector<std::string> found;
  for (std::size_t at = document.find(fence); at != std::string::npos;
       at = document.find(fence, at)) {
    at += fence.size();
    const std::size_t end = document.find("```\n", at);
    found.push_back(document.substr(at, end - at));
    at = end + 4;
  }
  return found;
}

// A repository with the sample in it, and onceproof where the recipes have it.
class Recipe : public CommandTest {
 protected:
  Recipe() {
    fs::copy(kSource / "tests/ci/sample", folder_, fs::copy_options::recursive);
    fs::create_directory(folder_ / "onceproof");
    fs::create_symlink(ONCEPROOF_PROGRAM, folder_ / "onceproof/onceproof");
  }

  // One step of a job. On GitHub a step finds what earlier ones have put on its path.
  [[nodiscard]] Ended step(const std::string& script, bool on_github) const {
    Command command = this->command({"-e", "-c", script});
    command.program = "/bin/bash";
    command.environment["PATH"] = path_ + ":" + std::getenv("PATH");
    if (on_github) {
      command.environment["GITHUB_ACTIONS"] = "true";
      command.environment["GITHUB_WORKSPACE"] = folder_;
      command.environment["GITHUB_STEP_SUMMARY"] = folder_ / "summary.md";
      command.environment["GITHUB_PATH"] = folder_ / "path";
    }
    return run(command);
  }

  // The last step, or the first that fails.
  Ended github() {
    Ended ended;
    for (const YAML::Node& one : YAML::Load(blocks("yaml").at(0))["jobs"]["judge"]["steps"]) {
      if (!one["run"]) {
        continue;
      }
      ended = step(one["run"].as<std::string>(), true);
      if (ended.status != 0) {
        break;
      }
      path_ = fs::exists(folder_ / "path") ? read_file(folder_ / "path") : path_;
      path_.erase(std::remove(path_.begin(), path_.end(), '\n'), path_.end());
    }
    return ended;
  }

  [[nodiscard]] Ended gitlab() const {
    std::string script;
    for (const YAML::Node& line : YAML::Load(blocks("yaml").at(1))["judge"]["script"]) {
      script += line.as<std::string>() + "\n";
    }
    return step(script, false);
  }

  void edit(const std::string& from, const std::string& to) const {
    std::string text = read_file(folder_ / "scenarios/orders.yaml");
    ASSERT_NE(text.find(from), std::string::npos);
    write_file(folder_ / "scenarios/orders.yaml", text.replace(text.find(from), from.size(), to));
  }

  // The engine makes a mistake that it did not make before.
  void plant_regression() const {
    edit("kind: offsets, store: memory }",
         "kind: offsets, store: memory }\n  protocol: { offset_guard: blind_update }");
  }

  std::string path_ = "/nowhere";
};

TEST_F(Recipe, TheShellMakesABaselineAndHoldsTheSameAgainstIt) {
  path_ = folder_ / "onceproof";
  const auto commands = blocks("sh");
  ASSERT_THAT(commands, SizeIs(2));
  EXPECT_EQ(step(commands[1], false).status, 0) << "the baseline that is in the tree";
  EXPECT_EQ(step(commands[0], false).status, 0);
  const Ended same = step(commands[1], false);
  EXPECT_EQ(same.status, 0) << same.out;
  EXPECT_THAT(same.out, HasSubstr("0 worse, 0 better, 0 other\n"));
  for (const char* const file : {"onceproof.json", "onceproof.xml", "onceproof.md"}) {
    EXPECT_TRUE(fs::exists(folder_ / file)) << file;
  }
}

TEST_F(Recipe, OnGitHubACleanChangePasses) {
  const Ended ended = github();
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(ended.err, IsEmpty());
  EXPECT_THAT(read_file(folder_ / "summary.md"), HasSubstr("2 judged, all as expected"));
}

TEST_F(Recipe, OnGitHubARegressionFailsBesideTheLineThatForbidsIt) {
  plant_regression();
  const Ended ended = github();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out,
              HasSubstr("  worse   orders_are_booked_once: output: exactly-once before, "
                        "at-least-once now: weaker\n          onceproof replay op1-"));
  EXPECT_THAT(ended.err,
              AllOf(HasSubstr("::error file=scenarios/orders.yaml,line=14,"
                              "title=orders_are_booked_once::always: expected exactly-once, but "),
                    HasSubstr("::error file=scenarios/orders.yaml,line=2,"
                              "title=orders_are_booked_once::worse than onceproof-baseline.json: "
                              "output: exactly-once before, at-least-once now: weaker%0A")));
  EXPECT_THAT(read_file(folder_ / "summary.md"),
              AllOf(HasSubstr("2 judged, 1 not as expected"),
                    HasSubstr("### Worse than onceproof-baseline.json")));
}

TEST_F(Recipe, OnGitLabACleanChangePassesAndARegressionFails) {
  EXPECT_EQ(gitlab().status, 0);
  plant_regression();
  EXPECT_EQ(gitlab().status, 1);
  EXPECT_THAT(read_file(folder_ / "onceproof.xml"),
              HasSubstr("<failure message=\"always: expected exactly-once"));
}

// A scenario that expects nothing is watched over all the same.
TEST_F(Recipe, WhatOnlyTheBaselineKnowsFails) {
  edit("kind: upsert", "kind: append");
  const Ended ended = github();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out, HasSubstr("2 scenarios, all as expected"));
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("against onceproof-baseline.json: 2 worse"),
                    HasSubstr("views_may_be_counted_again: duplicated: none before, 16 now")));
  EXPECT_THAT(ended.err, HasSubstr("line=16,title=views_may_be_counted_again::worse than"));
}

TEST_F(Recipe, AScenarioThatIsTakenAwayFails) {
  edit("scenario: views_may_be_counted_again", "scenario: views_under_another_name");
  const Ended ended = github();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("worse   views_may_be_counted_again: was judged before, and is gone"),
                    HasSubstr("other   views_under_another_name: is new")));
}

}  // namespace
}  // namespace tests
