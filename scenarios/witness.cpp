#include "scenarios/witness.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "scenarios/fault_writer.h"
#include "scenarios/loader.h"
#include "scenarios/plainer_faults.h"
#include "scenarios/units.h"
#include "scenarios/yaml_writer.h"

namespace scenarios {
namespace {

using engine::Duration;

constexpr double kRateMax = 1e6;  // of a workload, per second: all records at once

std::int64_t in_intervals(Duration duration, Duration interval) {
  return (duration + interval - Duration(1)) / interval;
}

// One way in which a world can be smaller: a number with a least value.
struct Dimension {
  std::int64_t least;
  std::int64_t (*read)(const Scenario& scenario);
  void (*write)(YamlNode& document, const Scenario& scenario, std::int64_t value);
};

void write_number(YamlNode& document,
                  std::initializer_list<std::string_view> path,
                  std::int64_t value) {
  set_value(document, path, make_scalar(fmt::format("{}", value)));
}

void write_intervals(YamlNode& document,
                     std::initializer_list<std::string_view> path,
                     const Scenario& scenario,
                     std::int64_t value) {
  set_value(document, path, make_scalar(format_duration(value * scenario.pipeline.batch_interval)));
}

// From here on they are about time.
constexpr std::size_t kTimeDimension = 4;

// Records of a user's file are left as they are.
constexpr std::array kDimensions{
    Dimension{1,
              [](const Scenario& scenario) {
                return scenario.workload.file.empty() ? scenario.workload.records : 0;
              },
              [](YamlNode& document, const Scenario& /*scenario*/, std::int64_t value) {
                write_number(document, {"workload", "records"}, value);
              }},
    Dimension{
        1,
        [](const Scenario& scenario) { return std::int64_t{scenario.pipeline.source.partitions}; },
        [](YamlNode& document, const Scenario& /*scenario*/, std::int64_t value) {
          write_number(document, {"topic", "partitions"}, value);
        }},
    Dimension{1,
              [](const Scenario& scenario) { return std::int64_t{scenario.cluster.executors}; },
              [](YamlNode& document, const Scenario& /*scenario*/, std::int64_t value) {
                write_number(document, {"cluster", "executors"}, value);
              }},
    Dimension{1,
              [](const Scenario& scenario) { return std::int64_t{scenario.receiver_count()}; },
              [](YamlNode& document, const Scenario& /*scenario*/, std::int64_t value) {
                write_number(document, {"pipeline", "source", "receivers"}, value);
              }},
    Dimension{0,
              [](const Scenario& scenario) {
                return in_intervals(scenario.workload.start, scenario.pipeline.batch_interval);
              },
              [](YamlNode& document, const Scenario& scenario, std::int64_t value) {
                write_intervals(document, {"workload", "start"}, scenario, value);
              }},
    Dimension{1,
              [](const Scenario& scenario) {
                return in_intervals(scenario.stop.at, scenario.pipeline.batch_interval);
              },
              [](YamlNode& document, const Scenario& scenario, std::int64_t value) {
                write_intervals(document, {"stop", "at"}, scenario, value);
              }},
};

class DocumentList {
 public:
  explicit DocumentList(const SmallWorld& world) : world_(world) {}

  // Of the first `count` dimensions.
  void add_least_of_all(std::size_t count, bool at_once) {
    YamlNode document = world_.document;
    bool changed = at_once && can_be_faster();
    if (changed) {
      write_rate(document, kRateMax);
    }
    for (const Dimension& dimension : std::span(kDimensions).first(count)) {
      if (dimension.read(scenario()) > dimension.least) {
        dimension.write(document, scenario(), dimension.least);
        changed = true;
      }
    }
    add_if(changed, std::move(document));
  }

  void add_single(const Dimension& dimension, std::int64_t value) {
    YamlNode document = world_.document;
    const std::int64_t now = dimension.read(scenario());
    if (value >= dimension.least && value < now) {
      dimension.write(document, scenario(), value);
      documents_.push_back(std::move(document));
    }
  }

  void add_rate(double rate) {
    YamlNode document = world_.document;
    write_rate(document, std::min(rate, kRateMax));
    add_if(can_be_faster(), std::move(document));
  }

  // So many records in the time of those that there are.
  void add_sparser(std::int64_t records) {
    const Dimension& dimension = kDimensions.front();
    const std::int64_t now = dimension.read(scenario());
    if (records < dimension.least || records >= now) {
      return;
    }
    YamlNode document = world_.document;
    dimension.write(document, scenario(), records);
    write_rate(document,
               scenario().workload.rate_per_second * static_cast<double>(records) /
                   static_cast<double>(now));
    documents_.push_back(std::move(document));
  }

  [[nodiscard]] std::vector<YamlNode> take() { return std::move(documents_); }

 private:
  [[nodiscard]] const Scenario& scenario() const { return world_.prepared.scenario; }

  [[nodiscard]] bool can_be_faster() const {
    return scenario().workload.rate_per_second < kRateMax;
  }

  static void write_rate(YamlNode& document, double rate) {
    set_value(document, {"workload", "rate"}, make_scalar(fmt::format("{:.6g}/s", rate)));
  }

  void add_if(bool wanted, YamlNode document) {
    if (wanted) {
      documents_.push_back(std::move(document));
    }
  }

  const SmallWorld& world_;
  std::vector<YamlNode> documents_;
};

}  // namespace

YamlNode bare_document(const YamlNode& document, std::uint64_t seed) {
  YamlNode bare = document;
  for (const std::string_view key : {"faults", "expect", "explore", "claim", "description"}) {
    remove_key(bare, key);
  }
  set_value(bare, {"seed"}, make_scalar(fmt::format("{}", seed)));
  set_value(bare, {"pipeline", "sink", "store"}, make_scalar("memory"));
  return bare;
}

std::optional<SmallWorld> load_world(YamlNode document, const std::string& path) {
  auto loaded = load_text(write_yaml(document), path);
  if (!loaded) {
    return std::nullopt;
  }
  auto prepared = prepare(std::move(loaded.value().front()));
  if (!prepared) {
    return std::nullopt;
  }
  return SmallWorld{.document = std::move(document), .prepared = std::move(prepared.value())};
}

bool allows(const SmallWorld& world, const faults::FaultPlan& plan) {
  YamlNode document = world.document;
  set_value(document, {"faults"}, to_yaml(plan));
  return load_text(write_yaml(document), world.prepared.scenario.path).has_value();
}

WitnessSize size_of(const PreparedScenario& prepared, const faults::FaultPlan& plan) {
  const Scenario& scenario = prepared.scenario;
  WitnessSize size{.faults = std::ssize(plan),
                   .records = std::ssize(prepared.workload.records),
                   .partitions = scenario.pipeline.source.partitions,
                   .executors = scenario.cluster.executors,
                   .receivers = scenario.receiver_count()};
  for (const faults::Fault& fault : plan) {
    size.fault_details += details_of(fault);
  }
  return size;
}

WitnessSize size_of(const PreparedScenario& prepared,
                    const faults::FaultPlan& plan,
                    const JudgedRun& judged) {
  WitnessSize size = size_of(prepared, plan);
  size.batches = in_intervals(judged.run.ledger.ended_at.time_since_epoch(),
                              prepared.scenario.pipeline.batch_interval);
  return size;
}

std::vector<YamlNode> smaller_documents(const SmallWorld& world) {
  DocumentList list(world);
  const Scenario& scenario = world.prepared.scenario;
  list.add_least_of_all(kDimensions.size(), true);
  list.add_least_of_all(kDimensions.size(), false);
  list.add_least_of_all(kTimeDimension, false);
  for (const Dimension& dimension : kDimensions) {
    list.add_single(dimension, dimension.least);
  }
  for (const Dimension& dimension : kDimensions) {
    const std::int64_t now = dimension.read(scenario);
    const std::int64_t half = (now + dimension.least) / 2;
    if (half != dimension.least) {
      list.add_single(dimension, half);
    }
    if (now - 1 != half && now - 1 != dimension.least) {
      list.add_single(dimension, now - 1);
    }
  }
  const std::int64_t records = kDimensions.front().read(scenario);
  list.add_sparser(2);
  list.add_sparser(records / 2);
  list.add_sparser(records - 1);
  list.add_rate(kRateMax);
  list.add_rate(scenario.workload.rate_per_second * 2);
  return list.take();
}

}  // namespace scenarios
