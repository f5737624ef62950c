#include "scenarios/commands/options.h"

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>
#include <tuple>

#include <fmt/format.h>
#include <unistd.h>

#include "scenarios/fault_rules.h"

namespace scenarios {
namespace {

constexpr std::size_t kSentenceBytesMax = 4000;

bool is_port(std::string_view text) {
  int port = 0;
  const auto* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  return parsed.ec == std::errc{} && parsed.ptr == end && port >= 1 && port <= 65535;
}

// A sentence may quote what a user typed: neither a line break nor an escape sequence of it may
// reach the terminal, and not a megabyte either.
std::string one_line(const std::string& sentence) {
  std::string line = sentence.substr(0, kSentenceBytesMax);
  for (char& character : line) {
    const auto byte = static_cast<unsigned char>(character);
    character = byte < 0x20 || byte == 0x7f ? ' ' : character;
  }
  return line.size() < sentence.size() ? line + "..." : line;
}

std::string reason(int code) {
  return std::generic_category().message(code);
}

std::string write_to_stdout(const std::string& text) {
  errno = 0;
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? std::string()
                 : fmt::format("standard output cannot be written: {}", reason(errno));
}

std::string write_file(const std::string& path, const std::string& text, const char* mode) {
  errno = 0;
  std::FILE* const file = std::fopen(path.c_str(), mode);
  if (file == nullptr) {
    return fmt::format("{} cannot be written: {}", path, reason(errno));
  }
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int write_error = errno;
  const bool closed = std::fclose(file) == 0;
  if (written && closed) {
    return {};
  }
  return fmt::format("{} cannot be written: {}", path, reason(written ? errno : write_error));
}

}  // namespace

std::optional<KafkaChoice> parse_kafka(const std::string& text) {
  if (text == "mock") {
    return KafkaChoice{.kind = KafkaKind::kMock, .address = {}, .session = {}};
  }
  if (text == "model") {
    return KafkaChoice{.kind = KafkaKind::kModel, .address = {}, .session = {}};
  }
  const auto colon = text.rfind(':');
  const bool is_address =
      colon != std::string::npos && colon > 0 && is_port(std::string_view(text).substr(colon + 1));
  if (!is_address) {
    return std::nullopt;
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return KafkaChoice{
      .kind = KafkaKind::kExternal, .address = text, .session = fmt::format("{:x}", now.count())};
}

std::string not_a_kafka(const std::string& text) {
  return fmt::format("--kafka {}: this is neither mock, nor model, nor HOST:PORT", text);
}

std::string first_impossible(std::span<const PreparedScenario> prepared, const KafkaChoice& kafka) {
  for (const PreparedScenario& one : prepared) {
    std::string reason =
        why_impossible(one.scenario, one.scenario.faults, kafka.kind == KafkaKind::kModel);
    if (!reason.empty()) {
      return reason;
    }
  }
  return {};
}

int fail(ExitStatus status, const std::string& sentence) {
  print_aside(fmt::format("onceproof: {}\n", one_line(sentence)));
  return status;
}

int fail_by(const reports::RecordingFailure& failure) {
  switch (failure.code) {
    case reports::RecordingErrc::kCannotOpen:
    case reports::RecordingErrc::kNotADatabase:
    case reports::RecordingErrc::kOtherSchema:
    case reports::RecordingErrc::kDisagrees:
    case reports::RecordingErrc::kDamaged:
    case reports::RecordingErrc::kUnknownRun:
      return fail(kBadInput, failure.sentence);
    case reports::RecordingErrc::kDiskFull:
    case reports::RecordingErrc::kBusy:
    case reports::RecordingErrc::kFailed:
      break;
  }
  return fail(kBenchFailed, failure.sentence);
}

void print_aside(const std::string& text) {
  std::ignore = std::fwrite(text.data(), 1, text.size(), stderr);
}

std::string write_text(const std::string& path, const std::string& text) {
  return path == "-" ? write_to_stdout(text) : write_file(path, text, "wb");
}

std::string append_text(const std::string& path, const std::string& text) {
  return write_file(path, text, "ab");
}

std::string write_answer(const CommonOptions& common,
                         const std::string& text,
                         const std::string& json) {
  const std::string unwritten = common.json == "-" ? std::string() : write_text("-", text);
  return unwritten.empty() && !common.json.empty() ? write_text(common.json, json) : unwritten;
}

std::string make_folder(const std::string& path) {
  std::error_code failure;
  std::filesystem::create_directories(path, failure);
  return failure ? fmt::format("the folder {} cannot be made: {}", path, failure.message())
                 : std::string();
}

std::string table_for_stdout(const CommonOptions& common,
                             std::span<const reports::VerdictRow> rows) {
  const bool colour = !common.no_color && isatty(STDOUT_FILENO) == 1;
  return reports::terminal_table(rows, colour ? reports::Colour::kAlways : reports::Colour::kNever);
}

}  // namespace scenarios
