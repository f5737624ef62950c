// tests/ci/ci_formats_test.cpp
//
// What the program writes for others to read, read by others: XML by xmllint against its schema,
// JSON by jsonschema against the schemas that are installed. And what it tells GitHub.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reports/ci_report.h"
#include "tests/support/command_test.h"

namespace tests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const fs::path kSource = ONCEPROOF_SOURCE_DIR;

// Whatever is allowed by a published schema, a test allows only what it describes.
void close(json& schema) {
  if (schema.is_object() && schema.contains("properties")) {
    schema["additionalProperties"] = false;
  }
  for (json& part : schema) {
    if (part.is_structured()) {
      close(part);
    }
  }
}

class CiFormats : public CommandTest {
 protected:
  CiFormats() {
    fs::copy(kSource / "tests/ci/sample", folder_, fs::copy_options::recursive);
    const std::string orders = read_file(folder_ / "scenarios/orders.yaml");
    write_file(folder_ / "broken.yaml",
               replaced(orders,
                        "kind: offsets, store: memory }",
                        "kind: offsets, store: memory }\n"
                        "  protocol: { offset_guard: blind_update }"));
  }

  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  }

  [[nodiscard]] Ended run_model(std::vector<std::string> arguments) const {
    std::vector<std::string> all{
        "run", "--kafka", "model", "--db", "", "--html", "", "--quiet", "--no-color"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return onceproof(std::move(all));
  }

  [[nodiscard]] Ended tool(const std::string& program, std::vector<std::string> arguments) const {
    Command command = this->command(std::move(arguments));
    command.program = program;
    return run(command);
  }

  void expect_valid_xml(const std::string& file) const {
    const Ended ended =
        tool(ONCEPROOF_XMLLINT,
             {"--noout", "--schema", (kSource / "tests/ci/junit.xsd").string(), file});
    EXPECT_EQ(ended.status, 0) << ended.err;
  }

  // Of one answer, or of each line of a file of answers.
  void expect_valid_json(const std::string& text, const std::string& schema_name) const {
    json schema =
        json::parse(read_file(kSource / "scenarios/answers" / (schema_name + ".schema.json")));
    close(schema);
    write_file(folder_ / "schema.json", schema.dump());
    write_file(folder_ / "answer.json", text);
    const Ended ended = tool(ONCEPROOF_JSONSCHEMA, {"-i", "answer.json", "schema.json"});
    EXPECT_EQ(ended.status, 0) << schema_name << ": " << ended.err.substr(0, 2000);
  }
};

// --- JUnit XML -----------------------------------------------------------------------------------

TEST_F(CiFormats, JUnitOfEveryCommandIsValid) {
  const std::vector<std::vector<std::string>> commands{
      {"run", "scenarios", "broken.yaml", "--kafka", "model", "--db", "", "--html", ""},
      {"run", "scenarios", "--kafka", "model", "--db", "", "--html", "", "--baseline", "other"},
      {"explore", "scenarios", "broken.yaml", "--db", ""},
      {"matrix", "--source", "kafka-direct", "--sink", "append", "--crash", "driver"},
      {"defects", "offset_guard.blind_update"}};
  write_file(folder_ / "broken.yaml",
             replaced(read_file(folder_ / "broken.yaml"), "orders_are_booked", "orders_come"));
  write_file(folder_ / "broken.yaml",
             replaced(read_file(folder_ / "broken.yaml"), "views_may_be", "views_are"));
  write_file(folder_ / "other",
             replaced(read_file(folder_ / "onceproof-baseline.json"),
                      "orders_are_booked_once",
                      "vanished \\u0007 <&\\\"> \\uffff"));
  for (std::vector<std::string> arguments : commands) {
    arguments.insert(arguments.end(), {"--quiet", "--junit", "junit.xml"});
    const Ended ended = onceproof(arguments);
    EXPECT_LE(ended.status, 1) << arguments[0] << ended.err;
    expect_valid_xml("junit.xml");
  }
}

// The schema is worth something: it refuses what is no such file.
TEST_F(CiFormats, TheSchemaOfJUnitRefusesWhatIsNot) {
  for (const std::string text :
       {R"(<testsuite name="a" tests="x" failures="0" errors="0" time="0.000"/>)",
        R"(<testsuite name="a" tests="0" failures="0" errors="0"/>)",
        R"(<testsuite name="a" tests="0" failures="0" errors="0" time="0.0000"/>)",
        R"(<testsuites/>)"}) {
    write_file(folder_ / "wrong.xml", text);
    const Ended ended =
        tool(ONCEPROOF_XMLLINT,
             {"--noout", "--schema", (kSource / "tests/ci/junit.xsd").string(), "wrong.xml"});
    EXPECT_NE(ended.status, 0) << text;
  }
}

// A case as no scenario can be called, with everything that XML forbids.
TEST_F(CiFormats, NoByteOfAUserMakesItInvalid) {
  reports::CiReport report;
  report.command = "run";
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) {
    every_byte += static_cast<char>(byte);
  }
  reports::JudgedCase judged;
  judged.name = every_byte + "]]>\xef\xbf\xbf\xed\xa0\x80";
  judged.group = every_byte;
  judged.token = every_byte;
  judged.reasons = {{.sentence = every_byte + "]]>", .line = 1}};
  report.cases = {judged};
  write_file(folder_ / "bytes.xml", junit_report(report));
  expect_valid_xml("bytes.xml");
}

// --- JSON ----------------------------------------------------------------------------------------

TEST_F(CiFormats, TheAnswerOfRunIsAsItsSchemaSays) {
  const std::string receivers = (kSource / "scenarios/catalogue/receivers.yaml").string();
  expect_valid_json(run_model({receivers, "--json", "-"}).out, "run");
  expect_valid_json(run_model({"broken.yaml", "--json", "-"}).out, "run");
}

TEST_F(CiFormats, TheAnswersOfExploreReplayAndShrinkAreAsTheirSchemasSay) {
  const Ended explored = onceproof({"explore", "broken.yaml", "--json", "-", "--quiet"});
  ASSERT_EQ(explored.status, 1) << explored.err;
  const std::string first = explored.out.substr(0, explored.out.find('\n'));
  for (const std::string& answer : {first, explored.out.substr(first.size() + 1)}) {
    expect_valid_json(answer, "explore");
  }
  const std::string token = json::parse(first).at("findings").at(0).at("token");
  expect_valid_json(onceproof({"replay", token, "broken.yaml", "--json", "-"}).out, "run");
  expect_valid_json(
      onceproof({"shrink", token, "broken.yaml", "--budget", "50", "--json", "-", "--quiet"}).out,
      "shrink");
  expect_valid_json(onceproof({"merge", "onceproof.db", "--json", "-"}).out, "merge");
}

TEST_F(CiFormats, TheAnswerOfExplainIsAsItsSchemaSays) {
  ASSERT_EQ(onceproof({"run", "speculation_appends_twice", "--kafka", "model", "--quiet"}).status,
            0);
  const auto explain = [this](std::vector<std::string> arguments) {
    std::vector<std::string> all{"explain", "--db", "onceproof.db", "--run", "1", "--json", "-"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return onceproof(std::move(all)).out;
  };
  for (const std::string& answer : {explain({}), explain({"--record", "39"})}) {
    expect_valid_json(answer, "explain");
  }
  EXPECT_EQ(json::parse(explain({})).at("explained").size(), 3U);
}

TEST_F(CiFormats, TheAnswersOfMatrixAndDefectsAreAsTheirSchemasSay) {
  expect_valid_json(onceproof({"matrix",
                               "--source",
                               "kafka-receiver",
                               "--sink",
                               "append",
                               "--crash",
                               "receiver",
                               "--crash",
                               "driver-at-start",
                               "--quiet",
                               "--json",
                               "-"})
                        .out,
                    "matrix");
  expect_valid_json(
      onceproof({"defects", "offset_guard.blind_update", "--quiet", "--json", "-"}).out, "defects");
}

TEST_F(CiFormats, ASchemaRefusesAnAnswerOfAnotherCommand) {
  write_file(folder_ / "answer.json", onceproof({"matrix", "--crash", "none", "--json", "-"}).out);
  const Ended ended =
      tool(ONCEPROOF_JSONSCHEMA,
           {"-i", "answer.json", (kSource / "scenarios/answers/run.schema.json").string()});
  EXPECT_NE(ended.status, 0);
}

// --- Baseline ------------------------------------------------------------------------------------

TEST_F(CiFormats, WithItsOwnAnswerForABaselineNothingIsWorse) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"run", "scenarios", "--kafka", "model", "--db", "", "--html", ""},
        std::vector<std::string>{"explore", "scenarios", "--db", ""},
        std::vector<std::string>{"matrix", "--sink", "append", "--crash", "driver"}}) {
    std::vector<std::string> first = command;
    first.insert(first.end(), {"--json", "old.json", "--quiet"});
    EXPECT_EQ(onceproof(first).status, 0);
    std::vector<std::string> second = command;
    second.insert(second.end(), {"--baseline", "old.json", "--quiet"});
    const Ended ended = onceproof(second);
    EXPECT_EQ(ended.status, 0) << ended.out;
    EXPECT_THAT(ended.out, HasSubstr("against old.json: 0 worse, 0 better, 0 other\n"));
  }
}

// The hardened engine promises more than Spark's: a table of one, against one of the other.
TEST_F(CiFormats, AWeakerCellFailsAndAStrongerOneDoesNot) {
  const auto matrix = [this](std::vector<std::string> arguments) {
    std::vector<std::string> all{"matrix",
                                 "--source",
                                 "kafka-receiver",
                                 "--sink",
                                 "append",
                                 "--crash",
                                 "receiver",
                                 "--quiet"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return onceproof(std::move(all));
  };
  EXPECT_EQ(matrix({"--protocol", "hardened", "--json", "hardened.json"}).status, 0);
  EXPECT_EQ(matrix({"--json", "faithful.json"}).status, 0);
  const Ended weaker = matrix({"--baseline", "hardened.json", "--json", "-"});
  EXPECT_EQ(weaker.status, 1);
  EXPECT_THAT(weaker.err,
              AllOf(HasSubstr(": weaker\n          onceproof replay op1-"), HasSubstr("worse")));
  EXPECT_EQ(json::parse(weaker.out), json::parse(read_file(folder_ / "faithful.json")));
  const Ended stronger = matrix({"--protocol", "hardened", "--baseline", "faithful.json"});
  EXPECT_EQ(stronger.status, 0) << stronger.out;
  EXPECT_THAT(stronger.out, AllOf(HasSubstr("0 worse"), HasSubstr(": stronger\n")));
}

TEST_F(CiFormats, ABaselineThatIsNoneIsRefusedWithItsPlace) {
  write_file(folder_ / "wrong.json", "{\n  \"runs\": [ { \"scenario\": 7 } ] }");
  for (const auto& [name, sentence] :
       {std::pair{"wrong.json", "wrong.json:2:27: scenario must be text, not a whole number"},
        std::pair{"missing.json", "missing.json"},
        std::pair{"scenarios", "scenarios"}}) {
    const Ended ended = run_model({"scenarios", "--baseline", name, "--json", "kept.json"});
    EXPECT_EQ(ended.status, 2);
    EXPECT_THAT(ended.out, IsEmpty());
    EXPECT_THAT(ended.err, AllOf(StartsWith("onceproof: "), HasSubstr(sentence)));
    EXPECT_FALSE(fs::exists(folder_ / "kept.json"));
  }
}

// --- GitHub --------------------------------------------------------------------------------------

TEST_F(CiFormats, GitHubIsToldWhereAnExpectationFailedAndStdoutStaysJson) {
  Command command = this->command({"run",
                                   "broken.yaml",
                                   "--kafka",
                                   "model",
                                   "--db",
                                   "",
                                   "--html",
                                   "",
                                   "--quiet",
                                   "--json",
                                   "-"});
  command.environment["GITHUB_ACTIONS"] = "true";
  command.environment["GITHUB_WORKSPACE"] = folder_.parent_path();
  command.environment["GITHUB_STEP_SUMMARY"] = "summary.md";
  write_file(folder_ / "summary.md", "of the step before\n");
  const Ended ended = run(command);
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(json::parse(ended.out).at("runs").size(), 2U);
  // Seen from the workspace, wherever the command was given; the line is that of "always:".
  EXPECT_THAT(ended.err,
              StartsWith("::error file=" + folder_.filename().string() +
                         "/broken.yaml,line=14,title=orders_are_booked_once::always: expected "
                         "exactly-once, but "));
  EXPECT_THAT(read_file(folder_ / "summary.md"),
              StartsWith("of the step before\n## onceproof run: 2 judged, 1 not as expected\n"));
}

TEST_F(CiFormats, AFailedExpectationOfEachKindHasItsLine) {
  const std::string text =
      "scenario: a\n"                                                             // 1
      "topic: { name: t, partitions: 1 }\n"                                       // 2
      "workload: { records: 4, keys: 1, rate: 8/s }\n"                            // 3
      "pipeline:\n"                                                               // 4
      "  batch_interval: 1s\n"                                                    // 5
      "  source: { kind: kafka-direct, start: earliest, offsets: checkpoint }\n"  // 6
      "  checkpoint: { enabled: true, storage: hdfs }\n"                          // 7
      "  sink: { kind: append, store: memory }\n"                                 // 8
      "faults:\n"                                                                 // 9
      "  - { crash: driver, at: { time: 1ms } }\n"                                // 10
      "  - { crash: driver, at: { point: task.started, occurrence: 5000 } }\n"    // 11
      "expect:\n"                                                                 // 12
      "  received: none\n"                                                        // 13
      "  output:\n"                                                               // 14
      "    lost: 0\n"                                                             // 15
      "    duplicated: 77\n"                                                      // 16
      "  points: { task.started: 99 }\n"                                          // 17
      "  stalled: true\n";                                                        // 18
  write_file(folder_ / "a.yaml", text);
  Command command =
      this->command({"run", "a.yaml", "--kafka", "model", "--db", "", "--html", "", "--quiet"});
  command.environment["GITHUB_ACTIONS"] = "true";
  const std::string notes = run(command).err;
  for (const char* const start : {"line=13,title=a::received: expected none",
                                  "line=16,title=a::output: expected duplicated 77",
                                  "line=17,title=a::point task.started",
                                  "line=18,title=a::expected the run to stall",
                                  "line=11,title=a::fault 2: expected"}) {
    EXPECT_THAT(notes, HasSubstr(start));
  }
  EXPECT_THAT(notes, AllOf(Not(HasSubstr("line=15")), Not(HasSubstr("line=10"))));
}

TEST_F(CiFormats, OutsideOfAWorkflowNobodyIsTold) {
  const Ended ended = run_model({"broken.yaml"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, IsEmpty());
}

TEST_F(CiFormats, ASummaryOfTheJobThatCannotBeWrittenIsAFailure) {
  Command command =
      this->command({"run", "scenarios", "--kafka", "model", "--db", "", "--html", "", "--quiet"});
  command.environment["GITHUB_STEP_SUMMARY"] = "no/such/folder/summary.md";
  const Ended ended = run(command);
  EXPECT_EQ(ended.status, 3);
  EXPECT_THAT(ended.err,
              HasSubstr("the summary of the job: no/such/folder/summary.md cannot be written"));
}

}  // namespace
}  // namespace tests
