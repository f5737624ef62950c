#include "scenarios/plainer_faults.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <optional>
#include <variant>

namespace scenarios {
namespace {

using engine::Duration;
using faults::Target;
using faults::TargetKind;

std::int64_t details_of_target(const Target& target) {
  const bool is_many = target.kind == TargetKind::kCluster || target.kind == TargetKind::kMachine;
  return (is_many ? 2 : 0) + (target.index > 0 ? 1 : 0);
}

std::int64_t doublings(std::int64_t quantity) {
  return static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(std::abs(quantity))));
}

// Durations count in tenths of a second: what is shorter is short.
constexpr Duration kTenth = std::chrono::milliseconds(100);

std::int64_t details_of_duration(Duration duration) {
  return doublings(duration / kTenth);
}

// Whole tenths, of either sign.
Duration half(Duration duration) {
  const auto tenths = duration / kTenth;
  return std::abs(tenths) <= 1 ? duration : tenths / 2 * kTenth;
}

// A clock that gains a millisecond in a second is hardly wrong.
constexpr std::int32_t kDriftPpm = 1000;

std::vector<Target> plainer_targets(const Target& target) {
  std::vector<Target> plainer;
  if (target.kind == TargetKind::kCluster) {
    plainer = {{.kind = TargetKind::kDriver, .index = 0},
               {.kind = TargetKind::kExecutor, .index = 0}};
  } else if (target.kind == TargetKind::kMachine) {
    plainer = {{.kind = TargetKind::kExecutor, .index = target.index}};
  }
  if (target.index > 0) {
    plainer.push_back({.kind = target.kind, .index = 0});
  }
  return plainer;
}

// What a fault consists of is found by the names of its members, which mean the same in every kind.
template <class Kind>
std::int64_t details(const Kind& fault) {
  std::int64_t sum = 0;
  if constexpr (requires { fault.target; }) {
    sum += details_of_target(fault.target);
  }
  if constexpr (requires { fault.left; }) {
    sum += details_of_target(fault.left) + details_of_target(fault.right);
  }
  if constexpr (requires { fault.from; }) {
    sum += details_of_target(fault.from.value_or(Target{})) +
           details_of_target(fault.to.value_or(Target{}));
  }
  if constexpr (requires { fault.partition; }) {
    sum += fault.partition > 0 ? 1 : 0;
  }
  if constexpr (requires { fault.applied; }) {
    sum += fault.applied ? 1 : 0;
  }
  if constexpr (requires { fault.lasts; }) {
    sum += details_of_duration(fault.lasts);
  }
  if constexpr (requires { fault.by; }) {
    sum += details_of_duration(fault.by);
  }
  if constexpr (requires { fault.jump; }) {
    sum += details_of_duration(fault.jump) + doublings(fault.drift_ppm / kDriftPpm);
  }
  if constexpr (requires { fault.extra; }) {
    sum += details_of_duration(fault.extra);
  }
  if constexpr (requires { fault.times; }) {
    sum += doublings(fault.times - 1);
  }
  if constexpr (requires { fault.factor; }) {
    sum += doublings(fault.factor - 1);
  }
  if constexpr (requires { fault.records; }) {
    sum += doublings(fault.records);
  }
  if constexpr (requires { fault.restarts; }) {
    sum += (fault.restart_after || !fault.restarts ? 1 : 0) +
           (fault.redeploy == faults::Redeploy{} ? 0 : 1) +
           (fault.disk == sim::DiskOutcome::kDropUnsynced ? 0 : 1);
  }
  return sum;
}

template <class Kind>
class Plainer {
 public:
  explicit Plainer(const Kind& fault) : fault_(fault) {}

  std::vector<faults::Fault> list() {
    if constexpr (requires { fault_.target; }) {
      add_targets(&Kind::target);
    }
    if constexpr (requires { fault_.left; }) {
      add_targets(&Kind::left);
      add_targets(&Kind::right);
    }
    if constexpr (requires { fault_.from; }) {
      add_first_of_its_kind(&Kind::from);
      add_first_of_its_kind(&Kind::to);
    }
    if constexpr (requires { fault_.partition; }) {
      add([](Kind& plainer) { plainer.partition = 0; });
    }
    if constexpr (requires { fault_.applied; }) {
      add([](Kind& plainer) { plainer.applied = false; });
    }
    if constexpr (requires { fault_.restarts; }) {
      add([](Kind& plainer) {
        plainer.restarts = true;
        plainer.restart_after.reset();
      });
      add([](Kind& plainer) { plainer.redeploy = {}; });
      add([](Kind& plainer) { plainer.disk = sim::DiskOutcome::kDropUnsynced; });
    }
    if constexpr (requires { fault_.lasts; }) {
      add([](Kind& plainer) { plainer.lasts = half(plainer.lasts); });
    }
    if constexpr (requires { fault_.by; }) {
      add([](Kind& plainer) { plainer.by = half(plainer.by); });
    }
    if constexpr (requires { fault_.jump; }) {
      add([](Kind& plainer) { plainer.jump = half(plainer.jump); });
      add([](Kind& plainer) {
        plainer.drift_ppm -= std::abs(plainer.drift_ppm) > kDriftPpm ? plainer.drift_ppm / 2 : 0;
      });
    }
    if constexpr (requires { fault_.extra; }) {
      add([](Kind& plainer) { plainer.extra = half(plainer.extra); });
    }
    if constexpr (requires { fault_.times; }) {
      add([](Kind& plainer) { plainer.times = 1; });
      add([](Kind& plainer) { plainer.times = (plainer.times + 1) / 2; });
    }
    if constexpr (requires { fault_.factor; }) {
      add([](Kind& plainer) { plainer.factor -= plainer.factor > 2 ? plainer.factor / 2 : 0; });
    }
    if constexpr (requires { fault_.records; }) {
      add([](Kind& plainer) { plainer.records = std::min<std::int64_t>(plainer.records, 1); });
      add([](Kind& plainer) { plainer.records = (plainer.records + 1) / 2; });
    }
    return list_;
  }

 private:
  template <class Change>
  void add(const Change& change) {
    Kind plainer = fault_;
    change(plainer);
    if (plainer != fault_) {
      list_.emplace_back(plainer);
    }
  }

  void add_targets(Target Kind::*member) {
    for (const Target& target : plainer_targets(fault_.*member)) {
      add([&](Kind& plainer) { plainer.*member = target; });
    }
  }

  void add_first_of_its_kind(std::optional<Target> Kind::*member) {
    if (fault_.*member) {
      add([&](Kind& plainer) { (plainer.*member)->index = 0; });
    }
  }

  const Kind& fault_;
  std::vector<faults::Fault> list_;
};

}  // namespace

std::int64_t details_of(const faults::Fault& fault) {
  return std::visit([](const auto& what) { return details(what); }, fault);
}

std::vector<faults::Fault> plainer_faults(const faults::Fault& fault) {
  return std::visit([](const auto& what) { return Plainer(what).list(); }, fault);
}

}  // namespace scenarios
