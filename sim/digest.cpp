#include "sim/digest.h"

namespace sim {

void Digest::add(std::string_view bytes) {
  add(digest_of(bytes));
}

void Digest::add(const engine::PartitionOffset& saved) {
  add(saved.partition);
  add(saved.offset);
}

void Digest::add(const engine::OffsetRange& range) {
  add(range.partition);
  add(range.from);
  add(range.until);
}

void Digest::add(const engine::Watermarks& watermarks) {
  add(watermarks.log_start);
  add(watermarks.high_watermark);
}

void Digest::add(const engine::ProducerRecord& record) {
  add(record.partition);
  add(record.timestamp);
  add(record.key);
  add(record.value);
}

void Digest::add(const engine::ConsumerRecord& record) {
  add(record.partition);
  add(record.offset);
  add(record.timestamp);
  add(record.key);
  add(record.value);
}

void Digest::add(const engine::Address& address) {
  add(static_cast<std::int64_t>(address.process.role));
  add(address.process.index);
  add(address.incarnation);
}

void Digest::add(const engine::OutputRow& row) {
  add(row.source.partition);
  add(row.source.offset);
  add(row.ordinal);
  add(row.row_key);
  add(row.key);
  add(row.value);
  add(row.batch.at);
  add(row.task);
  add(row.attempt);
}

void Digest::add(const engine::UnitId& unit) {
  add(unit.batch.at);
  add(unit.task);
  if (unit.part != 0) {
    add(unit.part);
  }
}

void Digest::add(const engine::OffsetUpdate& update) {
  add(update.partition);
  add(update.expected);
  add(update.next);
}

void Digest::add(const engine::SinkTransaction& transaction) {
  add(transaction.rows);
  add(transaction.insert_unit);
  add(transaction.offsets);
}

}  // namespace sim
