// scenarios/token.h
//
// A run in one short word: "op1-" and base32 of scenario hash, seed, Kafka and fault plan. It fits
// a chat line and repeats the run, or says why it does not.
//
// Invariants
//   T1  Round trip.  decode_token(encode_token(c)) is c.
//   T2  Damage.      A token with one character changed, or two neighbours swapped, is refused.
// tests/unit/token_test.cpp checks each by name.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "faults/fault_plan.h"

namespace scenarios {

// Where the run's Kafka is: the in-process model, librdkafka's mock cluster, or a real cluster,
// whose address no token holds.
enum class KafkaKind : std::uint8_t { kModel, kMock, kExternal };

struct TokenContent {
  std::uint64_t scenario_hash = 0;  // Scenario::text_hash
  std::uint64_t seed = 0;
  KafkaKind kafka = KafkaKind::kModel;
  faults::FaultPlan faults;
  bool operator==(const TokenContent&) const = default;
};

std::string encode_token(const TokenContent& content);

// Errors    a sentence: no token, made by another version, or damaged.
boost::system::result<TokenContent, std::string> decode_token(std::string_view token);

}  // namespace scenarios
