#include "engine/wal/file_based_write_ahead_log.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "engine/wal/wal_reader.h"

namespace engine {
namespace {

using std::chrono::milliseconds;

std::string name_prefix(std::string_view directory) {
  return fmt::format("{}/log-", directory);
}

// Takes a number and `end` behind it off the front of `text`; the end of the text is an end, too.
// A clock that was set back may have read a time before the epoch, where worlds begin.
std::optional<Instant> take_time(std::string_view& text, std::string_view end) {
  std::int64_t count = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
  if (parsed.ec != std::errc{}) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  if (!text.starts_with(end) || (end.empty() && !text.empty())) {
    return std::nullopt;
  }
  text.remove_prefix(end.size());
  return Instant{milliseconds(count)};
}

std::optional<WalFile> parse_path(std::string_view prefix, std::string path) {
  if (!path.starts_with(prefix)) {
    return std::nullopt;
  }
  std::string_view times = std::string_view(path).substr(prefix.size());
  const auto start = take_time(times, "-");
  const auto stop = start ? take_time(times, "") : std::nullopt;
  if (!stop) {
    return std::nullopt;
  }
  return WalFile{.path = std::move(path), .start = *start, .stop = *stop};
}

}  // namespace

WalOptions wal_options(const Pipeline& pipeline, std::string directory) {
  WalOptions options;
  options.directory = std::move(directory);
  options.close_after_write = pipeline.checkpoint_storage == StorageKind::kS3;
  options.failed_close = pipeline.protocol.failed_close;
  options.format = pipeline.protocol.log_format;
  options.flush = pipeline.protocol.log_flush;
  options.handle = pipeline.protocol.log_handle;
  options.cleaning = pipeline.protocol.log_cleaning;
  return options;
}

std::int64_t frame_bytes(LogFormat format) {
  return format == LogFormat::kChecksum ? kCheckedFrameBytes : kWalFrameBytes;
}

Result<std::string> record_in(std::string_view file,
                              const WalRecordHandle& handle,
                              LogFormat format) {
  return format == LogFormat::kChecksum ? checked_record_at(file, handle) : record_at(file, handle);
}

WalFile wal_file(std::string_view directory, Instant start, Duration rolling_interval) {
  const Instant first{milliseconds(milliseconds_of(start))};
  const Instant last = first + rolling_interval;
  return {.path = fmt::format(
              "{}{}-{}", name_prefix(directory), milliseconds_of(first), milliseconds_of(last)),
          .start = first,
          .stop = last};
}

std::vector<WalFile> wal_files(std::string_view directory, std::vector<std::string> paths) {
  const std::string prefix = name_prefix(directory);
  std::vector<WalFile> files;
  for (std::string& path : paths) {
    if (auto file = parse_path(prefix, std::move(path))) {
      files.push_back(std::move(*file));
    }
  }
  std::ranges::stable_sort(files, {}, &WalFile::start);
  return files;
}

FileBasedWriteAheadLog::FileBasedWriteAheadLog(const Ports& ports, WalOptions options)
    : ports_(ports), options_(std::move(options)), turn_(ports.clock) {
  next_.life = ports.clock.now();
  INVARIANT(options_.failures_max > 0, "a log that never tries to write");
  INVARIANT(options_.rolling_interval >= Duration::zero(), "a log that rolls into the past");
}

Task<Result<WalRecordHandle>> FileBasedWriteAheadLog::write(std::string record, Instant time) {
  co_await turn_.take();
  auto written = co_await write_with_retries(std::move(record), time);
  turn_.give();
  co_return written;
}

Task<Result<std::string>> FileBasedWriteAheadLog::read(WalRecordHandle handle) {
  const auto file = co_await ports_.storage.read(handle.path);
  if (!file) {
    co_return file.error();
  }
  co_return record_in(file.value(), handle, options_.format);
}

Task<Result<std::vector<std::string>>> FileBasedWriteAheadLog::read_all() {
  const auto files = co_await every_file();
  if (!files) {
    co_return files.error();
  }
  std::vector<std::string> all;
  CheckedRecordReader checked;
  for (const WalFile& file : files.value()) {
    const auto bytes = co_await ports_.storage.read(file.path);
    if (!bytes && bytes.error() == Errc::kNotFound) {
      continue;  // Cleaned meanwhile, or begun in vain.
    }
    if (!bytes) {
      co_return bytes.error();
    }
    auto records = options_.format == LogFormat::kChecksum ? checked.records_in(bytes.value())
                                                           : records_in(bytes.value());
    if (!records) {
      co_return records.error();
    }
    std::ranges::move(records.value(), std::back_inserter(all));
  }
  co_return all;
}

Task<Result<>> FileBasedWriteAheadLog::clean(Instant threshold) {
  const auto expired = co_await take_expired(threshold);
  if (!expired) {
    co_return expired.error();
  }
  for (const WalFile& file : expired.value()) {
    const auto removed = co_await ports_.storage.remove(file.path);
    static_cast<void>(removed);  // Spark logs it; the next life finds the file and cleans it.
  }
  co_return Result<>{};
}

Task<Result<>> FileBasedWriteAheadLog::close() {
  co_await turn_.take();
  closed_ = true;
  auto reset = co_await reset_writer();
  turn_.give();
  co_return reset;
}

Task<Result<>> FileBasedWriteAheadLog::list_once() {
  if (listed_) {
    co_return Result<>{};
  }
  auto paths = co_await ports_.storage.list(name_prefix(options_.directory));
  if (!paths) {
    co_return paths.error();
  }
  past_ = wal_files(options_.directory, std::move(paths.value()));
  listed_ = true;
  co_return Result<>{};
}

// Every attempt has the same time, so an attempt after one that began a file begins it again. What
// the log answers when no attempt got through is FailedClose's business: the segment of an earlier
// attempt is remembered over the later ones, as Spark's loop does.
Task<Result<WalRecordHandle>> FileBasedWriteAheadLog::write_with_retries(std::string record,
                                                                         Instant time) {
  const auto listed = co_await list_once();
  if (!listed || closed_) {
    co_return listed ? make_error_code(Errc::kUnavailable) : listed.error();
  }
  const std::uint32_t number = next_.number++;
  std::optional<WalRecordHandle> flushed;
  boost::system::error_code failure;
  for (std::int32_t attempt = 1; attempt <= options_.failures_max; ++attempt) {
    auto appended = co_await append(record, number, time);
    if (appended) {
      flushed = std::move(appended.value());
    }
    if (appended && !options_.close_after_write) {
      co_return *flushed;
    }
    const auto reset = co_await reset_writer();
    if (appended && reset) {
      co_return *flushed;
    }
    failure = appended ? reset.error() : appended.error();
    if (!appended && !reset) {
      co_return reset.error();  // A stream that neither takes bytes nor closes ends Spark's loop.
    }
  }
  if (flushed && options_.failed_close == FailedClose::kAcknowledged) {
    co_return *flushed;
  }
  co_return failure;
}

Task<Result<WalRecordHandle>> FileBasedWriteAheadLog::append(std::string record,
                                                             std::uint32_t number,
                                                             Instant time) {
  const auto ready = co_await make_writer(time);
  if (!ready) {
    co_return ready.error();
  }
  std::string bytes = frame(record, number);
  const std::int64_t size = std::ssize(bytes);
  const std::int64_t before = frame_bytes(options_.format);
  WalRecordHandle handle;
  handle.path = current_->path;
  handle.offset = next_offset_ + (options_.handle == LogHandle::kToRecord ? before : 0);
  handle.length = size - before;
  const auto appended = co_await ports_.storage.append(handle.path, std::move(bytes));
  if (!appended) {
    co_return appended.error();
  }
  if (options_.flush == LogFlush::kEachRecord) {
    const auto flushed = co_await ports_.storage.flush(handle.path);
    if (!flushed) {
      co_return flushed.error();
    }
  }
  next_offset_ += size;
  ++next_.index;
  co_return handle;
}

std::string FileBasedWriteAheadLog::frame(std::string_view record, std::uint32_t number) const {
  if (options_.format == LogFormat::kLength) {
    return frame_record(record);
  }
  RecordNumber numbered = next_;
  numbered.number = number;
  return frame_checked_record(record, numbered);
}

Task<Result<>> FileBasedWriteAheadLog::make_writer(Instant time) {
  if (writer_open_ && time <= current_->stop) {
    co_return Result<>{};
  }
  const auto reset = co_await reset_writer();
  if (!reset) {
    co_return reset.error();
  }
  roll(time);
  co_return co_await open_current();
}

// A file that is begun again is listed once: it must be read once, and not be cleaned as a past
// one.
void FileBasedWriteAheadLog::roll(Instant time) {
  INVARIANT(!writer_open_, "{} is still open", current_->path);
  WalFile next = wal_file(options_.directory, time, options_.rolling_interval);
  if (!current_ || current_->path != next.path) {
    next_.index = 0;
  }
  if (current_) {
    past_.push_back(std::move(*current_));
  }
  std::erase_if(past_, [&next](const WalFile& file) { return file.path == next.path; });
  current_ = std::move(next);
}

Task<Result<>> FileBasedWriteAheadLog::open_current() {
  const auto created = co_await ports_.storage.create(current_->path);
  if (!created && created.error() != Errc::kAlreadyExists) {
    co_return created.error();
  }
  next_offset_ = 0;
  if (!created) {
    const auto size = co_await ports_.storage.reopen(current_->path);
    if (!size) {
      co_return size.error();
    }
    next_offset_ = size.value();
  }
  writer_open_ = true;
  co_return Result<>{};
}

// Whatever closing says, the stream is not used again.
Task<Result<>> FileBasedWriteAheadLog::reset_writer() {
  if (!std::exchange(writer_open_, false)) {
    co_return Result<>{};
  }
  co_return co_await ports_.storage.close(current_->path);
}

Task<Result<std::vector<WalFile>>> FileBasedWriteAheadLog::every_file() {
  co_await turn_.take();
  const auto listed = co_await list_once();
  std::vector<WalFile> files = past_;
  if (current_) {
    files.push_back(*current_);
  }
  turn_.give();
  if (!listed) {
    co_return listed.error();
  }
  co_return files;
}

Task<Result<std::vector<WalFile>>> FileBasedWriteAheadLog::take_expired(Instant threshold) {
  co_await turn_.take();
  const auto listed = co_await list_once();
  const bool by_start = options_.cleaning == LogCleaning::kByStart;
  const auto kept = std::ranges::stable_partition(
      past_, [&](const WalFile& file) { return (by_start ? file.start : file.stop) >= threshold; });
  std::vector<WalFile> expired(kept.begin(), kept.end());
  past_.erase(kept.begin(), kept.end());
  turn_.give();
  if (!listed) {
    co_return listed.error();
  }
  co_return expired;
}

}  // namespace engine
