#include "scenarios/commands/pages_folder.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

namespace scenarios {

reports::RecordingResult<std::int64_t> write_pages_folder(
    const std::string& database,
    const std::string& folder,
    const std::optional<reports::RunIds>& run_ids) {
  std::string no_folder = make_folder(folder);
  if (!no_folder.empty()) {
    return reports::RecordingFailure{.code = reports::RecordingErrc::kFailed,
                                     .sentence = std::move(no_folder)};
  }
  return reports::write_pages(
      database, run_ids, [&folder](const std::string& name, const std::string& text) {
        return write_text((std::filesystem::path(folder) / name).string(), text);
      });
}

std::string write_pages_if_wanted(const CommonOptions& common,
                                  const std::optional<reports::RunIds>& run_ids) {
  const std::string& folder = common.report_directory;
  if (folder.empty()) {
    return {};
  }
  const auto written = write_pages_folder(common.database, folder, run_ids);
  if (!written) {
    return written.error().sentence;
  }
  if (!common.quiet) {
    print_aside(fmt::format("pages: {}/index.html\n", folder));
  }
  return {};
}

}  // namespace scenarios
