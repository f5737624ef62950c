// reports/check/answer.h
//
// The answer of the offline judge, for a person and for a program. Each function returns text.

#pragma once

#include <optional>
#include <string>

#include "reports/check/check.h"

namespace reports::check {

// Whether what was found is at least what was expected; true if nothing was.
bool is_as_expected(const Answer& answer, std::optional<Guarantee> expected);

// Counts in aligned lines, then a sentence for each example with file and line.
std::string terminal_answer(const Answer& answer,
                            const Question& question,
                            std::optional<Guarantee> expected);

// One object, ending with a newline.
std::string json_answer(const Answer& answer, std::optional<Guarantee> expected);

}  // namespace reports::check
