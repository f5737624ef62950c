// Replay tokens: T1 (round trip) and T2 (damage).

#include "scenarios/token.h"

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

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

faults::Crash draw_crash() {
  faults::Crash crash;
  crash.target.kind = static_cast<faults::TargetKind>(*rc::gen::inRange(0, 3));
  if (crash.target.kind == faults::TargetKind::kExecutor) {
    crash.target.index = *gen_count();
  }
  crash.at = draw_trigger();
  crash.restart_after = draw_optional(gen_duration());
  crash.restarts = *rc::gen::arbitrary<bool>();
  crash.redeploy.delete_checkpoint = *rc::gen::arbitrary<bool>();
  crash.redeploy.application_version = draw_optional(gen_count());
  return crash;
}

TokenContent draw_content() {
  TokenContent content;
  content.scenario_hash = *rc::gen::arbitrary<std::uint64_t>();
  content.seed = *rc::gen::arbitrary<std::uint64_t>();
  content.kafka = static_cast<KafkaKind>(*rc::gen::inRange(0, 3));
  const int crashes = *rc::gen::inRange(0, 5);
  for (int i = 0; i < crashes; ++i) {
    content.faults.push_back(draw_crash());
  }
  return content;
}

TokenContent one_crash() {
  return {.scenario_hash = 0x0123'4567'89AB'CDEF,
          .seed = 7,
          .kafka = KafkaKind::kMock,
          .faults = {{.target = {.kind = faults::TargetKind::kDriver},
                      .at = faults::AtPoint{.point = engine::Point::kTaskOutputWritten,
                                            .batch = 3,
                                            .partition = 1},
                      .restart_after = 5s,
                      .redeploy = {}}}};
}

RC_GTEST_PROP(Token, T1EveryRunComesBackFromItsToken, ()) {
  const TokenContent content = draw_content();
  const std::string token = encode_token(content);

  const auto decoded = decode_token(token);

  RC_ASSERT(decoded.has_value());
  RC_ASSERT(*decoded == content);
  RC_ASSERT(token.starts_with("op1-"));
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
