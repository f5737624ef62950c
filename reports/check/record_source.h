// reports/check/record_source.h
//
// The records of one file, read once and in order: JSON Lines, CSV with a header, or a table of a
// SQLite database.
//
// Shapes    a path that ends in .csv is CSV, one in .json, .jsonl or .ndjson is JSON Lines; what
//           another file or standard input ("-") is, its first character says: '{' begins JSON
//           Lines, anything else CSV. FILE:TABLE is a table or view of a database.
// Errors    Refusal: the first line that is malformed, and everything that keeps a file from being
//           read. Nothing is skipped but lines without text.

#pragma once

#include <memory>
#include <string>

#include "reports/check/record.h"

namespace reports::check {

class RecordSource {
 public:
  RecordSource() = default;
  RecordSource(const RecordSource&) = delete;
  RecordSource& operator=(const RecordSource&) = delete;
  virtual ~RecordSource() = default;

  // False: there is no further record.
  virtual bool next(Record& record) = 0;
};

std::unique_ptr<RecordSource> open_source(const std::string& path, FieldSet wanted);

}  // namespace reports::check
