#include "tests/support/slurm_cluster.h"

#include <array>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <climits>
#include <fmt/format.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tests {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 6> kPrograms{
    "munged", "slurmctld", "slurmd", "sbatch", "sinfo", "squeue"};

// Nobody listens there now.
int free_port() {
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = static_cast<sockaddr*>(static_cast<void*>(&address));
  if (bind(server, any, size) != 0 || getsockname(server, any, &size) != 0) {
    throw std::runtime_error("no free port on the loopback interface");
  }
  close(server);
  return ntohs(address.sin_port);
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  gethostname(name.data(), name.size());
  const std::string whole = name.data();
  return whole.substr(0, whole.find('.'));
}

std::string user_name() {
  const passwd* const user = getpwuid(getuid());
  return user == nullptr ? std::to_string(getuid()) : user->pw_name;
}

std::string random_key() {
  constexpr std::size_t kKeyBytes = 128;
  std::string key(kKeyBytes, '\0');
  if (getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    throw std::runtime_error("no random bytes");
  }
  return key;
}

}  // namespace

std::vector<std::string> SlurmCluster::missing_programs() {
  std::vector<std::string> missing;
  for (const char* const program : kPrograms) {
    if (find_program(program).empty()) {
      missing.emplace_back(program);
    }
  }
  return missing;
}

SlurmCluster::SlurmCluster() {
  try {
    begin();
  } catch (...) {
    end();
    throw;
  }
}

SlurmCluster::~SlurmCluster() {
  end();
}

void SlurmCluster::begin() {
  write_configuration();
  munged_ = start("munged",
                  {"--foreground",
                   "--key-file=" + folder_.file("munge.key"),
                   "--socket=" + folder_.file("munge.socket"),
                   "--pid-file=" + folder_.file("munged.pid"),
                   "--log-file=" + folder_.file("munged.log"),
                   "--seed-file=" + folder_.file("munge.seed")});
  await("munged has no socket", &SlurmCluster::is_munge_up);
  const std::string configuration = folder_.file("slurm.conf");
  slurmctld_ = start("slurmctld", {"-D", "-f", configuration});
  slurmd_ = start("slurmd", {"-D", "-f", configuration});
  await("the node of Slurm is not idle", &SlurmCluster::is_node_idle);
}

void SlurmCluster::end() {
  for (auto* const daemon : {&slurmd_, &slurmctld_, &munged_}) {
    if (*daemon) {
      (*daemon)->send(SIGTERM);
      (*daemon)->wait();
      daemon->reset();
    }
  }
}

Ended SlurmCluster::run(const std::string& program,
                        const std::vector<std::string>& arguments,
                        const fs::path& folder,
                        std::map<std::string, std::string> environment) const {
  environment["SLURM_CONF"] = folder_.file("slurm.conf");
  return tests::run({.program = find_program(program),
                     .arguments = arguments,
                     .folder = folder,
                     .environment = std::move(environment),
                     .stdout_to = {},
                     .stderr_to = {},
                     .stdout_reader_is_gone = false,
                     .file_bytes_max = {}});
}

// munged wants a key that nobody else can read, and a socket that everybody can reach.
void SlurmCluster::write_configuration() const {
  fs::create_directories(folder_.path() / "state");
  fs::create_directories(folder_.path() / "spool");
  fs::permissions(folder_.path(),
                  fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  write_file(folder_.path() / "munge.key", random_key());
  fs::permissions(folder_.path() / "munge.key", fs::perms::owner_read | fs::perms::owner_write);
  write_file(folder_.path() / "slurm.conf",
             fmt::format("ClusterName=onceproof\n"
                         "SlurmctldHost={host}(127.0.0.1)\n"
                         "SlurmctldPort={controller_port}\n"
                         "SlurmdPort={node_port}\n"
                         "SlurmUser={user}\n"
                         "SlurmdUser={user}\n"
                         "AuthInfo=socket={folder}/munge.socket\n"
                         "StateSaveLocation={folder}/state\n"
                         "SlurmdSpoolDir={folder}/spool\n"
                         "SlurmctldPidFile={folder}/slurmctld.pid\n"
                         "SlurmdPidFile={folder}/slurmd.pid\n"
                         "ProctrackType=proctrack/linuxproc\n"
                         "TaskPlugin=task/none\n"
                         "SelectType=select/cons_tres\n"
                         "SelectTypeParameters=CR_CPU\n"
                         "MpiDefault=none\n"
                         "SlurmdParameters=config_overrides\n"
                         "SchedulerParameters=batch_sched_delay=0,sched_interval=1\n"
                         "NodeName={host} NodeAddr=127.0.0.1 CPUs=2\n"
                         "PartitionName=main Nodes={host} Default=YES\n",
                         fmt::arg("host", host_name()),
                         fmt::arg("controller_port", free_port()),
                         fmt::arg("node_port", free_port()),
                         fmt::arg("user", user_name()),
                         fmt::arg("folder", folder_.path().string())));
}

std::unique_ptr<ChildProcess> SlurmCluster::start(const std::string& program,
                                                  std::vector<std::string> arguments) const {
  const std::string log = folder_.file(program + ".err");
  return std::make_unique<ChildProcess>(Command{.program = find_program(program),
                                                .arguments = std::move(arguments),
                                                .folder = folder_.path(),
                                                .environment = {},
                                                .stdout_to = log,
                                                .stderr_to = log,
                                                .stdout_reader_is_gone = false,
                                                .file_bytes_max = {}});
}

// Daemons say nowhere that they are ready; so they are asked until they are.
void SlurmCluster::await(const std::string& what, bool (SlurmCluster::*holds)() const) const {
  constexpr auto kPause = std::chrono::milliseconds(100);
  constexpr int kLooksMax = 300;
  for (int look = 0; look < kLooksMax; ++look) {
    if ((this->*holds)()) {
      return;
    }
    std::this_thread::sleep_for(kPause);
  }
  std::string logs;
  for (const char* const daemon : {"munged", "slurmctld", "slurmd"}) {
    logs += read_file(folder_.path() / fmt::format("{}.err", daemon));
  }
  throw std::runtime_error(what + ":\n" + logs);
}

bool SlurmCluster::is_munge_up() const {
  return fs::exists(folder_.path() / "munge.socket");
}

bool SlurmCluster::is_node_idle() const {
  const Ended asked = run("sinfo", {"--noheader", "--format=%t"}, folder_.path());
  return asked.status == 0 && asked.out == "idle\n";
}

}  // namespace tests
