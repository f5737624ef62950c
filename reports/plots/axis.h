// reports/plots/axis.h
//
// A range of values along a line of pixels, and where its labels stand.

#pragma once

#include <string>
#include <vector>

namespace reports {

class Axis {
 public:
  // Widened to round values. Requires  from <= until.
  Axis(double from, double until, double first_pixel, double last_pixel, int labels_max);

  [[nodiscard]] double pixel(double value) const;

  // Round values, a step of 1, 2 or 5 times a power of ten apart.
  [[nodiscard]] std::vector<double> ticks() const;

  // As many decimals as the step has.
  [[nodiscard]] std::string label(double tick) const;

 private:
  double from_;
  double until_;
  double first_pixel_;
  double last_pixel_;
  double step_;
};

}  // namespace reports
