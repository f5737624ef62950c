// sim/latency.h
//
// How long the world takes to answer. Each operation takes at least its base and at most half as
// much again, drawn from the random stream of the process that waits.

#pragma once

#include <chrono>

#include "engine/ports/random.h"
#include "engine/ports/vocabulary.h"

namespace sim {

// The way to the other side, and the way back.
struct RoundTrip {
  engine::Duration request;
  engine::Duration answer;
};

// Whole operations of a client of HDFS: one or more round trips to the namenode, and for bytes one
// along the pipeline of datanodes. To write, close and rename a checkpoint takes 12 to 18 ms.
struct StorageLatency {
  engine::Duration create = std::chrono::milliseconds(4);
  engine::Duration append = std::chrono::milliseconds(1);
  engine::Duration flush = std::chrono::milliseconds(2);
  engine::Duration close = std::chrono::milliseconds(4);
  engine::Duration rename = std::chrono::milliseconds(3);
  engine::Duration remove = std::chrono::milliseconds(3);
  engine::Duration list = std::chrono::milliseconds(3);
  engine::Duration read = std::chrono::milliseconds(4);
};

// The base of every kind of operation.
struct LatencyModel {
  StorageLatency storage;
  RoundTrip kafka{.request = std::chrono::milliseconds(1), .answer = std::chrono::milliseconds(1)};
  RoundTrip sink{.request = std::chrono::milliseconds(1), .answer = std::chrono::milliseconds(1)};
  RoundTrip offsets{.request = std::chrono::milliseconds(2),
                    .answer = std::chrono::milliseconds(1)};
};

// Uniform over [base, 1.5 * base], in microseconds.
engine::Duration draw_latency(engine::Duration base, engine::Random& random);

// Both ways, drawn one after the other.
RoundTrip draw_latency(RoundTrip base, engine::Random& random);

}  // namespace sim
