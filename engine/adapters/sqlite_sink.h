// engine/adapters/sqlite_sink.h
//
// An external database of output that is a real one. Each call is one transaction, and the guards
// of apply() are statements of it: a unit that is already there or an offset that is not as
// expected leaves a statement without effect, and the whole transaction is rolled back.
//
// Holds     one connection. Durable: what a call that succeeded wrote, if the sink has a file.
//
// Obeys the contract of engine::SinkDatabase; tests/contract/sink_contract_test.cpp checks it.
// Errors of every call: kNoSpace (the disk or the size limit), kUnavailable (another connection has
// the file locked), kRefused (anything else). After an error nothing of the call has happened.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/ports/result.h"
#include "engine/ports/sink_store.h"

namespace engine {

class SqliteSink final : public SinkDatabase {
 public:
  // Opens the file with whatever it holds, or creates it. kInMemory: a database that dies with the
  // object.
  static constexpr const char* kInMemory = ":memory:";
  static Result<std::unique_ptr<SqliteSink>> open(const std::string& path = kInMemory);

  ~SqliteSink() override;

  Result<> append(const std::vector<OutputRow>& rows) override;
  Result<> upsert(const std::vector<OutputRow>& rows) override;
  Result<> replace_file(const std::string& path, const std::vector<OutputRow>& rows) override;
  Result<TransactionOutcome> apply(const SinkTransaction& transaction) override;
  Result<std::vector<PartitionOffset>> saved_offsets() override;
  Result<std::vector<OutputRow>> contents() override;

  // Forgets everything, and keeps the connection: far cheaper than a new database.
  Result<> reset();

  // The database is full from `bytes` on, or from its present size if that is larger.
  Result<> limit_size(std::int64_t bytes);

 private:
  class Connection;
  explicit SqliteSink(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace engine
