#include "engine/executor/memory_meter.h"

#include <utility>

#include "engine/ports/invariant.h"

namespace engine {

MemoryMeter::MemoryMeter(Listener& listener,
                         std::optional<std::int64_t> limit,
                         std::function<void()> exceeded)
    : listener_(listener), limit_(limit), exceeded_(std::move(exceeded)) {}

void MemoryMeter::block_memory_changed(std::int64_t delta_bytes) {
  block_bytes_ += delta_bytes;
  INVARIANT(block_bytes_ >= 0, "blocks hold {} bytes", block_bytes_);
  listener_.block_memory_changed(delta_bytes);
  check();
}

void MemoryMeter::task_memory_changed(std::int64_t delta_bytes) {
  task_bytes_ += delta_bytes;
  INVARIANT(task_bytes_ >= 0, "tasks hold {} bytes", task_bytes_);
  listener_.task_memory_changed(delta_bytes);
  check();
}

void MemoryMeter::check() {
  if (limit_ && held_bytes() > *limit_ && !std::exchange(told_, true)) {
    exceeded_();
  }
}

}  // namespace engine
