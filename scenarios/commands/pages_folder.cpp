#include "scenarios/commands/pages_folder.h"

#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "scenarios/commands/options.h"

namespace scenarios {

reports::RecordingResult<std::int64_t> write_pages_folder(
    const std::string& database,
    const std::string& folder,
    const std::optional<reports::RunIds>& run_ids) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) {
    return reports::RecordingFailure{
        .code = reports::RecordingErrc::kFailed,
        .sentence = fmt::format("the folder {} cannot be made: {}", folder, failure.message())};
  }
  return reports::write_pages(
      database, run_ids, [&folder](const std::string& name, const std::string& text) {
        return write_text((std::filesystem::path(folder) / name).string(), text);
      });
}

}  // namespace scenarios
