#include "scenarios/runner.h"

#include <chrono>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "engine/ports/invariant.h"

namespace scenarios {

std::string KafkaChoice::to_string() const {
  switch (kind) {
    case KafkaKind::kModel:
      return "model";
    case KafkaKind::kMock:
      return "mock";
    case KafkaKind::kExternal:
      return address;
  }
  return "unknown";
}

void throw_exception_from_error(const Runner::Failure& failure,
                                const boost::source_location& where) {
  engine::fail_invariant("the result has a value", failure.message, where);
}

Runner::Runner(KafkaChoice kafka, std::function<bool()> interrupted)
    : kafka_(std::move(kafka)), interrupted_(std::move(interrupted)) {}

Runner::Outcome<std::unique_ptr<Runner>> Runner::create(const KafkaChoice& kafka,
                                                        std::function<bool()> interrupted) {
  std::unique_ptr<Runner> runner(new Runner(kafka, std::move(interrupted)));
  if (kafka.kind == KafkaKind::kMock) {
    auto started = sim::MockCluster::start();
    if (!started) {
      return Failure{started.error()};
    }
    runner->mock_ = std::move(*started);
  } else if (kafka.kind == KafkaKind::kExternal) {
    auto connected = ExternalCluster::connect(kafka.address);
    if (!connected) {
      return Failure{connected.error()};
    }
    runner->external_ = std::move(*connected);
  }
  return runner;
}

Runner::Outcome<engine::KafkaCluster*> Runner::empty_cluster() {
  if (mock_) {
    const auto emptied = mock_->new_run();
    if (!emptied) {
      return Failure{
          fmt::format("the mock cluster did not start again: {}", emptied.error().message())};
    }
    return mock_.get();
  }
  if (external_) {
    return external_.get();
  }
  model_.reset();
  return &model_;
}

Runner::Outcome<engine::SinkDatabase*> Runner::empty_sink(const PreparedScenario& prepared) {
  if (prepared.make_sink) {
    plugged_sink_ = prepared.make_sink();
    return plugged_sink_.get();
  }
  if (prepared.scenario.store == StoreKind::kMemory) {
    memory_sink_.reset();
    return &memory_sink_;
  }
  if (!sqlite_sink_) {
    auto opened = engine::SqliteSink::open();
    if (!opened) {
      return Failure{
          fmt::format("the sink's SQLite database did not open: {}", opened.error().message())};
    }
    sqlite_sink_ = std::move(opened.value());
    return sqlite_sink_.get();
  }
  const auto emptied = sqlite_sink_->reset();
  if (!emptied) {
    return Failure{fmt::format("the sink's SQLite database could not be emptied: {}",
                               emptied.error().message())};
  }
  return sqlite_sink_.get();
}

Runner::Outcome<JudgedRun> Runner::run(const PreparedScenario& prepared,
                                       std::uint64_t seed,
                                       const faults::FaultPlan& plan,
                                       sim::Trace::Recording recording,
                                       const Watch& watch) {
  const auto kafka = empty_cluster();
  if (!kafka) {
    return kafka.error();
  }
  const auto sink = empty_sink(prepared);
  if (!sink) {
    return sink.error();
  }
  const TokenContent token{.scenario_hash = prepared.scenario.text_hash,
                           .seed = seed,
                           .kafka = kafka_.kind,
                           .faults = plan};
  ++run_count_;
  const RunRequest request{
      .scenario = prepared.scenario,
      .workload = prepared.workload,
      .seed = seed,
      .plan = plan,
      .name_suffix = external_ ? fmt::format("-{}-{}", kafka_.session, run_count_) : std::string(),
      .recording = recording,
      .interrupted = interrupted_,
      .watch = watch,
      .on_step = step_listener_};
  Outside outside{.kafka = *kafka.value(),
                  .sink = *sink.value(),
                  .model = kafka_.kind == KafkaKind::kModel ? &model_ : nullptr,
                  .describe = {}};
  if (kafka.value() == &model_ && sink.value() == &memory_sink_) {
    outside.describe = [this](sim::StateBytes& state) {
      model_.describe(state);
      memory_sink_.describe(state);
    };
  }
  try {
    auto result = run_world(request, outside, memory_);
    if (!result) {
      const bool has_reason = external_ && !external_->trouble().empty();
      return Failure{fmt::format("{}: {} (token {})",
                                 prepared.scenario.name,
                                 has_reason ? external_->trouble() : result.error().message(),
                                 encode_token(token))};
    }
    JudgedRun judged{.run = std::move(result.value()), .verdict = {}, .token = encode_token(token)};
    if (!judged.run.known) {
      judged.verdict = reports::judge(judged.run.ledger);
    }
    return judged;
  } catch (const engine::InvariantViolation& violation) {
    return Failure{fmt::format("{}: a broken invariant of onceproof itself: {} (token {})",
                               prepared.scenario.name,
                               violation.what,
                               encode_token(token))};
  } catch (const std::exception& thrown) {
    // Nothing of ours throws one: it comes from a user's sink or operation.
    return Failure{fmt::format("{}: a user's own sink or operation threw: {} (token {})",
                               prepared.scenario.name,
                               thrown.what(),
                               encode_token(token))};
  }
}

}  // namespace scenarios
