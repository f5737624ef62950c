#include "engine/ports/protocol.h"

#include <array>

namespace engine {
namespace {

template <auto Member, auto Value>
void set(Protocol& protocol) {
  protocol.*Member = Value;
}

constexpr std::array kChoices{
    ProtocolChoice{"offset_save",
                   "after_output",
                   Soundness::kFaithful,
                   "Spark Kafka integration guide, commitAsync after the output",
                   &set<&Protocol::offset_save, OffsetSave::kAfterOutput>},
    ProtocolChoice{"offset_save",
                   "before_output",
                   Soundness::kMistake,
                   "enable.auto.commit=true on the driver's consumer",
                   &set<&Protocol::offset_save, OffsetSave::kBeforeOutput>},
    ProtocolChoice{"offset_guard",
                   "compare_and_set",
                   Soundness::kFaithful,
                   "koeninger/kafka-exactly-once, TransactionalPerPartition",
                   &set<&Protocol::offset_guard, OffsetGuard::kCompareAndSet>},
    ProtocolChoice{"offset_guard",
                   "blind_update",
                   Soundness::kMistake,
                   "koeninger's pattern without `and off = from`",
                   &set<&Protocol::offset_guard, OffsetGuard::kBlindUpdate>},
    ProtocolChoice{"offset_guard",
                   "second_transaction",
                   Soundness::kMistake,
                   "koeninger's pattern with the offsets in a transaction of their own",
                   &set<&Protocol::offset_guard, OffsetGuard::kSecondTransaction>},
    ProtocolChoice{"range_durability",
                   "after_submit",
                   Soundness::kFaithful,
                   "JobGenerator.generateJobs: submitJobSet, then DoCheckpoint",
                   &set<&Protocol::range_durability, RangeDurability::kAfterSubmit>},
    ProtocolChoice{"range_durability",
                   "before_submit",
                   Soundness::kSound,
                   "write-ahead: the range is durable before its output can be",
                   &set<&Protocol::range_durability, RangeDurability::kBeforeSubmit>},
    ProtocolChoice{"restart_position",
                   "checkpoint",
                   Soundness::kFaithful,
                   "DirectKafkaInputDStream.currentOffsets",
                   &set<&Protocol::restart_position, RestartPosition::kCheckpoint>},
    ProtocolChoice{"restart_position",
                   "offset_store",
                   Soundness::kMistake,
                   "two stores of one truth",
                   &set<&Protocol::restart_position, RestartPosition::kOffsetStore>},
    ProtocolChoice{"failed_batch",
                   "keep_pending",
                   Soundness::kFaithful,
                   "JobScheduler.handleJobCompletion",
                   &set<&Protocol::failed_batch, FailedBatch::kKeepPending>},
    ProtocolChoice{"failed_batch",
                   "forget",
                   Soundness::kMistake,
                   "SPARK-18905",
                   &set<&Protocol::failed_batch, FailedBatch::kForget>},
    ProtocolChoice{"reschedule",
                   "before_restart",
                   Soundness::kFaithful,
                   "JobGenerator.restart",
                   &set<&Protocol::reschedule, Reschedule::kBeforeRestart>},
    ProtocolChoice{"reschedule",
                   "without_distinct",
                   Soundness::kMistake,
                   "the class of SPARK-12122",
                   &set<&Protocol::reschedule, Reschedule::kWithoutDistinct>},
    ProtocolChoice{"checkpoint_publish",
                   "rename",
                   Soundness::kFaithful,
                   "Checkpoint.scala, CheckpointWriter",
                   &set<&Protocol::checkpoint_publish, CheckpointPublish::kRename>},
    ProtocolChoice{"checkpoint_publish",
                   "in_place",
                   Soundness::kMistake,
                   "the class of SPARK-23966",
                   &set<&Protocol::checkpoint_publish, CheckpointPublish::kInPlace>},
};

}  // namespace

std::span<const ProtocolChoice> all_protocol_choices() {
  return kChoices;
}

}  // namespace engine
