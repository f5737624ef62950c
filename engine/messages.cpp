#include "engine/messages.h"

#include <array>
#include <type_traits>

#include <xxhash.h>

namespace engine {
namespace {

std::uint64_t hash_words(std::initializer_list<std::int64_t> words) {
  return XXH3_64bits(words.begin(), words.size() * sizeof(std::int64_t));
}

std::uint64_t digest_of(const TaskKey& key, std::int64_t more) {
  return hash_words({key.set,
                     key.batch.at.time_since_epoch().count(),
                     static_cast<std::int64_t>(key.stage),
                     key.partition,
                     key.attempt,
                     more});
}

std::uint64_t digest_of(const RegisterExecutor& message) {
  return hash_words({1, message.cores});
}

std::uint64_t digest_of(const Heartbeat& /*message*/) {
  return 2;
}

std::uint64_t digest_of(const LaunchTask& message) {
  const TaskDescription& task = *message.task;
  return digest_of(task.key, task.range.from.value * 31 + task.range.until.value);
}

std::uint64_t digest_of(const TaskFinished& message) {
  return digest_of(message.key, message.error.value() * 1000 + message.missing_map);
}

std::uint64_t digest_of(const FetchShuffleBlock& message) {
  return hash_words({3,
                     message.request,
                     message.batch.at.time_since_epoch().count(),
                     message.map,
                     message.reduce});
}

std::uint64_t digest_of(const ShuffleBlock& message) {
  const auto count = message.elements ? std::ssize(*message.elements) : 0;
  return hash_words({4, message.request, message.found ? 1 : 0, count});
}

}  // namespace

std::uint64_t digest(const Message& message) {
  return std::visit([](const auto& content) { return digest_of(content); }, message);
}

}  // namespace engine
