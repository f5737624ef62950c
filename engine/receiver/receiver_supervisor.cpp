#include "engine/receiver/receiver_supervisor.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "engine/receiver/kafka_consumer.h"
#include "engine/receiver/kafka_receiver.h"
#include "engine/receiver/reliable_kafka_receiver.h"
#include "engine/wal/file_based_write_ahead_log.h"

namespace engine {
namespace {

std::unique_ptr<ReceivedBlockHandler> make_handler(const Ports& ports,
                                                   const Pipeline& pipeline,
                                                   BlockManager& blocks,
                                                   StreamId stream) {
  const ReceiverOptions& receiver = pipeline.source.receiver.value();
  if (!receiver.write_ahead_log) {
    return std::make_unique<BlockManagerBasedBlockHandler>(ports, blocks, receiver.replication);
  }
  INVARIANT(pipeline.checkpoint_enabled, "a data log is kept in the checkpoint directory");
  WalOptions options = wal_options(pipeline, fmt::format("{}/{}", kReceiverLogDirectory, stream));
  return std::make_unique<WriteAheadLogBasedBlockHandler>(
      ports,
      blocks,
      std::make_unique<FileBasedWriteAheadLog>(ports, std::move(options)),
      receiver.block_store_timeout,
      pipeline.protocol);
}

}  // namespace

ReceiverSupervisor::ReceiverSupervisor(const Ports& ports,
                                       const Pipeline& pipeline,
                                       BlockManager& blocks,
                                       TrackerClient& tracker,
                                       StreamId stream)
    : ports_(ports),
      pipeline_(pipeline),
      tracker_(tracker),
      stream_(stream),
      limiter_(pipeline.source.receiver.value().max_rate),
      handler_(make_handler(ports, pipeline, blocks, stream)),
      turn_(ports.clock),
      next_block_(pipeline.protocol.block_numbers == BlockNumbers::kFromZero
                      ? 0
                      : milliseconds_of(ports.clock.now())) {
  if (!pipeline_.source.receiver->reliable) {
    generator_.emplace(ports_,
                       block_generator_options(pipeline_, stream_),
                       static_cast<BlockGeneratorListener&>(*this));
  }
}

Task<> ReceiverSupervisor::run() {
  if (generator_) {
    generator_->start();
  }
  const bool accepted = co_await start_receiver();
  if (!accepted) {
    co_await stop();
  }
}

// The driver's answer is awaited within the turn: a stop that comes meanwhile stops what started.
Task<bool> ReceiverSupervisor::start_receiver() {
  co_await turn_.take();
  const bool accepted = co_await tracker_.register_receiver(stream_);
  if (accepted) {
    INVARIANT(state_ != State::kStarted, "receiver {} is started twice", stream_);
    receivers_.push_back(make_receiver());
    state_ = State::kStarted;
    receivers_.back()->start();
  }
  turn_.give();
  co_return accepted;
}

std::unique_ptr<Receiver> ReceiverSupervisor::make_receiver() {
  if (generator_) {
    return std::make_unique<KafkaReceiver>(ports_, pipeline_, stream_, *generator_, limiter_);
  }
  return std::make_unique<ReliableKafkaReceiver>(
      ports_, pipeline_, stream_, static_cast<ReceiverContext&>(*this), limiter_);
}

Task<> ReceiverSupervisor::stop_receiver() {
  co_await turn_.take();
  if (std::exchange(state_, State::kStopped) == State::kStarted) {
    co_await receivers_.back()->stop();
    tracker_.deregister_receiver(stream_);
  }
  turn_.give();
}

// Neither the default generator nor the log is stopped: what is buffered survives.
Task<> ReceiverSupervisor::restart() {
  if (state_ != State::kStarted || stopping_) {
    co_return;
  }
  forget_positions();
  co_await stop_receiver();
  co_await ports_.clock.sleep_for(pipeline_.source.receiver->restart_delay);
  if (stopping_) {
    co_return;
  }
  const bool accepted = co_await start_receiver();
  if (!accepted) {
    co_await stop();
  }
}

// Until it has found its position again, the receiver may be about to fetch anything.
void ReceiverSupervisor::forget_positions() {
  for (std::int32_t thread = 0; thread < pipeline_.source.receiver->consumer_threads; ++thread) {
    for (const PartitionId partition : partitions_of(pipeline_.source, stream_, thread)) {
      ports_.listener.receiver_position(partition, Offset{});
    }
  }
}

Task<> ReceiverSupervisor::stop() {
  stopping_ = true;
  co_await stop_receiver();
  co_await stop_parts();
  if (!std::exchange(ended_, true)) {
    tracker_.receiver_ended(stream_);
  }
}

Task<> ReceiverSupervisor::stop_parts() {
  const bool log_first = pipeline_.protocol.supervisor_stop == SupervisorStop::kLogFirst;
  if (log_first) {
    co_await stop_log();
  }
  if (generator_) {
    co_await generator_->stop();
  }
  if (!log_first) {
    co_await stop_log();
  }
}

Task<> ReceiverSupervisor::stop_log() {
  const auto stopped = co_await handler_->stop();
  static_cast<void>(stopped);  // What was acknowledged is durable, or was said to be.
}

Task<> ReceiverSupervisor::clean_up_old_blocks(Instant threshold) {
  const auto cleaned = co_await handler_->clean_up_old_blocks(threshold);
  static_cast<void>(cleaned);  // The next life finds the files and cleans them.
}

void ReceiverSupervisor::update_rate_limit(double records_per_second) {
  limiter_.update(records_per_second, ports_.clock.now());
}

// Store, then report: the driver must not allocate a block that may yet fail to be stored. Neither
// step is undone when a later one fails.
Task<Result<>> ReceiverSupervisor::push_and_report_block(SharedRecords records,
                                                         std::optional<BlockId> id) {
  INVARIANT(!records->empty(), "a block without records");
  ReceivedBlockInfo info;
  info.block = id ? *id : next_block_id();
  info.record_count = std::ssize(*records);
  info.ranges = ranges_of(*records);
  auto stored = co_await handler_->store_block(info.block, std::move(records));
  if (!stored) {
    co_return stored.error();
  }
  info.wal = std::move(stored.value());
  if (pipeline_.protocol.offset_commit == OffsetCommit::kBeforeReport) {
    spawn(ports_.executor, report_unheard(std::move(info)));
    co_return Result<>{};
  }
  co_return co_await report(std::move(info));
}

Task<Result<>> ReceiverSupervisor::report(ReceivedBlockInfo info) {
  auto added = co_await tracker_.add_block(std::move(info));
  const bool refused = !added && added.error() == Errc::kRefused;
  if (refused && pipeline_.protocol.refused_block == RefusedBlock::kIgnored) {
    co_return Result<>{};
  }
  co_return added;
}

Task<> ReceiverSupervisor::report_unheard(ReceivedBlockInfo info) {
  const auto added = co_await tracker_.add_block(std::move(info));
  static_cast<void>(added);  // The mistake of OffsetCommit::kBeforeReport.
}

// Seeded with the clock: the next supervisor of the stream begins behind where this one can get.
BlockId ReceiverSupervisor::next_block_id() {
  return {.stream = stream_, .number = next_block_++};
}

Task<Result<>> ReceiverSupervisor::store(SharedRecords records) {
  return push_and_report_block(std::move(records), std::nullopt);
}

void ReceiverSupervisor::restart_later() {
  spawn(ports_.executor, restart());
}

void ReceiverSupervisor::on_add(const BlockRecords& /*records*/) {}

void ReceiverSupervisor::on_generate_block(BlockId /*block*/) {}

Task<bool> ReceiverSupervisor::on_push_block(BlockId block, BlockRecords records) {
  auto shared = std::make_shared<const BlockRecords>(std::move(records));
  const auto pushed = co_await push_and_report_block(std::move(shared), block);
  co_return pushed.has_value();
}

}  // namespace engine
