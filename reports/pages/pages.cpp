#include "reports/pages/pages.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "reports/matrix_recording.h"
#include "reports/pages/index_page.h"
#include "reports/pages/run_data.h"
#include "reports/pages/run_page.h"
#include "reports/plots/recorded_plots.h"
#include "reports/recording_file.h"
#include "reports/sqlite.h"

namespace reports {
namespace {

// Ends the work: a file could not be written.
struct Unwritten {
  std::string sentence;
};

class Writer {
 public:
  Writer(std::string path, const WriteFile& write)
      : path_(std::move(path)), database_(path_, sql::IfAbsent::kRefuse), write_(write) {
    require_recording(database_, path_);
  }

  std::int64_t write(const std::optional<RunIds>& run_ids) {
    FrontPage front;
    front.runs = read_summaries(database_, run_ids);
    for (const RunSummary& run : front.runs) {
      write_run(run);
    }
    for (const char* const protocol : {"faithful", "hardened"}) {
      MatrixReport matrix = read_matrix(database_, protocol);
      if (!matrix.cells.empty()) {
        front.matrices.push_back(std::move(matrix));
      }
    }
    front.searches = read_searches(database_);
    front.plots = throughput_plot(database_, front.runs);
    for (Plot& plot : campaign_plots(database_)) {
      front.plots.push_back(std::move(plot));
    }
    put_pictures("", front.plots);
    put("index.html", index_page(front));
    return std::ssize(front.runs);
  }

  // 0: there is each of them.
  std::int64_t first_unknown(const RunIds& run_ids) {
    sql::Statement query(database_, "SELECT 1 FROM run WHERE run_id = ?");
    const auto unknown = std::ranges::find_if(run_ids, [&query](std::int64_t run_id) {
      query.start(run_id);
      return !query.step();
    });
    return unknown == run_ids.end() ? 0 : *unknown;
  }

 private:
  void write_run(const RunSummary& run) {
    const std::vector<Plot> plots = run_plots(database_, run);
    put_pictures(fmt::format("run-{}-", run.run_id), plots);
    put(run_file(run.run_id), run_page(run, read_run_data(database_, run), path_, plots));
  }

  void put_pictures(const std::string& prefix, const std::vector<Plot>& plots) {
    for (const Plot& plot : plots) {
      put(prefix + plot.name + ".svg", plot.svg);
    }
  }

  void put(const std::string& name, const std::string& text) {
    std::string failure = write_(name, text);
    if (!failure.empty()) {
      throw Unwritten{std::move(failure)};
    }
  }

  std::string path_;
  sql::Database database_;
  const WriteFile& write_;
};

}  // namespace

RecordingResult<std::int64_t> write_pages(const std::string& database,
                                          const std::optional<RunIds>& run_ids,
                                          const WriteFile& write) {
  return attempt("read", database, [&]() -> RecordingResult<std::int64_t> {
    try {
      Writer writer(database, write);
      const std::int64_t unknown = run_ids ? writer.first_unknown(*run_ids) : 0;
      if (unknown != 0) {
        return unknown_run(database, unknown);
      }
      return writer.write(run_ids);
    } catch (const Unwritten& unwritten) {
      return RecordingFailure{.code = RecordingErrc::kFailed, .sentence = unwritten.sentence};
    }
  });
}

}  // namespace reports
