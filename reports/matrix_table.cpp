#include "reports/matrix_table.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/matrix_groups.h"

namespace reports {
namespace {

constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kPlain = "\x1b[0m";

constexpr std::size_t kLabelWidth = 12;
constexpr std::size_t kColumnWidth = 13;

std::string painted(std::string_view text, std::string_view paint, Colour colour) {
  return colour == Colour::kAlways ? fmt::format("{}{}{}", paint, text, kPlain) : std::string(text);
}

std::string_view paint_of(Guarantee guarantee) {
  switch (guarantee) {
    case Guarantee::kExactlyOnce:
      return kGreen;
    case Guarantee::kAtLeastOnce:
    case Guarantee::kAtMostOnce:
      return kYellow;
    case Guarantee::kNone:
      break;
  }
  return kRed;
}

// A column is narrow: how often a record may appear.
std::string_view symbol(Guarantee guarantee) {
  switch (guarantee) {
    case Guarantee::kExactlyOnce:
      return "=1";
    case Guarantee::kAtLeastOnce:
      return ">=1";
    case Guarantee::kAtMostOnce:
      return "<=1";
    case Guarantee::kNone:
      break;
  }
  return "none";
}

// --- Terminal ----------------------------------------------------------------------------------

std::string padded(std::string_view text, std::size_t width) {
  return fmt::format("{:<{}}", text, width);
}

std::string without_end_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

// A name takes two lines where it has two parts.
std::string titles(const MatrixReport& report) {
  std::string upper(kLabelWidth, ' ');
  std::string lower(kLabelWidth, ' ');
  for (const std::string& crash : report.crashes) {
    const std::size_t dash = crash.find('-');
    const bool whole = dash == std::string::npos;
    upper += padded(whole ? crash : crash.substr(0, dash + 1), kColumnWidth);
    lower += padded(whole ? "" : crash.substr(dash + 1), kColumnWidth);
  }
  return without_end_blanks(upper) + "\n" + without_end_blanks(lower) + "\n";
}

std::string terminal_cell(Guarantee guarantee, std::string_view rest, Colour colour) {
  const std::string_view name = symbol(guarantee);
  const std::size_t used = name.size() + rest.size();
  return fmt::format("{}{}{}",
                     painted(name, paint_of(guarantee), colour),
                     rest,
                     std::string(kColumnWidth - std::min(used, kColumnWidth), ' '));
}

std::string received_line(const MatrixReport& report, const MatrixGroup& group, Colour colour) {
  std::string line = padded("  received", kLabelWidth);
  for (const std::string& crash : report.crashes) {
    std::optional<Guarantee> received;
    for (const MatrixPipeline& pipeline : group.pipelines) {
      const MatrixTableCell* const cell = find_cell(pipeline, crash);
      if (cell != nullptr) {
        received = common_part(received.value_or(Guarantee::kExactlyOnce), cell->received);
      }
    }
    line += received ? terminal_cell(*received, "", colour) : padded("", kColumnWidth);
  }
  return without_end_blanks(line) + "\n";
}

std::string output_line(const MatrixReport& report, const MatrixPipeline& pipeline, Colour colour) {
  std::string line = padded("  " + pipeline.front()->sink, kLabelWidth);
  for (const std::string& crash : report.crashes) {
    const MatrixTableCell* const cell = find_cell(pipeline, crash);
    if (cell == nullptr) {
      line += padded("", kColumnWidth);
      continue;
    }
    const std::string rest = fmt::format("{}{} {}",
                                         cell->tokens.stalled.empty() ? "" : "!",
                                         cell->in_seed_table ? "*" : "",
                                         cell->schedules);
    line += terminal_cell(cell->output, rest, colour);
  }
  return without_end_blanks(line) + "\n";
}

std::string witness_list(const std::vector<MatrixGroup>& groups) {
  std::string text;
  for (const MatrixGroup& group : groups) {
    for (const MatrixPipeline& pipeline : group.pipelines) {
      std::string lines;
      for (const MatrixTableCell* const cell : pipeline) {
        for (const auto& [kind, token] : witnesses_of(*cell)) {
          lines += fmt::format("  {:<18}{:<11} {}\n", cell->crash, kind, token);
        }
      }
      if (!lines.empty()) {
        text += fmt::format("{}\n{}", pipeline_name(*pipeline.front()), lines);
      }
    }
  }
  return text.empty() ? text : "What a schedule showed (onceproof replay TOKEN):\n" + text + "\n";
}

std::string evidence(const SeedTableLine& line) {
  std::string text = fmt::format("found {} in {} schedules of {}",
                                 to_string(line.found),
                                 line.schedules,
                                 fmt::join(line.crashes, " and "));
  for (const SeedTableLine::Loss& loss : line.losses) {
    text += fmt::format("; lost with {}: {}", loss.crash, loss.token);
  }
  return text;
}

std::string_view log_name(const SeedTableLine& line) {
  return line.wal ? "log" : "no log";
}

std::string_view receiver_name(const SeedTableLine& line) {
  return line.reliable ? "reliable" : "unreliable";
}

std::string_view judgement(const SeedTableLine& line) {
  return line.agrees ? "agrees" : "differs";
}

std::string terminal_seed_table(const MatrixReport& report, Colour colour) {
  if (report.seed_table.empty()) {
    return {};
  }
  std::string text =
      "\nThe table of the article (cells marked *), against the output of the sink append:\n";
  for (const SeedTableLine& line : report.seed_table) {
    text += fmt::format("  {:<7}{} fails, {} receiver: {}\n          {}, {}\n",
                        log_name(line),
                        line.failure,
                        receiver_name(line),
                        line.says,
                        painted(judgement(line), line.agrees ? kGreen : kRed, colour),
                        evidence(line));
  }
  return text;
}

std::int64_t schedule_count(const MatrixReport& report) {
  std::int64_t count = 0;
  for (const MatrixTableCell& cell : report.cells) {
    count += cell.schedules;
  }
  return count;
}

// Of the cells in which not every schedule was run: how many were, and how many there are.
std::pair<std::int64_t, std::int64_t> sampled(const MatrixReport& report) {
  std::pair<std::int64_t, std::int64_t> counts{0, 0};
  for (const MatrixTableCell& cell : report.cells) {
    if (cell.is_sample()) {
      counts.first += cell.schedules;
      counts.second += cell.of;
    }
  }
  return counts;
}

std::string sampling(const MatrixReport& report) {
  const auto [run, of] = sampled(report);
  return of == 0 ? std::string()
                 : fmt::format(
                       "driver-twice is a sample: {} of {} pairs of crashes, at a fixed "
                       "stride\n",
                       run,
                       of);
}

std::string confirmation_text(const MatrixReport& report) {
  std::string text;
  for (const MatrixConfirmation& confirmation : report.confirmations) {
    text += fmt::format("{} schedules run again on {}: {} agree, {} differ\n",
                        confirmation.replayed,
                        confirmation.kafka,
                        confirmation.replayed - std::ssize(confirmation.disagreements),
                        confirmation.disagreements.size());
    for (const auto& [token, other_token] : confirmation.disagreements) {
      text += fmt::format("  differ: {} and {}\n", token, other_token);
    }
  }
  return text;
}

std::string footer(const MatrixReport& report) {
  return fmt::format(
      "\n=1 exactly-once, >=1 at-least-once, <=1 at-most-once: the strongest guarantee that no "
      "schedule broke;\nthe number of schedules behind it; ! some schedule never came to rest; * "
      "in the article's table\nengine: {}; {} cells, {} schedules{}\n{}{}",
      report.protocol,
      report.cells.size(),
      schedule_count(report),
      report.explored.empty() ? "" : ", explored " + report.explored,
      sampling(report),
      confirmation_text(report));
}

// --- Markdown ----------------------------------------------------------------------------------

// Empty where the pipeline has nobody to crash.
std::string markdown_cell(const MatrixTableCell* cell) {
  if (cell == nullptr) {
    return "  |";
  }
  return fmt::format(" {}{}{} ({}{}) |",
                     to_string(cell->output),
                     cell->tokens.stalled.empty() ? "" : ", stalled",
                     cell->in_seed_table ? " \\*" : "",
                     cell->schedules,
                     cell->is_sample() ? fmt::format(" of {}", cell->of) : std::string());
}

std::string markdown_guarantees(const MatrixReport& report) {
  std::string text =
      fmt::format("| pipeline | sink | {} |\n| --- | --- |", fmt::join(report.crashes, " | "));
  for (std::size_t i = 0; i < report.crashes.size(); ++i) {
    text += " --- |";
  }
  text += "\n";
  for (const MatrixGroup& group : groups_of(report)) {
    for (const MatrixPipeline& pipeline : group.pipelines) {
      text += fmt::format("| {} | {} |", group.title, pipeline.front()->sink);
      for (const std::string& crash : report.crashes) {
        text += markdown_cell(find_cell(pipeline, crash));
      }
      text += "\n";
    }
  }
  return text;
}

std::string markdown_witnesses(const MatrixReport& report) {
  std::string text;
  for (const MatrixTableCell& cell : report.cells) {
    for (const auto& [kind, token] : witnesses_of(cell)) {
      text += fmt::format(
          "| {} | {} | {} | {} | `{}` |\n", source_name(cell), cell.sink, cell.crash, kind, token);
    }
  }
  return text.empty() ? text
                      : "\n| pipeline | sink | who dies | shows | replay token |\n"
                        "| --- | --- | --- | --- | --- |\n" +
                            text;
}

std::string markdown_seed_table(const MatrixReport& report) {
  std::string text;
  for (const SeedTableLine& line : report.seed_table) {
    text += fmt::format("| {} | {} | {} | {} | {} | {} |\n",
                        log_name(line),
                        line.failure,
                        receiver_name(line),
                        line.says,
                        judgement(line),
                        evidence(line));
  }
  return text.empty()
             ? text
             : "\n| \\* log | who fails | receiver | the article says | verdict | evidence "
               "|\n| --- | --- | --- | --- | --- | --- |\n" +
                   text;
}

// --- JSON --------------------------------------------------------------------------------------

using Json = nlohmann::ordered_json;

Json token_or_null(const std::string& token) {
  return token.empty() ? Json(nullptr) : Json(token);
}

Json to_json(const MatrixTableCell& cell) {
  return {{"source", cell.source},
          {"reliable", cell.reliable},
          {"wal", cell.wal},
          {"checkpoint", cell.checkpoint},
          {"offsets", cell.offsets},
          {"sink", cell.sink},
          {"crash", cell.crash},
          {"received", to_string(cell.received)},
          {"output", to_string(cell.output)},
          {"schedules", cell.schedules},
          {"pruned", cell.pruned},
          {"of", cell.of},
          {"depth", cell.depth},
          {"witness",
           {{"lost", token_or_null(cell.tokens.lost)},
            {"duplicated", token_or_null(cell.tokens.duplicated)},
            {"wrong", token_or_null(cell.tokens.wrong)},
            {"stalled", token_or_null(cell.tokens.stalled)}}},
          {"in_seed_table", cell.in_seed_table}};
}

Json to_json(const SeedTableLine& line) {
  Json losses = Json::array();
  for (const SeedTableLine::Loss& loss : line.losses) {
    losses.push_back({{"crash", loss.crash}, {"token", loss.token}});
  }
  return {{"wal", line.wal},
          {"failure", line.failure},
          {"reliable", line.reliable},
          {"says", line.says},
          {"crashes", line.crashes},
          {"output", to_string(line.found)},
          {"schedules", line.schedules},
          {"agrees", line.agrees},
          {"lost", std::move(losses)}};
}

Json to_json(const MatrixConfirmation& confirmation) {
  Json disagreements = Json::array();
  for (const auto& [token, other_token] : confirmation.disagreements) {
    disagreements.push_back({{"token", token}, {"other_token", other_token}});
  }
  return {{"kafka", confirmation.kafka},
          {"replayed", confirmation.replayed},
          {"disagreements", std::move(disagreements)}};
}

template <class Item>
Json to_json_array(const std::vector<Item>& items) {
  Json array = Json::array();
  for (const Item& item : items) {
    array.push_back(to_json(item));
  }
  return array;
}

}  // namespace

std::string terminal_matrix(const MatrixReport& report, Colour colour) {
  const std::vector<MatrixGroup> groups = groups_of(report);
  std::string text = witness_list(groups);
  text += painted(titles(report), kBold, colour);
  for (const MatrixGroup& group : groups) {
    text += painted(group.title, kBold, colour) + "\n";
    text += received_line(report, group, colour);
    for (const MatrixPipeline& pipeline : group.pipelines) {
      text += output_line(report, pipeline, colour);
    }
  }
  return text + terminal_seed_table(report, colour) + footer(report);
}

std::string markdown_matrix(const MatrixReport& report) {
  std::string text = fmt::format("Engine: {}.\n\n", report.protocol) + markdown_guarantees(report);
  text += markdown_witnesses(report);
  text += markdown_seed_table(report);
  const std::string notes = sampling(report) + confirmation_text(report);
  return notes.empty() ? text : text + "\n" + notes;
}

std::string json_matrix(const MatrixReport& report) {
  Json json;
  json["protocol"] = report.protocol;
  json["cells"] = to_json_array(report.cells);
  json["seed_table"] = to_json_array(report.seed_table);
  json["confirmations"] = to_json_array(report.confirmations);
  json["explored"] = report.explored;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace reports
