// tests/unit/ci_report_test.cpp
//
// What was judged, for a CI server, a pull request and the lines of a file; nothing that a scenario
// or a user's data contains may break any of the formats, and none becomes longer than it may.

#include "reports/ci_report.h"

#include <string>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/text.h"

namespace {

using reports::Change;
using reports::ChangeKind;
using reports::CiReport;
using reports::JudgedCase;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Lt;
using testing::Not;
using testing::StartsWith;

JudgedCase passed_case() {
  JudgedCase judged;
  judged.name = "direct_offsets_sink";
  judged.group = "onceproof.mock";
  judged.token = "op1-aaa";
  judged.wall_time = std::chrono::microseconds(12'300);
  return judged;
}

JudgedCase failed_case() {
  JudgedCase judged;
  judged.name = "direct_append";
  judged.group = "onceproof.mock";
  judged.file = "scenarios/append.yaml";
  judged.line = 3;
  judged.token = "op1-bbb";
  judged.wall_time = std::chrono::milliseconds(2500);
  judged.reasons = {{.sentence = "output: expected exactly-once, found at-least-once", .line = 14},
                    {.sentence = "expected the run to drain", .line = 0}};
  return judged;
}

CiReport report_of(std::vector<JudgedCase> cases) {
  CiReport report;
  report.command = "run";
  report.cases = std::move(cases);
  report.table = "| scenario |\n| --- |\n| direct\\_append |\n";
  return report;
}

Change change(ChangeKind kind, std::string name, std::string sentence) {
  return {
      .kind = kind, .name = std::move(name), .sentence = std::move(sentence), .token = "op1-ccc"};
}

// --- JUnit ---------------------------------------------------------------------------------------

TEST(CiJunit, CountsAndFailuresAreThere) {
  const std::string xml = junit_report(report_of({passed_case(), failed_case()}));

  EXPECT_THAT(xml, HasSubstr(R"(tests="2" failures="1" errors="0" time="2.512")"));
  EXPECT_THAT(xml,
              HasSubstr("<testcase classname=\"onceproof.mock\" name=\"direct_offsets_sink\" "
                        "time=\"0.012\"/>"));
  EXPECT_THAT(
      xml,
      HasSubstr("<failure message=\"output: expected exactly-once, found at-least-once\">output"));
  EXPECT_THAT(xml, HasSubstr("onceproof replay op1-bbb scenarios/append.yaml</failure>"));
}

TEST(CiJunit, MarkupAndForbiddenCharactersAreEscaped) {
  JudgedCase judged = failed_case();
  judged.name = "a\"b<c>&d\n";
  judged.reasons = {{.sentence = std::string("]]> \0 \x1b \xff \xef\xbf\xbe é", 17)}};

  const std::string xml = junit_report(report_of({judged}));

  EXPECT_THAT(xml, HasSubstr("name=\"a&quot;b&lt;c&gt;&amp;d&#10;\""));
  EXPECT_THAT(xml, HasSubstr("]]&gt; \xef\xbf\xbd \xef\xbf\xbd \xef\xbf\xbd \xef\xbf\xbd é"));
}

// --- Markdown ------------------------------------------------------------------------------------

TEST(CiMarkdown, TheVerdictIsFirstAndTheTableIsFoldedAway) {
  const std::string page = markdown_summary(report_of({passed_case(), failed_case()}));

  EXPECT_THAT(page, StartsWith("## onceproof run: 2 judged, 1 not as expected\n"));
  EXPECT_THAT(page,
              AllOf(HasSubstr("<b>direct_append</b>: output: expected exactly-once"),
                    HasSubstr("```sh\nonceproof replay op1-bbb scenarios/append.yaml\n```"),
                    Not(HasSubstr("op1-aaa")),
                    HasSubstr("<details><summary>Everything that was judged</summary>"),
                    EndsWith("| direct\\_append |\n\n</details>\n")));
}

TEST(CiMarkdown, WhatGotWorseComesBeforeWhatFailed) {
  CiReport report = report_of({passed_case(), failed_case()});
  hold_against(report,
               "old.json",
               {change(ChangeKind::kWorse, "direct_offsets_sink", "output: weaker"),
                change(ChangeKind::kBetter, "direct_append", "lost: 3 before, none now")});

  const std::string page = markdown_summary(report);

  EXPECT_LT(page.find("### Worse than old.json"), page.find("output: weaker"));
  EXPECT_LT(page.find("output: weaker"), page.find("<details>"));
  EXPECT_LT(page.find("<b>direct_append</b>"), page.find("1 other changes"));
}

TEST(CiMarkdown, NothingOfAUserIsMarkup) {
  JudgedCase judged = failed_case();
  judged.reasons = {{.sentence = "key </summary><script>`*|\n# title"}};

  const std::string page = markdown_summary(report_of({judged}));

  EXPECT_THAT(page, Not(HasSubstr("</summary><script>")));
  EXPECT_THAT(page, Not(HasSubstr("\n# title")));
  EXPECT_THAT(page, HasSubstr("\\<script\\>\\`\\*\\|"));
}

// Whatever there is too much of, the page ends within the bound, says so, and closes what it opens.
TEST(CiMarkdown, APageIsNeverLongerThanGitHubTakes) {
  const auto count = [](const std::string& page, const std::string& what) {
    std::size_t found = 0;
    for (std::size_t at = page.find(what); at != std::string::npos; at = page.find(what, at + 1)) {
      ++found;
    }
    return found;
  };
  CiReport many_failures = report_of(std::vector(2000, failed_case()));
  CiReport long_table = report_of({passed_case()});
  CiReport many_changes = report_of({passed_case()});
  std::vector<Change> changes;
  for (int i = 0; i < 3000; ++i) {
    long_table.table += fmt::format("| scenario {:>40} |\n", i);
    changes.push_back(change(ChangeKind::kWorse, fmt::format("gone_{}", i), "is gone"));
    changes.push_back(change(ChangeKind::kOther, fmt::format("new_{}", i), "is new"));
  }
  hold_against(many_changes, "old.json", changes);
  JudgedCase endless = failed_case();
  endless.reasons.front().sentence.assign(100'000, 'x');
  for (const CiReport& report :
       {many_failures, long_table, many_changes, report_of({endless, passed_case()})}) {
    const std::string page = markdown_summary(report);
    EXPECT_THAT(page.size(), Lt(reports::kMarkdownCharactersMax));
    EXPECT_THAT(page, HasSubstr("**Not all is here**: left out are "));
    EXPECT_EQ(count(page, "<details>"), count(page, "</details>"));
    EXPECT_THAT(page, StartsWith("## onceproof run: "));
  }
  EXPECT_THAT(markdown_summary(report_of({failed_case()})), Not(HasSubstr("Not all is here")));
}

// --- GitHub --------------------------------------------------------------------------------------

TEST(CiAnnotations, EachReasonPointsToItsLineElseToTheScenario) {
  EXPECT_EQ(github_annotations(report_of({passed_case(), failed_case()})),
            "::error file=scenarios/append.yaml,line=14,title=direct_append::"
            "output: expected exactly-once, found at-least-once%0A"
            "onceproof replay op1-bbb scenarios/append.yaml\n"
            "::error file=scenarios/append.yaml,line=3,title=direct_append::"
            "expected the run to drain%0A"
            "onceproof replay op1-bbb scenarios/append.yaml\n");
}

TEST(CiAnnotations, ACaseWithoutAFileHasNoPlace) {
  JudgedCase judged = failed_case();
  judged.file.clear();
  judged.token.clear();
  judged.reasons.resize(1);
  judged.reasons.front().sentence = "gone";

  EXPECT_EQ(github_annotations(report_of({judged})), "::error title=direct_append::gone\n");
}

// In a message ':' and ',' mean nothing; in a property everything that ends one is escaped.
TEST(CiAnnotations, WhatWouldEndACommandIsEscaped) {
  JudgedCase judged = failed_case();
  judged.name = "a,b:c%d\ne\rf";
  judged.file = "x,y:z%.yaml";
  judged.token.clear();
  judged.reasons = {{.sentence = "100%, so:\r\n::error::no", .line = 7}};

  EXPECT_EQ(github_annotations(report_of({judged})),
            "::error file=x%2Cy%3Az%25.yaml,line=7,title=a%2Cb%3Ac%25d%0Ae%0Df::"
            "100%25, so:%0D%0A::error::no\n");
}

// --- Baseline ------------------------------------------------------------------------------------

TEST(CiBaseline, WhatGotWorseFailsItsCaseAndWhatIsGoneIsACase) {
  CiReport report = report_of({passed_case()});
  hold_against(report,
               "old.json",
               {change(ChangeKind::kWorse, "direct_offsets_sink", "output: weaker"),
                change(ChangeKind::kWorse, "vanished", "is gone")});

  EXPECT_FALSE(all_passed(report));
  ASSERT_EQ(report.cases.size(), 2U);
  EXPECT_EQ(report.cases[0].reasons.at(0).sentence, "worse than old.json: output: weaker");
  EXPECT_EQ(report.cases[0].token, "op1-ccc");
  EXPECT_EQ(report.cases[1].name, "vanished");
  EXPECT_THAT(terminal_changes(report),
              AllOf(HasSubstr("against old.json: 2 worse, 0 better, 0 other\n"),
                    HasSubstr("  worse   vanished: is gone\n"
                              "          onceproof replay op1-ccc\n")));
}

TEST(CiBaseline, WhatGotBetterOrIsNewFailsNothing) {
  CiReport report = report_of({passed_case()});
  hold_against(report,
               "old.json",
               {change(ChangeKind::kBetter, "direct_offsets_sink", "output: stronger"),
                change(ChangeKind::kOther, "direct_offsets_sink", "is new")});

  EXPECT_TRUE(all_passed(report));
  EXPECT_THAT(terminal_changes(report), HasSubstr("0 worse, 1 better, 1 other"));
}

TEST(CiBaseline, WithoutABaselineNothingIsSaid) {
  EXPECT_EQ(terminal_changes(report_of({failed_case()})), "");
}

}  // namespace
