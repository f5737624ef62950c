// scenarios/units.h
//
// The spellings of quantities in scenario files: "200ms", "150/s", "64MiB", "300", ">=10". A
// refusal is a phrase that completes `"1x" ...`.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "engine/ports/vocabulary.h"
#include "scenarios/scenario.h"

namespace scenarios {

template <class T>
using Parsed = boost::system::result<T, std::string>;

// us, ms, s, min, h; a fraction is accepted down to the microsecond.
Parsed<engine::Duration> parse_duration(std::string_view text);

// Per second, from "/s", "/min" or "/h".
Parsed<double> parse_rate(std::string_view text);

// Bytes: a whole number, of KiB, MiB or GiB if it says so.
Parsed<std::int64_t> parse_bytes(std::string_view text);

Parsed<std::int64_t> parse_integer(std::string_view text);
Parsed<std::uint64_t> parse_unsigned(std::string_view text);

// "3", ">0", ">=10", "<5", "<=5", "!=0".
Parsed<Comparison> parse_comparison(std::string_view text);

// "1500ms" and so on: the largest unit that loses nothing.
std::string format_duration(engine::Duration duration);

// "64MiB" and so on, likewise.
std::string format_bytes(std::int64_t bytes);

// The known name that is most like `name`, or empty if none is close.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

// ` (did you mean "rate"?)`, or empty.
std::string suggestion(std::string_view name, std::span<const std::string_view> known);

}  // namespace scenarios
