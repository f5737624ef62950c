// scenarios/commands/process_setup.h
//
// What must be true of this process before anything opens a file or a socket.

#pragma once

namespace scenarios {

// Afterwards a write that cannot succeed (a reader that went away, a limit on the size of files)
// fails instead of killing the process, so that what is finished can still be kept and reported;
// and no file or socket can come to be standard input, output or error because that was closed.
void set_up_process();

}  // namespace scenarios
