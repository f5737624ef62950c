// tests/tidy_test.cpp
//
// The tree against its own rules. Every rule brings sources that it must accuse and sources that it
// must spare: a rule that accuses nothing proves nothing.

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/ports/points.h"
#include "tests/support/source_tree.h"
#include "tests/support/tidy_rules.h"

namespace tests {
namespace {

namespace fs = std::filesystem;

using Source = std::pair<std::string, std::string>;  // path, text
using Sources = std::vector<Source>;

struct Rule {
  std::string name;
  std::function<void(const Tree&, Findings&)> check;
  std::vector<Sources> accused;
  std::vector<Sources> spared;
};

void PrintTo(const Rule& rule, std::ostream* out) {
  *out << rule.name;
}

std::function<void(const Tree&, Findings&)> each_file(void (*check)(const File&, Findings&)) {
  return [check](const Tree& tree, Findings& findings) {
    for (const auto& [path, file] : tree) {
      check(file, findings);
    }
  };
}

// One source for each text, all under the same path.
std::vector<Sources> at(const std::string& path, const std::vector<std::string>& texts) {
  std::vector<Sources> cases;
  cases.reserve(texts.size());
  for (const std::string& text : texts) {
    cases.push_back({{path, text}});
  }
  return cases;
}

std::vector<Sources> both(std::vector<Sources> left, const std::vector<Sources>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Rule layer_rule() {
  return {"Layers",
          each_file(check_layers),
          {{{"engine/ports/clock.h", "#include \"sim/scheduler.h\"\n"}},
           {{"engine/ports/clock.h", "#include \"engine/pipeline.h\"\n"}},
           {{"engine/driver/driver.h", "#include \"engine/adapters/sqlite.h\"\n"}},
           {{"engine/driver/driver.h", "#include <sqlite3.h>\n"}},
           {{"sim/disk.cpp", "#include \"engine/pipeline.h\"\n"}},
           {{"sim/disk.cpp", "#include \"faults/fault_plan.h\"\n"}},
           {{"faults/explorer.h", "#include \"engine/driver/driver.h\"\n"}},
           {{"reports/judge.cpp", "#include \"sim/trace.h\"\n"}}},
          {{{"engine/driver/driver.h", "#include \"engine/ports/clock.h\"\n#include <vector>\n"}},
           {{"engine/adapters/kafka.cpp", "#include <librdkafka/rdkafka.h>\n"}},
           {{"sim/disk.cpp", "#include \"sim/disk.h\"\n#include \"engine/ports/storage.h\"\n"}},
           {{"scenarios/world.cpp", "#include \"engine/driver/driver.h\"\n"}}}};
}

Rule named_result_rule() {
  return {"R1NamedResults",
          each_file(check_named_results),
          at("engine/a.cpp",
             {"if (co_await f() > 3) { co_return; }",
              "while (!co_await poll()) {}",
              "switch (\n  co_await state()) {}",
              "if (const auto x = co_await f(); !x) {}",
              "for (auto& x : co_await all()) {}"}),
          at("engine/a.cpp",
             {"const auto x = co_await f();\nif (!x) { co_return x.error(); }",
              "if (ready) { co_await f(); }",
              "// if (co_await f())\nconst char* s = \"if (co_await f())\";"})};
}

Rule awaited_expression_rule() {
  return {"R2AwaitedExpressions",
          each_file(check_awaited_expressions),
          at("engine/a.cpp",
             {"co_await f(Options{.x = 1});",
              "const auto r = co_await g({1, 2});",
              "co_await f([](int x) { return x; });",
              "co_return co_await store.save(\n    {.partition = 1});"}),
          at("engine/a.cpp",
             {"const Options o{.x = 1};\nco_await f(o);",
              "co_await f(items[0]);",
              "co_await f();\nconst Options o{.x = 1};"})};
}

Rule parameter_rule() {
  return {"R3ParametersByValue",
          each_file(check_coroutine_parameters),
          at("engine/a.h",
             {"Task<> f(const std::string& name);",
              "Task<Result<std::vector<int>>> Store::read(std::string&& name) {}",
              "boost::asio::awaitable<int> f(Block& block);",
              "auto f(const Block& block) -> engine::Task<int>;",
              "Task<> f(std::string_view name);",
              "Task<> f(std::span<const int> values);"}),
          at("engine/a.h",
             {"Task<> f(std::string name, std::vector<int> values);",
              "Result<> f(const std::string& name);",
              "void spawn(const Executor& executor, Task<> task);",
              "Task<> task = f(name);"})};
}

Rule lambda_rule() {
  return {"R4LambdasCaptureNothing",
          each_file(check_lambda_coroutines),
          at("sim/a.cpp",
             {"auto f = [this]() -> Task<> { co_return; };",
              "spawn([&] { co_await f(); });",
              "run([=](int x) -> engine::Task<int> { co_return x; });"}),
          at("sim/a.cpp",
             {"auto f = [](int x) -> Task<int> { co_return x; };",
              "auto f = [&] { return x; };",
              "auto f = [&] { g([](int x) -> int { return x; }); };\nco_await h(values[0]);",
              "[[nodiscard]] Task<> f() { co_return; }"})};
}

Rule statement_expression_rule() {
  return {"R8NoStatementExpressions",
          each_file(check_statement_expressions),
          at("engine/a.cpp",
             {"const auto x = ({ auto r = co_await f(); r.value(); });",
              "BOOST_OUTCOME_CO_TRY(auto x, co_await f());",
              "return ({ 1; });"}),
          at("engine/a.cpp",
             {"save({1, 2});", "const auto x = f(g<int>({1}));", "const int retry = 1;"})};
}

Rule determinism_rule() {
  return {"Determinism",
          each_file(check_determinism),
          both(at("sim/a.cpp",
                  {"auto now = std::chrono::system_clock::now();",
                   "auto now = steady_clock::now();",
                   "int x = rand();",
                   "std::random_device seed;",
                   "auto* home = std::getenv(\"X\");",
                   "std::thread worker(run);",
                   "auto f = std::async(run);",
                   "gettimeofday(&tv, nullptr);",
                   "auto t = time(nullptr);",
                   "auto t = ::time(nullptr);",
                   "return std::time(nullptr);",
                   "usleep(10);",
                   "std::this_thread::yield();",
                   "std::unordered_map<int, int> lives;",
                   "std::unordered_set<int> seen;"}),
               at("engine/driver/a.cpp", {"boost::asio::io_context context;"})),
          both(at("sim/a.cpp",
                  {"auto now = clock.now();",
                   "auto t = batch.time();",
                   "Instant time() const;",
                   "auto x = random.next();",
                   "std::map<int, int> lives;  // not unordered_map",
                   "co_await clock.sleep_until(when);"}),
               at("engine/adapters/a.cpp", {"auto now = std::chrono::steady_clock::now();"}))};
}

Rule language_rule() {
  return {"Language",
          each_file(check_language),
          both(at("engine/a.cpp",
                  {"assert(x > 0);",
                   "std::cout << x;",
                   "fmt::print(\"x\");",
                   "throw Failure{};",
                   "try { f(); } catch (...) {}",
                   "auto s = std::format(\"{}\", x);",
                   "using namespace std;"}),
               at("tests/a.cpp", {"assert(x);"})),
          both(at("engine/a.cpp",
                  {"INVARIANT(x > 0, \"x is {}\", x);",
                   "static_assert(sizeof(int) == 4);",
                   "using namespace std::chrono_literals;",
                   "auto s = fmt::format(\"{}\", x);"}),
               at("scenarios/main.cpp", {"std::cout << table;"}))};
}

Rule header_rule() {
  return {"HeaderComments",
          each_file(check_header_comment),
          at("sim/a.h",
             {"#pragma once\n",
              "// sim/b.h\n//\n// Purpose.\n#pragma once\n",
              "// sim/a.h\n\n#pragma once\n",
              "// sim/a.h\n//\n// Purpose.\n"}),
          at("sim/a.h", {"// sim/a.h\n//\n// Purpose.\n\n#pragma once\n"})};
}

Rule marker_rule() {
  return {"NoMarkers",
          each_file(check_markers),
          at("sim/a.cpp", {"int x;  // TODO: later\n", "// FIXME\n"}),
          at("sim/a.cpp", {"// Nothing is left to do.\n"})};
}

Rule dead_code_rule() {
  return {
      "NoDeadCode",
      each_file(check_dead_code),
      at("sim/a.cpp", {"// run(x);\n", "// int y = 3;\n", "// if (x) {\n", "// #include <map>\n"}),
      at("sim/a.cpp",
         {"// Runs x; then y.\n", "// Errors    kNotFound (no file).\n", "run(x);\n"})};
}

Rule line_rule() {
  return {"Lines",
          each_file(check_lines),
          at("sim/a.cpp", {std::string(101, 'x'), "int x; \n", "\tint x;\n"}),
          at("sim/a.cpp", {std::string(100, 'x'), "// a line of 8 µs\n"})};
}

Rule function_rule() {
  const std::string lines(80, '\n');
  return {"FunctionLength",
          each_file(check_function_length),
          at("sim/a.cpp",
             {"namespace sim {\nvoid f() {" + lines + "}\n}",
              "struct A { int f() const {" + lines + "} };",
              "A::A(int x) : x_{x}, y_{2} {" + lines + "}",
              "template <class T>\nT f() {" + lines + "}",
              "TEST(A, B) {" + lines + "}"}),
          at("sim/a.cpp",
             {"void f() {\n}\nvoid g() {\n}\n",
              "namespace sim {" + lines + "void f() {}\n}",
              "struct A {" + lines + "void f() {}\n};",
              "constexpr std::array kTable{" + lines + "};",
              "void f() {}" + lines + "void g() {}"})};
}

Rule machine_path_rule() {
  const auto path = [](std::string_view before, std::string_view folder) {
    return fmt::format("see {}/{}/x\n", before, folder);
  };
  return {"NoMachinePaths",
          each_file(check_machine_paths),
          at("docs/a.md", {path("", "home"), path("(", "work")}),
          at("docs/a.md", {path("docs", "work"), "the work/rest ratio\n"})};
}

Rule title_rule() {
  return {"OneTitle",
          each_file(check_titles),
          at("docs/a.md", {"# A\n# B\n", "text\n", "text\n# A\n"}),
          at("docs/a.md", {"# A\n## B\n```\n# a comment\n```\n"})};
}

Rule listed_rule() {
  return {"SourcesAreListed",
          check_listed,
          {{{"sim/a.cpp", ""}, {"sim/CMakeLists.txt", "x(b.cpp) # a.cpp\n"}},
           {{"sim/a.h", ""}, {"sim/CMakeLists.txt", ""}}},
          {{{"sim/a.cpp", ""}, {"sim/CMakeLists.txt", "x(a.cpp)\n"}},
           {{"sim/kafka/a.cpp", ""}, {"sim/CMakeLists.txt", "x(\n kafka/a.cpp)\n"}},
           {{"tests/support/a.h", ""}}}};
}

Rule one_definition_rule() {
  const Source a{"sim/a.h", "namespace sim {\nstruct Note {};\n}\n"};
  return {"OneDefinition",
          check_one_definition,
          {{a, {"sim/b.cpp", "namespace sim {\nclass Note final : Other {};\n}\n"}},
           {a, {"sim/b.h", "namespace sim {\nenum class Note : int { kA };\n}\n"}},
           {{"sim/b.h", "namespace sim::deep {\nstruct Note {};\n}\n"},
            {"sim/c.h", "namespace sim {\nnamespace deep {\nstruct Note {};\n}\n}\n"}}},
          {{a, {"sim/b.cpp", "namespace sim {\nnamespace {\nstruct Note {};\n}\n}\n"}},
           {a, {"sim/b.h", "namespace sim {\nstruct Note;\nclass B {\nstruct Note {};\n};\n}\n"}},
           {a, {"sim/b.h", "namespace faults {\nstruct Note {};\n}\n"}},
           {a, {"tests/b.h", "namespace sim {\nstruct Note {};\n}\n"}}}};
}

Rule link_rule() {
  return {"LinksResolve",
          check_links,
          {{{"docs/a.md", "see [b](b.md)\n"}}, {{"README.md", "[x](docs/x.md#part) and\n"}}},
          {{{"docs/a.md", "[b](b.md), [r](../README.md#x), [w](https://kafka.apache.org)\n"},
            {"docs/b.md", ""},
            {"README.md", "[d](docs/)\n"}}}};
}

Rule named_file_rule() {
  return {
      "NamedFilesExist",
      check_named_files,
      {{{"docs/a.md", "the clock is `sim/gone.h`\n"}}},
      {{{"docs/a.md", "`sim/here.h`, `sim/`, `sim/*.h`, `onceproof run`\n"}, {"sim/here.h", ""}}}};
}

std::vector<Rule> all_rules() {
  return {layer_rule(),
          named_result_rule(),
          awaited_expression_rule(),
          parameter_rule(),
          lambda_rule(),
          statement_expression_rule(),
          determinism_rule(),
          language_rule(),
          header_rule(),
          marker_rule(),
          dead_code_rule(),
          line_rule(),
          function_rule(),
          machine_path_rule(),
          title_rule(),
          listed_rule(),
          one_definition_rule(),
          link_rule(),
          named_file_rule()};
}

std::string read_text(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// Files whose text the rules read. Of all others, only the name counts.
bool is_text(const fs::path& path) {
  static const std::set<std::string> suffixes{
      ".h", ".cpp", ".md", ".txt", ".cmake", ".yaml", ".json", ".sql"};
  return suffixes.contains(path.extension().string()) || path.filename() == "onceproof" ||
         path.filename() == "run";
}

Tree read_tree() {
  Tree tree;
  const fs::path root(ONCEPROOF_SOURCE_DIR);
  const std::set<std::string> skipped{".git", "build", "report"};
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::end(entry); ++entry) {
    const auto path = entry->path().lexically_relative(root);
    if (entry->is_directory() && entry.depth() == 0 && skipped.contains(path.string())) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file()) {
      add_file(tree, path.generic_string(), is_text(path) ? read_text(entry->path()) : "");
    }
  }
  return tree;
}

const Tree& the_tree() {
  static const Tree tree = read_tree();
  return tree;
}

Findings findings_in(const Rule& rule, const Sources& sources) {
  Tree tree;
  for (const auto& [path, text] : sources) {
    add_file(tree, path, text);
  }
  Findings findings;
  rule.check(tree, findings);
  return findings;
}

class TidyRule : public testing::TestWithParam<Rule> {};

TEST_P(TidyRule, AccusesWhatIsPlanted) {
  ASSERT_FALSE(GetParam().accused.empty());
  for (const Sources& sources : GetParam().accused) {
    EXPECT_EQ(findings_in(GetParam(), sources).size(), 1U) << sources.front().second;
  }
}

TEST_P(TidyRule, SparesWhatIsClean) {
  ASSERT_FALSE(GetParam().spared.empty());
  for (const Sources& sources : GetParam().spared) {
    const Findings findings = findings_in(GetParam(), sources);
    EXPECT_TRUE(findings.empty()) << sources.front().second << "\n" << findings.front().message;
  }
}

TEST_P(TidyRule, HoldsInTheTree) {
  Findings findings;
  GetParam().check(the_tree(), findings);
  for (const Finding& finding : findings) {
    ADD_FAILURE() << finding.path << ":" << finding.line << ": " << finding.message;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, TidyRule, testing::ValuesIn(all_rules()), [](const auto& instance) {
  return instance.param.name;
});

TEST(Tidy, TheTreeWasFound) {
  EXPECT_TRUE(the_tree().contains("engine/ports/points.h"));
  EXPECT_FALSE(the_tree().at("engine/ports/points.h").tokens.empty());
}

// docs/CRASH_POINTS.md is this text. On a failure, copy the expected one.
std::string crash_points_document() {
  std::string text =
      "# Named points\n\n"
      "Generated from `engine/ports/points.cpp`; a test compares the two. A fault plan can crash "
      "a\n"
      "process at each of them, by batch, partition and occurrence. Every await of the engine on "
      "disk,\n"
      "network, Kafka or a sink is a point too, by its step number; those have no names.\n\n"
      "| point | process | what is durable when it is reached | what recovery does |\n"
      "|---|---|---|---|\n";
  for (const engine::PointInfo& point : engine::all_points()) {
    text += fmt::format(
        "| `{}` | {} | {} | {} |\n", point.name, point.process, point.durable, point.recovery);
  }
  return text;
}

TEST(CrashPoints, DocumentSaysWhatTheTableSays) {
  EXPECT_EQ(read_text(fs::path(ONCEPROOF_SOURCE_DIR) / "docs/CRASH_POINTS.md"),
            crash_points_document());
}

}  // namespace
}  // namespace tests
