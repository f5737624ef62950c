// engine/driver/checkpoint_writer.h
//
// Puts checkpoints in place, one after the other, apart from the loop that takes them (Spark:
// CheckpointWriter, a pool of one thread). Asynchronous on purpose: nobody waits for the file, so
// jobs run before it is durable.
//
// Invariants
//   W1  Never without one.    After the first checkpoint is in place there is, at every instant, a
//                             whole checkpoint file: the old one is renamed to .bk before the new
//                             one takes its name. (Not under CheckpointPublish::kInPlace,
//                             and not on a local disk whose machine dies: nothing is flushed.)
//   W2  Named by the latest.  A file's name is the latest batch time written so far, its content
//                             keeps its own time (SPARK-11740).
//   W3  Bounded.              At most ten checkpoint files stay.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/driver/checkpoint.h"
#include "engine/pipeline.h"
#include "engine/ports/process.h"

namespace engine {

struct CheckpointOrder {
  BatchTime time;
  std::string bytes;
  // Taken because the batch completed (clearCheckpointDataLater).
  bool completion = false;
  // Not null: somebody waits, so it is tried until it is in place, and then notified.
  std::shared_ptr<Signal> written;
};

class CheckpointWriter {
 public:
  // `completed` is told of every completion checkpoint that is in place (under
  // CheckpointCleanup::kAny, of every checkpoint).
  CheckpointWriter(const Ports& ports,
                   const Pipeline& pipeline,
                   std::function<void(BatchTime)> completed);

  // Does not wait.
  void write(CheckpointOrder order);

  // Runs as long as the driver lives.
  Task<> run();

 private:
  Task<Result<>> put_in_place(BatchTime batch, std::string path, std::string bytes);
  Task<Result<>> write_file(std::string path, std::string bytes);
  Task<Result<>> remove_if_there(std::string path);
  Task<Result<>> back_up(BatchTime batch, std::string path);
  Task<Result<>> remove_oldest();
  Task<> write_with_retries(CheckpointOrder order);

  const Ports& ports_;
  const Pipeline& pipeline_;
  std::function<void(BatchTime)> completed_;
  Queue<CheckpointOrder> orders_;
  BatchTime latest_time_;
  bool writing_ = false;
};

}  // namespace engine
