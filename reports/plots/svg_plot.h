// reports/plots/svg_plot.h
//
// Plots as SVG pictures that stand alone: white ground, dark ink. Within a page its style sheet
// gives them the page's colours, by the classes of their parts.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace reports {

struct PlotPoint {
  double x = 0;
  double y = 0;
};

enum class Drawn : std::uint8_t { kDots, kLine, kSteps };

struct Series {
  std::string name;  // for the legend; empty: none
  Drawn drawn = Drawn::kLine;
  std::vector<PlotPoint> points;  // by x
};

struct PlotTitles {
  std::string title;
  std::string x;  // "virtual time, s"
  std::string y;
};

// Both axes begin at 0. At most kSeriesMax series have colours of their own.
std::string svg_plot(const PlotTitles& titles, std::span<const Series> series);

inline constexpr std::size_t kSeriesMax = 6;

struct Bar {
  std::string name;
  double value = 0;
};

// Lying bars, one below the other, each with its value.
std::string svg_bars(const PlotTitles& titles, std::span<const Bar> bars);

}  // namespace reports
