#include "tests/support/child_process.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tests {
namespace {

constexpr int kCannotStart = 127;

void redirect(int descriptor, const std::string& path) {
  close(descriptor);
  if (path.empty()) {
    return;
  }
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file != descriptor) {
    _exit(kCannotStart);
  }
}

void redirect_to_nobody(int descriptor) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0 || dup2(ends[1], descriptor) != descriptor) {
    _exit(kCannotStart);
  }
  close(ends[0]);
  close(ends[1]);
}

// In the child; ends in the program.
[[noreturn]] void become(const Command& command, const std::string& out_file) {
  std::vector<std::string> words{command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  for (const auto& [name, value] : command.environment) {
    setenv(name.c_str(), value.c_str(), 1);
  }
  if (chdir(command.folder.c_str()) != 0) {
    _exit(kCannotStart);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is killed leaves nothing running
  redirect(STDOUT_FILENO, command.stdout_to.value_or(out_file));
  if (command.stdout_reader_is_gone) {
    redirect_to_nobody(STDOUT_FILENO);
  }
  if (command.stderr_to) {
    redirect(STDERR_FILENO, *command.stderr_to);
  }
  if (command.file_bytes_max) {
    const rlimit limit{.rlim_cur = *command.file_bytes_max, .rlim_max = *command.file_bytes_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  execv(command.program.c_str(), pointers.data());
  _exit(kCannotStart);
}

}  // namespace

ChildProcess::ChildProcess(const Command& command) : out_file_(command.folder / "standard_output") {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe");
  }
  write_file(out_file_, "");
  pid_ = fork();
  if (pid_ == 0) {
    dup2(ends[1], STDERR_FILENO);
    become(command, out_file_.string());
  }
  close(ends[1]);
  stderr_pipe_ = ends[0];
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(stderr_pipe_);
}

bool ChildProcess::read_stderr() {
  std::array<char, 4096> chunk{};
  ssize_t count = -1;
  do {
    count = read(stderr_pipe_, chunk.data(), chunk.size());
  } while (count == -1 && errno == EINTR);
  if (count <= 0) {
    return false;
  }
  err_.append(chunk.data(), static_cast<std::size_t>(count));
  return true;
}

void ChildProcess::await_stderr(const std::string& text) {
  while (err_.find(text) == std::string::npos && read_stderr()) {
  }
}

void ChildProcess::send(int signal) const {
  kill(pid_, signal);
}

Ended ChildProcess::wait() {
  while (read_stderr()) {
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
          .out = read_file(out_file_),
          .err = err_};
}

Ended run(const Command& command) {
  ChildProcess child(command);
  return child.wait();
}

std::string find_program(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(std::string(path == nullptr ? "" : path) + ":/usr/sbin:/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::filesystem::path file = std::filesystem::path(folder) / name;
    if (access(file.c_str(), X_OK) == 0) {
      return file.string();
    }
  }
  return {};
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
}

}  // namespace tests
