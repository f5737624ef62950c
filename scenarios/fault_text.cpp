#include "scenarios/fault_text.h"

#include <utility>
#include <variant>

#include <fmt/format.h>

#include "engine/messages.h"
#include "engine/ports/points.h"
#include "scenarios/fault_words.h"

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

std::string for_so_long(engine::Duration lasts) {
  return fmt::format("; for {}", milliseconds(lasts));
}

std::string so_often(std::int32_t times) {
  return times == 1 ? std::string() : fmt::format("; {} times", times);
}

std::string applied_or_not(bool applied) {
  return applied ? "; applied" : "";
}

// What a fault is in a recording: its kind, whom or what it hits, and what follows. ---------------

struct Words {
  std::string kind;
  std::string target;
  std::string consequence;
};

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
  if (crash.disk != sim::DiskOutcome::kDropUnsynced) {
    const bool torn = crash.disk == sim::DiskOutcome::kTornUnsynced;
    text += torn ? "; unsynced bytes torn" : "; unsynced bytes kept";
  }
  return text;
}

Words words_of(const faults::Crash& crash) {
  return {"crash", to_string(crash.target), consequence_of(crash)};
}

Words words_of(const faults::Partition& partition) {
  return {"partition",
          fmt::format("{} and {}", to_string(partition.left), to_string(partition.right)),
          for_so_long(partition.lasts)};
}

Words words_of(const faults::Pause& pause) {
  return {"pause", to_string(pause.target), for_so_long(pause.lasts)};
}

Words words_of(const faults::MessageFault& fault) {
  Words words{
      .kind = std::string(word_of(kMessageFates, fault.fate)),
      .target =
          fault.message
              ? std::string(engine::all_messages()[static_cast<std::size_t>(*fault.message)].name)
              : std::string(kAnyMessage),
      .consequence = so_often(fault.times)};
  if (fault.from) {
    words.target += fmt::format(" from {}", to_string(*fault.from));
  }
  if (fault.to) {
    words.target += fmt::format(" to {}", to_string(*fault.to));
  }
  if (fault.fate == faults::MessageFate::kDelayed) {
    words.consequence += fmt::format("; by {}", milliseconds(fault.by));
  }
  return words;
}

Words words_of(const faults::Failure& failure) {
  return {"fail",
          fmt::format("{} of {}", word_of(kFailings, failure.what), to_string(failure.target)),
          so_often(failure.times) + applied_or_not(failure.applied)};
}

Words words_of(const faults::DiskFault& fault) {
  const std::string trouble(word_of(kDiskTroubles, fault.trouble));
  if (fault.trouble == faults::DiskTrouble::kFull) {
    return {"disk", trouble, for_so_long(fault.lasts)};
  }
  return {"disk", fmt::format("{} of {}", trouble, word_of(kFileKinds, fault.file)), ""};
}

Words words_of(const faults::KafkaFault& fault) {
  const std::string trouble(word_of(kKafkaTroubles, fault.trouble));
  const std::string partition = fmt::format("{} of partition {}", trouble, fault.partition);
  switch (fault.trouble) {
    case faults::KafkaTrouble::kBrokerDown:
    case faults::KafkaTrouble::kCoordinatorMove:
      return {"kafka", trouble, for_so_long(fault.lasts)};
    case faults::KafkaTrouble::kLeaderMove:
      return {"kafka", partition, for_so_long(fault.lasts)};
    case faults::KafkaTrouble::kRequestError:
      return {"kafka",
              fmt::format("{} of {}", trouble, to_string(fault.target)),
              so_often(fault.times)};
    case faults::KafkaTrouble::kTruncate:
    case faults::KafkaTrouble::kRetain:
      return {"kafka", partition, fmt::format("; {} records", fault.records)};
  }
  return {"kafka", trouble, ""};
}

Words words_of(const faults::ClockFault& fault) {
  return {"clock",
          to_string(fault.target),
          fault.jump != engine::Duration(0) ? fmt::format("; jump {}", milliseconds(fault.jump))
                                            : fmt::format("; drift {}ppm", fault.drift_ppm)};
}

Words words_of(const faults::Slowdown& fault) {
  return {"slow",
          fmt::format("{} of {}", word_of(kSlowed, fault.what), to_string(fault.target)),
          (fault.what == faults::Slowed::kTask ? fmt::format("; by {}", milliseconds(fault.extra))
                                               : fmt::format("; by {}x", fault.factor)) +
              for_so_long(fault.lasts)};
}

Words words_of(const faults::Reorder& reorder) {
  return {"reorder", fmt::format("seed {}", reorder.seed), ""};
}

Words words_of(const faults::Yield& yield) {
  return {"yield", to_string(yield.target), ""};
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
  const Words words = std::visit([](const auto& what) { return words_of(what); }, fault);
  return fmt::format(
      "{} {} at {}{}", words.kind, words.target, text_of(trigger_of(fault)), words.consequence);
}

reports::FaultRecord describe_fault(const faults::Fault& fault) {
  reports::FaultRecord record;
  Words words = std::visit([](const auto& what) { return words_of(what); }, fault);
  record.kind = std::move(words.kind);
  record.target = std::move(words.target);
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
