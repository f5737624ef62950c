#include "scenarios/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace scenarios {
namespace {

constexpr auto kInPlaceError = boost::system::in_place_error;

struct Unit {
  std::string_view name;
  std::int64_t microseconds;
};

// The largest first, for format_duration().
constexpr std::array kUnits{
    Unit{"h", 3'600'000'000},
    Unit{"min", 60'000'000},
    Unit{"s", 1'000'000},
    Unit{"ms", 1'000},
    Unit{"us", 1},
};

// Far beyond any run, and far from overflow.
constexpr std::int64_t kDurationMaxUs = std::int64_t{1000} * 3'600'000'000;

struct ByteUnit {
  std::string_view name;
  std::int64_t bytes;
};

// The largest first, for format_bytes().
constexpr std::array kByteUnits{
    ByteUnit{"GiB", std::int64_t{1} << 30},
    ByteUnit{"MiB", std::int64_t{1} << 20},
    ByteUnit{"KiB", std::int64_t{1} << 10},
    ByteUnit{"", 1},
};

constexpr std::string_view kBytesHelp = "sizes are written like 65536, 64KiB, 64MiB or 2GiB";
constexpr std::string_view kDurationHelp = "durations are written like 200ms, 1.5s or 5min";
constexpr std::string_view kRateHelp = "rates are written like 150/s or 0.5/s";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Splits "12.5ms" into the number's spelling and the rest.
std::pair<std::string_view, std::string_view> split_number(std::string_view text) {
  const auto* const end =
      std::ranges::find_if_not(text, [](char c) { return is_digit(c) || c == '.'; });
  const auto length = static_cast<std::size_t>(end - text.begin());
  return {text.substr(0, length), text.substr(length)};
}

// digits [ '.' digits ] times `scale`; nothing if malformed, too large, or finer than 1.
std::optional<std::int64_t> scaled_decimal(std::string_view number, std::int64_t scale) {
  const auto point = std::min(number.find('.'), number.size());
  const auto whole = number.substr(0, point);
  const auto fraction = point < number.size() ? number.substr(point + 1) : std::string_view("0");
  if (whole.empty() || fraction.empty() || fraction.find('.') != std::string_view::npos) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  for (const char digit : whole) {
    value = value * 10 + (digit - '0');
    if (value > kDurationMaxUs) {
      return std::nullopt;
    }
  }
  if (value > kDurationMaxUs / scale) {
    return std::nullopt;
  }
  value *= scale;
  std::int64_t place = scale;
  for (const char digit : fraction) {
    const bool finer_than_one = place == 0 || place % 10 != 0;
    if (finer_than_one && digit != '0') {
      return std::nullopt;
    }
    place /= 10;
    value += (digit - '0') * place;
  }
  return value;
}

template <class Integer>
Parsed<Integer> parse_whole(std::string_view text, std::string_view kind) {
  Integer value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range) {
    return {kInPlaceError, "does not fit into 64 bits"};
  }
  if (error != std::errc() || stop != end) {
    return {kInPlaceError, fmt::format("is not {}", kind)};
  }
  return value;
}

std::size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::vector<std::size_t> before(right.size() + 1);
  std::vector<std::size_t> two_before(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= left.size(); ++i) {
    two_before = std::exchange(before, row);
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t change = left[i - 1] == right[j - 1] ? 0 : 1;
      row[j] = std::min({row[j - 1] + 1, before[j] + 1, before[j - 1] + change});
      const bool swapped =
          i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
      if (swapped) {
        row[j] = std::min(row[j], two_before[j - 2] + 1);
      }
    }
  }
  return row.back();
}

struct Operator {
  std::string_view symbol;
  Comparison::Operator op;
};

// Two-character symbols first: the first prefix wins.
constexpr std::array kOperators{
    Operator{"!=", Comparison::Operator::kNotEqual},
    Operator{"<=", Comparison::Operator::kLessEqual},
    Operator{">=", Comparison::Operator::kGreaterEqual},
    Operator{"<", Comparison::Operator::kLess},
    Operator{">", Comparison::Operator::kGreater},
    Operator{"", Comparison::Operator::kEqual},
};

}  // namespace

Parsed<engine::Duration> parse_duration(std::string_view text) {
  if (text.starts_with('-')) {
    return {kInPlaceError, "is negative, and time does not run backwards here"};
  }
  const auto [number, unit_name] = split_number(text);
  if (number.empty()) {
    return {kInPlaceError, fmt::format("is not a duration; {}", kDurationHelp)};
  }
  if (unit_name.empty()) {
    return {kInPlaceError, fmt::format("has no unit; {}", kDurationHelp)};
  }
  const auto* const unit = std::ranges::find(kUnits, unit_name, &Unit::name);
  if (unit == kUnits.end()) {
    return {kInPlaceError,
            fmt::format("has the unknown unit \"{}\" (known are us, ms, s, min, h); {}",
                        unit_name,
                        kDurationHelp)};
  }
  const auto value = scaled_decimal(number, unit->microseconds);
  if (!value || *value > kDurationMaxUs) {
    return {kInPlaceError,
            fmt::format("is no whole number of microseconds up to 1000h; {}", kDurationHelp)};
  }
  return engine::Duration(*value);
}

Parsed<double> parse_rate(std::string_view text) {
  const auto [number, unit] = split_number(text);
  if (number.empty() || number.size() > 15) {
    return {kInPlaceError, fmt::format("is not a rate; {}", kRateHelp)};
  }
  double value = 0;
  const char* const end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, value);
  if (error != std::errc() || stop != end) {
    return {kInPlaceError, fmt::format("is not a rate; {}", kRateHelp)};
  }
  if (unit == "/s") {
    return value;
  }
  if (unit == "/min") {
    return value / 60;
  }
  if (unit == "/h") {
    return value / 3600;
  }
  return {kInPlaceError,
          unit.empty()
              ? fmt::format("has no unit; {}", kRateHelp)
              : fmt::format(
                    "has the unknown unit \"{}\" (known are /s, /min, /h); {}", unit, kRateHelp)};
}

Parsed<std::int64_t> parse_bytes(std::string_view text) {
  const auto [number, unit_name] = split_number(text);
  const auto* const unit = std::ranges::find(kByteUnits, unit_name, &ByteUnit::name);
  if (!number.empty() && unit == kByteUnits.end()) {
    return {
        kInPlaceError,
        fmt::format(
            "has the unknown unit \"{}\" (known are KiB, MiB, GiB); {}", unit_name, kBytesHelp)};
  }
  const auto count = parse_integer(number);
  if (!count || *count > std::numeric_limits<std::int64_t>::max() / unit->bytes) {
    return {kInPlaceError,
            fmt::format("is no whole number of bytes that fits into 64 bits; {}", kBytesHelp)};
  }
  return *count * unit->bytes;
}

Parsed<std::int64_t> parse_integer(std::string_view text) {
  return parse_whole<std::int64_t>(text, "a whole number");
}

Parsed<std::uint64_t> parse_unsigned(std::string_view text) {
  return parse_whole<std::uint64_t>(text, "a whole number from 0");
}

Parsed<Comparison> parse_comparison(std::string_view text) {
  const auto* const found = std::ranges::find_if(
      kOperators, [&](const Operator& o) { return text.starts_with(o.symbol); });
  std::string_view number = text.substr(found->symbol.size());
  number.remove_prefix(std::min(number.find_first_not_of(' '), number.size()));
  const auto value = parse_unsigned(number);
  if (!value || *value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return {kInPlaceError,
            "is neither a number nor a comparison; write 3, or in quotes \">0\", \">=3\", \"<5\", "
            "\"<=5\", \"!=0\""};
  }
  return Comparison{.op = found->op, .value = static_cast<std::int64_t>(*value)};
}

std::string format_duration(engine::Duration duration) {
  const auto* const unit = std::ranges::find_if(
      kUnits, [&](const Unit& u) { return duration.count() % u.microseconds == 0; });
  if (duration.count() == 0) {
    return "0s";
  }
  return fmt::format("{}{}", duration.count() / unit->microseconds, unit->name);
}

std::string format_bytes(std::int64_t bytes) {
  const auto* const unit =
      std::ranges::find_if(kByteUnits, [&](const ByteUnit& u) { return bytes % u.bytes == 0; });
  return fmt::format("{}{}", bytes / unit->bytes, unit->name);
}

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known) {
  std::string_view nearest;
  std::size_t best = 1 + name.size() / 3;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best || (distance == best && nearest.empty())) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string suggestion(std::string_view name, std::span<const std::string_view> known) {
  const std::string_view nearest = nearest_name(name, known);
  return nearest.empty() ? std::string() : fmt::format(" (did you mean \"{}\"?)", nearest);
}

}  // namespace scenarios
