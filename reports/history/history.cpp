#include "reports/history/history.h"

#include <array>
#include <bit>

#include <xxhash.h>

namespace reports::history {

// The scope is digested with the text. As the seed of the digest it would not do: of short texts,
// seeds that are close and texts that are close have equal digests.
std::uint32_t Numbered::number(std::uint32_t scope, std::string_view text) {
  const auto scope_bytes = std::bit_cast<std::array<char, sizeof scope>>(scope);
  digested_.assign(scope_bytes.data(), scope_bytes.size());
  digested_ += text;
  const XXH128_hash_t hash = XXH3_128bits(digested_.data(), digested_.size());
  const auto [entry, is_new] = table_.insert({.low = hash.low64, .high = hash.high64});
  if (is_new) {
    bytes_ += text;
    ends_.push_back(bytes_.size());
    entry->number_plus_1 = static_cast<std::uint32_t>(ends_.size());
  }
  return entry->number_plus_1 - 1;
}

std::string_view Numbered::text(std::uint32_t number) const {
  const std::size_t begin = number == 0 ? 0 : ends_[number - 1];
  return std::string_view(bytes_).substr(begin, ends_[number] - begin);
}

}  // namespace reports::history
