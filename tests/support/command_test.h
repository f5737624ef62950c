// tests/support/command_test.h
//
// A test that runs onceproof as its users do, in a folder of its own that goes with it. Its program
// is that of the build: onceproof_uses_program() in tests/CMakeLists.txt says which.

#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/child_process.h"

namespace tests {

class CommandTest : public testing::Test {
 public:
  CommandTest(const CommandTest&) = delete;
  CommandTest& operator=(const CommandTest&) = delete;

 protected:
  CommandTest() {
    std::string name = (std::filesystem::temp_directory_path() / "onceproof-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }

  ~CommandTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] Command command(std::vector<std::string> arguments) const {
    return {.program = ONCEPROOF_PROGRAM,
            .arguments = std::move(arguments),
            .folder = folder_,
            .environment = {{"GITHUB_ACTIONS", ""}, {"GITHUB_STEP_SUMMARY", ""}},
            .stdout_to = {},
            .stderr_to = {},
            .stdout_reader_is_gone = false,
            .file_bytes_max = {}};
  }

  [[nodiscard]] Ended onceproof(std::vector<std::string> arguments) const {
    return run(command(std::move(arguments)));
  }

  std::filesystem::path folder_;
};

}  // namespace tests
