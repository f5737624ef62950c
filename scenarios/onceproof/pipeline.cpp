#include "onceproof/pipeline.h"

#include <fmt/format.h>

namespace onceproof {

Pipeline::Pipeline(std::string name) {
  parts_.path = "the pipeline " + name;
  parts_.text = fmt::format(R"(scenario: {}
topic: {{ name: input, partitions: 1 }}
workload: {{ records: 12, keys: 3, rate: 6/s, value_bytes: 8, start: 1s }}
pipeline: {{ source: {{ kind: kafka-direct }} }}
cluster: {{ executors: 1, cores: 1 }}
)",
                            name);
}

Pipeline Pipeline::from_text(std::string yaml) {
  Pipeline pipeline;
  pipeline.parts_.path = "the pipeline's text";
  pipeline.parts_.text = std::move(yaml);
  return pipeline;
}

Pipeline Pipeline::from_file(std::string path) {
  Pipeline pipeline;
  pipeline.parts_.path = std::move(path);
  return pipeline;
}

Pipeline& Pipeline::set(std::string place, std::string value) {
  parts_.settings.push_back({.place = std::move(place), .value = std::move(value)});
  return *this;
}

Pipeline& Pipeline::with_operation(std::string name, std::shared_ptr<const Operation> operation) {
  parts_.operations.push_back({.name = std::move(name), .operation = std::move(operation)});
  return *this;
}

Pipeline& Pipeline::with_sink(std::string name, SinkFactory make) {
  parts_.sink_name = std::move(name);
  parts_.make_sink = std::move(make);
  return *this;
}

}  // namespace onceproof
