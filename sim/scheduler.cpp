#include "sim/scheduler.h"

#include <algorithm>

#include "engine/ports/invariant.h"
#include "sim/executor.h"
#include "sim/random.h"

namespace sim {
namespace detail {
namespace {

// Time first, then the order of making. Tickets are unique, so the order is total, and what is
// popped does not depend on how the heap happens to lie.
bool earlier(const TimerEntry& left, const TimerEntry& right) {
  return left.at != right.at ? left.at < right.at : left.ticket < right.ticket;
}

}  // namespace

OperationOwner::OperationOwner(Scheduler& scheduler) : scheduler_(&scheduler) {
  insert_before(scheduler.owners_);
}

OperationOwner::~OperationOwner() {
  if (scheduler_ != nullptr) {
    end();
    remove();
  }
}

void OperationOwner::begin() {
  INVARIANT(scheduler_ != nullptr, "a life begins in a world that has ended");
  INVARIANT(!alive_, "a life begins in a life");
  ++life_;
  alive_ = true;
}

// Alive no longer before anything is destroyed: what the destructors post is dropped, and dropping
// it destroys the frames that it holds.
void OperationOwner::end() {
  alive_ = false;
  scheduler_->destroy_pending(*this);
  holds_ = 0;
  held_back_.clear();
}

void OperationOwner::let_go() {
  INVARIANT(holds_ > 0, "somebody is let go whom nobody holds");
  --holds_;
  if (holds_ > 0) {
    return;
  }
  scheduler_->ready_again(held_back_);
  held_back_.clear();
}

void OperationOwner::yield() {
  yielded_ = ++scheduler_->yield_count_;
}

ReadyEntry ReadyQueue::take(std::size_t index) {
  const std::size_t mask = entries_.size() - 1;
  const ReadyEntry taken = entries_[(head_ + index) & mask];
  for (std::size_t hole = head_ + index; hole != head_; --hole) {
    entries_[hole & mask] = entries_[(hole - 1) & mask];
  }
  head_ = (head_ + 1) & mask;
  --size_;
  return taken;
}

void ReadyQueue::grow() {
  constexpr std::size_t kFirstCapacity = 64;
  std::vector<ReadyEntry> larger(std::max(kFirstCapacity, entries_.size() * 2));
  for (std::size_t index = 0; index < size_; ++index) {
    larger[index] = entries_[(head_ + index) & (entries_.size() - 1)];
  }
  entries_ = std::move(larger);
  head_ = 0;
}

void TimerHeap::push(const TimerEntry& entry) {
  std::size_t hole = entries_.size();
  entries_.push_back(entry);
  while (hole > 0) {
    const std::size_t parent = (hole - 1) / kChildren;
    if (!earlier(entry, entries_[parent])) {
      break;
    }
    entries_[hole] = entries_[parent];
    hole = parent;
  }
  entries_[hole] = entry;
}

void TimerHeap::pop() {
  const TimerEntry last = entries_.back();
  entries_.pop_back();
  if (!entries_.empty()) {
    sift_down(last);
  }
}

// Puts `entry` into the heap, whose root is free.
void TimerHeap::sift_down(const TimerEntry& entry) {
  const std::size_t size = entries_.size();
  std::size_t hole = 0;
  while (true) {
    const std::size_t first = hole * kChildren + 1;
    if (first >= size) {
      break;
    }
    const std::size_t least = least_between(first, std::min(first + kChildren, size));
    if (!earlier(entries_[least], entry)) {
      break;
    }
    entries_[hole] = entries_[least];
    hole = least;
  }
  entries_[hole] = entry;
}

std::size_t TimerHeap::least_between(std::size_t first, std::size_t end) const {
  std::size_t least = first;
  for (std::size_t child = first + 1; child < end; ++child) {
    least = earlier(entries_[child], entries_[least]) ? child : least;
  }
  return least;
}

// A sorted array is a heap.
void TimerHeap::keep_if(bool (*keep)(const TimerEntry&)) {
  std::erase_if(entries_, [keep](const TimerEntry& entry) { return !keep(entry); });
  std::ranges::sort(entries_, earlier);
}

}  // namespace detail

// The first of the slab comes first.
void SchedulerMemory::add_slab() {
  slabs_.push_back(std::make_unique<Slab>());
  Slab& slab = *slabs_.back();
  for (auto operation = slab.rbegin(); operation != slab.rend(); ++operation) {
    operation->next = std::exchange(free_, &*operation);
  }
}

// While it exists, coroutine frames that are made or destroyed come from and go to the cache that
// Asio keeps for a thread which runs a context.
class Scheduler::Scope {
 public:
  explicit Scope(Scheduler& scheduler) : context_(&scheduler, scheduler.memory_.frames_) {}

 private:
  thread_call_stack::context context_;
};

class Scheduler::Looping {
 public:
  explicit Looping(Scheduler& scheduler) : scheduler_(scheduler) { scheduler_.looping_ = true; }

  Looping(const Looping&) = delete;
  Looping& operator=(const Looping&) = delete;

  ~Looping() {
    scheduler_.looping_ = false;
    scheduler_.running_ = nullptr;
  }

 private:
  Scheduler& scheduler_;
};

Scheduler::Scheduler()
    : own_memory_(std::make_unique<SchedulerMemory>()), memory_(*own_memory_), world_(*this) {
  memory_.in_use_ = true;
}

Scheduler::Scheduler(SchedulerMemory& memory) : memory_(memory), world_(*this) {
  INVARIANT(!memory_.in_use_, "two schedulers at a time use the same memory");
  memory_.in_use_ = true;
}

// Every owner is dead before anything of any of them is destroyed: a frame whose destructor posts
// to another owner must not start anything there.
Scheduler::~Scheduler() {
  for (detail::Link* link = owners_.next; link != &owners_; link = link->next) {
    static_cast<detail::OperationOwner*>(link)->alive_ = false;
  }
  while (!owners_.alone()) {
    auto& owner = static_cast<detail::OperationOwner&>(*owners_.next);
    destroy_pending(owner);
    owner.remove();
    owner.scheduler_ = nullptr;
  }
  memory_.ready_.clear();
  memory_.urgent_.clear();
  memory_.timers_.clear();
  memory_.in_use_ = false;
}

Executor Scheduler::get_executor() {
  return Executor(world_);
}

Scheduler::Outcome Scheduler::run(engine::Instant deadline) {
  INVARIANT(!looping_, "run() is called from an operation");
  const Scope scope(*this);
  const Looping looping(*this);
  stopped_ = false;
  while (!stopped_) {
    detail::PendingOperation* const operation = next_operation();
    if (operation != nullptr) {
      ++operation_count_;
      running_ = operation->owner_;
      operation->finish_(*this, *operation, true);
      continue;
    }
    running_ = nullptr;
    if (!has_timer()) {
      return Outcome::kIdle;
    }
    if (!advance(deadline)) {
      return Outcome::kDeadline;
    }
  }
  return Outcome::kStopped;
}

void Scheduler::call_at(engine::Instant when, std::function<void()> call) {
  resume_at(park(world_, std::move(call)), when);
}

void Scheduler::call_next(std::function<void()> call) {
  detail::PendingOperation& operation = park(world_, std::move(call));
  operation.ticket_ = ++last_ticket_;
  memory_.urgent_.push({&operation, operation.ticket_});
}

void Scheduler::set_ready_order(ReadyOrder order, engine::Random* random) {
  INVARIANT(order == ReadyOrder::kFifo || random != nullptr,
            "a seeded order needs a random stream");
  order_ = order == ReadyOrder::kSeeded ? random : nullptr;
}

// The next ready operation whose entry is not out of date, or null.
detail::PendingOperation* Scheduler::next_operation() {
  while (memory_.urgent_.size() > 0) {
    const detail::ReadyEntry entry = memory_.urgent_.pop();
    if (entry.operation->ticket_ == entry.ticket) {
      return entry.operation;
    }
  }
  while (memory_.ready_.size() > 0) {
    const bool in_turn = order_ == nullptr && yield_count_ == 0;
    const detail::ReadyEntry entry =
        in_turn ? memory_.ready_.pop() : memory_.ready_.take(choose_ready());
    if (entry.operation->ticket_ != entry.ticket) {
      continue;
    }
    detail::OperationOwner& owner = *entry.operation->owner_;
    if (!owner.is_held()) [[likely]] {
      return entry.operation;
    }
    owner.held_back_.push_back(entry);
  }
  return nullptr;
}

// Which ready entry is next: of those whose owners yielded least, the first, or one that is drawn.
// An entry that is out of date has no owner, and whoever takes it only drops it.
std::size_t Scheduler::choose_ready() {
  const detail::ReadyQueue& ready = memory_.ready_;
  candidates_.clear();
  std::uint64_t least = 0;
  for (std::size_t index = 0; index < ready.size(); ++index) {
    const detail::ReadyEntry& entry = ready.at(index);
    const bool is_current = entry.operation->ticket_ == entry.ticket;
    const std::uint64_t yielded = is_current ? entry.operation->owner_->yielded_ : 0;
    if (candidates_.empty() || yielded < least) {
      candidates_.clear();
      least = yielded;
    }
    if (yielded == least) {
      candidates_.push_back(index);
    }
  }
  return order_ == nullptr ? candidates_.front()
                           : candidates_[uniform_below(*order_, candidates_.size())];
}

void Scheduler::ready_again(const std::vector<detail::ReadyEntry>& entries) {
  for (const detail::ReadyEntry& entry : entries) {
    memory_.ready_.push(entry);
  }
}

// Whether a timer is set; entries that are out of date do not count.
bool Scheduler::has_timer() {
  detail::TimerHeap& timers = memory_.timers_;
  while (!timers.empty() && timers.top().operation->ticket_ != timers.top().ticket) {
    timers.pop();
    --stale_timers_;
  }
  return !timers.empty();
}

// Moves the clock to the next timer and makes everything ready that is due then. False: that would
// pass the deadline, where the clock now stands.
bool Scheduler::advance(engine::Instant deadline) {
  detail::TimerHeap& timers = memory_.timers_;
  const engine::Instant next = timers.top().at;
  if (next > deadline) {
    now_ = std::max(now_, deadline);
    return false;
  }
  now_ = next;
  do {
    const detail::TimerEntry entry = timers.top();
    timers.pop();
    if (entry.operation->ticket_ != entry.ticket) {
      --stale_timers_;
      continue;
    }
    entry.operation->has_timer_ = false;
    entry.operation->notified_ = false;
    entry.operation->leave_signal();
    memory_.ready_.push({entry.operation, entry.ticket});
  } while (!timers.empty() && timers.top().at == now_);
  return true;
}

// A wait that is notified long before its deadline leaves its timer behind. Sweeping when more than
// half are such costs a constant per timer, and bounds the heap by twice what is pending.
void Scheduler::drop_stale_timers() {
  constexpr std::size_t kFewTimers = 64;
  if (stale_timers_ <= kFewTimers || stale_timers_ * 2 <= memory_.timers_.size()) {
    return;
  }
  memory_.timers_.keep_if(
      [](const detail::TimerEntry& entry) { return entry.operation->ticket_ == entry.ticket; });
  stale_timers_ = 0;
}

void Scheduler::destroy_pending(detail::OperationOwner& owner) {
  const Scope scope(*this);
  while (!owner.pending_.alone()) {
    auto& operation = static_cast<detail::PendingOperation&>(*owner.pending_.next);
    operation.finish_(*this, operation, false);
  }
}

}  // namespace sim
