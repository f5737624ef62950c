#include "engine/executor/operations.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "engine/ports/invariant.h"

namespace engine {
namespace {

char upper(char letter) {
  return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

void map_value(Function function, std::string& value) {
  switch (function) {
    case Function::kIdentity:
      return;
    case Function::kUppercase:
      std::ranges::transform(value, value.begin(), upper);
      return;
    case Function::kReverse:
      std::ranges::reverse(value);
      return;
    case Function::kSum:
    case Function::kMax:
      break;
  }
  INVARIANT(false, "function {} does not map a value", static_cast<int>(function));
}

std::vector<Element> copy_each(const std::vector<Element>& elements, std::int32_t copies) {
  std::vector<Element> result;
  result.reserve(elements.size() * static_cast<std::size_t>(copies));
  for (const Element& element : elements) {
    for (std::int32_t copy = 0; copy < copies; ++copy) {
      result.push_back(element);
      result.back().ordinal = element.ordinal * copies + copy;
    }
  }
  return result;
}

// The outputs of a record are told apart by number, from 0 and without gaps, whatever an operation
// adds to them or drops. In its input they stand together, in order; a number that does not grow
// begins the next appearance of a record that a task has read twice.
class Numbering {
 public:
  void enter(const Element& element) {
    if (element.source != source_ || element.ordinal <= last_) {
      next_ = 0;
    }
    source_ = element.source;
    last_ = element.ordinal;
  }

  std::int32_t next() { return next_++; }

 private:
  Position source_;
  std::int32_t last_ = -1;
  std::int32_t next_ = 0;
};

std::vector<Element> keep_those_with(const std::string& text, std::vector<Element> elements) {
  Numbering numbering;
  std::vector<Element> kept;
  kept.reserve(elements.size());
  for (Element& element : elements) {
    numbering.enter(element);
    if (element.value.find(text) != std::string::npos) {
      element.ordinal = numbering.next();
      kept.push_back(std::move(element));
    }
  }
  return kept;
}

std::vector<Element> apply_each(const RecordOperation& operation, std::vector<Element> elements) {
  Numbering numbering;
  std::vector<Element> result;
  result.reserve(elements.size());
  for (Element& element : elements) {
    numbering.enter(element);
    const KeyedValue record{.key = std::move(element.key), .value = std::move(element.value)};
    for (KeyedValue& made : operation.apply(record)) {
      result.push_back({.source = element.source,
                        .ordinal = numbering.next(),
                        .identity = element.identity,
                        .key = std::move(made.key),
                        .value = std::move(made.value)});
    }
  }
  return result;
}

// The integer that a value starts with; 0 if there is none.
std::int64_t number_in(std::string_view value) {
  std::int64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

}  // namespace

std::vector<Element> apply_narrow(std::span<const Operation> operations,
                                  std::vector<Element> elements,
                                  Random& random) {
  for (const Operation& operation : operations) {
    INVARIANT(!operation.is_shuffle(), "a shuffle is not a narrow operation");
    switch (operation.kind) {
      case OperationKind::kMap:
        for (Element& element : elements) {
          map_value(operation.function, element.value);
        }
        break;
      case OperationKind::kFilter:
        elements = keep_those_with(operation.text, std::move(elements));
        break;
      case OperationKind::kFlatMap:
        elements = copy_each(elements, operation.count);
        break;
      case OperationKind::kNondeterministic:
        for (Element& element : elements) {
          element.identity = fmt::format("{:016x}", random.next());
        }
        break;
      case OperationKind::kUser:
        elements = apply_each(*operation.user, std::move(elements));
        break;
      case OperationKind::kCountByKey:
      case OperationKind::kReduceByKey:
        break;
    }
  }
  return elements;
}

std::vector<Element> combine_by_key(const Operation& shuffle,
                                    const std::vector<Element>& elements,
                                    bool partial) {
  INVARIANT(shuffle.is_shuffle(), "only a shuffle combines by key");
  const bool counts = shuffle.kind == OperationKind::kCountByKey;
  const bool takes_max = !counts && shuffle.function == Function::kMax;
  std::map<std::string_view, std::int64_t> results;
  for (const Element& element : elements) {
    const std::int64_t number = counts && !partial ? 1 : number_in(element.value);
    const auto [entry, is_new] = results.emplace(element.key, number);
    if (!is_new) {
      entry->second = takes_max ? std::max(entry->second, number) : entry->second + number;
    }
  }
  std::vector<Element> combined;
  combined.reserve(results.size());
  for (const auto& [key, number] : results) {
    combined.push_back({.source = {},
                        .ordinal = 0,
                        .identity = {},
                        .key = std::string(key),
                        .value = std::to_string(number)});
  }
  return combined;
}

PartitionId owner_of(const std::string& key, std::int32_t partitions) {
  INVARIANT(partitions > 0, "a shuffle has at least one partition");
  const auto hash = XXH3_64bits(key.data(), key.size());
  return static_cast<PartitionId>(hash % static_cast<std::uint64_t>(partitions));
}

}  // namespace engine
