// tests/property/write_ahead_log_property_test.cpp
//
// Any history of appending, cleaning and dying against a model of the log: whatever was
// acknowledged and not cleaned is found, in order, and nothing is found that was not written.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/wal/batched_write_ahead_log.h"
#include "engine/wal/file_based_write_ahead_log.h"
#include "engine/wal/wal_reader.h"
#include "tests/support/log_world.h"

namespace {

using engine::FileBasedWriteAheadLog;
using engine::StorageKind;
using engine::Task;
using engine::WalOptions;
using tests::at_ms;
using tests::Death;
using tests::LoneProcess;

using Records = std::vector<std::string>;

// --- The model ---------------------------------------------------------------------------------

// What was written, and how sure that is. An uncertain record may be found or not; once it was
// found or missed, it is settled.
class LogModel {
 public:
  void begin_append(const std::string& record, std::int64_t time_ms) {
    entries_.push_back({.record = record, .time_ms = time_ms, .certain = false});
  }

  void end_append(bool acknowledged) { entries_.back().certain = acknowledged; }

  // A file holds records up to its stop: whatever is as new as the threshold stays.
  void clean(std::int64_t threshold_ms) {
    for (Entry& entry : entries_) {
      entry.certain = entry.certain && entry.time_ms >= threshold_ms;
    }
  }

  // Empty: these records may be found. Otherwise why not. Forgets what was missed.
  std::string settle(const Records& found) {
    std::deque<Entry> settled;
    for (const std::string& record : found) {
      while (!entries_.empty() && entries_.front().record != record) {
        if (entries_.front().certain) {
          return fmt::format("'{}' is missing before '{}'", entries_.front().record, record);
        }
        entries_.pop_front();
      }
      if (entries_.empty()) {
        return fmt::format("'{}' is out of order or was never written", record);
      }
      settled.push_back(entries_.front());
      settled.back().certain = true;
      entries_.pop_front();
    }
    for (const Entry& entry : entries_) {
      if (entry.certain) {
        return fmt::format("'{}' is missing at the end", entry.record);
      }
    }
    entries_ = std::move(settled);
    return "";
  }

 private:
  struct Entry {
    std::string record;
    std::int64_t time_ms = 0;
    bool certain = false;
  };

  std::deque<Entry> entries_;
};

// --- Histories ---------------------------------------------------------------------------------

struct Step {
  enum class Kind : std::uint8_t { kAppend, kClean, kReopen } kind = Kind::kAppend;
  std::int64_t wait_ms = 0;  // since the step before
  std::string payload;       // kAppend
  std::int64_t age_ms = 0;   // kClean: of the threshold
};

struct History {
  Death death;
  WalOptions options;
  std::vector<Step> steps;
};

void showValue(const History& history, std::ostream& out) {
  out << tests::to_string(history.death) << (history.options.close_after_write ? ", closing" : "");
  for (const Step& step : history.steps) {
    out << fmt::format("; +{} ms ", step.wait_ms);
    switch (step.kind) {
      case Step::Kind::kAppend:
        out << fmt::format("append {} bytes", step.payload.size());
        break;
      case Step::Kind::kClean:
        out << fmt::format("clean {} ms ago", step.age_ms);
        break;
      case Step::Kind::kReopen:
        out << "reopen";
        break;
    }
  }
}

Step any_step() {
  Step step;
  step.kind = *rc::gen::weightedElement<Step::Kind>(
      {{6, Step::Kind::kAppend}, {1, Step::Kind::kClean}, {1, Step::Kind::kReopen}});
  step.wait_ms = *rc::gen::weightedOneOf<std::int64_t>(
      {{1, rc::gen::just<std::int64_t>(0)}, {4, rc::gen::inRange<std::int64_t>(1, 2500)}});
  step.payload = *rc::gen::arbitrary<std::string>();
  step.age_ms = *rc::gen::inRange<std::int64_t>(0, 8000);
  return step;
}

History any_history() {
  History history;
  history.death = *rc::gen::elementOf(tests::every_death());
  history.options = tests::options_for(history.death.storage);
  history.options.close_after_write =
      history.death.storage == StorageKind::kS3 || *rc::gen::arbitrary<bool>();
  history.options.format =
      *rc::gen::element(engine::LogFormat::kLength, engine::LogFormat::kChecksum);
  const auto length = *rc::gen::inRange<std::size_t>(1, 9);
  for (std::size_t i = 0; i < length; ++i) {
    history.steps.push_back(any_step());
  }
  return history;
}

// Does a history over as many lives as it takes.
class Player {
 public:
  explicit Player(const History& history) : history_(history), world_(history.death.storage) {}

  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  // Dies at effect boundary `crash_step`. Empty: the log kept its promise in every life.
  std::string play(std::uint64_t crash_step) {
    world_.storage.plan_death(history_.death.disk);
    world_.hook.step = crash_step;
    while (next_ < history_.steps.size()) {
      const std::string complaint = live();
      if (!complaint.empty()) {
        return complaint;
      }
    }
    return live();
  }

  [[nodiscard]] bool crashed() const { return world_.hook.crashed; }

 private:
  // One life: reads everything, and goes on with the history until it dies or is closed. A life
  // begins in a millisecond of its own; two lives in one would share a file, torn tail and all.
  std::string live() {
    ++time_ms_;
    const engine::Ports ports = world_.begin();
    FileBasedWriteAheadLog log(ports, history_.options);
    const auto found = world_.result_of(log.read_all());
    std::string complaint;
    if (found) {
      complaint = found->has_value() ? model_.settle(found->value()) : "the log cannot be read";
      engine::spawn(ports.executor, go_on(&log));
      world_.run_for();
    }
    world_.end();
    return complaint;
  }

  Task<> go_on(FileBasedWriteAheadLog* log) {
    while (next_ < history_.steps.size()) {
      const Step& step = history_.steps[next_++];
      time_ms_ += step.wait_ms;
      if (step.kind == Step::Kind::kReopen) {
        co_return;
      }
      if (step.kind == Step::Kind::kClean) {
        model_.clean(time_ms_ - step.age_ms);
        const auto cleaned = co_await log->clean(at_ms(time_ms_ - step.age_ms));
        RC_ASSERT(cleaned.has_value());
        continue;
      }
      const std::string record = fmt::format("{}:{}", next_, step.payload);
      model_.begin_append(record, time_ms_);
      const auto written = co_await log->write(record, at_ms(time_ms_));
      model_.end_append(written.has_value());
    }
  }

  const History& history_;
  LoneProcess world_;
  LogModel model_;
  std::size_t next_ = 0;
  std::int64_t time_ms_ = 100'000;
};

RC_GTEST_PROP(WriteAheadLogProperty, ADeathAtAnyPositionKeepsWhatIsAcknowledgedInOrder, ()) {
  const History history = any_history();
  RC_LOG() << rc::toString(history.steps.size()) << " steps\n";
  showValue(history, RC_LOG());
  for (std::uint64_t step = 1; true; ++step) {
    Player player(history);
    const std::string complaint = player.play(step);
    RC_LOG() << "\ncrash at step " << step << ": " << complaint;
    RC_ASSERT(complaint.empty());
    if (!player.crashed()) {
      break;
    }
  }
}

// What the property above rests on: the model can complain.
TEST(WriteAheadLogProperty, TheModelConvictsALogThatForgetsAnAcknowledgedRecord) {
  LogModel model;
  for (const char* const record : {"a", "b", "c"}) {
    model.begin_append(record, 1);
    model.end_append(true);
  }
  EXPECT_EQ(LogModel(model).settle({"a", "b", "c"}), "");
  EXPECT_EQ(LogModel(model).settle({"a", "b"}), "'c' is missing at the end");
  EXPECT_EQ(LogModel(model).settle({"a", "c"}), "'b' is missing before 'c'");
  EXPECT_EQ(LogModel(model).settle({"a", "b", "c", "d"}),
            "'d' is out of order or was never written");
  EXPECT_EQ(LogModel(model).settle({"b", "a", "c"}), "'a' is missing before 'b'");
}

// --- Bytes -------------------------------------------------------------------------------------

RC_GTEST_PROP(WriteAheadLogProperty, AFileCutAnywhereGivesTheRecordsThatAreWhole, ()) {
  const auto records = *rc::gen::arbitrary<Records>();
  std::string file;
  std::vector<std::size_t> ends;
  for (const std::string& record : records) {
    file += engine::frame_record(record);
    ends.push_back(file.size());
  }
  const auto size = *rc::gen::inRange<std::size_t>(0, file.size() + 1);
  const auto whole =
      std::count_if(ends.begin(), ends.end(), [size](std::size_t end) { return end <= size; });
  const auto found = engine::records_in(std::string_view(file).substr(0, size));
  RC_ASSERT(found.has_value());
  RC_ASSERT(*found == Records(records.begin(), records.begin() + whole));
}

RC_GTEST_PROP(WriteAheadLogProperty, ABatchOfAnyRecordsGivesThemBack, ()) {
  const auto records = *rc::gen::arbitrary<Records>();
  RC_ASSERT(engine::deaggregate(engine::aggregate(records)) == records);
}

}  // namespace
