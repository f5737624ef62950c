// sim/digest.h
//
// What a request or an answer says, as 64 bits for the trace: equal for equal contents on every
// machine. Two contents that differ in what the judge or the engine could notice have different
// digests but for accident.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/ports/kafka.h"
#include "engine/ports/result.h"
#include "engine/ports/sink_store.h"
#include "engine/ports/vocabulary.h"
#include "sim/trace.h"

namespace sim {

// Folds values into 64 bits, one after the other; their order matters.
class Digest {
 public:
  void add(std::uint64_t value) { value_ = digest_with(value_, value); }

  void add(std::int64_t value) { add(static_cast<std::uint64_t>(value)); }

  void add(std::int32_t value) { add(static_cast<std::int64_t>(value)); }

  void add(std::string_view bytes);

  void add(engine::Offset offset) { add(offset.value); }

  void add(engine::Instant instant) { add(std::int64_t{instant.time_since_epoch().count()}); }

  void add(const engine::PartitionOffset& saved);
  void add(const engine::OffsetRange& range);
  void add(const engine::Watermarks& watermarks);
  void add(const engine::ProducerRecord& record);
  void add(const engine::ConsumerRecord& record);
  void add(const engine::Address& address);
  void add(const engine::OutputRow& row);
  void add(const engine::UnitId& unit);
  void add(const engine::OffsetUpdate& update);
  void add(const engine::SinkTransaction& transaction);

  void add(engine::TransactionId id) { add(id.value); }

  void add(engine::TransactionOutcome outcome) { add(static_cast<std::int64_t>(outcome)); }

  void add(boost::system::error_code error) { add(std::int64_t{error.value()}); }

  // The count comes first, so that no two lists run into each other.
  template <class T>
  void add(const std::vector<T>& values) {
    add(std::uint64_t{values.size()});
    for (const T& value : values) {
      add(value);
    }
  }

  template <class T>
  void add(const std::optional<T>& value) {
    add(std::uint64_t{value.has_value()});
    if (value) {
      add(*value);
    }
  }

  template <class T>
  void add(const engine::Result<T>& result) {
    add(result.error());
    if constexpr (!std::is_void_v<T>) {
      if (result) {
        add(*result);
      }
    }
  }

  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0;
};

template <class... Values>
[[nodiscard]] std::uint64_t content_digest(const Values&... values) {
  Digest folded;
  (folded.add(values), ...);
  return folded.value();
}

}  // namespace sim
