// engine/driver/streaming_driver.h
//
// One life of the driver: finds out what the last life left, starts the parts, and dispatches what
// executors say (Spark: StreamingContext.getOrCreate, DriverEndpoint).
//
// Recovery is a table. What a life begins with decides everything:
//   checkpointing  checkpoint file     then
//   off            -                   first start: saved offsets, else `start` of the source
//   on             none                first start, the same
//   on             one can be read     restart from it
//   on             none can be read    the driver does not start
// A stream of receivers has a log of blocks besides. Only a restart from a checkpoint replays it:
// a crash before the first checkpoint file loses what it holds, Spark's own hazard.

#pragma once

#include <functional>
#include <memory>

#include "engine/driver/block_manager_master.h"
#include "engine/driver/checkpoint_writer.h"
#include "engine/driver/input_stream.h"
#include "engine/driver/job_generator.h"
#include "engine/driver/job_scheduler.h"
#include "engine/driver/offset_keeper.h"
#include "engine/driver/receiver_tracker.h"
#include "engine/driver/task_scheduler.h"
#include "engine/messages.h"
#include "engine/ports/endpoint.h"
#include "engine/ports/process.h"

namespace engine {

class StreamingDriver {
 public:
  // `exit` ends this life from within: the application gives up.
  StreamingDriver(Ports ports,
                  Pipeline pipeline,
                  Cluster cluster,
                  Endpoint<Message>& endpoint,
                  std::function<void()> exit);

  // Starts every part; returns at once.
  void start();

  // Ends this life in order: first the receivers, then what they have brought is processed, then
  // the driver exits (StreamingContext.stop with stopGracefully). Returns at once.
  void stop_gracefully();

  // It has registered, and was not given up.
  [[nodiscard]] bool has_executor(Address executor) const { return tasks_.is_alive(executor); }

 private:
  std::unique_ptr<InputStream> make_stream();
  Task<> begin();
  Task<> stop();
  void executor_lost(Address executor);
  template <class Content>
  void deliver(Address from, const Content& content);
  Task<Result<>> recover(Checkpoint checkpoint);
  Task<Result<>> start_first_time();
  Task<> dispatch();
  void received(const Envelope<Message>& envelope);

  Ports ports_;
  Pipeline pipeline_;
  Cluster cluster_;
  Endpoint<Message>& endpoint_;
  std::function<void()> exit_;
  OffsetKeeper keeper_;
  TaskScheduler tasks_;
  BlockManagerMaster master_;
  std::unique_ptr<ReceiverTracker> tracker_;  // null: a Direct stream
  std::unique_ptr<InputStream> stream_;
  JobScheduler jobs_;
  CheckpointWriter writer_;
  JobGenerator generator_;
};

}  // namespace engine
