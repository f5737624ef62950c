// reports/text.h
//
// Bytes that users chose (keys, values, names) on their way into formats that accept only text.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reports {

// Length in bytes of the well-formed UTF-8 character that `bytes` begins with; 0 if there is none.
std::size_t utf8_character(std::string_view bytes);

// Well-formed UTF-8 throughout, and no NUL in it: what every reader of a text column can show.
bool is_plain_text(std::string_view bytes);

// In one line and without control characters, which could move a terminal's cursor or break a
// table; whatever is not UTF-8 becomes U+FFFD.
std::string one_line(std::string_view text);

// The same, and nothing of it is markup in Markdown.
std::string markdown_text(std::string_view text);

// Text or the value of an attribute in XML 1.0, which has no place for most control characters, not
// even escaped: they become U+FFFD.
std::string xml_text(std::string_view text);

// One word of a shell's command line, whatever is in it.
std::string shell_word(std::string_view text);

}  // namespace reports
