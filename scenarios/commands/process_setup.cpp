#include "scenarios/commands/process_setup.h"

#include <cerrno>
#include <csignal>
#include <tuple>

#include <fcntl.h>
#include <unistd.h>

namespace scenarios {
namespace {

// The lowest free descriptor is the one that open() returns. It is opened the wrong way round:
// whoever uses it is still told that it cannot be used.
void occupy_if_closed(int descriptor) {
  if (fcntl(descriptor, F_GETFD) == -1 && errno == EBADF) {
    std::ignore = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace

void set_up_process() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    occupy_if_closed(descriptor);
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace scenarios
