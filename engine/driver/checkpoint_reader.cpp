#include "engine/driver/checkpoint_reader.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace engine {

Task<Result<std::optional<Checkpoint>>> read_latest_checkpoint(Storage* storage,
                                                               std::int32_t application_version) {
  auto listed = co_await storage->list(std::string(kCheckpointPrefix));
  if (!listed) {
    co_return listed.error();
  }
  std::vector<CheckpointFile> files = checkpoint_files(std::move(listed.value()));
  if (files.empty()) {
    co_return std::optional<Checkpoint>{};
  }
  std::ranges::reverse(files);
  boost::system::error_code refusal;
  for (const CheckpointFile& file : files) {
    const auto bytes = co_await storage->read(file.path);
    if (!bytes) {
      refusal = bytes.error();
      continue;
    }
    auto decoded = decode(bytes.value(), application_version);
    if (decoded) {
      co_return std::optional<Checkpoint>(std::move(decoded.value()));
    }
    refusal = decoded.error();
  }
  co_return refusal;
}

}  // namespace engine
