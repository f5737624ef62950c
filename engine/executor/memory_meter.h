// engine/executor/memory_meter.h
//
// The memory of one executor: the blocks that it keeps and the records that its tasks work on. An
// executor that holds more than it has ends (an OutOfMemoryError kills a Spark executor).

#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "engine/ports/listener.h"

namespace engine {

class MemoryMeter {
 public:
  // `limit`: bytes; empty: as much as it takes. `exceeded` ends the executor.
  MemoryMeter(Listener& listener,
              std::optional<std::int64_t> limit,
              std::function<void()> exceeded);

  void block_memory_changed(std::int64_t delta_bytes);
  void task_memory_changed(std::int64_t delta_bytes);

  [[nodiscard]] std::int64_t held_bytes() const { return block_bytes_ + task_bytes_; }

 private:
  void check();

  Listener& listener_;
  std::optional<std::int64_t> limit_;
  std::function<void()> exceeded_;
  std::int64_t block_bytes_ = 0;
  std::int64_t task_bytes_ = 0;
  bool told_ = false;
};

}  // namespace engine
