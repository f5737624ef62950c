#include "tests/pages/page_data.h"

#include <stdexcept>
#include <string_view>

namespace tests {
namespace {

std::string decode_base64(const std::string& text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char digit : text) {
    if (digit == '=') {
      break;
    }
    bits = bits << 6U | static_cast<std::uint32_t>(kDigits.find(digit));
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>(bits >> static_cast<unsigned>(count) & 0xffU));
    }
  }
  return bytes;
}

std::uint64_t next_number(const std::string& bytes, std::size_t& place) {
  std::uint64_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.at(place++));
    number |= (std::uint64_t{byte} & 0x7fU) << shift;
    if (byte < 0x80) {
      return number;
    }
  }
}

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  const std::size_t until = text.find(end, from);
  if (from == std::string::npos || until == std::string::npos) {
    throw std::runtime_error("the page has no data");
  }
  return text.substr(from + begin.size(), until - from - begin.size());
}

}  // namespace

std::vector<std::int64_t> decode_column(const std::string& text, std::size_t rows) {
  const std::string bytes = decode_base64(text);
  std::vector<std::int64_t> values;
  std::uint64_t value = 0;
  std::size_t place = 0;
  while (place < bytes.size()) {
    const std::uint64_t zigzag = next_number(bytes, place);
    const std::uint64_t count = zigzag == 0 ? next_number(bytes, place) : 1;
    value += (zigzag >> 1U) ^ (0 - (zigzag & 1U));
    values.insert(values.end(), count, static_cast<std::int64_t>(value));
  }
  if (values.size() != rows) {
    throw std::runtime_error("a column has another length than its table");
  }
  return values;
}

PageData::PageData(const std::string& html)
    : json_(nlohmann::json::parse(
          between(html, R"(<script type="application/json" id="data">)", "</script>"))) {}

std::vector<std::int64_t> PageData::column(const std::string& table,
                                           const std::string& name) const {
  const nlohmann::json& found = json_.at(table);
  const std::size_t rows = found.at("rows");
  return rows == 0 ? std::vector<std::int64_t>{} : decode_column(found.at(name), rows);
}

std::vector<std::string> PageData::texts(const std::string& table, const std::string& name) const {
  std::vector<std::string> texts;
  for (const std::int64_t number : column(table, name)) {
    texts.push_back(json_.at("texts").at(static_cast<std::size_t>(number)));
  }
  return texts;
}

std::vector<std::int64_t> PageData::inputs_that_show(std::int64_t bit) const {
  const auto ids = column("inputs", "id");
  const auto shows = column("inputs", "shows");
  std::vector<std::int64_t> found;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if ((shows[i] & bit) != 0) {
      found.push_back(ids[i]);
    }
  }
  return found;
}

}  // namespace tests
