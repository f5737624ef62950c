#include "engine/wal/batched_write_ahead_log.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "engine/bytes.h"
#include "engine/ports/invariant.h"

namespace engine {
namespace {

// No record that is written alone begins so: an event begins with a small number.
constexpr std::uint32_t kAggregateMark = 0xb47c4ed1;

}  // namespace

std::string aggregate(const std::vector<std::string>& records) {
  ByteWriter writer;
  writer.put(kAggregateMark);
  writer.put_count(records.size());
  for (const std::string& record : records) {
    writer.put_string(record);
  }
  return writer.take();
}

std::vector<std::string> deaggregate(std::string record) {
  ByteReader reader(record);
  const bool marked = reader.get<std::uint32_t>() == kAggregateMark;
  const std::size_t count = marked ? reader.get_count(sizeof(std::uint32_t)) : 0;
  std::vector<std::string> records;
  records.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    records.push_back(reader.get_string());
  }
  if (!marked || !reader.ended_whole()) {
    records.clear();
    records.push_back(std::move(record));
  }
  return records;
}

BatchedWriteAheadLog::BatchedWriteAheadLog(const Ports& ports,
                                           std::unique_ptr<WriteAheadLog> log,
                                           Duration timeout)
    : ports_(ports),
      log_(std::move(log)),
      timeout_(timeout),
      wake_up_(ports.clock.make_signal()),
      stopped_(ports.clock.make_signal()) {
  INVARIANT(log_ != nullptr, "nothing to write batches to");
}

Task<> BatchedWriteAheadLog::run() {
  INVARIANT(!running_, "a log of batches has one writer");
  running_ = true;
  while (active_) {
    if (waiting_.empty()) {
      co_await wake_up_->wait();
    } else {
      co_await write_batch(std::exchange(waiting_, std::vector<Waiting>()));
    }
  }
  running_ = false;
  stopped_->notify();
}

Task<Result<WalRecordHandle>> BatchedWriteAheadLog::write(std::string record, Instant time) {
  if (!active_) {
    co_return Errc::kUnavailable;
  }
  const auto answer = std::make_shared<Answer>();
  answer->given = ports_.clock.make_signal();
  waiting_.push_back({.record = std::move(record), .time = time, .answer = answer});
  wake_up_->notify();
  const bool answered = co_await answer->given->wait_until(ports_.clock.now() + timeout_);
  if (!answered && !answer->result) {
    co_return Errc::kTimedOut;
  }
  INVARIANT(answer->result.has_value(), "a write was woken without an answer");
  co_return *answer->result;
}

Task<Result<std::string>> BatchedWriteAheadLog::read(WalRecordHandle /*handle*/) {
  co_return Errc::kUnsupported;
}

Task<Result<std::vector<std::string>>> BatchedWriteAheadLog::read_all() {
  auto batches = co_await log_->read_all();
  if (!batches) {
    co_return batches.error();
  }
  std::vector<std::string> all;
  for (std::string& batch : batches.value()) {
    std::ranges::move(deaggregate(std::move(batch)), std::back_inserter(all));
  }
  co_return all;
}

Task<Result<>> BatchedWriteAheadLog::clean(Instant threshold) {
  co_return co_await log_->clean(threshold);
}

Task<Result<>> BatchedWriteAheadLog::close() {
  if (!std::exchange(active_, false)) {
    co_return co_await log_->close();
  }
  wake_up_->notify();
  if (running_) {
    co_await stopped_->wait();
  }
  answer_all(std::exchange(waiting_, std::vector<Waiting>()), Errc::kUnavailable);
  co_return co_await log_->close();
}

// Spark sorts although the queue is in order of arrival: callers take their time before they queue.
Task<> BatchedWriteAheadLog::write_batch(std::vector<Waiting> batch) {
  std::ranges::stable_sort(batch, {}, &Waiting::time);
  std::vector<std::string> records;
  records.reserve(batch.size());
  for (Waiting& each : batch) {
    records.push_back(std::move(each.record));
  }
  const Instant latest = batch.back().time;
  auto written = co_await log_->write(aggregate(records), latest);
  answer_all(batch, std::move(written));
}

void BatchedWriteAheadLog::answer_all(const std::vector<Waiting>& waiting,
                                      Result<WalRecordHandle> result) {
  for (const Waiting& each : waiting) {
    INVARIANT(!each.answer->result.has_value(), "a write is answered twice");
    each.answer->result = result;
    each.answer->given->notify();
  }
}

}  // namespace engine
