#include "reports/pages/index_page.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "reports/matrix_groups.h"
#include "reports/pages/assets.h"
#include "reports/pages/page.h"
#include "reports/text.h"

namespace reports {
namespace {

// What the filter of the table knows a run by.
std::vector<std::string_view> shown_by(const RunSummary& run) {
  const std::array<std::pair<std::string_view, bool>, 7> all{
      {{"unexpected", !run.passed},
       {"lost", run.output.lost > 0},
       {"duplicated", run.output.duplicated > 0},
       {"phantom", run.phantom > 0},
       {"reordered", run.reordered > 0},
       {"wrong", run.wrong > 0},
       {"stalled", run.stalled}}};
  std::vector<std::string_view> shown;
  for (const auto& [name, is_shown] : all) {
    if (is_shown) {
      shown.push_back(name);
    }
  }
  return shown;
}

struct CountColumn {
  std::string_view name;
  std::int64_t (*count)(const RunSummary&);
};

constexpr std::array<CountColumn, 5> kCounts{
    {{"lost", [](const RunSummary& run) { return run.output.lost; }},
     {"duplicated", [](const RunSummary& run) { return run.output.duplicated; }},
     {"phantom", [](const RunSummary& run) { return run.phantom; }},
     {"reordered", [](const RunSummary& run) { return run.reordered; }},
     {"wrong", [](const RunSummary& run) { return run.wrong; }}}};

// Those that some run has, and the first two.
std::vector<CountColumn> columns_of(const std::vector<RunSummary>& runs) {
  std::vector<CountColumn> columns;
  for (const CountColumn& column : kCounts) {
    const bool is_seen = std::ranges::any_of(
        runs, [&column](const RunSummary& run) { return column.count(run) > 0; });
    if (is_seen || columns.size() < 2) {
      columns.push_back(column);
    }
  }
  return columns;
}

// On a narrow screen a row is a card, and a cell has its name before it.
std::string cell(std::string_view name, std::string_view html) {
  return fmt::format(R"(<td data-name="{}">{}</td>)", name, html);
}

std::string count_cell(const CountColumn& column, const RunSummary& run) {
  const std::int64_t count = column.count(run);
  return fmt::format(R"(<td class="number{}" data-name="{}">{}</td>)",
                     count > 0 ? " bad" : "",
                     column.name,
                     count);
}

std::string run_row(const RunSummary& run, const std::vector<CountColumn>& columns) {
  std::string counts;
  for (const CountColumn& column : columns) {
    counts += count_cell(column, run);
  }
  return fmt::format(
      "<tr data-shows=\"{}\"><td class=\"number\">{}</td>"
      "<td class=\"name\"><a href=\"{}\">{}</a></td>{}{}{}{}{}"
      "<td class=\"words\" data-name=\"expected\">{}</td>"
      "<td class=\"{}\" data-name=\"verdict\">{}{}</td></tr>\n",
      fmt::join(shown_by(run), " "),
      run.run_id,
      run_file(run.run_id),
      xml_text(run.scenario),
      cell("Kafka", xml_text(run.kafka)),
      cell("received", guarantee_html(run.received.guarantee)),
      cell("processed", guarantee_html(run.processed.guarantee)),
      cell("output", guarantee_html(run.output.guarantee)),
      counts,
      xml_text(run.expected),
      run.passed ? "good" : "bad",
      run.passed ? "ok" : "differs",
      run.stalled ? ", stalled" : "");
}

std::string runs_html(const std::vector<RunSummary>& runs) {
  if (runs.empty()) {
    return {};
  }
  const auto passed = std::ranges::count_if(runs, &RunSummary::passed);
  std::string html = fmt::format(
      "<section id=\"runs\"><h2>Runs</h2>\n<p>{} run{}: {} as expected, {} not.</p>\n{}",
      runs.size(),
      runs.size() == 1 ? "" : "s",
      passed,
      std::ssize(runs) - passed,
      assets::kRunToolsHtml);
  html +=
      "<div class=\"table\"><table><thead><tr><th class=\"number\">run</th><th>scenario</th>"
      "<th>Kafka</th><th>received</th><th>processed</th><th>output</th>";
  const std::vector<CountColumn> columns = columns_of(runs);
  for (const CountColumn& column : columns) {
    html += fmt::format("<th class=\"number\">{}</th>", column.name);
  }
  html += "<th>expected</th><th>verdict</th></tr></thead><tbody>\n";
  for (const RunSummary& run : runs) {
    html += run_row(run, columns);
  }
  return html + "</tbody></table></div>\n</section>\n";
}

// The run that a token is of: its number, the last one if there are several.
using RunsByToken = std::map<std::string_view, std::int64_t>;

RunsByToken by_token(const std::vector<RunSummary>& runs) {
  RunsByToken numbers;
  for (const RunSummary& run : runs) {
    numbers[run.token] = run.run_id;
  }
  return numbers;
}

// To the page of what shows it; without one, the command that does.
std::string witness_html(std::string_view words, std::string_view token, const RunsByToken& runs) {
  const auto found = runs.find(token);
  return found != runs.end() ? fmt::format(R"(<a href="{}">{}</a>)", run_file(found->second), words)
                             : copy_button(fmt::format("onceproof replay {}", token), words);
}

std::string cell_html(const MatrixTableCell& cell, const RunsByToken& runs) {
  std::string html = fmt::format("<td>{}<br><span class=\"note\">{}{}</span>",
                                 guarantee_html(to_string(cell.output)),
                                 cell.schedules,
                                 cell.is_sample() ? fmt::format(" of {}", cell.of) : "");
  for (const auto& [kind, token] : witnesses_of(cell)) {
    html += fmt::format("<div>{}</div>", witness_html(kind, token, runs));
  }
  return html + "</td>";
}

// One row per pipeline, one column per who dies.
std::string matrix_html(const MatrixReport& matrix, const RunsByToken& runs) {
  std::string html = fmt::format(
      "<section class=\"matrix\"><h2>What every pipeline guarantees, by who dies ({} engine)</h2>\n"
      "<p class=\"note\">The strongest guarantee of the output that no schedule broke, and how "
      "many schedules are behind it. Where one broke it, the shortest that did is on a page, or a "
      "button copies the command that replays it.</p>\n<div "
      "class=\"table\"><table><thead><tr><th>pipeline</th>",
      xml_text(matrix.protocol));
  for (const std::string& crash : matrix.crashes) {
    html += fmt::format("<th>{}</th>", xml_text(crash));
  }
  html += "</tr></thead><tbody>\n";
  for (const MatrixGroup& group : groups_of(matrix)) {
    for (const MatrixPipeline& pipeline : group.pipelines) {
      html +=
          fmt::format("<tr><th scope=\"row\">{}</th>", xml_text(pipeline_name(*pipeline.front())));
      for (const std::string& crash : matrix.crashes) {
        const MatrixTableCell* const cell = find_cell(pipeline, crash);
        html += cell == nullptr ? std::string("<td></td>") : cell_html(*cell, runs);
      }
      html += "</tr>\n";
    }
  }
  return html + "</tbody></table></div>\n</section>\n";
}

std::string search_row(const SearchLine& search, const RunsByToken& runs) {
  std::string findings;
  for (const SearchFinding& finding : search.findings) {
    const std::string kind =
        fmt::format("{}, {} fault{}", finding.kind, finding.faults, finding.faults == 1 ? "" : "s");
    findings += fmt::format("<div>{}</div>", witness_html(kind, finding.token, runs));
  }
  return fmt::format(
      "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>"
      "<td class=\"number\">{} of {}</td><td>{}</td></tr>\n",
      xml_text(search.scenario),
      xml_text(search.strategy),
      search.depth,
      search.schedules,
      search.parts_done,
      search.parts,
      findings.empty() ? "nothing" : findings);
}

std::string searches_html(const std::vector<SearchLine>& searches, const RunsByToken& runs) {
  if (searches.empty()) {
    return {};
  }
  std::string html =
      "<section id=\"searches\"><h2>Searches</h2>\n<div class=\"table\"><table><thead><tr>"
      "<th>scenario</th><th>strategy</th><th class=\"number\">depth</th>"
      "<th class=\"number\">schedules</th><th "
      "class=\"number\">parts</th><th>found</th></tr></thead>"
      "<tbody>\n";
  for (const SearchLine& search : searches) {
    html += search_row(search, runs);
  }
  return html + "</tbody></table></div>\n</section>\n";
}

std::vector<SearchFinding> read_findings(sql::Database& database, std::int64_t campaign_id) {
  std::vector<SearchFinding> findings;
  sql::Statement query(
      database,
      "SELECT kind, faults, token FROM campaign_witness WHERE campaign_id = ? ORDER BY kind");
  for (query.start(campaign_id); query.step();) {
    findings.push_back({query.bytes(0), query.integer(1), query.bytes(2)});
  }
  return findings;
}

}  // namespace

std::string run_file(std::int64_t run_id) {
  return fmt::format("run-{}.html", run_id);
}

std::vector<SearchLine> read_searches(sql::Database& database) {
  std::vector<SearchLine> searches;
  if (!database.has_table("campaign_progress")) {
    return searches;
  }
  sql::Statement query(
      database,
      "SELECT campaign_id, scenario, strategy, depth, parts_done, parts, schedules "
      "FROM campaign_progress ORDER BY campaign_id");
  while (query.step()) {
    searches.push_back({.campaign_id = query.integer(0),
                        .scenario = query.bytes(1),
                        .strategy = query.bytes(2),
                        .depth = query.integer(3),
                        .parts_done = query.integer(4),
                        .parts = query.integer(5),
                        .schedules = query.integer(6),
                        .findings = {}});
  }
  for (SearchLine& search : searches) {
    search.findings = read_findings(database, search.campaign_id);
  }
  return searches;
}

std::string index_page(const FrontPage& front) {
  static const std::array<std::string_view, 2> scripts{assets::kCopyButtonsJs,
                                                       assets::kIndexPageJs};
  std::string body =
      "<main>\n<p class=\"kicker\">onceproof</p>\n<h1>Does the pipeline lose or repeat records "
      "when "
      "machines die?</h1>\n";
  const RunsByToken runs = by_token(front.runs);
  // Before the runs: where there is a table, most of them are its witnesses.
  for (const MatrixReport& matrix : front.matrices) {
    body += matrix_html(matrix, runs);
  }
  body += runs_html(front.runs);
  body += searches_html(front.searches, runs) + plots_html("Side by side", front.plots);
  if (front.runs.empty() && front.matrices.empty() && front.searches.empty()) {
    body += "<p>The recording is empty: nothing was run yet.</p>\n";
  }
  return html_of(
      {.title = "onceproof: verdicts", .body = body + "</main>\n", .data = {}, .scripts = scripts});
}

}  // namespace reports
