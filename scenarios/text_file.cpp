#include "scenarios/text_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <xxhash.h>

namespace scenarios {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 16;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct FileCloser {
  void operator()(std::FILE* file) const { std::ignore = std::fclose(file); }
};

struct HashStateFreer {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

std::string system_message(int code) {
  return std::generic_category().message(code);
}

[[noreturn]] void refuse_size(std::int64_t bytes_max) {
  throw InputError{.message = fmt::format("the file is larger than the limit of {} MiB",
                                          bytes_max / (std::int64_t{1} << 20))};
}

void check_status(const std::string& path, std::int64_t bytes_max) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    throw InputError{.message = "the file does not exist"};
  }
  if (error) {
    throw InputError{.message = fmt::format("the file cannot be read: {}", error.message())};
  }
  if (status.type() == std::filesystem::file_type::directory) {
    throw InputError{.message = "this is a directory, not a file"};
  }
  if (status.type() == std::filesystem::file_type::regular) {
    const auto size = std::filesystem::file_size(path, error);
    if (!error && size > static_cast<std::uintmax_t>(bytes_max)) {
      refuse_size(bytes_max);
    }
  }
}

// The size is checked again while reading, for pipes and for files that grow meanwhile.
void for_each_chunk(const std::string& path,
                    std::int64_t bytes_max,
                    const std::function<void(std::string_view)>& use) {
  check_status(path, bytes_max);
  const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rb"));
  if (!file) {
    throw InputError{.message = fmt::format("the file cannot be read: {}", system_message(errno))};
  }
  std::vector<char> chunk(kChunkBytes);
  std::int64_t total = 0;
  while (true) {
    const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), file.get());
    total += static_cast<std::int64_t>(count);
    if (total > bytes_max) {
      refuse_size(bytes_max);
    }
    if (count == 0) {
      break;
    }
    use(std::string_view(chunk.data(), count));
  }
  if (std::ferror(file.get()) != 0) {
    throw InputError{.message = fmt::format("the file cannot be read: {}", system_message(errno))};
  }
}

// How many continuation bytes follow this first byte, and the smallest code point that needs them;
// -1 if no character starts so.
struct Lead {
  int continuation_count = -1;
  std::uint32_t bits = 0;
  std::uint32_t smallest = 0;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) {
    return {.continuation_count = 0, .bits = byte, .smallest = 0};
  }
  if ((byte & 0xE0U) == 0xC0) {
    return {.continuation_count = 1, .bits = byte & 0x1FU, .smallest = 0x80};
  }
  if ((byte & 0xF0U) == 0xE0) {
    return {.continuation_count = 2, .bits = byte & 0x0FU, .smallest = 0x800};
  }
  if ((byte & 0xF8U) == 0xF0) {
    return {.continuation_count = 3, .bits = byte & 0x07U, .smallest = 0x10000};
  }
  return {};
}

bool is_scalar_value(std::uint32_t code_point, std::uint32_t smallest) {
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  return code_point >= smallest && code_point <= 0x10FFFF && !surrogate;
}

// The length of the character at `at`; 0 if none is well formed there.
std::size_t character_bytes(std::string_view text, std::size_t at) {
  const Lead lead = lead_of(static_cast<unsigned char>(text[at]));
  if (lead.continuation_count < 0) {
    return 0;
  }
  const auto length = static_cast<std::size_t>(lead.continuation_count) + 1;
  if (at + length > text.size()) {
    return 0;
  }
  std::uint32_t code_point = lead.bits;
  for (std::size_t i = at + 1; i < at + length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0U) != 0x80) {
      return 0;
    }
    code_point = (code_point << 6U) | (byte & 0x3FU);
  }
  return is_scalar_value(code_point, lead.smallest) ? length : 0;
}

bool is_text(unsigned char byte) {
  return byte >= 0x20 ? byte != 0x7F : byte == '\t' || byte == '\n' || byte == '\r';
}

[[noreturn]] void refuse_byte(std::string_view text, std::size_t at, std::string_view reason) {
  const auto before = text.substr(0, at);
  const auto line = static_cast<int>(std::ranges::count(before, '\n')) + 1;
  const auto line_start = before.rfind('\n');
  const auto column = line_start == std::string_view::npos ? at + 1 : at - line_start;
  throw InputError{
      .line = line,
      .column = static_cast<int>(column),
      .message = fmt::format(
          "byte 0x{:02x} at offset {} {}", static_cast<unsigned char>(text[at]), at, reason)};
}

void check_encoding(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = character_bytes(text, at);
    if (length == 0) {
      refuse_byte(text, at, "is not UTF-8; the file must be UTF-8 text");
    }
    if (length == 1 && !is_text(static_cast<unsigned char>(text[at]))) {
      refuse_byte(text, at, "is a control character; the file must be UTF-8 text");
    }
    at += length;
  }
}

}  // namespace

Loaded<std::string> read_text_file(const std::string& path, std::int64_t bytes_max) {
  try {
    std::string text;
    for_each_chunk(path, bytes_max, [&](std::string_view chunk) { text += chunk; });
    check_encoding(text);
    if (text.starts_with(kByteOrderMark)) {
      text.erase(0, kByteOrderMark.size());
    }
    return {boost::system::in_place_value, std::move(text)};
  } catch (const InputError& error) {
    return Diagnostic{path, error.line, error.column, error.message};
  }
}

Loaded<std::uint64_t> hash_file(const std::string& path, std::int64_t bytes_max) {
  try {
    const std::unique_ptr<XXH3_state_t, HashStateFreer> state(XXH3_createState());
    XXH3_64bits_reset(state.get());
    for_each_chunk(path, bytes_max, [&](std::string_view chunk) {
      XXH3_64bits_update(state.get(), chunk.data(), chunk.size());
    });
    return std::uint64_t{XXH3_64bits_digest(state.get())};
  } catch (const InputError& error) {
    return Diagnostic{path, error.line, error.column, error.message};
  }
}

}  // namespace scenarios
