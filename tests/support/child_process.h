// tests/support/child_process.h
//
// A program run as its users run it: in a process of its own, seen only through its arguments, its
// streams, signals, and its exit status.
//
// Lifetime  of one process. Destroying it kills what is still running.

#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace tests {

struct Command {
  std::string program;
  std::vector<std::string> arguments;
  std::filesystem::path folder;                    // where it runs, and keeps its standard output
  std::map<std::string, std::string> environment;  // on top of ours
  std::optional<std::string> stdout_to;            // a file or device; empty string: closed
  std::optional<std::string> stderr_to;            // likewise
  bool stdout_reader_is_gone = false;              // standard output is a pipe that nobody reads
  std::optional<std::size_t> file_bytes_max;       // RLIMIT_FSIZE
};

struct Ended {
  int status = -1;  // of an exit
  int signal = 0;   // that killed it
  std::string out;
  std::string err;
};

class ChildProcess {
 public:
  explicit ChildProcess(const Command& command);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  // Waits until its standard error holds `text`, or is closed.
  void await_stderr(const std::string& text);
  void send(int signal) const;
  Ended wait();

 private:
  bool read_stderr();

  pid_t pid_ = -1;
  int stderr_pipe_ = -1;
  std::string err_;
  std::filesystem::path out_file_;
};

Ended run(const Command& command);

// The path of a program. Empty: not installed. Daemons lie where a user's PATH often does not lead.
std::string find_program(const std::string& name);

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& text);

}  // namespace tests
