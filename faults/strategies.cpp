#include "faults/strategies.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

#include "engine/ports/invariant.h"
#include "sim/random.h"

namespace faults {
namespace {

using engine::Duration;
using std::chrono::milliseconds;

constexpr std::int32_t kTimesMax = 3;
constexpr std::int32_t kFactorMax = 10;
constexpr std::int32_t kDriftMax = 100'000;  // ppm
constexpr std::int64_t kRecordsMax = 20;

// Draws the parts of faults, one after the other.
class Draw {
 public:
  Draw(std::uint64_t seed, const Battlefield& battlefield, std::int32_t faults_max)
      : random_(seed),
        field_(battlefield),
        share_(battlefield.room / faults_max),
        silence_(std::min(share_, battlefield.silence / faults_max)) {}

  std::uint64_t below(std::uint64_t bound) { return sim::uniform_below(random_, bound); }

  bool coin() { return below(2) == 0; }

  // From 1 to `max`.
  std::int32_t up_to(std::int32_t max) {
    return static_cast<std::int32_t>(1 + below(static_cast<std::uint64_t>(max)));
  }

  template <class Values>
  auto one_of(const Values& values) {
    INVARIANT(!std::ranges::empty(values), "nothing to choose from");
    return values[below(values.size())];
  }

  // Each order is as likely as any other (Fisher and Yates).
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t left = values.size(); left > 1; --left) {
      std::swap(values[left - 1], values[below(left)]);
    }
  }

  // Each boundary is as likely as any other, whoever's it is.
  Trigger boundary() {
    std::uint64_t count = 0;
    for (const ProcessSteps& one : field_.steps) {
      count += one.steps;
    }
    std::uint64_t number = below(count);
    const ProcessSteps* at = field_.steps.data();
    while (number >= at->steps) {
      number -= at->steps;
      ++at;
    }
    return AtStep{.process = at->process, .step = number + 1};
  }

  Fault fault(FaultKind kind);
  Fault crash();

  [[nodiscard]] std::vector<Target> processes() const {
    std::vector<Target> all{{.kind = TargetKind::kDriver, .index = 0}};
    for (std::int32_t i = 0; i < field_.executors; ++i) {
      all.push_back({.kind = TargetKind::kExecutor, .index = i});
    }
    return all;
  }

 private:
  Target process() { return one_of(processes()); }

  Target executor() {
    return {.kind = TargetKind::kExecutor, .index = index_below(field_.executors)};
  }

  std::int32_t index_below(std::int32_t count) { return up_to(count) - 1; }

  // From a millisecond to `max`: half of them in the lowest tenth, where most timers are.
  Duration lasting(Duration max) {
    const Duration most = std::max<Duration>(coin() ? max / 10 : max, milliseconds(1));
    return milliseconds(1 + below(static_cast<std::uint64_t>(most / milliseconds(1))));
  }

  Fault partition();
  Fault pause();
  Fault message(MessageFate fate);
  Fault failure(FaultKind kind);
  Fault disk(DiskTrouble trouble);
  Fault kafka(KafkaTrouble trouble);
  Fault clock();
  Fault slowdown(Slowed what);

  sim::RandomStream random_;
  const Battlefield& field_;
  Duration share_;    // how long one fault may last
  Duration silence_;  // and how long if it silences somebody who must not be given up
};

constexpr Target kDriver{.kind = TargetKind::kDriver, .index = 0};
// The one executor that may be given up.
constexpr Target kScapegoat{.kind = TargetKind::kExecutor, .index = 0};

// What a machine leaves behind is noticed by its silence.
Fault Draw::crash() {
  std::vector<Target> targets = targets_of(field_.executors, field_.receivers);
  for (std::int32_t i = 0; field_.patience <= share_ && i < field_.executors; ++i) {
    targets.push_back({.kind = TargetKind::kMachine, .index = i});
  }
  const Target target = one_of(targets);
  return Crash{.target = target,
               .at = boundary(),
               .restart_after = std::nullopt,
               .restarts = true,
               .redeploy = {}};
}

// A cut with the driver lasts until somebody is given up: a shorter one is bridged by TCP.
Fault Draw::partition() {
  if (2 * field_.patience <= share_ && coin()) {
    const Duration rest = share_ - 2 * field_.patience;
    return Partition{.left = kDriver,
                     .right = kScapegoat,
                     .at = boundary(),
                     .lasts = field_.patience + lasting(rest)};
  }
  std::vector<Target> executors = processes();
  std::erase(executors, kDriver);
  shuffle(executors);
  return Partition{.left = executors[0],
                   .right = executors[1],
                   .at = boundary(),
                   .lasts = lasting(share_ - field_.patience)};
}

Fault Draw::pause() {
  const Target target = process();
  const bool may_be_given_up = target == kScapegoat && field_.executors > 1;
  return Pause{
      .target = target, .at = boundary(), .lasts = lasting(may_be_given_up ? share_ : silence_)};
}

Fault Draw::message(MessageFate fate) {
  MessageFault fault;
  fault.fate = fate;
  if (fate == MessageFate::kDropped) {
    fault.message = one_of(field_.droppable);
  } else if (coin()) {
    fault.message = one_of(field_.messages);
  }
  if (coin()) {
    fault.from = process();
  }
  fault.at = boundary();
  fault.times = up_to(kTimesMax);
  if (fate == MessageFate::kDelayed) {
    fault.by = lasting(silence_ / kTimesMax);
  }
  return fault;
}

Fault Draw::failure(FaultKind kind) {
  Failure failure;
  switch (kind) {
    case FaultKind::kStorageFailure:
      failure.what =
          one_of(std::array{Failing::kWrite, Failing::kFlush, Failing::kRename, Failing::kRead});
      failure.target = field_.executors_have_files ? process() : Target{};
      break;
    case FaultKind::kRpcFailure:
      failure.what = Failing::kRpc;
      failure.target = executor();
      break;
    case FaultKind::kTaskFailure:
      failure.what = Failing::kTask;
      failure.target = executor();
      break;
    default:
      failure.what = Failing::kSink;
      failure.target = process();
  }
  failure.at = boundary();
  failure.times = up_to(kTimesMax);
  failure.applied = coin();
  return failure;
}

Fault Draw::disk(DiskTrouble trouble) {
  DiskFault fault{.trouble = trouble, .file = {}, .at = boundary(), .lasts = {}};
  if (trouble == DiskTrouble::kFull) {
    fault.lasts = lasting(share_);
  } else {
    fault.file = one_of(field_.files);
  }
  return fault;
}

Fault Draw::kafka(KafkaTrouble trouble) {
  KafkaFault fault{.trouble = trouble, .target = {}, .at = boundary()};
  switch (trouble) {
    case KafkaTrouble::kBrokerDown:
    case KafkaTrouble::kCoordinatorMove:
      fault.lasts = lasting(share_);
      break;
    case KafkaTrouble::kLeaderMove:
      fault.partition = index_below(field_.partitions);
      fault.lasts = lasting(share_);
      break;
    case KafkaTrouble::kRequestError:
      fault.target = process();
      fault.times = up_to(kTimesMax);
      break;
    case KafkaTrouble::kTruncate:
    case KafkaTrouble::kRetain:
      fault.partition = index_below(field_.partitions);
      fault.records = static_cast<std::int64_t>(1 + below(kRecordsMax));
      break;
  }
  return fault;
}

Fault Draw::clock() {
  ClockFault fault{.target = process(), .at = boundary()};
  const int sign = coin() ? 1 : -1;
  if (coin()) {
    fault.jump = sign * lasting(silence_);
  } else {
    fault.drift_ppm = sign * up_to(kDriftMax);
  }
  return fault;
}

Fault Draw::slowdown(Slowed what) {
  Slowdown fault{.what = what, .target = {}, .at = boundary(), .lasts = lasting(share_ / 2)};
  if (what == Slowed::kTask) {
    fault.target = executor();
    fault.extra = lasting(share_ / 2);
  } else {
    const bool anybody = what == Slowed::kSink || field_.executors_have_files;
    fault.target = anybody ? process() : Target{};
    fault.factor = 1 + up_to(kFactorMax - 1);
  }
  return fault;
}

Fault Draw::fault(FaultKind kind) {
  switch (kind) {
    case FaultKind::kCrash:
      return crash();
    case FaultKind::kPartition:
      return partition();
    case FaultKind::kPause:
      return pause();
    case FaultKind::kDrop:
      return message(MessageFate::kDropped);
    case FaultKind::kDelay:
      return message(MessageFate::kDelayed);
    case FaultKind::kDuplicate:
      return message(MessageFate::kDuplicated);
    case FaultKind::kStorageFailure:
    case FaultKind::kRpcFailure:
    case FaultKind::kTaskFailure:
    case FaultKind::kSinkFailure:
      return failure(kind);
    case FaultKind::kFullDisk:
      return disk(DiskTrouble::kFull);
    case FaultKind::kFlippedBit:
      return disk(DiskTrouble::kFlipBit);
    case FaultKind::kBrokerDown:
      return kafka(KafkaTrouble::kBrokerDown);
    case FaultKind::kLeaderMove:
      return kafka(KafkaTrouble::kLeaderMove);
    case FaultKind::kRequestError:
      return kafka(KafkaTrouble::kRequestError);
    case FaultKind::kTruncate:
      return kafka(KafkaTrouble::kTruncate);
    case FaultKind::kRetain:
      return kafka(KafkaTrouble::kRetain);
    case FaultKind::kCoordinatorMove:
      return kafka(KafkaTrouble::kCoordinatorMove);
    case FaultKind::kClock:
      return clock();
    case FaultKind::kSlowTask:
      return slowdown(Slowed::kTask);
    case FaultKind::kSlowSink:
      return slowdown(Slowed::kSink);
    case FaultKind::kSlowStorage:
      return slowdown(Slowed::kStorage);
    case FaultKind::kReorder:
      return Reorder{.seed = below(1'000'000), .at = boundary()};
    case FaultKind::kYield: {
      const Target target = process();
      return Yield{.target = target, .at = boundary()};
    }
  }
  engine::fail_invariant("kind", "no such kind of fault", BOOST_CURRENT_LOCATION);
}

// Somebody waits for what such a fault takes away until its patience is at an end.
bool fits(FaultKind kind, const Battlefield& battlefield, Duration share) {
  switch (kind) {
    case FaultKind::kPartition:
      return battlefield.executors > 1 && battlefield.patience < share;
    case FaultKind::kDrop:
    case FaultKind::kRpcFailure:
      return battlefield.patience <= share;
    default:
      return true;
  }
}

std::vector<FaultKind> fitting_kinds(const Battlefield& battlefield, Duration share) {
  std::vector<FaultKind> kinds = battlefield.kinds;
  std::erase_if(kinds, [&](FaultKind kind) { return !fits(kind, battlefield, share); });
  INVARIANT(!kinds.empty(), "no kind of fault heals within {} us", share.count());
  return kinds;
}

void draw_faults(Draw& draw,
                 const std::vector<FaultKind>& kinds,
                 std::int32_t count,
                 FaultPlan& plan) {
  for (std::int32_t i = 0; i < count; ++i) {
    plan.push_back(draw.fault(draw.one_of(kinds)));
  }
}

// Whoever yields later runs later: the order in which all yield at the start is the order of
// priorities, and each change point puts one process below all.
void draw_priorities(Draw& draw, std::int32_t depth, FaultPlan& plan) {
  std::vector<Target> order = draw.processes();
  draw.shuffle(order);
  for (const Target& process : order) {
    plan.emplace_back(Yield{.target = process, .at = AtTime{}});
  }
  for (std::int32_t i = 0; i + 1 < depth; ++i) {
    plan.push_back(draw.fault(FaultKind::kYield));
  }
  const std::int32_t crashes = draw.up_to(depth);
  for (std::int32_t i = 0; i < crashes; ++i) {
    plan.push_back(draw.crash());
  }
}

// At least one: a schedule without kinds is the one that was counted.
std::vector<FaultKind> draw_swarm(Draw& draw, const std::vector<FaultKind>& kinds) {
  std::vector<FaultKind> chosen;
  std::ranges::copy_if(kinds, std::back_inserter(chosen), [&](FaultKind) { return draw.coin(); });
  if (chosen.empty()) {
    chosen.push_back(draw.one_of(kinds));
  }
  return chosen;
}

FaultKind kind_of(const MessageFault& fault) {
  constexpr std::array kKinds{FaultKind::kDrop, FaultKind::kDelay, FaultKind::kDuplicate};
  return kKinds.at(static_cast<std::size_t>(fault.fate));
}

FaultKind kind_of(const Failure& failure) {
  switch (failure.what) {
    case Failing::kRpc:
      return FaultKind::kRpcFailure;
    case Failing::kTask:
      return FaultKind::kTaskFailure;
    case Failing::kSink:
      return FaultKind::kSinkFailure;
    default:
      return FaultKind::kStorageFailure;
  }
}

FaultKind kind_of(const KafkaFault& fault) {
  constexpr std::array kKinds{FaultKind::kBrokerDown,
                              FaultKind::kLeaderMove,
                              FaultKind::kRequestError,
                              FaultKind::kTruncate,
                              FaultKind::kRetain,
                              FaultKind::kCoordinatorMove};
  return kKinds.at(static_cast<std::size_t>(fault.trouble));
}

FaultKind kind_of(const Slowdown& fault) {
  constexpr std::array kKinds{FaultKind::kSlowTask, FaultKind::kSlowSink, FaultKind::kSlowStorage};
  return kKinds.at(static_cast<std::size_t>(fault.what));
}

FaultKind kind_of(const DiskFault& fault) {
  return fault.trouble == DiskTrouble::kFull ? FaultKind::kFullDisk : FaultKind::kFlippedBit;
}

FaultKind kind_of(const Crash& /*crash*/) {
  return FaultKind::kCrash;
}

FaultKind kind_of(const Partition& /*partition*/) {
  return FaultKind::kPartition;
}

FaultKind kind_of(const Pause& /*pause*/) {
  return FaultKind::kPause;
}

FaultKind kind_of(const ClockFault& /*fault*/) {
  return FaultKind::kClock;
}

FaultKind kind_of(const Reorder& /*reorder*/) {
  return FaultKind::kReorder;
}

FaultKind kind_of(const Yield& /*yield*/) {
  return FaultKind::kYield;
}

}  // namespace

FaultKind kind_of(const Fault& fault) {
  return std::visit([](const auto& what) { return kind_of(what); }, fault);
}

FaultPlan draw_schedule(Strategy strategy,
                        std::uint64_t seed,
                        std::uint64_t index,
                        std::int32_t faults_max,
                        const FaultPlan& base,
                        const Battlefield& battlefield) {
  INVARIANT(strategy != Strategy::kExhaustive, "an exhaustive search draws nothing");
  INVARIANT(faults_max >= 1, "a schedule of at most {} faults", faults_max);
  const Duration share = battlefield.room / faults_max;
  Draw draw(sim::seed_for(seed, strategy, index), battlefield, faults_max);
  FaultPlan plan = base;
  switch (strategy) {
    case Strategy::kExhaustive:
      break;
    case Strategy::kRandom:
      draw_faults(draw, fitting_kinds(battlefield, share), draw.up_to(faults_max), plan);
      break;
    case Strategy::kPct:
      draw_priorities(draw, faults_max, plan);
      break;
    case Strategy::kSwarm:
      draw_faults(draw, draw_swarm(draw, fitting_kinds(battlefield, share)), faults_max, plan);
      break;
  }
  return plan;
}

}  // namespace faults
