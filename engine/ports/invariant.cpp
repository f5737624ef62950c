#include "engine/ports/invariant.h"

namespace engine {

void fail_invariant(const char* condition,
                    std::string message,
                    const boost::source_location& where) {
  throw InvariantViolation{
      fmt::format("{}:{}: {} ({})", where.file_name(), where.line(), message, condition)};
}

}  // namespace engine
