// tests/scenario/hardened_test.cpp
//
// `protocol: hardened` beside Spark's own, over every crash of one process in every pipeline of the
// guarantee table that keeps what it has acknowledged: hardened delivers what the sink can tell
// apart, and the faithful engine does not.

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "scenarios/matrix/rows.h"
#include "tests/support/world_fixture.h"

namespace {

using engine::OffsetKeeping;
using engine::SinkKind;
using reports::Guarantee;
using scenarios::Engine;
using scenarios::MatrixRow;
using tests::Player;

Guarantee weakest_output(Player& player, const MatrixRow& row) {
  auto scenario = tests::scenario_from(scenarios::scenario_text(row));
  return player.explore(tests::prepared_from(std::move(scenario))).output;
}

// What a receiver acknowledges before it is in the log, no decision of the engine brings back.
bool keeps_what_it_acknowledges(const MatrixRow& row) {
  return !row.receiver || (row.reliable && row.write_ahead_log);
}

TEST(Hardened, EveryPipelineDeliversWhatItsSinkCanTellApart) {
  Player player;
  for (const MatrixRow& row : scenarios::matrix_rows(Engine::kHardened)) {
    if (!keeps_what_it_acknowledges(row)) {
      continue;
    }
    const bool can_tell = row.sink != SinkKind::kAppend;
    EXPECT_EQ(weakest_output(player, row),
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
  EXPECT_EQ(weakest_output(player, row), Guarantee::kNone);
  row.sink = SinkKind::kFiles;
  EXPECT_EQ(weakest_output(player, row), Guarantee::kAtLeastOnce);
  row.checkpoint = false;
  row.offsets = OffsetKeeping::kHbase;
  EXPECT_EQ(weakest_output(player, row), Guarantee::kAtLeastOnce);
}

}  // namespace
