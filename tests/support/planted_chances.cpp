#include "tests/support/planted_chances.h"

#include <algorithm>
#include <array>
#include <barrier>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <ostream>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <utility>

#include <unistd.h>

#include "sim/trace.h"

namespace tests {
namespace {

using Answers = std::vector<std::uint64_t>;

// --- The time and the dice -----------------------------------------------------------------------

Answers wall_clock() {
  return {static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch() /
                                     std::chrono::nanoseconds(1))};
}

Answers random_device() {
  std::random_device device;
  return {std::uint64_t{device()} << 32U | device()};
}

Answers global_generator() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe, cert-msc50-cpp): what is planted.
  return {static_cast<std::uint64_t>(std::rand())};
}

// --- What an earlier run left --------------------------------------------------------------------

Answers static_counter() {
  static std::uint64_t count = 0;
  return {++count};
}

// The first user of a thread has one thing more to do.
Answers thread_local_leftover() {
  thread_local bool is_prepared = false;
  Answers answers;
  if (!std::exchange(is_prepared, true)) {
    answers.push_back(1);
  }
  answers.push_back(2);
  return answers;
}

Answers moved_from() {
  static std::string topic = "the topic that every run reads, too long for a short string";
  const std::string mine = std::move(topic);
  return {sim::digest_of(mine)};
}

// A buffer that only grows, and is hashed as a whole.
Answers reused_buffer() {
  static std::vector<char> buffer(8);
  const Answers answers{sim::digest_of(std::string_view(buffer.data(), buffer.size()))};
  constexpr std::string_view kLonger = "longer than what is written first in each run";
  buffer.assign(kLonger.begin(), kLonger.end());
  return answers;
}

struct Unfinished {
  std::uint64_t attempt = 0;
  std::uint64_t offset = 0;
};

// The place of an object is used again, and one of its members is not written before it is read.
// The place is ours, and is written once before, so that the reading is no more than wrong.
Answers uninitialised_member() {
  static Unfinished place;
  place.attempt = 1;
  const Answers answers{place.offset};
  place.offset = 77;
  return answers;
}

// A set remembers how many buckets it once needed, and its order depends on that: 0 and 13 share
// one of thirteen.
Answers unordered_hash_order() {
  static std::unordered_set<std::uint64_t> keys;
  keys.clear();
  for (const std::uint64_t key : {0U, 1U, 13U}) {
    keys.insert(key);
  }
  const Answers answers(keys.begin(), keys.end());
  for (std::uint64_t key = 0; key < 1000; ++key) {
    keys.insert(key);
  }
  return answers;
}

// --- Addresses -----------------------------------------------------------------------------------

// Kept, so that no later allocation has its address.
const int& new_object() {
  static std::list<std::unique_ptr<int>> objects;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  objects.push_back(std::make_unique<int>(7));
  return *objects.back();
}

Answers address_in_a_digest() {
  const int& object = new_object();
  const int* const pointer = &object;
  return {std::bit_cast<std::uint64_t>(pointer)};
}

Answers hash_of_a_pointer() {
  return {std::hash<const int*>{}(&new_object())};
}

struct Item {
  std::uint64_t number = 0;
};

// Gives what was given back last, as most allocators do.
class Pool {
 public:
  Pool() {
    for (Item& item : items_) {
      free_.insert(free_.begin(), &item);
    }
  }

  Item* allocate(std::uint64_t number) {
    Item* const item = free_.back();
    free_.pop_back();
    item->number = number;
    return item;
  }

  void give_back(Item* item) { free_.push_back(item); }

  [[nodiscard]] std::size_t slot_of(const Item* item) const {
    return static_cast<std::size_t>(item - items_.data());
  }

 private:
  std::array<Item, 4> items_;
  std::vector<Item*> free_;
};

std::vector<Item*> four_items(Pool& pool) {
  std::vector<Item*> items;
  for (std::uint64_t number = 0; number < 4; ++number) {
    items.push_back(pool.allocate(number));
  }
  return items;
}

void give_back(Pool& pool, const std::vector<Item*>& items) {
  std::ranges::for_each(items, [&](Item* item) { pool.give_back(item); });
}

Answers set_of_pointers() {
  static Pool pool;
  const std::vector<Item*> items = four_items(pool);
  const std::set<const Item*> waiting(items.begin(), items.end());
  Answers answers;
  for (const Item* const item : waiting) {
    answers.push_back(item->number);
  }
  give_back(pool, items);
  return answers;
}

Answers map_keyed_by_pointer() {
  static Pool pool;
  const std::vector<Item*> items = four_items(pool);
  std::map<const Item*, std::uint64_t> deadlines;
  for (const Item* const item : items) {
    deadlines.emplace(item, item->number * 100);
  }
  Answers answers;
  for (const auto& [item, deadline] : deadlines) {
    answers.push_back(deadline);
  }
  give_back(pool, items);
  return answers;
}

// The place in the pool serves as a name.
Answers allocator_reuse_order() {
  static Pool pool;
  const std::vector<Item*> items = four_items(pool);
  const Answers answers{pool.slot_of(items.front())};
  give_back(pool, items);
  return answers;
}

// --- Threads -------------------------------------------------------------------------------------

std::size_t hash_of_this_thread() {
  return std::hash<std::thread::id>{}(std::this_thread::get_id());
}

Answers thread() {
  return {hash_of_this_thread()};
}

// What threads hand in, averaged in the order of the threads.
Answers floating_point_in_thread_order() {
  constexpr int kThreads = 8;
  std::barrier all_there(kThreads);
  std::map<std::size_t, double> handed_in;
  std::mutex mutex;
  {
    std::vector<std::jthread> threads;
    for (int n = 0; n < kThreads; ++n) {
      threads.emplace_back([&, n] {
        all_there.arrive_and_wait();
        const std::lock_guard lock(mutex);
        handed_in[hash_of_this_thread()] = 1.0 / (n + 3);
      });
    }
  }
  double average = 0;
  for (const auto& [id, value] : handed_in) {
    average = average * 0.7 + value * 0.3;
  }
  return {std::bit_cast<std::uint64_t>(average)};
}

// --- The machine ---------------------------------------------------------------------------------

Answers process_id() {
  return {static_cast<std::uint64_t>(getpid())};
}

Answers environment_variable() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): what is planted.
  const char* const home = std::getenv("HOME");
  return {sim::digest_of(home == nullptr ? "" : home)};
}

Answers locale() {
  std::ostringstream text;
  text << 1234.5;
  return {sim::digest_of(text.str())};
}

Answers time_zone() {
  const std::time_t beginning = 0;
  std::tm local{};
  localtime_r(&beginning, &local);
  return {static_cast<std::uint64_t>(local.tm_hour * 60 + local.tm_min)};
}

Answers directory_listing() {
  std::string names;
  for (const auto& entry : std::filesystem::directory_iterator(".")) {
    names += entry.path().filename().string() + '\n';
  }
  return {sim::digest_of(names)};
}

// --- The same, harmless --------------------------------------------------------------------------

Answers a_new_counter() {
  std::uint64_t count = 0;
  return {++count};
}

Answers a_buffer_that_is_emptied() {
  static std::vector<char> buffer;
  buffer.assign(8, '\0');
  const Answers answers{sim::digest_of(std::string_view(buffer.data(), buffer.size()))};
  buffer.resize(64);
  return answers;
}

// Looked up by pointer, and walked through by number.
Answers pointers_by_number() {
  static Pool pool;
  std::vector<Item*> items = four_items(pool);
  const std::set<const Item*> waiting(items.begin(), items.end());
  std::ranges::sort(items, {}, &Item::number);
  Answers answers;
  for (const Item* const item : items) {
    answers.push_back(waiting.contains(item) ? item->number : 99);
  }
  give_back(pool, items);
  return answers;
}

Answers threads_by_number() {
  std::array<std::uint64_t, 4> handed_in{};
  {
    std::vector<std::jthread> threads;
    for (std::size_t n = 0; n < handed_in.size(); ++n) {
      threads.emplace_back([&, n] { handed_in.at(n) = n * n; });
    }
  }
  return {handed_in.begin(), handed_in.end()};
}

Answers classic_locale() {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text << 1234.5;
  return {sim::digest_of(text.str())};
}

Answers universal_time() {
  const std::time_t beginning = 0;
  std::tm universal{};
  gmtime_r(&beginning, &universal);
  return {static_cast<std::uint64_t>(universal.tm_hour * 60 + universal.tm_min)};
}

Answers a_seeded_generator() {
  std::mt19937_64 generator(7);
  return {generator(), generator()};
}

}  // namespace

void PrintTo(const PlantedChance& chance, std::ostream* out) {
  *out << chance.name;
}

const std::vector<PlantedChance>& planted_chances() {
  static const std::vector<PlantedChance> chances{
      {"wall_clock", wall_clock},
      {"random_device", random_device},
      {"global_generator", global_generator},
      {"static_counter", static_counter},
      {"thread_local_leftover", thread_local_leftover},
      {"moved_from", moved_from},
      {"reused_buffer", reused_buffer},
      {"uninitialised_member", uninitialised_member},
      {"unordered_hash_order", unordered_hash_order},
      {"address_in_a_digest", address_in_a_digest},
      {"hash_of_a_pointer", hash_of_a_pointer},
      {"set_of_pointers", set_of_pointers},
      {"map_keyed_by_pointer", map_keyed_by_pointer},
      {"allocator_reuse_order", allocator_reuse_order},
      {"thread", thread},
      {"floating_point_in_thread_order", floating_point_in_thread_order},
      {"process_id", process_id},
      {"environment_variable", environment_variable},
      {"locale", locale},
      {"time_zone", time_zone},
      {"directory_listing", directory_listing},
  };
  return chances;
}

const std::vector<PlantedChance>& harmless_likes_of_chances() {
  static const std::vector<PlantedChance> harmless{
      {"a_new_counter", a_new_counter},
      {"a_buffer_that_is_emptied", a_buffer_that_is_emptied},
      {"pointers_by_number", pointers_by_number},
      {"threads_by_number", threads_by_number},
      {"classic_locale", classic_locale},
      {"universal_time", universal_time},
      {"a_seeded_generator", a_seeded_generator},
  };
  return harmless;
}

}  // namespace tests
