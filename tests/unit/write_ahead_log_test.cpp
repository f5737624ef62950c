// tests/unit/write_ahead_log_test.cpp
//
// The log in files, by the invariants of engine/wal/write_ahead_log.h. A writer is crashed at every
// step, on every storage, with every fate of what was not durable yet; then everything that it had
// acknowledged has to be found, in order and with nothing else.

#include "engine/wal/write_ahead_log.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/wal/file_based_write_ahead_log.h"
#include "engine/wal/wal_reader.h"
#include "tests/support/log_world.h"

namespace {

using engine::Errc;
using engine::FailedClose;
using engine::FileBasedWriteAheadLog;
using engine::LogFormat;
using engine::Result;
using engine::StorageKind;
using engine::Task;
using engine::WalOptions;
using engine::WalRecordHandle;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using tests::at_ms;
using tests::Death;
using tests::every_death;
using tests::ForwardingStorage;
using tests::LoneProcess;
using tests::options_for;

using Records = std::vector<std::string>;

struct Append {
  std::string record;
  std::int64_t at_ms = 0;
};

// One life with a log, on the storage of its world or on one in front of it.
struct Life {
  explicit Life(LoneProcess& in, WalOptions options, engine::Storage* storage = nullptr)
      : world(in),
        ports(tests::with_storage(in.begin(), storage == nullptr ? in.storage : *storage)),
        log(ports, std::move(options)) {}

  explicit Life(LoneProcess& in) : Life(in, options_for(in.files.kind())) {}

  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  ~Life() { world.end(); }

  Result<WalRecordHandle> write(const std::string& record, std::int64_t time_ms) {
    return *world.result_of(log.write(record, at_ms(time_ms)));
  }

  Result<Records> read_all() { return *world.result_of(log.read_all()); }

  Result<std::string> read(const WalRecordHandle& handle) {
    return *world.result_of(log.read(handle));
  }

  void clean(std::int64_t threshold_ms) {
    const auto cleaned = world.result_of(log.clean(at_ms(threshold_ms)));
    EXPECT_TRUE(cleaned.has_value() && cleaned->has_value());
  }

  [[nodiscard]] std::vector<std::string> files() const { return world.files.list(""); }

  LoneProcess& world;
  engine::Ports ports;
  FileBasedWriteAheadLog log;
};

Records found_by_next_life(LoneProcess& world, WalOptions options) {
  Life life(world, std::move(options));
  const auto found = life.read_all();
  EXPECT_TRUE(found.has_value());
  return found ? *found : Records();
}

Records found_by_next_life(LoneProcess& world) {
  return found_by_next_life(world, options_for(world.files.kind()));
}

// --- The form of a log -------------------------------------------------------------------------

TEST(WalForm, ARecordIsItsLengthInFourBytesAndThenItself) {
  EXPECT_EQ(engine::frame_record("abc"), std::string("\0\0\0\3abc", 7));
  EXPECT_EQ(engine::frame_record(std::string(0x0102, 'x')).substr(0, 4),
            std::string("\0\0\1\2", 4));
}

TEST(WalForm, AFileIsNamedByWhenItBeginsAndWhenNothingIsWrittenToItAnyMore) {
  LoneProcess world;
  Life life(world);
  ASSERT_TRUE(*world.result_of(life.log.write("a", at_ms(1500) + engine::Duration(999))));
  EXPECT_THAT(life.files(), ElementsAre("log/log-1500-3500"));
}

TEST(WalForm, AFileIsRolledByTheFirstWriteAfterItsStop) {
  LoneProcess world;
  Life life(world);
  ASSERT_TRUE(life.write("a", 1000));
  ASSERT_TRUE(life.write("b", 3000));
  EXPECT_THAT(life.files(), ElementsAre("log/log-1000-3000"));
  ASSERT_TRUE(life.write("c", 3001));
  EXPECT_THAT(life.files(), ElementsAre("log/log-1000-3000", "log/log-3001-5001"));
}

TEST(WalForm, NothingIsCreatedBeforeTheFirstWrite) {
  LoneProcess world;
  Life life(world);
  EXPECT_THAT(*life.read_all(), IsEmpty());
  life.clean(1000);
  EXPECT_THAT(life.files(), IsEmpty());
}

TEST(WalForm, OnlyNamesOfTheFormAreReadAndByTheirTimeNotTheirBytes) {
  LoneProcess world;
  tests::put_file(world, "log/log-90-100", engine::frame_record("first"));
  tests::put_file(world, "log/log-1000-2000", engine::frame_record("second"));
  for (const char* const other : {"log/log-5",
                                  "log/log-5-6.tmp",
                                  "log/log-5-",
                                  "log/log-a-6",
                                  "other/log-5-6",
                                  "log/log-5-6-7"}) {
    tests::put_file(world, other, engine::frame_record("not a file of this log"));
  }
  EXPECT_THAT(found_by_next_life(world), ElementsAre("first", "second"));
}

// A clock that was set back behind the beginning of the world names them so.
TEST(WalForm, TimesBeforeTheEpochAreTimes) {
  LoneProcess world;
  tests::put_file(world, "log/log-5-6", engine::frame_record("later"));
  tests::put_file(world, "log/log--190-59810", engine::frame_record("earlier"));
  EXPECT_THAT(found_by_next_life(world), ElementsAre("earlier", "later"));
}

// --- Reading -----------------------------------------------------------------------------------

TEST(WalReading, AHandleFindsItsRecordInAnyOrderAndInAnotherLife) {
  LoneProcess world;
  std::vector<WalRecordHandle> handles;
  {
    Life life(world);
    for (const auto& [record, time] :
         {std::pair("a", 0), std::pair("", 1), std::pair("ccc", 5000)}) {
      handles.push_back(*life.write(record, time));
    }
    EXPECT_EQ(*life.read(handles[2]), "ccc") << "as soon as it is written";
  }
  EXPECT_EQ(handles[1], (WalRecordHandle{.path = "log/log-0-2000", .offset = 5, .length = 0}));
  Life next(world);
  EXPECT_EQ(*next.read(handles[2]), "ccc");
  EXPECT_EQ(*next.read(handles[0]), "a");
  EXPECT_EQ(*next.read(handles[1]), "");
}

TEST(WalReading, AHandleWhoseLengthIsNotTheOneThereIsCorrupt) {
  LoneProcess world;
  Life life(world);
  const WalRecordHandle written = *life.write("abc", 0);
  for (const auto& [offset, length] : {std::pair(0, 2),
                                       std::pair(0, 4),
                                       std::pair(1, 3),
                                       std::pair(4, 3),
                                       std::pair(100, 3),
                                       std::pair(-1, 3),
                                       std::pair(0, -1)}) {
    WalRecordHandle wrong = written;
    wrong.offset = offset;
    wrong.length = length;
    EXPECT_EQ(life.read(wrong).error(), Errc::kCorrupt) << offset << " " << length;
  }
}

TEST(WalReading, AHandleIntoAFileThatIsGoneIsNotFound) {
  LoneProcess world;
  Life life(world);
  EXPECT_EQ(life.read({.path = "log/log-0-2000", .offset = 0, .length = 1}).error(),
            Errc::kNotFound);
}

TEST(WalReading, AFileThatEndsWithinARecordEndsBeforeItAndLaterFilesAreRead) {
  const std::string whole = engine::frame_record("first") + engine::frame_record("torn");
  const std::size_t torn_from = engine::frame_record("first").size();
  for (std::size_t size = torn_from; size < whole.size(); ++size) {
    LoneProcess world;
    tests::put_file(world, "log/log-0-1000", whole.substr(0, size));
    tests::put_file(world, "log/log-2000-3000", engine::frame_record("later"));
    EXPECT_THAT(found_by_next_life(world), ElementsAre("first", "later")) << size;
  }
}

TEST(WalReading, FilesCutToOneByteAreReadAsEmptyAndNotAsAnError) {
  LoneProcess world;
  tests::put_file(world, "log/log-0-1000", "x");
  tests::put_file(world, "log/log-1001-2000", "x");
  tests::put_file(world, "log/log-2001-3000", engine::frame_record("a"));
  EXPECT_THAT(found_by_next_life(world), ElementsAre("a"));
}

// Text as a length is some gigabytes: more than any file has.
TEST(WalReading, GarbageThatLooksLikeAHugeLengthHidesTheRestOfItsFile) {
  LoneProcess world;
  tests::put_file(world,
                  "log/log-0-1000",
                  engine::frame_record("good") + "garbage" + engine::frame_record("hidden"));
  EXPECT_THAT(found_by_next_life(world), ElementsAre("good"));
}

TEST(WalReading, ANegativeLengthIsAnError) {
  LoneProcess world;
  tests::put_file(world, "log/log-0-1000", engine::frame_record("good") + "\xff\xff\xff\xff");
  Life life(world);
  EXPECT_EQ(life.read_all().error(), Errc::kCorrupt);
}

// --- L1, L3: crashes ---------------------------------------------------------------------------

// Two records per file, so that the crash comes at every step of opening, appending and rolling.
const std::vector<Append>& appends() {
  static const std::vector<Append> all{
      {"a", 0}, {"bb", 1500}, {"", 2500}, {"dddd", 4500}, {"eeeee", 7000}};
  return all;
}

Records records_of(const std::vector<Append>& all) {
  Records records;
  for (const Append& each : all) {
    records.push_back(each.record);
  }
  return records;
}

Task<> write_all(FileBasedWriteAheadLog* log, std::vector<Append> all, Records* acknowledged) {
  for (const Append& each : all) {
    const auto written = co_await log->write(each.record, at_ms(each.at_ms));
    if (written) {
      acknowledged->push_back(each.record);
    }
  }
}

bool is_prefix(const Records& prefix, const Records& whole) {
  return prefix.size() <= whole.size() &&
         std::ranges::equal(prefix, Records(whole.begin(), whole.begin() + std::ssize(prefix)));
}

enum class Flushing { kReal, kPretended };

// A life that writes, and how it ends.
struct Trial {
  Death death;
  WalOptions options;
  std::vector<Append> appended = appends();
  Flushing flushing = Flushing::kReal;
};

Trial trial_of(const Death& death) {
  Trial trial;
  trial.death = death;
  trial.options = options_for(death.storage);
  return trial;
}

struct Crashed {
  Records acknowledged;
  Records found;
  bool torn = false;         // the files hold more than the records that were found
  Records found_after_more;  // when the next life has written "more" behind it and has ended
};

bool holds_more_than(const LoneProcess& world, const Records& found, LogFormat format) {
  std::size_t there = 0;
  for (const std::string& path : world.files.list("")) {
    there += world.files.read(path)->size();
  }
  std::size_t whole = 0;
  for (const std::string& record : found) {
    whole += record.size() + static_cast<std::size_t>(engine::frame_bytes(format));
  }
  return there > whole;
}

// What is left when the writer was crashed at its step `step`. Empty: there was no such step.
std::optional<Crashed> crash_at(const Trial& trial, std::uint64_t step) {
  LoneProcess world(trial.death.storage);
  Crashed result;
  world.storage.plan_death(trial.death.disk);
  world.hook.step = step;
  tests::UnflushingStorage unflushing(world.storage);
  engine::Storage* const storage = trial.flushing == Flushing::kPretended ? &unflushing : nullptr;
  {
    Life life(world, trial.options, storage);
    engine::spawn(life.ports.executor, write_all(&life.log, trial.appended, &result.acknowledged));
    world.run_for();
  }
  if (!world.hook.crashed) {
    return std::nullopt;
  }
  {
    Life next(world, trial.options);
    result.found = *next.read_all();
    result.torn = holds_more_than(world, result.found, trial.options.format);
    EXPECT_TRUE(next.write("more", 10'000));
  }
  result.found_after_more = found_by_next_life(world, trial.options);
  return result;
}

bool holds(const Trial& trial, const Crashed& crashed) {
  Records with_more = crashed.found;
  with_more.emplace_back("more");
  return is_prefix(crashed.acknowledged, crashed.found) &&
         is_prefix(crashed.found, records_of(trial.appended)) &&
         crashed.found_after_more == with_more;
}

struct Sweep {
  std::vector<std::string> broken;
  int torn = 0;       // schedules that left half a record
  int undecided = 0;  // schedules that left a record nobody had been told of
  std::uint64_t schedules = 0;
};

Sweep crash_everywhere(const Trial& trial) {
  Sweep sweep;
  for (;;) {
    const auto crashed = crash_at(trial, sweep.schedules + 1);
    if (!crashed) {
      break;
    }
    ++sweep.schedules;
    sweep.torn += crashed->torn ? 1 : 0;
    sweep.undecided += crashed->found.size() > crashed->acknowledged.size() ? 1 : 0;
    if (!holds(trial, *crashed)) {
      sweep.broken.push_back(
          fmt::format("{}, crash at step {}", tests::to_string(trial.death), sweep.schedules));
    }
  }
  EXPECT_GE(sweep.schedules, 20U) << "the sweep reached every step of five writes";
  return sweep;
}

TEST(WriteAheadLog, ACrashAtAnyStepKeepsWhatIsAcknowledgedAndInventsNothing) {
  for (const Death& death : every_death()) {
    EXPECT_THAT(crash_everywhere(trial_of(death)).broken, IsEmpty());
  }
}

TEST(WriteAheadLog, WithChecksumsACrashAtAnyStepKeepsWhatIsAcknowledged) {
  for (const Death& death : every_death()) {
    Trial trial = trial_of(death);
    trial.options.format = LogFormat::kChecksum;
    EXPECT_THAT(crash_everywhere(trial).broken, IsEmpty());
  }
}

// Closing after every write is sound everywhere, not only where it is needed.
TEST(WriteAheadLog, ClosingAfterEveryWriteKeepsWhatIsAcknowledgedOnEveryStorage) {
  for (const Death& death : every_death()) {
    Trial trial = trial_of(death);
    trial.options.close_after_write = true;
    EXPECT_THAT(crash_everywhere(trial).broken, IsEmpty());
  }
}

// Each write of the same millisecond opens the same file again: a tear behind a record that is
// acknowledged takes nothing of it.
TEST(WriteAheadLog, ACrashAtAnyStepOfAppendingToAClosedFileKeepsWhatIsInIt) {
  for (const Death& death : every_death()) {
    if (death.storage == StorageKind::kS3) {
      continue;
    }
    Trial trial = trial_of(death);
    trial.options.close_after_write = true;
    for (Append& each : trial.appended) {
      each.at_ms = 7;
    }
    EXPECT_THAT(crash_everywhere(trial).broken, IsEmpty());
  }
}

// The counter-example: S3 has nothing before the file is closed, whatever flush answered.
TEST(WriteAheadLog, OnS3AFileThatStaysOpenLosesWhatIsAcknowledged) {
  Trial trial = trial_of({.storage = StorageKind::kS3, .disk = {}});
  trial.options.close_after_write = false;
  EXPECT_THAT(crash_everywhere(trial).broken, Not(IsEmpty()));
}

// The counter-example to flushing after each record, on each storage that flushes (SPARK-25871:
// HDFS files in an erasure-coded directory do not).
TEST(WriteAheadLog, WithoutTheFlushACrashLosesWhatIsAcknowledged) {
  for (const auto storage : {StorageKind::kHdfs, StorageKind::kLocal}) {
    Trial trial = trial_of({.storage = storage, .disk = {.machine = true}});
    trial.flushing = Flushing::kPretended;
    EXPECT_THAT(crash_everywhere(trial).broken, Not(IsEmpty()));
  }
}

// L3, and that the sweep above met it: half a record is left behind and is not taken for one; a
// whole one that nobody was told of is.
TEST(WriteAheadLog, ATornTailIsDroppedAndAWholeOneIsFound) {
  const Sweep torn = crash_everywhere(trial_of(
      {.storage = StorageKind::kHdfs, .disk = {.outcome = sim::DiskOutcome::kTornUnsynced}}));
  EXPECT_GT(torn.torn, 0);
  EXPECT_THAT(torn.broken, IsEmpty());
  const Sweep kept = crash_everywhere(trial_of(
      {.storage = StorageKind::kHdfs, .disk = {.outcome = sim::DiskOutcome::kKeepUnsynced}}));
  EXPECT_EQ(kept.torn, 0);
  EXPECT_GT(kept.undecided, 0);
}

// --- L2 ----------------------------------------------------------------------------------------

TEST(WriteAheadLog, RecordsAreFoundInTheOrderOfTheirWritesOverAllLives) {
  LoneProcess world;
  for (std::int64_t life_number = 0; life_number < 12; ++life_number) {
    Life life(world);
    for (std::int64_t i = 0; i < 3; ++i) {
      const std::int64_t number = life_number * 3 + i;
      ASSERT_TRUE(life.write(std::to_string(number), number * 900));
    }
  }
  const Records found = found_by_next_life(world);
  ASSERT_EQ(found.size(), 36U);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], std::to_string(i));
  }
}

TEST(WriteAheadLog, WritesThatOverlapTakeTurnsInTheOrderOfTheirCalls) {
  LoneProcess world;
  Records acknowledged;
  {
    Life life(world);
    for (const Append& each : appends()) {
      engine::spawn(life.ports.executor,
                    write_all(&life.log, std::vector<Append>(1, each), &acknowledged));
    }
    world.run_for();
  }
  EXPECT_EQ(acknowledged, records_of(appends()));
  EXPECT_EQ(found_by_next_life(world), records_of(appends()));
}

// --- Cleaning and closing ----------------------------------------------------------------------

TEST(WriteAheadLog, CleaningRemovesTheFilesThatStopBeforeTheThreshold) {
  LoneProcess world;
  {
    Life life(world);
    for (const std::int64_t time : {0, 3000, 6000}) {
      ASSERT_TRUE(life.write(std::to_string(time), time));
    }
  }
  Life next(world);
  next.clean(2000);
  EXPECT_THAT(*next.read_all(), ElementsAre("0", "3000", "6000")) << "its stop is the threshold";
  next.clean(2001);
  EXPECT_THAT(*next.read_all(), ElementsAre("3000", "6000"));
  next.clean(2001);
  next.clean(5001);
  EXPECT_THAT(next.files(), ElementsAre("log/log-6000-8000"));
}

TEST(WriteAheadLog, CleaningLeavesTheCurrentFileHoweverOldItIs) {
  LoneProcess world;
  Life life(world);
  ASSERT_TRUE(life.write("a", 0));
  ASSERT_TRUE(life.write("b", 3000));
  life.clean(100'000);
  EXPECT_THAT(*life.read_all(), ElementsAre("b"));
}

TEST(WriteAheadLog, AFileThatIsRemovedBySomebodyElseDisturbsNeitherCleaningNorReading) {
  LoneProcess world;
  {
    Life life(world);
    ASSERT_TRUE(life.write("a", 0));
    ASSERT_TRUE(life.write("b", 3000));
  }
  Life next(world);
  EXPECT_THAT(*next.read_all(), ElementsAre("a", "b"));
  ASSERT_TRUE(world.files.remove("log/log-0-2000"));
  EXPECT_THAT(*next.read_all(), ElementsAre("b"));
  next.clean(4000);
  EXPECT_THAT(*next.read_all(), ElementsAre("b"));
}

TEST(WriteAheadLog, ClosingTwiceDoesNothingAndLaterWritesFail) {
  LoneProcess world;
  Life life(world);
  ASSERT_TRUE(life.write("a", 0));
  EXPECT_TRUE(*world.result_of(life.log.close()));
  EXPECT_TRUE(*world.result_of(life.log.close()));
  EXPECT_EQ(life.write("b", 1).error(), Errc::kUnavailable);
  EXPECT_THAT(*life.read_all(), ElementsAre("a"));
}

// --- Storage that fails ------------------------------------------------------------------------

// Fails the next operations of each kind; of an append that fails, `kept_bytes` are there.
class FailingStorage final : public ForwardingStorage {
 public:
  using ForwardingStorage::ForwardingStorage;

  int creates = 0;
  int appends = 0;
  int closes = 0;
  std::size_t kept_bytes = 0;

  Task<Result<>> create(std::string path) override {
    if (take(creates)) {
      co_return Errc::kUnavailable;
    }
    co_return co_await ForwardingStorage::create(std::move(path));
  }

  Task<Result<>> append(std::string path, std::string bytes) override {
    const bool fails = take(appends);
    if (fails) {
      bytes.resize(kept_bytes);
    }
    const auto appended = co_await ForwardingStorage::append(std::move(path), std::move(bytes));
    if (fails) {
      co_return Errc::kUnavailable;
    }
    co_return appended;
  }

  // The stream is gone, and what it held with it.
  Task<Result<>> close(std::string path) override {
    if (take(closes)) {
      co_return Errc::kUnavailable;
    }
    co_return co_await ForwardingStorage::close(std::move(path));
  }

 private:
  static bool take(int& left) {
    if (left == 0) {
      return false;
    }
    --left;
    return true;
  }
};

TEST(WalRetry, AWriteIsTriedAsOftenAsTheOptionSays) {
  for (const int failures : {0, 1, 2, 3}) {
    LoneProcess world;
    FailingStorage storage(world.storage);
    Life life(world, options_for(StorageKind::kHdfs), &storage);
    storage.creates = failures;
    const auto written = life.write("a", 0);
    EXPECT_EQ(written.has_value(), failures < 3);
    EXPECT_EQ(life.read_all()->size(), failures < 3 ? 1U : 0U);
    EXPECT_TRUE(life.write("b", 1)) << "the log goes on after a write that failed";
  }
}

TEST(WalRetry, AFailureInAFileThatAnEarlierWriteBeganIsRetriedInANewOne) {
  LoneProcess world;
  FailingStorage storage(world.storage);
  {
    Life life(world, options_for(StorageKind::kHdfs), &storage);
    ASSERT_TRUE(life.write("a", 0));
    storage.appends = 1;
    storage.kept_bytes = 6;
    ASSERT_TRUE(life.write("second", 500));
    ASSERT_TRUE(life.write("third", 600));
    EXPECT_THAT(life.files(), ElementsAre("log/log-0-2000", "log/log-500-2500"));
  }
  EXPECT_THAT(found_by_next_life(world), ElementsAre("a", "second", "third"));
}

// Spark's hazard: the first attempt began the file, so the second goes into it as well, behind what
// is left of the first. The length of the torn record swallows the beginning of the whole one. Its
// handle still finds it; reading in order does not.
TEST(WalRetry, ARetryBehindItsOwnTornRecordIsLostToReadingInOrder) {
  LoneProcess world;
  FailingStorage storage(world.storage);
  std::optional<WalRecordHandle> handle;
  {
    Life life(world, options_for(StorageKind::kHdfs), &storage);
    storage.appends = 1;
    storage.kept_bytes = 6;
    handle = *life.write("acknowledged", 0);
    EXPECT_EQ(handle->offset, 6);
    ASSERT_TRUE(life.write("behind it", 1));
    EXPECT_THAT(life.files(), ElementsAre("log/log-0-2000"));
  }
  Life next(world);
  EXPECT_EQ(*next.read(*handle), "acknowledged");
  const auto found = next.read_all();
  ASSERT_TRUE(found.has_value());
  EXPECT_THAT(*found, Not(testing::Contains("acknowledged")));
  EXPECT_THAT(*found, Not(testing::Contains("behind it")));
}

// The sound twin: what is left of the first attempt is told from a record.
TEST(WalRetry, ARetryBehindItsOwnTornRecordIsFoundWhereRecordsHaveChecksums) {
  LoneProcess world;
  FailingStorage storage(world.storage);
  WalOptions options = options_for(StorageKind::kHdfs);
  options.format = LogFormat::kChecksum;
  std::optional<WalRecordHandle> handle;
  {
    Life life(world, options, &storage);
    storage.appends = 1;
    storage.kept_bytes = 6;
    handle = *life.write("acknowledged", 0);
    EXPECT_EQ(handle->offset, 6);
    ASSERT_TRUE(life.write("behind it", 1));
  }
  Life next(world, options);
  EXPECT_EQ(*next.read(*handle), "acknowledged");
  EXPECT_THAT(*next.read_all(), ElementsAre("acknowledged", "behind it"));
}

// A record that is damaged behind the back of the log: without checksums it is taken as it is.
TEST(WalRetry, ARecordThatIsDamagedIsToldWhereRecordsHaveChecksums) {
  for (const LogFormat format : {LogFormat::kLength, LogFormat::kChecksum}) {
    LoneProcess world;
    WalOptions options = options_for(StorageKind::kHdfs);
    options.format = format;
    std::string bytes;
    {
      Life life(world, options);
      const auto first = life.write("first", 0);
      ASSERT_TRUE(life.write("second", 1));
      bytes = *world.files.read(first->path);
    }
    bytes[bytes.find("first")] = 'F';
    LoneProcess other;
    tests::put_file(other, "log/log-0-2000", bytes);
    Life next(other, options);
    const auto found = next.read_all();
    EXPECT_EQ(found.has_value(), format == LogFormat::kLength);
  }
}

// Where it does no harm: nothing of the first attempt reached the file.
TEST(WalRetry, ARetryIntoAnEmptyFileIsWhole) {
  LoneProcess world;
  FailingStorage storage(world.storage);
  {
    Life life(world, options_for(StorageKind::kHdfs), &storage);
    storage.appends = 2;
    ASSERT_TRUE(life.write("a", 0));
  }
  EXPECT_THAT(found_by_next_life(world), ElementsAre("a"));
}

TEST(WalRetry, AStreamThatNeitherTakesBytesNorClosesEndsTheWriteAtOnce) {
  LoneProcess world;
  FailingStorage storage(world.storage);
  Life life(world, options_for(StorageKind::kHdfs), &storage);
  storage.appends = 1;
  storage.closes = 1;
  EXPECT_EQ(life.write("a", 0).error(), Errc::kUnavailable);
  EXPECT_TRUE(life.write("b", 1));
}

// Spark's loop remembers the segment of any attempt that got as far as the flush, and returns it
// when every attempt to close has failed.
TEST(WalRetry, AWriteThatNeverClosesOnS3IsAcknowledgedAndLostUnlessItIsRefused) {
  for (const auto failed_close : {FailedClose::kAcknowledged, FailedClose::kRefused}) {
    LoneProcess world(StorageKind::kS3);
    FailingStorage storage(world.storage);
    WalOptions options = options_for(StorageKind::kS3);
    options.failed_close = failed_close;
    {
      Life life(world, options, &storage);
      storage.closes = 3;
      EXPECT_EQ(life.write("a", 0).has_value(), failed_close == FailedClose::kAcknowledged);
      storage.closes = 2;
      EXPECT_TRUE(life.write("b", 1)) << "the third attempt closes";
    }
    EXPECT_THAT(found_by_next_life(world), ElementsAre("b"));
  }
}

// Spark's hazard: a file per record is a file per millisecond, and S3 cannot append to one.
TEST(WalRetry, OnS3TheSecondRecordOfAMillisecondIsRefused) {
  LoneProcess world(StorageKind::kS3);
  {
    Life life(world);
    ASSERT_TRUE(life.write("a", 7));
    EXPECT_EQ(life.write("b", 7).error(), Errc::kUnsupported);
    EXPECT_TRUE(life.write("c", 8));
  }
  EXPECT_THAT(found_by_next_life(world), ElementsAre("a", "c"));
}

TEST(WalRetry, WhereFilesCanBeAppendedToARecordOfTheSameMillisecondGoesBehindTheOther) {
  LoneProcess world;
  WalOptions options = options_for(StorageKind::kHdfs);
  options.close_after_write = true;
  {
    Life life(world, options);
    ASSERT_TRUE(life.write("a", 7));
    EXPECT_EQ(life.write("b", 7)->offset, 5);
    EXPECT_THAT(*life.read_all(), ElementsAre("a", "b")) << "the file is read once";
  }
  EXPECT_THAT(found_by_next_life(world), ElementsAre("a", "b"));
}

// --- Reopening, on the disk itself -------------------------------------------------------------

TEST(ReopenedFile, ContinuesBehindWhatAReaderFinds) {
  for (const auto storage : {StorageKind::kHdfs, StorageKind::kLocal}) {
    LoneProcess world(storage);
    tests::put_file(world, "file", "abc");
    const engine::Ports ports = world.begin();
    EXPECT_EQ(*world.files.reopen(ports.self, "file"), 3);
    ASSERT_TRUE(world.files.append(ports.self, "file", "def"));
    ASSERT_TRUE(world.files.close(ports.self, "file"));
    EXPECT_EQ(*world.files.read("file"), "abcdef");
  }
}

TEST(ReopenedFile, KeepsWhatWasDurableWhenItsNewWriterDies) {
  for (const Death& death : every_death()) {
    if (death.storage == StorageKind::kS3) {
      continue;
    }
    LoneProcess world(death.storage);
    const engine::Address first = world.begin().self;
    ASSERT_TRUE(world.files.create(first, "file"));
    ASSERT_TRUE(world.files.append(first, "file", "abc"));
    ASSERT_TRUE(world.files.flush(first, "file"));
    world.end();
    const engine::Address second = world.begin().self;
    ASSERT_TRUE(world.files.reopen(second, "file"));
    ASSERT_TRUE(world.files.append(second, "file", "def"));
    world.storage.plan_death(death.disk);
    world.end();
    EXPECT_TRUE(std::string("abcdef").starts_with(*world.files.read("file")));
    EXPECT_TRUE(world.files.read("file")->starts_with("abc"));
  }
}

// The client that buffered them is gone, and with it what it had not flushed.
TEST(ReopenedFile, OnHdfsHasOnlyWhatItsLastWriterFlushed) {
  LoneProcess world;
  const engine::Address writer = world.begin().self;
  ASSERT_TRUE(world.files.create(writer, "file"));
  ASSERT_TRUE(world.files.append(writer, "file", "abc"));
  ASSERT_TRUE(world.files.flush(writer, "file"));
  ASSERT_TRUE(world.files.append(writer, "file", "lost"));
  ASSERT_TRUE(world.files.rename("file", "renamed"));
  ASSERT_TRUE(world.files.create(writer, "file")) << "which abandons the stream";
  EXPECT_EQ(*world.files.reopen(writer, "renamed"), 3);
  ASSERT_TRUE(world.files.append(writer, "renamed", "def"));
  ASSERT_TRUE(world.files.close(writer, "renamed"));
  EXPECT_EQ(*world.files.read("renamed"), "abcdef");
}

TEST(ReopenedFile, IsRefusedWhereItCannotBe) {
  LoneProcess s3(StorageKind::kS3);
  tests::put_file(s3, "file", "abc");
  EXPECT_EQ(s3.files.reopen(s3.begin().self, "file").error(), Errc::kUnsupported);
  LoneProcess hdfs;
  const engine::Address writer = hdfs.begin().self;
  EXPECT_EQ(hdfs.files.reopen(writer, "file").error(), Errc::kNotFound);
  ASSERT_TRUE(hdfs.files.create(writer, "file"));
  EXPECT_EQ(hdfs.files.reopen(writer, "file").error(), Errc::kUnavailable) << "it has a writer";
}

}  // namespace
