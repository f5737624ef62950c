// reports/text.h
//
// Bytes that users chose (keys, values, names) on their way into formats that accept only text.

#pragma once

#include <cstddef>
#include <string_view>

namespace reports {

// Length in bytes of the well-formed UTF-8 character that `bytes` begins with; 0 if there is none.
std::size_t utf8_character(std::string_view bytes);

// Well-formed UTF-8 throughout, and no NUL in it: what every reader of a text column can show.
bool is_plain_text(std::string_view bytes);

}  // namespace reports
