// reports/digest_table.h
//
// A hash table for tens of millions of small entries, found by a digest of what they stand for.
// Open addressing with linear probing, at most three quarters full.
//
// Shapes    Entry is trivially copyable and has a member `digest`; a new one `is_free()`.

#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace reports {

// 128 bits of XXH3. That any two of ten million things meet is less likely than one in 10^24; it is
// no protection from somebody who builds two that do.
struct Digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const Digest&) const = default;
};

template <class Entry>
class DigestTable {
 public:
  static_assert(std::is_trivially_copyable_v<Entry>);

  // Asks for the memory where an entry is or would be, so that it is there when it is looked for a
  // little later.
  void prefetch(const Digest& digest) const {
    __builtin_prefetch(&entries_[digest.low & (entries_.size() - 1)], 1);
  }

  // Null: there is none. An entry stays where it is until the next insertion.
  Entry* find(const Digest& digest) {
    Entry& entry = probe(digest);
    return entry.is_free() ? nullptr : &entry;
  }

  // The entry, and whether it is new: then the caller makes it no longer free.
  std::pair<Entry*, bool> insert(const Digest& digest) {
    if ((size_ + 1) * 4 > entries_.size() * 3) {
      grow();
    }
    Entry& entry = probe(digest);
    const bool is_new = entry.is_free();
    if (is_new) {
      entry.digest = digest;
      ++size_;
    }
    return {&entry, is_new};
  }

  [[nodiscard]] std::size_t size() const { return size_; }

  template <class Use>
  void for_each(Use use) const {
    for (const Entry& entry : entries_) {
      if (!entry.is_free()) {
        use(entry);
      }
    }
  }

 private:
  static constexpr std::size_t kCapacityMin = 1024;

  Entry& probe(const Digest& digest) {
    const std::size_t mask = entries_.size() - 1;
    std::size_t at = digest.low & mask;
    while (!entries_[at].is_free() && entries_[at].digest != digest) {
      at = (at + 1) & mask;
    }
    return entries_[at];
  }

  void grow() {
    const std::vector<Entry> old = std::exchange(entries_, std::vector<Entry>(entries_.size() * 2));
    for (const Entry& entry : old) {
      if (!entry.is_free()) {
        probe(entry.digest) = entry;
      }
    }
  }

  std::vector<Entry> entries_ = std::vector<Entry>(kCapacityMin);
  std::size_t size_ = 0;
};

}  // namespace reports
