// reports/json_reader.h
//
// JSON as a tree that keeps the place of every value, so that whoever finds a value wrong can say
// where it is. Numbers that are not whole are kept as such and have no value here.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

namespace reports {

inline constexpr std::size_t kJsonDepthMax = 64;

struct JsonNode {
  enum class Kind : std::uint8_t { kNull, kBoolean, kInteger, kFraction, kText, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  std::int64_t integer = 0;
  std::string text;
  std::vector<std::string> names;  // kObject: of its members, in order
  std::vector<JsonNode> items;     // kArray; kObject: the values of its members
  int line = 0;                    // from 1
  int column = 0;                  // from 1, in bytes

  // The value of a member, or null.
  [[nodiscard]] const JsonNode* find(std::string_view name) const;
};

// What is wrong with a text, and where.
struct JsonError {
  int line = 0;
  int column = 0;
  std::string message;
};

template <class T>
using JsonResult = boost::system::result<T, JsonError>;

[[noreturn]] void throw_exception_from_error(const JsonError& error,
                                             const boost::source_location& where);

// Every value of a text that holds one value behind the other, such as JSON Lines.
// Errors    the text is no JSON, or is nested deeper than kJsonDepthMax.
JsonResult<std::vector<JsonNode>> read_json(std::string_view text);

}  // namespace reports
