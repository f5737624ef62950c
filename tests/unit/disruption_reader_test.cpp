// tests/unit/disruption_reader_test.cpp
//
// Faults that kill nobody, as a scenario file says them: what is read, that it is written as it was
// read, and that whatever is wrong is refused with its place and one sentence.

#include "scenarios/disruption_reader.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/messages.h"
#include "scenarios/fault_rules.h"
#include "scenarios/fault_writer.h"
#include "scenarios/loader.h"
#include "scenarios/yaml_writer.h"

namespace scenarios {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// A Direct stream that commits to Kafka, and receivers with a log; the fault is in the last line.
constexpr std::string_view kDirect = R"(scenario: direct
topic: { name: events, partitions: 2 }
workload: { records: 10 }
pipeline:
  source: { kind: kafka-direct, offsets: kafka }
  checkpoint: { enabled: false }
  sink: { kind: append, store: memory }
cluster: { executors: 2 }
faults:
)";
constexpr int kDirectLine = 10;

constexpr std::string_view kLogged = R"(scenario: logged
topic: { name: events, partitions: 2 }
workload: { records: 10 }
pipeline:
  source: { kind: kafka-receiver, write_ahead_log: true }
  checkpoint: { storage: local }
  sink: { kind: append, store: memory }
cluster: { executors: 2, cores: 2 }
faults:
)";
constexpr int kLoggedLine = 10;

std::string with_fault(std::string_view sample, std::string_view fault) {
  return fmt::format("{}  - {}\n", sample, fault);
}

const faults::Target kDriver{faults::TargetKind::kDriver, 0};
const faults::Target kFirst{faults::TargetKind::kExecutor, 0};
const faults::Target kReceiving{faults::TargetKind::kReceiverExecutor, 0};
const faults::Trigger kAtOneSecond{faults::AtTime{1s}};

std::int32_t message_named(std::string_view name) {
  const auto messages = engine::all_messages();
  const auto found = std::ranges::find(messages, name, &engine::MessageInfo::name);
  EXPECT_NE(found, messages.end()) << name;
  return static_cast<std::int32_t>(found - messages.begin());
}

struct Said {
  std::string_view text;
  faults::Fault fault;
};

std::vector<Said> schedules_and_messages() {
  using faults::MessageFate;
  const faults::Trigger step{faults::AtStep{{engine::Role::kExecutor, 0}, 9}};
  const faults::Trigger point{faults::AtPoint{
      .point = engine::Point::kReceiverBlockStored, .batch = {}, .partition = {}, .occurrence = 2}};
  return {
      {"{ pause: executor:0, for: 30s, at: { step: 9 } }",
       faults::Pause{.target = kFirst, .at = step, .lasts = 30s}},
      {"{ drop: add_block, at: { time: 1s } }",
       faults::MessageFault{.fate = MessageFate::kDropped,
                            .message = message_named("add_block"),
                            .from = {},
                            .to = {},
                            .at = kAtOneSecond}},
      {"{ delay: any, from: receiver-executor:0, to: driver, by: 250ms, times: 3, at: { point: "
       "receiver.block_stored, occurrence: 2 } }",
       faults::MessageFault{.fate = MessageFate::kDelayed,
                            .message = {},
                            .from = kReceiving,
                            .to = kDriver,
                            .at = point,
                            .times = 3,
                            .by = 250ms}},
      {"{ duplicate: launch_task, to: executor:0, at: { step: 9 } }",
       faults::MessageFault{.fate = MessageFate::kDuplicated,
                            .message = message_named("launch_task"),
                            .from = {},
                            .to = kFirst,
                            .at = step}},
      {"{ reorder: { seed: 18446744073709551615 } }",
       faults::Reorder{.seed = 18446744073709551615U, .at = faults::AtTime{0s}}},
      {"{ reorder: { seed: 5 }, at: { time: 1s } }",
       faults::Reorder{.seed = 5, .at = kAtOneSecond}},
      {"{ yield: driver, at: { time: 1s } }", faults::Yield{.target = kDriver, .at = kAtOneSecond}},
      {"{ clock: driver, jump: -1500ms, at: { time: 1s } }",
       faults::ClockFault{.target = kDriver, .at = kAtOneSecond, .jump = -1500ms}},
      {"{ clock: executor:0, drift: -500ppm, at: { time: 1s } }",
       faults::ClockFault{.target = kFirst, .at = kAtOneSecond, .drift_ppm = -500}},
  };
}

std::vector<Said> failing_and_slow() {
  using faults::Failing;
  const auto failing = [](Failing what, faults::Target of, std::int32_t times, bool applied) {
    return faults::Failure{
        .what = what, .target = of, .at = kAtOneSecond, .times = times, .applied = applied};
  };
  return {
      {"{ fail: write, of: driver, times: 2, at: { time: 1s } }",
       failing(Failing::kWrite, kDriver, 2, false)},
      {"{ fail: flush, of: executor:0, applied: true, at: { time: 1s } }",
       failing(Failing::kFlush, kFirst, 1, true)},
      {"{ fail: rename, of: driver, at: { time: 1s } }",
       failing(Failing::kRename, kDriver, 1, false)},
      {"{ fail: read, of: driver, at: { time: 1s } }", failing(Failing::kRead, kDriver, 1, false)},
      {"{ fail: rpc, of: executor:0, at: { time: 1s } }", failing(Failing::kRpc, kFirst, 1, false)},
      {"{ fail: task, of: executor:0, at: { time: 1s } }",
       failing(Failing::kTask, kFirst, 1, false)},
      {"{ fail: sink, of: executor:0, at: { time: 1s } }",
       failing(Failing::kSink, kFirst, 1, false)},
      {"{ disk: full, for: 3s, at: { time: 1s } }",
       faults::DiskFault{
           .trouble = faults::DiskTrouble::kFull, .file = {}, .at = kAtOneSecond, .lasts = 3s}},
      {"{ disk: flip-bit, file: receiver-log, at: { time: 1s } }",
       faults::DiskFault{.trouble = faults::DiskTrouble::kFlipBit,
                         .file = faults::FileKind::kReceiverLog,
                         .at = kAtOneSecond,
                         .lasts = {}}},
      {"{ slow: task, of: executor:0, by: 400ms, for: 3s, at: { time: 1s } }",
       faults::Slowdown{.what = faults::Slowed::kTask,
                        .target = kFirst,
                        .at = kAtOneSecond,
                        .extra = 400ms,
                        .lasts = 3s}},
      {"{ slow: sink, of: executor:0, by: 10x, for: 3s, at: { time: 1s } }",
       faults::Slowdown{.what = faults::Slowed::kSink,
                        .target = kFirst,
                        .at = kAtOneSecond,
                        .factor = 10,
                        .lasts = 3s}},
      {"{ slow: storage, of: driver, by: 2x, for: 3s, at: { time: 1s } }",
       faults::Slowdown{.what = faults::Slowed::kStorage,
                        .target = kDriver,
                        .at = kAtOneSecond,
                        .factor = 2,
                        .lasts = 3s}},
  };
}

std::vector<Said> troubles_of_kafka() {
  using faults::KafkaTrouble;
  return {
      {"{ kafka: broker-down, for: 3s, at: { time: 1s } }",
       faults::KafkaFault{
           .trouble = KafkaTrouble::kBrokerDown, .target = {}, .at = kAtOneSecond, .lasts = 3s}},
      {"{ kafka: leader-move, partition: 1, for: 3s, at: { time: 1s } }",
       faults::KafkaFault{.trouble = KafkaTrouble::kLeaderMove,
                          .target = {},
                          .partition = 1,
                          .at = kAtOneSecond,
                          .lasts = 3s}},
      {"{ kafka: coordinator-move, for: 3s, at: { time: 1s } }",
       faults::KafkaFault{.trouble = KafkaTrouble::kCoordinatorMove,
                          .target = {},
                          .at = kAtOneSecond,
                          .lasts = 3s}},
      {"{ kafka: request-error, of: executor:0, times: 4, at: { time: 1s } }",
       faults::KafkaFault{.trouble = KafkaTrouble::kRequestError,
                          .target = kFirst,
                          .times = 4,
                          .at = kAtOneSecond}},
      {"{ kafka: truncate, partition: 1, records: 7, at: { time: 1s } }",
       faults::KafkaFault{.trouble = KafkaTrouble::kTruncate,
                          .target = {},
                          .partition = 1,
                          .records = 7,
                          .at = kAtOneSecond}},
      {"{ kafka: retain, partition: 0, records: 7, at: { time: 1s } }",
       faults::KafkaFault{
           .trouble = KafkaTrouble::kRetain, .target = {}, .records = 7, .at = kAtOneSecond}},
  };
}

std::vector<Said> every_disruption() {
  std::vector<Said> all = schedules_and_messages();
  for (const std::vector<Said>& more : {failing_and_slow(), troubles_of_kafka()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

TEST(DisruptionReader, EveryValueOfEveryKindIsRead) {
  for (const Said& said : every_disruption()) {
    const auto loaded = load_text(with_fault(kLogged, said.text), "sample.yaml");
    ASSERT_TRUE(loaded.has_value()) << said.text << ": " << loaded.error().to_string();
    EXPECT_EQ(loaded->front().faults, faults::FaultPlan{said.fault}) << said.text;
  }
}

TEST(DisruptionReader, EveryKindIsAmongThem) {
  for (const std::string_view kind : disruption_kinds()) {
    const auto says_it = [kind](const Said& said) {
      return said.text.starts_with(fmt::format("{{ {}: ", kind));
    };
    EXPECT_TRUE(std::ranges::any_of(every_disruption(), says_it)) << kind;
  }
}

TEST(DisruptionReader, WhatIsWrittenIsReadBackAsItWas) {
  for (const Said& said : every_disruption()) {
    auto documents = parse_yaml(with_fault(kLogged, said.text), "sample.yaml");
    ASSERT_TRUE(documents.has_value());
    set_value(documents->front(), {"faults"}, to_yaml(faults::FaultPlan{said.fault}));
    const auto again = load_text(write_yaml(documents->front()), "sample.yaml");
    ASSERT_TRUE(again.has_value()) << said.text << ": " << again.error().to_string();
    EXPECT_EQ(again->front().faults, faults::FaultPlan{said.fault}) << said.text;
  }
}

// A fault, the column of what is wrong with it, and a part of the sentence.
struct Refusal {
  std::string_view fault;
  int column;
  std::string_view message;
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.fault;
}

void expect_refusal(std::string_view sample, int line, const Refusal& refusal) {
  const auto loaded = load_text(with_fault(sample, refusal.fault), "sample.yaml");
  ASSERT_FALSE(loaded.has_value());
  const Diagnostic& diagnostic = loaded.error();
  EXPECT_EQ(diagnostic.line, line) << diagnostic.to_string();
  EXPECT_EQ(diagnostic.column, refusal.column) << diagnostic.to_string();
  EXPECT_THAT(diagnostic.message, HasSubstr(std::string(refusal.message)));
  EXPECT_EQ(diagnostic.message.find('\n'), std::string::npos);
}

class RefusesForLogged : public testing::TestWithParam<Refusal> {};

TEST_P(RefusesForLogged, TheFaultAtItsPlaceWithItsReason) {
  expect_refusal(kLogged, kLoggedLine, GetParam());
}

constexpr Refusal kKeys[] = {
    {"{ pause: driver, for: 1s }", 5, "pause needs the key \"at\""},
    {"{ pause: driver, at: { time: 1s } }", 5, "pause needs the key \"for\""},
    {"{ pause: driver, for: 1s, fro: 1s, at: { time: 1s } }", 31, "(did you mean \"for\"?)"},
    {"{ pause: driver, restart_after: 1s, at: { time: 1s } }",
     22,
     "key \"restart_after\" is not known in pause; known keys are: pause, for, at"},
    {"{ puase: driver, for: 1s, at: { time: 1s } }", 7, "(did you mean \"pause\"?)"},
    {"{ pause: driver, yield: driver, at: { time: 1s } }",
     5,
     "fault needs exactly one of: crash, partition, pause, drop, delay"},
    {"{ delay: any, at: { time: 1s } }", 5, "delay needs the key \"by\""},
    {"{ drop: any, by: 1s, at: { time: 1s } }", 18, "key \"by\" is not known in drop"},
    {"{ fail: write, at: { time: 1s } }", 5, "fail needs the key \"of\""},
    {"{ disk: full, at: { time: 1s } }", 5, "full needs the key \"for\""},
    {"{ disk: full, for: 1s, file: checkpoint, at: { time: 1s } }",
     34,
     "file does not go with full"},
    {"{ disk: flip-bit, at: { time: 1s } }", 5, "flip-bit needs the key \"file\""},
    {"{ disk: flip-bit, file: checkpoint, for: 1s, at: { time: 1s } }",
     46,
     "for does not go with flip-bit"},
    {"{ kafka: broker-down, at: { time: 1s } }", 5, "broker-down needs the key \"for\""},
    {"{ kafka: leader-move, for: 1s, at: { time: 1s } }",
     5,
     "leader-move needs the key \"partition\""},
    {"{ kafka: request-error, at: { time: 1s } }", 5, "request-error needs the key \"of\""},
    {"{ kafka: truncate, partition: 0, at: { time: 1s } }",
     5,
     "truncate needs the key \"records\""},
    {"{ kafka: retain, partition: 0, records: 1, times: 2, at: { time: 1s } }",
     55,
     "times does not go with retain"},
    {"{ kafka: coordinator-move, for: 1s, of: driver, at: { time: 1s } }",
     45,
     "of does not go with coordinator-move"},
    {"{ clock: driver, at: { time: 1s } }", 5, "clock needs exactly one of: jump, drift"},
    {"{ clock: driver, jump: 1s, drift: 5ppm, at: { time: 1s } }",
     5,
     "clock needs exactly one of: jump, drift"},
    {"{ slow: sink, of: driver, for: 1s, at: { time: 1s } }", 5, "slow needs the key \"by\""},
    {"{ reorder: {} }", 16, "reorder_seed needs the key \"seed\""},
    {"{ yield: driver }", 5, "yield needs the key \"at\""},
};
INSTANTIATE_TEST_SUITE_P(Keys, RefusesForLogged, testing::ValuesIn(kKeys));

constexpr Refusal kValues[] = {
    {"{ pause: cluster, for: 1s, at: { time: 1s } }",
     14,
     "cluster is no process that the network reaches; those are: driver, executor:N, "
     "receiver-executor:N"},
    {"{ pause: executor:2, for: 1s, at: { time: 1s } }",
     14,
     "executor:2 does not exist; the cluster has 2 executors, counted from 0"},
    {"{ pause: driver, for: 0s, at: { time: 1s } }",
     27,
     "pause.for must be from 1ms to 1000h, not 0s"},
    {"{ pause: driver, for: 5, at: { time: 1s } }", 27, "\"5\" has no unit"},
    {"{ pause: receiver-executor:0, for: 1s, at: { step: 3 } }",
     48,
     "this fault names none; say whose step with process: driver or process: executor:N"},
    {"{ pause: driver, for: 1s, at: { time: 121s } }", 43, "the fault would come at 121s"},
    {"{ drop: add_blok, at: { time: 1s } }", 13, "(did you mean \"add_block\"?)"},
    {"{ drop: any, times: 0, at: { time: 1s } }", 25, "drop.times must be from 1 to 1000000"},
    {"{ drop: any, from: receiver:0, at: { time: 1s } }", 24, "receiver:0 is no process"},
    {"{ delay: any, by: 0s, at: { time: 1s } }", 23, "delay.by must be from 1us to 1000h"},
    {"{ delay: any, by: 3x, at: { time: 1s } }", 23, "unknown unit \"x\""},
    {"{ fail: wriet, of: driver, at: { time: 1s } }", 13, "(did you mean \"write\"?)"},
    {"{ fail: rpc, of: driver, at: { time: 1s } }", 22, "the driver asks nobody"},
    {"{ fail: task, of: driver, at: { time: 1s } }", 23, "the driver runs no task"},
    {"{ fail: sink, of: driver, applied: maybe, at: { time: 1s } }", 40, "true or false"},
    {"{ disk: torn, for: 1s, at: { time: 1s } }", 13, "accepted are: full, flip-bit"},
    {"{ disk: flip-bit, file: chekpoint, at: { time: 1s } }", 29, "(did you mean \"checkpoint\"?)"},
    {"{ kafka: leader-moved, at: { time: 1s } }", 14, "(did you mean \"leader-move\"?)"},
    {"{ kafka: rebalance, at: { time: 1s } }",
     14,
     "kafka.kafka \"rebalance\" is not supported by this version, which supports: broker-down"},
    {"{ kafka: leader-move, partition: 2, for: 1s, at: { time: 1s } }",
     38,
     "partition 2 does not exist; the topic has 2 partitions, counted from 0"},
    {"{ kafka: truncate, partition: 0, records: 0, at: { time: 1s } }",
     47,
     "kafka.records must be from 1 to"},
    {"{ clock: driver, jump: soon, at: { time: 1s } }", 28, "clock.jump: \"soon\""},
    {"{ clock: driver, jump: --1s, at: { time: 1s } }", 28, "clock.jump: \"--1s\" is negative"},
    {"{ clock: driver, jump: 0s, at: { time: 1s } }", 28, "jumps by nothing is undisturbed"},
    {"{ clock: driver, drift: 1000000ppm, at: { time: 1s } }",
     29,
     "\"1000000ppm\" is no drift from -999999ppm to 999999ppm"},
    {"{ clock: driver, drift: 0ppm, at: { time: 1s } }", 29, "is no drift"},
    {"{ clock: driver, drift: 5%, at: { time: 1s } }", 29, "is no drift"},
    {"{ slow: driver, of: driver, by: 2x, for: 1s, at: { time: 1s } }",
     13,
     "accepted are: task, sink, storage"},
    {"{ slow: sink, of: driver, by: 1x, for: 1s, at: { time: 1s } }",
     35,
     "slow.by: \"1x\" is no factor from 2x to 1000000x"},
    {"{ slow: sink, of: driver, by: 5s, for: 1s, at: { time: 1s } }", 35, "is no factor"},
    {"{ slow: task, of: executor:0, by: 2x, for: 1s, at: { time: 1s } }", 39, "unknown unit \"x\""},
    {"{ slow: task, of: driver, by: 2s, for: 1s, at: { time: 1s } }",
     23,
     "the driver runs no task"},
    {"{ reorder: { seed: -1 } }", 24, "reorder_seed.seed"},
    {"{ reorder: 5 }", 16, "reorder.reorder must be a mapping, not text"},
    {"{ yield: machine:0, at: { time: 1s } }", 14, "machine:0 is no process"},
    {"{ drop: replicate_block, at: { time: 1s } }",
     13,
     "message replicate_block is never sent: with the write-ahead log blocks are not replicated"},
    {"{ duplicate: update_rate_limit, at: { time: 1s } }",
     18,
     "message update_rate_limit is never sent: backpressure is off"},
    {"{ delay: shuffle_block, by: 1s, at: { time: 1s } }",
     14,
     "message shuffle_block is never sent: no operation shuffles"},
};
INSTANTIATE_TEST_SUITE_P(Values, RefusesForLogged, testing::ValuesIn(kValues));

class RefusesForDirect : public testing::TestWithParam<Refusal> {};

TEST_P(RefusesForDirect, TheFaultAtItsPlaceWithItsReason) {
  expect_refusal(kDirect, kDirectLine, GetParam());
}

constexpr Refusal kOfOthers[] = {
    {"{ pause: receiver-executor:0, for: 1s, at: { time: 1s } }",
     14,
     "a Direct pipeline has no receiver"},
    {"{ drop: add_block, at: { time: 1s } }",
     13,
     "message add_block is never sent: a Direct pipeline has no receiver"},
    {"{ fail: write, of: driver, at: { time: 1s } }",
     24,
     "there is no such file: the checkpoint is disabled"},
    {"{ slow: storage, of: executor:0, by: 2x, for: 1s, at: { time: 1s } }",
     26,
     "there is no such file: the checkpoint is disabled"},
    {"{ disk: full, for: 1s, at: { time: 1s } }",
     13,
     "there is no such file: the checkpoint is disabled"},
};
INSTANTIATE_TEST_SUITE_P(OfOthers, RefusesForDirect, testing::ValuesIn(kOfOthers));

// A Direct stream with a checkpoint has the driver's files and no others.
TEST(DisruptionReader, AFileThatNobodyWritesCannotFail) {
  std::string text(kDirect);
  text.replace(text.find("offsets: kafka"), 14, "offsets: checkpoint");
  text.replace(text.find("enabled: false"), 14, "enabled: true");
  EXPECT_TRUE(load_text(with_fault(text, "{ fail: write, of: driver, at: { time: 1s } }"), "a"));
  expect_refusal(text,
                 kDirectLine,
                 {"{ fail: write, of: executor:0, at: { time: 1s } }",
                  24,
                  "there is no such file: no receiver has a write-ahead log"});
  expect_refusal(text,
                 kDirectLine,
                 {"{ disk: flip-bit, file: driver-log, at: { time: 1s } }",
                  29,
                  "there is no such file: a Direct pipeline has no driver log"});
  expect_refusal(text,
                 kDirectLine,
                 {"{ disk: flip-bit, file: receiver-log, at: { time: 1s } }",
                  29,
                  "there is no such file: no receiver has a write-ahead log"});
  expect_refusal(text,
                 kDirectLine,
                 {"{ kafka: coordinator-move, for: 1s, at: { time: 1s } }",
                  14,
                  "no group commits offsets to Kafka; leader-move interrupts a Direct stream"});
}

TEST(DisruptionReader, WhatOnlyTheModelCanDoIsImpossibleElsewhere) {
  for (const Said& said : every_disruption()) {
    Scenario scenario;
    scenario.name = "sample";
    scenario.path = "sample.yaml";
    scenario.faults = {said.fault};
    const bool takes_records = said.text.find("records") != std::string_view::npos;
    EXPECT_EQ(why_impossible(scenario, scenario.faults, true), "") << said.text;
    const std::string elsewhere = why_impossible(scenario, scenario.faults, false);
    EXPECT_EQ(elsewhere.empty(), !takes_records) << said.text;
    EXPECT_TRUE(!takes_records || elsewhere.find("only --kafka model can do") != std::string::npos)
        << elsewhere;
  }
}

}  // namespace
}  // namespace scenarios
