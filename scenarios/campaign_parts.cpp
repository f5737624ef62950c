#include "scenarios/campaign_parts.h"

#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "scenarios/token.h"

namespace scenarios {
namespace {

constexpr std::size_t kWordDigits = 16;

std::optional<std::uint64_t> word_of(std::string_view digits) {
  std::uint64_t word = 0;
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, word, 16);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == end;
  return whole ? std::optional(word) : std::nullopt;
}

std::optional<sim::StateHash> hash_of(std::string_view digits) {
  if (digits.size() != 2 * kWordDigits) {
    return std::nullopt;
  }
  const auto high = word_of(digits.substr(0, kWordDigits));
  const auto low = word_of(digits.substr(kWordDigits));
  if (!high || !low) {
    return std::nullopt;
  }
  return sim::StateHash{.high = *high, .low = *low};
}

}  // namespace

reports::CampaignPart to_part(std::int64_t number, const Exploration& found) {
  reports::CampaignPart part{.number = number,
                             .schedules = found.schedules,
                             .of = found.of,
                             .of_is_whole = found.of_is_whole,
                             .nobody_to_hit = found.pruned.nobody_to_hit,
                             .nothing_unsynced = found.pruned.nothing_unsynced,
                             .same_by_rule = found.pruned.same_by_rule,
                             .same_by_hash = found.pruned.same_by_hash,
                             .received = found.received,
                             .processed = found.processed,
                             .output = found.output,
                             .explored = to_string(found.explored),
                             .findings = {}};
  for (const auto& [kind, finding] : found.findings) {
    part.findings.push_back({.kind = kind,
                             .worst = found.worst.at(kind),
                             .count = finding.count,
                             .faults = static_cast<std::int64_t>(finding.plan.size()),
                             .ended_us = finding.ended_at.time_since_epoch().count(),
                             .token = finding.token});
  }
  return part;
}

boost::system::result<Exploration, std::string> to_exploration(const reports::CampaignPart& part) {
  Exploration found;
  found.schedules = part.schedules;
  found.of = part.of;
  found.of_is_whole = part.of_is_whole;
  found.pruned = {.nobody_to_hit = part.nobody_to_hit,
                  .nothing_unsynced = part.nothing_unsynced,
                  .same_by_rule = part.same_by_rule,
                  .same_by_hash = part.same_by_hash};
  found.received = part.received;
  found.processed = part.processed;
  found.output = part.output;
  const auto explored = hash_of(part.explored);
  if (!explored) {
    return fmt::format("\"{}\" is no hash", part.explored);
  }
  found.explored = *explored;
  for (const reports::CampaignFinding& finding : part.findings) {
    const auto content = decode_token(finding.token);
    if (!content) {
      return content.error();
    }
    found.worst[finding.kind] = finding.worst;
    found.findings[finding.kind] = {
        .kind = finding.kind,
        .count = finding.count,
        .plan = content->faults,
        .token = finding.token,
        .ended_at = engine::Instant(engine::Duration(finding.ended_us))};
  }
  return found;
}

}  // namespace scenarios
