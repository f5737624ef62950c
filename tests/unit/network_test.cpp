#include "sim/network.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ports/task.h"

namespace {

using engine::Duration;
using engine::Instant;
using engine::Task;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::SizeIs;
using testing::UnorderedElementsAre;

struct Note {
  std::int32_t number = 0;
};

std::uint64_t digest(const Note& note) {
  return static_cast<std::uint64_t>(note.number);
}

constexpr engine::ProcessId kDriver{.role = engine::Role::kDriver};
constexpr engine::ProcessId kFirst{.role = engine::Role::kExecutor, .index = 0};
constexpr engine::ProcessId kSecond{.role = engine::Role::kExecutor, .index = 1};

struct Arrival {
  std::string what;
  Instant at;
};

std::string describe(const engine::Envelope<Note>& envelope) {
  const auto* note = std::get_if<Note>(&envelope.content);
  return fmt::format("{} of {}/{}",
                     note != nullptr ? std::to_string(note->number) : "end",
                     engine::to_string(envelope.from.process),
                     envelope.from.incarnation);
}

Task<> hear_once(engine::Endpoint<Note>* endpoint, std::string* heard) {
  const engine::Envelope<Note> envelope = co_await endpoint->receive();
  *heard = describe(envelope);
}

// A process that writes down what it hears.
struct Host {
  Host(sim::Scheduler& scheduler,
       sim::Trace& trace,
       sim::Network<Note>& network,
       engine::ProcessId id)
      : process(scheduler, trace, nullptr, id), endpoint(network.attach(process)) {
    start();
  }

  void start() {
    process.begin_life();
    engine::spawn(process.executor(), listen(this));
  }

  void restart() {
    process.end_life();
    start();
  }

  static Task<> listen(Host* host) {
    while (true) {
      const engine::Envelope<Note> envelope = co_await host->endpoint.receive();
      host->heard.push_back({.what = describe(envelope), .at = host->process.now()});
    }
  }

  [[nodiscard]] std::vector<std::string> what() const {
    std::vector<std::string> all;
    for (const Arrival& arrival : heard) {
      all.push_back(arrival.what);
    }
    return all;
  }

  sim::Process process;
  engine::Endpoint<Note>& endpoint;
  std::vector<Arrival> heard;
};

class NetworkTest : public testing::Test {
 protected:
  void at(Duration since_start, std::function<void()> action) {
    scheduler.call_at(Instant(since_start), std::move(action));
  }

  void send(Host& from, const Host& to, std::int32_t number) {
    from.endpoint.send(to.process.address(), Note{number});
  }

  // What becomes of messages, if one says only that.
  struct Fate {
    bool lost = false;
    bool twice = false;
    Duration late{0};
  };

  static sim::Interception<Note> between(engine::ProcessId from,
                                         engine::ProcessId to,
                                         std::int32_t times,
                                         Fate fate) {
    return {.from = from,
            .to = to,
            .matches = [](const Note&) { return true; },
            .times = times,
            .lost = fate.lost,
            .twice = fate.twice,
            .late = fate.late,
            .met = {}};
  }

  void run() { scheduler.run(Instant(std::chrono::seconds(10))); }

  [[nodiscard]] std::int64_t traced(sim::Operation operation) const {
    return std::ranges::count(trace.steps(), operation, &sim::TraceStep::operation);
  }

  sim::Scheduler scheduler;
  sim::Trace trace{sim::Trace::Recording::kSteps};
  sim::Network<Note> network{scheduler, /*seed=*/7};
  Host driver{scheduler, trace, network, kDriver};
  Host first{scheduler, trace, network, kFirst};
  Host second{scheduler, trace, network, kSecond};
};

TEST_F(NetworkTest, AMessageArrivesAfterTheLatencyOfItsLink) {
  send(driver, first, 1);
  run();
  ASSERT_THAT(first.what(), ElementsAre("1 of driver/1"));
  EXPECT_GE(first.heard[0].at, Instant(microseconds(500)));
  EXPECT_LE(first.heard[0].at, Instant(microseconds(750)));
  EXPECT_THAT(driver.what(), IsEmpty());
  EXPECT_THAT(second.what(), IsEmpty());
}

TEST_F(NetworkTest, LatenciesDiffer) {
  for (std::int32_t number = 0; number < 20; ++number) {
    at(milliseconds(number), [this, number] { send(driver, first, number); });
  }
  run();
  std::set<Duration> latencies;
  for (std::int32_t number = 0; number < 20; ++number) {
    latencies.insert(first.heard[static_cast<std::size_t>(number)].at -
                     Instant(milliseconds(number)));
  }
  EXPECT_GT(latencies.size(), 10U);
}

TEST_F(NetworkTest, MessagesOfOneSenderArriveInOrder) {
  network.configure(
      kDriver, kFirst, {.latency_min = microseconds(1), .latency_max = milliseconds(5)});
  std::vector<std::string> expected;
  for (std::int32_t number = 0; number < 200; ++number) {
    at(microseconds(number), [this, number] { send(driver, first, number); });
    expected.push_back(fmt::format("{} of driver/1", number));
  }
  run();
  EXPECT_EQ(first.what(), expected);
}

// What happened before a life begins moves nothing in it: not even its luck.
TEST_F(NetworkTest, TheLatenciesOfALifeDoNotDependOnEarlierLives) {
  const auto latency_of_second_life = [](std::int32_t messages_of_first_life) {
    sim::Scheduler time;
    sim::Trace steps;
    sim::Network<Note> wire(time, /*seed=*/7);
    Host sender(time, steps, wire, kDriver);
    Host receiver(time, steps, wire, kFirst);
    for (std::int32_t number = 0; number < messages_of_first_life; ++number) {
      sender.endpoint.send(receiver.process.address(), Note{number});
    }
    time.run(Instant(milliseconds(10)));
    sender.restart();
    time.call_at(Instant(milliseconds(20)), [&sender, &receiver] {
      sender.endpoint.send(receiver.process.address(), Note{100});
    });
    time.run(Instant(milliseconds(30)));
    return receiver.heard.back().at;
  };
  EXPECT_EQ(latency_of_second_life(0), latency_of_second_life(1));
  EXPECT_EQ(latency_of_second_life(0), latency_of_second_life(5));
}

TEST_F(NetworkTest, MessagesOfOneSenderArriveInOrderWhereReadyOperationsAreShuffled) {
  sim::RandomStream order(11);
  scheduler.set_ready_order(sim::ReadyOrder::kSeeded, &order);
  std::vector<std::string> expected;
  for (std::int32_t number = 0; number < 50; ++number) {
    send(driver, first, number);
    expected.push_back(fmt::format("{} of driver/1", number));
  }
  run();
  EXPECT_EQ(first.what(), expected);
}

TEST_F(NetworkTest, TheTwoDirectionsOfALinkDoNotWaitForEachOther) {
  network.configure(
      kDriver, kFirst, {.latency_min = milliseconds(1), .latency_max = milliseconds(1)});
  send(driver, first, 1);
  send(first, driver, 2);
  run();
  ASSERT_THAT(first.heard, SizeIs(1));
  ASSERT_THAT(driver.heard, SizeIs(1));
  EXPECT_EQ(first.heard[0].at, Instant(milliseconds(1)));
  EXPECT_EQ(driver.heard[0].at, Instant(milliseconds(1)));
}

// The counter-example: between different senders there is no order to keep.
TEST_F(NetworkTest, MessagesOfTwoSendersMayOvertakeEachOther) {
  network.configure(
      kFirst, kDriver, {.latency_min = milliseconds(5), .latency_max = milliseconds(5)});
  send(first, driver, 1);
  send(second, driver, 2);
  run();
  EXPECT_THAT(driver.what(), ElementsAre("2 of executor:1/1", "1 of executor:0/1"));
}

TEST_F(NetworkTest, AMessageToALifeThatEndedBeforeItArrivesReachesNobody) {
  send(driver, first, 1);
  at(microseconds(100), [this] { first.restart(); });
  run();
  EXPECT_THAT(first.what(), IsEmpty());
  EXPECT_EQ(traced(sim::Operation::kMessageLost), 1);
}

TEST_F(NetworkTest, AMessageToAnEarlierLifeReachesNobody) {
  const engine::Address earlier = first.process.address();
  first.restart();
  driver.endpoint.send(earlier, Note{1});
  send(driver, first, 2);
  run();
  EXPECT_THAT(first.what(), ElementsAre("2 of driver/1"));
}

TEST_F(NetworkTest, AMessageToAnEarlierLifeConnectsNobody) {
  const engine::Address earlier = first.process.address();
  first.restart();
  driver.endpoint.send(earlier, Note{1});
  at(milliseconds(5), [this] { driver.process.end_life(); });
  run();
  EXPECT_THAT(first.what(), IsEmpty());
}

TEST_F(NetworkTest, AMessageOutlivesItsSender) {
  send(driver, first, 1);
  at(microseconds(1), [this] { driver.process.end_life(); });
  run();
  EXPECT_THAT(first.what(), ElementsAre("1 of driver/1", "end of driver/1"));
}

TEST_F(NetworkTest, WhatWaitedInTheMailboxDiesWithTheLife) {
  sim::Process deaf(scheduler, trace, nullptr, {.role = engine::Role::kReceiver});
  auto& endpoint = network.attach(deaf);
  deaf.begin_life();
  driver.endpoint.send(endpoint.self(), Note{1});
  run();
  deaf.end_life();
  deaf.begin_life();
  driver.endpoint.send(endpoint.self(), Note{2});
  std::string heard;
  engine::spawn(deaf.executor(), hear_once(&endpoint, &heard));
  run();
  EXPECT_EQ(heard, "2 of driver/1");
}

TEST_F(NetworkTest, EachSideOfAConnectionHearsOfTheEndOfTheOther) {
  send(driver, first, 1);
  at(milliseconds(5), [this] { driver.process.end_life(); });
  run();
  ASSERT_THAT(first.what(), ElementsAre("1 of driver/1", "end of driver/1"));
  EXPECT_GE(first.heard[1].at, Instant(milliseconds(5) + microseconds(500)));
  EXPECT_LE(first.heard[1].at, Instant(milliseconds(5) + microseconds(750)));
}

TEST_F(NetworkTest, TheReceiverOfTheFirstMessageIsDisconnectedToo) {
  send(driver, first, 1);
  at(milliseconds(5), [this] { first.process.end_life(); });
  run();
  EXPECT_THAT(driver.what(), ElementsAre("end of executor:0/1"));
}

TEST_F(NetworkTest, WhoNeverSpokeHearsNothing) {
  send(driver, first, 1);
  at(milliseconds(5), [this] { driver.process.end_life(); });
  run();
  EXPECT_THAT(second.what(), IsEmpty());
}

TEST_F(NetworkTest, ALifeThatNobodySpokeToSinceIsNotAnnounced) {
  send(driver, first, 1);
  at(milliseconds(5), [this] { first.restart(); });
  at(milliseconds(9), [this] { first.restart(); });
  run();
  EXPECT_THAT(driver.what(), ElementsAre("end of executor:0/1"));
}

TEST_F(NetworkTest, AnEndAnnouncedToALifeThatEndedMeanwhileReachesNobody) {
  send(driver, first, 1);
  at(milliseconds(5), [this] {
    driver.process.end_life();
    first.restart();
  });
  run();
  EXPECT_THAT(first.what(), ElementsAre("1 of driver/1"));
}

TEST_F(NetworkTest, ACutLinkIsSilentEvenAboutDeath) {
  send(driver, first, 1);
  send(driver, second, 2);
  at(milliseconds(4), [this] { network.partition(kDriver, kFirst); });
  at(milliseconds(5), [this] { send(first, driver, 3); });
  at(milliseconds(6), [this] { driver.process.end_life(); });
  at(milliseconds(9), [this] { network.heal(kDriver, kFirst); });
  run();
  EXPECT_THAT(first.what(), ElementsAre("1 of driver/1"));
  EXPECT_THAT(second.what(), ElementsAre("2 of driver/1", "end of driver/1"));
  EXPECT_THAT(driver.what(), IsEmpty());
}

TEST_F(NetworkTest, ADeathBehindACutIsNotAnnouncedByAHealingSoonAfter) {
  send(driver, first, 1);
  at(milliseconds(4), [this] {
    network.partition(kDriver, kFirst);
    driver.process.end_life();
    network.heal(kDriver, kFirst);
  });
  run();
  EXPECT_THAT(first.what(), ElementsAre("1 of driver/1"));
}

TEST_F(NetworkTest, ACutLeavesEveryOtherLinkAlone) {
  network.partition(kDriver, kSecond);
  send(driver, first, 1);
  send(first, second, 2);
  send(second, first, 3);
  send(second, second, 4);
  send(second, driver, 5);
  run();
  EXPECT_THAT(first.what(), UnorderedElementsAre("1 of driver/1", "3 of executor:1/1"));
  EXPECT_THAT(second.what(), UnorderedElementsAre("2 of executor:0/1", "4 of executor:1/1"));
  EXPECT_THAT(driver.what(), IsEmpty());
}

TEST_F(NetworkTest, ACutSwallowsWhatIsUnderWay) {
  send(driver, first, 1);
  at(microseconds(100), [this] { network.partition(kDriver, kFirst); });
  run();
  EXPECT_THAT(first.what(), IsEmpty());
}

TEST_F(NetworkTest, AHealedLinkCarriesAgain) {
  network.partition(kFirst, kDriver);
  send(driver, first, 1);
  at(milliseconds(5), [this] {
    network.heal(kDriver, kFirst);
    send(driver, first, 2);
  });
  run();
  EXPECT_THAT(first.what(), ElementsAre("2 of driver/1"));
}

TEST_F(NetworkTest, ALinkCutTwiceIsHealedTwice) {
  network.partition(kFirst, kDriver);
  network.partition(kDriver, kFirst);
  at(milliseconds(5), [this] {
    network.heal(kDriver, kFirst);
    send(driver, first, 1);
  });
  at(milliseconds(10), [this] {
    network.heal(kDriver, kFirst);
    send(driver, first, 2);
  });
  run();
  EXPECT_THAT(first.what(), ElementsAre("2 of driver/1"));
}

TEST_F(NetworkTest, AMachineThatStopsTellsNobody) {
  send(driver, first, 1);
  network.silence_next_end(kDriver);
  at(milliseconds(5), [this] { driver.restart(); });
  at(milliseconds(6), [this] { send(driver, first, 2); });
  at(milliseconds(9), [this] { driver.restart(); });
  run();
  EXPECT_THAT(first.what(), ElementsAre("1 of driver/1", "2 of driver/2", "end of driver/2"));
}

TEST_F(NetworkTest, WhoSendsToALifeThatHasEndedIsRefused) {
  const engine::Address earlier = first.process.address();
  first.restart();
  driver.endpoint.send(earlier, Note{1});
  run();
  EXPECT_THAT(driver.what(), ElementsAre("end of executor:0/1"));
  EXPECT_GE(driver.heard[0].at, Instant(milliseconds(1)));  // there and back
}

TEST_F(NetworkTest, WhoSendsToAProcessThatIsDownIsRefused) {
  first.process.end_life();
  send(driver, first, 1);
  run();
  EXPECT_THAT(driver.what(), ElementsAre("end of executor:0/1"));
}

TEST_F(NetworkTest, AnEndThatIsAnnouncedIsNotARefusalToo) {
  send(driver, first, 1);
  at(microseconds(100), [this] { first.process.end_life(); });
  run();
  EXPECT_THAT(driver.what(), ElementsAre("end of executor:0/1"));
}

TEST_F(NetworkTest, AMachineThatStoppedRefusesNobody) {
  network.silence_next_end(kFirst);
  first.process.end_life();
  send(driver, first, 1);
  run();
  EXPECT_THAT(driver.what(), IsEmpty());
}

TEST_F(NetworkTest, ARefusalDoesNotCrossACutLink) {
  first.process.end_life();
  send(driver, first, 1);
  at(microseconds(1), [this] { network.partition(kDriver, kFirst); });
  run();
  EXPECT_THAT(driver.what(), IsEmpty());
}

TEST_F(NetworkTest, ALossyLinkLosesSomeAndKeepsTheOrderOfTheRest) {
  network.configure(kDriver, kFirst, {.loss = 0.5});
  for (std::int32_t number = 100; number < 300; ++number) {
    send(driver, first, number);
  }
  run();
  EXPECT_GT(first.heard.size(), 50U);
  EXPECT_LT(first.heard.size(), 150U);
  EXPECT_TRUE(std::ranges::is_sorted(first.what()));
  EXPECT_EQ(traced(sim::Operation::kMessageLost) + traced(sim::Operation::kMessageReceived), 200);
}

TEST_F(NetworkTest, ALinkThatLosesEverythingDeliversNothing) {
  network.configure(kDriver, kFirst, {.loss = 1});
  send(driver, first, 1);
  run();
  EXPECT_THAT(first.what(), IsEmpty());
}

TEST_F(NetworkTest, ADuplicatedMessageArrivesTwice) {
  network.configure(kDriver, kFirst, {.duplication = 1});
  send(driver, first, 1);
  run();
  EXPECT_THAT(first.what(), ElementsAre("1 of driver/1", "1 of driver/1"));
}

// N5.
TEST_F(NetworkTest, AnInterceptionMeetsAsManyMessagesAsItSays) {
  network.intercept(between(kDriver, kFirst, 2, {.lost = true}));
  for (std::int32_t number = 1; number <= 4; ++number) {
    send(driver, first, number);
    send(driver, second, number);
    send(second, first, number + 10);
  }
  run();
  EXPECT_THAT(first.what(), IsSupersetOf({"3 of driver/1", "4 of driver/1", "11 of executor:1/1"}));
  EXPECT_THAT(first.what(), SizeIs(6));
  EXPECT_THAT(second.what(), SizeIs(4));
}

TEST_F(NetworkTest, AnInterceptionMeetsOnlyWhatItMatches) {
  auto odd = between(kDriver, kFirst, 1, {.lost = true});
  odd.matches = [](const Note& note) { return note.number % 2 == 1; };
  network.intercept(odd);
  for (const std::int32_t number : {2, 3, 4, 5}) {
    send(driver, first, number);
  }
  run();
  EXPECT_THAT(first.what(), ElementsAre("2 of driver/1", "4 of driver/1", "5 of driver/1"));
}

TEST_F(NetworkTest, AMessageThatIsLateHoldsUpWhatFollowsOnItsLink) {
  network.intercept(between(kDriver, kFirst, 1, {.late = milliseconds(300)}));
  send(driver, first, 1);
  send(driver, first, 2);
  send(driver, second, 3);
  send(first, driver, 4);
  run();
  EXPECT_THAT(first.what(), ElementsAre("1 of driver/1", "2 of driver/1"));
  EXPECT_GE(first.heard[0].at, Instant(milliseconds(300)));
  EXPECT_LT(second.heard.at(0).at, Instant(milliseconds(1)));
  EXPECT_LT(driver.heard.at(0).at, Instant(milliseconds(1)));
}

TEST_F(NetworkTest, AMessageThatIsRepeatedArrivesTwiceAndTheNextOnce) {
  network.intercept(between(kDriver, kFirst, 1, {.twice = true}));
  send(driver, first, 1);
  send(driver, first, 2);
  run();
  EXPECT_THAT(first.what(), ElementsAre("1 of driver/1", "1 of driver/1", "2 of driver/1"));
}

TEST_F(NetworkTest, WhatACutSwallowsIsNotIntercepted) {
  network.intercept(between(kDriver, kFirst, 1, {.lost = true}));
  network.partition(kDriver, kFirst);
  send(driver, first, 1);
  network.heal(kDriver, kFirst);
  send(driver, first, 2);
  send(driver, first, 3);
  run();
  EXPECT_THAT(first.what(), ElementsAre("3 of driver/1"));
}

TEST_F(NetworkTest, WhatWaitsForAPausedProcessArrivesWhenItIsResumed) {
  first.process.pause();
  send(driver, first, 1);
  send(second, first, 2);
  at(milliseconds(50), [this] { first.process.resume(); });
  run();
  EXPECT_THAT(first.what(), UnorderedElementsAre("1 of driver/1", "2 of executor:1/1"));
  EXPECT_EQ(first.heard[0].at, Instant(milliseconds(50)));
}

TEST_F(NetworkTest, SendingIsTracedAndIsNoEffectBoundary) {
  send(driver, first, 1);
  run();
  EXPECT_EQ(traced(sim::Operation::kMessageSent), 1);
  EXPECT_EQ(traced(sim::Operation::kMessageReceived), 1);
  EXPECT_EQ(driver.process.steps(), 0U);
  EXPECT_EQ(first.process.steps(), 0U);
}

TEST_F(NetworkTest, TheContentOfAMessageEntersTheTrace) {
  send(driver, first, 1);
  send(driver, first, 2);
  run();
  std::vector<std::uint64_t> sent;
  for (const sim::TraceStep& step : trace.steps()) {
    if (step.operation == sim::Operation::kMessageSent) {
      sent.push_back(step.digest);
    }
  }
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_NE(sent[0], sent[1]);
}

TEST_F(NetworkTest, AProcessMaySpeakToItself) {
  send(driver, driver, 1);
  run();
  EXPECT_THAT(driver.what(), ElementsAre("1 of driver/1"));
  driver.restart();
  run();
  EXPECT_THAT(driver.what(), ElementsAre("1 of driver/1"));
  EXPECT_EQ(traced(sim::Operation::kMessageLost), 0);
}

TEST_F(NetworkTest, NothingIsUnderWayWhenTheWorldIsIdle) {
  for (std::int32_t number = 0; number < 10; ++number) {
    send(driver, first, number);
  }
  EXPECT_EQ(network.under_way_count(), 10U);
  run();
  EXPECT_EQ(network.under_way_count(), 0U);
}

TEST_F(NetworkTest, AMessageToAProcessWithoutEndpointIsAMistake) {
  const engine::Address nobody{.process = {.role = engine::Role::kProducer}, .incarnation = 1};
  EXPECT_THROW(driver.endpoint.send(nobody, Note{1}), engine::InvariantViolation);
}

// --- N6 ----------------------------------------------------------------------------------------

// Writes down what it is told: "1 driver/1>executor:0/1 arrived".
class Witness final : public sim::MessageObserver<Note> {
 public:
  std::size_t sent(const Sent& what) override {
    const std::string content =
        what.message == nullptr ? "end" : std::to_string(what.message->number);
    lines.push_back(fmt::format("{}{} {}/{}>{}/{}",
                                content,
                                what.again ? " again" : "",
                                engine::to_string(what.from.process),
                                what.from.incarnation,
                                engine::to_string(what.to.process),
                                what.to.incarnation));
    return lines.size() - 1;
  }

  void ended(std::size_t number, sim::MessageEnd how) override {
    constexpr std::array<const char*, 4> kNames{" arrived", " lost", " cut", " nobody"};
    lines.at(number) += kNames.at(static_cast<std::size_t>(how));
  }

  std::vector<std::string> lines;
};

class ObservedNetworkTest : public NetworkTest {
 protected:
  ObservedNetworkTest() { network.observe(witness); }

  Witness witness;
};

TEST_F(ObservedNetworkTest, ObservedIsWhatBecomesOfEachMessage) {
  network.intercept(between(kDriver, kFirst, 1, {.lost = true}));
  send(driver, first, 1);
  send(driver, first, 2);
  send(driver, second, 3);
  at(milliseconds(2), [this] { network.partition(kDriver, kSecond); });
  at(milliseconds(3), [this] { send(driver, second, 4); });
  at(milliseconds(4), [this] {
    send(driver, first, 5);
    first.process.end_life();
  });
  run();
  EXPECT_THAT(witness.lines,
              ElementsAre("1 driver/1>executor:0/1 lost",
                          "2 driver/1>executor:0/1 arrived",
                          "3 driver/1>executor:1/1 arrived",
                          "4 driver/1>executor:1/1 cut",
                          "5 driver/1>executor:0/1 nobody",
                          "end executor:0/1>driver/1 arrived"));
}

TEST_F(ObservedNetworkTest, ObservedIsASecondCopyAndWhatIsStillUnderWay) {
  network.intercept(between(kDriver, kFirst, 1, {.twice = true}));
  send(driver, first, 1);
  at(milliseconds(5), [this] {
    send(driver, first, 2);
    scheduler.stop();
  });
  run();
  EXPECT_THAT(witness.lines,
              ElementsAre("1 driver/1>executor:0/1 arrived",
                          "1 again driver/1>executor:0/1 arrived",
                          "2 driver/1>executor:0/1"));
}

TEST_F(ObservedNetworkTest, ObservedOrNotARunIsTheSame) {
  const auto hash_of_a_run = [](sim::MessageObserver<Note>* observer) {
    sim::Scheduler time;
    sim::Trace steps;
    sim::Network<Note> wire(time, /*seed=*/7, {.loss = 0.3, .duplication = 0.3});
    if (observer != nullptr) {
      wire.observe(*observer);
    }
    Host sender(time, steps, wire, kDriver);
    Host receiver(time, steps, wire, kFirst);
    for (std::int32_t number = 0; number < 100; ++number) {
      sender.endpoint.send(receiver.process.address(), Note{number});
    }
    time.run(Instant(milliseconds(10)));
    return steps.hash();
  };
  EXPECT_EQ(hash_of_a_run(nullptr), hash_of_a_run(&witness));
  EXPECT_GT(witness.lines.size(), 50U);
}

}  // namespace
