// engine/receiver/block_generator.h
//
// Cuts what a receiver fetched into blocks, one per block interval, and pushes them one after the
// other (Spark: BlockGenerator).
//
// Holds     the current buffer and the queue of sealed blocks, in memory: both die with the
//           executor.
// Lifetime  outlives its coroutines: they end when stop() has completed, or with the process.
//
// Invariants
//   G1  Order.     Records leave in the order in which they came; blocks are pushed in the order in
//                  which they were sealed, one at a time.
//   G2  Bounded.   At most `queue_blocks_max` sealed blocks are queued. Sealing waits for room, and
//                  meanwhile the buffer grows: adding does not wait.
//   G3  Together.  Records added in one call are in one block.
//   G4  Drained.   When stop() completes, every record that was added has been pushed, unless
//                  pushing had ended with a failure.
//
// Hazards   Spark's own, kept.
//           Pushing ends.     The first push that fails is the last one. Whoever adds is not told.
//           Stop hangs.       stop() waits for the push that is under way: a push that itself
//                             waits for stop() waits for ever. So does sealing into a queue that
//                             is full when pushing has ended.

#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "engine/pipeline.h"
#include "engine/ports/process.h"
#include "engine/receiver/received_block.h"

namespace engine {

struct BlockGeneratorOptions {
  StreamId stream = 0;
  Duration block_interval = std::chrono::milliseconds(200);  // spark.streaming.blockInterval
  std::int32_t queue_blocks_max = 10;                        // spark.streaming.blockQueueSize
  GeneratorStop stop = GeneratorStop::kDrained;
};

BlockGeneratorOptions block_generator_options(const Pipeline& pipeline, StreamId stream);

// Told of what happens to blocks, in the protocol's order.
class BlockGeneratorListener {
 public:
  BlockGeneratorListener() = default;
  BlockGeneratorListener(const BlockGeneratorListener&) = delete;
  BlockGeneratorListener& operator=(const BlockGeneratorListener&) = delete;
  virtual ~BlockGeneratorListener() = default;

  // The records go into the current buffer, in the same step.
  virtual void on_add(const BlockRecords& records) = 0;

  // The buffer was sealed under this id; nothing was added since.
  virtual void on_generate_block(BlockId block) = 0;

  // Stores the block. False ends the pushing of blocks for good: Spark's pushing thread dies with
  // the first exception and nobody starts it again.
  virtual Task<bool> on_push_block(BlockId block, BlockRecords records) = 0;
};

class BlockGenerator {
 public:
  // Requires  a positive block interval and room for a block; ports and listener outlive the
  //           generator.
  BlockGenerator(const Ports& ports,
                 BlockGeneratorOptions options,
                 BlockGeneratorListener& listener);

  // Starts the block timer and the pushing; they run as long as the process lives, or until stop().
  // Requires  not started before.
  void start();

  // False: the generator takes nothing now; it is not started or it is stopping.
  bool add(BlockRecords records);

  // Takes no more records, seals what is in the buffer at the next tick of the block timer and what
  // sealing had to wait for at the one after that, pushes every block that waits, and completes
  // then. Does nothing where there is nothing to stop.
  Task<> stop();

 private:
  enum class State : std::uint8_t {
    kInitialized,
    kActive,
    kStoppedAddingData,
    kStoppedGeneratingBlocks,
    kStoppedAll,
  };

  struct SealedBlock {
    BlockId id;
    BlockRecords records;
  };

  Task<> seal_periodically();
  Task<> seal(Instant tick);
  Task<> push_blocks();
  Task<> wait_for_block();
  Task<> push_first();
  void discard_buffer();
  void discard_unpushed();
  void gone(std::size_t record_count);

  const Ports& ports_;
  BlockGeneratorOptions options_;
  BlockGeneratorListener& listener_;
  State state_ = State::kInitialized;
  bool push_failed_ = false;
  BlockRecords buffer_;
  std::deque<SealedBlock> queue_;
  std::unique_ptr<Signal> block_sealed_;  // or sealing has ended
  std::unique_ptr<Signal> room_made_;
  std::unique_ptr<Signal> sealing_ended_;
  std::unique_ptr<Signal> pushing_ended_;
};

}  // namespace engine
