#include "tests/support/source_tree.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <fmt/format.h>

namespace tests {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

// Cuts C++ into tokens and comments. It knows as much of the language as the rules need.
class Lexer {
 public:
  Lexer(std::string_view text, File& file) : text_(text), file_(file) {}

  void run() {
    while (at_ < text_.size()) {
      step();
    }
  }

 private:
  [[nodiscard]] bool sees(std::string_view what) const {
    return text_.substr(at_).starts_with(what);
  }

  void step() {
    const char c = text_[at_];
    if (c == '\n') {
      advance(1);
      line_start_ = true;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      advance(1);
    } else if (c == '#' && line_start_) {
      skip_directive();
    } else if (sees("//")) {
      take_comment();
    } else if (sees("/*")) {
      skip_to("*/");
    } else {
      line_start_ = false;
      take_token(c);
    }
  }

  void take_token(char c) {
    if (sees("R\"")) {
      skip_raw_literal();
    } else if (c == '"' || c == '\'') {
      skip_literal(c);
    } else if (is_word(c)) {
      take_word();
    } else {
      const std::size_t length = sees("::") || sees("->") ? 2 : 1;
      emit(std::string(text_.substr(at_, length)));
      advance(length);
    }
  }

  void advance(std::size_t count) {
    const auto passed = text_.substr(at_, count);
    line_ += static_cast<int>(std::ranges::count(passed, '\n'));
    at_ += passed.size();
  }

  void emit(std::string text) { file_.tokens.push_back({.text = std::move(text), .line = line_}); }

  void skip_to(std::string_view end) {
    const auto found = text_.find(end, at_ + 2);
    advance(found == kNone ? kNone : found + end.size() - at_);
  }

  void take_comment() {
    const auto length = text_.substr(at_).find('\n');
    const auto comment = text_.substr(at_, length);
    file_.comments.push_back({.text = std::string(comment.substr(2)), .line = line_});
    advance(comment.size());
  }

  void skip_directive() {
    while (at_ < text_.size() && text_[at_] != '\n') {
      advance(sees("\\\n") ? 2 : 1);
    }
  }

  void skip_literal(char quote) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote) {
      end += text_[end] == '\\' ? std::size_t{2} : 1;
    }
    emit("\"\"");
    advance(end + 1 - at_);
  }

  void skip_raw_literal() {
    const auto open = text_.find('(', at_);
    const auto end = fmt::format("){}\"", text_.substr(at_ + 2, open - at_ - 2));
    emit("\"\"");
    skip_to(end);
  }

  // A quote inside a number separates digits.
  void take_word() {
    std::size_t end = at_;
    const bool number = text_[at_] >= '0' && text_[at_] <= '9';
    while (end < text_.size() && (is_word(text_[end]) || (number && text_[end] == '\''))) {
      ++end;
    }
    emit(std::string(text_.substr(at_, end - at_)));
    advance(end - at_);
  }

  std::string_view text_;
  File& file_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_start_ = true;
};

}  // namespace

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_cpp(std::string_view path) {
  return path.ends_with(".cpp") || path.ends_with(".h");
}

void add_file(Tree& tree, const std::string& path, const std::string& text) {
  File& file = tree[path];
  file.path = path;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    file.lines.push_back(line);
  }
  if (is_cpp(path)) {
    Lexer(text, file).run();
  }
}

bool exists(const Tree& tree, const std::string& path) {
  const auto folder = path.ends_with('/') ? path : path + "/";
  const auto next = tree.lower_bound(folder);
  return tree.contains(path) || (next != tree.end() && next->first.starts_with(folder));
}

bool is(const Tokens& tokens, std::size_t index, std::string_view text) {
  return index < tokens.size() && tokens[index].text == text;
}

bool is_identifier(const Tokens& tokens, std::size_t index) {
  return index < tokens.size() && is_word(tokens[index].text.front()) &&
         (tokens[index].text.front() < '0' || tokens[index].text.front() > '9');
}

std::size_t matching(const Tokens& tokens, std::size_t open) {
  const std::string opening = tokens[open].text;
  const std::string closing = opening == "("   ? ")"
                              : opening == "[" ? "]"
                              : opening == "{" ? "}"
                                               : ">";
  int depth = 0;
  for (std::size_t index = open; index < tokens.size(); ++index) {
    depth += tokens[index].text == opening ? 1 : tokens[index].text == closing ? -1 : 0;
    if (depth == 0) {
      return index;
    }
  }
  return tokens.size() - 1;
}

std::size_t matching_backwards(const Tokens& tokens, std::size_t close) {
  int depth = 0;
  for (std::size_t index = close + 1; index-- > 0;) {
    depth += tokens[index].text == ")" ? 1 : tokens[index].text == "(" ? -1 : 0;
    if (depth == 0) {
      return index;
    }
  }
  return 0;
}

bool is_any(const Tokens& tokens, std::size_t index, const std::set<std::string>& texts) {
  return index < tokens.size() && texts.contains(tokens[index].text);
}

bool is_task(const Tokens& tokens, std::size_t index) {
  return is_any(tokens, index, {"Task", "awaitable"}) && is(tokens, index + 1, "<");
}

bool opens_lambda(const Tokens& tokens, std::size_t index) {
  if (!is(tokens, index, "[") || is(tokens, index + 1, "[")) {
    return false;
  }
  if (index == 0) {
    return true;
  }
  const bool keyword = is_any(tokens, index - 1, {"return", "co_return", "co_await", "co_yield"});
  return keyword || !(is_identifier(tokens, index - 1) ||
                      is_any(tokens, index - 1, {")", "]", "[", "\"\"", ">"}));
}

std::vector<Lambda> find_lambdas(const Tokens& tokens) {
  std::vector<Lambda> lambdas;
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    if (!opens_lambda(tokens, index)) {
      continue;
    }
    Lambda lambda{.captures = {.first = index, .last = matching(tokens, index)}, .body = {}};
    std::size_t next = lambda.captures.last + 1;
    next = is(tokens, next, "(") ? matching(tokens, next) + 1 : next;
    while (next < tokens.size() && !is_any(tokens, next, {"{", ";", ")", "}"})) {
      lambda.returns_task = lambda.returns_task || is_task(tokens, next);
      ++next;
    }
    if (is(tokens, next, "{")) {
      lambda.body = {.first = next, .last = matching(tokens, next)};
      lambdas.push_back(lambda);
    }
  }
  return lambdas;
}

}  // namespace tests
