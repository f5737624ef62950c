// tests/library/example/orders_test.cpp
//
// What a user's tests look like: a pipeline, a sink, an operation, and a guarantee that no crash at
// any moment may break.

#include <memory>
#include <string>

#include "order_book.h"
#include "split_order.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onceproof/testing.h>
#include <rapidcheck/gtest.h>

namespace {

using onceproof::explore;
using onceproof::Guarantee;
using onceproof::Outcome;
using onceproof::Pipeline;
using orders::DailyClose;
using orders::Journal;
using orders::OrderBook;
using testing::HasSubstr;
using testing::StartsWith;

Pipeline orders_into_book() {
  return Pipeline("orders")
      .with_operation("split_order", std::make_shared<orders::SplitOrder>())
      .with_sink("order_book", [] { return std::make_unique<OrderBook>(); });
}

TEST(Orders, ReachTheBookExactlyOnceWhateverCrashes) {
  EXPECT_TRUE(explore(orders_into_book()).depth(1).delivers(Guarantee::kExactlyOnce));
}

TEST(Orders, ReachTheBookExactlyOnceThroughAReceiverWithALog) {
  const Pipeline pipeline =
      orders_into_book()
          .set("pipeline.source", "{ kind: kafka-receiver, reliable: true, write_ahead_log: true }")
          .set("cluster.cores", 2);
  EXPECT_TRUE(explore(pipeline).delivers(Guarantee::kExactlyOnce));
}

// Behind a shuffle no row is made of a single record: counts need a place per batch and key, and
// the book has one for all of them.
TEST(Orders, CountsByKeyDoNotFitIntoTheBook) {
  const Pipeline pipeline = orders_into_book().set("pipeline.operations", "[ count_by_key ]");
  const Outcome outcome = explore(pipeline).delivers(Guarantee::kExactlyOnce);
  EXPECT_FALSE(outcome);
  EXPECT_THAT(outcome.message(), HasSubstr("wrong"));
}

// The twins: each has one thing wrong, and is convicted by name, schedule and token.
TEST(Orders, AJournalRepeatsWhatACrashRepeats) {
  const Pipeline pipeline =
      Pipeline("orders").with_sink("journal", [] { return std::make_unique<Journal>(); });
  const Outcome outcome = explore(pipeline).delivers(Guarantee::kExactlyOnce);
  EXPECT_FALSE(outcome);
  EXPECT_THAT(outcome.message(), HasSubstr("duplicated"));
  EXPECT_THAT(outcome.message(), HasSubstr("schedule: crash"));
  EXPECT_THAT(outcome.token(), StartsWith("op1-"));

  const Outcome again = explore(pipeline).only(outcome.token()).delivers(Guarantee::kExactlyOnce);
  EXPECT_FALSE(again);
  EXPECT_EQ(again.token(), outcome.token());
  EXPECT_TRUE(explore(pipeline).delivers(Guarantee::kAtLeastOnce));
}

TEST(Orders, ADailyCloseTurnsLateRecordsAway) {
  const Pipeline pipeline =
      Pipeline("orders").with_sink("daily_close", [] { return std::make_unique<DailyClose>(); });
  const Outcome outcome = explore(pipeline).delivers(Guarantee::kExactlyOnce);
  EXPECT_FALSE(outcome);
  EXPECT_THAT(outcome.message(), HasSubstr("lost"));
}

TEST(Orders, ATokenOfOtherCodeIsNotReplayed) {
  const Pipeline journal =
      Pipeline("orders").with_sink("journal", [] { return std::make_unique<Journal>(); });
  const std::string token = explore(journal).delivers(Guarantee::kExactlyOnce).token();
  const Outcome outcome = explore(orders_into_book()).only(token).delivers(Guarantee::kExactlyOnce);
  EXPECT_FALSE(outcome);
  EXPECT_THAT(outcome.message(), HasSubstr("made from another text, other user code"));
}

RC_GTEST_PROP(OrdersProperty, ReachTheBookExactlyOnceWhateverTheirNumber, ()) {
  const auto partitions = *rc::gen::inRange(1, 4).as("partitions");
  const auto records = *rc::gen::inRange(3, 20).as("records");
  Pipeline pipeline = orders_into_book();
  pipeline.set("topic.partitions", partitions).set("workload.records", records);
  RC_ASSERT(explore(pipeline).delivers(Guarantee::kExactlyOnce));
}

// The property's twin: RapidCheck has to find the journal guilty, too.
TEST(OrdersProperty, IsRefutedByAJournal) {
  const auto result = rc::detail::checkTestable([] {
    const auto records = *rc::gen::inRange(3, 20).as("records");
    Pipeline pipeline =
        Pipeline("orders").with_sink("journal", [] { return std::make_unique<Journal>(); });
    pipeline.set("workload.records", records);
    RC_ASSERT(explore(pipeline).delivers(Guarantee::kExactlyOnce));
  });
  ASSERT_TRUE(result.is<rc::detail::FailureResult>());
  EXPECT_THAT(result.get<rc::detail::FailureResult>().description, HasSubstr("duplicated"));
}

}  // namespace
