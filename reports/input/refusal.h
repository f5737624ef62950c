// reports/input/refusal.h
//
// Why a file of a user cannot be judged, and where: one sentence that a person can act on. Lines
// and columns count from 1, columns in bytes; 0 means the whole file, or the whole line. Of a
// SQLite table they are the numbers of row and column.
//
// Readers throw it; whoever asks them returns it as the error of a result.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

namespace reports::input {

struct Refusal {
  std::string file;
  std::int64_t line = 0;
  std::int64_t column = 0;
  std::string message;

  // "file:line:column: message", without the parts that are 0.
  [[nodiscard]] std::string to_string() const;
};

// Asking for the value of what was refused is a mistake of ours: it breaks an invariant.
[[noreturn]] void throw_exception_from_error(const Refusal& refusal,
                                             const boost::source_location& where);

template <class T>
class [[nodiscard]] Accepted : public boost::system::result<T, Refusal> {
 public:
  using boost::system::result<T, Refusal>::result;
};

// `text` in quotes, for a sentence: no longer than a line, and nothing in it that a terminal obeys.
std::string quoted(std::string_view text);

}  // namespace reports::input
