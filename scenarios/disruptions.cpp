#include "scenarios/disruptions.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/driver/checkpoint.h"
#include "engine/driver/receiver_tracker.h"
#include "engine/ports/invariant.h"
#include "engine/receiver/receiver_supervisor.h"

namespace scenarios {
namespace {

using engine::Duration;

bool has_role(const engine::Message& message, engine::MessageRole role) {
  return engine::all_messages()[message.index()].role == role;
}

std::string_view prefix_of(faults::FileKind kind) {
  switch (kind) {
    case faults::FileKind::kCheckpoint:
      return engine::kCheckpointPrefix;
    case faults::FileKind::kDriverLog:
      return engine::kDriverLogDirectory;
    case faults::FileKind::kReceiverLog:
      return engine::kReceiverLogDirectory;
  }
  return {};
}

// Whoever is told that something failed may hear why it never took effect, or hear nothing in time.
sim::Failure failure_of(bool applied) {
  return {.error = applied ? engine::Errc::kTimedOut : engine::Errc::kUnavailable,
          .applied = applied};
}

// An object of s3 is written when it is closed, and flushed by nothing else.
sim::StorageOperation operation_of(faults::Failing what, engine::StorageKind storage) {
  const bool is_object = storage == engine::StorageKind::kS3;
  switch (what) {
    case faults::Failing::kWrite:
      return is_object ? sim::StorageOperation::kClose : sim::StorageOperation::kAppend;
    case faults::Failing::kFlush:
      return is_object ? sim::StorageOperation::kClose : sim::StorageOperation::kFlush;
    case faults::Failing::kRename:
      return sim::StorageOperation::kRename;
    default:
      return sim::StorageOperation::kRead;
  }
}

}  // namespace

Disruptions::Disruptions(Surroundings world,
                         std::function<std::optional<Exposed>(const faults::Target&)> find,
                         std::function<void(Duration)> not_over,
                         std::function<bool()> produced_all)
    : world_(world),
      find_(std::move(find)),
      not_over_(std::move(not_over)),
      produced_all_(std::move(produced_all)) {}

// What waited moves at once, and what comes of it is in the batch after the next, at the latest.
bool Disruptions::strike(const faults::Pause& pause) {
  const auto found = find_(pause.target);
  if (!found) {
    return false;
  }
  sim::Process& process = found->process;
  const engine::Address life = process.address();
  process.pause();
  after(pause.lasts, [&process, life] {
    if (process.alive() && process.address() == life) {
      process.resume();
    }
  });
  not_over_(pause.lasts + 2 * world_.pipeline.batch_interval);
  return true;
}

// Whoever waits for what is lost waits for up to the network timeout, and may then ask again.
bool Disruptions::strike(const faults::MessageFault& fault) {
  Interception interception;
  if (!end_of_link(fault.from, interception.from) || !end_of_link(fault.to, interception.to)) {
    return false;
  }
  interception.matches = [kind = fault.message](const engine::Message& message) {
    return !kind || static_cast<std::size_t>(*kind) == message.index();
  };
  interception.times = fault.times;
  switch (fault.fate) {
    case faults::MessageFate::kDropped:
      interception.lost = true;
      interception.met = [this] { not_over_(world_.cluster.network_timeout); };
      break;
    case faults::MessageFate::kDelayed:
      interception.late = fault.by;
      interception.met = [this, by = fault.by] { not_over_(by); };
      break;
    case faults::MessageFate::kDuplicated:
      interception.twice = true;
      break;
  }
  world_.network.intercept(std::move(interception));
  return true;
}

// False: the end is named, and nobody lives there. An end that is not named is anybody.
bool Disruptions::end_of_link(const std::optional<faults::Target>& target,
                              std::optional<engine::ProcessId>& process) const {
  if (!target) {
    return true;
  }
  const auto found = find_(*target);
  if (found) {
    process = found->process.id();
  }
  return found.has_value();
}

bool Disruptions::strike(const faults::Failure& failure) {
  const auto found = find_(failure.target);
  if (!found) {
    return false;
  }
  switch (failure.what) {
    case faults::Failing::kRpc:
      lose_questions(failure, found->process.id());
      return true;
    case faults::Failing::kTask:
      INVARIANT(found->executor != nullptr, "a driver runs no task");
      found->executor->fail_tasks(failure.times, failure.applied);
      return true;
    case faults::Failing::kSink:
      found->sink.disturbance().fail_next(std::nullopt, failure.times, failure_of(failure.applied));
      return true;
    default:
      found->storage.disturbance().fail_next(operation_of(failure.what, world_.files.kind()),
                                             failure.times,
                                             failure_of(failure.applied));
      return true;
  }
}

// A question that is lost has done nothing; when its answer is lost, it has.
void Disruptions::lose_questions(const faults::Failure& failure, engine::ProcessId process) {
  const auto role = failure.applied ? engine::MessageRole::kAnswer : engine::MessageRole::kQuestion;
  Interception interception;
  (failure.applied ? interception.to : interception.from) = process;
  interception.matches = [role](const engine::Message& message) { return has_role(message, role); };
  interception.times = failure.times;
  interception.lost = true;
  interception.met = [this] { not_over_(world_.cluster.network_timeout); };
  world_.network.intercept(std::move(interception));
}

bool Disruptions::strike(const faults::DiskFault& fault) {
  if (fault.trouble == faults::DiskTrouble::kFull) {
    fill_disk(fault.lasts);
    return true;
  }
  return world_.files.flip_bit(prefix_of(fault.file), world_.seed).has_value();
}

void Disruptions::fill_disk(Duration lasts) {
  ++full_disks_;
  world_.files.limit_capacity(0);
  after(lasts, [this] {
    --full_disks_;
    if (full_disks_ == 0) {
      world_.files.limit_capacity(std::nullopt);
    }
  });
  not_over_(lasts);
}

bool Disruptions::strike(const faults::KafkaFault& fault) {
  sim::UnsteadyCluster& kafka = world_.kafka;
  switch (fault.trouble) {
    case faults::KafkaTrouble::kBrokerDown:
      kafka.brokers_down();
      after(fault.lasts, [&kafka] { kafka.brokers_up(); });
      break;
    case faults::KafkaTrouble::kLeaderMove:
      kafka.leader_lost(fault.partition);
      after(fault.lasts, [&kafka, at = fault.partition] { kafka.leader_found(at); });
      break;
    case faults::KafkaTrouble::kCoordinatorMove:
      kafka.coordinator_lost();
      after(fault.lasts, [&kafka] { kafka.coordinator_found(); });
      break;
    case faults::KafkaTrouble::kRequestError: {
      const auto found = find_(fault.target);
      if (found) {
        found->kafka.disturbance().fail_next(
            std::nullopt, fault.times, {.error = engine::Errc::kRefused, .applied = false});
      }
      return found.has_value();
    }
    case faults::KafkaTrouble::kTruncate:
    case faults::KafkaTrouble::kRetain:
      return shorten_log(fault);
  }
  not_over_(fault.lasts);
  return true;
}

// Of a log that holds fewer records all are gone.
bool Disruptions::shorten_log(const faults::KafkaFault& fault) {
  INVARIANT(world_.model != nullptr, "only the model can lose a part of a log");
  sim::BrokerModel& model = *world_.model;
  const std::string& topic = world_.pipeline.source.topic;
  const auto marks = model.watermarks(topic);
  INVARIANT(marks.has_value(), "the topic of the run is there");
  const engine::Watermarks& log = marks->at(static_cast<std::size_t>(fault.partition));
  const std::int64_t gone = std::min(fault.records, log.high_watermark - log.log_start);
  const bool truncates = fault.trouble == faults::KafkaTrouble::kTruncate;
  if (gone == 0 || (truncates && !produced_all_())) {
    return false;
  }
  const auto done = truncates ? model.truncate(topic, fault.partition, log.high_watermark + -gone)
                              : model.delete_before(topic, fault.partition, log.log_start + gone);
  INVARIANT(done.has_value(), "an offset between the watermarks is one of the log");
  return true;
}

bool Disruptions::strike(const faults::ClockFault& fault) {
  const auto found = find_(fault.target);
  if (!found) {
    return false;
  }
  if (fault.jump != Duration(0)) {
    found->clock.jump(fault.jump);
  } else {
    found->clock.drift(fault.drift_ppm);
  }
  return true;
}

bool Disruptions::strike(const faults::Slowdown& slowdown) {
  const auto found = find_(slowdown.target);
  if (!found) {
    return false;
  }
  const engine::Instant until = world_.scheduler.now() + slowdown.lasts;
  switch (slowdown.what) {
    case faults::Slowed::kTask:
      found->points.delay(engine::Point::kTaskInputRead, slowdown.extra, until);
      break;
    case faults::Slowed::kSink:
      found->sink.disturbance().slow_down(slowdown.factor, until);
      break;
    case faults::Slowed::kStorage:
      found->storage.disturbance().slow_down(slowdown.factor, until);
      break;
  }
  not_over_(slowdown.lasts);
  return true;
}

bool Disruptions::strike(const faults::Reorder& reorder) {
  order_.start(reorder.seed);
  world_.scheduler.set_ready_order(sim::ReadyOrder::kSeeded, &order_);
  return true;
}

bool Disruptions::strike(const faults::Yield& yield) {
  const auto found = find_(yield.target);
  if (found) {
    found->process.yield();
  }
  return found.has_value();
}

void Disruptions::after(Duration duration, std::function<void()> call) {
  world_.scheduler.call_at(world_.scheduler.now() + duration, std::move(call));
}

}  // namespace scenarios
