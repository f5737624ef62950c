#include "reports/plots/recorded_plots.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "reports/plots/svg_plot.h"

namespace reports {
namespace {

constexpr double kMicros = 1e6;
constexpr std::size_t kDotsMax = 2'000;
constexpr std::size_t kBarsMax = 40;

double seconds(std::int64_t micros) {
  return static_cast<double>(micros) / kMicros;
}

// Every k-th, so that few enough are left.
std::vector<PlotPoint> thinned(std::vector<PlotPoint> points) {
  const std::size_t stride = points.size() / kDotsMax + 1;
  std::vector<PlotPoint> kept;
  for (std::size_t i = 0; i < points.size(); i += stride) {
    kept.push_back(points[i]);
  }
  return kept;
}

// A dot for each row of a query: when, and how long, in microseconds.
struct DotPlot {
  std::string name;
  std::string_view statement;
  PlotTitles titles;
};

void add_dots(sql::Database& database,
              const RunSummary& run,
              const DotPlot& plot,
              std::vector<Plot>& plots) {
  Series series{.name = {}, .drawn = Drawn::kDots, .points = {}};
  sql::Statement query(database, plot.statement);
  for (query.start(run.run_id); query.step();) {
    series.points.push_back({seconds(query.integer(0)), seconds(query.integer(1))});
  }
  if (!series.points.empty()) {
    series.points = thinned(std::move(series.points));
    plots.push_back({.name = plot.name, .svg = svg_plot(plot.titles, {&series, 1})});
  }
}

const DotPlot kBatchDelay{.name = "batch_delay",
                          .statement =
                              "SELECT virtual_us, max(0, virtual_us - batch_us) FROM event "
                              "WHERE run_id = ? AND point = 'scheduler.batch_completed' ORDER BY n",
                          .titles = {.title = "Batch delay: from a batch's time to its completion",
                                     .x = "virtual time of completion, s",
                                     .y = "s"}};

const DotPlot kLatency{
    .name = "latency",
    .statement =
        "SELECT o.written_us, o.written_us - i.produced_us "
        "FROM output_record AS o JOIN input_record AS i USING (run_id, record_id) "
        "WHERE run_id = ? ORDER BY o.written_us",
    .titles = {.title = "End-to-end latency: from Kafka to the sink, per row",
               .x = "virtual time of writing, s",
               .y = "s"}};

void add_memory(sql::Database& database, const RunSummary& run, std::vector<Plot>& plots) {
  if (!database.has_table("memory")) {
    return;
  }
  std::map<std::string, Series> executors;
  sql::Statement query(database,
                       "SELECT process, virtual_us, task_bytes + block_bytes FROM memory "
                       "WHERE run_id = ? ORDER BY n");
  for (query.start(run.run_id); query.step();) {
    Series& series = executors[query.bytes(0)];
    const PlotPoint point{seconds(query.integer(1)), static_cast<double>(query.integer(2)) / 1024};
    // Of several values in one instant the last one holds.
    if (!series.points.empty() && series.points.back().x == point.x) {
      series.points.back() = point;
    } else {
      series.points.push_back(point);
    }
  }
  std::vector<Series> all;
  for (auto& [name, series] : executors) {
    if (all.size() < kSeriesMax) {
      all.push_back(
          {.name = name, .drawn = Drawn::kSteps, .points = thinned(std::move(series.points))});
    }
  }
  if (!all.empty()) {
    plots.push_back({.name = "memory",
                     .svg = svg_plot({.title = "Memory: task input, blocks and replicas",
                                      .x = "virtual time, s",
                                      .y = "KiB"},
                                     all)});
  }
}

struct CampaignLine {
  std::int64_t campaign_id = 0;
  std::string title;
};

std::vector<CampaignLine> campaigns_of(sql::Database& database) {
  std::vector<CampaignLine> campaigns;
  sql::Statement query(
      database, "SELECT campaign_id, scenario, strategy, depth FROM campaign ORDER BY campaign_id");
  while (query.step()) {
    campaigns.push_back(
        {query.integer(0),
         fmt::format("{}: {}, depth {}", query.bytes(1), query.bytes(2), query.integer(3))});
  }
  return campaigns;
}

Plot plot_of(sql::Database& database, const CampaignLine& campaign) {
  std::map<std::string, Series> kinds;
  sql::Statement query(database,
                       "SELECT p.schedules_so_far, f.kind FROM ("
                       "  SELECT campaign_id, part, sum(schedules) OVER (ORDER BY part) "
                       "  AS schedules_so_far FROM campaign_part WHERE campaign_id = ?) AS p "
                       "LEFT JOIN campaign_finding AS f USING (campaign_id, part) "
                       "ORDER BY p.part");
  double schedules = 0;
  for (query.start(campaign.campaign_id); query.step();) {
    schedules = static_cast<double>(query.integer(0));
    if (!query.is_null(1)) {
      Series& series = kinds[query.bytes(1)];
      const double before = series.points.empty() ? 0 : series.points.back().y;
      series.points.push_back({schedules, before + 1});
    }
  }
  std::vector<Series> all;
  for (auto& [kind, series] : kinds) {
    if (all.size() < kSeriesMax) {
      series.points.insert(series.points.begin(), PlotPoint{});
      series.points.push_back({schedules, series.points.back().y});
      all.push_back({.name = kind, .drawn = Drawn::kSteps, .points = std::move(series.points)});
    }
  }
  if (all.empty()) {
    all.push_back({.name = {}, .drawn = Drawn::kLine, .points = {{0, 0}, {schedules, 0}}});
  }
  return {.name = fmt::format("campaign-{}", campaign.campaign_id),
          .svg = svg_plot({.title = campaign.title,
                           .x = "schedules explored",
                           .y = "parts of the search with the finding"},
                          all)};
}

}  // namespace

std::vector<Plot> run_plots(sql::Database& database, const RunSummary& run) {
  std::vector<Plot> plots;
  add_dots(database, run, kBatchDelay, plots);
  add_dots(database, run, kLatency, plots);
  add_memory(database, run, plots);
  return plots;
}

std::vector<Plot> throughput_plot(sql::Database& database, const std::vector<RunSummary>& runs) {
  std::vector<Bar> bars;
  sql::Statement query(database,
                       "SELECT (SELECT max(written_us) FROM output_record WHERE run_id = ?1) - "
                       "(SELECT min(produced_us) FROM input_record WHERE run_id = ?1)");
  for (const RunSummary& run : runs) {
    query.start(run.run_id);
    query.step();
    const double took = seconds(query.integer(0));
    if (took > 0 && bars.size() < kBarsMax) {
      bars.push_back({fmt::format("{} (run {})", run.scenario, run.run_id),
                      static_cast<double>(run.outputs) / took});
    }
  }
  if (bars.size() < 2) {
    return {};
  }
  return {{.name = "throughput",
           .svg = svg_bars({.title = "Rows per second of virtual time",
                            .x = "rows per second, from the first input to the last row",
                            .y = {}},
                           bars)}};
}

std::vector<Plot> campaign_plots(sql::Database& database) {
  std::vector<Plot> plots;
  if (database.has_table("campaign")) {
    for (const CampaignLine& campaign : campaigns_of(database)) {
      plots.push_back(plot_of(database, campaign));
    }
  }
  return plots;
}

}  // namespace reports
