// tests/campaign/campaign_command_test.cpp
//
// Campaigns as their users run them: killed and resumed, cut into shares, merged. The answer is
// always the one that an uninterrupted process gives.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>
#include <yaml-cpp/yaml.h>

#include "reports/campaign.h"
#include "tests/support/command_test.h"

namespace tests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using Words = std::vector<std::string>;

class CampaignCommand : public CommandTest {
 protected:
  static void SetUpTestSuite();

  CampaignCommand() {
    fs::copy_file(fs::path(ONCEPROOF_SOURCE_DIR) / "tests/campaign/shared_search.yaml",
                  folder_ / "scenario.yaml");
  }

  [[nodiscard]] static Words search(const std::string& file, const Words& more = {}) {
    Words words{"explore", "scenario.yaml", "--depth", "2", "--kafka", "model", "--quiet"};
    words.insert(words.end(), {"--json", "-", "--jobs", "2", "--db", file});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  json explored(const std::string& file, const Words& more = {}) const {
    const Ended ended = onceproof(search(file, more));
    EXPECT_EQ(ended.status, 0) << ended.err;
    return json::parse(ended.out, nullptr, false);
  }

  json merged(const std::string& whole, const Words& files) const {
    Words words{"merge", "--db", whole, "--json", "-"};
    words.insert(words.end(), files.begin(), files.end());
    const Ended ended = onceproof(words);
    EXPECT_EQ(ended.status, 0) << ended.err;
    return json::parse(ended.out, nullptr, false);
  }

  // Of the only campaign in the file. 0: there is none yet.
  [[nodiscard]] std::size_t parts_in(const std::string& file) const {
    if (!fs::exists(folder_ / file)) {
      return 0;
    }
    auto campaign = reports::Campaign::open((folder_ / file).string()).value();
    const auto identities = campaign.campaigns().value();
    return identities.empty() ? 0 : campaign.parts(identities.front()).value().size();
  }

  // Goes on with a file, and is sent `signal` when there are so many parts in it.
  [[nodiscard]] Ended search_until(const std::string& file, std::size_t parts, int signal) const {
    ChildProcess process(command(search(file, {"--resume"})));
    while (parts_in(file) < parts) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    process.send(signal);
    return process.wait();
  }

  // What one process finds that nobody interrupts.
  static inline json expected_;
  static inline std::size_t parts_ = 0;
};

// A place to search in before there is a test.
class Alone : public CampaignCommand {
  void TestBody() override {}
};

void CampaignCommand::SetUpTestSuite() {
  const Alone alone;
  expected_ = alone.explored("alone.db");
  parts_ = alone.parts_in("alone.db");
  ASSERT_GT(expected_["findings"].size(), 0U);
  ASSERT_GT(parts_, 20U);
}

// K1, by time.
TEST_F(CampaignCommand, KilledAgainAndAgainASearchEndsAsIfNothingHadHappened) {
  const std::size_t stride = parts_ / 6;
  int deaths = 0;
  for (std::size_t known = 0; known + stride < parts_; known = parts_in("killed.db")) {
    const bool killed = search_until("killed.db", known + stride, SIGKILL).signal == SIGKILL;
    deaths += killed ? 1 : 0;  // else it was faster than we
  }
  EXPECT_GE(deaths, 2);
  EXPECT_EQ(explored("killed.db", {"--resume"}), expected_);
  EXPECT_EQ(explored("killed.db", {"--resume"}), expected_);
}

TEST_F(CampaignCommand, InterruptedItSaysWhatItKnowsAndCanGoOn) {
  const Ended ended = search_until("cut.db", 20, SIGTERM);
  EXPECT_EQ(ended.status, 128 + SIGTERM);
  const json known = json::parse(ended.out, nullptr, false);
  EXPECT_EQ(known["cut_short"], true);
  EXPECT_EQ(known["of_is_whole"], false);
  EXPECT_EQ(known["parts"], expected_["parts"]);
  EXPECT_GE(known["parts_done"], 1);
  EXPECT_LE(known["parts_done"], parts_in("cut.db"));
  EXPECT_EQ(explored("cut.db", {"--resume"}), expected_);
}

TEST_F(CampaignCommand, ATimeLeavesAFileToGoOnWith) {
  std::size_t parts = 0;
  for (int time_ms = 50; parts < expected_["parts"]; time_ms *= 2) {
    const Words time{"--resume", "--time", fmt::format("{}ms", time_ms)};
    EXPECT_EQ(onceproof(search("late.db", time)).status, 0);
    const std::size_t before = std::exchange(parts, parts_in("late.db"));
    EXPECT_GE(parts, before);
  }
  EXPECT_EQ(explored("late.db", {"--resume"}), expected_);
}

// K2: a finding that only the file knows is in the answer.
TEST_F(CampaignCommand, WhatTheFileHasIsNotDoneAgain) {
  EXPECT_EQ(explored("a.db"), expected_);
  sqlite3* database = nullptr;
  sqlite3_open((folder_ / "a.db").c_str(), &database);
  sqlite3_exec(database,
               "UPDATE campaign_finding SET worst = 999"
               " WHERE part = (SELECT max(part) FROM campaign_finding)",
               nullptr,
               nullptr,
               nullptr);
  sqlite3_close(database);
  EXPECT_THAT(explored("a.db", {"--resume"}).dump(), HasSubstr("999"));
  EXPECT_EQ(explored("a.db"), expected_);  // begins anew
}

// K1, by number: shares of several sizes that overlap, merged in every order, in groups, twice.
TEST_F(CampaignCommand, SharesInAnyOrderAreTheWhole) {
  Words files;
  for (const std::string shard : {"1/3", "2/3", "3/3", "2/2"}) {
    files.push_back(fmt::format("shard-{}.db", files.size()));
    explored(files.back(), {"--shard", shard, "--resume"});
    EXPECT_LT(parts_in(files.back()), parts_);
  }
  const json whole = merged("first.db", files);
  ASSERT_EQ(whole["campaigns"].size(), 1U);
  int order = 0;
  do {
    const std::string name = fmt::format("whole-{}.db", order++);
    EXPECT_EQ(merged(name, files), whole);
    EXPECT_EQ(merged(name, {files.back(), name}), whole);
  } while (std::ranges::next_permutation(files).found);
  EXPECT_EQ(order, 24);
  EXPECT_NE(merged("left.db", {files[0], files[1]}), whole);
  merged("right.db", {files[2], files[3]});
  EXPECT_EQ(merged("right.db", {"left.db"}), whole);
  EXPECT_EQ(explored("right.db", {"--resume"}), expected_);
  EXPECT_EQ(explored("first.db", {"--resume"}), expected_);
  for (const char* const field : {"schedules", "of", "pruned", "output", "findings", "explored"}) {
    EXPECT_EQ(whole["campaigns"][0][field], expected_[field]) << field;
  }
}

class DrawnCampaign : public CampaignCommand, public testing::WithParamInterface<const char*> {
 protected:
  json drawn(const std::string& file, const Words& more) const {
    Words words{"explore", "scenario.yaml", "--strategy", GetParam(), "--budget", "1000"};
    words.insert(words.end(), {"--json", "-", "--quiet", "--db", file});
    words.insert(words.end(), more.begin(), more.end());
    return json::parse(onceproof(words).out, nullptr, false);
  }
};

INSTANTIATE_TEST_SUITE_P(EachStrategy,
                         DrawnCampaign,
                         testing::Values("random", "pct", "swarm"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_P(DrawnCampaign, ItsSharesAreTheWhole) {
  const json expected = drawn("alone.db", {});
  EXPECT_EQ(expected["schedules"], 1000);
  const json first = drawn("first.db", {"--shard", "1/2"});
  const json second = drawn("second.db", {"--shard", "2/2"});
  EXPECT_LT(first["schedules"], 1000);
  EXPECT_NE(first["explored"], second["explored"]);
  EXPECT_EQ(merged("whole.db", {"second.db", "first.db"})["campaigns"].size(), 1U);
  EXPECT_EQ(drawn("whole.db", {"--resume"}), expected);
}

TEST_F(CampaignCommand, ABudgetLeavesAFileToGoOnWith) {
  const auto schedules = expected_["schedules"].get<std::int64_t>();
  for (const std::int64_t tenths : {3, 6}) {
    const auto budget = std::to_string(schedules * tenths / 10);
    EXPECT_NE(explored("cut.db", {"--resume", "--budget", budget}), expected_);
    EXPECT_GT(parts_in("cut.db"), 1U);
    EXPECT_LT(parts_in("cut.db"), parts_);
  }
  EXPECT_EQ(explored("cut.db", {"--resume"}), expected_);
}

TEST_F(CampaignCommand, WhatIsWrongIsSaidInASentence) {
  for (const std::string shard : {"0/3", "4/3", "1/0", "3", "a/b", "1/3/5", ""}) {
    const Ended ended = onceproof(search("a.db", {"--shard", shard}));
    EXPECT_EQ(ended.status, 2) << shard;
    EXPECT_THAT(ended.err, HasSubstr("I/N")) << shard;
  }
  for (const Words& words : {Words{"--resume"}, Words{"--shard", "1/2"}}) {
    const Ended ended = onceproof(search("", words));
    EXPECT_EQ(ended.status, 2);
    EXPECT_THAT(ended.err, HasSubstr("--db FILE"));
  }
  const Ended missing = onceproof({"merge", "a.db", "nowhere.db"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, AllOf(StartsWith("onceproof: "), HasSubstr("nowhere.db")));
  const Ended no_database = onceproof({"merge", "a.db", "scenario.yaml"});
  EXPECT_EQ(no_database.status, 2);
  EXPECT_THAT(no_database.err, HasSubstr("scenario.yaml: it is not a SQLite database"));
  EXPECT_EQ(onceproof({"merge"}).status, 2);
}

// The command of its container, for every index; only names of places are others.
TEST_F(CampaignCommand, TheKubernetesJobExploresEveryShare) {
  const YAML::Node job = YAML::LoadFile(
      (fs::path(ONCEPROOF_SOURCE_DIR) / "scenarios/campaign/onceproof-job.yaml").string());
  const auto container = job["spec"]["template"]["spec"]["containers"][0];
  EXPECT_EQ(job["spec"]["completionMode"].as<std::string>(), "Indexed");
  EXPECT_EQ(container["command"].as<Words>(), (Words{"sh", "-c"}));
  auto script = container["args"][0].as<std::string>();
  const auto completions = job["spec"]["completions"].as<std::string>();
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"/scenarios/pipeline.yaml", "scenario.yaml"},
           {"/campaign/", ""},
           {"/" + completions, "/3"},
           {"onceproof explore", std::string(ONCEPROOF_PROGRAM) + " explore"}}) {
    const auto at = script.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << script;
    script.replace(at, from.size(), to);
  }
  Words files;
  for (int index = 0; index < 3; ++index) {
    Command pod = command({"-c", script});
    pod.program = "/bin/sh";
    pod.environment = {{"JOB_COMPLETION_INDEX", std::to_string(index)}};
    const Ended ended = run(pod);
    EXPECT_EQ(ended.status, 0) << ended.err;
    files.push_back(fmt::format("shard-{}.db", index));
  }
  merged("whole.db", files);
  EXPECT_EQ(explored("whole.db", {"--resume"}), expected_);
}

}  // namespace
}  // namespace tests
