#include "reports/pages/page.h"

#include <fmt/format.h>

#include "reports/pages/assets.h"
#include "reports/text.h"

namespace reports {
namespace {

// Within <script> the parser of HTML looks for nothing but the end tag and the begin of a comment.
// Both begin with "<", which JSON has only in strings, where it may be written otherwise.
std::string json_for_script(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  for (const char character : json) {
    if (character == '<') {
      text += "\\u003c";
    } else {
      text += character;
    }
  }
  return text;
}

std::string_view colour_of(std::string_view guarantee) {
  if (guarantee == "exactly-once") {
    return "good";
  }
  return guarantee == "none" ? "bad" : "weak";
}

}  // namespace

std::string html_of(const Page& page) {
  std::string html(assets::kHeadHtml);
  html += fmt::format("{}</title>\n<style>\n{}</style>\n</head>\n<body>\n{}",
                      xml_text(page.title),
                      assets::kPageCss,
                      page.body);
  if (!page.data.empty()) {
    html += fmt::format("<script type=\"application/json\" id=\"data\">{}</script>\n",
                        json_for_script(page.data));
  }
  for (const std::string_view script : page.scripts) {
    html += fmt::format("<script>\n{}</script>\n", script);
  }
  return html + "</body>\n</html>\n";
}

std::string guarantee_html(std::string_view guarantee) {
  return fmt::format(R"(<span class="{}">{}</span>)", colour_of(guarantee), xml_text(guarantee));
}

std::string copy_button(std::string_view text, std::string_view label) {
  return fmt::format(R"(<button type="button" data-copy="{}">{}</button>)", xml_text(text), label);
}

std::string plots_html(std::string_view title, const std::vector<Plot>& plots) {
  if (plots.empty()) {
    return {};
  }
  std::string html =
      fmt::format("<section id=\"plots\"><h2>{}</h2>\n<div class=\"plots\">\n", title);
  for (const Plot& plot : plots) {
    html += fmt::format("<figure>{}</figure>\n", plot.svg);
  }
  return html + "</div>\n</section>\n";
}

}  // namespace reports
