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

#pragma once

#include <functional>

#include "engine/driver/checkpoint_writer.h"
#include "engine/driver/direct_kafka_stream.h"
#include "engine/driver/job_generator.h"
#include "engine/driver/job_scheduler.h"
#include "engine/driver/offset_keeper.h"
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

 private:
  Task<> begin();
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
  DirectKafkaStream stream_;
  TaskScheduler tasks_;
  JobScheduler jobs_;
  CheckpointWriter writer_;
  JobGenerator generator_;
};

}  // namespace engine
