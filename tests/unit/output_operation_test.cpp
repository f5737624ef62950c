// tests/unit/output_operation_test.cpp
//
// What a task leaves in the sink when it dies at any of its steps, and what the repeated task makes
// of that, for each kind of sink.

#include "engine/executor/output_operation.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/lone_process.h"

namespace {

using engine::Element;
using engine::Errc;
using engine::OffsetGuard;
using engine::OffsetRange;
using engine::Pipeline;
using engine::SinkKind;
using engine::TaskKey;
using testing::ElementsAre;
using testing::IsEmpty;
using tests::batch_at_ms;
using tests::LoneProcess;

using Values = std::vector<std::string>;

constexpr OffsetRange kRange{.partition = 0, .from = {10}, .until = {15}};
constexpr engine::ProcessId kExecutor{.role = engine::Role::kExecutor, .index = 0};

Pipeline pipeline_with(SinkKind kind, OffsetGuard guard = OffsetGuard::kCompareAndSet) {
  Pipeline pipeline;
  pipeline.sink = {.kind = kind, .rows_per_write = 2};
  pipeline.protocol.offset_guard = guard;
  return pipeline;
}

TaskKey task_of(std::int32_t attempt) {
  TaskKey key;
  key.batch = batch_at_ms(3000);
  key.attempt = attempt;
  return key;
}

// The records of kRange: "10" to "14".
std::vector<Element> elements_of(const OffsetRange& range) {
  std::vector<Element> elements;
  for (std::int64_t offset = range.from.value; offset < range.until.value; ++offset) {
    elements.push_back({.source = {.partition = range.partition, .offset = {offset}},
                        .ordinal = 0,
                        .identity = {},
                        .key = "key",
                        .value = std::to_string(offset)});
  }
  return elements;
}

Values values_of(const OffsetRange& range) {
  Values values;
  for (const Element& element : elements_of(range)) {
    values.push_back(element.value);
  }
  return values;
}

Values contents(LoneProcess& world) {
  Values values;
  for (const engine::OutputRow& row : world.database.contents().value()) {
    values.push_back(row.value);
  }
  return values;
}

// A driver reserved the offset that the first batch begins with.
void reserve_offset(LoneProcess& world) {
  engine::SinkTransaction start;
  const engine::OffsetUpdate update{
      .partition = 0, .expected = engine::kNeverSaved, .next = kRange.from};
  start.offsets.push_back(update);
  ASSERT_EQ(world.database.apply(start).value(), engine::TransactionOutcome::kCommitted);
}

// One attempt, in a life of its own. Empty: it died.
std::optional<engine::Result<>> attempt(LoneProcess& world,
                                        const Pipeline& pipeline,
                                        std::int32_t number,
                                        const OffsetRange& range = kRange) {
  const engine::Ports ports = world.begin();
  engine::OutputOperation output(ports, pipeline);
  auto result = world.result_of(output.write(task_of(number), range, elements_of(range)));
  world.end();
  return result;
}

struct Aftermath {
  Values after_crash;
  Values after_repetition;
};

// By step: the first attempt dies there, the second one runs through.
std::vector<Aftermath> crash_at_every_step(const Pipeline& pipeline) {
  std::vector<Aftermath> aftermaths;
  for (std::uint64_t step = 1;; ++step) {
    LoneProcess world(engine::StorageKind::kHdfs, kExecutor);
    reserve_offset(world);
    world.hook.step = step;
    const auto first = attempt(world, pipeline, 0);
    if (!world.hook.crashed) {
      EXPECT_TRUE(first.has_value() && first->has_value());
      return aftermaths;
    }
    EXPECT_FALSE(first.has_value());
    Aftermath aftermath;
    aftermath.after_crash = contents(world);
    const auto second = attempt(world, pipeline, 1);
    EXPECT_TRUE(second.has_value() && second->has_value()) << "crash at step " << step;
    aftermath.after_repetition = contents(world);
    aftermaths.push_back(std::move(aftermath));
  }
}

bool is_prefix(const Values& part, const Values& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

TEST(AppendOutput, ACrashLeavesAPrefixAndTheRepetitionWritesEverythingAgain) {
  const Values all = values_of(kRange);
  bool saw_part = false;
  for (const Aftermath& aftermath : crash_at_every_step(pipeline_with(SinkKind::kAppend))) {
    EXPECT_TRUE(is_prefix(aftermath.after_crash, all));
    Values expected = aftermath.after_crash;
    expected.insert(expected.end(), all.begin(), all.end());
    EXPECT_EQ(aftermath.after_repetition, expected);
    saw_part = saw_part || (!aftermath.after_crash.empty() && aftermath.after_crash != all);
  }
  EXPECT_TRUE(saw_part) << "some crash falls between two statements";
}

TEST(UpsertOutput, ACrashLeavesAPrefixAndTheRepetitionOverwritesIt) {
  const Values all = values_of(kRange);
  bool saw_part = false;
  for (const Aftermath& aftermath : crash_at_every_step(pipeline_with(SinkKind::kUpsert))) {
    EXPECT_TRUE(is_prefix(aftermath.after_crash, all));
    EXPECT_EQ(aftermath.after_repetition, all);
    saw_part = saw_part || (!aftermath.after_crash.empty() && aftermath.after_crash != all);
  }
  EXPECT_TRUE(saw_part);
}

// All or nothing, and once.
TEST(TransactionalOutput, ACrashLeavesAllOrNothingAndTheRepetitionRepeatsNothing) {
  const Values all = values_of(kRange);
  for (const SinkKind kind : {SinkKind::kBatchUid, SinkKind::kOffsets, SinkKind::kFiles}) {
    bool saw_nothing = false;
    bool saw_all = false;
    for (const Aftermath& aftermath : crash_at_every_step(pipeline_with(kind))) {
      EXPECT_TRUE(aftermath.after_crash.empty() || aftermath.after_crash == all);
      EXPECT_EQ(aftermath.after_repetition, all) << static_cast<int>(kind);
      saw_nothing = saw_nothing || aftermath.after_crash.empty();
      saw_all = saw_all || aftermath.after_crash == all;
    }
    EXPECT_TRUE(saw_nothing && saw_all) << static_cast<int>(kind);
  }
}

// The counter-examples: without the guard, or with the offsets apart, some crash repeats the rows.
TEST(TransactionalOutput, WithoutCompareAndSetSomeCrashRepeatsTheRows) {
  const Values all = values_of(kRange);
  for (const OffsetGuard guard : {OffsetGuard::kBlindUpdate, OffsetGuard::kSecondTransaction}) {
    bool repeated = false;
    for (const Aftermath& aftermath :
         crash_at_every_step(pipeline_with(SinkKind::kOffsets, guard))) {
      repeated = repeated || aftermath.after_repetition.size() == 2 * all.size();
    }
    EXPECT_TRUE(repeated) << static_cast<int>(guard);
  }
}

// What batch-uid cannot know: the same batch and partition, but not the same records.
TEST(BatchUidOutput, DropsTheRecordsThatARepetitionHasMore) {
  LoneProcess world(engine::StorageKind::kHdfs, kExecutor);
  const Pipeline pipeline = pipeline_with(SinkKind::kBatchUid);
  const OffsetRange larger{.partition = 0, .from = {10}, .until = {20}};
  ASSERT_TRUE(attempt(world, pipeline, 0).value().has_value());
  ASSERT_TRUE(attempt(world, pipeline, 1, larger).value().has_value());
  EXPECT_EQ(contents(world), values_of(kRange));
}

TEST(OffsetsOutput, RefusesARangeThatOverlapsWhatIsCommitted) {
  LoneProcess world(engine::StorageKind::kHdfs, kExecutor);
  reserve_offset(world);
  const Pipeline pipeline = pipeline_with(SinkKind::kOffsets);
  ASSERT_TRUE(attempt(world, pipeline, 0).value().has_value());
  const OffsetRange larger{.partition = 0, .from = {10}, .until = {20}};
  const OffsetRange gap{.partition = 0, .from = {16}, .until = {20}};
  EXPECT_EQ(attempt(world, pipeline, 1, larger).value().error(), Errc::kRefused);
  EXPECT_EQ(attempt(world, pipeline, 2, gap).value().error(), Errc::kRefused);
  EXPECT_EQ(contents(world), values_of(kRange));
}

TEST(FilesOutput, ReplacesTheFileOfTheBatchAsAWhole) {
  LoneProcess world(engine::StorageKind::kHdfs, kExecutor);
  const Pipeline pipeline = pipeline_with(SinkKind::kFiles);
  const OffsetRange smaller{.partition = 0, .from = {10}, .until = {12}};
  ASSERT_TRUE(attempt(world, pipeline, 0).value().has_value());
  ASSERT_TRUE(attempt(world, pipeline, 1, smaller).value().has_value());
  EXPECT_THAT(contents(world), ElementsAre("10", "11"));
}

TEST(FilesOutput, AnEmptyRangeLeavesNoRows) {
  LoneProcess world(engine::StorageKind::kHdfs, kExecutor);
  const OffsetRange nothing{.partition = 0, .from = {10}, .until = {10}};
  ASSERT_TRUE(attempt(world, pipeline_with(SinkKind::kFiles), 0, nothing).value().has_value());
  EXPECT_THAT(contents(world), IsEmpty());
}

}  // namespace
