#include "scenarios/yaml_writer.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "scenarios/catalogue.h"
#include "scenarios/fault_writer.h"
#include "scenarios/loader.h"
#include "scenarios/text_file.h"

namespace {

using scenarios::make_mapping;
using scenarios::make_scalar;
using scenarios::YamlNode;

std::vector<YamlNode> parsed(const std::string& text) {
  auto documents = scenarios::parse_yaml(text, "text of a test");
  EXPECT_TRUE(documents.has_value()) << documents.error().to_string();
  return documents ? std::move(documents.value()) : std::vector<YamlNode>();
}

TEST(YamlWriter, EveryDocumentOfTheCatalogueIsReadBackAsItWas) {
  int count = 0;
  for (const std::string& file : scenarios::scenario_files(scenarios::catalogue_directory())) {
    const auto text = scenarios::read_text_file(file, scenarios::kScenarioBytesMax);
    ASSERT_TRUE(text.has_value());
    for (const YamlNode& document : parsed(*text)) {
      const std::vector<YamlNode> again = parsed(scenarios::write_yaml(document));
      ASSERT_EQ(again.size(), 1U);
      EXPECT_EQ(scenarios::hash_content(again.front()), scenarios::hash_content(document)) << file;
      ++count;
    }
  }
  EXPECT_GT(count, 100);
}

TEST(YamlWriter, TextThatLooksLikeSomethingElseStaysText) {
  for (const char* const text : {"~", "null", "true", ">0", "- a", "a: b", "#x", "", " x", "\n"}) {
    YamlNode quoted = make_scalar(text);
    quoted.quoted = true;
    const YamlNode document = make_mapping({{"key", quoted}});
    const std::vector<YamlNode> again = parsed(scenarios::write_yaml(document));
    ASSERT_EQ(again.size(), 1U);
    ASSERT_NE(again.front().find("key"), nullptr);
    EXPECT_EQ(again.front().find("key")->text, text);
    EXPECT_EQ(again.front().find("key")->kind, YamlNode::Kind::kScalar) << text;
  }
}

TEST(YamlWriter, AValueIsSetWhereItIsAndMadeWhereItIsNot) {
  YamlNode document = make_mapping({{"a", make_mapping({{"b", make_scalar("1")}})}});
  scenarios::set_value(document, {"a", "b"}, make_scalar("2"));
  scenarios::set_value(document, {"c", "d"}, make_scalar("3"));
  scenarios::remove_key(document, "nothing");
  EXPECT_EQ(document.find("a")->find("b")->text, "2");
  EXPECT_EQ(document.find("c")->find("d")->text, "3");
  scenarios::remove_key(document, "a");
  EXPECT_EQ(document.find("a"), nullptr);
}

TEST(FaultWriter, OnlyAnUnusualOutcomeOnDiskIsWritten) {
  faults::Crash crash;
  EXPECT_EQ(scenarios::to_yaml(faults::Fault(crash)).find("disk"), nullptr);
  crash.disk = sim::DiskOutcome::kTornUnsynced;
  const YamlNode written = scenarios::to_yaml(faults::Fault(crash));
  ASSERT_NE(written.find("disk"), nullptr);
  EXPECT_EQ(written.find("disk")->text, "torn");
}

// Every fault of the catalogue: what is written is read back as the same fault.
TEST(FaultWriter, EveryFaultOfTheCatalogueIsReadBackAsItWas) {
  int count = 0;
  for (const std::string& file : scenarios::scenario_files(scenarios::catalogue_directory())) {
    const auto text = scenarios::read_text_file(file, scenarios::kScenarioBytesMax);
    const auto loaded = scenarios::load(file);
    ASSERT_TRUE(text.has_value() && loaded.has_value());
    std::vector<YamlNode> documents = parsed(*text);
    ASSERT_EQ(documents.size(), loaded->size());
    for (std::size_t i = 0; i < documents.size(); ++i) {
      const scenarios::Scenario& scenario = loaded.value()[i];
      scenarios::set_value(documents[i], {"faults"}, scenarios::to_yaml(scenario.faults));
      const auto again = scenarios::load_text(scenarios::write_yaml(documents[i]), file);
      ASSERT_TRUE(again.has_value()) << again.error().to_string();
      EXPECT_EQ(again->front().faults, scenario.faults) << scenario.name;
      count += static_cast<int>(scenario.faults.size());
    }
  }
  EXPECT_GT(count, 50);
}

}  // namespace
