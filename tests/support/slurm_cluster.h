// tests/support/slurm_cluster.h
//
// A real Slurm of one node on the loopback interface: munged, slurmctld and slurmd, as the user of
// the test, with key, ports, configuration and state of their own. It touches no other Slurm of the
// machine.
//
// Lifetime  ends what it started, by its id.

#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

namespace tests {

class SlurmCluster {
 public:
  // Programs that are needed and not installed.
  static std::vector<std::string> missing_programs();

  // Returns when the node takes jobs.
  // Requires  missing_programs() is empty.
  // Throws    std::runtime_error: it did not come up; says what its logs say.
  SlurmCluster();
  SlurmCluster(const SlurmCluster&) = delete;
  SlurmCluster& operator=(const SlurmCluster&) = delete;
  ~SlurmCluster();

  // A program of Slurm's user: sbatch, squeue, ...
  [[nodiscard]] Ended run(const std::string& program,
                          const std::vector<std::string>& arguments,
                          const std::filesystem::path& folder,
                          std::map<std::string, std::string> environment = {}) const;

 private:
  void begin();
  void end();
  void write_configuration() const;
  std::unique_ptr<ChildProcess> start(const std::string& program,
                                      std::vector<std::string> arguments) const;
  void await(const std::string& what, bool (SlurmCluster::*holds)() const) const;
  [[nodiscard]] bool is_munge_up() const;
  [[nodiscard]] bool is_node_idle() const;

  TemporaryFolder folder_;
  std::unique_ptr<ChildProcess> munged_;
  std::unique_ptr<ChildProcess> slurmctld_;
  std::unique_ptr<ChildProcess> slurmd_;
};

}  // namespace tests
