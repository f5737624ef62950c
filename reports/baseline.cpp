#include "reports/baseline.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "reports/matrix_groups.h"
#include "reports/matrix_table.h"
#include "reports/text.h"

namespace reports {
namespace {

using Kind = JsonNode::Kind;

// --- Reading -------------------------------------------------------------------------------------

[[noreturn]] void refuse(const JsonNode& node, std::string message) {
  throw JsonError{.line = node.line, .column = node.column, .message = std::move(message)};
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBoolean:
      return "true or false";
    case Kind::kInteger:
      return "a whole number";
    case Kind::kFraction:
      return "a number that is not whole, or too large";
    case Kind::kText:
      return "text";
    case Kind::kArray:
      return "a list";
    case Kind::kObject:
      return "an object";
  }
  return {};
}

void require(const JsonNode& node, std::string_view what, Kind kind) {
  if (node.kind != kind) {
    refuse(node, fmt::format("{} must be {}, not {}", what, name_of(kind), name_of(node.kind)));
  }
}

const JsonNode& member(const JsonNode& object, std::string_view name, Kind kind) {
  const JsonNode* const node = object.find(name);
  if (node == nullptr) {
    refuse(object, fmt::format("this object needs the member \"{}\"", name));
  }
  require(*node, name, kind);
  return *node;
}

const std::string& text(const JsonNode& object, std::string_view name) {
  return member(object, name, Kind::kText).text;
}

bool boolean(const JsonNode& object, std::string_view name) {
  return member(object, name, Kind::kBoolean).boolean;
}

std::int64_t count(const JsonNode& object, std::string_view name) {
  const JsonNode& node = member(object, name, Kind::kInteger);
  if (node.integer < 0) {
    refuse(node, fmt::format("{} {}: this is a count, and cannot be negative", name, node.integer));
  }
  return node.integer;
}

Guarantee guarantee(const JsonNode& object, std::string_view name) {
  const JsonNode& node = member(object, name, Kind::kText);
  const auto found = find_guarantee(node.text);
  if (!found) {
    refuse(node,
           fmt::format("{} \"{}\": this must be exactly-once, at-least-once, at-most-once or none",
                       name,
                       one_line(node.text)));
  }
  return *found;
}

std::vector<Standing::Stage> stages_of(const JsonNode& answer) {
  return {{"received", guarantee(answer, "received")},
          {"processed", guarantee(answer, "processed")},
          {"output", guarantee(answer, "output")}};
}

Standing read_run(const JsonNode& run) {
  Standing standing{.name = text(run, "scenario"),
                    .stages = stages_of(run),
                    .findings = {},
                    .schedules = count(run, "schedules"),
                    .passed = boolean(run, "passed"),
                    .token = text(run, "token")};
  for (const char* const kind : {"lost", "duplicated", "phantom", "reordered", "wrong"}) {
    const std::int64_t found = count(run, kind);
    if (found > 0) {
      standing.findings.push_back({.kind = kind, .count = found, .token = standing.token});
    }
  }
  if (boolean(run, "stalled")) {
    standing.findings.push_back(
        {.kind = "stalled", .count = std::nullopt, .token = standing.token});
  }
  return standing;
}

Standing read_exploration(const JsonNode& answer) {
  Standing standing{.name = text(answer, "scenario"),
                    .stages = stages_of(answer),
                    .findings = {},
                    .schedules = count(answer, "schedules"),
                    .passed = boolean(answer, "passed"),
                    .token = text(answer, "token")};
  for (const JsonNode& finding : member(answer, "findings", Kind::kArray).items) {
    require(finding, "a finding", Kind::kObject);
    standing.findings.push_back({.kind = text(finding, "kind"),
                                 .count = count(finding, "worst"),
                                 .token = text(finding, "token")});
  }
  return standing;
}

Standing read_cell(const JsonNode& node) {
  MatrixTableCell cell;
  cell.source = text(node, "source");
  cell.reliable = boolean(node, "reliable");
  cell.wal = boolean(node, "wal");
  cell.checkpoint = boolean(node, "checkpoint");
  cell.offsets = text(node, "offsets");
  cell.sink = text(node, "sink");
  cell.crash = text(node, "crash");
  Standing standing{
      .name = name_of(cell),
      .stages = {{"received", guarantee(node, "received")}, {"output", guarantee(node, "output")}},
      .findings = {},
      .schedules = count(node, "schedules"),
      .passed = std::nullopt,
      .token = {}};
  const JsonNode& witness = member(node, "witness", Kind::kObject);
  for (std::size_t n = 0; n < witness.items.size(); ++n) {
    const std::string& kind = witness.names[n];
    const JsonNode& token = witness.items[n];
    if (token.kind != Kind::kNull) {
      require(token, kind, Kind::kText);
      standing.findings.push_back({.kind = kind, .count = std::nullopt, .token = token.text});
    }
  }
  return standing;
}

// What the answer of each command looks like from far away.
struct Shape {
  std::string_view command;
  std::string_view list;  // the member that has what was judged; empty: there is no list
  Standing (*read)(const JsonNode&);
};

const Shape& shape_of(AnswerKind kind) {
  static constexpr std::array kShapes{Shape{"run", "runs", read_run},
                                      Shape{"explore", {}, read_exploration},
                                      Shape{"matrix", "cells", read_cell}};
  return kShapes.at(static_cast<std::size_t>(kind));
}

// The objects that stand for what was judged. An answer of explore has one for each scenario, one
// behind the other.
std::vector<const JsonNode*> judged_nodes(const std::vector<JsonNode>& values, const Shape& shape) {
  std::vector<const JsonNode*> nodes;
  for (const JsonNode& value : values) {
    require(value, fmt::format("an answer of onceproof {}", shape.command), Kind::kObject);
    if (shape.list.empty()) {
      nodes.push_back(&value);
      continue;
    }
    for (const JsonNode& item : member(value, shape.list, Kind::kArray).items) {
      require(item, shape.list, Kind::kObject);
      nodes.push_back(&item);
    }
  }
  return nodes;
}

// --- Comparing -----------------------------------------------------------------------------------

class Comparing {
 public:
  Comparing(const Standing& before, const Standing& after) : before_(before), after_(after) {}

  std::vector<Change> changes() {
    compare_passing();
    for (const Standing::Stage& stage : after_.stages) {
      compare_stage(stage);
    }
    compare_findings();
    if (before_.schedules != after_.schedules) {
      add(ChangeKind::kOther,
          fmt::format("{} schedules before, {} now", before_.schedules, after_.schedules),
          after_.token);
    }
    return std::move(changes_);
  }

 private:
  void add(ChangeKind kind, std::string sentence, std::string token) {
    changes_.push_back({.kind = kind,
                        .name = after_.name,
                        .sentence = std::move(sentence),
                        .token = std::move(token)});
  }

  void compare_passing() {
    if (before_.passed == after_.passed || !before_.passed || !after_.passed) {
      return;
    }
    if (*after_.passed) {
      add(ChangeKind::kBetter, "failed before, passes now", after_.token);
      return;
    }
    add(ChangeKind::kWorse, "passed before, fails now", after_.token);
  }

  // A witness of a broken promise shows it better than the run as a whole.
  [[nodiscard]] std::string witness() const {
    return after_.findings.empty() ? after_.token : after_.findings.front().token;
  }

  void compare_stage(const Standing::Stage& now) {
    const auto was = std::ranges::find(before_.stages, now.name, &Standing::Stage::name);
    if (was == before_.stages.end() || was->guarantee == now.guarantee) {
      return;
    }
    const Guarantee common = common_part(was->guarantee, now.guarantee);
    const std::string both = fmt::format(
        "{}: {} before, {} now", now.name, to_string(was->guarantee), to_string(now.guarantee));
    if (common == was->guarantee) {
      add(ChangeKind::kBetter, both + ": stronger", witness());
    } else if (common == now.guarantee) {
      add(ChangeKind::kWorse, both + ": weaker", witness());
    } else {
      add(ChangeKind::kWorse,
          both + ": neither is weaker than the other, and what was promised no longer is",
          witness());
    }
  }

  static std::string amount(const Standing::Finding& finding) {
    return finding.count ? std::to_string(*finding.count) : std::string("some");
  }

  void compare_findings() {
    for (const Standing::Finding& now : after_.findings) {
      const auto was = std::ranges::find(before_.findings, now.kind, &Standing::Finding::kind);
      if (was == before_.findings.end()) {
        add(ChangeKind::kWorse,
            fmt::format("{}: none before, {} now", now.kind, amount(now)),
            now.token);
      } else if (was->count != now.count) {
        add(ChangeKind::kOther,
            fmt::format("{}: {} before, {} now", now.kind, amount(*was), amount(now)),
            now.token);
      }
    }
    for (const Standing::Finding& was : before_.findings) {
      if (std::ranges::find(after_.findings, was.kind, &Standing::Finding::kind) ==
          after_.findings.end()) {
        add(ChangeKind::kBetter,
            fmt::format("{}: {} before, none now", was.kind, amount(was)),
            after_.token);
      }
    }
  }

  const Standing& before_;
  const Standing& after_;
  std::vector<Change> changes_;
};

const Standing* find_standing(std::span<const Standing> standings, const std::string& name) {
  const auto found = std::ranges::find(standings, name, &Standing::name);
  return found == standings.end() ? nullptr : &*found;
}

}  // namespace

JsonResult<std::vector<Standing>> read_answer(std::string_view text, AnswerKind kind) {
  const auto values = read_json(text);
  if (!values) {
    return values.error();
  }
  const Shape& shape = shape_of(kind);
  if (values->empty()) {
    return JsonError{
        .line = 1,
        .column = 1,
        .message = fmt::format("this is empty, and no answer of onceproof {}", shape.command)};
  }
  try {
    std::vector<Standing> standings;
    std::set<std::string> names;
    for (const JsonNode* const node : judged_nodes(*values, shape)) {
      standings.push_back(shape.read(*node));
      if (!names.insert(standings.back().name).second) {
        refuse(*node, fmt::format("{} is there twice", one_line(standings.back().name)));
      }
    }
    return standings;
  } catch (const JsonError& error) {
    return error;
  }
}

std::vector<Change> compare(std::span<const Standing> before, std::span<const Standing> after) {
  std::vector<Change> changes;
  for (const Standing& now : after) {
    const Standing* const was = find_standing(before, now.name);
    if (was == nullptr) {
      const std::string output(to_string(now.stages.back().guarantee));
      changes.push_back({.kind = ChangeKind::kOther,
                         .name = now.name,
                         .sentence = fmt::format("is new: output {}", output),
                         .token = now.token});
      continue;
    }
    const std::vector<Change> own = Comparing(*was, now).changes();
    changes.insert(changes.end(), own.begin(), own.end());
  }
  for (const Standing& was : before) {
    if (find_standing(after, was.name) == nullptr) {
      changes.push_back({.kind = ChangeKind::kWorse,
                         .name = was.name,
                         .sentence = "was judged before, and is gone",
                         .token = was.token});
    }
  }
  return changes;
}

}  // namespace reports
