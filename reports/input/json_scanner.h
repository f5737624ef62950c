// reports/input/json_scanner.h
//
// One JSON text (RFC 8259), read from left to right without building a tree. It accepts exactly
// what the standard does: UTF-8 throughout, no lone surrogates, no trailing commas; and it knows
// for everything that it refuses at which byte it stood.
//
// Lifetime  of one reader; start() makes it forget the text before. Views point into the text, or
//           into a buffer of the scanner where a string has escapes: both are valid until start().
// Errors    JsonError.
//
// tests/unit/json_scanner_test.cpp compares it with another parser, also on damaged texts.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace reports::input {

struct JsonError {
  std::size_t at = 0;  // byte of the text, from 0
  std::string message;
};

enum class JsonKind : std::uint8_t { kNull, kTruth, kNumber, kString, kArray, kObject };

// "null", "a truth value", "a number", ...
std::string_view to_string(JsonKind kind);

class JsonScanner {
 public:
  void start(std::string_view text);

  // What begins here; blanks before it are skipped. It is not read yet.
  JsonKind peek();

  // The byte at which the scanner stands: after peek(), the first of the value.
  [[nodiscard]] std::size_t at() const { return at_; }

  // Begins an object; next_member() then gives one name after the other, each followed by reading
  // its value. False: the object is closed.
  void open_object();
  bool next_member(std::string_view& name);

  // Begins an array; each next_element() is followed by reading a value. False: it is closed.
  void open_array();
  bool next_element();

  // The characters of a string, escapes undone.
  std::string_view read_string();

  // A number as it is written.
  std::string_view read_number();

  // The text of any value: the characters of a string; numbers, truth values and null as they are
  // written; arrays and objects without blanks, the members of objects by name, strings in them
  // with the shortest escapes. So equal texts mean equal values, whoever wrote them.
  std::string_view read_text();

  void skip_value();

  // Whether nothing but blanks follows.
  bool is_at_end();

  // Nothing but blanks may follow.
  void expect_end();

  // Refuses what begins at `at`.
  [[noreturn]] static void refuse(std::size_t at, std::string message);

 private:
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) {
      ++at_;
    }
  }

  // The blanks of JSON are below all characters that mean something.
  static bool is_blank(char character) {
    return character <= ' ' &&
           (character == ' ' || character == '\t' || character == '\r' || character == '\n');
  }

  void expect(char character, std::string_view what);
  [[noreturn]] void refuse_unexpected(std::string_view expected) const;
  std::size_t skip_plain(std::size_t from) const;
  void decode_rest(std::size_t begin);
  void decode_escape();
  std::uint32_t read_hex4();
  void read_word(std::string_view word);
  std::size_t skip_digits();
  bool begins_next(char close, std::string_view what);
  std::string canonical(int depth);
  std::string canonical_array(int depth);
  std::string canonical_object(int depth);
  void skip_nested(int depth);
  void check_depth(int depth) const;

  std::string_view text_;
  std::size_t at_ = 0;
  bool fresh_ = false;  // an object or array was just opened
  // Has room for all of the text: what is decoded is never longer than what was read, so that it
  // never moves.
  std::string decoded_;
};

}  // namespace reports::input
