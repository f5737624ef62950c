#include "scenarios/commands/interruption.h"

#include <csignal>

#include <unistd.h>

namespace scenarios {
namespace {

constexpr int kSignalStatus = 128;  // by custom, the exit status of a signal less its number

// The only state that a signal handler may touch.
volatile std::sig_atomic_t g_signal = 0;

extern "C" void remember(int signal) {
  g_signal = signal;
}

extern "C" void exit_now(int signal) {
  _exit(kSignalStatus + signal);
}

void handle(void (*handler)(int)) {
  struct sigaction action {};

  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

void watch_for_interruption() {
  handle(remember);
}

void exit_when_interrupted() {
  handle(exit_now);
}

bool is_interrupted() {
  return g_signal != 0;
}

int interruption_status() {
  return kSignalStatus + static_cast<int>(g_signal);
}

}  // namespace scenarios
