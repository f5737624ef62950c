#include "reports/pages/run_data.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/pages/columns.h"

namespace reports {
namespace {

using Json = nlohmann::ordered_json;

enum class Kind : std::uint8_t { kInteger, kText };

struct ColumnName {
  std::string_view name;
  Kind kind = Kind::kInteger;
};

constexpr Kind kText = Kind::kText;

// Points and messages by what they tell, the most telling first. A class has what is left of the
// room, and the earliest of it.
constexpr std::array<std::string_view, 6> kClasses{"lives and failures",
                                                   "points of the driver",
                                                   "points of tasks",
                                                   "points of receivers",
                                                   "messages",
                                                   "heartbeats"};
constexpr std::size_t kEventClasses = 4;  // the others are messages

constexpr std::string_view kEventClass = R"sql(
  CASE WHEN point LIKE 'process.%' OR point LIKE '%.failed' THEN 0
       WHEN point LIKE 'task.%' THEN 2
       WHEN point LIKE 'receiver.%' THEN 3
       ELSE 1 END)sql";
constexpr std::string_view kMessageClass = "CASE kind WHEN 'heartbeat' THEN 1 ELSE 0 END";

std::int64_t count(sql::Database& database, std::string_view table, std::int64_t run_id) {
  sql::Statement query(database, fmt::format("SELECT count(*) FROM {} WHERE run_id = ?", table));
  query.start(run_id);
  query.step();
  return query.integer(0);
}

class RunReader {
 public:
  RunReader(sql::Database& database, const RunSummary& run, const PageLimits& limits)
      : database_(database), run_(run), limits_(limits) {}

  RunData read() {
    data_["run"] = {{"id", run_.run_id},
                    {"scenario", run_.scenario},
                    {"token", run_.token},
                    {"endedAt", run_.virtual_us}};
    data_["figures"] = figures();
    data_["batchInterval"] = batch_interval();
    data_["faults"] = faults();
    read_happenings();
    read_plans();
    read_records();
    read_positions();
    leave_out("texts in full", texts_.shortened_count());
    data_["texts"] = texts_.texts();
    return {.json = data_.dump(-1, ' ', false, Json::error_handler_t::replace),
            .left_out = std::move(left_out_)};
  }

 private:
  static constexpr std::array<ColumnName, 8> kEvents{{{"at"},
                                                      {"process", kText},
                                                      {"life"},
                                                      {"point", kText},
                                                      {"batch"},
                                                      {"task"},
                                                      {"attempt"},
                                                      {"error", kText}}};
  static constexpr std::array<ColumnName, 14> kMessages{{{"sent"},
                                                         {"kind", kText},
                                                         {"from", kText},
                                                         {"fromLife"},
                                                         {"to", kText},
                                                         {"toLife"},
                                                         {"took"},
                                                         {"fate", kText},
                                                         {"batch"},
                                                         {"task"},
                                                         {"attempt"},
                                                         {"block", kText},
                                                         {"ranges", kText},
                                                         {"error", kText}}};
  static constexpr std::array<ColumnName, 9> kPlans{{{"batch"},
                                                     {"life"},
                                                     {"task"},
                                                     {"block", kText},
                                                     {"partition"},
                                                     {"from"},
                                                     {"until"},
                                                     {"executed"},
                                                     {"completed"}}};
  static constexpr std::array<ColumnName, 8> kInputs{{{"id"},
                                                      {"partition"},
                                                      {"offset"},
                                                      {"key", kText},
                                                      {"value", kText},
                                                      {"produced"},
                                                      {"expected"},
                                                      {"shows"}}};
  static constexpr std::array<ColumnName, 14> kOutputs{{{"n"},
                                                        {"record"},
                                                        {"partition"},
                                                        {"offset"},
                                                        {"ordinal"},
                                                        {"key", kText},
                                                        {"value", kText},
                                                        {"batch"},
                                                        {"task"},
                                                        {"attempt"},
                                                        {"process", kText},
                                                        {"life"},
                                                        {"written"},
                                                        {"shows"}}};
  static constexpr std::array<ColumnName, 5> kPositions{
      {{"at"}, {"process", kText}, {"life"}, {"partition"}, {"until"}}};

  [[nodiscard]] Json figures() const {
    const auto stage = [](const StageFigures& figures) {
      return Json{{"guarantee", figures.guarantee},
                  {"lost", figures.lost},
                  {"duplicated", figures.duplicated}};
    };
    return {{"received", stage(run_.received)},
            {"processed", stage(run_.processed)},
            {"output", stage(run_.output)},
            {"phantom", run_.phantom},
            {"reordered", run_.reordered},
            {"wrong", run_.wrong},
            {"inputs", run_.inputs},
            {"outputs", run_.outputs}};
  }

  // 0: the recording does not say.
  std::int64_t batch_interval() {
    if (!database_.has_table("run_text")) {
      return 0;
    }
    sql::Statement query(database_,
                         "SELECT CAST(text AS INTEGER) FROM run_text "
                         "WHERE run_id = ? AND name = 'batch_interval_us'");
    query.start(run_.run_id);
    return query.step() ? query.integer(0) : 0;
  }

  [[nodiscard]] Json faults() const {
    Json faults = Json::array();
    for (const FaultLine& fault : run_.faults) {
      faults.push_back({{"words", fault.words},
                        {"at", fault.struck_us ? Json(*fault.struck_us) : Json(nullptr)}});
    }
    return faults;
  }

  // Columns and rows as `names` and the query have them; NULL is -1, and an empty text.
  template <class... Values>
  void read_table(std::string_view name,
                  std::string_view statement,
                  std::span<const ColumnName> names,
                  const Values&... values) {
    std::vector<Column> columns(names.size());
    std::int64_t rows = 0;
    sql::Statement query(database_, statement);
    for (query.start(values...); query.step(); ++rows) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        const int place = static_cast<int>(i);
        if (names[i].kind == Kind::kText) {
          columns[i].add(texts_.number_of(query.bytes(place)));
        } else {
          columns[i].add(query.is_null(place) ? -1 : query.integer(place));
        }
      }
    }
    Json& table = data_[std::string(name)];
    table["rows"] = rows;
    for (std::size_t i = 0; i < names.size(); ++i) {
      table[std::string(names[i].name)] = columns[i].text();
    }
  }

  void leave_out(std::string_view what, std::int64_t count) {
    if (count > 0) {
      left_out_.push_back({.what = std::string(what), .count = count});
    }
  }

  // How many rows of each class there are.
  std::map<std::int64_t, std::int64_t> classes(std::string_view table, std::string_view class_of) {
    std::map<std::int64_t, std::int64_t> counts;
    sql::Statement query(
        database_,
        fmt::format("SELECT {}, count(*) FROM {} WHERE run_id = ? GROUP BY 1", class_of, table));
    for (query.start(run_.run_id); query.step();) {
      counts[query.integer(0)] = query.integer(1);
    }
    return counts;
  }

  // Points and messages, as many of each class as there is room for.
  void read_happenings() {
    const bool has_messages = database_.has_table("message");
    auto counts = classes("event", kEventClass);
    if (has_messages) {
      for (const auto& [message_class, rows] : classes("message", kMessageClass)) {
        counts[message_class + std::ssize(kClasses) - 2] = rows;
      }
    }
    std::array<std::int64_t, kClasses.size()> shown{};
    std::int64_t room = limits_.events;
    for (std::size_t i = 0; i < kClasses.size(); ++i) {
      const std::int64_t rows = counts[static_cast<std::int64_t>(i)];
      shown[i] = std::min(rows, room);
      room -= shown[i];
      leave_out(kClasses[i], rows - shown[i]);
    }
    read_events(shown);
    if (has_messages) {
      read_messages(shown);
    } else {
      data_["messages"] = {{"rows", 0}};
    }
  }

  void read_events(const std::array<std::int64_t, kClasses.size()>& shown) {
    read_table("events",
               fmt::format(R"sql(
        SELECT virtual_us, process, incarnation, point, batch_us, detail ->> 'partition',
               detail ->> 'attempt', detail ->> 'error'
        FROM (SELECT *, row_number() OVER (PARTITION BY class ORDER BY n) AS place
              FROM (SELECT *, {} AS class FROM event WHERE run_id = ?1))
        WHERE place <= CASE class WHEN 0 THEN ?2 WHEN 1 THEN ?3 WHEN 2 THEN ?4 ELSE ?5 END
        ORDER BY n)sql",
                           kEventClass),
               kEvents,
               run_.run_id,
               shown[0],
               shown[1],
               shown[2],
               shown[3]);
  }

  void read_messages(const std::array<std::int64_t, kClasses.size()>& shown) {
    read_table("messages",
               fmt::format(R"sql(
        SELECT sent_us, kind, sender, sender_incarnation, receiver, receiver_incarnation,
               ended_us - sent_us, fate, batch_us, task, attempt, block, ranges, error
        FROM (SELECT *, row_number() OVER (PARTITION BY class ORDER BY n) AS place
              FROM (SELECT *, {} AS class FROM message WHERE run_id = ?1))
        WHERE place <= CASE class WHEN 0 THEN ?2 ELSE ?3 END
        ORDER BY n)sql",
                           kMessageClass),
               kMessages,
               run_.run_id,
               shown[kEventClasses],
               shown[kEventClasses + 1]);
  }

  void read_plans() {
    read_table("plans",
               R"sql(
        SELECT batch_us, driver_incarnation, task, block, partition, from_offset, until_offset,
               executed, completed
        FROM batch_plan WHERE run_id = ?1 ORDER BY n, range_n LIMIT ?2)sql",
               kPlans,
               run_.run_id,
               limits_.ranges);
    leave_out("planned ranges", count(database_, "batch_plan", run_.run_id) - limits_.ranges);
  }

  // What was found comes first: a page that has no room for all records has those that are lost.
  // shows: 1 lost, 2 duplicated, 4 reordered; of a row 1 surplus, 2 phantom.
  void read_records() {
    read_table("inputs",
               R"sql(
        WITH lost AS (SELECT record_id FROM lost_record WHERE run_id = ?1),
             repeated AS (SELECT record_id FROM duplicate_record WHERE run_id = ?1),
             late AS (SELECT record_id FROM reordered_record WHERE run_id = ?1)
        SELECT * FROM (
          SELECT record_id, partition, "offset", key, value, produced_us, expected,
                 (record_id IN lost) + 2 * (record_id IN repeated) + 4 * (record_id IN late)
                   AS shows
          FROM input_record WHERE run_id = ?1 ORDER BY shows = 0, record_id LIMIT ?2)
        ORDER BY record_id)sql",
               kInputs,
               run_.run_id,
               limits_.records);
    leave_out("inputs", run_.inputs - limits_.records);
    read_table("outputs",
               R"sql(
        WITH surplus AS (SELECT n, record_id FROM duplicate_record WHERE run_id = ?1),
             repeated AS (SELECT record_id FROM surplus),
             surplus_row AS (SELECT n FROM surplus),
             phantom AS (SELECT n FROM phantom_record WHERE run_id = ?1)
        SELECT * FROM (
          SELECT n, record_id, source_partition, source_offset, ordinal, key, value, batch_us,
                 partition_id, attempt, process, incarnation, written_us,
                 (n IN surplus_row) + 2 * (n IN phantom) AS shows
          FROM output_record WHERE run_id = ?1
          ORDER BY shows = 0 AND ifnull(record_id, -1) NOT IN repeated, n LIMIT ?2)
        ORDER BY n)sql",
               kOutputs,
               run_.run_id,
               limits_.rows);
    leave_out("rows of the sink", run_.outputs - limits_.rows);
    read_wrong_keys();
  }

  void read_positions() {
    if (!database_.has_table("receiver_position")) {
      data_["positions"] = {{"rows", 0}};
      return;
    }
    read_table("positions",
               R"sql(
        SELECT virtual_us, process, incarnation, partition, until_offset
        FROM receiver_position WHERE run_id = ?1 ORDER BY n LIMIT ?2)sql",
               kPositions,
               run_.run_id,
               limits_.positions);
    leave_out("positions of receivers",
              count(database_, "receiver_position", run_.run_id) - limits_.positions);
  }

  void read_wrong_keys() {
    constexpr std::int64_t kKeysMax = 200;
    data_["wrongKeys"] = Json::array();
    if (run_.wrong == 0) {
      return;
    }
    sql::Statement query(database_,
                         "SELECT key, expected, rows_found FROM wrong_key WHERE run_id = ? "
                         "ORDER BY key LIMIT ?");
    for (query.start(run_.run_id, kKeysMax); query.step();) {
      data_["wrongKeys"].push_back({query.bytes(0), query.integer(1), query.integer(2)});
    }
    leave_out("wrong keys", run_.wrong - kKeysMax);
  }

  sql::Database& database_;
  const RunSummary& run_;
  const PageLimits& limits_;
  TextTable texts_;
  Json data_;
  std::vector<LeftOut> left_out_;
};

void read_texts(sql::Database& database, RunSummary& run) {
  if (!database.has_table("run_text")) {
    return;
  }
  sql::Statement query(database,
                       "SELECT name, text FROM run_text WHERE run_id = ? ORDER BY name, n");
  std::size_t fault = 0;
  for (query.start(run.run_id); query.step();) {
    const std::string name = query.bytes(0);
    std::string text = query.bytes(1);
    if (name == "description") {
      run.description = std::move(text);
    } else if (name == "expected") {
      run.expected = std::move(text);
    } else if (name == "story") {
      run.story = std::move(text);
    } else if (name == "reason") {
      run.reasons.push_back(std::move(text));
    } else if (name == "claim") {
      run.claims.push_back(std::move(text));
    } else if (name == "fault" && fault < run.faults.size()) {
      run.faults[fault++].words = std::move(text);
    }
  }
}

void read_faults(sql::Database& database, RunSummary& run) {
  sql::Statement query(database,
                       "SELECT kind, target, point, virtual_us FROM fault WHERE run_id = ? "
                       "ORDER BY n");
  for (query.start(run.run_id); query.step();) {
    const auto struck = query.is_null(3) ? std::nullopt : std::optional(query.integer(3));
    run.faults.push_back({.words = query.bytes(0) + " " + query.bytes(1),
                          .point = query.bytes(2),
                          .struck_us = struck});
  }
}

RunSummary summary_of(const sql::Statement& row) {
  RunSummary run;
  run.run_id = row.integer(0);
  run.scenario = row.bytes(1);
  run.seed = row.bytes(2);
  run.kafka = row.bytes(3);
  run.token = row.bytes(4);
  run.started_at = row.bytes(5);
  run.virtual_us = row.integer(6);
  run.received = {row.bytes(7), row.integer(8), row.integer(9)};
  run.processed = {row.bytes(10), row.integer(11), row.integer(12)};
  run.output = {row.bytes(13), row.integer(14), row.integer(15)};
  run.phantom = row.integer(16);
  run.reordered = row.integer(17);
  run.wrong = row.integer(18);
  run.stalled = row.integer(19) != 0;
  run.passed = row.integer(20) != 0;
  run.trace_hash = row.bytes(21);
  return run;
}

}  // namespace

std::vector<RunSummary> read_summaries(sql::Database& database,
                                       const std::optional<std::vector<std::int64_t>>& run_ids) {
  std::vector<RunSummary> runs;
  sql::Statement query(database,
                       "SELECT run_id, scenario, seed, kafka, token, started_at, virtual_us, "
                       "received, received_lost, received_duplicated, "
                       "processed, processed_lost, processed_duplicated, "
                       "output, lost, duplicated, phantom, reordered, wrong, stalled, passed, "
                       "trace_hash FROM run ORDER BY run_id");
  for (query.start(); query.step();) {
    RunSummary run = summary_of(query);
    if (!run_ids || std::ranges::count(*run_ids, run.run_id) > 0) {
      runs.push_back(std::move(run));
    }
  }
  for (RunSummary& run : runs) {
    run.inputs = count(database, "input_record", run.run_id);
    run.outputs = count(database, "output_record", run.run_id);
    read_faults(database, run);
    read_texts(database, run);
  }
  return runs;
}

RunData read_run_data(sql::Database& database, const RunSummary& run, const PageLimits& limits) {
  return RunReader(database, run, limits).read();
}

}  // namespace reports
