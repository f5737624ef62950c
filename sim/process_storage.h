// sim/process_storage.h
//
// The file system as one process sees it: every operation takes time, and the process may die
// around every effect.
//
// Steps     list and read have one boundary, before they look. Everything else has two: before its
//           effect, and between its effect and its answer. rename on s3 has one more, between the
//           copy and the removal.
// Lifetime  one per process, for the life of the world; the process outlives it or ends no life
//           after it.

#pragma once

#include <string>
#include <vector>

#include "engine/ports/random.h"
#include "engine/ports/storage.h"
#include "sim/latency.h"
#include "sim/process.h"
#include "sim/storage.h"

namespace sim {

// How a life ends, as far as the disk can tell.
struct DiskDeath {
  bool machine = false;  // the whole machine stops, not only the process
  DiskOutcome outcome = DiskOutcome::kDropUnsynced;
};

class ProcessStorage final : public engine::Storage {
 public:
  ProcessStorage(Process& process,
                 FileSystem& files,
                 StorageLatency latency,
                 engine::Random& random);

  // The next end of a life is such a death; those after it are ordinary again.
  void plan_death(DiskDeath death) { next_death_ = death; }

  engine::Task<engine::Result<>> create(std::string path) override;
  engine::Task<engine::Result<std::int64_t>> reopen(std::string path) override;
  engine::Task<engine::Result<>> append(std::string path, std::string bytes) override;
  engine::Task<engine::Result<>> flush(std::string path) override;
  engine::Task<engine::Result<>> close(std::string path) override;
  engine::Task<engine::Result<>> rename(std::string from, std::string to) override;
  engine::Task<engine::Result<>> remove(std::string path) override;
  engine::Task<engine::Result<std::vector<std::string>>> list(std::string prefix) override;
  engine::Task<engine::Result<std::string>> read(std::string path) override;

 private:
  engine::Task<engine::Result<>> copy_and_remove(std::string from, std::string to);
  RoundTrip draw(engine::Duration whole);
  void life_ended();

  Process& process_;
  FileSystem& files_;
  StorageLatency latency_;
  engine::Random& random_;
  DiskDeath next_death_;
};

}  // namespace sim
