// scenarios/recorder.h
//
// Stands outside the world and writes the ledger of a run: what was produced, what the engine says,
// which points were reached. Also knows when the pipeline has drained.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "engine/ports/listener.h"
#include "engine/ports/vocabulary.h"
#include "reports/ledger.h"
#include "sim/process.h"
#include "sim/state_bytes.h"

namespace scenarios {

class Recorder {
 public:
  // `has_shuffle`: the tasks that write output do not work on parts of the input.
  // `has_receivers`: it is they who read Kafka, and not the tasks.
  Recorder(sim::Scheduler& scheduler,
           std::int32_t partitions,
           bool has_shuffle = false,
           bool has_receivers = false);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder();

  // What `process` tells is noted under its current life. Outlives every life of the process.
  engine::Listener& listener_of(sim::Process& process);

  void point_reached(const sim::Process& process,
                     engine::Point point,
                     const engine::PointContext& context);
  void produced(reports::InputRecord record);
  void life_began(const sim::Process& process);
  void life_ended(const sim::Process& process, bool crashed);

  // Whether the driver counts on this executor, which lives. What the receivers of others say and
  // hold is nothing that anybody waits for.
  void count_on(engine::ProcessId executor, bool counts);

  // Every batch that the current driver life has planned has ended, `batch`, which it just
  // processed, was empty, and nothing is under way behind it: it has planned everything that was
  // produced. With receivers: they have fetched everything, hold nothing, and have done nothing
  // since the batch was due; what those hold that have successors is given up. The batch was given
  // its blocks: one that could not be is as empty as one for which none wait.
  [[nodiscard]] bool drained_at(engine::BatchTime batch) const;

  // From now on memory and the positions of receivers are noted as they change.
  void note_closely() { is_close_ = true; }

  // Called for every processed batch.
  std::function<void(engine::BatchTime)> on_batch_processed;

  [[nodiscard]] reports::Ledger& ledger() { return ledger_; }

  // Grows with everything noted that the judge reads or that a later life meets: plans, what was
  // executed and completed, lives.
  [[nodiscard]] std::uint64_t change_count() const { return change_count_; }

  // What the judge reads of what is noted so far.
  void describe(sim::StateBytes& state) const;

 private:
  class ProcessListener;
  friend class ProcessListener;

  // What the tasks and the block manager of an executor life keep.
  struct Memory {
    std::int64_t task_bytes = 0;
    std::int64_t block_bytes = 0;
  };

  void add(const sim::Process& process, reports::Event event);
  void begin_driver_life(engine::Incarnation life);
  void plan(engine::Incarnation driver,
            engine::BatchTime batch,
            const std::vector<engine::PlannedRange>& ranges);
  void output_ended(const sim::Process& executor, const engine::PointContext& context);
  void end_batch(engine::Incarnation driver, engine::BatchTime batch, bool completed);
  void change_memory(const sim::Process& executor,
                     std::int64_t task_delta_bytes,
                     std::int64_t block_delta_bytes);
  void note_memory(const sim::Process& executor, Memory held);
  void note_position(engine::Address executor, engine::PartitionId partition, engine::Offset to);
  void move_receiver(engine::ProcessId executor, engine::PartitionId partition, engine::Offset to);
  void change_buffer(engine::ProcessId executor, std::int64_t delta_records);
  void forget_receivers(engine::ProcessId executor);
  [[nodiscard]] bool is_superseded(engine::ProcessId executor) const;
  [[nodiscard]] bool has_planned_everything() const;
  [[nodiscard]] engine::Instant due_at(engine::BatchTime batch) const;
  [[nodiscard]] bool has_received_everything(engine::Instant before) const;

  // How far into a partition an executor life says that its receiver is.
  struct Position {
    engine::ProcessId executor;
    engine::Offset until;
    std::int64_t word = 0;  // counts what was said, by anybody
  };

  sim::Scheduler& scheduler_;
  reports::Ledger ledger_;
  std::vector<std::unique_ptr<ProcessListener>> listeners_;
  std::vector<engine::Offset> produced_until_;  // by partition
  std::vector<engine::Offset> planned_until_;   // by partition, in the current driver life
  std::size_t first_plan_of_life_ = 0;          // index into ledger_.plans
  std::size_t ended_in_life_ = 0;               // batches completed or failed
  std::map<engine::ProcessId, Memory> memory_;
  const bool has_shuffle_;
  const bool has_receivers_;
  bool is_close_ = false;
  // By partition: of living executors that work for the current driver, in the order in which their
  // receivers started.
  std::vector<std::vector<Position>> positions_;
  std::int64_t word_count_ = 0;
  std::map<engine::ProcessId, std::int64_t> buffered_records_;  // of living executors
  std::set<engine::ProcessId> given_up_;  // living executors that the driver does not count on
  engine::Instant last_receiver_activity_;
  // When the current driver life began to plan a batch, in virtual time: its clock may be ahead.
  std::map<engine::BatchTime, engine::Instant> due_at_;
  // The batch that was given blocks last, in this life of the driver.
  std::optional<engine::BatchTime> last_allocated_;
  engine::Incarnation driver_life_ = 0;  // the latest
  std::uint64_t change_count_ = 0;
  std::map<engine::ProcessId, engine::Incarnation> works_for_;  // driver life of an executor life
};

}  // namespace scenarios
