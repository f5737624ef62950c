// sim/storage.h
//
// The file system under checkpoints and logs: one per world, shared by all processes, older and
// younger than any of them. Answers at once; sim/process_storage.h adds time and crashes.
//
// Holds     what a reader finds, and apart from it what a death would leave.
//
// What a death leaves
//   hdfs    The unflushed tail of a file dies with the life that writes it. What is flushed stays,
//           and so do names: the namenode logs each change of them before it answers.
//   s3      An object that is not closed never existed, whatever the outcome asked for.
//   local   A process's death leaves everything. The machine's death is told below.
//
// The local disk journals its directory, as ext4 and XFS do: create, rename and remove reach the
// journal in order, a flush of any file forces the journal out with it, and a machine that dies
// keeps a prefix of what was not forced. So a rename that nothing was flushed after may be undone,
// and a file renamed without a flush may be found torn under its new name.
//
// Invariants
//   D1  Flushed is kept.   No death shortens a file below its last flush.
//   D2  Prefix.            What a death leaves of a file is a prefix of what was appended.
//   D3  Order of names.    What a machine's death leaves of the local directory is the directory
//                          after some prefix of its changes, no shorter than the last flush.
// tests/unit/storage_test.cpp checks each of them.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/result.h"
#include "engine/ports/storage.h"
#include "engine/ports/vocabulary.h"
#include "sim/state_bytes.h"

namespace sim {

// What becomes of bytes and names that nothing has made durable yet.
enum class DiskOutcome : std::uint8_t {
  kDropUnsynced,  // none of it is found afterwards
  kKeepUnsynced,  // all of it happened to be written out
  kTornUnsynced,  // a prefix of it, of random length
};

// Bits are counted from the lowest of the first byte.
struct FlippedBit {
  std::string path;
  std::uint64_t bit = 0;
};

class FileSystem {
 public:
  // How much a torn tail keeps follows from `tear_seed`, the life that dies and the path: from
  // nothing that was torn before.
  FileSystem(engine::StorageKind kind, std::uint64_t tear_seed);

  [[nodiscard]] engine::StorageKind kind() const { return kind_; }

  // Files together hold at most so many bytes from now on; what is there already stays.
  void limit_capacity(std::optional<std::uint64_t> bytes_max) { capacity_bytes_ = bytes_max; }

  // Inverts one bit of what a reader finds in one file whose name starts with `prefix`, and says
  // which. File and bit follow from `key`, names and contents, so that files which do not match
  // have no say in it. Empty: there is no such bit.
  std::optional<FlippedBit> flip_bit(std::string_view prefix, std::uint64_t key);

  // Opens an empty file for appending by `writer`. Creating a name again abandons what the same
  // life had open under it.
  // Errors    kAlreadyExists; kNoSpace: the storage is full.
  engine::Result<> create(engine::Address writer, const std::string& path);

  // Opens a file for appending behind what a reader finds in it; returns how many bytes that is.
  // Errors    kNotFound. kUnavailable (hdfs): some writer has it open. kUnsupported (s3).
  engine::Result<std::int64_t> reopen(engine::Address writer, const std::string& path);

  // A file that was renamed stays open under the name it was opened by.
  // Requires  `writer` opened `path` and has not closed it since.
  // Errors    kNotFound (hdfs): somebody removed the file. kNoSpace: nothing was appended.
  engine::Result<> append(engine::Address writer,
                          const std::string& path,
                          const std::string& bytes);
  engine::Result<> flush(engine::Address writer, const std::string& path);
  engine::Result<> close(engine::Address writer, const std::string& path);

  // Requires  kind() is not kS3, which cannot do this in one.
  // Errors    kNotFound: no `from`. kAlreadyExists: `to` is there.
  engine::Result<> rename(const std::string& from, const std::string& to);

  // The first half of a rename on s3; remove(from) is the second.
  // Requires  kind() is kS3.
  // Errors    as of rename; kNoSpace.
  engine::Result<> copy(const std::string& from, const std::string& to);

  // Errors    kNotFound.
  engine::Result<> remove(const std::string& path);

  // Every name that starts with `prefix`, in order of bytes. Files that are still being written
  // are among them, except on s3.
  [[nodiscard]] std::vector<std::string> list(std::string_view prefix) const;

  // Errors    kNotFound.
  [[nodiscard]] engine::Result<std::string> read(const std::string& path) const;

  // A life ended and its machine did not.
  void writer_died(engine::Address writer, DiskOutcome outcome);

  // The machine that `life` ran on stopped. hdfs and s3 are elsewhere and see a writer die; a local
  // disk is in that machine, and so is every life that has a file open on it.
  void machine_died(engine::Address life, DiskOutcome outcome);

  // Whether outcomes differ in what the death of `life`, or of its machine, would leave now.
  [[nodiscard]] bool is_anything_unsynced(engine::Address life, bool machine) const;

  // All files, what is durable of them, and what of the directory is.
  void describe(StateBytes& state) const;

 private:
  struct File {
    std::string bytes;             // everything appended
    std::size_t durable_size = 0;  // the prefix of it that every death leaves
    bool named = false;            // a reader finds it
  };

  using Directory = std::map<std::string, std::shared_ptr<File>, std::less<>>;

  struct OpenFile {
    engine::Address writer;
    std::string path;
    std::shared_ptr<File> file;
  };

  // A change of the local directory that no flush has forced out: `file` under the name `path`;
  // empty: nothing. A rename is one change of two names.
  struct NameChange {
    std::string path;
    std::shared_ptr<File> file;
    std::string vacated;  // renamed from; empty: no rename
  };

  using OpenFiles = std::vector<OpenFile>;

  OpenFiles::iterator find_open(engine::Address writer, const std::string& path);
  engine::Result<std::shared_ptr<File>> opened(engine::Address writer, const std::string& path);
  void abandon(engine::Address writer, const std::string& path);
  [[nodiscard]] std::string_view visible_bytes(const File& file) const;
  [[nodiscard]] std::uint64_t rank_of(const std::string& path, std::uint64_t key) const;
  [[nodiscard]] bool has_space_for(std::size_t bytes) const;
  [[nodiscard]] std::uint64_t used_bytes() const;
  void change_name(NameChange change);
  static void apply(NameChange change, Directory& directory);
  void force_journal(std::size_t changes);

  // The end of a life, as a disk sees it.
  struct Death {
    engine::Address life;
    DiskOutcome outcome = DiskOutcome::kDropUnsynced;
  };

  // Of `unsynced` bytes under `path`, or of so many changes of names if it is empty.
  [[nodiscard]] std::size_t kept_of(std::size_t unsynced,
                                    const Death& death,
                                    std::string_view path) const;
  void settle(File& file, const Death& death, std::string_view path) const;
  void local_disk_died(const Death& death);

  engine::StorageKind kind_;
  std::uint64_t tear_seed_;
  std::optional<std::uint64_t> capacity_bytes_;
  Directory names_;          // what a reader finds
  Directory durable_names_;  // local: what every death leaves; the journal leads from it to names_
  std::vector<NameChange> journal_;
  OpenFiles open_;  // in order of opening
};

}  // namespace sim
