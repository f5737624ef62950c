#include "scenarios/surroundings.h"

#include <array>
#include <clocale>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <locale>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace scenarios {
namespace {

// --- The process ---------------------------------------------------------------------------------

void change_environment() {
  std::vector<std::string> names{"HOME", "USER", "LANG", "PATH"};
  for (char* const* entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    names.emplace_back(text.substr(0, text.find('=')));
  }
  for (const std::string& name : names) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is no other thread yet.
    setenv(name.c_str(), "changed", 1);
  }
}

// A zone that nobody lives in: west of Greenwich by an odd number of minutes.
void change_time_zone() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is no other thread yet.
  setenv("TZ", "XXX13:37", 1);
  tzset();
}

// 1234.5 is written 1.234,5.
class OtherPunctuation final : public std::numpunct<char> {
 protected:
  [[nodiscard]] char do_decimal_point() const override { return ','; }

  [[nodiscard]] char do_thousands_sep() const override { return '.'; }

  [[nodiscard]] std::string do_grouping() const override { return "\3"; }
};

// That of C needs one that is installed; that of C++ does not.
void change_locale() {
  for (const char* const name : {"de_DE.UTF-8", "tr_TR.UTF-8", "C.UTF-8"}) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is no other thread yet.
    if (std::setlocale(LC_ALL, name) != nullptr) {
      break;
    }
  }
  // The locale owns its facet.
  std::locale::global(std::locale(std::locale(), new OtherPunctuation));
}

void change_folder() {
  constexpr mode_t kNobodyElse = 077;
  umask(kNobodyElse);
  std::ignore = chdir("/");
}

// --- The memory of the thread --------------------------------------------------------------------

constexpr unsigned char kDirt = 0xa5;

// Through a volatile pointer: to write what nobody reads is not optimised away.
void make_dirty(volatile unsigned char* bytes, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = kDirt;
  }
}

[[gnu::noinline]] void make_stack_dirty() {
  constexpr std::size_t kBytes = 64 * 1024;
  std::array<unsigned char, kBytes> frame;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  make_dirty(frame.data(), frame.size());
}

using Block = std::unique_ptr<unsigned char[]>;

// Blocks of every small size, of which every other one is given back, far from the order of their
// addresses. Whoever holds the rest holds the next allocations to what is dirty.
std::vector<Block> make_heap_dirty() {
  constexpr std::size_t kBytesMax = 2048;
  constexpr std::size_t kBytesStep = 16;
  constexpr std::size_t kBlocks = 32;
  constexpr std::size_t kStride = 37;  // has no factor in common with kBlocks
  std::vector<Block> held;
  for (std::size_t bytes = kBytesStep; bytes <= kBytesMax; bytes += kBytesStep) {
    std::vector<Block> blocks(kBlocks);
    for (Block& block : blocks) {
      block = std::make_unique<unsigned char[]>(bytes);
      make_dirty(block.get(), bytes);
    }
    for (std::size_t i = 0; i < kBlocks; ++i) {
      Block& block = blocks[i * kStride % kBlocks];
      if (i % 2 == 0) {
        held.push_back(std::move(block));
      } else {
        block.reset();
      }
    }
  }
  return held;
}

}  // namespace

void run_in_other_surroundings(const std::function<void()>& run) {
  change_environment();
  change_time_zone();
  change_locale();
  change_folder();
  std::thread([&run] {
    const std::vector<Block> held = make_heap_dirty();
    make_stack_dirty();
    run();
  }).join();
}

}  // namespace scenarios
