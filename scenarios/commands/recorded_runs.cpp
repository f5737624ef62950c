#include "scenarios/commands/recorded_runs.h"

#include <chrono>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "scenarios/commands/interruption.h"

namespace scenarios {
namespace {

std::string wall_time_text() {
  const auto now =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

}  // namespace

std::string record_runs(reports::Recording& recording,
                        const std::vector<RecordedRun>& runs,
                        std::vector<std::int64_t>& run_ids) {
  for (const RecordedRun& recorded : runs) {
    reports::RunInfo info = recorded.info;
    info.started_at = wall_time_text();
    const auto stored = recording.record(info, recorded.judged.run.ledger, recorded.judged.verdict);
    if (!stored) {
      return stored.error().sentence;
    }
    run_ids.push_back(*stored);
  }
  return {};
}

std::string record_shown(const KafkaChoice& kafka,
                         const std::string& database,
                         const std::vector<Shown>& shown,
                         std::vector<std::int64_t>& run_ids) {
  auto recording = reports::Recording::open(database);
  if (!recording) {
    return recording.error().sentence;
  }
  const auto runner = Runner::create(kafka, is_interrupted);
  if (!runner) {
    return runner.error().message;
  }
  for (const auto& [prepared, plan] : shown) {
    auto again = run_for_record(**runner, *prepared, plan);
    if (!again) {
      return again.error().message;
    }
    if (again->judged.run.interrupted) {
      return {};
    }
    std::string failure = record_runs(*recording, {std::move(*again)}, run_ids);
    if (!failure.empty()) {
      return failure;
    }
  }
  return {};
}

}  // namespace scenarios
