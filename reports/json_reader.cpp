#include "reports/json_reader.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>

#include <nlohmann/json.hpp>

#include "engine/ports/invariant.h"

namespace reports {
namespace {

using Kind = JsonNode::Kind;

struct Place {
  int line = 1;
  int column = 1;
};

// Goes through a text and tells how far the parser has come, which has no other way to say so.
class Reading {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Reading(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}

  reference operator*() const { return *at_; }

  Reading& operator++() {
    ++at_;
    *furthest_ = at_;
    return *this;
  }

  bool operator==(const Reading& other) const { return at_ == other.at_; }

  bool operator!=(const Reading& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

// Takes the events of the parser in and makes the tree of them.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(const char* begin) : furthest_(begin), walked_(begin) {}

  // Takes one value in, from where the last one ended.
  bool read_value(const char* end) {
    return nlohmann::json::sax_parse(Reading(furthest_, &furthest_),
                                     Reading(end, &furthest_),
                                     this,
                                     nlohmann::json::input_format_t::json,
                                     false);
  }

  // Whether there is anything more than blanks.
  bool has_more(const char* end) {
    furthest_ = std::find_if(furthest_, end, [](char character) {
      return std::string_view(" \t\r\n").find(character) == std::string_view::npos;
    });
    return furthest_ != end;
  }

  JsonError take_error() { return std::move(error_); }

  JsonNode take() { return std::move(root_); }

  // --- Values -----------------------------------------------------------------------------------

  bool null() override { return put(Kind::kNull) != nullptr; }

  bool boolean(bool value) override {
    put(Kind::kBoolean)->boolean = value;
    return true;
  }

  bool number_integer(number_integer_t value) override {
    put(Kind::kInteger)->integer = value;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    const bool fits = value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    put(fits ? Kind::kInteger : Kind::kFraction)->integer =
        fits ? static_cast<std::int64_t>(value) : 0;
    return true;
  }

  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override {
    return put(Kind::kFraction) != nullptr;
  }

  bool string(string_t& value) override {
    put(Kind::kText)->text = std::move(value);
    return true;
  }

  bool binary(binary_t& /*value*/) override { return false; }

  // --- Structure --------------------------------------------------------------------------------

  bool start_object(std::size_t /*size*/) override { return open(Kind::kObject); }

  bool start_array(std::size_t /*size*/) override { return open(Kind::kArray); }

  bool end_object() override { return close(); }

  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    begin_token();
    open_.back()->members.emplace_back(std::move(name), JsonNode());
    return true;
  }

  bool parse_error(std::size_t /*position*/,
                   const std::string& /*last_token*/,
                   const nlohmann::json::exception& error) override {
    const std::string what = error.what();
    const std::size_t reason = std::min(what.find("syntax error"), what.find("number overflow"));
    if (furthest_ > walked_) {
      walk_to(std::prev(furthest_));
    }
    fail("this is no JSON: " + what.substr(reason == std::string::npos ? 0 : reason));
    return false;
  }

 private:
  // The token that was just read begins where the one before it ended, behind what separates them.
  void begin_token() {
    const auto* const separates = std::find_if(walked_, furthest_, [](char character) {
      return std::string_view(" \t\r\n,:").find(character) == std::string_view::npos;
    });
    walk_to(separates);
    place_of_token_ = place_;
    walk_to(furthest_);
  }

  void walk_to(const char* end) {
    for (; walked_ < end; ++walked_) {
      place_ = *walked_ == '\n' ? Place{.line = place_.line + 1, .column = 1}
                                : Place{.line = place_.line, .column = place_.column + 1};
    }
  }

  void fail(std::string message) {
    error_ = {.line = place_.line, .column = place_.column, .message = std::move(message)};
  }

  JsonNode* put(Kind kind) {
    begin_token();
    JsonNode node;
    node.kind = kind;
    node.line = place_of_token_.line;
    node.column = place_of_token_.column;
    if (open_.empty()) {
      root_ = std::move(node);
      return &root_;
    }
    JsonNode& parent = *open_.back();
    if (parent.kind == Kind::kArray) {
      return &parent.items.emplace_back(std::move(node));
    }
    parent.members.back().second = std::move(node);
    return &parent.members.back().second;
  }

  bool open(Kind kind) {
    if (open_.size() == kJsonDepthMax) {
      begin_token();
      place_ = place_of_token_;
      fail("this is nested too deep");
      return false;
    }
    open_.push_back(put(kind));
    return true;
  }

  bool close() {
    begin_token();
    open_.pop_back();
    return true;
  }

  const char* furthest_;  // that the parser has read
  const char* walked_;    // what place_ is the place of
  Place place_;
  Place place_of_token_;
  JsonNode root_;
  // From the root inwards. Stays valid: what is open is the last of its parent, which gets no other
  // before it is closed.
  std::vector<JsonNode*> open_;
  JsonError error_;
};

}  // namespace

const JsonNode* JsonNode::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(members, [name](const auto& member) { return member.first == name; });
  return found == members.end() ? nullptr : &found->second;
}

void throw_exception_from_error(const JsonError& error, const boost::source_location& where) {
  engine::fail_invariant("a text is JSON", error.message, where);
}

JsonResult<std::vector<JsonNode>> read_json(std::string_view text) {
  const char* const end = text.data() + text.size();
  Builder builder(text.data());
  std::vector<JsonNode> values;
  while (builder.has_more(end)) {
    if (!builder.read_value(end)) {
      return builder.take_error();
    }
    values.push_back(builder.take());
  }
  return values;
}

}  // namespace reports
