#include "reports/metrics.h"

#include <array>

namespace reports {
namespace {

template <std::int64_t Metrics::*kField>
std::int64_t field(const Metrics& metrics) {
  return metrics.*kField;
}

constexpr std::array kMetrics{
    NamedMetric{"peak_task_bytes", field<&Metrics::peak_task_bytes>},
    NamedMetric{"checkpoint_bytes_max", field<&Metrics::checkpoint_bytes_max>},
    NamedMetric{"checkpoint_files", field<&Metrics::checkpoint_files>},
    NamedMetric{"input_bytes", field<&Metrics::input_bytes>},
    NamedMetric{"batch_records_max", field<&Metrics::batch_records_max>},
    NamedMetric{"partition_records_max", field<&Metrics::partition_records_max>},
    NamedMetric{"driver_starts", field<&Metrics::driver_starts>},
    NamedMetric{"received_bytes", field<&Metrics::received_bytes>},
    NamedMetric{"block_bytes", field<&Metrics::block_bytes>},
    NamedMetric{"replica_bytes", field<&Metrics::replica_bytes>},
    NamedMetric{"data_log_bytes", field<&Metrics::data_log_bytes>},
    NamedMetric{"driver_log_bytes", field<&Metrics::driver_log_bytes>},
    NamedMetric{"peak_block_bytes", field<&Metrics::peak_block_bytes>},
    NamedMetric{"peak_executor_bytes", field<&Metrics::peak_executor_bytes>},
    NamedMetric{"stored_bytes", [](const Metrics& metrics) { return metrics.stored_bytes(); }},
};

}  // namespace

std::span<const NamedMetric> all_metrics() {
  return kMetrics;
}

}  // namespace reports
