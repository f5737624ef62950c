#include "engine/receiver/block_generator.h"

#include <chrono>
#include <iterator>
#include <utility>

#include "engine/ports/invariant.h"

namespace engine {
namespace {

// A block has the name of the interval that it was cut from (StreamBlockId).
BlockId block_id(StreamId stream, Instant interval_start) {
  return {.stream = stream, .number = milliseconds_of(interval_start)};
}

}  // namespace

BlockGeneratorOptions block_generator_options(const Pipeline& pipeline, StreamId stream) {
  const ReceiverOptions& receiver = pipeline.source.receiver.value();
  return {.stream = stream,
          .block_interval = receiver.block_interval,
          .queue_blocks_max = receiver.queue_blocks_max,
          .stop = pipeline.protocol.generator_stop};
}

BlockGenerator::BlockGenerator(const Ports& ports,
                               BlockGeneratorOptions options,
                               BlockGeneratorListener& listener)
    : ports_(ports),
      options_(options),
      listener_(listener),
      block_sealed_(ports.clock.make_signal()),
      room_made_(ports.clock.make_signal()),
      sealing_ended_(ports.clock.make_signal()),
      pushing_ended_(ports.clock.make_signal()) {
  INVARIANT(options_.block_interval > Duration::zero(), "a block interval of no length");
  INVARIANT(options_.queue_blocks_max > 0, "a queue without room for a block");
}

void BlockGenerator::start() {
  INVARIANT(state_ == State::kInitialized, "a block generator is started once");
  state_ = State::kActive;
  spawn(ports_.executor, seal_periodically());
  spawn(ports_.executor, push_blocks());
}

bool BlockGenerator::add(BlockRecords records) {
  if (state_ != State::kActive) {
    return false;
  }
  ports_.listener.receiver_buffer_changed(std::ssize(records));
  listener_.on_add(records);
  buffer_.insert(buffer_.end(),
                 std::make_move_iterator(records.begin()),
                 std::make_move_iterator(records.end()));
  return true;
}

// The order of BlockGenerator.stop: no more data, then no more blocks, then the last push.
Task<> BlockGenerator::stop() {
  if (state_ != State::kActive) {
    co_return;
  }
  state_ = State::kStoppedAddingData;
  if (options_.stop == GeneratorStop::kDropped) {
    discard_buffer();
  }
  co_await sealing_ended_->wait();
  state_ = State::kStoppedGeneratingBlocks;
  block_sealed_->notify();
  co_await pushing_ended_->wait();
  state_ = State::kStoppedAll;
  discard_unpushed();
}

// A stop lets the tick that is awaited happen, and then one more (RecurringTimer.stop without
// interrupting): what was added before the stop is sealed by the first. A tick that comes late
// still has its own time, which keeps the names of blocks apart.
Task<> BlockGenerator::seal_periodically() {
  Instant tick = next_multiple(ports_.clock.now(), options_.block_interval);
  bool last = false;
  while (!last) {
    last = state_ != State::kActive;
    co_await ports_.clock.sleep_until(tick);
    co_await seal(tick);
    tick += options_.block_interval;
  }
  sealing_ended_->notify();
}

Task<> BlockGenerator::seal(Instant tick) {
  if (buffer_.empty()) {
    co_return;
  }
  SealedBlock block{.id = block_id(options_.stream, tick - options_.block_interval),
                    .records = std::exchange(buffer_, {})};
  listener_.on_generate_block(block.id);
  const PointContext here{};
  co_await ports_.points.reach(Point::kReceiverBlockSealed, here);
  while (std::ssize(queue_) >= options_.queue_blocks_max) {
    co_await room_made_->wait();
  }
  queue_.push_back(std::move(block));
  block_sealed_->notify();
}

Task<> BlockGenerator::push_blocks() {
  while (!push_failed_) {
    co_await wait_for_block();
    if (queue_.empty()) {
      break;
    }
    co_await push_first();
  }
  pushing_ended_->notify();
}

Task<> BlockGenerator::wait_for_block() {
  while (queue_.empty() && state_ != State::kStoppedGeneratingBlocks) {
    co_await block_sealed_->wait();
  }
}

Task<> BlockGenerator::push_first() {
  SealedBlock block = std::move(queue_.front());
  queue_.pop_front();
  room_made_->notify();
  const std::size_t record_count = block.records.size();
  const bool pushed = co_await listener_.on_push_block(block.id, std::move(block.records));
  push_failed_ = !pushed;
  gone(record_count);
}

// What a failed push left behind: nobody will ever push it.
void BlockGenerator::discard_unpushed() {
  INVARIANT(push_failed_ || queue_.empty(), "G4: {} blocks were not pushed", queue_.size());
  INVARIANT(push_failed_ || buffer_.empty(), "G4: {} records were not sealed", buffer_.size());
  for (const SealedBlock& block : queue_) {
    gone(block.records.size());
  }
  queue_.clear();
  discard_buffer();
}

void BlockGenerator::discard_buffer() {
  gone(buffer_.size());
  buffer_.clear();
}

void BlockGenerator::gone(std::size_t record_count) {
  ports_.listener.receiver_buffer_changed(-static_cast<std::int64_t>(record_count));
}

}  // namespace engine
