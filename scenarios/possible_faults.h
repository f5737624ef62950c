// scenarios/possible_faults.h
//
// What can go wrong in a pipeline, and what cannot because nobody there does it: nobody fails to
// write a file who has none, no message is lost that nobody sends. Rules refuse such faults, and a
// search draws none.

#pragma once

#include <string_view>

#include "engine/pipeline.h"
#include "faults/fault_plan.h"

namespace scenarios {

// Why nobody of this pipeline sends such a message; empty: somebody may.
// Requires  `message` is the name of one.
std::string_view why_unsent(const engine::Pipeline& pipeline, std::string_view message);

// Why a process has no file; empty: it has.
std::string_view why_no_file(const engine::Pipeline& pipeline, faults::TargetKind process);

// Why there is no file of that kind; empty: there is.
std::string_view why_no_file(const engine::Pipeline& pipeline, faults::FileKind kind);

// A group of consumers commits its offsets to Kafka.
bool commits_to_kafka(const engine::KafkaSource& source);

}  // namespace scenarios
