// reports/recording_file.h
//
// The SQLite file of a recording, as all that write to it open it, and what its errors mean for a
// person.

#pragma once

#include <string>
#include <string_view>

#include "reports/recording.h"
#include "reports/sqlite.h"

namespace reports {

// Thrown where a database is in order but not ours.
struct OtherSchema {
  std::string sentence;
};

// Makes an empty database a recording; waits for whoever does the same at this moment.
// Throws    OtherSchema, sql::Error.
void prepare_recording(sql::Database& database, const std::string& path);

// For who only reads: an empty database is a recording of nothing yet, and stays empty.
// Throws    OtherSchema, sql::Error.
void require_recording(sql::Database& database, const std::string& path);

// "cannot open runs.db: the disk is full".
RecordingFailure failure(std::string_view action, const std::string& path, const sql::Error& error);

}  // namespace reports
