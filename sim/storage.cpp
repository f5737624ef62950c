#include "sim/storage.h"

#include <algorithm>
#include <utility>

#include "engine/ports/invariant.h"
#include "sim/digest.h"
#include "sim/random.h"
#include "sim/trace.h"

namespace sim {

using engine::Address;
using engine::Errc;
using engine::Result;
using engine::StorageKind;

FileSystem::FileSystem(StorageKind kind, std::uint64_t tear_seed)
    : kind_(kind), tear_seed_(tear_seed) {}

Result<> FileSystem::create(Address writer, const std::string& path) {
  if (names_.contains(path)) {
    return Errc::kAlreadyExists;
  }
  if (!has_space_for(1)) {
    return Errc::kNoSpace;
  }
  abandon(writer, path);
  auto file = std::make_shared<File>();
  open_.push_back({.writer = writer, .path = path, .file = file});
  if (kind_ != StorageKind::kS3) {
    change_name({.path = path, .file = std::move(file), .vacated = {}});
  }
  return {};
}

Result<std::int64_t> FileSystem::reopen(Address writer, const std::string& path) {
  if (kind_ == StorageKind::kS3) {
    return Errc::kUnsupported;
  }
  const auto entry = names_.find(path);
  if (entry == names_.end()) {
    return Errc::kNotFound;
  }
  const std::shared_ptr<File>& file = entry->second;
  const bool leased = std::ranges::find(open_, file, &OpenFile::file) != open_.end();
  if (kind_ == StorageKind::kHdfs && leased) {
    return Errc::kUnavailable;
  }
  abandon(writer, path);
  if (kind_ == StorageKind::kHdfs) {
    file->bytes.resize(file->durable_size);  // The rest was in the memory of a writer that is gone.
  }
  open_.push_back({.writer = writer, .path = path, .file = file});
  return static_cast<std::int64_t>(file->bytes.size());
}

Result<> FileSystem::append(Address writer, const std::string& path, const std::string& bytes) {
  const auto file = opened(writer, path);
  if (!file) {
    return file.error();
  }
  if (!has_space_for(bytes.size())) {
    return Errc::kNoSpace;
  }
  (*file)->bytes += bytes;
  return {};
}

Result<> FileSystem::flush(Address writer, const std::string& path) {
  const auto file = opened(writer, path);
  if (!file) {
    return file.error();
  }
  if (kind_ == StorageKind::kS3) {
    return {};
  }
  (*file)->durable_size = (*file)->bytes.size();
  force_journal(journal_.size());
  return {};
}

Result<> FileSystem::close(Address writer, const std::string& path) {
  const auto found = opened(writer, path);
  if (!found) {
    abandon(writer, path);
    return found.error();
  }
  const std::shared_ptr<File>& file = *found;
  if (kind_ != StorageKind::kLocal) {
    file->durable_size = file->bytes.size();
  }
  if (kind_ == StorageKind::kS3) {
    change_name({.path = path, .file = file, .vacated = {}});
  }
  abandon(writer, path);
  return {};
}

Result<> FileSystem::rename(const std::string& from, const std::string& to) {
  INVARIANT(kind_ != StorageKind::kS3, "s3 renames {} by copy() and remove()", from);
  const auto source = names_.find(from);
  if (source == names_.end()) {
    return Errc::kNotFound;
  }
  if (names_.contains(to)) {
    return Errc::kAlreadyExists;
  }
  change_name({.path = to, .file = source->second, .vacated = from});
  return {};
}

Result<> FileSystem::copy(const std::string& from, const std::string& to) {
  INVARIANT(kind_ == StorageKind::kS3, "only s3 copies {} in order to rename it", from);
  const auto source = names_.find(from);
  if (source == names_.end()) {
    return Errc::kNotFound;
  }
  if (names_.contains(to)) {
    return Errc::kAlreadyExists;
  }
  if (!has_space_for(source->second->bytes.size())) {
    return Errc::kNoSpace;
  }
  change_name({.path = to, .file = std::make_shared<File>(*source->second), .vacated = {}});
  return {};
}

Result<> FileSystem::remove(const std::string& path) {
  if (!names_.contains(path)) {
    return Errc::kNotFound;
  }
  change_name({.path = path, .file = nullptr, .vacated = {}});
  return {};
}

std::vector<std::string> FileSystem::list(std::string_view prefix) const {
  std::vector<std::string> found;
  found.reserve(names_.size());
  for (auto entry = names_.lower_bound(prefix);
       entry != names_.end() && entry->first.starts_with(prefix);
       ++entry) {
    found.push_back(entry->first);
  }
  return found;
}

Result<std::string> FileSystem::read(const std::string& path) const {
  const auto entry = names_.find(path);
  if (entry == names_.end()) {
    return Errc::kNotFound;
  }
  return std::string(visible_bytes(*entry->second));
}

// On hdfs the unflushed tail is in the memory of its writer, where no reader looks; on a local disk
// it is in the page cache, where every reader does.
std::string_view FileSystem::visible_bytes(const File& file) const {
  const std::string_view bytes = file.bytes;
  return kind_ == StorageKind::kHdfs ? bytes.substr(0, file.durable_size) : bytes;
}

// The file with the lowest rank, as in rendezvous hashing: another file takes its place only by
// ranking lower still.
std::optional<FlippedBit> FileSystem::flip_bit(std::string_view prefix, std::uint64_t key) {
  std::optional<FlippedBit> chosen;
  std::uint64_t lowest = 0;
  for (const std::string& path : list(prefix)) {
    const std::uint64_t rank = rank_of(path, key);
    const bool empty = visible_bytes(*names_.find(path)->second).empty();
    if (!empty && (!chosen || rank < lowest)) {
      lowest = rank;
      chosen = {.path = path, .bit = 0};
    }
  }
  if (!chosen) {
    return std::nullopt;
  }
  File& file = *names_.find(chosen->path)->second;
  chosen->bit = digest_with(lowest, key) % (std::uint64_t{visible_bytes(file).size()} * 8);
  char& byte = file.bytes[chosen->bit / 8];
  byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << (chosen->bit % 8)));
  return chosen;
}

std::uint64_t FileSystem::rank_of(const std::string& path, std::uint64_t key) const {
  const File& file = *names_.find(path)->second;
  return digest_with(digest_with(key, digest_of(path)), digest_of(visible_bytes(file)));
}

void FileSystem::writer_died(Address writer, DiskOutcome outcome) {
  for (const OpenFile& open : open_) {
    if (open.writer == writer && kind_ == StorageKind::kHdfs) {
      settle(*open.file, {.life = writer, .outcome = outcome}, open.path);
    }
  }
  std::erase_if(open_, [writer](const OpenFile& open) { return open.writer == writer; });
}

void FileSystem::machine_died(Address life, DiskOutcome outcome) {
  if (kind_ == StorageKind::kLocal) {
    local_disk_died({.life = life, .outcome = outcome});
  } else {
    writer_died(life, outcome);
  }
}

bool FileSystem::is_anything_unsynced(Address life, bool machine) const {
  const auto is_unsynced = [](const File& file) { return file.bytes.size() > file.durable_size; };
  if (kind_ == StorageKind::kHdfs) {
    return std::ranges::any_of(open_, [&](const OpenFile& open) {
      return open.writer == life && is_unsynced(*open.file);
    });
  }
  return kind_ == StorageKind::kLocal && machine &&
         (!journal_.empty() || std::ranges::any_of(names_, [&](const auto& entry) {
           return is_unsynced(*entry.second);
         }));
}

// One file may have several names, of which some are only durable and others only visible: it is
// told by its number, in the order of its first mention.
void FileSystem::describe(StateBytes& state) const {
  std::vector<const File*> known;
  const auto add_file = [&known, &state](const File* file) {
    const auto found = std::ranges::find(known, file);
    state.add(static_cast<std::uint64_t>(found - known.begin()));
    if (found == known.end() && file != nullptr) {
      known.push_back(file);
      state.add(file->bytes);
      state.add(std::uint64_t{file->durable_size});
      state.add(file->named);
    }
  };
  known.push_back(nullptr);
  for (const Directory* const directory : {&names_, &durable_names_}) {
    state.add(std::uint64_t{directory->size()});
    for (const auto& [path, file] : *directory) {
      state.add(path);
      add_file(file.get());
    }
  }
  state.add(std::uint64_t{journal_.size()});
  for (const NameChange& change : journal_) {
    state.add(change.path);
    state.add(change.vacated);
    add_file(change.file.get());
  }
  state.add(std::uint64_t{open_.size()});
  for (const OpenFile& open : open_) {
    state.add(open.writer);
    state.add(open.path);
    add_file(open.file.get());
  }
  state.add(capacity_bytes_.has_value());
  state.add(capacity_bytes_.value_or(0));
}

FileSystem::OpenFiles::iterator FileSystem::find_open(Address writer, const std::string& path) {
  return std::ranges::find_if(
      open_, [&](const OpenFile& open) { return open.writer == writer && open.path == path; });
}

Result<std::shared_ptr<FileSystem::File>> FileSystem::opened(Address writer,
                                                             const std::string& path) {
  const auto open = find_open(writer, path);
  INVARIANT(open != open_.end(),
            "life {} of {} writes to {}, which it has not open",
            writer.incarnation,
            engine::to_string(writer.process),
            path);
  // The namenode no longer knows the file. A local disk keeps it for those who have it open, and an
  // s3 object comes into being when it is closed.
  if (kind_ == StorageKind::kHdfs && !open->file->named) {
    return Errc::kNotFound;
  }
  return open->file;
}

void FileSystem::abandon(Address writer, const std::string& path) {
  const auto open = find_open(writer, path);
  if (open != open_.end()) {
    open_.erase(open);
  }
}

bool FileSystem::has_space_for(std::size_t bytes) const {
  return !capacity_bytes_ || used_bytes() + bytes <= *capacity_bytes_;
}

std::uint64_t FileSystem::used_bytes() const {
  std::uint64_t used = 0;
  for (const auto& [path, file] : names_) {
    used += file->bytes.size();
  }
  for (const OpenFile& open : open_) {
    used += open.file->named ? 0 : open.file->bytes.size();
  }
  return used;
}

void FileSystem::change_name(NameChange change) {
  const auto replaced = names_.find(change.path);
  if (replaced != names_.end()) {
    replaced->second->named = false;
  }
  if (change.file) {
    change.file->named = true;
  }
  if (kind_ == StorageKind::kLocal) {
    journal_.push_back(change);
  }
  apply(std::move(change), names_);
}

void FileSystem::apply(NameChange change, Directory& directory) {
  if (!change.vacated.empty()) {
    const auto erased = directory.erase(change.vacated);
    INVARIANT(erased == 1, "D3: {} was renamed and is not there", change.vacated);
  }
  if (change.file) {
    directory.insert_or_assign(std::move(change.path), std::move(change.file));
  } else {
    const auto erased = directory.erase(change.path);
    INVARIANT(erased == 1, "D3: {} was removed and is not there", change.path);
  }
}

void FileSystem::force_journal(std::size_t changes) {
  INVARIANT(changes <= journal_.size(), "the journal has no {} changes", changes);
  const auto end = journal_.begin() + static_cast<std::ptrdiff_t>(changes);
  for (auto change = journal_.begin(); change != end; ++change) {
    apply(std::move(*change), durable_names_);
  }
  journal_.erase(journal_.begin(), end);
}

std::size_t FileSystem::kept_of(std::size_t unsynced,
                                const Death& death,
                                std::string_view path) const {
  switch (death.outcome) {
    case DiskOutcome::kDropUnsynced:
      return 0;
    case DiskOutcome::kKeepUnsynced:
      return unsynced;
    case DiskOutcome::kTornUnsynced: {
      RandomStream tear(seed_for(tear_seed_, content_digest(death.life, path)));
      return static_cast<std::size_t>(uniform_below(tear, unsynced + 1));
    }
  }
  INVARIANT(false, "no such disk outcome: {}", static_cast<int>(death.outcome));
}

void FileSystem::settle(File& file, const Death& death, std::string_view path) const {
  INVARIANT(file.durable_size <= file.bytes.size(), "D1: more is durable than was appended");
  const std::size_t unsynced = file.bytes.size() - file.durable_size;
  file.durable_size += kept_of(unsynced, death, path);
  file.bytes.resize(file.durable_size);
}

// The names first: which files there are decides whose bytes are torn.
void FileSystem::local_disk_died(const Death& death) {
  open_.clear();
  force_journal(kept_of(journal_.size(), death, {}));
  journal_.clear();
  names_ = durable_names_;
  for (const auto& [path, file] : names_) {
    file->named = true;
    settle(*file, death, path);
  }
}

}  // namespace sim
