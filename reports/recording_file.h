// reports/recording_file.h
//
// The SQLite file of a recording, as all that write to it open it, and what its errors mean for a
// person.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "reports/judge.h"
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

RecordingFailure unknown_run(const std::string& path, std::int64_t run_id);

// What `work` answers, or what its OtherSchema or sql::Error means for who wanted to `action` the
// file.
template <class Work>
std::invoke_result_t<Work> attempt(std::string_view action, const std::string& path, Work work) {
  try {
    return work();
  } catch (const OtherSchema& other) {
    return RecordingFailure{.code = RecordingErrc::kOtherSchema, .sentence = other.sentence};
  } catch (const sql::Error& error) {
    return failure(action, path, error);
  }
}

// Throws    sql::Error: the file is damaged.
Guarantee read_guarantee(const std::string& name);

}  // namespace reports
