// reports/history/history_reader.h
//
// Reads a history of JSON Lines, an operation on each: process, type (invoke, ok, fail, info), f
// and value, as docs/CHECK.md describes them. An invocation that is never completed may have
// happened or not; one without a completion's value lends it its own. Operations of what is no
// client (its process is no number) are passed over, other fields are not looked at.
//
// Errors    Refusal: the first line that is malformed, an invocation in a process that is busy, a
//           value that was sent to its key before: without unique values nothing can be concluded.

#pragma once

#include <string>

#include "reports/history/history.h"
#include "reports/input/refusal.h"

namespace reports::history {

// "-" is standard input.
input::Accepted<History> read_history(const std::string& path);

}  // namespace reports::history
