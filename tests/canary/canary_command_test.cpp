// tests/canary/canary_command_test.cpp
//
// The canary of the whole: configurations that must fail, given to the program as its users give
// them. A bench that reports success here reports it everywhere, and this suite fails.

#include <cstddef>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/command_test.h"

namespace tests {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
  return text;
}

class CanaryCommand : public CommandTest {
 protected:
  [[nodiscard]] Ended judged(const std::string& text, const std::string& kafka) const {
    write_file(folder_ / "canary.yaml", text);
    return onceproof({"run", "canary.yaml", "--kafka", kafka, "--db", "", "--html", ""});
  }

  const std::string text_ =
      read_file(fs::path(ONCEPROOF_SOURCE_DIR) / "tests/canary/must_fail.yaml");
};

// Status 1 and no other: a program that cannot start, or cannot read the file, convicts nobody.
TEST_F(CanaryCommand, FailsForItsReason) {
  for (const std::string kafka : {"model", "mock"}) {
    const Ended ended = judged(text_, kafka);
    EXPECT_EQ(ended.status, 1) << kafka << ended.err;
    EXPECT_THAT(ended.out,
                AllOf(HasSubstr("canary_with_its_crash"),
                      HasSubstr("canary_that_has_to_be_found"),
                      HasSubstr("duplicated"),
                      HasSubstr("op1-"),
                      HasSubstr("2 scenarios, 2 not as expected")))
        << kafka;
  }
}

// The same with a sink that overwrites: the canary does not fail whatever one does.
TEST_F(CanaryCommand, SucceedsWithoutIt) {
  const Ended ended = judged(replaced(text_, "kind: append", "kind: upsert"), "model");
  EXPECT_EQ(ended.status, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("all as expected"));
}

}  // namespace
}  // namespace tests
