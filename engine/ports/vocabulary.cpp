#include "engine/ports/vocabulary.h"

#include <fmt/format.h>

namespace engine {

std::string to_string(ProcessId process) {
  switch (process.role) {
    case Role::kWorld:
      return "world";
    case Role::kDriver:
      return "driver";
    case Role::kExecutor:
      return fmt::format("executor:{}", process.index);
    case Role::kReceiver:
      return fmt::format("receiver:{}", process.index);
    case Role::kProducer:
      return "producer";
  }
  return "unknown";
}

}  // namespace engine
