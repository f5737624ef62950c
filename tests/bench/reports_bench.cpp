// tests/bench/reports_bench.cpp
//
// What a schedule pays for its verdict, and what a run pays for being remembered: 300 records in 3
// partitions, their output rows, 10 batches.

#include <benchmark/benchmark.h>

#include "engine/adapters/sqlite_sink.h"
#include "reports/judge.h"
#include "reports/recording.h"
#include "sim/memory_sink.h"
#include "tests/support/ledger_builder.h"

namespace {

constexpr std::int32_t kPartitions = 3;
constexpr std::int64_t kRecords = 300;
constexpr std::int64_t kBatches = 10;

// Records produced round robin, output batch by batch as `expected` rows each.
reports::Ledger standard_ledger(std::int32_t expected) {
  support::LedgerBuilder history;
  constexpr std::int64_t kPerPartition = kRecords / kPartitions;
  constexpr std::int64_t kPerBatch = kPerPartition / kBatches;
  for (std::int64_t offset = 0; offset < kPerPartition; ++offset) {
    for (std::int32_t partition = 0; partition < kPartitions; ++partition) {
      history.input(partition, offset, expected);
    }
  }
  for (std::int64_t number = 0; number < kBatches; ++number) {
    std::vector<engine::OffsetRange> ranges;
    for (std::int32_t partition = 0; partition < kPartitions; ++partition) {
      ranges.push_back(support::range(partition, number * kPerBatch, (number + 1) * kPerBatch));
      for (std::int64_t i = number * kPerBatch; i < (number + 1) * kPerBatch; ++i) {
        for (std::int32_t ordinal = 0; ordinal < expected; ++ordinal) {
          history.output(partition, i, ordinal);
        }
      }
    }
    history.plan(number + 1, 1, ranges, true);
  }
  return history.ledger();
}

void judge_ledger(benchmark::State& state) {
  const reports::Ledger ledger = standard_ledger(static_cast<std::int32_t>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(reports::judge(ledger));
  }
}

BENCHMARK(judge_ledger)->ArgName("rows_per_record")->Arg(1)->Arg(3);

void record_run(benchmark::State& state) {
  const reports::Ledger ledger = standard_ledger(1);
  const reports::Verdict verdict = reports::judge(ledger);
  reports::RunInfo info;
  info.trace_hash = std::string(32, '0');
  auto recording = reports::Recording::open(":memory:");
  for (auto _ : state) {
    if (!recording->record(info, ledger, verdict)) {
      state.SkipWithError("the run was refused");
    }
  }
}

BENCHMARK(record_run)->Unit(benchmark::kMicrosecond);

// A world's worth of task transactions: one per batch and partition.
void fill(engine::SinkDatabase& sink, benchmark::State& state) {
  engine::SinkTransaction transaction;
  transaction.rows.resize(kRecords / kPartitions / kBatches);
  for (engine::OutputRow& row : transaction.rows) {
    row.value = std::string(64, 'x');
  }
  for (std::int64_t number = 0; number < kBatches; ++number) {
    for (std::int32_t task = 0; task < kPartitions; ++task) {
      transaction.insert_unit = engine::UnitId{.batch = support::batch(number), .task = task};
      if (!sink.apply(transaction)) {
        state.SkipWithError("the transaction was refused");
      }
    }
  }
}

void fill_memory_sink(benchmark::State& state) {
  sim::MemorySink sink;
  for (auto _ : state) {
    sink.reset();
    fill(sink, state);
  }
}

BENCHMARK(fill_memory_sink)->Unit(benchmark::kMicrosecond);

void fill_sqlite_sink(benchmark::State& state) {
  const auto sink = engine::SqliteSink::open();
  for (auto _ : state) {
    if (!(*sink)->reset()) {
      state.SkipWithError("the sink could not be emptied");
    }
    fill(**sink, state);
  }
}

BENCHMARK(fill_sqlite_sink)->Unit(benchmark::kMicrosecond);

}  // namespace
