// tests/pages/browser_test.cpp
//
// The pages in a real browser, used as a person uses them. Screenshots stay in the build tree.

#include "tests/support/browser.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pages/recorded_pages.h"

namespace tests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::Gt;
using testing::IsEmpty;
using testing::Le;
using testing::Lt;

constexpr const char* kLoss = "acknowledged_and_computing_when_the_driver_dies";
constexpr const char* kRepeat = "stored_in_the_log_and_not_yet_committed";
constexpr const char* kGrown = "direct_batch_uid_sink_loses_when_range_grows";

// Makes them drawn: a picture is painted when the browser is about to show it.
constexpr const char* kNextFrame =
    "return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => "
    "done(true))))";

class BrowserTest : public RecordedPages {
 protected:
  void SetUp() override {
    const auto missing = Browser::missing_programs();
    if (!missing.empty()) {
      GTEST_SKIP() << fmt::format("not installed: {} (apt-get install chromium chromium-driver)",
                                  fmt::join(missing, ", "));
    }
    if (!browser_) {
      browser_ = std::make_unique<Browser>();
    }
    browser_->set_screen(1280, 900, false);
    browser_->set_dark(false);
  }

  static void TearDownTestSuite() { browser_.reset(); }

  // Every test ends with a console in which nothing was said.
  void TearDown() override {
    if (browser_) {
      EXPECT_THAT(browser_->complaints(), IsEmpty());
    }
  }

  // Pages of what the program itself ran.
  void run_program(const std::vector<std::string>& scenarios) {
    std::vector<std::string> arguments{
        "run", "--kafka", "model", "--db", database(), "--html", folder_.string(), "--quiet"};
    arguments.insert(arguments.end(), scenarios.begin(), scenarios.end());
    const Ended ended = run({.program = ONCEPROOF_PROGRAM,
                             .arguments = arguments,
                             .folder = folder_,
                             .environment = {},
                             .stdout_to = {},
                             .stderr_to = {},
                             .stdout_reader_is_gone = false,
                             .file_bytes_max = {}});
    ASSERT_EQ(ended.status, 0) << ended.err;
  }

  void open(const fs::path& file) {
    browser_->open(file);
    browser_->evaluate(kNextFrame);
  }

  void keep_screenshot(const std::string& name) {
    browser_->evaluate(kNextFrame);
    fs::create_directories(ONCEPROOF_SCREENSHOTS);
    browser_->save_screenshot(fs::path(ONCEPROOF_SCREENSHOTS) / (name + ".png"));
  }

  [[nodiscard]] double width_of_view() {
    const json view = browser_->evaluate("return onceproof.view()");
    return view.at("until").get<double>() - view.at("from").get<double>();
  }

  // The kinds of the steps that are lit.
  [[nodiscard]] std::vector<std::string> lit_kinds() {
    std::vector<std::string> kinds;
    for (const json& step : browser_->evaluate("return onceproof.selected().steps")) {
      kinds.push_back(step.at("kind"));
    }
    return kinds;
  }

  static std::unique_ptr<Browser> browser_;  // of all tests: a start takes seconds
};

std::unique_ptr<Browser> BrowserTest::browser_;

TEST_F(BrowserTest, TheDiagramIsZoomedAndMoved) {
  run_program({kGrown});
  open(page(1));
  const double whole = width_of_view();
  browser_->click("#zoom-in");
  const double closer = width_of_view();
  EXPECT_THAT(closer, Lt(whole));
  const double before = browser_->evaluate("return onceproof.view().from");
  browser_->drag("#diagram", -200);
  EXPECT_THAT(browser_->evaluate("return onceproof.view().from").get<double>(), Gt(before));
  browser_->type("#diagram", "+");
  EXPECT_THAT(width_of_view(), Lt(closer));
  browser_->type("#diagram", "0");
  EXPECT_DOUBLE_EQ(width_of_view(), whole);
  browser_->click("#squeeze");
  browser_->evaluate(kNextFrame);
  keep_screenshot("plain-time");
  EXPECT_EQ(browser_->evaluate("return performance.getEntriesByType('resource').length"), 0);
}

TEST_F(BrowserTest, AClickOnALostRecordLightsUpItsLife) {
  run_program({kLoss});
  open(page(1));
  keep_screenshot("loss");
  const std::int64_t record = browser_->evaluate(
      "return Number(document.querySelector('[data-finding=lost] button').textContent)");
  browser_->evaluate("document.querySelector('#diagram').scrollIntoView()");
  const json place = browser_->evaluate(fmt::format(
      "const p = onceproof.placeOf({}); const b = document.querySelector('#diagram')"
      ".getBoundingClientRect(); return {{x: p.x - b.width / 2, y: p.y - b.height / 2}}",
      record));
  browser_->click_at("#diagram",
                     static_cast<int>(place.at("x").get<double>()),
                     static_cast<int>(place.at("y").get<double>()));
  EXPECT_EQ(browser_->evaluate("return onceproof.selected().record"), record);
  EXPECT_EQ(lit_kinds().back(), "lost");
  EXPECT_THAT(browser_->evaluate("return document.querySelectorAll('#life-steps li').length"),
              Gt(3));
  keep_screenshot("loss-life");
}

TEST_F(BrowserTest, ADuplicateHasTwoRowsInItsLife) {
  run_program({kRepeat});
  open(page(1));
  browser_->click("[data-finding=duplicated] button");
  const auto kinds = lit_kinds();
  EXPECT_EQ(std::ranges::count(kinds, "row"), 1);
  EXPECT_EQ(std::ranges::count(kinds, "surplus"), 1);
  EXPECT_EQ(std::ranges::count(kinds, "lost"), 0);
  keep_screenshot("duplicate-life");
}

TEST_F(BrowserTest, ThreeInjectedLossesAreThreeLives) {
  record(with_losses({3, 11, 12}));
  write_pages();
  open(page(1));
  EXPECT_EQ(browser_->evaluate("return [...document.querySelectorAll('[data-finding=lost] "
                               "button')].map(b => b.textContent).join()"),
            "3,11,12");
  for (int record = 0; record < 20; ++record) {
    browser_->evaluate(fmt::format("onceproof.select({})", record));
    const bool is_lost = record == 3 || record == 11 || record == 12;
    const auto kinds = lit_kinds();
    EXPECT_EQ(std::ranges::count(kinds, "lost"), is_lost ? 1 : 0) << record;
    EXPECT_EQ(std::ranges::count(kinds, "row"), is_lost ? 0 : 1) << record;
  }
}

TEST_F(BrowserTest, WhatUsersChoseIsShownAndNotRun) {
  const std::string attack = "</script><img src=x onerror=window.hacked=1><b>bold</b>";
  auto ledger = with_losses({3});
  ledger.inputs[3].value = attack;
  record(ledger, {{"description", attack}, {"story", attack}});
  write_pages();
  open(page(1));
  EXPECT_EQ(browser_->evaluate("return typeof window.hacked"), "undefined");
  EXPECT_EQ(browser_->evaluate("return document.querySelectorAll('main b, img').length"), 0);
  EXPECT_EQ(browser_->evaluate("return [...document.querySelectorAll('#inputs td.bytes')].filter(c "
                               "=> c.textContent.includes('onerror=window.hacked')).length"),
            1);
}

TEST_F(BrowserTest, TablesAreSearchedAndFiltered) {
  record(with_losses({3, 11}));
  record(with_losses({}));
  write_pages();
  open(folder_ / "index.html");
  EXPECT_EQ(browser_->evaluate("return onceproof.shown()"), 2);
  browser_->evaluate(
      "const f = document.querySelector('#filter'); f.value = 'lost'; "
      "f.dispatchEvent(new Event('change'))");
  EXPECT_EQ(browser_->evaluate("return onceproof.shown()"), 1);
  browser_->type("#search", "nowhere");
  EXPECT_EQ(browser_->evaluate("return onceproof.shown()"), 0);
  open(page(1));
  const auto inputs = [this] {
    return browser_->evaluate("return document.querySelectorAll('#inputs tbody tr').length");
  };
  EXPECT_EQ(inputs(), 20);
  browser_->type("#inputs input", "k11");
  EXPECT_EQ(inputs(), 1);
  browser_->evaluate(
      "const i = document.querySelector('#inputs input'); i.value = ''; "
      "const f = document.querySelector('#inputs select'); f.value = 'lost'; "
      "f.dispatchEvent(new Event('change'))");
  EXPECT_EQ(inputs(), 2);
}

TEST_F(BrowserTest, APhoneNeedNotScrollSideways) {
  run_program({kLoss, kRepeat, kGrown});
  browser_->set_screen(390, 844, true);
  for (const fs::path& file : {page(1), page(3), folder_ / "index.html"}) {
    open(file);
    EXPECT_THAT(browser_->evaluate("return document.documentElement.scrollWidth"), Le(390)) << file;
  }
  keep_screenshot("phone-index");
  open(page(1));
  browser_->evaluate("document.querySelector('#diagram-section').scrollIntoView()");
  keep_screenshot("phone");
}

// Relative luminance and contrast, as WCAG 2 defines them.
constexpr const char* kLeastContrast = R"js(
  const channel = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const probe = document.createElement('i');
  document.body.append(probe);
  const luminance = name => {
    probe.style.color = `var(--${name})`;
    const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number).map(channel);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const grounds = ['paper', 'band'].map(luminance);
  return Math.min(...['ink', 'muted', 'accent', 'good', 'warn', 'fault', 'light'].flatMap(
    name => grounds.map(ground => contrast(luminance(name), ground))));
)js";

TEST_F(BrowserTest, ByNightThePageIsDarkAndEverythingCanBeRead) {
  run_program({kGrown});
  for (const bool dark : {false, true}) {
    browser_->set_dark(dark);
    open(page(1));
    const std::string paper =
        browser_->evaluate("return getComputedStyle(document.body).backgroundColor");
    EXPECT_EQ(paper, dark ? "rgb(22, 24, 28)" : "rgb(255, 254, 251)");
    EXPECT_THAT(browser_->evaluate(kLeastContrast).get<double>(), Gt(4.5)) << paper;
  }
  browser_->click("[data-finding=lost] button");
  keep_screenshot("dark");
}

// 100,000 points of a busy cluster, and as many as a page may have of what else there is.
reports::Ledger busy_ledger() {
  support::LedgerBuilder history;
  history.inputs(0, 5'000).outputs(0, 4'999).plan(1, 1, {support::range(0, 0, 5'000)}, true);
  reports::Ledger& ledger = history.ledger();
  const auto executor = [](std::int64_t i) {
    return engine::Address{{engine::Role::kExecutor, static_cast<std::int32_t>(i % 8)}, 1};
  };
  for (std::int64_t i = 0; i < 50'000; ++i) {
    const engine::Instant at{std::chrono::microseconds(i * 1'200 + i % 11)};
    reports::Event event;
    event.at = at;
    event.process = executor(i / 5);
    event.point =
        static_cast<engine::Point>(static_cast<std::int64_t>(engine::Point::kTaskStarted) + i % 5);
    event.batch = support::batch(i / 1'000);
    event.partition = static_cast<std::int32_t>(i / 5 % 200);
    ledger.events.push_back(event);
    reports::MessageRecord& message = ledger.messages.emplace_back();
    message.kind = "launch_task";
    message.from = {{engine::Role::kDriver, 0}, 1};
    message.to = executor(i);
    message.sent_at = at;
    message.ended_at = at + std::chrono::microseconds(600);
    message.fate = reports::MessageFate::kArrived;
  }
  for (std::int32_t index = -1; index < 8; ++index) {
    reports::Event began;
    began.kind = reports::EventKind::kProcessStarted;
    began.process = {
        {index < 0 ? engine::Role::kDriver : engine::Role::kExecutor, std::max(index, 0)}, 1};
    ledger.events.insert(ledger.events.begin(), began);
  }
  ledger.ended_at = engine::Instant(std::chrono::seconds(60));
  return ledger;
}

constexpr const char* kMoveAndMeasure = R"js(
  const frame = () => new Promise(done => requestAnimationFrame(done));
  onceproof.paintTimes.length = 0;
  for (let i = 0; i < 60; ++i) {
    onceproof.zoom(i < 30 ? 1.12 : 1 / 1.12);
    await frame();
    await frame();
  }
  const times = [...onceproof.paintTimes].sort((a, b) => a - b);
  return [times.length, times[times.length >> 1], times[times.length - 1]];
)js";

TEST_F(BrowserTest, AHundredThousandEventsStayFluid) {
  record(busy_ledger());
  write_pages();
  EXPECT_THAT(fs::file_size(page(1)), Lt(2'000'000U));
  open(page(1));
  EXPECT_EQ(browser_->evaluate("return onceproof.data.events.rows + onceproof.data.messages.rows"),
            100'000);
  const json measured =
      browser_->evaluate(fmt::format("return (async () => {{ {} }})()", kMoveAndMeasure));
  std::printf("painting 100,000 events: median %.1f ms, longest %.1f ms, page %ju bytes\n",
              measured[1].get<double>(),
              measured[2].get<double>(),
              static_cast<std::uintmax_t>(fs::file_size(page(1))));
  EXPECT_THAT(measured[0].get<int>(), Gt(30));
  EXPECT_THAT(measured[1].get<double>(), Lt(33.0));  // thirty pictures a second on a busy machine
  keep_screenshot("busy");
}

// What is written in bold: lanes, faults, lives, the numbers of steps.
constexpr const char* kBoldWords = R"js(
  const words = text => [...new DOMParser().parseFromString(text, 'image/svg+xml')
    .querySelectorAll('text[font-weight]')].map(t => t.textContent).join('|');
)js";

struct Picture {
  const char* scenario;
  std::int64_t record;
  const char* file;
};

constexpr std::array kPictures{Picture{kLoss, 6, "loss.svg"},
                               Picture{"append_repeats_a_batch", 0, "duplicate.svg"}};

// The pictures of the README. ONCEPROOF_UPDATE_PICTURES=1 draws them anew.
TEST_F(BrowserTest, ThePicturesInTheDocumentsAreThoseOfThePages) {
  run_program({kPictures[0].scenario, kPictures[1].scenario, "--jobs", "1"});
  browser_->set_screen(1060, 900, false);
  for (std::size_t i = 0; i < kPictures.size(); ++i) {
    const Picture& picture = kPictures[i];
    open(page(static_cast<std::int64_t>(i) + 1));
    browser_->evaluate(fmt::format("onceproof.select({})", picture.record));
    const std::string now = browser_->evaluate("return onceproof.svg()");
    const fs::path file = fs::path(ONCEPROOF_SOURCE_DIR) / "docs/pictures" / picture.file;
    if (std::getenv("ONCEPROOF_UPDATE_PICTURES") != nullptr) {
      fs::create_directories(file.parent_path());
      write_file(file, now);
    }
    const json both = browser_->evaluate(fmt::format("{}return [words({}), words({})]",
                                                     kBoldWords,
                                                     json(now).dump(),
                                                     json(read_file(file)).dump()));
    EXPECT_EQ(both[0], both[1]) << picture.file;
    EXPECT_THAT(both[0].get<std::string>(), testing::HasSubstr("|1|2|3|"));
  }
}

TEST_F(BrowserTest, ThePictureOfTheDiagramIsXml) {
  run_program({kRepeat});
  open(page(1));
  browser_->click("[data-finding=duplicated] button");
  EXPECT_EQ(browser_->evaluate("return new DOMParser().parseFromString(onceproof.svg(), "
                               "'image/svg+xml').querySelector('parsererror')"),
            nullptr);
  EXPECT_THAT(browser_->evaluate("return onceproof.svg().length"), Gt(2'000));
}

}  // namespace
}  // namespace tests
