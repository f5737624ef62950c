// engine/executor/operations.h
//
// The operations of a pipeline on the records of one task. All but kNondeterministic are pure, and
// a user's own have to be: the same input gives the same output at every attempt, which is what
// makes overwriting a safe way to repeat.

#pragma once

#include <span>
#include <vector>

#include "engine/messages.h"
#include "engine/pipeline.h"
#include "engine/ports/random.h"

namespace engine {

// Applies operations that need no shuffle, in order.
// Requires  no operation of the span is a shuffle.
std::vector<Element> apply_narrow(std::span<const Operation> operations,
                                  std::vector<Element> elements,
                                  Random& random);

// One element per key, in order of keys: how many, or the sum or maximum of the values. Partial
// results of a first call may be combined by a second one (`partial`).
std::vector<Element> combine_by_key(const Operation& shuffle,
                                    const std::vector<Element>& elements,
                                    bool partial);

// The reduce task that owns a key.
PartitionId owner_of(const std::string& key, std::int32_t partitions);

}  // namespace engine
