#include "reports/plots/svg_plot.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "reports/plots/axis.h"
#include "reports/text.h"

namespace reports {
namespace {

constexpr double kWidth = 560;
constexpr double kHeight = 280;
constexpr double kLeft = 62;
constexpr double kRight = 14;
constexpr double kTop = 52;
constexpr double kBottom = 44;
constexpr int kLabelsX = 8;
constexpr int kLabelsY = 6;
constexpr std::string_view kInk = "#1d1b16";
constexpr std::string_view kMuted = "#665f52";
constexpr std::string_view kRule = "#d8d2c4";
constexpr std::array<std::string_view, kSeriesMax> kColours{
    "#35618e", "#b3261e", "#2c7a72", "#a8650a", "#7a4a9e", "#4c5f7a"};

std::string text(double x, double y, std::string_view anchor, std::string_view words) {
  return fmt::format(
      R"(<text class="muted" x="{:.1f}" y="{:.1f}" text-anchor="{}" fill="{}">{}</text>)"
      "\n",
      x,
      y,
      anchor,
      kMuted,
      xml_text(words));
}

std::string line(double x1, double y1, double x2, double y2) {
  return fmt::format(
      R"(<path class="rule" d="M{:.1f} {:.1f}L{:.1f} {:.1f}" stroke="{}" fill="none"/>)"
      "\n",
      x1,
      y1,
      x2,
      y2,
      kRule);
}

std::string begin(const PlotTitles& titles, double height) {
  std::string svg = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" )"
      R"(role="img" font-family="system-ui, 'Helvetica Neue', Arial, sans-serif" font-size="11">)"
      "\n<title>{2}</title>\n"
      R"(<rect class="paper" width="{0}" height="{1}" fill="#fffefb"/>)"
      "\n"
      R"(<text class="ink" x="8" y="18" font-size="13" font-weight="600" fill="{3}">{2}</text>)"
      "\n",
      kWidth,
      height,
      xml_text(titles.title),
      kInk);
  return svg;
}

// The greatest value of all points; 0 if there are none.
double greatest(std::span<const Series> series, double PlotPoint::*coordinate) {
  double most = 0;
  for (const Series& one : series) {
    for (const PlotPoint& point : one.points) {
      most = std::max(most, point.*coordinate);
    }
  }
  return most;
}

std::string grid(const PlotTitles& titles, const Axis& x, const Axis& y) {
  std::string svg;
  const double bottom = kHeight - kBottom;
  for (const double tick : y.ticks()) {
    svg += line(kLeft, y.pixel(tick), kWidth - kRight, y.pixel(tick));
    svg += text(kLeft - 6, y.pixel(tick) + 4, "end", y.label(tick));
  }
  for (const double tick : x.ticks()) {
    svg += line(x.pixel(tick), bottom, x.pixel(tick), bottom + 4);
    svg += text(x.pixel(tick), bottom + 16, "middle", x.label(tick));
  }
  svg += text((kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", titles.x);
  svg += text(8, kTop - 16, "start", titles.y);
  return svg;
}

std::string path(const Series& series, const Axis& x, const Axis& y) {
  std::string path;
  for (const PlotPoint& point : series.points) {
    if (path.empty()) {
      path = fmt::format("M{:.1f} {:.1f}", x.pixel(point.x), y.pixel(point.y));
    } else if (series.drawn == Drawn::kSteps) {
      path += fmt::format("H{:.1f}V{:.1f}", x.pixel(point.x), y.pixel(point.y));
    } else {
      path += fmt::format("L{:.1f} {:.1f}", x.pixel(point.x), y.pixel(point.y));
    }
  }
  return path;
}

std::string dots(const Series& series, const Axis& x, const Axis& y) {
  std::string path;
  for (const PlotPoint& point : series.points) {
    path += fmt::format("M{:.1f} {:.1f}h0", x.pixel(point.x), y.pixel(point.y));
  }
  return path;
}

std::string drawn(const Series& series, std::size_t number, const Axis& x, const Axis& y) {
  const std::string_view colour = kColours[number % kSeriesMax];
  const bool is_dots = series.drawn == Drawn::kDots;
  return fmt::format(R"(<path class="series{}" d="{}" fill="none" stroke="{}" stroke-width="{}")"
                     R"( stroke-linecap="round" stroke-linejoin="round"{}/>)"
                     "\n",
                     number % kSeriesMax,
                     is_dots ? dots(series, x, y) : path(series, x, y),
                     colour,
                     is_dots ? 3.2 : 1.6,
                     is_dots ? R"( opacity="0.55")" : "");
}

std::string legend(std::span<const Series> series) {
  constexpr double kLetterWidth = 6.2;
  std::string svg;
  double right = kWidth - kRight;
  for (std::size_t i = series.size(); i-- > 0;) {
    if (series[i].name.empty()) {
      continue;
    }
    svg += text(right, kTop - 16, "end", series[i].name);
    right -= kLetterWidth * static_cast<double>(series[i].name.size()) + 6;
    svg += fmt::format(
        R"(<path class="series{}" d="M{:.1f} {:.1f}h-12" stroke="{}" stroke-width="2.5")"
        " fill=\"none\"/>\n",
        i % kSeriesMax,
        right,
        kTop - 20,
        kColours[i % kSeriesMax]);
    right -= 24;
  }
  return svg;
}

}  // namespace

std::string svg_plot(const PlotTitles& titles, std::span<const Series> series) {
  const Axis x(0, greatest(series, &PlotPoint::x), kLeft, kWidth - kRight, kLabelsX);
  const Axis y(0, greatest(series, &PlotPoint::y), kHeight - kBottom, kTop, kLabelsY);
  std::string svg = begin(titles, kHeight) + grid(titles, x, y) + legend(series);
  for (std::size_t i = 0; i < series.size(); ++i) {
    svg += drawn(series[i], i, x, y);
  }
  return svg + "</svg>\n";
}

std::string svg_bars(const PlotTitles& titles, std::span<const Bar> bars) {
  constexpr double kRow = 34;
  constexpr double kBarTop = 40;
  const double height = kBarTop + kRow * static_cast<double>(bars.size()) + 40;
  double most = 0;
  for (const Bar& bar : bars) {
    most = std::max(most, bar.value);
  }
  const Axis x(0, most, 8, kWidth - 76, kLabelsX);
  std::string svg = begin(titles, height);
  double y = kBarTop;
  for (const Bar& bar : bars) {
    svg += text(8, y + 10, "start", bar.name);
    svg +=
        fmt::format(R"(<rect class="bar" x="8" y="{:.1f}" width="{:.1f}" height="11" fill="{}"/>)"
                    "\n",
                    y + 15,
                    std::max(1.0, x.pixel(bar.value) - 8),
                    kColours[0]);
    svg += text(x.pixel(bar.value) + 6, y + 25, "start", fmt::format("{:.1f}", bar.value));
    y += kRow;
  }
  for (const double tick : x.ticks()) {
    svg += line(x.pixel(tick), y + 4, x.pixel(tick), y + 8);
    svg += text(x.pixel(tick), y + 19, "middle", x.label(tick));
  }
  return svg + text(kWidth / 2, y + 34, "middle", titles.x) + "</svg>\n";
}

}  // namespace reports
