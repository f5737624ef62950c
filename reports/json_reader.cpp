#include "reports/json_reader.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "engine/ports/invariant.h"
#include "reports/input/json_scanner.h"

namespace reports {
namespace {

using input::JsonKind;
using input::JsonScanner;
using Kind = JsonNode::Kind;

struct Place {
  int line = 1;
  int column = 1;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) { scanner_.start(text); }

  std::vector<JsonNode> read_all() {
    std::vector<JsonNode> values;
    while (!scanner_.is_at_end()) {
      values.push_back(read_value(1));
    }
    return values;
  }

  // Asked from the first byte to the last.
  Place place_of(std::size_t at) {
    for (; walked_ < std::min(at, text_.size()); ++walked_) {
      place_ = text_[walked_] == '\n' ? Place{.line = place_.line + 1, .column = 1}
                                      : Place{.line = place_.line, .column = place_.column + 1};
    }
    return place_;
  }

 private:
  JsonNode read_value(std::size_t depth) {
    const JsonKind kind = scanner_.peek();
    const Place place = place_of(scanner_.at());
    JsonNode node;
    node.line = place.line;
    node.column = place.column;
    switch (kind) {
      case JsonKind::kNull:
        scanner_.skip_value();
        break;
      case JsonKind::kTruth:
        node.kind = Kind::kBoolean;
        node.boolean = scanner_.read_text() == "true";
        break;
      case JsonKind::kNumber:
        read_number(node);
        break;
      case JsonKind::kString:
        node.kind = Kind::kText;
        node.text = scanner_.read_string();
        break;
      case JsonKind::kArray:
        read_array(node, depth);
        break;
      case JsonKind::kObject:
        read_object(node, depth);
        break;
    }
    return node;
  }

  void read_number(JsonNode& node) {
    const std::string_view written = scanner_.read_number();
    const char* const end = written.data() + written.size();
    const auto parsed = std::from_chars(written.data(), end, node.integer);
    const bool is_whole = parsed.ec == std::errc{} && parsed.ptr == end;
    node.kind = is_whole ? Kind::kInteger : Kind::kFraction;
  }

  void read_array(JsonNode& node, std::size_t depth) {
    node.kind = Kind::kArray;
    check_depth(depth);
    scanner_.open_array();
    while (scanner_.next_element()) {
      node.items.push_back(read_value(depth + 1));
    }
  }

  void read_object(JsonNode& node, std::size_t depth) {
    node.kind = Kind::kObject;
    check_depth(depth);
    scanner_.open_object();
    std::string_view name;
    while (scanner_.next_member(name)) {
      node.names.emplace_back(name);
      node.items.push_back(read_value(depth + 1));
    }
  }

  void check_depth(std::size_t depth) const {
    if (depth > kJsonDepthMax) {
      JsonScanner::refuse(scanner_.at(), "this is nested too deep");
    }
  }

  std::string_view text_;
  JsonScanner scanner_;
  std::size_t walked_ = 0;  // what place_ is the place of
  Place place_;
};

}  // namespace

const JsonNode* JsonNode::find(std::string_view name) const {
  const auto found = std::ranges::find(names, name);
  return found == names.end() ? nullptr : &items[static_cast<std::size_t>(found - names.begin())];
}

void throw_exception_from_error(const JsonError& error, const boost::source_location& where) {
  engine::fail_invariant("a text is JSON", error.message, where);
}

JsonResult<std::vector<JsonNode>> read_json(std::string_view text) {
  Reader reader(text);
  try {
    return reader.read_all();
  } catch (const input::JsonError& error) {
    const Place place = reader.place_of(error.at);
    return JsonError{
        .line = place.line, .column = place.column, .message = "this is no JSON: " + error.message};
  }
}

}  // namespace reports
