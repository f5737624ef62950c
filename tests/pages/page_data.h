// tests/pages/page_data.h
//
// Reads the data of a page back, as its scripts do, without a browser.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace tests {

// The inverse of reports::Column, with `rows` values.
std::vector<std::int64_t> decode_column(const std::string& text, std::size_t rows);

class PageData {
 public:
  // Of the text of a page.
  explicit PageData(const std::string& html);

  [[nodiscard]] const nlohmann::json& json() const { return json_; }

  [[nodiscard]] std::vector<std::int64_t> column(const std::string& table,
                                                 const std::string& name) const;

  // A column of texts.
  [[nodiscard]] std::vector<std::string> texts(const std::string& table,
                                               const std::string& name) const;

  // The ids of the inputs that `shows` has this bit of.
  [[nodiscard]] std::vector<std::int64_t> inputs_that_show(std::int64_t bit) const;

 private:
  nlohmann::json json_;
};

}  // namespace tests
