#include "tests/support/tidy_rules.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

namespace tests {
namespace {

constexpr std::size_t kColumnsMax = 100;
constexpr int kFunctionLinesMax = 70;
constexpr std::size_t kNone = std::string_view::npos;

// The table of docs/ARCHITECTURE.md. The first folder that matches decides.
struct Layer {
  std::string folder;
  std::vector<std::string> own;      // folders of ours that it may include
  std::vector<std::string> foreign;  // beginnings of <...> beyond the standard library
};

const std::vector<Layer>& layers() {
  static const std::vector<Layer> table{
      {"engine/ports/", {"engine/ports/"}, {"boost/", "fmt/"}},
      {"engine/adapters/",
       {"engine/ports/", "engine/adapters/"},
       {"boost/", "fmt/", "librdkafka/", "sqlite3.h"}},
      {"engine/", {"engine/"}, {"boost/", "fmt/", "xxhash.h"}},
      {"sim/kafka/",
       {"engine/ports/", "engine/adapters/", "sim/"},
       {"boost/", "fmt/", "xxhash.h", "librdkafka/"}},
      {"sim/", {"engine/ports/", "engine/adapters/", "sim/"}, {"boost/", "fmt/", "xxhash.h"}},
      {"faults/", {"engine/ports/", "sim/", "faults/"}, {"boost/", "fmt/", "xxhash.h"}},
      {"reports/",
       {"engine/ports/", "reports/"},
       {"boost/", "fmt/", "sqlite3.h", "nlohmann/", "xxhash.h"}},
  };
  return table;
}

bool starts_with_any(std::string_view text, const std::vector<std::string>& beginnings) {
  return std::ranges::any_of(beginnings,
                             [&](const auto& start) { return text.starts_with(start); });
}

// Standard headers have neither a folder nor a suffix.
bool is_standard(std::string_view name) {
  return name.find('/') == kNone && name.find('.') == kNone;
}

void check_include(const File& file, const Layer& layer, int line, Findings& findings) {
  const std::string& text = file.lines[static_cast<std::size_t>(line) - 1];
  const auto open = text.find_first_of("<\"");
  const auto close = text.find_first_of(">\"", open + 1);
  if (open == kNone || close == kNone) {
    return;
  }
  const auto name = text.substr(open + 1, close - open - 1);
  const bool system = text[open] == '<';
  const bool adapters = layer.folder == "engine/" && name.starts_with("engine/adapters/");
  const bool allowed = system ? is_standard(name) || starts_with_any(name, layer.foreign)
                              : starts_with_any(name, layer.own) && !adapters;
  if (!allowed) {
    findings.push_back({file.path, line, fmt::format("{} may not include {}", layer.folder, name)});
  }
}

}  // namespace

void check_layers(const File& file, Findings& findings) {
  const auto layer = std::ranges::find_if(
      layers(), [&](const Layer& candidate) { return file.path.starts_with(candidate.folder); });
  if (layer == layers().end()) {
    return;
  }
  for (std::size_t index = 0; index < file.lines.size(); ++index) {
    if (file.lines[index].starts_with("#include")) {
      check_include(file, *layer, static_cast<int>(index) + 1, findings);
    }
  }
}

void check_named_results(const File& file, Findings& findings) {
  const Tokens& tokens = file.tokens;
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    if (!is_any(tokens, index, {"if", "while", "switch", "for"})) {
      continue;
    }
    const std::size_t open = is(tokens, index + 1, "constexpr") ? index + 2 : index + 1;
    if (!is(tokens, open, "(")) {
      continue;
    }
    for (std::size_t inside = open; inside < matching(tokens, open); ++inside) {
      if (tokens[inside].text == "co_await") {
        findings.push_back(
            {file.path, tokens[inside].line, "R1: name the result of co_await, then branch on it"});
      }
    }
  }
}

void check_awaited_expressions(const File& file, Findings& findings) {
  const Tokens& tokens = file.tokens;
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    if (tokens[index].text != "co_await") {
      continue;
    }
    for (std::size_t next = index + 1; next < tokens.size() && tokens[next].text != ";"; ++next) {
      if (tokens[next].text == "{" || opens_lambda(tokens, next)) {
        findings.push_back(
            {file.path, tokens[next].line, "R2: name what is passed before the co_await"});
        break;
      }
    }
  }
}

namespace {

void check_parameter_list(const File& file, Span list, Findings& findings) {
  for (std::size_t index = list.first; index < list.last; ++index) {
    if (is_any(file.tokens, index, {"&", "string_view", "span"})) {
      findings.push_back(
          {file.path, file.tokens[index].line, "R3: a coroutine takes its parameters by value"});
      return;
    }
  }
}

}  // namespace

// Both `Task<T> name(...)` and `name(...) -> Task<T>`.
void check_coroutine_parameters(const File& file, Findings& findings) {
  const Tokens& tokens = file.tokens;
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    if (!is_task(tokens, index)) {
      continue;
    }
    std::size_t before = index;
    while (before >= 2 && is(tokens, before - 1, "::")) {
      before -= 2;
    }
    if (before > 0 && is(tokens, before - 1, "->")) {
      std::size_t close = before - 2;
      while (is_any(tokens, close, {"const", "noexcept", "mutable"})) {
        --close;
      }
      if (is(tokens, close, ")")) {
        check_parameter_list(file, {matching_backwards(tokens, close), close}, findings);
      }
      continue;
    }
    std::size_t next = matching(tokens, index + 1) + 1;
    while (is_identifier(tokens, next) || is(tokens, next, "::")) {
      ++next;
    }
    if (is(tokens, next, "(")) {
      check_parameter_list(file, {next, matching(tokens, next)}, findings);
    }
  }
}

namespace {

// The innermost lambda around a token decides whether that lambda is a coroutine.
const Lambda* innermost(const std::vector<Lambda>& lambdas, std::size_t index) {
  const Lambda* found = nullptr;
  for (const Lambda& lambda : lambdas) {
    const bool around = lambda.body.first < index && index < lambda.body.last;
    if (around && (found == nullptr || lambda.body.first > found->body.first)) {
      found = &lambda;
    }
  }
  return found;
}

}  // namespace

void check_lambda_coroutines(const File& file, Findings& findings) {
  const auto lambdas = find_lambdas(file.tokens);
  std::set<const Lambda*> coroutines;
  for (const Lambda& lambda : lambdas) {
    if (lambda.returns_task) {
      coroutines.insert(&lambda);
    }
  }
  for (std::size_t index = 0; index < file.tokens.size(); ++index) {
    if (is_any(file.tokens, index, {"co_await", "co_return", "co_yield"})) {
      coroutines.insert(innermost(lambdas, index));
    }
  }
  for (const Lambda& lambda : lambdas) {
    const bool captures = lambda.captures.last > lambda.captures.first + 1;
    if (captures && coroutines.contains(&lambda)) {
      findings.push_back({file.path,
                          file.tokens[lambda.captures.first].line,
                          "R4: a lambda coroutine captures nothing"});
    }
  }
}

namespace {

// `({` is one unless it begins the arguments of a call.
bool opens_statement_expression(const Tokens& tokens, std::size_t index) {
  if (!is(tokens, index, "(") || !is(tokens, index + 1, "{")) {
    return false;
  }
  const bool keyword = index > 0 && is_any(tokens, index - 1, {"return", "co_return", "co_await"});
  const bool call =
      index > 0 && (is_identifier(tokens, index - 1) || is_any(tokens, index - 1, {">", ")", "]"}));
  return keyword || !call;
}

}  // namespace

void check_statement_expressions(const File& file, Findings& findings) {
  const Tokens& tokens = file.tokens;
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    const std::string& name = tokens[index].text;
    const bool macro = name == "TRY" || name == "TRYX" || name.ends_with("_TRY") ||
                       name.ends_with("_TRYX") || name.ends_with("_TRYV");
    if (macro || opens_statement_expression(tokens, index)) {
      findings.push_back({file.path, tokens[index].line, "R8: two visible lines instead"});
    }
  }
}

namespace {

struct Ban {
  std::vector<std::string> tokens;   // in this order, adjacent
  std::string instead;               // what to use
  std::vector<std::string> folders;  // where it is banned; empty: everywhere
  std::vector<std::string> except;   // paths or folders that may, each for a reason given here
};

const std::vector<Ban>& determinism_bans() {
  // The adapters and the command line live in real time; tests measure it.
  static const std::vector<std::string> real_time{"engine/adapters/", "scenarios/", "tests/"};
  // Keys are looked up and never walked through, so that their order reaches nothing.
  static const std::vector<std::string> looked_up_only{"sim/memory_sink"};
  // What they plant is chance.
  static const std::vector<std::string> planted{"tests/support/planted_chances.cpp"};
  static const std::vector<Ban> table{
      {{"system_clock"}, "engine::Clock", {}, real_time},
      {{"steady_clock"}, "engine::Clock", {}, real_time},
      {{"high_resolution_clock"}, "engine::Clock", {}, {}},
      {{"gettimeofday"}, "engine::Clock", {}, {}},
      {{"clock_gettime"}, "engine::Clock", {}, {}},
      {{"this_thread"}, "engine::Clock::sleep_until", {}, real_time},
      {{"usleep", "("}, "engine::Clock::sleep_until", {}, real_time},
      {{"nanosleep", "("}, "engine::Clock::sleep_until", {}, real_time},
      {{"rand", "("}, "engine::Random", {}, planted},
      {{"srand", "("}, "engine::Random", {}, {}},
      {{"random_device"}, "engine::Random", {}, planted},
      {{"mt19937"}, "engine::Random: distributions differ between libraries", {}, {"tests/"}},
      {{"mt19937_64"}, "engine::Random: distributions differ between libraries", {}, {"tests/"}},
      {{"getenv"}, "an option of the command line", {}, {"scenarios/main.cpp", "tests/"}},
      {{"std", "::", "thread"}, "engine::spawn: a world has one thread", {}, real_time},
      {{"std", "::", "jthread"}, "engine::spawn: a world has one thread", {}, real_time},
      {{"std", "::", "async"}, "engine::spawn: a world has one thread", {}, {}},
      {{"unordered_map"},
       "std::map: its order is the same everywhere",
       {"engine/", "sim/"},
       looked_up_only},
      {{"unordered_set"},
       "std::set: its order is the same everywhere",
       {"engine/", "sim/"},
       looked_up_only},
      {{"unordered_multimap"}, "std::multimap", {"engine/", "sim/"}, {}},
      {{"io_context"}, "sim::Scheduler", {"engine/", "sim/", "faults/"}, {}},
  };
  return table;
}

const std::vector<Ban>& language_bans() {
  static const std::vector<std::string> libraries{"engine/", "sim/", "faults/", "reports/"};
  // The one place that raises an InvariantViolation; libraries of others that throw.
  static const std::vector<std::string> raises{"engine/adapters/", "engine/ports/invariant.cpp"};
  // C interfaces need casts; the scheduler stores any operation in one kind of node.
  static const std::vector<Ban> table{
      {{"assert", "("}, "INVARIANT: it stays on in every build", {}, {}},
      {{"cout"}, "a return value: libraries do not print", libraries, {}},
      {{"cerr"}, "a return value: libraries do not print", libraries, {}},
      {{"printf"}, "a return value: libraries do not print", libraries, {}},
      {{"fmt", "::", "print"}, "a return value: libraries do not print", libraries, {}},
      {{"throw"},
       "Result for what the world may do, INVARIANT for our mistakes",
       {"engine/"},
       raises},
      {{"catch"}, "Result; only the runner catches an InvariantViolation", {"engine/"}, raises},
      {{"std", "::", "format"}, "fmt::format: libstdc++ 12 has no <format>", {}, {}},
      {{"std", "::", "source_location"}, "boost::source_location", {}, {}},
      {{"std", "::", "views"}, "an algorithm or a loop: clang-tidy cannot parse views", {}, {}},
      {{"reinterpret_cast"},
       "std::bit_cast, or a typed buffer",
       {},
       {"engine/adapters/", "sim/scheduler.h"}},
      {{"const_cast"}, "a type that says who may change it", {}, {"engine/adapters/"}},
  };
  return table;
}

// `time(` is the C function unless something owns or declares it.
bool calls_c_time(const Tokens& tokens, std::size_t index) {
  if (!is(tokens, index, "time") || !is(tokens, index + 1, "(")) {
    return false;
  }
  if (index == 0) {
    return true;
  }
  if (is(tokens, index - 1, "::")) {
    return index < 2 || !is_identifier(tokens, index - 2) || is(tokens, index - 2, "std");
  }
  const bool keyword = is_any(tokens, index - 1, {"return", "co_return"});
  const bool owned =
      is_identifier(tokens, index - 1) || is_any(tokens, index - 1, {".", "->", ">"});
  return keyword || !owned;
}

bool applies(const Ban& ban, const std::string& path) {
  const bool inside = ban.folders.empty() || starts_with_any(path, ban.folders);
  return inside && !starts_with_any(path, ban.except);
}

bool found_at(const Ban& ban, const Tokens& tokens, std::size_t index) {
  for (std::size_t offset = 0; offset < ban.tokens.size(); ++offset) {
    if (!is(tokens, index + offset, ban.tokens[offset])) {
      return false;
    }
  }
  const bool member = index > 0 && is_any(tokens, index - 1, {".", "->"});
  return !member;
}

void check_bans(const File& file, const std::vector<Ban>& bans, Findings& findings) {
  for (const Ban& ban : bans) {
    if (!applies(ban, file.path)) {
      continue;
    }
    for (std::size_t index = 0; index < file.tokens.size(); ++index) {
      if (found_at(ban, file.tokens, index)) {
        findings.push_back(
            {file.path,
             file.tokens[index].line,
             fmt::format("{} is banned; use {}", fmt::join(ban.tokens, ""), ban.instead)});
      }
    }
  }
}

}  // namespace

void check_determinism(const File& file, Findings& findings) {
  check_bans(file, determinism_bans(), findings);
  for (std::size_t index = 0; index < file.tokens.size(); ++index) {
    if (calls_c_time(file.tokens, index)) {
      findings.push_back(
          {file.path, file.tokens[index].line, "time() is banned; use engine::Clock"});
    }
  }
}

namespace {

// Literals are what using-directives are for.
bool opens_namespace_for_literals(const Tokens& tokens, std::size_t index) {
  while (index < tokens.size() && !is(tokens, index, ";")) {
    ++index;
  }
  return index > 0 && tokens[index - 1].text.ends_with("literals");
}

}  // namespace

void check_language(const File& file, Findings& findings) {
  check_bans(file, language_bans(), findings);
  const Tokens& tokens = file.tokens;
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    if (is(tokens, index, "using") && is(tokens, index + 1, "namespace") &&
        !opens_namespace_for_literals(tokens, index)) {
      findings.push_back({file.path, tokens[index].line, "using namespace: write the names"});
    }
  }
}

void check_header_comment(const File& file, Findings& findings) {
  if (!file.path.ends_with(".h")) {
    return;
  }
  const auto line = [&](std::size_t index) {
    return index < file.lines.size() ? file.lines[index] : std::string();
  };
  if (line(0) != "// " + file.path || line(1) != "//" || !line(2).starts_with("// ")) {
    findings.push_back({file.path, 1, "a header begins with its path and its purpose"});
  }
  if (std::ranges::find(file.lines, "#pragma once") == file.lines.end()) {
    findings.push_back({file.path, 1, "a header has #pragma once"});
  }
}

void check_markers(const File& file, Findings& findings) {
  for (const Comment& comment : file.comments) {
    for (const auto* const marker : {"FIXME", "TODO", "XXX", "HACK"}) {
      if (comment.text.find(marker) != kNone) {
        findings.push_back({file.path, comment.line, fmt::format("no {} in the tree", marker)});
      }
    }
  }
}

namespace {

// Prose does not end in a semicolon after a parenthesis or an assignment, nor in an opening brace.
bool looks_like_code(std::string_view comment) {
  const auto last = comment.find_last_not_of(" \t");
  if (last == kNone) {
    return false;
  }
  const char end = comment[last];
  const bool statement = end == ';' && comment.find_first_of("(=") != kNone;
  return statement || comment.find("#include") != kNone ||
         (end == '{' && comment.find(')') != kNone);
}

}  // namespace

void check_dead_code(const File& file, Findings& findings) {
  for (const Comment& comment : file.comments) {
    if (looks_like_code(comment.text)) {
      findings.push_back({file.path, comment.line, "code that is commented out"});
    }
  }
}

namespace {

std::size_t columns(std::string_view line) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  return line.size() - static_cast<std::size_t>(std::ranges::count_if(line, continues));
}

}  // namespace

void check_lines(const File& file, Findings& findings) {
  for (std::size_t index = 0; index < file.lines.size(); ++index) {
    const std::string& line = file.lines[index];
    const auto number = static_cast<int>(index) + 1;
    if (is_cpp(file.path) && columns(line) > kColumnsMax) {
      findings.push_back({file.path, number, fmt::format("{} columns", columns(line))});
    }
    if (line.ends_with(' ') || line.find('\t') != kNone) {
      findings.push_back({file.path, number, "a tab, or a blank at the end"});
    }
  }
}

namespace {

// A brace opens a function if its head has a parameter list and is no type, namespace or value.
bool opens_function(const Tokens& tokens, Span head) {
  for (std::size_t index = head.first; index < head.last; ++index) {
    if (is(tokens, index, "template") && is(tokens, index + 1, "<")) {
      index = matching(tokens, index + 1);
    } else if (is_any(tokens, index, {"namespace", "class", "struct", "enum", "union"})) {
      return false;
    } else if (is(tokens, index, "(")) {
      return true;
    }
  }
  return false;
}

// `: member_{1}, other_{2} {`: the braces of an initializer belong to the head.
bool opens_initializer(const Tokens& tokens, Span head) {
  bool constructor = false;
  for (std::size_t index = head.first; index + 1 < head.last; ++index) {
    constructor = constructor || (is(tokens, index, ")") && is(tokens, index + 1, ":"));
  }
  return constructor && head.last > head.first && is_identifier(tokens, head.last - 1);
}

}  // namespace

void check_function_length(const File& file, Findings& findings) {
  const Tokens& tokens = file.tokens;
  std::size_t head = 0;
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    if (is_any(tokens, index, {";", "}"})) {
      head = index + 1;
    }
    if (tokens[index].text != "{") {
      continue;
    }
    const std::size_t close = matching(tokens, index);
    if (opens_initializer(tokens, {head, index})) {
      index = close;
      continue;
    }
    if (opens_function(tokens, {head, index})) {
      const int length = tokens[close].line - tokens[index].line + 1;
      if (length > kFunctionLinesMax) {
        findings.push_back(
            {file.path, tokens[index].line, fmt::format("a function of {} lines", length)});
      }
      index = close;
    }
    head = index + 1;
  }
}

namespace {

// Something before the slash makes it the middle of another path.
bool begins_path(std::string_view line, std::size_t at) {
  return at == 0 ||
         !(is_word(line[at - 1]) || std::string_view("./}-*").find(line[at - 1]) != kNone);
}

}  // namespace

void check_machine_paths(const File& file, Findings& findings) {
  for (std::size_t index = 0; index < file.lines.size(); ++index) {
    for (const auto* const folder : {"home", "root", "work", "Users"}) {
      const auto found = file.lines[index].find(fmt::format("/{}/", folder));
      if (found != kNone && begins_path(file.lines[index], found)) {
        findings.push_back({file.path, static_cast<int>(index) + 1, "a path of one machine"});
      }
    }
  }
}

namespace {

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == kNone ? "" : path.substr(0, slash);
}

// The words of a CMake file, without comments.
std::set<std::string> cmake_words(const File& file) {
  std::set<std::string> words;
  for (const std::string& line : file.lines) {
    std::string text = line.substr(0, line.find('#'));
    std::ranges::replace_if(
        text, [](char c) { return c == '(' || c == ')' || c == '"'; }, ' ');
    std::istringstream stream(text);
    for (std::string word; stream >> word;) {
      words.insert(word);
    }
  }
  return words;
}

bool is_listed(const Tree& tree, const std::string& path) {
  std::string folder = path;
  while (!folder.empty()) {
    folder = folder_of(folder);
    const auto list = tree.find(folder.empty() ? "CMakeLists.txt" : folder + "/CMakeLists.txt");
    const auto relative = folder.empty() ? path : path.substr(folder.size() + 1);
    if (list != tree.end() && cmake_words(list->second).contains(relative)) {
      return true;
    }
  }
  return false;
}

}  // namespace

// Headers of tests are not compiled alone; all others are.
void check_listed(const Tree& tree, Findings& findings) {
  for (const auto& [path, file] : tree) {
    const bool needed =
        path.ends_with(".cpp") || (path.ends_with(".h") && !path.starts_with("tests/"));
    if (needed && !is_listed(tree, path)) {
      findings.push_back({path, 1, "no CMakeLists.txt names it"});
    }
  }
}

namespace {

// Calls `visit` with each line of a Markdown file that is not inside a code fence.
void for_each_prose_line(const File& file,
                         const std::function<void(const std::string&, int)>& visit) {
  bool fenced = false;
  for (std::size_t index = 0; index < file.lines.size(); ++index) {
    if (file.lines[index].starts_with("```")) {
      fenced = !fenced;
    } else if (!fenced) {
      visit(file.lines[index], static_cast<int>(index) + 1);
    }
  }
}

}  // namespace

void check_titles(const File& file, Findings& findings) {
  if (!file.path.ends_with(".md")) {
    return;
  }
  int titles = 0;
  for_each_prose_line(
      file, [&](const std::string& line, int) { titles += line.starts_with("# ") ? 1 : 0; });
  if (titles != 1 || !file.lines.front().starts_with("# ")) {
    findings.push_back({file.path, 1, "a document has one title, and begins with it"});
  }
}

namespace {

void check_link(
    const Tree& tree, const File& file, std::string target, int line, Findings& findings) {
  target = target.substr(0, target.find_first_of("# "));
  if (target.empty() || target.find(':') != kNone) {
    return;
  }
  const auto resolved =
      (std::filesystem::path(folder_of(file.path)) / target).lexically_normal().string();
  if (!exists(tree, resolved)) {
    findings.push_back({file.path, line, fmt::format("the link {} leads nowhere", target)});
  }
}

}  // namespace

namespace {

struct TypeName {
  std::string name;  // with its namespace
  int line = 0;
};

// Types that are defined at the scope of a namespace that has a name. A specialisation has none of
// its own.
class NamespaceTypes {
 public:
  explicit NamespaceTypes(const Tokens& tokens) : tokens_(tokens) {}

  std::vector<TypeName> find() {
    find_in(0, tokens_.size(), "");
    return std::move(found_);
  }

 private:
  void find_in(std::size_t begin, std::size_t end, const std::string& scope) {
    for (std::size_t index = begin; index < end; ++index) {
      if (tokens_[index].text == "namespace") {
        index = enter(index, scope);
      } else if (is_any(tokens_, index, {"struct", "class", "enum"})) {
        note(index, scope);
      } else if (tokens_[index].text == "{") {
        index = matching(tokens_, index);
      }
    }
  }

  // To where the namespace ends, or the alias.
  std::size_t enter(std::size_t index, const std::string& scope) {
    std::string name;
    std::size_t open = index + 1;
    for (; is_identifier(tokens_, open) || is(tokens_, open, "::"); ++open) {
      name += tokens_[open].text;
    }
    if (!is(tokens_, open, "{")) {
      return open;
    }
    const std::size_t close = matching(tokens_, open);
    if (!name.empty()) {
      find_in(open + 1, close, scope + name + "::");
    }
    return close;
  }

  void note(std::size_t index, const std::string& scope) {
    std::size_t at = index + 1;
    if (is_any(tokens_, at, {"struct", "class"})) {
      return;  // The next word is the one of an enumeration.
    }
    const std::string& name = is_identifier(tokens_, at) ? tokens_[at].text : scope;
    if (is(tokens_, at + 1, "final")) {
      ++at;
    }
    if (!scope.empty() && is_any(tokens_, at + 1, {"{", ":"})) {
      found_.push_back({.name = scope + name, .line = tokens_[index].line});
    }
  }

  const Tokens& tokens_;
  std::vector<TypeName> found_;
};

}  // namespace

void check_one_definition(const Tree& tree, Findings& findings) {
  std::map<std::string, std::string> first;
  for (const auto& [path, file] : tree) {
    if (path.starts_with("tests/") || !is_cpp(path)) {
      continue;
    }
    for (const TypeName& type : NamespaceTypes(file.tokens).find()) {
      const auto [known, is_new] = first.emplace(type.name, path);
      if (!is_new) {
        findings.push_back(
            {path, type.line, fmt::format("{} is defined in {}, too", type.name, known->second)});
      }
    }
  }
}

void check_links(const Tree& tree, Findings& findings) {
  for (const auto& [path, file] : tree) {
    if (!path.ends_with(".md")) {
      continue;
    }
    for_each_prose_line(file, [&, &source = file](const std::string& line, int number) {
      for (auto at = line.find("]("); at != kNone; at = line.find("](", at + 1)) {
        const auto end = line.find(')', at);
        check_link(tree, source, line.substr(at + 2, end - at - 2), number, findings);
      }
    });
  }
}

namespace {

// Something in backticks that begins with a folder of ours and could be a path.
bool looks_like_path(std::string_view text) {
  static const std::vector<std::string> folders{
      "engine/", "sim/", "faults/", "reports/", "scenarios/", "tests/", "docs/"};
  const auto fits = [](char c) { return is_word(c) || c == '/' || c == '.' || c == '-'; };
  return starts_with_any(text, folders) && std::ranges::all_of(text, fits);
}

}  // namespace

void check_named_files(const Tree& tree, Findings& findings) {
  for (const auto& [path, file] : tree) {
    if (!path.ends_with(".md")) {
      continue;
    }
    for_each_prose_line(file, [&, &source = file](const std::string& line, int number) {
      auto open = line.find('`');
      while (open != kNone) {
        const auto close = line.find('`', open + 1);
        const auto text = line.substr(open + 1, close == kNone ? kNone : close - open - 1);
        if (looks_like_path(text) && !exists(tree, text)) {
          findings.push_back({source.path, number, fmt::format("there is no {}", text)});
        }
        open = close == kNone ? kNone : line.find('`', close + 1);
      }
    });
  }
}

}  // namespace tests
