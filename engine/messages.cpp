#include "engine/messages.h"

#include <array>
#include <type_traits>

#include <xxhash.h>

namespace engine {
namespace {

constexpr std::array kMessages{
    MessageInfo{"register_executor"},
    MessageInfo{"heartbeat"},
    MessageInfo{"launch_task"},
    MessageInfo{"task_finished"},
    MessageInfo{"fetch_shuffle_block", MessageRole::kQuestion},
    MessageInfo{"shuffle_block", MessageRole::kAnswer},
    MessageInfo{"executor_peers"},
    MessageInfo{"replicate_block", MessageRole::kQuestion},
    MessageInfo{"block_replicated", MessageRole::kAnswer},
    MessageInfo{"fetch_block", MessageRole::kQuestion},
    MessageInfo{"block_fetched", MessageRole::kAnswer},
    MessageInfo{"block_stored"},
    MessageInfo{"remove_blocks"},
    MessageInfo{"launch_receiver"},
    MessageInfo{"register_receiver", MessageRole::kQuestion},
    MessageInfo{"receiver_registered", MessageRole::kAnswer},
    MessageInfo{"deregister_receiver"},
    MessageInfo{"receiver_ended"},
    MessageInfo{"add_block", MessageRole::kQuestion},
    MessageInfo{"block_added", MessageRole::kAnswer},
    MessageInfo{"stop_receiver"},
    MessageInfo{"clean_up_old_blocks"},
    MessageInfo{"update_rate_limit"},
};
static_assert(kMessages.size() == std::variant_size_v<Message>);

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

std::int64_t words_of(const OffsetRange& range) {
  return range.from.value * 31 + range.until.value;
}

std::int64_t words_of(const BlockInput& input) {
  return (input.block.number * 31 + input.block.stream) * 31 + std::ssize(input.locations);
}

std::uint64_t digest_of(const RegisterExecutor& message) {
  return hash_words({1, message.cores});
}

std::uint64_t digest_of(const Heartbeat& /*message*/) {
  return 2;
}

std::uint64_t digest_of(const LaunchTask& message) {
  const TaskDescription& task = *message.task;
  return digest_of(task.key,
                   std::visit([](const auto& input) { return words_of(input); }, task.input));
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

// A message about one block.
std::uint64_t hash_block(std::int64_t kind, BlockId block, std::int64_t more = 0) {
  return hash_words({kind, block.stream, block.number, more});
}

std::int64_t count_of(const SharedRecords& records) {
  return records ? std::ssize(*records) : -1;
}

std::uint64_t digest_of(const ExecutorPeers& message) {
  return hash_words({5, std::ssize(message.peers)});
}

std::uint64_t digest_of(const ReplicateBlock& message) {
  return hash_block(6, message.block, count_of(message.records));
}

std::uint64_t digest_of(const BlockReplicated& message) {
  return hash_words({7, message.request, message.stored ? 1 : 0});
}

std::uint64_t digest_of(const FetchBlock& message) {
  return hash_block(8, message.block, message.request);
}

std::uint64_t digest_of(const BlockFetched& message) {
  return hash_words({9, message.request, count_of(message.records)});
}

std::uint64_t digest_of(const BlockStored& message) {
  return hash_block(10, message.block);
}

std::uint64_t digest_of(const RemoveBlocks& message) {
  return hash_words({11, std::ssize(message.blocks)});
}

std::uint64_t digest_of(const LaunchReceiver& message) {
  return hash_words({12, message.stream});
}

std::uint64_t digest_of(const RegisterReceiver& message) {
  return hash_words({13, message.stream});
}

std::uint64_t digest_of(const ReceiverRegistered& message) {
  return hash_words({14, message.stream, message.accepted ? 1 : 0});
}

std::uint64_t digest_of(const DeregisterReceiver& message) {
  return hash_words({15, message.stream});
}

std::uint64_t digest_of(const ReceiverEnded& message) {
  return hash_words({16, message.stream});
}

std::uint64_t digest_of(const AddBlock& message) {
  return hash_block(17, message.info.block, message.info.record_count);
}

std::uint64_t digest_of(const BlockAdded& message) {
  return hash_words({18, message.request, message.added ? 1 : 0});
}

std::uint64_t digest_of(const StopReceiver& message) {
  return hash_words({19, message.stream});
}

std::uint64_t digest_of(const CleanUpOldBlocks& message) {
  return hash_words({20, message.stream, message.threshold.time_since_epoch().count()});
}

std::uint64_t digest_of(const UpdateRateLimit& message) {
  return hash_words({21, message.stream, static_cast<std::int64_t>(message.records_per_second)});
}

}  // namespace

std::int64_t record_count(const TaskInput& input) {
  if (const auto* const range = std::get_if<OffsetRange>(&input)) {
    return range->count();
  }
  return std::get<BlockInput>(input).record_count;
}

std::span<const MessageInfo> all_messages() {
  return kMessages;
}

std::uint64_t digest(const Message& message) {
  return std::visit([](const auto& content) { return digest_of(content); }, message);
}

}  // namespace engine
