// tests/campaign/slurm_test.cpp
//
// The array script that is shipped, on a real Slurm: submitted, waited for, merged, compared with
// the same search in one process.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/command_test.h"
#include "tests/support/slurm_cluster.h"

namespace tests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::IsEmpty;

class SlurmArray : public CommandTest {
 protected:
  SlurmArray() {
    fs::copy_file(fs::path(ONCEPROOF_SOURCE_DIR) / "tests/campaign/shared_search.yaml",
                  folder_ / "scenario.yaml");
  }

  void SetUp() override {
    const auto missing = SlurmCluster::missing_programs();
    if (!missing.empty()) {
      GTEST_SKIP() << fmt::format(
          "not installed: {} (apt-get install munge slurm-client slurmctld slurmd)",
          fmt::join(missing, ", "));
    }
    slurm_ = std::make_unique<SlurmCluster>();
  }

  // As the head of the script says.
  void run_array(const std::string& tasks) const {
    const fs::path script = fs::path(ONCEPROOF_SOURCE_DIR) / "scenarios/campaign/onceproof.sbatch";
    const Ended ended = slurm_->run("sbatch",
                                    {"--wait",
                                     "--array=" + tasks,
                                     script.string(),
                                     "scenario.yaml",
                                     "4",
                                     "campaign",
                                     "--depth",
                                     "2",
                                     "--kafka",
                                     "model"},
                                    folder_,
                                    {{"ONCEPROOF", ONCEPROOF_PROGRAM}});
    EXPECT_EQ(ended.status, 0) << ended.err << outputs();
  }

  [[nodiscard]] std::string outputs() const {
    std::string text;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().extension() == ".out") {
        text += entry.path().filename().string() + ":\n" + read_file(entry.path());
      }
    }
    return text;
  }

  [[nodiscard]] json merged(const std::vector<int>& shards) const {
    std::vector<std::string> arguments{"merge", "--db", "campaign/whole.db", "--json", "-"};
    for (const int shard : shards) {
      arguments.push_back(fmt::format("campaign/shard-{}.db", shard));
    }
    const Ended ended = onceproof(arguments);
    EXPECT_EQ(ended.status, 0) << ended.err;
    return json::parse(ended.out, nullptr, false)["campaigns"].at(0);
  }

  std::unique_ptr<SlurmCluster> slurm_;  // ends before its folder goes
};

TEST_F(SlurmArray, FindsWhatOneProcessFinds) {
  const std::vector<std::string> search{
      "explore", "scenario.yaml", "--depth", "2", "--kafka", "model", "--json", "-", "--db"};
  const auto with_file = [&](const std::string& file) {
    std::vector<std::string> arguments = search;
    arguments.push_back(file);
    return arguments;
  };
  const Ended alone = onceproof(with_file("alone.db"));
  ASSERT_EQ(alone.status, 0) << alone.err;

  run_array("1,3");
  const json half = merged({1, 3});
  EXPECT_LT(half["parts_done"], half["parts"]);
  run_array("1-4");
  const json whole = merged({4, 2, 1, 3});

  EXPECT_EQ(whole["parts_done"], whole["parts"]);
  auto resumed = with_file("campaign/whole.db");
  resumed.emplace_back("--resume");
  const Ended judged = onceproof(resumed);
  EXPECT_EQ(judged.status, 0) << judged.err;
  EXPECT_EQ(json::parse(judged.out), json::parse(alone.out));
  for (const char* const field : {"schedules", "of", "pruned", "output", "findings", "explored"}) {
    EXPECT_EQ(whole[field], json::parse(alone.out)[field]) << field;
  }
  const Ended queue = slurm_->run("squeue", {"--noheader"}, folder_);
  EXPECT_THAT(queue.out, IsEmpty());
}

}  // namespace
}  // namespace tests
