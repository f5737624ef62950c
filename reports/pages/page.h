// reports/pages/page.h
//
// What all pages have in common: one file that asks nobody for anything, with the style and the
// scripts inside. A policy in its head forbids the browser every request.

#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reports/plots/recorded_plots.h"

namespace reports {

struct Page {
  std::string title;
  std::string body;                           // HTML
  std::string data;                           // JSON for the scripts; empty: none
  std::span<const std::string_view> scripts;  // in the order in which they run
};

std::string html_of(const Page& page);

// "exactly-once", in the colour of how good that is.
std::string guarantee_html(std::string_view guarantee);

// A button that puts `text` into the clipboard.
std::string copy_button(std::string_view text, std::string_view label = "Copy");

// A section of pictures; nothing if there are none.
std::string plots_html(std::string_view title, const std::vector<Plot>& plots);

}  // namespace reports
