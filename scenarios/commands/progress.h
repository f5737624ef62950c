// scenarios/commands/progress.h
//
// How far a long command has come, on stderr: a bar if that is a terminal, else a line for each
// thing that is done.

#pragma once

#include <cstddef>
#include <string>

namespace scenarios {

class Progress {
 public:
  Progress(bool quiet, std::size_t total);

  void show(std::size_t done, const std::string& name) const;

  // Takes the bar away.
  void end() const;

 private:
  bool quiet_;
  bool is_terminal_;
  std::size_t total_;
};

}  // namespace scenarios
