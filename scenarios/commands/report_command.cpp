#include <fmt/format.h>

#include "scenarios/commands/commands.h"
#include "scenarios/commands/pages_folder.h"

namespace scenarios {

int report_command(const ReportOptions& options) {
  const std::string& folder = options.common.report_directory;
  const auto written = write_pages_folder(options.common.database, folder, options.run_ids);
  if (!written) {
    return fail_by(written.error());
  }
  const std::string unwritten =
      write_text("-", fmt::format("{}/index.html: {} runs\n", folder, *written));
  return unwritten.empty() ? kAsExpected : fail(kBenchFailed, unwritten);
}

}  // namespace scenarios
