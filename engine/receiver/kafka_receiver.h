// engine/receiver/kafka_receiver.h
//
// The receiver that commits what it has read (Spark: KafkaReceiver of the 0.8 connector, with
// Kafka's auto-commit).
//
// Hazard    The committed offset says what was put into the buffer, not what was stored: a crash
//           of the executor loses up to a buffer and a queue of blocks that are never fetched
//           again.

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
#include "engine/wal/turn.h"

namespace engine {

class KafkaReceiver final : public Receiver {
 public:
  // `generator` is the supervisor's, which survives a restart of the receiver.
  KafkaReceiver(const Ports& ports,
                const Pipeline& pipeline,
                StreamId stream,
                BlockGenerator& generator,
                RateLimiter& limiter);

  void start() override;

  // Shuts the consumers down, which commits what they handed over.
  Task<> stop() override;

 private:
  Task<> commit_periodically();
  Task<> commit();
  [[nodiscard]] std::vector<PartitionOffset> uncommitted() const;

  const Ports& ports_;
  const Pipeline& pipeline_;
  std::vector<std::unique_ptr<KafkaConsumer>> consumers_;
  Turn commits_;  // an older commit must not overtake a newer one
  std::map<PartitionId, Offset> committed_;
  bool stopped_ = false;
};

}  // namespace engine
