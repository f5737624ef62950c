#include "reports/ci_report.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "reports/text.h"

namespace reports {
namespace {

std::ptrdiff_t failure_count(const CiReport& report) {
  return std::ranges::count_if(report.cases,
                               [](const JudgedCase& judged) { return !judged.passed(); });
}

std::string verdict(const CiReport& report) {
  const auto failed = failure_count(report);
  return failed == 0 ? fmt::format("{} judged, all as expected", report.cases.size())
                     : fmt::format("{} judged, {} not as expected", report.cases.size(), failed);
}

std::string replay_command(const std::string& token, const std::string& file) {
  // What ships with the program is found without its name.
  const bool is_of_user = !file.empty() && !file.starts_with('/');
  return fmt::format("onceproof replay {}{}", token, is_of_user ? " " + file : std::string());
}

std::vector<const Change*> changes_of(const CiReport& report, ChangeKind kind) {
  std::vector<const Change*> changes;
  for (const Change& change : report.changes) {
    if (change.kind == kind) {
      changes.push_back(&change);
    }
  }
  return changes;
}

// --- JUnit ---------------------------------------------------------------------------------------

// Some versions of the published schema take three digits behind the point and no more.
double seconds(std::chrono::microseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string test_case(const JudgedCase& judged) {
  const std::string begin = fmt::format(R"(  <testcase classname="{}" name="{}" time="{:.3f}")",
                                        xml_text(judged.group),
                                        xml_text(judged.name),
                                        seconds(judged.wall_time));
  if (judged.passed()) {
    return begin + "/>\n";
  }
  std::string text;
  for (const Reason& reason : judged.reasons) {
    text += xml_text(reason.sentence) + "\n";
  }
  if (!judged.token.empty()) {
    text += "replay: " + xml_text(replay_command(judged.token, judged.file));
  }
  return fmt::format("{}>\n    <failure message=\"{}\">{}</failure>\n  </testcase>\n",
                     begin,
                     xml_text(judged.reasons.front().sentence),
                     text);
}

// --- Markdown ------------------------------------------------------------------------------------

// In <summary>, where GitHub reads HTML.
std::string html(std::string_view text) {
  return xml_text(one_line(text));
}

// A text of whole blocks that never becomes longer than a page takes.
class Page {
 public:
  // False: it does not fit any more, and nothing was added.
  bool add(const std::string& block) {
    const bool fits = text_.size() + block.size() + kFarewell <= kMarkdownCharactersMax;
    text_ += fits ? block : std::string();
    return fits;
  }

  // Adds as many as fit, and says how many do not.
  void add_all(const std::vector<std::string>& blocks, std::string_view what) {
    const auto left_out =
        std::ranges::find_if_not(blocks, [this](const std::string& block) { return add(block); });
    if (left_out != blocks.end()) {
      leave_out(blocks.end() - left_out, what);
    }
  }

  void leave_out(std::ptrdiff_t count, std::string_view what) {
    left_out_ += fmt::format("{}{} {}", left_out_.empty() ? "" : ", ", count, what);
  }

  void end_details() { text_ += "\n</details>\n"; }

  std::string take() {
    if (!left_out_.empty()) {
      text_ += fmt::format(
          "\n**Not all is here**: left out are {}, since a page of GitHub takes no more than {} "
          "characters. `--json` and `--junit` have all of it.\n",
          left_out_,
          kMarkdownCharactersMax);
    }
    return std::move(text_);
  }

 private:
  // Room that is kept for what was left out, and for the end of what is folded away.
  static constexpr std::size_t kFarewell = 600;

  std::string text_;
  std::string left_out_;
};

std::string change_item(const Change& change) {
  std::string item =
      fmt::format("- {}: {}\n", markdown_text(change.name), markdown_text(change.sentence));
  if (!change.token.empty()) {
    item += fmt::format("  `onceproof replay {}`\n", change.token);
  }
  return item;
}

std::vector<std::string> change_items(const CiReport& report, ChangeKind kind) {
  std::vector<std::string> items;
  for (const Change* const change : changes_of(report, kind)) {
    items.push_back(change_item(*change));
  }
  return items;
}

std::string failure_block(const JudgedCase& judged) {
  std::string block = fmt::format("\n<details><summary><b>{}</b>: {}</summary>\n\n",
                                  html(judged.name),
                                  html(judged.reasons.front().sentence));
  for (const Reason& reason : judged.reasons) {
    block += fmt::format("- {}\n", markdown_text(reason.sentence));
  }
  if (!judged.token.empty()) {
    block += fmt::format("\n```sh\n{}\n```\n", one_line(replay_command(judged.token, judged.file)));
  }
  return block + "\n</details>\n";
}

// Line by line: the beginning of a table is one, too.
void add_table(const CiReport& report, Page& page) {
  const std::string begin = "\n<details><summary>Everything that was judged</summary>\n\n";
  if (report.table.empty() || !page.add(begin)) {
    return;
  }
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < report.table.size();) {
    const std::size_t end = std::min(report.table.find('\n', at), report.table.size() - 1) + 1;
    lines.push_back(report.table.substr(at, end - at));
    at = end;
  }
  page.add_all(lines, "lines of the table");
  page.end_details();
}

// --- GitHub --------------------------------------------------------------------------------------

// What follows the second "::" of a workflow command.
std::string command_data(std::string_view text) {
  std::string escaped;
  for (const char character : text) {
    switch (character) {
      case '%':
        escaped += "%25";
        break;
      case '\r':
        escaped += "%0D";
        break;
      case '\n':
        escaped += "%0A";
        break;
      default:
        escaped += character;
    }
  }
  return escaped;
}

// The value of a property of a workflow command, where ':' and ',' have a meaning as well.
std::string command_property(std::string_view text) {
  std::string escaped;
  for (const char character : command_data(text)) {
    if (character == ':') {
      escaped += "%3A";
    } else if (character == ',') {
      escaped += "%2C";
    } else {
      escaped += character;
    }
  }
  return escaped;
}

std::string annotation(const JudgedCase& judged, const Reason& reason) {
  const int line = reason.line > 0 ? reason.line : judged.line;
  std::string properties;
  if (!judged.file.empty()) {
    properties = fmt::format("file={},", command_property(judged.file));
    properties += line > 0 ? fmt::format("line={},", line) : std::string();
  }
  properties += "title=" + command_property(judged.name);
  std::string message = reason.sentence;
  if (!judged.token.empty()) {
    message += "\n" + replay_command(judged.token, judged.file);
  }
  return fmt::format("::error {}::{}\n", properties, command_data(message));
}

}  // namespace

void hold_against(CiReport& report, const std::string& baseline, std::vector<Change> changes) {
  report.baseline = baseline;
  for (const Change& change : changes) {
    if (change.kind != ChangeKind::kWorse) {
      continue;
    }
    auto judged = std::ranges::find(report.cases, change.name, &JudgedCase::name);
    if (judged == report.cases.end()) {
      JudgedCase gone;
      gone.name = change.name;
      gone.group = "onceproof.baseline";
      judged = report.cases.insert(report.cases.end(), std::move(gone));
    }
    judged->token = change.token.empty() ? judged->token : change.token;
    judged->reasons.push_back(
        {.sentence = fmt::format("worse than {}: {}", baseline, change.sentence), .line = 0});
  }
  report.changes = std::move(changes);
}

bool all_passed(const CiReport& report) {
  return failure_count(report) == 0;
}

std::string terminal_changes(const CiReport& report) {
  if (report.baseline.empty()) {
    return {};
  }
  std::string text = fmt::format("\nagainst {}: {} worse, {} better, {} other\n",
                                 one_line(report.baseline),
                                 changes_of(report, ChangeKind::kWorse).size(),
                                 changes_of(report, ChangeKind::kBetter).size(),
                                 changes_of(report, ChangeKind::kOther).size());
  for (const auto& [kind, word] : {std::pair{ChangeKind::kWorse, "worse"},
                                   std::pair{ChangeKind::kBetter, "better"},
                                   std::pair{ChangeKind::kOther, "other"}}) {
    for (const Change* const change : changes_of(report, kind)) {
      text += fmt::format(
          "  {:<6}  {}: {}\n", word, one_line(change->name), one_line(change->sentence));
      if (kind == ChangeKind::kWorse && !change->token.empty()) {
        text += fmt::format("          onceproof replay {}\n", one_line(change->token));
      }
    }
  }
  return text;
}

std::string junit_report(const CiReport& report) {
  std::chrono::microseconds total{0};
  std::string cases;
  for (const JudgedCase& judged : report.cases) {
    total += judged.wall_time;
    cases += test_case(judged);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"onceproof {}\" tests=\"{}\" failures=\"{}\" errors=\"0\" "
      "time=\"{:.3f}\">\n{}</testsuite>\n",
      report.command,
      report.cases.size(),
      failure_count(report),
      seconds(total),
      cases);
}

std::string markdown_summary(const CiReport& report) {
  Page page;
  page.add(fmt::format("## onceproof {}: {}\n", report.command, verdict(report)));
  const std::vector<std::string> worse = change_items(report, ChangeKind::kWorse);
  if (!report.baseline.empty()) {
    page.add(fmt::format("\n{} than {}\n\n",
                         worse.empty() ? "Nothing is worse" : "### Worse",
                         markdown_text(report.baseline)));
  }
  page.add_all(worse, "changes for the worse");
  std::vector<std::string> failures;
  for (const JudgedCase& judged : report.cases) {
    if (!judged.passed()) {
      failures.push_back(failure_block(judged));
    }
  }
  page.add_all(failures, "failures");
  std::vector<std::string> others = change_items(report, ChangeKind::kBetter);
  const std::vector<std::string> unjudged = change_items(report, ChangeKind::kOther);
  others.insert(others.end(), unjudged.begin(), unjudged.end());
  if (!others.empty() &&
      page.add(fmt::format("\n<details><summary>{} other changes</summary>\n\n", others.size()))) {
    page.add_all(others, "other changes");
    page.end_details();
  }
  add_table(report, page);
  return page.take();
}

std::string github_annotations(const CiReport& report) {
  std::string text;
  for (const JudgedCase& judged : report.cases) {
    for (const Reason& reason : judged.reasons) {
      text += annotation(judged, reason);
    }
  }
  return text;
}

}  // namespace reports
