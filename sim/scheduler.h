// sim/scheduler.h
//
// Virtual time as an Asio execution context: one thread, no wall clock. Running an operation takes
// no time; when nothing is left to run in an instant, the clock jumps to the next timer.
//
// Holds     every pending operation, in pooled nodes: a step allocates nothing once warm.
// Lifetime  one per world. Its memory may be lent to it, and be used again by the next world.
//
// Invariants
//   S1  Order.  Operations run by (time, order of becoming ready). Nothing else decides, unless a
//               seeded order was asked for; then its random numbers do. Who yields runs behind
//               whoever yielded less, or never.
//   S2  Owned.  Every operation belongs to the world or to one life of one process.
//   S3  Turn.   Nothing runs inside the call that makes it ready.
//   S4  Held.   Nothing of an owner that is held runs. What became ready meanwhile becomes ready
//               again in the same order when it is let go.
// tests/unit/scheduler_test.cpp checks each of them by name.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/detail/thread_context.hpp>
#include <boost/asio/detail/thread_info_base.hpp>
#include <boost/asio/execution_context.hpp>

#include "engine/ports/random.h"
#include "engine/ports/vocabulary.h"

namespace sim {

class Executor;
class Scheduler;

// Who goes first among operations that are ready in the same instant.
enum class ReadyOrder : std::uint8_t { kFifo, kSeeded };

namespace detail {

// A member of a circular list through a sentinel; alone when it points at itself.
struct Link {
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() = default;

  void insert_before(Link& position) {
    previous = position.previous;
    next = &position;
    previous->next = this;
    next->previous = this;
  }

  void remove() {
    previous->next = next;
    next->previous = previous;
    previous = this;
    next = this;
  }

  [[nodiscard]] bool alone() const { return next == this; }

  Link* previous = this;
  Link* next = this;
};

class OperationOwner;

// A suspended coroutine or a function, waiting for its turn, for a time, for a signal, or for the
// end. The ticket tells an entry of a queue that is still meant from one that is out of date.
class PendingOperation : public Link {
 public:
  static constexpr std::size_t kInlineBytes = 4 * sizeof(void*);

  // The place that points at this operation while it waits for a signal; cleared when it no longer
  // does, and by a signal that dies first.
  PendingOperation** waiter_of = nullptr;

 private:
  friend class sim::Scheduler;

  // Moves the function out, gives the node back, and then runs or only destroys the function.
  using Finish = void (*)(Scheduler&, PendingOperation&, bool run);

  void leave_signal() {
    if (waiter_of != nullptr) {
      *std::exchange(waiter_of, nullptr) = nullptr;
    }
  }

  Finish finish_ = nullptr;
  OperationOwner* owner_ = nullptr;
  std::uint64_t ticket_ = 0;
  bool has_timer_ = false;
  bool notified_ = false;
  alignas(std::max_align_t) std::array<std::byte, kInlineBytes> function_{};
};

struct ReadyEntry {
  PendingOperation* operation = nullptr;
  std::uint64_t ticket = 0;
};

// The pending operations of one life of a process, or of the world.
class OperationOwner : public Link {
 public:
  explicit OperationOwner(Scheduler& scheduler);
  OperationOwner(const OperationOwner&) = delete;
  OperationOwner& operator=(const OperationOwner&) = delete;
  ~OperationOwner();

  // Requires  the scheduler still exists.
  [[nodiscard]] Scheduler& scheduler() const { return *scheduler_; }

  [[nodiscard]] bool is_alive() const { return alive_; }

  [[nodiscard]] engine::Incarnation life() const { return life_; }

 protected:
  void begin();

  // Destroys everything pending, oldest first. A life that begins is not held.
  void end();

  // From now on nothing of it runs, until it is let go as often as it was held.
  void hold() { ++holds_; }

  void let_go();

  [[nodiscard]] bool is_held() const { return holds_ > 0; }

  // From now on it runs behind everybody else in each instant, over all its lives.
  void yield();

 private:
  friend class sim::Scheduler;

  Scheduler* scheduler_;
  Link pending_;
  bool alive_ = false;
  engine::Incarnation life_ = 0;
  std::int32_t holds_ = 0;
  std::uint64_t yielded_ = 0;          // when, among those who did; 0: never
  std::vector<ReadyEntry> held_back_;  // ready but for the hold, in order
};

// Operations that outlive every process; alive from the beginning.
class World final : public OperationOwner {
 public:
  explicit World(Scheduler& scheduler) : OperationOwner(scheduler) { begin(); }
};

// First in, first out, with access by index.
class ReadyQueue {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }

  void push(ReadyEntry entry) {
    if (size_ == entries_.size()) [[unlikely]] {
      grow();
    }
    entries_[(head_ + size_) & (entries_.size() - 1)] = entry;
    ++size_;
  }

  // Requires  size() > 0.
  ReadyEntry pop() {
    const ReadyEntry entry = entries_[head_];
    head_ = (head_ + 1) & (entries_.size() - 1);
    --size_;
    return entry;
  }

  // Requires  index < size().
  [[nodiscard]] const ReadyEntry& at(std::size_t index) const {
    return entries_[(head_ + index) & (entries_.size() - 1)];
  }

  // Out of its turn; the order of the others stays.
  // Requires  index < size().
  ReadyEntry take(std::size_t index);

  void clear() { size_ = 0; }

 private:
  void grow();

  std::vector<ReadyEntry> entries_;  // a power of two, or none
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

struct TimerEntry {
  engine::Instant at;
  std::uint64_t ticket = 0;
  PendingOperation* operation = nullptr;
};

// A heap of four children per node: half as deep as a binary one, and the children of a node lie
// side by side.
class TimerHeap {
 public:
  [[nodiscard]] bool empty() const { return entries_.empty(); }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  // Requires  !empty().
  [[nodiscard]] const TimerEntry& top() const { return entries_.front(); }

  void push(const TimerEntry& entry);

  // Requires  !empty().
  void pop();

  // Keeps the entries for which `keep` is true. What is popped afterwards is in the same order.
  void keep_if(bool (*keep)(const TimerEntry&));

  void clear() { entries_.clear(); }

 private:
  static constexpr std::size_t kChildren = 4;

  void sift_down(const TimerEntry& entry);
  [[nodiscard]] std::size_t least_between(std::size_t first, std::size_t end) const;

  std::vector<TimerEntry> entries_;
};

}  // namespace detail

// What a scheduler allocates, to be used again by the next one. Changes no result.
// Lifetime  outlives its scheduler; serves one at a time.
class SchedulerMemory {
 public:
  SchedulerMemory() = default;
  SchedulerMemory(const SchedulerMemory&) = delete;
  SchedulerMemory& operator=(const SchedulerMemory&) = delete;
  ~SchedulerMemory() = default;

 private:
  friend class Scheduler;

  void add_slab();

  using Slab = std::array<detail::PendingOperation, 64>;

  std::vector<std::unique_ptr<Slab>> slabs_;
  detail::Link* free_ = nullptr;
  detail::ReadyQueue ready_;
  detail::ReadyQueue urgent_;
  detail::TimerHeap timers_;
  boost::asio::detail::thread_info_base frames_;  // Asio's cache of coroutine frames
  bool in_use_ = false;
};

class Scheduler final : public boost::asio::execution_context,
                        private boost::asio::detail::thread_context {
 public:
  using executor_type = Executor;

  Scheduler();
  explicit Scheduler(SchedulerMemory& memory);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler();

  // The world's own executor: what it runs belongs to no process.
  [[nodiscard]] Executor get_executor();

  [[nodiscard]] engine::Instant now() const { return now_; }

  enum class Outcome : std::uint8_t {
    kIdle,      // nothing is ready and no timer is set; what still waits would wait for ever
    kStopped,   // stop() was called
    kDeadline,  // everything up to `deadline` was done; the clock stands there
  };

  // What an operation throws leaves run(), and run() may be called again.
  // Requires  not called from an operation.
  Outcome run(engine::Instant deadline);

  // run() returns after the operation that is running now.
  void stop() { stopped_ = true; }

  // At `when`, or in this instant if that has passed.
  void call_at(engine::Instant when, std::function<void()> call);

  // Right after the operation that is running now, before everything that is ready. Several calls
  // keep their order.
  void call_next(std::function<void()> call);

  // kSeeded takes the next operation of an instant by `random`, which outlives the scheduler.
  // Requires  random != nullptr for kSeeded.
  void set_ready_order(ReadyOrder order, engine::Random* random = nullptr);

  // Operations run so far.
  [[nodiscard]] std::uint64_t operation_count() const { return operation_count_; }

  // The building blocks of executors, clocks and signals. ------------------------------------

  // `function()` or `function(bool notified)` waits for nothing yet, except for its end.
  template <class Function>
  detail::PendingOperation& park(detail::OperationOwner& owner, Function&& function);

  template <class Function>
  void make_ready(detail::OperationOwner& owner, Function&& function) {
    resume(park(owner, std::forward<Function>(function)), false);
  }

  // Sets or moves the timer of a parked operation; when it fires, the operation is not notified.
  void resume_at(detail::PendingOperation& operation, engine::Instant when);

  // The parked operation runs in its turn.
  void resume(detail::PendingOperation& operation, bool notified);

  // Whether an operation of `owner` is running.
  [[nodiscard]] bool is_running(const detail::OperationOwner& owner) const {
    return running_ == &owner;
  }

 private:
  friend class detail::OperationOwner;
  class Scope;
  class Looping;

  template <class Function>
  static void finish(Scheduler& scheduler, detail::PendingOperation& operation, bool run);

  detail::PendingOperation& acquire();
  void release(detail::PendingOperation& operation);
  detail::PendingOperation* next_operation();
  std::size_t choose_ready();
  void ready_again(const std::vector<detail::ReadyEntry>& entries);
  bool has_timer();
  bool advance(engine::Instant deadline);
  void forget_timer(detail::PendingOperation& operation);
  void drop_stale_timers();
  void destroy_pending(detail::OperationOwner& owner);

  std::unique_ptr<SchedulerMemory> own_memory_;
  SchedulerMemory& memory_;
  engine::Instant now_;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t operation_count_ = 0;
  std::size_t stale_timers_ = 0;
  const detail::OperationOwner* running_ = nullptr;
  bool stopped_ = false;
  bool looping_ = false;
  engine::Random* order_ = nullptr;
  std::uint64_t yield_count_ = 0;
  std::vector<std::size_t> candidates_;  // of choose_ready(); kept for its memory
  detail::Link owners_;
  detail::World world_;
};

namespace detail {

// A function too large for a node.
template <class Function>
struct Boxed {
  std::unique_ptr<Function> function;

  void operator()(bool notified) {
    if constexpr (std::is_invocable_v<Function&, bool>) {
      (*function)(notified);
    } else {
      (*function)();
    }
  }
};

template <class Function>
using Stored = std::conditional_t<sizeof(Function) <= PendingOperation::kInlineBytes &&
                                      alignof(Function) <= alignof(std::max_align_t) &&
                                      std::is_nothrow_move_constructible_v<Function>,
                                  Function,
                                  Boxed<Function>>;

}  // namespace detail

// Inline: these are the cost of a wait.

inline void Scheduler::resume_at(detail::PendingOperation& operation, engine::Instant when) {
  if (when <= now_) {
    resume(operation, false);
    return;
  }
  forget_timer(operation);
  operation.ticket_ = ++last_ticket_;
  operation.has_timer_ = true;
  memory_.timers_.push({when, operation.ticket_, &operation});
}

inline void Scheduler::resume(detail::PendingOperation& operation, bool notified) {
  forget_timer(operation);
  operation.leave_signal();
  operation.notified_ = notified;
  operation.ticket_ = ++last_ticket_;
  memory_.ready_.push({&operation, operation.ticket_});
}

inline void Scheduler::forget_timer(detail::PendingOperation& operation) {
  if (operation.has_timer_) {
    operation.has_timer_ = false;
    operation.ticket_ = 0;
    ++stale_timers_;
    drop_stale_timers();
  }
}

inline detail::PendingOperation& Scheduler::acquire() {
  if (memory_.free_ == nullptr) [[unlikely]] {
    memory_.add_slab();
  }
  auto& operation = static_cast<detail::PendingOperation&>(*memory_.free_);
  memory_.free_ = operation.next;
  return operation;
}

inline void Scheduler::release(detail::PendingOperation& operation) {
  forget_timer(operation);
  operation.leave_signal();
  operation.ticket_ = 0;
  operation.remove();
  operation.next = std::exchange(memory_.free_, &operation);
}

template <class Function>
detail::PendingOperation& Scheduler::park(detail::OperationOwner& owner, Function&& function) {
  using Plain = std::decay_t<Function>;
  using Stored = detail::Stored<Plain>;
  detail::PendingOperation& operation = acquire();
  if constexpr (std::is_same_v<Stored, Plain>) {
    ::new (static_cast<void*>(operation.function_.data())) Stored(std::forward<Function>(function));
  } else {
    ::new (static_cast<void*>(operation.function_.data()))
        Stored{std::make_unique<Plain>(std::forward<Function>(function))};
  }
  operation.finish_ = &finish<Stored>;
  operation.owner_ = &owner;
  operation.notified_ = false;
  operation.insert_before(owner.pending_);
  return operation;
}

// The node is free again before the function runs, so that a coroutine which waits again gets the
// node that it just left.
template <class Function>
void Scheduler::finish(Scheduler& scheduler, detail::PendingOperation& operation, bool run) {
  auto* const stored = std::launder(reinterpret_cast<Function*>(operation.function_.data()));
  Function function(std::move(*stored));
  std::destroy_at(stored);
  const bool notified = operation.notified_;
  scheduler.release(operation);
  if (!run) {
    return;
  }
  if constexpr (std::is_invocable_v<Function&, bool>) {
    function(notified);
  } else {
    function();
  }
}

}  // namespace sim
