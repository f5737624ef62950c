// tests/property/checked_record_property_test.cpp
//
// Records with checksum and number, by the invariants of engine/wal/checked_record.h: any records,
// damaged, cut off and begun again at every single byte. The form without them stands beside: what
// it cannot tell is what the other is for.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/wal/checked_record.h"
#include "engine/wal/wal_reader.h"

namespace {

using engine::CheckedRecordReader;
using engine::Errc;
using engine::RecordNumber;
using Records = std::vector<std::string>;

constexpr engine::Instant kLife{engine::Duration{1'000'000}};
constexpr engine::Instant kNextLife{engine::Duration{2'000'000}};

std::string framed(const std::string& record, std::uint32_t number, std::uint32_t index) {
  return engine::frame_checked_record(record, {.life = kLife, .number = number, .index = index});
}

// A file of one life, and where each record ends in it.
struct File {
  explicit File(const Records& records) {
    for (const std::string& record : records) {
      const auto n = static_cast<std::uint32_t>(ends.size());
      bytes += framed(record, n, n);
      ends.push_back(bytes.size());
    }
  }

  // Which record the byte belongs to.
  [[nodiscard]] std::size_t record_at(std::size_t byte) const {
    std::size_t record = 0;
    while (ends[record] <= byte) {
      ++record;
    }
    return record;
  }

  std::string bytes;
  std::vector<std::size_t> ends;
};

Records some_records() {
  const auto count = *rc::gen::inRange<std::size_t>(1, 6);
  Records records;
  for (std::size_t i = 0; i < count; ++i) {
    records.push_back(*rc::gen::resize(24, rc::gen::arbitrary<std::string>()));
  }
  return records;
}

Records first(const Records& records, std::size_t count) {
  return {records.begin(), records.begin() + static_cast<std::ptrdiff_t>(count)};
}

RC_GTEST_PROP(CheckedRecordProperty, R1WhatWasWrittenIsFoundByReadingAndByItsHandle, ()) {
  const Records records = some_records();
  const File file(records);
  const auto found = CheckedRecordReader().records_in(file.bytes);
  RC_ASSERT(found.has_value());
  RC_ASSERT(*found == records);
  std::int64_t offset = 0;
  for (const std::string& record : records) {
    const auto one = engine::checked_record_at(
        file.bytes, {.path = "log", .offset = offset, .length = std::ssize(record)});
    RC_ASSERT(one.has_value());
    RC_ASSERT(*one == record);
    offset += engine::kCheckedFrameBytes + std::ssize(record);
  }
}

// Damage in the last record cannot be told from a torn end; anywhere else it is reported.
RC_GTEST_PROP(CheckedRecordProperty, R1R3DamageAtAnyByteIsToldOrIsTheEnd, ()) {
  const Records records = some_records();
  const File file(records);
  const auto flip = static_cast<char>(*rc::gen::inRange(1, 256));
  for (std::size_t byte = 0; byte < file.bytes.size(); ++byte) {
    std::string damaged = file.bytes;
    damaged[byte] = static_cast<char>(damaged[byte] ^ flip);
    const std::size_t hit = file.record_at(byte);
    const auto found = CheckedRecordReader().records_in(damaged);
    if (hit + 1 < records.size()) {
      RC_ASSERT(!found.has_value());
      RC_ASSERT(found.error() == Errc::kCorrupt);
    } else {
      RC_ASSERT(found.has_value());
      RC_ASSERT(*found == first(records, hit));
    }
    const std::int64_t offset = hit == 0 ? 0 : static_cast<std::int64_t>(file.ends[hit - 1]);
    const auto one = engine::checked_record_at(
        damaged, {.path = "log", .offset = offset, .length = std::ssize(records[hit])});
    RC_ASSERT(!one.has_value());
  }
}

RC_GTEST_PROP(CheckedRecordProperty, R1AFileCutAtAnyByteGivesTheRecordsThatAreWhole, ()) {
  const Records records = some_records();
  const File file(records);
  for (std::size_t size = 0; size < file.bytes.size(); ++size) {
    const auto found =
        CheckedRecordReader().records_in(std::string_view(file.bytes).substr(0, size));
    RC_ASSERT(found.has_value());
    RC_ASSERT(*found == first(records, file.record_at(size)));
  }
}

// A write that fails half way and is made again behind what is left of it.
RC_GTEST_PROP(CheckedRecordProperty, R2AWriteThatIsMadeAgainBehindItsTornBytesIsFoundOnce, ()) {
  const Records records = some_records();
  const auto torn = *rc::gen::inRange<std::size_t>(0, records.size());
  const File before(first(records, torn));
  const File whole(records);
  const std::size_t begin = before.bytes.size();
  for (std::size_t left = 0; begin + left <= whole.ends[torn]; ++left) {
    const std::string file = whole.bytes.substr(0, begin + left) + whole.bytes.substr(begin);
    const auto found = CheckedRecordReader().records_in(file);
    RC_ASSERT(found.has_value());
    RC_ASSERT(*found == records);
  }
}

// The first attempt got through unheard; the second went to the next file.
RC_GTEST_PROP(CheckedRecordProperty, R2AWriteThatIsMadeAgainInTheNextFileIsFoundOnce, ()) {
  const Records records = some_records();
  const auto last = static_cast<std::uint32_t>(records.size() - 1);
  CheckedRecordReader reader;
  const auto found = reader.records_in(File(records).bytes);
  RC_ASSERT(found.has_value());
  RC_ASSERT(*found == records);
  const auto again =
      reader.records_in(framed(records.back(), last, 0) + framed("new", last + 1, 1));
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == Records{"new"});
}

TEST(CheckedRecord, AWriteThatFailedIsNotAMissingOne) {
  const std::string file = framed("a", 0, 0) + framed("c", 2, 1);
  EXPECT_EQ(*CheckedRecordReader().records_in(file), (Records{"a", "c"}));
}

TEST(CheckedRecord, R3TheFirstRecordOfAFileIsMissedToo) {
  EXPECT_EQ(CheckedRecordReader().records_in(framed("b", 1, 1)).error(), Errc::kCorrupt);
}

TEST(CheckedRecord, FilesBetweenMayBeGone) {
  CheckedRecordReader reader;
  EXPECT_EQ(*reader.records_in(framed("a", 0, 0)), Records{"a"});
  EXPECT_EQ(*reader.records_in(framed("d", 7, 0)), Records{"d"});
}

TEST(CheckedRecord, ALifeThatGoesOnInAFileIsTakenForItself) {
  const std::string torn = framed("torn", 1, 1);
  const std::string next =
      engine::frame_checked_record("next", {.life = kNextLife, .number = 0, .index = 0});
  const std::string file = framed("a", 0, 0) + torn.substr(0, torn.size() - 1) + next;
  EXPECT_EQ(*CheckedRecordReader().records_in(file), (Records{"a", "next"}));
}

// The twin: told by its length alone, a torn record swallows what comes behind it.
TEST(CheckedRecord, WithoutChecksumsWhatIsMadeAgainIsLost) {
  const std::string whole = engine::frame_record("record");
  const std::string file = whole.substr(0, 6) + whole;
  const auto found = engine::records_in(file);
  EXPECT_TRUE(!found.has_value() || *found != Records{"record"});
  EXPECT_EQ(*CheckedRecordReader().records_in(framed("record", 0, 0).substr(0, 6) +
                                              framed("record", 0, 0)),
            Records{"record"});
}

}  // namespace
