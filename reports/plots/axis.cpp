#include "reports/plots/axis.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace reports {
namespace {

double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least) {
      return factor * power;
    }
  }
  return 10 * power;
}

}  // namespace

Axis::Axis(double from, double until, double first_pixel, double last_pixel, int labels_max)
    : first_pixel_(first_pixel), last_pixel_(last_pixel) {
  const double range = until > from ? until - from : 1;
  step_ = round_step(range / labels_max);
  from_ = std::floor(from / step_) * step_;
  until_ = std::max(std::ceil(until / step_) * step_, from_ + step_);
}

double Axis::pixel(double value) const {
  return first_pixel_ + (value - from_) / (until_ - from_) * (last_pixel_ - first_pixel_);
}

std::vector<double> Axis::ticks() const {
  std::vector<double> ticks;
  const auto count = std::lround((until_ - from_) / step_);
  for (long i = 0; i <= count; ++i) {
    ticks.push_back(from_ + static_cast<double>(i) * step_);
  }
  return ticks;
}

std::string Axis::label(double tick) const {
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step_) - 1e-9)));
  const double shown = std::abs(tick) < step_ / 2 ? 0 : tick;  // no "-0"
  return fmt::format("{:.{}f}", shown, decimals);
}

}  // namespace reports
