#include "reports/pages/run_page.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "reports/pages/assets.h"
#include "reports/pages/page.h"
#include "reports/text.h"

namespace reports {
namespace {

std::string seconds(std::int64_t micros) {
  return fmt::format("{:.3f} s", static_cast<double>(micros) / 1e6);
}

std::string heading(const RunSummary& run) {
  std::string html = fmt::format(
      "<p class=\"kicker\"><a href=\"index.html\">All runs</a> · run {} · seed {} · Kafka: {} · {}"
      "</p>\n<h1>{}</h1>\n",
      run.run_id,
      xml_text(run.seed),
      xml_text(run.kafka),
      xml_text(run.started_at),
      xml_text(run.scenario));
  html += fmt::format(
      "<p><span class=\"badge {}\">{}</span> output {}{}</p>\n",
      run.passed ? "good" : "bad",
      run.passed ? "as expected" : "not as expected",
      guarantee_html(run.output.guarantee),
      run.expected.empty() ? "" : fmt::format(", expected: {}", xml_text(run.expected)));
  if (!run.description.empty()) {
    html += fmt::format("<p>{}</p>\n", xml_text(run.description));
  }
  for (const std::string& reason : run.reasons) {
    html += fmt::format("<p class=\"bad\">{}</p>\n", xml_text(reason));
  }
  return html;
}

std::string stage_row(std::string_view name, const StageFigures& figures) {
  const auto number = [](std::int64_t count) {
    return fmt::format(R"(<td class="number{}">{}</td>)", count > 0 ? " bad" : "", count);
  };
  return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td>{}{}</tr>\n",
                     name,
                     guarantee_html(figures.guarantee),
                     number(figures.lost),
                     number(figures.duplicated));
}

std::string figures_html(const RunSummary& run) {
  std::string html =
      "<div class=\"table\"><table id=\"figures\"><thead><tr><th>stage</th><th>guarantee</th>"
      "<th class=\"number\">lost</th><th class=\"number\">duplicated</th></tr></thead><tbody>\n";
  html += stage_row("received", run.received);
  html += stage_row("processed", run.processed);
  html += stage_row("output", run.output);
  html += fmt::format(
      "</tbody></table></div>\n<p class=\"note\">{} records went in, {} rows are in the sink; "
      "phantom {}, reordered {}, wrong {}{}. {} of virtual time.</p>\n",
      run.inputs,
      run.outputs,
      run.phantom,
      run.reordered,
      run.wrong,
      run.stalled ? ", <span class=\"bad\">stalled</span>" : "",
      seconds(run.virtual_us));
  return html;
}

// A line of events has 9 places for the seconds, " s  ", and 13 for who did it.
bool is_event(std::string_view line) {
  return line.size() > 14 && line.substr(9, 4) == " s  ";
}

std::string event_html(std::string_view line) {
  const std::string_view rest = line.substr(13);
  const std::size_t end = rest.find("  ") < 13 ? rest.find("  ") : rest.find(' ', 12);
  const std::string_view who = rest.substr(0, end);
  const std::size_t what = rest.find_first_not_of(' ', end);
  const bool is_fault = who == "FAULT";
  return fmt::format(
      "<li><span class=\"when\">{}</span><span class=\"who{}\">{}</span><span class=\"what{}\">{}"
      "</span></li>\n",
      xml_text(line.substr(0, 11)),
      is_fault ? " fault" : "",
      is_fault ? "fault" : xml_text(who),
      is_fault ? " fault" : "",
      xml_text(what == std::string_view::npos ? "" : rest.substr(what)));
}

std::string story_html(std::string_view story) {
  std::string html = "<section id=\"story\"><h2>What happened</h2>\n";
  if (story.empty()) {
    return html +
           "<p class=\"note\">The recording has no story of this run; its token tells it: "
           "onceproof replay.</p></section>\n";
  }
  bool in_list = false;
  while (!story.empty()) {
    const std::size_t end = std::min(story.find('\n'), story.size());
    const std::string_view line = story.substr(0, end);
    if (is_event(line) != in_list) {
      in_list = !in_list;
      html += in_list ? "<ol class=\"story\">\n" : "</ol>\n";
    }
    if (!line.empty()) {
      html += in_list ? event_html(line) : fmt::format("<p>{}</p>\n", xml_text(line));
    }
    story.remove_prefix(std::min(end + 1, story.size()));
  }
  return html + (in_list ? "</ol>\n</section>\n" : "</section>\n");
}

std::string faults_html(const RunSummary& run) {
  std::string html = "<section id=\"faults\"><h2>Faults</h2>\n";
  if (run.faults.empty()) {
    return html + "<p>None: nothing was done to this run.</p>\n</section>\n";
  }
  html +=
      "<div class=\"table\"><table><thead><tr><th>fault</th><th class=\"number\">struck at</th>"
      "</tr></thead><tbody>\n";
  for (const FaultLine& fault : run.faults) {
    html += fmt::format("<tr><td>{}</td><td class=\"number\">{}</td></tr>\n",
                        xml_text(fault.words),
                        fault.struck_us ? seconds(*fault.struck_us) : "never");
  }
  return html + "</tbody></table></div>\n</section>\n";
}

std::string replay_html(const RunSummary& run) {
  const std::string command = "onceproof replay " + run.token;
  return fmt::format(
      "<section id=\"replay\"><h2>The same run again</h2>\n<div class=\"token\"><code>{}</code>{}"
      "</div>\n<p class=\"note\">Trace hash {}. With --verify it runs twice and compares every "
      "step; onceproof shrink takes the same token and looks for the smallest world that still "
      "shows this.</p>\n</section>\n",
      xml_text(command),
      copy_button(command),
      xml_text(run.trace_hash));
}

using Question = std::pair<std::string_view, std::string_view>;

constexpr std::array<Question, 4> kQuestions{
    Question{"Which records are lost, and where they were",
             "SELECT record_id, partition, \"offset\", key FROM lost_record WHERE run_id = {}"},
    Question{"Which rows are too many, and who wrote them",
             "SELECT record_id, batch_us, attempt, process, incarnation, written_us FROM "
             "duplicate_record WHERE run_id = {}"},
    Question{"What each driver life planned",
             "SELECT driver_incarnation, batch_us, task, partition, from_offset, until_offset, "
             "executed, completed FROM batch_plan WHERE run_id = {} ORDER BY n, range_n"},
    Question{"Which messages did not arrive",
             "SELECT sent_us, kind, sender, receiver, fate FROM message WHERE run_id = {} AND "
             "fate <> 'arrived'"}};

std::string questions_html(const RunSummary& run, const std::string& database) {
  std::string html = "<section id=\"sql\"><h2>Ask further</h2>\n";
  for (const auto& [question, statement] : kQuestions) {
    const std::string query = fmt::format(fmt::runtime(statement), run.run_id);
    const std::string command =
        fmt::format("sqlite3 -box {} {}", shell_word(database), shell_word(query));
    html += fmt::format("<h3>{} {}</h3>\n<pre><code>{}</code></pre>\n",
                        question,
                        copy_button(command),
                        xml_text(command));
  }
  return html + "</section>\n";
}

std::string left_out_html(const std::vector<LeftOut>& left_out) {
  if (left_out.empty()) {
    return {};
  }
  std::vector<std::string> parts;
  parts.reserve(left_out.size());
  for (const auto& [what, count] : left_out) {
    parts.push_back(fmt::format("{} {}", count, what));
  }
  return fmt::format(
      "<p class=\"note\" id=\"left-out\">This run is larger than a page: {} are not on it. The "
      "figures above count everything, and the recording has all of it.</p>\n",
      fmt::join(parts, ", "));
}

}  // namespace

std::string run_page(const RunSummary& run,
                     const RunData& data,
                     const std::string& database,
                     const std::vector<Plot>& plots) {
  static const std::array<std::string_view, 8> scripts{assets::kColumnsJs,
                                                       assets::kRunModelJs,
                                                       assets::kSvgCanvasJs,
                                                       assets::kTimeAxisJs,
                                                       assets::kDiagramPictureJs,
                                                       assets::kDiagramJs,
                                                       assets::kCopyButtonsJs,
                                                       assets::kRunPageJs};
  std::string body = "<main>\n" + heading(run) + figures_html(run) + left_out_html(data.left_out);
  body += story_html(run.story);
  body += assets::kDiagramHtml;
  body += faults_html(run) + replay_html(run) + plots_html("Over time", plots);
  body += assets::kTablesHtml;
  body += questions_html(run, database) + "</main>\n";
  return html_of({.title = fmt::format("{} · run {}", run.scenario, run.run_id),
                  .body = std::move(body),
                  .data = data.json,
                  .scripts = scripts});
}

}  // namespace reports
