// engine/receiver/reliable_kafka_receiver.h
//
// The receiver that commits offsets when the block that holds them is stored and the driver knows
// of it (Spark: ReliableKafkaReceiver of the 0.8 connector).
//
// Holds     the last offsets of the buffer and of each block that is not committed yet, in memory.
//
// Invariant
//   I4  Commit last.  An offset is committed only after every record before it, and its own, is in
//                     a block that is stored and that the driver has acknowledged (the mistakes of
//                     OffsetCommit, CommittedOffset, CommittedBlock and FailedStore break it).
//
// Hazards   Spark's own, kept.
//           Last, not next.  What is committed is the offset of the last stored record: a restart
//                            fetches it again (CommittedOffset::kNext does not).
//           Stop is late.    Blocks that are stored during stop() are not committed any more: a
//                            restart fetches them again.
//           Stop hangs.      The fourth attempt at a block that fails stops the receiver from
//                            within the push, for which stopping then waits for ever
//                            (FailedStore::kRestart does not stop it).

#pragma once

#include <map>
#include <memory>
#include <vector>

#include "engine/pipeline.h"
#include "engine/ports/process.h"
#include "engine/receiver/block_generator.h"
#include "engine/receiver/kafka_consumer.h"
#include "engine/receiver/rate_limiter.h"
#include "engine/receiver/receiver.h"

namespace engine {

class ReliableKafkaReceiver final : public Receiver, private BlockGeneratorListener {
 public:
  // Attempts at storing one block, each under another id.
  static constexpr std::int32_t kStoreAttempts = 4;

  ReliableKafkaReceiver(const Ports& ports,
                        const Pipeline& pipeline,
                        StreamId stream,
                        ReceiverContext& context,
                        RateLimiter& limiter);

  void start() override;
  Task<> stop() override;

 private:
  using LastOffsets = std::map<PartitionId, Offset>;

  void on_add(const BlockRecords& records) override;
  void on_generate_block(BlockId block) override;
  Task<bool> on_push_block(BlockId block, BlockRecords records) override;
  Task<bool> store(SharedRecords records);
  Task<bool> give_up(LastOffsets offsets);
  Task<> commit(LastOffsets offsets);

  const Ports& ports_;
  const Pipeline& pipeline_;
  ReceiverContext& context_;
  BlockGenerator generator_;
  std::vector<std::unique_ptr<KafkaConsumer>> consumers_;
  LastOffsets buffered_;
  std::map<BlockId, LastOffsets> sealed_;
  LastOffsets stored_;  // OffsetCommit::kWithNextBlock: of the block that is not committed yet
  bool may_commit_ = true;
};

}  // namespace engine
