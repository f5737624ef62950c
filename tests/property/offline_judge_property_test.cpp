// tests/property/offline_judge_property_test.cpp
//
// The offline judge against the definitions of docs/CHECK.md written a second time, in SQL, which
// shares nothing with it but the history; on each history in three formats. Then the comparison
// itself: each of the ways in which such definitions are usually got wrong must make it fail.

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include "reports/check/check.h"
#include "tests/support/temporary_folder.h"

namespace {

namespace check = reports::check;
namespace fs = std::filesystem;
using check::Identity;
using check::Order;
using nlohmann::json;
using reports::AggregateKind;

constexpr int kHistories = 10'000;
constexpr int kHistoriesPerMistake = 2'000;

struct Row {
  std::string partition;
  std::string offset;
  std::string id;
  std::optional<std::string> key;
  std::optional<std::string> value;

  bool operator==(const Row&) const = default;
};

struct History {
  check::Question question;  // without files
  std::vector<Row> inputs;
  std::vector<Row> outputs;

  [[nodiscard]] bool has_null() const {
    const auto null = [](const Row& row) { return !row.key || !row.value; };
    return std::ranges::any_of(inputs, null) || std::ranges::any_of(outputs, null);
  }
};

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : engine_(seed) {}

  std::size_t below(std::size_t bound) { return engine_() % bound; }

  bool one_in(std::size_t times) { return below(times) == 0; }

  History history() {
    History history;
    history.question.identity = static_cast<Identity>(below(3));
    history.question.order = static_cast<Order>(below(3));
    if (one_in(4)) {
      history.question.aggregate =
          one_in(2) ? AggregateKind::kCountByKey : AggregateKind::kSumByKey;
    }
    const bool aggregates = history.question.aggregate != AggregateKind::kNone;
    draw_inputs(history, aggregates);
    if (aggregates) {
      draw_aggregates(history);
    } else {
      draw_outputs(history);
    }
    return history;
  }

  std::mt19937_64& engine() { return engine_; }

 private:
  std::string key() {
    static const std::vector<std::string> keys{
        "a", "b", "", "ключ", "会话", "x,y", "say \"hi\"", "two\nlines", "tab\t", "7", "'"};
    return keys[below(keys.size())];
  }

  std::string value() {
    if (one_in(400)) {
      return std::string(200'000 + below(200'000), 'v');
    }
    static const std::vector<std::string> values{
        "1", "1.0", "", "null", "{\"a\":1}", "é", "e\u0301", "\\", "\r\n", "\x01", "true"};
    return values[below(values.size())];
  }

  std::string amount() {
    static const std::vector<std::string> amounts{
        "0", "1", "-1", "41", "288230376151711744", "-288230376151711744", "007"};
    return amounts[below(amounts.size())];
  }

  std::optional<std::string> or_null(std::string text, bool nulls) {
    return nulls && one_in(5) ? std::nullopt : std::optional(std::move(text));
  }

  // Offsets rise, with gaps; the lines of partitions are mixed.
  void draw_inputs(History& history, bool aggregates) {
    const bool nulls = one_in(6) && !aggregates && history.question.order != Order::kKey;
    std::vector<std::int64_t> next(1 + below(3));
    for (std::size_t left = one_in(20) ? 0 : below(16); left > 0; --left) {
      const std::size_t partition = below(next.size());
      Row row;
      row.partition = std::to_string(partition);
      row.offset = std::to_string(next[partition]);
      row.id = one_in(4) ? std::to_string(history.inputs.size())
                         : fmt::format("{}-会-{}", left, history.inputs.size());
      row.key = or_null(key(), nulls);
      row.value = aggregates ? amount() : or_null(value(), nulls);
      next[partition] += static_cast<std::int64_t>(one_in(4) ? 1 + below(1'000'000'000'000) : 1);
      history.inputs.push_back(std::move(row));
    }
    if (one_in(3)) {
      std::ranges::shuffle(history.inputs, engine_);
    }
  }

  // The inputs, of which some are missing, some repeated, some strange, some out of place.
  void draw_outputs(History& history) {
    const bool damaged = !one_in(4);
    for (const Row& input : history.inputs) {
      if (damaged && one_in(6)) {
        continue;
      }
      for (std::size_t times = damaged && one_in(5) ? 2 + below(3) : 1; times > 0; --times) {
        history.outputs.push_back(input);
      }
      if (damaged && one_in(8)) {
        Row stranger = input;
        stranger.partition = "17";
        stranger.id += "?";
        stranger.key = stranger.key.value_or("") + "?";
        history.outputs.push_back(std::move(stranger));
      }
    }
    for (std::size_t swaps = damaged ? below(4) : 0; swaps > 0 && !history.outputs.empty();
         --swaps) {
      std::swap(history.outputs[below(history.outputs.size())],
                history.outputs[below(history.outputs.size())]);
    }
  }

  static Row aggregate(const std::string& key, std::int64_t value) {
    return {.partition = "", .offset = "", .id = "", .key = key, .value = std::to_string(value)};
  }

  // Some keys several times, of which the last counts.
  void draw_aggregates(History& history) {
    std::map<std::string, std::int64_t> folds;
    for (const Row& input : history.inputs) {
      const bool counts = history.question.aggregate == AggregateKind::kCountByKey;
      folds[*input.key] += counts ? 1 : std::stoll(*input.value);
    }
    if (one_in(4)) {
      folds[key() + "?"] = 3;
    }
    for (const auto& [key, fold] : folds) {
      if (one_in(8)) {
        continue;
      }
      for (std::size_t times = below(3); times > 0; --times) {
        history.outputs.push_back(aggregate(key, static_cast<std::int64_t>(below(4))));
      }
      history.outputs.push_back(aggregate(key, fold + (one_in(8) ? 1 : 0)));
    }
    if (one_in(3)) {
      std::ranges::shuffle(history.outputs, engine_);
    }
  }

  std::mt19937_64 engine_;
};

// Every count of an answer, in the order of kQuery's columns.
using Counts = std::vector<std::int64_t>;

Counts counts_of(const check::Answer& answer) {
  return {answer.inputs,
          answer.outputs,
          answer.output.lost,
          answer.output.duplicated,
          answer.phantom,
          answer.reordered,
          answer.wrong};
}

// The definitions. `identity`, `party` and `rank` are columns that the question names.
constexpr std::string_view kRecords = R"(
WITH
  inputs AS (SELECT n, {identity} AS identity, {party} AS party, {rank} AS rank FROM input),
  outputs AS (SELECT n, {identity} AS identity FROM output),
  wanted AS (SELECT identity, count(*) AS times FROM inputs GROUP BY identity),
  found AS (SELECT identity, count(*) AS times FROM outputs GROUP BY identity),
  surplus AS (SELECT coalesce(found.times, 0) - wanted.times AS times
              FROM wanted LEFT JOIN found USING (identity)),
  origin AS (SELECT identity, party, rank FROM inputs AS i
             WHERE n = (SELECT min(n) FROM inputs WHERE identity = i.identity)),
  firsts AS (SELECT min(o.n) AS n, origin.party, origin.rank
             FROM outputs AS o JOIN origin USING (identity) GROUP BY o.identity)
SELECT (SELECT count(*) FROM input), (SELECT count(*) FROM output),
  (SELECT coalesce(sum(-times), 0) FROM surplus WHERE times < 0),
  (SELECT coalesce(sum(times), 0) FROM surplus WHERE times > 0),
  (SELECT count(*) FROM outputs WHERE identity NOT IN (SELECT identity FROM wanted)),
  (SELECT count(*) FROM firsts AS late
   WHERE EXISTS (SELECT 1 FROM firsts AS early
                 WHERE early.party = late.party AND early.n < late.n AND early.rank > late.rank)),
  0
)";

constexpr std::string_view kAggregates = R"(
WITH
  wanted AS (SELECT key, {fold} AS value FROM input GROUP BY key),
  found AS (SELECT key, CAST(value AS INTEGER) AS value FROM output AS o
            WHERE n = (SELECT max(n) FROM output WHERE key = o.key))
SELECT (SELECT count(*) FROM input), (SELECT count(*) FROM output), 0, 0, 0, 0,
  (SELECT count(*) FROM (SELECT key FROM wanted UNION SELECT key FROM found) AS k
   WHERE (SELECT value FROM wanted WHERE key = k.key)
         IS NOT (SELECT value FROM found WHERE key = k.key))
)";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string query_for(const check::Question& question) {
  if (question.aggregate != AggregateKind::kNone) {
    const bool counts = question.aggregate == AggregateKind::kCountByKey;
    return replaced(
        std::string(kAggregates), "{fold}", counts ? "count(*)" : "sum(CAST(value AS INTEGER))");
  }
  static const std::map<Identity, std::string> identities{
      {Identity::kOffset, "partition || '@' || \"offset\""},
      {Identity::kId, "id"},
      {Identity::kKeyValue, "quote(key) || quote(value)"}};
  static const std::map<Order, std::string> parties{
      {Order::kNone, "n"}, {Order::kPartition, "partition"}, {Order::kKey, "key"}};
  const bool by_offset =
      question.identity == Identity::kOffset && question.order == Order::kPartition;
  std::string query =
      replaced(std::string(kRecords), "{identity}", identities.at(question.identity));
  query = replaced(query, "{party}", parties.at(question.order));
  return replaced(query, "{rank}", by_offset ? "CAST(\"offset\" AS INTEGER)" : "n");
}

class Database {
 public:
  explicit Database(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &handle_), SQLITE_OK);
    run("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF");
    for (const char* const table : {"input", "output"}) {
      run(
          fmt::format("CREATE TABLE {}(n INTEGER PRIMARY KEY, \"partition\", \"offset\", id, key, "
                      "value, note)",
                      table));
    }
  }

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  ~Database() { sqlite3_close(handle_); }

  void run(const std::string& statements) {
    char* error = nullptr;
    sqlite3_exec(handle_, statements.c_str(), nullptr, nullptr, &error);
    EXPECT_EQ(error, nullptr) << error << statements;
    sqlite3_free(error);
  }

  // `typed`: numbers as numbers, where they look like numbers.
  void fill(const History& history, bool typed) {
    run("BEGIN; DELETE FROM input; DELETE FROM output");
    fill("input", history.inputs, typed);
    fill("output", history.outputs, typed);
    run("COMMIT");
  }

  Counts ask(const std::string& query) {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(handle_, query.c_str(), -1, &statement, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle_) << query;
    Counts counts;
    if (sqlite3_step(statement) == SQLITE_ROW) {
      for (int column = 0; column < sqlite3_column_count(statement); ++column) {
        counts.push_back(sqlite3_column_int64(statement, column));
      }
    }
    sqlite3_finalize(statement);
    return counts;
  }

 private:
  void fill(const std::string& table, const std::vector<Row>& rows, bool typed) {
    sqlite3_stmt* statement = nullptr;
    const std::string insert = fmt::format("INSERT INTO {} VALUES (?,?,?,?,?,?,'x')", table);
    sqlite3_prepare_v2(handle_, insert.c_str(), -1, &statement, nullptr);
    int n = 0;
    for (const Row& row : rows) {
      sqlite3_reset(statement);
      sqlite3_bind_int(statement, 1, ++n);
      bind(statement, 2, row.partition, typed);
      bind(statement, 3, row.offset, typed);
      bind(statement, 4, row.id, typed);
      bind(statement, 5, row.key, typed);
      bind(statement, 6, row.value, typed);
      EXPECT_EQ(sqlite3_step(statement), SQLITE_DONE);
    }
    sqlite3_finalize(statement);
  }

  // SQLite reads the text itself when the statement runs.
  static void bind(sqlite3_stmt* statement, int index, const std::string& text, bool typed) {
    if (typed && looks_like_number(text)) {
      sqlite3_bind_int64(statement, index, std::stoll(text));
    } else {
      sqlite3_bind_text(
          statement, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    }
  }

  static void bind(sqlite3_stmt* statement,
                   int index,
                   const std::optional<std::string>& text,
                   bool typed) {
    if (text) {
      bind(statement, index, *text, typed);
    } else {
      sqlite3_bind_null(statement, index);
    }
  }

  static bool looks_like_number(const std::string& text) {
    return !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == text.npos &&
           (text.size() == 1 || text.front() != '0');
  }

  sqlite3* handle_ = nullptr;
};

std::string quoted_csv(const std::string& text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == text.npos) {
    return text;
  }
  return '"' + replaced(text, "\"", "\"\"") + '"';
}

// Removed first: some file systems flush a file that is written over, and wait for it.
std::ofstream new_file(const std::string& path) {
  fs::remove(path);
  return std::ofstream(path, std::ios::binary);
}

// The same history for the judge, in files.
class Files {
 public:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.file(name); }

  check::Question json_lines(const History& history, Draw& draw) const {
    const auto write = [&](const std::string& name, const std::vector<Row>& rows) {
      std::ofstream file = new_file(path(name));
      for (std::size_t n = 0; n < rows.size(); ++n) {
        const bool last = n + 1 == rows.size();
        file << to_json(rows[n], draw) << (last && draw.one_in(2) ? "" : "\n");
        file << (draw.one_in(9) && !last ? " \r\n" : "");
      }
    };
    write("in.jsonl", history.inputs);
    write("out.jsonl", history.outputs);
    return with_files(history, path("in.jsonl"), path("out.jsonl"));
  }

  check::Question csv(const History& history, Draw& draw) const {
    const std::string end = draw.one_in(2) ? "\r\n" : "\n";
    const auto write = [&](const std::string& name, const std::vector<Row>& rows) {
      std::ofstream file = new_file(path(name));
      file << "note,value,key,id,offset,partition" << end;
      for (const Row& row : rows) {
        file << "x," << quoted_csv(*row.value) << ',' << quoted_csv(*row.key) << ','
             << quoted_csv(row.id) << ',' << row.offset << ',' << row.partition << end;
      }
    };
    write("in.csv", history.inputs);
    write("out.csv", history.outputs);
    return with_files(history, path("in.csv"), path("out.csv"));
  }

  [[nodiscard]] check::Question table(const History& history, const std::string& database) const {
    return with_files(history, path(database) + ":input", path(database) + ":output");
  }

 private:
  static check::Question with_files(const History& history,
                                    const std::string& input,
                                    const std::string& output) {
    check::Question question = history.question;
    question.inputs = {input};
    question.outputs = {output};
    return question;
  }

  // Numbers as numbers or as text, with or without blanks and escapes that are not needed.
  static std::string to_json(const Row& row, Draw& draw) {
    json object;
    const auto set = [&](const char* name, const std::optional<std::string>& text) {
      if (!text) {
        object[name] = nullptr;
        return;
      }
      const bool digits = !text->empty() && text->size() < 18 &&
                          (*text == "0" || text->front() != '0') &&
                          text->find_first_not_of("0123456789") == text->npos;
      object[name] = digits && draw.one_in(2) ? json(std::stoull(*text)) : json(*text);
    };
    set("partition", row.partition);
    set("offset", row.offset);
    set("id", row.id);
    set("key", row.key);
    set("value", row.value);
    object["batch"] = {1, "two", nullptr};
    if (row.partition.empty()) {
      object.erase("partition");
    }
    const bool spread = draw.one_in(3);
    return spread ? replaced(object.dump(1, ' ', true), "\n", " ") : object.dump();
  }

  tests::TemporaryFolder folder_;
};

Counts judged(const check::Question& question) {
  const auto answer = check::check(question, [](const std::string&) {});
  EXPECT_TRUE(answer.has_value()) << answer.error().to_string();
  return answer ? counts_of(*answer) : Counts{};
}

TEST(OfflineJudgeProperty, AgreesWithTheDefinitionsInSqlOnEveryFormat) {
  const Files files;
  Database naive(":memory:");
  Database typed(files.path("typed.db"));
  std::map<std::size_t, int> nonzero;
  for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
    Draw draw(seed);
    const History history = draw.history();
    naive.fill(history, false);
    const Counts expected = naive.ask(query_for(history.question));

    ASSERT_EQ(judged(files.json_lines(history, draw)), expected) << "seed " << seed;
    if (seed % 2 == 0 && !history.has_null()) {
      ASSERT_EQ(judged(files.csv(history, draw)), expected) << "seed " << seed;
    }
    if (seed % 4 == 0) {
      typed.fill(history, true);
      ASSERT_EQ(judged(files.table(history, "typed.db")), expected) << "seed " << seed;
    }
    for (std::size_t n = 0; n < expected.size(); ++n) {
      nonzero[n] += expected[n] > 0 ? 1 : 0;
    }
  }
  for (std::size_t n = 0; n < 7; ++n) {
    EXPECT_GT(nonzero[n], kHistories / 50) << "column " << n;
  }
}

// What a careless judge would say: a part of the definitions, and what stands there instead.
struct Mistake {
  std::string_view name;
  std::string_view right;
  std::string_view wrong;
};

constexpr Mistake kMistakes[] = {
    {"surplus counted as k",
     "coalesce(sum(times), 0) FROM surplus",
     "coalesce(sum(times + 1), 0) FROM surplus"},
    {"duplicated identities, not outputs",
     "coalesce(sum(times), 0) FROM surplus",
     "count(*) FROM surplus"},
    {"lost identities, not inputs", "coalesce(sum(-times), 0)", "count(*)"},
    {"phantom identities, not outputs",
     "SELECT count(*) FROM outputs WHERE",
     "SELECT count(DISTINCT identity) FROM outputs WHERE"},
    {"repeats are reordered, too",
     "SELECT min(o.n) AS n, origin.party, origin.rank",
     "SELECT o.n AS n, origin.party, origin.rank"},
    {"last occurrences", "SELECT min(o.n) AS n, origin", "SELECT max(o.n) AS n, origin"},
    {"order across groups", "early.party = late.party AND ", ""},
    {"those that others overtook",
     "early.n < late.n AND early.rank > late.rank",
     "early.n > late.n AND early.rank < late.rank"},
    {"rank of the last alike input",
     "SELECT min(n) FROM inputs WHERE identity",
     "SELECT max(n) FROM inputs WHERE identity"},
    {"value left out of the identity", "quote(key) || quote(value)", "quote(key)"},
    {"null is empty",
     "quote(key) || quote(value)",
     "quote(coalesce(key, '')) || quote(coalesce(value, ''))"},
    {"partition left out of the identity", "partition || '@' || \"offset\"", "\"offset\""},
    {"offsets ordered as text", "CAST(\"offset\" AS INTEGER)", "\"offset\""},
    {"the first value of a key wins",
     "SELECT max(n) FROM output WHERE key",
     "SELECT min(n) FROM output WHERE key"},
    {"keys without output are spared",
     "SELECT key FROM wanted UNION SELECT key FROM found",
     "SELECT key FROM found"},
    {"keys without input are spared",
     "SELECT key FROM wanted UNION SELECT key FROM found",
     "SELECT key FROM wanted"},
};

class MistakenJudge : public testing::TestWithParam<Mistake> {};

TEST_P(MistakenJudge, IsCaughtByTheComparison) {
  const Files files;
  Database naive(":memory:");
  int disagreements = 0;
  for (std::uint64_t seed = 1; seed <= kHistoriesPerMistake && disagreements == 0; ++seed) {
    Draw draw(seed);
    const History history = draw.history();
    naive.fill(history, false);
    std::string query = query_for(history.question);
    query = GetParam().name == "repeats are reordered, too"
                ? replaced(query, "GROUP BY o.identity)", ")")
                : query;
    query = replaced(query, GetParam().right, GetParam().wrong);
    disagreements += judged(files.json_lines(history, draw)) == naive.ask(query) ? 0 : 1;
  }
  EXPECT_GT(disagreements, 0) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(All, MistakenJudge, testing::ValuesIn(kMistakes));

// Damaged files are refused at a place that exists, or still mean something; nothing else happens.
class DamagedFile : public testing::TestWithParam<std::string> {};

std::string damaged(std::string text, Draw& draw) {
  static constexpr std::string_view kBytes("{}[]:,\"\\-0e\n\r\t x\x01\x80\xc3\xf0\xff\0", 22);
  for (std::size_t times = 1 + draw.below(3); times > 0; --times) {
    const std::size_t at = draw.below(text.size() + 1);
    const char byte = kBytes[draw.below(kBytes.size())];
    switch (draw.below(4)) {
      case 0:
        text.insert(at, 1, byte);
        break;
      case 1:
        text.erase(at, 1 + draw.below(4));
        break;
      case 2:
        text.resize(at);
        break;
      default:
        if (at < text.size()) {
          text[at] = byte;
        }
    }
  }
  return text;
}

TEST_P(DamagedFile, IsRefusedAtAPlaceOrStillMeansSomething) {
  const bool is_csv = GetParam() == "csv";
  const Files files;
  int refused = 0;
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    Draw draw(seed);
    History history = draw.history();
    if (history.has_null()) {
      continue;
    }
    const check::Question question =
        is_csv ? files.csv(history, draw) : files.json_lines(history, draw);
    const std::string& path = draw.one_in(2) ? question.inputs[0] : question.outputs[0];
    std::ifstream file(path, std::ios::binary);
    const std::string text =
        damaged({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()}, draw);
    new_file(path) << text;

    const auto answer = check::check(question, [](const std::string&) {});

    if (answer) {
      continue;
    }
    ++refused;
    const auto& refusal = answer.error();
    const auto lines = 1 + std::ranges::count(text, '\n');
    ASSERT_EQ(refusal.file, path) << refusal.to_string();
    ASSERT_GE(refusal.line, 1) << refusal.to_string();
    ASSERT_LE(refusal.line, lines) << refusal.to_string();
    ASSERT_GE(refusal.column, 1) << refusal.to_string();
    ASSERT_LE(refusal.column, static_cast<std::int64_t>(text.size()) + 1) << refusal.to_string();
    ASSERT_NE(refusal.message, "");
  }
  EXPECT_GT(refused, 500);
}

INSTANTIATE_TEST_SUITE_P(Formats, DamagedFile, testing::Values("jsonl", "csv"));

}  // namespace
