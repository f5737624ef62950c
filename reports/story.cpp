#include "reports/story.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "engine/ports/result.h"

namespace reports {
namespace {

using engine::Instant;
using engine::Point;

// How much a line matters: what is least is left out first.
enum class Weight : std::uint8_t { kCore, kContext, kDetail };

struct Line {
  Instant at;
  Weight weight = Weight::kDetail;
  std::string who;
  std::string what;
};

struct Words {
  Point point;
  std::string_view text;
};

// The points that a story tells of; {} is the batch or the partition.
constexpr std::array kPointWords{
    Words{Point::kReceiverBlockStored, "has a new block in its memory"},
    Words{Point::kReceiverWalAppended, "has a new block in its log"},
    Words{Point::kReceiverBlockAcknowledged, "is told that the driver knows the block"},
    Words{Point::kReceiverOffsetsCommitted, "commits the offsets of the block to Kafka"},
    Words{Point::kTrackerBlocksAllocated, "gives {} its blocks"},
    Words{Point::kCheckpointRenamed, "has a checkpoint with {} on the disk"},
    Words{Point::kSchedulerBatchCompleted, "takes {} for complete"},
    Words{Point::kCheckpointCompletionWritten, "has on the disk that {} is complete"},
    Words{Point::kOffsetsSaved, "saves the offsets behind {}"},
    Words{Point::kTaskOutputCommitted, "knows that the output of {} is in the sink"},
    Words{Point::kRecoveryCheckpointRead, "reads its last checkpoint"},
    Words{Point::kRecoveryLogReplayed, "replays its log"},
    Words{Point::kRecoveryBatchesRescheduled, "has given out again what was unfinished or missed"},
};

std::string seconds(Instant at) {
  return fmt::format("{:>9.3f} s", static_cast<double>(at.time_since_epoch().count()) / 1e6);
}

std::string name_of(const engine::Address& process) {
  return process.incarnation > 1
             ? fmt::format("{} #{}", engine::to_string(process.process), process.incarnation)
             : engine::to_string(process.process);
}

bool is_failure(EventKind kind) {
  return kind == EventKind::kDriverFailed || kind == EventKind::kBatchFailed ||
         kind == EventKind::kGenerationFailed;
}

class Teller {
 public:
  Teller(const Ledger& ledger, const Verdict& verdict, const StorySubject& subject)
      : ledger_(ledger), verdict_(verdict), subject_(subject), record_(find_record()) {}

  std::string tell() {
    std::vector<std::string> story = subject_.pipeline;
    story.push_back(opening());
    const std::vector<std::string> end = ending();
    // Of one instant, what a process does comes before what is done to it.
    if (record_ != nullptr) {
      tell_record();
      tell_plans();
    }
    tell_rows();
    tell_points();
    tell_failures();
    tell_faults();
    tell_lives();
    for (const std::string& line : chosen_lines(kStoryLinesMax - story.size() - end.size())) {
      story.push_back(line);
    }
    story.insert(story.end(), end.begin(), end.end());
    return fmt::format("{}\n", fmt::join(story, "\n"));
  }

 private:
  // --- Who and what ----------------------------------------------------------------------------

  [[nodiscard]] bool is_about(std::string_view kind) const {
    return subject_.finding.ends_with(kind);
  }

  // Whose story it is. Null: of no single record.
  [[nodiscard]] const InputRecord* find_record() const {
    const auto found = std::ranges::find_if(
        ledger_.inputs, [this](const InputRecord& record) { return is_example(record); });
    return found == ledger_.inputs.end() ? nullptr : &*found;
  }

  // Of a wrong value any record of the key, of a stall the first record that it kept from coming
  // out.
  [[nodiscard]] bool is_example(const InputRecord& record) const {
    if (subject_.position) {
      return record.position == *subject_.position;
    }
    if (is_about("wrong")) {
      return record.key == wrong_key();
    }
    const bool is_missing = is_about("lost") || is_about("stalled");
    const auto& examples = is_missing ? verdict_.lost_examples : verdict_.duplicate_examples;
    return (is_missing || is_about("duplicated")) && !examples.empty() &&
           record.id == examples.front();
  }

  [[nodiscard]] std::string batch_name(engine::BatchTime batch) const {
    return fmt::format("batch {}", batch.at.time_since_epoch() / subject_.batch_interval);
  }

  [[nodiscard]] std::string record_name() const {
    return fmt::format("record {}", record_->id.value);
  }

  [[nodiscard]] bool holds(const engine::PlannedRange& planned) const {
    return planned.range.partition == record_->position.partition &&
           planned.range.from <= record_->position.offset &&
           record_->position.offset < planned.range.until;
  }

  [[nodiscard]] const engine::PlannedRange* range_with_record(const BatchPlan& plan) const {
    const auto found =
        std::ranges::find_if(plan.ranges, [this](const auto& planned) { return holds(planned); });
    return found == plan.ranges.end() ? nullptr : &*found;
  }

  [[nodiscard]] std::optional<engine::Position> position() const {
    return record_ == nullptr ? subject_.position : std::optional(record_->position);
  }

  // The rows of the record, or of the key that has a wrong value.
  [[nodiscard]] std::vector<const OutputRecord*> rows() const {
    std::vector<const OutputRecord*> rows;
    for (const OutputRecord& row : ledger_.outputs) {
      const bool is_of_it =
          is_about("wrong") ? row.key == wrong_key() : position() && row.source == *position();
      if (is_of_it) {
        rows.push_back(&row);
      }
    }
    return rows;
  }

  // "key: found 3, expected 4" and "key: missing, expected 4" are about this key.
  [[nodiscard]] std::string wrong_key() const {
    return subject_.key.empty() ? key_of(wrong_example()) : subject_.key;
  }

  [[nodiscard]] std::string wrong_example() const {
    const auto& examples = verdict_.wrong_examples;
    const auto own = std::ranges::find(examples, subject_.key, key_of);
    if (own != examples.end() || examples.empty()) {
      return examples.empty() ? std::string() : *own;
    }
    return subject_.key.empty() ? examples.front() : subject_.key + ": not what is expected";
  }

  static std::string key_of(const std::string& example) {
    return example.substr(0, std::min(example.rfind(": found"), example.rfind(": missing")));
  }

  [[nodiscard]] std::string opening() const {
    std::string input = fmt::format(
        "{} record{} went in.", ledger_.inputs.size(), ledger_.inputs.size() == 1 ? "" : "s");
    if (record_ == nullptr) {
      return input;
    }
    return fmt::format("{} This is the story of {} (partition {}, offset {}, key {}).",
                       input,
                       record_name(),
                       record_->position.partition,
                       record_->position.offset.value,
                       record_->key);
  }

  // --- What happened ---------------------------------------------------------------------------

  void add(Instant at, Weight weight, std::string who, std::string what) {
    lines_.push_back({at, weight, std::move(who), std::move(what)});
  }

  void tell_faults() {
    INVARIANT(subject_.faults.size() == ledger_.faults.size(), "every fault has words");
    for (std::size_t n = 0; n < ledger_.faults.size(); ++n) {
      if (ledger_.faults[n].fired_at) {
        add(*ledger_.faults[n].fired_at, Weight::kCore, "FAULT", subject_.faults[n]);
      }
    }
  }

  void tell_lives() {
    for (const Event& event : ledger_.events) {
      const bool is_driver = event.process.process.role == engine::Role::kDriver;
      const Weight weight = is_driver ? Weight::kContext : Weight::kDetail;
      if (event.kind == EventKind::kProcessStarted && event.process.incarnation > 1) {
        add(event.at, weight, name_of(event.process), "starts");
      } else if (event.kind == EventKind::kCrash) {
        add(event.at, Weight::kContext, name_of(event.process), "is dead");
      } else if (event.kind == EventKind::kProcessExited) {
        add(event.at, Weight::kDetail, name_of(event.process), "exits");
      }
    }
  }

  void tell_failures() {
    for (const Event& event : ledger_.events) {
      if (is_failure(event.kind)) {
        add(event.at, Weight::kCore, name_of(event.process), failure(event));
      }
    }
  }

  [[nodiscard]] std::string failure(const Event& event) const {
    const std::string batch = event.batch ? batch_name(*event.batch) : std::string("a batch");
    const std::string reason =
        event.code == 0
            ? std::string()
            : ": " + engine::make_error_code(static_cast<engine::Errc>(event.code)).message();
    switch (event.kind) {
      case EventKind::kDriverFailed:
        return "cannot start" + reason;
      case EventKind::kBatchFailed:
        return fmt::format("gives {} up{}", batch, reason);
      default:
        return fmt::format("cannot plan {}{}", batch, reason);
    }
  }

  void tell_record() {
    add(record_->produced_at,
        Weight::kContext,
        "producer",
        fmt::format("makes {}, and soon sends it to Kafka", record_name()));
  }

  void tell_rows() {
    for (const OutputRecord* const row : rows()) {
      add(row->written_at,
          Weight::kCore,
          name_of(row->writer),
          fmt::format("writes {} for {} (attempt {}): it is in the sink",
                      row_name(*row),
                      batch_name(row->batch),
                      row->attempt));
    }
  }

  [[nodiscard]] std::string row_name(const OutputRecord& row) const {
    if (is_about("wrong")) {
      return row.key + " = " + row.value;
    }
    return record_ == nullptr ? "a row that comes from no record" : record_name();
  }

  // A plan has no time of its own; the point that follows it has.
  [[nodiscard]] std::optional<Instant> planned_at(const BatchPlan& plan) const {
    const auto is_it = [&plan](const Event& event) {
      return event.kind == EventKind::kPoint && event.batch == plan.batch &&
             event.process.incarnation == plan.driver &&
             (event.point == Point::kGeneratorBatchPlanned ||
              event.point == Point::kSchedulerBatchSubmitted);
    };
    const auto found = std::ranges::find_if(ledger_.events, is_it);
    return found == ledger_.events.end() ? std::nullopt : std::optional(found->at);
  }

  void tell_plans() {
    for (const BatchPlan& plan : ledger_.plans) {
      const auto at = planned_at(plan);
      if (!at) {
        continue;
      }
      const engine::Address driver{{engine::Role::kDriver, 0}, plan.driver};
      if (const auto* const with = range_with_record(plan)) {
        add(*at, Weight::kCore, name_of(driver), planned(plan, *with, "with the record"));
      } else if (const auto* const behind = range_behind_record(plan)) {
        add(*at, Weight::kCore, name_of(driver), planned(plan, *behind, "behind the record"));
      } else if (had_record(plan.batch)) {
        add(*at,
            Weight::kCore,
            name_of(driver),
            fmt::format("plans {}, without the record", batch_name(plan.batch)));
      }
    }
  }

  // In some plan of the batch.
  [[nodiscard]] bool had_record(engine::BatchTime batch) const {
    return std::ranges::any_of(ledger_.plans, [&](const BatchPlan& plan) {
      return plan.batch == batch && range_with_record(plan) != nullptr;
    });
  }

  [[nodiscard]] std::string planned(const BatchPlan& plan,
                                    const engine::PlannedRange& planned,
                                    std::string_view relation) const {
    return fmt::format("plans {}: partition {} from {} to {}{}, {}",
                       batch_name(plan.batch),
                       planned.range.partition,
                       planned.range.from.value,
                       planned.range.until.value,
                       planned.block ? " in a block" : "",
                       relation);
  }

  // The first plan of a life that reads the record's partition and begins behind the record, if no
  // plan before it had the record: there it was passed over.
  [[nodiscard]] const engine::PlannedRange* range_behind_record(const BatchPlan& plan) const {
    for (const BatchPlan& other : ledger_.plans) {
      const bool is_first = &other == &plan;
      for (const engine::PlannedRange& planned : other.ranges) {
        const bool is_behind = planned.range.partition == record_->position.partition &&
                               planned.range.from > record_->position.offset;
        if (is_behind && other.driver == plan.driver) {
          return is_first ? &planned : nullptr;
        }
      }
      if (is_first || (other.driver == plan.driver && range_with_record(other) != nullptr)) {
        return nullptr;
      }
    }
    return nullptr;
  }

  // --- Named points ----------------------------------------------------------------------------

  // Points of batches that had the record, or of all if there is none, and what receivers and a
  // recovering driver did.
  void tell_points() {
    std::set<std::tuple<engine::Address, Point, std::optional<engine::BatchTime>>> told;
    for (const Event& event : ledger_.events) {
      const bool is_told = event.kind == EventKind::kPoint && matters(event) &&
                           told.emplace(event.process, event.point, event.batch).second;
      const auto words = std::ranges::find(kPointWords, event.point, &Words::point);
      if (is_told && words != kPointWords.end()) {
        const std::string batch = event.batch ? batch_name(*event.batch) : std::string("a batch");
        add(event.at,
            is_recovery(event.point) ? Weight::kContext : Weight::kDetail,
            name_of(event.process),
            fmt::format(fmt::runtime(words->text), batch));
      }
    }
  }

  static bool is_recovery(Point point) {
    return point == Point::kRecoveryCheckpointRead || point == Point::kRecoveryLogReplayed ||
           point == Point::kRecoveryBatchesRescheduled;
  }

  [[nodiscard]] bool matters(const Event& event) const {
    if (is_recovery(event.point)) {
      return event.process.incarnation > 1;
    }
    if (record_ == nullptr) {
      return !subject_.finding.empty();
    }
    if (event.at < record_->produced_at) {
      return false;
    }
    const bool is_elsewhere = event.partition >= 0 &&
                              event.process.process.role == engine::Role::kExecutor &&
                              event.batch && !is_task_of_record(event);
    if (!event.batch) {
      return true;
    }
    return !is_elsewhere && had_record(*event.batch);
  }

  [[nodiscard]] bool is_task_of_record(const Event& event) const {
    return std::ranges::any_of(ledger_.plans, [&](const BatchPlan& plan) {
      const auto* const with = plan.batch == *event.batch ? range_with_record(plan) : nullptr;
      return with != nullptr && with->task == event.partition;
    });
  }

  // --- Choice ----------------------------------------------------------------------------------

  // What matters least goes first, and of that the latest.
  std::vector<std::string> chosen_lines(std::size_t count_max) {
    std::ranges::stable_sort(lines_, {}, &Line::at);
    const std::size_t all = lines_.size();
    for (const Weight weight : {Weight::kDetail, Weight::kContext, Weight::kCore}) {
      for (std::size_t i = lines_.size(); i-- > 0;) {
        if (lines_.size() + (lines_.size() < all ? 1 : 0) > count_max &&
            lines_[i].weight == weight) {
          lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(i));
        }
      }
    }
    std::vector<std::string> chosen;
    chosen.reserve(lines_.size() + 1);
    for (const Line& line : lines_) {
      chosen.push_back(fmt::format("{}  {:<13} {}", seconds(line.at), line.who, line.what));
    }
    if (lines_.size() < all) {
      chosen.push_back(fmt::format("             ({} more events)", all - lines_.size()));
    }
    return chosen;
  }

  // --- The end ---------------------------------------------------------------------------------

  [[nodiscard]] std::vector<std::string> ending() const {
    if (subject_.finding.empty() && record_ != nullptr) {
      return {outcome(), "Nothing happened to it: it came out as it should."};
    }
    if (subject_.finding.empty()) {
      return {"Every record came out as it should."};
    }
    std::vector<std::string> end{outcome()};
    if (record_ != nullptr && !is_about("wrong")) {
      end.push_back(is_about("duplicated") ? why_twice() : why_lost());
      end.push_back(subject_.sink);
    }
    if (verdict_.stalled) {
      end.emplace_back("When the time was up, work was left that nobody did.");
    }
    end.push_back(who_noticed());
    return end;
  }

  [[nodiscard]] std::string outcome() const {
    if (record_ != nullptr && !is_about("wrong")) {
      const auto count = rows().size();
      return count == 0 ? fmt::format("In the end no row of {} is in the sink.", record_name())
                        : fmt::format("In the end {} row{} of {} {} in the sink; {} expected.",
                                      count,
                                      count == 1 ? "" : "s",
                                      record_name(),
                                      count == 1 ? "is" : "are",
                                      record_->expected);
    }
    if (is_about("wrong") && !verdict_.wrong_examples.empty()) {
      return fmt::format("In the end the sink has wrong values; {}.", wrong_example());
    }
    if (is_about("phantom")) {
      return phantom_outcome();
    }
    if (is_about("reordered")) {
      return fmt::format("In the end {} records came out behind later ones of their partition.",
                         verdict_.reordered);
    }
    if (is_about("stalled")) {
      return "In the end no record is missing.";
    }
    return fmt::format("In the end records are {}, though the output hides it.", subject_.finding);
  }

  [[nodiscard]] std::string phantom_outcome() const {
    if (!position()) {
      return fmt::format("In the end {} rows in the sink come from no record.", verdict_.phantom);
    }
    const bool is_one = rows().size() == 1;
    return fmt::format(
        "In the end {} row{} in the sink {} from partition {}, offset {}, where no record is.",
        rows().size(),
        is_one ? "" : "s",
        is_one ? "comes" : "come",
        position()->partition,
        position()->offset.value);
  }

  [[nodiscard]] std::string why_lost() const {
    const BatchPlan* last = nullptr;
    for (const BatchPlan& plan : ledger_.plans) {
      const auto* const with = range_with_record(plan);
      if (with != nullptr && plan.has_executed(with->task)) {
        return why_output_is_missing(plan);
      }
      last = with != nullptr ? &plan : last;
    }
    if (last == nullptr) {
      return verdict_.stalled ? "No batch ever had it."
                              : "No batch ever had it: whoever kept the position took it for done.";
    }
    return fmt::format("{} of driver #{} had it and did not finish; nobody had it again.",
                       capital(batch_name(last->batch)),
                       last->driver);
  }

  [[nodiscard]] std::string why_output_is_missing(const BatchPlan& plan) const {
    const auto other = std::ranges::find_if(ledger_.plans, [&](const BatchPlan& earlier) {
      return earlier.batch == plan.batch && range_with_record(earlier) == nullptr;
    });
    if (other == ledger_.plans.end()) {
      return fmt::format("The task of {} that had it came to its end, and no row of it is left.",
                         batch_name(plan.batch));
    }
    return fmt::format(
        "{} had two plans. That of driver #{} had it; that of driver #{} did not, and what the "
        "sink "
        "has is from there.",
        capital(batch_name(plan.batch)),
        plan.driver,
        other->driver);
  }

  static std::string capital(std::string text) {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return text;
  }

  [[nodiscard]] std::string why_twice() const {
    const auto all = rows();
    if (all.size() < 2) {
      return "It was read, or worked on, more than once.";
    }
    const OutputRecord& first = *all.front();
    const OutputRecord& last = *all.back();
    if (first.batch != last.batch) {
      return fmt::format("{} had it, and so had {}: the input was read again.",
                         capital(batch_name(first.batch)),
                         batch_name(last.batch));
    }
    const auto plans = std::ranges::count_if(ledger_.plans, [&](const BatchPlan& plan) {
      return plan.batch == first.batch && range_with_record(plan) != nullptr;
    });
    if (plans > 1) {
      return fmt::format("{} ran again: its output was in the sink before it was known as done.",
                         capital(batch_name(first.batch)));
    }
    return fmt::format("{} had it once, and wrote it more than once.",
                       capital(batch_name(first.batch)));
  }

  // Why nobody noticed, or who did.
  [[nodiscard]] std::string who_noticed() const {
    const auto failed = std::ranges::find_if(
        ledger_.events, [](const Event& event) { return is_failure(event.kind); });
    if (failed != ledger_.events.end()) {
      return fmt::format("The only sign of it: {} {}.", name_of(failed->process), failure(*failed));
    }
    return "Nobody noticed: no batch failed, and the driver never failed to start.";
  }

  const Ledger& ledger_;
  const Verdict& verdict_;
  const StorySubject& subject_;
  const InputRecord* record_;
  std::vector<Line> lines_;
};

}  // namespace

std::string tell_story(const Ledger& ledger, const Verdict& verdict, const StorySubject& subject) {
  return Teller(ledger, verdict, subject).tell();
}

}  // namespace reports
