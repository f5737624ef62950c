// tests/support/command_test.h
//
// A test that runs onceproof as its users do, in a folder of its own that goes with it. Its program
// is that of the build: onceproof_uses_program() in tests/CMakeLists.txt says which.

#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

namespace tests {

class CommandTest : public testing::Test {
 public:
  CommandTest(const CommandTest&) = delete;
  CommandTest& operator=(const CommandTest&) = delete;

 protected:
  CommandTest() = default;

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

  TemporaryFolder own_;
  std::filesystem::path folder_ = own_.path();
};

}  // namespace tests
