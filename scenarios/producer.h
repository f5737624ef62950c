// scenarios/producer.h
//
// The application upstream: sends the workload to Kafka at its rate, in one request per interval,
// and notes what the cluster acknowledged. It is outside the system under test and never dies.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/pipeline.h"
#include "engine/ports/process.h"
#include "scenarios/prepared.h"
#include "scenarios/recorder.h"

namespace scenarios {

class Producer {
 public:
  // Requests per batch interval: a batch still arrives in several of them, and most schedules are
  // about what happens afterwards.
  static constexpr std::int64_t kRequestsPerBatch = 5;

  // `workload`, `ports` and `recorder` outlive the producer.
  Producer(const engine::Ports& ports,
           const engine::Pipeline& pipeline,
           const PreparedWorkload& workload,
           Recorder& recorder)
      : ports_(ports),
        topic_(pipeline.source.topic),
        interval_(pipeline.batch_interval / kRequestsPerBatch),
        workload_(workload),
        recorder_(recorder) {}

  void start() { engine::spawn(ports_.executor, run()); }

  [[nodiscard]] bool is_done() const { return done_; }

 private:
  engine::Task<> run();

  // The records from `first` to before `last`.
  engine::Task<> send(std::size_t first, std::size_t last);
  [[nodiscard]] std::vector<engine::ProducerRecord> request(std::size_t first,
                                                            std::size_t last) const;

  const engine::Ports& ports_;
  std::string topic_;
  engine::Duration interval_;  // how long it gathers records for one request (linger.ms)
  const PreparedWorkload& workload_;
  Recorder& recorder_;
  bool done_ = false;
};

}  // namespace scenarios
