#include "scenarios/diagnostic.h"

#include <fmt/format.h>

#include "engine/ports/invariant.h"

namespace scenarios {

std::string Diagnostic::to_string() const {
  if (line == 0) {
    return fmt::format("{}: {}", file, message);
  }
  if (column == 0) {
    return fmt::format("{}:{}: {}", file, line, message);
  }
  return fmt::format("{}:{}:{}: {}", file, line, column, message);
}

void throw_exception_from_error(const Diagnostic& diagnostic, const boost::source_location& where) {
  engine::fail_invariant("has_value()", diagnostic.to_string(), where);
}

}  // namespace scenarios
