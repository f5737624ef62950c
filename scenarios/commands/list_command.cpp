#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/ports/points.h"
#include "engine/ports/protocol.h"
#include "scenarios/catalogue.h"
#include "scenarios/commands/commands.h"
#include "scenarios/expectation.h"

namespace scenarios {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// A cell that would end early, or end its row.
std::string cell(const std::string& content) {
  std::string text;
  for (const char character : content) {
    text += character == '|' ? "\\|" : std::string(1, character == '\n' ? ' ' : character);
  }
  return text;
}

// The first column holds what one writes in a scenario.
std::string markdown(const std::vector<std::string>& titles, const Rows& rows) {
  std::string text = fmt::format("| {} |\n|", fmt::join(titles, " | "));
  for (std::size_t i = 0; i < titles.size(); ++i) {
    text += "---|";
  }
  text += '\n';
  for (const auto& row : rows) {
    text += fmt::format("| `{}` |", cell(row.front()));
    for (std::size_t i = 1; i < row.size(); ++i) {
      text += fmt::format(" {} |", cell(row[i]));
    }
    text += '\n';
  }
  return text;
}

std::string plain(const std::vector<std::string>& titles, const Rows& rows) {
  std::vector<std::size_t> widths(titles.size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max({widths[i], row[i].size(), titles[i].size()});
    }
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      text += last ? row[i] + '\n' : fmt::format("{:<{}}  ", row[i], widths[i]);
    }
  };
  add(titles);
  std::ranges::for_each(rows, add);
  return text;
}

Rows points() {
  Rows rows;
  for (const engine::PointInfo& point : engine::all_points()) {
    rows.push_back({std::string(point.name),
                    std::string(point.process),
                    std::string(point.durable),
                    std::string(point.recovery)});
  }
  return rows;
}

Rows protocol_choices(bool only_unsound) {
  Rows rows;
  for (const engine::ProtocolChoice& choice : engine::all_protocol_choices()) {
    if (only_unsound && choice.soundness != engine::Soundness::kMistake) {
      continue;
    }
    rows.push_back(
        {fmt::format("{}: {}", choice.decision, choice.value), std::string(choice.source)});
  }
  return rows;
}

Rows sinks() {
  return {{"append", "insert statements of a few rows, each committed by itself"},
          {"upsert", "insert or replace by record identity"},
          {"batch-uid", "one transaction per task: insert if (batch time, partition) is absent"},
          {"offsets", "one transaction per task: results, and offsets by compare-and-set"},
          {"files", "one file per batch and partition, replaced as a whole"}};
}

Rows faults() {
  return {{"crash: driver", "the driver dies; its executors exit when they notice"},
          {"crash: executor:N", "executor N dies with everything in its memory"},
          {"crash: receiver:N", "receiver N fails alone; its supervisor starts it again"},
          {"crash: receiver-executor:N", "whichever executor runs receiver N then dies"},
          {"crash: machine:N", "executor N and the machine under it; the driver is not told"},
          {"crash: cluster", "driver and executors die in the same instant"},
          {"partition: [driver, executor:N]",
           "the two exchange no message for a while; whoever is declared lost lives on"},
          {"pause: PROCESS", "it stands still for a while, as in a long garbage collection"},
          {"drop: MESSAGE", "the next messages of that kind, or any, are lost"},
          {"delay: MESSAGE", "they come later, and what follows on the same link with them"},
          {"duplicate: MESSAGE", "they come twice"},
          {"fail: write", "storage: the next appends fail, before or after they take effect"},
          {"fail: flush", "storage: the next flushes fail"},
          {"fail: rename", "storage: the next renames fail"},
          {"fail: read", "storage: the next reads fail"},
          {"fail: rpc", "the next questions to other processes, or their answers, are lost"},
          {"fail: task", "the user's code throws in the next attempts, at their start or end"},
          {"fail: sink", "the next requests to the sink fail, before or after they take effect"},
          {"disk: full", "storage: no byte more fits for a while"},
          {"disk: flip-bit", "storage: one bit of one file of that kind changes"},
          {"kafka: broker-down", "no broker answers for a while"},
          {"kafka: leader-move", "a partition has no leader for a while"},
          {"kafka: request-error", "the next requests of a process are refused for good"},
          {"kafka: truncate", "an unclean election takes the youngest records; only on the model"},
          {"kafka: retain", "retention takes the oldest records; only on the model"},
          {"kafka: coordinator-move", "no group commits or reads offsets for a while"},
          {"clock: PROCESS", "its clock jumps, or drifts from then on"},
          {"slow: task", "tasks of an executor take so much longer for a while"},
          {"slow: sink", "the sink takes so many times as long for a while"},
          {"slow: storage", "storage takes so many times as long for a while"},
          {"reorder: { seed: N }",
           "no fault: what is ready in one instant runs in an order drawn from the seed"},
          {"yield: PROCESS", "no fault: it runs last in each instant from then on"}};
}

Rows pipelines() {
  return {{"kafka-direct, offsets: checkpoint", "the engine's checkpoint is the only truth"},
          {"kafka-direct, offsets: kafka", "commitAsync after the output"},
          {"kafka-direct, offsets: zookeeper", "saved after the output, partition by partition"},
          {"kafka-direct, offsets: hbase", "saved after the output, all partitions at once"},
          {"kafka-direct, offsets: sink", "saved in the sink, with the output or after it"},
          {"kafka-direct, offsets: none", "every start begins at `start`"},
          {"kafka-receiver", "in Kafka, on a timer: what was fetched, stored or not"},
          {"kafka-receiver, reliable: true", "in Kafka: what was stored and the driver knows"},
          {"kafka-receiver, write_ahead_log: true", "either way; its blocks are in a log as well"}};
}

Loaded<Rows> scenario_rows() {
  const auto found = find_scenarios({});
  if (!found) {
    return found.error();
  }
  Rows rows;
  for (const Scenario& scenario : found.value()) {
    rows.push_back({scenario.name, expected_text(scenario), scenario.description});
  }
  return rows;
}

int print(const ListOptions& options, const std::vector<std::string>& titles, const Rows& rows) {
  const std::string text = options.markdown ? markdown(titles, rows) : plain(titles, rows);
  const std::string unwritten = write_text("-", text);
  return unwritten.empty() ? kAsExpected : fail(kBenchFailed, unwritten);
}

}  // namespace

int list_command(const ListOptions& options) {
  if (options.what == "points") {
    return print(options,
                 {"point", "process", "what is durable when it is reached", "what recovery does"},
                 points());
  }
  if (options.what == "defects") {
    return print(options, {"defect", "source"}, protocol_choices(true));
  }
  if (options.what == "protocol") {
    return print(options, {"choice", "source"}, protocol_choices(false));
  }
  if (options.what == "sinks") {
    return print(options, {"sink", "what it does"}, sinks());
  }
  if (options.what == "faults") {
    return print(options, {"fault", "what it does"}, faults());
  }
  if (options.what == "pipelines") {
    return print(options, {"pipeline", "where it keeps its position"}, pipelines());
  }
  const auto rows = scenario_rows();
  if (!rows) {
    return fail(kBadInput, rows.error().to_string());
  }
  return print(options, {"scenario", "expected", "description"}, rows.value());
}

}  // namespace scenarios
