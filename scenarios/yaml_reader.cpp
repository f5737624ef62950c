#include "scenarios/yaml_reader.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace scenarios {
namespace {

constexpr std::size_t kLineBytesMax = std::size_t{1} << 16;
constexpr int kDocumentsMax = 10'000;

[[noreturn]] void refuse(const YAML::Mark& mark, std::string message) {
  throw InputError{.line = mark.line + 1, .column = mark.column + 1, .message = std::move(message)};
}

std::int64_t count_nodes(const YamlNode& node) {
  std::int64_t count = 1;
  for (const YamlNode& item : node.items) {
    count += count_nodes(item);
  }
  return count;
}

// Builds the tree of one document from yaml-cpp's events. An anchor is known once its value is
// complete, so that an alias inside it is recursive.
class TreeBuilder final : public YAML::EventHandler {
 public:
  [[nodiscard]] YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}

  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, anchor, make_node(mark, YamlNode::Kind::kNull));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      refuse(mark, "this alias stands inside the value that it names");
    }
    count(mark, count_nodes(found->second));
    add(mark, 0, found->second);
  }

  void OnScalar(const YAML::Mark& mark,
                const std::string& tag,
                YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    YamlNode node = make_node(mark, YamlNode::Kind::kScalar);
    node.quoted = tag == "!";
    node.text = value;
    add(mark, anchor, std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark,
                       const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    check_tag(mark, tag);
    open_.push_back({make_node(mark, YamlNode::Kind::kSequence), mark, anchor});
  }

  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    check_tag(mark, tag);
    open_.push_back({make_node(mark, YamlNode::Kind::kMapping), mark, anchor});
  }

  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
  };

  YamlNode make_node(const YAML::Mark& mark, YamlNode::Kind kind) {
    count(mark, 1);
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  void count(const YAML::Mark& mark, std::int64_t more) {
    nodes_ += more;
    if (nodes_ > kYamlNodesMax) {
      refuse(
          mark,
          fmt::format("the document has more than {} values, aliases written out", kYamlNodesMax));
    }
  }

  // "?" is a plain value, "!" a quoted one, empty a collection without a tag.
  static void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      refuse(mark, fmt::format("YAML tags such as {} are not accepted", tag));
    }
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(done.mark, done.anchor, std::move(done.node));
  }

  void add(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode node) {
    if (anchor != 0) {
      anchors_.insert_or_assign(anchor, node);
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    YamlNode& parent = open_.back().node;
    const bool is_key = parent.kind == YamlNode::Kind::kMapping && parent.items.size() % 2 == 0;
    if (is_key) {
      check_key(mark, parent, node);
    }
    parent.items.push_back(std::move(node));
  }

  static void check_key(const YAML::Mark& mark, const YamlNode& parent, const YamlNode& key) {
    if (key.kind != YamlNode::Kind::kScalar) {
      refuse(mark, fmt::format("a key must be a name, not {}", describe(key.kind)));
    }
    for (std::size_t i = 0; i < parent.items.size(); i += 2) {
      if (parent.items[i].text == key.text) {
        refuse(mark,
               fmt::format(
                   "key \"{}\" is given twice, first in line {}", key.text, parent.items[i].line));
      }
    }
  }

  YamlNode root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  std::int64_t nodes_ = 0;
};

// yaml-cpp takes some tabs for spaces and stumbles over others, pages later; and it is slow on
// lines that nobody writes.
void check_lines(std::string_view text) {
  int line = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    ++line;
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view row = text.substr(at, end - at);
    if (row.size() > kLineBytesMax) {
      throw InputError{.line = line,
                       .message = fmt::format("the line is longer than {} bytes", kLineBytesMax)};
    }
    const std::size_t content = std::min(row.find_first_not_of(" \t\r"), row.size());
    const std::size_t tab = row.substr(0, content).find('\t');
    if (content < row.size() && tab != std::string_view::npos) {
      throw InputError{.line = line,
                       .column = static_cast<int>(tab) + 1,
                       .message = "a tab cannot indent YAML; use spaces"};
    }
    at = end + 1;
  }
}

void hash_node(XXH3_state_t* state, const YamlNode& node) {
  const auto kind = static_cast<std::uint8_t>(node.kind);
  const auto item_count = static_cast<std::uint64_t>(node.items.size());
  const auto text_bytes = static_cast<std::uint64_t>(node.text.size());
  XXH3_64bits_update(state, &kind, sizeof(kind));
  XXH3_64bits_update(state, &item_count, sizeof(item_count));
  XXH3_64bits_update(state, &text_bytes, sizeof(text_bytes));
  XXH3_64bits_update(state, node.text.data(), node.text.size());
  for (const YamlNode& item : node.items) {
    hash_node(state, item);
  }
}

std::vector<YamlNode> parse_documents(const std::string& text) {
  check_lines(text);
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  std::vector<YamlNode> documents;
  for (int count = 1;; ++count) {
    TreeBuilder builder;
    if (!parser.HandleNextDocument(builder)) {
      break;
    }
    if (count > kDocumentsMax) {
      throw InputError{.message =
                           fmt::format("the file has more than {} documents", kDocumentsMax)};
    }
    YamlNode document = builder.take();
    if (document.kind != YamlNode::Kind::kNull) {
      documents.push_back(std::move(document));
    }
  }
  return documents;
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  if (kind != Kind::kMapping) {
    return nullptr;
  }
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].text == key) {
      return &items[i + 1];
    }
  }
  return nullptr;
}

std::string_view describe(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return "text";
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMapping:
      return "a mapping";
  }
  return "unknown";
}

Loaded<std::vector<YamlNode>> parse_yaml(const std::string& text, const std::string& file) {
  try {
    return parse_documents(text);
  } catch (const InputError& error) {
    return Diagnostic{file, error.line, error.column, error.message};
  } catch (const YAML::DeepRecursion& error) {
    return Diagnostic{
        file, error.mark.line + 1, error.mark.column + 1, "the values are nested too deeply"};
  } catch (const YAML::Exception& error) {
    // yaml-cpp marks an error that has no place with -1.
    return Diagnostic{file,
                      error.mark.line + 1,
                      error.mark.column + 1,
                      fmt::format("this is not YAML: {}", error.msg)};
  }
}

std::uint64_t hash_content(const YamlNode& document) {
  XXH3_state_t* const state = XXH3_createState();
  XXH3_64bits_reset(state);
  hash_node(state, document);
  const std::uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return hash;
}

}  // namespace scenarios
