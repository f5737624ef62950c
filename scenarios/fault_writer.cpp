#include "scenarios/fault_writer.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "engine/messages.h"
#include "engine/ports/points.h"
#include "scenarios/fault_text.h"
#include "scenarios/fault_words.h"
#include "scenarios/units.h"
#include "scenarios/yaml_writer.h"

namespace scenarios {
namespace {

template <class Number>
YamlNode number(Number value) {
  return make_scalar(fmt::format("{}", value));
}

template <class T, std::size_t kCount>
YamlNode word(const std::array<Choice<T>, kCount>& words, T value) {
  return make_scalar(std::string(word_of(words, value)));
}

YamlNode duration(engine::Duration value) {
  return make_scalar(format_duration(value));
}

YamlNode at(const faults::AtPoint& point) {
  YamlNode node =
      make_mapping({{"point", make_scalar(std::string(engine::info(point.point).name))}});
  if (point.batch) {
    set_value(node, {"batch"}, number(*point.batch));
  }
  if (point.partition) {
    set_value(node, {"partition"}, number(*point.partition));
  }
  if (point.occurrence != 1) {
    set_value(node, {"occurrence"}, number(point.occurrence));
  }
  return node;
}

YamlNode at(const faults::AtTime& time) {
  return make_mapping({{"time", duration(time.since_start)}});
}

YamlNode at(const faults::AtStep& step) {
  return make_mapping(
      {{"step", number(step.step)}, {"process", make_scalar(engine::to_string(step.process))}});
}

YamlNode at(const faults::Trigger& trigger) {
  return std::visit([](const auto& when) { return at(when); }, trigger);
}

YamlNode write(const faults::Crash& crash) {
  YamlNode node =
      make_mapping({{"crash", make_scalar(to_string(crash.target))}, {"at", at(crash.at)}});
  if (!crash.restarts) {
    set_value(node, {"restart_after"}, make_scalar("never"));
  } else if (crash.restart_after) {
    set_value(node, {"restart_after"}, duration(*crash.restart_after));
  }
  if (crash.redeploy.delete_checkpoint) {
    set_value(node, {"redeploy", "delete_checkpoint"}, make_scalar("true"));
  }
  if (crash.redeploy.application_version) {
    set_value(
        node, {"redeploy", "application_version"}, number(*crash.redeploy.application_version));
  }
  if (crash.disk != sim::DiskOutcome::kDropUnsynced) {
    set_value(node, {"disk"}, word(kDiskOutcomes, crash.disk));
  }
  return node;
}

YamlNode write(const faults::Partition& partition) {
  YamlNode ends;
  ends.kind = YamlNode::Kind::kSequence;
  ends.items = {make_scalar(to_string(partition.left)), make_scalar(to_string(partition.right))};
  return make_mapping({{"partition", std::move(ends)},
                       {"at", at(partition.at)},
                       {"for", duration(partition.lasts)}});
}

YamlNode target(const faults::Target& who) {
  return make_scalar(to_string(who));
}

YamlNode write(const faults::Pause& pause) {
  return make_mapping(
      {{"pause", target(pause.target)}, {"at", at(pause.at)}, {"for", duration(pause.lasts)}});
}

YamlNode write(const faults::MessageFault& fault) {
  const std::string_view kind =
      fault.message ? engine::all_messages()[static_cast<std::size_t>(*fault.message)].name
                    : kAnyMessage;
  YamlNode node = make_mapping(
      {{word_of(kMessageFates, fault.fate), make_scalar(std::string(kind))}, {"at", at(fault.at)}});
  if (fault.from) {
    set_value(node, {"from"}, target(*fault.from));
  }
  if (fault.to) {
    set_value(node, {"to"}, target(*fault.to));
  }
  if (fault.times != 1) {
    set_value(node, {"times"}, number(fault.times));
  }
  if (fault.fate == faults::MessageFate::kDelayed) {
    set_value(node, {"by"}, duration(fault.by));
  }
  return node;
}

YamlNode write(const faults::Failure& failure) {
  YamlNode node = make_mapping({{"fail", word(kFailings, failure.what)},
                                {"of", target(failure.target)},
                                {"at", at(failure.at)}});
  if (failure.times != 1) {
    set_value(node, {"times"}, number(failure.times));
  }
  if (failure.applied) {
    set_value(node, {"applied"}, make_scalar("true"));
  }
  return node;
}

YamlNode write(const faults::DiskFault& fault) {
  YamlNode node =
      make_mapping({{"disk", word(kDiskTroubles, fault.trouble)}, {"at", at(fault.at)}});
  if (fault.trouble == faults::DiskTrouble::kFull) {
    set_value(node, {"for"}, duration(fault.lasts));
  } else {
    set_value(node, {"file"}, word(kFileKinds, fault.file));
  }
  return node;
}

YamlNode write(const faults::KafkaFault& fault) {
  using faults::KafkaTrouble;
  YamlNode node =
      make_mapping({{"kafka", word(kKafkaTroubles, fault.trouble)}, {"at", at(fault.at)}});
  const KafkaTrouble trouble = fault.trouble;
  const bool is_cut = trouble == KafkaTrouble::kTruncate || trouble == KafkaTrouble::kRetain;
  if (is_cut || trouble == KafkaTrouble::kLeaderMove) {
    set_value(node, {"partition"}, number(fault.partition));
  }
  if (is_cut) {
    set_value(node, {"records"}, number(fault.records));
  } else if (trouble == KafkaTrouble::kRequestError) {
    set_value(node, {"of"}, target(fault.target));
    set_value(node, {"times"}, number(fault.times));
  } else {
    set_value(node, {"for"}, duration(fault.lasts));
  }
  return node;
}

YamlNode write(const faults::ClockFault& fault) {
  YamlNode node = make_mapping({{"clock", target(fault.target)}, {"at", at(fault.at)}});
  if (fault.jump != engine::Duration(0)) {
    set_value(node, {"jump"}, duration(fault.jump));
  } else {
    set_value(node, {"drift"}, make_scalar(fmt::format("{}ppm", fault.drift_ppm)));
  }
  return node;
}

YamlNode write(const faults::Slowdown& fault) {
  return make_mapping(
      {{"slow", word(kSlowed, fault.what)},
       {"of", target(fault.target)},
       {"at", at(fault.at)},
       {"by",
        fault.what == faults::Slowed::kTask ? duration(fault.extra)
                                            : make_scalar(fmt::format("{}x", fault.factor))},
       {"for", duration(fault.lasts)}});
}

YamlNode write(const faults::Reorder& reorder) {
  return make_mapping(
      {{"reorder", make_mapping({{"seed", number(reorder.seed)}})}, {"at", at(reorder.at)}});
}

YamlNode write(const faults::Yield& yield) {
  return make_mapping({{"yield", target(yield.target)}, {"at", at(yield.at)}});
}

}  // namespace

YamlNode to_yaml(const faults::Fault& fault) {
  return std::visit([](const auto& what) { return write(what); }, fault);
}

YamlNode to_yaml(const faults::FaultPlan& plan) {
  YamlNode list;
  list.kind = YamlNode::Kind::kSequence;
  for (const faults::Fault& fault : plan) {
    list.items.push_back(to_yaml(fault));
  }
  return list;
}

}  // namespace scenarios
