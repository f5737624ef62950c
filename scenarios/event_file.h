// scenarios/event_file.h
//
// A user's own events: JSON Lines, or CSV with a header.

#pragma once

#include <string>
#include <vector>

#include "scenarios/diagnostic.h"

namespace scenarios {

struct FileEvent {
  std::string key;
  std::string value;
  int line = 0;  // where the event begins, from 1
};

// Which fields of an event are its key and its value. "a+b" joins the two with ':'; an empty
// value_field means the whole event as it is written; an empty key_field means no key.
struct EventFields {
  std::string key_field;
  std::string value_field;
};

// Every event of the file, in order; lines without text are none.
// Errors    file, line and column of the first event that is malformed or lacks a field.
Loaded<std::vector<FileEvent>> read_events(const std::string& path, const EventFields& fields);

}  // namespace scenarios
