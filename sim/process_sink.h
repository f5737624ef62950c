// sim/process_sink.h
//
// A sink database as one process sees it, through a session that ends with the life: what is
// prepared and not committed by then is forgotten.
//
// Steps     saved_offsets and prepare have one boundary, before the request reaches the database;
//           prepare changes nothing that anybody else could find. append, upsert, replace_file and
//           commit have two: that one, and one when the rows are there and the process does not
//           know yet.
// Failures  come when the request reaches the database, or would have. A commit that fails has used
//           its transaction up.
// Lifetime  one per process, for the life of the world; the process outlives it or ends no life
//           after it.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/ports/random.h"
#include "engine/ports/sink_store.h"
#include "sim/disturbance.h"
#include "sim/latency.h"
#include "sim/process.h"

namespace sim {

enum class SinkOperation : std::uint8_t {
  kAppend,
  kUpsert,
  kReplaceFile,
  kPrepare,
  kCommit,
  kSavedOffsets,
};

// Stamps each row with the life that wrote it, at the instant at which it reaches the database.
class ProcessSink final : public engine::SinkStore {
 public:
  ProcessSink(Process& process,
              engine::SinkDatabase& database,
              RoundTrip latency,
              engine::Random& random);

  // What is to go wrong with its requests.
  [[nodiscard]] Disturbance<SinkOperation>& disturbance() { return disturbance_; }

  engine::Task<engine::Result<>> append(std::vector<engine::OutputRow> rows) override;
  engine::Task<engine::Result<>> upsert(std::vector<engine::OutputRow> rows) override;
  engine::Task<engine::Result<>> replace_file(std::string path,
                                              std::vector<engine::OutputRow> rows) override;
  engine::Task<engine::Result<engine::TransactionId>> prepare(
      engine::SinkTransaction transaction) override;

  // Uses the id up, whatever the answer.
  // Requires  this life prepared `id` and has not committed it.
  engine::Task<engine::Result<engine::TransactionOutcome>> commit(
      engine::TransactionId id) override;

  engine::Task<engine::Result<std::vector<engine::PartitionOffset>>> saved_offsets() override;

  [[nodiscard]] std::size_t prepared_count() const { return session_.size(); }

 private:
  template <class Effect>
  std::invoke_result_t<Effect> attempt(SinkOperation kind, Effect effect) {
    return disturbance_.attempt(kind, process_.now(), std::move(effect));
  }

  RoundTrip draw();
  void stamp(std::vector<engine::OutputRow>& rows) const;
  engine::TransactionId keep(engine::SinkTransaction transaction);
  engine::SinkTransaction take_prepared(engine::TransactionId id);

  Process& process_;
  engine::SinkDatabase& database_;
  RoundTrip latency_;
  engine::Random& random_;
  std::map<std::int64_t, engine::SinkTransaction> session_;
  Disturbance<SinkOperation> disturbance_;
  std::int64_t last_id_ = 0;  // over all lives, so that an id of another life is never valid
};

}  // namespace sim
