// scenarios/text_file.h
//
// A user's text file, read whole or refused with the reason: missing, a directory, unreadable,
// too large, not UTF-8.

#pragma once

#include <cstdint>
#include <string>

#include "scenarios/diagnostic.h"

namespace scenarios {

inline constexpr std::int64_t kScenarioBytesMax = std::int64_t{10} << 20;
inline constexpr std::int64_t kEventFileBytesMax = std::int64_t{1} << 30;

// The text, without a byte order mark. Of a file over `bytes_max` nothing is read; of a pipe no
// more than that.
Loaded<std::string> read_text_file(const std::string& path, std::int64_t bytes_max);

// 64-bit hash of the file's bytes, refused as above except for the encoding.
Loaded<std::uint64_t> hash_file(const std::string& path, std::int64_t bytes_max);

}  // namespace scenarios
