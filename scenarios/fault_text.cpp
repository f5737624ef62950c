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

std::string text_of(const faults::Trigger& trigger) {
  return std::visit([](const auto& at) { return text_of(at); }, trigger);
}

std::string kind_of(const faults::Crash& /*crash*/) {
  return "crash";
}

std::string kind_of(const faults::Partition& /*partition*/) {
  return "partition";
}

std::string target_of(const faults::Crash& crash) {
  return to_string(crash.target);
}

std::string target_of(const faults::Partition& partition) {
  return fmt::format("{} and {}", to_string(partition.left), to_string(partition.right));
}

std::string consequence_of(const faults::Partition& partition) {
  return fmt::format("; for {}", milliseconds(partition.lasts));
}

std::string consequence_of(const faults::Crash& crash) {
  std::string text;
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

}  // namespace

std::string to_string(const faults::Target& target) {
  switch (target.kind) {
    case faults::TargetKind::kDriver:
      return "driver";
    case faults::TargetKind::kExecutor:
      return fmt::format("executor:{}", target.index);
    case faults::TargetKind::kReceiver:
      return fmt::format("receiver:{}", target.index);
    case faults::TargetKind::kReceiverExecutor:
      return fmt::format("receiver-executor:{}", target.index);
    case faults::TargetKind::kMachine:
      return fmt::format("machine:{}", target.index);
    case faults::TargetKind::kCluster:
      return "cluster";
  }
  return "unknown";
}

std::string to_string(const faults::Fault& fault) {
  return std::visit(
      [](const auto& what) {
        return fmt::format("{} {} at {}{}",
                           kind_of(what),
                           target_of(what),
                           text_of(what.at),
                           consequence_of(what));
      },
      fault);
}

reports::FaultRecord describe_fault(const faults::Fault& fault) {
  reports::FaultRecord record;
  std::visit(
      [&record](const auto& what) {
        record.kind = kind_of(what);
        record.target = target_of(what);
      },
      fault);
  const faults::Trigger& trigger = trigger_of(fault);
  if (const auto* const point = std::get_if<faults::AtPoint>(&trigger)) {
    record.point = engine::info(point->point).name;
    record.occurrence = point->occurrence;
  } else if (const auto* const step = std::get_if<faults::AtStep>(&trigger)) {
    record.point = text_of(*step);
  } else {
    record.point = fmt::format("time {}", text_of(std::get<faults::AtTime>(trigger)));
  }
  return record;
}

}  // namespace scenarios
