// tests/unit/streaming_driver_test.cpp
//
// Recovery is a table (engine/driver/streaming_driver.h): what a driver's life begins with decides
// what it does. Every combination is tried, and each has exactly one row.

#include "engine/driver/streaming_driver.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/lone_process.h"

namespace {

using engine::StorageKind;
using testing::ElementsAre;
using tests::batch_at_ms;
using tests::LoneProcess;

enum class Files { kNone, kReadable, kTorn, kOtherVersion, kTornBesideReadable };

struct Row {
  bool checkpointing = false;
  Files files = Files::kNone;
  std::string told;
  bool exits = false;
};

const std::vector<Row>& table() {
  static const std::string first = "started for the first time";
  static const std::string again = "started from a checkpoint";
  static const std::string corrupt =
      "failed: " + engine::make_error_code(engine::Errc::kCorrupt).message();
  static const std::string incompatible =
      "failed: " + engine::make_error_code(engine::Errc::kIncompatible).message();
  static const std::vector<Row> rows{
      {false, Files::kNone, first, false},
      {false, Files::kReadable, first, false},
      {false, Files::kTorn, first, false},
      {false, Files::kOtherVersion, first, false},
      {false, Files::kTornBesideReadable, first, false},
      {true, Files::kNone, first, false},
      {true, Files::kReadable, again, false},
      {true, Files::kTorn, corrupt, true},
      {true, Files::kOtherVersion, incompatible, true},
      {true, Files::kTornBesideReadable, again, false},
  };
  return rows;
}

void put_file(LoneProcess& world, engine::BatchTime time, const std::string& bytes) {
  const engine::Address writer = world.process.address();
  const std::string path = engine::checkpoint_path(time);
  ASSERT_TRUE(world.files.create(writer, path).has_value());
  ASSERT_TRUE(world.files.append(writer, path, bytes).has_value());
  ASSERT_TRUE(world.files.close(writer, path).has_value());
}

void prepare(LoneProcess& world, Files files, std::int32_t version) {
  engine::Checkpoint checkpoint;
  checkpoint.time = batch_at_ms(1000);
  checkpoint.stream.current_offsets = {{.partition = 0, .offset = {0}}};
  const std::string whole = engine::encode(checkpoint, version);
  switch (files) {
    case Files::kNone:
      return;
    case Files::kReadable:
      put_file(world, batch_at_ms(1000), whole);
      return;
    case Files::kTorn:
      put_file(world, batch_at_ms(1000), whole.substr(0, whole.size() / 2));
      return;
    case Files::kOtherVersion:
      put_file(world, batch_at_ms(1000), engine::encode(checkpoint, version + 1));
      return;
    case Files::kTornBesideReadable:
      put_file(world, batch_at_ms(1000), whole);
      put_file(world, batch_at_ms(2000), whole.substr(1));
      return;
  }
}

TEST(Recovery, EveryBeginningHasExactlyOneRow) {
  std::size_t combinations = 0;
  for (const bool checkpointing : {false, true}) {
    for (const Files files : {Files::kNone,
                              Files::kReadable,
                              Files::kTorn,
                              Files::kOtherVersion,
                              Files::kTornBesideReadable}) {
      ++combinations;
      EXPECT_EQ(std::ranges::count_if(table(),
                                      [&](const Row& row) {
                                        return row.checkpointing == checkpointing &&
                                               row.files == files;
                                      }),
                1);
    }
  }
  EXPECT_EQ(table().size(), combinations);
}

TEST(Recovery, ADriverDoesWhatTheRowOfItsBeginningSays) {
  for (const Row& row : table()) {
    LoneProcess world;
    engine::Pipeline pipeline;
    pipeline.source.topic = "t";
    pipeline.checkpoint_enabled = row.checkpointing;
    ASSERT_TRUE(world.cluster.create_topic({.name = "t", .partitions = 1}).has_value());
    prepare(world, row.files, pipeline.application_version);
    const engine::Ports ports = world.begin();
    tests::SilentEndpoint endpoint(world.process);
    bool exited = false;
    engine::StreamingDriver driver(ports, pipeline, {}, endpoint, [&exited] { exited = true; });
    driver.start();
    world.run_for(std::chrono::milliseconds(500));
    world.end();
    EXPECT_THAT(world.listener.told, ElementsAre(row.told));
    EXPECT_EQ(exited, row.exits) << row.told;
  }
}

// A driver that cannot ask where to start does not start.
TEST(Recovery, WithoutATopicTheDriverGivesUp) {
  LoneProcess world;
  engine::Pipeline pipeline;
  pipeline.source.topic = "nowhere";
  const engine::Ports ports = world.begin();
  tests::SilentEndpoint endpoint(world.process);
  bool exited = false;
  engine::StreamingDriver driver(ports, pipeline, {}, endpoint, [&exited] { exited = true; });
  driver.start();
  world.run_for(std::chrono::milliseconds(500));
  world.end();
  EXPECT_TRUE(exited);
  EXPECT_EQ(world.listener.told.size(), 2U) << "started, and then failed";
}

}  // namespace
