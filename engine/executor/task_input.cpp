#include "engine/executor/task_input.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/kafka_source.h"
#include "engine/ports/invariant.h"
#include "engine/wal/write_ahead_log.h"

namespace engine {
namespace {

// Each record of `taken` once, though the block may hold it twice.
BlockRecords only(const std::vector<OffsetRange>& taken, BlockRecords records) {
  std::set<Position> left;
  for (const OffsetRange& range : taken) {
    for (Offset offset = range.from; offset < range.until; offset = offset + 1) {
      left.insert({.partition = range.partition, .offset = offset});
    }
  }
  std::erase_if(records, [&left](const ConsumerRecord& record) {
    return left.erase(record.position()) == 0;
  });
  return records;
}

}  // namespace

Task<Result<BlockRecords>> TaskInputReader::read(TaskInput input) {
  if (const auto* const range = std::get_if<OffsetRange>(&input)) {
    return read_range(*range);
  }
  return read_block(std::get<BlockInput>(std::move(input)));
}

// The driver has fixed the range. Whatever the task finds out by itself, another attempt may find
// out otherwise: the mistake of TaskRange::kLatest.
Task<Result<BlockRecords>> TaskInputReader::read_range(OffsetRange range) {
  if (pipeline_.protocol.task_range == TaskRange::kLatest) {
    const auto latest = co_await ports_.kafka.watermarks(pipeline_.source.topic);
    if (!latest) {
      co_return latest.error();
    }
    range.until =
        std::max(range.until, latest.value().at(index_of(range.partition)).high_watermark);
  }
  if (range.count() == 0) {
    co_return BlockRecords{};
  }
  if (range.count() < 0) {
    co_return Errc::kOffsetOutOfRange;  // KafkaRDD: "Beginning offset is after the ending offset".
  }
  auto records = co_await ports_.kafka.fetch(pipeline_.source.topic, range);
  if (!records) {
    co_return records.error();
  }
  INVARIANT(std::ssize(records.value()) == range.count(),
            "{} records were read of a range of {}",
            records.value().size(),
            range.count());
  co_return records;
}

Task<Result<BlockRecords>> TaskInputReader::read_block(BlockInput input) {
  const std::vector<OffsetRange> taken = input.taken;
  auto records = co_await read_whole_block(std::move(input));
  if (!records || taken.empty()) {
    co_return records;
  }
  co_return only(taken, std::move(records.value()));
}

// Memory first, whoever's it is, then the log. In memory a block is found by its name alone, as by
// a BlockRDD, and two receivers of one stream name their blocks alike: where a zombie reports
// beside its successor, the task of the one may read the block of the other. A log record is found
// by its address.
Task<Result<BlockRecords>> TaskInputReader::read_whole_block(BlockInput input) {
  const std::int64_t expected = input.record_count;
  const std::optional<WalRecordHandle> wal = input.wal;
  const SharedRecords kept = co_await find_in_memory(std::move(input));
  if (kept) {
    co_return *kept;
  }
  if (!wal) {
    co_return Errc::kNotFound;
  }
  auto logged = co_await read_log(*wal);
  if (logged && std::ssize(logged.value()) != expected) {
    co_return Errc::kCorrupt;
  }
  co_return logged;
}

Task<SharedRecords> TaskInputReader::find_in_memory(BlockInput input) {
  const SharedRecords own = blocks_.find(input.block);
  if (own) {
    co_return own;
  }
  for (const Address& holder : input.locations) {
    if (holder == ports_.self) {
      continue;
    }
    const SharedRecords fetched = co_await blocks_.fetch(holder, input.block);
    if (fetched) {
      co_return fetched;
    }
  }
  co_return nullptr;
}

Task<Result<BlockRecords>> TaskInputReader::read_log(WalRecordHandle handle) {
  const auto file = co_await ports_.storage.read(handle.path);
  if (!file) {
    co_return file.error();
  }
  const auto record = record_in(file.value(), handle, pipeline_.protocol.log_format);
  if (!record) {
    co_return record.error();
  }
  co_return decode_block(record.value());
}

}  // namespace engine
