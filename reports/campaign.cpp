#include "reports/campaign.h"

#include <charconv>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "engine/ports/invariant.h"
#include "reports/recording_file.h"
#include "reports/schema.h"
#include "reports/sqlite.h"

namespace reports {
namespace {

// Thrown where two contents of one part meet.
struct Disagreement {
  CampaignIdentity identity;
  std::int64_t part = 0;
};

void require_number(std::int64_t number, const CampaignIdentity& identity) {
  if (number < 0 || number >= identity.parts) {
    throw sql::Error{.code = SQLITE_CORRUPT,
                     .message = fmt::format("there is a part {} of {}", number, identity.parts)};
  }
}

// SQLite has no unsigned integers of 64 bits: it is text there.
std::uint64_t read_seed(const std::string& digits) {
  std::uint64_t seed = 0;
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, seed);
  if (parsed.ec != std::errc{} || parsed.ptr != end) {
    throw sql::Error{.code = SQLITE_CORRUPT, .message = fmt::format("\"{}\" is no seed", digits)};
  }
  return seed;
}

CampaignIdentity read_identity(const sql::Statement& query) {
  return {.scenario = query.bytes(1),
          .scenario_hash = query.bytes(2),
          .seed = read_seed(query.bytes(3)),
          .kafka = query.bytes(4),
          .strategy = query.bytes(5),
          .depth = query.integer(6),
          .drawn = query.integer(7),
          .trace_hash = query.bytes(8),
          .parts = query.integer(9)};
}

// A row of kPartColumns.
CampaignPart read_part(const sql::Statement& query) {
  return {.number = query.integer(0),
          .schedules = query.integer(1),
          .of = query.integer(2),
          .of_is_whole = query.integer(3) != 0,
          .nobody_to_hit = query.integer(4),
          .nothing_unsynced = query.integer(5),
          .same_by_rule = query.integer(6),
          .same_by_hash = query.integer(7),
          .received = read_guarantee(query.bytes(8)),
          .processed = read_guarantee(query.bytes(9)),
          .output = read_guarantee(query.bytes(10)),
          .explored = query.bytes(11),
          .findings = {}};
}

constexpr std::string_view kPartColumns =
    "SELECT part, schedules, of, of_is_whole, nobody_to_hit, nothing_unsynced, same_by_rule,"
    " same_by_hash, received, processed, output, explored FROM campaign_part";

bool holds_campaigns(sql::Database& database) {
  return database.query_integer("SELECT count(*) FROM sqlite_schema WHERE name = 'campaign'") > 0;
}

std::vector<CampaignIdentity> read_campaigns(sql::Database& database) {
  sql::Statement query(database,
                       "SELECT * FROM campaign ORDER BY scenario, strategy, depth, drawn, seed,"
                       " kafka, scenario_hash, trace_hash, parts");
  std::vector<CampaignIdentity> all;
  for (query.start(); query.step();) {
    all.push_back(read_identity(query));
  }
  return all;
}

// In the order of the columns. Texts are bound by reference: the tuple outlives the step.
auto values_of(const CampaignIdentity& identity) {
  return std::tuple(identity.scenario,
                    identity.scenario_hash,
                    std::to_string(identity.seed),
                    identity.kafka,
                    identity.strategy,
                    identity.depth,
                    identity.drawn,
                    identity.trace_hash,
                    identity.parts);
}

std::optional<std::int64_t> find(sql::Database& database, const CampaignIdentity& identity) {
  const auto values = values_of(identity);
  sql::Statement query(database,
                       "SELECT campaign_id FROM campaign WHERE scenario = ? AND scenario_hash = ?"
                       " AND seed = ? AND kafka = ? AND strategy = ? AND depth = ? AND drawn = ?"
                       " AND trace_hash = ? AND parts = ?");
  std::apply([&query](const auto&... each) { query.start(each...); }, values);
  return query.step() ? std::optional(query.integer(0)) : std::nullopt;
}

void read_findings(sql::Database& database, std::int64_t id, std::vector<CampaignPart>& parts) {
  sql::Statement query(database,
                       "SELECT kind, worst, count, faults, ended_us, token FROM campaign_finding"
                       " WHERE campaign_id = ? AND part = ? ORDER BY kind");
  for (CampaignPart& part : parts) {
    for (query.start(id, part.number); query.step();) {
      part.findings.push_back({.kind = query.bytes(0),
                               .worst = query.integer(1),
                               .count = query.integer(2),
                               .faults = query.integer(3),
                               .ended_us = query.integer(4),
                               .token = query.bytes(5)});
    }
  }
}

std::vector<CampaignPart> read_parts(sql::Database& database, const CampaignIdentity& identity) {
  std::vector<CampaignPart> all;
  const auto id = find(database, identity);
  if (!id) {
    return all;
  }
  sql::Statement query(database,
                       fmt::format("{} WHERE campaign_id = ? ORDER BY part", kPartColumns));
  for (query.start(*id); query.step();) {
    all.push_back(read_part(query));
    require_number(all.back().number, identity);
  }
  read_findings(database, *id, all);
  return all;
}

std::optional<CampaignPart> read_part(sql::Database& database,
                                      std::int64_t id,
                                      std::int64_t number) {
  sql::Statement query(database,
                       fmt::format("{} WHERE campaign_id = ? AND part = ?", kPartColumns));
  query.start(id, number);
  if (!query.step()) {
    return std::nullopt;
  }
  std::vector<CampaignPart> one{read_part(query)};
  read_findings(database, id, one);
  return std::move(one.front());
}

// All that a file holds.
using Content = std::vector<std::pair<CampaignIdentity, std::vector<CampaignPart>>>;

Content read_file(const std::string& path) {
  sql::Database database(path, sql::IfAbsent::kRefuse);
  require_recording(database, path);
  database.execute("BEGIN");  // one moment of a file that may be written meanwhile
  Content content;
  if (holds_campaigns(database)) {
    for (CampaignIdentity& identity : read_campaigns(database)) {
      std::vector<CampaignPart> parts = read_parts(database, identity);
      content.emplace_back(std::move(identity), std::move(parts));
    }
  }
  return content;
}

}  // namespace

class Campaign::Store {
 public:
  explicit Store(const std::string& path) : path_(path), database_(path) {
    prepare_recording(database_, path);
    database_.execute(kCampaignSchema);
  }

  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] sql::Database& database() { return database_; }

  void record(const CampaignIdentity& identity, const CampaignPart& part) {
    sql::Transaction transaction(database_);
    add(identity, part);
    transaction.commit();
  }

  void forget(const CampaignIdentity& identity, const std::vector<std::int64_t>& numbers) {
    sql::Transaction transaction(database_);
    const auto id = find(database_, identity);
    for (const char* const table : {"campaign_finding", "campaign_part"}) {
      sql::Statement remove(
          database_, fmt::format("DELETE FROM {} WHERE campaign_id = ? AND part = ?", table));
      for (const std::int64_t number : numbers) {
        remove.run(id, number);
      }
    }
    transaction.commit();
  }

  void take_in(const Content& content) {
    sql::Transaction transaction(database_);
    for (const auto& [identity, parts] : content) {
      for (const CampaignPart& part : parts) {
        add(identity, part);
      }
    }
    transaction.commit();
  }

 private:
  void add(const CampaignIdentity& identity, const CampaignPart& part) {
    INVARIANT(part.number >= 0 && part.number < identity.parts, "part {}", part.number);
    const std::int64_t id = find_or_insert(identity);
    const auto known = read_part(database_, id, part.number);
    if (known && *known != part) {
      throw Disagreement{.identity = identity, .part = part.number};
    }
    if (!known) {
      insert(id, part);
    }
  }

  std::int64_t find_or_insert(const CampaignIdentity& identity) {
    if (const auto id = find(database_, identity)) {
      return *id;
    }
    sql::Statement insert(database_, "INSERT INTO campaign VALUES(NULL,?,?,?,?,?,?,?,?,?)");
    const auto values = values_of(identity);
    std::apply([&insert](const auto&... each) { insert.run(each...); }, values);
    return database_.last_insert_rowid();
  }

  void insert(std::int64_t id, const CampaignPart& part) {
    sql::Statement insert_part(database_,
                               "INSERT INTO campaign_part VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)");
    insert_part.run(id,
                    part.number,
                    part.schedules,
                    part.of,
                    part.of_is_whole,
                    part.nobody_to_hit,
                    part.nothing_unsynced,
                    part.same_by_rule,
                    part.same_by_hash,
                    reports::to_string(part.received),
                    reports::to_string(part.processed),
                    reports::to_string(part.output),
                    part.explored);
    sql::Statement insert_finding(database_,
                                  "INSERT INTO campaign_finding VALUES(?,?,?,?,?,?,?,?)");
    for (const CampaignFinding& finding : part.findings) {
      insert_finding.run(id,
                         part.number,
                         finding.kind,
                         finding.worst,
                         finding.count,
                         finding.faults,
                         finding.ended_us,
                         finding.token);
    }
  }

  std::string path_;
  sql::Database database_;
};

namespace {

RecordingFailure disagreement(const std::string& path, const Disagreement& found) {
  return {.code = RecordingErrc::kDisagrees,
          .sentence = fmt::format("{} has another content for part {} of the campaign of {} ({}, "
                                  "depth {}): one of the two was "
                                  "not computed by this program from this scenario",
                                  path,
                                  found.part,
                                  found.identity.scenario,
                                  found.identity.strategy,
                                  found.identity.depth)};
}

}  // namespace

Campaign::Campaign(std::unique_ptr<Store> store) : store_(std::move(store)) {}

Campaign::Campaign(Campaign&&) noexcept = default;
Campaign& Campaign::operator=(Campaign&&) noexcept = default;
Campaign::~Campaign() = default;

RecordingResult<Campaign> Campaign::open(const std::string& path) {
  if (path.empty()) {
    return RecordingFailure{.code = RecordingErrc::kCannotOpen,
                            .sentence = "cannot open a campaign without a file name"};
  }
  return attempt("open", path, [&]() -> RecordingResult<Campaign> {
    return Campaign(std::make_unique<Store>(path));
  });
}

RecordingResult<> Campaign::record(const CampaignIdentity& identity, const CampaignPart& part) {
  return attempt("write", store_->path(), [&]() -> RecordingResult<> {
    try {
      store_->record(identity, part);
      return {};
    } catch (const Disagreement& found) {
      return disagreement(store_->path(), found);
    }
  });
}

RecordingResult<> Campaign::forget(const CampaignIdentity& identity,
                                   const std::vector<std::int64_t>& numbers) {
  return attempt("write", store_->path(), [&]() -> RecordingResult<> {
    store_->forget(identity, numbers);
    return {};
  });
}

RecordingResult<std::vector<CampaignIdentity>> Campaign::campaigns() {
  return attempt("read", store_->path(), [&]() -> RecordingResult<std::vector<CampaignIdentity>> {
    return read_campaigns(store_->database());
  });
}

RecordingResult<std::vector<CampaignPart>> Campaign::parts(const CampaignIdentity& identity) {
  return attempt("read", store_->path(), [&]() -> RecordingResult<std::vector<CampaignPart>> {
    return read_parts(store_->database(), identity);
  });
}

RecordingResult<> Campaign::merge(const std::string& other_path) {
  // Reads it all before it writes, so that a file can be merged into itself.
  const auto content = attempt(
      "read", other_path, [&]() -> RecordingResult<Content> { return read_file(other_path); });
  if (!content) {
    return content.error();
  }
  return attempt("write", store_->path(), [&]() -> RecordingResult<> {
    try {
      store_->take_in(*content);
      return {};
    } catch (const Disagreement& found) {
      return disagreement(store_->path(), found);
    }
  });
}

}  // namespace reports
