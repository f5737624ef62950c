// tests/scenario/report_command_test.cpp
//
// What the program leaves for a browser: of run, report, explore and matrix.

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pages/page_data.h"
#include "tests/support/command_test.h"

namespace tests {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kRepeats = "append_repeats_a_batch";
constexpr const char* kReplaces = "files_repeat_a_batch_under_its_name";

class ReportCommand : public CommandTest {
 protected:
  [[nodiscard]] std::string text(const std::string& file) const {
    return read_file(folder_ / file);
  }

  [[nodiscard]] bool exists(const std::string& file) const { return fs::exists(folder_ / file); }

  void succeed(const std::vector<std::string>& arguments) const {
    const Ended ended = onceproof(arguments);
    EXPECT_EQ(ended.status, 0) << ended.err;
  }
};

TEST_F(ReportCommand, ARunLeavesPagesOfItsOwnRuns) {
  succeed({"run", "--kafka", "model", "--jobs", "1", kRepeats});
  succeed({"run", "--kafka", "model", "--jobs", "1", kReplaces, "--html", "second"});
  EXPECT_THAT(text("report/index.html"), HasSubstr(kRepeats));
  EXPECT_EQ(PageData(text("report/run-1.html")).json().at("figures").at("output").at("duplicated"),
            16);
  EXPECT_TRUE(exists("report/verdicts.md"));
  EXPECT_TRUE(exists("report/run-1-latency.svg"));
  EXPECT_THAT(text("second/index.html"), Not(HasSubstr(kRepeats)));
  EXPECT_TRUE(exists("second/run-2.html"));
  EXPECT_FALSE(exists("second/run-1.html"));
}

TEST_F(ReportCommand, WithoutARecordingThereAreNoPages) {
  succeed({"run", "--kafka", "model", "--db=", kRepeats});
  EXPECT_TRUE(exists("report/verdicts.md"));
  EXPECT_FALSE(exists("report/index.html"));
}

TEST_F(ReportCommand, ARecordingHasPagesLater) {
  succeed({"run", "--kafka", "model", "--html=", "--jobs", "1", kRepeats, kReplaces});
  EXPECT_FALSE(exists("report"));
  const Ended ended = onceproof({"report", "--html", "all"});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(ended.out, "all/index.html: 2 runs\n");
  EXPECT_TRUE(exists("all/run-1.html"));
  EXPECT_TRUE(exists("all/run-2.html"));
  EXPECT_TRUE(exists("all/throughput.svg"));
  succeed({"report", "--html", "one", "--run", "2"});
  EXPECT_FALSE(exists("one/run-1.html"));
  EXPECT_TRUE(exists("one/run-2.html"));
}

TEST_F(ReportCommand, WhatIsNoRecordingIsRefused) {
  write_file(folder_ / "text.db", "this is no database, and long enough to be seen as none");
  for (const char* const name : {"absent.db", "text.db"}) {
    const Ended ended = onceproof({"report", "--db", name});
    EXPECT_EQ(ended.status, 2) << name;
    EXPECT_THAT(ended.err, HasSubstr(name));
    EXPECT_THAT(ended.out, IsEmpty());
  }
  EXPECT_FALSE(exists("absent.db"));
  succeed({"run", "--kafka", "model", "--html=", kRepeats});
  const Ended unknown = onceproof({"report", "--run", "7"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.err, HasSubstr("onceproof.db has no run 7"));
  write_file(folder_ / "file", "");
  const Ended no_folder = onceproof({"report", "--html", "file/below"});
  EXPECT_EQ(no_folder.status, 3);
  EXPECT_THAT(no_folder.err, HasSubstr("the folder file/below cannot be made"));
}

TEST_F(ReportCommand, ASearchLeavesPagesOfWhatItFound) {
  fs::copy_file(fs::path(ONCEPROOF_SOURCE_DIR) / "tests/campaign/shared_search.yaml",
                folder_ / "search.yaml");
  succeed({"explore", "search.yaml", "--html", "pages", "--quiet"});
  const std::string index = text("pages/index.html");
  EXPECT_THAT(index, HasSubstr("<h2>Searches</h2>"));
  EXPECT_THAT(index, HasSubstr("href=\"run-1.html\""));
  EXPECT_TRUE(exists("pages/campaign-1.svg"));
  const Ended ended = onceproof({"explore", "search.yaml", "--html", "pages", "--db="});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, HasSubstr("--html makes pages of a recording"));
}

TEST_F(ReportCommand, AMatrixIsOnTheFrontPage) {
  succeed({"matrix",
           "--source",
           "kafka-direct",
           "--sink",
           "append",
           "--crash",
           "driver",
           "--db",
           "matrix.db",
           "--html",
           "pages",
           "--quiet"});
  const std::string index = text("pages/index.html");
  EXPECT_THAT(index, HasSubstr("What every pipeline guarantees, by who dies (faithful engine)"));
  EXPECT_THAT(index, HasSubstr("<span class=\"weak\">at-least-once</span>"));
  EXPECT_THAT(index, HasSubstr("<a href=\"run-1.html\">duplicated</a>"));
}

}  // namespace
}  // namespace tests
