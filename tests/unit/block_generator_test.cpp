// tests/unit/block_generator_test.cpp
//
// Cutting records into blocks, by the invariants of engine/receiver/block_generator.h, and the
// hazards that it keeps. One history of adding, failing and stopping per world.

#include "engine/receiver/block_generator.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/receiver/rate_limiter.h"
#include "tests/support/lone_process.h"

namespace {

using engine::BlockGenerator;
using engine::BlockGeneratorOptions;
using engine::BlockId;
using engine::BlockRecords;
using engine::Task;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;
using tests::at_ms;
using tests::LoneProcess;

using Offsets = std::vector<std::int64_t>;

// Takes blocks as slowly and as badly as it is told.
class Pusher final : public engine::BlockGeneratorListener {
 public:
  explicit Pusher(engine::Clock& clock) : clock_(clock) {}

  std::vector<milliseconds> durations{milliseconds(0)};  // of the pushes, the last one for the rest
  std::size_t failing = 1000;                            // which push fails, from 0
  BlockGenerator* stops = nullptr;                       // stopped by every push

  std::vector<BlockId> sealed;
  std::vector<BlockId> pushed;
  std::vector<Offsets> blocks;  // pushed, failed or not
  Offsets added;
  std::size_t queued_max = 0;
  bool pushing = false;
  bool overlapped = false;

  void on_add(const BlockRecords& records) override {
    for (const engine::ConsumerRecord& record : records) {
      added.push_back(record.offset.value);
    }
  }

  void on_generate_block(BlockId block) override { sealed.push_back(block); }

  Task<bool> on_push_block(BlockId block, BlockRecords records) override {
    overlapped = overlapped || std::exchange(pushing, true);
    const std::size_t index = pushed.size();
    pushed.push_back(block);
    Offsets offsets;
    for (const engine::ConsumerRecord& record : records) {
      offsets.push_back(record.offset.value);
    }
    blocks.push_back(std::move(offsets));
    co_await clock_.sleep_until(clock_.now() + durations[std::min(index, durations.size() - 1)]);
    if (stops != nullptr) {
      co_await stops->stop();
    }
    pushing = false;
    co_return index != failing;
  }

 private:
  engine::Clock& clock_;
};

// A generator that cuts every 200 ms, in a world of its own.
struct Generator {
  explicit Generator(std::int32_t queue_blocks_max = 10)
      : ports(world.begin()),
        pusher(world.clock),
        generator(ports,
                  BlockGeneratorOptions{.stream = 3,
                                        .block_interval = milliseconds(200),
                                        .queue_blocks_max = queue_blocks_max},
                  pusher) {
    generator.start();
  }

  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  ~Generator() { world.end(); }

  // Records are numbered from 0.
  bool add(std::int64_t count) {
    BlockRecords records;
    for (std::int64_t i = 0; i < count; ++i) {
      records.emplace_back().offset = {next_++};
    }
    return generator.add(std::move(records));
  }

  void run_for(engine::Duration duration) { world.run_for(duration); }

  void run_until_ms(std::int64_t until) { world.scheduler.run(at_ms(until)); }

  void stop() { engine::spawn(ports.executor, stop_and_tell()); }

  [[nodiscard]] std::int64_t buffered() const { return world.listener.buffered_records; }

  LoneProcess world;
  engine::Ports ports;
  Pusher pusher;
  BlockGenerator generator;
  bool stopped = false;

 private:
  Task<> stop_and_tell() {
    co_await generator.stop();
    stopped = true;
  }

  std::int64_t next_ = 0;
};

BlockId id(std::int64_t number) {
  return {.stream = 3, .number = number};
}

// --- G1 to G4 ----------------------------------------------------------------------------------

TEST(BlockGenerator, WhatArrivesInOneIntervalIsOneBlockWithTheNameOfTheInterval) {
  Generator generator;
  generator.add(2);
  generator.run_until_ms(150);
  generator.add(1);
  generator.run_until_ms(250);
  generator.add(1);
  generator.run_until_ms(1000);
  EXPECT_THAT(generator.pusher.blocks, ElementsAre(Offsets{0, 1, 2}, Offsets{3}));
  EXPECT_THAT(generator.pusher.pushed, ElementsAre(id(0), id(200)));
}

TEST(BlockGenerator, AnIntervalWithoutRecordsMakesNoBlock) {
  Generator generator;
  generator.run_until_ms(10'000);
  EXPECT_THAT(generator.pusher.sealed, IsEmpty());
}

TEST(BlockGenerator, AFullQueueHoldsUpSealingAndNotAdding) {
  Generator generator(1);
  generator.pusher.durations = {milliseconds(10'000)};
  for (std::int64_t at = 100; at < 2000; at += 200) {
    generator.run_until_ms(at);
    EXPECT_TRUE(generator.add(1));
  }
  generator.run_until_ms(2000);
  // One is being pushed, one is queued, one waits for room; the rest is in the buffer.
  EXPECT_THAT(generator.pusher.pushed, SizeIs(1));
  EXPECT_THAT(generator.pusher.sealed, SizeIs(3));
  EXPECT_EQ(generator.buffered(), 10);
}

// The timer that was held up makes up for the ticks that it missed, each with its own time.
TEST(BlockGenerator, BlocksThatAreSealedLateHaveDifferentNames) {
  Generator generator(1);
  generator.pusher.durations = {milliseconds(1500), milliseconds(0)};
  for (std::int64_t at = 100; at < 3000; at += 100) {
    generator.run_until_ms(at);
    generator.add(1);
  }
  generator.run_until_ms(5000);
  const auto& sealed = generator.pusher.sealed;
  EXPECT_TRUE(std::ranges::is_sorted(sealed, std::ranges::less_equal{}));
  EXPECT_EQ(std::ranges::adjacent_find(sealed), sealed.end());
  EXPECT_EQ(generator.pusher.pushed, sealed);
}

TEST(BlockGenerator, StopPushesWhatIsBufferedAndTakesNothingMore) {
  Generator generator;
  generator.pusher.durations = {milliseconds(700)};
  generator.add(1);
  generator.run_until_ms(250);
  generator.add(2);
  generator.stop();
  generator.run_until_ms(260);
  EXPECT_FALSE(generator.add(1));
  EXPECT_FALSE(generator.stopped);
  generator.run_until_ms(5000);
  EXPECT_TRUE(generator.stopped);
  EXPECT_THAT(generator.pusher.blocks, ElementsAre(Offsets{0}, Offsets{1, 2}));
  EXPECT_EQ(generator.buffered(), 0);
}

TEST(BlockGenerator, TakesNothingBeforeItIsStarted) {
  LoneProcess world;
  const engine::Ports ports = world.begin();
  Pusher pusher(world.clock);
  BlockGenerator generator(ports, BlockGeneratorOptions{}, pusher);
  EXPECT_FALSE(generator.add(BlockRecords(1)));
  engine::spawn(ports.executor, generator.stop());
  world.run_for();
  EXPECT_EQ(world.listener.buffered_records, 0);
  world.end();
}

TEST(BlockGenerator, RecordsAreCountedUntilTheirPushIsOver) {
  Generator generator;
  generator.pusher.durations = {milliseconds(500)};
  generator.add(3);
  EXPECT_EQ(generator.buffered(), 3);
  generator.run_until_ms(600);
  EXPECT_EQ(generator.buffered(), 3);
  generator.run_until_ms(800);
  EXPECT_EQ(generator.buffered(), 0);
}

// --- Hazards -----------------------------------------------------------------------------------

TEST(BlockGenerator, TheFirstPushThatFailsIsTheLast) {
  Generator generator;
  generator.pusher.failing = 1;
  for (std::int64_t at = 100; at < 2000; at += 200) {
    generator.run_until_ms(at);
    EXPECT_TRUE(generator.add(1));
  }
  generator.run_until_ms(10'000);
  EXPECT_THAT(generator.pusher.blocks, ElementsAre(Offsets{0}, Offsets{1}));
  EXPECT_EQ(generator.buffered(), 8);
}

TEST(BlockGenerator, AStopAfterAFailedPushGivesUpWhatIsLeft) {
  Generator generator;
  generator.pusher.failing = 0;
  generator.add(1);
  generator.run_until_ms(500);
  generator.add(4);
  generator.stop();
  generator.run_until_ms(2000);
  EXPECT_TRUE(generator.stopped);
  EXPECT_THAT(generator.pusher.blocks, SizeIs(1));
  EXPECT_EQ(generator.buffered(), 0);
}

TEST(BlockGenerator, AStopFromWithinAPushNeverCompletes) {
  Generator generator;
  generator.pusher.stops = &generator.generator;
  generator.add(1);
  generator.run_for(std::chrono::hours(1));
  EXPECT_TRUE(generator.pusher.pushing);
  EXPECT_EQ(generator.buffered(), 1);
}

TEST(BlockGenerator, AStopNeverCompletesWhenSealingWaitsForAPushThatFailed) {
  Generator generator(1);
  generator.pusher.failing = 0;
  for (std::int64_t at = 100; at < 1000; at += 200) {
    generator.run_until_ms(at);
    generator.add(1);
  }
  generator.stop();
  generator.run_for(std::chrono::hours(1));
  EXPECT_FALSE(generator.stopped);
}

// --- Any history -------------------------------------------------------------------------------

struct Addition {
  std::int64_t wait_ms = 0;
  std::int64_t records = 1;
};

struct History {
  std::int32_t queue_blocks_max = 1;
  std::vector<Addition> additions;
  std::vector<std::int64_t> push_ms;
  std::size_t failing = 0;
  std::int64_t stop_after_ms = 0;
};

void showValue(const History& history, std::ostream& out) {
  out << fmt::format("queue of {}, push {} fails, stop after {} ms",
                     history.queue_blocks_max,
                     history.failing,
                     history.stop_after_ms);
  for (const Addition& addition : history.additions) {
    out << fmt::format("; +{} ms {} records", addition.wait_ms, addition.records);
  }
  for (const std::int64_t push : history.push_ms) {
    out << fmt::format("; push {} ms", push);
  }
}

rc::Gen<History> any_history() {
  using rc::gen::inRange;
  const auto addition =
      rc::gen::build<Addition>(rc::gen::set(&Addition::wait_ms, inRange<std::int64_t>(0, 500)),
                               rc::gen::set(&Addition::records, inRange<std::int64_t>(1, 6)));
  return rc::gen::build<History>(
      rc::gen::set(&History::queue_blocks_max, inRange(1, 4)),
      rc::gen::set(&History::additions, rc::gen::container<std::vector<Addition>>(addition)),
      rc::gen::set(&History::push_ms,
                   rc::gen::nonEmpty(rc::gen::container<Offsets>(inRange<std::int64_t>(0, 900)))),
      rc::gen::set(&History::failing,
                   rc::gen::weightedOneOf<std::size_t>(
                       {{1, inRange<std::size_t>(0, 5)}, {1, rc::gen::just<std::size_t>(1000)}})),
      rc::gen::set(&History::stop_after_ms, inRange<std::int64_t>(0, 500)));
}

// G1, G2, G3 and the accounting, at any moment.
void check_always(Generator& generator, std::int32_t queue_blocks_max) {
  const Pusher& pusher = generator.pusher;
  RC_ASSERT(!pusher.overlapped);
  RC_ASSERT(pusher.pushed.size() <= pusher.sealed.size());
  RC_ASSERT(std::ranges::equal(
      pusher.pushed,
      std::vector(pusher.sealed.begin(), pusher.sealed.begin() + std::ssize(pusher.pushed))));
  // One more than fits is sealed and waits for room.
  RC_ASSERT(std::ssize(pusher.sealed) <= std::ssize(pusher.pushed) + queue_blocks_max + 1);
  Offsets left;
  for (const Offsets& block : pusher.blocks) {
    left.insert(left.end(), block.begin(), block.end());
  }
  RC_ASSERT(left.size() <= pusher.added.size());
  RC_ASSERT(std::equal(left.begin(), left.end(), pusher.added.begin()));
}

// G3: all of it is in one block, or none of it was pushed.
bool is_together(const std::vector<Offsets>& blocks, const Offsets& call) {
  const auto has_some = [&call](const Offsets& block) {
    return std::ranges::find_first_of(block, call) != block.end();
  };
  const auto block = std::ranges::find_if(blocks, has_some);
  return block == blocks.end() ||
         std::includes(block->begin(), block->end(), call.begin(), call.end());
}

RC_GTEST_PROP(BlockGeneratorProperty, AnyHistoryKeepsOrderAndLosesNothingButBehindAFailure, ()) {
  const History history = *any_history();
  Generator generator(history.queue_blocks_max);
  Pusher& pusher = generator.pusher;
  pusher.failing = history.failing;
  pusher.durations.clear();
  for (const std::int64_t push : history.push_ms) {
    pusher.durations.emplace_back(push);
  }
  std::vector<Offsets> calls;
  for (const Addition& addition : history.additions) {
    generator.run_for(milliseconds(addition.wait_ms));
    const std::size_t before = pusher.added.size();
    RC_ASSERT(generator.add(addition.records));
    calls.emplace_back(pusher.added.begin() + static_cast<std::ptrdiff_t>(before),
                       pusher.added.end());
    check_always(generator, history.queue_blocks_max);
  }
  generator.run_for(milliseconds(history.stop_after_ms));
  generator.stop();
  generator.run_for(std::chrono::hours(1));
  check_always(generator, history.queue_blocks_max);

  for (const Offsets& call : calls) {
    RC_ASSERT(is_together(pusher.blocks, call));
  }
  const bool failed = pusher.pushed.size() > history.failing;
  RC_CLASSIFY(failed, "a push failed");
  if (!failed) {
    RC_ASSERT(generator.stopped);
    RC_ASSERT(pusher.pushed == pusher.sealed);
    RC_ASSERT(generator.buffered() == 0);
    const auto pushed_count =
        std::accumulate(pusher.blocks.begin(),
                        pusher.blocks.end(),
                        std::size_t{0},
                        [](std::size_t sum, const Offsets& block) { return sum + block.size(); });
    RC_ASSERT(pushed_count == pusher.added.size());
  }
  if (generator.stopped) {
    RC_ASSERT(generator.buffered() == 0);
  }
}

// --- The limiter before the generator ----------------------------------------------------------

TEST(RateLimiter, WithoutALimitEverythingPassesAtOnce) {
  engine::RateLimiter limiter(std::nullopt);
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_EQ(limiter.reserve(at_ms(5)), at_ms(5));
  }
}

TEST(RateLimiter, ARecordDelaysTheNextOneAndNotItself) {
  engine::RateLimiter limiter(10);
  EXPECT_EQ(limiter.reserve(at_ms(0)), at_ms(0));
  EXPECT_EQ(limiter.reserve(at_ms(0)), at_ms(100));
  EXPECT_EQ(limiter.reserve(at_ms(100)), at_ms(200));
}

TEST(RateLimiter, WhoWasIdleCatchesUpOnOneSecondAtMost) {
  engine::RateLimiter limiter(10);
  for (int i = 0; i < 11; ++i) {
    EXPECT_EQ(limiter.reserve(at_ms(60'000)), at_ms(60'000)) << i;
  }
  EXPECT_EQ(limiter.reserve(at_ms(60'000)), at_ms(60'100));
}

TEST(RateLimiter, TheDriversRateHoldsUpToTheMaximum) {
  engine::RateLimiter limiter(100);
  limiter.update(40, at_ms(0));
  EXPECT_EQ(limiter.rate(), 40);
  limiter.update(4000, at_ms(0));
  EXPECT_EQ(limiter.rate(), 100);
  limiter.update(0, at_ms(0));
  EXPECT_EQ(limiter.rate(), 100);
}

TEST(RateLimiter, TheDriversRateLimitsAReceiverThatHasNoMaximum) {
  engine::RateLimiter limiter(std::nullopt);
  EXPECT_EQ(limiter.reserve(at_ms(1000)), at_ms(1000));
  limiter.update(2, at_ms(1000));
  EXPECT_EQ(limiter.reserve(at_ms(1000)), at_ms(1000));
  EXPECT_EQ(limiter.reserve(at_ms(1000)), at_ms(1500));
}

// R1, for stretches that begin with the first record.
RC_GTEST_PROP(RateLimiterProperty, NoMorePassThanTheRateAndOneSecondsWorth, ()) {
  const auto rate = *rc::gen::inRange(1, 5000);
  const auto waits = *rc::gen::container<Offsets>(rc::gen::inRange<std::int64_t>(0, 3000));
  engine::RateLimiter limiter(static_cast<double>(rate));
  engine::Instant now = at_ms(0);
  std::vector<engine::Instant> passed;
  for (const std::int64_t wait : waits) {
    now = std::max(now, limiter.reserve(now)) + milliseconds(wait);
    passed.push_back(now - milliseconds(wait));
  }
  for (std::size_t first = 0; first < passed.size(); ++first) {
    for (std::size_t last = first; last < passed.size(); ++last) {
      const double stretch = std::chrono::duration<double>(passed[last] - passed[first]).count();
      RC_ASSERT(static_cast<double>(last - first) <= rate * (stretch + 1) + 1e-6);
    }
  }
}

}  // namespace
