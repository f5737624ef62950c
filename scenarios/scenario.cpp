#include "scenarios/scenario.h"

#include <string_view>

#include <fmt/format.h>

namespace scenarios {
namespace {

std::string_view symbol(Comparison::Operator op) {
  switch (op) {
    case Comparison::Operator::kEqual:
      return "";
    case Comparison::Operator::kNotEqual:
      return "!=";
    case Comparison::Operator::kLess:
      return "<";
    case Comparison::Operator::kLessEqual:
      return "<=";
    case Comparison::Operator::kGreater:
      return ">";
    case Comparison::Operator::kGreaterEqual:
      return ">=";
  }
  return "?";
}

}  // namespace

bool Comparison::holds(std::int64_t actual) const {
  switch (op) {
    case Operator::kEqual:
      return actual == value;
    case Operator::kNotEqual:
      return actual != value;
    case Operator::kLess:
      return actual < value;
    case Operator::kLessEqual:
      return actual <= value;
    case Operator::kGreater:
      return actual > value;
    case Operator::kGreaterEqual:
      return actual >= value;
  }
  return false;
}

std::string Comparison::to_string() const {
  return fmt::format("{}{}", symbol(op), value);
}

bool keeps_own_offsets(const engine::KafkaSource& source) {
  return source.offsets != engine::OffsetKeeping::kCheckpoint &&
         source.offsets != engine::OffsetKeeping::kNone;
}

std::int32_t Scenario::receiver_count() const {
  return pipeline.source.receiver ? pipeline.source.receiver->receivers : 0;
}

}  // namespace scenarios
