// reports/check/interpreter.h
//
// What the fields of a record mean for one question: its identity, its place in an order, what it
// adds to an aggregate; and what may be missing.
//
// Errors    Refusal: a field that the question needs is missing, null, or no number of its range.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/check/aggregate_judge.h"
#include "reports/check/question.h"
#include "reports/check/record.h"
#include "reports/check/record_judge.h"

namespace reports::check {

enum class Side : std::uint8_t { kInput, kOutput };

// A field of a record for people: its text, cut if it is long.
struct DescribedField {
  std::string_view name;
  std::string text;
  bool is_number = false;
};

using Description = std::vector<DescribedField>;

class Interpreter {
 public:
  explicit Interpreter(const Question& question);

  [[nodiscard]] FieldSet wanted(Side side) const;

  [[nodiscard]] Ranks ranks() const;

  // The file of the records that follow; of messages only.
  void set_file(const std::string& path) { path_ = path; }

  Sighting sighting(const Record& record, Side side);

  Digest key(const Record& record);

  // What an input adds to its key.
  std::int64_t amount(const Record& record);

  // What an output says of its key.
  Sum value(const Record& record);

  // Of a record that has what the question needs.
  [[nodiscard]] Description describe(const Record& record) const;

 private:
  const Cell& need(const Record& record, Field field, std::string_view why) const;
  std::int64_t need_number(const Record& record,
                           Field field,
                           std::int64_t max,
                           std::string_view why) const;
  void append_topic(const Record& record);
  void append(std::int64_t number);
  void append(const Cell& cell);
  [[nodiscard]] Digest digest() const;
  Digest group(const Record& record);
  [[nodiscard]] std::string_view purpose() const;
  [[noreturn]] void refuse(const Record& record, const Cell& cell, std::string message) const;

  Identity identity_;
  Order order_;
  AggregateKind aggregate_;
  std::string path_;
  std::optional<bool> has_topic_;  // whether records say their topic: all do, or none does
  std::string bytes_;              // what is digested
};

}  // namespace reports::check
