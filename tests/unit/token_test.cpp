// Replay tokens: T1 (round trip) and T2 (damage).

#include "scenarios/token.h"

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/messages.h"
#include "engine/ports/points.h"

namespace scenarios {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

rc::Gen<std::int32_t> gen_count() {
  return rc::gen::oneOf(rc::gen::inRange(0, 10),
                        rc::gen::inRange(0, std::numeric_limits<std::int32_t>::max()));
}

rc::Gen<engine::Duration> gen_duration() {
  return rc::gen::oneOf(
      rc::gen::map(rc::gen::inRange(0, 100'000),
                   [](int ms) { return engine::Duration(std::chrono::milliseconds(ms)); }),
      rc::gen::map(rc::gen::inRange(std::int64_t{0}, std::int64_t{1} << 50),
                   [](std::int64_t us) { return engine::Duration(us); }));
}

template <class T>
std::optional<T> draw_optional(const rc::Gen<T>& gen) {
  return *rc::gen::arbitrary<bool>() ? std::optional<T>(*gen) : std::nullopt;
}

faults::Trigger draw_trigger() {
  switch (*rc::gen::inRange(0, 3)) {
    case 0: {
      const auto points = static_cast<int>(engine::all_points().size());
      return faults::AtPoint{.point = static_cast<engine::Point>(*rc::gen::inRange(0, points)),
                             .batch = draw_optional(gen_count()),
                             .partition = draw_optional(gen_count()),
                             .occurrence = *gen_count()};
    }
    case 1:
      return faults::AtTime{.since_start = *gen_duration()};
    default:
      return faults::AtStep{
          .process = {static_cast<engine::Role>(*rc::gen::inRange(0, 5)), *gen_count()},
          .step = *rc::gen::arbitrary<std::uint64_t>()};
  }
}

faults::Target draw_target() {
  faults::Target target{.kind = static_cast<faults::TargetKind>(*rc::gen::inRange(0, 6))};
  const bool is_one_of_many =
      target.kind != faults::TargetKind::kDriver && target.kind != faults::TargetKind::kCluster;
  if (is_one_of_many) {
    target.index = *gen_count();
  }
  return target;
}

faults::Partition draw_partition() {
  faults::Partition partition;
  partition.left = draw_target();
  partition.right = draw_target();
  partition.at = draw_trigger();
  partition.lasts = *gen_duration();
  return partition;
}

faults::Crash draw_crash() {
  faults::Crash crash;
  crash.target = draw_target();
  crash.at = draw_trigger();
  crash.restart_after = draw_optional(gen_duration());
  crash.restarts = *rc::gen::arbitrary<bool>();
  crash.redeploy.delete_checkpoint = *rc::gen::arbitrary<bool>();
  crash.redeploy.application_version = draw_optional(gen_count());
  crash.disk = static_cast<sim::DiskOutcome>(*rc::gen::inRange(0, 3));
  return crash;
}

std::optional<faults::Target> draw_optional_target() {
  return *rc::gen::arbitrary<bool>() ? std::optional(draw_target()) : std::nullopt;
}

template <class Enum>
Enum draw_enum(int count) {
  return static_cast<Enum>(*rc::gen::inRange(0, count));
}

faults::MessageFault draw_message_fault() {
  const int messages = static_cast<int>(engine::all_messages().size());
  return {.fate = draw_enum<faults::MessageFate>(3),
          .message = draw_optional(rc::gen::inRange(0, messages)),
          .from = draw_optional_target(),
          .to = draw_optional_target(),
          .at = draw_trigger(),
          .times = *gen_count(),
          .by = *gen_duration()};
}

faults::KafkaFault draw_kafka_fault() {
  return {.trouble = draw_enum<faults::KafkaTrouble>(6),
          .target = draw_target(),
          .partition = *gen_count(),
          .times = *gen_count(),
          .records = *rc::gen::arbitrary<std::int64_t>(),
          .at = draw_trigger(),
          .lasts = *gen_duration()};
}

faults::ClockFault draw_clock_fault() {
  const auto sign = *rc::gen::element(-1, 1);
  return {.target = draw_target(),
          .at = draw_trigger(),
          .jump = *gen_duration() * sign,
          .drift_ppm = *rc::gen::arbitrary<std::int32_t>()};
}

faults::Failure draw_failure() {
  return {.what = draw_enum<faults::Failing>(7),
          .target = draw_target(),
          .at = draw_trigger(),
          .times = *gen_count(),
          .applied = *rc::gen::arbitrary<bool>()};
}

faults::Fault draw_fault() {
  switch (*rc::gen::inRange(0, 11)) {
    case 0:
      return draw_crash();
    case 1:
      return draw_partition();
    case 2:
      return faults::Pause{.target = draw_target(), .at = draw_trigger(), .lasts = *gen_duration()};
    case 3:
      return draw_message_fault();
    case 4:
      return draw_failure();
    case 5:
      return faults::DiskFault{.trouble = draw_enum<faults::DiskTrouble>(2),
                               .file = draw_enum<faults::FileKind>(3),
                               .at = draw_trigger(),
                               .lasts = *gen_duration()};
    case 6:
      return draw_kafka_fault();
    case 7:
      return draw_clock_fault();
    case 8:
      return faults::Slowdown{.what = draw_enum<faults::Slowed>(3),
                              .target = draw_target(),
                              .at = draw_trigger(),
                              .factor = *gen_count(),
                              .extra = *gen_duration(),
                              .lasts = *gen_duration()};
    case 9:
      return faults::Reorder{.seed = *rc::gen::arbitrary<std::uint64_t>(), .at = draw_trigger()};
    default:
      return faults::Yield{.target = draw_target(), .at = draw_trigger()};
  }
}

TokenContent draw_content() {
  TokenContent content;
  content.scenario_hash = *rc::gen::arbitrary<std::uint64_t>();
  content.seed = *rc::gen::arbitrary<std::uint64_t>();
  content.kafka = static_cast<KafkaKind>(*rc::gen::inRange(0, 3));
  const int faults = *rc::gen::inRange(0, 5);
  for (int i = 0; i < faults; ++i) {
    content.faults.push_back(draw_fault());
  }
  return content;
}

faults::Crash crash_of_driver() {
  return {
      .target = {.kind = faults::TargetKind::kDriver},
      .at = faults::AtPoint{.point = engine::Point::kTaskOutputWritten, .batch = 3, .partition = 1},
      .restart_after = 5s,
      .redeploy = {}};
}

TokenContent run_with(faults::Fault fault) {
  return {.scenario_hash = 0x0123'4567'89AB'CDEF,
          .seed = 7,
          .kafka = KafkaKind::kMock,
          .faults = {std::move(fault)}};
}

TokenContent one_crash() {
  return run_with(crash_of_driver());
}

RC_GTEST_PROP(Token, T1EveryRunComesBackFromItsToken, ()) {
  const TokenContent content = draw_content();
  const std::string token = encode_token(content);

  const auto decoded = decode_token(token);

  RC_ASSERT(decoded.has_value());
  RC_ASSERT(*decoded == content);
  RC_ASSERT(token.starts_with("op1-"));
}

// A token in a chat of last year still repeats its run.
TEST(Token, TokensOfTheTimeBeforeReceiversSayWhatTheySaid) {
  const faults::Crash driver = crash_of_driver();
  const faults::Crash executor{.target = {.kind = faults::TargetKind::kExecutor, .index = 1},
                               .at = faults::AtTime{.since_start = 2500ms},
                               .restart_after = {},
                               .restarts = false,
                               .redeploy = {}};
  const faults::Crash cluster{
      .target = {.kind = faults::TargetKind::kCluster},
      .at = faults::AtStep{.process = {engine::Role::kExecutor, 1}, .step = 812},
      .restart_after = {},
      .redeploy = {.delete_checkpoint = true, .application_version = 2}};
  const std::vector<std::pair<std::string, faults::FaultPlan>> golden{
      {"op1-57g2xclhiurqcbahaafrqaybsbhkdxy", {driver}},
      {"op1-57g2xclhiurqcbahaqiadcbh3wfa", {executor}},
      {"op1-57g2xclhiurqcbahbbqaeanmaybmlha", {cluster}},
      {"op1-57g2xclhiurqccqhaafrqaybsbhaieabratqqyacagwamatgb4", {driver, executor, cluster}},
  };
  for (const auto& [token, plan] : golden) {
    const auto decoded = decode_token(token);
    ASSERT_TRUE(decoded.has_value()) << decoded.error();
    EXPECT_EQ(decoded->faults, plan) << token;
    EXPECT_EQ(encode_token(*decoded), token);
  }
}

TEST(Token, ACrashOfAReceiverTakesNoMoreRoomThanOneOfAnExecutor) {
  faults::Crash crash = crash_of_driver();
  crash.target = {.kind = faults::TargetKind::kExecutor, .index = 1};
  const std::size_t size = encode_token(run_with(crash)).size();
  for (const auto kind : {faults::TargetKind::kReceiver,
                          faults::TargetKind::kReceiverExecutor,
                          faults::TargetKind::kMachine}) {
    crash.target.kind = kind;
    EXPECT_EQ(encode_token(run_with(crash)).size(), size);
  }
}

TEST(Token, ARunWithOnePartitionFitsIntoFiftyCharacters) {
  const faults::Partition partition{
      .left = {.kind = faults::TargetKind::kDriver},
      .right = {.kind = faults::TargetKind::kExecutor, .index = 1},
      .at = faults::AtPoint{.point = engine::Point::kTaskStarted, .batch = 3, .partition = 1},
      .lasts = 20s};
  const TokenContent content = run_with(partition);
  const std::string token = encode_token(content);
  EXPECT_EQ(token, "op1-57g2xclhiurqcbahacbqcfqdaeaqdqfyalt6g");
  EXPECT_LE(token.size(), 50U);
  const auto decoded = decode_token(token);
  ASSERT_TRUE(decoded.has_value()) << decoded.error();
  EXPECT_EQ(*decoded, content);
}

TEST(Token, ARunWithOneCrashFitsIntoFortyCharacters) {
  EXPECT_LE(encode_token(one_crash()).size(), 40U);
}

TEST(Token, T2OneChangedCharacterIsAlwaysNoticed) {
  const std::string token = encode_token(one_crash());
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyz0123456789ABCXYZ-_ ")) {
      if (c == token[i]) {
        continue;
      }
      std::string changed = token;
      changed[i] = c;
      EXPECT_FALSE(decode_token(changed).has_value()) << changed;
    }
  }
}

TEST(Token, T2TwoSwappedNeighboursAreAlwaysNoticed) {
  const std::string token = encode_token(one_crash());
  for (std::size_t i = 0; i + 1 < token.size(); ++i) {
    std::string changed = token;
    std::swap(changed[i], changed[i + 1]);
    EXPECT_EQ(decode_token(changed).has_value(), changed == token) << changed;
  }
}

RC_GTEST_PROP(Token, ArbitraryTextIsRefusedWithASentence, ()) {
  const auto text = *rc::gen::string<std::string>();
  for (const std::string& token : {text, "op1-" + text}) {
    const auto decoded = decode_token(token);
    RC_ASSERT(!decoded.has_value());
    RC_ASSERT(decoded.error().size() > 20U);
  }
}

TEST(Token, EachKindOfRefusalSaysWhatIsWrong) {
  const std::string token = encode_token(one_crash());

  EXPECT_THAT(decode_token("hello").error(), HasSubstr("is not a replay token"));
  EXPECT_THAT(decode_token("").error(), HasSubstr("is not a replay token"));
  EXPECT_THAT(decode_token("op2-abcdef").error(), HasSubstr("made by another version"));
  EXPECT_THAT(decode_token("op-abcdef").error(), HasSubstr("is not a replay token"));
  EXPECT_THAT(decode_token("op1-").error(), HasSubstr("is damaged"));
  EXPECT_THAT(decode_token(token.substr(0, token.size() - 1)).error(), HasSubstr("is damaged"));
  EXPECT_THAT(decode_token(token + "a").error(), HasSubstr("is damaged"));
}

}  // namespace
}  // namespace scenarios
