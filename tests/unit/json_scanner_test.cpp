// The scanner accepts exactly what another parser of JSON accepts, and reads the same out of it;
// and it says where a text stops being JSON.

#include "reports/input/json_scanner.h"

#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;
using reports::input::JsonError;
using reports::input::JsonScanner;

// "ok", or "BYTE: message".
std::string verdict_of(std::string_view text) {
  JsonScanner scanner;
  scanner.start(text);
  try {
    scanner.skip_value();
    scanner.expect_end();
    return "ok";
  } catch (const JsonError& error) {
    return std::to_string(error.at) + ": " + error.message;
  }
}

std::string text_of(std::string_view text) {
  JsonScanner scanner;
  scanner.start(text);
  return std::string(scanner.read_text());
}

// JSON sets no limit to numbers; this parser does, and then it is no judge.
std::optional<bool> another_parser_accepts(const std::string& text) {
  try {
    return !json::parse(text).is_discarded();
  } catch (const json::out_of_range&) {
    return std::nullopt;
  } catch (const json::parse_error&) {
    return false;
  }
}

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : engine_(seed) {}

  std::size_t below(std::size_t bound) { return engine_() % bound; }

  std::string string() {
    static const std::vector<std::string> parts{"a",
                                                "Z",
                                                "\"",
                                                "\\",
                                                "/",
                                                "\n",
                                                "\t",
                                                "\x01",
                                                "\x1f",
                                                "\x7f",
                                                "é",
                                                "会",
                                                "😀",
                                                " ",
                                                "key",
                                                "0"};
    std::string text;
    for (std::size_t left = below(12); left > 0; --left) {
      text += parts[below(parts.size())];
    }
    return text;
  }

  json value(int depth) {
    switch (below(depth < 4 ? 8 : 6)) {
      case 0:
        return nullptr;
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<std::int64_t>(engine_());
      case 3:
        return below(100);
      case 4:
      case 5:
        return string();
      case 6: {
        json array = json::array();
        for (std::size_t left = below(4); left > 0; --left) {
          array.push_back(value(depth + 1));
        }
        return array;
      }
      default: {
        json object = json::object();
        for (std::size_t left = below(4); left > 0; --left) {
          object[string()] = value(depth + 1);
        }
        return object;
      }
    }
  }

  // One byte more, less, or another.
  void damage(std::string& text) {
    static constexpr std::string_view kBytes =
        "{}[]:,\"\\u0dD8-+.eE19ntf \t\r\x01\x80\xc3\xe2\xf0\xff";
    const std::size_t at = below(text.size() + 1);
    const char byte = kBytes[below(kBytes.size())];
    switch (below(3)) {
      case 0:
        text.insert(at, 1, byte);
        break;
      case 1:
        text.erase(at, 1);
        break;
      default:
        if (at < text.size()) {
          text[at] = byte;
        }
    }
  }

 private:
  std::mt19937_64 engine_;
};

TEST(JsonScanner, AcceptsAndReadsWhatAnotherParserDoes) {
  Draw draw(1);
  for (int n = 0; n < 20'000; ++n) {
    const json value = draw.value(0);
    const std::string compact = value.dump();
    const std::string spread = value.dump(2, ' ', true);
    ASSERT_EQ(verdict_of(spread), "ok") << spread;
    const std::string expected = value.is_string() ? value.get<std::string>() : compact;
    ASSERT_EQ(text_of(compact), expected);
    ASSERT_EQ(text_of(spread), expected);
  }
}

TEST(JsonScanner, RefusesWhatAnotherParserRefuses) {
  Draw draw(2);
  int refused = 0;
  for (int n = 0; n < 60'000; ++n) {
    std::string text = draw.value(0).dump(-1, ' ', draw.below(2) == 0);
    for (std::size_t times = 1 + draw.below(3); times > 0; --times) {
      draw.damage(text);
    }
    const std::string verdict = verdict_of(text);
    const auto accepted = another_parser_accepts(text);
    ASSERT_EQ(verdict == "ok", accepted.value_or(verdict == "ok")) << text << '\n' << verdict;
    refused += verdict == "ok" ? 0 : 1;
  }
  EXPECT_GT(refused, 20'000);
}

TEST(JsonScanner, SaysWhereAndWhatIsExpected) {
  EXPECT_EQ(verdict_of(R"({"a":1,})"), "7: expected the name of a field in quotes, found \"}\"");
  EXPECT_EQ(verdict_of(R"({"a" 1})"), "5: expected a colon, found \"1\"");
  EXPECT_EQ(verdict_of(R"({"a":1)"),
            "6: the text ends where a comma or a closing brace was expected");
  EXPECT_EQ(verdict_of(R"(["a)"), "1: the string that begins here is never closed");
  EXPECT_EQ(verdict_of("[\"a\tb\"]"), "3: control character 0x09 in a string: it must be escaped");
  EXPECT_EQ(verdict_of(std::string_view("[\0]", 3)), "1: expected a JSON value, found \"\\x00\"");
  EXPECT_EQ(verdict_of("[\"a\xff\"]"), "3: byte 0xff is not UTF-8");
  EXPECT_EQ(verdict_of(R"(["\ud800"])"), "2: half of a surrogate pair is no character");
  EXPECT_EQ(verdict_of(R"(["\x"])"),
            R"(2: a backslash may stand before one of "\/bfnrt and before u)");
  EXPECT_EQ(verdict_of("[01]"), "1: a number does not begin with a 0 that means nothing");
  EXPECT_EQ(verdict_of("[1.]"), "3: expected a digit, found \"]\"");
  EXPECT_EQ(verdict_of("nan"), "0: expected a JSON value, found \"n\"");
  EXPECT_EQ(verdict_of("{} {}"), "3: expected the end of the line, found \"{\"");
  EXPECT_EQ(verdict_of(""), "0: the text ends where a JSON value was expected");
}

// A file must not end the program by what it nests.
TEST(JsonScanner, RefusesWhatIsNestedWithoutEnd) {
  EXPECT_EQ(verdict_of(std::string(256, '[') + std::string(256, ']')), "ok");
  EXPECT_EQ(verdict_of(std::string(1'000'000, '[')), "257: values are nested more than 256 deep");
}

TEST(JsonScanner, EqualValuesHaveEqualTexts) {
  EXPECT_EQ(text_of(R"({"b": [1, "\u00e9"], "a": {}})"), text_of(R"({"a":{},"b":[1,"é"]})"));
  EXPECT_EQ(text_of("1"), text_of("\"1\""));
  EXPECT_NE(text_of("1"), text_of("1.0"));
  EXPECT_EQ(text_of("123456789012345678901234567890"), "123456789012345678901234567890");
}

}  // namespace
