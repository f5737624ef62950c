// Cycles in Kafka histories: on small random histories the judge agrees with one that follows every
// edge between every two operations; its evidence is a cycle, and the shortest. A Kafka whose
// transactions interleave is accused of nothing that is not allowed, and the same one that shows
// what is not committed is.

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
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

namespace {

namespace history = reports::history;
using history::Anomaly;
using history::HistoryVerdict;
using nlohmann::json;

constexpr std::array<Anomaly, 5> kCycles{Anomaly::kCircularPolls,
                                         Anomaly::kCircularPollsInProcess,
                                         Anomaly::kCircularPollsInRealTime,
                                         Anomaly::kCircularSends,
                                         Anomaly::kCircularSendsAndPolls};

std::string text_of(const std::vector<json>& lines) {
  std::string text;
  for (const json& line : lines) {
    text += line.dump() + '\n';
  }
  return text;
}

HistoryVerdict judged(const std::vector<json>& lines) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                     ("history-cycles-" + std::to_string(getpid()) + ".jsonl");
  std::ofstream(path, std::ios::binary) << text_of(lines);
  const auto read = history::read_history(path.string());
  std::filesystem::remove(path);
  EXPECT_TRUE(read.has_value()) << read.error().to_string();
  return history::judge(read.value());
}

const history::Findings& of(const HistoryVerdict& verdict, Anomaly anomaly) {
  return verdict.findings[static_cast<std::size_t>(anomaly)];
}

// --- The naive judge
// -------------------------------------------------------------------------------

struct Transaction {
  std::int64_t invoked = 0;  // line; 0: the history does not say
  std::int64_t line = 0;
  std::size_t process = 0;
  std::string type;
  std::map<std::string, std::pair<std::string, std::int64_t>> sends;  // value: key, offset
  std::set<std::string> polls;                                        // values, of any key
};

using Edges = std::vector<std::vector<bool>>;

class Naive {
 public:
  explicit Naive(std::vector<Transaction> transactions) : all_(std::move(transactions)) {
    for (std::size_t a = 0; a < all_.size(); ++a) {
      for (std::size_t b = 0; b < all_.size(); ++b) {
        if (a != b) {
          add(a, b);
        }
      }
    }
  }

  struct Case {
    std::set<std::size_t> members;
    std::size_t shortest = 0;
  };

  std::vector<Case> cases(Anomaly anomaly) {
    const Edges edges = edges_of(anomaly);
    const Edges reach = closure(edges);
    std::vector<Case> found;
    for (std::size_t a = 0; a < all_.size(); ++a) {
      std::set<std::size_t> members;
      for (std::size_t b = 0; b < all_.size(); ++b) {
        if (reach[a][b] && reach[b][a]) {
          members.insert(b);
        }
      }
      const bool is_new =
          std::ranges::none_of(members, [this](auto n) { return used_.contains(n); });
      if (!members.empty() && *members.begin() == a && is_new) {
        found.push_back({.members = members, .shortest = shortest(edges, members)});
      }
    }
    for (const Case& one : found) {
      used_.insert(one.members.begin(), one.members.end());
    }
    return found;
  }

  [[nodiscard]] Edges edges_of(Anomaly anomaly) const {
    switch (anomaly) {
      case Anomaly::kCircularPolls:
        return polls_;
      case Anomaly::kCircularPollsInProcess:
        return either(polls_, processes_);
      case Anomaly::kCircularPollsInRealTime:
        return either(either(polls_, processes_), time_);
      case Anomaly::kCircularSends:
        return sends_;
      default:
        return either(polls_, sends_);
    }
  }

  [[nodiscard]] std::size_t at_line(std::int64_t line) const {
    return static_cast<std::size_t>(std::ranges::find(all_, line, &Transaction::line) -
                                    all_.begin());
  }

 private:
  // Whether it happened: it is acknowledged, or something that it sent was polled by what is.
  [[nodiscard]] bool happened(const Transaction& one) const {
    return one.type == "ok" ||
           (one.type == "info" && std::ranges::any_of(all_, [&one](const Transaction& reader) {
              return reader.type == "ok" &&
                     std::ranges::any_of(one.sends, [&reader](const auto& send) {
                       return reader.polls.contains(send.first);
                     });
            }));
  }

  void add(std::size_t a, std::size_t b) {
    const Transaction& first = all_[a];
    const Transaction& second = all_[b];
    const bool both = happened(first) && happened(second);
    for (const auto& [value, place] : first.sends) {
      if (both && second.polls.contains(value)) {
        polls_[a][b] = true;
      }
      for (const auto& [other, behind] : second.sends) {
        if (both && place.first == behind.first && place.second < behind.second) {
          sends_[a][b] = true;
        }
      }
    }
    const bool ended = first.type == "ok";
    processes_[a][b] = ended && first.process == second.process && first.line < second.line;
    time_[a][b] = ended && first.line < second.invoked;
  }

  [[nodiscard]] static Edges either(Edges left, const Edges& right) {
    for (std::size_t a = 0; a < left.size(); ++a) {
      for (std::size_t b = 0; b < left.size(); ++b) {
        left[a][b] = left[a][b] || right[a][b];
      }
    }
    return left;
  }

  static Edges closure(Edges edges) {
    for (std::size_t middle = 0; middle < edges.size(); ++middle) {
      for (auto& row : edges) {
        for (std::size_t b = 0; row[middle] && b < edges.size(); ++b) {
          row[b] = row[b] || edges[middle][b];
        }
      }
    }
    return edges;
  }

  // Length of the shortest cycle through any of the members.
  static std::size_t shortest(const Edges& edges, const std::set<std::size_t>& members) {
    Edges walks = edges;
    for (std::size_t length = 1;; ++length) {
      if (std::ranges::any_of(members, [&](auto n) { return walks[n][n]; })) {
        return length;
      }
      Edges longer(edges.size(), std::vector<bool>(edges.size()));
      for (std::size_t a = 0; a < edges.size(); ++a) {
        for (std::size_t middle = 0; middle < edges.size(); ++middle) {
          for (std::size_t b = 0; walks[a][middle] && b < edges.size(); ++b) {
            longer[a][b] = longer[a][b] || edges[middle][b];
          }
        }
      }
      walks = std::move(longer);
    }
  }

  std::vector<Transaction> all_;
  Edges polls_ = Edges(all_.size(), std::vector<bool>(all_.size()));
  Edges sends_ = polls_;
  Edges processes_ = polls_;
  Edges time_ = polls_;
  std::set<std::size_t> used_;
};

// --- Random histories, proper or not
// ---------------------------------------------------------------

class Chaos {
 public:
  explicit Chaos(std::uint64_t seed) : engine_(seed), says_invocations_(below(3) != 0) {}

  void run() {
    for (std::size_t left = 4 + below(9); left > 0; --left) {
      begin();
      while (!open_.empty() && below(2) == 0) {
        end();
      }
    }
    while (!open_.empty() && below(8) != 0) {
      end();
    }
    give_up();
    poll_at_random();
    write();
  }

  std::vector<json> lines;
  std::vector<Transaction> transactions;  // as they end

 private:
  std::size_t below(std::size_t bound) { return engine_() % bound; }

  // A busy process cannot begin anything.
  void begin() {
    const std::size_t process = below(5);
    if (open_.contains(process)) {
      return;
    }
    Transaction one{.process = process, .type = "ok", .sends = {}, .polls = {}};
    for (std::size_t left = below(4); left > 0; --left) {
      const std::string key = below(2) == 0 ? "x" : "y";
      const std::string value = std::to_string(++values_);
      one.sends[value] = {key, free_offset(key)};
    }
    if (says_invocations_) {
      one.invoked = next_line();
      lines.push_back({{"process", process}, {"type", "invoke"}, {"f", "txn"}});
    }
    open_[process] = one;
  }

  std::int64_t free_offset(const std::string& key) {
    for (;;) {
      const auto offset = static_cast<std::int64_t>(below(1000));
      if (taken_[key].insert(offset).second) {
        return offset;
      }
    }
  }

  [[nodiscard]] std::int64_t next_line() const { return std::ssize(lines) + 1; }

  void end() {
    auto found = open_.begin();
    std::advance(found, below(open_.size()));
    Transaction& one = found->second;
    const std::size_t luck = below(8);
    one.type = luck == 0 ? "fail" : luck == 1 ? "info" : "ok";
    one.line = next_line();
    lines.push_back({{"process", one.process}, {"type", one.type}, {"f", "txn"}});
    transactions.push_back(one);
    open_.erase(found);
  }

  // An invocation without an end stands for itself, behind all that ended.
  void give_up() {
    for (auto& [process, one] : open_) {
      if (says_invocations_) {
        one.type = "info";
        one.line = one.invoked;
        transactions.push_back(one);
      }
    }
  }

  void poll_at_random() {
    for (Transaction& reader : transactions) {
      for (std::size_t left = below(3); left > 0; --left) {
        const Transaction& writer = transactions[below(transactions.size())];
        if (!writer.sends.empty()) {
          reader.polls.insert(writer.sends.begin()->first);
        }
      }
    }
  }

  void write() {
    std::map<std::string, std::pair<std::string, std::int64_t>> places;
    for (const Transaction& one : transactions) {
      places.insert(one.sends.begin(), one.sends.end());
    }
    for (const Transaction& one : transactions) {
      json value = json::array();
      for (const auto& [sent, place] : one.sends) {
        value.push_back({"send", place.first, {place.second, sent}});
      }
      for (const std::string& polled : one.polls) {
        const auto& [key, offset] = places.at(polled);
        value.push_back({"poll", {{key, json::array({{offset, polled}})}}});
      }
      lines[static_cast<std::size_t>(one.line) - 1]["value"] = value;
    }
  }

  std::mt19937_64 engine_;
  bool says_invocations_;
  std::size_t values_ = 0;
  std::map<std::string, std::set<std::int64_t>> taken_;
  std::map<std::size_t, Transaction> open_;  // by process
};

// The judge goes along a log from message to message, the naive one from each to all behind it.
bool follows_sends(Anomaly anomaly) {
  return anomaly == Anomaly::kCircularSends || anomaly == Anomaly::kCircularSendsAndPolls;
}

// Each line's operation comes before the next one's, and the last before the first.
bool is_cycle(const Naive& naive, Anomaly anomaly, const std::vector<std::int64_t>& lines) {
  const Edges edges = naive.edges_of(anomaly);
  for (std::size_t n = 0; n < lines.size(); ++n) {
    if (!edges[naive.at_line(lines[n])][naive.at_line(lines[(n + 1) % lines.size()])]) {
      return false;
    }
  }
  return !lines.empty();
}

// Empty: the same cases in the same order, each with a cycle that is one, and the shortest.
std::string disagreement(const Naive& naive,
                         Anomaly anomaly,
                         const std::vector<Naive::Case>& expected,
                         const history::Findings& found) {
  if (found.count != std::ssize(expected)) {
    return fmt::format("{} cases instead of {}", found.count, expected.size());
  }
  for (std::size_t n = 0; n < expected.size(); ++n) {
    const history::Evidence& evidence = found.examples[n];
    if (!is_cycle(naive, anomaly, evidence.lines)) {
      return "no cycle: " + evidence.sentence;
    }
    if (!follows_sends(anomaly) && evidence.lines.size() != expected[n].shortest) {
      return fmt::format("one of {} would do: {}", expected[n].shortest, evidence.sentence);
    }
  }
  return {};
}

constexpr std::uint64_t kHistories = 4'000;

TEST(HistoryCycles, AgreeWithAJudgeThatFollowsEveryPair) {
  std::map<Anomaly, int> seen;
  for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
    Chaos chaos(seed);
    chaos.run();
    const HistoryVerdict verdict = judged(chaos.lines);
    Naive naive(chaos.transactions);
    for (const Anomaly anomaly : kCycles) {
      const auto expected = naive.cases(anomaly);
      ASSERT_EQ(disagreement(naive, anomaly, expected, of(verdict, anomaly)), "")
          << to_string(anomaly) << ", seed " << seed << '\n'
          << text_of(chaos.lines);
      seen[anomaly] += expected.empty() ? 0 : 1;
    }
  }
  EXPECT_THAT(seen, testing::Each(testing::Pair(testing::_, testing::Gt(50))));
}

// --- Transactions that interleave
// ------------------------------------------------------------------

enum class Isolation { kReadCommitted, kReadUncommitted };

// Logs of Kafka: a consumer gets no further than the first message whose transaction is open, and
// not what was aborted.
class Transactions {
 public:
  Transactions(std::uint64_t seed, Isolation isolation) : engine_(seed), isolation_(isolation) {}

  std::vector<json> history() {
    for (std::size_t steps = 150; steps > 0; --steps) {
      const std::size_t process = below(4);
      const auto found = open_.find(process);
      if (found == open_.end()) {
        begin(process);
      } else if (below(4) == 0) {
        end(process);
      } else {
        step(found->second, process);
      }
    }
    while (!open_.empty()) {
      end(open_.begin()->first);
    }
    for (const auto& [key, log] : logs_) {
      begin(100);
      std::size_t& place = places_[{100, key}];
      open_.at(100).value.push_back({"poll", {{key, poll(log, place, log.size())}}});
      end(100);
    }
    return std::move(lines_);
  }

 private:
  enum class State { kOpen, kCommitted, kAborted };

  struct Open {
    std::size_t number = 0;
    json value = json::array();
  };

  struct Entry {
    std::string value;
    std::size_t transaction = 0;
  };

  using Log = std::vector<Entry>;

  std::size_t below(std::size_t bound) { return engine_() % bound; }

  void begin(std::size_t process) {
    open_[process] = {.number = states_.size()};
    states_.push_back(State::kOpen);
    lines_.push_back({{"process", process}, {"type", "invoke"}, {"f", "txn"}});
  }

  void step(Open& open, std::size_t process) {
    const std::string key = below(2) == 0 ? "x" : "y";
    if (below(2) == 0) {
      const std::string value = std::to_string(++values_);
      open.value.push_back({"send", key, {logs_[key].size(), value}});
      logs_[key].push_back({.value = value, .transaction = open.number});
      return;
    }
    json messages = poll(logs_[key], places_[{process, key}], 1 + below(4));
    if (!messages.empty()) {
      open.value.push_back({"poll", {{key, std::move(messages)}}});
    }
  }

  json poll(const Log& log, std::size_t& place, std::size_t most) const {
    json messages = json::array();
    for (; place < log.size() && messages.size() < most; ++place) {
      const State state = states_[log[place].transaction];
      if (state == State::kOpen && isolation_ == Isolation::kReadCommitted) {
        break;
      }
      if (state != State::kAborted) {
        messages.push_back({place, log[place].value});
      }
    }
    return messages;
  }

  void end(std::size_t process) {
    Open& open = open_.at(process);
    const bool sends =
        std::ranges::any_of(open.value, [](const json& one) { return one[0] == "send"; });
    const std::size_t luck = sends ? below(10) : 9;
    const char* const type = luck == 0 ? "fail" : luck <= 2 ? "info" : "ok";
    states_[open.number] = luck == 0 || luck == 1 ? State::kAborted : State::kCommitted;
    lines_.push_back({{"process", process}, {"type", type}, {"f", "txn"}, {"value", open.value}});
    open_.erase(process);
  }

  std::mt19937_64 engine_;
  Isolation isolation_;
  std::map<std::string, Log> logs_;
  std::vector<State> states_;         // by number of transaction
  std::map<std::size_t, Open> open_;  // by process
  std::map<std::pair<std::size_t, std::string>, std::size_t> places_;
  std::size_t values_ = 0;
  std::vector<json> lines_;
};

// How many of the histories have a case of it.
std::map<Anomaly, int> anomalies_of(Isolation isolation, std::uint64_t histories) {
  std::map<Anomaly, int> seen;
  for (std::uint64_t seed = 1; seed <= histories; ++seed) {
    const HistoryVerdict verdict = judged(Transactions(seed, isolation).history());
    for (const Anomaly anomaly : kCycles) {
      seen[anomaly] += of(verdict, anomaly).count > 0 ? 1 : 0;
    }
  }
  return seen;
}

TEST(HistoryCycles, TransactionsMayInterleaveAndArePolledInOrder) {
  auto seen = anomalies_of(Isolation::kReadCommitted, 1'000);
  EXPECT_EQ(seen[Anomaly::kCircularPolls], 0);
  EXPECT_EQ(seen[Anomaly::kCircularPollsInProcess], 0);
  EXPECT_EQ(seen[Anomaly::kCircularPollsInRealTime], 0);
  EXPECT_GT(seen[Anomaly::kCircularSends], 100);
  EXPECT_GT(seen[Anomaly::kCircularSendsAndPolls], 10);
}

TEST(HistoryCycles, WhoPollsWhatIsNotCommittedIsConvicted) {
  auto seen = anomalies_of(Isolation::kReadUncommitted, 1'000);
  EXPECT_GT(seen[Anomaly::kCircularPolls], 100);
  EXPECT_GT(seen[Anomaly::kCircularPollsInProcess], 10);
  EXPECT_GT(seen[Anomaly::kCircularPollsInRealTime], 10);
}

}  // namespace
