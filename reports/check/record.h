// reports/check/record.h
//
// A record as somebody's file has it: six fields, each absent, null or text. What a field is in the
// file, text or number, makes no difference: CSV knows only text, and the same history must be
// judged alike whatever it is written in.

#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reports::check {

enum class Field : std::uint8_t { kTopic, kPartition, kOffset, kId, kKey, kValue };

inline constexpr std::array<std::string_view, 6> kFieldNames{
    "topic", "partition", "offset", "id", "key", "value"};

inline constexpr std::size_t kFieldCount = kFieldNames.size();

constexpr std::string_view to_string(Field field) {
  return kFieldNames[static_cast<std::size_t>(field)];
}

std::optional<Field> find_field(std::string_view name);

// Those that the question needs. The others are not looked at.
using FieldSet = std::bitset<kFieldCount>;

constexpr std::size_t index_of(Field field) {
  return static_cast<std::size_t>(field);
}

struct Cell {
  enum class State : std::uint8_t { kAbsent, kNull, kText };

  State state = State::kAbsent;
  std::string_view text;
  std::int64_t line = 0;    // where it stands
  std::int64_t column = 0;  // likewise
};

// Valid until the next record is read.
struct Record {
  std::array<Cell, kFieldCount> cells;
  std::int64_t line = 0;  // where it begins

  [[nodiscard]] const Cell& operator[](Field field) const { return cells[index_of(field)]; }

  Cell& operator[](Field field) { return cells[index_of(field)]; }
};

// A copy that stays valid while others are read.
class KeptRecord {
 public:
  void keep(const Record& record);

  [[nodiscard]] const Record& record() const { return record_; }

 private:
  Record record_;
  std::string texts_;
};

}  // namespace reports::check
