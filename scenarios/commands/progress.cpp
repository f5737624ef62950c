#include "scenarios/commands/progress.h"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

#include "scenarios/commands/options.h"

namespace scenarios {

Progress::Progress(bool quiet, std::size_t total)
    : quiet_(quiet), is_terminal_(isatty(STDERR_FILENO) == 1), total_(total) {}

void Progress::show(std::size_t done, const std::string& name) const {
  if (quiet_) {
    return;
  }
  if (is_terminal_) {
    constexpr std::size_t kWidth = 30;
    const std::size_t filled = done * kWidth / std::max<std::size_t>(1, total_);
    print_aside(
        fmt::format("\r[{:<{}}] {}/{}\033[K", std::string(filled, '='), kWidth, done, total_));
  } else {
    print_aside(fmt::format("[{}/{}] {}\n", done, total_, name));
  }
}

void Progress::end() const {
  if (!quiet_ && is_terminal_) {
    print_aside("\r\033[K");
  }
}

}  // namespace scenarios
