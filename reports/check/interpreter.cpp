#include "reports/check/interpreter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "reports/input/refusal.h"
#include "reports/input/whole_number.h"
#include "reports/text.h"

namespace reports::check {
namespace {

constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kPartitionMax = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t kDescribedBytesMax = 120;

FieldSet fields(std::initializer_list<Field> members) {
  FieldSet set;
  for (const Field field : members) {
    set.set(index_of(field));
  }
  return set;
}

// Up to 38 digits: whatever 64-bit values can add up to.
std::optional<Sum> to_sum(std::string_view text) {
  constexpr std::size_t kDigitsMax = 38;
  const bool negative = text.starts_with('-');
  text.remove_prefix(negative ? 1 : 0);
  const auto is_digit = [](char character) { return character >= '0' && character <= '9'; };
  if (text.empty() || text.size() > kDigitsMax || !std::ranges::all_of(text, is_digit)) {
    return std::nullopt;
  }
  Sum sum = 0;
  for (const char digit : text) {
    sum = sum * 10 + (digit - '0');
  }
  return negative ? -sum : sum;
}

// Whole characters of `text`, as many as a line has room for.
std::string cut(std::string_view text) {
  if (text.size() <= kDescribedBytesMax) {
    return std::string(text);
  }
  std::size_t length = 0;
  while (length < kDescribedBytesMax) {
    length += std::max<std::size_t>(1, utf8_character(text.substr(length)));
  }
  return std::string(text.substr(0, length)) + "...";
}

}  // namespace

Interpreter::Interpreter(const Question& question)
    : identity_(question.identity), order_(question.order), aggregate_(question.aggregate) {}

FieldSet Interpreter::wanted(Side side) const {
  if (aggregate_ != AggregateKind::kNone) {
    const bool counted = aggregate_ == AggregateKind::kCountByKey && side == Side::kInput;
    return counted ? fields({Field::kKey}) : fields({Field::kKey, Field::kValue});
  }
  FieldSet set;
  switch (identity_) {
    case Identity::kOffset:
      set = fields({Field::kTopic, Field::kPartition, Field::kOffset});
      break;
    case Identity::kId:
      set = fields({Field::kId});
      break;
    case Identity::kKeyValue:
      set = fields({Field::kKey, Field::kValue});
      break;
  }
  if (side == Side::kInput && order_ == Order::kPartition) {
    set |= fields({Field::kTopic, Field::kPartition});
  }
  if (side == Side::kInput && order_ == Order::kKey) {
    set |= fields({Field::kKey});
  }
  return set;
}

Ranks Interpreter::ranks() const {
  if (order_ == Order::kNone) {
    return Ranks::kNone;
  }
  const bool by_offset = order_ == Order::kPartition && identity_ == Identity::kOffset;
  return by_offset ? Ranks::kGiven : Ranks::kPlaces;
}

std::string_view Interpreter::purpose() const {
  if (aggregate_ == AggregateKind::kSumByKey) {
    return "sum-by-key adds whole numbers of 64 bits, by key";
  }
  if (aggregate_ != AggregateKind::kNone) {
    return "count-by-key counts by key, in whole numbers";
  }
  switch (identity_) {
    case Identity::kOffset:
      return "by --identity offset a record is known by partition and offset, and by its topic if "
             "records have one";
    case Identity::kId:
      return "by --identity id a record is known by its id";
    case Identity::kKeyValue:
      return "by --identity key-value a record is known by key and value";
  }
  return {};
}

void Interpreter::refuse(const Record& record, const Cell& cell, std::string message) const {
  const bool absent = cell.state == Cell::State::kAbsent;
  throw input::Refusal{.file = path_,
                       .line = absent ? record.line : cell.line,
                       .column = absent ? 1 : cell.column,
                       .message = std::move(message)};
}

const Cell& Interpreter::need(const Record& record, Field field, std::string_view why) const {
  const Cell& cell = record[field];
  if (cell.state == Cell::State::kText) {
    return cell;
  }
  const std::string name(to_string(field));
  const bool is_null = cell.state == Cell::State::kNull;
  refuse(record,
         cell,
         fmt::format("{}; {}",
                     is_null ? fmt::format("the field \"{}\" is null", name)
                             : fmt::format("the record has no field \"{}\"", name),
                     why));
}

std::int64_t Interpreter::need_number(const Record& record,
                                      Field field,
                                      std::int64_t max,
                                      std::string_view why) const {
  const Cell& cell = need(record, field, why);
  const auto number = input::whole_number(cell.text);
  if (!number || *number < 0 || *number > max) {
    refuse(record,
           cell,
           fmt::format("\"{}\" must be a whole number from 0 to {}, not {}",
                       to_string(field),
                       max,
                       input::quoted(cell.text)));
  }
  return *number;
}

void Interpreter::append(std::int64_t number) {
  const auto bytes = std::bit_cast<std::array<char, sizeof number>>(number);
  bytes_.append(bytes.data(), bytes.size());
}

// With its length, so that no two lists of cells have the same bytes. A missing field is as null.
void Interpreter::append(const Cell& cell) {
  const bool is_text = cell.state == Cell::State::kText;
  append(is_text ? static_cast<std::int64_t>(cell.text.size()) : -1);
  bytes_ += is_text ? cell.text : std::string_view();
}

Digest Interpreter::digest() const {
  const XXH128_hash_t hash = XXH3_128bits(bytes_.data(), bytes_.size());
  return {.low = hash.low64, .high = hash.high64};
}

// Where some records say their topic and others do not, the same record would not be found again.
void Interpreter::append_topic(const Record& record) {
  const Cell& topic = record[Field::kTopic];
  const bool has_topic = topic.state == Cell::State::kText;
  if (has_topic_.value_or(has_topic) != has_topic) {
    refuse(record,
           topic,
           has_topic ? "this record has a topic, and those before it have none"
                     : "this record has no topic, and those before it have one");
  }
  has_topic_ = has_topic;
  append(topic);
}

Digest Interpreter::group(const Record& record) {
  bytes_.clear();
  if (order_ == Order::kKey) {
    append(need(record, Field::kKey, "--order key needs it of every input"));
  } else {
    append_topic(record);
    append(need_number(
        record, Field::kPartition, kPartitionMax, "--order partition needs it of every input"));
  }
  return digest();
}

Sighting Interpreter::sighting(const Record& record, Side side) {
  Sighting sighting;
  bytes_.clear();
  switch (identity_) {
    case Identity::kOffset:
      append_topic(record);
      append(need_number(record, Field::kPartition, kPartitionMax, purpose()));
      sighting.rank = need_number(record, Field::kOffset, kInt64Max, purpose());
      append(sighting.rank);
      break;
    case Identity::kId:
      append(need(record, Field::kId, purpose()));
      break;
    case Identity::kKeyValue:
      if (record[Field::kValue].state == Cell::State::kAbsent) {
        need(record, Field::kValue, purpose());
      }
      append(record[Field::kKey]);
      append(record[Field::kValue]);
      break;
  }
  sighting.identity = digest();
  if (side == Side::kInput && order_ != Order::kNone) {
    sighting.group = group(record);
  }
  return sighting;
}

Digest Interpreter::key(const Record& record) {
  bytes_.clear();
  append(need(record, Field::kKey, purpose()));
  return digest();
}

std::int64_t Interpreter::amount(const Record& record) {
  if (aggregate_ == AggregateKind::kCountByKey) {
    return 1;
  }
  const Cell& cell = need(record, Field::kValue, purpose());
  const auto amount = input::whole_number(cell.text);
  if (!amount) {
    refuse(record,
           cell,
           fmt::format("\"value\" must be a whole number of 64 bits, not {}; {}",
                       input::quoted(cell.text),
                       purpose()));
  }
  return *amount;
}

Sum Interpreter::value(const Record& record) {
  const Cell& cell = need(record, Field::kValue, purpose());
  const auto value = to_sum(cell.text);
  if (!value) {
    refuse(record,
           cell,
           fmt::format("\"value\" must be a whole number of at most 38 digits, not {}; {}",
                       input::quoted(cell.text),
                       purpose()));
  }
  return *value;
}

Description Interpreter::describe(const Record& record) const {
  Description description;
  const auto add = [&](Field field, bool is_number) {
    const Cell& cell = record[field];
    if (cell.state == Cell::State::kText) {
      description.push_back(
          {.name = to_string(field), .text = cut(cell.text), .is_number = is_number});
    }
  };
  if (aggregate_ != AggregateKind::kNone) {
    add(Field::kKey, false);
    return description;
  }
  switch (identity_) {
    case Identity::kOffset:
      add(Field::kTopic, false);
      add(Field::kPartition, true);
      add(Field::kOffset, true);
      break;
    case Identity::kId:
      add(Field::kId, false);
      break;
    case Identity::kKeyValue:
      add(Field::kKey, false);
      add(Field::kValue, false);
      break;
  }
  return description;
}

}  // namespace reports::check
