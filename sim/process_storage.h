// sim/process_storage.h
//
// The file system as one process sees it: every operation takes time, and the process may die
// around every effect.
//
// Steps     list and read have one boundary, before they look. Everything else has two: before its
//           effect, and between its effect and its answer. rename on s3 has one more, between the
//           copy and the removal.
// Failures  come when the request is applied, or would have been. A rename on s3 that fails as
//           applied has copied and removed.
// Lifetime  one per process, for the life of the world; the process outlives it or ends no life
//           after it.

#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/ports/random.h"
#include "engine/ports/storage.h"
#include "sim/disturbance.h"
#include "sim/latency.h"
#include "sim/process.h"
#include "sim/storage.h"

namespace sim {

// How a life ends, as far as the disk can tell.
struct DiskDeath {
  bool machine = false;  // the whole machine stops, not only the process
  DiskOutcome outcome = DiskOutcome::kDropUnsynced;
};

// A file that is opened again counts as created.
enum class StorageOperation : std::uint8_t {
  kCreate,
  kAppend,
  kFlush,
  kClose,
  kRename,
  kRemove,
  kList,
  kRead,
};

class ProcessStorage final : public engine::Storage {
 public:
  ProcessStorage(Process& process,
                 FileSystem& files,
                 StorageLatency latency,
                 engine::Random& random);

  // The next end of a life is such a death; those after it are ordinary again.
  void plan_death(DiskDeath death) { next_death_ = death; }

  // What is to go wrong with its requests.
  [[nodiscard]] Disturbance<StorageOperation>& disturbance() { return disturbance_; }

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

  template <class Effect>
  std::invoke_result_t<Effect> attempt(StorageOperation kind, Effect effect) {
    return disturbance_.attempt(kind, process_.now(), std::move(effect));
  }

  RoundTrip draw(engine::Duration whole);
  void life_ended();

  Process& process_;
  FileSystem& files_;
  StorageLatency latency_;
  engine::Random& random_;
  DiskDeath next_death_;
  Disturbance<StorageOperation> disturbance_;
};

}  // namespace sim
