// scenarios/commands/interruption.h
//
// SIGINT and SIGTERM ask the program to stop: what is finished is kept, and the exit status says
// which signal it was. A second signal ends it at once.

#pragma once

namespace scenarios {

void watch_for_interruption();

// For a command that keeps nothing: its process ends at once, with the same exit status.
void exit_when_interrupted();

bool is_interrupted();

// 128 + the signal. Requires is_interrupted().
int interruption_status();

}  // namespace scenarios
