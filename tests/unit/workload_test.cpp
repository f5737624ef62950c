// Workloads and the exact results that they deserve.

#include "scenarios/workload.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace scenarios {
namespace {

using namespace std::chrono_literals;
using engine::Function;
using engine::Operation;
using engine::OperationKind;
using testing::HasSubstr;

Scenario generated(std::int64_t records) {
  Scenario scenario;
  scenario.path = "generated.yaml";
  scenario.seed = 7;
  scenario.workload.records = records;
  scenario.workload.keys = 40;
  scenario.workload.rate_per_second = 150;
  scenario.workload.value_bytes = 64;
  scenario.pipeline.source.partitions = 3;
  return scenario;
}

Operation flat_map(std::int32_t copies) {
  return {.kind = OperationKind::kFlatMap, .function = {}, .text = {}, .count = copies};
}

Operation filter(const std::string& text) {
  return {.kind = OperationKind::kFilter, .function = {}, .text = text};
}

Operation apply(OperationKind kind, Function function = Function::kIdentity) {
  return {.kind = kind, .function = function, .text = {}};
}

std::vector<ProducedRecord> records_of(const Scenario& scenario) {
  auto workload = make_workload(scenario);
  EXPECT_TRUE(workload.has_value()) << (workload ? "" : workload.error().to_string());
  return workload ? std::move(*workload) : std::vector<ProducedRecord>{};
}

// Reference results that Kafka's own clients give for these keys.
TEST(Partitioner, AgreesWithKafkasDefaultPartitioner) {
  constexpr std::int32_t kMany = 0x7FFF'FFFF;
  const auto hash_of = [](std::int32_t murmur2) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(murmur2) & 0x7FFF'FFFFU) % kMany;
  };
  EXPECT_EQ(partition_of("21", kMany), hash_of(-973932308));
  EXPECT_EQ(partition_of("foobar", kMany), hash_of(-790332482));
  EXPECT_EQ(partition_of("a-little-bit-long-string", kMany), hash_of(-985981536));
  EXPECT_EQ(partition_of("a-little-bit-longer-string", kMany), hash_of(-1486304829));
  EXPECT_EQ(partition_of("abc", kMany), hash_of(479470107));
}

TEST(Workload, RecordsAreNumberedTimedAndSized) {
  const auto records = records_of(generated(300));

  ASSERT_EQ(records.size(), 300U);
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].id.value, static_cast<std::int64_t>(i));
    EXPECT_EQ(records[i].value.size(), 64U);
    EXPECT_TRUE(records[i].value.starts_with(fmt::format("{} ", i)));
    EXPECT_EQ(records[i].expected, 1);
  }
  EXPECT_EQ(records[0].since_start, 2s);
  EXPECT_EQ(records[150].since_start, 3s);
  EXPECT_EQ(records[1].since_start, 2s + 6667us);
}

TEST(Workload, AKeyStaysInOnePartitionAndPartitionsAreUnevenlyLoaded) {
  const auto records = records_of(generated(3000));
  std::map<std::string, std::set<engine::PartitionId>> partitions_of_key;
  std::map<engine::PartitionId, int> load;
  for (const ProducedRecord& record : records) {
    partitions_of_key[record.key].insert(record.partition);
    ++load[record.partition];
  }

  EXPECT_EQ(partitions_of_key.size(), 40U);
  for (const auto& [key, partitions] : partitions_of_key) {
    EXPECT_EQ(partitions.size(), 1U) << key;
  }
  ASSERT_EQ(load.size(), 3U);
  EXPECT_FALSE(load[0] == load[1] && load[1] == load[2]);
}

TEST(Workload, TheSeedAloneDecidesTheKeys) {
  Scenario other = generated(300);
  other.seed = 8;
  const auto keys = [](const Scenario& scenario) {
    std::vector<std::string> result;
    for (const ProducedRecord& record : records_of(scenario)) {
      result.push_back(record.key);
    }
    return result;
  };

  EXPECT_EQ(keys(generated(300)), keys(generated(300)));
  EXPECT_NE(keys(generated(300)), keys(other));
  // These never change: recordings and tokens rest on them.
  EXPECT_THAT(keys(generated(5)), testing::ElementsAre("k7", "k4", "k26", "k3", "k34"));
}

TEST(Workload, AValueTooShortForItsNumberIsTheNumber) {
  Scenario scenario = generated(12);
  scenario.workload.value_bytes = 1;
  const auto records = records_of(scenario);

  EXPECT_EQ(records[3].value, "3");
  EXPECT_EQ(records[11].value, "11");
}

TEST(Oracle, FiltersAndCopiesMultiplyTheExpectedRows) {
  Scenario scenario = generated(100);
  scenario.workload.value_bytes = 1;
  scenario.pipeline.operations = {flat_map(2), filter("7"), flat_map(3)};
  for (const ProducedRecord& record : records_of(scenario)) {
    const bool passes = record.value.find('7') != std::string::npos;
    EXPECT_EQ(record.expected, passes ? 6 : 0) << record.value;
  }
}

TEST(Oracle, FiltersSeeTheValueAsEarlierMapsLeftIt) {
  Scenario scenario = generated(13);
  scenario.workload.value_bytes = 1;
  scenario.pipeline.operations = {apply(OperationKind::kMap, Function::kReverse), filter("21")};
  const auto records = records_of(scenario);

  EXPECT_EQ(records[12].expected, 1);
  EXPECT_EQ(records[11].expected, 0);
}

TEST(Oracle, CountsAddUpToTheRowsThatPass) {
  Scenario scenario = generated(300);
  scenario.pipeline.operations = {flat_map(2), apply(OperationKind::kCountByKey)};
  const auto records = records_of(scenario);
  const auto expected = expected_aggregate(scenario, records);

  std::int64_t total = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    total += expected[i].value;
    EXPECT_TRUE(i == 0 || expected[i - 1].key < expected[i].key);
  }
  EXPECT_EQ(total, 600);
  EXPECT_EQ(aggregate_kind(scenario), reports::AggregateKind::kCountByKey);
}

// Every record once under its key and twice under "all".
class UnderAll final : public engine::RecordOperation {
 public:
  [[nodiscard]] std::vector<engine::KeyedValue> apply(
      const engine::KeyedValue& record) const override {
    return {record, {.key = "all", .value = record.value}, {.key = "all", .value = record.value}};
  }
};

TEST(Oracle, AUsersOwnOperationIsItsOwnDefinition) {
  Scenario scenario = generated(100);
  Operation under_all;
  under_all.kind = OperationKind::kUser;
  under_all.user = std::make_shared<UnderAll>();
  scenario.pipeline.operations = {under_all, flat_map(2)};
  for (const ProducedRecord& record : records_of(scenario)) {
    EXPECT_EQ(record.expected, 6);
  }

  scenario.pipeline.operations.push_back(apply(OperationKind::kCountByKey));
  const auto expected = expected_aggregate(scenario, records_of(scenario));
  ASSERT_EQ(expected.front().key, "all");
  EXPECT_EQ(expected.front().value, 400);
  const auto total = std::accumulate(
      expected.begin(), expected.end(), std::int64_t{0}, [](std::int64_t sum, const auto& each) {
        return sum + each.value;
      });
  EXPECT_EQ(total, 600);
}

// Property: the aggregates equal a fold that is written down without the operations' machinery.
RC_GTEST_PROP(Oracle, SumAndMaximumEqualAPlainFold, ()) {
  Scenario scenario = generated(*rc::gen::inRange(0, 200));
  scenario.seed = *rc::gen::arbitrary<std::uint64_t>();
  scenario.workload.keys = *rc::gen::inRange(1, 20);
  const bool takes_max = *rc::gen::arbitrary<bool>();
  scenario.pipeline.operations = {
      apply(OperationKind::kReduceByKey, takes_max ? Function::kMax : Function::kSum)};
  const auto records = records_of(scenario);

  std::map<std::string, std::int64_t> fold;
  for (const ProducedRecord& record : records) {
    const std::int64_t number = record.id.value;
    fold[record.key] = takes_max ? std::max(fold[record.key], number) : fold[record.key] + number;
  }
  const auto expected = expected_aggregate(scenario, records);
  RC_ASSERT(expected.size() == fold.size());
  for (const reports::ExpectedAggregate& aggregate : expected) {
    RC_ASSERT(fold.at(aggregate.key) == aggregate.value);
  }
}

TEST(Oracle, APipelineWithoutAShuffleHasNoAggregate) {
  const Scenario scenario = generated(10);

  EXPECT_EQ(aggregate_kind(scenario), reports::AggregateKind::kNone);
  EXPECT_TRUE(expected_aggregate(scenario, records_of(scenario)).empty());
}

// Event files on disk, removed afterwards.
class EventFiles : public testing::Test {
 protected:
  Scenario from_file(const std::string& name, std::string_view text, const std::string& key) {
    path_ = (std::filesystem::path(testing::TempDir()) / ("onceproof_" + name)).string();
    std::ofstream(path_, std::ios::binary) << text;
    Scenario scenario = generated(0);
    scenario.workload.file = path_;
    scenario.workload.key_field = key;
    return scenario;
  }

  static Diagnostic refusal(const Scenario& scenario) {
    const auto workload = make_workload(scenario);
    EXPECT_FALSE(workload.has_value());
    return workload ? Diagnostic{} : workload.error();
  }

  ~EventFiles() override { std::filesystem::remove(path_); }

 private:
  std::string path_;
};

TEST_F(EventFiles, JsonLinesGiveKeysAndWholeValues) {
  const auto records = records_of(
      from_file("a.jsonl", "{\"app\":\"wx\",\"n\":3}\r\n\n{\"app\":\"wy\",\"n\":4}", "app+n"));

  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].key, "wx:3");
  EXPECT_EQ(records[0].value, "{\"app\":\"wx\",\"n\":3}");
  EXPECT_EQ(records[1].key, "wy:4");
}

TEST_F(EventFiles, AValueFieldReplacesTheWholeEvent) {
  Scenario scenario = from_file("b.jsonl", "{\"k\":\"a\",\"v\":5}\n{\"k\":\"a\",\"v\":6}\n", "k");
  scenario.workload.value_field = "v";
  scenario.pipeline.operations = {apply(OperationKind::kReduceByKey, Function::kSum)};
  const auto records = records_of(scenario);

  EXPECT_EQ(records[1].value, "6");
  const auto expected = expected_aggregate(scenario, records);
  ASSERT_EQ(expected.size(), 1U);
  EXPECT_EQ(expected[0].value, 11);
}

TEST_F(EventFiles, CsvFieldsMayBeQuoted) {
  Scenario scenario =
      from_file("c.csv", "user,text\nu1,\"a, \"\"b\"\"\nc\"\n\nu2,plain\r\n\"u3\",", "user");
  const auto whole = records_of(scenario);
  scenario.workload.value_field = "text";
  const auto fields = records_of(scenario);

  ASSERT_EQ(fields.size(), 3U);
  EXPECT_EQ(fields[0].key, "u1");
  EXPECT_EQ(fields[0].value, "a, \"b\"\nc");
  EXPECT_EQ(fields[1].value, "plain");
  EXPECT_EQ(fields[2].key, "u3");
  EXPECT_EQ(fields[2].value, "");
  EXPECT_EQ(whole[1].value, "u2,plain");
}

TEST_F(EventFiles, EventsWithoutAKeyGoToThePartitionsInTurn) {
  const auto records = records_of(from_file("d.jsonl", "{}\n{}\n{}\n{}\n", ""));

  EXPECT_EQ(records[0].partition, 0);
  EXPECT_EQ(records[1].partition, 1);
  EXPECT_EQ(records[3].partition, 0);
}

struct BadFile {
  std::string_view name;
  std::string_view text;
  int line;
  int column;
  std::string_view message;
};

TEST_F(EventFiles, MalformedEventsAreNamedWithTheirPlace) {
  const std::vector<BadFile> files{
      {"e.jsonl", "{\"user\":\"a\"}\n{\"user\":}\n", 2, 9, "not a JSON object: syntax error"},
      {"e.jsonl", "{\"user\":\"a\"}\n[1]\n", 2, 1, "an event is a JSON object, not array"},
      {"e.jsonl",
       "{\"user\":\"a\"}\n{\"usr\":\"a\"}\n",
       2,
       1,
       "no field \"user\" (did you mean \"usr\"?)"},
      {"e.jsonl", "{\"user\":{}}\n", 1, 1, "must be text, a number or a truth value, not object"},
      {"e.jsonl", "{\"user\":\"a\"} x\n", 1, 14, "not a JSON object"},
      {"e.jsonl", "{\"user\":\"\xE9\"}\n", 1, 10, "is not UTF-8"},
      {"e.jsonl", "\n\n", 0, 0, "the file holds no event"},
      {"e.csv", "user,n\na\n", 2, 1, "this line has 1 fields, the header has 2"},
      {"e.csv", "user,n\na,\"b\nc", 2, 3, "the quote that begins here is never closed"},
      {"e.csv", "user,n\na,\"b\"c\n", 2, 6, "after a closing quote"},
      {"e.csv", "user,n\na,b\"c\n", 2, 4, "a quote inside a field"},
      {"e.csv", "usr,n\na,b\n", 1, 1, "no field \"user\" (did you mean \"usr\"?)"},
      {"e.csv", "user,n\n", 0, 0, "the file holds no event"},
      {"e.csv", "", 1, 1, "no field \"user\""},
  };
  for (const BadFile& file : files) {
    const Diagnostic diagnostic = refusal(from_file(std::string(file.name), file.text, "user"));
    EXPECT_EQ(diagnostic.line, file.line) << diagnostic.to_string();
    EXPECT_EQ(diagnostic.column, file.column) << diagnostic.to_string();
    EXPECT_THAT(diagnostic.message, HasSubstr(std::string(file.message))) << file.text;
  }
}

TEST_F(EventFiles, ReduceByKeyRefusesValuesThatAreNoIntegers) {
  for (const char* const value : {"x", "", "1.5", "12abc", "99999999999999999999"}) {
    Scenario scenario =
        from_file("f.jsonl",
                  fmt::format("{{\"k\":\"a\",\"v\":\"1\"}}\n{{\"k\":\"a\",\"v\":\"{}\"}}\n", value),
                  "k");
    scenario.workload.value_field = "v";
    scenario.pipeline.operations = {apply(OperationKind::kReduceByKey, Function::kSum)};
    const Diagnostic diagnostic = refusal(scenario);
    EXPECT_EQ(diagnostic.line, 2) << value;
    EXPECT_THAT(diagnostic.message, HasSubstr("needs values that begin with a 64-bit integer"));
  }
}

TEST_F(EventFiles, ASumBeyondSixtyFourBitsIsRefused) {
  const std::string line = "{\"k\":\"a\",\"v\":9223372036854775807}\n";
  Scenario scenario = from_file("g.jsonl", line + line, "k");
  scenario.workload.value_field = "v";
  scenario.pipeline.operations = {apply(OperationKind::kReduceByKey, Function::kSum)};

  EXPECT_THAT(refusal(scenario).message, HasSubstr("the sum of key a does not fit"));

  scenario.pipeline.operations[0].function = Function::kMax;
  EXPECT_EQ(expected_aggregate(scenario, records_of(scenario))[0].value, 9223372036854775807);
}

TEST(ShippedEvents, AreSessionsThatLoad) {
  Scenario scenario = generated(0);
  scenario.workload.file = ONCEPROOF_SOURCE_DIR "/scenarios/events/mini_program_sessions.jsonl";
  scenario.workload.key_field = "appID+sessionID";
  scenario.workload.value_field = "duration_ms";
  scenario.pipeline.operations = {apply(OperationKind::kReduceByKey, Function::kSum)};
  const auto records = records_of(scenario);

  EXPECT_GE(records.size(), 240U);
  EXPECT_GT(expected_aggregate(scenario, records).size(), 20U);
  EXPECT_THAT(records[0].key, testing::MatchesRegex("wx[0-9a-f]+:s[0-9a-f]+"));
}

}  // namespace
}  // namespace scenarios
