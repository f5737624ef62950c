// engine/ports/process.h
//
// Everything that one life of one process has of the world.

#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "engine/ports/clock.h"
#include "engine/ports/kafka.h"
#include "engine/ports/listener.h"
#include "engine/ports/offset_store.h"
#include "engine/ports/points.h"
#include "engine/ports/random.h"
#include "engine/ports/sink_store.h"
#include "engine/ports/storage.h"
#include "engine/ports/vocabulary.h"

namespace engine {

struct Ports {
  Address self;
  boost::asio::any_io_executor executor;
  Clock& clock;
  Random& random;
  Storage& storage;
  Kafka& kafka;
  SinkStore& sink;
  OffsetStore& offsets;
  Points& points;
  Listener& listener;
};

}  // namespace engine
