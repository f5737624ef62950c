#include "scenarios/fault_text.h"

#include <variant>

#include <fmt/format.h>

#include "engine/ports/points.h"

namespace scenarios {
namespace {

std::string milliseconds(engine::Duration duration) {
  return fmt::format("{}ms", static_cast<double>(duration.count()) / 1000);
}

std::string text_of(const faults::AtPoint& at) {
  std::string text = fmt::format("{}", engine::info(at.point).name);
  if (at.batch) {
    text += fmt::format(", batch {}", *at.batch);
  }
  if (at.partition) {
    text += fmt::format(", partition {}", *at.partition);
  }
  if (at.occurrence != 1) {
    text += fmt::format(", occurrence {}", at.occurrence);
  }
  return text;
}

std::string text_of(const faults::AtTime& at) {
  return milliseconds(at.since_start);
}

std::string text_of(const faults::AtStep& at) {
  return fmt::format("step {} of {}", at.step, engine::to_string(at.process));
}

}  // namespace

std::string to_string(const faults::Target& target) {
  switch (target.kind) {
    case faults::TargetKind::kDriver:
      return "driver";
    case faults::TargetKind::kExecutor:
      return fmt::format("executor:{}", target.index);
    case faults::TargetKind::kCluster:
      return "cluster";
  }
  return "unknown";
}

std::string to_string(const faults::Crash& crash) {
  std::string text = fmt::format("crash {} at {}",
                                 to_string(crash.target),
                                 std::visit([](const auto& at) { return text_of(at); }, crash.at));
  if (!crash.restarts) {
    text += "; never restarted";
  } else if (crash.restart_after) {
    text += fmt::format("; restart after {}", milliseconds(*crash.restart_after));
  }
  if (crash.redeploy.delete_checkpoint) {
    text += "; checkpoint deleted";
  }
  if (crash.redeploy.application_version) {
    text += fmt::format("; application version {}", *crash.redeploy.application_version);
  }
  return text;
}

reports::FaultRecord describe_fault(const faults::Crash& crash) {
  reports::FaultRecord record;
  record.kind = "crash";
  record.target = to_string(crash.target);
  if (const auto* const point = std::get_if<faults::AtPoint>(&crash.at)) {
    record.point = engine::info(point->point).name;
    record.occurrence = point->occurrence;
  } else if (const auto* const step = std::get_if<faults::AtStep>(&crash.at)) {
    record.point = text_of(*step);
  } else {
    record.point = fmt::format("time {}", text_of(std::get<faults::AtTime>(crash.at)));
  }
  return record;
}

}  // namespace scenarios
