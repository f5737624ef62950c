#include "reports/check/answer.h"

#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/input/refusal.h"

namespace reports::check {
namespace {

using Json = nlohmann::ordered_json;

std::string to_string(const Where& where) {
  return fmt::format("{}:{}", where.file, where.line);
}

std::string to_string(const Description& record) {
  std::vector<std::string> parts;
  for (const DescribedField& field : record) {
    parts.push_back(
        fmt::format("{} {}", field.name, field.is_number ? field.text : input::quoted(field.text)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

// "topic "t", partition 0, offset 17 (in.jsonl:18)", as far as it is known.
std::string name_of(const Example& example, const std::optional<Where>& where) {
  const std::string record = to_string(example.record);
  if (record.empty()) {
    return to_string(*where);
  }
  return where ? fmt::format("{} ({})", record, to_string(*where)) : record;
}

std::string wrong_sentence(const Example& example) {
  const std::string name = name_of(example, example.input ? example.input : example.output);
  if (!example.expected) {
    return fmt::format("{}: found {}, and no input has the key", name, to_decimal(*example.found));
  }
  if (!example.found) {
    return fmt::format("{}: missing, expected {}", name, to_decimal(*example.expected));
  }
  return fmt::format("{}: found {} in {}, expected {}",
                     name,
                     to_decimal(*example.found),
                     to_string(*example.output),
                     to_decimal(*example.expected));
}

// One finding: its word, how often, and sentences on the first of it.
template <class Sentence>
void add_finding(std::string& text,
                 std::string_view word,
                 std::int64_t count,
                 const std::vector<Example>& examples,
                 Sentence sentence) {
  for (const Example& example : examples) {
    text += fmt::format("{}: {}\n", word, sentence(example));
  }
  const auto more = count - static_cast<std::int64_t>(examples.size());
  if (more > 0) {
    text += fmt::format("{}: and {} more\n", word, more);
  }
}

std::string findings(const Answer& answer) {
  std::string text;
  const Examples& examples = answer.examples;
  add_finding(text, "lost", answer.output.lost, examples.lost, [](const Example& example) {
    return fmt::format("{} has no output", name_of(example, example.input));
  });
  add_finding(text,
              "duplicated",
              answer.output.duplicated,
              examples.duplicated,
              [](const Example& example) {
                return fmt::format("{} is once more in {}",
                                   name_of(example, example.input),
                                   to_string(*example.output));
              });
  add_finding(text, "phantom", answer.phantom, examples.phantom, [](const Example& example) {
    return fmt::format("{} is no input", name_of(example, example.output));
  });
  add_finding(text, "reordered", answer.reordered, examples.reordered, [](const Example& example) {
    return fmt::format("{} comes behind {}, which is of a later record",
                       name_of(example, example.output),
                       to_string(*example.later));
  });
  add_finding(text, "wrong", answer.wrong, examples.wrong, wrong_sentence);
  return text;
}

// Numbers beyond 64 bits would not survive most readers: they are text.
Json to_json(Sum sum) {
  const auto narrow = static_cast<std::int64_t>(sum);
  return narrow == sum ? Json(narrow) : Json(to_decimal(sum));
}

Json to_json(const Where& where) {
  return {{"file", where.file}, {"line", where.line}};
}

Json to_json(const Example& example) {
  Json json = Json::object();
  for (const DescribedField& field : example.record) {
    std::int64_t number = 0;
    std::from_chars(field.text.data(), field.text.data() + field.text.size(), number);
    json[std::string(field.name)] = field.is_number ? Json(number) : Json(field.text);
  }
  const auto add = [&json](const char* name, const auto& value) {
    if (value) {
      json[name] = to_json(*value);
    }
  };
  add("expected", example.expected);
  add("found", example.found);
  add("input", example.input);
  add("output", example.output);
  add("later", example.later);
  return json;
}

Json to_json(const std::vector<Example>& examples) {
  Json json = Json::array();
  for (const Example& example : examples) {
    json.push_back(to_json(example));
  }
  return json;
}

}  // namespace

bool is_as_expected(const Answer& answer, std::optional<Guarantee> expected) {
  return !expected || common_part(answer.guarantee(), *expected) == *expected;
}

std::string terminal_answer(const Answer& answer,
                            const Question& question,
                            std::optional<Guarantee> expected) {
  std::string text = fmt::format("guarantee   {}", reports::to_string(answer.guarantee()));
  if (expected) {
    text += fmt::format(" (expected: {})", reports::to_string(*expected));
  }
  text += '\n';
  const auto add = [&text](std::string_view word, std::int64_t count) {
    text += fmt::format("{:<12}{}\n", word, count);
  };
  add("inputs", answer.inputs);
  add("outputs", answer.outputs);
  if (question.aggregate == AggregateKind::kNone) {
    add("lost", answer.output.lost);
    add("duplicated", answer.output.duplicated);
    add("phantom", answer.phantom);
    if (question.order != Order::kNone) {
      add("reordered", answer.reordered);
    }
  } else {
    add("wrong", answer.wrong);
  }
  return text + findings(answer);
}

std::string json_answer(const Answer& answer, std::optional<Guarantee> expected) {
  Json json{{"guarantee", reports::to_string(answer.guarantee())},
            {"inputs", answer.inputs},
            {"outputs", answer.outputs},
            {"lost", answer.output.lost},
            {"duplicated", answer.output.duplicated},
            {"phantom", answer.phantom},
            {"reordered", answer.reordered},
            {"wrong", answer.wrong}};
  json["expected"] = expected ? Json(reports::to_string(*expected)) : Json(nullptr);
  json["passed"] = is_as_expected(answer, expected);
  json["examples"] = {{"lost", to_json(answer.examples.lost)},
                      {"duplicated", to_json(answer.examples.duplicated)},
                      {"phantom", to_json(answer.examples.phantom)},
                      {"reordered", to_json(answer.examples.reordered)},
                      {"wrong", to_json(answer.examples.wrong)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace reports::check
