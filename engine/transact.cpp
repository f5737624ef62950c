#include "engine/transact.h"

#include <utility>

namespace engine {

Task<Result<TransactionOutcome>> transact(SinkStore* sink, SinkTransaction transaction) {
  const auto prepared = co_await sink->prepare(std::move(transaction));
  if (!prepared) {
    co_return prepared.error();
  }
  co_return co_await sink->commit(prepared.value());
}

}  // namespace engine
