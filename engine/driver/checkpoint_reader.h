// engine/driver/checkpoint_reader.h
//
// Finds the newest checkpoint that can be read (Spark: CheckpointReader). Falls back to older files
// in silence; a driver that finds files but can read none does not start.

#pragma once

#include <optional>

#include "engine/driver/checkpoint.h"
#include "engine/ports/process.h"

namespace engine {

// Empty: there is no checkpoint file. Errors: that of the oldest file tried, when none can be read.
Task<Result<std::optional<Checkpoint>>> read_latest_checkpoint(Storage* storage,
                                                               std::int32_t application_version);

}  // namespace engine
