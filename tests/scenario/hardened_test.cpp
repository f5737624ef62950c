// tests/scenario/hardened_test.cpp
//
// `protocol: hardened` beside Spark's own, over every crash of one process in every Direct pipeline
// of the guarantee table: hardened delivers what the sink can tell apart, and the faithful engine
// does not.

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "scenarios/matrix/rows.h"
#include "tests/support/world_fixture.h"

namespace {

using engine::OffsetKeeping;
using engine::SinkKind;
using reports::Guarantee;
using scenarios::MatrixRow;
using tests::Player;

Guarantee weakest_output(Player& player, const MatrixRow& row, const engine::Protocol& protocol) {
  auto scenario = tests::scenario_from(scenarios::scenario_text(row));
  scenario.pipeline.protocol = protocol;
  return player.explore(tests::prepared_from(std::move(scenario))).output;
}

TEST(Hardened, EveryDirectPipelineDeliversWhatItsSinkCanTellApart) {
  Player player;
  for (const MatrixRow& row : scenarios::matrix_rows()) {
    if (row.receiver) {
      continue;
    }
    const bool can_tell = row.sink != SinkKind::kAppend;
    EXPECT_EQ(weakest_output(player, row, engine::hardened_protocol()),
              can_tell ? Guarantee::kExactlyOnce : Guarantee::kAtLeastOnce)
        << scenarios::scenario_text(row);
  }
}

// What each of these lacks is in docs/GUARANTEES.md.
TEST(Hardened, TheFaithfulEngineDoesNot) {
  Player player;
  MatrixRow row{.receiver = false,
                .reliable = false,
                .write_ahead_log = false,
                .checkpoint = true,
                .offsets = OffsetKeeping::kCheckpoint,
                .sink = SinkKind::kBatchUid};
  EXPECT_EQ(weakest_output(player, row, {}), Guarantee::kNone);
  row.sink = SinkKind::kFiles;
  EXPECT_EQ(weakest_output(player, row, {}), Guarantee::kAtLeastOnce);
  row.checkpoint = false;
  row.offsets = OffsetKeeping::kHbase;
  EXPECT_EQ(weakest_output(player, row, {}), Guarantee::kAtLeastOnce);
}

}  // namespace
