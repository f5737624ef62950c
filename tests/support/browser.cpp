#include "tests/support/browser.h"

#include <chrono>
#include <csignal>
#include <regex>
#include <stdexcept>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

namespace tests {
namespace {

namespace beast = boost::beast;
namespace fs = std::filesystem;
namespace http = beast::http;
using nlohmann::json;
using tcp = boost::asio::ip::tcp;

constexpr const char* kElementKey = "element-6066-11e4-a52e-4f735466cecf";  // of the standard

std::string decode_base64(const std::string& text) {
  std::string bytes(beast::detail::base64::decoded_size(text.size()), '\0');
  bytes.resize(beast::detail::base64::decode(bytes.data(), text.data(), text.size()).first);
  return bytes;
}

json pointer(const json& actions) {
  return {{"actions",
           {{{"type", "pointer"},
             {"id", "mouse"},
             {"parameters", {{"pointerType", "mouse"}}},
             {"actions", actions}}}}};
}

json move_to(const std::string& element, int x, int y) {
  return {{"type", "pointerMove"},
          {"duration", 50},
          {"origin", {{kElementKey, element}}},
          {"x", x},
          {"y", y}};
}

const json kPress{{"type", "pointerDown"}, {"button", 0}};
const json kRelease{{"type", "pointerUp"}, {"button", 0}};

}  // namespace

std::vector<std::string> Browser::missing_programs() {
  std::vector<std::string> missing;
  for (const char* const program : {"chromium", "chromedriver"}) {
    if (find_program(program).empty()) {
      missing.emplace_back(program);
    }
  }
  return missing;
}

Browser::Browser() {
  driver_ = std::make_unique<ChildProcess>(Command{
      .program = find_program("chromedriver"),
      .arguments = {"--port=0", "--allowed-ips=127.0.0.1"},
      .folder = folder_.path(),
      .environment = {{"TMPDIR", folder_.path().string()}, {"HOME", folder_.path().string()}},
      .stdout_to = folder_.file("chromedriver.out"),
      .stderr_to = "/dev/null",
      .stdout_reader_is_gone = false,
      .file_bytes_max = {}});
  await_port();
  // A sandbox needs rights that a container's root does not have.
  const json options{{"binary", find_program("chromium")},
                     {"args",
                      {"--headless=new",
                       "--no-sandbox",
                       "--disable-gpu",
                       "--disable-dev-shm-usage",
                       "--hide-scrollbars",
                       "--user-data-dir=" + folder_.file("profile")}}};
  const json always{{"browserName", "chrome"},
                    {"goog:chromeOptions", options},
                    {"goog:loggingPrefs", {{"browser", "ALL"}}}};
  const json answer = request("POST", "/session", {{"capabilities", {{"alwaysMatch", always}}}});
  session_ = answer.at("sessionId");
}

Browser::~Browser() {
  try {
    request("DELETE", "/session/" + session_, nullptr);
  } catch (const std::exception&) {
    // What is left of it goes with the driver.
  }
  driver_->send(SIGTERM);
  driver_->wait();
}

// "ChromeDriver was started successfully on port 39837."
void Browser::await_port() {
  constexpr auto kPatience = std::chrono::seconds(20);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const std::regex said("started successfully on port ([0-9]+)");
  while (std::chrono::steady_clock::now() < deadline) {
    const std::string text = read_file(folder_.file("chromedriver.out"));
    std::smatch found;
    if (std::regex_search(text, found, said)) {
      port_ = static_cast<std::uint16_t>(std::stoi(found[1]));
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  throw std::runtime_error("chromedriver says no port");
}

json Browser::request(const std::string& method, const std::string& path, const json& body) {
  boost::asio::io_context context;
  beast::tcp_stream stream(context);
  stream.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), port_));
  http::request<http::string_body> request{http::string_to_verb(method), path, 11};
  request.set(http::field::host, fmt::format("127.0.0.1:{}", port_));
  request.set(http::field::content_type, "application/json");
  request.set(http::field::connection, "close");
  request.body() = body.is_null() ? std::string() : body.dump();
  request.prepare_payload();
  http::write(stream, request);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(std::uint64_t{64} << 20U);  // a screenshot
  http::read(stream, buffer, parser);
  json value = json::parse(parser.get().body()).at("value");
  if (parser.get().result() != http::status::ok) {
    throw std::runtime_error(fmt::format("{} {}: {}", method, path, value.dump()));
  }
  return value;
}

json Browser::of_session(const std::string& method, const std::string& path, const json& body) {
  return request(method, "/session/" + session_ + path, body);
}

void Browser::set_screen(int width, int height, bool is_phone) {
  of_session("POST",
             "/goog/cdp/execute",
             {{"cmd", "Emulation.setDeviceMetricsOverride"},
              {"params",
               {{"width", width},
                {"height", height},
                {"deviceScaleFactor", is_phone ? 2 : 1},
                {"mobile", is_phone}}}});
}

void Browser::set_dark(bool dark) {
  const json feature{{"name", "prefers-color-scheme"}, {"value", dark ? "dark" : "light"}};
  of_session(
      "POST",
      "/goog/cdp/execute",
      {{"cmd", "Emulation.setEmulatedMedia"}, {"params", {{"features", json::array({feature})}}}});
}

void Browser::open(const fs::path& file) {
  of_session("POST", "/url", {{"url", "file://" + file.string()}});
}

json Browser::evaluate(const std::string& body) {
  return of_session("POST", "/execute/sync", {{"script", body}, {"args", json::array()}});
}

std::string Browser::element(const std::string& selector) {
  return of_session("POST", "/element", {{"using", "css selector"}, {"value", selector}})
      .at(kElementKey);
}

void Browser::act(const json& pointer_actions) {
  of_session("POST", "/actions", pointer(pointer_actions));
}

void Browser::click(const std::string& selector) {
  of_session("POST", "/element/" + element(selector) + "/click", json::object());
}

void Browser::click_at(const std::string& selector, int x, int y) {
  act(json::array({move_to(element(selector), x, y), kPress, kRelease}));
}

void Browser::drag(const std::string& selector, int by_x) {
  const std::string what = element(selector);
  act(json::array({move_to(what, 0, 0), kPress, move_to(what, by_x, 0), kRelease}));
}

void Browser::type(const std::string& selector, const std::string& keys) {
  of_session("POST", "/element/" + element(selector) + "/value", {{"text", keys}});
}

std::vector<std::string> Browser::complaints() {
  std::vector<std::string> complaints;
  for (const json& entry : of_session("POST", "/se/log", {{"type", "browser"}})) {
    const std::string level = entry.at("level");
    if (level == "SEVERE" || level == "WARNING") {
      complaints.push_back(entry.at("message"));
    }
  }
  return complaints;
}

void Browser::save_screenshot(const fs::path& file) {
  write_file(file, decode_base64(of_session("GET", "/screenshot", nullptr)));
}

}  // namespace tests
