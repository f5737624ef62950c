// tests/support/browser.h
//
// A real browser without a window, steered over WebDriver: Chromium by its chromedriver, in a
// profile of its own. Nothing of the machine's user is touched.
//
// Lifetime  of one chromedriver and the browser that it started; both end with this.

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

namespace tests {

class Browser {
 public:
  // Empty: a browser can be started.
  static std::vector<std::string> missing_programs();

  // Throws    std::runtime_error, as all others do where the browser refuses.
  Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;
  ~Browser();

  // As a screen of this size, in pixels of the page.
  void set_screen(int width, int height, bool is_phone);
  void set_dark(bool dark);

  void open(const std::filesystem::path& file);

  // The value of a function's body: "return document.title".
  nlohmann::json evaluate(const std::string& body);

  // As a person does it: the pointer goes there, and presses.
  void click(const std::string& selector);
  void click_at(const std::string& selector, int x, int y);  // from the middle of the element
  void drag(const std::string& selector, int by_x);
  void type(const std::string& selector, const std::string& keys);

  // What was said to the console since the last call, warnings and errors only.
  std::vector<std::string> complaints();

  void save_screenshot(const std::filesystem::path& file);

 private:
  nlohmann::json request(const std::string& method,
                         const std::string& path,
                         const nlohmann::json& body);
  nlohmann::json of_session(const std::string& method,
                            const std::string& path,
                            const nlohmann::json& body);
  std::string element(const std::string& selector);
  void act(const nlohmann::json& pointer_actions);
  void await_port();

  TemporaryFolder folder_;
  std::unique_ptr<ChildProcess> driver_;
  std::uint16_t port_ = 0;
  std::string session_;
};

}  // namespace tests
