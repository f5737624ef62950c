#include "reports/input/line_reader.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <tuple>

#include <fmt/format.h>

#include "reports/input/refusal.h"

namespace reports::input {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

[[noreturn]] void refuse_file(const std::string& path, int code) {
  throw Refusal{.file = path,
                .message = code == ENOENT ? "the file does not exist"
                                          : fmt::format("the file cannot be read: {}",
                                                        std::generic_category().message(code))};
}

}  // namespace

void LineReader::Closer::operator()(std::FILE* file) const {
  if (file != stdin) {
    std::ignore = std::fclose(file);
  }
}

LineReader::LineReader(const std::string& path) : path_(path), buffer_(kBufferBytes) {
  std::error_code error;
  if (path != "-" && std::filesystem::is_directory(path, error)) {
    throw Refusal{.file = path, .message = "this is a directory, not a file"};
  }
  file_.reset(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
  if (!file_) {
    refuse_file(path, errno);
  }
  // What is read goes into the buffer here, without another copy on the way.
  std::setvbuf(file_.get(), nullptr, _IONBF, 0);
  skip_byte_order_mark();
}

bool LineReader::fill() {
  if (ended_) {
    return false;
  }
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    if (buffer_.size() >= kLineBytesMax) {
      throw Refusal{.file = path_,
                    .line = number_ + 1,
                    .message = fmt::format("the line is longer than {} MiB", kLineBytesMax >> 20U)};
    }
    buffer_.resize(buffer_.size() * 2);
  }
  const std::size_t room = buffer_.size() - end_;
  const std::size_t count = std::fread(buffer_.data() + end_, 1, room, file_.get());
  if (count < room && std::ferror(file_.get()) != 0) {
    refuse_file(path_, errno);
  }
  end_ += count;
  ended_ = count == 0;
  return !ended_;
}

std::string_view LineReader::peek() {
  while (end_ < kBufferBytes && fill()) {
  }
  return {buffer_.data() + begin_, end_ - begin_};
}

void LineReader::skip_byte_order_mark() {
  while (end_ - begin_ < kByteOrderMark.size() && fill()) {
  }
  if (std::string_view(buffer_.data() + begin_, end_ - begin_).starts_with(kByteOrderMark)) {
    begin_ += kByteOrderMark.size();
  }
}

bool LineReader::next(std::string_view& line) {
  std::size_t searched = 0;
  while (true) {
    const char* const start = buffer_.data() + begin_;
    const std::size_t size = end_ - begin_;
    const void* const found = std::memchr(start + searched, '\n', size - searched);
    if (found != nullptr) {
      line = {start, static_cast<std::size_t>(static_cast<const char*>(found) - start)};
      begin_ += line.size() + 1;
      break;
    }
    searched = size;
    if (!fill()) {
      if (size == 0) {
        return false;
      }
      line = {buffer_.data() + begin_, size};
      begin_ = end_;
      break;
    }
  }
  ++number_;
  return true;
}

}  // namespace reports::input
