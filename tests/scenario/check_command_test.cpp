// onceproof check as its users meet it: files of any format in, an answer, an exit status, and a
// place for whatever cannot be judged.

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>
#include <sys/stat.h>

#include "tests/support/command_test.h"

namespace tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class CheckCommand : public CommandTest {
 protected:
  void write(const std::string& name, const std::string& text) const {
    write_file(folder_ / name, text);
  }

  // Offsets of partition 0, a line each.
  static std::string offsets(const std::vector<int>& offsets) {
    std::string text;
    for (const int offset : offsets) {
      text += R"({"topic":"t","partition":0,"offset":)" + std::to_string(offset) + "}\n";
    }
    return text;
  }

  [[nodiscard]] Ended check(std::vector<std::string> options,
                            const std::string& input = "in.jsonl",
                            const std::string& output = "out.jsonl") const {
    std::vector<std::string> arguments{"check", "--input", input, "--output", output};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return onceproof(std::move(arguments));
  }

  [[nodiscard]] json answer(std::vector<std::string> options,
                            const std::string& input = "in.jsonl",
                            const std::string& output = "out.jsonl") const {
    options.insert(options.end(), {"--json", "-"});
    const Ended ended = check(std::move(options), input, output);
    EXPECT_EQ(ended.status, 0) << ended.err;
    return json::parse(ended.out);
  }

  // Status 2, nothing on stdout, and this on stderr.
  void expect_refused(const std::string& sentence,
                      std::vector<std::string> options = {},
                      const std::string& input = "in.jsonl") const {
    options.emplace_back("--quiet");
    const Ended ended = check(std::move(options), input);
    EXPECT_EQ(ended.status, 2) << ended.out;
    EXPECT_THAT(ended.out, IsEmpty());
    EXPECT_EQ(ended.err, "onceproof: " + sentence + "\n");
  }
};

TEST_F(CheckCommand, CountsWhatIsMissingAndWhatIsTooMuch) {
  write("in.jsonl", offsets({0, 1, 2, 3}));
  write("out.jsonl", offsets({0, 2, 2, 2, 3, 9}));

  const json found = answer({});

  EXPECT_EQ(found["guarantee"], "none");
  EXPECT_EQ(found["inputs"], 4);
  EXPECT_EQ(found["outputs"], 6);
  EXPECT_EQ(found["lost"], 1);
  EXPECT_EQ(found["duplicated"], 2);
  EXPECT_EQ(found["phantom"], 1);
  EXPECT_EQ(found["reordered"], 0);
  EXPECT_EQ(found["wrong"], 0);
  EXPECT_EQ(found["examples"]["lost"], json::parse(R"([{"topic":"t","partition":0,"offset":1,
                             "input":{"file":"in.jsonl","line":2}}])"));
  EXPECT_EQ(found["examples"]["duplicated"][1],
            json::parse(R"({"topic":"t","partition":0,"offset":2,
                            "input":{"file":"in.jsonl","line":3},
                            "output":{"file":"out.jsonl","line":4}})"));
  EXPECT_EQ(found["examples"]["phantom"][0]["output"]["line"], 6);
}

TEST_F(CheckCommand, NamesTheGuarantee) {
  write("in.jsonl", offsets({0, 1, 2}));
  write("out.jsonl", offsets({0, 1, 2}));
  EXPECT_EQ(answer({})["guarantee"], "exactly-once");
  write("out.jsonl", offsets({0, 1, 1, 2}));
  EXPECT_EQ(answer({})["guarantee"], "at-least-once");
  write("out.jsonl", offsets({0, 2}));
  EXPECT_EQ(answer({})["guarantee"], "at-most-once");
  write("out.jsonl", offsets({0, 0, 2}));
  EXPECT_EQ(answer({})["guarantee"], "none");
  write("out.jsonl", offsets({0, 1, 2, 3}));
  EXPECT_EQ(answer({})["guarantee"], "none");
}

TEST_F(CheckCommand, FailsOnlyBelowWhatIsExpected) {
  write("in.jsonl", offsets({0, 1}));
  write("out.jsonl", offsets({0, 0, 1}));
  EXPECT_EQ(check({}).status, 0);
  EXPECT_EQ(check({"--expect", "at-least-once"}).status, 0);
  EXPECT_EQ(check({"--expect", "exactly-once"}).status, 1);
  EXPECT_EQ(check({"--expect", "at-most-once"}).status, 1);
  write("out.jsonl", offsets({0, 1}));
  EXPECT_EQ(check({"--expect", "at-least-once"}).status, 0);
}

TEST_F(CheckCommand, PrintsWhatItsDocumentShows) {
  const auto clicks = [](const std::vector<int>& offsets) {
    std::string text;
    for (const int offset : offsets) {
      text += R"({"topic":"clicks","partition":0,"offset":)" + std::to_string(offset) + "}\n";
    }
    return text;
  };
  write("in.jsonl", clicks({0, 1, 2, 3}));
  write("out.jsonl", clicks({0, 2, 2, 2, 3}));

  const Ended ended = check({"--expect", "exactly-once"});

  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out, StartsWith("guarantee   none (expected: exactly-once)\n"));
  EXPECT_EQ(ended.err, "[1/2] reading in.jsonl\n[2/2] reading out.jsonl\n");
  EXPECT_THAT(check({"--quiet"}).err, IsEmpty());
  const std::string document = read_file(ONCEPROOF_SOURCE_DIR "/docs/CHECK.md");
  std::istringstream printed(ended.out);
  for (std::string line; std::getline(printed, line);) {
    EXPECT_THAT(document, HasSubstr("\n    " + line + "\n"));
  }
}

TEST_F(CheckCommand, JsonGoesToAFileBesideTheText) {
  write("in.jsonl", offsets({0}));
  write("out.jsonl", offsets({0}));
  const Ended ended = check({"--json", "answer.json"});
  EXPECT_THAT(ended.out, StartsWith("guarantee   exactly-once\n"));
  EXPECT_EQ(json::parse(read_file(folder_ / "answer.json"))["passed"], true);
}

TEST_F(CheckCommand, SeesOrderWhereItIsAsked) {
  write("in.jsonl", offsets({0, 1, 2}));
  write("out.jsonl", offsets({1, 0, 2, 0}));
  EXPECT_EQ(answer({})["reordered"], 0);
  const json found = answer({"--order", "partition"});
  EXPECT_EQ(found["reordered"], 1);
  EXPECT_EQ(found["guarantee"], "at-least-once");
  EXPECT_EQ(found["examples"]["reordered"][0]["output"]["line"], 2);
  EXPECT_EQ(found["examples"]["reordered"][0]["later"]["line"], 1);

  write("in.jsonl",
        "{\"id\":1,\"key\":\"a\"}\n{\"id\":2,\"key\":\"b\"}\n{\"id\":3,\"key\":\"a\"}\n");
  write("out.jsonl", "{\"id\":3}\n{\"id\":2}\n{\"id\":1}\n");
  EXPECT_EQ(answer({"--identity", "id", "--order", "key"})["reordered"], 1);
}

TEST_F(CheckCommand, TellsRecordsApartByKeyAndValue) {
  write("in.jsonl",
        R"({"key":"k","value":{"b":1,"a":2}})"
        "\n"
        R"({"key":"k","value":{"a":2,"b":1}})"
        "\n{\"key\":null,\"value\":\"\"}\n");
  write("out.jsonl", "{\"key\":\"k\",\"value\":{ \"a\" : 2, \"b\" : 1 }}\n{\"value\":\"\"}\n");
  const json found = answer({"--identity", "key-value"});
  EXPECT_EQ(found["lost"], 1);
  EXPECT_EQ(found["examples"]["lost"][0]["value"], "{\"a\":2,\"b\":1}");
}

TEST_F(CheckCommand, ComparesTheLastAggregateOfEachKey) {
  write("in.jsonl",
        "{\"key\":\"a\",\"value\":9223372036854775807}\n"
        "{\"key\":\"a\",\"value\":\"9223372036854775807\"}\n"
        "{\"key\":\"b\",\"value\":-5}\n{\"key\":\"c\",\"value\":1}\n");
  write("out.jsonl",
        "{\"key\":\"a\",\"value\":1}\n{\"key\":\"a\",\"value\":18446744073709551614}\n"
        "{\"key\":\"b\",\"value\":-4}\n{\"key\":\"d\",\"value\":0}\n");

  const json found = answer({"--aggregate", "sum-by-key"});

  EXPECT_EQ(found["guarantee"], "none");
  EXPECT_EQ(found["wrong"], 3);
  EXPECT_EQ(found["examples"]["wrong"][0], json::parse(R"({"key":"b","expected":-5,"found":-4,
                            "input":{"file":"in.jsonl","line":3},
                            "output":{"file":"out.jsonl","line":3}})"));
  EXPECT_EQ(found["examples"]["wrong"][1]["key"], "c");
  EXPECT_EQ(found["examples"]["wrong"][2]["key"], "d");
  EXPECT_THAT(check({"--aggregate", "count-by-key"}).out,
              HasSubstr("wrong: key \"d\" (out.jsonl:4): found 0, and no input has the key\n"));
}

TEST_F(CheckCommand, TakesSeveralFilesAndFormatsAtOnce) {
  write("a.csv", "note,offset,partition\r\n\"two\r\nlines\",0,0\r\nx,1,0");
  write(
      "b.jsonl",
      "\xEF\xBB\xBF\n{\"partition\":0,\"offset\":2}\n   \n{\"partition\":\"0\",\"offset\":\"3\"}");
  write("pipe.txt", "partition,offset\n0,0\n0,1\n0,2\n");
  sqlite3* handle = nullptr;
  sqlite3_open((folder_ / "sink.db").c_str(), &handle);
  sqlite3_exec(handle,
               "CREATE TABLE rows(partition, \"offset\" INTEGER, other);"
               "INSERT INTO rows VALUES (0, 3, x'00'), ('0', 0, NULL)",
               nullptr,
               nullptr,
               nullptr);
  sqlite3_close(handle);

  const Ended ended = onceproof({"check",
                                 "--input",
                                 "a.csv",
                                 "--input",
                                 "b.jsonl",
                                 "--output",
                                 "pipe.txt",
                                 "--output",
                                 "sink.db:rows",
                                 "--json",
                                 "-"});

  ASSERT_EQ(ended.status, 0) << ended.err;
  const json found = json::parse(ended.out);
  EXPECT_EQ(found["inputs"], 4);
  EXPECT_EQ(found["outputs"], 5);
  EXPECT_EQ(found["duplicated"], 1);
  EXPECT_EQ(found["guarantee"], "at-least-once");
  EXPECT_EQ(found["examples"]["duplicated"][0]["input"],
            json::parse(R"({"file":"a.csv","line":2})"));
  EXPECT_EQ(found["examples"]["duplicated"][0]["output"],
            json::parse(R"({"file":"sink.db:rows","line":2})"));
}

TEST_F(CheckCommand, ReadsStandardInputAndPipes) {
  write("in.jsonl", offsets({0, 1}));
  write("out.jsonl", offsets({1}));
  const auto shell = [&](const std::string& line) {
    Command bash = command({"-c", line, ONCEPROOF_PROGRAM});
    bash.program = "/bin/bash";
    return run(bash);
  };
  const Ended piped = shell("cat out.jsonl | \"$0\" check --input in.jsonl --output - --json -");
  EXPECT_EQ(json::parse(piped.out)["lost"], 1);
  const Ended fifo = shell("\"$0\" check --input <(cat in.jsonl) --output out.jsonl --json -");
  EXPECT_EQ(json::parse(fifo.out)["lost"], 1);
  EXPECT_EQ(json::parse(fifo.out)["examples"]["lost"][0]["input"]["line"], 1);
  const Ended both = shell("\"$0\" check --input - --output - < in.jsonl");
  EXPECT_EQ(both.status, 2);
  EXPECT_THAT(both.err, HasSubstr("only one file may be -"));
}

TEST_F(CheckCommand, EmptyFilesHoldNoRecords) {
  write("in.jsonl", "");
  write("out.jsonl", "");
  EXPECT_EQ(answer({})["guarantee"], "exactly-once");
  write("in.jsonl", offsets({0}));
  EXPECT_EQ(answer({})["guarantee"], "at-most-once");
}

TEST_F(CheckCommand, RefusesMalformedLinesWithTheirPlace) {
  write("out.jsonl", "");
  write("in.jsonl", offsets({0}) + "{\"partition\":0,\"offset\":x}\n");
  expect_refused("in.jsonl:2:25: expected a JSON value, found \"x\"");
  write("in.jsonl", "\n[1]\n");
  expect_refused("in.jsonl:2:1: expected a JSON object, found \"[\"");
  write("in.jsonl", offsets({0}) + offsets({0}));
  expect_refused(
      "in.jsonl:2:37: this offset names one input record, and in.jsonl:1 is another that has it");
  write("in.jsonl", "{\"partition\":0,\"offset\":1.0}");
  expect_refused(
      "in.jsonl:1:25: \"offset\" must be a whole number from 0 to 9223372036854775807, not "
      "\"1.0\"");
  write("in.jsonl", "{\"partition\":0,\"offset\":9223372036854775808}");
  expect_refused(
      "in.jsonl:1:25: \"offset\" must be a whole number from 0 to 9223372036854775807, "
      "not \"9223372036854775808\"");
  write("in.jsonl", "{\"partition\":0,\"offset\":0,\"offset\":1}");
  expect_refused("in.jsonl:1:36: the field \"offset\" is in this record twice");
  write("in.jsonl", offsets({0}) + "{\"partition\":0,\"offset\":1}\n");
  expect_refused("in.jsonl:2:1: this record has no topic, and those before it have one");
  write("in.jsonl", "{\"partition\":0}");
  expect_refused(
      "in.jsonl:1:1: the record has no field \"offset\"; by --identity offset a record "
      "is known by partition and offset, and by its topic if records have one");
  expect_refused(
      "in.jsonl:1:1: the record has no field \"id\"; by --identity id a record is known "
      "by its id",
      {"--identity", "id"});
  write("in.jsonl", "{\"id\":1,\"key\":null}");
  expect_refused("in.jsonl:1:15: the field \"key\" is null; --order key needs it of every input",
                 {"--identity", "id", "--order", "key"});
  write("in.jsonl", "{\"key\":\"a\",\"value\":1.5}");
  expect_refused(
      "in.jsonl:1:20: \"value\" must be a whole number of 64 bits, not \"1.5\"; "
      "sum-by-key adds whole numbers of 64 bits, by key",
      {"--aggregate", "sum-by-key"});
}

// Records are judged some lines behind those that are read.
TEST_F(CheckCommand, RefusesTheFirstLineThatIsWrong) {
  write("out.jsonl", "");
  const std::string sentence =
      ": this offset names one input record, and in.jsonl:1 is another that has it";
  write("in.jsonl", offsets({0, 1, 0}) + "{}\n");
  expect_refused("in.jsonl:3:37" + sentence);
  write("in.jsonl", offsets({0, 0, 0}) + "{}\n");
  expect_refused("in.jsonl:2:37" + sentence);
  write("in.jsonl", offsets({0, 1}) + "{}\n" + offsets({0}));
  expect_refused("in.jsonl:3:1: this record has no topic, and those before it have one");
}

TEST_F(CheckCommand, RefusesMalformedCsvWithItsPlace) {
  write("out.jsonl", "");
  write("in.csv", "partition,offset\n0,1\n0\n");
  expect_refused("in.csv:3:1: this row has 1 fields, the header has 2", {}, "in.csv");
  write("in.csv", "partition,offset\n0,\"1\nx\n");
  expect_refused("in.csv:2:3: the quote that begins here is never closed", {}, "in.csv");
  write("in.csv", "partition,offset,note\n0,1,\"a\nb\"c\n");
  expect_refused(
      "in.csv:3:3: behind a closing quote comes a comma or the end of the row", {}, "in.csv");
  write("in.csv", "partition,offset,note\n0,1,a\"b\n");
  expect_refused("in.csv:2:6: a quote inside a field that does not begin with one", {}, "in.csv");
  write("in.csv", "partition,offset\n0,\xff\n");
  expect_refused("in.csv:2:3: byte 0xff is not UTF-8: the file must be UTF-8 text", {}, "in.csv");
  write("in.csv", std::string("partition,offset\n0,1\n0,\0\n", 25));
  expect_refused("in.csv:3:3: a NUL byte: the file must be UTF-8 text", {}, "in.csv");
  write("in.csv", "partition,offset,offset\n");
  expect_refused("in.csv:1:18: the header names \"offset\" twice", {}, "in.csv");
  write("in.csv", "partition,off\n0,1\n");
  expect_refused(
      "in.csv:2:1: the record has no field \"offset\"; by --identity offset a record is "
      "known by partition and offset, and by its topic if records have one",
      {},
      "in.csv");
}

TEST_F(CheckCommand, RefusesWhatIsNoFileOfRecords) {
  write("out.jsonl", "");
  expect_refused("in.jsonl: the file does not exist");
  std::filesystem::create_directory(folder_ / "in.jsonl");
  expect_refused("in.jsonl: this is a directory, not a file");
  write("in.gz", "\x1f\x8b\x08 and so on");
  expect_refused(
      "in.gz: compressed files are not read: unpack it, or pipe it in and name it -", {}, "in.gz");
  sqlite3* handle = nullptr;
  sqlite3_open((folder_ / "a.db").c_str(), &handle);
  sqlite3_exec(
      handle, "CREATE TABLE rows(x); CREATE VIEW seen AS SELECT 1", nullptr, nullptr, nullptr);
  sqlite3_close(handle);
  expect_refused("a.db: this is a SQLite database: name a table as a.db:TABLE; it has: rows, seen",
                 {},
                 "a.db");
  expect_refused(
      "a.db: there is no table \"row\"; tables and views are: rows, seen", {}, "a.db:row");
  expect_refused("in.gz:rows: the table cannot be read: file is not a database", {}, "in.gz:rows");
}

TEST_F(CheckCommand, RefusesOptionsThatMeanNothing) {
  write("in.jsonl", "");
  write("out.jsonl", "");
  EXPECT_EQ(check({"--identity", "line"}).status, 2);
  EXPECT_THAT(check({"--identity", "line"}).err,
              HasSubstr("--identity line: what is accepted is offset, id, key-value"));
  EXPECT_THAT(check({"--expect", "none"}).err,
              HasSubstr("what is accepted is exactly-once, at-least-once, at-most-once"));
  EXPECT_EQ(onceproof({"check", "--input", "in.jsonl"}).status, 2);
  EXPECT_THAT(onceproof({"check"}).err, HasSubstr("check needs --input FILE and --output FILE"));
}

TEST_F(CheckCommand, JudgesHistoriesOfKafkaClients) {
  const std::string send = R"({"process":0,"type":"ok","f":"send","value":[["send","x",[0,"a"]]]})"
                           "\n";
  write("h.jsonl",
        send + R"({"process":1,"type":"ok","f":"poll","value":[["poll",{"x":[[0,"a"]]}]]})");
  const Ended valid = onceproof({"check", "--kafka-history", "h.jsonl"});
  EXPECT_EQ(valid.status, 0);
  EXPECT_EQ(valid.out, "history                valid\noperations             2\n");
  write("h.jsonl", send);
  const Ended unseen = onceproof({"check", "--kafka-history", "h.jsonl", "--json", "-"});
  EXPECT_EQ(unseen.status, 1);
  EXPECT_EQ(json::parse(unseen.out)["anomalies"][0]["name"], "unseen");
  write("h.jsonl", send + "{\"process\":}");
  const Ended refused = onceproof({"check", "--kafka-history", "h.jsonl"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_EQ(refused.err, "onceproof: h.jsonl:2:12: expected a JSON value, found \"}\"\n");
  EXPECT_EQ(onceproof({"check", "--kafka-history", "h.jsonl", "--input", "h.jsonl"}).status, 2);
}

TEST_F(CheckCommand, ExamplesAreBounded) {
  std::string inputs;
  for (int n = 0; n < 1000; ++n) {
    inputs += offsets({n});
  }
  write("in.jsonl", inputs);
  write("out.jsonl", "");
  EXPECT_EQ(answer({})["examples"]["lost"].size(), 10);
  const Ended ended = check({});
  EXPECT_THAT(ended.out, HasSubstr("lost: and 990 more\n"));
  EXPECT_THAT(ended.out, Not(HasSubstr("offset 10 ")));
}

}  // namespace
}  // namespace tests
