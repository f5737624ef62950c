#include "reports/check/record.h"

#include <algorithm>

namespace reports::check {

std::optional<Field> find_field(std::string_view name) {
  const auto* const found = std::ranges::find(kFieldNames, name);
  if (found == kFieldNames.end()) {
    return std::nullopt;
  }
  return static_cast<Field>(found - kFieldNames.begin());
}

void KeptRecord::keep(const Record& record) {
  record_ = record;
  texts_.clear();
  for (const Cell& cell : record.cells) {
    texts_ += cell.text;
  }
  std::string_view rest = texts_;
  for (Cell& cell : record_.cells) {
    const std::size_t size = cell.text.size();
    cell.text = rest.substr(0, size);
    rest.remove_prefix(size);
  }
}

}  // namespace reports::check
