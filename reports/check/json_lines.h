// reports/check/json_lines.h
//
// Records of JSON Lines: an object on each line, lines without text between them. Fields that
// nobody asked for may be anything that is JSON; a field that somebody asked for may be there once.

#pragma once

#include <memory>

#include "reports/check/record_source.h"
#include "reports/input/json_scanner.h"
#include "reports/input/line_reader.h"

namespace reports::check {

class JsonLines final : public RecordSource {
 public:
  JsonLines(std::unique_ptr<input::LineReader> lines, FieldSet wanted);

  bool next(Record& record) override;

 private:
  void read(std::string_view line, Record& record);
  void read_field(Field field, Record& record);

  std::unique_ptr<input::LineReader> lines_;
  FieldSet wanted_;
  input::JsonScanner scanner_;
};

}  // namespace reports::check
