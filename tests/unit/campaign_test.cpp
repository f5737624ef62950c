// tests/unit/campaign_test.cpp
//
// Files of campaigns: what is in them survives its writer, and merging is union.

#include "reports/campaign.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace reports {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kParts = 8;

CampaignIdentity identity(const std::string& scenario = "sample") {
  return {.scenario = scenario,
          .scenario_hash = "0123456789abcdef",
          .seed = ~std::uint64_t{0},
          .kafka = "model",
          .strategy = "exhaustive",
          .depth = 2,
          .drawn = 0,
          .trace_hash = std::string(32, 'a'),
          .parts = kParts};
}

// Every field differs from every other field, and from those of other parts.
CampaignPart part(std::int64_t number) {
  const std::int64_t base = 100 * (number + 1);
  CampaignPart part{.number = number,
                    .schedules = base + 1,
                    .of = base + 2,
                    .of_is_whole = number % 2 == 0,
                    .nobody_to_hit = base + 3,
                    .nothing_unsynced = base + 4,
                    .same_by_rule = base + 5,
                    .same_by_hash = base + 6,
                    .received = Guarantee::kExactlyOnce,
                    .processed = Guarantee::kAtLeastOnce,
                    .output = Guarantee::kNone,
                    .explored = std::to_string(base + 7),
                    .findings = {}};
  part.findings.push_back({.kind = "duplicated",
                           .worst = base + 8,
                           .count = base + 9,
                           .faults = 1,
                           .ended_us = base + 10,
                           .token = "op1-" + std::to_string(base)});
  part.findings.push_back({.kind = "received lost",
                           .worst = base + 11,
                           .count = base + 12,
                           .faults = 2,
                           .ended_us = base + 13,
                           .token = "op1-x" + std::to_string(base)});
  return part;
}

class CampaignFile : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.file(name); }

  // A file with these parts of `sample`.
  [[nodiscard]] std::string file(const std::string& name, const std::vector<int>& numbers) const {
    auto campaign = Campaign::open(path(name)).value();
    for (const int number : numbers) {
      campaign.record(identity(), part(number)).value();
    }
    return path(name);
  }

  [[nodiscard]] std::vector<std::int64_t> numbers_in(const std::string& file) const {
    std::vector<std::int64_t> numbers;
    auto campaign = Campaign::open(file).value();
    for (const CampaignPart& each : campaign.parts(identity()).value()) {
      EXPECT_EQ(each, part(each.number));
      numbers.push_back(each.number);
    }
    return numbers;
  }

  struct Written {
    bool killed = false;
    std::vector<std::int64_t> recorded;  // record() had returned
  };

  // A process records all parts, one after the other; the system kills it as soon as one of its
  // files would grow beyond so many bytes.
  static Written write_until_killed(const std::string& name, std::size_t file_bytes_max) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    const pid_t writer = fork();
    if (writer == 0) {
      const rlimit limit{.rlim_cur = file_bytes_max, .rlim_max = file_bytes_max};
      setrlimit(RLIMIT_FSIZE, &limit);
      signal(SIGXFSZ, SIG_DFL);
      auto campaign = Campaign::open(name).value();
      for (std::int64_t number = 0; number < kParts; ++number) {
        campaign.record(identity(), part(number)).value();
        write(ends[1], &number, sizeof(number));
      }
      kill(getpid(), SIGKILL);  // no destructor: the log of SQLite stays as it is
    }
    close(ends[1]);
    Written written;
    for (std::int64_t number = 0; read(ends[0], &number, sizeof(number)) == sizeof(number);) {
      written.recorded.push_back(number);
    }
    close(ends[0]);
    int status = 0;
    waitpid(writer, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    written.killed = WTERMSIG(status) == SIGXFSZ;
    return written;
  }

  // Death needs no disk: what a process has written outlives it in memory as well.
  static fs::path place() {
    const fs::path memory = "/dev/shm";
    return fs::is_directory(memory) ? memory : fs::temp_directory_path();
  }

  tests::TemporaryFolder folder_{place()};
};

TEST_F(CampaignFile, GivesBackWhatItWasGiven) {
  const std::string written = file("a.db", {3, 0});
  auto campaign = Campaign::open(written).value();
  EXPECT_THAT(campaign.campaigns().value(), ElementsAre(identity()));
  EXPECT_THAT(campaign.parts(identity()).value(), ElementsAre(part(0), part(3)));
  EXPECT_THAT(campaign.parts(identity("other")).value(), IsEmpty());
}

TEST_F(CampaignFile, IsARecordingAsWell) {
  const std::string written = file("a.db", {3, 0});
  EXPECT_TRUE(Recording::open(written).has_value());
  EXPECT_THAT(numbers_in(written), ElementsAre(0, 3));
}

// C1: kill -9 at any place, also within a write. What record() had returned for is there; what is
// there, is whole.
TEST_F(CampaignFile, HoldsWholePartsWhateverKillsTheWriter) {
  constexpr std::size_t kStepBytes = 2'039;  // no divisor of a page: the last write is torn
  std::size_t deaths = 0;
  for (std::size_t bytes = kStepBytes;; bytes += kStepBytes) {
    const std::string name = path(std::to_string(bytes) + ".db");
    const Written written = write_until_killed(name, bytes);
    if (!written.killed) {
      break;
    }
    ++deaths;
    EXPECT_THAT(numbers_in(name), testing::IsSupersetOf(written.recorded)) << bytes;
  }
  EXPECT_GT(deaths, 20U);
}

TEST_F(CampaignFile, GoesOnWhereADeadWriterStopped) {
  const std::string name = path("killed.db");
  std::size_t bytes = 60'000;
  for (; write_until_killed(name, bytes).killed; bytes += 10'000) {
  }
  EXPECT_THAT(numbers_in(name), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

// C2: every order of merging, each file more than once, gives the same.
TEST_F(CampaignFile, MergingIsUnionInEveryOrder) {
  std::vector<std::string> files{file("a.db", {0, 1, 5}), file("b.db", {1, 2}), file("c.db", {7})};
  std::ranges::sort(files);
  int order = 0;
  do {
    const std::string whole = path("whole" + std::to_string(order++) + ".db");
    auto campaign = Campaign::open(whole).value();
    for (const std::string& each : files) {
      campaign.merge(each).value();
      campaign.merge(each).value();
    }
    campaign.merge(whole).value();
    EXPECT_THAT(numbers_in(whole), ElementsAre(0, 1, 2, 5, 7));
  } while (std::ranges::next_permutation(files).found);
  EXPECT_EQ(order, 6);
}

TEST_F(CampaignFile, MergingGroupsOfFilesIsAssociative) {
  const std::string a = file("a.db", {0});
  const std::string b = file("b.db", {1});
  const std::string c = file("c.db", {1, 2});
  Campaign::open(b).value().merge(c).value();
  Campaign::open(a).value().merge(b).value();
  EXPECT_THAT(numbers_in(a), ElementsAre(0, 1, 2));
  EXPECT_THAT(numbers_in(c), ElementsAre(1, 2));
}

TEST_F(CampaignFile, CampaignsOfOtherIdentityStayApart) {
  const std::string a = file("a.db", {0});
  auto campaign = Campaign::open(a).value();
  CampaignIdentity deeper = identity();
  deeper.depth = 3;
  CampaignIdentity other_engine = identity();
  other_engine.trace_hash = std::string(32, 'b');
  CampaignIdentity drawn = identity();
  drawn.drawn = 20'000;
  for (const CampaignIdentity& each : {deeper, other_engine, drawn}) {
    campaign.record(each, part(1)).value();
    EXPECT_THAT(campaign.parts(each).value(), ElementsAre(part(1)));
  }
  EXPECT_THAT(campaign.parts(identity()).value(), ElementsAre(part(0)));
  EXPECT_EQ(campaign.campaigns().value().size(), 4U);
}

// C3, with its counter-example beside it: the same again is welcome.
TEST_F(CampaignFile, AnotherContentForAPartIsRefused) {
  const std::string a = file("a.db", {0, 1});
  const std::string b = path("b.db");
  auto liar = Campaign::open(b).value();
  CampaignPart lie = part(1);
  lie.findings.front().worst += 1;
  liar.record(identity(), part(2)).value();
  liar.record(identity(), lie).value();
  liar.record(identity(), lie).value();

  auto campaign = Campaign::open(a).value();
  const auto merged = campaign.merge(b);
  ASSERT_FALSE(merged.has_value());
  EXPECT_EQ(merged.error().code, RecordingErrc::kDisagrees);
  EXPECT_THAT(merged.error().sentence, HasSubstr("another content for part 1"));
  EXPECT_THAT(numbers_in(a), ElementsAre(0, 1));
  EXPECT_TRUE(campaign.record(identity(), part(1)).has_value());
  EXPECT_FALSE(campaign.record(identity(), lie).has_value());
}

TEST_F(CampaignFile, WhatIsForgottenMayBeOtherwise) {
  const std::string name = file("a.db", {0, 1, 2});
  auto campaign = Campaign::open(name).value();
  CampaignIdentity other = identity();
  other.depth = 3;
  campaign.record(other, part(1)).value();
  campaign.forget(identity(), {1, 2, 3}).value();
  campaign.forget(identity("other"), {0}).value();
  EXPECT_THAT(numbers_in(name), ElementsAre(0));
  EXPECT_THAT(campaign.parts(other).value(), ElementsAre(part(1)));
  CampaignPart anew = part(1);
  anew.findings.pop_back();
  campaign.record(identity(), anew).value();
  EXPECT_THAT(campaign.parts(identity()).value(), ElementsAre(part(0), anew));
}

// Killed in its first moments, a writer leaves an empty file.
TEST_F(CampaignFile, AFileThatHasNothingYetIsMergedAndStaysAsItIs) {
  const std::string whole = file("whole.db", {4});
  const std::string empty = path("empty.db");
  std::ofstream(empty).close();
  const std::string runs = path("runs.db");
  Recording::open(runs).value();
  auto campaign = Campaign::open(whole).value();
  campaign.merge(empty).value();
  campaign.merge(runs).value();
  EXPECT_THAT(numbers_in(whole), ElementsAre(4));
  EXPECT_EQ(fs::file_size(empty), 0U);
}

TEST_F(CampaignFile, WhatIsNoCampaignIsRefused) {
  auto campaign = Campaign::open(path("a.db")).value();
  std::ofstream(path("text.db")) << std::string(4096, 'x');
  EXPECT_EQ(campaign.merge(path("text.db")).error().code, RecordingErrc::kNotADatabase);
  EXPECT_EQ(campaign.merge(folder_.path().string()).error().code, RecordingErrc::kCannotOpen);
  EXPECT_EQ(campaign.merge(path("none.db")).error().code, RecordingErrc::kCannotOpen);
  EXPECT_FALSE(fs::exists(path("none.db")));
  EXPECT_EQ(Campaign::open("").error().code, RecordingErrc::kCannotOpen);
}

// Property: shares of the parts, however they overlap, make the same whole.
RC_GTEST_FIXTURE_PROP(CampaignFile, SharesMakeTheWhole, ()) {
  constexpr int kSharesMax = 6;
  const auto number = rc::gen::inRange(0, static_cast<int>(kParts));
  const auto numbers = rc::gen::container<std::vector<int>>(number);
  const auto shares =
      *rc::gen::resize(kSharesMax, rc::gen::container<std::vector<std::vector<int>>>(numbers))
           .as("parts of each file");
  std::set<std::int64_t> all;
  auto whole = Campaign::open(":memory:").value();
  int n = 0;
  for (const std::vector<int>& share : shares) {
    all.insert(share.begin(), share.end());
    whole.merge(file(std::to_string(n++) + ".db", share)).value();
  }
  std::set<std::int64_t> found;
  for (const CampaignPart& each : whole.parts(identity()).value()) {
    RC_ASSERT(each == part(each.number));
    found.insert(each.number);
  }
  RC_ASSERT(found == all);
}

}  // namespace
}  // namespace reports
