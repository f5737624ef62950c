#include "scenarios/world.h"

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "engine/driver/checkpoint.h"
#include "engine/driver/streaming_driver.h"
#include "engine/executor/executor.h"
#include "engine/ports/invariant.h"
#include "faults/injector.h"
#include "scenarios/disruptions.h"
#include "scenarios/fault_text.h"
#include "scenarios/message_notes.h"
#include "scenarios/producer.h"
#include "scenarios/recorder.h"
#include "sim/kafka/unsteady_cluster.h"
#include "sim/latency.h"
#include "sim/network.h"
#include "sim/process.h"
#include "sim/process_clock.h"
#include "sim/process_kafka.h"
#include "sim/process_offset_store.h"
#include "sim/process_points.h"
#include "sim/process_sink.h"
#include "sim/process_storage.h"
#include "sim/random.h"
#include "sim/storage.h"

namespace scenarios {
namespace {

using engine::Duration;
using engine::Instant;

Instant next_look(Instant earliest) {
  const Duration since_start = earliest.time_since_epoch();
  const auto looks = (since_start + kLookInterval - Duration(1)) / kLookInterval;
  return Instant{looks * kLookInterval};
}

// A port's stream of random numbers, anew in every life: what a life draws depends on nothing that
// happened before it, and a draw more in one port moves nothing in another.
class PortStream {
 public:
  PortStream(const sim::RandomStreams& roots, std::string_view port, engine::ProcessId process)
      : seed_(roots.seed_of(fmt::format("{}/{}", port, engine::to_string(process)))) {}

  void begin_life(engine::Incarnation life) { stream_.start(sim::seed_for(seed_, life)); }

  [[nodiscard]] engine::Random& random() { return stream_; }

 private:
  std::uint64_t seed_;
  sim::RandomStream stream_{0};
};

engine::OffsetStoreKind offset_store_kind(const engine::Pipeline& pipeline) {
  return pipeline.source.offsets == engine::OffsetKeeping::kHbase
             ? engine::OffsetStoreKind::kHbase
             : engine::OffsetStoreKind::kZookeeper;
}

// When the run is cut off at the latest.
Duration end_of_time(const Stop& stop) {
  if (stop.when == Stop::When::kDrained) {
    return stop.within;
  }
  return stop.graceful ? stop.at + stop.within : stop.at;
}

class World;

// Notes what one crash more at each effect boundary would meet, behind those of the fault plan.
class BoundaryNotes final : public sim::FaultHook {
 public:
  BoundaryNotes(World& world, faults::Injector& injector) : world_(world), injector_(injector) {}

  void on_step(sim::Process& process, std::uint64_t step) override;

  void on_point(sim::Process& process,
                engine::Point point,
                const engine::PointContext& context) override {
    injector_.on_point(process, point, context);
  }

 private:
  World& world_;
  faults::Injector& injector_;
};

class World {
 public:
  World(const RunRequest& request, Outside outside, sim::SchedulerMemory& memory);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  engine::Result<RunResult> run();

  [[nodiscard]] sim::FaultHook* hook();

  // `process` comes to its effect boundary `step`.
  void note_boundary(const sim::Process& process, std::uint64_t step);

 private:
  struct Host;

  // To be started again when the cluster manager looks at `at`.
  struct Restart {
    Instant at;
    Host* host = nullptr;
    faults::Redeploy redeploy;
  };

  void stop_gracefully();
  void start_driver();
  void start_executor(Host& host);
  void exit_unregistered(Host& host);
  bool strike(const faults::Crash& crash);
  bool strike(const faults::Partition& partition);
  template <class Disruption>
  bool strike(const Disruption& disruption);
  bool fail_receiver(engine::StreamId stream);
  bool kill_machine(Host& host, const faults::Crash& crash);
  bool kill_in_silence(Host& host, const faults::Crash& crash);
  bool kill_cluster(const faults::Crash& crash);
  Host& executor(std::int32_t index);
  Host* living_process(const faults::Target& target);
  std::optional<Exposed> expose(const faults::Target& target);
  void not_over(Duration duration);
  Host* host_of_receiver(engine::StreamId stream);
  bool kill(Host& host, const faults::Crash& crash);
  void exit(Host& host);
  void end(Host& host, bool crashed);
  void restart_later(Host& host, Duration delay, faults::Redeploy redeploy);
  [[nodiscard]] Instant next_restart() const;
  void look_around();
  [[nodiscard]] bool hits(const faults::Target& target);
  [[nodiscard]] bool is_unsynced(const faults::Target& target);
  [[nodiscard]] bool dies_only() const;
  [[nodiscard]] bool is_black_out(std::span<const Restart> due) const;
  [[nodiscard]] sim::StateHash state(std::span<const Restart> due) const;
  void note_black_out(std::span<const Restart> due);
  void forget_restarts(const Host& host);
  void restart(Host& host, const faults::Redeploy& redeploy);
  void delete_checkpoint();
  void batch_processed(engine::BatchTime batch);
  void finish();
  [[nodiscard]] bool run_until(Instant deadline);
  [[nodiscard]] bool run_slice(Instant end);
  engine::Result<RunResult> result(bool interrupted);

  const RunRequest& request_;
  const Scenario& scenario_;
  Outside outside_;
  engine::Pipeline pipeline_;
  sim::RandomStreams streams_;
  sim::Trace trace_;
  sim::Scheduler scheduler_;
  faults::Injector injector_;
  BoundaryNotes boundary_notes_;
  Recorder recorder_;
  sim::FileSystem files_;
  sim::OffsetTable offset_table_;
  sim::Network<engine::Message> network_;
  std::optional<MessageNotes> message_notes_;
  sim::UnsteadyCluster kafka_;
  Disruptions disruptions_;
  std::unique_ptr<Host> driver_;
  std::vector<std::unique_ptr<Host>> executors_;
  std::unique_ptr<Host> producer_host_;
  std::unique_ptr<Producer> producer_;

  std::vector<Restart> restarts_;
  std::int32_t pending_repairs_ = 0;  // what lasts and heals, with its aftermath
  bool over_ = false;                 // nothing is left to be seen
  faults::CountedRun counted_;
  std::optional<BlackOut> black_out_;
  bool known_ = false;
  bool drained_ = false;
  bool stop_requested_ = false;
  bool stopped_ = false;  // in order, as requested
};

// A process with its ports, and the program that its current life runs.
struct World::Host {
  Host(World& world, engine::ProcessId id)
      : process(world.scheduler_, world.trace_, world.hook(), id),
        clock(process),
        operations_stream(world.streams_, "operations", id),
        storage_stream(world.streams_, "storage", id),
        kafka_stream(world.streams_, "kafka", id),
        sink_stream(world.streams_, "sink", id),
        offsets_stream(world.streams_, "offsets", id),
        storage(process, world.files_, latency.storage, storage_stream.random()),
        kafka(process, world.kafka_, latency.kafka, kafka_stream.random()),
        sink(process, world.outside_.sink, latency.sink, sink_stream.random()),
        offsets(process, world.offset_table_, latency.offsets, offsets_stream.random()),
        points(process,
               [&world](sim::Process& at, engine::Point point, const engine::PointContext& where) {
                 world.recorder_.point_reached(at, point, where);
               }),
        listener(world.recorder_.listener_of(process)),
        endpoint(world.network_.attach(process)) {}

  void begin_life() {
    process.begin_life();
    for (PortStream* const stream :
         {&operations_stream, &storage_stream, &kafka_stream, &sink_stream, &offsets_stream}) {
      stream->begin_life(process.address().incarnation);
    }
  }

  // The ports of the life that has just begun.
  engine::Ports ports() {
    return {.self = process.address(),
            .executor = process.executor(),
            .clock = clock,
            .random = operations_stream.random(),
            .storage = storage,
            .kafka = kafka,
            .sink = sink,
            .offsets = offsets,
            .points = points,
            .listener = listener};
  }

  sim::LatencyModel latency;
  sim::Process process;
  sim::ProcessClock clock;
  PortStream operations_stream;
  PortStream storage_stream;
  PortStream kafka_stream;
  PortStream sink_stream;
  PortStream offsets_stream;
  sim::ProcessStorage storage;
  sim::ProcessKafka kafka;
  sim::ProcessSink sink;
  sim::ProcessOffsetStore offsets;
  sim::ProcessPoints points;
  engine::Listener& listener;
  engine::Endpoint<engine::Message>& endpoint;
  std::unique_ptr<engine::StreamingDriver> driver;
  std::unique_ptr<engine::Executor> executor;
  std::optional<engine::Ports> producer_ports;
  bool may_restart = true;
};

World::World(const RunRequest& request, Outside outside, sim::SchedulerMemory& memory)
    : request_(request),
      scenario_(request.scenario),
      outside_(std::move(outside)),
      pipeline_(request.scenario.pipeline),
      streams_(request.seed),
      trace_(request.watch.targets.empty() ? request.recording : sim::Trace::Recording::kSteps,
             request.on_step),
      scheduler_(memory),
      injector_(scheduler_,
                request.plan,
                pipeline_.batch_interval,
                [this](std::size_t fault) {
                  return std::visit([this](const auto& what) { return strike(what); },
                                    injector_.plan()[fault]);
                }),
      boundary_notes_(*this, injector_),
      recorder_(scheduler_,
                pipeline_.source.partitions,
                std::ranges::any_of(pipeline_.operations, &engine::Operation::is_shuffle),
                pipeline_.source.receiver.has_value()),
      files_(pipeline_.checkpoint_storage, streams_.seed_of("tears")),
      offset_table_(offset_store_kind(pipeline_)),
      network_(scheduler_, streams_.seed_of("network")),
      kafka_(outside.kafka),
      disruptions_(
          {.scheduler = scheduler_,
           .network = network_,
           .files = files_,
           .kafka = kafka_,
           .model = outside.model,
           .pipeline = pipeline_,
           .cluster = scenario_.cluster,
           .seed = streams_.seed_of("disruptions")},
          [this](const faults::Target& target) { return expose(target); },
          [this](Duration duration) { not_over(duration); },
          [this] { return producer_->is_done(); }) {
  pipeline_.source.topic += request.name_suffix;
  pipeline_.source.group += request.name_suffix;
  recorder_.ledger().inputs.reserve(request.workload.records.size());
  if (request.watch.closely) {
    recorder_.note_closely();
    network_.observe(message_notes_.emplace(scheduler_, recorder_.ledger().messages));
  }
  driver_ = std::make_unique<Host>(*this, engine::ProcessId{engine::Role::kDriver, 0});
  for (std::int32_t i = 0; i < scenario_.cluster.executors; ++i) {
    executors_.push_back(
        std::make_unique<Host>(*this, engine::ProcessId{engine::Role::kExecutor, i}));
  }
  producer_host_ = std::make_unique<Host>(*this, engine::ProcessId{engine::Role::kProducer, 0});
  recorder_.on_batch_processed = [this](engine::BatchTime batch) { batch_processed(batch); };
}

sim::FaultHook* World::hook() {
  if (request_.watch.targets.empty()) {
    return &injector_;
  }
  return &boundary_notes_;
}

// Frames go before the programs whose members they use.
World::~World() {
  const auto stop = [](Host& host) {
    if (host.process.alive()) {
      host.process.end_life();
    }
  };
  stop(*driver_);
  for (const auto& executor : executors_) {
    stop(*executor);
  }
  stop(*producer_host_);
}

engine::Result<RunResult> World::run() {
  const engine::TopicSpec topic{.name = pipeline_.source.topic,
                                .partitions = pipeline_.source.partitions};
  const auto created = outside_.kafka.create_topic(topic);
  if (!created) {
    return created.error();
  }
  start_driver();
  Host& host = *producer_host_;
  host.begin_life();
  host.producer_ports.emplace(host.ports());
  producer_ =
      std::make_unique<Producer>(*host.producer_ports, pipeline_, request_.workload, recorder_);
  producer_->start();
  const Stop& stop = scenario_.stop;
  const bool until_drained = stop.when == Stop::When::kDrained;
  if (stop.graceful && !until_drained) {
    scheduler_.call_at(Instant{stop.at}, [this] { stop_gracefully(); });
  }
  const bool finished = run_until(Instant{end_of_time(stop)});
  recorder_.ledger().stalled = (until_drained && !drained_) || (stop.graceful && !stopped_);
  return result(!finished);
}

// A driver that is down at that moment is asked when it is up again.
void World::stop_gracefully() {
  stop_requested_ = true;
  if (driver_->process.alive() && !driver_->process.condemned()) {
    driver_->driver->stop_gracefully();
  }
}

void World::finish() {
  over_ = true;
  scheduler_.stop();
}

// In slices, so that an interruption is noticed. False: interrupted.
bool World::run_until(Instant deadline) {
  for (Instant slice{}; slice < deadline;) {
    slice = std::min(slice + pipeline_.batch_interval, deadline);
    if (!run_slice(slice)) {
      return true;
    }
    if (request_.interrupted && request_.interrupted()) {
      return false;
    }
  }
  return true;
}

// The cluster manager looks when everything else of that instant has happened, so that it decides
// no order in which other things become ready. False: nothing more will happen.
bool World::run_slice(Instant end) {
  while (true) {
    const Instant look = next_restart();
    const auto outcome = scheduler_.run(std::min(end, look));
    if (over_) {
      return false;
    }
    if (outcome == sim::Scheduler::Outcome::kStopped) {
      continue;  // A look is due, and its instant is not over.
    }
    if (scheduler_.now() != look) {
      return outcome == sim::Scheduler::Outcome::kDeadline;
    }
    look_around();
  }
}

void World::start_driver() {
  Host& host = *driver_;
  INVARIANT(!host.process.alive(), "one driver at a time");
  forget_restarts(host);
  host.begin_life();
  recorder_.life_began(host.process);
  host.driver = std::make_unique<engine::StreamingDriver>(
      host.ports(), pipeline_, scenario_.cluster, host.endpoint, [this] { exit(*driver_); });
  host.driver->start();
  if (stop_requested_) {
    host.driver->stop_gracefully();
  }
  for (const auto& executor : executors_) {
    if (!executor->process.alive()) {
      start_executor(*executor);
    }
  }
}

void World::start_executor(Host& host) {
  if (!host.may_restart || host.process.alive() || !driver_->process.alive()) {
    return;
  }
  forget_restarts(host);
  host.begin_life();
  recorder_.life_began(host.process);
  host.executor = std::make_unique<engine::Executor>(host.ports(),
                                                     pipeline_,
                                                     scenario_.cluster,
                                                     host.endpoint,
                                                     driver_->process.address(),
                                                     [this, &host] { exit(host); });
  host.executor->start();
  if (network_.is_cut(driver_->process.id(), host.process.id())) {
    exit_unregistered(host);
  }
}

// The driver never hears that this executor is there. Its registration times out, it exits, and
// another one is started, until one gets through.
void World::exit_unregistered(Host& host) {
  const engine::Address life = host.process.address();
  scheduler_.call_at(scheduler_.now() + scenario_.cluster.network_timeout, [this, &host, life] {
    if (host.process.alive() && host.process.address() == life) {
      exit(host);
    }
  });
}

bool World::strike(const faults::Crash& crash) {
  const std::int32_t index = crash.target.index;
  switch (crash.target.kind) {
    case faults::TargetKind::kDriver:
      return kill(*driver_, crash);
    case faults::TargetKind::kExecutor:
      return kill(executor(index), crash);
    case faults::TargetKind::kReceiver:
      return fail_receiver(index);
    case faults::TargetKind::kReceiverExecutor: {
      Host* const host = host_of_receiver(index);
      return host != nullptr && kill(*host, crash);
    }
    case faults::TargetKind::kMachine:
      return kill_machine(executor(index), crash);
    case faults::TargetKind::kCluster:
      return kill_cluster(crash);
  }
  return false;
}

// Who is cut off from whom is settled now; what starts meanwhile in place of one is cut off, too.
// Whoever waits for an answer that the cut swallowed waits for up to the network timeout, and then
// tries again: the aftermath lasts as long.
bool World::strike(const faults::Partition& partition) {
  const Host* const left = living_process(partition.left);
  const Host* const right = living_process(partition.right);
  if (left == nullptr || right == nullptr || left == right) {
    return false;
  }
  const engine::ProcessId one = left->process.id();
  const engine::ProcessId other = right->process.id();
  network_.partition(one, other);
  scheduler_.call_at(scheduler_.now() + partition.lasts,
                     [this, one, other] { network_.heal(one, other); });
  not_over(partition.lasts + scenario_.cluster.network_timeout);
  return true;
}

template <class Disruption>
bool World::strike(const Disruption& disruption) {
  return disruptions_.strike(disruption);
}

std::optional<Exposed> World::expose(const faults::Target& target) {
  Host* const host = living_process(target);
  if (host == nullptr) {
    return std::nullopt;
  }
  return Exposed{.process = host->process,
                 .clock = host->clock,
                 .storage = host->storage,
                 .kafka = host->kafka,
                 .sink = host->sink,
                 .points = host->points,
                 .executor = host->executor.get()};
}

void World::not_over(Duration duration) {
  ++pending_repairs_;
  scheduler_.call_at(scheduler_.now() + duration, [this] { --pending_repairs_; });
}

bool World::kill_cluster(const faults::Crash& crash) {
  bool hit = kill(*driver_, crash);
  for (const auto& executor : executors_) {
    faults::Crash with_driver = crash;
    with_driver.restarts = true;
    hit = kill(*executor, with_driver) || hit;
  }
  return hit;
}

// There is one local disk. It is in one machine, so whoever writes to it is there, too.
bool World::kill_machine(Host& host, const faults::Crash& crash) {
  const bool hit = kill_in_silence(host, crash);
  if (hit && files_.kind() == engine::StorageKind::kLocal) {
    kill_in_silence(*driver_, crash);
    for (const auto& neighbour : executors_) {
      kill_in_silence(*neighbour, crash);
    }
  }
  return hit;
}

// No kernel is left to close its sockets, nor to write out what is not synced.
bool World::kill_in_silence(Host& host, const faults::Crash& crash) {
  if (!kill(host, crash)) {
    return false;
  }
  network_.silence_next_end(host.process.id());
  host.storage.plan_death({.machine = true, .outcome = crash.disk});
  return true;
}

// What fails is a thread of the executor: it is told behind the operation that is running. No
// thread of a process that stands still can fail.
bool World::fail_receiver(engine::StreamId stream) {
  Host* const host = host_of_receiver(stream);
  if (host == nullptr || host->process.paused()) {
    return false;
  }
  scheduler_.call_next([host, stream] {
    if (host->executor && host->process.alive() && !host->process.condemned()) {
      host->executor->fail_receiver(stream);
    }
  });
  return true;
}

World::Host& World::executor(std::int32_t index) {
  return *executors_.at(static_cast<std::size_t>(index));
}

// Null: it is dead.
World::Host* World::living_process(const faults::Target& target) {
  const bool of_receiver = target.kind == faults::TargetKind::kReceiverExecutor;
  const bool is_driver = target.kind == faults::TargetKind::kDriver;
  INVARIANT(of_receiver || is_driver || target.kind == faults::TargetKind::kExecutor,
            "{} is no process",
            to_string(target));
  if (of_receiver) {
    return host_of_receiver(target.index);
  }
  Host& host = is_driver ? *driver_ : executor(target.index);
  return host.process.alive() && !host.process.condemned() ? &host : nullptr;
}

// Null: nobody runs it now.
World::Host* World::host_of_receiver(engine::StreamId stream) {
  const auto runs_it = [stream](const auto& host) {
    return host->executor && !host->process.condemned() && host->executor->runs_receiver(stream);
  };
  const auto found = std::ranges::find_if(executors_, runs_it);
  return found == executors_.end() ? nullptr : found->get();
}

// The process does nothing more from this instant on. Its end comes right after the operation that
// is running, which may be its own. False: it was dead already.
bool World::kill(Host& host, const faults::Crash& crash) {
  if (!host.process.alive() || host.process.condemned()) {
    return false;
  }
  host.process.condemn();
  host.storage.plan_death({.machine = false, .outcome = crash.disk});
  const bool is_driver = &host == driver_.get();
  const Duration usual = is_driver ? scenario_.driver_restart : scenario_.executor_restart;
  host.may_restart = crash.restarts;
  scheduler_.call_next([this, &host] { end(host, true); });
  if (crash.restarts) {
    restart_later(host, crash.restart_after.value_or(usual), crash.redeploy);
  }
  return true;
}

void World::exit(Host& host) {
  if (host.process.condemned()) {
    return;
  }
  host.process.condemn();
  scheduler_.call_next([this, &host] { end(host, false); });
}

void World::end(Host& host, bool crashed) {
  host.process.end_life();
  recorder_.life_ended(host.process, crashed);
  host.driver.reset();
  host.executor.reset();
  if (&host == driver_.get() && !crashed && stop_requested_) {
    stopped_ = true;
    finish();
    return;
  }
  // A supervised application (spark-submit --supervise): who gives up is started again.
  const bool supervised = pipeline_.protocol.failed_batch == engine::FailedBatch::kExit;
  if (&host == driver_.get() && !crashed && supervised) {
    restart_later(host, scenario_.driver_restart, {});
  }
  // An executor of an earlier driver life that ends while a new driver waits for executors.
  const bool is_executor = host.process.id().role == engine::Role::kExecutor;
  if (is_executor && !crashed && driver_->process.alive()) {
    restart_later(host, scenario_.executor_restart, {});
  }
}

void World::restart_later(Host& host, Duration delay, faults::Redeploy redeploy) {
  const Instant at = next_look(scheduler_.now() + delay);
  restarts_.push_back({.at = at, .host = &host, .redeploy = redeploy});
  scheduler_.call_at(at, [this] { scheduler_.stop(); });
}

// When the cluster manager has something to start; else the end of time.
Instant World::next_restart() const {
  const auto first = std::ranges::min_element(restarts_, {}, &Restart::at);
  return first == restarts_.end() ? Instant::max() : first->at;
}

// The driver first, then the executors by number: the order of their deaths is forgotten.
void World::look_around() {
  const auto later = std::ranges::stable_partition(
      restarts_, [this](const Restart& restart) { return restart.at <= scheduler_.now(); });
  std::vector<Restart> due(restarts_.begin(), later.begin());
  restarts_.erase(restarts_.begin(), later.begin());
  std::ranges::stable_sort(
      due, {}, [](const Restart& restart) { return restart.host->process.id(); });
  if (is_black_out(due)) {
    note_black_out(due);
  }
  if (over_) {
    return;
  }
  for (const Restart& restart : due) {
    this->restart(*restart.host, restart.redeploy);
  }
}

// Whoever lives again needs no restart for the death before.
void World::forget_restarts(const Host& host) {
  std::erase_if(restarts_, [&host](const Restart& restart) { return restart.host == &host; });
}

void BoundaryNotes::on_step(sim::Process& process, std::uint64_t step) {
  injector_.on_step(process, step);
  world_.note_boundary(process, step);
}

void World::note_boundary(const sim::Process& process, std::uint64_t step) {
  if (process.id().role == engine::Role::kProducer) {
    return;
  }
  faults::Boundary boundary{.process = process.id(),
                            .step = step,
                            .at = scheduler_.now(),
                            .version = trace_.effect_count() + recorder_.change_count(),
                            .settled = injector_.is_over() && dies_only()};
  const std::span<const faults::Target> targets = request_.watch.targets;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    boundary.hits |= std::uint64_t{hits(targets[t])} << t;
    boundary.unsynced |= std::uint64_t{is_unsynced(targets[t])} << t;
  }
  counted_.boundaries.push_back(boundary);
}

bool World::hits(const faults::Target& target) {
  const auto is_up = [](const Host& host) {
    return host.process.alive() && !host.process.condemned();
  };
  switch (target.kind) {
    case faults::TargetKind::kDriver:
      return is_up(*driver_);
    case faults::TargetKind::kExecutor:
    case faults::TargetKind::kMachine:
      return is_up(executor(target.index));
    case faults::TargetKind::kReceiver: {
      const Host* const host = host_of_receiver(target.index);
      return host != nullptr && !host->process.paused();
    }
    case faults::TargetKind::kReceiverExecutor:
      return host_of_receiver(target.index) != nullptr;
    case faults::TargetKind::kCluster:
      return is_up(*driver_) ||
             std::ranges::any_of(executors_, [&](const auto& host) { return is_up(*host); });
  }
  return false;
}

bool World::is_unsynced(const faults::Target& target) {
  const auto leaves = [this](const Host& host, bool machine) {
    return files_.is_anything_unsynced(host.process.address(), machine);
  };
  switch (target.kind) {
    case faults::TargetKind::kDriver:
      return leaves(*driver_, false);
    case faults::TargetKind::kExecutor:
      return leaves(executor(target.index), false);
    case faults::TargetKind::kMachine:
      return leaves(executor(target.index), true);
    case faults::TargetKind::kReceiver:
      return false;
    case faults::TargetKind::kReceiverExecutor: {
      const Host* const host = host_of_receiver(target.index);
      return host != nullptr && leaves(*host, false);
    }
    case faults::TargetKind::kCluster:
      return leaves(*driver_, false) || std::ranges::any_of(executors_, [&](const auto& host) {
               return leaves(*host, false);
             });
  }
  return false;
}

// Faults of other kinds than crashes leave things behind that state() does not hold.
bool World::dies_only() const {
  return std::ranges::all_of(injector_.plan(), [](const faults::Fault& fault) {
    return std::holds_alternative<faults::Crash>(fault);
  });
}

bool World::is_black_out(std::span<const Restart> due) const {
  const bool driver_is_due = std::ranges::any_of(
      due, [this](const Restart& restart) { return restart.host == driver_.get(); });
  return !black_out_ && outside_.describe && driver_is_due && injector_.is_over() &&
         network_.under_way_count() == 0 && !driver_->process.alive() &&
         std::ranges::none_of(executors_, [](const auto& host) { return host->process.alive(); }) &&
         dies_only();
}

// Everything that the future depends on and that time alone does not decide. The producer is left
// out: it never dies and answers to nobody, so where it stands follows from the time. So are
// restarts of executors: a driver that starts has all of them started.
sim::StateHash World::state(std::span<const Restart> due) const {
  sim::StateBytes state;
  state.add(scheduler_.now());
  state.add(driver_->process.address());
  for (const auto& host : executors_) {
    state.add(host->process.address());
    state.add(host->may_restart);
  }
  for (const Restart& restart : due) {
    if (restart.host == driver_.get()) {
      state.add(restart.redeploy.delete_checkpoint);
      state.add(restart.redeploy.application_version.value_or(0));
    }
  }
  state.add(pipeline_.application_version);
  state.add(drained_);
  state.add(stop_requested_);
  files_.describe(state);
  offset_table_.describe(state);
  network_.describe(state);
  recorder_.describe(state);
  outside_.describe(state);
  return state.hash();
}

void World::note_black_out(std::span<const Restart> due) {
  black_out_ = {.state = state(due), .boundaries_before = counted_.boundaries.size()};
  known_ = request_.watch.is_known && request_.watch.is_known(black_out_->state);
  over_ = known_;
}

void World::restart(Host& host, const faults::Redeploy& redeploy) {
  if (host.process.alive()) {
    return;
  }
  if (redeploy.delete_checkpoint) {
    delete_checkpoint();
  }
  pipeline_.application_version =
      redeploy.application_version.value_or(pipeline_.application_version);
  if (&host == driver_.get()) {
    start_driver();
  } else {
    start_executor(host);
  }
}

void World::delete_checkpoint() {
  for (const std::string& path : files_.list(engine::kCheckpointPrefix)) {
    const auto removed = files_.remove(path);
    INVARIANT(removed.has_value(), "a listed file can be removed");
  }
}

// Done when nothing is under way, nothing is down or cut off that comes back, and no fault is still
// to come. A fault that never comes keeps the world running to its deadline, but does not make it
// stalled. What was drained before it was asked to stop remains so: a driver that stops has closed
// its log, and gives no batch blocks any more.
void World::batch_processed(engine::BatchTime batch) {
  for (const auto& executor : executors_) {
    if (executor->process.alive()) {
      const engine::Address life = executor->process.address();
      recorder_.count_on(executor->process.id(), driver_->driver->has_executor(life));
    }
  }
  const bool settled = producer_->is_done() && pending_repairs_ == 0 && restarts_.empty() &&
                       driver_->process.alive() && recorder_.drained_at(batch);
  drained_ = settled || (stop_requested_ && drained_);
  const bool by_time = scenario_.stop.when == Stop::When::kTime;
  if (!settled || !injector_.is_over() || stop_requested_ || by_time) {
    return;
  }
  if (scenario_.stop.graceful) {
    stop_gracefully();
  } else {
    finish();
  }
}

engine::Result<RunResult> World::result(bool interrupted) {
  if (known_) {
    RunResult known;
    known.black_out = black_out_;
    known.known = true;
    return known;
  }
  auto contents = outside_.sink.contents();
  if (!contents) {
    return contents.error();
  }
  RunResult result;
  reports::Ledger& ledger = recorder_.ledger();
  ledger.outputs.reserve(contents.value().size());
  for (engine::OutputRow& row : contents.value()) {
    ledger.outputs.push_back({.source = row.source,
                              .ordinal = row.ordinal,
                              .key = std::move(row.key),
                              .value = std::move(row.value),
                              .batch = row.batch,
                              .task = row.task,
                              .attempt = row.attempt,
                              .writer = row.origin.writer,
                              .written_at = row.origin.written_at});
  }
  for (std::size_t n = 0; n < injector_.plan().size(); ++n) {
    reports::FaultRecord record = describe_fault(injector_.plan()[n]);
    record.fired_at = injector_.struck_at(n);
    ledger.faults.push_back(std::move(record));
  }
  ledger.aggregate = request_.workload.aggregate;
  ledger.expected_aggregate = request_.workload.expected_aggregate;
  ledger.ended_at = scheduler_.now();
  result.ledger = std::move(ledger);
  result.trace_hash = trace_.hash();
  result.trace = trace_.steps();
  result.operations = scheduler_.operation_count();
  result.steps.push_back({driver_->process.id(), driver_->process.steps()});
  for (const auto& executor : executors_) {
    result.steps.push_back({executor->process.id(), executor->process.steps()});
  }
  result.interrupted = interrupted;
  result.counted = std::move(counted_);
  for (const sim::TraceStep& step : result.trace) {
    if (step.process.process.role == engine::Role::kExecutor) {
      result.counted.executor_activity.push_back(step.at);
    }
  }
  result.black_out = black_out_;
  return result;
}

}  // namespace

engine::Result<RunResult> run_world(const RunRequest& request,
                                    Outside outside,
                                    sim::SchedulerMemory& memory) {
  World world(request, std::move(outside), memory);
  return world.run();
}

}  // namespace scenarios
