#include "reports/recording.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "engine/ports/invariant.h"
#include "engine/ports/result.h"
#include "reports/metrics.h"
#include "reports/recording_file.h"
#include "reports/sqlite.h"

namespace reports {
namespace {

constexpr std::size_t kTraceHashDigits = 32;

constexpr std::array<std::string_view, 4> kAggregateNames{
    "none", "count-by-key", "sum-by-key", "max-by-key"};

constexpr std::array<std::pair<std::string_view, engine::Role>, 5> kRoleNames{{
    {"world", engine::Role::kWorld},
    {"driver", engine::Role::kDriver},
    {"executor", engine::Role::kExecutor},
    {"receiver", engine::Role::kReceiver},
    {"producer", engine::Role::kProducer},
}};

std::int64_t micros(engine::Instant instant) {
  return instant.time_since_epoch().count();
}

engine::Instant instant(std::int64_t micros) {
  return engine::Instant(engine::Duration(micros));
}

std::string_view to_string(AggregateKind kind) {
  const auto index = static_cast<std::size_t>(kind);
  INVARIANT(index < kAggregateNames.size(), "aggregate {} has no name", index);
  return kAggregateNames[index];
}

[[noreturn]] void fail_reading(std::string message) {
  throw sql::Error{.code = SQLITE_CORRUPT, .message = std::move(message)};
}

AggregateKind read_aggregate(const std::string& name) {
  const auto* const found = std::ranges::find(kAggregateNames, name);
  if (found == kAggregateNames.end()) {
    fail_reading(fmt::format("\"{}\" is no kind of aggregate", name));
  }
  return static_cast<AggregateKind>(found - kAggregateNames.begin());
}

// The inverse of engine::to_string(ProcessId).
engine::ProcessId read_process(const std::string& text) {
  const std::string_view name = std::string_view(text).substr(0, text.find(':'));
  const auto* const role =
      std::ranges::find(kRoleNames, name, &std::pair<std::string_view, engine::Role>::first);
  engine::ProcessId process;
  bool valid = role != kRoleNames.end();
  if (valid && name.size() < text.size()) {
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + name.size() + 1, end, process.index);
    valid = parsed.ec == std::errc{} && parsed.ptr == end;
  }
  if (!valid) {
    fail_reading(fmt::format("\"{}\" is no process", text));
  }
  process.role = role->second;
  return process;
}

std::string block_text(engine::BlockId block) {
  return fmt::format("{}/{}", block.stream, block.number);
}

engine::BlockId read_block(const std::string& text) {
  engine::BlockId block;
  const char* const end = text.data() + text.size();
  const auto stream = std::from_chars(text.data(), end, block.stream);
  const bool separated = stream.ec == std::errc{} && stream.ptr != end && *stream.ptr == '/';
  const auto number =
      separated ? std::from_chars(stream.ptr + 1, end, block.number) : std::from_chars_result{};
  if (!separated || number.ec != std::errc{} || number.ptr != end) {
    fail_reading(fmt::format("\"{}\" is no block", text));
  }
  return block;
}

std::string_view event_name(const Event& event) {
  switch (event.kind) {
    case EventKind::kPoint:
      return engine::info(event.point).name;
    case EventKind::kProcessStarted:
      return "process.started";
    case EventKind::kProcessExited:
      return "process.exited";
    case EventKind::kCrash:
      return "process.crashed";
    case EventKind::kDriverFailed:
      return "driver.failed";
    case EventKind::kBatchFailed:
      return "batch.failed";
    case EventKind::kGenerationFailed:
      return "generation.failed";
  }
  engine::fail_invariant("event.kind", "an event of no kind", BOOST_CURRENT_LOCATION);
}

std::string error_text(std::int32_t code) {
  return engine::make_error_code(static_cast<engine::Errc>(code)).message();
}

std::string_view to_string(MessageFate fate) {
  switch (fate) {
    case MessageFate::kUnderWay:
      return "under-way";
    case MessageFate::kArrived:
      return "arrived";
    case MessageFate::kLost:
      return "lost";
    case MessageFate::kCut:
      return "cut";
    case MessageFate::kNobody:
      return "nobody";
  }
  engine::fail_invariant("fate", "a message of no fate", BOOST_CURRENT_LOCATION);
}

// [[0,3,7]]: partition, from, until. Empty: there are none.
std::optional<std::string> ranges_text(const std::vector<engine::OffsetRange>& ranges) {
  if (ranges.empty()) {
    return std::nullopt;
  }
  std::string text = "[";
  for (const engine::OffsetRange& range : ranges) {
    text += text.size() == 1 ? "" : ",";
    text += fmt::format("[{},{},{}]", range.partition, range.from.value, range.until.value);
  }
  return text + "]";
}

// Writes {"partition":1,"attempt":0,"error":"timed out"}, without the members that say nothing. The
// error texts are our own and need no escaping.
void write_detail(const Event& event, std::string& detail) {
  detail.clear();
  detail.push_back('{');
  const auto separate = [&detail] { return detail.size() == 1 ? "" : ","; };
  const auto out = std::back_inserter(detail);
  if (event.partition >= 0) {
    fmt::format_to(out, R"("partition":{},"attempt":{})", event.partition, event.attempt);
  }
  if (event.code != 0) {
    fmt::format_to(
        out, R"({}"code":{},"error":"{}")", separate(), event.code, error_text(event.code));
  }
  detail.push_back('}');
}

std::optional<std::int64_t> amount_of(AggregateKind kind, std::string_view value) {
  std::int64_t amount = 0;
  const char* const end = value.data() + value.size();
  const auto parsed = std::from_chars(value.data(), end, amount);
  if (kind == AggregateKind::kNone || parsed.ec != std::errc{} || parsed.ptr != end) {
    return std::nullopt;
  }
  return amount;
}

std::optional<std::int64_t> micros(const std::optional<engine::Instant>& when) {
  return when ? std::optional(micros(*when)) : std::nullopt;
}

// The name of each process is written in thousands of rows and made once.
class ProcessNames {
 public:
  std::string_view operator[](engine::ProcessId process) {
    const auto found =
        std::ranges::find(names_, process, &std::pair<engine::ProcessId, std::string>::first);
    if (found != names_.end()) {
      return found->second;
    }
    return names_.emplace_back(process, engine::to_string(process)).second;
  }

 private:
  std::vector<std::pair<engine::ProcessId, std::string>> names_;
};

}  // namespace

class Recording::Store {
 public:
  explicit Store(const std::string& path) : path_(path), database_(path) {
    prepare_recording(database_, path);
    statements_.emplace(database_);
  }

  [[nodiscard]] const std::string& path() const { return path_; }

  std::int64_t record(const RunInfo& run, const Ledger& ledger, const Verdict& verdict) {
    sql::Transaction transaction(database_);
    const std::int64_t run_id = insert_run(run, ledger, verdict);
    insert_faults(run_id, ledger);
    insert_metrics(run_id, ledger.metrics);
    insert_inputs(run_id, run.topic, ledger);
    insert_outputs(run_id, run.sink, ledger);
    insert_plans(run_id, ledger);
    insert_aggregates(run_id, ledger);
    insert_events(run_id, ledger);
    insert_messages(run_id, ledger);
    insert_memory(run_id, ledger);
    insert_positions(run_id, ledger);
    insert_texts(run_id, run.texts);
    transaction.commit();
    return run_id;
  }

  std::optional<Ledger> load(std::int64_t run_id) {
    Ledger ledger;
    if (!load_run(run_id, ledger)) {
      return std::nullopt;
    }
    load_inputs(run_id, ledger);
    load_outputs(run_id, ledger);
    load_plans(run_id, ledger);
    load_aggregates(run_id, ledger);
    return ledger;
  }

  std::optional<std::string> token(std::int64_t run_id) {
    sql::Statement query(database_, "SELECT token FROM run WHERE run_id = ?");
    query.start(run_id);
    return query.step() ? std::optional(query.bytes(0)) : std::nullopt;
  }

 private:
  struct Statements {
    explicit Statements(sql::Database& database)
        : run(database,
              "INSERT INTO run VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"),
          fault(database, "INSERT INTO fault VALUES(?,?,?,?,?,?,?)"),
          metric(database, "INSERT INTO metric VALUES(?,?,?)"),
          input(database, "INSERT INTO input_record VALUES(?,?,?,?,?,?,?,?,?)"),
          output(database,
                 R"(INSERT INTO output_record VALUES(?1,?2,
                    (SELECT record_id FROM input_record
                     WHERE run_id = ?1 AND partition = ?3 AND "offset" = ?4),
                    ?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?4,?15,?16))"),
          plan(database, "INSERT INTO batch_plan VALUES(?,?,?,?,?,?,?,?,?,?,?,?)"),
          aggregate(database, "INSERT INTO expected_aggregate VALUES(?,?,?)"),
          event(database, "INSERT INTO event VALUES(?,?,?,?,?,?,?,?)"),
          message(database, "INSERT INTO message VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"),
          memory(database, "INSERT INTO memory VALUES(?,?,?,?,?,?,?)"),
          position(database, "INSERT INTO receiver_position VALUES(?,?,?,?,?,?,?)"),
          text(database, "INSERT INTO run_text VALUES(?,?,?,?)") {}

    sql::Statement run;
    sql::Statement fault;
    sql::Statement metric;
    sql::Statement input;
    sql::Statement output;
    sql::Statement plan;
    sql::Statement aggregate;
    sql::Statement event;
    sql::Statement message;
    sql::Statement memory;
    sql::Statement position;
    sql::Statement text;
  };

  std::int64_t insert_run(const RunInfo& run, const Ledger& ledger, const Verdict& verdict) {
    const auto is_hex = [](char digit) {
      return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
    };
    INVARIANT(run.trace_hash.size() == kTraceHashDigits, "trace hash \"{}\"", run.trace_hash);
    INVARIANT(std::ranges::all_of(run.trace_hash, is_hex), "trace hash \"{}\"", run.trace_hash);
    constexpr auto kSeedMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const std::string seed_text = run.seed > kSeedMax ? fmt::format("{}", run.seed) : std::string();
    const auto insert = [&](const auto& seed) {
      statements_->run.run(run.scenario,
                           seed,
                           run.kafka,
                           run.token,
                           run.started_at,
                           run.virtual_us,
                           run.wall_us,
                           reports::to_string(verdict.received.guarantee()),
                           reports::to_string(verdict.processed.guarantee()),
                           reports::to_string(verdict.guarantee()),
                           verdict.output.lost,
                           verdict.output.duplicated,
                           verdict.phantom,
                           verdict.reordered,
                           verdict.wrong,
                           verdict.stalled,
                           run.trace_hash,
                           run.passed,
                           to_string(ledger.aggregate),
                           verdict.received.lost,
                           verdict.received.duplicated,
                           verdict.processed.lost,
                           verdict.processed.duplicated);
    };
    if (seed_text.empty()) {
      insert(run.seed);
    } else {
      insert(seed_text);
    }
    return database_.last_insert_rowid();
  }

  void insert_faults(std::int64_t run_id, const Ledger& ledger) {
    std::int64_t n = 0;
    for (const FaultRecord& fault : ledger.faults) {
      statements_->fault.run(run_id,
                             ++n,
                             fault.kind,
                             fault.target,
                             fault.point,
                             fault.occurrence,
                             micros(fault.fired_at));
    }
  }

  void insert_metrics(std::int64_t run_id, const Metrics& metrics) {
    for (const NamedMetric& metric : all_metrics()) {
      statements_->metric.run(run_id, metric.name, metric.value(metrics));
    }
  }

  void insert_inputs(std::int64_t run_id, const std::string& topic, const Ledger& ledger) {
    for (const InputRecord& input : ledger.inputs) {
      statements_->input.run(run_id,
                             input.id.value,
                             topic,
                             input.position.partition,
                             input.position.offset.value,
                             input.key,
                             input.value,
                             micros(input.produced_at),
                             input.expected);
    }
  }

  // A row is given its record by the database, from the position that the sink holds: the views
  // thus rest on nothing that judge() has computed.
  void insert_outputs(std::int64_t run_id, const std::string& sink, const Ledger& ledger) {
    const bool has_records = ledger.aggregate == AggregateKind::kNone;
    std::int64_t n = 0;
    for (const OutputRecord& output : ledger.outputs) {
      const engine::PartitionId partition = output.source.partition;
      statements_->output.run(run_id,
                              ++n,
                              has_records ? std::optional(partition) : std::nullopt,
                              output.source.offset.value,
                              sink,
                              output.key,
                              output.value,
                              micros(output.batch.at),
                              output.task,
                              output.attempt,
                              process_names_[output.writer.process],
                              output.writer.incarnation,
                              micros(output.written_at),
                              partition,
                              output.ordinal,
                              amount_of(ledger.aggregate, output.value));
    }
  }

  void insert_plans(std::int64_t run_id, const Ledger& ledger) {
    std::int64_t n = 0;
    for (const BatchPlan& plan : ledger.plans) {
      ++n;
      if (plan.ranges.empty()) {
        insert_range(run_id, n, 0, plan, std::nullopt);
      }
      std::int64_t range_n = 0;
      for (const engine::PlannedRange& planned : plan.ranges) {
        insert_range(run_id, n, ++range_n, plan, planned);
      }
    }
  }

  // A plan without a range is one row as well.
  void insert_range(std::int64_t run_id,
                    std::int64_t n,
                    std::int64_t range_n,
                    const BatchPlan& plan,
                    const std::optional<engine::PlannedRange>& planned) {
    const auto integer = [&planned](std::int64_t value) {
      return planned ? std::optional(value) : std::nullopt;
    };
    const engine::PlannedRange range = planned.value_or(engine::PlannedRange{});
    const auto block = range.block ? std::optional(block_text(*range.block)) : std::nullopt;
    statements_->plan.run(run_id,
                          n,
                          range_n,
                          micros(plan.batch.at),
                          plan.driver,
                          integer(range.task),
                          block,
                          integer(range.range.partition),
                          integer(range.range.from.value),
                          integer(range.range.until.value),
                          planned ? plan.has_executed(range.task) : plan.completed,
                          plan.completed);
  }

  void insert_aggregates(std::int64_t run_id, const Ledger& ledger) {
    for (const ExpectedAggregate& expected : ledger.expected_aggregate) {
      statements_->aggregate.run(run_id, expected.key, expected.value);
    }
  }

  void insert_events(std::int64_t run_id, const Ledger& ledger) {
    std::string detail;
    std::int64_t n = 0;
    for (const Event& event : ledger.events) {
      write_detail(event, detail);
      statements_->event.run(run_id,
                             ++n,
                             micros(event.at),
                             process_names_[event.process.process],
                             event.process.incarnation,
                             event_name(event),
                             event.batch ? std::optional(micros(event.batch->at)) : std::nullopt,
                             detail);
    }
  }

  void insert_messages(std::int64_t run_id, const Ledger& ledger) {
    std::int64_t n = 0;
    for (const MessageRecord& message : ledger.messages) {
      const bool has_task = message.task >= 0;
      const auto integer = [](bool is_there, std::int64_t value) {
        return is_there ? std::optional(value) : std::nullopt;
      };
      statements_->message.run(
          run_id,
          ++n,
          message.kind,
          process_names_[message.from.process],
          message.from.incarnation,
          process_names_[message.to.process],
          message.to.incarnation,
          micros(message.sent_at),
          micros(message.ended_at),
          to_string(message.fate),
          message.again,
          message.batch ? std::optional(micros(message.batch->at)) : std::nullopt,
          integer(has_task, message.task),
          integer(has_task, message.attempt),
          message.block ? std::optional(block_text(*message.block)) : std::nullopt,
          ranges_text(message.ranges),
          message.code == 0 ? std::nullopt : std::optional(error_text(message.code)));
    }
  }

  void insert_memory(std::int64_t run_id, const Ledger& ledger) {
    std::int64_t n = 0;
    for (const MemoryRecord& memory : ledger.memory) {
      statements_->memory.run(run_id,
                              ++n,
                              micros(memory.at),
                              process_names_[memory.process.process],
                              memory.process.incarnation,
                              memory.task_bytes,
                              memory.block_bytes);
    }
  }

  void insert_positions(std::int64_t run_id, const Ledger& ledger) {
    std::int64_t n = 0;
    for (const ReceiverPosition& position : ledger.receiver_positions) {
      statements_->position.run(run_id,
                                ++n,
                                micros(position.at),
                                process_names_[position.process.process],
                                position.process.incarnation,
                                position.partition,
                                position.until.value);
    }
  }

  void insert_texts(std::int64_t run_id, const std::vector<RunText>& texts) {
    std::map<std::string_view, std::int64_t> count;
    for (const RunText& text : texts) {
      statements_->text.run(run_id, text.name, ++count[text.name], text.text);
    }
  }

  bool load_run(std::int64_t run_id, Ledger& ledger) {
    sql::Statement query(database_,
                         "SELECT aggregate, stalled, virtual_us FROM run WHERE run_id = ?");
    query.start(run_id);
    if (!query.step()) {
      return false;
    }
    ledger.aggregate = read_aggregate(query.bytes(0));
    ledger.stalled = query.integer(1) != 0;
    ledger.ended_at = instant(query.integer(2));
    return true;
  }

  void load_inputs(std::int64_t run_id, Ledger& ledger) {
    sql::Statement query(database_,
                         R"(SELECT record_id, partition, "offset", key, value, produced_us, expected
                            FROM input_record WHERE run_id = ? ORDER BY record_id)");
    for (query.start(run_id); query.step();) {
      ledger.inputs.push_back(
          {.id = {query.integer(0)},
           .position = {.partition = query.integer32(1), .offset = {query.integer(2)}},
           .key = query.bytes(3),
           .value = query.bytes(4),
           .produced_at = instant(query.integer(5)),
           .expected = query.integer32(6)});
    }
  }

  void load_outputs(std::int64_t run_id, Ledger& ledger) {
    sql::Statement query(
        database_,
        R"(SELECT source_partition, source_offset, ordinal, key, value, batch_us, partition_id,
                  attempt, process, incarnation, written_us
           FROM output_record WHERE run_id = ? ORDER BY n)");
    for (query.start(run_id); query.step();) {
      ledger.outputs.push_back(
          {.source = {.partition = query.integer32(0), .offset = {query.integer(1)}},
           .ordinal = query.integer32(2),
           .key = query.bytes(3),
           .value = query.bytes(4),
           .batch = {instant(query.integer(5))},
           .task = query.integer32(6),
           .attempt = query.integer32(7),
           .writer = {.process = read_process(query.bytes(8)), .incarnation = query.integer32(9)},
           .written_at = instant(query.integer(10))});
    }
  }

  void load_plans(std::int64_t run_id, Ledger& ledger) {
    sql::Statement query(database_,
                         R"(SELECT n, batch_us, driver_incarnation, completed, task, block,
                                   partition, from_offset, until_offset, executed
                            FROM batch_plan WHERE run_id = ? ORDER BY n, range_n)");
    std::optional<std::int64_t> current;
    for (query.start(run_id); query.step();) {
      if (current != query.integer(0)) {
        current = query.integer(0);
        ledger.plans.push_back({.batch = {instant(query.integer(1))},
                                .driver = query.integer32(2),
                                .ranges = {},
                                .executed = {},
                                .completed = query.integer(3) != 0});
      }
      if (!query.is_null(4)) {
        load_range(query, ledger.plans.back());
      }
    }
  }

  static void load_range(sql::Statement& query, BatchPlan& plan) {
    const engine::PartitionId task = query.integer32(4);
    if (query.integer(9) != 0 && std::ranges::count(plan.executed, task) == 0) {
      plan.executed.push_back(task);
    }
    plan.ranges.push_back(
        {.range = {.partition = query.integer32(6),
                   .from = {query.integer(7)},
                   .until = {query.integer(8)}},
         .task = task,
         .block = query.is_null(5) ? std::nullopt : std::optional(read_block(query.bytes(5)))});
  }

  // The primary key sorts text before blobs; the ledger sorts by bytes.
  void load_aggregates(std::int64_t run_id, Ledger& ledger) {
    sql::Statement query(database_, "SELECT key, value FROM expected_aggregate WHERE run_id = ?");
    for (query.start(run_id); query.step();) {
      ledger.expected_aggregate.push_back({.key = query.bytes(0), .value = query.integer(1)});
    }
    std::ranges::sort(ledger.expected_aggregate, {}, &ExpectedAggregate::key);
  }

  std::string path_;
  sql::Database database_;
  std::optional<Statements> statements_;  // prepared once the tables exist
  ProcessNames process_names_;
};

Recording::Recording(std::unique_ptr<Store> store) : store_(std::move(store)) {}

Recording::Recording(Recording&&) noexcept = default;
Recording& Recording::operator=(Recording&&) noexcept = default;
Recording::~Recording() = default;

RecordingResult<Recording> Recording::open(const std::string& path) {
  if (path.empty()) {
    return RecordingFailure{.code = RecordingErrc::kCannotOpen,
                            .sentence = "cannot open a recording without a file name"};
  }
  return attempt("open", path, [&]() -> RecordingResult<Recording> {
    return Recording(std::make_unique<Store>(path));
  });
}

RecordingResult<std::int64_t> Recording::record(const RunInfo& run,
                                                const Ledger& ledger,
                                                const Verdict& verdict) {
  return attempt("write", store_->path(), [&]() -> RecordingResult<std::int64_t> {
    return store_->record(run, ledger, verdict);
  });
}

RecordingResult<Ledger> Recording::load(std::int64_t run_id) {
  return attempt("read", store_->path(), [&]() -> RecordingResult<Ledger> {
    std::optional<Ledger> ledger = store_->load(run_id);
    if (ledger) {
      return *std::move(ledger);
    }
    return unknown_run(store_->path(), run_id);
  });
}

RecordingResult<std::string> Recording::token(std::int64_t run_id) {
  return attempt("read", store_->path(), [&]() -> RecordingResult<std::string> {
    const std::optional<std::string> token = store_->token(run_id);
    if (token) {
      return *token;
    }
    return unknown_run(store_->path(), run_id);
  });
}

}  // namespace reports
