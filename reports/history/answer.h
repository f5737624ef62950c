// reports/history/answer.h
//
// The verdict on a history, for a person and for a program. Each function returns text.

#pragma once

#include <string>

#include "reports/history/verdict.h"

namespace reports::history {

// A line for each anomaly that was found, then a sentence for each example with its lines.
std::string terminal_answer(const HistoryVerdict& verdict);

// One object, ending with a newline.
std::string json_answer(const HistoryVerdict& verdict);

}  // namespace reports::history
