// tests/pages/recorded_pages.h
//
// Ledgers made by hand, recorded and made pages of, in a folder of its own that goes with it.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "reports/judge.h"
#include "reports/pages/pages.h"
#include "reports/recording.h"
#include "tests/support/child_process.h"
#include "tests/support/ledger_builder.h"
#include "tests/support/temporary_folder.h"

namespace tests {

class RecordedPages : public testing::Test {
 public:
  RecordedPages(const RecordedPages&) = delete;
  RecordedPages& operator=(const RecordedPages&) = delete;

 protected:
  RecordedPages() = default;

  [[nodiscard]] std::string database() const { return database_.string(); }

  [[nodiscard]] std::filesystem::path page(std::int64_t run_id) const {
    return folder_ / fmt::format("run-{}.html", run_id);
  }

  std::int64_t record(const reports::Ledger& ledger, std::vector<reports::RunText> texts = {}) {
    const reports::RunInfo info{.scenario = "made_by_hand",
                                .seed = 7,
                                .kafka = "model",
                                .token = "op1-abc",
                                .started_at = "2026-01-02T03:04:05Z",
                                .virtual_us = ledger.ended_at.time_since_epoch().count(),
                                .wall_us = 345,
                                .trace_hash = "0123456789abcdef0123456789abcdef",
                                .passed = true,
                                .topic = "sessions",
                                .sink = "append",
                                .texts = std::move(texts)};
    auto recording = reports::Recording::open(database());
    const auto run_id = recording->record(info, ledger, reports::judge(ledger));
    EXPECT_TRUE(run_id.has_value()) << run_id.error().sentence;
    return *run_id;
  }

  void write_pages() {
    const auto written = reports::write_pages(
        database(), std::nullopt, [this](const std::string& name, const std::string& text) {
          write_file(folder_ / name, text);
          return std::string();
        });
    EXPECT_TRUE(written.has_value()) << written.error().sentence;
  }

  // Of records 0 to 19 of one partition these have no row.
  static reports::Ledger with_losses(const std::vector<std::int64_t>& lost) {
    support::LedgerBuilder history;
    history.inputs(0, 20).plan(1, 1, {support::range(0, 0, 20)}, true);
    for (std::int64_t offset = 0; offset < 20; ++offset) {
      if (std::ranges::count(lost, offset) == 0) {
        history.output(0, offset);
      }
    }
    history.ledger().ended_at = engine::Instant(std::chrono::seconds(2));
    return history.ledger();
  }

  TemporaryFolder own_;
  std::filesystem::path folder_ = own_.path();
  std::filesystem::path database_ = folder_ / "runs.db";
};

}  // namespace tests
