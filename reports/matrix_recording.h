// reports/matrix_recording.h
//
// The guarantee matrix in the SQLite file of a recording, where the pages find it.

#pragma once

#include <string>

#include "reports/matrix_table.h"
#include "reports/recording.h"
#include "reports/sqlite.h"

namespace reports {

// Adds the cells, in one transaction; each takes the place of what was known of it.
RecordingResult<> record_matrix(const std::string& path, const MatrixReport& report);

// The cells of one protocol; none: the recording has no matrix of it.
// Throws    sql::Error.
MatrixReport read_matrix(sql::Database& database, const std::string& protocol);

}  // namespace reports
