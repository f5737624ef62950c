// The program as a user meets it: which exit status, what on which stream, what is in the files it
// leaves, and that none of this depends on how it is ended.

#include <algorithm>
#include <cctype>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include "sim/kafka/mock_cluster.h"
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

// A small pipeline. The driver dies when batch 3 is complete and the checkpoint does not say so
// yet: with `append` the batch is there twice afterwards, with `upsert` once.
struct Sample {
  std::string name = "sample";
  std::string sink = "upsert";
  std::string faults =
      "faults: [ { crash: driver, at: { point: scheduler.batch_completed, batch: 3 } } ]\n";
  std::string expect = "expect: { output: exactly-once }\n";
  int partitions = 2;
  int records = 60;
};

std::string text_of(const Sample& sample) {
  return fmt::format(
      "scenario: {}\n"
      "claim: [ a-claim ]\n"
      "topic: {{ name: sessions, partitions: {} }}\n"
      "workload: {{ records: {}, keys: 10, rate: 20/s }}\n"
      "pipeline:\n"
      "  batch_interval: 1s\n"
      "  source: {{ kind: kafka-direct, start: earliest, offsets: checkpoint }}\n"
      "  checkpoint: {{ enabled: true, storage: hdfs }}\n"
      "  operations: [ {{ map: identity }} ]\n"
      "  sink: {{ kind: {}, store: memory }}\n"
      "{}{}",
      sample.name,
      sample.partitions,
      sample.records,
      sample.sink,
      sample.faults,
      sample.expect);
}

Sample refuted() {
  return {.name = "refuted", .sink = "append"};
}

Sample explored() {
  return {.name = "explored",
          .sink = "append",
          .faults = "",
          .expect = "explore: { depth: 1, always: exactly-once }\n"};
}

// Explored to depth 2 in a moment.
Sample small_exploration() {
  Sample sample = explored();
  sample.name = "small";
  sample.partitions = 1;
  sample.records = 4;
  sample.expect =
      "explore: { depth: 1, always: at-least-once, sometimes: [ duplicated ], "
      "crash: [ driver ] }\n";
  return sample;
}

// Thousands of schedules on the mock cluster: minutes, if nobody interrupts it.
Sample endless() {
  Sample sample = explored();
  sample.name = "endless";
  sample.records = 1000;
  sample.expect =
      "stop: { when: drained, within: 600s }\n"
      "explore: { depth: 1, always: at-least-once }\n";
  return sample;
}

// Nothing is asserted about how much happens in it.
constexpr std::chrono::milliseconds kMoment{300};

// One value of a database, as text.
std::string ask(const fs::path& database, const std::string& question) {
  sqlite3* handle = nullptr;
  sqlite3_stmt* statement = nullptr;
  std::string answer = "no answer";
  if (sqlite3_open(database.c_str(), &handle) == SQLITE_OK &&
      sqlite3_prepare_v2(handle, question.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_blob(statement, 0) != nullptr) {
    const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement, 0));
    answer.assign(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
  }
  sqlite3_finalize(statement);
  sqlite3_close(handle);
  return answer;
}

std::string upper_case(std::string text) {
  for (char& character : text) {
    character = static_cast<char>(std::toupper(static_cast<unsigned char>(character)));
  }
  return text;
}

// Behind the last "trace hash ".
std::string trace_hash_in(const std::string& text) {
  const std::string label = "trace hash ";
  const auto at = text.rfind(label);
  return at == std::string::npos ? "none" : text.substr(at + label.size(), 32);
}

// The tokens in a text, in their order.
std::vector<std::string> tokens_in(const std::string& text) {
  std::vector<std::string> tokens;
  for (auto at = text.find("op1-"); at != std::string::npos; at = text.find("op1-", at + 1)) {
    const auto end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789", at + 4);
    tokens.push_back(text.substr(at, end - at));
  }
  return tokens;
}

class CommandLine : public CommandTest {
 protected:
  // `run` on the model, which leaves nothing behind.
  [[nodiscard]] Command run_command(std::vector<std::string> arguments) const {
    std::vector<std::string> all{"run", "--kafka", "model", "--db", "", "--html", ""};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return command(std::move(all));
  }

  std::string file(const std::string& name, const std::string& text) const {
    write_file(folder_ / name, text);
    return name;
  }

  [[nodiscard]] std::string file(const Sample& sample) const {
    return file(sample.name + ".yaml", text_of(sample));
  }

  // Nothing on stdout, one line on stderr.
  static void expect_refusal(const Ended& ended, int status, const std::string& sentence) {
    EXPECT_EQ(ended.status, status) << ended.err;
    EXPECT_THAT(ended.out, IsEmpty());
    EXPECT_THAT(ended.err, AllOf(StartsWith("onceproof: "), HasSubstr(sentence)));
    EXPECT_EQ(ended.err.find('\n'), ended.err.size() - 1) << ended.err;
  }

  void expect_refused_file(const std::string& name,
                           const std::string& text,
                           const std::string& sentence) const {
    expect_refusal(run(run_command({file(name, text)})), 2, sentence);
  }
};

// --- Results -----------------------------------------------------------------------------------

TEST_F(CommandLine, AScenarioThatHoldsEndsWithStatusZeroAndItsTable) {
  const Ended ended = onceproof({"run", file(Sample()), "--kafka", "model"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("sample"), HasSubstr("all as expected")));
  EXPECT_EQ(ended.err, "[1/1] sample\npages: report/index.html\n");
  EXPECT_EQ(ask(folder_ / "onceproof.db", "SELECT scenario || passed FROM run"), "sample1");
  EXPECT_THAT(read_file(folder_ / "report" / "verdicts.md"), HasSubstr("| sample |"));
}

TEST_F(CommandLine, TheMockClusterGivesTheVerdictOfTheModel) {
  const Ended model = onceproof({"run", file(refuted()), "--kafka", "model", "--json", "-"});
  const Ended mock = onceproof({"run", file(refuted()), "--kafka", "mock", "--json", "-"});
  EXPECT_EQ(model.status, 1);
  EXPECT_EQ(mock.status, 1);
  json of_model = json::parse(model.out)["runs"][0];
  json of_mock = json::parse(mock.out)["runs"][0];
  EXPECT_EQ(of_mock["kafka"], "mock");
  for (const char* const own : {"kafka", "token", "wall_us"}) {
    of_model.erase(own);
    of_mock.erase(own);
  }
  EXPECT_EQ(of_mock, of_model);
}

TEST_F(CommandLine, JsonOnStdoutIsAllOfStdoutAndHasEveryField) {
  const Ended ended = run(run_command({file(Sample()), "--json", "-", "--quiet"}));
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, IsEmpty());
  const json runs = json::parse(ended.out)["runs"];
  ASSERT_EQ(runs.size(), 1U);
  for (const char* const field : {"scenario",
                                  "claim",
                                  "kafka",
                                  "token",
                                  "received",
                                  "processed",
                                  "output",
                                  "lost",
                                  "phantom",
                                  "duplicated",
                                  "reordered",
                                  "wrong",
                                  "stalled",
                                  "passed",
                                  "schedules",
                                  "expected"}) {
    EXPECT_TRUE(runs[0].contains(field)) << field;
  }
  EXPECT_EQ(runs[0]["output"], "exactly-once");
  EXPECT_EQ(runs[0]["passed"], true);
}

TEST_F(CommandLine, MarkdownOnStdoutIsAllOfStdout) {
  const Ended ended = run(run_command({file(Sample()), "--markdown", "-"}));
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.out,
              AllOf(StartsWith("## onceproof run: 1 judged, all as expected\n"),
                    HasSubstr("\n| scenario |")));
}

TEST_F(CommandLine, TheJUnitFileIsWellFormedAndCountsTheFailure) {
  const Ended ended =
      run(run_command({file(Sample()), file(refuted()), "--junit", "junit.xml", "--quiet"}));
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, IsEmpty());
  boost::property_tree::ptree xml;
  boost::property_tree::read_xml((folder_ / "junit.xml").string(), xml);
  EXPECT_EQ(xml.get<int>("testsuite.<xmlattr>.tests"), 2);
  EXPECT_EQ(xml.get<int>("testsuite.<xmlattr>.failures"), 1);
}

TEST_F(CommandLine, RowsKeepTheOrderOfTheArgumentsAtEveryNumberOfJobs) {
  std::vector<std::string> arguments{"--jobs", "4", "--json", "-"};
  for (int i = 9; i > 0; --i) {
    arguments.push_back(file(Sample{.name = fmt::format("sample_{}", i), .records = 60 * i}));
  }
  const json runs = json::parse(run(run_command(arguments)).out)["runs"];
  ASSERT_EQ(runs.size(), 9U);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    EXPECT_EQ(runs[i]["scenario"], fmt::format("sample_{}", 9 - i));
  }
}

TEST_F(CommandLine, NoColorOfAnyValueIsNoError) {
  for (const char* const value : {"", "1", "0", "yes please"}) {
    Command with_variable = run_command({file(Sample())});
    with_variable.environment["NO_COLOR"] = value;
    const Ended ended = run(with_variable);
    EXPECT_EQ(ended.status, 0) << value;
    EXPECT_THAT(ended.out, Not(HasSubstr("\x1b")));
  }
}

// --- A verdict that differs --------------------------------------------------------------------

// Only the model takes records out of a topic. Nobody runs something weaker instead.
TEST_F(CommandLine, WhatTheChosenKafkaCannotDoIsRefusedAndWhatItCanIsNamed) {
  Sample sample{.name = "election"};
  sample.faults =
      "faults: [ { kafka: truncate, partition: 0, records: 5, at: { time: 5500ms } }, "
      "{ pause: driver, for: 3s, at: { time: 3500ms } } ]\n";
  sample.expect = "expect: { received: { lost: \">0\" } }\n";
  const std::string name = file(sample);
  const std::string sentence =
      "election.yaml: scenario election: fault 1: only --kafka model can do kafka: truncate; what "
      "this cluster can do is kafka: broker-down, leader-move, request-error";
  expect_refusal(onceproof({"run", name, "--kafka", "mock"}), 2, sentence);
  const Ended on_model = onceproof({"run", name, "--kafka", "model", "--json", "-"});
  const std::string token = json::parse(on_model.out)["runs"][0]["token"];
  EXPECT_GT(json::parse(on_model.out)["runs"][0]["lost"], 0);
  expect_refusal(onceproof({"replay", token, name, "--kafka", "mock"}), 2, sentence);
  EXPECT_EQ(onceproof({"replay", token, name}).status, 1) << "it stalls: the record never comes";
}

TEST_F(CommandLine, ARefutedExpectationIsExplainedAndItsTokenRepeatsIt) {
  const Ended ended = onceproof({"run", file(refuted()), "--kafka", "model"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("expected exactly-once, found at-least-once"),
                    HasSubstr("duplicated records: 0 (partition 0, offset 0, key k"),
                    HasSubstr("replay: onceproof replay op1-")));
  const std::string token = tokens_in(ended.out).at(0);
  const Ended replayed = onceproof({"replay", token, "refuted.yaml"});
  EXPECT_EQ(replayed.status, 1);
  EXPECT_THAT(replayed.out, HasSubstr("expected exactly-once, found at-least-once"));
  EXPECT_EQ(trace_hash_in(replayed.out),
            ask(folder_ / "onceproof.db", "SELECT trace_hash FROM run"));
}

TEST_F(CommandLine, EachWitnessOfARefutedExplorationRepeatsItsFinding) {
  const Ended ended = onceproof({"run", file(explored()), "--kafka", "model"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out, HasSubstr("duplicated records: "));
  const std::vector<std::string> tokens = tokens_in(ended.out);
  ASSERT_GE(tokens.size(), 2U);  // in the sentence, and behind "replay:"
  for (const std::string& token : tokens) {
    const Ended replayed = onceproof({"replay", token, "explored.yaml"});
    EXPECT_EQ(replayed.status, 1) << replayed.err;
    EXPECT_THAT(replayed.out, HasSubstr("always exactly-once: output: expected duplicated 0"));
    EXPECT_EQ(trace_hash_in(replayed.out),
              ask(folder_ / "onceproof.db",
                  fmt::format("SELECT trace_hash FROM run WHERE token = '{}'", token)));
  }
}

TEST_F(CommandLine, AWitnessOfWhatTheScenarioAllowsIsNoFailure) {
  Sample allowed = explored();
  allowed.expect = "explore: { depth: 1, always: at-least-once, sometimes: [ duplicated ] }\n";
  const Ended ended = onceproof({"run", file(allowed), "--kafka", "model"});
  EXPECT_EQ(ended.status, 0) << ended.out;
  const std::string token =
      ask(folder_ / "onceproof.db", "SELECT token FROM run WHERE duplicated > 0");
  const Ended replayed = onceproof({"replay", token, "explored.yaml"});
  EXPECT_EQ(replayed.status, 0) << replayed.err;
  EXPECT_THAT(replayed.out, HasSubstr("at-least-once"));
}

// --- Explore -----------------------------------------------------------------------------------

TEST_F(CommandLine, ExploreGoesDeeperThanTheScenarioAsksAndNamesTheFaultsOfAFinding) {
  const Ended ended = onceproof({"explore", file(small_exploration()), "--quiet"});
  EXPECT_EQ(ended.status, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("small on model, seed 1: exhaustive, depth 1"),
                    HasSubstr("output at-least-once"),
                    HasSubstr("duplicated"),
                    HasSubstr("crash driver at step"),
                    HasSubstr("nobody to hit: "),
                    HasSubstr("same black-out by rule: "),
                    HasSubstr("explored ")));
  EXPECT_THAT(ended.err, IsEmpty());
  const json answer = json::parse(
      onceproof({"explore", "small.yaml", "--depth", "2", "--json", "-", "--quiet"}).out);
  EXPECT_EQ(answer.at("depth"), 2);
  EXPECT_EQ(answer.at("kafka"), "model");
  EXPECT_EQ(answer.at("cut_short"), false);
  EXPECT_EQ(answer.at("schedules").get<int>() + answer.at("pruned").get<int>(), answer.at("of"));
  EXPECT_EQ(answer.at("findings").at(0).at("kind"), "duplicated");
  EXPECT_EQ(answer.at("findings").at(0).at("faults").size(), 1U);
}

TEST_F(CommandLine, ExploreFindsTheSameAtEveryNumberOfJobs) {
  const std::string name = file(small_exploration());
  const auto at = [this, name](const std::string& jobs, const std::string& budget) {
    return onceproof({"explore",
                      name,
                      "--depth",
                      "2",
                      "--jobs",
                      jobs,
                      "--budget",
                      budget,
                      "--json",
                      "-",
                      "--quiet"})
        .out;
  };
  EXPECT_EQ(at("1", "1000000"), at("3", "1000000"));
  EXPECT_EQ(at("1", "700"), at("3", "700"));
  const json spent = json::parse(at("3", "700"));
  EXPECT_EQ(spent.at("schedules"), 700);
  EXPECT_EQ(spent.at("cut_short"), true);
}

TEST_F(CommandLine, SchedulesThatAreDrawnAreTheSameAtEveryNumberOfJobsAndReplayed) {
  const std::string name = file(small_exploration());
  for (const char* const strategy : {"random", "pct", "swarm"}) {
    const auto at = [&](const std::string& jobs) {
      return onceproof({"explore",
                        name,
                        "--strategy",
                        strategy,
                        "--budget",
                        "600",
                        "--jobs",
                        jobs,
                        "--json",
                        "-",
                        "--quiet"})
          .out;
    };
    EXPECT_EQ(at("1"), at("3"));
    const json answer = json::parse(at("1"));
    EXPECT_EQ(answer.at("schedules"), 600) << strategy;
    EXPECT_EQ(answer.at("strategy"), strategy);
    ASSERT_THAT(answer.at("findings"), Not(IsEmpty())) << strategy;
    const json& finding = answer.at("findings").at(0);
    const Ended replayed = onceproof({"replay", finding.at("token"), name, "--json", "-"});
    EXPECT_THAT(replayed.out, HasSubstr(finding.at("kind"))) << replayed.err;
  }
}

TEST_F(CommandLine, APromiseThatASearchRefutesIsStatusOneAndItsTokenRepeatsIt) {
  Sample broken = small_exploration();
  broken.expect = "explore: { depth: 1, always: exactly-once, crash: [ driver ] }\n";
  const Ended ended = onceproof({"explore", file(broken)});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out, HasSubstr("FAILED always: expected exactly-once, but"));
  const Ended replayed = onceproof({"replay", tokens_in(ended.out).at(0), "small.yaml"});
  EXPECT_EQ(replayed.status, 1) << replayed.err;
}

TEST_F(CommandLine, WhatASearchCannotBeIsRefusedInOneSentence) {
  const std::string name = file(small_exploration());
  expect_refusal(onceproof({"explore"}), 2, "scenarios is required");
  expect_refusal(onceproof({"explore", "nowhere.yaml"}), 2, "nowhere.yaml");
  expect_refusal(onceproof({"explore", name, "--strategy", "clever"}),
                 2,
                 "--strategy clever: this is none; there are exhaustive, random, pct, swarm");
  expect_refusal(onceproof({"explore", name, "--strategy", "swarm", "--kafka", "mock"}),
                 2,
                 "--strategy swarm draws faults that only --kafka model can do");
  expect_refusal(onceproof({"explore", name, "--depth", "4"}),
                 2,
                 "--depth 4: this must be a whole number from 1 to 3");
  expect_refusal(onceproof({"explore", name, "--budget", "0"}), 2, "--budget 0");
  expect_refusal(onceproof({"explore", name, "--time", "long"}), 2, "--time \"long\"");
  expect_refusal(onceproof({"explore", name, "--json", "-", "--markdown", "-"}),
                 2,
                 "only one of --json, --markdown and --junit");
}

TEST_F(CommandLine, ASearchThatRunsOutOfTimeKeepsWhatItHasAndSaysSo) {
  const Ended ended = onceproof({"explore", file(endless()), "--time", "1s", "--json", "-"});
  EXPECT_EQ(ended.status, 0) << ended.err;
  const json answer = json::parse(ended.out);
  EXPECT_EQ(answer.at("cut_short"), true);
  EXPECT_GT(answer.at("schedules"), 0);
}

TEST_F(CommandLine, AnInterruptedSearchKeepsWhatItHas) {
  ChildProcess child(command({"explore", file(endless()), "--depth", "3"}));
  child.await_stderr("[");  // The first round goes on.
  child.send(SIGINT);
  const Ended ended = child.wait();
  EXPECT_EQ(ended.status, 130);
  EXPECT_THAT(ended.out, HasSubstr("cut short: interrupted"));
}

// --- Replay ------------------------------------------------------------------------------------

TEST_F(CommandLine, ATokenSurvivesBlanksLineBreaksAndCapitals) {
  const std::string token = tokens_in(run(run_command({file(refuted())})).out).at(0);
  const std::string folded =
      " \t" + upper_case(token.substr(0, 12)) + "\n  " + token.substr(12) + "\r\n";
  const Ended replayed = onceproof({"replay", folded});
  EXPECT_EQ(replayed.status, 1) << replayed.err;
  EXPECT_THAT(replayed.out, HasSubstr(token));
}

TEST_F(CommandLine, VerifyRunsTwiceAndFindsNoDifference) {
  const std::string token = tokens_in(run(run_command({file(refuted())})).out).at(0);
  const Ended verified = onceproof({"replay", token, "refuted.yaml", "--verify"});
  EXPECT_EQ(verified.status, 0) << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("two runs, the same"));
}

TEST_F(CommandLine, VerifyIsRefusedOnAClusterThatKeepsWhatIsInIt) {
  const std::string token = tokens_in(run(run_command({file(refuted())})).out).at(0);
  const Ended refused =
      onceproof({"replay", token, "refuted.yaml", "--verify", "--kafka", "localhost:1"});
  EXPECT_EQ(refused.status, 2) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("--kafka model or --kafka mock"));
}

TEST_F(CommandLine, TheTraceUntilAStepIsTheBeginningOfTheTrace) {
  const std::string token = tokens_in(run(run_command({file(refuted())})).out).at(0);
  const auto steps = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"replay", token, "refuted.yaml"});
    const std::string out = onceproof(std::move(options)).out;
    const auto start = out.find("\n     1  ");
    return out.substr(start, out.rfind("trace hash") - start);
  };
  const std::string whole = steps({"--trace"});
  const std::string five = steps({"--until", "5"});
  EXPECT_EQ(std::ranges::count(five, '\n'), 6);
  EXPECT_THAT(whole, StartsWith(five));
  EXPECT_GT(whole.size(), five.size());
}

TEST_F(CommandLine, ReplayAnswersInJsonToo) {
  const std::string token = tokens_in(run(run_command({file(refuted())})).out).at(0);
  const Ended replayed = onceproof({"replay", token, "refuted.yaml", "--json", "-"});
  EXPECT_EQ(replayed.status, 1);
  EXPECT_EQ(json::parse(replayed.out)["runs"][0]["token"], token);
}

TEST_F(CommandLine, ATokenThatCannotBeReplayedSaysWhy) {
  const std::string token = tokens_in(run(run_command({file(refuted())})).out).at(0);
  std::string damaged = token;
  damaged.back() = damaged.back() == 'a' ? 'e' : 'a';
  expect_refusal(onceproof({"replay", "nonsense"}), 2, "not a replay token");
  expect_refusal(onceproof({"replay", "\x1b[2J\n"}), 2, "not a replay token");
  expect_refusal(onceproof({"replay", damaged}), 2, "is damaged");
  expect_refusal(onceproof({"replay", token.substr(0, 9)}), 2, "is damaged");
  expect_refusal(onceproof({"replay", "op2-abcdefgh"}), 2, "another version");
  Sample other = refuted();
  other.records = 61;
  expect_refusal(onceproof({"replay", token, file(other)}), 2, "another scenario text");
}

// --- Shrink ------------------------------------------------------------------------------------

TEST_F(CommandLine, ARefutedRunIsShrunkToAScenarioThatShowsTheSame) {
  const std::string token = tokens_in(run(run_command({file(refuted())})).out).at(0);
  const Ended shrunk = onceproof({"shrink", token, "refuted.yaml"});
  EXPECT_EQ(shrunk.status, 0) << shrunk.err;
  EXPECT_THAT(shrunk.out,
              AllOf(HasSubstr("duplicated: the smallest witness"),
                    HasSubstr("This is the story of record 0"),
                    HasSubstr("Nobody noticed")));
  const std::vector<std::string> tokens = tokens_in(shrunk.out);
  ASSERT_EQ(tokens.size(), 2U);
  const Ended same_scenario = onceproof({"replay", tokens[0], "refuted.yaml", "--json", "-"});
  EXPECT_GT(json::parse(same_scenario.out)["runs"][0]["duplicated"], 0);
  const Ended smaller = onceproof({"replay", tokens[1], "refuted.shrunk.yaml", "--json", "-"});
  EXPECT_EQ(json::parse(smaller.out)["runs"][0]["duplicated"], 1);
  EXPECT_EQ(run(run_command({"refuted.shrunk.yaml"})).status, 0);
}

TEST_F(CommandLine, ShrinkAnswersInJsonToo) {
  const std::string token = tokens_in(run(run_command({file(refuted())})).out).at(0);
  const Ended shrunk = onceproof({"shrink", token, "refuted.yaml", "--json", "-"});
  EXPECT_EQ(shrunk.status, 0) << shrunk.err;
  const json answer = json::parse(shrunk.out);
  EXPECT_EQ(answer["finding"], "duplicated");
  EXPECT_EQ(answer["complete"], true);
  EXPECT_EQ(answer["smallest"]["records"], 1);
  EXPECT_GT(answer["given"]["cost"], answer["smallest"]["cost"]);
  EXPECT_EQ(answer["file"], "refuted.shrunk.yaml");
}

TEST_F(CommandLine, ARunThatShowsNothingIsNotShrunk) {
  const std::string token =
      json::parse(run(run_command({file(Sample()), "--json", "-"})).out)["runs"][0]["token"];
  expect_refusal(onceproof({"shrink", token, "sample.yaml"}), 2, "shows nothing");
}

TEST_F(CommandLine, AShrunkScenarioReplacesOnlyAnother) {
  const std::string token = tokens_in(run(run_command({file(refuted())})).out).at(0);
  file("mine.yaml", "my own work\n");
  expect_refusal(onceproof({"shrink", token, "refuted.yaml", "--out", "mine.yaml"}),
                 2,
                 "mine.yaml is there and is no shrunk scenario");
  EXPECT_EQ(read_file(folder_ / "mine.yaml"), "my own work\n");
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(onceproof({"shrink", token, "refuted.yaml", "--out", "less.yaml"}).status, 0);
  }
}

TEST_F(CommandLine, WhatShrinkCannotDoIsRefusedInOneSentence) {
  const std::string token = tokens_in(run(run_command({file(refuted())})).out).at(0);
  expect_refusal(onceproof({"shrink", "nonsense"}), 2, "not a replay token");
  expect_refusal(onceproof({"shrink", token, "refuted.yaml", "--finding", "lost"}),
                 2,
                 "this run does not show it, but: duplicated");
  expect_refusal(onceproof({"shrink", token, "refuted.yaml", "--out", "nowhere/less.yaml"}),
                 2,
                 "there is no folder");
  expect_refusal(onceproof({"shrink", token, "--budget", "0"}), 2, "from 1 to 1000000000");
  expect_refusal(onceproof({"shrink", token, "--time", "soon"}), 2, "--time \"soon\"");
}

// --- Explanations ------------------------------------------------------------------------------

TEST_F(CommandLine, ARecordedRunIsExplainedAndSoIsItsToken) {
  EXPECT_EQ(onceproof({"run", file(refuted()), "--kafka", "model", "--quiet"}).status, 1);
  const std::string token = ask(folder_ / "onceproof.db", "SELECT token FROM run");
  const Ended recorded = onceproof({"explain", "--db", "onceproof.db", "--run", "1"});
  const Ended named = onceproof({"explain", token});
  EXPECT_EQ(recorded.status, 0) << recorded.err;
  EXPECT_EQ(recorded.out, named.out);
  EXPECT_THAT(
      recorded.out,
      AllOf(HasSubstr(" is duplicated\n"),
            HasSubstr("The decisive step: the fault \"crash driver at scheduler.batch_completed, "
                      "batch 3\", at "),
            HasSubstr("Before it, the run could still end otherwise: it does if nothing more "
                      "breaks.\nFrom there on all of ")));
}

TEST_F(CommandLine, ARecordToWhichNothingHappenedHasAPlainLife) {
  EXPECT_EQ(onceproof({"run", file(Sample()), "--kafka", "model", "--quiet"}).status, 0);
  const Ended ended = onceproof({"explain", "--db", "onceproof.db", "--run", "1", "--record", "3"});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(ended.out,
              AllOf(StartsWith("record 3 came out as it should\n"),
                    HasSubstr("Nothing happened to it"),
                    Not(HasSubstr("decisive"))));
  EXPECT_EQ(onceproof({"explain", "--db", "onceproof.db", "--run", "1"}).out,
            "Nothing is lost, wrong, phantom or duplicated.\n");
}

TEST_F(CommandLine, WhatExplainCannotDoIsRefusedInOneSentence) {
  EXPECT_EQ(onceproof({"run", file(Sample()), "--kafka", "model", "--quiet"}).status, 0);
  expect_refusal(onceproof({"explain"}), 2, "give a token, or --db FILE --run ID");
  expect_refusal(onceproof({"explain", "--run", "1"}), 2, "belong together");
  expect_refusal(onceproof({"explain", "--db", "no.db", "--run", "1"}), 2, "there is no such file");
  expect_refusal(onceproof({"explain", "--db", "onceproof.db", "--run", "7"}), 2, "has no run 7");
  expect_refusal(onceproof({"explain", "op1-nonsense"}), 2, "token");
  expect_refusal(onceproof({"explain", "--db", "onceproof.db", "--run", "1", "--record", "999"}),
                 2,
                 "it has 60, from 0 on");
  fs::remove(folder_ / "sample.yaml");
  expect_refusal(onceproof({"explain", "--db", "onceproof.db", "--run", "1"}),
                 2,
                 "made from another scenario text");
}

// --- Bad input ---------------------------------------------------------------------------------

TEST_F(CommandLine, AWrongCommandLineIsRefusedInOneSentence) {
  file("sample.yaml", text_of(Sample()));
  const std::string jobs = "--jobs {}: this must be a whole number from 1 to 1024";
  expect_refusal(onceproof({}),
                 2,
                 "the commands are run, explore, replay, explain, shrink, matrix, defects, merge, "
                 "check, report, list");
  expect_refusal(onceproof({"frobnicate"}), 2, "frobnicate is not a command");
  expect_refusal(onceproof({"--frobnicate"}), 2, "the option --frobnicate is not known");
  expect_refusal(onceproof({"run", "--frobnicate"}), 2, "the option --frobnicate is not known");
  expect_refusal(onceproof({"run", "sample.yaml", "--seed"}), 2, "--seed needs a value");
  expect_refusal(onceproof({"replay"}), 2, "token is required");
  expect_refusal(onceproof({"list", "wonders"}), 2, "what can be listed is scenarios, pipelines");
  for (const char* const number : {"0", "-1", "abc", "1.5", "99999999999999999999"}) {
    expect_refusal(onceproof({"run", "sample.yaml", "--jobs", number}),
                   2,
                   fmt::format(fmt::runtime(jobs), number));
  }
  for (const char* const number : {"-1", "x", "0x10", "18446744073709551616"}) {
    expect_refusal(onceproof({"run", "sample.yaml", "--seed", number}),
                   2,
                   fmt::format("--seed {}: this must be a whole number", number));
  }
  expect_refusal(onceproof({"run", "sample.yaml", "--json", "-", "--markdown", "-"}),
                 2,
                 "only one of --json, --markdown and --junit");
  for (const char* const place : {"nonsense", "host:", "host:0", "host:70000", ":9092"}) {
    expect_refusal(onceproof({"run", "sample.yaml", "--kafka", place}), 2, "HOST:PORT");
  }
  EXPECT_FALSE(fs::exists(folder_ / "onceproof.db"));
}

TEST_F(CommandLine, AnEmptyValueBehindAnEqualsSignTakesNothingElse) {
  const Ended ended = onceproof({"run", "--kafka=model", "--db=", "--html=", file(Sample())});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_FALSE(fs::exists(folder_ / "onceproof.db"));
  EXPECT_FALSE(fs::exists(folder_ / "report"));
}

TEST_F(CommandLine, AScenarioThatIsNotThereIsRefused) {
  fs::create_directory(folder_ / "empty");
  expect_refusal(run(run_command({"missing.yaml"})), 2, "missing.yaml: the file does not exist");
  expect_refusal(run(run_command({"empty"})), 2, "empty: holds no scenario file");
  expect_refusal(run(run_command({"no_such_name"})), 2, "no scenario of the catalogue");
  expect_refusal(run(run_command({file(Sample()), "./sample.yaml"})), 2, "is there twice");
}

TEST_F(CommandLine, AWrongScenarioFileIsRefusedWithItsPlace) {
  const std::string good = text_of(Sample());
  const auto with = [&good](const std::string& old_text, const std::string& new_text) {
    std::string text = good;
    return text.replace(text.find(old_text), old_text.size(), new_text);
  };
  expect_refused_file("key.yaml", with("workload:", "wrkload:"), "key.yaml:4:1: key \"wrkload\"");
  expect_refused_file("unit.yaml", with("1s", "1parsec"), "unit.yaml:6:19: ");
  expect_refused_file("source.yaml",
                      with("offsets: checkpoint", "offsets: checkpoint, reliable: true"),
                      "source.yaml:7:");
  expect_refused_file("empty.yaml", "", "the file holds no scenario");
  expect_refused_file("latin1.yaml", "scenario: caf\xe9\n", "latin1.yaml:1:14: byte 0xe9");
}

TEST_F(CommandLine, AHundredMegabytesOfGarbageAreRefusedUnread) {
  file("garbage.yaml", "");
  fs::resize_file(folder_ / "garbage.yaml", 100'000'000);
  expect_refusal(run(run_command({"garbage.yaml"})), 2, "larger than the limit");
}

// --- What the bench cannot do ------------------------------------------------------------------

TEST_F(CommandLine, AnUnreachableClusterIsNamed) {
  expect_refusal(onceproof({"run", file(Sample()), "--kafka", "127.0.0.1:1"}),
                 3,
                 "no Kafka cluster answers at 127.0.0.1:1");
}

TEST_F(CommandLine, ADatabaseThatCannotBeWrittenIsNamed) {
  const std::string sample = file(Sample());
  const auto with = [&](const std::string& database) {
    return onceproof({"run", sample, "--kafka", "model", "--db", database});
  };
  fs::create_directory(folder_ / "folder");
  expect_refusal(with("folder"), 3, "cannot open folder");
  expect_refusal(with("missing/onceproof.db"), 3, "cannot open missing/onceproof.db");
  expect_refusal(with(sample), 3, "it is not a SQLite database");
  EXPECT_EQ(read_file(folder_ / sample), text_of(Sample()));
  ASSERT_EQ(with("other.db").status, 0);
  ask(folder_ / "other.db", "UPDATE meta SET value = '9999' WHERE key = 'schema_version'");
  expect_refusal(with("other.db"), 3, "9999");
}

TEST_F(CommandLine, AReportThatCannotBeWrittenIsKnownBeforeTheFirstRun) {
  const Ended ended =
      onceproof({"run", file(Sample()), "--kafka", "model", "--json", "missing/x.json"});
  expect_refusal(ended, 3, "missing/x.json cannot be written: No such file or directory");
  EXPECT_EQ(ask(folder_ / "onceproof.db", "SELECT count(*) FROM run"), "0");
}

TEST_F(CommandLine, AFullDiskLosesNothingThatIsFinished) {
  std::vector<std::string> arguments{
      "run", "--kafka", "model", "--jobs", "1", "--html", "", "--quiet"};
  for (int i = 0; i < 40; ++i) {
    arguments.push_back(file(Sample{.name = fmt::format("sample_{}", i)}));
  }
  Command limited = command(arguments);
  limited.file_bytes_max = 300'000;
  const Ended ended = run(limited);
  EXPECT_EQ(ended.signal, 0);
  EXPECT_EQ(ended.status, 3);
  EXPECT_EQ(ended.err, "onceproof: cannot write onceproof.db: the disk is full\n");
  EXPECT_THAT(ended.out, HasSubstr("sample_0"));
  EXPECT_EQ(ask(folder_ / "onceproof.db", "PRAGMA integrity_check"), "ok");
  EXPECT_NE(ask(folder_ / "onceproof.db", "SELECT count(*) FROM run"), "0");
}

TEST_F(CommandLine, AStdoutThatTakesNothingIsAFailureAndNoCrash) {
  for (const std::string target : {"", "/dev/full"}) {
    for (std::vector<std::string> arguments :
         {std::vector<std::string>{"list", "points"}, {"--help"}, {"--version"}}) {
      Command mute = command(arguments);
      mute.stdout_to = target;
      const Ended ended = run(mute);
      EXPECT_EQ(ended.signal, 0);
      expect_refusal(ended, 3, "standard output cannot be written");
    }
  }
}

TEST_F(CommandLine, AReaderThatWentAwayIsAFailureAndNoCrash) {
  Command unread = run_command({file(Sample()), "--quiet"});
  unread.stdout_reader_is_gone = true;
  const Ended ended = run(unread);
  EXPECT_EQ(ended.signal, 0);
  expect_refusal(ended, 3, "standard output cannot be written: Broken pipe");
}

TEST_F(CommandLine, AStderrThatTakesNothingChangesNothing) {
  for (const std::string target : {"", "/dev/full"}) {
    Command deaf = run_command({file(Sample())});
    deaf.stderr_to = target;
    const Ended ended = run(deaf);
    EXPECT_EQ(ended.status, 0);
    EXPECT_THAT(ended.out, HasSubstr("all as expected"));
  }
}

// --- Ended from outside ------------------------------------------------------------------------

TEST_F(CommandLine, AnInterruptedExplorationKeepsWhatIsFinished) {
  for (const auto& [signal, status] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    const std::string database = fmt::format("{}.db", status);
    ChildProcess child(
        command({"run", file(Sample()), file(endless()), "--jobs", "1", "--db", database}));
    child.await_stderr("[1/2]");
    std::this_thread::sleep_for(kMoment);  // The exploration is under way.
    child.send(signal);
    const Ended ended = child.wait();
    EXPECT_EQ(ended.signal, 0);
    EXPECT_EQ(ended.status, status);
    EXPECT_THAT(ended.err, HasSubstr("interrupted: 1 of 2 scenarios are finished"));
    EXPECT_THAT(ended.out, HasSubstr("sample"));
    EXPECT_EQ(ask(folder_ / database, "SELECT passed FROM run WHERE scenario = 'sample'"), "1");
  }
}

TEST_F(CommandLine, AnInterruptedSearchForAClusterEndsToo) {
  ChildProcess child(command({"run", file(Sample()), "--kafka", "127.0.0.1:1"}));
  while (!fs::exists(folder_ / "report")) {
    std::this_thread::sleep_for(kMoment);  // Made right before the search begins.
  }
  std::this_thread::sleep_for(kMoment);
  child.send(SIGTERM);
  const Ended ended = child.wait();
  EXPECT_EQ(ended.status, 143);
  EXPECT_EQ(ended.err, "onceproof: interrupted: 0 of 1 scenarios are finished\n");
  EXPECT_THAT(ended.out, IsEmpty());
}

TEST_F(CommandLine, AKilledRunLeavesEveryFinishedRunInTheDatabase) {
  ChildProcess child(command(
      {"run", file(Sample()), file(refuted()), file(endless()), "--jobs", "1", "--kafka", "mock"}));
  child.await_stderr("[2/3]");
  child.send(SIGKILL);
  EXPECT_EQ(child.wait().signal, SIGKILL);
  const fs::path database = folder_ / "onceproof.db";
  EXPECT_EQ(ask(database, "PRAGMA integrity_check"), "ok");
  EXPECT_EQ(ask(database, "SELECT group_concat(scenario) FROM run"), "sample,refuted");
}

// --- A cluster of somebody else ----------------------------------------------------------------

TEST_F(CommandLine, AScenarioRunsOnAClusterThatSomebodyElseStarted) {
  const auto cluster = sim::MockCluster::start();
  ASSERT_TRUE(cluster) << cluster.error();
  const std::string address = (*cluster)->bootstrap_servers();
  // Twice: the second run must not see the topic of the first.
  for (int i = 0; i < 2; ++i) {
    const Ended ended =
        onceproof({"run", file(Sample{.partitions = 4}), "--kafka", address, "--json", "-"});
    EXPECT_EQ(ended.status, 0) << ended.err << ended.out;
    EXPECT_EQ(json::parse(ended.out)["runs"][0]["kafka"], address);
  }
}

TEST_F(CommandLine, AClusterThatMakesOtherTopicsThanAskedForIsRefused) {
  const auto cluster = sim::MockCluster::start();
  ASSERT_TRUE(cluster) << cluster.error();
  const std::string address = (*cluster)->bootstrap_servers();
  expect_refusal(onceproof({"run", file(Sample{.partitions = 3}), "--kafka", address}),
                 3,
                 "gives every new topic 4 partitions, but this scenario wants 3");
}

TEST_F(CommandLine, ATokenOfARealClusterAsksForItsAddress) {
  const auto cluster = sim::MockCluster::start();
  ASSERT_TRUE(cluster) << cluster.error();
  const std::string address = (*cluster)->bootstrap_servers();
  Sample sample = refuted();
  sample.partitions = 4;
  const Ended ended = onceproof({"run", file(sample), "--kafka", address});
  EXPECT_EQ(ended.status, 1) << ended.err;
  const std::string token = tokens_in(ended.out).at(0);
  expect_refusal(onceproof({"replay", token}), 2, "give --kafka");
  EXPECT_EQ(onceproof({"replay", token, "--kafka", address}).status, 1);
}

// --- List and help -----------------------------------------------------------------------------

TEST_F(CommandLine, EachListHasTitlesAndRows) {
  for (const char* const word : {"pipelines", "points", "faults", "sinks", "defects", "protocol"}) {
    const Ended ended = onceproof({"list", word});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_GE(std::ranges::count(ended.out, '\n'), 3) << word;
  }
}

// Every kind that a scenario can name, by the word that names it.
TEST_F(CommandLine, TheListOfFaultsHasEveryKindThatTheSchemaDescribes) {
  const std::string schema =
      read_file(fs::path(ONCEPROOF_SOURCE_DIR) / "scenarios/scenario.schema.json");
  const json definitions = json::parse(schema).at("$defs");
  const std::string listed = onceproof({"list", "faults"}).out;
  for (const char* const kind : {"pause", "drop", "delay", "duplicate", "clock", "reorder"}) {
    EXPECT_TRUE(definitions.contains(kind)) << kind;
    EXPECT_THAT(listed, HasSubstr(fmt::format("\n{}: ", kind)));
  }
  for (const char* const kind : {"fail", "disk", "kafka", "slow"}) {
    for (const json& word : definitions.at(kind).at("properties").at(kind).at("enum")) {
      EXPECT_THAT(listed, HasSubstr(fmt::format("\n{}: {} ", kind, word.get<std::string>())));
    }
  }
}

TEST_F(CommandLine, TheListOfPointsIsTheTableOfTheDocument) {
  const std::string document = read_file(fs::path(ONCEPROOF_SOURCE_DIR) / "docs/CRASH_POINTS.md");
  const Ended ended = onceproof({"list", "points", "--markdown"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(document.substr(document.find('|')), ended.out);
}

TEST_F(CommandLine, HelpAndVersionAreResults) {
  for (const char* const option : {"--help", "--version"}) {
    const Ended ended = onceproof({option});
    EXPECT_EQ(ended.status, 0);
    EXPECT_THAT(ended.out, HasSubstr("onceproof"));
    EXPECT_THAT(ended.err, IsEmpty());
  }
}

}  // namespace
}  // namespace tests
