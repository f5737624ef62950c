#include "reports/matrix_recording.h"

#include <algorithm>

#include "reports/recording_file.h"
#include "reports/schema.h"

namespace reports {
namespace {

void insert(sql::Database& database, const MatrixReport& report) {
  sql::Transaction transaction(database);
  database.execute(kMatrixSchema);
  sql::Statement statement(
      database, "INSERT OR REPLACE INTO matrix_cell VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  std::int64_t n = 0;
  for (const MatrixTableCell& cell : report.cells) {
    statement.run(report.protocol,
                  cell.source,
                  cell.reliable,
                  cell.wal,
                  cell.checkpoint,
                  cell.offsets,
                  cell.sink,
                  cell.crash,
                  to_string(cell.received),
                  to_string(cell.output),
                  cell.schedules,
                  cell.pruned,
                  cell.of,
                  cell.depth,
                  cell.tokens.lost,
                  cell.tokens.duplicated,
                  cell.tokens.wrong,
                  cell.tokens.stalled,
                  ++n);
  }
  transaction.commit();
}

}  // namespace

RecordingResult<> record_matrix(const std::string& path, const MatrixReport& report) {
  return attempt("write", path, [&]() -> RecordingResult<> {
    sql::Database database(path);
    prepare_recording(database, path);
    insert(database, report);
    return {};
  });
}

MatrixReport read_matrix(sql::Database& database, const std::string& protocol) {
  MatrixReport report;
  report.protocol = protocol;
  if (!database.has_table("matrix_cell")) {
    return report;
  }
  sql::Statement query(database,
                       "SELECT source, reliable, wal, checkpoint, offsets, sink, crash, received, "
                       "output, schedules, pruned, of, depth, lost, duplicated, wrong, stalled "
                       "FROM matrix_cell WHERE protocol = ? ORDER BY n");
  for (query.start(protocol); query.step();) {
    report.cells.push_back({.source = query.bytes(0),
                            .reliable = query.integer(1) != 0,
                            .wal = query.integer(2) != 0,
                            .checkpoint = query.integer(3) != 0,
                            .offsets = query.bytes(4),
                            .sink = query.bytes(5),
                            .crash = query.bytes(6),
                            .received = read_guarantee(query.bytes(7)),
                            .output = read_guarantee(query.bytes(8)),
                            .schedules = query.integer(9),
                            .pruned = query.integer(10),
                            .of = query.integer(11),
                            .depth = query.integer32(12),
                            .tokens = {.lost = query.bytes(13),
                                       .duplicated = query.bytes(14),
                                       .wrong = query.bytes(15),
                                       .stalled = query.bytes(16)},
                            .in_seed_table = false});
    const std::string& crash = report.cells.back().crash;
    if (std::ranges::count(report.crashes, crash) == 0) {
      report.crashes.push_back(crash);
    }
  }
  return report;
}

}  // namespace reports
