// reports/input/line_reader.h
//
// The lines of a file, a pipe or standard input, read once and in order. It maps nothing and needs
// no size beforehand: a file that somebody still writes to, a FIFO and standard input are alike.
//
// Holds     one buffer, as long as the longest line so far, and at least a quarter of a mebibyte.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace reports::input {

inline constexpr std::size_t kLineBytesMax = std::size_t{256} << 20;

class LineReader {
 public:
  // "-" is standard input. A byte order mark at the beginning is passed over.
  // Errors    Refusal: there is no such file, or it is a directory, or it cannot be read.
  explicit LineReader(const std::string& path);

  // The first bytes, at most a bufferful, without taking them. Before the first line only.
  std::string_view peek();

  // The next line without its line feed; false: there is none. A last line needs no line feed.
  // Valid until the next call.
  // Errors    Refusal: the line is longer than kLineBytesMax, or the file cannot be read.
  bool next(std::string_view& line);

  // Of the line that next() gave.
  [[nodiscard]] std::int64_t number() const { return number_; }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  struct Closer {
    void operator()(std::FILE* file) const;
  };

  // Appends to the buffer. False: there is nothing more.
  bool fill();
  void skip_byte_order_mark();

  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
  bool ended_ = false;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what is not taken yet
  std::size_t end_ = 0;
  std::int64_t number_ = 0;
};

}  // namespace reports::input
