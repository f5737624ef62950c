// reports/pages/columns.h
//
// A table on its way into a page: column by column, each as text in which a row takes a byte or
// two.
//
// A column of integers is written as differences to the row before, zigzag coded (0, -1, 1, -2 ...
// become 0, 1, 2, 3 ...), seven bits to a byte, the lowest first, the eighth bit set in all bytes
// of a number but its last. Behind a 0 stands, written alike, for how many rows nothing changes.
// The bytes are in base64. reports/pages/columns.js reads it.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace reports {

class Column {
 public:
  void add(std::int64_t value);

  // Base64 of what was added.
  [[nodiscard]] std::string text() const;

 private:
  std::string bytes_;
  std::uint64_t last_ = 0;
  std::uint64_t unchanged_ = 0;  // rows, not yet in bytes_
};

// Texts that many rows have, each once; a row has its number. Bounded: a long text is cut, and when
// all texts together are too long, further ones are left out.
class TextTable {
 public:
  static constexpr std::size_t kTextBytesMax = 160;
  static constexpr std::size_t kTableBytesMax = 350'000;

  // 0 is the empty text.
  std::int64_t number_of(std::string_view text);

  [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

  // How many were cut, or left out.
  [[nodiscard]] std::int64_t shortened_count() const { return shortened_count_; }

 private:
  std::vector<std::string> texts_{""};
  std::map<std::string, std::int64_t, std::less<>> numbers_{{"", 0}};
  std::size_t bytes_ = 0;
  std::int64_t shortened_count_ = 0;
};

}  // namespace reports
