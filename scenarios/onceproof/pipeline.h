// scenarios/onceproof/pipeline.h
//
// A pipeline to be explored, with its input and its cluster: a scenario in the words of scenario
// files (scenarios/scenario.schema.json), and the user's own code where it has some. Building one
// checks nothing: whatever is wrong with it, the exploration says.

#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "onceproof/operation.h"
#include "onceproof/sink.h"

namespace onceproof {

// Makes an empty sink: each run has its own. Called on whatever thread runs the world.
using SinkFactory = std::function<std::unique_ptr<Sink>()>;

class Pipeline {
 public:
  // The smallest one with a batch before, in and behind a crash: twelve records at six a second,
  // one partition, a Direct stream, batches of a second, a checkpoint, one executor with one core.
  explicit Pipeline(std::string name);

  // One scenario. What its `expect` and `explore` say is for the command line and plays no part.
  static Pipeline from_text(std::string yaml);
  static Pipeline from_file(std::string path);

  // The value at `place` ("workload.records") becomes `value`, written as in a scenario file
  // ("150/s", "{ kind: upsert }"). Sections on the way that are not there are made.
  Pipeline& set(std::string place, std::string value);

  template <std::integral Number>
  Pipeline& set(std::string place, Number value) {
    if constexpr (std::is_same_v<Number, bool>) {
      return set(std::move(place), std::string(value ? "true" : "false"));
    } else {
      return set(std::move(place), std::to_string(value));
    }
  }

  // Comes in front of the operations of the text, behind those that were plugged in before it. The
  // name is part of every token: code that changes its meaning should change its name.
  Pipeline& with_operation(std::string name, std::shared_ptr<const Operation> operation);

  // Output goes there, one write per attempt at a task, and the text names no sink. The name as
  // above.
  Pipeline& with_sink(std::string name, SinkFactory make);

  struct Setting {
    std::string place;
    std::string value;
  };

  struct NamedOperation {
    std::string name;
    std::shared_ptr<const Operation> operation;
  };

  // As it was put together: what load() reads.
  struct Parts {
    std::string text;  // empty: that of the file
    std::string path;  // of the file, or how messages call the text
    std::vector<Setting> settings;
    std::vector<NamedOperation> operations;
    std::string sink_name;
    SinkFactory make_sink;
  };

  [[nodiscard]] const Parts& parts() const { return parts_; }

 private:
  Pipeline() = default;

  Parts parts_;
};

}  // namespace onceproof
