// The judge of Kafka histories: each example of docs/CHECK.md is convicted of exactly its anomaly
// and its twin of none; a log that is kept properly is never accused, whatever its clients do; each
// damage to one is convicted; and what is no history is refused where it stops being one.

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reports/history/answer.h"
#include "reports/history/history_reader.h"
#include "reports/history/verdict.h"
#include "tests/support/temporary_folder.h"

namespace {

namespace fs = std::filesystem;
namespace history = reports::history;
using history::HistoryVerdict;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;

class Files {
 public:
  // Removed first: some file systems flush a file that is written over, and wait for it.
  [[nodiscard]] std::string write(const std::string& text) const {
    const fs::path path = folder_.path() / "h.jsonl";
    fs::remove(path);
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

 private:
  tests::TemporaryFolder folder_;
};

const Files& files() {
  static const Files files;
  return files;
}

HistoryVerdict judged(const std::string& text) {
  const auto read = history::read_history(files().write(text));
  EXPECT_TRUE(read.has_value()) << read.error().to_string() << '\n' << text;
  return history::judge(read.value());
}

std::vector<std::string> names_in(const HistoryVerdict& verdict) {
  std::vector<std::string> names;
  for (std::size_t n = 0; n < verdict.findings.size(); ++n) {
    if (verdict.findings[n].count > 0) {
      names.emplace_back(history::kAnomalyNames[n]);
    }
  }
  return names;
}

std::vector<std::string> names_in(const std::string& text) {
  return names_in(judged(text));
}

// Behind the file's name.
std::string refusal_of(const std::string& text) {
  const auto read = history::read_history(files().write(text));
  if (read) {
    return "accepted";
  }
  const std::string sentence = read.error().to_string();
  return sentence.substr(sentence.find(".jsonl:") + 7);
}

constexpr const char* kDocument = ONCEPROOF_SOURCE_DIR "/docs/CHECK.md";

// The two histories below each heading of the document.
std::map<std::string, std::vector<std::string>> examples() {
  std::ifstream document(kDocument);
  std::map<std::string, std::vector<std::string>> examples;
  std::string heading;
  bool inside = false;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("#### ")) {
      heading = line.substr(5);
    } else if (line.starts_with("```") && !heading.empty()) {
      inside = !inside;
      if (inside) {
        examples[heading].emplace_back();
      }
    } else if (inside) {
      examples[heading].back() += line + '\n';
    }
  }
  return examples;
}

TEST(KafkaHistory, EachExampleHasItsAnomalyAndItsTwinHasNone) {
  const auto all = examples();
  EXPECT_EQ(all.size(), history::kAnomalyNames.size());
  for (const std::string_view name : history::kAnomalyNames) {
    const auto found = all.find(std::string(name));
    ASSERT_NE(found, all.end()) << name;
    ASSERT_EQ(found->second.size(), 2) << name;
    EXPECT_THAT(names_in(found->second[0]), ElementsAre(std::string(name)));
    EXPECT_THAT(names_in(found->second[1]), IsEmpty()) << name;
    const bool is_allowed = name == "int-send-skip" || name == "G0" || name == "G1c-ww";
    EXPECT_EQ(judged(found->second[0]).is_valid(), is_allowed) << name;
  }
}

TEST(KafkaHistory, SaysWhatShowsIt) {
  const auto all = examples();
  const HistoryVerdict verdict = judged(all.at("lost-write")[0]);
  const std::string text = history::terminal_answer(verdict);
  EXPECT_EQ(text,
            "history                not valid\n"
            "operations             3\n"
            "lost-write             1\n"
            "lost-write: key \"x\": \"a\", sent in line 1 to offset 0, was never polled; \"c\" at "
            "offset 1 was, in line 3\n");
  std::stringstream document;
  document << std::ifstream(kDocument).rdbuf();
  std::istringstream printed(text);
  for (std::string line; std::getline(printed, line);) {
    EXPECT_THAT(document.str(), HasSubstr("\n    " + line + "\n"));
  }
  const json answer = json::parse(history::json_answer(verdict));
  EXPECT_EQ(answer["valid"], false);
  ASSERT_EQ(answer["anomalies"].size(), 1);
  EXPECT_EQ(answer["anomalies"][0]["name"], "lost-write");
  EXPECT_EQ(answer["anomalies"][0]["examples"][0]["lines"], json::parse("[1,3]"));
  EXPECT_THAT(history::terminal_answer(judged(all.at("poll-skip")[0])),
              HasSubstr("line 2 polls \"a\" and line 3 \"c\": between them is offset 1\n"));
  EXPECT_THAT(history::terminal_answer(judged(all.at("nonmonotonic-poll")[0])),
              HasSubstr("line 1 polls \"b\" at offset 1, then line 2 \"a\" at offset 0\n"));
}

TEST(KafkaHistory, SaysWhatGoesRoundInCircles) {
  const auto all = examples();
  const auto sentence = [&all](const std::string& name) {
    const HistoryVerdict verdict = judged(all.at(name)[0]);
    const std::string text = history::terminal_answer(verdict);
    return text.substr(text.find(name + ": ") + name.size() + 2);
  };
  EXPECT_EQ(sentence("G1c"),
            "line 1 sends \"a\" to key \"x\" and line 2 polls it; "
            "line 2 sends \"b\" to key \"y\" and line 1 polls it\n");
  EXPECT_EQ(sentence("G1c-process"),
            "line 1 and then line 2 are of one process; "
            "line 2 sends \"a\" to key \"x\" and line 3 polls it; "
            "line 3 sends \"b\" to key \"y\" and line 1 polls it\n");
  EXPECT_EQ(sentence("G1c-realtime"),
            "line 2 ends before line 4 begins, in line 3; "
            "line 4 sends \"a\" to key \"x\" and line 5 polls it; "
            "line 5 sends \"b\" to key \"y\" and line 2 polls it\n");
  EXPECT_EQ(sentence("G0"),
            "line 1 sends to key \"x\" and line 2 sends \"c\" behind that; "
            "line 2 sends to key \"y\" and line 1 sends \"b\" behind that\n");
  const json answer = json::parse(history::json_answer(judged(all.at("G1c")[0])));
  EXPECT_EQ(answer["anomalies"][0]["examples"][0]["key"], nullptr);
  EXPECT_EQ(answer["anomalies"][0]["examples"][0]["values"], json::parse(R"(["a","b"])"));
  EXPECT_EQ(answer["anomalies"][0]["examples"][0]["lines"], json::parse("[1,2]"));
}

TEST(KafkaHistory, SubscribersMayBeRebalancedBetweenPolls) {
  const std::string text = R"({"process":7,"type":"ok","f":"subscribe","value":["x"]})"
                           "\n";
  for (const char* const name : {"poll-skip", "nonmonotonic-poll"}) {
    const HistoryVerdict verdict = judged(text + examples().at(name)[0]);
    EXPECT_THAT(names_in(verdict), ElementsAre(std::string(name)));
    EXPECT_TRUE(verdict.is_valid());
  }
}

TEST(KafkaHistory, InvocationsLendTheirValueAndMayStayOpen) {
  const std::string send = R"({"process":0,"type":"invoke","f":"send","value":[["send","x","a"]]})"
                           "\n";
  const std::string poll =
      R"({"process":1,"type":"ok","f":"poll","value":[["poll",{"x":[[0,"a"]]}]]})"
      "\n";
  EXPECT_THAT(names_in(send + poll), IsEmpty());
  EXPECT_THAT(
      names_in(send + R"({"process":0,"type":"fail","f":"send","value":null})" + "\n" + poll),
      ElementsAre("G1a"));
  EXPECT_THAT(names_in(send + R"({"process":0,"type":"ok","f":"send"})"), ElementsAre("unseen"));
}

// Each value once in each key: a digest that mixed them up would see one sent twice.
TEST(KafkaHistory, EqualValuesOfDifferentKeysAreDifferentMessages) {
  std::string text;
  for (int value = 0; value < 30'000; ++value) {
    for (int key = 0; key < 8; ++key) {
      text += fmt::format(
          "{{\"process\":0,\"type\":\"ok\",\"f\":\"send\",\"value\":[[\"send\",{},[{},{}]]]}}\n",
          key,
          value,
          value);
    }
  }
  EXPECT_THAT(names_in(text), ElementsAre("unseen"));
}

TEST(KafkaHistory, RefusesWhatIsNoHistoryWithItsPlace) {
  EXPECT_EQ(refusal_of("{\"process\":0,\"type\":\"done\"}"),
            "1:21: type \"done\" is not known: what is accepted is ok, fail, info, invoke");
  EXPECT_EQ(
      refusal_of("\n{\"process\":0,\"type\":\"ok\",\"f\":\"read\"}"),
      "2:30: f \"read\" is not known: what is accepted is send, poll, txn, assign, subscribe, "
      "crash, debug-topic-partitions");
  EXPECT_EQ(refusal_of("{\"process\":0,\"f\":\"poll\"}"), "1:1: the operation has no \"type\"");
  EXPECT_EQ(refusal_of("{\"process\":0,\"type\":\"ok\"}"), "1:1: the operation has no \"f\"");
  EXPECT_EQ(refusal_of("{\"process\":0.5}"), "1:12: a process has a whole number, not 0.5");
  const auto with_value = [](const std::string& f, const std::string& value) {
    return refusal_of(R"({"process":0,"type":"ok","f":")" + f + R"(","value":)" + value + "}");
  };
  EXPECT_EQ(with_value("send", "[[\"put\",1,2]]"),
            "1:47: micro-operation \"put\" is not known: what is accepted is send, poll");
  EXPECT_EQ(with_value("send", "[[\"send\",1]]"), "1:46: a send has a value");
  EXPECT_EQ(with_value("send", "[[\"send\",1,[-1,2]]]"),
            "1:57: an offset is a whole number from 0, or null, not \"-1\"");
  EXPECT_EQ(with_value("send", "[[\"send\",1,[0]]]"), "1:56: a message is [OFFSET, VALUE]");
  EXPECT_EQ(with_value("poll", "[[\"poll\",[1]]]"), "1:54: expected a JSON object, found \"[\"");
  EXPECT_EQ(with_value("poll", "[3]"), "1:1: poll takes a list of micro-operations");
  EXPECT_EQ(with_value("assign", "[[\"poll\"]]"), "1:1: assign takes a list of keys");
  const std::string send = R"({"process":0,"type":"ok","f":"send","value":[["send","x","a"]]})"
                           "\n";
  EXPECT_EQ(
      refusal_of(send + send),
      "2:58: \"a\" was sent to key \"x\" in line 1 already: the values of a key must be unique");
  EXPECT_EQ(refusal_of("{\"process\":3,\"type\":\"invoke\",\"f\":\"poll\"}\n"
                       "{\"process\":3,\"type\":\"invoke\",\"f\":\"poll\"}\n"),
            "2:1: process 3 is busy with what it began in line 1");
  EXPECT_EQ(refusal_of("{\"process\":\"nemesis\",\"type\":\"info\",\"f\":\"start-partition\"}"),
            "accepted");
}

// A Kafka that keeps its promises, and clients that do everything they may.
class Cluster {
 public:
  explicit Cluster(std::uint64_t seed) : engine_(seed), logs_(1 + below(3)) {}

  std::size_t below(std::size_t bound) { return engine_() % bound; }

  std::vector<json> history() {
    for (std::size_t left = 30 + below(40); left > 0; --left) {
      const std::size_t process = below(4);
      if (below(10) == 0) {
        assign(process);
      } else {
        transact(process);
      }
    }
    for (std::size_t key = 0; key < logs_.size(); ++key) {
      json all = json::array();
      for (const auto& [offset, value] : logs_[key]) {
        all.push_back({offset, value});
      }
      add(100 + key, "poll", "ok", json::array({{"poll", {{name(key), all}}}}));
    }
    return std::move(lines_);
  }

 private:
  static std::string name(std::size_t key) { return fmt::format("k{}", key); }

  void add(std::size_t process, const char* f, const char* type, json value) {
    lines_.push_back({{"process", process}, {"type", type}, {"f", f}, {"value", std::move(value)}});
  }

  // What remains assigned is read on from where it was.
  void assign(std::size_t process) {
    json keys = json::array();
    std::map<std::size_t, std::size_t>& places = places_[process];
    for (std::size_t key = 0; key < logs_.size(); ++key) {
      if (below(2) == 0) {
        keys.push_back(name(key));
        places.emplace(key, below(logs_[key].size() + 1));
      } else {
        places.erase(key);
      }
    }
    add(process, "assign", "ok", std::move(keys));
  }

  void transact(std::size_t process) {
    const std::size_t luck = below(10);
    const char* const type = luck == 0 ? "fail" : luck == 1 ? "info" : "ok";
    const bool commits = luck != 0 && (luck != 1 || below(2) == 0);
    const auto before = places_[process];
    add(process, "txn", "invoke", json::array({json::array({"poll"})}));
    json value = json::array();
    for (std::size_t left = 1 + below(3); left > 0; --left) {
      value.push_back(below(2) == 0 ? poll(process) : send(commits, luck > 1));
    }
    if (luck <= 1) {
      places_[process] = before;
    }
    add(process, "txn", type, std::move(value));
    for (auto& [key, entry] : uncommitted_) {
      logs_[key].push_back(std::move(entry));
    }
    uncommitted_.clear();
  }

  json send(bool commits, bool is_known) {
    const std::size_t key = below(logs_.size());
    const std::string value = fmt::format("v{}", ++values_);
    if (!commits) {
      return {"send", name(key), value};
    }
    next_offset_[key] += 1 + below(3);
    uncommitted_.push_back({key, {next_offset_[key], value}});
    if (!is_known && below(2) == 0) {
      return {"send", name(key), value};
    }
    return {"send", name(key), {next_offset_[key], value}};
  }

  json poll(std::size_t process) {
    json polled = json::object();
    for (auto& [key, place] : places_[process]) {
      json messages = json::array();
      for (std::size_t left = below(4); left > 0 && place < logs_[key].size(); --left, ++place) {
        messages.push_back({logs_[key][place].first, logs_[key][place].second});
      }
      if (!messages.empty()) {
        polled[name(key)] = std::move(messages);
      }
    }
    return {"poll", std::move(polled)};
  }

  using Entry = std::pair<std::size_t, std::string>;  // offset, value

  std::mt19937_64 engine_;
  std::vector<std::vector<Entry>> logs_;
  std::map<std::size_t, std::size_t> next_offset_;
  std::map<std::size_t, std::map<std::size_t, std::size_t>> places_;  // by process and key
  std::vector<std::pair<std::size_t, Entry>> uncommitted_;
  std::size_t values_ = 0;
  std::vector<json> lines_;
};

std::string text_of(const std::vector<json>& lines) {
  std::string text;
  for (const json& line : lines) {
    text += line.dump() + '\n';
  }
  return text;
}

constexpr std::uint64_t kHistories = 2'000;

// Others send between the sends of an operation: that is allowed and happens here, too.
TEST(KafkaHistory, ProperLogsAreNotAccused) {
  for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
    const std::vector<json> lines = Cluster(seed).history();
    ASSERT_THAT(names_in(text_of(lines)), IsEmpty()) << "seed " << seed << '\n' << text_of(lines);
  }
}

// The messages of a line that polls one key.
json& messages_of(json& line) {
  return line["value"][0][1].begin().value();
}

// The first of the polls of a whole key, at the end, that has at least `count` messages.
json* long_poll(std::vector<json>& lines, std::size_t count) {
  for (json& line : lines) {
    if (line["process"].get<int>() >= 100 && messages_of(line).size() >= count) {
      return &line;
    }
  }
  return nullptr;
}

struct Damage {
  const char* anomaly;
  bool (*apply)(std::vector<json>& lines);  // false: this history has nothing to damage
};

json without(const json& messages, const json& value) {
  json kept = json::array();
  for (const json& message : messages) {
    if (message[1] != value) {
      kept.push_back(message);
    }
  }
  return kept;
}

// Takes `value` out of every poll but those of other values.
void forget(std::vector<json>& lines, const json& value) {
  for (json& line : lines) {
    if (line["f"] == "assign") {
      continue;
    }
    for (json& operation : line["value"]) {
      if (operation[0] != "poll" || operation.size() == 1) {
        continue;
      }
      for (auto& messages : operation[1]) {
        messages = without(messages, value);
      }
    }
  }
}

bool was_acknowledged(const std::vector<json>& lines, const json& value) {
  return std::ranges::any_of(lines, [&](const json& line) {
    return line["type"] == "ok" && line["f"] != "assign" &&
           std::ranges::any_of(line["value"], [&](const json& operation) {
             return operation[0] == "send" && operation[2][1] == value;
           });
  });
}

const std::array kDamages{
    Damage{"inconsistent-offsets",
           [](std::vector<json>& lines) {
             const json* const line = long_poll(lines, 1);
             if (line == nullptr) {
               return false;
             }
             json again = *line;
             messages_of(again)[0][1] = "strange";
             again["process"] = 200;
             lines.push_back(std::move(again));
             return true;
           }},
    Damage{"duplicate",
           [](std::vector<json>& lines) {
             json* const line = long_poll(lines, 1);
             if (line != nullptr) {
               messages_of(*line).push_back({1'000'000, messages_of(*line)[0][1]});
             }
             return line != nullptr;
           }},
    Damage{"lost-write",
           [](std::vector<json>& lines) {
             json* const line = long_poll(lines, 3);
             const json value = line == nullptr ? json() : messages_of(*line)[1][1];
             forget(lines, value);
             return line != nullptr && was_acknowledged(lines, value);
           }},
    Damage{"unseen",
           [](std::vector<json>& lines) {
             json* const line = long_poll(lines, 1);
             const json value = line == nullptr ? json() : messages_of(*line).back()[1];
             forget(lines, value);
             return line != nullptr && was_acknowledged(lines, value);
           }},
    Damage{"int-nonmonotonic-poll",
           [](std::vector<json>& lines) {
             json* const line = long_poll(lines, 2);
             if (line != nullptr) {
               std::swap(messages_of(*line)[0], messages_of(*line)[1]);
             }
             return line != nullptr;
           }},
    Damage{"int-poll-skip",
           [](std::vector<json>& lines) {
             const json* const line = long_poll(lines, 3);
             if (line == nullptr) {
               return false;
             }
             json again = *line;
             messages_of(again).erase(1);
             again["process"] = 200;
             lines.push_back(std::move(again));
             return true;
           }},
    Damage{"nonmonotonic-poll",
           [](std::vector<json>& lines) {
             const json* const line = long_poll(lines, 1);
             if (line == nullptr) {
               return false;
             }
             json again = *line;
             lines.push_back(std::move(again));
             return true;
           }},
    Damage{"poll-skip",
           [](std::vector<json>& lines) {
             const json* const line = long_poll(lines, 3);
             if (line == nullptr) {
               return false;
             }
             const json whole = *line;
             for (const std::size_t n : {std::size_t{0}, std::size_t{2}}) {
               json part = whole;
               messages_of(part) = json::array({messages_of(part)[n]});
               part["process"] = 200;
               lines.push_back(std::move(part));
             }
             return true;
           }},
    Damage{"G1a",
           [](std::vector<json>& lines) {
             json* const polled = long_poll(lines, 1);
             if (polled == nullptr) {
               return false;
             }
             const json value = messages_of(*polled)[0][1];
             for (json& line : lines) {
               if (line["f"] == "assign") {
                 continue;
               }
               for (json& operation : line["value"]) {
                 const bool sends = operation[0] == "send" &&
                                    (operation[2] == value ||
                                     (operation[2].is_array() && operation[2][1] == value));
                 if (sends) {
                   line["type"] = "fail";
                 }
               }
             }
             return true;
           }},
};

class DamagedLog : public testing::TestWithParam<Damage> {};

TEST_P(DamagedLog, IsConvicted) {
  int damaged = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    std::vector<json> lines = Cluster(seed).history();
    if (!GetParam().apply(lines)) {
      continue;
    }
    ++damaged;
    ASSERT_THAT(names_in(text_of(lines)), IsSupersetOf({std::string(GetParam().anomaly)}))
        << "seed " << seed << '\n'
        << text_of(lines);
  }
  EXPECT_GT(damaged, 40);
}

INSTANTIATE_TEST_SUITE_P(All, DamagedLog, testing::ValuesIn(kDamages), [](const auto& test) {
  std::string name = test.param.anomaly;
  std::erase(name, '-');
  return name;
});

TEST(KafkaHistory, DamagedLinesAreRefusedAtAPlaceOrStillMeanSomething) {
  int refused = 0;
  for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
    Cluster cluster(seed);
    std::string text = text_of(cluster.history());
    for (std::size_t times = 1 + cluster.below(3); times > 0; --times) {
      static constexpr std::string_view kBytes = "{}[]:,\"\\-0e\n x\x01\x80\xff";
      text[cluster.below(text.size())] = kBytes[cluster.below(kBytes.size())];
    }
    const auto read = history::read_history(files().write(text));
    if (read) {
      history::judge(*read);
      continue;
    }
    ++refused;
    ASSERT_GE(read.error().line, 1);
    ASSERT_LE(read.error().line, 1 + std::ranges::count(text, '\n'));
    ASSERT_GE(read.error().column, 1);
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
