// engine/transact.h
//
// A transaction of the sink with nothing between its statements and its commit.

#pragma once

#include "engine/ports/sink_store.h"

namespace engine {

// Errors    those of the store; kTimedOut: it may or may not have been applied.
Task<Result<TransactionOutcome>> transact(SinkStore* sink, SinkTransaction transaction);

}  // namespace engine
