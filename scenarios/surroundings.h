// scenarios/surroundings.h
//
// What a run must not depend on, made as different as one program can: environment variables,
// locale, time zone, working directory, mode of new files, thread, and in that thread's memory what
// lies where, in which order the heap hands it out, and what it held before.

#pragma once

#include <functional>

namespace scenarios {

// Runs `run` on a thread of its own and returns when that is over. Nothing is put back.
// Requires  a process that does nothing else, and has no thread but this one.
void run_in_other_surroundings(const std::function<void()>& run);

}  // namespace scenarios
