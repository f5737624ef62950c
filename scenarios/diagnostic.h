// scenarios/diagnostic.h
//
// What is wrong with a user's file, and where: one sentence that a person can act on. Lines and
// columns count from 1; 0 means that the whole file, or the whole line, is meant.

#pragma once

#include <string>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

namespace scenarios {

struct Diagnostic {
  std::string file;
  int line = 0;
  int column = 0;
  std::string message;

  // "file:line:column: message", without the parts that are 0.
  [[nodiscard]] std::string to_string() const;
};

// Asking for the value of a diagnosed input is a mistake of ours: it breaks an invariant.
[[noreturn]] void throw_exception_from_error(const Diagnostic& diagnostic,
                                             const boost::source_location& where);

template <class T>
class [[nodiscard]] Loaded : public boost::system::result<T, Diagnostic> {
 public:
  using boost::system::result<T, Diagnostic>::result;
};

// Thrown inside a loader, which knows the file and returns a Diagnostic; never leaves one.
struct InputError {
  int line = 0;
  int column = 0;
  std::string message;
};

}  // namespace scenarios
