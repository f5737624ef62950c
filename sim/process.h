// sim/process.h
//
// A process that really dies. It has lives (incarnations); every pending operation and coroutine
// frame belongs to one life and is destroyed in the instant in which that life ends.
//
// Holds     the pending operations of the current life; its number of steps over all lives.
// Lifetime  one per ProcessId, for the life of the world. A scheduler that goes first takes the
//           pending operations of the process with it.
//
// Invariants
//   P1  Dead at once.   When end_life() returns, every frame of that life has been destroyed,
//                       however deeply nested and whatever it waited for.
//   P2  Dead for ever.  Nothing that was given to an executor of a dead life runs.
//   P3  Condemned.      A coroutine that comes to a step or a point of a condemned process is never
//                       resumed.
//   P4  Paused.         Nothing of a paused process runs but the operation that is running, and
//                       that stops at its next step or point. What comes meanwhile waits.
// tests/unit/process_test.cpp checks each of them by name.

#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/ports/task.h"
#include "engine/ports/vocabulary.h"
#include "sim/digest.h"
#include "sim/executor.h"
#include "sim/fault_hook.h"
#include "sim/scheduler.h"
#include "sim/trace.h"

namespace sim {

class Process final : private detail::OperationOwner {
 public:
  // `hook` may be null.
  Process(Scheduler& scheduler, Trace& trace, FaultHook* hook, engine::ProcessId id);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  [[nodiscard]] engine::ProcessId id() const { return id_; }

  // Of the current life, or of the last one.
  [[nodiscard]] engine::Address address() const { return {id_, life()}; }

  [[nodiscard]] bool alive() const { return is_alive(); }

  [[nodiscard]] engine::Instant now() const;

  [[nodiscard]] Scheduler& scheduler();

  [[nodiscard]] FaultHook* hook() { return hook_; }

  // Of the current life only: dead with it.
  // Requires  alive().
  [[nodiscard]] Executor executor();

  // Requires  !alive().
  void begin_life();

  // The crash. Then tells the observers.
  // Requires  alive(), and that no operation of this process is running.
  void end_life();

  // Called at the end of every life, in the order of registration, when nothing of that life is
  // left.
  void on_end_of_life(std::function<void()> observer);

  // The operation that is running may finish, but parks at its next step or point. Somebody must
  // end the life.
  void condemn() { condemned_ = true; }

  [[nodiscard]] bool condemned() const { return condemned_; }

  // The process stands still until it is resumed as often as it was paused; time goes on for
  // everybody. A life that begins is not paused.
  // Requires  alive().
  void pause();
  void resume();

  [[nodiscard]] bool paused() const { return is_held(); }

  // From now on, over all its lives, its operations run last in each instant.
  void yield() { OperationOwner::yield(); }

  // One effect boundary. The call counts the step, traces it and asks the fault hook; awaiting the
  // result takes `latency` of virtual time, or never returns when the process is condemned.
  [[nodiscard]] engine::Task<> step(Operation operation,
                                    std::uint64_t digest,
                                    engine::Duration latency);

  // Whether the digests given to step() and record() are of any use.
  [[nodiscard]] bool is_traced() const { return trace_.is_hashed(); }

  // What stands for these values in the trace; zero where nothing is recorded, which saves most of
  // what a trace costs.
  template <class... Values>
  [[nodiscard]] std::uint64_t digest(const Values&... values) const {
    return is_traced() ? content_digest(values...) : 0;
  }

  // Effect boundaries so far, over all lives.
  [[nodiscard]] std::uint64_t steps() const { return step_count_; }

  // Enters the trace without being a boundary.
  void record(Operation operation, std::uint64_t digest);

  // Completes at `when`, or at once if that has passed.
  [[nodiscard]] engine::Task<> sleep_until(engine::Instant when);

  // Completes at once; never if the process is condemned, and when it is resumed if it is paused.
  [[nodiscard]] engine::Task<> pass();

 private:
  friend class ProcessClock;
  friend class ProcessSignal;

  engine::Task<> park();
  void trace(Operation operation, std::uint64_t digest, std::uint64_t number);

  Trace& trace_;
  FaultHook* hook_;
  engine::ProcessId id_;
  std::uint64_t step_count_ = 0;
  bool condemned_ = false;
  std::vector<std::function<void()>> observers_;
};

}  // namespace sim
